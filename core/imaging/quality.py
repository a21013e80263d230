"""Is a page blank, and can it be read?"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from core.imaging.darkness import DarkMap, Gray, dark_map
from core.imaging.outline import Outline, outline_of

INK_LEVELS = 38.0
"""Grey levels below paper that count as ink once ruling is taken away; show-through stays under 30."""

FAINT_LEVELS = 12.0
"""Grey levels below paper that may be faint pencil: real pencil that could hardly be seen gave 20 to 24."""

BLANK_INK = 0.00015
"""Share of ink under which a page is blank: ruled paper up to 2.5° askew 0.00007 or less, a page
with "2) x = 4" alone 0.00026 or more (drawn pages of tests/unit/test_imaging_quality.py)."""

FAINT_INK = 0.0005
"""Share of faint strokes above which a page without ink may still hold writing."""

FAINT_EDGE = 0.28
"""Steepness above which faint strokes are pencil rather than show-through, which paper diffuses."""

RULING_MM = 12.0
"""Straight strokes longer than this are ruling or print, not handwriting."""

EDGE_MM = 6.0
"""Rim left out: shadows of the fold, of the glass, and punched holes."""

DARK_PAPER = 140.0
FAINT_CONTRAST = 55.0
BLURRED_EDGE = 0.19

SKEW_LIMIT_DEG = 2.0
"""A page turned further is a nuisance to read; one in a hundred sheets of a feeder in order is turned by 1°."""

_TURNED_DEG = 2.0

_MANY_STROKES = 0.004
"""Share of ink from which dust changes nothing, so that a cheaper sieve does."""


@dataclass(frozen=True)
class Quality:
    """What a page looks like.

    Attributes:
        ink: share of the page covered by ink, ruling not counted, 0..1.
        is_blank: nothing is written on the page.
        contrast: grey levels between paper and ink; 0 on a blank page.
        paper: mean grey level of the paper; what lies around a smaller sheet is not counted.
        sharpness: steepest edges as a share of the contrast per pixel of 1/100 in, along the direction
            where they are less steep; 1 on a blank page.
        faint: share of the page covered by faint strokes with steep edges, when there is no ink: perhaps
            pencil. 0 on a page with ink.
        bitonal: the image has only black and white: neither light nor blur can be judged.
        torn_corner: what lies behind the sheet is seen at one of its corners.
    """

    ink: float
    is_blank: bool
    contrast: float
    paper: float
    sharpness: float
    faint: float = 0.0
    bitonal: bool = False
    torn_corner: bool = False

    @property
    def flags(self) -> tuple[str, ...]:
        """Codes of what a person should look at: too_dark, too_light, blurred, torn_corner.

        ``too_light`` on a blank page: writing fainter than ``INK_LEVELS`` may be there.
        """
        found = []
        if self.paper < DARK_PAPER:
            found.append("too_dark")
        if self.faint >= FAINT_INK:
            found.append("too_light")
        elif not self.is_blank and not self.bitonal:
            if self.contrast < FAINT_CONTRAST:
                found.append("too_light")
            elif self.sharpness < BLURRED_EDGE:
                found.append("blurred")
        if self.torn_corner:
            found.append("torn_corner")
        return tuple(found)


def skew_flags(skew_deg: float) -> tuple[str, ...]:
    """``skewed`` when a page is turned so far that it hinders reading: scans are shown as they were fed."""
    return ("skewed",) if abs(skew_deg) > SKEW_LIMIT_DEG else ()


def assess(gray: Gray, dpi: float = 200.0) -> Quality:
    """Measure one page.

    Args:
        gray: (height, width) uint8, 0 is black.
        dpi: resolution of ``gray``.
    """
    return assess_map(dark_map(gray, dpi))


def assess_map(page: DarkMap, skew_deg: float = 0.0) -> Quality:
    """``assess`` of a page whose dark map is already there.

    Args:
        page: its map.
        skew_deg: how far it is turned, when known: ruling is told from writing by its straightness.
    """
    outline = outline_of(page)
    torn = outline.torn_corner
    rim = round(EDGE_MM * page.px_per_mm)
    height, width = page.below_paper.shape
    if height <= 2 * rim or width <= 2 * rim:
        return Quality(0.0, True, 0.0, outline.paper, 1.0, bitonal=page.bitonal)
    below = _inside(page.below_paper, outline)[rim : height - rim, rim : width - rim]
    ruling = ruling_of(below, page.px_per_mm, skew_deg)
    written = np.asarray(cv2.subtract(below, ruling), dtype=np.uint8)
    strokes = _without_specks(_over(written, INK_LEVELS))
    ink = float(strokes.mean())
    if ink < BLANK_INK:
        faint = 0.0 if page.bitonal else _faint(written, ruling)
        return Quality(ink, True, 0.0, outline.paper, 1.0, faint, page.bitonal, torn)
    contrast = _percentile(below, strokes, 80)
    sharpness = 1.0 if page.bitonal else _sharpness(below, strokes, contrast)
    return Quality(ink, False, contrast, outline.paper, sharpness, 0.0, page.bitonal, torn)


def strokes_of(page: DarkMap, skew_deg: float = 0.0) -> Gray:
    """Where there is writing on a page: no ruling, no specks, nothing at the rim or beside the sheet.

    Returns:
        (height, width) uint8 of 0 and 1, the size of the map.
    """
    rim = round(EDGE_MM * page.px_per_mm)
    below = _inside(page.below_paper, outline_of(page))
    found = np.zeros_like(below)
    inner = (slice(rim, -rim), slice(rim, -rim))
    if min(below.shape) > 2 * rim:
        ruling = ruling_of(below[inner], page.px_per_mm, skew_deg)
        written = np.asarray(cv2.subtract(below[inner], ruling), dtype=np.uint8)
        found[inner] = _without_specks(_over(written, INK_LEVELS))
    return found


def ruling_of(below: Gray, px_per_mm: float, skew_deg: float = 0.0) -> Gray:
    """What is long and straight, across and down.

    The lines are first widened, by a pixel: a skew of 1° shifts them by one
    pixel over 12 mm at 100 dpi; by two when the page is known to be turned by more than 2°.

    Args:
        below: (height, width) uint8, grey levels below the paper.
        px_per_mm: its scale.
        skew_deg: how far the page is turned, when known.

    Returns:
        (height, width) uint8, the grey levels of the lines.
    """
    length, wide = round(RULING_MM * px_per_mm), 5 if abs(skew_deg) > _TURNED_DEG else 3
    across = _long_lines(below, (length, 1), (1, wide))
    down = _long_lines(below, (1, length), (wide, 1))
    return np.asarray(cv2.max(across, down), dtype=np.uint8)


def _inside(below: Gray, outline: Outline) -> Gray:
    """The levels on the sheet; what lies beside it is as light as paper."""
    if outline.inside is None:
        return below
    mask = cv2.resize(outline.inside, below.shape[::-1], interpolation=cv2.INTER_NEAREST)
    return np.asarray(cv2.multiply(below, mask), dtype=np.uint8)


def _over(levels: Gray, floor: float) -> Gray:
    return np.asarray(cv2.threshold(levels, floor, 1, cv2.THRESH_BINARY)[1], dtype=np.uint8)


def _long_lines(levels: Gray, line: tuple[int, int], widen: tuple[int, int]) -> Gray:
    """Grey levels of the long strokes in one direction; ``line`` and ``widen`` are (width, height)."""
    wide = cv2.dilate(levels, np.ones(widen[::-1], np.uint8))
    long = cv2.morphologyEx(wide, cv2.MORPH_OPEN, np.ones(line[::-1], np.uint8))
    return cv2.dilate(long, np.ones(widen[::-1], np.uint8)).astype(np.uint8, copy=False)


def _without_specks(strokes: Gray) -> Gray:
    """Drop dust: groups of pixels smaller than a full stop (0.5 mm across)."""
    if cv2.countNonZero(strokes) > _MANY_STROKES * strokes.size:
        around = cv2.boxFilter(strokes, -1, (3, 3), normalize=False)
        core = cv2.bitwise_and(_over(np.asarray(around, dtype=np.uint8), 3), strokes)
        return np.asarray(
            cv2.bitwise_and(cv2.dilate(core, np.ones((3, 3), np.uint8)), strokes), dtype=np.uint8
        )
    count, labels, stats, _ = cv2.connectedComponentsWithStats(strokes, connectivity=8)
    keep = stats[:, cv2.CC_STAT_AREA] >= 5
    keep[0] = False
    return keep.astype(np.uint8)[labels] if count > 1 else strokes


def _faint(written: Gray, ruling: Gray) -> float:
    """Share of strokes lighter than ink that are as steep as pencil; beside ruling, its own rests are."""
    beside = cv2.dilate(_over(ruling, FAINT_LEVELS / 2), np.ones((3, 3), np.uint8))
    strokes = _without_specks(np.asarray(cv2.subtract(_over(written, FAINT_LEVELS), beside), dtype=np.uint8))
    share = float(strokes.mean())
    if share < FAINT_INK:
        return 0.0
    contrast = _percentile(written, strokes, 80)
    return share if _sharpness(written, strokes, contrast) >= FAINT_EDGE else 0.0


def _percentile(levels: Gray, where: Gray, percent: float) -> float:
    """Of the levels where ``where`` is 1."""
    counts = cv2.calcHist([levels], [0], where, [256], [0, 256]).ravel()
    return float(np.searchsorted(np.cumsum(counts), percent / 100 * counts.sum()))


def _sharpness(below: Gray, strokes: Gray, contrast: float) -> float:
    """How steep the steepest edges near the strokes are.

    The least of four directions: paper that moved while it was seen blurs one of them only.
    """
    near = np.asarray(cv2.dilate(strokes, np.ones((3, 3), np.uint8)), dtype=np.uint8)
    across = cv2.Sobel(below, cv2.CV_16S, 1, 0, ksize=3)
    down = cv2.Sobel(below, cv2.CV_16S, 0, 1, ksize=3)
    aslant = (cv2.add(across, down), cv2.subtract(across, down))
    straight = min(_steepness(slopes, near) for slopes in (across, down))
    return min(straight, min(_steepness(slopes, near) for slopes in aslant) / 2**0.5) / max(1.0, contrast)


def _steepness(slopes: cv2.typing.MatLike, near: Gray) -> float:
    """Grey levels per pixel that 5 in 100 of the points near strokes exceed; Sobel's kernel sums to 8."""
    levels = np.asarray(cv2.convertScaleAbs(slopes, alpha=1 / 4), dtype=np.uint8)
    return _percentile(levels, near, 95) / 2
