"""The process that opens files which are not trusted: bounded, alone, without secrets; it answers in frames.

A frame is the length of a JSON text (4 bytes, big end first), the text, then the blobs whose lengths the
text gives: nothing that comes out of this process is ever executed or unpickled by its parent.
``core.intake.limited`` starts it and watches it.
"""

from __future__ import annotations

import json
import os
import resource
import signal
from pathlib import Path
from typing import Any, BinaryIO

from core.errors import BadInput

__all__ = ["OUT_OF_MEMORY", "main"]

OUT_OF_MEMORY = 77
"""Exit status after the memory limit was reached."""

_SMALL_FILE_BYTES = 1024**2
"""Nothing but taking a ZIP apart writes files; this is for what libraries say on the error stream."""

_OPEN_FILES = 64
_PR_SET_PDEATHSIG = 1


def main(limits_json: str) -> None:
    """Serve requests until the parent closes the pipe.

    Args:
        limits_json: ``memory_bytes``, ``file_bytes`` and ``parent``, the process to die with.
    """
    limits: dict[str, int] = json.loads(limits_json)
    _die_with(limits["parent"])
    _bound(limits)
    requests, answers = _own_pipes()
    _write(answers, {"ready": True}, [])
    while (request := _read(requests)) is not None:
        _renew(request["cpu_s"], limits["file_bytes"] if request["name"] == "unpack" else _SMALL_FILE_BYTES)
        try:
            data, blobs = _done(request)
        except BadInput as error:
            _write(answers, {"error": error.code, "details": error.details}, [])
        except MemoryError:
            os._exit(OUT_OF_MEMORY)
        else:
            _write(answers, {"data": data}, blobs)


def _done(request: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
    from core.intake.work import FUNCTIONS

    return FUNCTIONS[request["name"]](Path(request["path"]), **request["args"])


def _die_with(parent: int) -> None:
    """Ask the kernel to end this process with the thread that started it, however that ends."""
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def _bound(limits: dict[str, int]) -> None:
    for what, most in (
        (resource.RLIMIT_AS, limits["memory_bytes"]),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
    ):
        resource.setrlimit(what, (most, most))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_SMALL_FILE_BYTES, limits["file_bytes"]))


def _renew(cpu_s: int, file_bytes: int) -> None:
    """A request has so many seconds of the processor from now on; the kernel ends the process after them."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + 1 + cpu_s
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


def _own_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The two pipes on numbers of their own: what a library prints must not fall among the frames."""
    requests, answers = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return os.fdopen(requests, "rb"), os.fdopen(answers, "wb")


def _read(requests: BinaryIO) -> dict[str, Any] | None:
    head = requests.read(4)
    if len(head) < 4:
        return None
    request: dict[str, Any] = json.loads(requests.read(int.from_bytes(head, "big")))
    return request


def _write(answers: BinaryIO, answer: dict[str, Any], blobs: list[bytes]) -> None:
    text = json.dumps({**answer, "blobs": [len(blob) for blob in blobs]}, default=_plain).encode()
    answers.write(len(text).to_bytes(4, "big"))
    answers.write(text)
    for blob in blobs:
        answers.write(blob)
    answers.flush()


def _plain(value: Any) -> Any:
    """Numbers of numpy and decimals as JSON knows them."""
    return value.item() if hasattr(value, "item") else str(value)
