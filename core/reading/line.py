"""From the crop of a field to its text lines: recognition wants one line, level, without frame.

All images are (height, width) uint8, 0 is black.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]

# Ink is darker than this share of its background (paper is 1.0 after division).
INK_BELOW = 0.72
# Fewer dark pixels than this share of (crop height)² are specks, not writing: the smallest real
# name of the reference crops ("EL", thin pencil) has 0.06.
MIN_INK_PER_HEIGHT2 = 0.02
# A second line is worth reading when its writing is at least this wide against the widest.
SECOND_LINE_SHARE = 0.2
MAX_LINES = 2


@dataclass(frozen=True)
class _Blob:
    left: int
    top: int
    right: int
    bottom: int
    area: int

    @property
    def height(self) -> int:
        return self.bottom - self.top


def text_lines(crop: Gray) -> list[Gray]:
    """Cut the crop into its written lines, the most written first, at most two.

    Uneven light is divided away; frame, rule and comb lines are painted over;
    lines of a neighbouring field that are cut by the crop's edge are left out.
    No line is returned when there is no ink.
    """
    if crop.ndim != 2 or crop.shape[0] < 6 or crop.shape[1] < 6:
        return []
    page = _even_light(crop)
    ink = (page < round(255 * INK_BELOW)).astype(np.uint8)
    rules = _rules(ink)
    page = page.copy()
    page[rules > 0] = 255
    ink[rules > 0] = 0
    blobs = _blobs(ink)
    if sum(blob.area for blob in blobs) < MIN_INK_PER_HEIGHT2 * crop.shape[0] ** 2:
        return []
    whole = _whole(blobs, crop.shape[0])
    lines = _group(whole)
    for blob in set(blobs) - set(whole):
        line = next((ln for ln in lines if _overlaps(blob, ln, share=0.7)), None)
        if line is not None:
            line.append(blob)
    lines.sort(key=_written_width, reverse=True)
    wide = _written_width(lines[0])
    kept = [line for line in lines[:MAX_LINES] if _written_width(line) >= SECOND_LINE_SHARE * wide]
    return [_cut(page, line) for line in kept]


def _even_light(crop: Gray) -> Gray:
    """Divide by the local background, found by closing strokes away."""
    size = max(15, crop.shape[0] // 2) | 1
    background = cv2.morphologyEx(crop, cv2.MORPH_CLOSE, np.ones((size, size), np.uint8))
    background = cv2.blur(background, (size, size))
    even = cv2.divide(crop, np.maximum(background, 1), scale=255)
    return np.asarray(even, dtype=np.uint8)


def _rules(ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Mark printed rules: long thin horizontal runs, frame edges and regular comb ticks."""
    height, width = ink.shape
    mask = np.zeros_like(ink)
    run = max(3 * height, width // 3)
    if run < width:
        bridged = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((1, 5), np.uint8))
        across = cv2.morphologyEx(bridged, cv2.MORPH_OPEN, np.ones((1, run), np.uint8))
        for top, bottom in _runs(across.any(axis=1)):
            if bottom - top <= max(4, height // 8):
                mask[max(0, top - 1) : bottom + 1][:, across[top:bottom].any(axis=0)] = 1
    full = ink.mean(axis=0) > 0.93
    ticks = [(left, right) for left, right in _runs(full) if right - left <= max(4, height // 10)]
    if not _is_regular(ticks):
        ticks = [t for t in ticks if t[1] < 0.03 * width or t[0] > 0.97 * width]
    for left, right in ticks:
        mask[:, max(0, left - 1) : right + 1] = 1
    return mask


def _is_regular(ticks: list[tuple[int, int]]) -> bool:
    """Whether full-height strokes stand like the ticks of a comb rather than like letters I."""
    if len(ticks) < 4:
        return False
    steps = np.diff([left for left, _ in ticks])
    return bool(steps.std() < 0.12 * steps.mean())


def _runs(flags: np.bool_ | NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], np.atleast_1d(flags).astype(np.int8), [0]))))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _blobs(ink: NDArray[np.uint8]) -> list[_Blob]:
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    found = []
    for left, top, width, height, area in stats[1:].tolist():
        if area >= max(4, 0.0015 * ink.shape[0] ** 2):
            found.append(_Blob(left, top, left + width, top + height, area))
    return found


def _whole(blobs: list[_Blob], height: int) -> list[_Blob]:
    """Leave out what the upper or lower edge cuts, unless that is most of the writing."""
    whole = [b for b in blobs if (b.top > 0 and b.bottom < height) or b.height >= 0.55 * height]
    return whole if sum(b.area for b in whole) > 0.35 * sum(b.area for b in blobs) else blobs


def _group(blobs: list[_Blob]) -> list[list[_Blob]]:
    """Group blobs into lines: tall ones by vertical overlap, then small ones to the nearest line."""
    tallest = sorted(blobs, key=lambda b: b.height, reverse=True)
    typical = float(np.median([b.height for b in tallest[: max(1, len(tallest) // 2)]]))
    lines: list[list[_Blob]] = []
    for blob in tallest:
        middle = (blob.top + blob.bottom) / 2
        if blob.height >= 0.45 * typical:
            line = next((ln for ln in lines if _overlaps(blob, ln)), None)
            if line is None:
                lines.append([blob])
            else:
                line.append(blob)
        else:
            nearest = min(lines, key=lambda ln: abs(middle - _middle(ln)))
            if abs(middle - _middle(nearest)) < 1.1 * typical:
                nearest.append(blob)
    return lines


def _overlaps(blob: _Blob, line: list[_Blob], share: float = 0.5) -> bool:
    top, bottom = (float(np.median([getattr(b, side) for b in line])) for side in ("top", "bottom"))
    shared = min(blob.bottom, bottom) - max(blob.top, top)
    return shared > share * min(blob.height, bottom - top)


def _middle(line: list[_Blob]) -> float:
    return float(np.median([(b.top + b.bottom) / 2 for b in line]))


def _written_width(line: list[_Blob]) -> int:
    return sum(b.right - b.left for b in line)


def _cut(page: Gray, line: list[_Blob]) -> Gray:
    top, bottom = min(b.top for b in line), max(b.bottom for b in line)
    left, right = min(b.left for b in line), max(b.right for b in line)
    margin = max(2, (bottom - top) // 8)
    return np.ascontiguousarray(
        page[max(0, top - margin) : bottom + margin, max(0, left - 2 * margin) : right + 2 * margin]
    )
