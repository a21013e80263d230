"""Workers that are there: each keeps a row of its own alive while it works."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import delete, update
from sqlalchemy.exc import OperationalError

from core.db.session import Sessions
from core.db.tables import Worker
from core.db.tables.base import now

BEAT_S = 10.0
GONE_AFTER = timedelta(minutes=10)
"""Silence after which a worker's row is swept: it was killed, or its host is gone."""

_log = logging.getLogger(__name__)


@contextmanager
def present(sessions: Sessions, engine: str, *, beat_s: float = BEAT_S) -> Iterator[str]:
    """Show this process among the workers while the block runs; its name."""
    name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    beat(sessions, name, engine)
    ended = threading.Event()
    thread = threading.Thread(target=_beat_until, args=(sessions, name, engine, beat_s, ended), daemon=True)
    thread.start()
    try:
        yield name
    finally:
        ended.set()
        thread.join()
        try:
            with sessions.begin() as session:
                session.execute(delete(Worker).where(Worker.name == name))
        except OperationalError as error:
            _log.warning("worker not signed off: %s", type(error.orig).__name__)


def beat(sessions: Sessions, name: str, engine: str) -> None:
    """Say that the worker ``name`` is there; sweep the rows of those that are gone."""
    instant = now()
    with sessions.begin() as session:
        session.execute(delete(Worker).where(Worker.seen_at < instant - GONE_AFTER, Worker.name != name))
        seen = session.execute(
            update(Worker).where(Worker.name == name).values(seen_at=instant).returning(Worker.id)
        ).first()
        if seen is None:
            session.add(Worker(name=name, engine=engine, started_at=instant, seen_at=instant))


def _beat_until(sessions: Sessions, name: str, engine: str, beat_s: float, ended: threading.Event) -> None:
    while not ended.wait(beat_s):
        try:
            beat(sessions, name, engine)
        except OperationalError as error:
            _log.warning("the database did not answer: %s", type(error.orig).__name__)
