"""Child processes that stay, for what is asked often and must be quick: pictures of stored scans."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from core.intake.limited import Reader

PROCESSES = 2
"""As many as processors that a page image needs: a third would only wait."""

# A child dies with the thread that started it, so these threads stay as long as the process.
_threads = ThreadPoolExecutor(PROCESSES, thread_name_prefix="scan-reader")
_own = threading.local()


def ask(name: str, path: Path, **args: Any) -> tuple[dict[str, Any], list[bytes]]:
    """Have one of the standing children do something with a file: :meth:`Reader.call`.

    The first call starts a child, which takes about a second.

    Raises:
        BadInput: As :meth:`Reader.call`.
    """
    return _threads.submit(_asked, name, path, args).result()


def _asked(name: str, path: Path, args: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
    if not hasattr(_own, "reader"):
        _own.reader = Reader()
    reader: Reader = _own.reader
    return reader.call(name, path, **args)
