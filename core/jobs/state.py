"""How the queue stands, for health checks, measurements and the doctor: counts of rows, nothing of a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from core.db.session import READS_ONLY, Sessions
from core.db.tables import Job, Worker
from core.db.tables.base import now
from core.jobs.engine import engine_of

_BY_STATUS = select(Job.status, func.count().label("n")).group_by(Job.status)
SEEN_WITHIN = timedelta(seconds=60)
"""A worker says every ten seconds that it is there (:mod:`core.jobs.presence`); five misses are a silence."""


@dataclass(frozen=True)
class QueueState:
    """The queue at one instant.

    Attributes:
        waiting: Jobs that nobody runs yet.
        running: Jobs that a worker holds, or held when it fell silent.
        failed: Jobs put aside with their message.
        oldest_waiting_s: Seconds since the oldest waiting job was asked for; ``None`` when none waits.
        workers: Worker processes seen within the last minute.
        engine: What delivers jobs to workers on this database: ``embedded`` or ``procrastinate``.
    """

    waiting: int
    running: int
    failed: int
    oldest_waiting_s: float | None
    workers: int
    engine: str


@dataclass(frozen=True)
class WorkerView:
    """A worker process that was seen within the last minute."""

    name: str
    engine: str
    started_at: datetime
    seen_at: datetime


def queue_state(sessions: Sessions) -> QueueState:
    """Count the jobs by state and the workers that are there."""
    instant = now()
    with sessions() as session:
        connection = session.connection(execution_options={READS_ONLY: True})
        counts = {row.status: row.n for row in session.execute(_BY_STATUS)}
        oldest = session.scalar(select(func.min(Job.created_at)).where(Job.status == "waiting"))
        seen = Worker.seen_at > instant - SEEN_WITHIN
        present = session.scalar(select(func.count()).select_from(Worker).where(seen))
        engine = engine_of(connection.engine.url)
    return QueueState(
        waiting=counts.get("waiting", 0),
        running=counts.get("running", 0),
        failed=counts.get("failed", 0),
        oldest_waiting_s=None if oldest is None else max((instant - oldest).total_seconds(), 0.0),
        workers=present or 0,
        engine=engine,
    )


def workers(sessions: Sessions) -> list[WorkerView]:
    """The worker processes that were seen within the last minute, by name."""
    with sessions() as session:
        session.connection(execution_options={READS_ONLY: True})
        rows = session.scalars(
            select(Worker).where(Worker.seen_at > now() - SEEN_WITHIN).order_by(Worker.name)
        )
        return [WorkerView(row.name, row.engine, row.started_at, row.seen_at) for row in rows]
