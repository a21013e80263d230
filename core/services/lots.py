"""Lots: what their envelope says against what was found, the place of a page on paper, what still waits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.db.session import Sessions
from core.db.tables import Booklet, Copy, Decision, HalfPage, Lot, ScanFile, ScanImage
from core.domain.access import Action, Actor, authorise
from core.domain.entries import DecisionKind, Place
from core.errors import BadInput, NotFound
from core.services import journal
from core.services.copy_rows import paper_row
from core.services.transactions import reading, writing

WAITING = (Place.LOOSE.value, Place.ANNEX.value)
"""Places of half-pages that wait to be attached to a copy."""

_NOT_PAPER = frozenset({"double_scan", "replaced"})
"""Reasons of half-pages set aside whose sheet is in the lot once more."""
_MOST = 100_000
_LONGEST_LABEL = 200


@dataclass(frozen=True)
class Difference:
    """What an envelope says and what was found do not agree; ``code`` is worded by the shell."""

    code: str
    stated: int
    found: int


@dataclass(frozen=True)
class LotView:
    """A lot, its envelope and what was found of it.

    Attributes:
        found_booklets: of its files.
        found_copies: distinct copies of its booklets; a booklet without a copy counts for one.
        found_sheets: pieces of paper; one scanned twice, or replaced by a rescan, counts once.
    """

    lot_id: int
    label: str
    stated_copies: int | None
    stated_sheets: int | None
    found_booklets: int
    found_copies: int
    found_sheets: int
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class PaperPlace:
    """Where a booklet lies on paper: « paquet salle 204, feuille 57 »."""

    lot_label: str
    sheet: int


@dataclass(frozen=True)
class LooseSheet:
    """A sheet that waits to be attached: its half-pages, where it lies on paper."""

    half_ids: tuple[int, ...]
    place: str
    file_name: str
    images: tuple[int, ...]
    on_paper: PaperPlace


def lots(sessions: Sessions, actor: Actor, *, paper_id: int) -> list[LotView]:
    """The lots of a paper, oldest first.

    Raises:
        NotAllowed: The actor is not of the secretariat.
        NotFound: There is no such paper.
    """
    authorise(actor, Action.VIEW_LEDGER)
    with reading(sessions) as session:
        paper_row(session, paper_id)
        return lot_views(session, paper_id)


def set_lot(
    sessions: Sessions,
    actor: Actor,
    *,
    lot_id: int,
    label: str,
    stated_copies: int | None,
    stated_sheets: int | None,
    paper_id: int | None = None,
) -> LotView:
    """Write what stands on the envelope of a lot; ``paper_id``, when given, must be the lot's.

    Raises:
        NotAllowed: The actor is not of the secretariat.
        NotFound: There is no such lot, or it is another paper's.
        BadInput: ``lot_count``: a count is negative or absurd.
    """
    authorise(actor, Action.REPAIR)
    for count in (stated_copies, stated_sheets):
        if count is not None and not 0 <= count <= _MOST:
            raise BadInput("lot_count", value=count)
    with writing(sessions) as session:
        lot = session.get(Lot, lot_id)
        if lot is None or paper_id not in (None, lot.paper_id):
            raise NotFound("lot", lot=lot_id)
        before = {"label": lot.label, "copies": lot.stated_copies, "sheets": lot.stated_sheets}
        lot.label = " ".join(label.split())[:_LONGEST_LABEL]
        lot.stated_copies, lot.stated_sheets = stated_copies, stated_sheets
        after = {"label": lot.label, "copies": lot.stated_copies, "sheets": lot.stated_sheets}
        session.flush()
        if after != before:
            # A label is typed by hand, and may hold a name: the journal says that it changed.
            relabelled = before.pop("label") != after.pop("label")
            values = {"before": before, "after": after, "relabelled": relabelled}
            journal.record(session, actor, Action.REPAIR, kind="lot", object_id=lot_id, values=values)
        return next(view for view in lot_views(session, lot.paper_id) if view.lot_id == lot_id)


def loose_sheets(sessions: Sessions, actor: Actor, *, paper_id: int) -> list[LooseSheet]:
    """The queue of loose sheets and annexes of a paper, in the order of the scan.

    Raises:
        NotAllowed: The actor is not of the secretariat.
        NotFound: There is no such paper.
    """
    authorise(actor, Action.VIEW_LEDGER)
    with reading(sessions) as session:
        paper_row(session, paper_id)
        places = sheet_places(session, paper_id)
        waiting: dict[tuple[int, int], list[tuple[HalfPage, str]]] = defaultdict(list)
        for half, name in session.execute(
            select(HalfPage, ScanFile.name)
            .join(ScanImage, ScanImage.id == HalfPage.scan_image_id)
            .join(ScanFile, ScanFile.id == ScanImage.scan_file_id)
            .where(ScanFile.paper_id == paper_id, HalfPage.place.in_(WAITING))
            .order_by(ScanFile.id, ScanImage.index, HalfPage.id)
        ):
            waiting[(half.image.scan_file_id, half.image.sheet)].append((half, name))
        return [
            LooseSheet(
                half_ids=tuple(half.id for half, _ in found),
                place=found[0][0].place,
                file_name=found[0][1],
                images=tuple(sorted({half.image.index for half, _ in found})),
                on_paper=places[key],
            )
            for key, found in waiting.items()
        ]


def waiting(session: Session, paper_id: int) -> int:
    """How many loose sheets and annexes of a paper wait to be attached to a copy."""
    sheets = (
        select(ScanImage.scan_file_id, ScanImage.sheet)
        .join(HalfPage, HalfPage.scan_image_id == ScanImage.id)
        .join(ScanFile, ScanFile.id == ScanImage.scan_file_id)
        .where(ScanFile.paper_id == paper_id, HalfPage.place.in_(WAITING))
        .distinct()
        .subquery()
    )
    return session.scalar(select(func.count()).select_from(sheets)) or 0


def place_on_paper(session: Session, booklets: Iterable[int]) -> dict[int, PaperPlace]:
    """Where the first page of each booklet lies on paper: the label of its lot and the rank of its sheet there."""
    wanted = list(booklets)
    rows = session.execute(
        select(HalfPage.booklet_id, ScanImage.scan_file_id, ScanImage.sheet, ScanFile.paper_id)
        .join(ScanImage, ScanImage.id == HalfPage.scan_image_id)
        .join(ScanFile, ScanFile.id == ScanImage.scan_file_id)
        .where(HalfPage.position == 1, HalfPage.booklet_id.in_(wanted))
    ).all()
    known = {paper_id: sheet_places(session, paper_id) for paper_id in {row.paper_id for row in rows}}
    return {row.booklet_id: known[row.paper_id][(row.scan_file_id, row.sheet)] for row in rows}


def place_of_copy(session: Session, copy: Copy) -> tuple[PaperPlace, ...]:
    """Where the booklets of a copy lie on paper, in the order of its pages."""
    ids = session.scalars(
        select(Booklet.id).where(Booklet.copy_id == copy.id).order_by(Booklet.scan_file_id, Booklet.position)
    ).all()
    places = place_on_paper(session, ids)
    return tuple(places[booklet_id] for booklet_id in ids if booklet_id in places)


def lot_views(session: Session, paper_id: int) -> list[LotView]:
    """The lots of a paper inside the transaction of a caller that has checked the right."""
    all_lots = session.scalars(select(Lot).where(Lot.paper_id == paper_id).order_by(Lot.id)).all()
    sheets = _sheets_found(session, paper_id)
    booklets: dict[int, list[int | None]] = defaultdict(list)
    undecided: dict[int, int] = defaultdict(int)
    decided = _decided(session, paper_id)
    for lot_id, booklet_id, copy_id in session.execute(
        select(ScanFile.lot_id, Booklet.id, Booklet.copy_id)
        .join(Booklet, Booklet.scan_file_id == ScanFile.id)
        .where(ScanFile.paper_id == paper_id, Booklet.dissolved.is_(False))
    ):
        booklets[lot_id].append(copy_id)
        undecided[lot_id] += booklet_id not in decided
    views = []
    for lot in all_lots:
        held = booklets[lot.id]
        copies = len({copy_id for copy_id in held if copy_id is not None}) + held.count(None)
        found = sheets.get(lot.id, 0)
        views.append(
            LotView(
                lot_id=lot.id,
                label=lot.label,
                stated_copies=lot.stated_copies,
                stated_sheets=lot.stated_sheets,
                found_booklets=len(held),
                found_copies=copies,
                found_sheets=found,
                differences=_differences(lot, copies, found, settled=undecided[lot.id] == 0),
            )
        )
    return views


def _differences(lot: Lot, copies: int, sheets: int, *, settled: bool) -> tuple[Difference, ...]:
    """Too many booklets may still become one copy while some have no decision; too few never grow."""
    found = []
    if lot.stated_sheets is not None and sheets != lot.stated_sheets:
        code = "lot_sheets_missing" if sheets < lot.stated_sheets else "lot_sheets_more"
        found.append(Difference(code, lot.stated_sheets, sheets))
    if lot.stated_copies is not None and copies < lot.stated_copies:
        found.append(Difference("lot_copies_missing", lot.stated_copies, copies))
    if lot.stated_copies is not None and copies > lot.stated_copies and settled:
        found.append(Difference("lot_copies_more", lot.stated_copies, copies))
    return tuple(found)


def _decided(session: Session, paper_id: int) -> set[int]:
    return set(
        session.scalars(
            select(Decision.booklet_id)
            .join(Booklet, Booklet.id == Decision.booklet_id)
            .where(
                Booklet.paper_id == paper_id,
                Decision.superseded_at.is_(None),
                Decision.kind.in_([kind.value for kind in DecisionKind]),
            )
        )
    )


def _sheets_found(session: Session, paper_id: int) -> dict[int, int]:
    """Pieces of paper by lot."""
    sheets: dict[tuple[int, int, int], bool] = {}
    for lot_id, file_id, sheet, place, reason in session.execute(
        select(ScanFile.lot_id, ScanFile.id, ScanImage.sheet, HalfPage.place, HalfPage.reason)
        .join(ScanImage, ScanImage.scan_file_id == ScanFile.id)
        .join(HalfPage, HalfPage.scan_image_id == ScanImage.id)
        .where(ScanFile.paper_id == paper_id)
    ):
        again = place == Place.ASIDE.value and not _NOT_PAPER.isdisjoint(reason.split())
        key = (lot_id, file_id, sheet)
        sheets[key] = sheets.get(key, False) or not again
    counts: dict[int, int] = defaultdict(int)
    for (lot_id, _, _), is_paper in sheets.items():
        counts[lot_id] += is_paper
    return counts


def sheet_places(session: Session, paper_id: int) -> dict[tuple[int, int], PaperPlace]:
    """The place on paper of each sheet ``(file, sheet of the file)``: ranks go on from file to file of a lot."""
    files = session.execute(
        select(ScanFile.id, ScanFile.lot_id, Lot.label, func.max(ScanImage.sheet))
        .join(Lot, Lot.id == ScanFile.lot_id)
        .outerjoin(ScanImage, ScanImage.scan_file_id == ScanFile.id)
        .where(ScanFile.paper_id == paper_id)
        .group_by(ScanFile.id, ScanFile.lot_id, Lot.label)
        .order_by(ScanFile.id)
    ).all()
    before: dict[int, int] = defaultdict(int)
    places: dict[tuple[int, int], PaperPlace] = {}
    for file_id, lot_id, label, sheets in files:
        for sheet in range(1, (sheets or 0) + 1):
            places[(file_id, sheet)] = PaperPlace(label, before[lot_id] + sheet)
        before[lot_id] += sheets or 0
    return places
