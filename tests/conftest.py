"""What every tier shares: reference data and fresh databases of both kinds."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from sqlalchemy.orm import Session, sessionmaker

from core.db.migrate import upgrade
from core.db.session import engine_for, session_factory
from tests.postgresql import PostgresServer

ROOT = Path(__file__).parent.parent

# The same examples at each run: a red test stays red until it is mended.
hypothesis.settings.register_profile("korrigo", derandomize=True, deadline=None)
hypothesis.settings.load_profile("korrigo")


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """The folder of real scans, handwriting and published tables; never copied into the project.

    A test that asks for it also bears ``@pytest.mark.reference``. Without the data it fails: a tier that is
    asked for and silently does nothing proves nothing.
    """
    folder = Path(os.environ.get("KORRIGO_REFERENCE_DATA", "") or ROOT.parent / "shared")
    if not folder.is_dir():
        pytest.fail(
            f"no reference data in {folder}: set KORRIGO_REFERENCE_DATA to their folder", pytrace=False
        )
    return folder


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server of this test process, stopped at its end."""
    with PostgresServer.running() as server:
        yield server


@pytest.fixture(scope="session")
def _migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy from; closed, so that nothing of it is left in the write-ahead log."""
    path = tmp_path_factory.mktemp("migrated") / "korrigo.sqlite"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def _migrated_postgresql(postgresql_server: PostgresServer) -> str:
    """The name of a migrated database to copy from."""
    name = postgresql_server.create_database()
    upgrade(postgresql_server.url(name))
    return name


@pytest.fixture(params=["sqlite", "postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """The kind of database: a test that asks for a database runs on both.

    One that is about one kind only says ``@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)``.
    """
    return str(request.param)


@pytest.fixture
def empty_database_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database of the test's own without a single table."""
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite'}"
        return
    server: PostgresServer = request.getfixturevalue("postgresql_server")
    with server.database() as url:
        yield url


@pytest.fixture
def database_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a migrated, empty database of the test's own."""
    if database_kind == "sqlite":
        path = tmp_path / "korrigo.sqlite"
        shutil.copyfile(request.getfixturevalue("_migrated_sqlite"), path)
        yield f"sqlite:///{path}"
        return
    template: str = request.getfixturevalue("_migrated_postgresql")
    server: PostgresServer = request.getfixturevalue("postgresql_server")
    with server.database(template=template) as url:
        yield url


@pytest.fixture
def sessions(database_url: str) -> Iterator[sessionmaker[Session]]:
    """Sessions on a migrated, empty database of the test's own, on both kinds."""
    engine = engine_for(database_url)
    yield session_factory(engine)
    engine.dispose()
