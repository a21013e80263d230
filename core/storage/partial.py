"""A file that comes in pieces: it grows at its end only, whoever writes, and ends where it is known to be safe.

Bytes are appended at a position the writer names. Of several writers (a second tab, a connection that nobody
knows yet to be dead) only the one at the end of the file goes on: the others find the file longer than they
left it. So none has to wait for another's lock, and no byte is there twice.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BUSY_S = 5.0
"""Silence after which another writer may take over in the middle of a chunk."""


class PartialFile:
    """What has come of a file, at a path of its own; mode 0600."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def size(self) -> int:
        """Bytes that are there; 0 when nothing is."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def take_over(self, position: int) -> bool:
        """Make the file end at ``position``, where the next piece goes.

        What lies beyond came from a writer that did not end its chunk: it may not have reached the disk.

        Returns:
            Whether it now ends there: not when the file is shorter, nor while another writer is at work.
        """
        with self._held(os.O_RDWR | os.O_CREAT) as descriptor:
            found = os.fstat(descriptor)
            at_work = found.st_size > position and time.time() - found.st_mtime < BUSY_S
            if found.st_size < position or at_work:
                return False
            os.ftruncate(descriptor, position)
            return True

    def append(self, position: int, content: bytes) -> bool:
        """Add ``content`` at ``position``.

        Returns:
            Whether it was added: not when the file does not end there, or is gone.
        """
        try:
            with self._held(os.O_RDWR) as descriptor:
                if os.fstat(descriptor).st_size != position:
                    return False
                written = 0
                while written < len(content):
                    written += os.pwrite(descriptor, content[written:], position + written)
                return True
        except FileNotFoundError:
            return False

    def flush(self) -> int:
        """Bring what is there to the disk; how long it is then, 0 when it is gone."""
        try:
            with self._held(os.O_RDWR) as descriptor:
                os.fsync(descriptor)
                return os.fstat(descriptor).st_size
        except FileNotFoundError:
            return 0

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether nobody else holds the file; it is then held during the block."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(descriptor)

    def remove(self) -> None:
        """Take the file away, if it is there."""
        self.path.unlink(missing_ok=True)

    @contextmanager
    def _held(self, flags: int) -> Iterator[int]:
        descriptor = os.open(self.path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)
