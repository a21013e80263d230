"""The embedded engine: a loop that looks for free rows. For SQLite, beside the web process."""

from __future__ import annotations

import logging
import threading

from sqlalchemy.exc import OperationalError

from core.jobs.running import Runner

IDLE_S = 0.5

_log = logging.getLogger(__name__)


def run_until(runner: Runner, stop: threading.Event) -> None:
    """Run jobs until asked to stop; the job at hand is finished first."""
    while not stop.is_set():
        try:
            found = runner.run_next()
        except OperationalError as error:
            # The file was locked for longer than a writer waits: the job, if any, comes back with its lease.
            _log.warning("the database did not answer: %s", type(error.orig).__name__)
            found = False
        if not found:
            stop.wait(IDLE_S)
