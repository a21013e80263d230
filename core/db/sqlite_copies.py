"""A SQLite database as one file: copied while others write, checked, put in the place of another."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import sqlite3
import struct
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine
from sqlalchemy.exc import DBAPIError

from core.errors import BadInput, Conflict

KIND = "sqlite"
COPY = "database.sqlite"
_SHARED_LOCK = (0x40000002, 510)
"""First byte and length of SQLite's shared lock (sqlite.org/fileformat.html, "the lock-byte page")."""
_COMPANIONS = ("", "-wal", "-shm", "-journal")

Moves = list[tuple[Path, Path]]
"""From and to."""


def path_of(url: URL) -> Path:
    """The file of a database."""
    return Path(url.database or "").resolve()


def copy(engine: Engine, target: Path) -> None:
    """Copy the database into one file, as it stands at one instant; writers go on meanwhile.

    The online backup copies all pages in one step under one read lock, which in WAL mode hinders no writer.
    """
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    source = sqlite3.connect(f"file:{quote(str(path_of(engine.url)))}?mode=ro", uri=True)
    with closing(source), closing(sqlite3.connect(target)) as made:
        source.backup(made, pages=-1)
        # WAL would need a second file beside it: the copy is one file.
        made.execute("pragma journal_mode = delete")


@contextmanager
def opened(path: Path) -> Iterator[Connection]:
    """A connection to a copy, which cannot be changed through it.

    Raises:
        BadInput: ``backup_database_damaged``: SQLite finds the file, or a reference in it, broken.
    """
    uri = f"file:{quote(str(path))}?mode=ro&immutable=1"
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(uri, uri=True), poolclass=NullPool)
    with engine.connect() as connection:
        try:
            found = connection.exec_driver_sql("pragma integrity_check").scalars().all()
            broken = connection.exec_driver_sql("pragma foreign_key_check").all()
        except DBAPIError as error:
            raise BadInput("backup_database_damaged", file=path.name, reason=str(error.orig)) from error
        if found != ["ok"] or broken:
            reason = str(found[0]) if found != ["ok"] else str(broken[0])
            raise BadInput("backup_database_damaged", file=path.name, reason=reason)
        yield connection


@contextmanager
def alone(url: URL) -> Iterator[None]:
    """Nobody else has the database open before the block, nor opens it during it.

    Every connection in WAL mode keeps SQLite's shared lock on the file, even an idle one: the exclusive
    lock on the same bytes is granted only when there is none. Taken without SQLite, it changes nothing of
    the file and of what lies beside, and a file too damaged to be opened can be locked too. It is a lock
    of the open file, not of the process, so that a connection of this very process is seen.

    Raises:
        Conflict: ``database_in_use``.
    """
    path = path_of(url)
    if not path.exists():
        yield
        return
    descriptor = os.open(path, os.O_RDWR)
    try:
        first, length = _SHARED_LOCK
        asked = struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, first, length, 0)
        try:
            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, asked)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
            raise Conflict("database_in_use", database=path.name) from error
        yield
    finally:
        os.close(descriptor)


class Replacement:
    """A database file restored beside the one at ``url``.

    One that lies in the home is restored in ``fresh``, the folder that will become the home, and swapped
    with it; any other beside itself.
    """

    def __init__(self, url: URL, *, home: Path, fresh: Path) -> None:
        self._path = path_of(url)
        self._is_in_home = self._path.is_relative_to(home)
        self._beside = (
            fresh / self._path.relative_to(home)
            if self._is_in_home
            else self._path.with_name(f"{self._path.name}.restoring")
        )
        self.url = url.set(database=str(self._beside))

    def load(self, copy: Path) -> None:
        """Put a copy there; what a killed run left is removed first."""
        self.discard()
        self._beside.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(copy, self._beside)
        self._beside.chmod(0o600)

    def discard(self) -> None:
        """Remove what was restored beside, if it still is."""
        for companion in _COMPANIONS:
            self._beside.with_name(self._beside.name + companion).unlink(missing_ok=True)

    def files(self, suffix: str) -> tuple[Moves, Moves]:
        """The renames that keep the old file, and those that give its name to the restored one.

        None of a database in the home, which is swapped with it.
        """
        if self._is_in_home:
            return [], []
        kept = self._path.with_name(self._path.name + suffix)
        return _moves(self._path, kept), _moves(self._beside, self._path)

    def plan(self, suffix: str) -> dict[str, Any]:
        """What :meth:`finish` will need."""
        old, _ = self.files(suffix)
        return {"kept": old[0][1].name if old else None}

    def swap(self, plan: Mapping[str, Any]) -> None:
        """Nothing but the renames of :meth:`files`."""

    def undo(self, plan: Mapping[str, Any]) -> None:
        """Nothing but the renames of :meth:`files`."""

    def finish(self, plan: Mapping[str, Any]) -> str | None:
        """The name under which the old database is kept, if it is."""
        kept = plan["kept"]
        return None if kept is None else str(kept)


def is_empty(url: URL) -> bool:
    """Whether there is no database yet."""
    return not path_of(url).exists()


def _moves(source: Path, target: Path) -> Moves:
    """The renames of a database file and of what SQLite keeps beside it, as far as they are there."""
    moves = [
        (source.with_name(source.name + end), target.with_name(target.name + end)) for end in _COMPANIONS
    ]
    return [(path, other) for path, other in moves if path.exists()]
