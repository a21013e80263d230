"""What the copier does to a sheet: skew, shift, light, grain, quarter turns; and where points go by it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from workbench.demo.chance import stream
from workbench.demo.fonts import Gray
from workbench.demo.ink import smooth
from workbench.demo.truth import Box

SKEW_DEG = 1.0
SHIFT_MM = 2.0
_GRAIN = 1.8


@dataclass(frozen=True)
class Feed:
    """How one image was fed: clockwise skew around the middle, shift, then a clockwise quarter turn.

    ``width_px`` and ``height_px`` are those of the upright image.
    """

    skew_deg: float
    shift_px: tuple[float, float]
    rotate: int
    width_px: int
    height_px: int

    @property
    def matrix(self) -> npt.NDArray[np.float64]:
        """(2, 3): upright page to skewed page, before the quarter turn."""
        matrix = cv2.getRotationMatrix2D((self.width_px / 2, self.height_px / 2), -self.skew_deg, 1.0)
        matrix[:, 2] += np.array(self.shift_px)
        return matrix.astype(np.float64)

    def box_of(self, points: npt.NDArray[np.float64]) -> Box:
        """Axis-aligned box in the fed image of (n, 2) x, y points of the upright page."""
        moved = points @ self.matrix[:, :2].T + self.matrix[:, 2]
        left, top = np.floor(moved.min(axis=0))
        right, bottom = np.ceil(moved.max(axis=0)) + 1
        return self._turned((int(left), int(top), int(right), int(bottom)))

    def _turned(self, box: Box) -> Box:
        left, top, right, bottom = box
        width, height = self.width_px, self.height_px
        if self.rotate == 90:
            return (height - bottom, left, height - top, right)
        if self.rotate == 180:
            return (width - right, height - bottom, width - left, height - top)
        if self.rotate == 270:
            return (top, width - right, bottom, width - left)
        return box

    def halves(self) -> tuple[str, str]:
        """The names, in the fed image, of the upright left and right halves."""
        return {0: ("left", "right"), 90: ("top", "bottom"), 180: ("right", "left"), 270: ("bottom", "top")}[
            self.rotate
        ]


def feed(
    seed: int, name: tuple[object, ...], size_px: tuple[int, int], px_per_mm: float, rotate: int
) -> Feed:
    """Chance of the paper path: most sheets nearly straight, none beyond ``SKEW_DEG``."""
    rng = stream(seed, "feed", *name)
    skew = float(np.clip(rng.normal(0, 0.4), -SKEW_DEG, SKEW_DEG))
    x, y = rng.uniform(-SHIFT_MM, SHIFT_MM, 2) * px_per_mm
    return Feed(round(skew, 3), (float(x), float(y)), rotate, *size_px)


def scan(page: Gray, how: Feed, rng: np.random.Generator) -> Gray:
    """The image a copier makes of ``page`` ((height, width) uint8, ideal white 255)."""
    soft = cv2.GaussianBlur(page, (3, 3), 0.6)
    lid = int(rng.integers(205, 250))
    size = (how.width_px, how.height_px)
    moved = cv2.warpAffine(soft, how.matrix, size, flags=cv2.INTER_LINEAR, borderValue=(lid,))
    lit = cv2.multiply(moved, _light(how, rng), scale=1 / 255)
    grain = _grain(how.width_px, how.height_px)
    shifted = np.roll(grain, int(rng.integers(0, how.height_px)), axis=0)
    noisy = cv2.addWeighted(lit, 1.0, shifted, 1.0, -128.0).astype(np.uint8)
    return np.ascontiguousarray(np.rot90(noisy, -(how.rotate // 90)))


def _light(how: Feed, rng: np.random.Generator) -> Gray:
    """Paper tint times uneven light, as a factor of 255, with a dark fold in the middle."""
    tint = rng.uniform(0.93, 0.985)
    coarse = tint * (1 + 0.012 * smooth(10, 14, 4.0, rng))
    coarse[:, : int(rng.integers(0, 4))] *= rng.uniform(0.95, 1.0)
    factors = np.asarray(np.clip(coarse, 0, 1) * 255, dtype=np.uint8)
    field = np.asarray(cv2.resize(factors, (how.width_px, how.height_px)), dtype=np.uint8)
    fold = how.width_px // 2 + int(rng.integers(-6, 7))
    field[:, fold - 2 : fold + 3] = (field[:, fold - 2 : fold + 3] * rng.uniform(0.9, 0.98)).astype(np.uint8)
    return field


@lru_cache(maxsize=2)
def _grain(width: int, height: int) -> Gray:
    """Sensor noise around 128, drawn once: each image shows it shifted."""
    noise = np.random.default_rng(0).standard_normal((height, width), dtype=np.float32)
    return np.asarray(np.clip(128 + _GRAIN * noise, 0, 255), dtype=np.uint8)
