"""What a backup folder says of itself, and whether it is true: every SHA-256, the database read to its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.db import contents, postgresql_copies, sqlite_copies
from core.db.contents import JournalHead
from core.errors import BadInput
from core.storage import manifest as manifests
from core.storage.blobs import blob_place
from core.storage.manifest import KeptFile, Manifest

FORMAT = 1
"""Raised when the folder's shape or the manifest's meaning changes."""
BLOBS = "blobs"
SECRETS = "secrets"


@dataclass(frozen=True)
class KeptDatabase:
    """The database of a backup. ``server`` is PostgreSQL's major version, 0 for SQLite; ``rows`` by table."""

    kind: str
    file: str
    revision: str
    server: int
    rows: Mapping[str, int]
    journal: JournalHead | None

    @property
    def row_count(self) -> int:
        """Rows of all tables together."""
        return sum(self.rows.values())


@dataclass(frozen=True)
class CheckedBackup:
    """A backup that is whole."""

    folder: Path
    manifest: Manifest
    database: KeptDatabase

    @property
    def stored_files(self) -> list[KeptFile]:
        """Everything but the database: stored files and secrets."""
        return [file for file in self.manifest.files if file.path != self.database.file]


def about(database: KeptDatabase, *, version: str, created_at: str) -> dict[str, Any]:
    """The manifest's first part, as JSON."""
    head = database.journal
    return {
        "format": FORMAT,
        "version": version,
        "created_at": created_at,
        "database": {
            "kind": database.kind,
            "file": database.file,
            "revision": database.revision,
            "server": database.server,
        },
        "tables": dict(database.rows),
        "journal": {"number": head.number, "hash": head.hash} if head else None,
    }


def checked(folder: Path) -> CheckedBackup:
    """Read a backup through: manifest, every file, the database.

    Raises:
        BadInput: ``backup_not_one``, ``backup_manifest_damaged``, ``backup_format_unknown``,
            ``backup_newer`` (made by a later version of this program), ``backup_file_missing``,
            ``backup_file_extra``, ``backup_file_damaged``, ``backup_database_damaged``,
            ``database_tool_missing``.
    """
    manifest = manifests.read(folder)
    if manifest.about.get("format") != FORMAT:
        raise BadInput("backup_format_unknown", format=str(manifest.about.get("format")))
    database = _database(folder, manifest)
    if database.revision not in contents.known_revisions():
        version = str(manifest.about.get("version"))
        raise BadInput("backup_newer", revision=database.revision, version=version)
    manifests.check(folder, manifest)
    if _rows(folder, database) != database.rows:
        raise BadInput("backup_database_damaged", file=database.file, reason="rows")
    return CheckedBackup(folder, manifest, database)


def _database(folder: Path, manifest: Manifest) -> KeptDatabase:
    told = manifest.about
    try:
        part, head = told["database"], told["journal"]
        database = KeptDatabase(
            kind=part["kind"],
            file=part["file"],
            revision=part["revision"],
            server=int(part["server"]),
            rows=dict(told["tables"]),
            journal=JournalHead(head["number"], head["hash"]) if head else None,
        )
    except (KeyError, TypeError, ValueError):
        raise BadInput("backup_manifest_damaged", folder=str(folder)) from None
    shape = {sqlite_copies.KIND: sqlite_copies.COPY, postgresql_copies.KIND: postgresql_copies.COPY}
    has_file = any(file.path == database.file for file in manifest.files)
    strays = [file for file in manifest.files if file.path != database.file and not _has_its_place(file)]
    if shape.get(database.kind) != database.file or not has_file or strays:
        raise BadInput("backup_manifest_damaged", folder=str(folder))
    return database


def _has_its_place(file: KeptFile) -> bool:
    if file.path.startswith(f"{BLOBS}/"):
        return file.path == f"{BLOBS}/{blob_place(file.sha256)}"
    return file.path.startswith(f"{SECRETS}/")


def _rows(folder: Path, database: KeptDatabase) -> Mapping[str, int]:
    path = folder / database.file
    if database.kind == postgresql_copies.KIND:
        return postgresql_copies.rows_per_table(path, major=database.server)
    with sqlite_copies.opened(path) as connection:
        return contents.rows_per_table(connection)
