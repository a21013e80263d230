"""The frame of a page: its sheet of styles, the title line, and what stands where there is nothing yet."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import streamlit as st

from core.i18n import _
from workbench.widgets.text import as_html

# A file of ours: Streamlit fetches the icons it knows by name from fonts.gstatic.com. Given as data: what
# Streamlit would serve below /media/ is open to anybody, so that door is closed.
_ICON = Path(__file__).parent / "icon.svg"


def prepare() -> None:
    """Set the page up; the entry script does it before anything is drawn."""
    st.set_page_config(page_title="Korrigo", page_icon=_icon(), layout="wide")
    st.html(f"<style>{_styles()}</style>")


def title(text: str, beside: str = "") -> None:
    """The title line of a page; ``beside`` stands small at its right (the paper, what is left to do)."""
    st.html(
        f'<header class="k-title"><h1>{as_html(text)}</h1><p class="k-beside">{as_html(beside)}</p></header>'
    )


def sentence(text: str) -> None:
    """The one sentence that says where things stand and what comes next."""
    st.html(f'<p class="k-sentence">{as_html(text)}</p>')


def told(about: str, text: str) -> None:
    """A sentence under the thing it is about, for lists of what waits."""
    st.html(f'<p class="k-about">{as_html(about)}</p><p class="k-sentence">{as_html(text)}</p>')


def empty(text: str, next_step: str = "") -> None:
    """What stands where there is nothing: why, and what to do about it."""
    st.html(
        f'<div class="k-empty"><p class="k-empty-what">{as_html(text)}</p><p>{as_html(next_step)}</p></div>'
    )


def refused() -> None:
    """What stands on a page that is not for who asks."""
    empty(_("Accès refusé."), _("Cette page n'est pas ouverte à votre compte."))


def facts(pairs: Sequence[tuple[str, str]]) -> None:
    """A line of numbers with their words: ``[("half-pages", "176"), …]``."""
    cells = "".join(f"<div><dt>{as_html(word)}</dt><dd>{as_html(value)}</dd></div>" for word, value in pairs)
    st.html(f'<dl class="k-facts">{cells}</dl>')


@cache
def _icon() -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(_ICON.read_bytes()).decode()


@cache
def _styles() -> str:
    return (Path(__file__).parent / "paper.css").read_text(encoding="utf-8")
