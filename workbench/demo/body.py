"""The running text of a page: sentences on the lines, formulas, frames, a table, a graph."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from workbench.demo.chance import stream
from workbench.demo.fonts import Gray
from workbench.demo.handwriting import Handwriting
from workbench.demo.ink import Ink
from workbench.demo.paper import A3_MM, A4_WIDTH_MM, Ruling
from workbench.demo.recipe import Pupil
from workbench.demo.wording import FORMULAS, SENTENCES, TABLE_CELLS

Points = npt.NDArray[np.float64]

_BOTTOM_MARGIN_MM = 14.0
_RIGHT_MARGIN_MM = 8.0
_STROKE_INK = 190
_TABLE_LINES, _GRAPH_LINES = 4, 7


def put(layer: Gray, ink: Ink, left: int, baseline: int) -> tuple[int, int]:
    """Put writing on an ink layer; returns where its top-left corner went."""
    top = baseline - ink.baseline
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + ink.width, layer.shape[1]), min(top + ink.height, layer.shape[0])
    if x0 < x1 and y0 < y1:
        window = layer[y0:y1, x0:x1]
        np.maximum(window, ink.pixels[y0 - top : y1 - top, x0 - left : x1 - left], out=window)
    return left, top


@dataclass
class PageWriter:
    """Fills one page from line to line.

    layer: (height, width) uint8 ink of the whole A3 side, written in place.
    """

    layer: Gray
    left_mm: float
    """Left edge of the page on the side."""
    top_mm: float
    """Nothing is written above."""
    ruling: Ruling
    pupil: Pupil
    sheet: int
    page: str
    handwriting: Handwriting
    px_per_mm: float
    seed: int
    exercise: int
    """The exercise that this page is about."""

    def __post_init__(self) -> None:
        self._rng = stream(self.seed, "body", self.pupil.key, self.sheet, self.page)
        first = self.ruling.first_line_mm
        lines = np.arange(first, A3_MM[1] - _BOTTOM_MARGIN_MM, self.ruling.pitch_mm)
        self._lines_mm = lines[lines > self.top_mm + 7]
        self._text_left_mm = self.left_mm + self.ruling.margin_mm
        self._sentences = list(self._rng.permutation(SENTENCES))
        self._questions = 0
        self._room_mm = A4_WIDTH_MM - self.ruling.margin_mm - _RIGHT_MARGIN_MM

    def fill(self, share: float) -> float:
        """Write on about ``share`` of the lines; returns the share of lines used."""
        last = round(share * len(self._lines_mm))
        line = self._item(0) if last > _GRAPH_LINES else 0
        sentence: list[str] = []
        while line < last:
            if sentence:
                line += self._text_line(line, sentence)
                continue
            room = last - line
            draw = self._rng.random()
            if draw < 0.05 and room > _TABLE_LINES:
                line += self._table(line)
            elif draw < 0.10 and room > _GRAPH_LINES:
                line += self._graph(line)
            elif draw < 0.38:
                line += self._formula(line)
            elif draw < 0.55:
                line += self._item(line)
            elif draw < 0.6:
                line += 1
            else:
                sentence = self._next_sentence().split()
        return min(line, len(self._lines_mm)) / len(self._lines_mm)

    def _next_sentence(self) -> str:
        """Nobody writes the same sentence twice on a page, unless they have run out of them."""
        self._sentences.append(self._sentences.pop(0))
        return str(self._sentences[-1])

    def _write(
        self, text: str, left_mm: float, line: int, above_mm: float = 0.0
    ) -> tuple[int, int, int, int]:
        """Write ``text`` on a line, or above it; returns the box of its ink in pixels."""
        ink = self.handwriting.write_line(
            self.pupil, self.sheet, f"{self.page}.{line}.{left_mm:.1f}", text, px_per_mm=self.px_per_mm
        )
        baseline_mm = self._lines_mm[line] - above_mm - self._rng.uniform(0.0, 0.8)
        left, top = put(self.layer, ink, round(left_mm * self.px_per_mm), round(baseline_mm * self.px_per_mm))
        return left, top, left + ink.width, top + ink.height

    def _text_line(self, line: int, words: list[str]) -> int:
        """Take as many words as fit on the line."""
        taken = [words.pop(0)]
        room_px = self._room_mm * self.px_per_mm
        while words and self._width(" ".join((*taken, words[0]))) < room_px:
            taken.append(words.pop(0))
        self._write(" ".join(taken), self._text_left_mm + self._rng.uniform(0, 2), line)
        return 1

    def _width(self, text: str) -> float:
        return self.handwriting.width_px(self.pupil, text, px_per_mm=self.px_per_mm)

    def _item(self, line: int) -> int:
        """The heading of the exercise, once a page, then its questions in the margin."""
        if not self._questions:
            self._questions = 1
            box = self._write(f"Exercice {self.exercise}", self._text_left_mm, line)
            self._stroke([(box[0], box[3] + 4), (box[2], box[3] + 4)])
            return 2
        self._questions += 1
        part, letter = divmod(self._questions - 2, 4)
        self._write(
            f"{part + 1}.{'abcd'[letter]})", self.left_mm + max(4.0, self.ruling.margin_mm - 16), line
        )
        return 0 if self._rng.random() < 0.6 else 1

    def _formula(self, line: int) -> int:
        left_mm = self._text_left_mm + self._rng.uniform(5, 40)
        left, top, right, bottom = self._write(str(self._rng.choice(FORMULAS)), left_mm, line)
        if self._rng.random() < 0.3:
            left, top, right, bottom = left - 14, top - 8, right + 14, bottom + 10
            self._stroke([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)])
        return 1

    def _table(self, line: int) -> int:
        """A table ruled by hand: two or three rows, some columns."""
        rows, columns = 3, int(self._rng.integers(4, 7))
        left, top = self._text_left_mm + 2, float(self._lines_mm[line]) - 1
        width, height = float(self._rng.uniform(17, 22)), self.ruling.pitch_mm
        for row in range(rows + 1):
            self._stroke_mm([(left, top + row * height), (left + columns * width, top + row * height)])
        for column in range(columns + 1):
            self._stroke_mm([(left + column * width, top), (left + column * width, top + rows * height)])
        for row in range(rows):
            for column in range(columns):
                if self._rng.random() < 0.75:
                    cell = str(self._rng.choice(TABLE_CELLS))
                    self._write(cell, left + (column + 0.3) * width, line + row + 1, above_mm=2.6)
        return _TABLE_LINES

    def _graph(self, line: int) -> int:
        """Two axes with ticks and a curve."""
        left, bottom = (
            self._text_left_mm + 10,
            float(self._lines_mm[line]) + (_GRAPH_LINES - 2) * self.ruling.pitch_mm,
        )
        width, height = 90.0, (_GRAPH_LINES - 2) * self.ruling.pitch_mm
        self._stroke_mm([(left - 5, bottom), (left + width, bottom)])
        self._stroke_mm([(left, bottom + 5), (left, bottom - height)])
        for tick in range(1, 9):
            self._stroke_mm([(left + tick * 10, bottom - 1.2), (left + tick * 10, bottom + 1.2)])
        x = np.linspace(0.0, 85.0, 40)
        bends = self._rng.uniform(0.02, 0.06), self._rng.uniform(0, 3)
        y = height * (0.5 + 0.35 * np.sin(bends[0] * x + bends[1]))
        self._stroke_mm(list(zip(left + x, bottom - y, strict=True)))
        return _GRAPH_LINES

    def _stroke_mm(self, corners: list[tuple[float, float]]) -> None:
        self._stroke([(x * self.px_per_mm, y * self.px_per_mm) for x, y in corners])

    def _stroke(self, corners: list[tuple[float, float]]) -> None:
        """Draw a line through pixel points with a free hand."""
        points: Points = np.concatenate(
            [np.linspace(start, end, 12, endpoint=False) for start, end in pairwise(corners)]
            + [np.array(corners[-1:], dtype=float)]
        )
        tremble = np.cumsum(self._rng.normal(0, 0.35, points.shape), axis=0)
        tremble -= np.linspace(0, 1, len(points))[:, None] * tremble[-1]
        path = np.round((points + tremble) * 8).astype(np.int32)
        thickness = max(2, round(0.4 * self.px_per_mm))
        cv2.polylines(self.layer, [path], False, _STROKE_INK, thickness, cv2.LINE_AA, 3)
