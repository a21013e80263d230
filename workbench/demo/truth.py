"""Ground truth of drawn scans: what stands where in each image, for tests and benches.

Boxes are ``(left, top, right, bottom)`` in pixels of the image as it was fed:
after skew, offset and quarter turns.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class PupilTruth:
    """A writer, or an absent pupil of the roster (``sheets`` 0)."""

    key: str
    surname: str
    first_name: str
    birth_date: str
    class_name: str
    on_roster: bool
    sheets: int
    font: str | None
    """File name of the font of the pupil's hand."""


@dataclass(frozen=True)
class FieldTruth:
    """One field of a header: its printed box, what was written and the tight box of its ink."""

    text: str
    box: Box
    ink: Box


@dataclass(frozen=True)
class HeaderTruth:
    """The printed header of P1."""

    model: str
    half: str
    box: Box
    fields: dict[str, FieldTruth]


@dataclass(frozen=True)
class ImageTruth:
    """One image of a PDF.

    ``halves`` gives the page label (P1..P4) of each half as fed: ``left`` and
    ``right``, or ``top`` and ``bottom`` after a quarter turn. ``rotate`` is the
    clockwise turn of the fed image, ``skew_deg`` the clockwise skew before it.
    ``written`` is the share of the page's lines that bear writing, 0 for a blank
    page, header not counted.
    """

    image: int
    pupil: str
    sheet: int
    side: str
    rotate: int
    skew_deg: float
    width_px: int
    height_px: int
    halves: dict[str, str]
    written: dict[str, float]
    header: HeaderTruth | None


@dataclass(frozen=True)
class FileTruth:
    """One PDF with its images in order."""

    name: str
    sha256: str
    images: tuple[ImageTruth, ...]


@dataclass(frozen=True)
class Truth:
    """Everything there is to know about one drawing of a recipe."""

    recipe: str
    seed: int
    dpi: int
    pupils: dict[str, PupilTruth]
    absent: tuple[str, ...]
    strangers: tuple[str, ...]
    files: tuple[FileTruth, ...]

    def save(self, path: Path) -> None:
        """Write as JSON, readable and stable."""
        path.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def load(path: Path) -> Truth:
    """Read what ``Truth.save`` wrote."""
    raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    pupils = {key: PupilTruth(**pupil) for key, pupil in raw.pop("pupils").items()}
    files = tuple(
        FileTruth(file["name"], file["sha256"], tuple(_image(image) for image in file["images"]))
        for file in raw.pop("files")
    )
    absent, strangers = tuple(raw.pop("absent")), tuple(raw.pop("strangers"))
    return Truth(**raw, pupils=pupils, absent=absent, strangers=strangers, files=files)


def _image(raw: dict[str, Any]) -> ImageTruth:
    header = raw.pop("header")
    return ImageTruth(**raw, header=_header(header) if header else None)


def _header(raw: dict[str, Any]) -> HeaderTruth:
    fields = {
        name: FieldTruth(field["text"], tuple(field["box"]), tuple(field["ink"]))
        for name, field in raw["fields"].items()
    }
    return HeaderTruth(raw["model"], raw["half"], tuple(raw["box"]), fields)
