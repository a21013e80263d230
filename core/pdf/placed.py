"""What a page's content draws: which images, where, and whether anything else can be seen."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from typing import Any

import pikepdf

from core.pdf.read import PDF_FAULTS, filter_names, page_images, visible_box

__all__ = ["Placed", "fills", "image_dpi", "placed_images"]

_BOX_SLACK = 0.01
"""A scanner's image may miss the page box by this share of its side."""

_MAX_STORED_BYTES = 200_000
_MAX_CONTENT_BYTES = 2_000_000
"""Longer content, as stored or expanded, is a drawing and not a scan; 60 000 instructions take 0.1 s."""

_PAINTS = frozenset({"S", "s", "f", "F", "f*", "B", "B*", "b", "b*", "sh", "INLINE IMAGE"})
_SHOWS_TEXT = frozenset({"Tj", "TJ", "'", '"'})
_INVISIBLE = 3
_Matrix = tuple[float, float, float, float, float, float]
_IDENTITY: _Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


@dataclass(frozen=True)
class Placed:
    """A named object drawn on a page, with the matrix that takes its unit square there."""

    name: str
    matrix: _Matrix


def placed_images(page: pikepdf.Page) -> tuple[list[Placed], bool] | None:
    """What is drawn by name, and whether nothing else can be seen; ``None`` when it cannot be told."""
    try:
        content = _content(page)
        if content is None:
            return None
        with pikepdf.new() as apart:
            return _followed(pikepdf.parse_content_stream(pikepdf.Stream(apart, content)))
    except PDF_FAULTS:
        return None


def fills(page: pikepdf.Page, index: int, matrix: _Matrix) -> bool:
    """Whether an image so placed covers the visible box, upright."""
    a, b, c, d, e, f = matrix
    left, bottom, right, top = visible_box(page, index)
    slack_x, slack_y = _BOX_SLACK * (right - left), _BOX_SLACK * (top - bottom)
    return (
        abs(b) < slack_y
        and abs(c) < slack_x
        and abs(e - left) < slack_x
        and abs(f - bottom) < slack_y
        and abs(e + a - right) < slack_x
        and abs(f + d - top) < slack_y
    )


def image_dpi(page: pikepdf.Page, index: int) -> float | None:
    """Pixels per inch of the page's space of its largest image; ``None`` for a page without one."""
    found = placed_images(page)
    matrices = {placed.name: placed.matrix for placed in found[0]} if found else {}
    left, _, right, _ = visible_box(page, index)
    largest, dpi = 0, None
    for name, stream in page_images(page).items():
        width, height = int(stream.get("/Width", 0)), int(stream.get("/Height", 0))
        if width * height > largest:
            a, b, *_rest = matrices.get(name, (right - left, 0.0))
            across = (a * a + b * b) ** 0.5
            largest, dpi = width * height, width / max(across, 1e-3) * 72
    return dpi


def _content(page: pikepdf.Page) -> bytes | None:
    """The page's instructions, never expanded beyond what a scan needs."""
    contents: Any = page.obj.get("/Contents")
    streams = list(contents) if isinstance(contents, pikepdf.Array) else [contents]
    parts: list[bytes] = []
    for stream in streams:
        if isinstance(stream, pikepdf.Stream):
            part = _expanded(stream)
            if part is None:
                return None
            parts.append(part)
    whole = b"\n".join(parts)
    return whole if len(whole) <= _MAX_CONTENT_BYTES else None


def _expanded(stream: pikepdf.Stream) -> bytes | None:
    content = bytes(stream.read_raw_bytes())
    filters = filter_names(stream)
    if len(content) > _MAX_STORED_BYTES or "/DecodeParms" in stream:
        return None
    if filters[:1] == ["/ASCII85Decode"]:
        content = base64.a85decode(content.split(b"~>")[0])
        filters = filters[1:]
    if not filters:
        return content
    if filters != ["/FlateDecode"]:  # no scanner packs its content otherwise: the page is drawn
        return None
    inflater = zlib.decompressobj()
    content = inflater.decompress(content, _MAX_CONTENT_BYTES)
    return None if inflater.unconsumed_tail else content


def _followed(instructions: Any) -> tuple[list[Placed], bool]:
    drawn: list[Placed] = []
    stack: list[tuple[_Matrix, int]] = []
    matrix, text_mode, alone = _IDENTITY, 0, True
    for instruction in instructions:
        operator = str(instruction.operator)
        operands: Any = instruction.operands
        if operator == "q":
            stack.append((matrix, text_mode))
        elif operator == "Q" and stack:
            matrix, text_mode = stack.pop()
        elif operator == "cm":
            matrix = _times(operands, matrix)
        elif operator == "Tr":
            text_mode = int(operands[0])
        elif operator == "Do":
            drawn.append(Placed(str(operands[0]), matrix))
        elif operator in _PAINTS or (operator in _SHOWS_TEXT and text_mode != _INVISIBLE):
            alone = False
    return drawn, alone


def _times(operands: Any, matrix: _Matrix) -> _Matrix:
    """The matrix product ``operands x matrix`` of ISO 32000-1, 8.3.4."""
    a, b, c, d, e, f = (float(value) for value in operands)
    m = matrix
    return (
        a * m[0] + b * m[2],
        a * m[1] + b * m[3],
        c * m[0] + d * m[2],
        c * m[1] + d * m[3],
        e * m[0] + f * m[2] + m[4],
        e * m[1] + f * m[3] + m[5],
    )
