"""Pictures made of a stored scan, in a child process: a page for the screen, an image to be embedded in a PDF."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.imaging.darkness import BoxPx, Gray
    from core.intake.sources import Source

Result = tuple[dict[str, Any], list[bytes]]

EMBEDDED_QUALITY = 90
"""Of an image whose codec a PDF cannot take as it is, or that cannot be wiped without being decoded."""


def page(
    source: Source,
    *,
    index: int,
    box: Sequence[int],
    rotation_deg: int,
    zones: Sequence[Sequence[int]],
    width_px: int,
    quality: int,
) -> Result:
    """A part of an image, upright, as a JPEG at most ``width_px`` wide; what ``zones`` hide is gone before."""
    import cv2
    import numpy as np

    from core.imaging.mask import encode_jpeg, half_pixels, wipe_pixels

    gray = source.pixels(index).gray
    if zones:
        gray = wipe_pixels(gray, _boxes(zones))
    upright = half_pixels(gray, _box(box), rotation_deg)
    height, width = upright.shape
    if width > width_px:
        size = (width_px, max(1, round(height * width_px / width)))
        upright = cv2.resize(upright, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return {}, [encode_jpeg(upright, quality)]


def whole(source: Source, *, index: int, zones: Sequence[Sequence[int]]) -> Result:
    """A whole image as a JPEG without what ``zones`` hide.

    The scanner's own JPEG keeps every block that no zone touches; ``lossless`` says whether it was so.
    """
    from core.imaging.mask import encode_jpeg, wipe_jpeg, wipe_pixels

    jpeg = source.jpeg(index)
    if jpeg is not None:
        return {"lossless": True}, [wipe_jpeg(jpeg, _boxes(zones))]
    gray: Gray = wipe_pixels(source.pixels(index).gray, _boxes(zones))
    return {"lossless": False}, [encode_jpeg(gray, EMBEDDED_QUALITY)]


def _boxes(zones: Sequence[Sequence[int]]) -> list[BoxPx]:
    return [_box(zone) for zone in zones]


def _box(values: Sequence[int]) -> BoxPx:
    left, top, right, bottom = values
    return (left, top, right, bottom)
