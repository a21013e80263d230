"""The embedded engine: a loop that leases rows and runs their handlers."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping

from core.db.session import Sessions
from core.errors import WorkbenchError
from core.jobs.rows import Lease, LeaseLost, fail, lease

Handler = Callable[[Lease], None]
"""Runs one job; its effect and :func:`core.jobs.rows.complete` share a transaction."""

IDLE_S = 0.5

_log = logging.getLogger(__name__)


def run_next(sessions: Sessions, handlers: Mapping[str, Handler], *, job_id: int | None = None) -> bool:
    """Run one job, if any is there to run.

    What a person can mend puts the job aside at once with its sentence; any
    other error is tried again, then put aside.

    Returns:
        Whether there was a job.
    """
    held = lease(sessions, job_id=job_id)
    if held is None:
        return False
    try:
        handlers[held.kind](held)
    except LeaseLost:
        _log.warning("job %s was taken over by another worker", held.job_id)
    except WorkbenchError as error:
        fail(sessions, held, error, final=True)
    except Exception:  # noqa: BLE001 - the worker loop is the one place where any error becomes a failed job
        _log.exception("job %s failed", held.job_id)
        fail(sessions, held, WorkbenchError("internal_error", job=held.job_id), final=False)
    return True


def run_until(sessions: Sessions, handlers: Mapping[str, Handler], stop: threading.Event) -> None:
    """Run jobs until asked to stop; the job at hand is finished first."""
    while not stop.is_set():
        if not run_next(sessions, handlers):
            stop.wait(IDLE_S)
