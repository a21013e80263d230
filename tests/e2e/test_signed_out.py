"""Every address that the application ever shows to anybody, asked for again by nobody."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

import httpx2
import pytest
from playwright.sync_api import Browser, Page

from core.domain.access import Role
from tests.security.rights_scene import login_of
from tests.security.served import Served
from workbench.cookie import COOKIE
from workbench.navigation import PAGES

pytestmark = pytest.mark.timeout(600)

STEADY = "[data-testid='stApp'][data-test-script-state='notRunning']"
QUERIES = {"marking": "open", "my_copy": "published"}

VALUES = """elements => elements.flatMap((element) =>
    ['href', 'src', 'data', 'action'].map((name) => element.getAttribute(name)).filter(Boolean))"""

FILES = ("/files/", "/identification/", "/marking/", "/scans/", "/media/", "/_stcore/upload_file")
"""Where what is kept goes out or comes in."""


@dataclass
class Crawl:
    """The addresses met by each role."""

    base: str
    met: dict[Role, set[str]] = field(default_factory=lambda: {role: set() for role in Role})

    @property
    def addresses(self) -> set[str]:
        """All of them."""
        return set().union(*self.met.values())

    def meet(self, role: Role, address: str) -> None:
        """Remember an address of the application, as its server is asked for it."""
        whole = urljoin(self.base + "/", address)
        parts = urlsplit(whole)
        if f"{parts.scheme}://{parts.netloc}" == self.base:
            self.met[role].add(parts.path + (f"?{parts.query}" if parts.query else ""))

    def visit(self, role: Role, page: Page, address: str) -> None:
        """Open a page and keep what it asks for and what it links to, shadow trees included."""
        page.goto(self.base + address)
        page.wait_for_selector(STEADY)
        page.wait_for_load_state("networkidle")
        for value in page.locator("[href], [src], [data], [action]").evaluate_all(VALUES):
            self.meet(role, value)


@pytest.fixture(scope="module")
def crawled(served: Served, browser: Browser) -> Crawl:
    """Each role opens each of its pages in a browser."""
    crawl = Crawl(served.application.url)
    for role in Role:
        with browser.new_context(locale="fr-FR") as context:
            cookie = {"name": COOKIE, "value": served.cookie(login_of(role, related=True)), "url": crawl.base}
            context.add_cookies([cookie])
            page = context.new_page()
            page.on("request", lambda request, role=role: crawl.meet(role, request.url))
            for row in PAGES:
                if role in row.roles and row.path.exists():
                    stage = QUERIES.get(row.name)
                    query = f"?copie={getattr(served.scene, stage)}" if stage else ""
                    crawl.visit(role, page, f"/{row.name}{query}")
    return crawl


def test_the_crawl_meets_pages_pictures_and_documents(crawled: Crawl) -> None:
    """Else the test below would be about nothing."""
    kinds = ("/files/copies/", "/files/mine/", "/static/", "/accounts", "/publication")

    assert [kind for kind in kinds if not any(path.startswith(kind) for path in crawled.addresses)] == []


def test_signed_out_every_address_gives_the_sign_in_page_a_public_file_or_nothing(
    served: Served, crawled: Crawl
) -> None:
    shell = httpx2.get(served.application.url + "/").content
    given: dict[str, str] = {}
    for address in sorted(crawled.addresses):
        answer = httpx2.get(served.application.url + address)
        if not _is_harmless(address, answer, shell):
            given[address] = f"{answer.status_code} {answer.content[:80]!r}"
        for secret in served.secrets():
            assert secret.encode() not in answer.content, address

    assert given == {}


def test_signed_out_no_address_of_the_store_answers_with_a_file(served: Served, crawled: Crawl) -> None:
    kept = [address for address in crawled.addresses if address.startswith(FILES)]

    assert kept
    for address in kept:
        assert httpx2.get(served.application.url + address).status_code in (401, 404, 405), address


def test_what_a_corrector_is_shown_is_addressed_by_codes_and_page_numbers_alone(
    served: Served, crawled: Crawl
) -> None:
    """No number of a row, which follows the order of the scan, and no hash of a file."""
    kept = {
        address
        for address in crawled.met[Role.CORRECTOR]
        if address.startswith(FILES) and "/_stcore/" not in address  # asked for below each page's address
    }
    code = re.escape(served.scene.open)

    assert kept
    for address in kept:
        assert re.fullmatch(
            rf"/files/copies/{code}/(pages/[1-4]\.jpg(\?(width|set)=\d+)?|marked\.pdf)|/marking/{code}",
            address,
        ), address


def _is_harmless(address: str, answer: httpx2.Response, shell: bytes) -> bool:
    """Refused; or the empty shell of Streamlit, the same at each page; or one of its own files."""
    if answer.status_code in (400, 401, 403, 404, 405, 426):
        return True
    path = urlsplit(address).path
    if answer.content == shell:
        return not path.startswith(FILES)
    return bool(
        re.match(r"/(static/|vendor/|favicon|manifest|_stcore/(health|host-config)|api/health/)", path)
    )
