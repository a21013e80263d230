"""Signing in and out in a real browser: the switch of portals, unsent work, a copied cookie."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.servers import Application, serving

PASSWORD = "une phrase assez longue"
CHANGED = "une autre phrase assez longue"


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    with serving(Path(tmp_path_factory.mktemp("home"))) as running:
        running.korrigo(
            *("account", "add", "martin", "--role", "secretariat", "--role", "corrector", "--password-stdin"),
            stdin=PASSWORD,
        )
        yield running


def signed_in(page: Page, application: Application, password: str) -> None:
    page.goto(application.url)
    page.get_by_label("Identifiant").fill("martin")
    page.get_by_label("Mot de passe", exact=True).fill(password)
    page.get_by_role("button", name="Se connecter").click()


def at_rest(page: Page) -> None:
    """Wait until the page's script has ended."""
    page.wait_for_selector("[data-testid='stApp'][data-test-script-state='notRunning']")


def test_from_the_first_password_to_a_copied_cookie_after_the_sign_out(
    page: Page, context: BrowserContext, browser: Browser, application: Application
) -> None:
    signed_in(page, application, PASSWORD)
    page.get_by_label("Mot de passe remis").fill(PASSWORD)
    page.get_by_label("Nouveau mot de passe").fill(CHANGED)
    page.get_by_label("Le même, encore une fois").fill(CHANGED)
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.get_by_role("heading", name="Accueil")).to_be_visible()

    # The switch is met by the keyboard and says which portal is on; a reload keeps it.
    expect(page.get_by_role("radio", name="Administration")).to_be_checked()
    at_rest(page)
    page.get_by_role("radio", name="Correction").focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("link", name="Mes copies à corriger").first).to_be_visible()
    page.reload()
    expect(page.get_by_role("radio", name="Correction")).to_be_checked()
    at_rest(page)

    # What was not sent is told, and stays; the cookie that was copied opens nothing afterwards.
    kept = [cookie for cookie in context.cookies() if cookie["name"].startswith("korrigo")]
    page.evaluate("localStorage.setItem('korrigo:23-456D', '[{}, {}, {}]')")
    page.get_by_role("button", name="Se déconnecter").click()
    expect(page.get_by_text("3 actions de correction ne sont pas encore envoyées.")).to_be_visible()
    page.keyboard.press("Escape")
    page.evaluate("localStorage.setItem('korrigo:23-456D', '[]')")
    page.get_by_role("button", name="Se déconnecter").first.click()
    expect(page.get_by_label("Identifiant")).to_be_visible()
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('korrigo:'))") == []
    route = {cookie["name"]: cookie["value"] for cookie in context.cookies()}["korrigo_route"]
    assert route == {cookie["name"]: cookie["value"] for cookie in kept}["korrigo_route"]

    with browser.new_context() as thief:
        thief.add_cookies(kept)  # type: ignore[arg-type]  # what cookies() gives is what add_cookies() takes
        stolen = thief.new_page()
        stolen.goto(f"{application.url}/my_copies")
        expect(stolen.get_by_label("Identifiant")).to_be_visible(timeout=20_000)


def test_a_disabled_person_s_next_click_shows_the_sentence_and_does_nothing(
    page: Page, application: Application
) -> None:
    application.korrigo("account", "reset", "martin", "--password-stdin", stdin=PASSWORD)
    signed_in(page, application, PASSWORD)
    expect(page.get_by_label("Mot de passe remis")).to_be_visible()
    application.korrigo("account", "disable", "martin")

    page.get_by_label("Nouveau mot de passe").fill(CHANGED)
    page.get_by_role("button", name="Enregistrer").click()

    expect(page.get_by_text("Votre connexion est terminée.")).to_be_visible()
    expect(page.get_by_label("Identifiant")).to_be_visible()
