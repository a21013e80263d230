"""An empty place with the page where the next step is done."""

from __future__ import annotations

import streamlit as st

from workbench import navigation
from workbench.widgets.layout import empty


def nothing_yet(text: str, next_step: str, *, opens: str, label: str) -> None:
    """Say why there is nothing, what comes next, and link to it if the person may go there."""
    empty(text, next_step)
    with st.container(horizontal=True, horizontal_alignment="center"):
        navigation.link(opens, label)
