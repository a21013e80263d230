"""Booklets of a pile of folded A3 sheets: each sheet with a header opens one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.domain.pairing import Sheet
from core.domain.placing import Group, Place, Placement, leaf_pages, place_of, unique
from core.domain.sides import Face, HalfFinding, SideFinding, halves_upright, page_label, turn_reasons


def a3_groups(sheets: Sequence[Sheet], *, one_booklet: bool) -> list[Group]:
    """Booklets in the order of the pile; what belongs to none comes last, in a group of its own.

    A sheet without header joins the booklet before it, because whoever numbered
    or stapled it put it there; the first of a file makes one of its own, which
    is identified by hand. One side of a sheet alone, without header, may be of
    either neighbour: it waits with the loose sheets.

    Args:
        sheets: the pile.
        one_booklet: the file is one copy, whatever is seen on it.
    """
    groups: list[Group] = []
    outside: list[Placement] = []
    turn: int | None = None
    for sheet in sheets:
        # A sheet with nothing to tell its orientation was most likely fed like the one before.
        turn = sheet.front.rotation_deg if sheet.header and sheet.front and sheet.is_a3 else turn
        place = "booklet" if one_booklet else _place(sheet)
        if place != "booklet":
            outside += _outside(sheet, place, turn)
            continue
        pages = tuple(_sheet_pages(sheet, turn, _reasons(sheet, one_booklet), place))
        if groups and (one_booklet or not sheet.header):
            groups[-1] = Group(groups[-1].pages + pages, groups[-1].header or sheet.header)
        else:
            groups.append(Group(pages, sheet.header))
    return [*groups, Group(tuple(outside), header=False)]


def _place(sheet: Sheet) -> Place:
    if not sheet.is_a3:
        # A leaf with any header among folded sheets was handed in with one of them.
        return "annex" if sheet.header else "loose"
    if sheet.annex:
        return "annex"
    if sheet.header:
        return "booklet"
    if sheet.blank:
        return "blank"
    return "loose" if sheet.lone and not sheet.sides[0].unreadable else "booklet"


def _outside(sheet: Sheet, place: Place, turn: int | None) -> Iterator[Placement]:
    """A sheet that belongs to no booklet yet, or to nobody."""
    if not sheet.is_a3:
        reason = "annex_waiting" if place == "annex" else "loose_leaf"
        front = sheet.front.rotation_deg if sheet.front else None
        for side in sheet.sides:
            yield from leaf_pages(side, (reason,), place, front)
        return
    own = {"annex": "annex_waiting", "blank": "blank_sheet", "loose": "front_missing"}[place]
    lone_blank = ("odd_image",) if place == "blank" and sheet.lone else ()
    reasons = (own, *_swapped(sheet), *lone_blank, *_unsure(sheet))
    yield from _sheet_pages(sheet, turn, reasons, place)


def _reasons(sheet: Sheet, one_booklet: bool) -> tuple[str, ...]:
    missing = () if sheet.header or one_booklet else ("header_missing",)
    alone: tuple[str, ...] = ()
    if sheet.lone and sheet.is_a3:
        alone = ("back_missing",) if sheet.header else ("odd_image",)
    return (*_swapped(sheet), *alone, *missing, *(() if alone else _unsure(sheet)))


def _swapped(sheet: Sheet) -> tuple[str, ...]:
    return ("sides_swapped",) if sheet.swapped else ()


def _unsure(sheet: Sheet) -> tuple[str, ...]:
    return ("odd_image",) if sheet.unsure else ()


def _sheet_pages(
    sheet: Sheet, turn: int | None, reasons: tuple[str, ...], place: Place
) -> Iterator[Placement]:
    """P1, P2, P3, P4 of a sheet, or those of the side that is there."""
    if not sheet.is_a3:
        yield from (page for leaf in sheet.sides for page in leaf_pages(leaf, reasons, place))
        return
    pages: list[Placement] = []
    faces: tuple[tuple[Face, SideFinding | None], ...] = (("front", sheet.front), ("back", sheet.back))
    first = _fitting_turn(sheet.sides[0], turn)
    for face, side in faces:
        if side is not None:
            degrees = _fitting_turn(side, first)
            # The second side lies otherwise than the first: which of its halves is which is a guess.
            unsure = ("direction_unsure",) if degrees != first else ()
            pages += (_a3_page(side, half, face, degrees, (*reasons, *unsure), place) for half in side.halves)
    yield from sorted(pages, key=lambda page: page.page)


def _fitting_turn(side: SideFinding, turn: int | None) -> int:
    """The side's own turn, or the sheet's, or the nearest one that gives the halves this image has."""
    wanted = side.rotation_deg if side.rotation_deg is not None else turn
    for degrees in (wanted, 0, 90):
        if degrees is not None and frozenset(halves_upright(degrees)) == side.names:
            return degrees
    raise ValueError(f"image {side.image}: halves {sorted(side.names)} are not those of an A3 image")


def _a3_page(
    side: SideFinding, half: HalfFinding, face: Face, turn: int, reasons: tuple[str, ...], place: Place
) -> Placement:
    # A blank page of a sheet that is somebody's keeps its position there.
    placed: Place = "unreadable" if side.unreadable else place
    if place not in ("booklet", "blank"):
        placed = place_of(side, half, place)
    unreadable = ("unreadable",) if side.unreadable else ()
    return Placement(
        side.image,
        half.half,
        page_label(half.half, face, turn),
        placed,
        rotation_deg=turn,
        blank=half.blank,
        reasons=unique((*unreadable, *reasons, *turn_reasons(turn), *half.flags)),
    )
