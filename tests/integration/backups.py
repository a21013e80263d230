"""A small class on either kind of database, and what two of them have in common: rows and bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import inspect, text

from core.db.contents import files_named
from core.db.migrate import upgrade
from core.db.session import Sessions, engine_for, session_factory
from core.db.tables import Connection, Job
from core.db.tables.base import now
from core.domain.access import Role
from core.domain.entries import DecisionKind
from core.jobs.running import run_next
from core.reports.pseudonyms import key_of
from core.services import allocation, backup, copies, exams, finalisation, identification, marking, restore
from core.services.backup import BackupMade
from core.services.handlers import handlers
from core.services.restore import Restored
from core.settings import Settings
from core.storage.blobs import BlobStore
from tests.integration.builders import add_account
from tests.integration.classes import SYSTEM, draw_few, take_in

CORRECTOR = "martin"


@dataclass(frozen=True)
class Scene:
    """A home and its database."""

    home: Path
    url: str
    sessions: Sessions
    blobs: BlobStore

    @classmethod
    def at(cls, home: Path, url: str) -> Scene:
        return cls(home, url, session_factory(engine_for(url)), BlobStore(home / "blobs"))

    def close(self) -> None:
        """Leave the database, as an application that was stopped."""
        self.sessions.kw["bind"].dispose()

    def back_up(self, folder: Path) -> BackupMade:
        return backup.back_up(self.sessions, SYSTEM, self.blobs, home=self.home, folder=folder)

    def restore(self, folder: Path, *, force: bool = False) -> Restored:
        self.close()
        return restore.restore(SYSTEM, folder=folder, home=self.home, database_url=self.url, force=force)


def build_class(home: Path, url: str, drawn_in: Path) -> Scene:
    """Three pupils' sheets taken in, identified, marked and finalised; somebody signed in, a job running."""
    home.mkdir(mode=0o700)
    upgrade(url)
    scene = Scene.at(home, url)
    paper_id = take_in(scene.sessions, scene.blobs, draw_few(drawn_in)).paper_id
    run_jobs(scene)
    names = identification.desk(scene.sessions, SYSTEM, paper_id=paper_id)
    chosen = iter(names.candidates)
    for task in names.tasks:
        identification.decide(
            scene.sessions,
            SYSTEM,
            booklet_id=task.booklet_id,
            kind=DecisionKind.CANDIDATE,
            candidate_id=next(chosen).candidate_id,
            expected_decision_id=None,
        )
    with scene.sessions.begin() as session:
        account_id = add_account(session, CORRECTOR, Role.CORRECTOR)
    allocation.allocate(scene.sessions, SYSTEM, paper_id=paper_id, correctors=[CORRECTOR], seed=1)
    first = copies.copies(scene.sessions, SYSTEM, paper_id=paper_id)[0].code
    leaves = [
        item.code
        for item in exams.paper(scene.sessions, SYSTEM, paper_id=paper_id).scheme["A"]
        if item.is_leaf
    ]
    table = "code,item,mark\n" + "".join(f"{first},{item},0.25\n" for item in leaves)
    marking.import_marks(
        scene.sessions, SYSTEM, paper_id=paper_id, file_name="notes.csv", content=table.encode()
    )
    finalisation.finalise_paper(scene.sessions, SYSTEM, paper_id=paper_id)
    run_jobs(scene)
    key_of(home / "secrets", "2026-2027")
    with scene.sessions.begin() as session:
        session.add(
            Connection(token_sha256="0" * 64, csrf_token="c", account_id=account_id, expires_at=now())
        )
        session.add(Job(kind="ingest", unique_key="held", payload={}, status="running", leased_until=now()))
    return scene


def run_jobs(scene: Scene) -> None:
    work = handlers(scene.sessions, scene.blobs, Settings(home=scene.home, reader="null"))
    while run_next(scene.sessions, work):
        pass


def digests(url: str) -> dict[str, list[str]]:
    """The digest of every row of every table, in order."""
    engine = engine_for(url)
    found: dict[str, list[str]] = {}
    with engine.connect() as connection:
        for table in inspect(connection).get_table_names():
            rows = connection.execute(text(f'select * from "{table}"'))
            found[table] = sorted(hashlib.sha256(repr(plain(row)).encode()).hexdigest() for row in rows)
    engine.dispose()
    return found


def plain(row: Iterable[object]) -> list[object]:
    """A row whose written form is the same whatever the driver hands out."""
    return [bytes(value) if isinstance(value, memoryview) else value for value in row]


def bytes_below(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, by its place."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def named_by(scene: Scene) -> set[str]:
    """Every stored file that a row names."""
    with scene.sessions() as session:
        return set(files_named(session.connection()))
