"""Which images of a pile are the two sides of one sheet: the explanation of least cost of the whole file.

A scanner gives front, back, front, back... until an image is missing or a sheet was fed back to front.
Every way of cutting the file into sheets is an explanation; each oddity in it costs the natural logarithm
of how many sheets usually go by between two of its kind. Dynamic programming finds the cheapest, and
whether another comes so near that nobody can tell: then the sheets on which they differ are unsure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf, log

from core.domain.sides import SideFinding

MISSING = log(500)
"""An image without its other side."""
SWAPPED = log(100)
"""One sheet fed back to front."""
BUNDLE = log(100)
"""A bundle laid the wrong way round begins or ends: a long run of swapped sheets is one fault, not many. So
dear that it stays unsure, since a front lost before it and a back lost after it look the same."""
WHOLE_PILE = log(25)
"""The file begins, or ends, within such a bundle; a whole pile laid the wrong way round is sure."""
HEADER_UNSEEN = log(100)
"""A folded sheet whose header was not found."""
BLANK_SHEET = log(8)
BLANK_FRONT = log(8)
"""A sheet written on its back only."""
LONE_LEAF = log(3)
LEAF = log(1.2)

MARGIN = 5.0
"""An explanation up to this much dearer than the cheapest (150 times less likely) is still possible."""

_STRAIGHT, _REVERSED = 0, 1


@dataclass(frozen=True)
class Sheet:
    """One piece of paper, as far as its sides were found.

    Attributes:
        front: its outer side, with the header; ``None`` when it is not in the file.
        back: its inner side.
        swapped: the back was fed before the front.
        unsure: another explanation of the file, nearly as good, pairs its images otherwise.
    """

    front: SideFinding | None
    back: SideFinding | None
    swapped: bool = False
    unsure: bool = False

    @property
    def sides(self) -> tuple[SideFinding, ...]:
        """The images that are there, front first."""
        return tuple(side for side in (self.front, self.back) if side is not None)

    @property
    def header(self) -> bool:
        """Whether its front bears a header."""
        return self.front is not None and self.front.header

    @property
    def annex(self) -> bool:
        """Whether its header is that of an annex."""
        return self.front is not None and self.front.annex

    @property
    def blank(self) -> bool:
        """Whether nothing is written on it."""
        return all(side.blank for side in self.sides)

    @property
    def is_a3(self) -> bool:
        """Whether it is a folded sheet."""
        return self.sides[0].is_a3

    @property
    def lone(self) -> bool:
        """Whether one of its sides is not in the file."""
        return len(self.sides) == 1


@dataclass(frozen=True)
class _Step:
    """One sheet in an explanation: its images, and its cost under each mode."""

    start: int
    end: int
    front: int | None
    back: int | None
    costs: tuple[float, float]


def pair_up(findings: Sequence[SideFinding], *, leaves: bool = False) -> tuple[list[Sheet], float]:
    """The sheets of a file in the order they were fed, and what their explanation costs.

    Args:
        findings: the images, in order.
        leaves: the pile is A4 leaves, of which only the first of a copy bears a header.
    """
    count = len(findings)
    steps = [list(_steps(findings, i, leaves)) for i in range(count)]
    before = _before(steps, count)
    after = _after(steps, count)
    least = min(before[count][mode] + _edge(mode) for mode in (_STRAIGHT, _REVERSED))
    chosen = _cheapest(steps, after)
    possible = [
        [
            step
            for step in at
            if min(before[i][m] + step.costs[m] + after[step.end][m] for m in (0, 1)) <= least + MARGIN
        ]
        for i, at in enumerate(steps)
    ]
    return [_sheet(findings, step, _is_unsure(step, possible)) for step in chosen], least


def _edge(mode: int) -> float:
    return 0.0 if mode == _STRAIGHT else WHOLE_PILE


def _steps(findings: Sequence[SideFinding], i: int, leaves: bool) -> Iterator[_Step]:
    """The sheets that may begin with an image, the likelier first."""
    first = findings[i]
    if i + 1 < len(findings) and first.is_a3 == findings[i + 1].is_a3:
        second = findings[i + 1]
        straight, reversed_ = _paired(first, second, leaves), _paired(second, first, leaves)
        # Without a header nothing says that one sheet alone was fed the other way round.
        against = SWAPPED if first.header else inf
        yield _Step(i, i + 2, i, i + 1, (straight, straight + against))
        against = SWAPPED if second.header else inf
        yield _Step(i, i + 2, i + 1, i, (reversed_ + against, reversed_))
    alone = LONE_LEAF if not first.is_a3 and not leaves else MISSING
    is_front = first.header or first.unreadable or not first.is_a3
    yield _Step(i, i + 1, i if is_front else None, None if is_front else i, (alone, alone))


def _paired(front: SideFinding, back: SideFinding, leaves: bool) -> float:
    """What it costs to say that two images are the front and the back of one sheet."""
    if back.header:
        return inf  # two headers are two sheets; a header on the back alone is a front
    if front.header:
        return 0.0
    if front.blank and back.blank:
        return 0.0 if leaves else BLANK_SHEET
    cost = BLANK_FRONT if front.blank else 0.0
    if leaves:
        return cost
    return cost + (HEADER_UNSEEN if front.is_a3 else LEAF)


Costs = list[list[float]]


def _before(steps: Sequence[Sequence[_Step]], count: int) -> Costs:
    """The least cost of the images before each place, by the mode there."""
    found: Costs = [[inf, inf] for _ in range(count + 1)]
    found[0] = [_edge(_STRAIGHT), _edge(_REVERSED)]
    for i in range(count + 1):
        found[i] = _changed(found[i])
        for step in steps[i] if i < count else ():
            for mode in (_STRAIGHT, _REVERSED):
                cost = found[i][mode] + step.costs[mode]
                found[step.end][mode] = min(found[step.end][mode], cost)
    return found


def _after(steps: Sequence[Sequence[_Step]], count: int) -> Costs:
    """The least cost of the images from each place on, by the mode there."""
    found: Costs = [[inf, inf] for _ in range(count + 1)]
    found[count] = [_edge(_STRAIGHT), _edge(_REVERSED)]
    for i in range(count, -1, -1):
        for step in steps[i] if i < count else ():
            for mode in (_STRAIGHT, _REVERSED):
                found[i][mode] = min(found[i][mode], step.costs[mode] + found[step.end][mode])
        found[i] = _changed(found[i])
    return found


def _changed(costs: Sequence[float]) -> list[float]:
    """With the possibility that a bundle begins or ends here."""
    return [min(costs[mode], costs[1 - mode] + BUNDLE) for mode in (_STRAIGHT, _REVERSED)]


def _cheapest(steps: Sequence[Sequence[_Step]], after: Costs) -> list[_Step]:
    """The steps of the cheapest explanation; among equals sheets as fed, with both sides, come first."""
    chosen: list[_Step] = []
    i = 0
    mode = min((_STRAIGHT, _REVERSED), key=lambda m: after[0][m] + _edge(m))
    while i < len(steps):
        options = [
            (cost + step.costs[to] + after[step.end][to], rank, step, to)
            for to, cost in ((mode, 0.0), (1 - mode, BUNDLE))
            for rank, step in enumerate(steps[i])
        ]
        least = min(option[0] for option in options)
        _, _, step, mode = min(
            (option for option in options if option[0] <= least + 1e-9),
            key=lambda option: (option[3] != mode, option[1]),
        )
        chosen.append(step)
        i = step.end
    return chosen


def _is_unsure(chosen: _Step, possible: Sequence[Sequence[_Step]]) -> bool:
    """Whether a possible step takes one of the images otherwise."""
    return any(
        step.end > chosen.start and (step.front, step.back) != (chosen.front, chosen.back)
        for at in possible[max(chosen.start - 1, 0) : chosen.end]
        for step in at
    )


def _sheet(findings: Sequence[SideFinding], step: _Step, unsure: bool) -> Sheet:
    front = None if step.front is None else findings[step.front]
    back = None if step.back is None else findings[step.back]
    swapped = step.front is not None and step.back is not None and step.back < step.front
    return Sheet(front, back, swapped, unsure)
