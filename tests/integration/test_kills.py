"""Workers killed in the middle, on each engine: nothing lost, nothing twice."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from core.db.migrate import upgrade
from core.db.session import Sessions, engine_for, session_factory
from core.db.tables import Job, Worker
from core.db.tables.base import now
from core.jobs import rows
from core.jobs.work import Pace
from core.services import scans
from core.storage.blobs import BlobStore
from tests import story
from tests.integration.classes import SYSTEM, Taken, draw_few, take_in

pytestmark = pytest.mark.long

KILLS = 6
FEWEST_STRUCK = 3
LONGEST_BLOW_S = 0.4
PATIENCE_S = 120.0
JOBS = 200
BRISK = Pace(lease_s=2.0, beat_s=0.5, silent_s=1.5, sweep_s=0.5, stop_s=1.0)
HANDLERS = """
import os, time
import workbench.worker as worker
from core.jobs import rows
from sqlalchemy import text

def note(held):
    rows.tell(worker.sessions(), held, stage=str(os.getpid()), done=0, total=1)
    while held.payload["number"] == ENDLESS and held.attempt == 1:
        time.sleep(0.1)
    with worker.sessions().begin() as session:
        session.execute(text("insert into effect values (:number)"), {"number": held.payload["number"]})
        rows.complete(session, held)

worker.handlers = lambda *_: {"note": note}
"""
"""Stand in a worker process for its own: jobs of one row each, of which one never ends at its first attempt."""


@pytest.fixture
def calm_sessions(empty_database_url: str) -> Iterator[Sessions]:
    """A second database of the kind, for the run that nothing disturbs."""
    upgrade(empty_database_url)
    engine = engine_for(empty_database_url)
    yield session_factory(engine)
    engine.dispose()


@contextmanager
def worker(
    home: Path, url: str, *, pace: Pace = BRISK, before: str = ""
) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process of its own, killed at the latest at the end of the block."""
    environment = {**os.environ, "PYTHONPATH": str(story.ROOT), "KORRIGO_HOME": str(home)}
    environment |= {"KORRIGO_READER": "null", "KORRIGO_DATABASE_URL": url}
    code = f"from core.jobs.work import Pace\n{before}\nfrom workbench.worker import run\nrun({pace!r})"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=story.ROOT, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def places(taken: Taken) -> list[tuple[object, ...]]:
    ledger = scans.ledger(taken.sessions, SYSTEM, paper_id=taken.paper_id)
    return [(row.image, row.half, row.page, row.place, row.booklet, row.position) for row in ledger]


def is_done(taken: Taken) -> bool:
    jobs = scans.jobs(taken.sessions, SYSTEM, paper_id=taken.paper_id)
    return len(jobs) == 2 and all(job.status == "done" for job in jobs)


def is_running(sessions: Sessions) -> bool:
    """Whether a worker holds a job now: its lease lies ahead."""
    with sessions() as session:
        held = select(Job.id).where(Job.status == "running", Job.leased_until > now())
        return session.scalars(held).first() is not None


def count(sessions: Sessions, *statuses: str) -> int:
    with sessions() as session:
        return len(session.scalars(select(Job.id).where(Job.status.in_(statuses))).all())


def wait_until(holds: Callable[[], bool]) -> float:
    """Seconds until something holds."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < PATIENCE_S
        time.sleep(0.02)
    return time.monotonic() - began


def left_in_the_queue(sessions: Sessions) -> int:
    """Entries of the queue beside the rows, where there is one."""
    with sessions() as session:
        if session.get_bind().dialect.name != "postgresql":
            return 0
        return session.scalar(text("select count(*) from procrastinate_jobs")) or 0


def workers_seen(sessions: Sessions) -> int:
    with sessions() as session:
        return len(session.scalars(select(Worker.id)).all())


def ask_notes(sessions: Sessions, jobs: int) -> None:
    with sessions.begin() as session:
        session.execute(text("create table effect (number integer not null)"))
        for number in range(jobs):
            rows.ask(session, kind="note", unique_key=str(number), payload={"number": number}, paper_id=None)


def noted(sessions: Sessions) -> list[int]:
    with sessions() as session:
        return list(session.scalars(text("select number from effect order by number")))


def test_a_worker_killed_at_any_moment_leaves_the_ledger_of_an_undisturbed_run(
    sessions: Sessions, database_url: str, calm_sessions: Sessions, tmp_path: Path
) -> None:
    drawn = draw_few(tmp_path / "drawn")
    undisturbed = take_in(calm_sessions, BlobStore(tmp_path / "calm" / "blobs"), drawn)
    undisturbed.run()
    disturbed = take_in(sessions, BlobStore(tmp_path / "killed" / "blobs"), drawn)
    chance = random.Random(20270112)

    struck = 0
    for _ in range(KILLS):
        with worker(tmp_path / "killed", database_url) as process:
            wait_until(lambda: is_running(sessions) or is_done(disturbed))
            time.sleep(chance.uniform(0, LONGEST_BLOW_S))
            process.kill()
            process.wait()
        struck += is_running(sessions)
        # The next worker would wait for the lease to end: time is made to pass.
        with sessions.begin() as session:
            session.execute(update(Job).where(Job.status == "running").values(leased_until=now()))
    with worker(tmp_path / "killed", database_url) as last:
        wait_until(lambda: is_done(disturbed))
        last.terminate()
        assert last.wait(timeout=30) == 0, "asked to stop, a worker leaves by itself"

    assert struck >= FEWEST_STRUCK, "a kill between two jobs proves nothing"
    assert places(disturbed) == places(undisturbed)
    assert scans.ledger_sums(sessions, SYSTEM, paper_id=disturbed.paper_id).is_balanced


def test_of_two_workers_one_is_killed_in_the_middle_and_the_other_does_what_it_left(
    sessions: Sessions, database_url: str, tmp_path: Path
) -> None:
    ask_notes(sessions, JOBS)
    before = HANDLERS.replace("ENDLESS", str(JOBS // 2))

    with (
        worker(tmp_path, database_url, before=before) as one,
        worker(tmp_path, database_url, before=before) as other,
    ):
        wait_until(lambda: len(noted(sessions)) == JOBS - 1)
        with sessions() as session:
            pid = int(session.scalars(select(Job.stage).where(Job.status == "running")).one())
        struck = one if one.pid == pid else other
        assert struck.pid == pid
        struck.kill()
        wait_until(lambda: count(sessions, "done") == JOBS)
        wait_until(lambda: left_in_the_queue(sessions) == 0)

    assert noted(sessions) == list(range(JOBS))


def test_a_worker_killed_while_it_works_loses_its_job_to_another_when_its_lease_ends(
    sessions: Sessions, database_url: str, tmp_path: Path
) -> None:
    ask_notes(sessions, 1)
    before = HANDLERS.replace("ENDLESS", "0")

    with worker(tmp_path, database_url, before=before) as first:
        wait_until(lambda: is_running(sessions))
        with worker(tmp_path, database_url, before=before):
            wait_until(lambda: workers_seen(sessions) == 2)
            time.sleep(BRISK.lease_s * 1.5)
            assert noted(sessions) == [], "its worker lives: nobody else takes the job"
            first.kill()
            first.wait()
            waited_s = wait_until(lambda: noted(sessions) == [0])

    assert waited_s < BRISK.lease_s + 8 * BRISK.sweep_s


def test_a_worker_asked_to_stop_gives_its_long_job_back_and_leaves_in_time(
    sessions: Sessions, database_url: str, tmp_path: Path
) -> None:
    ask_notes(sessions, 1)
    before = HANDLERS.replace("ENDLESS", "0")

    with worker(tmp_path, database_url, before=before) as process:
        wait_until(lambda: is_running(sessions))
        process.terminate()
        stopped_s = wait_until(lambda: process.poll() is not None)

    assert process.returncode == 0
    assert BRISK.stop_s <= stopped_s < BRISK.stop_s + 5
    assert count(sessions, "waiting") == 1
    assert workers_seen(sessions) == 0
    with worker(tmp_path, database_url, before=before):
        wait_until(lambda: noted(sessions) == [0])
