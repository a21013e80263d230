"""Real handwritten names, from a folder of crops that is read in place and never copied.

The labels of the crops become the names of the class, so the recipe yields its
own roster. Names are real handwriting; birth dates and classes are invented
and, like the running text, drawn with fonts.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from core.errors import BadInput
from workbench.demo.chance import stream
from workbench.demo.fonts import Gray
from workbench.demo.handwriting import FontHandwriting
from workbench.demo.ink import Ink, bend, trimmed
from workbench.demo.recipe import Pupil, Recipe

UNLABELLED_SIZES = {(324, 44), (284, 31)}
"""(width, height) of the crops that were cut without their printed label; the other sizes have one."""

CAP_MM = 4.4
_PALE = 215
"""Gray below which a pixel of a crop is ink: strokes of a hard pen are pale."""
_TALLEST_LINE_PX = 30
_WIDEST_GAP_PX = 45


@dataclass(frozen=True)
class NameCrops:
    """The two crops one pupil writes with; they come from two real people."""

    surname: Path
    first_name: Path


def cast(recipe: Recipe, folder: Path) -> tuple[tuple[Pupil, ...], dict[str, NameCrops]]:
    """Name the pupils of a crops recipe, strangers included, and give each their two crops.

    ``folder`` is the handwriting folder of the reference data.

    Raises:
        BadInput: ``demo_crops_missing`` with ``folder`` when it is not there or too small.
    """
    keys = recipe.cast
    chosen = _draw_lots(recipe.seed, folder, len(keys))
    pupils = tuple(_pupil(recipe.seed, key, *names) for key, names in zip(keys, chosen, strict=True))
    crops = {
        key: NameCrops(folder / surname["file"], folder / first["file"])
        for key, (surname, first) in zip(keys, chosen, strict=True)
    }
    return pupils, crops


def _draw_lots(seed: int, folder: Path, count: int) -> list[tuple[dict[str, str], dict[str, str]]]:
    """Pairs of label rows, surname and first name, each name once and each crop usable."""
    labels = folder / "labels.csv"
    if not labels.is_file():
        raise BadInput("demo_crops_missing", folder=str(folder))
    with labels.open(encoding="utf-8", newline="") as stream_:
        rows = [row for row in csv.DictReader(stream_) if _is_offered(row)]
    picked: dict[str, list[dict[str, str]]] = {}
    for kind in ("surname", "first"):
        offered = [row for row in rows if row["kind_guess"] == kind]
        order = stream(seed, "crops", kind).permutation(len(offered))
        by_name: dict[str, dict[str, str]] = {}
        for index in order:
            row = offered[index]
            if len(by_name) < count and row["label"] not in by_name and _is_one_line(folder / row["file"]):
                by_name[row["label"]] = row
        picked[kind] = list(by_name.values())
    if min(map(len, picked.values())) < count:
        raise BadInput("demo_crops_missing", folder=str(folder))
    return list(zip(picked["surname"], picked["first"], strict=True))


def _is_offered(row: Mapping[str, str]) -> bool:
    return (
        row["kind_guess"] in ("surname", "first")
        and row["status"] != "bad"
        and len(row["label"]) > 1
        and (int(row["width"]), int(row["height"])) in UNLABELLED_SIZES
    )


def _is_one_line(path: Path) -> bool:
    """Nothing cut at the edges, nothing of a neighbouring line."""
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if image is None:
        return False
    dark = image < _PALE
    rows = np.flatnonzero(dark.any(axis=1))
    if not rows.size or dark[0].any() or dark[-1].any():
        return False
    return bool(np.diff(rows).max(initial=1) <= 4) and int(rows[-1] - rows[0]) < _TALLEST_LINE_PX


def _pupil(seed: int, key: str, surname: Mapping[str, str], first: Mapping[str, str]) -> Pupil:
    rng = stream(seed, "birth", key)
    day = np.datetime64("2009-01-01") + int(rng.integers(0, 365))
    return Pupil(key, surname["label"], first["label"], str(day), "TG3")


class CropHandwriting:
    """Names from crops, bent a little differently on every sheet; the rest as ``fonts`` writes it."""

    def __init__(self, seed: int, crops: Mapping[str, NameCrops], fonts: FontHandwriting) -> None:
        self._seed = seed
        self._crops = crops
        self._fonts = fonts

    def write_field(
        self, pupil: Pupil, field: str, sheet: int, *, px_per_mm: float, room_px: float
    ) -> tuple[str, Ink]:
        """See ``Handwriting``; the text of a name is the crop's label."""
        crops = self._crops[pupil.key]
        paths = {"surname": crops.surname, "first_name": crops.first_name}
        if field not in paths:
            return self._fonts.write_field(pupil, field, sheet, px_per_mm=px_per_mm, room_px=room_px)
        rng = stream(self._seed, "crop", pupil.key, sheet, field)
        source = _read(paths[field])
        cap_px = CAP_MM * px_per_mm * rng.uniform(0.92, 1.1)
        scale = min(cap_px / source.shape[0], 0.96 * room_px / source.shape[1])
        text = pupil.surname if field == "surname" else pupil.first_name
        return text, _bent(source, scale, rng)

    def write_line(self, pupil: Pupil, sheet: int, place: str, text: str, *, px_per_mm: float) -> Ink:
        """See ``Handwriting``."""
        return self._fonts.write_line(pupil, sheet, place, text, px_per_mm=px_per_mm)

    def width_px(self, pupil: Pupil, text: str, *, px_per_mm: float) -> float:
        """See ``Handwriting``."""
        return self._fonts.width_px(pupil, text, px_per_mm=px_per_mm)

    def font(self, pupil: Pupil) -> str | None:
        """See ``Handwriting``; of dates, class and running text."""
        return self._fonts.font(pupil)


@lru_cache(maxsize=64)
def _read(path: Path) -> Gray:
    """The ink of a crop, 255 black, trimmed and without the dust around the letters."""
    image = np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), dtype=np.uint8)
    ink = np.asarray(255 - image, dtype=np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        (ink > 255 - _PALE).astype(np.uint8), connectivity=8
    )
    letters = np.isin(labels, [part for part in range(1, count) if stats[part, cv2.CC_STAT_AREA] >= 4])
    letters &= _near_most_ink(letters)
    near = cv2.dilate(letters.astype(np.uint8), np.ones((3, 3), np.uint8))
    return trimmed((ink * near).astype(np.uint8), 0).pixels


def _near_most_ink(letters: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """(width,) bool: the columns of the word itself, not of specks far to its right or left."""
    columns = np.flatnonzero(letters.any(axis=0))
    runs = np.split(columns, np.flatnonzero(np.diff(columns) > _WIDEST_GAP_PX) + 1)
    word = max(runs, key=lambda run: int(letters[:, run].sum()))
    within = np.arange(letters.shape[1])
    return np.asarray((within >= word[0]) & (within <= word[-1]), dtype=bool)


def _bent(source: Gray, scale: float, rng: np.random.Generator) -> Ink:
    """The crop at page size with a slant and strokes of its own."""
    size = (round(source.shape[1] * scale), round(source.shape[0] * scale))
    large = cv2.resize(source, size, interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    margin = 12
    framed = cv2.copyMakeBorder(large, margin, margin, margin, margin, cv2.BORDER_CONSTANT).astype(np.uint8)
    bent = bend(
        framed,
        margin + size[1],
        float(size[1]),
        slant=float(rng.normal(0, 0.05)),
        elastic=0.03,
        rng=rng,
        oversampling=1,
    )
    ink = trimmed(bent, margin + size[1])
    return replace(ink, pixels=np.clip(ink.pixels * rng.uniform(0.75, 0.95), 0, 255).astype(np.uint8))
