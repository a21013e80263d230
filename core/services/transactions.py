"""The units of work of services: one that reads, one that writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from core.db.session import READS_ONLY, Sessions
from core.errors import Conflict


@contextmanager
def writing(sessions: Sessions) -> Iterator[Session]:
    """One transaction; what the schema refuses, or another screen changed first, is a conflict.

    Raises:
        Conflict: A constraint or a version column refused the act.
    """
    try:
        with sessions.begin() as session:
            yield session
    except (IntegrityError, StaleDataError) as error:
        raise Conflict() from error


@contextmanager
def reading(sessions: Sessions) -> Iterator[Session]:
    """One transaction that only reads: on SQLite it waits for no writer. Nothing of it is kept."""
    with sessions() as session:
        session.connection(execution_options={READS_ONLY: True})
        yield session
