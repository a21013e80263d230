"""Migrations: from nothing, and from the previous schema with data in it, to the schema of the tables."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError

from core.db.migrate import QUEUE_TABLE, config, upgrade
from core.db.session import engine_for
from core.db.tables import Base

AT = "2026-11-22 10:00:00+00:00"
DIGEST = "a" * 64

PREVIOUS = "0001"
OLD_ROWS: dict[str, list[dict[str, Any]]] = {
    "person": [{"id": 1, "created_at": AT}],
    "identity": [{"person_id": 1, "surname": "BEN SALAH", "first_name": "Zoé"}],
    "account": [
        {
            "id": 1,
            "person_id": 1,
            "login": "zoe",
            "password_hash": "-",
            "must_change_password": False,
            "created_at": AT,
            "version": 3,
        }
    ],
    "account_role": [{"account_id": 1, "role": "admin"}],
    "connection": [
        {
            "id": 7,
            "token_sha256": DIGEST,
            "csrf_token": "c",
            "account_id": 1,
            "created_at": AT,
            "expires_at": AT,
        }
    ],
    "sign_in_failure": [{"id": 5, "login_sha256": DIGEST, "at": AT}],
    "exam_session": [{"id": 1, "name": "Bac blanc", "ends_on": "2027-08-31", "created_at": AT}],
    "journal_entry": [
        {
            "id": number,
            "at": AT,
            "actor": "account:1",
            "action": "sign_in",
            "object_kind": "account",
            "object_id": 1,
            "digest": DIGEST,
        }
        for number in (1, 2, 3)
    ],
    "journal_value": [{"entry_id": 1, "salt": "s", "values": '{"login": "zoe"}'}],
    "job": [
        {
            "id": 1,
            "kind": "ingest",
            "unique_key": "1",
            "payload": "{}",
            "status": "done",
            "done": 2,
            "total": 2,
            "stage": "pages",
            "attempt": 1,
            "failures": 0,
            "created_at": AT,
        }
    ],
}
"""Rows of the previous schema, parents first: every table that the next revision touches, and others."""

NEW_DEFAULTS: dict[str, dict[str, Any]] = {
    "connection": {"agent": "", "last_seen_at": None, "portal": None},
    "sign_in_failure": {"address_sha256": ""},
}
"""What the columns that the next revision adds hold for rows that were there."""


def insert_old_rows(connection: sa.Connection) -> None:
    """Plain SQL: the tables of this program are those of a later revision."""
    for table, rows in OLD_ROWS.items():
        for row in rows:
            columns = ", ".join(f'"{name}"' for name in row)
            values = ", ".join(f":{name}" for name in row)
            connection.execute(sa.text(f'insert into "{table}" ({columns}) values ({values})'), row)
        if connection.dialect.name == "postgresql" and "id" in rows[0]:
            # Ids were given, as a sequence would have.
            sequence = f"pg_get_serial_sequence('{table}', 'id')"
            connection.execute(sa.text(f"select setval({sequence}, {max(row['id'] for row in rows)})"))


def rows_of(connection: sa.Connection, table: str) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in connection.execute(sa.text(f'select * from "{table}" order by 1'))]


def is_ours(table: str) -> bool:
    """Whether a table is of the models: those of the job queue are its own business."""
    return table != QUEUE_TABLE and not table.startswith("procrastinate_")


def in_autogenerate(_object: object, name: str | None, kind: str, reflected: bool, _compared: object) -> bool:
    """Whether a difference of an object counts."""
    return not (kind == "table" and reflected and not is_ours(str(name)))


def append_only_tables(connection: sa.Connection) -> set[str]:
    query = (
        "select tbl_name from sqlite_master where type = 'trigger'"
        if connection.dialect.name == "sqlite"
        else "select tgrelid::regclass::text from pg_trigger where not tgisinternal and tgname like '%append_only'"
    )
    return set(connection.execute(sa.text(query)).scalars())


def test_from_nothing_the_migrations_make_the_schema_of_the_tables(empty_database_url: str) -> None:
    upgrade(empty_database_url)

    engine = engine_for(empty_database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_object": in_autogenerate}
        )
        differences = compare_metadata(context, Base.metadata)
        inspector = sa.inspect(connection)
        tables = {name for name in inspector.get_table_names() if is_ours(name)}
        checks = {
            (table.name, str(constraint.name))
            for table in Base.metadata.tables.values()
            for constraint in table.constraints
            if isinstance(constraint, sa.CheckConstraint)
        }
        checks_there = {
            (table, str(found["name"]))
            for table in tables
            for found in inspector.get_check_constraints(table)
        }
        guarded = append_only_tables(connection)
    engine.dispose()
    assert differences == []
    assert tables == {*Base.metadata.tables, "alembic_version"}
    assert checks_there == checks
    assert guarded == {"journal_entry", "journal_seal"}


def test_the_copy_and_its_marking_point_at_each_other_on_both_databases(empty_database_url: str) -> None:
    upgrade(empty_database_url)

    engine = engine_for(empty_database_url)
    with engine.connect() as connection:
        inspector = sa.inspect(connection)
        pointed = {
            (table, tuple(key["constrained_columns"]), key["referred_table"])
            for table in ("copy", "marking")
            for key in inspector.get_foreign_keys(table)
        }
    engine.dispose()
    assert ("copy", ("record_marking_id",), "marking") in pointed
    assert ("marking", ("copy_id",), "copy") in pointed


def test_a_database_of_the_previous_schema_keeps_every_row(empty_database_url: str) -> None:
    command.upgrade(config(empty_database_url), PREVIOUS)
    engine = engine_for(empty_database_url)
    with engine.begin() as connection:
        insert_old_rows(connection)
    with engine.connect() as connection:
        before = {table: rows_of(connection, table) for table in OLD_ROWS}
    engine.dispose()

    upgrade(empty_database_url)

    with engine.connect() as connection:
        after = {table: rows_of(connection, table) for table in OLD_ROWS}
        seals = rows_of(connection, "journal_seal")
    engine.dispose()
    assert {table: len(rows) for table, rows in before.items()} == {
        table: len(rows) for table, rows in OLD_ROWS.items()
    }
    assert after == {
        table: [row | NEW_DEFAULTS.get(table, {}) for row in rows] for table, rows in before.items()
    }
    assert seals == [], "entries of before are sealed by the sealer, not by the migration"


def test_a_migrated_database_takes_new_rows_and_guards_the_old_ones(empty_database_url: str) -> None:
    command.upgrade(config(empty_database_url), PREVIOUS)
    engine = engine_for(empty_database_url)
    with engine.begin() as connection:
        insert_old_rows(connection)
    engine.dispose()
    upgrade(empty_database_url)

    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "insert into journal_seal (number, entry_id, previous, hash, sealed_at)"
                " values (1, 1, :previous, :hash, :at)"
            ),
            {"previous": "0" * 64, "hash": DIGEST, "at": AT},
        )

    for act in (
        "update journal_seal set number = 2",
        "delete from journal_seal",
        "update journal_entry set actor = 'x'",
        "delete from journal_entry",
    ):
        with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
            connection.execute(sa.text(act))
    engine.dispose()


def test_a_database_that_is_up_to_date_is_left_alone(database_url: str) -> None:
    engine = engine_for(database_url)
    with engine.connect() as connection:
        before = sa.inspect(connection).get_table_names()
    engine.dispose()

    upgrade(database_url)

    with engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == before
    engine.dispose()


def test_revisions_are_one_line_without_branches_and_only_lead_upwards() -> None:
    scripts = ScriptDirectory.from_config(config(""))
    revisions = list(scripts.walk_revisions())

    assert len(scripts.get_heads()) == 1
    assert [revision.down_revision for revision in revisions][:-1] == [
        revision.revision for revision in revisions
    ][1:]
    assert revisions[-1].down_revision is None
    assert [revision.revision for revision in revisions if hasattr(revision.module, "downgrade")] == []
