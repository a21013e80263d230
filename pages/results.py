"""Résultats: one sentence, then the charts, then the figures behind them."""

from __future__ import annotations

import re
from itertools import chain

import streamlit as st

from core.domain.access import Role
from core.i18n import _
from core.reports.dashboard import Dashboard
from core.services import results
from workbench import guard
from workbench.messages import showing_errors
from workbench.resources import sessions, settings
from workbench.widgets import State, badge, sentence
from workbench.widgets.charts import chart, data
from workbench.widgets.choose_paper import paper_heading
from workbench.widgets.nothing_yet import nothing_yet

# Two and two side by side: the tall chart of all questions has as much beside it.
TOP = ("mark_distribution", "class_marks")
LEFT, RIGHT = ("item_success",), ("mark_cumulative", "item_quadrants")


def page() -> None:
    """Draw the dashboard of a paper."""
    actor = guard.require(Role.COORDINATOR, Role.ANALYST)
    paper = paper_heading(actor, _("Résultats"))
    if paper is None:
        return
    with showing_errors():
        dashboard = results.results_dashboard(
            sessions(), actor, paper_id=paper.paper_id, home=settings().home
        )
        if dashboard.tables["paper_summary"].records()[0]["marked"]:
            _draw(dashboard, file_name=_file_name(paper.name))
        else:
            nothing_yet(
                _("Aucune copie n'est encore finalisée."),
                _("Les résultats se dessinent dès la première copie finalisée."),
                opens="progress",
                label=_("Voir l'avancement"),
            )


def _draw(dashboard: Dashboard, *, file_name: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="results_sentence"):
        sentence(dashboard.sentence)
        if dashboard.badge:
            st.html(badge(State.CHECK, dashboard.badge), width="content")
    figures = {figure.code: figure for figure in dashboard.figures}
    for left, right in ((TOP[:1], TOP[1:]), (LEFT, RIGHT)):
        for column, codes in zip(st.columns(2, gap="medium"), (left, right), strict=True):
            with column:
                for code in codes:
                    chart(figures[code], file_name=file_name)
    with st.expander(_("Détails"), key="details"):
        data(dashboard.details, file_name=f"{file_name}-details.csv", key="details_data")


def _file_name(paper_name: str) -> str:
    """The paper's name with nothing in it that a file name may not hold."""
    return "-".join(chain(("resultats",), re.findall(r"\w+", paper_name.lower())))


if __name__ == "__main__":
    page()
