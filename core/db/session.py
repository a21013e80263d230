"""Engines and sessions on both databases."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session, sessionmaker

Sessions = sessionmaker[Session]

SQLITE_BUSY_TIMEOUT_S = 30
READS_ONLY = "korrigo_reads_only"
"""Execution option of a connection that will not write."""


def engine_for(url: str) -> Engine:
    """An engine for a SQLite or PostgreSQL URL; PostgreSQL is reached through psycopg2.

    Its errors do not repeat the values of a statement: names of pupils are among them.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        return create_engine(
            parsed.set(drivername="postgresql+psycopg2"), pool_size=5, max_overflow=5, hide_parameters=True
        )
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, hide_parameters=True)
    engine = create_engine(parsed, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_S}, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin)
    return engine


def session_factory(engine: Engine) -> Sessions:
    """Sessions whose ``begin()`` is the unit of work; values stay readable after the commit."""
    return sessionmaker(engine, expire_on_commit=False)


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # The driver's own transactions begin at the first write, too late for two writers:
    # they are switched off and BEGIN IMMEDIATE is sent by _begin.
    connection.isolation_level = None
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = normal")
    connection.execute("pragma foreign_keys = on")


def _begin(connection: Connection) -> None:
    # A writer takes its turn at once, for a reader that turns writer half-way is refused; readers never wait.
    reads_only = connection.get_execution_options().get(READS_ONLY, False)
    connection.exec_driver_sql("begin" if reads_only else "begin immediate")
