"""What to draw, as data: who wrote, on how many sheets, with which header, and what went wrong at the copier."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from core.errors import BadInput

Side = Literal["front", "back"]
SIDES: tuple[Side, Side] = ("front", "back")
PAPERS = ("seyes", "squares")
TURNS = (0, 90, 180, 270)


@dataclass(frozen=True)
class Pupil:
    """Somebody who writes. ``key`` is the INE of the roster line, or a name of the recipe's own for a stranger."""

    key: str
    surname: str
    first_name: str
    birth_date: str
    """ISO 8601; empty until the crops recipe invents one."""
    class_name: str


@dataclass(frozen=True)
class FontChoice:
    """A handwriting font by file name, and the Debian or npm package that brings it.

    ``capitals`` is false for a font whose capitals are swashes that nobody
    writes a name in; ``joined`` is true when letters touch; ``scale``
    enlarges a font whose small letters are tiny beside its capitals.
    """

    file: str
    package: str
    capitals: bool = True
    joined: bool = False
    scale: float = 1.0


@dataclass(frozen=True)
class HandwritingChoice:
    """Where the handwriting comes from: fonts only, or real crops for names and fonts for the rest."""

    kind: Literal["fonts", "crops"]
    fonts: tuple[FontChoice, ...]
    fewest: int
    """Fewest fonts with which a class still looks like several people."""


@dataclass(frozen=True)
class CopyPlan:
    """The sheets one pupil hands in, in scan order."""

    pupil: str
    sheets: int
    header: str
    """Name of a header model."""
    paper: str
    """One of ``PAPERS``."""


@dataclass(frozen=True)
class Fault:
    """One image fed otherwise than it should be: ``rotate`` degrees clockwise."""

    pupil: str
    sheet: int
    """1-based."""
    side: Side
    rotate: int


@dataclass(frozen=True)
class FilePlan:
    """One PDF, as the copier made it."""

    name: str
    copies: tuple[CopyPlan, ...]


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the bytes drawn, together with the fonts installed.

    ``roster`` and ``scheme`` are resolved paths; ``roster`` is ``None`` when the
    names come from crops.
    """

    name: str
    seed: int
    roster: Path | None
    scheme: Path
    dpi: int
    jpeg_quality: int
    show_through: float
    """Share of the other side's ink seen through the paper."""
    absent: tuple[str, ...]
    strangers: tuple[Pupil, ...]
    faults: tuple[Fault, ...]
    handwriting: HandwritingChoice
    files: tuple[FilePlan, ...]
    cast: tuple[str, ...]
    """Keys of everybody named in the recipe as written; ``only`` does not shorten it."""

    @property
    def copies(self) -> tuple[CopyPlan, ...]:
        """All copies in scan order."""
        return tuple(copy for file in self.files for copy in file.copies)

    @property
    def sheets(self) -> int:
        """How many sheets are drawn; twice as many images."""
        return sum(copy.sheets for copy in self.copies)

    def only(self, *, pupils: int) -> Recipe:
        """The same recipe with its first ``pupils`` writers; their pages stay what they were."""
        files: list[FilePlan] = []
        for file in self.files:
            left = pupils - sum(len(kept.copies) for kept in files)
            if left > 0:
                files.append(replace(file, copies=file.copies[:left]))
        kept_keys = {copy.pupil for file in files for copy in file.copies}
        faults = tuple(fault for fault in self.faults if fault.pupil in kept_keys)
        return replace(self, files=tuple(files), faults=faults)

    def rotated(self, pupil: str, *, sheet: int, rotate: int) -> Recipe:
        """The same recipe with both sides of one sheet turned ``rotate`` degrees clockwise."""
        faults = tuple(Fault(pupil, sheet, side, rotate) for side in SIDES)
        return replace(self, faults=(*self.faults, *faults))

    def turn(self, pupil: str, sheet: int, side: Side) -> int:
        """Degrees clockwise by which that image was turned when fed."""
        turns = (
            fault.rotate
            for fault in self.faults
            if (fault.pupil, fault.sheet, fault.side) == (pupil, sheet, side)
        )
        return sum(turns) % 360


def load(path: Path) -> Recipe:
    """Read a recipe; paths in it are relative to it.

    Raises:
        BadInput: ``demo_recipe_invalid`` with ``file`` and ``reason``.
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        recipe = _recipe(raw, path.parent)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise BadInput("demo_recipe_invalid", file=path.name, reason=str(error)) from error
    _check(recipe, path)
    return recipe


def _recipe(raw: Mapping[str, Any], folder: Path) -> Recipe:
    handwriting = raw["handwriting"]
    writers = {copy["pupil"] for file in raw["files"] for copy in file["copies"]}
    return Recipe(
        name=raw["name"],
        seed=int(raw["seed"]),
        roster=folder / raw["roster"] if "roster" in raw else None,
        scheme=folder / raw["scheme"],
        dpi=int(raw["dpi"]),
        jpeg_quality=int(raw["jpeg_quality"]),
        show_through=float(raw["show_through"]),
        absent=tuple(raw["absent"]),
        strangers=tuple(_stranger(item) for item in raw["strangers"]),
        faults=tuple(fault for item in raw["faults"] for fault in _faults(item)),
        handwriting=HandwritingChoice(
            kind=handwriting["kind"],
            fonts=tuple(FontChoice(**font) for font in handwriting["fonts"]),
            fewest=int(handwriting["fewest"]),
        ),
        files=tuple(
            FilePlan(file["name"], tuple(CopyPlan(**copy) for copy in file["copies"]))
            for file in raw["files"]
        ),
        cast=tuple(sorted(writers | set(raw["absent"]) | {item["key"] for item in raw["strangers"]})),
    )


def _stranger(item: Mapping[str, str]) -> Pupil:
    return Pupil(
        item["key"],
        item.get("surname", ""),
        item.get("first_name", ""),
        item.get("birth_date", ""),
        item.get("class", ""),
    )


def _faults(item: Mapping[str, Any]) -> list[Fault]:
    """A fault without a side concerns both."""
    sides: tuple[Side, ...] = (item["side"],) if "side" in item else SIDES
    return [Fault(item["pupil"], int(item["sheet"]), side, int(item["rotate"])) for side in sides]


def _check(recipe: Recipe, path: Path) -> None:
    for copy in recipe.copies:
        if copy.paper not in PAPERS or copy.sheets < 1:
            raise BadInput("demo_recipe_invalid", file=path.name, reason=f"{copy}")
    for fault in recipe.faults:
        if fault.rotate not in TURNS or fault.side not in SIDES:
            raise BadInput("demo_recipe_invalid", file=path.name, reason=f"{fault}")
    if (recipe.roster is None) != (recipe.handwriting.kind == "crops"):
        raise BadInput(
            "demo_recipe_invalid", file=path.name, reason="a roster goes with fonts, none with crops"
        )
