"""From images of a scan to sheets, pages and booklets.

A folded A3 sheet is two images, front ``[P4|P1]`` and back ``[P2|P3]``. The
header is printed at the top of P1. Whatever happens in the feeder, every half
of every image gets exactly one placement.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

Layout = Literal["a3", "a4", "files"]
HalfName = Literal["left", "right", "top", "bottom", "full"]
Place = Literal["booklet", "blank", "annex", "loose", "aside", "unreadable"]
Face = Literal["front", "back"]

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


@dataclass(frozen=True)
class HalfFinding:
    """What was seen on one half of an image, named in the image as it was fed."""

    half: HalfName
    blank: bool = False
    header: bool = False
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
        """Whether a printed header was found on the image."""
        return any(half.header for half in self.halves)

    @property
    def blank(self) -> bool:
        """Whether nothing at all is written on the image."""
        return all(half.blank for half in self.halves)

    @property
    def is_a3(self) -> bool:
        """Whether the image shows two pages side by side."""
        return len(self.halves) == 2


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
class Assembly:
    """All of a file: its booklets, and one placement for every half, in the order of the file."""

    booklets: tuple[Booklet, ...]
    placements: tuple[Placement, ...]


@dataclass(frozen=True)
class _Sheet:
    front: SideFinding | None
    back: SideFinding | None
    reasons: tuple[str, ...] = ()

    @property
    def header(self) -> bool:
        return self.front is not None and self.front.header

    @property
    def blank(self) -> bool:
        return all(side.blank for side in (self.front, self.back) if side is not None)


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
    if layout == "a3" or (layout == "files" and findings and all(f.is_a3 for f in findings)):
        groups = _a3_groups(findings, one_booklet=layout == "files")
    elif layout == "files":
        leaves = tuple(page for f in findings for page in _leaf_pages(f, ()))
        groups = [_Group(leaves, header=any(f.header for f in findings))]
    else:
        groups = _a4_groups(findings, pages_per_copy)
    return _numbered(groups, findings)


@dataclass(frozen=True)
class _Group:
    """Pages of one booklet before numbering, with the placements that travel outside it."""

    pages: tuple[Placement, ...]
    header: bool


def _numbered(groups: Sequence[_Group], findings: Sequence[SideFinding]) -> Assembly:
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
    return Assembly(tuple(booklets), tuple(placed))


_HALF_ORDER: dict[HalfName, int] = {"left": 0, "top": 0, "full": 0, "right": 1, "bottom": 1}


# --- A3 -------------------------------------------------------------------------------------------


def _a3_groups(findings: Sequence[SideFinding], *, one_booklet: bool) -> list[_Group]:
    """Booklets of a pile of folded sheets."""
    groups: list[_Group] = []
    outside: list[Placement] = []
    rotation: int | None = None
    for sheet in _sheets(findings):
        if _is_loose(sheet):
            outside += [page for side in _sides(sheet) for page in _loose(side)]
            continue
        # A sheet with nothing to tell its orientation was most likely fed like the one before.
        rotation = sheet.front.rotation_deg if sheet.header and sheet.front is not None else rotation
        if sheet.blank and not sheet.header and not one_booklet:
            outside += _blank_sheet(sheet, rotation)
            continue
        joins = bool(groups) and (one_booklet or not sheet.header)
        reasons = () if sheet.header or one_booklet else ("header_missing",)
        pages = tuple(_sheet_pages(sheet, rotation, reasons))
        if joins:
            groups[-1] = _Group(groups[-1].pages + pages, groups[-1].header or sheet.header)
        else:
            groups.append(_Group(pages, sheet.header))
    return [*groups, _Group(tuple(outside), header=False)]


def _sheets(findings: Sequence[SideFinding]) -> Iterator[_Sheet]:
    """Pair the images of each paper size; unreadable ones keep their place in the pairing."""
    lone = _lone_image(findings)
    index = 0
    while index < len(findings):
        if index == lone:
            yield _lone_sheet(findings[index])
            index += 1
            continue
        yield from _pair(findings[index], findings[index + 1])
        index += 2


def _pair(first: SideFinding, second: SideFinding) -> Iterator[_Sheet]:
    if first.is_a3 != second.is_a3:
        yield _lone_sheet(first)
        yield _lone_sheet(second)
    elif first.header and second.header:
        # Two headers cannot be on one sheet: each is the front of a sheet whose back is not here.
        yield _Sheet(first, None, ("back_missing",))
        yield _Sheet(second, None, ("back_missing",))
    elif second.header:
        yield _Sheet(second, first, ("sides_swapped",))
    else:
        yield _Sheet(first, second)


def _lone_sheet(side: SideFinding) -> _Sheet:
    return _Sheet(side, None, ("odd_image" if not side.header else "back_missing",))


def _lone_image(findings: Sequence[SideFinding]) -> int | None:
    """Which image of an odd number has no partner: the one that leaves the fewest odd pairs, else the last.

    A front lost in the middle would otherwise turn every sheet after it back to front.
    """
    count = len(findings)
    if count % 2 == 0:
        return None
    before = [0]  # oddities of the pairs (0,1), (2,3)… before each even place
    for i in range(0, count - 1, 2):
        before.append(before[-1] + _is_odd(findings[i], findings[i + 1]))
    after = [0]  # oddities of the pairs …, (n-2, n-1), from the end
    for i in range(count - 2, 0, -2):
        after.append(after[-1] + _is_odd(findings[i], findings[i + 1]))
    pairs = count // 2
    costs = [before[k] + after[pairs - k] for k in range(pairs + 1)]
    best = min(range(pairs + 1), key=lambda k: (costs[k], -k))
    return best * 2


def _is_odd(first: SideFinding, second: SideFinding) -> bool:
    return second.header or first.is_a3 != second.is_a3


def _sides(sheet: _Sheet) -> list[SideFinding]:
    return [side for side in (sheet.front, sheet.back) if side is not None]


def _is_loose(sheet: _Sheet) -> bool:
    return not all(side.is_a3 for side in _sides(sheet))


def _loose(side: SideFinding) -> Iterator[Placement]:
    """An A4 leaf among A3 sheets waits in the queue of loose sheets."""
    for half in side.halves:
        place: Place = "unreadable" if side.unreadable else "blank" if half.blank else "loose"
        reasons = ("unreadable",) if side.unreadable else ("loose_leaf", *half.flags)
        yield Placement(
            side.image,
            half.half,
            str(side.image + 1),
            place,
            rotation_deg=side.rotation_deg or 0,
            blank=half.blank,
            reasons=reasons,
        )


def _blank_sheet(sheet: _Sheet, rotation: int | None) -> Iterator[Placement]:
    """A sheet with neither header nor writing belongs to nobody."""
    for page in _sheet_pages(sheet, rotation, ("blank_sheet",)):
        yield replace(page, place="blank") if page.place == "booklet" else page


def _sheet_pages(sheet: _Sheet, rotation: int | None, reasons: tuple[str, ...]) -> Iterator[Placement]:
    """P1, P2, P3, P4 of a sheet; without its back, P1 and P4."""
    pages: list[Placement] = []
    faces: tuple[tuple[Face, SideFinding | None], ...] = (("front", sheet.front), ("back", sheet.back))
    for face, side in faces:
        if side is not None:
            turn = _fitting_turn(side, rotation)
            pages += (_a3_page(side, half, face, turn, (*sheet.reasons, *reasons)) for half in side.halves)
    yield from sorted(pages, key=lambda page: page.page)


def _fitting_turn(side: SideFinding, rotation: int | None) -> int:
    """The sheet's rotation, or the nearest one that gives the halves this image has."""
    names = {half.half for half in side.halves}
    wanted = side.rotation_deg if side.rotation_deg is not None else rotation
    for turn in (wanted, 0, 90):
        if turn is not None and set(halves_upright(turn)) == names:
            return turn
    raise ValueError(f"image {side.image}: halves {sorted(names)} are not those of an A3 image")


def _a3_page(
    side: SideFinding, half: HalfFinding, face: Face, turn: int, reasons: tuple[str, ...]
) -> Placement:
    place: Place = "unreadable" if side.unreadable else "booklet"
    turned = () if turn == 0 else ("turned_180",) if turn == 180 else ("turned_quarter",)
    unreadable = ("unreadable",) if side.unreadable else ()
    return Placement(
        side.image,
        half.half,
        page_label(half.half, face, turn),
        place,
        rotation_deg=turn,
        blank=half.blank,
        reasons=(*unreadable, *reasons, *turned, *half.flags),
    )


# --- A4 -------------------------------------------------------------------------------------------


def _a4_groups(findings: Sequence[SideFinding], pages_per_copy: int | None) -> list[_Group]:
    """Booklets of a stack of leaves in reading order."""
    if not findings:
        return []
    if pages_per_copy is not None:
        cuts = list(range(0, len(findings), pages_per_copy))
    else:
        cuts = [i for i, f in enumerate(findings) if f.header]
    missing: tuple[str, ...] = () if pages_per_copy is not None else ("header_missing",)
    if not cuts or cuts[0] != 0:
        cuts.insert(0, 0)
    groups = []
    for start, end in zip(cuts, [*cuts[1:], len(findings)], strict=True):
        leaves = findings[start:end]
        header = leaves[0].header
        reasons = () if header else missing
        if pages_per_copy is not None and len(leaves) < pages_per_copy:
            reasons = (*reasons, "copy_incomplete")
        groups.append(_Group(tuple(page for f in leaves for page in _leaf_pages(f, reasons)), header))
    return groups


def _leaf_pages(side: SideFinding, reasons: tuple[str, ...]) -> Iterator[Placement]:
    """The pages of one image of an A4 stack, a blank one set apart."""
    for half in side.halves:
        place: Place = "unreadable" if side.unreadable else "blank" if half.blank else "booklet"
        turn = side.rotation_deg or 0
        turned = () if turn == 0 else ("turned_180",) if turn == 180 else ("turned_quarter",)
        unreadable = ("unreadable",) if side.unreadable else ()
        yield Placement(
            side.image,
            half.half,
            str(side.image + 1),
            place,
            rotation_deg=turn,
            blank=half.blank,
            reasons=(*unreadable, *(reasons if place == "booklet" else ()), *turned, *half.flags),
        )
