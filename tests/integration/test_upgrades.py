"""Upgrades that meet: processes that start together, and a queue that an older version made."""

from __future__ import annotations

import subprocess
import sys

import procrastinate.schema
import pytest
from sqlalchemy import inspect, text

from core.db.migrate import upgrade
from core.db.session import engine_for, session_factory
from core.jobs import rows
from tests import story

AT_ONCE = 4
VERSION_2 = "02.14.01_01_add_indexes_for_fetch_job.sql"  # the last of procrastinate's version 2

FOLDER = procrastinate.schema.migrations_path
MIGRATIONS = sorted(path.name for path in FOLDER.iterdir() if path.suffix == ".sql")


def shape(url: str) -> dict[str, list[str]]:
    """Tables with their columns, and on PostgreSQL the functions of the queue."""
    engine = engine_for(url)
    with engine.connect() as connection:
        found = inspect(connection)
        tables = {
            name: sorted(f"{column['name']} {column['type']}" for column in found.get_columns(name))
            for name in found.get_table_names()
        }
        if connection.dialect.name == "postgresql":
            named = text("select proname from pg_proc where proname like 'procrastinate%' order by 1")
            tables["functions"] = list(connection.execute(named).scalars())
    engine.dispose()
    return tables


def versions(url: str) -> list[str]:
    """Which of procrastinate's migrations are written down."""
    engine = engine_for(url)
    with engine.connect() as connection:
        names = list(connection.execute(text("select name from queue_migration order by name")).scalars())
    engine.dispose()
    return names


def test_processes_that_start_together_on_an_empty_database_migrate_it_once(empty_database_url: str) -> None:
    code = f"from core.db.migrate import upgrade; upgrade({empty_database_url!r})"
    started = [
        subprocess.Popen([sys.executable, "-c", code], cwd=story.ROOT, stderr=subprocess.PIPE, text=True)
        for _ in range(AT_ONCE)
    ]

    errors = [process.communicate(timeout=120)[1] for process in started]

    assert [process.returncode for process in started] == [0] * AT_ONCE, "\n".join(errors)
    assert "job" in shape(empty_database_url)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_there_is_no_queue_beside_the_rows_on_sqlite(database_url: str) -> None:
    assert not [table for table in shape(database_url) if "queue" in table or "procrastinate" in table]


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_a_queue_of_an_older_version_gets_the_migrations_that_came_since(
    empty_database_url: str, database_url: str
) -> None:
    engine = engine_for(empty_database_url)
    for name in MIGRATIONS:
        if name <= VERSION_2:
            with engine.begin() as connection:
                connection.connection.cursor().execute((FOLDER / name).read_text(encoding="utf-8"))
    with engine.begin() as connection:
        connection.execute(text("create table queue_migration (name text primary key, applied_at text)"))
        connection.execute(text("insert into queue_migration values (:name)"), {"name": VERSION_2})

    upgrade(empty_database_url)
    upgrade(empty_database_url)

    assert versions(empty_database_url) == [name for name in MIGRATIONS if name >= VERSION_2]
    assert versions(database_url) == [MIGRATIONS[-1]], "a new database has the whole schema at once"
    older, new = shape(empty_database_url), shape(database_url)
    assert older.pop("queue_migration")
    assert new.pop("queue_migration")
    assert older == new
    with session_factory(engine).begin() as session:
        rows.ask(session, kind="note", unique_key="1", payload={}, paper_id=None)
        assert session.scalar(text("select count(*) from procrastinate_jobs")) == 1
    engine.dispose()
