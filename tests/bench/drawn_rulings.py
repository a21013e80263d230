"""Ruled papers of every kind, for the bench and the tests of rulings."""

from __future__ import annotations

import cv2
import numpy as np

from workbench.demo.fonts import Gray

PAPERS = {
    "seyes": ("seyes", 8.0),
    "squares": ("squares", 5.0),
    "large squares": ("squares", 10.0),
    "lines 8": ("lines", 8.0),
    "lines 7": ("lines", 7.0),
    "graph": ("graph", 1.0),
    "plain": ("plain", 0.0),
}
"""What is drawn, and what should be read."""


def ruled(paper: str, dpi: int, rng: np.random.Generator, gray: int = 190) -> Gray:
    """One A4 page, (height, width) uint8; ``gray`` of its main lines."""
    px = dpi / 25.4
    page = np.full((round(297 * px), round(210 * px)), 255, np.float32)
    thin = 255 - (255 - gray) * 0.55
    at = rng.uniform(0, 8, 2)
    every = {
        "seyes": [(2.0, None, thin), (8.0, 8.0, gray)],
        "squares": [(5.0, 5.0, gray)],
        "large squares": [(10.0, 10.0, gray)],
        "lines 8": [(8.0, None, gray)],
        "lines 7": [(7.0, None, gray)],
        "graph": [(1.0, 1.0, thin), (5.0, 5.0, (thin + gray) / 2), (10.0, 10.0, gray)],
        "plain": [],
    }[paper]
    for row_mm, column_mm, level in every:
        for y in np.arange(at[0] % row_mm, 297, row_mm):
            _line(page, y * px, 0.22 * px, level, axis=0)
        for x in np.arange(at[1] % column_mm, 210, column_mm) if column_mm else ():
            _line(page, x * px, 0.22 * px, level, axis=1)
    if paper in ("seyes", "lines 8", "lines 7"):
        _line(page, 32 * px, 0.3 * px, gray - 15, axis=1)
    return page.astype(np.uint8)


def _line(
    page: np.ndarray[tuple[int, ...], np.dtype[np.float32]], at: float, wide: float, level: float, axis: int
) -> None:
    """Darken where a line lies, in shares of pixels."""
    first, last = int(at), int(at + wide)
    for i in range(first, min(last + 1, page.shape[axis])):
        share = min(at + wide, i + 1) - max(at, i)
        row = page[i] if axis == 0 else page[:, i]
        np.minimum(row, 255 - (255 - level) * share, out=row)


def scanned(page: Gray, rng: np.random.Generator, skew_deg: float, bitonal: int | None = None) -> Gray:
    """Turned clockwise, shaded, with grain; in black and white when ``bitonal`` is the threshold."""
    height, width = page.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), -skew_deg, 1.0)
    moved = cv2.warpAffine(page, turn, (width, height), flags=cv2.INTER_LINEAR, borderValue=(245,)).astype(
        np.float32
    )
    moved *= np.linspace(0.92, 0.99, width, dtype=np.float32)[None]
    moved += rng.normal(0, 3.0, moved.shape).astype(np.float32)
    gray = moved.clip(0, 255).astype(np.uint8)
    return gray if bitonal is None else np.where(gray < bitonal, 0, 255).astype(np.uint8)
