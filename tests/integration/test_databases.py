"""The fixtures that every database test stands on."""

from __future__ import annotations

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.orm import Session, sessionmaker

from core.db.session import engine_for


def test_sessions_reach_a_migrated_database_of_the_kind_asked_for(
    sessions: sessionmaker[Session], database_kind: str
) -> None:
    with sessions() as session:
        connection = session.connection()

        assert connection.dialect.name == database_kind
        assert "alembic_version" in inspect(connection).get_table_names()


@pytest.mark.parametrize("turn", ["first", "second"])
def test_a_test_never_sees_the_rows_of_another(sessions: sessionmaker[Session], turn: str) -> None:
    with sessions.begin() as session:
        tables = inspect(session.connection()).get_table_names()

        assert "trace" not in tables
        session.execute(text("create table trace (turn text)"))


def test_an_empty_database_has_no_table(empty_database_url: str) -> None:
    engine = engine_for(empty_database_url)

    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == []
    engine.dispose()


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_the_tests_postgresql_is_the_version_of_production_with_its_connections(
    sessions: sessionmaker[Session], database_kind: str
) -> None:
    with sessions() as session:
        version = session.scalar(text("show server_version"))
        connections = session.scalar(text("show max_connections"))

    assert str(version).startswith("15.")
    assert connections == "200"
