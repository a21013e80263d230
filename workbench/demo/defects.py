"""What a scanner, a copier or a pocket does to one image: changes of a picture, by chance."""

from __future__ import annotations

import cv2
import numpy as np

from workbench.demo.fonts import Gray
from workbench.demo.shots import Pixels

_LID = 235
_BITONAL_LEVEL = 165


def faint(pixels: Gray) -> Gray:
    """A scan set far too light: a pencil, or a worn toner."""
    return np.asarray(255 - (255 - pixels.astype(np.float32)) * 0.28, dtype=np.uint8)


def skewed(pixels: Gray, degrees: float) -> Gray:
    """Fed askew, clockwise, with the lid seen at the corners."""
    height, width = pixels.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1.0)
    moved = cv2.warpAffine(pixels, matrix, (width, height), flags=cv2.INTER_LINEAR, borderValue=(_LID,))
    return moved.astype(np.uint8, copy=False)


def rescanned(pixels: Gray, chance: np.random.Generator) -> Gray:
    """The same sheet, fed again: another skew, shift and light."""
    height, width = pixels.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), float(chance.uniform(-0.7, 0.7)), 1.0)
    matrix[:, 2] += chance.uniform(-0.006, 0.006, 2) * width
    moved = cv2.warpAffine(pixels, matrix, (width, height), flags=cv2.INTER_LINEAR, borderValue=(_LID,))
    lit = moved.astype(np.float32) * float(chance.uniform(0.96, 1.02)) + chance.normal(0, 1.2, moved.shape)
    return np.asarray(np.clip(lit, 0, 255), dtype=np.uint8)


def torn(pixels: Gray, px_per_mm: float, chance: np.random.Generator) -> Gray:
    """One corner torn off, a few centimetres, with the dark behind it."""
    height, width = pixels.shape
    across, down = (float(chance.uniform(25, 55)) * px_per_mm for _ in range(2))
    x, y = (int(chance.integers(2)) * side for side in (width, height))
    inward = (1 if x == 0 else -1, 1 if y == 0 else -1)
    ragged = [
        (x + inward[0] * across * (1 - t) + chance.normal(0, px_per_mm), y + inward[1] * down * t)
        for t in np.linspace(0, 1, 9)
    ]
    found = pixels.copy()
    cv2.fillPoly(found, [np.asarray([(x, y), *ragged], dtype=np.int32)], (60,))
    return found


def bordered(pixels: Gray, px_per_mm: float, chance: np.random.Generator) -> Gray:
    """A grey rim where the lid did not close: up to 9 mm on some sides."""
    found = pixels.copy()
    height, width = found.shape
    for side in range(4):
        rim = round(float(chance.uniform(2, 9)) * px_per_mm) if chance.random() < 0.75 else 0
        shade = np.linspace(70, 150, max(rim, 1), dtype=np.uint8)[:rim]
        if side == 0:
            found[:rim] = np.minimum(found[:rim], shade[:, None])
        elif side == 1:
            found[height - rim :] = np.minimum(found[height - rim :], shade[::-1, None])
        elif side == 2:
            found[:, :rim] = np.minimum(found[:, :rim], shade)
        else:
            found[:, width - rim :] = np.minimum(found[:, width - rim :], shade[::-1])
    return found


def coloured(pixels: Gray) -> Pixels:
    """Blue ink and violet ruling on cream paper."""
    dark = 255 - pixels.astype(np.float32)
    blue, green, red = 246 - 0.55 * dark, 252 - 0.9 * dark, 255 - dark
    return np.asarray(np.clip(np.dstack([blue, green, red]), 0, 255), dtype=np.uint8)


def bitonal(pixels: Gray) -> Gray:
    """Black or white: 0 or 255."""
    return np.asarray(np.where(pixels < _BITONAL_LEVEL, 0, 255), dtype=np.uint8)
