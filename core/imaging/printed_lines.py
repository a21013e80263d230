"""Take a printed line out of a picture and leave the strokes that cross it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from core.imaging.darkness import Gray
from core.imaging.templates import Segment

_CHUNK_MM = 6.0
_SEARCH_MM = 0.8
_REACH_MM = 1.2
_VISIBLE_LEVELS = 12.0
"""Grey levels under which a line is as good as not printed."""


def erase_line(crop: Gray, line: Segment, origin_mm: tuple[float, float], scale: float) -> None:
    """Take one printed line out of a crop, in place.

    Where the line stands alone, column by column, its run of dark pixels is as thin as
    the line and is replaced by what is around; a thicker run is a stroke that
    crosses or touches the line, and stays (the way staff lines are taken out of music).
    """
    view = crop if line.is_across else crop.T
    along = (line.left, line.right) if line.is_across else (line.top, line.bottom)
    first_axis, second_axis = (0, 1) if line.is_across else (1, 0)
    at = ((line.top if line.is_across else line.left) - origin_mm[second_axis]) * scale
    start = max(0, round((along[0] - origin_mm[first_axis] - 1.0) * scale))
    end = min(view.shape[1], round((along[1] - origin_mm[first_axis] + 1.0) * scale))
    reach = round(_REACH_MM * scale)
    if end - start < 2 * reach or at < 2 * reach or at + 2 * reach >= view.shape[0]:
        return
    rows = _line_rows(view[:, start:end], at, scale)
    if rows is not None:
        _erase_runs(view[:, start:end], rows, reach)


def _line_rows(view: Gray, at: float, scale: float) -> npt.NDArray[np.int64] | None:
    """The row of a printed line in each column: chunks vote, a straight line is drawn through them."""
    search, chunk = round(_SEARCH_MM * scale), max(4, round(_CHUNK_MM * scale))
    low = round(at) - search
    found = []
    for left in range(0, view.shape[1], chunk):
        part = view[low : low + 2 * search + 1, left : left + chunk]
        # The median across a chunk sees the line and not the strokes that cross it.
        profile = np.median(part, axis=1)
        if part.shape[1] >= chunk // 2 and float(profile.max() - profile.min()) >= _VISIBLE_LEVELS:
            found.append((left + part.shape[1] / 2, low + float(np.argmin(profile))))
    if not found:
        return None
    middles, levels = np.array(found).T
    slope = 0.0
    if len(found) > 2:
        steps = np.diff(levels) / np.diff(middles)
        slope = float(np.median(steps))
    offset = float(np.median(levels - slope * middles))
    return np.asarray(np.rint(offset + slope * np.arange(view.shape[1])), dtype=np.int64)


def _erase_runs(view: Gray, rows: npt.NDArray[np.int64], reach: int) -> None:
    """Replace the dark runs around ``rows`` that are no thicker than the line itself."""
    offsets = np.arange(-reach, reach + 1)[:, None]
    columns = np.arange(view.shape[1])[None, :]
    patch = view[rows[None, :] + offsets, columns].astype(np.float32)
    paper = float(np.percentile(patch, 85))
    ink = float(np.median(patch[reach - 1 : reach + 2].min(axis=0)))
    if paper - ink < _VISIBLE_LEVELS:
        return
    dark = patch < (paper + ink) / 2
    on_line = dark[reach - 1 : reach + 2].any(axis=0)
    dark[reach - 1 : reach + 2] |= on_line
    above = np.cumprod(dark[reach - 1 :: -1], axis=0).sum(axis=0)
    below = np.cumprod(dark[reach + 1 :], axis=0).sum(axis=0)
    runs = above + below + 1
    if not on_line.any():
        return
    alone = on_line & (runs <= np.median(runs[on_line]) + 1)
    # Three rows further off than the run: the scanner blurs its edges.
    top, bottom = np.maximum(reach - above - 3, 0), np.minimum(reach + below + 3, 2 * reach)
    share = np.clip((offsets + reach - top) / np.maximum(bottom - top, 1), 0, 1)
    column = np.arange(view.shape[1])
    filled = patch[top, column] * (1 - share) + patch[bottom, column] * share
    inside = alone & (offsets + reach > top) & (offsets + reach < bottom)
    view[rows[None, :] + offsets, columns] = np.rint(np.where(inside, filled, patch)).astype(np.uint8)
