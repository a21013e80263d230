"""Mes copies à corriger: the corrector's paquet, paper by paper."""

from __future__ import annotations

from itertools import groupby

import streamlit as st

from core.domain.access import Role
from core.domain.copies import CopyStatus
from core.i18n import _, number, plural
from core.services import finalisation, marking
from core.services.marking import MyCopy
from workbench import guard, navigation
from workbench.messages import showing_errors
from workbench.resources import sessions

STATES = {
    CopyStatus.READY: _("○ à corriger"),
    CopyStatus.MARKING: _("◐ en cours"),
    CopyStatus.FINALISING: _("◐ finalisation en cours"),
    CopyStatus.FAILED: _("✖ finalisation à refaire"),
    CopyStatus.FINALISED: _("✔ finalisée"),
    CopyStatus.PUBLISHED: _("✔ publiée"),
}


def page() -> None:
    """List the copies of the corrector and open the first that waits."""
    actor = guard.require(Role.CORRECTOR)
    st.title(_("Mes copies à corriger"))
    found = marking.my_copies(sessions(), actor)
    if not found:
        st.info(_("Aucune copie ne vous est confiée pour l'instant."))
        return
    for paper_name, group in groupby(found, key=lambda copy: copy.paper_name):
        _paquet(paper_name, list(group))


def _paquet(paper_name: str, copies: list[MyCopy]) -> None:
    st.subheader(paper_name)
    done = sum(copy.completed for copy in copies)
    left, right = st.columns([3, 2], vertical_alignment="center")
    left.progress(done / len(copies), text=f"{done} / {plural(len(copies), _('copie'), _('copies'))}")
    waiting = next((copy for copy in copies if not copy.completed), None)
    if waiting is not None and right.button(
        _("Ouvrir la prochaine copie"),
        type="primary",
        icon=":material/edit_note:",
        key=f"next_{waiting.code}",
    ):
        navigation.open_page("marking", {"copie": waiting.code})
    ready = [
        copy for copy in copies if copy.completed and copy.status in (CopyStatus.READY, CopyStatus.MARKING)
    ]
    failed = [copy for copy in copies if copy.status is CopyStatus.FAILED]
    if (ready or failed) and right.button(
        _("Finaliser mes copies complètes ({n})").format(n=len(ready) + len(failed)),
        icon=":material/task_alt:",
        key=f"finalise_{copies[0].paper_id}",
    ):
        _finalise([*ready, *failed])
    _table(copies)


def _finalise(copies: list[MyCopy]) -> None:
    actor = guard.require(Role.CORRECTOR)
    with showing_errors():
        for copy in copies:
            finalisation.finalise_copy(sessions(), actor, code=copy.code)
        st.toast(_("Les copies passent en finalisation : leurs PDF se font en arrière-plan."))
        st.rerun()


def _table(copies: list[MyCopy]) -> None:
    chosen = st.dataframe(
        {
            _("Copie"): [copy.code for copy in copies],
            _("État"): [STATES.get(copy.status, copy.status.value) for copy in copies],
            _("Pages"): [copy.pages for copy in copies],
            _("Questions notées"): [f"{copy.marked_items} / {copy.items}" for copy in copies],
            _("Total provisoire"): [number(copy.total, 2) for copy in copies],
        },
        hide_index=True,
        width="stretch",
        on_select="rerun",
        selection_mode="single-row",
        key=f"table_{copies[0].paper_id}",
    )
    if chosen.selection.rows:
        navigation.open_page("marking", {"copie": copies[chosen.selection.rows[0]].code})


if __name__ == "__main__":
    page()
