"""Booklets of a stack of A4 leaves in reading order: the first page of each copy bears a header."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import log
from statistics import median

from core.domain.pairing import Sheet, pair_up
from core.domain.placing import Group, Placement, leaf_pages
from core.domain.sides import SideFinding

LONG_COPY = 2.0
"""Times the usual number of images from which a copy may be two."""
LONG_SHARE = 0.2
"""When more of the copies are that long, length says nothing."""
FEWEST_COPIES = 4


def a4_sheets(findings: Sequence[SideFinding]) -> list[Sheet]:
    """The leaves of a stack: fronts and backs when the scanner took both sides, else each image alone.

    Both sides were taken when headers and blank pages fall on fronts and backs
    more regularly than chance would have it: each is worth one toss of a coin.
    """
    sheets, cost = pair_up(findings, leaves=True)
    told = sum(side.header or side.blank for side in findings)
    if findings and (findings[0].header or findings[0].blank):
        told -= 1  # the first image is a front either way
    if cost < told * log(2):
        return sheets
    return [Sheet(side, None) for side in findings]


def a4_groups(sheets: Sequence[Sheet], pages_per_copy: int | None) -> list[Group]:
    """A booklet per header, or per ``pages_per_copy`` images, or one for the whole file.

    Annex leaves are taken out first: they wait to be attached.
    """
    annexes = [sheet for sheet in sheets if sheet.annex]
    kept = [(sheet, side) for sheet in sheets if not sheet.annex for side in sheet.sides]
    if pages_per_copy is not None:
        groups = _by_count(kept, pages_per_copy)
    else:
        groups = _by_header(kept)
    waiting = (
        page
        for sheet in annexes
        for side in sheet.sides
        for page in leaf_pages(side, ("annex_waiting",), "annex", _turn(sheet))
    )
    return [*groups, Group(tuple(waiting), header=False)]


def one_group(sheets: Sequence[Sheet]) -> Group:
    """The leaves of one pupil's file; a header further on is another copy's, or printed on every leaf."""
    pages = _pages([(sheet, side) for sheet in sheets for side in sheet.sides], ())
    bearing = [page for page, header in pages if header]
    bare = [page for page, header in pages if not header and page.place == "booklet"]
    inside = {(p.image, p.half) for p in bearing if p.image != pages[0][0].image} if bare else set()
    marked = tuple(
        replace(page, reasons=("header_inside", *page.reasons)) if (page.image, page.half) in inside else page
        for page, _ in pages
    )
    return Group(marked, header=bool(bearing))


_Kept = Sequence[tuple[Sheet, SideFinding]]


def _by_header(kept: _Kept) -> list[Group]:
    cuts = [i for i, (_, side) in enumerate(kept) if side.header]
    if not cuts or cuts[0] != 0:
        cuts.insert(0, 0)
    copies = [kept[start:end] for start, end in zip(cuts, [*cuts[1:], len(kept)], strict=True)]
    groups = []
    for copy, long in zip(copies, _are_long([len(copy) for copy in copies]), strict=True):
        header = bool(copy) and copy[0][1].header
        reasons = () if header else ("header_missing",)
        pages = _pages(copy, (*reasons, "copy_long") if long else reasons)
        groups.append(Group(tuple(page for page, _ in pages), header))
    return groups


def _are_long(lengths: Sequence[int]) -> list[bool]:
    """Which copies may be two, the header of the second unseen: as long as two, when few are."""
    limit = LONG_COPY * median(lengths)
    long = [length >= limit for length in lengths]
    few = len(lengths) >= FEWEST_COPIES and sum(long) <= LONG_SHARE * len(lengths)
    return long if few else [False] * len(lengths)


def _by_count(kept: _Kept, pages_per_copy: int) -> list[Group]:
    """Copies of a known number of pages; what the headers say against it is listed."""
    copies = [kept[start : start + pages_per_copy] for start in range(0, len(kept), pages_per_copy)]
    headed = [copy[0][1].header for copy in copies]
    expected = sum(headed) * 2 > len(copies)
    everywhere = all(side.header for _, side in kept if not side.blank)
    groups = []
    for copy, header in zip(copies, headed, strict=True):
        reasons: tuple[str, ...] = ()
        if expected and not header:
            reasons = (*reasons, "header_missing")
        if not everywhere and any(side.header for _, side in copy[1:]):
            reasons = (*reasons, "header_inside")
        if len(copy) < pages_per_copy:
            reasons = (*reasons, "copy_incomplete")
        groups.append(Group(tuple(page for page, _ in _pages(copy, reasons)), header))
    return groups


def _pages(kept: _Kept, reasons: tuple[str, ...]) -> list[tuple[Placement, bool]]:
    """The pages of some sides, each with whether it bears a header."""
    return [
        (page, side.header)
        for sheet, side in kept
        for page in leaf_pages(side, (*_own(sheet), *reasons), turn=_turn(sheet))
    ]


def _own(sheet: Sheet) -> tuple[str, ...]:
    """What is to be said of a leaf itself."""
    swapped = ("sides_swapped",) if sheet.swapped else ()
    return (*swapped, *(("odd_image",) if sheet.unsure else ()))


def _turn(sheet: Sheet) -> int | None:
    """A leaf's back lies as its front does."""
    return sheet.front.rotation_deg if sheet.front is not None else None
