"""Tables that do not come from the database, in the shape of a snapshot: a marks file of any test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa

from core.errors import BadInput
from core.reports import dictionary

PAPER_ID = 1
"""The one paper of an outside table."""

_FINEST_DECIMALS = 9
_VARIANT_ID = 1


@dataclass(frozen=True)
class Grid:
    """One row per copy, one column per item; ``None`` is a missing cell.

    ``marks`` has ``len(copies)`` rows of ``len(items)`` marks. ``points`` are
    the maxima of the items in the same order.
    """

    copies: Sequence[str]
    items: Sequence[str]
    points: Sequence[Decimal]
    marks: Sequence[Sequence[Decimal | None]]
    classes: Mapping[str, str] | None = None
    correctors: Mapping[str, str] | None = None
    missing_is_untreated: bool = False
    name: str = ""


def tables_of(grid: Grid) -> dict[str, pa.Table]:
    """The tables of a snapshot that holds only this grid.

    Marks stay exact integers whatever their decimals: the unit is chosen so
    that all of them are whole. A copy with a missing cell has neither total nor
    final mark.

    Raises:
        BadInput: ``marks_too_fine``: more than nine decimals. ``mark_negative`` or
            ``mark_above_maximum``, with copy and item.
    """
    _check(grid)
    unit = _unit(grid)
    rows: dict[str, dict[str, list[Any]]] = {
        table.name: {field.name: [] for field in table.fields if not field.identifying}
        for table in dictionary.TABLES
    }
    scale = _units(sum(grid.points, Decimal(0)), unit)
    _add(rows["variant"], variant_id=_VARIANT_ID, paper_id=PAPER_ID, code="A")
    _add(
        rows["paper"],
        paper_id=PAPER_ID,
        session="",
        name=grid.name,
        sat_on=None,
        units_per_point=unit,
        total_units=scale,
        scale_units=scale,
        coefficient_hundredths=100,
    )
    for position, (code, points) in enumerate(zip(grid.items, grid.points, strict=True)):
        _add(
            rows["item"],
            item_id=position,
            paper_id=PAPER_ID,
            variant_id=_VARIANT_ID,
            position=position,
            code=code,
            label=code,
            exercise=code.split(".", 1)[0],
            competence="",
            bonus=False,
            points_units=_units(points, unit),
        )
    for number, (copy, marks) in enumerate(zip(grid.copies, grid.marks, strict=True)):
        _add_copy(rows, grid, number, copy, marks, unit)
    return {
        table.name: pa.table(rows[table.name], table.schema(identified=False)) for table in dictionary.TABLES
    }


def _add_copy(
    rows: dict[str, dict[str, list[Any]]],
    grid: Grid,
    number: int,
    copy: str,
    marks: Sequence[Decimal | None],
    unit: int,
) -> None:
    given = [(item, mark) for item, mark in enumerate(marks) if mark is not None]
    blank = [item for item, mark in enumerate(marks) if mark is None] if grid.missing_is_untreated else []
    items = len(given) + len(blank)
    whole = items == len(grid.items)
    total = sum(_units(mark, unit) for _, mark in given) if whole else None
    _add(
        rows["copy"],
        copy_id=number,
        paper_id=PAPER_ID,
        variant_id=_VARIANT_ID,
        candidate_id=None,
        class_name=(grid.classes or {}).get(copy, ""),
        corrector=(grid.correctors or {}).get(copy),
        status="finalised",
        pages=0,
        is_finished=True,
        is_marked=whole,
        items=items,
        is_whole=whole,
        total_units=total,
        mark_units=total,
    )
    for item, mark in given:
        _add(rows["mark"], copy_id=number, item_id=item, state="marked", points_units=_units(mark, unit))
    for item in blank:
        _add(rows["mark"], copy_id=number, item_id=item, state="untreated", points_units=None)


def _check(grid: Grid) -> None:
    for copy, marks in zip(grid.copies, grid.marks, strict=True):
        for item, maximum, mark in zip(grid.items, grid.points, marks, strict=True):
            if mark is not None and mark < 0:
                raise BadInput("mark_negative", copy=copy, item=item, mark=mark)
            if mark is not None and mark > maximum:
                raise BadInput("mark_above_maximum", copy=copy, item=item, mark=mark, maximum=maximum)


def _unit(grid: Grid) -> int:
    """The smallest power of ten, at least 100, that makes every mark and maximum whole."""
    values = {*grid.points, *(mark for marks in grid.marks for mark in marks if mark is not None)}
    decimals = max((-int(value.normalize().as_tuple().exponent) for value in values), default=0)
    if decimals > _FINEST_DECIMALS:
        raise BadInput("marks_too_fine", decimals=decimals, limit=_FINEST_DECIMALS)
    return int(10 ** max(2, decimals))


def _units(value: Decimal, unit: int) -> int:
    return int(value * unit)


def _add(columns: dict[str, list[Any]], **values: Any) -> None:
    for name, value in values.items():
        columns[name].append(value)
