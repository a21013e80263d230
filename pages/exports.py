"""Exports: the marks as files for Pronote and for spreadsheets, and what they leave out."""

from __future__ import annotations

import streamlit as st

from core.domain.access import Role
from core.domain.copies import CopyStatus
from core.i18n import _, plural
from core.services import allocation, publication
from workbench import guard
from workbench.messages import showing_errors
from workbench.resources import sessions
from workbench.widgets import as_html, sentence
from workbench.widgets.choose_paper import paper_heading
from workbench.widgets.left_out import left_out
from workbench.widgets.nothing_yet import nothing_yet

FORMATS = (
    (
        "pronote",
        _("Pronote"),
        _("CSV à importer dans Pronote : une ligne par élève, note finale, appréciation."),
    ),
    ("xlsx", _("Classeur"), _("XLSX : une ligne par copie, une colonne par question, total et note finale.")),
    ("csv", _("Tableau"), _("CSV : les mêmes colonnes que le classeur, pour d'autres logiciels.")),
)
# A file takes finalised copies, published or not; only Pronote also needs to know whose they are.
NOT_IN_FILES = frozenset(
    {"not_released", "not_finalised", "finalising", "finalisation_failed", "nothing_to_mark", "no_identity"}
)


def page() -> None:
    """Offer the files of a paper."""
    actor = guard.require(Role.COORDINATOR)
    paper = paper_heading(actor, _("Exports"))
    if paper is None:
        return
    with showing_errors():
        counts = allocation.progress(sessions(), actor, paper_id=paper.paper_id).by_status
        done = counts[CopyStatus.FINALISED] + counts[CopyStatus.PUBLISHED]
        if not done:
            nothing_yet(
                _("Aucune copie finalisée à exporter."),
                _("Les fichiers ne prennent que les copies finalisées."),
                opens="progress",
                label=_("Voir l'avancement"),
            )
            return
        words = plural(done, _("copie finalisée"), _("copies finalisées"))
        sentence(_("{copies} dans les fichiers, publiées ou non.").format(copies=words))
        _files(paper.paper_id)
        preview = publication.publication_preview(sessions(), actor, paper_id=paper.paper_id)
        missing = [line for line in preview.missing if line.why in NOT_IN_FILES]
        left_out(missing, key="left_out")
        if any(line.why == "no_identity" for line in missing):
            st.caption(_("Une copie sans identité figure dans le classeur et le tableau, sans nom."))


def _files(paper_id: int) -> None:
    lines = "".join(
        f'<li><a href="/files/exports/{paper_id}/{name}" download>{as_html(label)}</a><p>{as_html(what)}</p></li>'
        for name, label, what in FORMATS
    )
    st.html(f'<ul class="k-files">{lines}</ul>')


if __name__ == "__main__":
    page()
