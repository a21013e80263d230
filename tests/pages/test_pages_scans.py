"""Scans, Contrôle du lot, Atelier: what they say before the browser's part begins, and its words."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker
from streamlit.testing.v1 import AppTest

from core.db.tables import ScanFile
from core.domain.access import Role
from core.domain.copies import CopyStatus
from core.domain.entries import Place
from core.domain.loose import LooseReason
from core.services import repairs
from tests.integration.builders import STAFF, build_exam
from tests.pages.papers import html, opened
from workbench import resources
from workbench.components.workshop.words import words

Be = Callable[..., str]
FOLDER = Path(__file__).parents[2] / "workbench" / "components" / "workshop"
SCRIPTS = {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.js")}


def to_be_checked(database: sessionmaker[Session]) -> int:
    """A paper whose one lot nobody has looked at yet."""
    paper_id = build_exam(database, resources.blobs(), correctors=()).paper_id
    with database.begin() as session:
        session.execute(update(ScanFile).values(checked_at=None, checked_by=None))
    return paper_id


def links(app: AppTest) -> dict[str, str]:
    return {part.proto.label: part.proto.query_string for part in app.get("page_link")}


# --- pages


@pytest.mark.parametrize("role", [Role.SECRETARIAT, Role.ADMIN])
@pytest.mark.parametrize(("name", "heading"), [("lot_control", "Contrôle du lot"), ("workshop", "Atelier")])
def test_the_two_pages_are_drawn_for_the_office(
    app: AppTest, be: Be, database: sessionmaker[Session], role: Role, name: str, heading: str
) -> None:
    be(role)
    to_be_checked(database)

    assert f"<h1>{heading}" in html(opened(app, name))


def test_scans_lead_to_the_control_of_each_lot_and_to_identification_only_afterwards(
    app: AppTest, be: Be, database: sessionmaker[Session]
) -> None:
    be(Role.SECRETARIAT)
    paper_id = to_be_checked(database)

    before = opened(app, "scans")

    assert "à contrôler" in html(before)
    assert links(before)["Contrôler ce lot"] == "lot=1"
    assert "Identifier les copies" not in links(before)

    repairs.check(database, STAFF, paper_id=paper_id, lots=[1])
    after = opened(app, "scans")

    assert "contrôlé" in html(after)
    assert "Contrôler ce lot" not in links(after)


@pytest.mark.parametrize("checked", [False, True])
def test_the_home_page_says_how_many_lots_wait(
    app: AppTest, be: Be, database: sessionmaker[Session], checked: bool
) -> None:
    be(Role.SECRETARIAT)
    paper_id = to_be_checked(database)
    if checked:
        repairs.check(database, STAFF, paper_id=paper_id, lots=[1])

    page = app.run()

    assert not page.exception
    assert ("1 lot attend son contrôle" in html(page)) is not checked


# --- words of the browser's part


def test_every_word_the_browser_asks_for_is_there() -> None:
    known = words()
    asked = {
        name
        for script in SCRIPTS.values()
        for name in re.findall(r"(?<![.\w])(?:this\.)?words\.(\w+)", script)
    }
    asked |= {name for script in SCRIPTS.values() for name in re.findall(r"this\.desk\.words\.(\w+)", script)}

    assert asked - {"reasons", "places"} <= set(known)
    for group in ("done", "keys", "groups", "filter", "levels"):
        found = {
            name for script in SCRIPTS.values() for name in re.findall(rf"words\.{group}\.(\w+)", script)
        }
        assert found <= set(known[group]), group


def test_places_statuses_of_copies_and_reasons_of_suggestions_all_have_words() -> None:
    known: dict[str, Any] = words()

    assert set(known["suggestions"]) == set(get_args(LooseReason))
    assert set(known["place_sums"]) == set(Place)
    assert set(known["copy"]) == set(CopyStatus)


def test_each_button_of_the_bar_has_its_command() -> None:
    for mode in ("control", "workshop"):
        script = SCRIPTS[mode]
        for _sign, _label, press in words()["bar"][mode]:
            assert re.search(rf'(?:^|[{{\s"]){re.escape(press)}"?: \(', script), (mode, press)


def test_no_french_stands_in_the_scripts() -> None:
    for name, script in SCRIPTS.items():
        code = re.sub(r"^\s*//.*$|\s//\s.*$", "", script, flags=re.MULTILINE)
        assert not re.search(r"[éèêàâçùûîôÉÀ]", code), name
