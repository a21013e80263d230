"""Tables as text: numbers at the right with tabular figures, the head stays in sight, nothing to install."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import streamlit as st

from workbench.widgets.text import as_html


@dataclass(frozen=True)
class Column:
    """A column; ``numeric`` aligns at the right, ``markup`` takes HTML made by :func:`badge` and the like."""

    head: str
    numeric: bool = False
    markup: bool = False


def table(columns: Sequence[Column], rows: Iterable[Sequence[object]], *, caption: str = "") -> None:
    """Draw a table; values are shown as given, so words and numbers come in French (``core.i18n``)."""
    head = "".join(f'<th scope="col"{_kind(column)}>{as_html(column.head)}</th>' for column in columns)
    body = "".join(
        "<tr>" + "".join(_cell(column, value) for column, value in zip(columns, row, strict=True)) + "</tr>"
        for row in rows
    )
    told = f"<caption>{as_html(caption)}</caption>" if caption else ""
    st.html(
        f'<div class="k-table" tabindex="0"><table>{told}<thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cell(column: Column, value: object) -> str:
    shown = "" if value is None else str(value)
    return f"<td{_kind(column)}>{shown if column.markup else as_html(shown)}</td>"


def _kind(column: Column) -> str:
    return ' class="k-number"' if column.numeric else ""
