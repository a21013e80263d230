"""Is a page blank, and can it be read?"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from core.imaging.darkness import DarkMap, Floats, Gray, dark_map

INK_LEVELS = 38.0
"""Grey levels below paper that count as ink once ruling is taken away; show-through stays under 30."""

BLANK_INK = 0.00015
"""Share of ink under which a page is blank: ruled paper up to 2.5° askew 0.00007 or less, a page
with "2) x = 4" alone 0.00026 or more (drawn pages of tests/unit/test_imaging_quality.py)."""

RULING_MM = 12.0
"""Straight strokes longer than this are ruling or print, not handwriting."""

EDGE_MM = 6.0
"""Rim left out: shadows of the fold, of the glass, and punched holes."""

DARK_PAPER = 140.0
FAINT_CONTRAST = 55.0
BLURRED_EDGE = 0.16


@dataclass(frozen=True)
class Quality:
    """What a page looks like.

    Attributes:
        ink: share of the page covered by ink, ruling not counted, 0..1.
        is_blank: nothing is written on the page.
        contrast: grey levels between paper and ink; 0 on a blank page.
        paper: mean grey level of the paper.
        sharpness: steepest edges as a share of the contrast per pixel of 1/100 in; 1 on a blank page.
    """

    ink: float
    is_blank: bool
    contrast: float
    paper: float
    sharpness: float

    @property
    def flags(self) -> tuple[str, ...]:
        """Codes of what a person should look at: too_dark, too_light, blurred."""
        found = []
        if self.paper < DARK_PAPER:
            found.append("too_dark")
        if not self.is_blank and self.contrast < FAINT_CONTRAST:
            found.append("too_light")
        elif not self.is_blank and self.sharpness < BLURRED_EDGE:
            found.append("blurred")
        return tuple(found)


def assess(gray: Gray, dpi: float = 200.0) -> Quality:
    """Measure one page.

    Args:
        gray: (height, width) uint8, 0 is black.
        dpi: resolution of ``gray``.
    """
    return assess_map(dark_map(gray, dpi))


def assess_map(page: DarkMap) -> Quality:
    """``assess`` of a page whose dark map is already there."""
    rim = round(EDGE_MM * page.px_per_mm)
    height, width = page.below_paper.shape
    if height <= 2 * rim or width <= 2 * rim:
        return Quality(0.0, True, 0.0, page.paper, 1.0)
    below = page.below_paper[rim : height - rim, rim : width - rim]
    written = _without_ruling(below, page.px_per_mm)
    strokes = _without_specks((written > INK_LEVELS).astype(np.uint8))
    ink = float(strokes.mean())
    if ink < BLANK_INK:
        return Quality(ink, True, 0.0, page.paper, 1.0)
    contrast = float(np.percentile(below[strokes > 0], 80))
    return Quality(ink, False, contrast, page.paper, _sharpness(below, strokes, contrast))


def _without_ruling(below: Floats, px_per_mm: float) -> Floats:
    """Take away what is long and straight, across and down.

    The lines are first widened by a pixel: a skew of 1° shifts them by one
    pixel over 12 mm at 100 dpi.
    """
    length = round(RULING_MM * px_per_mm)
    levels = np.minimum(below, 255).astype(np.uint8)
    across = _long_lines(levels, (length, 1), (1, 3))
    down = _long_lines(levels, (1, length), (3, 1))
    rest = cv2.subtract(levels, cv2.max(across, down))
    return rest.astype(np.float32)


def _long_lines(levels: Gray, line: tuple[int, int], widen: tuple[int, int]) -> Gray:
    """Grey levels of the long strokes in one direction; ``line`` and ``widen`` are (width, height)."""
    wide = cv2.dilate(levels, np.ones(widen[::-1], np.uint8))
    long = cv2.morphologyEx(wide, cv2.MORPH_OPEN, np.ones(line[::-1], np.uint8))
    return cv2.dilate(long, np.ones(widen[::-1], np.uint8)).astype(np.uint8, copy=False)


def _without_specks(strokes: Gray) -> Gray:
    """Drop dust: groups of pixels smaller than a full stop (0.5 mm across)."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(strokes, connectivity=8)
    keep = stats[:, cv2.CC_STAT_AREA] >= 5
    keep[0] = False
    return keep[labels].astype(np.uint8) if count > 1 else strokes


def _sharpness(below: Floats, strokes: Gray, contrast: float) -> float:
    across = np.abs(cv2.Sobel(below, cv2.CV_32F, 1, 0, ksize=3)) / 8
    near = cv2.dilate(strokes, np.ones((3, 3), np.uint8)) > 0
    return float(np.percentile(across[near], 95)) / contrast
