"""A few habits of the hand that wrote a page, to compare pages of one scan. They recognise nobody."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from core.imaging.quality import EDGE_MM
from core.imaging.straight import StraightPage

Numbers = npt.NDArray[np.float64]

FEWEST_LETTERS = 40
"""Groups of strokes below which a page says nothing about a hand."""

_MOST_POINTS = 12_000
_DIRECTIONS = 6
_LETTER_MM = (0.7, 14.0)


def hand_features(page: StraightPage) -> tuple[float, ...] | None:
    """Measures of the writing on a page, in the order of ``domain.loose.HAND_FEATURES``; ``None`` when there is too little.

    Sizes in millimetres, directions as shares of the edges of the strokes.
    """
    count, _, stats, _ = cv2.connectedComponentsWithStats(page.strokes, connectivity=8, ltype=cv2.CV_16U)
    rim = EDGE_MM * page.px_per_mm
    letters = _letters(stats[1:count].astype(np.float64), page, rim)
    if len(letters) < FEWEST_LETTERS:
        return None
    widths, heights = (
        letters[:, column] / page.px_per_mm for column in (cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT)
    )
    lefts = letters[:, cv2.CC_STAT_LEFT] / page.px_per_mm
    darkness, thickness, directions = _strokes(page)
    values = (
        darkness / 100,
        thickness,
        float(np.log(np.median(heights))),
        float(np.log(np.quantile(heights, 0.9))),
        float(np.log(np.median(widths))),
        float(np.log(np.quantile(widths, 0.9))),
        float(np.quantile(lefts, 0.06)) / 10,
        *directions,
    )
    return tuple(round(value, 3) for value in values)


def _letters(stats: Numbers, page: StraightPage, rim: float) -> Numbers:
    """The groups of strokes of the size of letters and words, away from the edges."""
    low, high = (side * page.px_per_mm for side in _LETTER_MM)
    height, width = page.strokes.shape
    left, top, wide, tall = (stats[:, i] for i in range(4))
    whole = (left > rim) & (top > rim) & (left + wide < width - rim) & (top + tall < height - rim)
    return np.asarray(stats[whole & (tall >= low) & (tall <= high) & (wide >= low)])


def _strokes(page: StraightPage) -> tuple[float, float, Numbers]:
    """How dark and how thick the strokes are, and the share of their edges in each direction."""
    points = np.flatnonzero(page.strokes[2:-2, 2:-2].astype(bool))
    if len(points) > _MOST_POINTS:
        # A stride that is prime to the width, so that it does not fall in step with columns.
        points = points[:: len(points) // _MOST_POINTS + 1]
    rows, columns = np.divmod(points, page.strokes.shape[1] - 4)
    at = (rows + 2) * page.levels.shape[1] + columns + 2
    flat, wide = page.levels.ravel(), page.levels.shape[1]
    right = flat[at + 1].astype(np.float32) - flat[at - 1]
    down = flat[at + wide].astype(np.float32) - flat[at - wide]
    strength = np.hypot(right, down)
    darkness = float(np.quantile(flat[at], 0.8))
    # Across an edge the levels change by the darkness of the stroke: the sum counts edges, the area strokes.
    thickness = 4 * float(flat[at].astype(np.float32).sum() / max(strength.sum(), 1.0)) / page.px_per_mm
    angle = np.arctan2(down, right) % np.pi
    bins = np.minimum((angle / np.pi * _DIRECTIONS).astype(np.int64), _DIRECTIONS - 1)
    shares = np.bincount(bins, strength, _DIRECTIONS) / max(float(strength.sum()), 1.0)
    return darkness, thickness, shares.astype(np.float64)
