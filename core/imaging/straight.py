"""A half-page made straight: its ink without the ruling, and the ruling without the ink.

Likeness, ruling, hand and page marks all look at the same two pictures; they are made once.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from core.imaging.darkness import DarkMap, Gray
from core.imaging.halves import turned
from core.imaging.quality import INK_LEVELS, RULING_MM

STRAIGHT_DEG = 0.08
"""Skew not worth turning a page for: half a pixel of the map over a quarter of its width."""


@dataclass(frozen=True, eq=False)
class StraightPage:
    """One half-page, straight and portrait, at the resolution of its dark map.

    Attributes:
        levels: (height, width) uint8, grey levels below the paper around.
        across: the same, only what is long and level (ruling, frames, tables), on columns of a millimetre.
        down: the same, only what is long and upright, turned a quarter: a row for each column of the page.
        strokes: (height, width) uint8, 1 where there is ink that is neither.
        px_per_mm: scale.
    """

    levels: Gray
    across: Gray
    down: Gray
    strokes: Gray
    px_per_mm: float

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height."""
        height, width = self.strokes.shape
        return width / self.px_per_mm, height / self.px_per_mm


def straight_page(half: DarkMap, skew_deg: float = 0.0, rotation_deg: int = 0) -> StraightPage:
    """Turn the map of a half-page upright and straight, and part its ink from its ruling.

    Args:
        half: map of the half as fed.
        skew_deg: of the sheet, positive when turned clockwise (``HalfReport.skew_deg``).
        rotation_deg: clockwise turn that makes the half upright; a half that lies across is turned
            a quarter whatever this says, so that every page is portrait.
    """
    levels = np.asarray(cv2.convertScaleAbs(half.below_paper), dtype=np.uint8)
    levels = turned(levels, rotation_deg)
    if levels.shape[1] > levels.shape[0]:
        levels = turned(levels, 90)
    if abs(skew_deg) > STRAIGHT_DEG:
        height, width = levels.shape
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), skew_deg, 1.0)
        levels = cv2.warpAffine(levels, turn, (width, height), flags=cv2.INTER_LINEAR).astype(
            np.uint8, copy=False
        )
    sideways = np.asarray(cv2.transpose(levels), dtype=np.uint8)
    (across, over_rows), (down, over_columns) = (
        _long_lines(seen, half.px_per_mm) for seen in (levels, sideways)
    )
    lines = cv2.max(over_rows, cv2.transpose(over_columns))
    # A line between two rows of pixels is now fainter, now darker than its opening: twice is enough.
    ink = cv2.threshold(cv2.subtract(levels, lines), INK_LEVELS, 1, cv2.THRESH_BINARY)[1]
    strokes = cv2.min(ink, cv2.compare(levels, cv2.add(lines, lines), cv2.CMP_GT))
    return StraightPage(levels, across, down, np.asarray(strokes, dtype=np.uint8), half.px_per_mm)


def _long_lines(levels: Gray, px_per_mm: float) -> tuple[Gray, Gray]:
    """The long strokes that run across: on columns of a millimetre, and widened by a pixel over the page.

    Columns of a millimetre also close the gaps of ruling that black and white scanning has dotted.
    Widened, since no sheet lies quite flat.
    """
    height, width = levels.shape
    reduce = max(1, round(px_per_mm))
    whole = levels[:, : width // reduce * reduce]  # a whole ratio is averaged many times faster
    narrow = cv2.resize(whole, (width // reduce, height), interpolation=cv2.INTER_AREA)
    line = np.ones((1, round(RULING_MM * px_per_mm / reduce)), np.uint8)
    thin = cv2.morphologyEx(narrow, cv2.MORPH_OPEN, line)
    wide = cv2.morphologyEx(cv2.dilate(narrow, np.ones((3, 1), np.uint8)), cv2.MORPH_OPEN, line)
    over = cv2.resize(wide, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(thin, dtype=np.uint8), np.asarray(over, dtype=np.uint8)
