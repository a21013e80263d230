"""Content-addressed files: bytes are kept under their SHA-256 and never change."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from core.errors import BadInput, NotFound
from core.storage.cache import Cache, NoCache
from core.storage.files import Fingerprint, copy_file

_CHUNK = 1 << 20


def blob_place(sha256: str) -> str:
    """Where a blob lies below the root of any store, with ``/``."""
    return f"{sha256[:2]}/{sha256}"


class BlobStore:
    """A folder of blobs. Files are written before the commit that names them and never unlinked inline.

    ``derived`` keeps for a while what is made from them.
    """

    def __init__(self, root: Path, derived: Cache | None = None) -> None:
        self._root = root
        self.derived: Cache = derived or NoCache()
        self._incoming = root / "incoming"
        self._incoming.mkdir(parents=True, exist_ok=True)

    def put(self, content: bytes) -> str:
        """Keep ``content`` and return its SHA-256; what is kept already is left alone."""
        sha256 = hashlib.sha256(content).hexdigest()
        if not self._path(sha256).exists():
            with self.incoming_file() as (file, path):
                file.write(content)
                file.flush()
                self._adopt(path, sha256)
        return sha256

    def put_file(self, source: Path) -> str:
        """Keep a copy of the file at ``source`` without holding it in memory."""
        with self.incoming_file() as (file, path):
            with source.open("rb") as original:
                shutil.copyfileobj(original, file, _CHUNK)
            file.flush()
            return self.adopt(path)

    def adopt(self, path: Path) -> str:
        """Take over a complete file of :meth:`incoming_file` and return its SHA-256."""
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
        sha256 = digest.hexdigest()
        self._adopt(path, sha256)
        return sha256

    @contextmanager
    def incoming_file(self) -> Iterator[tuple[BinaryIO, Path]]:
        """A temporary file on the same disk, removed unless adopted."""
        handle, name = tempfile.mkstemp(dir=self._incoming)
        path = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file, path
        finally:
            path.unlink(missing_ok=True)

    @contextmanager
    def incoming_folder(self) -> Iterator[Path]:
        """An empty temporary folder on the same disk, mode 0700, removed with what is left in it."""
        with tempfile.TemporaryDirectory(dir=self._incoming) as name:
            yield Path(name)

    def get(self, sha256: str) -> bytes:
        """The bytes of a blob.

        Raises:
            NotFound: No such blob is kept.
        """
        return self.path(sha256).read_bytes()

    def path(self, sha256: str) -> Path:
        """Where a blob lies, to be read only.

        Raises:
            NotFound: No such blob is kept.
        """
        path = self._path(sha256)
        if not path.exists():
            raise NotFound("blob", sha256=sha256)
        return path

    def copy_to(self, sha256: str, target: Path) -> Fingerprint:
        """Copy a blob into a new file, hashed on the way.

        Raises:
            NotFound: No such blob is kept.
            BadInput: ``blob_damaged``: its bytes are not those of its name any more.
        """
        copied = copy_file(self.path(sha256), target)
        if copied.sha256 != sha256:
            raise BadInput("blob_damaged", file=blob_place(sha256))
        return copied

    def _path(self, sha256: str) -> Path:
        return self._root / blob_place(sha256)

    def _adopt(self, path: Path, sha256: str) -> None:
        target = self._path(sha256)
        target.parent.mkdir(exist_ok=True)
        with path.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(path, target)
