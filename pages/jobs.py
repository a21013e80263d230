"""Travaux en cours: every background job, what it does and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from core.domain.access import Actor, Role
from core.i18n import _, moment, number, plural
from core.services import exams, scans
from core.services import jobs as background
from core.services.scans import JobView
from workbench import guard
from workbench.job_words import KINDS
from workbench.messages import showing_errors
from workbench.resources import sessions
from workbench.sentences import sentence_of
from workbench.widgets import Column, State, badge, empty, sentence, table, title
from workbench.widgets.work import watch_jobs

STATES = {
    "waiting": (State.WAITING, _("en attente")),
    "running": (State.RUNNING, _("en cours")),
    "done": (State.SURE, _("fini")),
    "failed": (State.STOP, _("échoué")),
    "cancelled": (State.CHECK, _("interrompu")),
}


def page() -> None:
    """What runs now with its progress, then all jobs, the latest first."""
    actor = guard.require(Role.SECRETARIAT, Role.ADMIN)
    title(_("Travaux en cours"))
    found = scans.jobs(sessions(), actor)
    if not found:
        empty(
            _("Aucun travail pour l'instant."),
            _(
                "Le découpage des scans et les PDF des copies se suivent ici ; ils continuent sans cette page."
            ),
        )
        return
    sentence(_standing(found))
    watch_jobs(actor, stoppable=True)
    papers = {paper.paper_id: paper.name for paper in exams.papers(sessions(), actor)}
    files = background.file_names(sessions(), actor)
    _retry(actor, papers, files, [job for job in found if job.status in ("failed", "cancelled")])
    _table(papers, files, found)


def _standing(jobs: Sequence[JobView]) -> str:
    alive = sum(job.status in ("waiting", "running") for job in jobs)
    failed = sum(job.status == "failed" for job in jobs)
    if alive:
        words = plural(alive, _("travail en cours"), _("travaux en cours"))
        return _("{jobs} ; on peut fermer cette page, ils continuent sans elle.").format(jobs=words)
    if failed:
        words = plural(failed, _("travail a échoué"), _("travaux ont échoué"))
        return _("{jobs} : la raison est dans le tableau.").format(jobs=words)
    return _("Tous les travaux sont finis.")


def _retry(
    actor: Actor, papers: Mapping[int, str], files: Mapping[int, str], stopped: Sequence[JobView]
) -> None:
    """Offer to try a job again that was put aside or interrupted; mostly, what stopped it was mended."""
    if not stopped:
        return
    labels = {
        job.job_id: " · ".join(
            filter(
                None,
                [
                    _("n° {n}").format(n=job.job_id),
                    _kind(job),
                    files.get(job.scan_file_id or 0),
                    papers.get(job.paper_id or 0),
                    STATES[job.status][1],
                ],
            )
        )
        for job in stopped
    }
    choice, act = st.columns([3, 1], vertical_alignment="bottom")
    job_id = choice.selectbox(
        _("Travail arrêté"),
        labels,
        format_func=lambda n: labels[n],
        key="failed_job",
        filter_mode=None,
    )
    if act.button(_("Recommencer"), key="retry", width="stretch"):
        with showing_errors():
            background.retry(sessions(), actor, job_id=job_id)
            st.rerun()


def _table(papers: Mapping[int, str], files: Mapping[int, str], jobs: Sequence[JobView]) -> None:
    table(
        [
            Column(_("N°"), numeric=True),
            Column(_("Travail")),
            Column(_("Fichier")),
            Column(_("Épreuve")),
            Column(_("État"), markup=True),
            Column(_("Fait"), numeric=True),
            Column(_("Demandé")),
            Column(_("Message")),
        ],
        [
            (
                job.job_id,
                _kind(job),
                files.get(job.scan_file_id or 0, ""),
                papers.get(job.paper_id or 0, ""),
                badge(*STATES[job.status]),
                _extent(job),
                moment(job.created_at.astimezone()),
                sentence_of(job.error_code or "internal_error", {"job": job.job_id, **job.error_details})
                if job.status == "failed"
                else "",
            )
            for job in jobs
        ],
    )


def _kind(job: JobView) -> str:
    return KINDS.get(job.kind, _("Travail"))


def _extent(job: JobView) -> str:
    if not job.total or job.status == "waiting":
        return ""
    return _("{done} sur {total}").format(done=number(job.done), total=number(job.total))


if __name__ == "__main__":
    page()
