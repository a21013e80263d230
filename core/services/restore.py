"""Restoring a backup: beside what is there, compared, then swapped in by renaming; the old home is kept.

Until the swap nothing of the home or its database changes: a run that is killed leaves only a
``.restoring`` folder and database, which the next run clears. The swap is several renames, of the database
and of the home: :mod:`core.services.restoring` marks it, and whatever stops it, all of them are undone.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import URL, delete, make_url, update
from sqlalchemy import Connection as Link
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core.db import contents, postgresql_copies, sqlite_copies
from core.db.migrate import upgrade
from core.db.session import engine_for, session_factory
from core.db.tables import Connection, Job, SignInTicket, Worker
from core.db.tables.base import now
from core.domain.access import Action, Actor, authorise
from core.errors import BadInput, WorkbenchError
from core.services import journal, restoring
from core.services.backup_check import BLOBS, CheckedBackup, checked
from core.services.restoring import Change
from core.storage import renames
from core.storage.files import Fingerprint, copy_file, fingerprint, flush, unfinished_folder
from core.storage.renames import Rename

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
    def files(self, suffix: str, /) -> tuple[sqlite_copies.Moves, sqlite_copies.Moves]: ...
    def plan(self, suffix: str, /) -> dict[str, Any]: ...
    def swap(self, plan: Mapping[str, Any], /) -> None: ...
    def undo(self, plan: Mapping[str, Any], /) -> None: ...
    def finish(self, plan: Mapping[str, Any], /) -> str | None: ...


def restore(actor: Actor, *, folder: Path, home: Path, database_url: str, force: bool) -> Restored:
    """Put a backup in the place of the home and its database.

    What a restore that was killed had changed is undone first. An older backup is migrated. Whoever was
    signed in when it was made is signed out, and jobs that ran then wait again.

    Raises:
        NotAllowed: The actor may not back up.
        BadInput: The backup is not whole (:func:`core.services.backup_check.checked`);
            ``backup_other_kind``: it is of the other kind of database; ``restore_not_empty``: there are
            data and ``force`` is not given; ``restore_differs``, ``restore_unwritable``; on PostgreSQL
            also ``restore_role_cannot_create``, ``database_tool_missing``, ``database_tool_failed``,
            ``database_unreachable``.
        Conflict: ``database_in_use``: the application runs; ``folder_being_written``: another restore does;
            ``restore_unfinished``: it failed in the middle and could not be undone either.
    """
    authorise(actor, Action.BACK_UP)
    clock = time.perf_counter()
    folder, home, url = folder.absolute(), home.resolve(), make_url(database_url)
    try:
        _undo_unfinished(home, url)
        backup = checked(folder)
        if url.get_backend_name() != backup.database.kind:
            raise BadInput("backup_other_kind", kind=backup.database.kind, present=url.get_backend_name())
        if not force and not (_is_empty_home(home) and _is_empty_database(url)):
            raise BadInput("restore_not_empty", home=str(home))
        suffix = BEFORE + datetime.now().astimezone().strftime("%Y-%m-%d-%H%M%S")
        with _alone(url), unfinished_folder(_beside(home)) as fresh:
            replacement = _replacement(url, home, fresh)
            with _discarded_on_error(replacement):
                _fill(actor, backup, replacement, fresh)
                change = _change(backup.folder, home, fresh, url, replacement, suffix)
            _swap(replacement, change)
        kept_home, kept_database = _kept(change.kept_home), replacement.finish(change.plan)
    except OSError as error:
        raise BadInput("restore_unwritable", home=str(home), reason=error.strerror or "") from error
    except DBAPIError as error:
        raise BadInput("database_unreachable", reason=str(error.orig).strip().split("\n")[0]) from error
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
            _discard(replacement)


def _discard(replacement: _Replacement) -> None:
    with suppress(WorkbenchError):  # a server that went away keeps it; the next restore clears it
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
    beside = {RESTORING, restoring.INSIDE} | _OF_THE_DISK
    return [path for path in home.iterdir() if path.name not in beside and not path.name.startswith(BEFORE)]


def _is_fixed(home: Path) -> bool:
    """Whether the home itself cannot be renamed: a mounted volume, or a folder in one we may not write."""
    return home.is_mount() or not os.access(home.parent, os.W_OK)


def _beside(home: Path) -> Path:
    home.parent.mkdir(parents=True, exist_ok=True)
    return home / RESTORING if _is_fixed(home) else home.with_name(home.name + RESTORING)


def _change(
    folder: Path, home: Path, fresh: Path, url: URL, replacement: _Replacement, suffix: str
) -> Change:
    """The renames that give database files and ``fresh`` the places of what is there.

    A home that is a mounted volume stays where it is: its entries move into a folder in it, one by one.
    """
    if fresh.parent == home:
        kept = home / suffix
        old = [Rename(path, kept / path.name) for path in _entries(home)]
        new = [Rename.into_place(path, home / path.name) for path in fresh.iterdir()]
    else:
        kept = home.with_name(home.name + suffix)
        old = [Rename(home, kept)] if home.exists() else []
        new = [Rename.into_place(fresh, home)]
    old_files, new_files = replacement.files(suffix)
    files = [*(Rename(*each) for each in old_files), *(Rename.into_place(*each) for each in new_files)]
    return Change(
        backup=folder,
        home=home,
        beside=fresh,
        kept_home=kept,
        database=str(url.database),
        plan=replacement.plan(suffix),
        renames=(*files, *old, *new),
    )


def _swap(replacement: _Replacement, change: Change) -> None:
    """Swap database and home, both or neither.

    Raises:
        Conflict: ``restore_unfinished``: what was begun could not be undone; the mark stays.
    """
    mark = restoring.place(change.home, inside=change.beside.parent == change.home)
    with restoring.marked(mark, change):
        done = False
        try:
            replacement.swap(change.plan)
            if change.beside.parent == change.home:
                change.kept_home.mkdir(mode=0o700)
            renames.do(change.renames)
            done = True
        finally:
            if not done:
                _undo(replacement, change, mark)
        restoring.remove(mark)


def _undo(replacement: _Replacement, change: Change, mark: Path) -> None:
    """Give home and database back what they were, from wherever the swap had come to."""
    try:
        renames.undo(change.renames)
        replacement.undo(change.plan)
    except (OSError, WorkbenchError) as error:
        raise restoring.unfinished(change) from error
    _kept(change.kept_home)
    restoring.remove(mark)
    _discard(replacement)


def _undo_unfinished(home: Path, url: URL) -> None:
    """Undo what a restore that was killed had begun."""
    mark = restoring.mark_of(home)
    if mark is None:
        return
    with restoring.held(mark) as change:
        if (change.home, change.database) != (home, str(url.database)):
            raise restoring.unfinished(change)
        with _alone(url):
            _undo(_replacement(url, home, change.beside), change, mark)
    shutil.rmtree(change.beside, ignore_errors=True)


def _kept(folder: Path) -> Path | None:
    """The folder with what was there before; an empty one is removed."""
    with suppress(OSError):
        folder.rmdir()
    return folder if folder.exists() else None
