"""What a worker does beside its jobs: it takes files from the drop folder, and sweeps what uploads left behind."""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError

from core.errors import WorkbenchError
from core.services import uploads
from core.services.drop_folder import DropFolder
from workbench.resources import blobs, sessions, settings
from workbench.sentences import sentence

LOOK_S = 5.0
SWEEP_S = 3600.0
LOCK = "arrivals.lock"
"""In the home: of several workers one looks, and another goes on when it ends."""

_log = logging.getLogger(__name__)


@contextmanager
def taking() -> Iterator[None]:
    """Look after the drop folder and the partial files while the block runs."""
    stop = threading.Event()
    thread = threading.Thread(target=_run_until, args=(stop,), name="arrivals", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(LOOK_S)  # a large file may just be taken in: killed then, it is known again


def _run_until(stop: threading.Event) -> None:
    lock = os.open(settings().home / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while not _is_ours(lock):
            if stop.wait(LOOK_S):
                return
        _look_until(stop)
    finally:
        os.close(lock)


def _look_until(stop: threading.Event) -> None:
    root = settings().drop_folder
    folder = root and DropFolder(
        sessions(),
        blobs(),
        root,
        sentence,
        image_limit=settings().image_limit,
        upload_limit_bytes=settings().upload_limit_bytes,
    )
    swept_at = -SWEEP_S
    while True:
        try:
            if folder:
                folder.look()
            if time.monotonic() - swept_at >= SWEEP_S:
                uploads.sweep(sessions(), settings().home / uploads.FOLDER)
                swept_at = time.monotonic()
        except (SQLAlchemyError, OSError, WorkbenchError) as error:
            # Away for a while: a share that is not mounted, a full disk, a database that restarts.
            _log.warning("the drop folder could not be looked at: %s", type(error).__name__)
        except Exception:  # noqa: BLE001 - a thread that ends leaves every later file where it is
            # A file that breaks us waits a minute; the others, and those to come, must not.
            _log.exception("a file of the drop folder could not be taken")
        if stop.wait(LOOK_S):
            return


def _is_ours(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
