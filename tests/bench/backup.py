"""Backup, verification and restore: times and sizes on both databases, beside a plain copy without any check.

``python -m tests.bench.backup`` builds the demonstration (two papers of one class, one of them marked and
published), then backs it up, verifies and restores it on SQLite and on PostgreSQL. The rival in the same
run is what one would type otherwise: ``tar`` of the stopped home, and on PostgreSQL plain ``pg_dump`` too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import make_url

from core.db import postgresql_tools
from core.db.session import engine_for, session_factory
from core.domain.access import Actor
from core.services import backup, restore
from core.storage.blobs import BlobStore
from tests import story
from tests.postgresql import MAJOR, PostgresServer

SYSTEM = Actor.system("bench")


def build(home: Path, url: str) -> None:
    """The demonstration, as ``korrigo demo`` builds it."""
    subprocess.run(
        [sys.executable, "-m", "workbench.cli.main", "--home", str(home), "demo", "--build-only"],
        cwd=story.ROOT,
        env={**os.environ, "PYTHONPATH": str(story.ROOT), "KORRIGO_DATABASE_URL": url},
        stdout=subprocess.DEVNULL,
        check=True,
    )


def timed(act: Callable[[], object]) -> float:
    """Seconds of an act."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def measured(kind: str, home: Path, url: str, folder: Path) -> None:
    """Figures of one kind of database."""
    build(home, url)
    engine = engine_for(url)
    made = backup.back_up(
        session_factory(engine), SYSTEM, BlobStore(home / "blobs"), home=home, folder=folder / "backup"
    )
    checked = backup.verify(SYSTEM, folder=folder / "backup")
    engine.dispose()
    rival = timed(lambda: plain_copy(kind, home, url, folder))
    restored = restore.restore(SYSTEM, folder=folder / "backup", home=home, database_url=url, force=True)
    size_mb = made.bytes / 1e6
    print(f"{kind}: {made.rows} rows in {made.tables} tables, {made.files} files, {size_mb:.1f} MB")
    print(f"  backup {made.seconds:.2f} s, verify {checked.seconds:.2f} s, restore {restored.seconds:.2f} s")
    copied_mb = sum(path.stat().st_size for path in (folder / "plain").iterdir()) / 1e6
    print(f"  plain copy, unchecked: {rival:.2f} s, {copied_mb:.1f} MB")


def plain_copy(kind: str, home: Path, url: str, folder: Path) -> None:
    """What one would type without this command, the application stopped."""
    target = folder / "plain"
    target.mkdir()
    subprocess.run(["tar", "-C", str(home), "-cf", str(target / "home.tar"), "."], check=True)
    if kind == "postgresql":
        tool = postgresql_tools.find("pg_dump", major=MAJOR)
        postgresql_tools.run(tool, make_url(url), f"--file={target / 'database.sql'}")


def main() -> None:
    """Both kinds, one after the other."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind in ("sqlite", "postgresql"):
            (folder / kind).mkdir()
        home = folder / "sqlite" / "home"
        measured("sqlite", home, f"sqlite:///{home / 'korrigo.sqlite'}", folder / "sqlite")
        shutil.rmtree(folder / "sqlite")
        with PostgresServer.running() as server:
            url = server.url(server.create_database())
            measured("postgresql", folder / "postgresql" / "home", url, folder / "postgresql")


if __name__ == "__main__":
    main()
