"""What may be drawn on a page: kinds of annotations and their shapes, in coordinates of the page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from core.errors import BadInput

_DECIMALS = 4
"""A ten-thousandth of a page is 0.03 mm: finer is noise that would only make strokes long to store."""

MOST_POINTS = 4000
MOST_TEXT = 500


class AnnotationKind(StrEnum):
    """What can be drawn."""

    TICK = "tick"
    CROSS = "cross"
    QUESTION = "question"
    BOX = "box"
    TEXT = "text"
    HIGHLIGHT = "highlight"
    PEN = "pen"


_ZONES = frozenset({AnnotationKind.BOX, AnnotationKind.HIGHLIGHT})


def checked_shape(kind: str, shape: Mapping[str, Any]) -> dict[str, Any]:
    """A shape as it is kept: only the keys of its kind, coordinates 0..1 from the top-left corner.

    ``{"x", "y"}`` for a sign, with ``text`` for a text; ``{"x", "y", "width", "height"}``
    for a zone; ``{"points": [[x, y], …]}`` for a stroke.

    Raises:
        BadInput: ``annotation_bad_shape`` with ``kind``: the kind is unknown, or a value is missing or
            lies off the page.
    """
    try:
        known = AnnotationKind(kind)
        if known is AnnotationKind.PEN:
            return {"points": _points(shape["points"])}
        kept: dict[str, Any] = {"x": _fraction(shape["x"]), "y": _fraction(shape["y"])}
        if known in _ZONES:
            kept |= {"width": _fraction(shape["width"]), "height": _fraction(shape["height"])}
        if known is AnnotationKind.TEXT:
            kept["text"] = _text(shape["text"])
    except (KeyError, TypeError, ValueError):
        raise BadInput("annotation_bad_shape", kind=kind) from None
    return kept


def _fraction(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(value)
    if not (math.isfinite(value) and 0 <= value <= 1):
        raise ValueError(value)
    return round(float(value), _DECIMALS)


def _points(value: object) -> list[list[float]]:
    if not isinstance(value, (list, tuple)) or not 2 <= len(value) <= MOST_POINTS:
        raise ValueError(value)
    return [[_fraction(x), _fraction(y)] for x, y in value]


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > MOST_TEXT:
        raise ValueError(value)
    return value.strip()
