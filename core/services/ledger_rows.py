"""The rows of an ingested file: its images, its half-pages each in its place, its booklets and headers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from core.db.tables import Booklet, HalfPage, Header, ScanFile, ScanImage
from core.db.tables.base import now
from core.domain import sheets
from core.domain.bench import place_in_file
from core.domain.entries import Cut
from core.domain.sheets import ROTATIONS, HalfName, ImagePlace, Layout, Placement, SideFinding
from core.imaging.darkness import BoxPx
from core.imaging.halves import first_page_half
from core.imaging.zones import unknown_identity_zone
from core.intake.seen import SeenHalf, SeenHeader, SeenImage, SeenMark
from core.storage.blobs import BlobStore


@dataclass(frozen=True)
class Turn:
    """How an image lies: clockwise turn that makes it upright; ``unsure`` when its writing was asked in vain."""

    rotation_deg: int | None
    unsure: bool = False


@dataclass(frozen=True)
class _KeptHeader:
    """A header whose pictures are stored."""

    model: str
    score: float
    crop_sha256: str
    field_crops: dict[str, str]
    mask: BoxPx


@dataclass(frozen=True)
class _KeptMark:
    """A stored picture of what may be a page number."""

    edge: str
    sha256: str


@dataclass(frozen=True, eq=False)
class KeptHalf:
    """What rows need of a half."""

    box: BoxPx
    skew_deg: float
    header: _KeptHeader | None
    thumb_sha256: str | None
    likeness: bytes | None
    ruling: str
    hand: tuple[float, ...]
    seen_marks: tuple[SeenMark, ...]
    marks: tuple[_KeptMark, ...] = ()


@dataclass(frozen=True, eq=False)
class KeptImage:
    """What remains of an image once its pictures are stored and let go.

    Attributes:
        side: what the assembly of sheets needs.
        halves: by their name in the image as fed.
    """

    index: int
    width_px: int
    height_px: int
    dpi: float
    codec: str
    made_sha256: str | None
    side: SideFinding
    halves: Mapping[str, KeptHalf]

    @property
    def header(self) -> _KeptHeader | None:
        """The header of the image, wherever it is."""
        return next((half.header for half in self.halves.values() if half.header is not None), None)


def kept(image: SeenImage, blobs: BlobStore, turn: Turn) -> KeptImage:
    """Store the pictures of an image; the rows that name them come later, in one transaction."""
    return KeptImage(
        index=image.index,
        width_px=image.width_px,
        height_px=image.height_px,
        dpi=image.dpi,
        codec=image.codec,
        made_sha256=blobs.put(image.made) if image.made is not None else None,
        side=image.side(turn.rotation_deg, ("direction_unsure",) if turn.unsure else ()),
        halves={half.half: _kept_half(half, blobs) for half in image.halves},
    )


def _kept_half(half: SeenHalf, blobs: BlobStore) -> KeptHalf:
    header = _kept_header(half.header, blobs) if half.header is not None else None
    thumb = blobs.put(half.thumb) if half.thumb is not None else None
    return KeptHalf(half.box, half.skew_deg, header, thumb, half.likeness, half.ruling, half.hand, half.marks)


def _kept_header(header: SeenHeader, blobs: BlobStore) -> _KeptHeader:
    return _KeptHeader(
        model=header.model,
        score=header.score,
        crop_sha256=blobs.put(header.crop),
        field_crops={field: blobs.put(crop) for field, crop in header.fields.items()},
        mask=header.mask,
    )


def with_marks(images: Sequence[KeptImage], placed: sheets.Assembly, blobs: BlobStore) -> list[KeptImage]:
    """Store the pictures of page numbers, now that it is known which way up each page is."""
    turns = {placement.image: placement.rotation_deg for placement in placed.placements}
    return [
        replace(
            image,
            halves={
                name: _with_marks(half, turns[image.index], blobs) for name, half in image.halves.items()
            },
        )
        for image in images
    ]


def _with_marks(half: KeptHalf, turn_deg: int, blobs: BlobStore) -> KeptHalf:
    upright = [mark for mark in half.seen_marks if mark.turn_deg == turn_deg]
    marks = tuple(_KeptMark(mark.edge, blobs.put(mark.picture)) for mark in upright)
    return replace(half, seen_marks=(), marks=marks)


def finish(scan_file: ScanFile, layout: Layout, images: int) -> None:
    """Say what a file was found to be."""
    scan_file.layout, scan_file.image_count, scan_file.ingested_at = layout, images, now()


def write(
    session: Session, scan_file: ScanFile, images: Sequence[KeptImage], placed: sheets.Assembly
) -> None:
    """Write every half-page with its place, and the booklets and headers they make."""
    booklets = [
        Booklet(
            paper_id=scan_file.paper_id,
            scan_file_id=scan_file.id,
            position=place_in_file(booklet.first_image, booklet.pages[0].half),
        )
        for booklet in placed.booklets
    ]
    session.add_all(booklets)
    by_image: dict[int, list[Placement]] = {image.index: [] for image in images}
    for placement in placed.placements:
        by_image[placement.image].append(placement)
    places = {place.image: place for place in placed.images}
    rows = {image.index: _image_row(scan_file, image, places[image.index]) for image in images}
    for image in images:
        rows[image.index].rotation_deg = by_image[image.index][0].rotation_deg
    session.add_all(rows.values())
    session.flush()
    halves: dict[tuple[int, HalfName], HalfPage] = {}
    for image in images:
        for placement in by_image[image.index]:
            half = _half_page(rows[image.index], image, placement)
            if placement.booklet_index is not None:
                half.booklet_id = booklets[placement.booklet_index].id
            halves[image.index, placement.half] = half
    session.add_all(halves.values())
    session.flush()
    _write_headers(session, images, placed, booklets, halves)


def _image_row(scan_file: ScanFile, image: KeptImage, place: ImagePlace) -> ScanImage:
    first, second = (*place.cut.halves, None)[:2]
    return ScanImage(
        scan_file_id=scan_file.id,
        index=image.index,
        width_px=image.width_px,
        height_px=image.height_px,
        dpi=image.dpi,
        codec=image.codec,
        made_sha256=image.made_sha256,
        sheet=place.sheet,
        side=place.side.value,
        cut=place.cut.value,
        first_half=first,
        second_half=second,
    )


def _half_page(row: ScanImage, image: KeptImage, placement: Placement) -> HalfPage:
    half = image.halves[placement.half]
    return HalfPage(
        scan_image_id=row.id,
        half=placement.half,
        cut=Cut(row.cut).value,
        page=placement.page,
        box_px=list(half.box),
        skew_deg=half.skew_deg,
        blank=placement.blank,
        place=placement.place,
        position=placement.position,
        reason=placement.reason,
        mask_boxes_px=[list(zone) for zone in _masks(image, placement, half.box)],
        thumb_sha256=half.thumb_sha256,
        likeness=half.likeness,
        ruling=half.ruling,
        hand=list(half.hand),
        mark_crops=[{"edge": mark.edge, "sha256": mark.sha256} for mark in half.marks],
    )


def _masks(image: KeptImage, placement: Placement, box: BoxPx) -> list[BoxPx]:
    """What correctors may not see: the header; where none was found, wherever the sheet may bear one.

    Without a header nothing tells which way an A3 sheet was fed, nor which side came first: each half is
    hidden at the end that would be its top if it were the first page. A leaf of which nothing is known
    is hidden at its top, and at its foot too when nothing tells which is which.
    """
    if image.header is not None:
        return [image.header.mask]
    unknown = {"header_missing", "front_missing"} & set(placement.reasons)
    if placement.half != "full" and (unknown or placement.page in ("P1", "P4")):
        turn = next(turn for turn in ROTATIONS if first_page_half(turn) == placement.half)
        return [unknown_identity_zone(box, turn, image.dpi)]
    if placement.position == 1 or placement.place in ("loose", "annex"):
        turns = [placement.rotation_deg]
        if "direction_unsure" in placement.reasons:
            turns.append((placement.rotation_deg + 180) % 360)
        return [unknown_identity_zone(box, turn, image.dpi) for turn in turns]
    return []


def _write_headers(
    session: Session,
    images: Sequence[KeptImage],
    placed: sheets.Assembly,
    booklets: Sequence[Booklet],
    halves: Mapping[tuple[int, HalfName], HalfPage],
) -> None:
    """The first header of each booklet. One further on is for a person to look at.

    It waits, read like the others, at a booklet without pages: see :mod:`core.services.bench_rows`.
    """
    by_index = {image.index: image for image in images}
    for booklet, row in zip(placed.booklets, booklets, strict=True):
        holder: Booklet | None = row
        for page in booklet.pages:
            header = by_index[page.image].halves[page.half].header
            if header is None:
                continue
            if holder is None:
                holder = Booklet(
                    paper_id=row.paper_id,
                    scan_file_id=row.scan_file_id,
                    position=place_in_file(page.image, page.half),
                    dissolved=True,
                )
                session.add(holder)
                session.flush()
            session.add(
                Header(
                    booklet_id=holder.id,
                    half_page_id=halves[page.image, page.half].id,
                    model=header.model,
                    score=header.score,
                    crop_sha256=header.crop_sha256,
                    field_crops=header.field_crops,
                )
            )
            holder = None
