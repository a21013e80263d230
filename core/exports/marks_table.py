"""Marks by item, one row per copy: CSV for programs, XLSX for people."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import xlsxwriter

from core.domain.marking import Mark, MarkState
from core.exports.cells import harmless, one_line

UNTREATED, NEUTRALISED = "NT", "N"
"""What stands in the cell of an item that bears no mark: non traité, neutralisé."""

_COLUMN_WIDTHS = (10, 22, 16, 12, 10, 12)
_XLSX_HEADINGS = ("Code", "Nom", "Prénom", "Né(e) le", "Classe", "Statut")
_XLSX_STATUS = {"finalised": "finalisée", "published": "publiée"}
_CSV_COLUMNS = ("code", "surname", "first_name", "birth_date", "class", "status")


@dataclass(frozen=True)
class CopyMarks:
    """A copy's marks by item code, with its raw total and its final mark."""

    code: str
    surname: str
    first_name: str
    birth_date: date | None
    class_name: str
    status: str
    marks: Mapping[str, Mark]
    total: Decimal
    final_mark: Decimal


def marks_csv(items: Sequence[str], copies: Sequence[CopyMarks]) -> bytes:
    """The contract of cli.md: UTF-8, ``,``, header; decimal points, ISO dates.

    Args:
        items: Codes of the items in the order of the paper.
        copies: Rows in the order wanted; an item that the copy's variant lacks stays empty.
    """
    target = io.StringIO(newline="")
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow([*_CSV_COLUMNS, *(harmless(item) for item in items), "total", "final_mark"])
    for copy in copies:
        writer.writerow(
            [
                copy.code,
                harmless(one_line(copy.surname)),
                harmless(one_line(copy.first_name)),
                copy.birth_date.isoformat() if copy.birth_date else "",
                harmless(one_line(copy.class_name)),
                copy.status,
                *(_cell(copy.marks.get(item)) for item in items),
                f"{copy.total:f}",
                f"{copy.final_mark:f}",
            ]
        )
    return target.getvalue().encode("utf-8")


def marks_xlsx(items: Sequence[str], copies: Sequence[CopyMarks], *, title: str) -> bytes:
    """A workbook of one sheet: numbers are numbers; texts are written as strings, never as formulas or links.

    Args:
        items: Codes of the items in the order of the paper.
        copies: Rows in the order wanted.
        title: Name of the paper, for the sheet's tab.
    """
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        sheet = book.add_worksheet(_tab(title))
        heading = book.add_format({"bold": True, "bottom": 1})
        day, points = book.add_format({"num_format": "dd/mm/yyyy"}), book.add_format({"num_format": "0.00"})
        for column, text in enumerate((*_XLSX_HEADINGS, *items, "Total", "Note")):
            sheet.write_string(0, column, text, heading)
        for row, copy in enumerate(copies, 1):
            _write_row(sheet, row, items, copy, day, points)
        for column, width in enumerate(_COLUMN_WIDTHS):
            sheet.set_column(column, column, width)
        sheet.freeze_panes(1, 3)
        sheet.autofilter(0, 0, max(1, len(copies)), len(_XLSX_HEADINGS) + len(items) + 1)
    return target.getvalue()


def _write_row(sheet: Any, row: int, items: Sequence[str], copy: CopyMarks, day: Any, points: Any) -> None:
    status = _XLSX_STATUS.get(copy.status, copy.status)
    names = (copy.code, one_line(copy.surname), one_line(copy.first_name))
    for column, text in enumerate(names):
        sheet.write_string(row, column, text)
    if copy.birth_date is not None:
        sheet.write_datetime(row, 3, copy.birth_date, day)
    sheet.write_string(row, 4, one_line(copy.class_name))
    sheet.write_string(row, 5, status)
    start = len(_XLSX_HEADINGS)
    for column, item in enumerate(items, start):
        mark = copy.marks.get(item)
        if mark is not None and mark.points is not None:
            sheet.write_number(row, column, float(mark.points), points)
        elif mark is not None:
            sheet.write_string(row, column, _cell(mark))
    sheet.write_number(row, start + len(items), float(copy.total), points)
    sheet.write_number(row, start + len(items) + 1, float(copy.final_mark), points)


def _cell(mark: Mark | None) -> str:
    if mark is None:
        return ""
    if mark.points is not None:
        return f"{mark.points:f}"
    return UNTREATED if mark.state is MarkState.UNTREATED else NEUTRALISED


def _tab(title: str) -> str:
    """A tab may not hold some signs, nor begin or end with an apostrophe, nor pass 31 characters."""
    bare = "".join(" " if sign in "[]:*?/\\" else sign for sign in one_line(title))
    return bare.strip("' ")[:31].rstrip("' ") or "Notes"
