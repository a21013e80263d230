"""The printed headers Korrigo knows from the start, as data.

A model states everything in millimetres from the header's top-left corner, so
that the same file draws the header (demonstration), finds it on a scan and
says where each handwritten field lies.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

BoxMm = tuple[float, float, float, float]

FIELDS = ("surname", "first_name", "birth_date", "class")


@dataclass(frozen=True)
class PrintedText:
    """A printed label, placed by its left edge and baseline."""

    text: str
    left_mm: float
    baseline_mm: float
    size_pt: float


@dataclass(frozen=True)
class HeaderModel:
    """A printed header: boxes are ``(left, top, right, bottom)`` in millimetres from its top-left corner.

    ``page_left_mm`` and ``page_top_mm`` place the header on the A4 page where
    it is printed; a scan is expected to move it by some millimetres.
    """

    name: str
    title: str
    width_mm: float
    height_mm: float
    page_left_mm: float
    page_top_mm: float
    frames_mm: tuple[BoxMm, ...]
    lines_mm: tuple[BoxMm, ...]
    texts: tuple[PrintedText, ...]
    fields_mm: dict[str, BoxMm]


@cache
def builtin_models() -> tuple[HeaderModel, ...]:
    """The header models shipped with Korrigo, by file name."""
    return tuple(_load(path) for path in sorted(Path(__file__).parent.glob("*.json")))


def _load(path: Path) -> HeaderModel:
    raw = json.loads(path.read_text(encoding="utf-8"))
    return HeaderModel(
        name=raw["name"],
        title=raw["title"],
        width_mm=raw["width_mm"],
        height_mm=raw["height_mm"],
        page_left_mm=raw["page_left_mm"],
        page_top_mm=raw["page_top_mm"],
        frames_mm=tuple(_box(box) for box in raw["frames_mm"]),
        lines_mm=tuple(_box(box) for box in raw["lines_mm"]),
        texts=tuple(PrintedText(**text) for text in raw["texts"]),
        fields_mm={field: _box(box) for field, box in raw["fields_mm"].items()},
    )


def _box(values: list[float]) -> BoxMm:
    left, top, right, bottom = values
    return (left, top, right, bottom)
