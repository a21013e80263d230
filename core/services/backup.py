"""Backing up database and files together, while people work.

The database is copied first, at one instant; then every stored file that this copy names. Files are
written before the commit that names them, never change and are never removed inline: whatever the copy
names is there and stays the same, however long the copying takes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path

from sqlalchemy import Connection, Engine

from core.db import contents, postgresql_copies, schema, sqlite_copies
from core.db.session import Sessions
from core.db.tables import Backup
from core.db.tables.base import now
from core.domain.access import Action, Actor, authorise
from core.errors import BadInput, NotFound
from core.services import journal
from core.services.backup_check import BLOBS, SECRETS, CheckedBackup, KeptDatabase, about, checked
from core.services.transactions import writing
from core.storage import manifest as manifests
from core.storage.blobs import BlobStore, blob_place
from core.storage.files import copy_file, fingerprint, flush, flush_name, unfinished_folder
from core.storage.manifest import KeptFile, Manifest

PARTIAL = ".partial"

COMES_ALONG = frozenset({BLOBS, SECRETS})
"""Folders of the home that a backup holds: stored files that a row names, keys and other secrets whole."""
MADE_AGAIN = frozenset({"demonstration", "snapshots", "uploads", "depot", "arrivals.lock"})
"""What the application makes again from the rest, and files on their way in: their senders have them still."""


@dataclass(frozen=True)
class BackupMade:
    """Counts of a backup; ``left_out`` names what stands in the home and is nothing of Korrigo's."""

    folder: Path
    rows: int
    tables: int
    files: int
    bytes: int
    seconds: float
    manifest_sha256: str
    left_out: tuple[str, ...] = ()


def back_up(sessions: Sessions, actor: Actor, blobs: BlobStore, *, home: Path, folder: Path) -> BackupMade:
    """Write a backup into a new folder, read it back, and record that it was made.

    It is written beside, as ``FOLDER.partial``, and gets its name once everything was read back from the
    disk: a folder of that name is a whole backup.

    Raises:
        NotAllowed: The actor may not back up.
        BadInput: ``backup_folder_taken``, ``backup_inside_home``, ``backup_unwritable``, or what is wrong
            with the data themselves: ``backup_blob_missing``, ``backup_blob_damaged``; on PostgreSQL also
            ``database_tool_missing``, ``database_tool_failed``.
        Conflict: ``folder_being_written``: another backup into the same folder is under way.
    """
    authorise(actor, Action.BACK_UP)
    started_at, clock = now(), time.perf_counter()
    folder, home = folder.resolve(), home.resolve()
    _refuse(folder, home)
    try:
        with unfinished_folder(folder.with_name(folder.name + PARTIAL)) as draft:
            write_backup(sessions.kw["bind"], blobs, draft, home=home, created_at=started_at)
            flush(draft)
            made = checked(draft)
            draft.rename(folder)
            flush_name(folder)
    except OSError as error:
        raise BadInput("backup_unwritable", folder=str(folder), reason=error.strerror or "") from error
    _record(sessions, actor, made, started_at)
    return _counts(made, folder, time.perf_counter() - clock, _left_out(sessions, home))


def verify(actor: Actor, *, folder: Path) -> BackupMade:
    """Read a backup through without restoring it.

    Raises:
        NotAllowed: The actor may not back up.
        BadInput: What is wrong with it, as :func:`core.services.backup_check.checked` says.
    """
    authorise(actor, Action.BACK_UP)
    clock = time.perf_counter()
    return _counts(checked(folder.absolute()), folder.absolute(), time.perf_counter() - clock, ())


def write_backup(
    engine: Engine, blobs: BlobStore, draft: Path, *, home: Path, created_at: datetime
) -> Manifest:
    """Write everything a backup holds into an empty folder, its manifest last."""
    database, named = _copy_database(engine, draft)
    files = [_stated(draft, database.file)]
    files += [_copy_blob(blobs, draft, sha256, named[sha256]) for sha256 in sorted(named)]
    for path in sorted((home / SECRETS).rglob("*")):
        # Names with a leading dot are drafts of a file that another process is about to put there.
        if path.is_file() and not path.name.startswith("."):
            place = path.relative_to(home).as_posix()
            copied = copy_file(path, draft / place)
            files.append(KeptFile(place, copied.sha256, copied.byte_size))
    told = about(database, version=metadata.version("korrigo"), created_at=created_at.isoformat())
    return manifests.write(draft, told, files)


def _copy_database(engine: Engine, draft: Path) -> tuple[KeptDatabase, dict[str, str]]:
    """Copy the database; rows, journal and names of files are read from that same state."""
    if engine.dialect.name == postgresql_copies.KIND:
        with postgresql_copies.one_state(engine) as connection:
            server = postgresql_copies.copy(connection, draft / postgresql_copies.COPY)
            return _described(connection, postgresql_copies.KIND, postgresql_copies.COPY, server)
    sqlite_copies.copy(engine, draft / sqlite_copies.COPY)
    with sqlite_copies.opened(draft / sqlite_copies.COPY) as connection:
        return _described(connection, sqlite_copies.KIND, sqlite_copies.COPY, 0)


def _described(
    connection: Connection, kind: str, file: str, server: int
) -> tuple[KeptDatabase, dict[str, str]]:
    database = KeptDatabase(
        kind=kind,
        file=file,
        revision=schema.revision(connection) or "",
        server=server,
        rows=contents.rows_per_table(connection),
        journal=contents.journal_head(connection),
    )
    return database, contents.files_named(connection)


def _copy_blob(blobs: BlobStore, draft: Path, sha256: str, named_by: str) -> KeptFile:
    place = f"{BLOBS}/{blob_place(sha256)}"
    try:
        copied = blobs.copy_to(sha256, draft / place)
    except NotFound:
        raise BadInput("backup_blob_missing", file=place, named_by=named_by) from None
    except BadInput:
        raise BadInput("backup_blob_damaged", file=place, named_by=named_by) from None
    return KeptFile(place, copied.sha256, copied.byte_size)


def _stated(draft: Path, place: str) -> KeptFile:
    found = fingerprint(draft / place)
    return KeptFile(place, found.sha256, found.byte_size)


def _refuse(folder: Path, home: Path) -> None:
    if folder.is_relative_to(home) or home.is_relative_to(folder):
        raise BadInput("backup_inside_home", folder=str(folder))
    if folder.exists() and (not folder.is_dir() or folder.is_mount() or any(folder.iterdir())):
        raise BadInput("backup_folder_taken", folder=str(folder))


def _left_out(sessions: Sessions, home: Path) -> tuple[str, ...]:
    """What stands in the home without being the database, a part of a backup or made again."""
    url = sessions.kw["bind"].url
    known = COMES_ALONG | MADE_AGAIN
    database = sqlite_copies.path_of(url).name if url.get_backend_name() == sqlite_copies.KIND else None
    there = sorted(path.name for path in home.iterdir()) if home.is_dir() else []
    return tuple(name for name in there if name not in known and not (database and name.startswith(database)))


def _record(sessions: Sessions, actor: Actor, made: CheckedBackup, started_at: datetime) -> None:
    manifest = made.manifest
    with writing(sessions) as session:
        row = Backup(
            started_at=started_at,
            ended_at=now(),
            manifest_sha256=manifest.sha256,
            rows=made.database.row_count,
            files=len(manifest.files),
            bytes=manifest.byte_size,
        )
        session.add(row)
        session.flush()
        journal.record(
            session,
            actor,
            Action.BACK_UP,
            kind="backup",
            object_id=row.id,
            values={"manifest_sha256": manifest.sha256, "rows": row.rows, "files": row.files},
        )


def _counts(made: CheckedBackup, folder: Path, seconds: float, left_out: tuple[str, ...]) -> BackupMade:
    return BackupMade(
        folder=folder,
        rows=made.database.row_count,
        tables=len(made.database.rows),
        files=len(made.manifest.files),
        bytes=made.manifest.byte_size,
        seconds=round(seconds, 2),
        manifest_sha256=made.manifest.sha256,
        left_out=left_out,
    )
