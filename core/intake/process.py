"""One child process and the frames that go to and from it; ``limited`` says what is asked of it."""

from __future__ import annotations

import json
import logging
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from fcntl import fcntl
from pathlib import Path
from typing import IO, Any

import core
from core.errors import BadInput
from core.intake.child import OUT_OF_MEMORY

__all__ = ["ORDINARY", "Answer", "Child", "Died", "Limits", "refusal"]

_log = logging.getLogger(__name__)

_ROOT = Path(core.__file__).parents[1]
_BOOT = (
    "import sys; root, limits = sys.argv[1:]\n"
    "if root not in sys.path: sys.path.insert(0, root)\n"
    "from core.intake.child import main; main(limits)"
)
"""``-m`` would not find a checkout that is not installed: isolated mode ignores the current folder."""

_ENVIRONMENT = {
    "PATH": os.defpath,
    "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OPENCV_FOR_THREADS_NUM": "1",
    "MALLOC_ARENA_MAX": "1",
}
"""All that a child knows of the machine: no password of a database, no key."""

_SET_PIPE_SIZE = 1031  # fcntl.F_SETPIPE_SZ, from Python 3.10 on under that name on some systems only
_PIPE_BYTES = 1024**2
"""What a child may say ahead while its parent writes rows: the crops of a few images."""

_MAX_TEXT_BYTES = 16 * 1024**2
_MAX_BLOBS = 4096
_MAX_BLOB_BYTES = 256 * 1024**2
_READ_BYTES = 1024**2
_STDERR_TAIL = 2000


@dataclass(frozen=True)
class Limits:
    """What a child may use.

    Attributes:
        memory_bytes: address space. Libraries take 340 MB of it before any image; an A3 page in colour at
            600 dpi, decoded by Pillow, 430 MB more (docs/decisions/0009-hostile-files.md).
        file_bytes: largest file it may write when it takes an archive apart.
        image_cpu_s: seconds of processor for one image.
        image_wall_s: seconds its parent waits for one image.
        file_cpu_s: seconds of processor to check and measure a file, or take it apart.
        file_wall_s: seconds its parent waits for that.
    """

    memory_bytes: int = 1792 * 1024**2
    file_bytes: int = 2 * 1024**3
    image_cpu_s: int = 60
    image_wall_s: float = 120.0
    file_cpu_s: int = 120
    file_wall_s: float = 300.0


ORDINARY = Limits()


class Died(Exception):
    """The child ended before it answered; ``heavy`` when it had used up memory or time."""

    def __init__(self, *, heavy: bool) -> None:
        super().__init__(heavy)
        self.heavy = heavy


@dataclass(frozen=True)
class Answer:
    """What a child says: data and blobs, or why not."""

    data: dict[str, Any]
    blobs: list[bytes]
    error: BadInput | None


@dataclass(frozen=True)
class _Refused:
    """An error as a child reports it."""

    code: str
    details: dict[str, Any]


def refusal(code: object, details: dict[str, Any]) -> BadInput:
    """The error a child reports by its code."""
    if not isinstance(code, str) or not re.fullmatch(r"[a-z0-9_]{1,60}", code):
        return BadInput("scan_crashed_reader")
    error = _Refused(code, details)
    return BadInput(error.code, **error.details)


def _piped(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("child without pipes")
    return process.stdin, process.stdout


class Child:
    """A process that serves requests one after the other; kill it when done.

    The thread that makes a child must outlive it: the kernel ends the child with that thread.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the child
        self._said = bytearray()
        given = {"memory_bytes": limits.memory_bytes, "file_bytes": limits.file_bytes, "parent": os.getpid()}
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", _BOOT, str(_ROOT), json.dumps(given)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=_ENVIRONMENT,
            cwd="/",
            bufsize=0,
            start_new_session=True,
        )
        self._requests, answers = _piped(self._process)
        self.descriptor = answers.fileno()
        os.set_blocking(self.descriptor, False)
        try:
            fcntl(self.descriptor, _SET_PIPE_SIZE, _PIPE_BYTES)
        except OSError:  # an account may have used up what pipes may hold: it goes slower
            _log.debug("pipe not enlarged")

    def send(self, name: str, path: Path, cpu_s: int, args: dict[str, Any]) -> None:
        """Ask for one thing; whether the child still lives shows when it is listened to."""
        request = {"name": name, "path": str(path.absolute()), "cpu_s": cpu_s, "args": args}
        text = json.dumps(request).encode()
        try:
            self._requests.write(len(text).to_bytes(4, "big") + text)
        except BrokenPipeError:
            _log.debug("child gone before it was asked")

    def take(self) -> Answer | None:
        """The next answer if it has all arrived.

        Raises:
            Died: The child ended, or says what no child of ours would say.
        """
        ended = self._listen()
        answer = self._next()
        while answer is not None and "ready" in answer.data:
            answer = self._next()
        if answer is None and ended:
            raise self._why()
        return answer

    def ask(self, name: str, path: Path, args: dict[str, Any], *, cpu_s: int, wall_s: float) -> Answer:
        """Ask, and wait for the answer.

        Raises:
            Died: The child ended or had no answer after ``wall_s`` seconds, and was then killed.
        """
        self.send(name, path, cpu_s, args)
        end = time.monotonic() + wall_s
        poll = select.poll()
        poll.register(self.descriptor, select.POLLIN)
        while (answer := self.take()) is None:
            left = end - time.monotonic()
            if left <= 0:
                self.kill()
                raise Died(heavy=True)
            poll.poll(left * 1000)
        return answer

    def kill(self) -> None:
        """End the process at once and let go of its pipes."""
        if self._process.poll() is None:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except ProcessLookupError:
                self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._errors):
            if pipe is not None:
                pipe.close()

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def _listen(self) -> bool:
        """Take what has arrived; whether the child has closed its side."""
        while True:
            try:
                some = os.read(self.descriptor, _READ_BYTES)
            except BlockingIOError:
                return False
            if not some:
                return True
            self._said += some
            if len(self._said) > _MAX_TEXT_BYTES + _MAX_BLOB_BYTES + _READ_BYTES:
                return True

    def _next(self) -> Answer | None:
        """Cut one frame off what has arrived; none of it is believed before it is checked."""
        if len(self._said) < 4:
            return None
        length = int.from_bytes(self._said[:4], "big")
        if length > _MAX_TEXT_BYTES:
            raise self._nonsense()
        if len(self._said) < 4 + length:
            return None
        text, sizes = self._text(bytes(self._said[4 : 4 + length]))
        end = 4 + length + sum(sizes)
        if len(self._said) < end:
            return None
        blobs, at = [], 4 + length
        for size in sizes:
            blobs.append(bytes(self._said[at : at + size]))
            at += size
        del self._said[:end]
        return self._answer(text, blobs)

    def _text(self, raw: bytes) -> tuple[dict[str, Any], list[int]]:
        try:
            text = json.loads(raw)
            sizes = text["blobs"]
            fits = all(type(size) is int and size >= 0 for size in sizes)
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            raise self._nonsense() from error
        if not fits or len(sizes) > _MAX_BLOBS or sum(sizes) > _MAX_BLOB_BYTES:
            raise self._nonsense()
        return text, sizes

    def _answer(self, text: dict[str, Any], blobs: list[bytes]) -> Answer:
        if text.get("ready") is True:
            return Answer({"ready": True}, [], None)
        if "error" not in text:
            data = text.get("data")
            if not isinstance(data, dict):
                raise self._nonsense()
            return Answer(data, blobs, None)
        details = text.get("details")
        if not isinstance(details, dict):
            raise self._nonsense()
        return Answer({}, [], refusal(text["error"], details))

    def _nonsense(self) -> Died:
        _log.warning("a child that opens files answered out of form")
        self.kill()
        return Died(heavy=False)

    def _why(self) -> Died:
        """Why a child that closed its pipe did so; its last words are for the log."""
        try:
            status = self._process.wait(5)
        except subprocess.TimeoutExpired:
            status = -signal.SIGKILL
        heavy = status in (OUT_OF_MEMORY, -signal.SIGXCPU)
        self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, self._errors.tell() - _STDERR_TAIL))
        words = self._errors.read().decode(errors="replace").strip()
        _log.warning("a child that opens files ended with status %s: %s", status, words)
        self.kill()
        return Died(heavy=heavy)
