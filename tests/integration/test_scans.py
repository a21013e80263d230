"""Scans in: bytes kept, every half-page placed, jobs that repeat nothing and lose nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError

from core.db.session import Sessions
from core.db.tables import Booklet, HalfPage, Header, Job, ScanFile, ScanImage
from core.db.tables.base import now
from core.domain.access import Actor, Role
from core.errors import BadInput, NotAllowed, NotFound
from core.jobs import rows
from core.jobs.running import run_next
from core.services import scans
from core.storage.blobs import BlobStore
from tests.integration.classes import SYSTEM, Taken, draw_few, take_in
from workbench.demo.draw import DrawnScan

CORRECTOR = Actor(1, frozenset({Role.CORRECTOR}), "account:1")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> DrawnScan:
    return draw_few(tmp_path_factory.mktemp("drawn"))


@pytest.fixture
def taken(sessions: Sessions, tmp_path: Path, drawn: DrawnScan) -> Taken:
    return take_in(sessions, BlobStore(tmp_path / "blobs"), drawn)


def truth_of(drawn: DrawnScan) -> dict[tuple[int, str], str]:
    (file,) = drawn.truth.files
    return {(image.image, half): page for image in file.images for half, page in image.halves.items()}


def pages_of(taken: Taken) -> dict[tuple[int, str], str]:
    ledger = scans.ledger(taken.sessions, SYSTEM, paper_id=taken.paper_id)
    return {(row.image, row.half): row.page for row in ledger}


def test_the_scan_is_kept_byte_for_byte(taken: Taken, drawn: DrawnScan) -> None:
    (file,) = scans.files(taken.sessions, SYSTEM, paper_id=taken.paper_id)

    assert taken.blobs.get(file.sha256) == drawn.pdfs[0].read_bytes()


def test_every_half_page_has_its_page_and_the_sum_is_right(taken: Taken, drawn: DrawnScan) -> None:
    taken.run()

    assert pages_of(taken) == truth_of(drawn)
    sums = scans.ledger_sums(taken.sessions, SYSTEM, paper_id=taken.paper_id)
    assert sums.is_balanced
    assert sums.half_pages == len(truth_of(drawn)) == sums.by_place["booklet"]
    assert sums.files_waiting == 0


def test_each_booklet_has_a_header_whose_fields_are_kept(taken: Taken, drawn: DrawnScan) -> None:
    taken.run()

    with taken.sessions() as session:
        headers = session.scalars(select(Header)).all()
        booklets = session.scalar(select(func.count()).select_from(Booklet))
    assert len(headers) == booklets == len(truth_of(drawn)) // 4
    for header in headers:
        assert set(header.field_crops) == {"surname", "first_name", "birth_date", "class"}
        assert taken.blobs.get(header.crop_sha256).startswith(b"\xff\xd8")


def test_the_same_file_is_recognised_and_not_taken_in_again(taken: Taken, drawn: DrawnScan) -> None:
    taken.run()
    pdf = drawn.pdfs[0]

    again = scans.add_scan(
        taken.sessions, SYSTEM, taken.blobs, paper_id=taken.paper_id, file_name="copie.pdf", path=pdf
    )

    assert again.known
    assert again.job_id is None
    assert len(scans.files(taken.sessions, SYSTEM, paper_id=taken.paper_id)) == 1


def test_a_worker_killed_in_the_middle_leaves_nothing_and_the_next_one_does_it_all(
    taken: Taken, drawn: DrawnScan
) -> None:
    class Killed(BaseException):
        pass

    def dies(held: rows.Lease) -> None:
        taken.handlers()["ingest"](rows.Lease(held.job_id, held.kind, held.payload, held.attempt))
        raise Killed

    def dies_before_writing(held: rows.Lease) -> None:
        rows.tell(taken.sessions, held, stage="pages", done=3, total=10)
        raise Killed

    with pytest.raises(Killed):
        run_next(taken.sessions, {"ingest": dies_before_writing})
    assert scans.ledger(taken.sessions, SYSTEM, paper_id=taken.paper_id) == []
    assert not run_next(taken.sessions, taken.handlers()), "the lease still stands"
    with taken.sessions.begin() as session:
        session.execute(update(Job).values(leased_until=now()))
    with pytest.raises(Killed):
        run_next(taken.sessions, {"ingest": dies})
    taken.run()

    assert pages_of(taken) == truth_of(drawn)
    with taken.sessions() as session:
        assert session.scalar(select(func.count()).select_from(HalfPage)) == len(truth_of(drawn))


def test_a_worker_that_lost_its_lease_writes_nothing(taken: Taken, drawn: DrawnScan) -> None:
    slow = rows.lease(taken.sessions)
    assert slow is not None
    with taken.sessions.begin() as session:
        session.execute(update(Job).values(leased_until=now()))
    taken.run()

    with pytest.raises(rows.LeaseLost):
        taken.handlers()["ingest"](slow)

    assert pages_of(taken) == truth_of(drawn)


def test_three_failures_put_a_job_aside_with_its_message(taken: Taken) -> None:
    def broken(held: rows.Lease) -> None:
        raise ZeroDivisionError(held.job_id)

    attempts = 0
    while run_next(taken.sessions, {"ingest": broken}):
        attempts += 1

    (job,) = scans.jobs(taken.sessions, SYSTEM, paper_id=taken.paper_id)
    assert (attempts, job.status, job.error_code) == (3, "failed", "internal_error")


def test_the_schema_refuses_a_half_page_in_two_places(taken: Taken) -> None:
    taken.run()

    def place_twice() -> None:
        with taken.sessions.begin() as session:
            half = session.scalars(select(HalfPage).limit(1)).one()
            values = {"half": half.half, "page": half.page, "box_px": half.box_px}
            session.add(HalfPage(scan_image_id=half.scan_image_id, place="aside", reason="twice", **values))

    with pytest.raises(IntegrityError):
        place_twice()


def test_the_schema_refuses_a_half_page_set_aside_without_a_reason(taken: Taken) -> None:
    taken.run()

    def set_aside() -> None:
        with taken.sessions.begin() as session:
            half = session.scalars(select(HalfPage).limit(1)).one()
            half.place, half.booklet_id, half.position = "aside", None, None

    with pytest.raises(IntegrityError):
        set_aside()


def test_the_database_refuses_that_a_half_page_goes(taken: Taken) -> None:
    taken.run()

    def lose_one() -> None:
        with taken.sessions.begin() as session:
            half = session.scalars(select(HalfPage).where(HalfPage.place == "booklet").limit(1)).one()
            session.execute(delete(Header))
            session.delete(half)

    with pytest.raises(IntegrityError):
        lose_one()


def test_the_database_refuses_an_image_whose_half_page_is_missing(taken: Taken) -> None:
    taken.run()

    def half_an_image() -> None:
        with taken.sessions.begin() as session:
            first = session.scalars(select(ScanImage).limit(1)).one()
            image = ScanImage(
                scan_file_id=first.scan_file_id,
                index=9999,
                width_px=10,
                height_px=10,
                dpi=100,
                codec="jpeg",
                sheet=1,
                side="front",
                cut="left_right",
                first_half="left",
                second_half="right",
            )
            session.add(image)
            session.flush()
            session.add(
                HalfPage(
                    scan_image_id=image.id,
                    half="left",
                    cut="left_right",
                    page="P4",
                    box_px=[0, 0, 5, 10],
                    place="blank",
                )
            )

    with pytest.raises(IntegrityError):
        half_an_image()


@pytest.mark.parametrize(("half", "cut"), [("full", "left_right"), ("left", "whole"), ("top", "left_right")])
def test_the_database_refuses_a_half_page_that_its_image_has_not(taken: Taken, half: str, cut: str) -> None:
    taken.run()

    def invent() -> None:
        with taken.sessions.begin() as session:
            image = session.scalars(select(ScanImage).limit(1)).one()
            session.add(
                HalfPage(
                    scan_image_id=image.id,
                    half=half,
                    cut=cut,
                    page="P1",
                    box_px=[0, 0, 5, 10],
                    place="blank",
                )
            )

    with pytest.raises(IntegrityError):
        invent()


@pytest.mark.parametrize(("content", "code"), [(b"", "file_empty"), (b"bonjour", "scan_kind_unknown")])
def test_a_file_that_is_no_scan_is_refused_and_nothing_is_written(
    taken: Taken, tmp_path: Path, content: bytes, code: str
) -> None:
    (tmp_path / "x.pdf").write_bytes(content)

    with pytest.raises(BadInput) as refusal:
        scans.add_scan(
            taken.sessions,
            SYSTEM,
            taken.blobs,
            paper_id=taken.paper_id,
            file_name="x.pdf",
            path=tmp_path / "x.pdf",
        )

    assert refusal.value.code == code
    assert refusal.value.details["file"] == "x.pdf"
    with taken.sessions() as session:
        assert session.scalar(select(func.count()).select_from(ScanFile)) == 1


def test_scans_of_a_paper_that_does_not_exist_are_refused(taken: Taken, drawn: DrawnScan) -> None:
    with pytest.raises(NotFound):
        scans.add_scan(
            taken.sessions, SYSTEM, taken.blobs, paper_id=999, file_name="x.pdf", path=drawn.pdfs[0]
        )


def test_scans_and_ledger_are_not_for_correctors(taken: Taken, drawn: DrawnScan) -> None:
    with pytest.raises(NotAllowed):
        scans.ledger(taken.sessions, CORRECTOR, paper_id=taken.paper_id)
    with pytest.raises(NotAllowed):
        scans.files(taken.sessions, CORRECTOR, paper_id=taken.paper_id)
    with pytest.raises(NotAllowed):
        scans.add_scan(
            taken.sessions,
            CORRECTOR,
            taken.blobs,
            paper_id=taken.paper_id,
            file_name="x.pdf",
            path=drawn.pdfs[0],
        )
