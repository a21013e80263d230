"""Running the jobs of a paper inside the command that asked for them."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm

from core.domain.access import Actor
from core.errors import WorkbenchError
from core.jobs.embedded import IDLE_S
from core.jobs.running import run_next
from core.services import scans
from core.services.handlers import handlers
from workbench.job_words import KINDS
from workbench.resources import blobs, sessions, settings

_FOLLOW_S = 0.3


def run_jobs(who: Actor, paper_id: int) -> None:
    """Run the paper's jobs here until none is left, with a bar when a person watches.

    A job that another worker holds is waited for: its lease decides who runs it, whatever delivers it.

    Raises:
        WorkbenchError: A job failed; its own sentence.
    """
    work = handlers(sessions(), blobs(), settings())
    first_failure = {
        job.job_id for job in scans.jobs(sessions(), who, paper_id=paper_id) if job.status == "failed"
    }
    with _watched(who, paper_id):
        while True:
            alive = [
                job
                for job in scans.jobs(sessions(), who, paper_id=paper_id)
                if job.status in ("waiting", "running")
            ]
            if not alive:
                break
            if not any(run_next(sessions(), work, job_id=job.job_id) for job in reversed(alive)):
                time.sleep(IDLE_S)
    for job in scans.jobs(sessions(), who, paper_id=paper_id):
        if job.status == "failed" and job.job_id not in first_failure:
            raise WorkbenchError(job.error_code or "internal_error", **job.error_details)


@contextmanager
def _watched(who: Actor, paper_id: int) -> Iterator[None]:
    """Show the progress of the paper's jobs on stderr while the block runs, when a person watches."""
    if not sys.stderr.isatty():
        yield
        return
    stop = threading.Event()
    with tqdm(total=0, file=sys.stderr, leave=False) as bar:
        watcher = threading.Thread(target=_follow, args=(bar, stop, who, paper_id), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            stop.set()
            watcher.join()


def _follow(bar: tqdm[Any], stop: threading.Event, who: Actor, paper_id: int) -> None:
    while not stop.wait(_FOLLOW_S):
        running = [job for job in scans.jobs(sessions(), who, paper_id=paper_id) if job.status == "running"]
        if running and running[0].total:
            bar.set_description(KINDS.get(running[0].kind, ""), refresh=False)
            bar.total, bar.n = running[0].total, running[0].done
            bar.refresh()
