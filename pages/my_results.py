"""Mes résultats: the pupil's published copies, the mark first."""

from __future__ import annotations

import streamlit as st

from core.domain.access import Role
from core.i18n import _
from core.services import publication
from core.services.publication import StudentResult
from workbench import guard, navigation
from workbench.resources import sessions
from workbench.widgets import empty, title
from workbench.widgets.copy_pages import pdf_link
from workbench.widgets.result_sheet import item_sheet, mark_sheet


def page() -> None:
    """Draw each published copy."""
    actor = guard.require(Role.STUDENT)
    found = publication.my_results(sessions(), actor)
    with st.container(key="student_sheet"):
        title(_("Mes résultats"))
        if not found:
            empty(
                _("Aucune copie publiée pour l'instant."),
                _("Vos notes s'afficheront ici dès leur publication."),
            )
        for result in found:
            _draw(result)


def _draw(result: StudentResult) -> None:
    with st.container(key=f"result_{result.code}"):
        st.html(mark_sheet(result))
        with st.container(horizontal=True, vertical_alignment="center", key=f"links_{result.code}"):
            navigation.link("my_copy", _("Voir ma copie"), query={"copie": result.code})
            pdf_link(_("Copie corrigée (PDF)"), result.code)
        with st.expander(_("Le détail par question"), key=f"items_{result.code}"):
            st.html(item_sheet(result))


if __name__ == "__main__":
    page()
