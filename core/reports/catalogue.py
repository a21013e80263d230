"""The SQL files and what their headers say: title, grain, params, reads, columns, excludes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from core.errors import BadInput

SQL = Path(__file__).parent / "sql"
_LINE = re.compile(r"-- (title|grain|params|reads|columns|excludes):\s*(.*)")
_COLUMN = re.compile(r"--   (\w+)\s+(\w+)\s+(\S.*)")
_PARAMETER = re.compile(r"\$(\w+)")


@dataclass(frozen=True)
class Column:
    """A column of a report: its DuckDB type in lower case, and what it means."""

    name: str
    type: str
    meaning: str


@dataclass(frozen=True)
class Query:
    """One SQL file: what it gives and out of what."""

    name: str
    title: str
    grain: str
    params: tuple[str, ...]
    reads: tuple[str, ...]
    columns: tuple[Column, ...]
    excludes: str
    sql: str


@cache
def reports() -> Mapping[str, Query]:
    """The reports by name, in alphabetical order."""
    return _folder("reports")


@cache
def staging() -> Mapping[str, Query]:
    """The staging queries by name: the only tables that reports read."""
    return _folder("staging")


def find(name: str) -> Query:
    """A report by its name.

    Raises:
        BadInput: ``report_unknown``, with the names there are.
    """
    try:
        return reports()[name]
    except KeyError:
        raise BadInput("report_unknown", name=name, known=tuple(reports())) from None


def parse(name: str, sql: str) -> Query:
    """Read the header of a SQL file.

    Raises:
        ValueError: A part of the header is missing.
    """
    said: dict[str, str] = {}
    columns: list[Column] = []
    for line in sql.splitlines():
        if not line.startswith("--"):
            break
        if match := _LINE.match(line):
            said[match[1]] = match[2].strip()
        elif "columns" in said and "excludes" not in said and (match := _COLUMN.match(line)):
            columns.append(Column(match[1], match[2], match[3].strip()))
    missing = {"title", "grain", "params", "reads", "columns", "excludes"} - said.keys()
    if missing or not columns:
        raise ValueError(f"{name}: the header lacks {', '.join(sorted(missing)) or 'its columns'}")
    return Query(
        name=name,
        title=said["title"],
        grain=said["grain"],
        params=tuple(_PARAMETER.findall(said["params"])),
        reads=tuple(part.strip() for part in said["reads"].split(",")),
        columns=tuple(columns),
        excludes=said["excludes"],
        sql=sql,
    )


def _folder(name: str) -> dict[str, Query]:
    return {
        path.stem: parse(path.stem, path.read_text("utf-8")) for path in sorted((SQL / name).glob("*.sql"))
    }
