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

_PAPER_STEP = 16
"""Pixels (4 mm at the working resolution) over which the light is taken as even."""


@dataclass(frozen=True)
class DarkMap:
    """How dark a scan is, at the working resolution.

    Attributes:
        dark: (height, width) float32, 0 paper .. 1 ink.
        below_paper: (height, width) float32, grey levels below the paper around.
        paper: mean grey level of the paper.
        px_per_mm: scale of both maps.
        step: how many pixels of the scan one pixel of the map covers, each way.
    """

    dark: Floats
    below_paper: Floats
    paper: float
    px_per_mm: float
    step: int

    def cut(self, box: BoxPx) -> DarkMap:
        """The part of the map inside ``box`` (pixels of the map)."""
        left, top, right, bottom = box
        return DarkMap(
            self.dark[top:bottom, left:right],
            self.below_paper[top:bottom, left:right],
            self.paper,
            self.px_per_mm,
            self.step,
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
    paper = _paper(small)
    below = cv2.subtract(paper, small).astype(np.float32)
    ink = max(INK_FLOOR, _percentile(below, 99.7))
    dark = np.clip(below / np.float32(ink), 0, 1)
    return DarkMap(dark, below, float(paper.mean()), dpi / 25.4 / step, step)


def _reduced(gray: Gray, step: int) -> Gray:
    height, width = gray.shape
    size = (max(1, width // step), max(1, height // step))
    whole = gray[: size[1] * step, : size[0] * step]
    return cv2.resize(whole, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _paper(small: Gray) -> Gray:
    """Grey level of the paper under each point: the lightest of each tile, smoothed."""
    height, width = small.shape
    tiles = (max(1, width // _PAPER_STEP), max(1, height // _PAPER_STEP))
    # Half-size first: one light pixel of noise must not stand for the paper.
    softened = cv2.resize(small, (max(1, width // 4), max(1, height // 4)), interpolation=cv2.INTER_AREA)
    lightest = cv2.dilate(softened, np.ones((7, 7), np.uint8))
    coarse = cv2.resize(lightest, tiles, interpolation=cv2.INTER_AREA)
    smooth = cv2.blur(coarse, (3, 3))
    return cv2.resize(smooth, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)


def _percentile(values: Floats, percent: float) -> float:
    sample = values[::3, ::3]
    return float(np.percentile(sample, percent)) if sample.size else 0.0
