"""From images of a scan to sheets, pages and booklets.

A folded A3 sheet is two images, front ``[P4|P1]`` and back ``[P2|P3]``. The
header is printed at the top of P1. Whatever happens in the feeder, every half
of every image gets exactly one placement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from core.domain.entries import Cut, Side
from core.domain.pairing import Sheet, pair_up
from core.domain.placing import Group, Place, Placement
from core.domain.sheets_a3 import a3_groups
from core.domain.sheets_a4 import a4_groups, a4_sheets, one_group
from core.domain.sides import (
    ROTATIONS,
    Face,
    HalfFinding,
    HalfName,
    HeaderKind,
    HeaderSeen,
    SideFinding,
    halves_upright,
    page_label,
    with_model_differs,
)

__all__ = [
    "ROTATIONS",
    "Assembly",
    "Booklet",
    "Face",
    "HalfFinding",
    "HalfName",
    "HeaderKind",
    "HeaderSeen",
    "ImagePlace",
    "Layout",
    "Place",
    "Placement",
    "SideFinding",
    "assemble",
    "halves_upright",
    "page_label",
]

Layout = Literal["a3", "a4", "files"]

_HALF_ORDER: dict[HalfName, int] = {"left": 0, "top": 0, "full": 0, "right": 1, "bottom": 1}


@dataclass(frozen=True)
class Booklet:
    """Pages that belong together, in reading order."""

    index: int
    pages: tuple[Placement, ...]
    has_header: bool

    @property
    def first_image(self) -> int:
        """The image that carries the first page."""
        return self.pages[0].image


@dataclass(frozen=True)
class ImagePlace:
    """What an image is of.

    Attributes:
        image: 0-based place in the file.
        sheet: 1-based sheet of the file, in the order they were fed.
        side: ``single`` when no other image shows the same sheet.
        cut: its halves.
    """

    image: int
    sheet: int
    side: Side
    cut: Cut


@dataclass(frozen=True)
class Assembly:
    """All of a file: its booklets, and one placement for every half and image, in the order of the file."""

    booklets: tuple[Booklet, ...]
    placements: tuple[Placement, ...]
    images: tuple[ImagePlace, ...]


def assemble(findings: Sequence[SideFinding], layout: Layout, pages_per_copy: int | None = None) -> Assembly:
    """Place every half of a file.

    ``a3``: a booklet per sheet with a header; a sheet without one joins the
    booklet before it. ``a4``: a booklet per header, or per ``pages_per_copy``
    leaves, or one for the whole file. ``files``: one booklet whatever is seen.

    Raises:
        ValueError: ``pages_per_copy`` is not positive.
    """
    if pages_per_copy is not None and pages_per_copy < 1:
        raise ValueError(f"pages_per_copy must be positive, not {pages_per_copy}")
    findings = with_model_differs(findings)
    folded = layout == "a3" or (layout == "files" and any(side.is_a3 for side in findings))
    sheets = pair_up(findings)[0] if folded else a4_sheets(findings)
    if not findings:
        groups: list[Group] = []
    elif folded:
        groups = a3_groups(sheets, one_booklet=layout == "files")
    elif layout == "files":
        groups = [one_group(sheets)]
    else:
        groups = a4_groups(sheets, pages_per_copy)
    return _numbered(groups, findings, sheets)


def _numbered(groups: Sequence[Group], findings: Sequence[SideFinding], sheets: Sequence[Sheet]) -> Assembly:
    """Give booklets and positions their numbers; order placements as the file is."""
    booklets: list[Booklet] = []
    placed: list[Placement] = []
    for group in groups:
        inside = [page for page in group.pages if page.place == "booklet"]
        numbered = tuple(
            replace(page, booklet_index=len(booklets), position=position)
            for position, page in enumerate(inside, 1)
        )
        placed += numbered + tuple(page for page in group.pages if page.place != "booklet")
        if numbered:
            booklets.append(Booklet(len(booklets), numbered, group.header))
    order = {(f.image, half.half): i for i, f in enumerate(findings) for half in f.halves}
    placed.sort(key=lambda page: (order[page.image, page.half], _HALF_ORDER[page.half]))
    places = {place.image: place for place in _image_places(sheets)}
    return Assembly(tuple(booklets), tuple(placed), tuple(places[side.image] for side in findings))


def _image_places(sheets: Sequence[Sheet]) -> list[ImagePlace]:
    places = []
    for number, sheet in enumerate(sheets, 1):
        for side, shown in ((sheet.front, Side.FRONT), (sheet.back, Side.BACK)):
            if side is not None:
                places.append(
                    ImagePlace(side.image, number, Side.SINGLE if sheet.lone else shown, _cut(side))
                )
    return places


def _cut(side: SideFinding) -> Cut:
    return next(cut for cut in Cut if frozenset(cut.halves) == side.names)
