"""Tables as people send them: CSV of any make, XLSX, and text PDF, as lines of cells by header."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import PurePath
from xml.etree.ElementTree import ParseError

import openpyxl
import pdfplumber
from openpyxl.utils.exceptions import InvalidFileException
from pdfminer.pdfexceptions import PDFException
from pdfplumber.utils.exceptions import PdfminerException

from core.domain.columns import Row
from core.errors import BadInput

MAX_BYTES = 20 * 1024**2
MAX_UNPACKED_BYTES = 200 * 1024**2
MAX_ROWS = 100_000
MAX_PDF_PAGES = 200
_SEPARATORS = ";,\t"
_SAMPLE_LINES = 200
_INVISIBLE = dict.fromkeys(
    [
        *map(ord, "\ufeff\u200b\u200c\u200d\u2060\u00ad"),
        *(sign for sign in range(32) if not chr(sign).isspace()),
    ]
)

Cells = tuple[int, list[str]]
"""A 1-based line number and its cells."""


@dataclass(frozen=True)
class Table:
    """A table with named columns.

    Attributes:
        headers: In the order of the file, without empty or repeated ones.
        rows: Line number in the file (row of the sheet; running row of the tables of a PDF) and
            cells by header, blank lines left out.
        overfull: Lines with more cells than there are headers, most often an unquoted separator.
    """

    headers: tuple[str, ...]
    rows: tuple[Row, ...]
    overfull: frozenset[int]


def read_table(name: str, content: bytes) -> Table:
    """Read a table out of the bytes of a file called ``name``; what it is shows in the bytes.

    The header is the first line with two cells or more (the first line of all, in a file
    of one column): titles above it are passed over.

    Raises:
        BadInput: ``table_empty``: no line below the header. ``table_unreadable`` with ``format`` (``PDF``…):
            damaged, protected, or of a kind that is not read. ``table_too_large`` with ``limit_mb``.
    """
    if len(content) > MAX_BYTES:
        raise BadInput("table_too_large", file=name, limit_mb=MAX_BYTES // 1024**2)
    lines = [(number, cells) for number, cells in _lines(name, content) if any(cells)]
    wide = any(sum(map(bool, cells)) > 1 for _, cells in lines)
    start = next((i for i, (_, cells) in enumerate(lines) if sum(map(bool, cells)) > wide), None)
    if start is None or start + 1 >= len(lines):
        raise BadInput("table_empty", file=name)
    return _named(lines[start][1], lines[start + 1 :])


def whole_table(name: str, content: bytes) -> Table:
    """A table that is taken whole or not at all.

    Raises:
        BadInput: As :func:`read_table`; ``table_line_overfull`` with ``line`` and ``columns``.
    """
    table = read_table(name, content)
    if table.overfull:
        raise BadInput("table_line_overfull", file=name, line=min(table.overfull), columns=len(table.headers))
    return table


def _named(header_cells: Sequence[str], lines: Sequence[Cells]) -> Table:
    places = {header: place for place, header in reversed(list(enumerate(header_cells))) if header}
    headers = tuple(sorted(places, key=places.__getitem__))
    below = [(number, cells) for number, cells in lines if cells != header_cells]
    return Table(
        headers=headers,
        rows=tuple(
            (
                number,
                {
                    header: cells[place] if (place := places[header]) < len(cells) else ""
                    for header in headers
                },
            )
            for number, cells in below
        ),
        overfull=frozenset(number for number, cells in below if any(cells[len(header_cells) :])),
    )


def _lines(name: str, content: bytes) -> list[Cells]:
    if content.startswith(b"%PDF"):
        found = _pdf_lines(name, content)
    elif content.startswith(b"PK\x03\x04"):
        found = _xlsx_lines(name, content)
    elif content.startswith(b"\xd0\xcf\x11\xe0"):
        raise BadInput("table_unreadable", file=name, format="XLS")
    else:
        found = _csv_lines(_text(name, content))
    lines: list[Cells] = []
    for number, cells in found:
        if len(lines) >= MAX_ROWS:
            raise BadInput("table_too_large", file=name, limit_mb=MAX_BYTES // 1024**2)
        lines.append((number, [_clean(cell) for cell in cells]))
    return lines


def _clean(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text.translate(_INVISIBLE)).split())


# --- CSV


def _text(name: str, content: bytes) -> str:
    """The text of a CSV file: UTF-8 or UTF-16 with or without its mark, else CP1252, else Latin-1."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    elif b"\x00" in content[:2000]:
        # Letters of French text are one byte and a zero in UTF-16: which comes first tells the order.
        encodings = ["utf-16-be" if content[:1] == b"\x00" else "utf-16-le"]
    else:
        encodings = ["utf-8-sig", "cp1252", "latin-1"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not re.search(r"[\x00-\x08\x0e-\x1f]", text):
            return text
    raise BadInput("table_unreadable", file=name, format=PurePath(name).suffix[1:].upper())


def _csv_lines(text: str) -> Iterator[Cells]:
    separator = _separator(text)
    try:
        yield from list(_parsed(text, separator))
    except csv.Error:
        # A quote that is never closed would swallow the rest of the file: each line stands alone then.
        yield from (
            (number, [cell.strip('" ') for cell in cells]) for number, cells in _unquoted(text, separator)
        )


def _parsed(text: str, separator: str) -> Iterator[Cells]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    start = 1
    for cells in reader:
        yield start, cells
        start = reader.line_num + 1


def _unquoted(text: str, separator: str) -> Iterator[Cells]:
    return ((number, line.split(separator)) for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1))


def _separator(text: str) -> str:
    """The separator that cuts most lines into the same number of columns, more columns counting more."""
    sample = "\n".join(re.split(r"\r\n|\r|\n", text)[:_SAMPLE_LINES])

    def regularity(separator: str) -> int:
        try:
            cells = [row for _, row in _parsed(sample, separator)]
        except csv.Error:
            cells = [row for _, row in _unquoted(sample, separator)]
        width, count = Counter(len(row) for row in cells if any(row)).most_common(1)[0] if cells else (1, 0)
        return (width - 1) * count

    return max(_SEPARATORS, key=regularity)


# --- XLSX


def _xlsx_lines(name: str, content: bytes) -> Iterator[Cells]:
    """The rows of the first visible sheet that holds anything."""
    unreadable = BadInput("table_unreadable", file=name, format="XLSX")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED_BYTES:
                raise BadInput("table_too_large", file=name, limit_mb=MAX_BYTES // 1024**2)
        book = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError, InvalidFileException, ParseError, OSError) as error:
        raise unreadable from error
    for sheet in book.worksheets:
        if sheet.sheet_state != "visible":
            continue
        rows = [
            (number, [_cell_text(value) for value in row])
            for number, row in enumerate(sheet.iter_rows(values_only=True), 1)
        ]
        if any(any(cells) for _, cells in rows):
            yield from rows
            return


def _cell_text(value: object) -> str:
    """A cell as a person reads it: dates as AAAA-MM-JJ, whole numbers without a point."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        # Binary noise of spreadsheets (0.30000000000000004) goes; ten decimals stay.
        return f"{value:.10f}".rstrip("0").rstrip(".")
    return str(value)


# --- PDF


def _pdf_lines(name: str, content: bytes) -> Iterator[Cells]:
    """The rows of the tables of a text PDF, numbered through; columns without rules are cut at their gaps."""
    rows: list[list[str]] = []
    try:
        with pdfplumber.open(io.BytesIO(content)) as document:
            if len(document.pages) > MAX_PDF_PAGES:
                raise BadInput("table_too_large", file=name, limit_mb=MAX_BYTES // 1024**2)
            for page in document.pages:
                ruled = page.extract_tables()
                gaps = {"vertical_strategy": "text", "horizontal_strategy": "text"}
                for table in ruled or page.extract_tables(gaps):
                    rows += [[cell or "" for cell in row] for row in table]
                page.close()
    except (PdfminerException, PDFException, ValueError, KeyError, TypeError) as error:
        raise BadInput("table_unreadable", file=name, format="PDF") from error
    if not any(any(row) for row in rows):
        # Words drawn as an image: nothing to read here.
        raise BadInput("table_unreadable", file=name, format="PDF")
    return iter(enumerate(rows, 1))
