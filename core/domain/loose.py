"""To which booklet a loose sheet may belong, and which sheet of a booklet may be another pupil's.

Nothing here decides: suggestions are ranked with their reasons, doubts are listed, a person acts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Literal

from core.domain.page_marks import PageMark

RulingKind = Literal["seyes", "squares", "lines", "graph", "plain"]
LooseReason = Literal[
    "neighbour_before", "neighbour_after", "same_ruling", "same_hand", "page_mark_fits", "incomplete_booklet"
]
Hand = tuple[float, ...]

HAND_FEATURES = (
    "darkness",
    "thickness",
    "letter_height",
    "tall_letter_height",
    "letter_width",
    "word_width",
    "left_margin",
    "direction_0",
    "direction_30",
    "direction_60",
    "direction_90",
    "direction_120",
    "direction_150",
)
"""What ``imaging.hand.hand_features`` gives, in order."""

_SPREAD = (0.117, 0.052, 0.107, 0.061, 0.111, 0.104, 0.280, 0.028, 0.029, 0.015, 0.024, 0.030, 0.024)
"""How much each differs between pages of one pupil: 151 pages of the demonstration."""

LIKE_HAND = 1.3
"""Distance up to which two sheets may be one hand's: of two sheets of a pupil nine in ten, of two pupils one
in twenty."""

OTHER_HAND = 1.9
"""Distance from which they are not: the farthest two sheets of one pupil were 1.63, of 88."""

WEIGHTS: dict[LooseReason, float] = {
    "page_mark_fits": 3.0,
    "neighbour_before": 2.0,
    "same_hand": 2.0,
    "incomplete_booklet": 1.0,
    "neighbour_after": 0.7,
    "same_ruling": 0.5,
}
"""A number that fills a gap says most. A sheet lies behind the rest of its copy more often than before it;
a class writes on two kinds of paper, so the same ruling says little."""

OTHER_RULING = -1.5
OTHER_HAND_WEIGHT = -1.5


@dataclass(frozen=True)
class LooseFeatures:
    """A loose sheet or leaf: its place in its file (sheets counted from 0), and what was seen on it."""

    file: int
    place: int
    ruling: RulingKind = "plain"
    hand: Hand | None = None
    mark: PageMark | None = None


@dataclass(frozen=True)
class BookletFeatures:
    """A booklet: the first and last sheet of its file that it holds, and what was seen on them.

    Attributes:
        missing: page numbers it lacks, from ``page_marks.check``.
        total: N of its page numbers, when known.
        incomplete: something says a sheet is missing: fewer pages than announced, a text that stops.
    """

    booklet: int
    file: int
    first: int
    last: int
    ruling: RulingKind = "plain"
    hand: Hand | None = None
    missing: frozenset[int] = field(default_factory=frozenset)
    total: int | None = None
    incomplete: bool = False


@dataclass(frozen=True)
class Suggestion:
    """A booklet that a loose sheet may belong to, and why."""

    booklet: int
    score: float
    reasons: tuple[LooseReason, ...]


@dataclass(frozen=True)
class SheetFeatures:
    """A sheet of a booklet.

    Attributes:
        names: the booklet of the same name its own header was read as: ``same``, ``other``, or
            ``unread`` when it has no header or nothing was read.
    """

    ruling: RulingKind = "plain"
    hand: Hand | None = None
    names: Literal["same", "other", "unread"] = "unread"


def hand_distance(a: Hand, b: Hand) -> float:
    """How differently two hands write, in spreads of one hand: about 0.8 between sheets of one pupil, 2.5 of two."""
    differences = [(x - y) / spread for x, y, spread in zip(a, b, _SPREAD, strict=True)]
    return sqrt(sum(difference**2 for difference in differences) / len(differences))


def mean_hand(pages: Sequence[Hand | None]) -> Hand | None:
    """The hand of a sheet or booklet: the mean of its pages that bear enough writing."""
    written = [page for page in pages if page is not None]
    if not written:
        return None
    return tuple(sum(values) / len(written) for values in zip(*written, strict=True))


def main_ruling(pages: Sequence[RulingKind]) -> RulingKind:
    """The ruling most pages show; pages where none was seen do not count beside others."""
    seen: list[RulingKind] = [page for page in pages if page != "plain"]
    return max(sorted(set(seen)), key=lambda kind: seen.count(kind)) if seen else "plain"


def suggest(
    loose: LooseFeatures, booklets: Sequence[BookletFeatures], most: int = 5
) -> tuple[Suggestion, ...]:
    """The booklets a loose sheet may belong to, best first; those nothing speaks for are left out."""
    before = [b for b in booklets if b.file == loose.file and b.last < loose.place]
    after = [b for b in booklets if b.file == loose.file and b.first > loose.place]
    previous = max(before, key=lambda b: b.last, default=None)
    following = min(after, key=lambda b: b.first, default=None)
    found = []
    for booklet in booklets:
        reasons = _reasons(loose, booklet)
        if booklet is previous:
            reasons.append("neighbour_before")
        if booklet is following:
            reasons.append("neighbour_after")
        score = sum(WEIGHTS[reason] for reason in reasons) + _against(loose, booklet)
        if reasons and score > 0:
            ordered = sorted(reasons, key=lambda reason: -WEIGHTS[reason])
            found.append(Suggestion(booklet.booklet, round(score, 2), tuple(ordered)))
    found.sort(key=lambda suggestion: -suggestion.score)
    return tuple(found[:most])


def _reasons(loose: LooseFeatures, booklet: BookletFeatures) -> list[LooseReason]:
    reasons: list[LooseReason] = []
    if loose.mark and loose.mark.total == booklet.total and loose.mark.number in booklet.missing:
        reasons.append("page_mark_fits")
    if loose.hand and booklet.hand and hand_distance(loose.hand, booklet.hand) <= LIKE_HAND:
        reasons.append("same_hand")
    if loose.ruling == booklet.ruling != "plain":
        reasons.append("same_ruling")
    if booklet.incomplete or booklet.missing:
        reasons.append("incomplete_booklet")
    return reasons


def _against(loose: LooseFeatures, booklet: BookletFeatures) -> float:
    against = 0.0
    if _other_ruling(loose.ruling, booklet.ruling):
        against += OTHER_RULING
    if loose.hand and booklet.hand and hand_distance(loose.hand, booklet.hand) >= OTHER_HAND:
        against += OTHER_HAND_WEIGHT
    return against


def _other_ruling(a: RulingKind, b: RulingKind) -> bool:
    """Graph paper is handed out as an annex, and a pale scan shows none: neither speaks against."""
    return a != b and not {a, b} & {"plain", "graph"}


def misfiled(sheets: Sequence[SheetFeatures]) -> tuple[int, ...]:
    """Which sheets of a booklet seem another pupil's: indexes, never the first, the booklet's own.

    A sheet whose header names the same pupil is not doubted. Without a header that was read, the paper
    or the hand must be clearly other than on the sheets before; with another name, a little is enough.
    """
    found = []
    for index, sheet in enumerate(sheets[1:], start=1):
        if sheet.names == "same":
            continue
        others = [other for i, other in enumerate(sheets[:index]) if i not in found]
        ruling = main_ruling([other.ruling for other in others])
        hand = mean_hand([other.hand for other in others])
        apart = hand_distance(sheet.hand, hand) if sheet.hand and hand else None
        limit = LIKE_HAND if sheet.names == "other" else OTHER_HAND
        if _other_ruling(sheet.ruling, ruling) or (apart is not None and apart > limit):
            found.append(index)
    return tuple(found)
