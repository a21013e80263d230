"""Restoring a backup: beside what is there, compared, then swapped in by renaming; the old home is kept.

Until the swap nothing of the home or its database changes: a run that is killed leaves only a
``.restoring`` folder and database, which the next run clears.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy import URL, delete, make_url, update
from sqlalchemy import Connection as Link
from sqlalchemy.orm import Session

from core.db import contents, postgresql_copies, sqlite_copies
from core.db.migrate import upgrade
from core.db.session import engine_for, session_factory
from core.db.tables import Connection, Job, SignInTicket, Worker
from core.db.tables.base import now
from core.domain.access import Action, Actor, authorise
from core.errors import BadInput
from core.services import journal
from core.services.backup_check import BLOBS, CheckedBackup, checked
from core.storage.files import Fingerprint, copy_file, fingerprint, flush, flush_name, unfinished_folder

RESTORING = ".restoring"
BEFORE = ".before-"
_OF_THE_DISK = frozenset({"lost+found"})


@dataclass(frozen=True)
class Restored:
    """Counts of a restored backup, and where what was there before is kept (``None``: there was nothing)."""

    home: Path
    rows: int
    tables: int
    files: int
    bytes: int
    seconds: float
    kept_home: Path | None
    kept_database: str | None


class _Replacement(Protocol):
    """A database being restored beside the present one; ``url`` is its address until the swap."""

    url: URL

    def load(self, copy: Path, /) -> None: ...
    def discard(self) -> None: ...
    def swap(self, suffix: str, /) -> str | None: ...


def restore(actor: Actor, *, folder: Path, home: Path, database_url: str, force: bool) -> Restored:
    """Put a backup in the place of the home and its database.

    An older backup is migrated. Whoever was signed in when it was made is signed out, and jobs that ran
    then wait again.

    Raises:
        NotAllowed: The actor may not back up.
        BadInput: The backup is not whole (:func:`core.services.backup_check.checked`);
            ``backup_other_kind``: it is of the other kind of database; ``restore_not_empty``: there are
            data and ``force`` is not given; ``restore_differs``, ``restore_unwritable``; on PostgreSQL
            also ``restore_role_cannot_create``, ``database_tool_missing``, ``database_tool_failed``.
        Conflict: ``database_in_use``: the application runs; ``folder_being_written``: another restore does.
    """
    authorise(actor, Action.BACK_UP)
    clock = time.perf_counter()
    folder, home, url = folder.absolute(), home.resolve(), make_url(database_url)
    backup = checked(folder)
    if url.get_backend_name() != backup.database.kind:
        raise BadInput("backup_other_kind", kind=backup.database.kind, present=url.get_backend_name())
    if not force and not (_is_empty_home(home) and _is_empty_database(url)):
        raise BadInput("restore_not_empty", home=str(home))
    suffix = datetime.now().astimezone().strftime("%Y-%m-%d-%H%M%S")
    try:
        with _alone(url), unfinished_folder(_beside(home)) as fresh:
            replacement = _replacement(url, home, fresh)
            with _discarded_on_error(replacement):
                _fill(actor, backup, replacement, fresh)
                kept_database = replacement.swap(BEFORE + suffix)
            kept_home = _swap(fresh, home, suffix)
    except OSError as error:
        raise BadInput("restore_unwritable", home=str(home), reason=error.strerror or "") from error
    return Restored(
        home=home,
        rows=backup.database.row_count,
        tables=len(backup.database.rows),
        files=len(backup.manifest.files),
        bytes=backup.manifest.byte_size,
        seconds=round(time.perf_counter() - clock, 2),
        kept_home=kept_home,
        kept_database=kept_database,
    )


def _fill(actor: Actor, backup: CheckedBackup, replacement: _Replacement, fresh: Path) -> None:
    """Restore files and database beside, compare both with the backup, migrate, close what was open."""
    for file in backup.stored_files:
        found = copy_file(backup.folder / file.path, fresh / file.path)
        _same(file.path, found, Fingerprint(file.sha256, file.byte_size))
    replacement.load(backup.folder / backup.database.file)
    engine = engine_for(replacement.url.render_as_string(hide_password=False))
    try:
        with engine.connect() as link:
            _same("tables", contents.rows_per_table(link), backup.database.rows)
        upgrade(engine.url.render_as_string(hide_password=False))
        with session_factory(engine).begin() as session:
            _nobody_is_there(session)
            journal.record(
                session,
                actor,
                Action.BACK_UP,
                kind="restore",
                object_id=None,
                values={
                    "manifest_sha256": backup.manifest.sha256,
                    "made_at": backup.manifest.about["created_at"],
                },
            )
        with engine.connect() as link:
            _all_named_files_are_kept(link, backup)
    finally:
        engine.dispose()
    flush(fresh)
    for file in backup.stored_files:
        read_back = fingerprint(fresh / file.path, from_disk=True)
        _same(file.path, read_back, Fingerprint(file.sha256, file.byte_size))


def _nobody_is_there(session: Session) -> None:
    """End what went on when the backup was made: an old cookie opens nothing, a job at hand waits again."""
    session.execute(update(Connection).where(Connection.revoked_at.is_(None)).values(revoked_at=now()))
    session.execute(delete(SignInTicket))
    session.execute(delete(Worker))
    session.execute(update(Job).where(Job.status == "running").values(status="waiting", leased_until=None))


def _all_named_files_are_kept(link: Link, backup: CheckedBackup) -> None:
    kept = {file.sha256 for file in backup.manifest.files if file.path.startswith(f"{BLOBS}/")}
    missing = sorted(contents.files_named(link).keys() - kept)
    _same("files", missing, [])


def _same(part: str, found: object, expected: object) -> None:
    if found != expected:
        raise BadInput("restore_differs", part=part)


@contextmanager
def _discarded_on_error(replacement: _Replacement) -> Iterator[None]:
    done = False
    try:
        yield
        done = True
    finally:
        if not done:
            replacement.discard()


def _replacement(url: URL, home: Path, fresh: Path) -> _Replacement:
    if url.get_backend_name() == postgresql_copies.KIND:
        return postgresql_copies.Replacement(url)
    return sqlite_copies.Replacement(url, home=home, fresh=fresh)


def _alone(url: URL) -> AbstractContextManager[None]:
    if url.get_backend_name() == postgresql_copies.KIND:
        return postgresql_copies.alone(url)
    return sqlite_copies.alone(url)


def _is_empty_database(url: URL) -> bool:
    if url.get_backend_name() == postgresql_copies.KIND:
        return postgresql_copies.is_empty(url)
    return sqlite_copies.is_empty(url)


def _is_empty_home(home: Path) -> bool:
    return not home.exists() or not _entries(home)


def _entries(home: Path) -> list[Path]:
    """What stands in a home, but for what the disk or an earlier restore put there."""
    beside = {RESTORING} | _OF_THE_DISK
    return [path for path in home.iterdir() if path.name not in beside and not path.name.startswith(BEFORE)]


def _is_fixed(home: Path) -> bool:
    """Whether the home itself cannot be renamed: a mounted volume, or a folder in one we may not write."""
    return home.is_mount() or not os.access(home.parent, os.W_OK)


def _beside(home: Path) -> Path:
    home.parent.mkdir(parents=True, exist_ok=True)
    return home / RESTORING if _is_fixed(home) else home.with_name(home.name + RESTORING)


def _swap(fresh: Path, home: Path, suffix: str) -> Path | None:
    """Give ``fresh`` the place of the home; where the old home is kept.

    A home that is a mounted volume stays where it is: its entries move into a folder in it, one by one.
    """
    entries = _entries(home) if home.exists() else []
    if fresh.parent == home:
        kept = home / (BEFORE + suffix)
        if entries:
            kept.mkdir(mode=0o700)
        for path in entries:
            path.rename(kept / path.name)
        for path in list(fresh.iterdir()):
            path.rename(home / path.name)
    else:
        kept = home.with_name(home.name + BEFORE + suffix)
        if entries:
            home.rename(kept)
        elif home.exists():
            home.rmdir()
        fresh.rename(home)
    flush_name(home)
    return kept if entries else None
