"""Paper as it comes from the printer: ruling and printed header, still without a mark of a pen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import as_file, files

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from core.imaging.header_models import BoxMm, HeaderModel, builtin_models
from workbench.demo.fonts import Gray

A3_MM = (420.0, 297.0)
A4_WIDTH_MM = 210.0
BELOW_HEADER_MM = 6.0
POINTS_PER_INCH = 72.0

_FAINT, _LINE, _MARGIN = 226, 196, 172
"""Gray of the thin ruling, of the writing lines and of the margin line, as scanned."""


@dataclass(frozen=True)
class Ruling:
    """Where one writes on a paper: lines every ``pitch_mm``, text from ``margin_mm``."""

    pitch_mm: float
    margin_mm: float
    first_line_mm: float = 22.0


RULINGS = {"seyes": Ruling(8.0, 34.0), "squares": Ruling(10.0, 22.0)}


def size_px(px_per_mm: float) -> tuple[int, int]:
    """(width, height) of an A3 image."""
    return round(A3_MM[0] * px_per_mm), round(A3_MM[1] * px_per_mm)


@dataclass(frozen=True)
class HeaderModelRef:
    """A header model that can key a cache: models hold a dict."""

    name: str

    @property
    def model(self) -> HeaderModel:
        """The model itself."""
        return next(model for model in builtin_models() if model.name == self.name)

    @property
    def bottom_mm(self) -> float:
        """Where the ruling may begin on P1."""
        return self.model.page_top_mm + self.model.height_mm + BELOW_HEADER_MM


@lru_cache(maxsize=8)
def blank_side(paper: str, header: HeaderModelRef | None, px_per_mm: float) -> Gray:
    """One side of an A3 sheet, (height, width) uint8; with ``header`` on its right half. Do not write to it."""
    width, height = size_px(px_per_mm)
    side = np.full((height, width), 255, np.uint8)
    half = round(A4_WIDTH_MM * px_per_mm)
    _rule(side[:, :half], paper, 0.0, px_per_mm)
    _rule(side[:, half:], paper, header.bottom_mm if header else 0.0, px_per_mm)
    if header:
        _print_header(side, header.model, px_per_mm)
    side.setflags(write=False)
    return side


def header_origin_mm(model: HeaderModel) -> tuple[float, float]:
    """Top-left corner of the header on the front of an A3 sheet, whose right half is P1."""
    return A4_WIDTH_MM + model.page_left_mm, model.page_top_mm


def _rule(page: Gray, paper: str, from_mm: float, px_per_mm: float) -> None:
    if paper == "seyes":
        _grid(page, 2.0, None, _FAINT, from_mm, px_per_mm)
        _grid(page, 8.0, 8.0, _LINE, from_mm, px_per_mm)
    else:
        _grid(page, 5.0, 5.0, _FAINT - 16, from_mm, px_per_mm)
    top, margin = round(from_mm * px_per_mm), round((RULINGS[paper].margin_mm - 2) * px_per_mm)
    page[top:, margin : margin + 2] = _MARGIN


def _grid(
    page: Gray, row_mm: float, column_mm: float | None, gray: int, from_mm: float, px_per_mm: float
) -> None:
    """Rules so placed that a writing line falls on every ``first_line_mm`` plus a pitch."""
    top = round(from_mm * px_per_mm)
    phase = 22.0 % row_mm
    for row in np.arange(phase, A3_MM[1], row_mm):
        y = round(row * px_per_mm)
        if y >= top:
            page[y : y + 2] = np.minimum(page[y : y + 2], gray)
    for column in np.arange(0.0, A4_WIDTH_MM, column_mm) if column_mm else ():
        x = round(column * px_per_mm)
        page[top:, x : x + 2] = np.minimum(page[top:, x : x + 2], gray)


def _print_header(side: Gray, model: HeaderModel, px_per_mm: float) -> None:
    left_mm, top_mm = header_origin_mm(model)
    pen = max(2, round(0.35 * px_per_mm))

    def at(x_mm: float, y_mm: float) -> tuple[int, int]:
        return round((left_mm + x_mm) * px_per_mm), round((top_mm + y_mm) * px_per_mm)

    for frame in model.frames_mm:
        cv2.rectangle(side, at(*frame[:2]), at(*frame[2:]), 30, pen)
    for line in model.lines_mm:
        cv2.line(side, at(*line[:2]), at(*line[2:]), 40, max(1, pen - 1))
    picture = Image.fromarray(side)
    draw = ImageDraw.Draw(picture)
    for text in model.texts:
        face = _print_face(round(text.size_pt / POINTS_PER_INCH * 25.4 * px_per_mm))
        draw.text(at(text.left_mm, text.baseline_mm), text.text, fill=25, font=face, anchor="ls")
    side[:] = np.asarray(picture)


@lru_cache(maxsize=16)
def _print_face(size: int) -> ImageFont.FreeTypeFont:
    """The sans serif that reportlab brings: no font package is needed for print."""
    with as_file(files("reportlab") / "fonts" / "VeraBd.ttf") as path:
        return ImageFont.truetype(str(path), size)


def field_box_mm(model: HeaderModel, field: str) -> BoxMm:
    """Box of a header field on the front of an A3 sheet."""
    left_mm, top_mm = header_origin_mm(model)
    left, top, right, bottom = model.fields_mm[field]
    return (left_mm + left, top_mm + top, left_mm + right, top_mm + bottom)
