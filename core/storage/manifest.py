"""The manifest of a folder of files: what it is, the SHA-256 and size of each file, and its own digest.

``manifest.sha256`` is written as ``sha256sum`` writes, so that ``sha256sum --check manifest.sha256``
tells the same without this program. It guards against damage; whoever can write in the folder can
write a manifest too.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from core.errors import BadInput
from core.storage.files import fingerprint

MANIFEST = "manifest.json"
DIGEST = "manifest.sha256"

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class KeptFile:
    """A file of the folder: its path from there with ``/``, SHA-256 and size in bytes."""

    path: str
    sha256: str
    byte_size: int


@dataclass(frozen=True)
class Manifest:
    """What a folder holds. ``about`` is JSON of the writer's choosing, ``sha256`` is that of the manifest's file."""

    about: Mapping[str, Any]
    files: tuple[KeptFile, ...]
    sha256: str

    @property
    def byte_size(self) -> int:
        """Bytes of all files together, the manifest's own not counted."""
        return sum(file.byte_size for file in self.files)


def write(folder: Path, about: Mapping[str, Any], files: Iterable[KeptFile]) -> Manifest:
    """Write the manifest of a folder whose files stand there already."""
    kept = tuple(sorted(files, key=lambda file: file.path))
    listed = [{"path": file.path, "sha256": file.sha256, "bytes": file.byte_size} for file in kept]
    content = json.dumps({**about, "files": listed}, ensure_ascii=False, indent=1).encode() + b"\n"
    sha256 = hashlib.sha256(content).hexdigest()
    _write(folder / MANIFEST, content)
    _write(folder / DIGEST, f"{sha256}  {MANIFEST}\n".encode())
    return Manifest(about, kept, sha256)


def read(folder: Path) -> Manifest:
    """The manifest of a folder, trusted only when its digest agrees.

    Raises:
        BadInput: ``backup_not_one``: there is no manifest; ``backup_manifest_damaged``: it, or its
            digest, is not what was written.
    """
    try:
        content, stated = (folder / MANIFEST).read_bytes(), (folder / DIGEST).read_bytes()
    except OSError:
        raise BadInput("backup_not_one", folder=str(folder)) from None
    sha256 = hashlib.sha256(content).hexdigest()
    if stated != f"{sha256}  {MANIFEST}\n".encode():
        raise BadInput("backup_manifest_damaged", folder=str(folder))
    try:
        about = json.loads(content)
        files = tuple(KeptFile(file["path"], file["sha256"], file["bytes"]) for file in about.pop("files"))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadInput("backup_manifest_damaged", folder=str(folder)) from None
    if not all(_is_plain(file) for file in files):
        raise BadInput("backup_manifest_damaged", folder=str(folder))
    return Manifest(about, files, sha256)


def check(folder: Path, manifest: Manifest) -> None:
    """Read every file of the folder and compare; the first that differs is named.

    Raises:
        BadInput: ``backup_file_missing``, ``backup_file_extra`` or ``backup_file_damaged``.
    """
    there = _files_below(folder)
    listed = {file.path for file in manifest.files}
    for extra in sorted(there - listed - {MANIFEST, DIGEST}):
        raise BadInput("backup_file_extra", file=extra)
    for file in manifest.files:
        if file.path not in there:
            raise BadInput("backup_file_missing", file=file.path)
        path = folder / file.path
        found = None if path.is_symlink() else fingerprint(path, from_disk=True)
        if found is None or (found.sha256, found.byte_size) != (file.sha256, file.byte_size):
            raise BadInput("backup_file_damaged", file=file.path)


def _is_plain(file: KeptFile) -> bool:
    """Whether an entry is one that was written here: it stays below the folder, in whoever's manifest."""
    if not isinstance(file.path, str) or not isinstance(file.sha256, str) or type(file.byte_size) is not int:
        return False
    path = PurePosixPath(file.path)
    inside = not path.is_absolute() and ".." not in path.parts and str(path) == file.path and path.parts
    return bool(inside) and _SHA256.fullmatch(file.sha256) is not None


def _files_below(folder: Path) -> set[str]:
    """Everything below a folder that is not a plain folder; a link counts as a file and is not followed."""
    found: set[str] = set()
    for root, folders, names in os.walk(folder):
        links = [name for name in folders if (Path(root) / name).is_symlink()]
        found |= {(Path(root) / name).relative_to(folder).as_posix() for name in [*names, *links]}
    return found


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
