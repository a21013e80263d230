"""What a job is: asking for one, leasing it, telling its progress, ending it. All of it is rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from core.db.session import READS_ONLY, Sessions
from core.db.tables import Job
from core.db.tables.base import now
from core.errors import WorkbenchError
from core.jobs.engine import announce

LEASE = timedelta(seconds=60)
MAX_FAILURES = 3  # architecture.md §4: three failures put a job aside with its message


class LeaseLost(Exception):
    """Another worker has this job now, or nobody wants it any more; what this one did is not to be written."""


@dataclass(frozen=True)
class Lease:
    """The right to run one attempt of a job."""

    job_id: int
    kind: str
    payload: dict[str, Any]
    attempt: int
    length: timedelta = LEASE
    """Silence after which another worker may take the job."""


def ask(
    session: Session, *, kind: str, unique_key: str, payload: dict[str, Any], paper_id: int | None
) -> Job:
    """Add a job in the transaction of its cause; one that waits or runs already is returned instead."""
    alive = session.scalars(
        select(Job).where(
            Job.kind == kind, Job.unique_key == unique_key, Job.status.in_(("waiting", "running"))
        )
    ).first()
    if alive is not None:
        return alive
    job = Job(kind=kind, unique_key=unique_key, payload=payload, paper_id=paper_id)
    session.add(job)
    session.flush()
    announce(session, job.id)
    return job


def lease(sessions: Sessions, *, job_id: int | None = None, length: timedelta = LEASE) -> Lease | None:
    """Take the oldest job that waits or whose worker went silent, in one conditional update."""
    instant = now()
    free = _free(instant)
    with sessions.begin() as session:
        oldest = select(Job.id).where(free).order_by(Job.id).limit(1)
        if job_id is not None:
            oldest = oldest.where(Job.id == job_id)
        if session.get_bind().dialect.name == "postgresql":
            oldest = oldest.with_for_update(skip_locked=True)
        taken = session.execute(
            update(Job)
            .where(Job.id == oldest.scalar_subquery(), free)
            .values(
                status="running",
                attempt=Job.attempt + 1,
                leased_until=instant + length,
                started_at=instant,
                done=0,
                total=0,
            )
            .returning(Job.id, Job.kind, Job.payload, Job.attempt)
            .execution_options(synchronize_session=False)
        ).first()
    return Lease(taken.id, taken.kind, taken.payload, taken.attempt, length) if taken else None


def free_jobs(sessions: Sessions) -> list[int]:
    """Jobs that wait or whose worker went silent, the oldest first."""
    with sessions() as session:
        session.connection(execution_options={READS_ONLY: True})
        return list(session.scalars(select(Job.id).where(_free(now())).order_by(Job.id)))


def tell(sessions: Sessions, held: Lease, *, stage: str, done: int, total: int) -> None:
    """Record progress and renew the lease.

    Raises:
        LeaseLost: The job was given to another worker meanwhile, or cancelled.
    """
    with sessions.begin() as session:
        _fenced(session, held, stage=stage, done=done, total=total, leased_until=now() + held.length)


def renew(sessions: Sessions, held: Lease) -> None:
    """Renew the lease of a job that is long over one step.

    Raises:
        LeaseLost: The job ended, or was given to another worker.
    """
    with sessions.begin() as session:
        _fenced(session, held, leased_until=now() + held.length)


def complete(session: Session, held: Lease) -> None:
    """End the job, with all of it done, in the same transaction as its effect.

    Raises:
        LeaseLost: The job was given to another worker, or cancelled: the transaction must not commit.
    """
    _fenced(
        session,
        held,
        status="done",
        done=Job.total,
        ended_at=now(),
        leased_until=None,
        error_code=None,
        error_details=None,
    )


def give_back(sessions: Sessions, held: Lease) -> bool:
    """Let the job wait again for another worker, as if this attempt had not begun.

    Returns:
        Whether it was still held.
    """
    try:
        with sessions.begin() as session:
            _fenced(session, held, status="waiting", leased_until=None)
            announce(session, held.job_id)
    except LeaseLost:
        return False
    return True


def fail(sessions: Sessions, held: Lease, error: WorkbenchError, *, final: bool) -> bool:
    """Record a failure; the job waits again unless ``final`` or failed too often.

    Returns:
        Whether the job is put aside.
    """
    with sessions.begin() as session:
        job = session.get_one(Job, held.job_id, with_for_update=True)
        if job.attempt != held.attempt or job.status != "running":
            return False
        job.failures += 1
        job.error_code = error.code
        job.error_details = {key: str(value) for key, value in error.details.items()}
        job.leased_until = None
        aside = final or job.failures >= MAX_FAILURES
        job.status = "failed" if aside else "waiting"
        job.ended_at = now() if aside else None
        if not aside:
            session.flush()
            announce(session, job.id)
    return aside


def cancel(job: Job) -> None:
    """End a job that waits or runs, in the transaction that locked its row.

    Whoever runs it learns so when it next tells its progress or wants to complete: whatever it did is not
    written. An entry in a queue finds a row that is not free any more.
    """
    job.status, job.ended_at, job.leased_until = "cancelled", now(), None


def retry(session: Session, job: Job) -> None:
    """Let a job that was put aside or cancelled wait again, with its failures forgotten."""
    job.status, job.failures = "waiting", 0
    job.error_code, job.error_details, job.ended_at = None, None, None
    session.flush()
    announce(session, job.id)


def _free(instant: datetime) -> ColumnElement[bool]:
    return or_(Job.status == "waiting", (Job.status == "running") & (Job.leased_until < instant))


def _fenced(session: Session, held: Lease, **values: Any) -> None:
    touched = session.execute(
        update(Job)
        .where(Job.id == held.job_id, Job.attempt == held.attempt, Job.status == "running")
        .values(**values)
        .returning(Job.id)
        .execution_options(synchronize_session=False)
    ).first()
    if touched is None:
        raise LeaseLost(held.job_id)
