"""The job that reads the headers and page numbers of a scan file, then matches all booklets of its paper again."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from core.db.session import Sessions
from core.db.tables import Booklet, Header, Reading, ScanFile
from core.domain.page_marks import PageMark
from core.intake.seen import gray_of_png
from core.jobs import rows
from core.jobs.rows import Lease
from core.reading.page_marks import best_mark, read_page_marks
from core.reading.protocol import NameReader
from core.services import double_scans, misfiled_sheets, page_numbers
from core.services.identification import match
from core.services.lot_order import settle_lot
from core.services.page_sets import hold_paper
from core.services.transactions import reading
from core.storage.blobs import BlobStore

READING_BATCH = 8
"""Booklets read between two progress reports: about a second of work."""

MARKS_BATCH = 32
"""Page numbers read between two progress reports."""


def read_headers(sessions: Sessions, blobs: BlobStore, reader: NameReader, held: Lease) -> None:
    """Read the header fields of a scan file, then match all booklets of its paper again."""
    scan_file_id = int(held.payload["scan_file_id"])
    with reading(sessions) as session:
        booklets = session.scalars(
            select(Booklet)
            .where(Booklet.scan_file_id == scan_file_id)
            .options(selectinload(Booklet.header))
            .order_by(Booklet.position)
        ).all()
    headers = [booklet.header for booklet in booklets if booklet.header is not None]
    readings: list[Reading] = []
    for start in range(0, len(headers), READING_BATCH):
        rows.tell(sessions, held, stage="names", done=start, total=len(headers))
        readings += _read(headers[start : start + READING_BATCH], blobs, reader)
    marks = _marks(sessions, blobs, reader, held, scan_file_id)
    with reading(sessions) as session:
        paper = double_scans.pages(session, session.get_one(ScanFile, scan_file_id))
    doubles = double_scans.find(paper)
    rows.tell(sessions, held, stage="matching", done=len(headers), total=len(headers))
    with sessions.begin() as session:
        scan_file = session.get_one(ScanFile, scan_file_id)
        hold_paper(session, scan_file.paper_id)
        _follow(session, headers, readings)
        session.query(Reading).where(Reading.booklet_id.in_({row.booklet_id for row in readings})).delete()
        session.add_all(readings)
        page_numbers.write(session, marks)
        double_scans.propose(session, paper, doubles)
        misfiled_sheets.doubt(session, scan_file)
        session.flush()
        settle_lot(session, scan_file)
        match(session, scan_file.paper_id)
        rows.complete(session, held)


def _follow(session: Session, headers: Sequence[Header], readings: Sequence[Reading]) -> None:
    """Give readings to the booklet that their header belongs to now: a repair may have moved it meanwhile."""
    half_of = {header.booklet_id: header.half_page_id for header in headers}
    owners = dict(
        session.execute(
            select(Header.half_page_id, Header.booklet_id).where(Header.half_page_id.in_(half_of.values()))
        ).all()
    )
    for row in readings:
        row.booklet_id = owners[half_of[row.booklet_id]]


def _marks(
    sessions: Sessions, blobs: BlobStore, reader: NameReader, held: Lease, scan_file_id: int
) -> dict[int, PageMark]:
    """The page numbers read on a file, by half-page."""
    with reading(sessions) as session:
        wanted = page_numbers.crops(session, scan_file_id)
    found: dict[int, list[PageMark | None]] = {}
    for start in range(0, len(wanted), MARKS_BATCH):
        rows.tell(sessions, held, stage="numbers", done=start, total=len(wanted))
        batch = wanted[start : start + MARKS_BATCH]
        pictures = [gray_of_png(blobs.get(crop.sha256)) for crop in batch]
        read = read_page_marks(reader, pictures, [crop.edge for crop in batch])
        for crop, mark in zip(batch, read, strict=True):
            found.setdefault(crop.half_page_id, []).append(mark)
    best = {half_page_id: best_mark(read) for half_page_id, read in found.items()}
    return {half_page_id: mark for half_page_id, mark in best.items() if mark is not None}


def _read(headers: Sequence[Header], blobs: BlobStore, reader: NameReader) -> list[Reading]:
    wanted = [(header, field, sha256) for header in headers for field, sha256 in header.field_crops.items()]
    found = reader.read([gray_of_png(blobs.get(sha256)) for _, _, sha256 in wanted])
    return [
        Reading(
            booklet_id=header.booklet_id,
            field=field,
            engine=reading.engine,
            text=reading.text,
            steps=reading.to_bytes(),
        )
        for (header, field, _), reading in zip(wanted, found, strict=True)
    ]
