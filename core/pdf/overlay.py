"""What a corrector drew, as a transparent vector page laid over the scan."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from reportlab.lib.colors import Color, HexColor
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas

from core.pdf.fonts import BOLD, REGULAR, printable, register_fonts

Kind = Literal["tick", "cross", "question", "box", "text", "highlight", "pen"]
Point = tuple[float, float]

INK = "#c4122f"
_MARKER = "#ffe14d"
_SIGN_PT = 15.0
_TEXT_PT = 11.0
_STROKE_PT = 1.6
_NOTE_PT = 90.0


@dataclass(frozen=True)
class Annotation:
    """One drawn mark; coordinates run 0..1 from the page image's top left, rightwards and down.

    Attributes:
        kind: ``tick``, ``cross``, ``question``, ``text`` use the first point (``text``: top left of its
            first line); ``box`` and ``highlight`` two opposite corners; ``pen`` all points.
        points: (x, y) pairs.
        text: words of a ``text``, a note beside the others.
        color: ``#rrggbb``.
        size: 1 is the usual size.
    """

    kind: Kind
    points: tuple[Point, ...]
    text: str = ""
    color: str = INK
    size: float = 1.0


def overlay_page(
    width_pt: float, height_pt: float, annotations: Sequence[Annotation], margin_text: str = ""
) -> bytes:
    """A one-page PDF, transparent but for the annotations; the same input gives the same bytes.

    Args:
        width_pt: width of the page image as placed.
        height_pt: height of the page image as placed.
        annotations: drawn in order.
        margin_text: small line at the foot, such as the copy's code and page n/N.

    Raises:
        ValueError: An annotation without the points its kind needs.
    """
    register_fonts()
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(width_pt, height_pt), invariant=1, pageCompression=1)
    for annotation in annotations:
        _draw(canvas, annotation, width_pt, height_pt)
    if margin_text:
        canvas.setFillColor(HexColor("#444444"))
        canvas.setFont(REGULAR, 7)
        canvas.drawRightString(width_pt - 12, 9, printable(margin_text))
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def _draw(canvas: Canvas, annotation: Annotation, width_pt: float, height_pt: float) -> None:
    needed = 2 if annotation.kind in ("box", "highlight", "pen") else 1
    if len(annotation.points) < needed:
        raise ValueError(f"{annotation.kind} needs {needed} points")
    points = [(x * width_pt, (1 - y) * height_pt) for x, y in annotation.points]
    color = HexColor(annotation.color)
    canvas.saveState()
    canvas.setStrokeColor(color)
    canvas.setFillColor(color)
    canvas.setLineWidth(_STROKE_PT * annotation.size)
    canvas.setLineCap(1)
    canvas.setLineJoin(1)
    if annotation.kind in ("tick", "cross", "question"):
        _sign(canvas, annotation, points[0])
    elif annotation.kind == "box":
        canvas.rect(*_rect(points), stroke=1, fill=0)
    elif annotation.kind == "highlight":
        _highlight(canvas, points, annotation.color)
    elif annotation.kind == "pen":
        _polyline(canvas, points)
    if annotation.text:
        _words(canvas, annotation, points, width_pt, color)
    canvas.restoreState()


def _sign(canvas: Canvas, annotation: Annotation, at: Point) -> None:
    """A tick, a cross or a question mark centred on a point."""
    x, y = at
    half = _SIGN_PT * annotation.size / 2
    if annotation.kind == "tick":
        _polyline(canvas, [(x - half, y), (x - half / 3, y - half * 0.8), (x + half, y + half)])
    elif annotation.kind == "cross":
        _polyline(canvas, [(x - half, y - half), (x + half, y + half)])
        _polyline(canvas, [(x - half, y + half), (x + half, y - half)])
    else:
        size = _SIGN_PT * 1.4 * annotation.size
        canvas.setFont(BOLD, size)
        canvas.drawCentredString(x, y - size * 0.36, "?")


def _highlight(canvas: Canvas, points: Sequence[Point], color: str) -> None:
    canvas.setFillColor(HexColor(_MARKER if color == INK else color))
    canvas.setFillAlpha(0.35)
    canvas.rect(*_rect(points), stroke=0, fill=1)
    canvas.setFillAlpha(1)


def _polyline(canvas: Canvas, points: Sequence[Point]) -> None:
    path = canvas.beginPath()
    path.moveTo(*points[0])
    for point in points[1:]:
        path.lineTo(*point)
    canvas.drawPath(path, stroke=1, fill=0)


def _words(
    canvas: Canvas, annotation: Annotation, points: Sequence[Point], width_pt: float, color: Color
) -> None:
    """Words of a text at its point, of a note to the right of its mark; lines that fit the page."""
    size = _TEXT_PT * annotation.size
    if annotation.kind == "text":
        left, top = points[0]
    else:
        left, top = max(x for x, _ in points) + _SIGN_PT * 0.7, max(y for _, y in points)
        if left > width_pt - _NOTE_PT:  # no room beside the mark: below it
            left, top = width_pt - _NOTE_PT, min(y for _, y in points) - _SIGN_PT * 0.8
    left = max(4.0, min(left, width_pt - _NOTE_PT))
    canvas.setFillColor(color)
    canvas.setFont(REGULAR, size)
    for number, line in enumerate(wrapped(annotation.text, size, width_pt - left - 6)):
        canvas.drawString(left, top - size * (0.9 + 1.25 * number), line)


def wrapped(text: str, size_pt: float, width_pt: float) -> list[str]:
    """Cut a text into lines no wider than ``width_pt``; a word too long is cut."""
    lines: list[str] = []
    for paragraph in printable(text).split("\n"):
        line = ""
        for word in paragraph.split(" "):
            longer = f"{line} {word}" if line else word
            if _width(longer, size_pt) <= width_pt:
                line = longer
                continue
            if line:
                lines.append(line)
            *full, line = _pieces(word, size_pt, width_pt)
            lines += full
        lines.append(line)
    return lines


def _pieces(word: str, size_pt: float, width_pt: float) -> list[str]:
    pieces = [""]
    for letter in word:
        if pieces[-1] and _width(pieces[-1] + letter, size_pt) > width_pt:
            pieces.append("")
        pieces[-1] += letter
    return pieces


def _width(text: str, size_pt: float) -> float:
    return float(pdfmetrics.stringWidth(text, REGULAR, size_pt))


def _rect(points: Sequence[Point]) -> tuple[float, float, float, float]:
    (x0, y0), (x1, y1) = points[0], points[1]
    return (min(x0, x1), min(y0, y1), abs(x1 - x0), abs(y1 - y0))
