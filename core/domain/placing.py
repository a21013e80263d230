"""Where half-pages go: placements, and those of one image alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from core.domain.sides import HalfFinding, HalfName, SideFinding, turn_reasons

Place = Literal["booklet", "blank", "annex", "loose", "aside", "unreadable"]


@dataclass(frozen=True)
class Placement:
    """Where one half-page of the input goes.

    ``page`` is P1..P4 on an A3 sheet, the page number in the file on A4.
    ``reasons`` are codes, empty for an ordinary page that needs no look.
    """

    image: int
    half: HalfName
    page: str
    place: Place
    booklet_index: int | None = None
    position: int | None = None
    rotation_deg: int = 0
    blank: bool = False
    reasons: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """The reasons in one cell of a table."""
        return " ".join(self.reasons)


@dataclass(frozen=True)
class Group:
    """Pages of one booklet before numbering, with the placements that travel outside it."""

    pages: tuple[Placement, ...]
    header: bool


def leaf_pages(
    side: SideFinding, reasons: tuple[str, ...], place: Place = "booklet", turn: int | None = None
) -> Iterator[Placement]:
    """The pages of one image that is not cut like a folded sheet; a blank one is set apart.

    Args:
        side: the image.
        reasons: codes of a page that goes to ``place``.
        place: where a page goes that is written on and can be read.
        turn: clockwise turn of the sheet, for a side that does not tell its own.
    """
    for half in side.halves:
        placed = place_of(side, half, place)
        degrees = side.rotation_deg if side.rotation_deg is not None else turn or 0
        why = ("unreadable",) if side.unreadable else ()
        if placed == place:
            why = (*why, *reasons)
        yield Placement(
            side.image,
            half.half,
            str(side.image + 1),
            placed,
            rotation_deg=degrees,
            blank=half.blank,
            reasons=unique((*why, *turn_reasons(degrees), *half.flags)),
        )


def place_of(side: SideFinding, half: HalfFinding, place: Place) -> Place:
    """The place of a half: a page nobody can read and a blank one do not go with the others."""
    if side.unreadable:
        return "unreadable"
    return "blank" if half.blank else place


def unique(reasons: tuple[str, ...]) -> tuple[str, ...]:
    """Each reason once, in the order they came."""
    return tuple(dict.fromkeys(reasons))
