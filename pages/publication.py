"""Publication: what pupils would see, what is missing and why, publish and withdraw."""

from __future__ import annotations

import streamlit as st

from core.domain.access import Actor, Role
from core.i18n import _, number, plural
from core.services import publication
from core.services.publication import PublicationPreview
from workbench import guard, navigation
from workbench.messages import showing_errors
from workbench.resources import blobs, sessions
from workbench.widgets import Column, facts, sentence, table
from workbench.widgets.choose_paper import paper_heading
from workbench.widgets.left_out import left_out
from workbench.widgets.nothing_yet import nothing_yet

_DONE = "publication_done"


def page() -> None:
    """Show what is ready, what is not, and do what is asked."""
    actor = guard.require(Role.COORDINATOR)
    paper = paper_heading(actor, _("Publication"))
    if paper is None:
        return
    with showing_errors():
        preview = publication.publication_preview(sessions(), actor, paper_id=paper.paper_id)
        if not (preview.published or preview.ready or preview.missing):
            nothing_yet(
                _("Aucune copie pour l'instant."),
                _("Le secrétariat dépose les scans et identifie les copies."),
                opens="progress",
                label=_("Voir l'avancement"),
            )
            return
        _state(preview)
        _acts(actor, paper.paper_id, preview)
        if done := st.session_state.pop(_DONE, None):
            st.success(done, icon=":material/check:")
        left_out(preview.missing, key="missing")
        _preview(preview)


def _state(preview: PublicationPreview) -> None:
    if preview.ready:
        words = plural(preview.ready, _("copie est prête"), _("copies sont prêtes"))
        sentence(_("{copies} : la publication les montre à leurs élèves, à eux seuls.").format(copies=words))
    elif preview.published and not preview.missing:
        sentence(_("Tout est publié : chaque élève voit sa copie et sa note."))
    elif preview.published:
        sentence(_("Ce qui était prêt est publié ; ce qui reste est listé avec sa raison."))
    else:
        sentence(_("Rien n'est encore prêt : une copie se publie une fois finalisée et identifiée."))
    facts(
        (
            (_("publiées"), number(preview.published)),
            (_("prêtes"), number(preview.ready)),
            (_("laissées de côté"), number(len(preview.missing))),
        )
    )


def _acts(actor: Actor, paper_id: int, preview: PublicationPreview) -> None:
    with st.container(horizontal=True, key="publication_acts"):
        if preview.ready and st.button(
            _("Publier {copies}").format(copies=plural(preview.ready, _("copie"), _("copies"))),
            type="primary",
            icon=":material/publish:",
            key="publish",
        ):
            _publish(actor, paper_id)
        if preview.published and st.button(
            _("Retirer la publication"),
            icon=":material/undo:",
            help=_("Les élèves ne voient plus rien aussitôt ; on peut publier de nouveau."),
            key="withdraw",
        ):
            taken = publication.withdraw(sessions(), actor, paper_id=paper_id).count
            _say(
                _("{copies} : les élèves ne les voient plus. Vous pouvez les publier de nouveau.").format(
                    copies=plural(taken, _("copie retirée"), _("copies retirées"))
                )
            )


def _publish(actor: Actor, paper_id: int) -> None:
    with st.spinner(_("Les PDF des élèves se font, quelques secondes par classe…")):
        done = publication.publish(sessions(), actor, blobs(), paper_id=paper_id)
    _say(plural(done.published, _("copie publiée."), _("copies publiées.")))


def _say(words: str) -> None:
    """Keep a sentence for the next run, which draws the new state above it."""
    st.session_state[_DONE] = words
    st.rerun()


def _preview(preview: PublicationPreview) -> None:
    if preview.copies:
        count = plural(preview.ready, _("copie"), _("copies"))
        with st.expander(_("Ce que verront les élèves : {copies}").format(copies=count), key="ready"):
            st.html(
                f'<p class="k-caption">{_("Chacun voit sa copie, ses points par question, les remarques, l’appréciation et cette note.")}</p>'
            )
            table(
                [
                    Column(_("Copie")),
                    Column(_("Note sur {scale}").format(scale=number(preview.scale)), numeric=True),
                    Column(_("Copie corrigée"), markup=True),
                ],
                [(copy.code, number(copy.final_mark, 2), _pdf_link(copy.code)) for copy in preview.copies],
            )
    if preview.published:
        navigation.link("exports", _("Exporter les notes"))


def _pdf_link(code: str) -> str:
    """The masked PDF, through our own route; a code is letters, digits and a dash."""
    return f'<a href="/files/copies/{code}/marked.pdf" target="_blank">PDF</a>'


if __name__ == "__main__":
    page()
