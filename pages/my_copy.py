"""Ma copie: the pages as the pupil wrote them, and the marked PDF."""

from __future__ import annotations

import streamlit as st

from core.domain.access import Role
from core.i18n import _, number, plural, points
from core.services import publication
from core.services.publication import StudentResult
from workbench import guard, navigation
from workbench.resources import sessions
from workbench.widgets import empty, title
from workbench.widgets.copy_pages import copy_pages, pdf_link


def page() -> None:
    """Draw the copy named in the address, the latest when none is."""
    actor = guard.require(Role.STUDENT)
    found = {result.code: result for result in publication.my_results(sessions(), actor)}
    with st.container(key="student_sheet"):
        if not found:
            title(_("Ma copie"))
            empty(_("Aucune copie publiée pour l'instant."), _("Elle s'affichera ici dès sa publication."))
            return
        asked = st.query_params.get("copie", next(iter(found)))
        if asked not in found:
            title(_("Ma copie"))
            empty(
                _("Cette copie n'est pas à vous, ou n'est plus publiée."),
                _("Vos copies sont dans vos résultats."),
            )
            navigation.link("my_results", _("Mes résultats"))
            return
        _draw(found[asked], list(found.values()))


def _draw(result: StudentResult, all_mine: list[StudentResult]) -> None:
    title(
        result.paper_name,
        _("{mark} / {scale} · {pages}").format(
            mark=number(result.final_mark, 2),
            scale=points(result.scale),
            pages=plural(result.pages, _("page"), _("pages")),
        ),
    )
    with st.container(horizontal=True, vertical_alignment="center", key="copy_links"):
        pdf_link(_("Copie corrigée (PDF)"), result.code)
        navigation.link("my_results", _("Notes et remarques"))
    copy_pages(result.code, result.pages)
    for other in all_mine:
        if other is not result:
            navigation.link("my_copy", other.paper_name, query={"copie": other.code})


if __name__ == "__main__":
    page()
