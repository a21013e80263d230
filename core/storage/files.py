"""Files read once: copied or read with their SHA-256, and folders that get their name when they are whole."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from core.errors import Conflict

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Fingerprint:
    """What a file holds, in short: SHA-256 (hexadecimal) and size in bytes."""

    sha256: str
    byte_size: int


def fingerprint(path: Path, *, from_disk: bool = False) -> Fingerprint:
    """Read a file through.

    ``from_disk`` asks the system to forget what it remembers of the file first: a file that was just
    written and flushed is then read from the disk, and not from the memory it was written from.
    """
    with path.open("rb") as file:
        if from_disk:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return _read(file, None)


def copy_file(source: Path, target: Path) -> Fingerprint:
    """Copy a file into a new one of mode 0600; the fingerprint is of the bytes that were copied."""
    private_folder(target.parent)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with source.open("rb") as original, os.fdopen(descriptor, "wb") as copy:
        return _read(original, copy)


def private_folder(path: Path) -> None:
    """Make a folder and those it stands in, as far as they are missing, for its owner alone."""
    # mkdir(parents=True) gives the mode to the last one only.
    for folder in (*reversed(path.parents), path):
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)


def _read(file: BinaryIO, copy: BinaryIO | None) -> Fingerprint:
    digest = hashlib.sha256()
    byte_size = 0
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
        byte_size += len(chunk)
        if copy is not None:
            copy.write(chunk)
    return Fingerprint(digest.hexdigest(), byte_size)


@contextmanager
def unfinished_folder(path: Path) -> Iterator[Path]:
    """A new empty folder at ``path``, mode 0700, gone after the block unless it was renamed.

    What a killed run left there is cleared. A run that still writes there holds a lock on the folder,
    which ends with its process, however it ends.

    Raises:
        Conflict: ``folder_being_written``: another run writes there now.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    held = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict("folder_being_written", folder=str(path)) from None
        _empty(path)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)
    finally:
        os.close(held)


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def flush(folder: Path) -> None:
    """Wait until everything below a folder is on the disk.

    Done once after all files are written: the first call then carries most of the rest with it.
    """
    for root, _, names in os.walk(folder, topdown=False):
        for name in names:
            _flush(Path(root) / name)
        _flush(Path(root))


def flush_name(path: Path) -> None:
    """Wait until a file or folder is on the disk under its present name."""
    _flush(path)
    _flush(path.parent)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
