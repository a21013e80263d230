"""The two pages on an unfolded A3 image, in the image as it was fed and upright."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from core.domain.sheets import HalfName, halves_upright
from core.imaging.darkness import BoxPx, Gray
from core.imaging.layout import Layout

_Pixel = TypeVar("_Pixel", np.uint8, np.float32)

_CV_TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


@dataclass(frozen=True)
class Half:
    """A half of an image as fed; ``box`` in its pixels."""

    name: HalfName
    box: BoxPx


def split(width_px: int, height_px: int, layout: Layout) -> tuple[Half, ...]:
    """Cut an image at its fold: left and right, or top and bottom when it stands upright.

    An A4 image is one half called ``full``.
    """
    if layout == "a4":
        return (Half("full", (0, 0, width_px, height_px)),)
    if width_px >= height_px:
        fold = width_px // 2
        return (
            Half("left", (0, 0, fold, height_px)),
            Half("right", (fold, 0, width_px, height_px)),
        )
    fold = height_px // 2
    return (Half("top", (0, 0, width_px, fold)), Half("bottom", (0, fold, width_px, height_px)))


def first_page_half(rotation_deg: int) -> HalfName:
    """The half of a front, as fed, that holds P1."""
    return halves_upright(rotation_deg)[1]


def turned(image: npt.NDArray[_Pixel], rotation_deg: int) -> npt.NDArray[_Pixel]:
    """Turn an image clockwise by 0, 90, 180 or 270 degrees."""
    if rotation_deg % 360 == 0:
        return image
    return np.asarray(cv2.rotate(image, _CV_TURNS[rotation_deg % 360]), dtype=image.dtype)


def half_pixels(gray: Gray, box: BoxPx, rotation_deg: int) -> Gray:
    """Upright pixels of one half of an image as fed."""
    left, top, right, bottom = box
    return np.ascontiguousarray(turned(gray[top:bottom, left:right], rotation_deg))


def from_upright(width_px: int, height_px: int, rotation_deg: int) -> npt.NDArray[np.float64]:
    """2x3 affine that takes pixels of the upright image to those of the image as fed.

    Args:
        width_px: width of the image as fed.
        height_px: height of the image as fed.
        rotation_deg: clockwise turn that made it upright.
    """
    far_x, far_y = width_px - 1, height_px - 1
    table = {
        0: [[1, 0, 0], [0, 1, 0]],
        90: [[0, 1, 0], [-1, 0, far_y]],
        180: [[-1, 0, far_x], [0, -1, far_y]],
        270: [[0, -1, far_x], [1, 0, 0]],
    }
    return np.array(table[rotation_deg % 360], dtype=np.float64)
