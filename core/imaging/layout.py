"""Whether a pile holds folded A3 sheets or A4 leaves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Layout = Literal["a3", "a4"]

A3_LONG_SIDE_MM = 380.0
"""Above the long side of legal paper (356 mm) and below that of A3 (420 mm) and 11 x 17 in (432 mm)."""


def is_a3(size_mm: tuple[float, float]) -> bool:
    """Whether one image shows an unfolded sheet of two pages side by side."""
    return max(size_mm) >= A3_LONG_SIDE_MM


def detect_layout(sizes_mm: Sequence[tuple[float, float]]) -> Layout:
    """The layout most images of a file have.

    Args:
        sizes_mm: (width, height) of each image, in millimetres.
    """
    wide = sum(is_a3(size) for size in sizes_mm)
    return "a3" if wide * 2 > len(sizes_mm) else "a4"
