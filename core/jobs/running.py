"""Running a job: its lease is taken and kept, its handler called, its end recorded. Engines only deliver."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy.exc import OperationalError

from core.db.session import Sessions
from core.errors import WorkbenchError
from core.jobs import rows
from core.jobs.rows import LEASE, Lease, LeaseLost

Handler = Callable[[Lease], None]
"""Runs one job; its effect and :func:`core.jobs.rows.complete` share a transaction."""

RENEWALS = 3
"""Renewals within one lease: two may come late before the job is taken for lost."""

_log = logging.getLogger(__name__)


class Runner:
    """Runs jobs one at a time and knows which one is at hand."""

    def __init__(
        self, sessions: Sessions, handlers: Mapping[str, Handler], *, length: timedelta = LEASE
    ) -> None:
        """A runner whose leases last ``length`` beyond their last renewal."""
        self.sessions = sessions
        self._handlers = handlers
        self._length = length
        self._held: Lease | None = None

    def run_next(self, *, job_id: int | None = None) -> bool:
        """Run one job, if any is there to run; with ``job_id``, this one only.

        What a person can mend puts the job aside at once with its sentence; any
        other error is tried again, then put aside. Interrupted from the keyboard,
        the job is given back.

        Returns:
            Whether there was a job.
        """
        held = rows.lease(self.sessions, job_id=job_id, length=self._length)
        if held is None:
            return False
        self._held = held
        try:
            with _kept(self.sessions, held):
                self._run(held)
        except KeyboardInterrupt:
            rows.give_back(self.sessions, held)
            raise
        finally:
            self._held = None
        return True

    def give_back(self) -> bool:
        """Give the job at hand to whoever takes it; this attempt can write nothing any more.

        Returns:
            Whether there was one.
        """
        held = self._held
        return held is not None and rows.give_back(self.sessions, held)

    def _run(self, held: Lease) -> None:
        try:
            self._handlers[held.kind](held)
        except LeaseLost:
            _log.warning("job %s was taken over by another worker, or cancelled", held.job_id)
        except WorkbenchError as error:
            rows.fail(self.sessions, held, error, final=True)
        except Exception:  # noqa: BLE001 - the worker loop is the one place where any error becomes a failed job
            _log.exception("job %s failed", held.job_id)
            rows.fail(self.sessions, held, WorkbenchError("internal_error", job=held.job_id), final=False)


def run_next(sessions: Sessions, handlers: Mapping[str, Handler], *, job_id: int | None = None) -> bool:
    """Run one job as :meth:`Runner.run_next` does."""
    return Runner(sessions, handlers).run_next(job_id=job_id)


@contextmanager
def _kept(sessions: Sessions, held: Lease) -> Iterator[None]:
    """Renew the lease while the block runs: a handler may be long over one step without being lost."""
    ended = threading.Event()
    thread = threading.Thread(target=_renew_until, args=(sessions, held, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _renew_until(sessions: Sessions, held: Lease, ended: threading.Event) -> None:
    while not ended.wait(held.length.total_seconds() / RENEWALS):
        try:
            rows.renew(sessions, held)
        except LeaseLost:
            return
        except OperationalError as error:
            _log.warning("lease of job %s not renewed: %s", held.job_id, type(error.orig).__name__)
