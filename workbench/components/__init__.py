"""Our own browser parts: a folder each, plain JavaScript and CSS, no bundler."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

_FOLDER = Path(__file__).parent


def declare(name: str) -> ComponentRenderer:
    """The component of ``components/<name>/``: ``component.js``, and its ``.css`` and ``.html`` if any.

    Called once per component, when its module is imported.
    """
    return st.components.v2.component(
        f"korrigo_{name}",
        html=_text(name, "html"),
        css=_text(name, "css"),
        js=_text(name, "js"),
    )


def _text(name: str, kind: str) -> str | None:
    path = _FOLDER / name / f"component.{kind}"
    return path.read_text(encoding="utf-8") if path.exists() else None
