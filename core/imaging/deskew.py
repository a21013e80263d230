"""How far a page is turned, by the projection of its dark rows."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from core.imaging.darkness import DarkMap, Floats, Gray, dark_map

MAX_SKEW_DEG = 4.0
"""A feeder turns a sheet by 1° or 2°; beyond this it is another fault."""

_COARSE_DEG = 0.25
_FINE_DEG = 0.05
_EDGE = 0.08
_SMEAR_PX = 25
_COLUMN_STEP = 5
_MAX_POINTS = 30_000


def skew_deg(gray: Gray, dpi: float = 200.0) -> float:
    """Angle of the writing and ruling of a page, in degrees, positive when turned clockwise.

    Turning the page by this angle counter-clockwise makes it straight. 0 when the
    page holds nothing to measure.

    Args:
        gray: (height, width) uint8, 0 is black, upright within ``MAX_SKEW_DEG``.
        dpi: resolution of ``gray``.
    """
    return skew_of(dark_map(gray, dpi))


def skew_of(page: DarkMap) -> float:
    """``skew_deg`` of a page whose dark map is already there."""
    rows, columns = _edge_points(page.dark)
    if rows.size < 50:
        return 0.0
    coarse = np.arange(-MAX_SKEW_DEG, MAX_SKEW_DEG + 1e-6, _COARSE_DEG)
    best = float(coarse[np.argmax([_sharpness(rows, columns, a) for a in coarse])])
    fine = best + np.arange(-_COARSE_DEG, _COARSE_DEG + 1e-6, _FINE_DEG)
    scores = np.array([_sharpness(rows, columns, a) for a in fine])
    return round(float(fine[np.argmax(scores)]), 2)


def straightened(image: Floats, angle_deg: float) -> tuple[Floats, npt.NDArray[np.float64]]:
    """Turn a map of a page upright, keeping its size.

    Returns:
        The turned map, and the 2x3 affine that takes its pixels back to the page's.
    """
    height, width = image.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle_deg, 1.0)
    turned = cv2.warpAffine(image, turn, (width, height), flags=cv2.INTER_LINEAR)
    back = np.asarray(cv2.invertAffineTransform(turn), dtype=np.float64)
    return turned.astype(np.float32, copy=False), back


def _edge_points(dark: Floats) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Upper and lower edges of what is dark: rows and columns, columns from the middle."""
    # Smeared along the rows, ruling and baselines stay and single strokes fade. What is smeared
    # over 25 columns is known well enough at every fifth.
    height, width = dark.shape
    fifth = max(1, width // _COLUMN_STEP)
    whole = dark[:, : fifth * _COLUMN_STEP]
    narrow = cv2.resize(whole, (fifth, height), interpolation=cv2.INTER_AREA)
    smeared = cv2.blur(narrow, (_SMEAR_PX // _COLUMN_STEP, 1))
    edges = cv2.absdiff(smeared[1:], smeared[:-1]) > _EDGE
    rows, columns = np.nonzero(edges)
    columns = columns * _COLUMN_STEP + _COLUMN_STEP // 2
    if rows.size > _MAX_POINTS:
        every = rows.size // _MAX_POINTS + 1
        # A stride across the flat index would fall in step with ruled paper.
        keep = np.random.default_rng(0).permutation(rows.size)[: rows.size // every]
        rows, columns = rows[keep], columns[keep]
    middle = dark.shape[1] / 2
    return rows.astype(np.float32), (columns - middle).astype(np.float32)


def _sharpness(rows: npt.NDArray[np.float32], columns: npt.NDArray[np.float32], angle_deg: float) -> float:
    """Sum of squares of the projection: highest when lines of points fall into one bin."""
    levels = rows - columns * np.float32(np.tan(np.radians(angle_deg)))
    levels -= levels.min()
    counts = np.bincount(np.rint(levels).astype(np.int64)).astype(np.float64)
    return float(np.dot(counts, counts))
