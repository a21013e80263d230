"""The whole application behind a test client, on a home of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from core.domain.access import Actor, Role
from core.services import accounts, connections
from tests.security.served import served
from tests.tickets import ticket_for
from workbench import resources
from workbench.cookie import COOKIE
from workbench.routes import routes
from workbench.routes.access import CSRF_HEADER
from workbench.routes.answers import unexpected_error
from workbench.routes.protection import Protection

__all__ = ["served"]  # a fixture

SYSTEM = Actor.system("test")
PASSWORD = "motdepasse-1"
ORIGIN = "http://localhost"  # a loopback host, so that the cookie travels without TLS


@dataclass
class Visitor:
    """A browser: its client holds the cookie, ``csrf`` is what our pages were told."""

    client: TestClient
    csrf: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """What our pages send with a request that changes something."""
        return {CSRF_HEADER: self.csrf, "Origin": ORIGIN}


@pytest.fixture
def database_kind() -> str:
    """What a browser may do is the same on both databases; the services are tested on each."""
    return "sqlite"


@pytest.fixture
def home(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of the test's own, which the whole process uses."""
    monkeypatch.setenv("KORRIGO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KORRIGO_DATABASE_URL", database_url)
    resources.forget()
    yield tmp_path / "home"
    resources.forget()


@pytest.fixture
def database(home: Path) -> sessionmaker[Session]:
    """The sessions that the routes use too."""
    return resources.sessions()


@pytest.fixture
def server(home: Path) -> Starlette:
    """Our routes behind our middleware, as the application mounts them."""
    return Starlette(
        routes=routes(), middleware=[Middleware(Protection)], exception_handlers={Exception: unexpected_error}
    )


@pytest.fixture
def visitor(server: Starlette) -> Visitor:
    """Somebody who is not signed in."""
    return Visitor(TestClient(server, base_url=ORIGIN, raise_server_exceptions=False))


@pytest.fixture
def sign_in(server: Starlette, database: sessionmaker[Session]) -> Callable[..., Visitor]:
    """``sign_in(Role.SECRETARIAT)``: a new account with these roles, signed in through the routes."""

    def sign_in(*roles: Role, login: str = "", must_change: bool = False) -> Visitor:
        name = login or "-".join(roles)
        accounts.create_account(
            database,
            SYSTEM,
            login=name,
            roles=roles,
            surname=name,
            password=PASSWORD,
            must_change=must_change,
        )
        client = TestClient(server, base_url=ORIGIN, raise_server_exceptions=False)
        ticket = ticket_for(database, name)
        client.post("/auth/exchange", json={"ticket": ticket}, headers={"Origin": ORIGIN}).raise_for_status()
        found = connections.connection(database, _value(client))
        assert found is not None
        return Visitor(client, found.csrf_token)

    return sign_in


def _value(client: TestClient) -> str:
    return str(client.cookies[COOKIE])


@pytest.fixture
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio, as the server does."""
    return "asyncio"
