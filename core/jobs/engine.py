"""Which engine delivers jobs to workers: told from the database alone, here and nowhere else."""

from __future__ import annotations

from typing import Literal

from sqlalchemy.engine import URL, make_url
from sqlalchemy.orm import Session

EngineName = Literal["embedded", "procrastinate"]


def engine_of(url: str | URL) -> EngineName:
    """The engine of a database: procrastinate needs PostgreSQL; on any other, workers look at the rows."""
    return "procrastinate" if make_url(url).get_backend_name() == "postgresql" else "embedded"


def announce(session: Session, job_id: int) -> None:
    """Tell the workers that a job waits, in the transaction that makes it wait.

    The embedded engine needs no telling: its workers look at the rows.
    """
    if engine_of(session.get_bind().engine.url) == "procrastinate":
        # Imported only where it serves: it costs a command half a second.
        from core.jobs import queue

        queue.defer(session, job_id)
