"""Workers killed in the middle: nothing lost, nothing twice."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select, update

from core.db.migrate import upgrade
from core.db.session import engine_for, session_factory
from core.db.tables import Job
from core.db.tables.base import now
from core.services import scans
from core.storage.blobs import BlobStore
from tests import story
from tests.integration.classes import SYSTEM, Taken, draw_few, take_in

pytestmark = pytest.mark.long

KILLS = 6
FEWEST_STRUCK = 3
LONGEST_BLOW_S = 0.4
PATIENCE_S = 120.0


def taken_in(home: Path, drawn_in: Path) -> Taken:
    home.mkdir()
    url = f"sqlite:///{home / 'korrigo.sqlite'}"
    upgrade(url)
    return take_in(session_factory(engine_for(url)), BlobStore(home / "blobs"), draw_few(drawn_in))


def worker(home: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(story.ROOT), "KORRIGO_HOME": str(home)}
    environment |= {"KORRIGO_READER": "null", "KORRIGO_DATABASE_URL": ""}
    return subprocess.Popen([sys.executable, "-m", "workbench.worker"], cwd=story.ROOT, env=environment)


def places(taken: Taken) -> list[tuple[object, ...]]:
    ledger = scans.ledger(taken.sessions, SYSTEM, paper_id=taken.paper_id)
    return [(row.image, row.half, row.page, row.place, row.booklet, row.position) for row in ledger]


def is_done(taken: Taken) -> bool:
    jobs = scans.jobs(taken.sessions, SYSTEM, paper_id=taken.paper_id)
    return len(jobs) == 2 and all(job.status == "done" for job in jobs)


def is_running(taken: Taken) -> bool:
    """Whether a worker holds a job now: its lease lies ahead."""
    with taken.sessions() as session:
        held = select(Job.id).where(Job.status == "running", Job.leased_until > now())
        return session.scalars(held).first() is not None


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_worker_killed_at_any_moment_leaves_the_ledger_of_an_undisturbed_run(tmp_path: Path) -> None:
    undisturbed = taken_in(tmp_path / "calm", tmp_path / "drawn")
    undisturbed.run()
    disturbed = taken_in(tmp_path / "killed", tmp_path / "drawn")
    chance = random.Random(20270112)

    struck = 0
    for _ in range(KILLS):
        process = worker(tmp_path / "killed")
        wait_until(lambda: is_running(disturbed) or is_done(disturbed))
        time.sleep(chance.uniform(0, LONGEST_BLOW_S))
        process.kill()
        process.wait()
        struck += is_running(disturbed)
        # The next worker would wait for the lease to end: time is made to pass.
        with disturbed.sessions.begin() as session:
            session.execute(update(Job).where(Job.status == "running").values(leased_until=now()))
    if not is_done(disturbed):
        last = worker(tmp_path / "killed")
        wait_until(lambda: is_done(disturbed))
        last.terminate()
        assert last.wait(timeout=30) == 0, "asked to stop, a worker leaves by itself"

    assert struck >= FEWEST_STRUCK, "a kill between two jobs proves nothing"
    assert is_done(disturbed)
    assert places(disturbed) == places(undisturbed)
    assert scans.ledger_sums(disturbed.sessions, SYSTEM, paper_id=disturbed.paper_id).is_balanced
