"""A real browser: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from tests.security.served import served

__all__ = ["served"]  # a fixture

PATIENCE_MS = 20_000  # two test processes share two cores with the application

# Nothing is fetched or reported in the background; no sandbox, because tests may run as root.
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Headless Chromium, one per test process."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.fail("Chromium is not installed: run `make install-test`", pytrace=False)
    expect.set_options(timeout=PATIENCE_MS)
    with playwright.chromium.launch(
        executable_path=chromium, headless=True, args=CHROMIUM_OPTIONS
    ) as running:
        yield running


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A visitor without a past, French, on the smallest screen that everything must work on."""
    with browser.new_context(
        locale="fr-FR", timezone_id="Europe/Paris", viewport={"width": 1280, "height": 720}
    ) as visitor:
        visitor.set_default_timeout(PATIENCE_MS)
        yield visitor


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A blank tab."""
    return context.new_page()
