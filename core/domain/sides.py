"""What was seen on each image of a scan, and the geometry of a folded sheet.

A folded A3 sheet is two images, front ``[P4|P1]`` and back ``[P2|P3]``; the
header is printed at the top of P1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

HalfName = Literal["left", "right", "top", "bottom", "full"]
Face = Literal["front", "back"]
HeaderKind = Literal["copy", "annex"]

ROTATIONS = (0, 90, 180, 270)

# Which half of the image as fed lies left and right once the image is turned
# clockwise by the key: a quarter turn clockwise brings the bottom to the left.
_SIDES: dict[int, tuple[HalfName, HalfName]] = {
    0: ("left", "right"),
    90: ("bottom", "top"),
    180: ("right", "left"),
    270: ("top", "bottom"),
}
_LABELS: dict[Face, tuple[str, str]] = {"front": ("P4", "P1"), "back": ("P2", "P3")}

MINORITY_SHARE = 1 / 3
"""A model on fewer of the headers than this is another paper strayed in; above, a class uses both."""


@dataclass(frozen=True)
class HeaderSeen:
    """A printed header: the name of its model, and whether copies or annexes bear it."""

    model: str
    kind: HeaderKind = "copy"


@dataclass(frozen=True)
class HalfFinding:
    """What was seen on one half of an image, named in the image as it was fed."""

    half: HalfName
    blank: bool = False
    header: HeaderSeen | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class SideFinding:
    """What was seen on one image.

    Attributes:
        image: 0-based place in the file.
        halves: two of an A3 image, one (``full``) of an A4 image.
        rotation_deg: clockwise turn that makes the image upright; ``None`` when nothing tells.
        unreadable: the image could not be decoded.
    """

    image: int
    halves: tuple[HalfFinding, ...]
    rotation_deg: int | None = None
    unreadable: bool = False

    @property
    def header(self) -> bool:
        """Whether a printed header was found on the image, of a copy or of an annex."""
        return any(half.header for half in self.halves)

    @property
    def annex(self) -> bool:
        """Whether the only headers on the image are those of an annex."""
        kinds = {half.header.kind for half in self.halves if half.header}
        return kinds == {"annex"}

    @property
    def blank(self) -> bool:
        """Whether nothing at all is written on the image."""
        return all(half.blank for half in self.halves)

    @property
    def is_a3(self) -> bool:
        """Whether the image shows two pages side by side."""
        return len(self.halves) == 2

    @property
    def names(self) -> frozenset[HalfName]:
        """The names of its halves: they say how the image lies."""
        return frozenset(half.half for half in self.halves)


def halves_upright(rotation_deg: int) -> tuple[HalfName, HalfName]:
    """The halves of an A3 image as fed that lie left and right once it is upright.

    Args:
        rotation_deg: clockwise turn that makes the image upright.
    """
    return _SIDES[rotation_deg % 360]


def page_label(half: HalfName, face: Face, rotation_deg: int) -> str:
    """P1..P4 for a half of an A3 image named as it was fed.

    Raises:
        ValueError: The half does not exist under this rotation.
    """
    return _LABELS[face][halves_upright(rotation_deg).index(half)]


def turn_reasons(rotation_deg: int) -> tuple[str, ...]:
    """The code of a turn that was undone."""
    if rotation_deg == 0:
        return ()
    return ("turned_180",) if rotation_deg == 180 else ("turned_quarter",)


def with_model_differs(findings: Sequence[SideFinding]) -> list[SideFinding]:
    """Flag ``model_differs`` on the headers of a paper that strayed into a pile of another."""
    models = Counter(
        half.header.model
        for side in findings
        for half in side.halves
        if half.header and half.header.kind == "copy"
    )
    strays = {name for name, count in models.items() if count < MINORITY_SHARE * models.total()}
    if not strays:
        return list(findings)
    return [replace(side, halves=tuple(_flagged(half, strays) for half in side.halves)) for side in findings]


def _flagged(half: HalfFinding, strays: set[str]) -> HalfFinding:
    if half.header is None or half.header.kind != "copy" or half.header.model not in strays:
        return half
    return replace(half, flags=("model_differs", *half.flags))
