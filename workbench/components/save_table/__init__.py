"""A table on the screen as a CSV file: the browser makes the file from what it was sent to show.

Streamlit's own download button would leave the file at an address that answers anybody.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from core.i18n import _
from workbench.components import declare

_render = declare("save_table")

# Spreadsheets would run these as formulas; a leading apostrophe makes them text.
_FORMULA_SIGNS = ("=", "+", "@", "\t", "\r")


def save_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, file_name: str, key: str, label: str = ""
) -> None:
    """Draw the button that saves a table."""
    _render(
        key=key,
        data={
            "text": as_csv(columns, rows),
            "name": file_name,
            "label": label or _("Enregistrer en CSV"),
        },
    )


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The text of the file: ``;`` and CRLF, as spreadsheets in France open it by a double click."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow([_cell(head) for head in columns])
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> str:
    shown = "" if value is None else str(value)
    return f"'{shown}" if shown.startswith(_FORMULA_SIGNS) else shown
