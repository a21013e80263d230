"""Bring a database to the present schema: our own tables, and on PostgreSQL procrastinate's beside them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from core.db.session import engine_for

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK = 0x4B4F524D
"""Number of the advisory lock that one upgrade at a time holds: "KORM"; the sealer's is another."""
QUEUE_TABLE = "queue_migration"
"""Which of procrastinate's migrations a PostgreSQL database has; made here, not known to the models."""


def upgrade(url: str) -> None:
    """Create or migrate the database at ``url``; a database that is up to date is left alone.

    Processes that start together take turns.
    """
    engine = engine_for(url)
    settings = config(url)
    try:
        with engine.connect() as connection, _alone(connection):
            settings.attributes["connection"] = connection
            command.upgrade(settings, "head")
            if connection.dialect.name == "postgresql":
                _upgrade_queue(connection)
    finally:
        engine.dispose()


def config(url: str) -> Config:
    """Alembic's configuration, without an ini file."""
    settings = Config()
    settings.set_main_option("script_location", str(MIGRATIONS))
    settings.attributes["url"] = url
    return settings


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Let one upgrade in at a time.

    SQLite knows one writer: the upgrade is one transaction, so that the version
    is read after the others have written. PostgreSQL has a lock for it, which
    leaves each migration its own transaction.
    """
    if connection.dialect.name != "postgresql":
        # A table is altered by a copy that takes its name: rows that name it must not mind meanwhile.
        connection.connection.cursor().execute("pragma foreign_keys = off")
        with connection.begin():
            yield
            broken = connection.exec_driver_sql("pragma foreign_key_check").fetchall()
            if broken:
                raise RuntimeError(f"the upgrade would break {len(broken)} references")
        connection.connection.cursor().execute("pragma foreign_keys = on")
        return
    connection.exec_driver_sql(f"select pg_advisory_lock({LOCK})")
    connection.commit()
    try:
        yield
    finally:
        connection.rollback()
        connection.exec_driver_sql(f"select pg_advisory_unlock({LOCK})")
        connection.commit()


def _upgrade_queue(connection: Connection) -> None:
    """Apply procrastinate's schema, or those of its migrations that are newer than what is there.

    Its names all begin with ``procrastinate_`` and stand in the schema of our own
    tables, so that a dump of the database holds both.
    """
    shipped = resources.files("procrastinate.sql")
    migrations = sorted(
        file.name for file in (shipped / "migrations").iterdir() if file.name.endswith(".sql")
    )
    with connection.begin():
        connection.exec_driver_sql(
            f"create table if not exists {QUEUE_TABLE} "
            "(name text primary key, applied_at timestamptz not null default now())"
        )
        last = connection.exec_driver_sql(f"select max(name) from {QUEUE_TABLE}").scalar_one()  # noqa: S608
        if last is None:
            _run(connection, (shipped / "schema.sql").read_text(encoding="utf-8"), migrations[-1])
            return
    for name in migrations:
        if name > last:
            # One transaction each: a value added to an enumeration serves only after its commit.
            with connection.begin():
                _run(connection, (shipped / "migrations" / name).read_text(encoding="utf-8"), name)


def _run(connection: Connection, script: str, name: str) -> None:
    # Without parameters the driver leaves the per cent signs of the script alone.
    connection.connection.cursor().execute(script)
    connection.exec_driver_sql(f"insert into {QUEUE_TABLE} (name) values (%s)", (name,))  # noqa: S608
