"""The bench and the rows of the database: read it, write a repair, and let headers and copies follow their pages."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from core.db.tables import Booklet, Copy, HalfPage, Header, Proposal, Reading, ScanFile, ScanImage
from core.domain.bench import IN_BOOKLET, Bench, Change, HalfOf, ImageOf, Lie, Spot, applied, check
from core.domain.entries import Cut, Place
from core.domain.sides import ROTATIONS
from core.errors import Conflict
from core.imaging.halves import first_page_half
from core.imaging.zones import unknown_identity_zone
from core.services import attribution
from core.services.page_sets import Cause, renew

_COLUMNS = {"booklet": "booklet_id"}
"""Columns of ``half_page`` that bear another name than the field of the bench."""


@dataclass(frozen=True)
class Written:
    """What a repair did besides moving half-pages.

    Attributes:
        copies: those whose pages changed.
        headers: whether a header belongs to another booklet now, or to none.
    """

    copies: tuple[int, ...]
    headers: bool


def load(session: Session, paper_id: int) -> Bench:
    """The bench of a paper. A page of a copy is a page of its booklet there."""
    halves: dict[int, HalfOf] = {}
    images: dict[int, ImageOf] = {}
    spots: dict[int, Spot] = {}
    lies: dict[int, Lie] = {}
    rows = session.execute(
        select(
            HalfPage.id,
            HalfPage.half,
            HalfPage.place,
            HalfPage.booklet_id,
            HalfPage.position,
            HalfPage.page,
            HalfPage.reason,
            HalfPage.settled,
            HalfPage.blank,
            ScanImage.id.label("image"),
            ScanImage.scan_file_id,
            ScanImage.index.label("image_index"),
            ScanImage.cut,
            ScanImage.rotation_deg,
            ScanImage.side,
            ScanImage.sheet,
        )
        .join(ScanImage, ScanImage.id == HalfPage.scan_image_id)
        .join(ScanFile, ScanFile.id == ScanImage.scan_file_id)
        .where(ScanFile.paper_id == paper_id)
        .order_by(HalfPage.id)
    )
    for row in rows:
        place = IN_BOOKLET if row.place == Place.COPY.value else row.place
        halves[row.id] = HalfOf(row.image, row.half)
        spots[row.id] = Spot(
            place, row.booklet_id, row.position, row.page, row.reason, row.settled, row.blank
        )
        images[row.image] = ImageOf(row.scan_file_id, row.image_index, folded=row.cut != Cut.WHOLE.value)
        lies[row.image] = Lie(row.rotation_deg, row.side, row.sheet)
    return Bench(halves, images, spots, lies)


def write(
    session: Session, bench: Bench, changes: Sequence[Change], cause: Cause, *, decided_apart: bool = False
) -> Written:
    """Write the changes of a repair to the half-pages and images of a paper, with all that follows.

    Args:
        session: The transaction of the repair, which holds the paper.
        bench: As the paper stands.
        changes: Of half-pages and images.
        cause: Why, and by whom.
        decided_apart: Whether pages of one candidate may go to a booklet of another.

    Raises:
        Conflict: ``join_two_candidates``, and what :func:`core.services.page_sets.renew` refuses.
    """
    after = applied(bench, changes)
    check(after)
    rows = _booklet_rows(session, changes)
    turns = _turns(bench, changes)
    seen = {row.copy_id for row in rows.values() if row.copy_id is not None}
    seen |= _copies_of(session, after, turns)
    _write_halves(session, changes, rows)
    _write_images(session, changes)
    if not decided_apart:
        _require_one_candidate(session, bench, after, rows)
    revived = _settle_booklets(session, after, rows)
    _place(session, rows.values())
    moved = _follow_headers(session, after, rows)
    _cover_first_pages(session, after, changes)
    for booklet in revived:
        attribution.revive(session, booklet, cause)
    seen |= {row.copy_id for row in rows.values() if row.copy_id is not None}
    told = replace(cause, turned=turns)
    changed = []
    for copy_id in sorted(seen):
        copy = session.get(Copy, copy_id, with_for_update={"of": Copy}, populate_existing=True)
        if copy is not None and renew(session, copy, told) is not None:
            changed.append(copy_id)
    return Written(tuple(changed), headers=moved)


def _booklet_rows(session: Session, changes: Iterable[Change]) -> dict[int, Booklet]:
    """The booklets whose pages come or go or change their order."""
    ids = {
        side["booklet"]
        for change in changes
        for side in (change.before, change.after)
        if change.what == "half" and side.get("booklet") is not None
    }
    rows = session.scalars(select(Booklet).where(Booklet.id.in_(ids)).with_for_update())
    return {row.id: row for row in rows}


def _turns(bench: Bench, changes: Iterable[Change]) -> dict[int, int]:
    """The clockwise turn of each half-page whose image was turned."""
    images = {
        change.id: (change.after["rotation_deg"] - change.before["rotation_deg"]) % 360
        for change in changes
        if change.what == "image" and "rotation_deg" in change.after
    }
    return {half: images[known.image] for half, known in bench.halves.items() if known.image in images}


def _copies_of(session: Session, after: Bench, halves: Collection[int]) -> set[int]:
    booklets = {after.spots[half].booklet for half in halves}
    found = session.scalars(
        select(Booklet.copy_id).where(Booklet.id.in_([known for known in booklets if known is not None]))
    )
    return {copy_id for copy_id in found if copy_id is not None}


def _write_halves(session: Session, changes: Iterable[Change], rows: dict[int, Booklet]) -> None:
    """In two steps: no database allows two pages at one position, not even for the time of a statement."""
    moved = [change for change in changes if change.what == "half" and "position" in change.after]
    others = [change for change in changes if change.what == "half" and "position" not in change.after]
    session.flush()
    session.execute(
        update(HalfPage)
        .where(HalfPage.id.in_([change.id for change in moved]), HalfPage.booklet_id.is_not(None))
        .values(position=-HalfPage.id)
        .execution_options(synchronize_session=False)
    )
    # Those that leave first, so that nobody arrives where somebody still stands.
    moved.sort(key=lambda change: change.after["booklet"] is not None)
    for change in (*moved, *others):
        values: dict[str, Any] = {_COLUMNS.get(name, name): value for name, value in change.after.items()}
        if values.get("booklet_id") is not None and rows[values["booklet_id"]].copy_id is not None:
            values["place"] = Place.COPY.value
        session.execute(
            update(HalfPage)
            .where(HalfPage.id == change.id)
            .values(values)
            .execution_options(synchronize_session=False)
        )
    session.expire_all()


def _write_images(session: Session, changes: Iterable[Change]) -> None:
    for change in changes:
        if change.what == "image":
            session.execute(update(ScanImage).where(ScanImage.id == change.id).values(dict(change.after)))


def _require_one_candidate(session: Session, bench: Bench, after: Bench, rows: dict[int, Booklet]) -> None:
    """Pages of a booklet that goes do not change hands without anybody saying so."""
    decided = attribution.candidates_decided(session, list(rows))
    left = after.booklets()
    for booklet, pages in bench.booklets().items():
        if booklet not in decided or booklet in left:
            continue
        for half in pages:
            to = after.spots[half].booklet
            if to is not None and decided.get(to, decided[booklet]) != decided[booklet]:
                raise Conflict("join_two_candidates")


def _settle_booklets(session: Session, after: Bench, rows: dict[int, Booklet]) -> list[Booklet]:
    """Dissolve the booklets without pages, put the others where their first page stands; returns those that live again."""
    pages, revived, gone = after.booklets(), [], []
    for booklet_id, row in rows.items():
        inside = pages.get(booklet_id, [])
        if not inside:
            row.dissolved, row.copy_id = True, None
            gone.append(booklet_id)
            continue
        if row.dissolved:
            row.dissolved = False
            revived.append(row)
        row.scan_file_id, row.position = after.first_place(inside[0])
    session.execute(delete(Proposal).where(Proposal.booklet_id.in_(gone)))
    session.flush()
    return revived


def _place(session: Session, rows: Iterable[Booklet]) -> None:
    for row in rows:
        if not row.dissolved:
            attribution.place_pages(session, row)


def _follow_headers(session: Session, after: Bench, rows: dict[int, Booklet]) -> bool:
    """A header belongs to the booklet that its page is in, the first of several; readings go with it.

    One whose page is in no booklet, or behind another header, waits at a booklet without pages.
    """
    pages = {booklet: after.booklets().get(booklet, []) for booklet in rows}
    halves = [half for inside in pages.values() for half in inside]
    headers = session.scalars(
        select(Header).where(or_(Header.half_page_id.in_(halves), Header.booklet_id.in_(list(rows))))
    ).all()
    wanted: dict[int, int] = {}
    for booklet, inside in pages.items():
        borne = [header for header in headers if header.half_page_id in inside]
        if borne:
            first = min(borne, key=lambda header: inside.index(header.half_page_id))
            wanted[first.half_page_id] = booklet
    taken = set(wanted.values())
    moving = []
    for header in headers:
        booklet = wanted.get(header.half_page_id, 0)
        if not booklet:
            waits = session.get_one(Booklet, header.booklet_id)
            if waits.dissolved and header.booklet_id not in taken:
                continue
            booklet = _waiting_place(session, after, header)
        if booklet != header.booklet_id:
            moving.append((header, booklet))
    if moving:
        _move_headers(session, moving)
    return bool(moving)


def _waiting_place(session: Session, after: Bench, header: Header) -> int:
    file, position = after.first_place(header.half_page_id)
    paper_id = session.get_one(ScanFile, file).paper_id
    booklet = Booklet(paper_id=paper_id, scan_file_id=file, position=position, dissolved=True)
    session.add(booklet)
    session.flush()
    return booklet.id


def _move_headers(session: Session, moving: Sequence[tuple[Header, int]]) -> None:
    """Their booklet is their key: they are taken out together and put in again."""
    old = [header.booklet_id for header, _ in moving]
    readings = session.scalars(select(Reading).where(Reading.booklet_id.in_(old))).all()
    to = {header.booklet_id: booklet for header, booklet in moving}
    header_names = [column.key for column in Header.__table__.columns if column.key != "booklet_id"]
    reading_names = [
        column.key for column in Reading.__table__.columns if column.key not in ("id", "booklet_id")
    ]
    again: list[Header | Reading] = [
        Header(booklet_id=booklet, **{name: getattr(header, name) for name in header_names})
        for header, booklet in moving
    ]
    again += [
        Reading(booklet_id=to[row.booklet_id], **{name: getattr(row, name) for name in reading_names})
        for row in readings
    ]
    for row in (*readings, *(header for header, _ in moving)):
        session.delete(row)
    session.flush()
    session.add_all(again)
    session.flush()
    session.expire_all()


def _cover_first_pages(session: Session, after: Bench, changes: Sequence[Change]) -> None:
    """Hide where a name may stand on what became a first page without a header; nothing is ever uncovered."""
    turned = {change.id for change in changes if change.what == "image"}
    moved = {change.id for change in changes if change.what == "half"}
    wanted = moved | {half for half, known in after.halves.items() if known.image in turned}
    rows = session.scalars(select(HalfPage).where(HalfPage.id.in_(wanted))).unique().all()
    images = {row.scan_image_id for row in rows}
    bearing = set(
        session.scalars(
            select(HalfPage.scan_image_id)
            .join(Header, Header.half_page_id == HalfPage.id)
            .where(HalfPage.scan_image_id.in_(images))
        )
    )
    for row in rows:
        if row.scan_image_id in bearing or "header_inside" in row.reason.split():
            continue
        turns = _first_page_turns(row)
        boxes = [tuple(box) for box in row.mask_boxes_px]
        fresh = [unknown_identity_zone(tuple(row.box_px), turn, row.image.dpi) for turn in turns]
        missing = [zone for zone in fresh if not any(_covers(box, zone) for box in boxes)]
        if missing:
            row.mask_boxes_px = [*row.mask_boxes_px, *(list(zone) for zone in missing)]
    session.flush()


def _first_page_turns(row: HalfPage) -> tuple[int, ...]:
    """The turns under which a half-page may be the top of a first page; see :mod:`core.services.ledger_rows`."""
    turns = {row.image.rotation_deg} if row.position == 1 else set()
    if row.half != "full" and row.page in ("P1", "P4"):
        # Without a header nothing tells which way the sheet was fed.
        turns |= {turn for turn in ROTATIONS if first_page_half(turn) == row.half}
    return tuple(sorted(turns))


def _covers(box: Sequence[int], zone: Sequence[int]) -> bool:
    return box[0] <= zone[0] and box[1] <= zone[1] and box[2] >= zone[2] and box[3] >= zone[3]
