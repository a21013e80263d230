"""The pages of a copy one under the other; a touch on one opens it large, where two fingers zoom."""

from __future__ import annotations

import streamlit as st

from core.i18n import _
from workbench.widgets.text import as_html

# A telephone of 390 points has up to 3 pixels a point; the largest is what the route gives at most.
_SHOWN_PX, _LARGE_PX = 1240, 1700
_A4 = "1240", "1754"
"""Keeps the place of a page that is not loaded yet, so that nothing jumps."""


def copy_pages(code: str, pages: int) -> None:
    """Draw the pages of the pupil's own copy; the route checks whose it is at each page."""
    st.html(f'<div class="k-pages">{"".join(_page(code, page, pages) for page in range(1, pages + 1))}</div>')


def _page(code: str, page: int, pages: int) -> str:
    address = f"/files/mine/{as_html(code)}/pages/{page}.jpg?width="
    words = _("Page {page} sur {pages}").format(page=page, pages=pages)
    width, height = _A4
    return (
        f'<figure id="page-{page}"><figcaption>{words}</figcaption>'
        f'<a href="{address}{_LARGE_PX}" target="_blank" title="{_("Ouvrir en grand")}">'
        f'<img class="k-scan" src="{address}{_SHOWN_PX}" alt="{words}" width="{width}" height="{height}" '
        f'loading="{"eager" if page == 1 else "lazy"}" decoding="async"></a></figure>'
    )


def pdf_link(label: str, code: str) -> None:
    """A link to the marked PDF of the pupil's own copy."""
    st.link_button(label, f"/files/mine/{code}.pdf", type="tertiary", icon=":material/picture_as_pdf:")
