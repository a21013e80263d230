"""Where a page number may stand: one short line of writing alone in the upper or lower margin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from core.domain.page_marks import Edge
from core.imaging.darkness import Gray
from core.imaging.straight import StraightPage

BoxMm = tuple[float, float, float, float]

STRIP_MM: dict[Edge, float] = {"top": 15.0, "bottom": 18.0}
"""How far from the edge of the paper a number is written."""

MOST_CROPS = 3
"""Per strip; a page written to its edge has none, since its last line is no short one."""

_AROUND_MM = 6.0
_RIM_MM = 2.5
_GAP_MM, _LEADING_MM = 6.0, 1.2
_HEIGHT_MM = (1.6, 10.0)
_WIDTH_MM = (2.2, 40.0)
_LETTERS = (1, 14)
_MARGIN_MM = 1.5


@dataclass(frozen=True)
class MarkCrop:
    """A short line of writing in a margin.

    Attributes:
        edge: the strip it stands in.
        box_mm: left, top, right, bottom on the straight page.
        from_edge_mm: from the edge of the paper to the middle of the line.
        middle_share: its middle across the page, 0 left to 1 right.
    """

    edge: Edge
    box_mm: BoxMm
    from_edge_mm: float
    middle_share: float


def mark_crops(page: StraightPage) -> tuple[MarkCrop, ...]:
    """The places of an upright page where a page number may stand, those nearest to the edge first."""
    return (*_in_strip(page, "bottom"), *_in_strip(page, "top"))


def _in_strip(page: StraightPage, edge: Edge) -> tuple[MarkCrop, ...]:
    scale, (width_mm, height_mm) = page.px_per_mm, page.size_mm
    deep = round((STRIP_MM[edge] + _AROUND_MM) * scale)
    from_row = 0 if edge == "top" else page.strokes.shape[0] - deep
    strip = page.strokes[max(0, from_row) : from_row + deep].copy()
    rim = round(_RIM_MM * scale)
    strip[:, :rim], strip[:, -rim:] = 0, 0
    (strip[:rim] if edge == "top" else strip[-rim:])[:] = 0
    found = []
    for left, top, right, bottom in _lines(strip, scale):
        box = (left / scale, (top + from_row) / scale, right / scale, (bottom + from_row) / scale)
        inner, outer = (box[3], box[1]) if edge == "top" else (height_mm - box[1], height_mm - box[3])
        if inner <= STRIP_MM[edge] and outer >= 0:
            middle = (inner + box[1] if edge == "top" else inner + height_mm - box[3]) / 2
            found.append(MarkCrop(edge, box, round(middle, 1), round((box[0] + box[2]) / 2 / width_mm, 3)))
    found.sort(key=lambda crop: crop.from_edge_mm)
    return tuple(found[:MOST_CROPS])


def _lines(strip: Gray, scale: float) -> Iterator[tuple[int, int, int, int]]:
    """Boxes of the short lines of writing that touch nothing else."""
    letters, _, stats, _ = cv2.connectedComponentsWithStats(strip, connectivity=8)
    small = stats[:, cv2.CC_STAT_AREA] < 0.12 * scale**2
    reach = np.ones((round(_LEADING_MM * scale) | 1, round(_GAP_MM * scale) | 1), np.uint8)
    together = cv2.dilate(strip, reach)
    count, labels, _, _ = cv2.connectedComponentsWithStats(together, connectivity=8)
    owner = np.zeros(letters, np.int64)
    for i in range(1, letters):
        row, column = stats[i, cv2.CC_STAT_TOP], stats[i, cv2.CC_STAT_LEFT]
        owner[i] = labels[row : row + stats[i, cv2.CC_STAT_HEIGHT], column].max()
    for group in range(1, count):
        of_it = stats[(owner == group) & ~small]
        if not _LETTERS[0] <= len(of_it) <= _LETTERS[1]:
            continue
        left, top = int(of_it[:, 0].min()), int(of_it[:, 1].min())
        right, bottom = int((of_it[:, 0] + of_it[:, 2]).max()), int((of_it[:, 1] + of_it[:, 3]).max())
        sizes = ((right - left) / scale, (bottom - top) / scale)
        if _WIDTH_MM[0] <= sizes[0] <= _WIDTH_MM[1] and _HEIGHT_MM[0] <= sizes[1] <= _HEIGHT_MM[1]:
            yield left, top, right, bottom


def crop_pixels(half: Gray, dpi: float, skew_deg: float, crop: MarkCrop) -> Gray:
    """The pixels of a crop, straight, with a little paper around, at most as fine as 200 dpi.

    Args:
        half: (height, width) uint8, the half-page upright (``halves.half_pixels``), 0 is black.
        dpi: its resolution.
        skew_deg: that the straight page was made with.
        crop: one of ``mark_crops``.
    """
    px_per_mm = dpi / 25.4
    left, top, right, bottom = crop.box_mm
    left, top, right, bottom = left - _MARGIN_MM, top - _MARGIN_MM, right + _MARGIN_MM, bottom + _MARGIN_MM
    height, width = half.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), skew_deg, 1.0)
    turn[0, 2] -= left * px_per_mm
    turn[1, 2] -= top * px_per_mm
    size = (round((right - left) * px_per_mm), round((bottom - top) * px_per_mm))
    pixels = cv2.warpAffine(half, turn, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if dpi > 220:
        pixels = cv2.resize(pixels, None, fx=200 / dpi, fy=200 / dpi, interpolation=cv2.INTER_AREA)
    return np.asarray(pixels, dtype=np.uint8)
