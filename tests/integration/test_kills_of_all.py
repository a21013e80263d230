"""Server, worker and their children killed at seeded moments between the first byte sent and the last job done."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import select, update

from core.db.contents import files_named
from core.db.migrate import upgrade
from core.db.session import Sessions, engine_for, session_factory
from core.db.tables import Account, AccountRole, Job, Person, ScanFile
from core.db.tables.base import now
from core.domain.access import Role
from core.services import scans
from core.storage.blobs import BlobStore
from tests.integration.classes import SYSTEM, Taken, add_paper, draw_few
from tests.nginx import free_port
from tests.security.rights_scene import connect
from tests.story import ROOT
from workbench.cookie import COOKIE
from workbench.demo.draw import DrawnScan
from workbench.routes.access import CSRF_HEADER

pytestmark = pytest.mark.long

KILLS = 20
PATIENCE_S = 180.0
PIECE_BYTES = 256 << 10
SEED = 20270113


class Home:
    """One installation: a paper, a secretary who is signed in, a server that comes and goes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.engine = engine_for(f"sqlite:///{folder / 'korrigo.sqlite'}")
        self.sessions: Sessions = session_factory(self.engine)
        self.cookie, self.csrf = connect(self.sessions, "secretariat")
        self.paper_id = 1

    @contextmanager
    def serving(self) -> Iterator[subprocess.Popen[bytes]]:
        """``korrigo serve`` with its worker, as one group of processes that dies together."""
        process = subprocess.Popen(
            [sys.executable, "-m", "workbench.cli.main", "serve", "--port", str(self.port)],
            cwd=ROOT,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "KORRIGO_HOME": str(self.folder),
                "KORRIGO_READER": "null",
                "KORRIGO_DATABASE_URL": "",
            },
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield process
        finally:
            _kill(process)

    def send(self, file: Path, ended: threading.Event) -> None:
        """Send a file as the browser does: by chunks, asking where it stands after each failure."""
        content = file.read_bytes()
        announced = {"name": file.name, "byte_size": len(content), "fingerprint": "same file"}
        headers = {CSRF_HEADER: self.csrf, "Origin": f"http://localhost:{self.port}"}
        deadline = time.monotonic() + PATIENCE_S
        while not ended.is_set() and time.monotonic() < deadline:
            try:
                with httpx2.Client(
                    base_url=f"http://localhost:{self.port}",
                    cookies={COOKIE: self.cookie},
                    headers=headers,
                    timeout=20,
                ) as client:
                    answer = client.post(f"/scans/{self.paper_id}/uploads", json=announced)
                    answer.raise_for_status()
                    standing = answer.json()
                    while standing["ended"] is None:
                        at = standing["received"]
                        answer = client.put(
                            f"/scans/uploads/{standing['token']}",
                            params={"offset": at},
                            content=content[at : at + PIECE_BYTES],
                        )
                        standing = answer.json()
                    return
            except (httpx2.HTTPError, KeyError, ValueError):
                time.sleep(0.1)

    def is_done(self) -> bool:
        """Whether the file is there and all its jobs are done."""
        jobs = scans.jobs(self.sessions, SYSTEM, paper_id=self.paper_id)
        return {job.kind for job in jobs} == {"ingest", "read"} and all(job.status == "done" for job in jobs)

    def ledger(self) -> list[tuple[object, ...]]:
        """What must come out the same, whatever happened."""
        return [
            (row.file_sha256, row.image, row.half, row.page, row.place, row.booklet, row.position, row.reason)
            for row in scans.ledger(self.sessions, SYSTEM, paper_id=self.paper_id)
        ]


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _run(home: Home, file: Path, kill_after_s: float | None) -> float:
    """Seconds from the server's answering to the last job's end; killed once on the way when asked."""
    ended = threading.Event()
    sender = threading.Thread(target=home.send, args=(file, ended), daemon=True)
    began = time.monotonic()
    with home.serving() as process:
        sender.start()
        while kill_after_s is not None and time.monotonic() - began < kill_after_s and not home.is_done():
            time.sleep(0.02)
        if kill_after_s is None:
            _wait(home, began)
        else:
            _kill(process)
    if kill_after_s is not None:
        with home.sessions.begin() as session:
            # The next worker would wait for the lease to end: time is made to pass.
            session.execute(update(Job).where(Job.status == "running").values(leased_until=now()))
        with home.serving():
            _wait(home, began)
    ended.set()
    sender.join(timeout=30)
    return time.monotonic() - began


def _wait(home: Home, began: float) -> None:
    while not home.is_done():
        assert time.monotonic() - began < PATIENCE_S, "the ingestion never ended"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> DrawnScan:
    return draw_few(tmp_path_factory.mktemp("drawn"))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, drawn: DrawnScan) -> Path:
    """A home with a paper and a secretary, to be copied for each run."""
    folder = tmp_path_factory.mktemp("prepared")
    url = f"sqlite:///{folder / 'korrigo.sqlite'}"
    upgrade(url)
    engine = engine_for(url)
    sessions = session_factory(engine)
    taken = Taken(sessions, BlobStore(folder / "blobs"), add_paper(sessions, drawn.roster, drawn.scheme))
    assert taken.paper_id == 1
    with sessions.begin() as session:
        person = Person()
        session.add(person)
        session.flush()
        session.add(
            Account(
                person_id=person.id,
                login="secretariat",
                password_hash="!",
                must_change_password=False,
                roles=[AccountRole(role=Role.SECRETARIAT.value)],
            )
        )
    engine.dispose()
    return folder


def test_server_and_worker_killed_at_any_moment_leave_the_ledger_of_an_undisturbed_run(
    prepared: Path, drawn: DrawnScan, tmp_path: Path
) -> None:
    calm = Home(Path(shutil.copytree(prepared, tmp_path / "calm")))
    lasted_s = _run(calm, drawn.pdfs[0], None)
    expected = calm.ledger()
    calm.engine.dispose()
    assert expected
    chance = random.Random(SEED)
    sent = hashlib.sha256(drawn.pdfs[0].read_bytes()).hexdigest()

    for number in range(KILLS):
        home = Home(Path(shutil.copytree(prepared, tmp_path / str(number))))
        _run(home, drawn.pdfs[0], chance.uniform(0.0, lasted_s))

        assert home.ledger() == expected, f"kill {number}"
        assert scans.ledger_sums(home.sessions, SYSTEM, paper_id=home.paper_id).is_balanced
        with home.sessions() as session:
            assert session.scalars(select(ScanFile.sha256)).all() == [sent]
            blobs = BlobStore(home.folder / "blobs")
            assert all(blobs.path(sha256) for sha256 in files_named(session.connection()))
        home.engine.dispose()
        shutil.rmtree(home.folder)
