"""The corrector's work: claims, marks, remarks, drawings, versions, and marks from a table."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from core.db.tables import Copy, JournalEntry, Marking
from core.db.tables.base import now
from core.domain.copies import CopyStatus
from core.domain.marking import MarkState
from core.errors import BadInput, Conflict, ImpossibleTransition, NotAllowed
from core.services import allocation, copies, marking
from core.services.marking import MarkAction
from core.storage.blobs import BlobStore
from tests.integration.builders import STAFF, Exam, build_exam

Sessions = sessionmaker[Session]


@pytest.fixture
def exam(sessions: Sessions, tmp_path: Path) -> Exam:
    """Two copies, all of them martin's."""
    exam = build_exam(sessions, BlobStore(tmp_path / "blobs"))
    allocation.allocate(sessions, STAFF, paper_id=exam.paper_id, correctors=["martin"], seed=1)
    return exam


def mark(exam: Exam, item: str, points: str, version: int) -> MarkAction:
    return MarkAction("mark", version, item_id=exam.items[item], points=Decimal(points))


def save(sessions: Sessions, exam: Exam, *actions: MarkAction) -> marking.Saved:
    return marking.save_actions(sessions, exam.actor("martin"), code=exam.codes[0], actions=actions)


def view(sessions: Sessions, exam: Exam) -> marking.MarkingView:
    return marking.open_copy(sessions, exam.actor("martin"), code=exam.codes[0])


def status(sessions: Sessions, code: str) -> str | None:
    with sessions.begin() as session:
        return session.scalar(select(Copy.status).where(Copy.code == code))


def take(sessions: Sessions, exam: Exam, table: str) -> marking.MarksImported:
    return marking.import_marks(
        sessions, STAFF, paper_id=exam.paper_id, file_name="notes.csv", content=table.encode()
    )


def test_a_corrector_sees_their_own_copies_and_no_other(sessions: Sessions, exam: Exam) -> None:
    mine = marking.my_copies(sessions, exam.actor("martin"))

    assert sorted(copy.code for copy in mine) == sorted(exam.codes)
    assert [(copy.paper_name, copy.pages, copy.marked_items, copy.items) for copy in mine] == [
        ("Maths J1", 4, 0, 4)
    ] * 2
    assert marking.my_copies(sessions, exam.actor("nguyen")) == []


def test_opening_claims_the_copy_and_shows_nothing_of_the_pupil(sessions: Sessions, exam: Exam) -> None:
    opened = view(sessions, exam)

    assert (opened.status, opened.claimed_by_me) == (CopyStatus.MARKING, True)
    assert (opened.pages, opened.blank_pages) == (4, [3])
    assert [item.code for item in opened.items if item.is_leaf] == ["1.a", "1.b", "2.a", "2.b"]
    assert (opened.total, opened.out_of, opened.remaining) == (Decimal(0), Decimal(20), 4)
    assert "NOM0" not in repr(opened)
    assert "Zoé" not in repr(opened)


def test_a_copy_of_somebody_else_cannot_be_opened_saved_or_surrendered(
    sessions: Sessions, exam: Exam
) -> None:
    stranger = exam.actor("nguyen")

    for attempt in (
        lambda: marking.open_copy(sessions, stranger, code=exam.codes[0]),
        lambda: marking.save_actions(
            sessions, stranger, code=exam.codes[0], actions=[mark(exam, "1.a", "4", 1)]
        ),
        lambda: marking.surrender(sessions, stranger, code=exam.codes[0]),
        lambda: marking.open_copy(sessions, stranger, code="XX-XXXX"),
    ):
        with pytest.raises(NotAllowed):
            attempt()


def test_marks_remarks_and_appreciation_are_kept(sessions: Sessions, exam: Exam) -> None:
    version = view(sessions, exam).version

    saved = save(
        sessions,
        exam,
        mark(exam, "1.a", "3.75", version),
        MarkAction("untreated", version, item_id=exam.items["1.b"]),
        MarkAction("remark", version, item_id=exam.items["1.b"], text="Où est la réponse ?\x00 "),
        MarkAction("appreciation", version, text="Élève sérieux"),
    )

    opened = view(sessions, exam)
    assert opened.marks[exam.items["1.a"]] == marking.MarkView(MarkState.MARKED, Decimal("3.75"))
    assert opened.marks[exam.items["1.b"]] == marking.MarkView(MarkState.UNTREATED, None)
    assert opened.remarks == {exam.items["1.b"]: "Où est la réponse ?"}
    assert opened.appreciation == "Élève sérieux"
    assert (saved.total, saved.remaining, saved.version) == (Decimal("3.75"), 2, opened.version)


def test_a_mark_can_be_cleared_and_is_missing_again(sessions: Sessions, exam: Exam) -> None:
    version = save(sessions, exam, mark(exam, "1.a", "4", 1)).version

    saved = save(sessions, exam, MarkAction("clear", version, item_id=exam.items["1.a"]))

    assert saved.remaining == 4
    assert view(sessions, exam).marks == {}


def test_a_mark_the_scheme_does_not_allow_is_refused_with_its_whole_batch(
    sessions: Sessions, exam: Exam
) -> None:
    for item, points, code in (
        ("1.a", "-0.25", "mark_negative"),
        ("1.a", "4.25", "mark_above_maximum"),
        ("1.a", "1.1", "mark_off_step"),
        ("1.a", "NaN", "mark_not_a_number"),
        ("1", "4", "mark_unknown_item"),
    ):
        with pytest.raises(BadInput, match=code):
            save(sessions, exam, mark(exam, "1.b", "6", 1), mark(exam, item, points, 1))

    assert view(sessions, exam).marks == {}


def test_a_batch_made_on_an_older_version_is_refused(sessions: Sessions, exam: Exam) -> None:
    save(sessions, exam, mark(exam, "1.a", "4", 1))

    with pytest.raises(Conflict) as refused:
        save(sessions, exam, mark(exam, "1.a", "2", 1))

    assert (refused.value.code, refused.value.details) == ("marking_changed", {"version": 2})
    assert view(sessions, exam).marks[exam.items["1.a"]].points == Decimal(4)


def test_a_batch_whose_answer_was_lost_is_answered_again(sessions: Sessions, exam: Exam) -> None:
    batch = (
        mark(exam, "1.a", "4", 1),
        MarkAction("remark", 1, item_id=exam.items["1.a"], text="Bien"),
        MarkAction("annotate", 1, page=1, annotation_kind="tick", shape={"x": 0.5, "y": 0.25}),
    )
    first = save(sessions, exam, *batch)

    again = save(sessions, exam, *batch)

    assert again.version == first.version
    assert len(view(sessions, exam).annotations) == 1


def test_of_simultaneous_savers_exactly_one_wins(sessions: Sessions, exam: Exam) -> None:
    version = view(sessions, exam).version

    def attempt(points: str) -> bool:
        try:
            save(sessions, exam, mark(exam, "1.a", points, version))
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        wins = list(pool.map(attempt, ["1", "2", "3", "4"]))

    assert sum(wins) == 1
    kept = view(sessions, exam).marks[exam.items["1.a"]].points
    assert kept == wins.index(True) + 1


def test_drawings_are_kept_with_their_page_and_can_be_erased(sessions: Sessions, exam: Exam) -> None:
    saved = save(
        sessions,
        exam,
        MarkAction("annotate", 1, page=2, annotation_kind="tick", shape={"x": 0.5, "y": 0.25, "color": "x"}),
        MarkAction("annotate", 1, page=1, annotation_kind="pen", shape={"points": [[0, 0], [1, 0.123456]]}),
    )
    drawn = view(sessions, exam).annotations
    assert [(row.id, row.page, row.kind, row.shape) for row in drawn] == [
        (saved.annotation_ids[0], 2, "tick", {"x": 0.5, "y": 0.25}),
        (saved.annotation_ids[1], 1, "pen", {"points": [[0.0, 0.0], [1.0, 0.1235]]}),
    ]

    save(sessions, exam, MarkAction("erase", saved.version, annotation_id=saved.annotation_ids[0]))

    assert [row.kind for row in view(sessions, exam).annotations] == ["pen"]


def test_a_drawing_off_the_page_or_without_its_shape_is_refused(sessions: Sessions, exam: Exam) -> None:
    for page, kind, shape in (
        (1, "tick", {"x": 1.5, "y": 0.5}),
        (1, "tick", {"x": float("nan"), "y": 0.5}),
        (1, "stamp", {"x": 0.5, "y": 0.5}),
        (1, "box", {"x": 0.5, "y": 0.5}),
        (1, "text", {"x": 0.5, "y": 0.5, "text": " "}),
        (1, "pen", {"points": [[0.5, 0.5]]}),
    ):
        with pytest.raises(BadInput, match="annotation_bad_shape"):
            save(sessions, exam, MarkAction("annotate", 1, page=page, annotation_kind=kind, shape=shape))
    with pytest.raises(BadInput, match="annotation_unknown_page"):
        save(
            sessions, exam, MarkAction("annotate", 1, page=5, annotation_kind="tick", shape={"x": 0, "y": 0})
        )


def test_an_empty_batch_renews_the_claim_and_nothing_else(sessions: Sessions, exam: Exam) -> None:
    version = view(sessions, exam).version
    with sessions.begin() as session:
        for row in session.scalars(select(Marking)):
            row.claimed_until = now() - timedelta(minutes=1)
    version += 1  # the line above moved it

    assert save(sessions, exam).version == version
    with sessions.begin() as session:
        copy = session.scalars(select(Copy).where(Copy.code == exam.codes[0])).one()
        until = session.get_one(Marking, copy.record_marking_id).claimed_until
        assert until is not None
        assert until > now() + timedelta(minutes=14)


def test_surrendering_gives_the_copy_back_and_keeps_its_marks(sessions: Sessions, exam: Exam) -> None:
    view(sessions, exam)
    save(sessions, exam, mark(exam, "1.a", "4", 1))

    for _ in range(2):
        marking.surrender(sessions, exam.actor("martin"), code=exam.codes[0])

    assert status(sessions, exam.codes[0]) == CopyStatus.READY.value
    assert (
        marking.my_copies(sessions, exam.actor("martin"))[0].marked_items
        + marking.my_copies(sessions, exam.actor("martin"))[1].marked_items
        == 1
    )


def test_saving_after_surrender_claims_again(sessions: Sessions, exam: Exam) -> None:
    view(sessions, exam)
    marking.surrender(sessions, exam.actor("martin"), code=exam.codes[0])

    save(sessions, exam, mark(exam, "1.a", "4", 1))

    assert status(sessions, exam.codes[0]) == CopyStatus.MARKING.value


def test_a_finalised_copy_is_shown_but_not_written(sessions: Sessions, exam: Exam) -> None:
    with sessions.begin() as session:
        session.scalars(select(Copy).where(Copy.code == exam.codes[0])).one().status = "finalised"

    assert view(sessions, exam).claimed_by_me is False
    with pytest.raises(ImpossibleTransition):
        save(sessions, exam, mark(exam, "1.a", "4", 1))


def test_every_saved_batch_is_in_the_journal(sessions: Sessions, exam: Exam) -> None:
    save(sessions, exam, mark(exam, "1.a", "4", 1))

    with sessions.begin() as session:
        entries = session.scalars(
            select(JournalEntry.object_kind)
            .where(JournalEntry.actor == f"account:{exam.accounts['martin']}")
            .order_by(JournalEntry.id)
        )
        assert list(entries) == ["marking", "copy"]


def test_a_complete_copy_shows_in_progress(sessions: Sessions, exam: Exam) -> None:
    save(sessions, exam, *(mark(exam, item, "0", 1) for item in ("1.a", "1.b", "2.a", "2.b")))

    seen = allocation.progress(sessions, STAFF, paper_id=exam.paper_id)

    assert [(row.allocated, row.complete, row.finalised) for row in seen.per_corrector] == [(2, 1, 0)]


# --- Marks from a table


def test_a_table_of_marks_is_taken_and_its_bad_lines_are_listed(sessions: Sessions, exam: Exam) -> None:
    first, second = exam.codes

    done = take(
        sessions,
        exam,
        "code,item,mark,remark\n"
        f'{first},1.a,"3,75",Bien\n'
        f"{first},1.b,5.5,\n"
        f"{first},2.a,,\n"
        f"{first},2.b,0,\n"
        f"{first},*,,Bon travail d'ensemble\n"
        f"{second},1.a,9,\n"
        f"{second},1.b,abc,\n"
        f"{second},3.c,1,\n"
        f"{second},2.a,7,\n"
        f"{second},2.a,8,\n"
        "ZZ-ZZZZ,1.a,1,\n"
        f"{second},1.b,1,trop,de,cases\n",
    )

    assert (done.marks, done.copies) == (6, 2)
    assert [(problem.line, problem.reason.code) for problem in done.refused] == [
        (7, "mark_above_maximum"),
        (8, "mark_not_a_number"),
        (9, "mark_unknown_item"),
        (11, "marks_repeated_line"),
        (12, "not_found"),
        (13, "table_line_overfull"),
    ]
    opened = view(sessions, exam)
    assert opened.marks[exam.items["1.a"]].points == Decimal("3.75")
    assert opened.marks[exam.items["2.a"]].state is MarkState.UNTREATED
    assert opened.remarks == {exam.items["1.a"]: "Bien"}
    assert opened.appreciation == "Bon travail d'ensemble"
    assert (opened.total, opened.remaining) == (Decimal("9.25"), 0)
    line = copies.copies(sessions, STAFF, paper_id=exam.paper_id)[0]
    assert (line.total, line.corrector) == (Decimal("9.25"), "martin")


def test_importing_gives_the_copy_back_and_an_empty_remark_keeps_the_old_one(
    sessions: Sessions, exam: Exam
) -> None:
    code = exam.codes[0]
    take(sessions, exam, f"code;item;note;remarque\n{code};1.a;4;Bien vu\n")

    take(sessions, exam, f"code;item;note;remarque\n{code};1.a;3,5;\n")

    assert status(sessions, code) == CopyStatus.READY.value
    assert view(sessions, exam).remarks == {exam.items["1.a"]: "Bien vu"}


def test_a_table_does_not_write_under_a_corrector_at_work(sessions: Sessions, exam: Exam) -> None:
    view(sessions, exam)

    done = take(sessions, exam, f"code,item,mark\n{exam.codes[0]},1.a,4\n{exam.codes[1]},1.a,4\n")

    assert (done.marks, done.copies) == (1, 1)
    assert [(problem.line, problem.reason.code) for problem in done.refused] == [(2, "copy_claimed")]


def test_a_table_writes_once_the_claim_has_run_out(sessions: Sessions, exam: Exam) -> None:
    view(sessions, exam)
    with sessions.begin() as session:
        for row in session.scalars(select(Marking)):
            row.claimed_until = now() - timedelta(seconds=1)

    done = take(sessions, exam, f"code,item,mark\n{exam.codes[0]},1.a,4\n")

    assert done.refused == []
    assert status(sessions, exam.codes[0]) == CopyStatus.READY.value


def test_a_copy_that_cannot_be_written_refuses_its_lines(sessions: Sessions, exam: Exam) -> None:
    for before, cells, code in (
        (CopyStatus.IDENTIFIED, ",", "copy_not_released"),
        (CopyStatus.FINALISED, ",", "copy_not_markable"),
        (CopyStatus.READY, "nguyen,ordinary", "copy_of_other_corrector"),
        (CopyStatus.READY, "personne,ordinary", "allocation_unknown_corrector"),
        (CopyStatus.READY, "martin,quadruple", "marks_unknown_kind"),
        (CopyStatus.READY, ",second", "copy_not_allocated"),
    ):
        with sessions.begin() as session:
            copy = session.scalars(select(Copy).where(Copy.code == exam.codes[0])).one()
            copy.status = before.value

        done = take(sessions, exam, f"code,item,mark,remark,corrector,kind\n{exam.codes[0]},1.a,4,,{cells}\n")

        assert [problem.reason.code for problem in done.refused] == [code]


def test_a_second_marking_is_made_for_its_corrector_and_leaves_the_first(
    sessions: Sessions, exam: Exam
) -> None:
    code = exam.codes[0]
    take(sessions, exam, f"code,item,mark\n{code},1.a,4\n")

    take(sessions, exam, f"code,item,mark,remark,corrector,kind\n{code},1.a,2,,nguyen,second\n")

    assert view(sessions, exam).marks[exam.items["1.a"]].points == Decimal(4)
    second = marking.open_copy(sessions, exam.actor("nguyen"), code=code)
    assert second.marks[exam.items["1.a"]].points == Decimal(2)


def test_a_ready_copy_nobody_has_goes_to_the_corrector_its_line_names(
    sessions: Sessions, tmp_path: Path
) -> None:
    exam = build_exam(sessions, BlobStore(tmp_path / "blobs"), status=CopyStatus.READY)

    done = take(sessions, exam, f"code,item,mark,remark,corrector\n{exam.codes[0]},1.a,4,,nguyen\n")

    assert done.refused == []
    assert copies.copies(sessions, STAFF, paper_id=exam.paper_id)[0].corrector == "nguyen"


def test_a_table_without_a_column_of_marks_is_refused_whole(sessions: Sessions, exam: Exam) -> None:
    with pytest.raises(BadInput) as refused:
        take(sessions, exam, "code,item,remarque\nK7-4QXM,1.a,4\n")

    assert (refused.value.code, refused.value.details["column"]) == ("marks_no_column", "mark")


def test_a_corrector_may_not_import_marks(sessions: Sessions, exam: Exam) -> None:
    with pytest.raises(NotAllowed):
        marking.import_marks(
            sessions,
            exam.actor("martin"),
            paper_id=exam.paper_id,
            file_name="x.csv",
            content=b"code,item,mark",
        )
