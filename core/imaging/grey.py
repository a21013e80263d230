"""Grey pixels of a picture that Pillow has opened, whatever its colours."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from PIL import Image, Jpeg2KImagePlugin, TiffImagePlugin

from core.imaging.darkness import Gray

__all__ = ["MAX_PIXELS", "grey_of"]

MAX_PIXELS = 150_000_000
"""Twice an A3 sheet at 600 dpi; more is a mistake or an attack."""

_LOADED = (TiffImagePlugin, Jpeg2KImagePlugin)
"""Known from the start: else the first CCITT image would make Pillow import its forty formats (0.3 s)."""

_ROWS = 512
"""Rows flattened at a time: what is needed besides the picture stays small."""

# Pillow refuses above twice this number, before it decodes, and warns from once on.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2
warnings.simplefilter("ignore", Image.DecompressionBombWarning)


def grey_of(picture: Image.Image) -> Gray:
    """Grey pixels of a picture, as stored: (height, width) uint8, 0 is black; what is transparent is white.

    Raises:
        ValueError: Samples that are neither 1, 8 nor 16 bits, which no scanner writes.
    """
    if picture.mode.startswith("I;16"):
        return (np.asarray(picture) >> 8).astype(np.uint8)
    if picture.mode in ("I", "F"):
        return _from_wide(np.asarray(picture))
    if picture.mode in ("RGBa", "La"):
        picture = picture.convert("RGBA" if picture.mode == "RGBa" else "LA")
    if "transparency" in picture.info and picture.mode in ("1", "L", "P", "RGB"):
        picture = picture.convert("RGBA")
    gray = np.array(picture.convert("L"), dtype=np.uint8)
    if "A" in picture.getbands() and picture.mode != "LAB":
        _flatten(gray, np.asarray(picture.getchannel("A")))
    return gray


def _from_wide(samples: np.ndarray[Any, Any]) -> Gray:
    """32-bit samples that hold 16 or 8 bits, as some programs write them."""
    if samples.dtype.kind == "f" or samples.min(initial=0) < 0 or samples.max(initial=0) > 65_535:
        raise ValueError("samples of more than 16 bits")
    return (samples if samples.max(initial=0) <= 255 else samples >> 8).astype(np.uint8)


def _flatten(gray: Gray, alpha: Gray) -> None:
    """Put the picture on white paper, in place."""
    for top in range(0, len(gray), _ROWS):
        rows = slice(top, top + _ROWS)
        lack = (255 - gray[rows]).astype(np.uint16)
        gray[rows] = 255 - (lack * alpha[rows] // 255)
