"""The worker process: runs background jobs until it is asked to stop."""

from __future__ import annotations

import signal
import threading

import cv2

from core.jobs import embedded
from core.services.handlers import handlers
from workbench.resources import blobs, sessions, settings


def run() -> None:
    """Run jobs until SIGTERM or SIGINT; the job at hand is finished first."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    # Workers are processes: threads inside OpenCV would only fight over the same cores.
    cv2.setNumThreads(1)
    embedded.run_until(sessions(), handlers(sessions(), blobs(), settings()), stop)


if __name__ == "__main__":
    run()
