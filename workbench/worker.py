"""The worker process: runs background jobs until it is asked to stop."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from queue import SimpleQueue

import cv2

from core.jobs.work import DEFAULT_PACE, Pace, work
from core.services.handlers import handlers
from core.services.sealing import sealing
from workbench import logs
from workbench.arrivals import taking
from workbench.resources import blobs, sessions, settings


def run(pace: Pace = DEFAULT_PACE) -> None:
    """Run jobs until SIGTERM or SIGINT; the job at hand is finished first, or given back when it is long."""
    logs.configure(format=settings().log_format, level=settings().log_level)
    stop = _asked_to_stop()
    # Workers are processes: threads inside OpenCV would only fight over the same cores.
    cv2.setNumThreads(1)
    known = handlers(sessions(), blobs(), settings())
    with sealing(sessions()), taking():
        finished = work(sessions(), {kind: logs.with_job(run) for kind, run in known.items()}, stop, pace)
    if finished:
        return
    # The thread of the job that was given back cannot be stopped, and nothing waits for it.
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)


def _asked_to_stop() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    # A handler that set the event itself could meet the lock its own thread holds; this queue is made for it.
    signals: SimpleQueue[int] = SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: signals.put(number))

    def listen() -> None:
        signals.get()
        stop.set()

    threading.Thread(target=listen, daemon=True, name="signals").start()
    return stop


if __name__ == "__main__":
    run()
