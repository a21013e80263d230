"""A chart with what goes with it: its sentence, its data, and the file of them."""

from __future__ import annotations

import re

import streamlit as st

from core.i18n import _
from core.reports.figures import Figure, Table
from workbench.charts import CONFIG, draw
from workbench.components.save_table import save_table
from workbench.widgets.tables import Column, table
from workbench.widgets.text import as_html

_STARTS_AS_NUMBER = re.compile(r"[−±<-]?\s*\d")
_CLEAR = "rgba(0, 0, 0, 0)"
"""On a page the sheet of paper is the page itself."""


def chart(figure: Figure, *, file_name: str) -> None:
    """Draw a figure in the colours of the reader's theme, then its sentence and its data."""
    theme = "dark" if st.context.theme.type == "dark" else "light"
    drawn = draw(figure, theme=theme).update_layout(paper_bgcolor=_CLEAR, plot_bgcolor=_CLEAR)
    st.plotly_chart(drawn, theme=None, config=CONFIG, key=f"chart_{figure.code}", alt=figure.text)
    st.html(f'<p class="k-caption">{as_html(figure.text)}</p>')
    with st.expander(_("Données"), key=f"data_{figure.code}", type="compact"):
        data(figure.table, file_name=f"{file_name}-{figure.code}.csv", key=figure.code)


def data(shown: Table, *, file_name: str, key: str) -> None:
    """A table of figures as text, numbers at the right, and the way to save it."""
    columns = [
        Column(head, numeric=_is_numeric([row[place] for row in shown.rows]))
        for place, head in enumerate(shown.columns)
    ]
    table(columns, shown.rows)
    save_table(shown.columns, shown.rows, file_name=file_name, key=f"save_{key}")


def _is_numeric(cells: list[str]) -> bool:
    """Whether what a column shows begins with numbers, undefined values aside."""
    known = [cell for cell in cells if cell not in ("", "n.c.", "masqué")]
    return bool(known) and all(_STARTS_AS_NUMBER.match(cell) for cell in known)
