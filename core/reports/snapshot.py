"""A snapshot folder: Parquet files, data dictionary and manifest, published whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from core.errors import BadInput
from core.reports.dictionary import described

FORMAT = 1
"""Raised when tables, columns or their meaning change."""

MANIFEST = "manifest.json"
DICTIONARY = "dictionary.json"


@dataclass(frozen=True)
class Published:
    """A folder that stands; ``sha256`` is that of its manifest, which holds those of the other files."""

    path: Path
    sha256: str


def publish(
    tables: Mapping[str, pa.Table],
    folder: Path,
    *,
    created_at: datetime,
    identified: bool,
    parameters: Mapping[str, Any],
) -> Published:
    """Write a snapshot beside ``folder`` and give it its name by one rename.

    Raises:
        BadInput: ``snapshot_exists``: something stands there already; ``snapshot_unwritable``.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput("snapshot_exists", path=str(folder))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # mkdtemp gives mode 0700: an identified snapshot holds names.
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise BadInput("snapshot_unwritable", path=str(folder)) from error
    try:
        _write(tables, draft, identified=identified)
        manifest = _manifest(draft, tables, created_at, identified, parameters)
        (draft / MANIFEST).write_bytes(manifest)
        try:
            os.rename(draft, folder)
        except OSError as error:
            raise BadInput("snapshot_exists", path=str(folder)) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Published(folder, hashlib.sha256(manifest).hexdigest())


def sha256_of(folder: Path) -> str:
    """The SHA-256 by which a snapshot is named: that of its manifest."""
    return hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()


def damaged_files(folder: Path) -> list[str]:
    """Names of files that are not what the manifest says."""
    stated = json.loads((folder / MANIFEST).read_text("utf-8"))["files"]
    return [
        name
        for name, line in stated.items()
        if not (folder / name).is_file() or _sha256(folder / name) != line["sha256"]
    ]


def _write(tables: Mapping[str, pa.Table], folder: Path, *, identified: bool) -> None:
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet", compression="zstd")
    (folder / DICTIONARY).write_text(_json(described(identified=identified)), "utf-8")


def _manifest(
    folder: Path,
    tables: Mapping[str, pa.Table],
    created_at: datetime,
    identified: bool,
    parameters: Mapping[str, Any],
) -> bytes:
    files = {
        path.name: {"sha256": _sha256(path), "bytes": path.stat().st_size}
        | ({"rows": tables[path.stem].num_rows} if path.stem in tables else {})
        for path in sorted(folder.iterdir())
    }
    return _json(
        {
            "format": FORMAT,
            "created_at": created_at.isoformat(),
            "identified": identified,
            "parameters": dict(parameters),
            "versions": {
                "korrigo": _korrigo_version(),
                "duckdb": duckdb.__version__,
                "pyarrow": pa.__version__,
            },
            "files": files,
        }
    ).encode()


def _korrigo_version() -> str:
    try:
        return metadata.version("korrigo")
    except metadata.PackageNotFoundError:
        return "not installed"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
