"""Lots: the envelope against what was found, the place of a copy on paper, the queue of loose sheets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from core.db.tables import Booklet, Copy, HalfPage, JournalEntry, Lot, ScanFile, ScanImage
from core.domain.access import Role
from core.domain.entries import DecisionKind
from core.errors import BadInput, NotAllowed, NotFound
from core.services import identification, lots, workshop
from core.storage.blobs import BlobStore
from tests.integration.builders import STAFF, Exam, build_exam
from workbench.workshop_words import difference_words, on_paper_words, ranges

Sessions = sessionmaker[Session]


@pytest.fixture
def exam(sessions: Sessions, tmp_path: Path) -> Exam:
    """Two copies of one sheet each, in one lot."""
    return build_exam(sessions, BlobStore(tmp_path / "blobs"), copies=2)


def envelope(sessions: Sessions, exam: Exam, copies: int | None, sheets: int | None) -> list[str]:
    """What is said once the envelope's counts are written."""
    (lot,) = lots.lots(sessions, STAFF, paper_id=exam.paper_id)
    view = lots.set_lot(
        sessions,
        STAFF,
        paper_id=exam.paper_id,
        lot_id=lot.lot_id,
        label="salle 204",
        stated_copies=copies,
        stated_sheets=sheets,
    )
    return [difference_words(difference) for difference in view.differences]


def loosen(sessions: Sessions) -> list[int]:
    """Take the second sheet out of its copy: it waits."""
    with sessions.begin() as session:
        booklet = session.scalars(select(Booklet).order_by(Booklet.id.desc())).first()
        assert booklet is not None
        halves = session.scalars(select(HalfPage).where(HalfPage.booklet_id == booklet.id)).all()
        for half in halves:
            half.place, half.booklet_id, half.position = "loose", None, None
            half.reason = "loose_leaf"
        session.flush()
        booklet.copy_id, booklet.dissolved = None, True
        return [half.id for half in halves]


def test_what_is_found_is_compared_with_the_envelope(sessions: Sessions, exam: Exam) -> None:
    assert envelope(sessions, exam, None, None) == []
    assert envelope(sessions, exam, 2, 2) == []
    assert envelope(sessions, exam, 3, 4) == [
        "4 feuilles écrites sur l'enveloppe, 2 dans le scan : il en manque 2.",
        "3 copies écrites sur l'enveloppe, 2 dans le scan : il en manque 1.",
    ]
    assert envelope(sessions, exam, 2, 1) == ["1 feuille écrite sur l'enveloppe, 2 dans le scan : 1 de trop."]


def test_booklets_more_than_copies_say_nothing_until_all_of_them_are_decided(
    sessions: Sessions, exam: Exam
) -> None:
    assert envelope(sessions, exam, 1, None) == [], "two booklets may still be one copy"

    with sessions() as session:
        owners = session.execute(
            select(Booklet.id, Copy.candidate_id).join(Copy, Copy.id == Booklet.copy_id)
        ).all()
    for booklet, candidate in owners:
        identification.decide(
            sessions,
            STAFF,
            booklet_id=booklet,
            kind=DecisionKind.CANDIDATE,
            candidate_id=candidate,
            expected_decision_id=None,
        )
    assert envelope(sessions, exam, 1, None) == [
        "1 copie écrite sur l'enveloppe, 2 dans le scan : 1 de trop."
    ]


def test_what_is_written_on_an_envelope_is_journalled_once(sessions: Sessions, exam: Exam) -> None:
    envelope(sessions, exam, 2, 2)
    envelope(sessions, exam, 2, 2)

    with sessions() as session:
        kinds = session.scalars(select(JournalEntry.object_kind).where(JournalEntry.action == "repair"))
        assert kinds.all() == ["lot"]


def test_an_absurd_count_another_paper_and_other_people_are_refused(sessions: Sessions, exam: Exam) -> None:
    (lot,) = lots.lots(sessions, STAFF, paper_id=exam.paper_id)
    values: dict[str, Any] = {"lot_id": lot.lot_id, "label": "", "stated_copies": None, "stated_sheets": None}

    with pytest.raises(BadInput, match="lot_count"):
        lots.set_lot(sessions, STAFF, **{**values, "stated_copies": -1})
    with pytest.raises(NotFound):
        lots.set_lot(sessions, STAFF, **values, paper_id=99)
    with pytest.raises(NotAllowed):
        lots.set_lot(sessions, exam.actor("martin", Role.CORRECTOR), **values)


def test_a_copy_keeps_its_place_on_paper_and_ranks_go_on_from_file_to_file(
    sessions: Sessions, exam: Exam
) -> None:
    envelope(sessions, exam, None, None)
    with sessions.begin() as session:
        lot = session.scalars(select(Lot)).one()
        file = ScanFile(
            paper_id=exam.paper_id,
            lot_id=lot.id,
            sha256="0" * 64,
            name="suite.pdf",
            kind="pdf",
            byte_size=1,
            layout="a4",
        )
        session.add(file)
        session.flush()
        booklet = Booklet(paper_id=exam.paper_id, scan_file_id=file.id, position=0)
        image = ScanImage(
            scan_file_id=file.id,
            index=0,
            width_px=10,
            height_px=10,
            dpi=100,
            codec="jpeg",
            sheet=1,
            side="single",
            cut="whole",
            first_half="full",
        )
        session.add_all([booklet, image])
        session.flush()
        session.add(
            HalfPage(
                scan_image_id=image.id,
                half="full",
                cut="whole",
                page="1",
                box_px=[0, 0, 10, 10],
                place="booklet",
                booklet_id=booklet.id,
                position=1,
            )
        )
        booklet_id = booklet.id

    with sessions() as session:
        copies = session.scalars(select(Copy).order_by(Copy.id)).all()
        places = [lots.place_of_copy(session, copy) for copy in copies]
        third = lots.place_on_paper(session, [booklet_id])[booklet_id]
    assert [on_paper_words(place) for (place,) in places] == ["salle 204, feuille 1", "salle 204, feuille 2"]
    assert on_paper_words(third) == "salle 204, feuille 3"
    desk = identification.desk(sessions, STAFF, paper_id=exam.paper_id)
    assert [on_paper_words(task.on_paper) for task in desk.tasks] == [
        "salle 204, feuille 1",
        "salle 204, feuille 2",
    ]


def test_a_loose_sheet_waits_in_a_queue_with_its_neighbours_proposed(sessions: Sessions, exam: Exam) -> None:
    halves = loosen(sessions)

    (sheet,) = lots.loose_sheets(sessions, STAFF, paper_id=exam.paper_id)
    look = workshop.workshop(sessions, STAFF, paper_id=exam.paper_id)

    assert sorted(sheet.half_ids) == sorted(halves)
    assert (sheet.place, sheet.images, sheet.on_paper.sheet) == ("loose", (2, 3), 2)
    assert {line.half for line in look.loose} == set(halves)
    assert all(line.suggestions for line in look.loose)
    (left,) = look.booklets
    assert {line.suggestions[0].booklet for line in look.loose} == {left.id}
    with sessions() as session:
        assert lots.waiting(session, exam.paper_id) == 1


def test_pages_are_said_as_people_write_them() -> None:
    assert ranges([3]) == "3"
    assert ranges([5, 6, 7, 8, 3]) == "3, 5–8"
