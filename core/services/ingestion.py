"""The two jobs behind a scan file: find and place its pages, then read its headers and match them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from core.db.session import Sessions
from core.db.tables import Booklet, HalfPage, Header, Reading, ScanFile, ScanImage
from core.db.tables.base import now
from core.domain import sheets
from core.domain.entries import Cut, Side
from core.domain.sheets import ROTATIONS, Placement
from core.errors import BadInput, NotFound
from core.imaging.analyse import HalfReport, ImageFinding, analyse_image, side_finding, unreadable_side
from core.imaging.darkness import BoxPx
from core.imaging.halves import first_page_half, split
from core.imaging.header import HeaderMatch, field_crop, header_crop, model_named
from core.imaging.layout import Layout, detect_layout
from core.imaging.mask import encode_jpeg
from core.imaging.zones import identity_zone, unknown_identity_zone
from core.jobs import rows
from core.jobs.rows import Lease
from core.pdf.pages import RENDER_DPI, PagePixels, iter_pages
from core.pdf.read import PageInfo, PdfInfo, inspect
from core.reading.protocol import NameReader
from core.services.identification import match
from core.services.scans import INGEST, READ
from core.services.transactions import reading
from core.storage.blobs import BlobStore

__all__ = ["INGEST", "READ", "ingest", "read_headers"]

Gray = npt.NDArray[np.uint8]
Progress = Callable[[int, int], None]

READING_BATCH = 8
"""Booklets read between two progress reports: about a second of work."""


@dataclass(frozen=True, eq=False)
class _CutHeader:
    """A header found on an image, its crops already kept."""

    match: HeaderMatch
    crop_sha256: str
    field_crops: dict[str, str]
    mask: BoxPx


@dataclass(frozen=True, eq=False)
class _SeenImage:
    """What remains of an image once its pixels are let go."""

    index: int
    width_px: int
    height_px: int
    dpi: float
    codec: str
    finding: ImageFinding | None
    header: _CutHeader | None


def ingest(sessions: Sessions, blobs: BlobStore, held: Lease) -> None:
    """Find the pages of a scan file and give every half-page its place, in one transaction.

    Headers are cut out on the way; reading them is the next job, asked for in
    the same transaction.
    """
    scan_file_id = int(held.payload["scan_file_id"])
    with reading(sessions) as session:
        scan_file = session.get(ScanFile, scan_file_id)
        if scan_file is None:
            raise NotFound("scan_file", scan_file=scan_file_id)
    path = blobs.path(scan_file.sha256)
    info = inspect(path)
    layout = _layout(scan_file.layout, info)

    def progress(done: int, total: int) -> None:
        rows.tell(sessions, held, stage="pages", done=done, total=total)

    images = list(_look(path, info, layout, blobs, progress))
    asked: sheets.Layout = "files" if scan_file.layout == "files" else layout
    placed = sheets.assemble(_sides(images, layout), asked, scan_file.pages_per_copy)
    with sessions.begin() as session:
        scan_file = session.get_one(ScanFile, scan_file_id)
        _write(session, scan_file, images, placed, layout)
        scan_file.layout, scan_file.image_count, scan_file.ingested_at = asked, len(images), now()
        rows.ask(
            session,
            kind=READ,
            unique_key=str(scan_file_id),
            payload={"scan_file_id": scan_file_id},
            paper_id=scan_file.paper_id,
        )
        rows.complete(session, held)


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
    rows.tell(sessions, held, stage="matching", done=len(headers), total=len(headers))
    with sessions.begin() as session:
        scan_file = session.get_one(ScanFile, scan_file_id)
        session.query(Reading).where(Reading.booklet_id.in_([h.booklet_id for h in headers])).delete()
        session.add_all(readings)
        session.flush()
        match(session, scan_file.paper_id)
        rows.complete(session, held)


def _read(headers: Sequence[Header], blobs: BlobStore, reader: NameReader) -> list[Reading]:
    wanted = [(header, field, sha256) for header in headers for field, sha256 in header.field_crops.items()]
    found = reader.read([_decoded(blobs.get(sha256)) for _, _, sha256 in wanted])
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


def _layout(asked: str, info: PdfInfo) -> Layout:
    if asked in ("a3", "a4"):
        return "a3" if asked == "a3" else "a4"
    return detect_layout([(page.width_pt / 72 * 25.4, page.height_pt / 72 * 25.4) for page in info.pages])


def _look(
    path: Path, info: PdfInfo, layout: Layout, blobs: BlobStore, progress: Progress
) -> Iterator[_SeenImage]:
    for index, page in enumerate(iter_pages(path)):
        progress(index, info.page_count)
        yield _unreadable(info.pages[index]) if isinstance(page, BadInput) else _seen(page, layout, blobs)
    progress(info.page_count, info.page_count)


def _unreadable(page: PageInfo) -> _SeenImage:
    """A page whose image cannot be decoded still has halves that need a place."""
    width, height = (round(side / 72 * RENDER_DPI) for side in (page.width_pt, page.height_pt))
    return _SeenImage(page.index, width, height, RENDER_DPI, "unreadable", None, None)


def _seen(page: PagePixels, layout: Layout, blobs: BlobStore) -> _SeenImage:
    height, width = page.gray.shape
    finding = analyse_image(page.gray, page.dpi, layout=layout)
    header = _cut(page.gray, finding.header, blobs) if finding.header is not None else None
    return _SeenImage(page.index, width, height, page.dpi, page.codec, finding, header)


def _cut(gray: Gray, found: HeaderMatch, blobs: BlobStore) -> _CutHeader:
    fields = model_named(found.model).fields_mm
    return _CutHeader(
        match=found,
        crop_sha256=blobs.put(encode_jpeg(header_crop(gray, found), 85)),
        field_crops={field: blobs.put(_encoded(field_crop(gray, found, field))) for field in fields},
        mask=identity_zone(found),
    )


def _encoded(gray: Gray) -> bytes:
    """Field crops are read again by other engines: kept without loss."""
    done, content = cv2.imencode(".png", gray)
    if not done:
        raise ValueError("crop cannot be encoded")
    return content.tobytes()


def _decoded(png: bytes) -> Gray:
    gray = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
    if gray is None:
        raise ValueError("crop cannot be decoded")
    return gray.astype(np.uint8, copy=False)


def _sides(images: Sequence[_SeenImage], layout: Layout) -> list[sheets.SideFinding]:
    return [
        side_finding(image.index, image.finding)
        if image.finding is not None
        else unreadable_side(image.index, image.width_px, image.height_px, layout)
        for image in images
    ]


def _write(
    session: Session,
    scan_file: ScanFile,
    images: Sequence[_SeenImage],
    placed: sheets.Assembly,
    layout: Layout,
) -> None:
    by_image: dict[int, list[Placement]] = {image.index: [] for image in images}
    for placement in placed.placements:
        by_image[placement.image].append(placement)
    booklets = [
        Booklet(
            paper_id=scan_file.paper_id,
            scan_file_id=scan_file.id,
            position=2 * booklet.first_image + (booklet.pages[0].half in ("right", "bottom")),
        )
        for booklet in placed.booklets
    ]
    session.add_all(booklets)
    session.flush()
    halves: dict[tuple[int, str], HalfPage] = {}
    for image in images:
        row = _image_row(scan_file, image, by_image[image.index])
        session.add(row)
        session.flush()
        for placement in by_image[image.index]:
            half = _half_page(row.id, image, placement, layout)
            if placement.booklet_index is not None:
                half.booklet_id = booklets[placement.booklet_index].id
            halves[(image.index, placement.half)] = half
    session.add_all(halves.values())
    session.flush()
    _write_headers(session, images, placed, booklets, halves)


def _image_row(scan_file: ScanFile, image: _SeenImage, placements: Sequence[Placement]) -> ScanImage:
    cut = _cut_of(placements)
    first, second = (*cut.halves, None)[:2]
    single = cut is Cut.WHOLE
    return ScanImage(
        sheet=image.index + 1 if single else image.index // 2 + 1,
        side=Side.SINGLE.value if single else (Side.FRONT, Side.BACK)[image.index % 2].value,
        cut=cut.value,
        first_half=first,
        second_half=second,
        scan_file_id=scan_file.id,
        index=image.index,
        width_px=image.width_px,
        height_px=image.height_px,
        dpi=image.dpi,
        codec=image.codec,
        rotation_deg=placements[0].rotation_deg,
    )


def _cut_of(placements: Sequence[Placement]) -> Cut:
    names = tuple(sorted(placement.half for placement in placements))
    return next(cut for cut in Cut if tuple(sorted(cut.halves)) == names)


def _half_page(image_id: int, image: _SeenImage, placement: Placement, layout: Layout) -> HalfPage:
    report = _report(image, placement.half)
    boxes = {half.name: half.box for half in split(image.width_px, image.height_px, layout)}
    box = report.box if report else boxes[placement.half]
    return HalfPage(
        scan_image_id=image_id,
        half=placement.half,
        cut=next(cut for cut in Cut if placement.half in cut.halves).value,
        page=placement.page,
        box_px=list(box),
        skew_deg=report.skew_deg if report else 0.0,
        blank=placement.blank,
        place=placement.place,
        position=placement.position,
        reason=placement.reason,
        mask_boxes_px=[list(zone) for zone in _masks(image, placement, box)],
    )


def _masks(image: _SeenImage, placement: Placement, box: BoxPx) -> list[BoxPx]:
    """What correctors may not see: the header; where none was found, wherever the sheet may bear one.

    Without a header nothing tells which way an A3 sheet was fed, nor which side came first: each half is
    hidden at the end that would be its top if it were the first page.
    """
    if image.header is not None:
        return [image.header.mask]
    if placement.half != "full" and ("header_missing" in placement.reasons or placement.page in ("P1", "P4")):
        turn = next(turn for turn in ROTATIONS if first_page_half(turn) == placement.half)
        return [unknown_identity_zone(box, turn, image.dpi)]
    if placement.position == 1:
        return [unknown_identity_zone(box, placement.rotation_deg, image.dpi)]
    return []


def _report(image: _SeenImage, half: str) -> HalfReport | None:
    if image.finding is None:
        return None
    return next((report for report in image.finding.halves if report.half == half), None)


def _write_headers(
    session: Session,
    images: Sequence[_SeenImage],
    placed: sheets.Assembly,
    booklets: Sequence[Booklet],
    halves: dict[tuple[int, str], HalfPage],
) -> None:
    """The first header of each booklet; one further on stays masked and is for a person to look at."""
    by_index = {image.index: image for image in images}
    for booklet, row in zip(placed.booklets, booklets, strict=True):
        for page in booklet.pages:
            image = by_index[page.image]
            report = _report(image, page.half)
            if image.header is None or report is None or report.header is None:
                continue
            session.add(
                Header(
                    booklet_id=row.id,
                    half_page_id=halves[(page.image, page.half)].id,
                    model=image.header.match.model,
                    score=image.header.match.score,
                    crop_sha256=image.header.crop_sha256,
                    field_crops=image.header.field_crops,
                )
            )
            break
