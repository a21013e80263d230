"""Correction: the page on the left, the marks on the right."""

from __future__ import annotations

import streamlit as st

from core.domain.access import Role
from core.i18n import _
from core.services import finalisation, marking
from workbench import guard, navigation
from workbench.components.marking_desk import marking_desk
from workbench.messages import showing_errors
from workbench.resources import sessions
from workbench.routes.marking import worded


def page() -> None:
    """Open the copy named in the address and draw its desk."""
    who = guard.signed_in(Role.CORRECTOR)
    code = st.query_params.get("copie")
    if not code:
        navigation.open_page("my_copies")
    with showing_errors():
        view = marking.open_copy(sessions(), who.actor, code=str(code))
        left, middle, right = st.columns([5, 2, 2], vertical_alignment="center")
        left.markdown(f"#### {_('Correction')} · {view.paper_name.replace('*', '')}")
        if middle.button(_("Finaliser cette copie"), icon=":material/task_alt:", key="finalise"):
            finalisation.finalise_copy(sessions(), who.actor, code=view.code)
            _next_copy(view.code)
        if right.button(_("Copie suivante"), icon=":material/arrow_forward:", key="next"):
            _next_copy(view.code)
        marking_desk(worded(view), csrf_token=who.csrf_token, owner=who.account_id)


def _next_copy(code: str) -> None:
    """Leave the copy, which gives it back, and open the next one that is not complete."""
    actor = guard.require(Role.CORRECTOR)
    marking.surrender(sessions(), actor, code=code)
    waiting = [
        copy.code for copy in marking.my_copies(sessions(), actor) if not copy.completed and copy.code != code
    ]
    if waiting:
        navigation.open_page("marking", {"copie": waiting[0]})
    navigation.open_page("my_copies")


if __name__ == "__main__":
    page()
