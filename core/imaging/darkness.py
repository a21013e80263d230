"""From a scan to a map of how dark each point is against the paper around it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Gray = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
BoxPx = tuple[int, int, int, int]

WORK_DPI = 100.0
"""Resolution of layout work: a printed line of 0.25 mm is still one pixel wide."""

INK_FLOOR = 90.0
"""Grey levels below paper that always count as full ink; ruling of Seyès paper is 40 to 65 below."""

SOFT = 4
"""How many pixels of the map one pixel of its softened scan covers, each way."""

_PAPER_STEP = 16
"""Pixels (4 mm at the working resolution) over which the light is taken as even."""


@dataclass(frozen=True)
class DarkMap:
    """How dark a scan is, at the working resolution.

    Attributes:
        dark: (height, width) float32, 0 paper .. 1 ink.
        below_paper: (height, width) uint8, grey levels below the paper around.
        paper: mean grey level of the paper.
        px_per_mm: scale of both maps.
        step: how many pixels of the scan one pixel of the map covers, each way.
        soft: (height / ``SOFT``, width / ``SOFT``) uint8, the scan itself, averaged: on it the sheet's
            outline is seen, and how light its paper is. ``None`` on a map made from another map.
        bitonal: the scan has only black and white.
    """

    dark: Floats
    below_paper: Gray
    paper: float
    px_per_mm: float
    step: int
    soft: Gray | None = None
    bitonal: bool = False

    def cut(self, box: BoxPx) -> DarkMap:
        """The part of the map inside ``box`` (pixels of the map)."""
        left, top, right, bottom = box
        return DarkMap(
            self.dark[top:bottom, left:right],
            self.below_paper[top:bottom, left:right],
            self.paper,
            self.px_per_mm,
            self.step,
            None
            if self.soft is None
            else self.soft[top // SOFT : bottom // SOFT, left // SOFT : right // SOFT],
            self.bitonal,
        )


def dark_map(gray: Gray, dpi: float) -> DarkMap:
    """Reduce a scan to about ``WORK_DPI`` and measure darkness against the local paper.

    Uneven light and tinted paper vanish; the print of ruled paper stays, faint.

    Args:
        gray: (height, width) uint8, 0 is black.
        dpi: resolution of ``gray``.
    """
    step = max(1, round(dpi / WORK_DPI))
    small = gray if step == 1 else _reduced(gray, step)
    # Averaged first: one light pixel of noise must not stand for the paper.
    soft = _reduced(small, SOFT)
    paper = _paper(soft, small.shape)
    below = np.asarray(cv2.subtract(paper, small), dtype=np.uint8)
    ink = max(INK_FLOOR, _level(below, 0.997))
    dark = _scaled(below, ink)
    return DarkMap(dark, below, float(paper.mean()), dpi / 25.4 / step, step, soft, _is_bitonal(gray))


def _reduced(gray: Gray, step: int) -> Gray:
    height, width = gray.shape
    size = (max(1, width // step), max(1, height // step))
    whole = gray[: size[1] * step, : size[0] * step]
    return cv2.resize(whole, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _paper(soft: Gray, shape: tuple[int, ...]) -> Gray:
    """Grey level of the paper under each point: the lightest of each tile, smoothed."""
    height, width = shape
    tiles = (max(1, width // _PAPER_STEP), max(1, height // _PAPER_STEP))
    lightest = cv2.dilate(soft, np.ones((7, 7), np.uint8))
    coarse = cv2.resize(lightest, tiles, interpolation=cv2.INTER_AREA)
    smooth = cv2.blur(coarse, (3, 3))
    return cv2.resize(smooth, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)


def _is_bitonal(gray: Gray) -> bool:
    """Whether there is nothing between black and white, but for what compression leaves (2 in 100 of the ink)."""
    counts = np.bincount(gray[::5, ::7].ravel(), minlength=256)
    return int(counts[25:231].sum()) <= 0.02 * int(counts[:25].sum())


def _level(below: Gray, share: float) -> float:
    """The level that ``share`` of the points do not exceed, 0..1."""
    counts = np.bincount(below[::3, ::3].ravel(), minlength=256)
    total = int(counts.sum())
    return float(np.searchsorted(np.cumsum(counts), share * total)) if total else 0.0


def _scaled(below: Gray, ink: float) -> Floats:
    """Each level as a share of full ink, through a table: a third of the time of dividing."""
    table = np.clip(np.arange(256, dtype=np.float32) / np.float32(ink), 0, 1)
    return np.asarray(cv2.LUT(below, table), dtype=np.float32)
