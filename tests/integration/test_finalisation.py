"""From marks to the marked PDF: complete copies only, as a job, masked, repeatable, and back."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import numpy as np
import pikepdf
import pypdfium2
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from core.db.tables import Booklet, Copy, Document, HalfPage, Job, Paper, ScanFile, ScanImage
from core.db.tables.base import now
from core.domain.access import Role
from core.domain.copies import CopyStatus
from core.errors import BadInput, Conflict, ImpossibleTransition, NotAllowed, NotFound
from core.jobs.rows import LEASE, LeaseLost, lease
from core.jobs.running import run_next
from core.services import allocation, copies, finalisation, marking
from core.storage.blobs import BlobStore
from tests.integration.builders import (
    A3_PX,
    FOLD_PX,
    MASK_PX,
    STAFF,
    Exam,
    build_exam,
    embedded_jpegs,
    pixels,
)

Sessions = sessionmaker[Session]
INK = 100


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")


@pytest.fixture
def exam(sessions: Sessions, blobs: BlobStore) -> Exam:
    """Two copies of martin's; the first is marked in full and drawn on."""
    exam = build_exam(sessions, blobs)
    allocation.allocate(sessions, STAFF, paper_id=exam.paper_id, correctors=["martin"], seed=1)
    mark_copy(sessions, exam, exam.codes[0])
    return exam


def mark_copy(sessions: Sessions, exam: Exam, code: str) -> None:
    table = (
        "code,item,mark,remark\n"
        f"{code},1.a,4,Très bien énoncé\n{code},1.b,2.5,\n{code},2.a,,\n{code},2.b,1,\n{code},*,,À l'œuvre\n"
    )
    marking.import_marks(
        sessions, STAFF, paper_id=exam.paper_id, file_name="notes.csv", content=table.encode()
    )
    view = marking.open_copy(sessions, exam.actor("martin"), code=code)
    tick = marking.MarkAction(
        "annotate", view.version, page=1, annotation_kind="tick", shape={"x": 0.5, "y": 0.9}
    )
    marking.save_actions(sessions, exam.actor("martin"), code=code, actions=[tick])


def work(sessions: Sessions, blobs: BlobStore) -> None:
    """Run the jobs that wait."""
    handlers = {finalisation.FINALISE: lambda held: finalisation.run_finalise(sessions, blobs, held)}
    while run_next(sessions, handlers):
        pass


def finalised(sessions: Sessions, blobs: BlobStore, exam: Exam) -> bytes:
    finalisation.finalise_copy(sessions, exam.actor("martin"), code=exam.codes[0])
    work(sessions, blobs)
    return finalisation.marked_pdf(sessions, exam.actor("martin"), blobs, code=exam.codes[0])


def line(sessions: Sessions, exam: Exam, place: int = 0) -> copies.CopyLine:
    return copies.copies(sessions, STAFF, paper_id=exam.paper_id)[place]


def text_of(pdf: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(pdf)
    return [page.get_textpage().get_text_bounded() for page in document]


def rendered(pdf: bytes, page: int) -> np.ndarray:
    return pypdfium2.PdfDocument(pdf)[page].render(scale=1, grayscale=True).to_numpy().squeeze()


def test_a_copy_with_a_missing_mark_is_not_finalised_and_says_which(sessions: Sessions, exam: Exam) -> None:
    with pytest.raises(BadInput) as refused:
        finalisation.finalise_copy(sessions, exam.actor("martin"), code=exam.codes[1])

    assert refused.value.code == "copy_incomplete"
    assert refused.value.details == {"code": exam.codes[1], "items": "1.a, 1.b, 2.a, 2.b"}


def test_a_second_marker_does_not_read_what_the_first_one_gave(
    sessions: Sessions, blobs: BlobStore, exam: Exam
) -> None:
    finalised(sessions, blobs, exam)
    table = f"code,item,mark,remark,corrector,kind\n{exam.codes[0]},1.a,3,,nguyen,second\n"
    marking.import_marks(
        sessions, STAFF, paper_id=exam.paper_id, file_name="seconde.csv", content=table.encode()
    )

    with pytest.raises(NotAllowed):
        finalisation.marked_pdf(sessions, exam.actor("nguyen"), blobs, code=exam.codes[0])


def test_the_marked_pdf_holds_the_pages_the_drawings_and_the_statement(
    sessions: Sessions, blobs: BlobStore, exam: Exam
) -> None:
    pdf = finalised(sessions, blobs, exam)

    assert line(sessions, exam).status is CopyStatus.FINALISED
    pages = text_of(pdf)
    assert len(pages) == 5
    assert [f"{exam.codes[0]} — page {number}/4" in pages[number - 1] for number in (1, 2, 3, 4)] == [
        True
    ] * 4
    statement = pages[4].replace("\r\n", "\n")
    for words in ("Énoncer le théorème", "Très bien énoncé", "À l'œuvre", "non traité", "7,5 / 20"):
        assert words in statement
    assert (rendered(pdf, 2) < INK).mean() < 0.01, "P3 is blank but for its margin"


def test_nothing_in_the_marked_pdf_tells_whose_it_is(
    sessions: Sessions, blobs: BlobStore, exam: Exam
) -> None:
    pdf = finalised(sessions, blobs, exam)

    front, back = embedded_jpegs(pdf)
    left, top, right, bottom = MASK_PX
    zone = pixels(front)[top:bottom, left:right]
    assert int(zone.max()) == int(zone.min())
    assert back == exam.jpegs[1], "an image without a mask is the scanner's own"
    assert (pixels(exam.jpegs[0])[top:bottom, left:right] < INK).any(), "the name stood there"
    words = " ".join(text_of(pdf))
    assert "NOM0" not in words
    assert "Zoé" not in words
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        assert "NOM0" not in repr(dict(opened.docinfo)) if opened.docinfo is not None else True


def test_blocks_away_from_the_mask_keep_their_coefficients(
    sessions: Sessions, blobs: BlobStore, exam: Exam
) -> None:
    front = pixels(embedded_jpegs(finalised(sessions, blobs, exam))[0])

    assert (front[MASK_PX[3] + 16 :] == pixels(exam.jpegs[0])[MASK_PX[3] + 16 :]).all()


def test_the_same_marks_give_the_same_bytes(sessions: Sessions, blobs: BlobStore, exam: Exam) -> None:
    first = finalised(sessions, blobs, exam)
    finalisation.reopen(sessions, exam.actor("martin"), code=exam.codes[0])

    assert finalised(sessions, blobs, exam) == first
    with sessions.begin() as session:
        assert session.scalars(select(Document.number).order_by(Document.number)).all() == [1, 2]


def test_writing_of_another_pupil_on_the_same_sheet_is_not_in_the_file(
    sessions: Sessions, blobs: BlobStore, exam: Exam
) -> None:
    with sessions.begin() as session:
        copy = session.scalars(select(Copy).where(Copy.code == exam.codes[0])).one()
        page_set = copy.page_sets[-1]
        session.delete(page_set.pages[1])  # P2, left half of the back, was moved elsewhere

    pdf = finalised(sessions, blobs, exam)

    back = pixels(embedded_jpegs(pdf)[1])
    assert int(back[:, :FOLD_PX].max()) == int(back[:, :FOLD_PX].min())
    assert (pixels(exam.jpegs[1])[:, :FOLD_PX] < INK).any()


def test_a_failure_stays_with_its_message_and_can_be_tried_again(
    sessions: Sessions, blobs: BlobStore, exam: Exam, tmp_path: Path
) -> None:
    empty = BlobStore(tmp_path / "empty")
    finalisation.finalise_copy(sessions, exam.actor("martin"), code=exam.codes[0])
    work(sessions, empty)
    failed = line(sessions, exam)
    assert (failed.status, failed.failure, failed.attempts) == (CopyStatus.FAILED, "not_found", 1)

    finalised(sessions, blobs, exam)

    again = line(sessions, exam)
    assert (again.status, again.failure, again.attempts) == (CopyStatus.FINALISED, None, 2)


def test_a_copy_whose_job_was_put_aside_can_be_finalised_again(
    sessions: Sessions, blobs: BlobStore, exam: Exam
) -> None:
    finalisation.finalise_copy(sessions, exam.actor("martin"), code=exam.codes[0])
    with sessions.begin() as session:
        session.scalars(select(Job)).one().status = "failed"

    finalised(sessions, blobs, exam)

    assert line(sessions, exam).status is CopyStatus.FINALISED


def test_asking_twice_is_refused_while_the_job_runs(sessions: Sessions, exam: Exam) -> None:
    finalisation.finalise_copy(sessions, exam.actor("martin"), code=exam.codes[0])

    with pytest.raises(ImpossibleTransition):
        finalisation.finalise_copy(sessions, exam.actor("martin"), code=exam.codes[0])


def test_a_job_taken_over_repeats_nothing(sessions: Sessions, blobs: BlobStore, exam: Exam) -> None:
    finalisation.finalise_copy(sessions, exam.actor("martin"), code=exam.codes[0])
    dead = lease(sessions)
    assert dead is not None
    with sessions.begin() as session:
        session.get_one(Job, dead.job_id).leased_until = now() - LEASE
    work(sessions, blobs)

    with pytest.raises(LeaseLost):
        finalisation.run_finalise(sessions, blobs, dead)

    with sessions.begin() as session:
        assert len(session.scalars(select(Document)).all()) == 1


def test_finalising_a_paper_takes_complete_copies_and_lists_the_others(
    sessions: Sessions, blobs: BlobStore, exam: Exam
) -> None:
    done = finalisation.finalise_paper(sessions, STAFF, paper_id=exam.paper_id)

    assert (done.started, done.incomplete) == (1, [exam.codes[1]])
    work(sessions, blobs)
    assert line(sessions, exam).status is CopyStatus.FINALISED
    again = finalisation.finalise_paper(sessions, STAFF, paper_id=exam.paper_id)
    assert (again.started, again.incomplete, again.job_id) == (0, [exam.codes[1]], None)


def test_a_corrector_finalises_their_own_paquet_only(sessions: Sessions, exam: Exam) -> None:
    others = finalisation.finalise_paper(sessions, exam.actor("nguyen"), paper_id=exam.paper_id)
    own = finalisation.finalise_paper(sessions, exam.actor("martin"), paper_id=exam.paper_id)

    assert (others.started, others.incomplete) == (0, [])
    assert (own.started, own.incomplete) == (1, [exam.codes[1]])


def test_only_the_corrector_of_record_closes_a_copy(sessions: Sessions, exam: Exam) -> None:
    code = exam.codes[0]
    table = f"code,item,mark,remark,corrector,kind\n{code},1.a,2,,nguyen,second\n"
    marking.import_marks(sessions, STAFF, paper_id=exam.paper_id, file_name="n.csv", content=table.encode())

    with pytest.raises(NotAllowed):
        finalisation.finalise_copy(sessions, exam.actor("nguyen"), code=code)
    with pytest.raises(NotAllowed):
        finalisation.finalise_copy(sessions, exam.actor("martin", Role.SECRETARIAT), code=code)


def test_a_copy_nobody_marks_is_not_finalised(sessions: Sessions, tmp_path: Path) -> None:
    exam = build_exam(sessions, BlobStore(tmp_path / "b"), status=CopyStatus.READY)

    with pytest.raises(Conflict, match="copy_not_allocated"):
        finalisation.finalise_copy(sessions, STAFF, code=exam.codes[0])


def test_the_corrector_takes_a_copy_back_freely_until_the_paper_closes(
    sessions: Sessions, blobs: BlobStore, exam: Exam
) -> None:
    finalised(sessions, blobs, exam)
    with pytest.raises(BadInput, match="reopen_needs_reason"):
        finalisation.reopen(sessions, STAFF, code=exam.codes[0], reason=" ")
    with sessions.begin() as session:
        session.get_one(Paper, exam.paper_id).closes_at = now() - timedelta(hours=1)
    with pytest.raises(BadInput, match="reopen_needs_reason"):
        finalisation.reopen(sessions, exam.actor("martin"), code=exam.codes[0])

    finalisation.reopen(sessions, exam.actor("martin"), code=exam.codes[0], reason="Page oubliée")

    assert line(sessions, exam).status is CopyStatus.READY
    assert marking.open_copy(sessions, exam.actor("martin"), code=exam.codes[0]).remaining == 0
    with pytest.raises(NotFound):
        finalisation.marked_pdf(sessions, exam.actor("martin"), blobs, code=exam.codes[0])


def test_the_marked_pdf_is_for_its_corrector_and_the_coordination(
    sessions: Sessions, blobs: BlobStore, exam: Exam
) -> None:
    pdf = finalised(sessions, blobs, exam)

    coordinator = exam.actor("nguyen", Role.COORDINATOR)
    assert finalisation.marked_pdf(sessions, coordinator, blobs, code=exam.codes[0]) == pdf
    for stranger in (exam.actor("nguyen"), exam.actor("nguyen", Role.SECRETARIAT, Role.STUDENT)):
        with pytest.raises(NotAllowed):
            finalisation.marked_pdf(sessions, stranger, blobs, code=exam.codes[0])


def test_a_sheet_fed_upside_down_comes_out_upright_and_masked(
    sessions: Sessions, blobs: BlobStore, exam: Exam
) -> None:
    turned_scan = turn_scan(sessions, blobs, exam)

    pdf = finalised(sessions, blobs, exam)

    front = pixels(embedded_jpegs(pdf)[0])
    left, top, right, bottom = turned_box(MASK_PX)
    zone = front[top:bottom, left:right]
    assert int(zone.max()) == int(zone.min())
    assert turned_scan[1] == embedded_jpegs(pdf)[1]
    page = copies.masked_page(sessions, STAFF, blobs, code=exam.codes[0], page=1)
    upright = pixels(page.content)
    assert (upright[600:720] < INK).any(), "the writing stands where it was written"
    assert not (upright[: MASK_PX[3]] < INK).any()


def turned_box(box: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    left, top, right, bottom = box
    return (A3_PX[0] - right, A3_PX[1] - bottom, A3_PX[0] - left, A3_PX[1] - top)


def turn_scan(sessions: Sessions, blobs: BlobStore, exam: Exam) -> tuple[bytes, ...]:
    """Feed the scan again upside down: every box and half of the ledger turns with it."""
    from tests.integration.builders import jpeg, pdf_of

    jpegs = tuple(jpeg(np.rot90(pixels(content), 2).copy()) for content in exam.jpegs)
    with sessions.begin() as session:
        session.scalars(select(ScanFile)).one().sha256 = blobs.put(pdf_of(jpegs))
        for image in session.scalars(select(ScanImage)):
            image.rotation_deg = 180
        rows = session.scalars(select(HalfPage).join(Booklet)).all()
        for row in rows:
            row.box_px = list(turned_box(tuple(row.box_px)))
            row.mask_boxes_px = [list(turned_box(tuple(box))) for box in row.mask_boxes_px]
    return jpegs
