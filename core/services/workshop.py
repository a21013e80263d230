"""What the control of a lot and the atelier d'agrafage show: every sheet of a paper, and what was done to it."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.db.session import Sessions
from core.db.tables import (
    Booklet,
    Copy,
    Decision,
    DoubleScan,
    HalfPage,
    Header,
    Lot,
    Repair,
    ScanFile,
    ScanImage,
)
from core.domain.access import Action, Actor, authorise
from core.domain.doubts import Level, codes, level_of
from core.errors import NotFound
from core.intake import readers
from core.services import journal
from core.services.copy_rows import paper_row
from core.services.loose_suggestions import Suggestion, suggestions
from core.services.lots import LotView, PaperPlace, lot_views, place_on_paper, sheet_places
from core.services.page_images import PageSource, page_source
from core.services.transactions import reading
from core.storage.blobs import BlobStore

MOST_REPAIRS = 50
THUMB_BYTES = 30_000
"""Most bytes of a thumbnail: 340 sheets of them must scroll on a school's network."""
_THUMB_WIDTH_PX = 300
_THUMB_QUALITIES = (60, 40, 20)

OK = "ok"
"""Level of a half-page without a reason, or whose doubts somebody has settled."""
_LEVELS = (Level.DOUBTFUL.value, Level.PLACED.value, Level.CORRECTED.value, OK)


@dataclass(frozen=True)
class FileLine:
    """A scan file of the paper."""

    id: int
    name: str
    lot: str
    lot_id: int
    checked: bool
    images: int | None
    ingested: bool
    kind: str


@dataclass(frozen=True)
class ImageLine:
    """An image of a sheet; ``rotation`` is the clockwise turn that makes it upright."""

    id: int
    index: int
    side: str
    rotation: int
    cut: str


@dataclass(frozen=True)
class HalfLine:
    """A half-page; ``copy`` is the status of its copy, empty without one; ``thumb`` an address, as fed."""

    id: int
    image: int
    half: str
    page: str
    place: str
    booklet: int | None
    position: int | None
    blank: bool
    reasons: tuple[str, ...]
    level: str
    settled: bool
    copy: str
    thumb: str
    page_mark: str


@dataclass(frozen=True)
class SheetLine:
    """A sheet of a file with its images and half-pages, as fed; ``level`` is the worst of its halves."""

    key: str
    file: int
    sheet: int
    on_paper: PaperPlace
    images: tuple[ImageLine, ...]
    halves: tuple[HalfLine, ...]
    level: str


@dataclass(frozen=True)
class BookletLine:
    """A booklet that has pages."""

    id: int
    file: int
    first_sheet: int
    pages: int
    header: bool
    copy_status: str
    decided: bool
    on_paper: PaperPlace | None


@dataclass(frozen=True)
class DoubleLine:
    """Two images that look alike; ``image`` came later."""

    image: int
    other: int
    score: float
    verdict: str


@dataclass(frozen=True)
class LooseLine:
    """A half-page that waits, with the places proposed for it, the likeliest first."""

    half: int
    suggestions: tuple[Suggestion, ...]


@dataclass(frozen=True)
class RepairLine:
    """A repair; the shell makes its sentence from ``kind`` and the counts."""

    id: int
    kind: str
    half_pages: int
    booklets: tuple[int, ...]
    of: int | None
    reason: str
    by: str
    at: datetime
    undone: bool
    undoable: bool


@dataclass(frozen=True)
class Workshop:
    """All that both pages show of a paper, or of one of its files."""

    version: int
    files: tuple[FileLine, ...]
    lots: tuple[LotView, ...]
    sheets: tuple[SheetLine, ...]
    booklets: tuple[BookletLine, ...]
    doubles: tuple[DoubleLine, ...]
    loose: tuple[LooseLine, ...]
    repairs: tuple[RepairLine, ...]


def workshop(sessions: Sessions, actor: Actor, *, paper_id: int, file_id: int | None = None) -> Workshop:
    """Every sheet of a paper, or of one of its files, in the order of the paper.

    Raises:
        NotAllowed: The actor is not of the secretariat.
        NotFound: There is no such paper, or no such file in it.
    """
    authorise(actor, Action.VIEW_LEDGER)
    with reading(sessions) as session:
        paper_row(session, paper_id)
        files = _files(session, paper_id)
        if file_id is not None and file_id not in {file.id for file in files}:
            raise NotFound("scan_file", scan_file=file_id)
        sheets = _sheets(session, paper_id, file_id)
        shown = {half.id for sheet in sheets for half in sheet.halves}
        return Workshop(
            version=version_of(session, paper_id),
            files=files,
            lots=tuple(lot_views(session, paper_id)),
            sheets=sheets,
            booklets=_booklets(session, paper_id),
            doubles=_doubles(session, paper_id),
            loose=tuple(
                LooseLine(half, ranked)
                for half, ranked in suggestions(session, paper_id).items()
                if half in shown
            ),
            repairs=repair_lines(session, paper_id, MOST_REPAIRS),
        )


def repairs_made(sessions: Sessions, actor: Actor, *, paper_id: int) -> tuple[RepairLine, ...]:
    """All repairs of a paper, newest first.

    Raises:
        NotAllowed: The actor is not of the secretariat.
        NotFound: There is no such paper.
    """
    authorise(actor, Action.VIEW_LEDGER)
    with reading(sessions) as session:
        paper_row(session, paper_id)
        return repair_lines(session, paper_id, None)


def thumbnail(sessions: Sessions, actor: Actor, blobs: BlobStore, *, half_id: int) -> bytes:
    """A small JPEG of a half-page, as fed, name included: the one made once, or drawn now.

    Raises:
        NotAllowed: The actor is not of the secretariat.
        NotFound: There is no such half-page, or its scan is not kept any more.
        BadInput: Its image cannot be read.
    """
    authorise(actor, Action.VIEW_HEADERS)
    with reading(sessions) as session:
        half = session.get(HalfPage, half_id)
        if half is None:
            raise NotFound("page", page=half_id)
        source = page_source(session, half)
    if half.thumb_sha256 is not None:
        return blobs.get(half.thumb_sha256)
    key = hashlib.sha256(repr(("thumb", source.scan_sha256, source.index, source.box)).encode()).hexdigest()
    content = blobs.derived.get(key)
    if content is None:
        content = _drawn(blobs, source)
        blobs.derived.put(key, content)
    return content


def version_of(session: Session, paper_id: int) -> int:
    """The id of the last repair of a paper, 0 before the first: it grows with each."""
    return session.scalar(select(func.max(Repair.id)).where(Repair.paper_id == paper_id)) or 0


def repair_lines(session: Session, paper_id: int, limit: int | None) -> tuple[RepairLine, ...]:
    """The repairs of a paper, newest first, inside the transaction of a caller that has checked the right."""
    rows = session.scalars(
        select(Repair).where(Repair.paper_id == paper_id).order_by(Repair.id.desc()).limit(limit)
    ).all()
    names = journal.names_of(session, {row.made_by for row in rows})
    return tuple(
        RepairLine(
            id=row.id,
            kind=row.kind,
            half_pages=len({change["id"] for change in row.changes if change["what"] == "half"}),
            booklets=tuple(
                sorted(
                    {
                        side["booklet"]
                        for change in row.changes
                        for side in (change["before"], change["after"])
                        if change["what"] == "half" and side.get("booklet") is not None
                    }
                )
            ),
            of=next((change["id"] for change in row.changes if change["what"] == "repair"), None),
            reason=row.reason,
            by=names[row.made_by],
            at=row.made_at,
            undone=row.undone_at is not None,
            undoable=row.undone_at is None,
        )
        for row in rows
    )


def _files(session: Session, paper_id: int) -> tuple[FileLine, ...]:
    rows = session.execute(
        select(ScanFile, Lot.label)
        .join(Lot, Lot.id == ScanFile.lot_id)
        .where(ScanFile.paper_id == paper_id)
        .order_by(ScanFile.id)
    )
    return tuple(
        FileLine(
            id=file.id,
            name=file.name,
            lot=label,
            lot_id=file.lot_id,
            checked=file.checked_at is not None,
            images=file.image_count,
            ingested=file.ingested_at is not None,
            kind=file.kind,
        )
        for file, label in rows
    )


def _sheets(session: Session, paper_id: int, file_id: int | None) -> tuple[SheetLine, ...]:
    query = (
        select(
            HalfPage.id,
            HalfPage.half,
            HalfPage.page,
            HalfPage.place,
            HalfPage.booklet_id,
            HalfPage.position,
            HalfPage.blank,
            HalfPage.reason,
            HalfPage.settled,
            HalfPage.page_mark,
            ScanImage.id.label("image_id"),
            ScanImage.index.label("image_index"),
            ScanImage.side,
            ScanImage.rotation_deg,
            ScanImage.cut,
            ScanImage.sheet,
            ScanFile.id.label("file_id"),
            Copy.status,
        )
        .join(ScanImage, ScanImage.id == HalfPage.scan_image_id)
        .join(ScanFile, ScanFile.id == ScanImage.scan_file_id)
        .outerjoin(Booklet, Booklet.id == HalfPage.booklet_id)
        .outerjoin(Copy, Copy.id == Booklet.copy_id)
        .where(ScanFile.paper_id == paper_id)
        .order_by(ScanFile.id, ScanImage.sheet, ScanImage.index, HalfPage.half)
    )
    if file_id is not None:
        query = query.where(ScanFile.id == file_id)
    grouped: dict[tuple[int, int], list[Any]] = defaultdict(list)
    for row in session.execute(query):
        grouped[(row.file_id, row.sheet)].append(row)
    ranks = sheet_places(session, paper_id)
    return tuple(_sheet(key, rows, ranks[key]) for key, rows in grouped.items())


def _sheet(key: tuple[int, int], rows: Sequence[Any], on_paper: PaperPlace) -> SheetLine:
    images: dict[int, ImageLine] = {}
    halves = []
    for row in rows:
        images.setdefault(
            row.image_id, ImageLine(row.image_id, row.image_index, row.side, row.rotation_deg, row.cut)
        )
        reasons = codes(row.reason)
        halves.append(
            HalfLine(
                id=row.id,
                image=row.image_id,
                half=row.half,
                page=row.page,
                place=row.place,
                booklet=row.booklet_id,
                position=row.position,
                blank=row.blank,
                reasons=reasons,
                level=shown_level(reasons, settled=row.settled),
                settled=row.settled,
                copy=row.status or "",
                thumb=f"/files/halves/{row.id}.jpg",
                page_mark=row.page_mark,
            )
        )
    return SheetLine(
        key=f"{key[0]}-{key[1]}",
        file=key[0],
        sheet=key[1],
        on_paper=on_paper,
        images=tuple(images.values()),
        halves=tuple(halves),
        level=min((half.level for half in halves), key=_LEVELS.index),
    )


def shown_level(reasons: Iterable[str], *, settled: bool) -> str:
    """What a half-page asks of people; a doubt that somebody settled asks nothing more."""
    level = level_of(reasons)
    if level is None or (settled and level is Level.DOUBTFUL):
        return OK
    return level.value


def _booklets(session: Session, paper_id: int) -> tuple[BookletLine, ...]:
    pages = dict(
        session.execute(
            select(HalfPage.booklet_id, func.count())
            .join(Booklet, Booklet.id == HalfPage.booklet_id)
            .where(Booklet.paper_id == paper_id)
            .group_by(HalfPage.booklet_id)
        ).all()
    )
    first_sheets = dict(
        session.execute(
            select(HalfPage.booklet_id, ScanImage.sheet)
            .join(ScanImage, ScanImage.id == HalfPage.scan_image_id)
            .join(Booklet, Booklet.id == HalfPage.booklet_id)
            .where(Booklet.paper_id == paper_id, HalfPage.position == 1)
        ).all()
    )
    headers = set(
        session.scalars(select(Header.booklet_id).join(Booklet).where(Booklet.paper_id == paper_id))
    )
    decided = set(
        session.scalars(
            select(Decision.booklet_id)
            .join(Booklet)
            .where(Booklet.paper_id == paper_id, Decision.superseded_at.is_(None))
        )
    )
    rows = session.execute(
        select(Booklet.id, Booklet.scan_file_id, Copy.status)
        .outerjoin(Copy, Copy.id == Booklet.copy_id)
        .where(Booklet.paper_id == paper_id, Booklet.dissolved.is_(False))
        .order_by(Booklet.scan_file_id, Booklet.position)
    ).all()
    places = place_on_paper(session, [row.id for row in rows])
    return tuple(
        BookletLine(
            id=row.id,
            file=row.scan_file_id,
            first_sheet=first_sheets.get(row.id, 0),
            pages=pages.get(row.id, 0),
            header=row.id in headers,
            copy_status=row.status or "",
            decided=row.id in decided,
            on_paper=places.get(row.id),
        )
        for row in rows
    )


def _doubles(session: Session, paper_id: int) -> tuple[DoubleLine, ...]:
    rows = session.scalars(
        select(DoubleScan)
        .join(ScanImage, ScanImage.id == DoubleScan.image_id)
        .join(ScanFile, ScanFile.id == ScanImage.scan_file_id)
        .where(ScanFile.paper_id == paper_id)
        .order_by(DoubleScan.image_id, DoubleScan.other_image_id)
    )
    return tuple(DoubleLine(row.image_id, row.other_image_id, row.score, row.verdict) for row in rows)


def _drawn(blobs: BlobStore, source: PageSource) -> bytes:
    """As it was fed, as sharp as the bytes allow."""
    content = b""
    for quality in _THUMB_QUALITIES:
        _, (content,) = readers.ask(
            "page",
            blobs.path(source.scan_sha256),
            index=source.index,
            box=list(source.box),
            rotation_deg=0,
            zones=[],
            width_px=_THUMB_WIDTH_PX,
            quality=quality,
        )
        if len(content) <= THUMB_BYTES:
            break
    return content
