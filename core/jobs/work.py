"""A worker process: delivers jobs to their handlers until it is asked to stop, whatever the engine."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from core.db.session import Sessions
from core.jobs import embedded
from core.jobs.engine import engine_of
from core.jobs.presence import BEAT_S, present
from core.jobs.rows import LEASE
from core.jobs.running import Handler, Runner

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pace:
    """Times of a worker, in seconds.

    Attributes:
        lease_s: Silence after which another worker takes the job at hand.
        beat_s: Between two signs of life.
        silent_s: Silence after which procrastinate's own entry for a worker is given up.
        sweep_s: Between two looks for jobs that procrastinate was not told of, or lost its worker with.
        stop_s: Time the job at hand has to finish once a stop was asked for; then it is given back.
    """

    lease_s: float = LEASE.total_seconds()
    beat_s: float = BEAT_S
    silent_s: float = 30.0
    sweep_s: float = 5.0
    stop_s: float = 30.0


DEFAULT_PACE = Pace()


def work(
    sessions: Sessions,
    handlers: Mapping[str, Handler],
    stop: threading.Event,
    pace: Pace = DEFAULT_PACE,
) -> bool:
    """Run jobs until ``stop``, one at a time, with the engine of the database.

    The job at hand then has ``pace.stop_s`` to finish; a longer one is given
    back, so that another worker takes it at once.

    Returns:
        Whether everything ended. Otherwise the handler of the job that was given
        back runs on in its thread, unable to write: the process should exit.
    """
    engine = engine_of(sessions.kw["bind"].url)
    runner = Runner(sessions, handlers, length=timedelta(seconds=pace.lease_s))
    # Jobs run in a thread, for a handler deep in a computation hears no signal.
    loop = threading.Thread(target=_deliver, args=(engine, runner, stop, pace), daemon=True, name="jobs")
    with present(sessions, engine, beat_s=pace.beat_s):
        loop.start()
        while loop.is_alive() and not stop.wait(1.0):
            pass
        loop.join(pace.stop_s)
        if loop.is_alive() and runner.give_back():
            _log.warning("a job was given back: it did not end in %s s", pace.stop_s)
    return not loop.is_alive()


def _deliver(engine: str, runner: Runner, stop: threading.Event, pace: Pace) -> None:
    try:
        if engine == "embedded":
            embedded.run_until(runner, stop)
        else:
            from core.jobs import queue

            queue.run_until(runner, stop, beat_s=pace.beat_s, silent_s=pace.silent_s, sweep_s=pace.sweep_s)
    finally:
        stop.set()  # a loop that broke ends the worker, so that whoever watches it starts another
