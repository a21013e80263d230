"""Atelier: every booklet as a strip of pages, each of which can be put where it belongs."""

from __future__ import annotations

import streamlit as st

from core.domain.access import Role
from core.i18n import _
from workbench import guard, navigation
from workbench.components.workshop import workshop
from workbench.widgets.choose_paper import paper_heading


def page() -> None:
    """Draw the atelier d'agrafage of a paper; ``?feuille=`` names the sheet it opens at."""
    who = guard.signed_in(Role.SECRETARIAT, Role.ADMIN)
    paper = paper_heading(who.actor, _("Atelier d'agrafage"), newest=True)
    if paper is None:
        return
    opened = workshop(
        "workshop",
        paper_id=paper.paper_id,
        csrf_token=who.csrf_token,
        sheet=st.query_params.get("feuille", ""),
    )
    if opened is not None and opened.page == "scans":
        navigation.open_page("scans")


if __name__ == "__main__":
    page()
