"""Columns of an imported table, recognised by their header: any order, any case, any accents."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from core.domain.names import fold
from core.errors import WorkbenchError

Row = tuple[int, Mapping[str, str]]
"""A line number in the file, and the cells by header."""

_DAY_FIRST = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})\Z")
_YEAR_FIRST = re.compile(r"(\d{4})[/-](\d{1,2})[/-](\d{1,2})(?:[T ]00:00(?::00)?)?\Z")
_YEARS = range(1900, 2100)


@dataclass(frozen=True)
class LineProblem:
    """A line that was not taken, or needs a look, and why."""

    line: int
    reason: WorkbenchError


def recognise(headers: Sequence[str], synonyms: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Which header bears each field.

    ``synonyms`` gives folded headers by field, the most telling first: a file with
    both « Item » and « Question » has its codes in the first. A header serves one
    field, fields in the order of ``synonyms``.
    """
    by_fold: dict[str, str] = {}
    for header in headers:
        by_fold.setdefault(fold(header), header)
    mapping: dict[str, str] = {}
    for field, names in synonyms.items():
        found = next((by_fold[name] for name in names if name in by_fold), None)
        if found is not None and found not in mapping.values():
            mapping[field] = found
    return mapping


def cell(row: Mapping[str, str], mapping: Mapping[str, str], field: str) -> str:
    """The text of a field, empty when the file has no such column."""
    return row.get(mapping[field], "").strip() if field in mapping else ""


def parse_date(text: str) -> date | None:
    """A date as JJ/MM/AAAA, JJ-MM-AAAA, JJ.MM.AAAA or AAAA-MM-JJ; ``None`` when it is not one.

    Two-digit years are refused rather than guessed.
    """
    day_first, year_first = _DAY_FIRST.match(text), _YEAR_FIRST.match(text)
    if day_first:
        day, month, year = (int(part) for part in day_first.groups())
    elif year_first:
        year, month, day = (int(part) for part in year_first.groups())
    else:
        return None
    if year not in _YEARS:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None
