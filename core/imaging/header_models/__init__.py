"""The printed headers Korrigo knows, as data: those shipped, and those a secretariat has drawn.

A model states everything in millimetres from the header's top-left corner, so
that the same file draws the header (demonstration), finds it on a scan and
says where each handwritten field lies. Models come in two sorts: *drawn* ones list
their lines and texts; *learned* ones hold a picture of the print, cut out of a scan.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

BoxMm = tuple[float, float, float, float]

HeaderKind = Literal["copy", "annex"]
"""``copy``: its page begins a sheet. ``annex``: its page waits to be attached to a copy."""

FIELDS = ("surname", "first_name", "birth_date", "class", "number", "full_name")


@dataclass(frozen=True)
class PrintedText:
    """A printed label, placed by its left edge and baseline."""

    text: str
    left_mm: float
    baseline_mm: float
    size_pt: float


@dataclass(frozen=True)
class PrintedPicture:
    """What a learned header prints besides its long lines.

    Attributes:
        png: PNG of (height, width) uint8, 255 paper .. 0 ink; it covers the header exactly.
        dpi: its resolution.
        patches_mm: the words and drawings in it, each of which is looked for again.
    """

    png: bytes
    dpi: float
    patches_mm: tuple[BoxMm, ...]


@dataclass(frozen=True)
class HeaderModel:
    """A printed header: boxes are ``(left, top, right, bottom)`` in millimetres from its top-left corner.

    ``page_left_mm`` and ``page_top_mm`` place the header on the A4 page where
    it is printed; a scan is expected to move it by some millimetres. ``picture`` is
    there for learned models, whose ``texts`` are empty.
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
    kind: HeaderKind = "copy"
    picture: PrintedPicture | None = None


@cache
def builtin_models() -> tuple[HeaderModel, ...]:
    """The header models shipped with Korrigo, by file name."""
    paths = sorted(Path(__file__).parent.glob("*.json"))
    return tuple(model_of_json(json.loads(path.read_text(encoding="utf-8"))) for path in paths)


def model_of_json(raw: Mapping[str, Any]) -> HeaderModel:
    """The model that ``json_of_model``, or a file of this folder, states.

    Raises:
        KeyError, TypeError, ValueError: It states no model.
    """
    picture = raw.get("picture")
    kind = raw.get("kind", "copy")
    if kind not in ("copy", "annex"):
        raise ValueError(f"kind {kind!r}")
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
        kind=cast(HeaderKind, kind),
        picture=None if picture is None else _picture(picture),
    )


def json_of_model(model: HeaderModel) -> dict[str, Any]:
    """A model as values JSON knows, for ``model_of_json``."""
    raw: dict[str, Any] = {
        "name": model.name,
        "title": model.title,
        "kind": model.kind,
        "width_mm": model.width_mm,
        "height_mm": model.height_mm,
        "page_left_mm": model.page_left_mm,
        "page_top_mm": model.page_top_mm,
        "frames_mm": [list(box) for box in model.frames_mm],
        "lines_mm": [list(box) for box in model.lines_mm],
        "texts": [vars(text) for text in model.texts],
        "fields_mm": {field: list(box) for field, box in model.fields_mm.items()},
    }
    if model.picture is not None:
        raw["picture"] = {
            "png": base64.b64encode(model.picture.png).decode("ascii"),
            "dpi": model.picture.dpi,
            "patches_mm": [list(box) for box in model.picture.patches_mm],
        }
    return raw


def _picture(raw: Mapping[str, Any]) -> PrintedPicture:
    png = base64.b64decode(raw["png"], validate=True)
    return PrintedPicture(png, raw["dpi"], tuple(_box(box) for box in raw["patches_mm"]))


def _box(values: Sequence[float]) -> BoxMm:
    left, top, right, bottom = values
    return (left, top, right, bottom)
