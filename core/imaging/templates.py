"""A header model as pixels: what must be dark, what must not, and where handwriting may be."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import reportlab
from PIL import Image, ImageDraw, ImageFont

from core.imaging.darkness import Floats
from core.imaging.header_models import BoxMm, HeaderModel, PrintedPicture, PrintedText

PAD_MM = 3.0
"""Room around the header in a template: what is printed must end where the model says."""

_LINE_MM = 0.35
_GUARD_FROM_MM, _GUARD_TO_MM = 1.0, 2.2
_AWAY = 0.02
"""Blurred print this faint is far from any word."""

_MANY_LINES_MM = 400.0
"""Printed lines of this length say more of where a header lies than its words do."""

_FINE = 4
"""Templates are drawn this much larger, then averaged: lines fall between pixels."""

LABEL_FONT = Path(reportlab.__file__).parent / "fonts" / "Vera.ttf"
"""A plain sans serif that comes with a Python package; only the weight and length of labels matter."""


@dataclass(frozen=True)
class Segment:
    """One printed straight line, in millimetres of the model."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def is_across(self) -> bool:
        """Whether the line runs across the page rather than down."""
        return abs(self.right - self.left) >= abs(self.bottom - self.top)

    @property
    def length_mm(self) -> float:
        """Length of the line."""
        return float(np.hypot(self.right - self.left, self.bottom - self.top))


@dataclass(frozen=True, eq=False)
class Template:
    """A header model drawn at one scale; every map starts ``PAD_MM`` left of and above the header.

    Attributes:
        print_: (height, width) float32, 1 where the model prints.
        kernel: the same, weighted: its sum against a dark map is 1 on a clean header, 0 on
            paper ruled evenly, whatever its darkness.
        free: (height, width) uint8, 0 inside the fields, where handwriting says nothing.
        px_per_mm: scale.
    """

    print_: Floats
    kernel: Floats
    free: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
    px_per_mm: float


def segments(model: HeaderModel) -> tuple[Segment, ...]:
    """Every straight line the model prints."""
    found = [Segment(*line) for line in model.lines_mm]
    for left, top, right, bottom in model.frames_mm:
        found += [
            Segment(left, top, right, top),
            Segment(left, bottom, right, bottom),
            Segment(left, top, left, bottom),
            Segment(right, top, right, bottom),
        ]
    return tuple(found)


def label_box(text: PrintedText) -> BoxMm:
    """Where a printed label lies, in millimetres of the model."""
    points_per_mm = 72 / 25.4
    font = ImageFont.truetype(str(LABEL_FONT), 100)
    width_mm = font.getlength(text.text) / 100 * text.size_pt / points_per_mm
    height_mm = 0.78 * text.size_pt / points_per_mm
    return (text.left_mm, text.baseline_mm - height_mm, text.left_mm + width_mm, text.baseline_mm + 0.3)


def patch_boxes(model: HeaderModel) -> tuple[BoxMm, ...]:
    """Where words, or drawings, of a model lie, in millimetres of the model."""
    if model.picture is not None:
        return model.picture.patches_mm
    return tuple(label_box(text) for text in model.texts)


def template(model: HeaderModel, px_per_mm: float) -> Template:
    """The template of a model at a scale; drawn once."""
    printed = (model.width_mm, model.height_mm, model.frames_mm, model.lines_mm, model.texts, model.picture)
    fields = tuple(model.fields_mm.values())
    return _drawn(printed, fields, model.name, round(px_per_mm, 3))


_Printed = tuple[
    float, float, tuple[BoxMm, ...], tuple[BoxMm, ...], tuple[PrintedText, ...], PrintedPicture | None
]


@lru_cache(maxsize=64)
def _drawn(printed: _Printed, fields: tuple[BoxMm, ...], name: str, px_per_mm: float) -> Template:
    width_mm, height_mm, frames, lines, texts, picture = printed
    model = HeaderModel(name, "", width_mm, height_mm, 0, 0, frames, lines, texts, {})
    size = (round((width_mm + 2 * PAD_MM) * px_per_mm), round((height_mm + 2 * PAD_MM) * px_per_mm))
    ruled = _reduced(_draw_lines(model, size, px_per_mm, _LINE_MM), size)
    if picture is None:
        labels = _reduced(_draw_labels(texts, size, px_per_mm), size)
    else:
        labels = _scaled(picture, size, px_per_mm)
    free = np.ones((size[1], size[0]), np.uint8)
    for left, top, right, bottom in fields:
        cv2.rectangle(free, _px(left + 1, top + 1, px_per_mm), _px(right - 1, bottom - 1, px_per_mm), 0, -1)
    blurred = cv2.GaussianBlur(labels, (0, 0), 0.8 * px_per_mm)
    guard = (_ring(model, labels, size, px_per_mm) & (blurred < _AWAY) & (free > 0)).astype(np.float32)
    ink = _single(cv2.GaussianBlur(labels, (0, 0), 0.25 * px_per_mm))
    share = np.float32(min(0.75, sum(line.length_mm for line in segments(model)) / _MANY_LINES_MM))
    kernel = _single(share * _unit(ruled) + (1 - share) * _unit(ink) - _unit(guard))
    return Template(np.maximum(ruled, labels), kernel, free, px_per_mm)


def _ring(
    model: HeaderModel, labels: Floats, size: tuple[int, int], px_per_mm: float
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """What must be paper: beside the lines, or around the words of a header that has no lines."""
    if segments(model):
        near = _reduced(_draw_lines(model, size, px_per_mm, 2 * _GUARD_FROM_MM), size) > 0
        around = _reduced(_draw_lines(model, size, px_per_mm, 2 * _GUARD_TO_MM), size) > 0
        return np.asarray(around & ~near, dtype=np.bool_)
    reach = round(2 * _GUARD_TO_MM * px_per_mm)
    wide = cv2.dilate(labels, np.ones((reach, reach), np.uint8))
    return np.asarray(wide > _AWAY, dtype=np.bool_)


def _scaled(picture: PrintedPicture, size: tuple[int, int], px_per_mm: float) -> Floats:
    """The print of a learned header, at the place and scale of a template."""
    seen = cv2.imdecode(np.frombuffer(picture.png, np.uint8), cv2.IMREAD_GRAYSCALE)
    if seen is None:
        raise ValueError("the picture of a header model is no image")
    ink = np.float32(1) - _single(seen) / np.float32(255)
    ratio = px_per_mm / (picture.dpi / 25.4)
    if ratio < 1:
        # Averaged before it is sampled: a thin stroke must not fall between two pixels.
        ink = _single(cv2.GaussianBlur(ink, (0, 0), 0.35 / ratio))
    shift = PAD_MM * px_per_mm + (ratio - 1) / 2
    place = np.array([[ratio, 0, shift], [0, ratio, shift]])
    return _single(cv2.warpAffine(ink, place, size, flags=cv2.INTER_LINEAR))


def _unit(weights: Floats) -> Floats:
    total = float(weights.sum())
    return _single(weights / np.float32(total)) if total > 0 else weights


def _px(x_mm: float, y_mm: float, px_per_mm: float) -> tuple[int, int]:
    return (round((x_mm + PAD_MM) * px_per_mm), round((y_mm + PAD_MM) * px_per_mm))


def _draw_lines(model: HeaderModel, size: tuple[int, int], px_per_mm: float, width_mm: float) -> Floats:
    canvas = np.zeros((size[1] * _FINE, size[0] * _FINE), np.uint8)
    scale = px_per_mm * _FINE
    half = width_mm / 2
    for line in segments(model):
        across, down = (0.0, half) if line.is_across else (half, 0.0)
        start = _px(line.left - across, line.top - down, scale)
        end = _px(line.right + across, line.bottom + down, scale)
        cv2.rectangle(canvas, start, (end[0] - 1, end[1] - 1), 255, -1)
    return _single(canvas / np.float32(255))


def _draw_labels(texts: tuple[PrintedText, ...], size: tuple[int, int], px_per_mm: float) -> Floats:
    scale = px_per_mm * _FINE
    canvas = Image.new("L", (size[0] * _FINE, size[1] * _FINE), 0)
    draw = ImageDraw.Draw(canvas)
    for text in texts:
        font = ImageFont.truetype(str(LABEL_FONT), text.size_pt * 25.4 / 72 * scale)
        place = _px(text.left_mm, text.baseline_mm, scale)
        draw.text(place, text.text, fill=255, font=font, anchor="ls")
    return _single(np.asarray(canvas, dtype=np.float32) / np.float32(255))


def _reduced(image: Floats, size: tuple[int, int]) -> Floats:
    return _single(cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def _single(image: Any) -> Floats:
    return np.asarray(image, dtype=np.float32)
