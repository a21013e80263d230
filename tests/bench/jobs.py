"""From asking for a job to its start, and from a worker's death to the next one's, on both engines.

``python -m tests.bench.jobs`` prints the figures of docs/bench.md, "Jobs". Workers are processes at their
ordinary pace, with handlers that do nothing.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import func, select, text

from core.db.migrate import upgrade
from core.db.session import Sessions, engine_for, session_factory
from core.db.tables import Job, Worker
from core.jobs import rows
from tests import story
from tests.postgresql import PostgresServer

SINGLE = 40
MANY = 200
HANDLERS = """
import time
import workbench.worker as worker
from core.jobs import rows

def note(held):
    with worker.sessions().begin() as session:
        rows.complete(session, held)

def endless(held):
    while held.attempt == 1:
        time.sleep(0.1)
    note(held)

worker.handlers = lambda *_: {"note": note, "endless": endless}
worker.run()
"""


@contextmanager
def worker(home: Path, url: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process."""
    environment = {**os.environ, "KORRIGO_HOME": str(home), "KORRIGO_DATABASE_URL": url}
    environment |= {"KORRIGO_LOG_LEVEL": "error"}
    process = subprocess.Popen([sys.executable, "-c", HANDLERS], cwd=story.ROOT, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def measure(engine: str, url: str, home: Path) -> None:
    """Print the figures of one database."""
    upgrade(url)
    bound = engine_for(url)
    sessions = session_factory(bound)
    with worker(home, url) as one:
        _until(lambda: _present(sessions) == 1)
        _until_done(sessions, [_ask(sessions, "note", 0)])
        waits_ms = []
        for number in range(1, SINGLE + 1):
            job_id = _ask(sessions, "note", number)
            _until_done(sessions, [job_id])
            waits_ms.append(_wait_ms(sessions, job_id))
        waits_ms.sort()
        print(
            f"{engine}: from request to start, {SINGLE} jobs one after the other: "
            f"median {statistics.median(waits_ms):.0f} ms, longest {waits_ms[-1]:.0f} ms"
        )
        began = time.monotonic()
        _until_done(sessions, [_ask(sessions, "note", SINGLE + n) for n in range(1, MANY + 1)])
        print(f"{engine}: {MANY} jobs of nothing, one worker: {time.monotonic() - began:.1f} s")
        _ask(sessions, "endless", 0)
        _until(lambda: _count(sessions, "running") == 1)
        if engine == "procrastinate":
            print(f"{engine}: connections of a worker in a job: {_connections(sessions)}")
        with worker(home, url):
            _until(lambda: _present(sessions) == 2)
            one.kill()
            killed = time.monotonic()
            _until(lambda: _count(sessions, "running") == 0)
            print(f"{engine}: from a worker's death to the end of its job: {time.monotonic() - killed:.0f} s")
    bound.dispose()


def _ask(sessions: Sessions, kind: str, number: int) -> int:
    with sessions.begin() as session:
        return rows.ask(session, kind=kind, unique_key=str(number), payload={}, paper_id=None).id


def _until(holds: Callable[[], bool]) -> None:
    while not holds():
        time.sleep(0.005)


def _until_done(sessions: Sessions, job_ids: list[int]) -> None:
    _until(lambda: _count(sessions, "waiting", "running") == 0)
    with sessions() as session:
        ended = select(func.count()).where(Job.id.in_(job_ids), Job.status == "done")
        assert session.scalar(ended) == len(job_ids)


def _count(sessions: Sessions, *statuses: str) -> int:
    with sessions() as session:
        return session.scalar(select(func.count()).select_from(Job).where(Job.status.in_(statuses))) or 0


def _present(sessions: Sessions) -> int:
    with sessions() as session:
        return session.scalar(select(func.count()).select_from(Worker)) or 0


def _wait_ms(sessions: Sessions, job_id: int) -> float:
    with sessions() as session:
        job = session.get_one(Job, job_id)
        assert job.started_at is not None
        return (job.started_at - job.created_at).total_seconds() * 1000


def _connections(sessions: Sessions) -> int:
    with sessions() as session:
        others = text(
            "select count(*) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid()"
        )
        return session.scalar(others) or 0


def main() -> None:
    """Measure both engines, each on a database of its own."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        measure("embedded", f"sqlite:///{home / 'korrigo.sqlite'}", home)
        with PostgresServer.running() as server:
            measure("procrastinate", server.url(server.create_database()), home)


if __name__ == "__main__":
    main()
