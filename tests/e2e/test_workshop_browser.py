"""Contrôle du lot and Atelier d'agrafage in a real browser, with the keyboard."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect
from sqlalchemy import select

from core.db.tables import Repair, ScanFile
from tests.e2e import scan_scene
from tests.e2e.scan_scene import LOGIN, ScanScene
from tests.e2e.servers import serving
from tests.integration.classes import draw_few
from tests.security.rights_scene import connect
from workbench.demo.draw import DrawnScan

SENTENCE = "[data-part='sentence']"
CURSOR = ".list .cursor"
SHADOW = (
    "[...document.querySelectorAll('*')].map((e) => e.shadowRoot).find((s) => s?.querySelector('.workshop'))"
)
"""The component's own document."""


@dataclass(frozen=True)
class Office:
    """The secretary at their browser, in front of a scene."""

    scene: ScanScene
    page: Page
    url: str

    def open(self, name: str) -> None:
        """Go to one of the two pages and wait for its first sheets."""
        self.page.goto(f"{self.url}/{name}")
        expect(self.page.locator(CURSOR)).to_be_visible()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def told(self, words: str) -> None:
        """Wait for the sentence that says what was done: it comes with the server's answer."""
        expect(self.page.locator("[data-part='message']")).to_contain_text(words)

    def page_of(self, sheet: int, page: str) -> Locator:
        """The thumbnail of a half-page."""
        half = next(half for half in self.scene.halves(sheet) if half.page == page)
        return self.page.locator(f".list [data-half='{half.id}']")

    def booklets(self) -> list[Sequence[str]]:
        """What the ledger that people download says of each booklet: « image half » in order."""
        answer = self.page.context.request.get(f"{self.url}/files/ledger/{self.scene.paper_id}.csv")
        assert answer.status == 200
        found: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for row in csv.DictReader(io.StringIO(answer.text())):
            if row["booklet"]:
                found[row["booklet"]].append((int(row["position"]), f"{int(row['image']):02} {row['half']}"))
        return sorted([name for _, name in sorted(pages)] for pages in found.values())


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> DrawnScan:
    return draw_few(tmp_path_factory.mktemp("drawn"), pupils=3)


@pytest.fixture(scope="module")
def taken_in(tmp_path_factory: pytest.TempPathFactory, drawn: DrawnScan) -> Iterator[tuple[ScanScene, str]]:
    """A scan that was taken in, and where it is served; each test leaves its pages where they were."""
    scene = scan_scene.build(tmp_path_factory.mktemp("scanned") / "home", drawn)
    with serving(scene.home) as application:
        yield scene, application.url


@pytest.fixture
def here(taken_in: tuple[ScanScene, str], context: BrowserContext) -> Office:
    return seated(*taken_in, context)


def seated(scene: ScanScene, url: str, context: BrowserContext) -> Office:
    token, _ = connect(scene.sessions, LOGIN)
    context.add_cookies([{"name": "korrigo", "value": token, "url": url}])
    return Office(scene, context.new_page(), url)


def test_a_lot_is_controlled_from_its_doubts_to_its_validation_with_the_keyboard_alone(here: Office) -> None:
    here.scene.doubt(2, "blurred")
    here.scene.doubt(3, "sheet_misfiled")
    here.open("lot_control")
    expect(here.page.locator(SENTENCE)).to_contain_text("Lot salle 204")
    expect(here.page.locator(SENTENCE)).to_contain_text("8 à regarder")

    here.press("End", "Enter")  # on the last with doubts left: it asks first
    expect(
        here.page.get_by_text("2 feuilles restent à regarder. Valider le lot quand même ?")
    ).to_be_visible()
    here.press("Enter", "Space")
    here.told("vue")
    here.press("Space")
    expect(here.page.locator(SENTENCE)).not_to_contain_text("à regarder")
    expect(here.page.locator("[data-part='saved']")).to_contain_text("enregistré")
    here.press("Enter")

    expect(here.page.get_by_role("button", name="Lot contrôlé")).to_be_visible()
    with here.scene.sessions() as session:
        assert session.scalars(select(ScanFile.checked_at)).one() is not None
    here.press("Enter")  # « Identifier les copies » has the focus
    expect(here.page.get_by_role("heading", name="Identifier une à une")).to_be_visible()


def test_what_is_cut_joined_and_moved_is_so_in_the_ledger_and_undoing_leaves_it_as_it_was(
    here: Office,
) -> None:
    here.open("workshop")
    before = here.booklets()
    first, second = before[0], before[1]

    here.page_of(1, "P3").click()
    here.press("c")
    here.told("Livret coupé")
    assert [first[:2], first[2:]] == here.booklets()[:2]

    here.press("j")
    here.told("réunis")
    assert here.booklets() == before

    here.page_of(1, "P2").click()
    here.press("m", "ArrowDown", "ArrowRight", "Enter")  # behind the first page of the booklet below
    here.told("Page déplacée")
    moved = here.booklets()
    assert moved[0] == [first[0], *first[2:]]
    assert [second[0], first[1], *second[1:]] in moved

    here.press("r")
    here.told("Image tournée")
    expect(here.page.get_by_role("dialog")).to_have_count(0)  # neither C nor R woke Streamlit

    here.page.get_by_role("button", name="Réparations").click()
    undone = here.page.locator(".history .undone")
    known = undone.count()
    for done in range(1, 5):
        here.press("Control+z")
        expect(undone).to_have_count(known + done)
    assert here.booklets() == before
    here.page.reload()
    here.page.get_by_role("button", name="Réparations").click()
    expect(undone).to_have_count(known + 4)


def test_a_page_set_aside_says_why_and_comes_back_to_its_place(here: Office) -> None:
    here.open("workshop")
    before = here.booklets()

    here.page_of(1, "P2").click()
    here.press("b")
    expect(here.page.get_by_text("Mettre cette page de côté. Pour quelle raison ?")).to_be_visible()
    here.press("4")
    here.told("Page mise de côté : brouillon.")
    assert len(here.booklets()[0]) == len(before[0]) - 1
    with here.scene.sessions() as session:
        assert session.scalars(select(Repair.reason).where(Repair.kind == "set_aside")).one() == "brouillon"

    here.page.locator("[data-filter='aside']").click()
    here.page_of(1, "P2").click()
    here.press("p")
    here.told("Page remise.")
    assert here.booklets() == before


def test_of_340_sheets_only_those_near_the_window_are_in_the_page(
    tmp_path: Path, drawn: DrawnScan, context: BrowserContext
) -> None:
    scene = scan_scene.build_large(tmp_path / "home", drawn, sheets=340)
    with serving(scene.home) as application:
        here = seated(scene, application.url, context)
        answer = context.request.get(f"{here.url}/scans/{scene.paper_id}/workshop.json")
        assert len(answer.body()) < 300_000
        here.open("workshop")

        for key in ("Home", "End"):
            here.press(key)
            expect(here.page.locator(CURSOR)).to_be_in_viewport()
            assert here.page.evaluate(f"({SHADOW}).querySelectorAll('*').length") < 900
        expect(here.page.locator(".list .row.on")).to_contain_text("Feuille 340")


def test_the_atelier_opens_at_the_sheet_that_the_control_showed(here: Office) -> None:
    here.scene.doubt(3, "blurred")
    here.open("lot_control")
    here.press("a")

    expect(here.page.get_by_role("heading", name="Atelier d'agrafage")).to_be_visible()
    expect(here.page.locator(".list .page.selected")).to_have_count(4)
    assert here.page.locator(CURSOR).get_attribute("data-half") in {
        str(half.id) for half in here.scene.halves(3)
    }


def test_without_a_sheet_both_pages_say_where_scans_come_in(
    tmp_path: Path, drawn: DrawnScan, context: BrowserContext
) -> None:
    scene = scan_scene.build_large(tmp_path / "home", drawn, sheets=0)
    with serving(scene.home) as application:
        here = seated(scene, application.url, context)
        for name in ("lot_control", "workshop"):
            here.page.goto(f"{here.url}/{name}")
            expect(here.page.get_by_text("Aucune feuille pour cette épreuve.")).to_be_visible()

            here.page.get_by_role("button", name="Déposer des scans").click()

            expect(here.page.get_by_role("heading", name="Scans")).to_be_visible()
