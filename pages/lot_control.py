"""Contrôle du lot: what was found on each sheet, the doubtful first, before anybody is identified."""

from __future__ import annotations

import streamlit as st

from core.domain.access import Role
from core.i18n import _
from workbench import guard, navigation
from workbench.components.workshop import workshop
from workbench.widgets.choose_paper import paper_heading

_LEADS_TO = frozenset({"identify", "workshop", "scans"})


def page() -> None:
    """Draw the lots of a paper; ``?lot=`` names the one shown first."""
    who = guard.signed_in(Role.SECRETARIAT, Role.ADMIN)
    paper = paper_heading(who.actor, _("Contrôle du lot"), newest=True)
    if paper is None:
        return
    lot = st.query_params.get("lot", "")
    opened = workshop(
        "control",
        paper_id=paper.paper_id,
        csrf_token=who.csrf_token,
        lot_id=int(lot) if lot.isdecimal() else None,
    )
    if opened is not None and opened.page in _LEADS_TO:
        navigation.open_page(opened.page, opened.query)


if __name__ == "__main__":
    page()
