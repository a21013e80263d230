"""Travaux en cours: every background job, what it does and what became of it."""

from __future__ import annotations

from core.domain.access import Actor, Role
from core.i18n import _, moment, number, plural
from core.services import exams, scans
from core.services.scans import JobView
from workbench import guard
from workbench.job_words import KINDS
from workbench.resources import sessions
from workbench.sentences import sentence_of
from workbench.widgets import Column, State, badge, empty, sentence, table, title
from workbench.widgets.work import watch_jobs

STATES = {
    "waiting": (State.WAITING, _("en attente")),
    "running": (State.RUNNING, _("en cours")),
    "done": (State.SURE, _("fini")),
    "failed": (State.STOP, _("échoué")),
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
    watch_jobs(actor)
    _table(actor, found)


def _standing(jobs: list[JobView]) -> str:
    alive = sum(job.status in ("waiting", "running") for job in jobs)
    failed = sum(job.status == "failed" for job in jobs)
    if alive:
        words = plural(alive, _("travail en cours"), _("travaux en cours"))
        return _("{jobs} ; on peut fermer cette page, ils continuent sans elle.").format(jobs=words)
    if failed:
        words = plural(failed, _("travail a échoué"), _("travaux ont échoué"))
        return _("{jobs} : la raison est dans le tableau.").format(jobs=words)
    return _("Tous les travaux sont finis.")


def _table(actor: Actor, jobs: list[JobView]) -> None:
    papers = {paper.paper_id: paper.name for paper in exams.papers(sessions(), actor)}
    table(
        [
            Column(_("N°"), numeric=True),
            Column(_("Travail")),
            Column(_("Épreuve")),
            Column(_("État"), markup=True),
            Column(_("Fait"), numeric=True),
            Column(_("Demandé")),
            Column(_("Message")),
        ],
        [
            (
                job.job_id,
                KINDS.get(job.kind, _("Travail")),
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


def _extent(job: JobView) -> str:
    """How much was done: a job tells its last step before it ends, so the end itself is all of it."""
    if not job.total or job.status == "waiting":
        return ""
    done = job.total if job.status == "done" else job.done
    return _("{done} sur {total}").format(done=number(done), total=number(job.total))


if __name__ == "__main__":
    page()
