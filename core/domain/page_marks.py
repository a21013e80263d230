"""Page numbers "n / N" of a booklet: what is missing, what stands twice, what is out of order.

Numbers are read by a machine and written by pupils: they raise doubts and suggest an order, they
never move a page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Edge = Literal["top", "bottom"]
MarkReason = Literal["page_gap", "page_order"]

MOST_PAGES = 32
"""Largest total believed: eight A3 sheets."""


@dataclass(frozen=True)
class PageMark:
    """A page number "n / N" as read.

    Attributes:
        number: n, 1..total.
        total: N, at most ``MOST_PAGES``.
        probability: 0..1, of the figures.
        edge: of the page, where it stands.
        guessed: the stroke was read as a figure ("218" for 2/8): believed only beside others.
    """

    number: int
    total: int
    probability: float
    edge: Edge = "bottom"
    guessed: bool = False

    def __str__(self) -> str:
        return f"{self.number}/{self.total}"


@dataclass(frozen=True)
class MarksReport:
    """What the numbers of a booklet say.

    Attributes:
        reasons: codes for each page, in the order given.
        missing: numbers that no page bears and no unnumbered page can be.
        order: the indexes of the pages in the order of their numbers; ``None`` when they are in order,
            or when a number stands twice and nobody can tell.
        trusted: the marks that count, the others ``None``.
    """

    reasons: tuple[tuple[MarkReason, ...], ...]
    missing: tuple[int, ...]
    order: tuple[int, ...] | None
    trusted: tuple[PageMark | None, ...]

    @property
    def total(self) -> int | None:
        """N, when the numbers say it."""
        return _total(self.trusted)


def check(marks: Sequence[PageMark | None]) -> MarksReport:
    """Compare the numbers of the pages of one booklet with their places.

    A mark counts only when another page of the booklet bears the same total at the same edge: a
    fraction at the foot of one page is no page number. Pages without a mark may be any number.
    """
    trusted = _trusted(marks)
    total = _total(trusted)
    reasons: list[list[MarkReason]] = [[] for _ in marks]
    if total is None:
        return MarksReport(tuple(() for _ in marks), (), None, trusted)
    placed = [(i, mark.number) for i, mark in enumerate(trusted) if mark and mark.total == total]
    kept = _longest_rise(placed)
    for i, mark in enumerate(trusted):
        if mark and (i, mark.number) not in kept:
            reasons[i].append("page_order")
    order = _order(trusted, total) if any(reasons) else None
    missing = _missing(trusted, placed, order, total)
    for number in missing:
        reasons[_page_after(placed, number)].append("page_gap")
    return MarksReport(tuple(tuple(dict.fromkeys(codes)) for codes in reasons), missing, order, trusted)


def _trusted(marks: Sequence[PageMark | None]) -> tuple[PageMark | None, ...]:
    agreeing = Counter((mark.total, mark.edge) for mark in marks if mark and not mark.guessed)
    return tuple(mark if mark and agreeing[mark.total, mark.edge] > 1 else None for mark in marks)


def _total(marks: Sequence[PageMark | None]) -> int | None:
    totals = Counter(mark.total for mark in marks if mark)
    return max(totals, key=lambda total: (totals[total], total)) if totals else None


def _longest_rise(placed: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """The most pages whose numbers rise from page to page; the others are out of order."""
    chains: list[list[tuple[int, int]]] = []
    for page in placed:
        before = [chain for chain in chains if chain[-1][1] < page[1]]
        start = max(before, key=lambda chain: len(chain)) if before else []
        chains.append([*start, page])
    longest = max(chains, key=lambda chain: len(chain)) if chains else []
    return set(longest)


def _order(trusted: Sequence[PageMark | None], total: int) -> tuple[int, ...] | None:
    """Pages by number; a page without one stays behind the page it follows."""
    numbers = [mark.number for mark in trusted if mark]
    if len(set(numbers)) < len(numbers) or any(mark and mark.total != total for mark in trusted):
        return None
    keys, last = [], 0
    for mark in trusted:
        last = mark.number if mark else last
        keys.append(last)
    return tuple(sorted(range(len(keys)), key=lambda i: keys[i]))


def _missing(
    trusted: Sequence[PageMark | None],
    placed: Sequence[tuple[int, int]],
    order: tuple[int, ...] | None,
    total: int,
) -> tuple[int, ...]:
    """Numbers between two numbered pages for which there are too few pages between them."""
    sequence = [trusted[i] for i in (order or range(len(trusted)))]
    borne = {number for _, number in placed}
    missing: list[int] = []
    before, unnumbered = 0, 0
    for mark in sequence:
        if mark is None or mark.total != total:
            unnumbered += 1
            continue
        missing += _unborne(before, mark.number, unnumbered, borne)
        before, unnumbered = mark.number, 0
    return tuple(dict.fromkeys(missing + _unborne(before, total + 1, unnumbered, borne)))


def _unborne(before: int, after: int, unnumbered: int, borne: set[int]) -> list[int]:
    between = [number for number in range(before + 1, after) if number not in borne]
    return between if len(between) > unnumbered else []


def _page_after(placed: Sequence[tuple[int, int]], number: int) -> int:
    """Where a gap is shown: at the page that follows it, or the last numbered one."""
    later = [(other, i) for i, other in placed if other > number]
    return min(later)[1] if later else max((other, i) for i, other in placed)[1]
