"""A class whose scan went wrong, in every way that scans go wrong, with the truth about every half-page.

Each scenario is a name in :data:`SCENARIOS` and a function that makes files of a drawn class by chance; the
same seed gives the same files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from core.imaging.header_models import builtin_models
from workbench.demo import defects, roster, typed
from workbench.demo.fault_files import FaultyFile, write_pdf
from workbench.demo.fonts import Gray, find
from workbench.demo.hand import deal
from workbench.demo.handwriting import FontHandwriting
from workbench.demo.paper import HeaderModelRef, _print_face, blank_side, size_px
from workbench.demo.recipe import CopyPlan, Pupil, Recipe
from workbench.demo.scanner import feed, scan
from workbench.demo.sheet import SheetArtist
from workbench.demo.shots import HalfTruth, PiledSheet, Shot, encoded, leaf, pile_of

Chance = np.random.Generator

APART = 8
"""Sheets from one fault of a scenario to the next, about: each is judged by itself."""
RARE = 25
"""The same of a lost image: no scanner loses one every few sheets."""
TAIL = 10
FINE_DPI = 200
"""Of the drawing, whatever the scanner makes of it."""


@dataclass(frozen=True)
class DrawnClass:
    """Who writes, drawn when asked for.

    Attributes:
        recipe: with its copies in one file or more.
        font_dirs: where the fonts are.
        dpi: of the scenarios that do not say otherwise.
        few: sheets that scenarios take which change the picture of every sheet alike.
    """

    recipe: Recipe
    font_dirs: tuple[Path, ...]
    dpi: int
    few: int

    def pile(self, dpi: int | None = None, sheets: int | None = None) -> list[PiledSheet]:
        """Its sheets in order, upright."""
        if dpi in (None, self.dpi):
            return list(_pile(self, self.dpi, None))[:sheets]
        return list(_pile(self, dpi or self.dpi, sheets))

    @property
    def plans(self) -> list[tuple[CopyPlan, Pupil]]:
        """Its copies with those who write them."""
        by_key = {pupil.key: pupil for pupil in _pupils(self.recipe)}
        return [(copy, by_key[copy.pupil]) for copy in self.recipe.copies]


def _pupils(recipe: Recipe) -> tuple[Pupil, ...]:
    if recipe.roster is None:
        raise ValueError("a class of crops is not for faults")
    return (*roster.read(recipe.roster), *recipe.strangers)


@lru_cache(maxsize=4)
def _pile(drawn: DrawnClass, dpi: int, sheets: int | None) -> tuple[PiledSheet, ...]:
    fine = max(dpi, FINE_DPI)
    recipe = replace(drawn.recipe, dpi=fine)
    pupils = _pupils(recipe)
    hands = deal(recipe.seed, pupils, find(recipe.handwriting, drawn.font_dirs))
    artist = SheetArtist(recipe, FontHandwriting(recipe.seed, hands))
    return tuple(pile_of(artist, fine, dpi, drawn.plans, sheets))


@dataclass(frozen=True)
class Scenario:
    """A way for scans to go wrong.

    Attributes:
        make: writes the files in a folder.
        layout: with which they are added.
    """

    make: Callable[[DrawnClass, Chance, Path], list[FaultyFile]]
    layout: str = "auto"


# --- What happens to the pile ---------------------------------------------------------------------


def _places(pile: Sequence[PiledSheet], chance: Chance, apart: int) -> set[int]:
    """Sheets, far apart, at which something happens."""
    first = int(chance.integers(min(apart, len(pile))))
    return {min(at + int(chance.integers(2)), len(pile) - 1) for at in range(first, len(pile), apart)}


def _at_places(
    happens: Callable[[PiledSheet, Chance], list[Shot]], name: str, apart: int = APART
) -> Scenario:
    """A scenario in which something happens at a few sheets of the pile."""

    def make_files(drawn: DrawnClass, chance: Chance, folder: Path) -> list[FaultyFile]:
        pile = drawn.pile()
        places = _places(pile, chance, apart)
        shots = [
            shot
            for at, sheet in enumerate(pile)
            for shot in (happens(sheet.faulty(name), chance) if at in places else sheet.shots)
        ]
        return [write_pdf(folder / f"{name}.pdf", shots)]

    return Scenario(make_files)


def _turned_quarter(sheet: PiledSheet, chance: Chance) -> list[Shot]:
    degrees = int(chance.choice([90, 270]))
    return sheet.each(lambda shot: shot.turned(degrees)).shots


def _doubled(sheet: PiledSheet, chance: Chance) -> list[Shot]:
    return sheet.shots + [_again(shot, chance, "doubled_sheet") for shot in sheet.shots]


def _again(shot: Shot, chance: Chance, fault: str) -> Shot:
    again = shot.changed(lambda pixels: defects.rescanned(pixels, chance))
    return again.told(kind="double", fault=fault)


def _blank_after(sheet: PiledSheet, chance: Chance) -> list[Shot]:
    sheet = sheet.faulty("")
    return sheet.shots + [_blank(sheet, side, chance) for side in ("front", "back")]


def _blank(sheet: PiledSheet, side: str, chance: Chance) -> Shot:
    """One side of a sheet without header that nobody wrote on."""
    dpi = sheet.front.dpi
    paper = blank_side(str(chance.choice(["seyes", "squares"])), None, dpi / 25.4)
    how = feed(int(chance.integers(1 << 30)), (side,), size_px(dpi / 25.4), dpi / 25.4, 0)
    unit = (f"blank:{sheet.unit[0]}", sheet.unit[1])
    halves = {
        half: HalfTruth(unit, order, page, written=False, kind="blank", fault="blank_sheet")
        for order, (half, page) in enumerate((("left", "P2"), ("right", "P3")), 1)
    }
    return Shot(encoded(scan(paper, how, chance)), dpi, 0, halves)


def _annex_after(sheet: PiledSheet, chance: Chance) -> list[Shot]:
    sheet = sheet.faulty("")
    unit = (f"annex:{sheet.unit[0]}", sheet.unit[1])
    front = leaf(sheet.front, "P1").changed(lambda pixels: _with_annex_header(pixels, sheet.front.dpi))
    back = leaf(_blank(sheet, "back", chance), "P2")
    return [
        *sheet.shots,
        front.told(unit=unit, order=1, kind="annex", fault="annex"),
        back.told(unit=unit, order=2, kind="blank", fault="annex"),
    ]


def _with_annex_header(page: Gray, dpi: float) -> Gray:
    """A page whose printed header is that of an annex, the copy's header wiped out."""
    name = next(model.name for model in builtin_models() if model.kind == "annex")
    headed = blank_side("squares", HeaderModelRef(name), dpi / 25.4)[:, -page.shape[1] :]
    copies = (model for model in builtin_models() if model.kind == "copy")
    bottom = max(model.page_top_mm + model.height_mm for model in copies) + 4
    top = round(bottom * dpi / 25.4)
    paper = int(np.median(page))
    below = page.copy()
    below[:top] = paper
    return np.minimum(below, np.asarray(headed * (paper / 255), dtype=np.uint8))


def _as_leaf(sheet: PiledSheet, _chance: Chance) -> list[Shot]:
    """Somebody's sheet was torn at the fold: only its second leaf is there."""
    unit = (f"leaf:{sheet.unit[0]}", sheet.unit[1])
    return [leaf(sheet.back, page).told(unit=unit, kind="loose") for page in ("P2", "P3")]


def _misfiled(drawn: DrawnClass, chance: Chance, folder: Path) -> list[FaultyFile]:
    """The second sheets of some pupils stand further on, after another pupil's."""
    pile = drawn.pile()
    seconds = [sheet for sheet in pile if sheet.unit[1] == 2][:: max(1, len(pile) // 12)]
    rest = [sheet for sheet in pile if sheet not in seconds]
    for sheet in seconds:
        at = int(chance.integers(len(rest)))
        rest.insert(at, sheet.faulty("misfiled"))
    return [write_pdf(folder / "misfiled.pdf", [shot for sheet in rest for shot in sheet.shots])]


def _two_papers(drawn: DrawnClass, chance: Chance, folder: Path) -> list[FaultyFile]:
    """Two sheets of another paper among those of one."""
    headers = {copy.pupil: copy.header for copy in drawn.recipe.copies}
    usual = [sheet for sheet in drawn.pile() if headers[sheet.unit[0]] == "lignes"]
    others = [sheet for sheet in drawn.pile() if headers[sheet.unit[0]] != "lignes"][
        : max(1, len(usual) // 6)
    ]
    for sheet in others:
        usual.insert(int(chance.integers(len(usual))), sheet.faulty("two_papers"))
    return [write_pdf(folder / "two_papers.pdf", [shot for sheet in usual for shot in sheet.shots])]


def _rescanned_tail(drawn: DrawnClass, chance: Chance, folder: Path) -> list[FaultyFile]:
    pile = drawn.pile()
    tail = [sheet.faulty("rescanned_tail") for sheet in pile[-min(TAIL, len(pile) // 2) :]]
    whole = [*pile[: len(pile) - len(tail)], *tail]
    again = [_again(shot, chance, "rescanned_tail") for sheet in tail for shot in sheet.shots]
    return [
        write_pdf(folder / "class.pdf", [shot for sheet in whole for shot in sheet.shots]),
        write_pdf(folder / "class-end.pdf", again),
    ]


# --- What happens to every picture ----------------------------------------------------------------


def _every(change: Callable[..., Gray], name: str) -> Scenario:
    def make_files(drawn: DrawnClass, chance: Chance, folder: Path) -> list[FaultyFile]:
        shots = [
            shot.changed(partial(change, shot=shot, chance=chance)).told(fault=name) for shot in _few(drawn)
        ]
        return [write_pdf(folder / f"{name}.pdf", shots)]

    return Scenario(make_files)


def _few(drawn: DrawnClass, dpi: int | None = None) -> list[Shot]:
    return [shot for sheet in drawn.pile(dpi, drawn.few) for shot in sheet.shots]


def _faint(pixels: Gray, **_: object) -> Gray:
    return defects.faint(pixels)


def _skewed(pixels: Gray, *, chance: Chance, **_: object) -> Gray:
    return defects.skewed(pixels, float(chance.choice([-3.0, 3.0])))


def _torn(pixels: Gray, *, shot: Shot, chance: Chance) -> Gray:
    return defects.torn(pixels, shot.dpi / 25.4, chance)


def _bordered(pixels: Gray, *, shot: Shot, chance: Chance) -> Gray:
    return defects.bordered(pixels, shot.dpi / 25.4, chance)


def _at_dpi(dpi: int) -> Scenario:
    return Scenario(lambda drawn, _chance, folder: [write_pdf(folder / f"dpi_{dpi}.pdf", _few(drawn, dpi))])


def _colour(drawn: DrawnClass, _chance: Chance, folder: Path) -> list[FaultyFile]:
    return [write_pdf(folder / "colour.pdf", [shot.changed(defects.coloured) for shot in _few(drawn)])]


def _bitonal(drawn: DrawnClass, _chance: Chance, folder: Path) -> list[FaultyFile]:
    return [write_pdf(folder / "bitonal.pdf", _few(drawn), codec="g4")]


# --- Leaves of A4 ---------------------------------------------------------------------------------


def _leaves(drawn: DrawnClass, *, marked: bool = False) -> list[list[Shot]]:
    """Copies of four A4 pages, header on the first, with « n/4 » printed at the foot when ``marked``."""
    firsts = [sheet for sheet in drawn.pile() if sheet.unit[1] == 1]
    return [list(_copy(sheet, marked)) for sheet in firsts]


def _copy(sheet: PiledSheet, marked: bool) -> Iterator[Shot]:
    unit = (sheet.unit[0], 0)
    for order, (side, page) in enumerate(zip("fbbf", ("P1", "P2", "P3", "P4"), strict=True), 1):
        shot = leaf(sheet.front if side == "f" else sheet.back, page).told(unit=unit, order=order)
        yield shot.changed(partial(_page_mark, mark=f"{order}/4", dpi=shot.dpi)) if marked else shot


def _page_mark(page: Gray, *, mark: str, dpi: float) -> Gray:
    picture = Image.fromarray(page)
    face = _print_face(round(11 / 72 * dpi))
    at = (page.shape[1] - 18 * dpi / 25.4, page.shape[0] - 9 * dpi / 25.4)
    ImageDraw.Draw(picture).text(at, mark, fill=30, font=face, anchor="rs")
    return np.asarray(picture, dtype=np.uint8)


def _stack(drawn: DrawnClass, _chance: Chance, folder: Path) -> list[FaultyFile]:
    return [write_pdf(folder / "a4.pdf", [shot for copy in _leaves(drawn) for shot in copy])]


def _turned_leaves(drawn: DrawnClass, chance: Chance, folder: Path) -> list[FaultyFile]:
    """Some pages of a stack lie on their side or on their head."""
    shots = [
        shot.turned(int(chance.choice([90, 180, 270]))).told(fault="a4_turned")
        if any(half.written for half in shot.halves.values()) and chance.random() < 0.25
        else shot
        for copy in _leaves(drawn)
        for shot in copy
    ]
    return [write_pdf(folder / "a4_turned.pdf", shots)]


def _odd_even(drawn: DrawnClass, chance: Chance, folder: Path) -> list[FaultyFile]:
    """Fronts in one file, backs in another, which came last leaf first or not."""
    shots = [shot.told(fault="odd_even") for copy in _leaves(drawn, marked=True) for shot in copy]
    backs = shots[1::2][:: -1 if chance.random() < 0.5 else 1]
    return [
        write_pdf(folder / "salle 204 impaires.pdf", shots[::2]),
        write_pdf(folder / "salle 204 paires.pdf", backs),
    ]


def _typed(drawn: DrawnClass, chance: Chance, folder: Path) -> list[FaultyFile]:
    pupils = [pupil for _, pupil in drawn.plans][: drawn.few]
    return [typed.write_copy(folder, pupil, chance) for pupil in pupils]


SCENARIOS: dict[str, Scenario] = {
    "clean": Scenario(
        lambda drawn, _chance, folder: [
            write_pdf(folder / "clean.pdf", [shot for sheet in drawn.pile() for shot in sheet.shots])
        ]
    ),
    "swapped": _at_places(lambda sheet, _: [sheet.back, sheet.front], "swapped"),
    "turned_180": _at_places(lambda sheet, _: sheet.each(lambda shot: shot.turned(180)).shots, "turned_180"),
    "quarter_turned": _at_places(_turned_quarter, "quarter_turned"),
    "missing_back": _at_places(lambda sheet, _: [sheet.front], "missing_back", RARE),
    "missing_front": _at_places(lambda sheet, _: [sheet.back], "missing_front", RARE),
    "doubled_sheet": _at_places(_doubled, "doubled_sheet"),
    "blank_sheet": _at_places(_blank_after, "blank_sheet"),
    "annex": _at_places(_annex_after, "annex"),
    "loose_leaf": _at_places(_as_leaf, "loose_leaf"),
    "misfiled": Scenario(_misfiled),
    "two_papers": Scenario(_two_papers),
    "rescanned_tail": Scenario(_rescanned_tail),
    "very_light": _every(_faint, "very_light"),
    "dpi_150": _at_dpi(150),
    "dpi_300": _at_dpi(300),
    "bitonal": Scenario(_bitonal),
    "colour": Scenario(_colour),
    "skew_3": _every(_skewed, "skew_3"),
    "torn_corner": _every(_torn, "torn_corner"),
    "grey_border": _every(_bordered, "grey_border"),
    "typed_a4": Scenario(_typed, layout="files"),
    "a4_stack": Scenario(_stack),
    "a4_turned": Scenario(_turned_leaves),
    "odd_even": Scenario(_odd_even, layout="a4"),
}
