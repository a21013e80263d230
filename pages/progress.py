"""Avancement: where the copies of a paper stand, and the finalisation of what is complete."""

from __future__ import annotations

import streamlit as st

from core.domain.access import Actor, Role
from core.domain.copies import CopyStatus
from core.i18n import _, number, plural
from core.services import allocation, finalisation
from core.services.allocation import CorrectorProgress, Progress
from workbench import guard, navigation
from workbench.messages import showing_errors
from workbench.resources import sessions
from workbench.widgets import Column, as_html, facts, sentence, table
from workbench.widgets.choose_paper import paper_heading
from workbench.widgets.nothing_yet import nothing_yet
from workbench.widgets.work import watch_jobs

WORDS = {
    CopyStatus.STAGED: _("sans identité"),
    CopyStatus.IDENTIFIED: _("à répartir"),
    CopyStatus.READY: _("à corriger"),
    CopyStatus.MARKING: _("en correction"),
    CopyStatus.FINALISING: _("en finalisation"),
    CopyStatus.FAILED: _("à finaliser de nouveau"),
    CopyStatus.FINALISED: _("finalisées"),
    CopyStatus.PUBLISHED: _("publiées"),
}
_DONE = "finalisation_started"


def page() -> None:
    """Show the copies by status and each corrector's paquet; finalise what is complete."""
    actor = guard.require(Role.COORDINATOR, Role.ADMIN)
    paper = paper_heading(actor, _("Avancement"))
    if paper is None:
        return
    with showing_errors():
        progress = allocation.progress(sessions(), actor, paper_id=paper.paper_id)
        if not sum(progress.by_status.values()):
            nothing_yet(
                _("Aucune copie pour l'instant."),
                _("Le secrétariat dépose les scans, puis identifie les copies."),
                opens="scans",
                label=_("Déposer les scans"),
            )
            return
        sentence(_standing(progress))
        facts([(WORDS[status], number(count)) for status, count in progress.by_status.items() if count])
        watch_jobs(actor, paper_id=paper.paper_id)
        _acts(actor, paper.paper_id, progress)
        _paquets(progress.per_corrector)


def _standing(progress: Progress) -> str:
    """One sentence, with what comes next."""
    counts = progress.by_status
    done = counts[CopyStatus.FINALISED] + counts[CopyStatus.PUBLISHED]
    total = sum(counts.values())
    if counts[CopyStatus.PUBLISHED] == total:
        return _("Toutes les copies sont publiées.")
    if done == total:
        return _("Toutes les copies sont finalisées ; reste à les publier.")
    return _("{done} sur {total}.").format(
        done=plural(done, _("copie finalisée"), _("copies finalisées")), total=number(total)
    )


def _acts(actor: Actor, paper_id: int, progress: Progress) -> None:
    complete = _to_finalise(progress)
    with st.container(horizontal=True, vertical_alignment="center", key="progress_acts"):
        if complete and st.button(
            _("Finaliser {copies}").format(
                copies=plural(complete, _("copie complète"), _("copies complètes"))
            ),
            type="primary",
            icon=":material/task_alt:",
            key="finalise",
        ):
            started = finalisation.finalise_paper(sessions(), actor, paper_id=paper_id)
            st.session_state[_DONE] = _started_words(started)
            st.rerun()
        if progress.by_status[CopyStatus.IDENTIFIED] or not progress.per_corrector:
            navigation.link("allocation", _("Répartir les copies"))
        if progress.by_status[CopyStatus.FINALISED]:
            navigation.link("publication", _("Publier"))
    if words := st.session_state.pop(_DONE, None):
        st.success(words, icon=":material/check:")


def _to_finalise(progress: Progress) -> int:
    """Complete copies that are neither finalised nor on their way to it."""
    complete = sum(line.complete - line.finalised for line in progress.per_corrector)
    return max(0, complete - progress.by_status[CopyStatus.FINALISING])


def _started_words(started: finalisation.FinaliseStarted) -> str:
    words = _("{copies} en finalisation ; on peut quitter cette page.").format(
        copies=plural(started.started, _("copie"), _("copies"))
    )
    if started.incomplete:
        words += " " + _("{n} à compléter par leurs correcteurs : {codes}.").format(
            n=plural(len(started.incomplete), _("copie reste"), _("copies restent")),
            codes=", ".join(started.incomplete),
        )
    return words


def _paquets(lines: list[CorrectorProgress]) -> None:
    if not lines:
        return
    table(
        [
            Column(_("Correcteur")),
            Column(_("Avancement"), markup=True),
            Column(_("Confiées"), numeric=True),
            Column(_("Complètes"), numeric=True),
            Column(_("Finalisées"), numeric=True),
        ],
        [
            (
                line.display_name,
                _bar(line.complete, line.allocated),
                number(line.allocated),
                number(line.complete),
                number(line.finalised),
            )
            for line in lines
        ],
    )


def _bar(done: int, total: int) -> str:
    words = as_html(_("{done} sur {total}").format(done=number(done), total=number(total)))
    share = done / total if total else 0.0
    return (
        f'<span class="k-bar" role="img" aria-label="{words}"><span style="width: {share:.0%}"></span></span>'
    )


if __name__ == "__main__":
    page()
