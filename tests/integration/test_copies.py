"""The list of copies, release, and page images with and without names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from core.db.tables import Candidate, Copy, JournalEntry, Marking
from core.domain.access import Role
from core.domain.copies import CopyStatus
from core.errors import NotAllowed, NotFound
from core.services import copies
from core.storage.blobs import BlobStore
from tests.integration.builders import FOLD_PX, MASK_PX, STAFF, Exam, add_account, build_exam, pixels

Sessions = sessionmaker[Session]
BLACK = 100


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")


@pytest.fixture
def exam(sessions: Sessions, blobs: BlobStore) -> Exam:
    return build_exam(sessions, blobs)


def allocate_to(sessions: Sessions, exam: Exam, code: str, login: str) -> None:
    with sessions.begin() as session:
        copy = session.scalars(select(Copy).where(Copy.code == code)).one()
        session.add(Marking(copy_id=copy.id, corrector_id=exam.accounts[login]))


def header_pixels(page: bytes) -> np.ndarray:
    image = pixels(page)
    scale = image.shape[1] / FOLD_PX
    left, top, right, bottom = (round(value * scale) for value in (MASK_PX[0] - FOLD_PX, *MASK_PX[1:]))
    return image[top:bottom, left : right - round(FOLD_PX * scale)]


def test_the_list_shows_names_pages_and_no_total_before_marking(sessions: Sessions, exam: Exam) -> None:
    first, second = copies.copies(sessions, STAFF, paper_id=exam.paper_id)

    assert (first.surname, first.first_name, first.pages) == ("NOM0", "Zoé", 4)
    assert (first.corrector, first.total) == (None, None)
    assert second.status is CopyStatus.IDENTIFIED


def test_the_list_is_not_for_correctors(sessions: Sessions, exam: Exam) -> None:
    with pytest.raises(NotAllowed):
        copies.copies(sessions, exam.actor("martin"), paper_id=exam.paper_id)


def test_release_makes_identified_copies_ready_and_leaves_the_others(sessions: Sessions, exam: Exam) -> None:
    with sessions.begin() as session:
        copy = session.scalars(select(Copy).where(Copy.code == exam.codes[1])).one()
        copy.candidate_id, copy.status = None, CopyStatus.STAGED.value

    done = copies.release(sessions, STAFF, paper_id=exam.paper_id)

    assert (done.released, done.left_staged) == (1, 1)
    statuses = [line.status for line in copies.copies(sessions, STAFF, paper_id=exam.paper_id)]
    assert statuses == [CopyStatus.READY, CopyStatus.STAGED]
    with sessions.begin() as session:
        assert session.scalars(select(JournalEntry.action)).all() == ["release"]


def test_a_pending_release_takes_copies_without_identity_along(sessions: Sessions, blobs: BlobStore) -> None:
    exam = build_exam(sessions, blobs, status=CopyStatus.STAGED, named=False)

    done = copies.release(sessions, STAFF, paper_id=exam.paper_id, pending=True)

    assert (done.released, done.left_staged) == (2, 0)


def test_releasing_again_changes_nothing(sessions: Sessions, exam: Exam) -> None:
    copies.release(sessions, STAFF, paper_id=exam.paper_id)

    assert copies.release(sessions, STAFF, paper_id=exam.paper_id).released == 0


def test_a_corrector_gets_the_page_without_the_name_in_its_bytes(
    sessions: Sessions, blobs: BlobStore, exam: Exam
) -> None:
    allocate_to(sessions, exam, exam.codes[0], "martin")

    page = copies.masked_page(sessions, exam.actor("martin"), blobs, code=exam.codes[0], page=1)

    zone = header_pixels(page.content)
    assert int(zone.max()) - int(zone.min()) <= 4
    assert (pixels(page.content) < BLACK).any(), "the rest of the page is there"


def test_the_same_zone_shows_the_name_when_masks_are_off(
    sessions: Sessions, blobs: BlobStore, exam: Exam
) -> None:
    page = copies.named_page(sessions, STAFF, blobs, code=exam.codes[0], page=1)

    assert (header_pixels(page.content) < BLACK).any()


def test_a_page_is_its_half_of_the_sheet(sessions: Sessions, blobs: BlobStore, exam: Exam) -> None:
    served = [
        pixels(copies.masked_page(sessions, STAFF, blobs, code=exam.codes[0], page=page).content)
        for page in (1, 2, 3, 4)
    ]

    assert {image.shape for image in served} == {(1170, FOLD_PX)}
    ink = [(image < BLACK).sum() for image in served]
    assert ink[2] == 0
    assert min(ink[0], ink[1], ink[3]) > 1000


def test_the_width_is_held_between_its_limits(sessions: Sessions, blobs: BlobStore, exam: Exam) -> None:
    def width(wanted: int | None) -> int:
        page = copies.masked_page(sessions, STAFF, blobs, code=exam.codes[0], page=1, width_px=wanted)
        return pixels(page.content).shape[1]

    assert [width(500), width(10), width(5000)] == [500, 400, FOLD_PX]


def test_the_same_page_has_the_same_bytes(sessions: Sessions, blobs: BlobStore, exam: Exam) -> None:
    first, again = (copies.masked_page(sessions, STAFF, blobs, code=exam.codes[0], page=1) for _ in range(2))

    assert first == again


def test_another_correctors_copy_and_an_unknown_code_get_the_same_refusal(
    sessions: Sessions, blobs: BlobStore, exam: Exam
) -> None:
    allocate_to(sessions, exam, exam.codes[0], "martin")

    for code in (exam.codes[0], "XX-XXXX"):
        with pytest.raises(NotAllowed):
            copies.masked_page(sessions, exam.actor("nguyen"), blobs, code=code, page=1)


def test_a_page_that_is_not_there_is_not_found(sessions: Sessions, blobs: BlobStore, exam: Exam) -> None:
    with pytest.raises(NotFound):
        copies.masked_page(sessions, STAFF, blobs, code=exam.codes[0], page=5)


def test_a_pupil_gets_no_page_before_publication(sessions: Sessions, blobs: BlobStore, exam: Exam) -> None:
    with sessions.begin() as session:
        person_id = session.scalars(select(Candidate.person_id).order_by(Candidate.id)).first()
        exam.accounts["zoe"] = add_account(session, "zoe", Role.STUDENT, person_id=person_id)

    with pytest.raises(NotAllowed):
        copies.named_page(sessions, exam.actor("zoe", Role.STUDENT), blobs, code=exam.codes[0], page=1)


def test_a_corrector_never_gets_a_named_page(sessions: Sessions, blobs: BlobStore, exam: Exam) -> None:
    allocate_to(sessions, exam, exam.codes[0], "martin")

    with pytest.raises(NotAllowed):
        copies.named_page(sessions, exam.actor("martin"), blobs, code=exam.codes[0], page=1)
