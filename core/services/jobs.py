"""Background jobs as people handle them: one is interrupted, one that was put aside is tried again."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db.session import Sessions
from core.db.tables import Job, ScanFile
from core.domain.access import Action, Actor, authorise
from core.errors import Conflict, NotFound
from core.jobs import rows
from core.services import journal
from core.services.ingestion import INGEST, READ
from core.services.transactions import reading, writing

STOPPABLE = frozenset({INGEST, READ})
"""Kinds of jobs that leave nothing half done: a finalisation has told its copies to wait for it."""


def cancel(sessions: Sessions, actor: Actor, *, job_id: int) -> None:
    """Interrupt a job that waits or runs; a worker stops at its next step and writes nothing of it.

    What it had committed before stays: an ingestion is one transaction, so its file is either in or as before.

    Raises:
        NotAllowed: The actor is not of the secretariat.
        NotFound: There is no such job.
        Conflict: ``job_ended``: it ended meanwhile; ``job_goes_on``: copies wait for the end of this one.
    """
    authorise(actor, Action.ADD_SCANS)
    with writing(sessions) as session:
        job = _locked(session, job_id)
        if job.status not in ("waiting", "running"):
            raise Conflict("job_ended", job=job_id)
        if job.kind not in STOPPABLE:
            raise Conflict("job_goes_on", job=job_id)
        before = job.status
        rows.cancel(job)
        values = {"kind": job.kind, "before": before, "after": job.status}
        journal.record(session, actor, Action.ADD_SCANS, kind="job", object_id=job_id, values=values)


def retry(sessions: Sessions, actor: Actor, *, job_id: int) -> None:
    """Let a job that failed or was interrupted wait again, with three attempts more.

    It does again what somebody with the right to it asked for, so the office may,
    which looks after the jobs.

    Raises:
        NotAllowed: The actor is not of the secretariat.
        NotFound: There is no such job.
        Conflict: It did not fail, or the same was asked for again meanwhile.
    """
    authorise(actor, Action.ADD_SCANS)
    with writing(sessions) as session:
        job = _locked(session, job_id)
        if job.status not in ("failed", "cancelled"):
            raise Conflict(job=job_id)
        values = {"kind": job.kind, "failures": job.failures, "error": job.error_code}
        rows.retry(session, job)
        journal.record(session, actor, Action.ADD_SCANS, kind="job", object_id=job_id, values=values)


def file_names(sessions: Sessions, actor: Actor, *, paper_id: int | None = None) -> Mapping[int, str]:
    """The names of the scan files of a paper (of all, when none is named), by id: what jobs work on.

    Raises:
        NotAllowed: The actor is not of the secretariat.
    """
    authorise(actor, Action.VIEW_LEDGER)
    wanted = select(ScanFile.id, ScanFile.name)
    if paper_id is not None:
        wanted = wanted.where(ScanFile.paper_id == paper_id)
    with reading(sessions) as session:
        return dict(session.execute(wanted).all())


def _locked(session: Session, job_id: int) -> Job:
    job = session.get(Job, job_id, with_for_update=True)
    if job is None:
        raise NotFound("job", job=job_id)
    return job
