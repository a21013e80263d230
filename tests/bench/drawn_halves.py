"""Half-pages for the benches of scans: drawn once, then fed to a copier as often as one likes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

from core.imaging.darkness import DarkMap, dark_map
from core.imaging.deskew import skew_of
from core.imaging.halves import split, turned
from workbench.demo import load, roster
from workbench.demo.body import put
from workbench.demo.chance import stream
from workbench.demo.fonts import SYSTEM_FONT_DIRS, Gray, find
from workbench.demo.hand import Hand, deal
from workbench.demo.handwriting import FontHandwriting
from workbench.demo.ink import Ink, width_of, write
from workbench.demo.paper import A4_WIDTH_MM, RULINGS, HeaderModelRef, _print_face, blank_side, size_px
from workbench.demo.recipe import SIDES, Pupil, Recipe
from workbench.demo.scanner import Feed, scan
from workbench.demo.sheet import PAGES, SheetArtist
from workbench.demo.wording import FORMULAS, SENTENCES

DATA = Path(__file__).resolve().parents[2] / "data" / "demo"
FONT_DIRS = (*SYSTEM_FONT_DIRS, Path(__file__).resolve().parents[2] / "node_modules")
DPI = 200
PX = DPI / 25.4


@dataclass(frozen=True)
class Side:
    """One side of an A3 sheet, clean: (height, width) uint8 at ``DPI``; names of its left and right pages."""

    key: tuple[str, int, str]
    pixels: Gray
    pages: tuple[str, str]


@dataclass(frozen=True)
class Pass:
    """One passage of a sheet through a copier."""

    skew_deg: float = 0.0
    shift_mm: tuple[float, float] = (0.0, 0.0)
    rotate: int = 0
    dpi: int = DPI
    bitonal: int | None = None
    jpeg: int = 70


@dataclass(frozen=True)
class HalfScan:
    """One half of a scanned side, as the analysis sees it: its map as fed, its skew."""

    key: tuple[str, int, str]
    page: str
    map: DarkMap
    skew_deg: float
    rotate: int


def class_of(name: str) -> tuple[Recipe, SheetArtist, FontHandwriting, dict[str, Pupil]]:
    """The artist of a recipe written with fonts."""
    recipe = load(DATA / name)
    assert recipe.roster is not None
    pupils = (*roster.read(recipe.roster), *recipe.strangers)
    hands = FontHandwriting(recipe.seed, deal(recipe.seed, pupils, find(recipe.handwriting, FONT_DIRS)))
    return recipe, SheetArtist(recipe, hands), hands, {pupil.key: pupil for pupil in pupils}


def class_sides(name: str, pupils: int | None = None) -> Iterator[Side]:
    """The sides of a whole class, drawn as the demonstration draws them, without what a copier does."""
    recipe, artist, _, by_key = class_of(name)
    recipe = recipe.only(pupils=pupils) if pupils else recipe
    width, height = size_px(PX)
    for copy in recipe.copies:
        for sheet in range(1, copy.sheets + 1):
            layers = {side: np.zeros((height, width), np.uint8) for side in SIDES}
            artist._fill_header(layers["front"], copy, by_key[copy.pupil], sheet)
            artist._fill_pages(layers, copy, by_key[copy.pupil], sheet)
            for side in SIDES:
                header = HeaderModelRef(copy.header) if side == "front" else None
                yield Side((copy.pupil, sheet, side), _printed(copy.paper, header, layers[side]), PAGES[side])


def _printed(paper: str, header: HeaderModelRef | None, ink: Gray) -> Gray:
    clean = blank_side(paper, header, PX)
    return np.asarray(cv2.multiply(clean, cv2.bitwise_not(ink), scale=1 / 255), dtype=np.uint8)


class Copying:
    """A hand that writes what another pupil wrote: the words and lines of ``pupil``, the strokes of its own."""

    def __init__(self, hand: Hand, name: str) -> None:
        self._hand, self._name = hand, name

    def write_line(self, pupil: Pupil, sheet: int, place: str, text: str, *, px_per_mm: float) -> Ink:
        """Draw a line."""
        rng = stream(1, self._name, place)
        text = "".join(char for char in text if not self._hand.font.lacks(char)) or "-"
        cap_px = 0.7 * self._hand.cap_mm * px_per_mm
        return write(text, self._hand, cap_px=cap_px, pen_px=0.9 * self._hand.pen_mm * px_per_mm, rng=rng)

    def width_px(self, pupil: Pupil, text: str, *, px_per_mm: float) -> float:
        """Width of a line."""
        return width_of(text, self._hand, 0.7 * self._hand.cap_mm * px_per_mm)


def copied_sides(name: str, count: int, *, other_size: bool) -> Iterator[Side]:
    """Pairs of sides, same text, same font: with the writer's own size and slant, or with the very same."""
    recipe, _, hands, by_key = class_of(name)
    for i, copy in enumerate(recipe.copies[:count]):
        hand, rng = hands._hands[copy.pupil][0], stream(7, "copied", i)
        bent = replace(
            hand,
            cap_mm=hand.cap_mm * rng.uniform(0.9, 1.1),
            slant=hand.slant + rng.normal(0, 0.06),
            spacing=hand.spacing * rng.uniform(0.7, 1.4),
        )
        text = [str(line) for line in rng.permutation(SENTENCES)[:24]]
        for who, mine in enumerate((hand, bent if other_size else hand)):
            layer = _ink_layer()
            for half, lines in enumerate((text[:12], text[12:])):
                _copy_out(
                    layer,
                    half,
                    lines,
                    by_key[copy.pupil],
                    Copying(mine, f"{i}.{who}.{half}"),
                    copy.paper,
                    stream(8, i, who, half),
                )
            yield Side((f"copy{i}.{who}", 1, "back"), _printed(copy.paper, None, layer), PAGES["back"])


def _ink_layer() -> Gray:
    width, height = size_px(PX)
    return np.zeros((height, width), np.uint8)


def _copy_out(
    layer: Gray,
    half: int,
    lines: Sequence[str],
    pupil: Pupil,
    hand: Copying,
    paper: str,
    rng: np.random.Generator,
) -> None:
    """Write sentences below one another, each on as many lines as it takes, starting where this writer does."""
    ruling, line = RULINGS[paper], 0
    room_px = (A4_WIDTH_MM - ruling.margin_mm - 8) * PX
    for sentence in lines:
        words = sentence.split()
        while words:
            taken = [words.pop(0)]
            while words and hand.width_px(pupil, " ".join((*taken, words[0])), px_per_mm=PX) < room_px:
                taken.append(words.pop(0))
            ink = hand.write_line(pupil, 1, f"{half}.{line}", " ".join(taken), px_per_mm=PX)
            left_mm = A4_WIDTH_MM * half + ruling.margin_mm + rng.uniform(0, 3)
            base_mm = ruling.first_line_mm + line * ruling.pitch_mm - rng.uniform(0, 0.8)
            if base_mm < 283:
                put(layer, ink, round(left_mm * PX), round(base_mm * PX))
            line += 1


def header_sides(name: str, count: int) -> Iterator[Side]:
    """Fronts on which only the header is filled in."""
    recipe, artist, _, by_key = class_of(name)
    for copy in recipe.copies[:count]:
        layer = _ink_layer()
        artist._fill_header(layer, copy, by_key[copy.pupil], 1)
        yield Side(
            (f"header-{copy.pupil}", 1, "front"),
            _printed(copy.paper, HeaderModelRef(copy.header), layer),
            PAGES["front"],
        )


def form_sides(name: str, count: int, answers: int = 3) -> Iterator[Side]:
    """Pages of a printed subject, the same for everybody, with a few short answers written in by hand."""
    recipe, _, hands, by_key = class_of(name)
    width, height = size_px(PX)
    printed = Image.new("L", (width, height), 255)
    draw, face = ImageDraw.Draw(printed), _print_face(round(3.6 * PX))
    for half in (0, 1):
        for row in range(18):
            place = ((18 + 210 * half) * PX, (25 + 14 * row) * PX)
            draw.text(
                place,
                f"{row + 1}. {SENTENCES[(row + 18 * half) % len(SENTENCES)][:60]}",
                fill=25,
                font=face,
                anchor="ls",
            )
    clean = np.asarray(printed)
    for i, copy in enumerate(recipe.copies[:count]):
        pupil, rng, layer = by_key[copy.pupil], stream(11, "form", i), _ink_layer()
        for half in (0, 1):
            for row in rng.permutation(18)[:answers]:
                text = str(rng.choice(FORMULAS))
                ink = hands.write_line(pupil, 1, f"{half}.{row}", text, px_per_mm=PX)
                put(
                    layer,
                    ink,
                    round((30 + 210 * half + rng.uniform(0, 40)) * PX),
                    round((31.5 + 14 * row) * PX),
                )
        pixels = cv2.multiply(clean, cv2.bitwise_not(layer), scale=1 / 255)
        yield Side((f"form{i}", 1, "back"), np.asarray(pixels, dtype=np.uint8), PAGES["back"])


def sparse_sides(name: str, count: int) -> Iterator[Side]:
    """Sides of which each page bears one line, or two words."""
    recipe, _, hands, by_key = class_of(name)
    width, height = size_px(PX)
    for i, copy in enumerate(recipe.copies[:count]):
        pupil, rng = by_key[copy.pupil], stream(9, "sparse", i)
        layer = np.zeros((height, width), np.uint8)
        for half in (0, 1):
            text = ("2) x = 4", "Exercice 1", "La suite est croissante et converge.", "fin")[
                int(rng.integers(4))
            ]
            ink = hands.write_line(pupil, 1, f"{half}", text, px_per_mm=PX)
            line = RULINGS[copy.paper].first_line_mm + RULINGS[copy.paper].pitch_mm * int(rng.integers(0, 6))
            left = 210 * half + RULINGS[copy.paper].margin_mm + rng.uniform(0, 2)
            top = round(line * PX) - ink.baseline
            box = layer[top : top + ink.height, round(left * PX) : round(left * PX) + ink.width]
            np.maximum(box, ink.pixels[:, : box.shape[1]], out=box)
        yield Side((f"sparse{i}", 1, "back"), _printed(copy.paper, None, layer), PAGES["back"])


def passes(rng: np.random.Generator, hard: bool) -> Pass:
    """A passage by chance: ordinary, or as far off as a copier may be."""
    if not hard:
        return Pass(float(np.clip(rng.normal(0, 0.4), -1, 1)), tuple(rng.uniform(-2, 2, 2)))  # type: ignore[arg-type]
    dpi = int(rng.choice((150, 200, 300)))
    bitonal = int(rng.choice((130, 160, 185))) if rng.random() < 0.3 else None
    shift = tuple(rng.uniform(-5, 5, 2))
    return Pass(
        float(rng.uniform(-2, 2)), shift, int(rng.choice((0, 180))), dpi, bitonal, int(rng.choice((50, 80)))
    )  # type: ignore[arg-type]


def fed(side: Side, how: Pass, rng: np.random.Generator) -> Gray:
    """The image a copier makes of a side, at the resolution of the passage."""
    height, width = side.pixels.shape
    shift = (how.shift_mm[0] * PX, how.shift_mm[1] * PX)
    image = scan(side.pixels, Feed(how.skew_deg, shift, how.rotate, width, height), rng)
    if how.dpi != DPI:
        scale = how.dpi / DPI
        kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=kind)
    if how.bitonal is not None:
        return np.where(image < how.bitonal, 0, 255).astype(np.uint8)
    light = rng.uniform(0.85, 1.0)
    _, coded = cv2.imencode(".jpg", (image * light).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, how.jpeg])
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)


def halves(side: Side, how: Pass, rng: np.random.Generator) -> tuple[HalfScan, HalfScan]:
    """Both halves of one passage, in the order of the image as fed."""
    image = fed(side, how, rng)
    page = dark_map(image, how.dpi)
    height, width = page.dark.shape
    parts = [page.cut(half.box) for half in split(width, height, "a3")]
    names: Sequence[str] = side.pages if how.rotate == 0 else side.pages[::-1]
    skew = skew_of(page)
    first, second = (
        HalfScan(side.key, name, part, skew, how.rotate) for name, part in zip(names, parts, strict=True)
    )
    return first, second


def upright(half: HalfScan) -> DarkMap:
    """The map of a half as its reader sees it."""
    if half.rotate == 0:
        return half.map
    m = half.map
    return DarkMap(turned(m.dark, 180), turned(m.below_paper, 180), m.paper, m.px_per_mm, m.step)
