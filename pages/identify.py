"""Identifier une à une: one header crop beside the ranked candidates."""

from __future__ import annotations

import streamlit as st

from core.domain.access import Role
from core.i18n import _, plural
from core.services import identification
from workbench import guard
from workbench.components.identification_desk import identification_desk
from workbench.messages import showing_errors
from workbench.resources import sessions
from workbench.widgets.choose_paper import paper_heading


def page() -> None:
    """Draw the desk of a paper; what is sure can be accepted in one press."""
    who = guard.signed_in(Role.SECRETARIAT)
    paper = paper_heading(who.actor, _("Identifier une à une"), newest=True)
    if paper is None:
        return
    desk = identification.desk(sessions(), who.actor, paper_id=paper.paper_id)
    if not desk.tasks:
        st.info(_("Aucune copie à identifier : déposez d'abord les scans de cette épreuve."))
        return
    sure = sum(task.proposal == "automatic" and task.decided is None for task in desk.tasks)
    if sure and st.button(
        _("Accepter {sure}").format(sure=plural(sure, _("proposition sûre"), _("propositions sûres"))),
        key="accept_sure",
        icon=":material/done_all:",
    ):
        with showing_errors():
            identification.accept_automatic(sessions(), who.actor, paper_id=paper.paper_id)
            st.rerun()
    identification_desk(desk, paper_id=paper.paper_id, csrf_token=who.csrf_token)


if __name__ == "__main__":
    page()
