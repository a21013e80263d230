"""The control of a lot and the atelier d'agrafage: one component, so that no key waits for a rerun."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from workbench.components.workshop.words import words

Mode = Literal["control", "workshop"]

_FOLDER = Path(__file__).parent
_SCRIPTS = (
    "model",
    "store",
    "list",
    "draw",
    "viewer",
    "desk",
    "control",
    "control_view",
    "workshop",
    "acts",
    "carry",
    "panel",
    "component",
)
"""In the order they need each other: together they are the one module that the browser loads."""

_render = st.components.v2.component(
    "korrigo_workshop",
    html=(_FOLDER / "component.html").read_text(encoding="utf-8"),
    css=(_FOLDER / "component.css").read_text(encoding="utf-8"),
    js="\n".join((_FOLDER / f"{name}.js").read_text(encoding="utf-8") for name in _SCRIPTS),
)


@dataclass(frozen=True)
class Opened:
    """Where somebody wants to go from here: a page by its name, and the query of its address."""

    page: str
    query: dict[str, str]


def workshop(
    mode: Mode, *, paper_id: int, csrf_token: str, lot_id: int | None = None, sheet: str = ""
) -> Opened | None:
    """Draw one of the two pages; it reads and repairs by ``/scans/<paper>/…`` on its own.

    Args:
        mode: The control of a lot, or the atelier.
        paper_id: The paper whose scans these are.
        csrf_token: Of the connection, for what is sent.
        lot_id: The lot shown first by the control; without one, the first that waits.
        sheet: Key of the sheet the atelier opens at (``"<file>-<sheet>"``).

    Returns:
        The page asked for in this run, if any.
    """
    result = _render(
        key=f"workshop_{mode}_{paper_id}",
        data={
            "mode": mode,
            "paper": paper_id,
            "csrf": csrf_token,
            "lot": lot_id,
            "sheet": sheet,
            "words": words(),
        },
        on_open_change=lambda: None,
    )
    asked: Mapping[str, Any] | None = result.open
    if not asked:
        return None
    query = {str(name): str(value) for name, value in (asked.get("query") or {}).items()}
    return Opened(page=str(asked["page"]), query=query)
