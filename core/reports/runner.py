"""Run the SQL files in a DuckDB of their own, in memory and cut off from files and network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from core.reports import catalogue
from core.reports.dictionary import TABLES

Value = int | float | str | bool | None


@dataclass(frozen=True)
class ReportTable:
    """The rows of a report. Figures that are not defined are ``None``, shown « n.c. »."""

    name: str
    title: str
    grain: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]

    def records(self) -> list[dict[str, Value]]:
        """Each row as a dictionary."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def column(self, name: str) -> tuple[Value, ...]:
        """The values of one column, in the order of the rows."""
        place = self.columns.index(name)
        return tuple(row[place] for row in self.rows)


@contextmanager
def opened_snapshot(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection on the tables of a snapshot folder.

    The Parquet files are copied into memory rather than allowed as paths: a
    path that DuckDB may read, its ``COPY`` may also overwrite.
    """
    with _connection() as connection:
        for table in TABLES:
            connection.execute(
                f"create table snapshot.{table.name} as select * from read_parquet($path)",  # noqa: S608 - our names
                {"path": str(folder / f"{table.name}.parquet")},
            )
        _lock(connection)
        yield connection


@contextmanager
def opened_tables(tables: Mapping[str, pa.Table]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection on Arrow tables that have the names and columns of a snapshot."""
    with _connection() as connection:
        for table in TABLES:
            connection.register("incoming", tables[table.name])
            connection.execute(f"create table snapshot.{table.name} as select * from incoming")  # noqa: S608
            connection.unregister("incoming")
        _lock(connection)
        yield connection


def run(connection: duckdb.DuckDBPyConnection, name: str, **parameters: Any) -> ReportTable:
    """The rows of one report.

    Args:
        connection: From :func:`opened_snapshot` or :func:`opened_tables`.
        name: Of the report.
        **parameters: One for each ``$parameter`` of its header.

    Raises:
        BadInput: ``report_unknown``.
    """
    query = catalogue.find(name)
    result = connection.execute(query.sql, {key: parameters[key] for key in query.params})
    columns = tuple(str(column[0]) for column in result.description or ())
    return ReportTable(name, query.title, query.grain, columns, tuple(result.fetchall()))


def actual_columns(connection: duckdb.DuckDBPyConnection, query: catalogue.Query) -> list[tuple[str, str]]:
    """Names and types, in lower case, of what a SQL file really gives."""
    sql = query.sql
    for parameter in query.params:
        sql = sql.replace(f"${parameter}", "0")
    rows = connection.execute(f"describe {sql}").fetchall()
    return [(str(row[0]), str(row[1]).lower()) for row in rows]


@contextmanager
def _connection() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(":memory:")
    try:
        # Otherwise a large sort would write its spill beside whatever folder the program was started in.
        connection.execute("set temp_directory = ''")
        connection.execute("create schema snapshot")
        yield connection
    finally:
        connection.close()


def _lock(connection: duckdb.DuckDBPyConnection) -> None:
    for query in catalogue.staging().values():
        connection.execute(f"create view {query.name} as {query.sql}")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
