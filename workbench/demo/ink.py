"""Writing as ink: letters set along a wandering line, then bent like a moving hand bends them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from workbench.demo.fonts import Gray, HandwritingFont
from workbench.demo.hand import Hand

Field = npt.NDArray[np.float32]

OVERSAMPLING = 2
THICKEST = 0.6
"""Most that a stroke is widened, as a share of the font's own: beyond it narrow fonts clog."""


@dataclass(frozen=True)
class Ink:
    """Writing ready to be put on a page.

    pixels: (height, width) uint8, 0 no ink, 255 black; trimmed to the ink.
    baseline: row of ``pixels`` that stands on the line (may lie outside).
    """

    pixels: Gray
    baseline: int

    @property
    def width(self) -> int:
        """Pixels across."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Pixels down."""
        return int(self.pixels.shape[0])


def write(text: str, hand: Hand, *, cap_px: float, pen_px: float, rng: np.random.Generator) -> Ink:
    """Write one line of ``text`` with capitals ``cap_px`` high."""
    font = hand.font
    cap = cap_px * OVERSAMPLING
    size = max(8, round(cap / font.cap_ratio))
    canvas, baseline = _set_letters(text, font, size, cap, hand, rng)
    canvas = _with_pen(canvas, pen_px * OVERSAMPLING, font.stroke_ratio * cap)
    bent = bend(canvas, baseline, cap_px, slant=hand.slant, elastic=hand.elastic, rng=rng)
    return trimmed(press(bent, hand.ink, cap_px, rng), round(baseline / OVERSAMPLING))


def width_of(text: str, hand: Hand, cap_px: float) -> float:
    """About how wide ``text`` will be, in pixels."""
    size = max(8, round(cap_px / hand.font.cap_ratio))
    return float(hand.font.face(size).getlength(text)) + hand.spacing * cap_px * len(text)


def _set_letters(
    text: str, font: HandwritingFont, size: int, cap: float, hand: Hand, rng: np.random.Generator
) -> tuple[Gray, int]:
    length = sum(
        font.advance(char, following, size) for char, following in zip(text, text[1:] + " ", strict=True)
    )
    margin = int(cap)
    canvas = np.zeros((int(4.2 * cap), int(length + hand.spacing * cap * len(text)) + 4 * margin), np.uint8)
    baseline = int(2.4 * cap)
    wander = _wander(len(text), rng) * hand.wobble * cap
    jitter = rng.normal(0, 0.25, len(text)) * hand.wobble * cap
    pen = 1.5 * margin
    for index, (char, following) in enumerate(zip(text, text[1:] + " ", strict=True)):
        glyph, left, top = font.glyph(char, size)
        _stamp(canvas, glyph, round(pen) + left, round(baseline + wander[index] + jitter[index]) + top)
        pen += font.advance(char, following, size) + hand.spacing * cap * rng.uniform(0.6, 1.4)
    return canvas, baseline


def _wander(count: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """A smooth random walk around 0, one value per letter."""
    steps = rng.normal(0, 1, count // 4 + 3)
    return np.interp(np.linspace(0, len(steps) - 1, count), np.arange(len(steps)), steps)


def _stamp(canvas: Gray, glyph: Gray, left: int, top: int) -> None:
    """Put a glyph where it overlaps its neighbours without erasing them; what leaves the canvas is lost."""
    height, width = glyph.shape
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + width, canvas.shape[1]), min(top + height, canvas.shape[0])
    if x0 < x1 and y0 < y1:
        window = canvas[y0:y1, x0:x1]
        np.maximum(window, glyph[y0 - top : y1 - top, x0 - left : x1 - left], out=window)


def _with_pen(canvas: Gray, pen_px: float, stroke_px: float) -> Gray:
    """Thicken or thin strokes towards the pupil's pen, without filling a 4 or breaking a hairline."""
    wider_px = min(pen_px - stroke_px, THICKEST * stroke_px)
    if wider_px >= 0.8:
        reach = min(round(wider_px), 5) + 1
        return cv2.dilate(canvas, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))).astype(
            np.uint8
        )
    if wider_px <= -2.5:
        return cv2.erode(canvas, np.ones((2, 2), np.uint8)).astype(np.uint8)
    return canvas


def bend(
    canvas: Gray,
    baseline: float,
    cap_px: float,
    *,
    slant: float,
    elastic: float,
    rng: np.random.Generator,
    oversampling: float = OVERSAMPLING,
) -> Gray:
    """Shear around the baseline, stretch elastically and bring down to page resolution in one pass."""
    height, width = int(canvas.shape[0] / oversampling), int(canvas.shape[1] / oversampling)
    shift_x, shift_y = (smooth(height, width, 0.9 * cap_px, rng) * elastic * cap_px for _ in range(2))
    y = np.arange(height, dtype=np.float32)[:, None]
    x = np.arange(width, dtype=np.float32)[None, :]
    source_x = (x + shift_x + np.float32(slant) * (y - baseline / oversampling)) * oversampling
    source_y = (y + shift_y) * oversampling
    return cv2.remap(
        canvas, source_x.astype(np.float32), source_y.astype(np.float32), cv2.INTER_LINEAR
    ).astype(np.uint8)


def smooth(height: int, width: int, scale_px: float, rng: np.random.Generator) -> Field:
    """A (height, width) field of unit normal noise that changes over ``scale_px`` pixels."""
    coarse = rng.standard_normal((int(height / scale_px) + 3, int(width / scale_px) + 3), dtype=np.float32)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float32)


def press(coverage: Gray, ink: int, cap_px: float, rng: np.random.Generator) -> Gray:
    """Coverage times the pen's darkness, lighter and heavier along the line."""
    pressure = np.clip(1 + 0.1 * smooth(1, coverage.shape[1], 1.2 * cap_px, rng), 0.7, 1.15)
    return np.asarray(np.clip(coverage * (pressure * (min(ink, 250) / 255)), 0, 255), dtype=np.uint8)


def trimmed(pixels: Gray, baseline: int) -> Ink:
    """Cut away what bears no ink."""
    rows, columns = np.flatnonzero(pixels.max(axis=1) > 40), np.flatnonzero(pixels.max(axis=0) > 40)
    if not rows.size:
        return Ink(np.zeros((1, 1), np.uint8), 0)
    top, left = int(rows[0]), int(columns[0])
    return Ink(np.ascontiguousarray(pixels[top : rows[-1] + 1, left : columns[-1] + 1]), baseline - top)
