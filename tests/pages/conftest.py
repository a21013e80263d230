"""Pages without a browser: Streamlit's AppTest on the real entry script, the cookie given by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker
from streamlit.testing.v1 import AppTest

from core.domain.access import Actor, Role
from core.services import accounts, connections
from tests.tickets import ticket_for
from workbench import guard, resources

ROOT = Path(__file__).parents[2]
SYSTEM = Actor.system("test")
PASSWORD = "motdepasse-1"
PATIENCE_S = 30


@pytest.fixture
def database_kind() -> str:
    """Pages draw the same from both databases; the services are tested on each."""
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
    """The sessions that the pages use too."""
    return resources.sessions()


@pytest.fixture
def app(home: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The application as a fresh visitor gets it, not run yet."""
    # AppTest's own cookies are a mock, and a mock is no token.
    monkeypatch.setattr(guard, "cookie", lambda: None)
    monkeypatch.setattr(guard, "address", lambda: "127.0.0.1")
    return AppTest.from_file(str(ROOT / "workbench" / "app.py"), default_timeout=PATIENCE_S)


@pytest.fixture
def be(database: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """``be(Role.CORRECTOR)``: from now on the browser bears the cookie of a new account; its token."""

    def be(*roles: Role, login: str = "", must_change: bool = False) -> str:
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
        ticket = ticket_for(database, name)
        token = connections.redeem_ticket(database, ticket=ticket, hours=1).token
        monkeypatch.setattr(guard, "cookie", lambda: token)
        return token

    return be
