"""Showing finalised copies to their pupils, taking them back, and what a pupil sees."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from core.db.tables import Candidate, Copy, Document, Entry, MarkRow, Paper, Publication
from core.domain.access import Actor, Role
from core.domain.copies import CopyStatus
from core.domain.marking import MarkState
from core.errors import ImpossibleTransition, NotAllowed
from core.services import allocation, copies, finalisation, publication
from core.storage.blobs import BlobStore
from tests.integration.builders import STAFF, Exam, add_account, build_exam, embedded_jpegs
from tests.integration.test_finalisation import mark_copy, text_of, work

Sessions = sessionmaker[Session]


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")


@pytest.fixture
def exam(sessions: Sessions, blobs: BlobStore) -> Exam:
    """Three copies: the first two finalised, the third not marked; pupils zoe and luc have accounts."""
    exam = build_exam(sessions, blobs, copies=3)
    allocation.allocate(sessions, STAFF, paper_id=exam.paper_id, correctors=["martin"], seed=1)
    for code in exam.codes[:2]:
        mark_copy(sessions, exam, code)
    finalisation.finalise_paper(sessions, STAFF, paper_id=exam.paper_id)
    work(sessions, blobs)
    with sessions.begin() as session:
        first, second, _ = session.scalars(select(Candidate.person_id).order_by(Candidate.id)).all()
        exam.accounts["zoe"] = add_account(session, "zoe", Role.STUDENT, person_id=first)
        exam.accounts["luc"] = add_account(session, "luc", Role.STUDENT, person_id=second)
    return exam


def publish(sessions: Sessions, blobs: BlobStore, exam: Exam) -> publication.Published:
    return publication.publish(sessions, STAFF, blobs, paper_id=exam.paper_id)


def pupil(exam: Exam, login: str = "zoe") -> Actor:
    return exam.actor(login, Role.STUDENT)


def test_the_preview_shows_the_marks_to_come_and_what_is_missing(sessions: Sessions, exam: Exam) -> None:
    preview = publication.publication_preview(sessions, STAFF, paper_id=exam.paper_id)

    assert (preview.ready, preview.published) == (2, 0)
    assert [(copy.code, copy.final_mark) for copy in preview.copies] == [
        (code, Decimal("7.5")) for code in exam.codes[:2]
    ]
    assert preview.missing == [(exam.codes[2], "not_finalised")]


def test_publication_can_be_partial_and_goes_on_later(
    sessions: Sessions, blobs: BlobStore, exam: Exam
) -> None:
    done = publish(sessions, blobs, exam)

    assert (done.published, done.left) == (2, [(exam.codes[2], "not_finalised")])
    assert publish(sessions, blobs, exam).published == 0
    statuses = [line.status for line in copies.copies(sessions, STAFF, paper_id=exam.paper_id)]
    assert statuses == [CopyStatus.PUBLISHED, CopyStatus.PUBLISHED, CopyStatus.READY]


def test_a_copy_without_identity_or_of_an_absent_pupil_is_left(
    sessions: Sessions, blobs: BlobStore, exam: Exam
) -> None:
    with sessions.begin() as session:
        first, second, _ = session.scalars(select(Copy).order_by(Copy.id)).all()
        entry = session.scalars(select(Entry).where(Entry.candidate_id == second.candidate_id)).one()
        entry.presence = "absent"
        first.candidate_id = None

    done = publish(sessions, blobs, exam)

    assert done.published == 0
    assert done.left[:2] == [(exam.codes[0], "no_identity"), (exam.codes[1], "entry_absent")]


def test_before_publication_a_pupil_sees_nothing_even_by_code(
    sessions: Sessions, blobs: BlobStore, exam: Exam
) -> None:
    assert publication.my_results(sessions, pupil(exam)) == []
    for code in (*exam.codes, "XX-XXXX"):
        with pytest.raises(NotAllowed):
            publication.student_pdf(sessions, pupil(exam), blobs, code=code)


def test_a_pupil_sees_their_own_marks_remarks_and_subtotals(
    sessions: Sessions, blobs: BlobStore, exam: Exam
) -> None:
    publish(sessions, blobs, exam)

    (result,) = publication.my_results(sessions, pupil(exam))

    assert (result.code, result.paper_name, result.session_name) == (exam.codes[0], "Maths J1", "Bac blanc")
    assert (result.final_mark, result.scale, result.pages) == (Decimal("7.5"), Decimal(20), 4)
    assert result.appreciation == "À l'œuvre"
    assert [(item.code, item.points, item.max, item.state) for item in result.items] == [
        ("1.a", Decimal(4), Decimal(4), MarkState.MARKED),
        ("1.b", Decimal("2.5"), Decimal(6), MarkState.MARKED),
        ("2.a", None, Decimal(10), MarkState.UNTREATED),
        ("2.b", Decimal(1), Decimal(1), MarkState.MARKED),
    ]
    assert result.items[0].remark == "Très bien énoncé"
    assert [(row.code, row.points, row.max) for row in result.exercises] == [
        ("1", Decimal("6.5"), Decimal(10)),
        ("2", Decimal(1), Decimal(10)),
    ]


def test_the_pupils_pdf_is_the_untouched_scan_with_their_name_and_final_mark(
    sessions: Sessions, blobs: BlobStore, exam: Exam
) -> None:
    publish(sessions, blobs, exam)

    pdf = publication.student_pdf(sessions, pupil(exam), blobs, code=exam.codes[0])

    assert embedded_jpegs(pdf) == list(exam.jpegs[:2])
    statement = text_of(pdf)[-1]
    for words in ("NOM0 Zoé", "Note finale", "7,5 / 20", "Très bien énoncé"):
        assert words in statement


def test_each_step_that_changed_the_mark_is_on_the_statement(
    sessions: Sessions, blobs: BlobStore, exam: Exam
) -> None:
    with sessions.begin() as session:
        paper = session.get_one(Paper, exam.paper_id)
        paper.final_scale_hundredths, paper.rounding_hundredths = 1000, 50
        for item, hundredths in (("1.a", 400), ("1.b", 600), ("2.a", 1000)):
            row = session.get_one(MarkRow, (first_marking(session, exam), exam.items[item]))
            row.state, row.points_hundredths = "marked", hundredths

    publish(sessions, blobs, exam)

    statement = text_of(publication.student_pdf(sessions, pupil(exam), blobs, code=exam.codes[0]))[-1]
    for words in ("21 / 20", "Bonus plafonné au total", "Conversion sur 10", "10 / 10"):
        assert words in statement
    other = text_of(publication.student_pdf(sessions, pupil(exam, "luc"), blobs, code=exam.codes[1]))[-1]
    for words in ("3,75 / 10", "Arrondi à 0,5", "4 / 10"):
        assert words in other
    assert publication.my_results(sessions, pupil(exam, "luc"))[0].final_mark == Decimal(4)


def first_marking(session: Session, exam: Exam) -> int | None:
    return session.scalar(select(Copy.record_marking_id).where(Copy.code == exam.codes[0]))


def test_a_pupil_gets_neither_the_copy_nor_the_page_of_another(
    sessions: Sessions, blobs: BlobStore, exam: Exam
) -> None:
    publish(sessions, blobs, exam)

    own = copies.named_page(sessions, pupil(exam), blobs, code=exam.codes[0], page=1)
    assert own.content.startswith(b"\xff\xd8")
    with pytest.raises(NotAllowed):
        publication.student_pdf(sessions, pupil(exam), blobs, code=exam.codes[1])
    with pytest.raises(NotAllowed):
        copies.named_page(sessions, pupil(exam), blobs, code=exam.codes[1], page=1)
    with pytest.raises(NotAllowed):
        publication.student_pdf(sessions, exam.actor("martin"), blobs, code=exam.codes[0])


def test_withdrawing_hides_the_copy_at_once_and_it_can_be_published_again(
    sessions: Sessions, blobs: BlobStore, exam: Exam
) -> None:
    publish(sessions, blobs, exam)
    before = publication.student_pdf(sessions, pupil(exam), blobs, code=exam.codes[0])

    assert publication.withdraw(sessions, STAFF, code=exam.codes[0]).count == 1

    assert publication.my_results(sessions, pupil(exam)) == []
    with pytest.raises(NotAllowed):
        publication.student_pdf(sessions, pupil(exam), blobs, code=exam.codes[0])
    with pytest.raises(ImpossibleTransition):
        publication.withdraw(sessions, STAFF, code=exam.codes[0])
    assert publish(sessions, blobs, exam).published == 1
    assert publication.student_pdf(sessions, pupil(exam), blobs, code=exam.codes[0]) == before


def test_a_paper_is_withdrawn_whole(sessions: Sessions, blobs: BlobStore, exam: Exam) -> None:
    publish(sessions, blobs, exam)

    assert publication.withdraw(sessions, STAFF, paper_id=exam.paper_id).count == 2

    with sessions.begin() as session:
        assert None not in session.scalars(select(Publication.withdrawn_at)).all()


def test_a_scan_that_is_gone_leaves_its_copies_unpublished(
    sessions: Sessions, exam: Exam, tmp_path: Path
) -> None:
    done = publish(sessions, BlobStore(tmp_path / "empty"), exam)

    assert done.published == 0
    assert set(done.left) == {
        (exam.codes[0], "not_found"),
        (exam.codes[1], "not_found"),
        (exam.codes[2], "not_finalised"),
    }
    with sessions.begin() as session:
        assert session.scalars(select(Document).where(Document.kind == "student")).all() == []


def test_only_the_coordination_publishes(sessions: Sessions, blobs: BlobStore, exam: Exam) -> None:
    for role in (Role.SECRETARIAT, Role.CORRECTOR, Role.STUDENT):
        actor = exam.actor("martin", role)
        with pytest.raises(NotAllowed):
            publication.publish(sessions, actor, blobs, paper_id=exam.paper_id)
        with pytest.raises(NotAllowed):
            publication.withdraw(sessions, actor, paper_id=exam.paper_id)
        with pytest.raises(NotAllowed):
            publication.publication_preview(sessions, actor, paper_id=exam.paper_id)
