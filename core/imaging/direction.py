"""Lines of writing on a page whatever its direction: do they run across or down, and what do they look like?

Which way up a level line is, 0° or 180°, its letters tell: ``core.reading.direction``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from core.imaging.darkness import BoxPx, DarkMap, Gray
from core.imaging.deskew import skew_of
from core.imaging.halves import turned
from core.imaging.quality import strokes_of

TILE_MM = 40.0
"""Side of the squares in which rows and columns are compared: four lines of writing on Seyès paper."""

LEVEL_RATIO = 0.10
"""Logarithm of rows' against columns' unevenness under which lines run neither way: the least of 143
handwritten pages is 0.75, of 92 printed pages of ../shared/scans 0.17 (a frame and three words)."""

PIECE_PX = 48
"""Height of a piece of a line, that which recognisers want."""

MAX_PIECES = 12

_BAND_MM = 9.0
_PITCH_MM = 5.0
_LETTERS_MM = (1.5, 10.0)
_GAP_MM = 14.0
_PIECE_RATIO = 4.0
_MAX_PIECE_PX = 480
_DENSE = 0.40
"""Share of ink of what is no writing: QR codes 0.5, print and handwriting 0.05 to 0.3."""

_FOOT = 0.06
"""Share of a line's fullest row under which a row is between two lines."""


@dataclass(frozen=True)
class Direction:
    """Which way up a page is.

    Attributes:
        rotation_deg: clockwise turn (0, 90, 180, 270) that makes it upright; ``None`` when it cannot be told.
        confidence: 0..1, of the turn given; 0 without one.
    """

    rotation_deg: int | None
    confidence: float


@dataclass(frozen=True, eq=False)
class Writing:
    """Pieces of the lines of a page, level, the same way up as each other.

    Attributes:
        quarter_deg: clockwise turn, 0 or 90, after which the lines run across.
        level: how much rows differ from columns, a logarithm; 0 when lines run neither way.
        pieces: each (``PIECE_PX``, width) uint8, 0 is ink; upright or all upside down.
    """

    quarter_deg: int
    level: float
    pieces: tuple[Gray, ...]


def writing_of(parts: Sequence[DarkMap], skew_deg: float | None = None) -> Writing:
    """Cut pieces out of the lines of one page, or of both halves of one side of a sheet.

    Args:
        parts: their maps, as fed.
        skew_deg: how far they are turned besides, when known.
    """
    strokes = [strokes_of(part, skew_deg or 0.0) for part in parts]
    level = _level(strokes, parts[0].px_per_mm)
    quarter = 0 if level >= 0 else 90
    if abs(level) < LEVEL_RATIO:
        return Writing(quarter, abs(level), ())
    pieces: list[tuple[int, Gray]] = []
    for part, ink in zip(parts, strokes, strict=True):
        pieces += _pieces(part, ink, quarter, skew_deg)
    pieces.sort(key=lambda piece: -piece[0])
    return Writing(quarter, abs(level), tuple(picture for _, picture in pieces[:MAX_PIECES]))


def _level(strokes: Sequence[Gray], px_per_mm: float) -> float:
    """Logarithm of how unevenly ink lies on rows, against columns, in squares; positive when lines run across.

    Small squares stand a skew of some degrees: a line stays within its rows over 40 mm.
    """
    tile = round(TILE_MM * px_per_mm)
    rows = columns = 0.0
    for page in strokes:
        for top in range(0, page.shape[0] - tile // 2, tile):
            for left in range(0, page.shape[1] - tile // 2, tile):
                square = page[top : top + tile, left : left + tile]
                rows += _unevenness(square, 1)
                columns += _unevenness(square, 0)
    return float(np.log(rows / columns)) if rows and columns else 0.0


def _unevenness(square: Gray, axis: int) -> float:
    profile = square.sum(axis=axis, dtype=np.float64)
    total = float(profile.sum())
    return float(profile @ profile) / total if total >= 20 else 0.0


def _pieces(part: DarkMap, ink: Gray, quarter: int, skew_deg: float | None) -> list[tuple[int, Gray]]:
    """Pieces of the lines of one page, each with its count of ink."""
    if not ink.any():
        return []
    if skew_deg is None:
        skew_deg = skew_of(_turned_map(part, quarter))
    full = max(60.0, float(np.percentile(part.below_paper[ink > 0], 80)))
    # Only what belongs to strokes: the ruling between them tells nothing and hides small letters.
    near = cv2.dilate(ink, np.ones((3, 3), np.uint8))
    levels = cv2.convertScaleAbs(cv2.multiply(part.below_paper, near), alpha=255 / full)
    picture, ink = turned(np.asarray(255 - levels, dtype=np.uint8), quarter), turned(ink, quarter)
    if abs(skew_deg) > 0.3:
        picture, ink = _straight(picture, skew_deg, 255), _straight(ink, skew_deg, 0)
    return [
        (int(ink[top:bottom, left:right].sum()), _sized(picture[top:bottom, left:right]))
        for left, top, right, bottom in _boxes(ink, part.px_per_mm)
    ]


def _turned_map(part: DarkMap, quarter: int) -> DarkMap:
    if not quarter:
        return part
    return DarkMap(turned(part.dark, quarter), part.below_paper, part.paper, part.px_per_mm, part.step)


def _straight(picture: Gray, skew_deg: float, beyond: int) -> Gray:
    height, width = picture.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), skew_deg, 1.0)
    return cv2.warpAffine(
        picture,
        turn,
        (width, height),
        flags=cv2.INTER_NEAREST if beyond == 0 else cv2.INTER_LINEAR,
        borderValue=(beyond,),
    ).astype(np.uint8, copy=False)


def _boxes(ink: Gray, px_per_mm: float) -> list[BoxPx]:
    """Upright boxes around pieces of lines, of ordinary length against their height."""
    found: list[BoxPx] = []
    band = round(_BAND_MM * px_per_mm)
    for middle in _lines(ink, px_per_mm):
        top = max(0, middle - band // 2)
        for left, right in _runs(ink[top : top + band], px_per_mm):
            upper, lower = _letters(ink[top : top + band, left:right])
            height = lower - upper
            box = ink[top + upper : top + lower, left:right]
            if _LETTERS_MM[0] * px_per_mm <= height <= _LETTERS_MM[1] * px_per_mm and box.mean() < _DENSE:
                margin = max(1, height // 8)
                found.append((left, max(0, top + upper - margin), right, top + lower + margin))
    return found


def _lines(ink: Gray, px_per_mm: float) -> list[int]:
    """Rows in the middle of lines, the fullest first."""
    profile = ink.sum(axis=1, dtype=np.float32)
    size = round(3.0 * px_per_mm) | 1
    smooth = cv2.GaussianBlur(profile[:, None], (1, size), size / 4).ravel()
    least = max(2.0, 0.15 * float(smooth.max()))
    reach = round(_PITCH_MM * px_per_mm)
    found: list[int] = []
    while smooth.max() >= least:
        row = int(smooth.argmax())
        found.append(row)
        smooth[max(0, row - reach) : row + reach] = 0
    return found


def _runs(band: Gray, px_per_mm: float) -> list[tuple[int, int]]:
    """Stretches of a line without a wide gap, cut into pieces."""
    columns = np.flatnonzero(band.any(axis=0))
    if columns.size == 0:
        return []
    gaps = np.flatnonzero(np.diff(columns) > _GAP_MM * px_per_mm)
    starts, ends = columns[np.r_[0, gaps + 1]], columns[np.r_[gaps, columns.size - 1]] + 1
    found: list[tuple[int, int]] = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        if end - start >= 1.5 * band.shape[0]:
            cuts = np.linspace(start, end, max(1, round((end - start) / (_PIECE_RATIO * band.shape[0]))) + 1)
            found += [(int(a), int(b)) for a, b in pairwise(cuts)]
    return found


def _letters(piece: Gray) -> tuple[int, int]:
    """First and last row (excluded) of the letters around the fullest row near the middle of a piece."""
    profile = cv2.GaussianBlur(piece.sum(axis=1, dtype=np.float32)[:, None], (1, 5), 1.0).ravel()
    quarter = len(profile) // 4
    peak = int(profile[quarter : len(profile) - quarter].argmax()) + quarter
    between: npt.NDArray[np.int64] = np.flatnonzero(profile <= _FOOT * profile.max())
    above, below = between[between < peak], between[between > peak]
    return (int(above[-1]) if above.size else 0, int(below[0]) if below.size else len(profile))


def _sized(piece: Gray) -> Gray:
    width = min(_MAX_PIECE_PX, max(PIECE_PX, round(piece.shape[1] * PIECE_PX / piece.shape[0])))
    return np.asarray(cv2.resize(piece, (width, PIECE_PX), interpolation=cv2.INTER_AREA), dtype=np.uint8)
