"""Background jobs as people handle them: one that was put aside is tried again."""

from __future__ import annotations

from core.db.session import Sessions
from core.db.tables import Job
from core.domain.access import Action, Actor, authorise
from core.errors import Conflict, NotFound
from core.jobs import rows
from core.services import journal
from core.services.transactions import writing


def retry(sessions: Sessions, actor: Actor, *, job_id: int) -> None:
    """Let a job that failed wait again, with three attempts more.

    It does again what somebody with the right to it asked for, so the office may,
    which looks after the jobs.

    Raises:
        NotAllowed: The actor is not of the secretariat.
        NotFound: There is no such job.
        Conflict: It did not fail, or the same was asked for again meanwhile.
    """
    authorise(actor, Action.ADD_SCANS)
    with writing(sessions) as session:
        job = session.get(Job, job_id, with_for_update=True)
        if job is None:
            raise NotFound("job", job=job_id)
        if job.status != "failed":
            raise Conflict(job=job_id)
        values = {"kind": job.kind, "failures": job.failures, "error": job.error_code}
        rows.retry(session, job)
        journal.record(session, actor, Action.ADD_SCANS, kind="job", object_id=job_id, values=values)
