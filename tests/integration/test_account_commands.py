"""Accounts from the command line: listed, given other roles, closed, opened again, given a password."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy.orm import Session, sessionmaker

from core.domain.access import Actor, Role
from core.errors import BadInput, NotAllowed
from core.services import accounts, connections, passwords
from workbench import resources
from workbench.cli.main import korrigo

SYSTEM = Actor.system("test")
PASSWORD = "une phrase assez longue"
Run = Callable[..., str]


@pytest.fixture
def database_kind() -> str:
    """The services behind are tested on both."""
    return "sqlite"


@pytest.fixture
def run(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """A command on a home of the test's own; what it prints."""
    monkeypatch.setenv("KORRIGO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KORRIGO_DATABASE_URL", database_url)
    monkeypatch.setattr(passwords, "BCRYPT_COST", 4)
    resources.forget()

    def run(*arguments: str, stdin: str = "") -> str:
        done = CliRunner().invoke(korrigo, arguments, input=stdin, catch_exceptions=True)
        if done.exception is not None:
            raise done.exception
        return done.stdout

    yield run
    resources.forget()


@pytest.fixture
def database(run: Run) -> sessionmaker[Session]:
    """The sessions of the same home, with an administrator and a corrector."""
    for login, role in (("chief", "admin"), ("m.durand", "corrector")):
        run("account", "add", login, "--role", role, "--name", "Durand", "--password-stdin", stdin=PASSWORD)
    return resources.sessions()


def test_the_list_is_a_table_by_login(run: Run, database: sessionmaker[Session]) -> None:
    run("account", "disable", "m.durand")

    assert list(csv.reader(io.StringIO(run("account", "list")))) == [
        ["login", "name", "roles", "disabled", "must_change_password"],
        ["chief", "DURAND", "admin", "false", "true"],
        ["m.durand", "DURAND", "corrector", "true", "true"],
    ]


def test_roles_are_replaced_by_those_given(run: Run, database: sessionmaker[Session]) -> None:
    told = json.loads(run("account", "roles", "m.durand", "--role", "coordinator", "--role", "analyst"))

    assert told == {"login": "m.durand", "roles": ["analyst", "coordinator"]}
    assert accounts.actor_for_login(database, "m.durand").roles == {Role.COORDINATOR, Role.ANALYST}
    with pytest.raises(BadInput, match="account_last_admin"):
        run("account", "roles", "chief", "--role", "corrector")


def test_a_closed_account_is_opened_again(run: Run, database: sessionmaker[Session]) -> None:
    run("account", "disable", "m.durand")
    assert not connections.check_password(database, login="m.durand", password=PASSWORD)

    run("account", "enable", "m.durand")
    assert connections.check_password(database, login="m.durand", password=PASSWORD)


def test_a_password_is_renewed_given_or_made_up(run: Run, database: sessionmaker[Session]) -> None:
    made_up = json.loads(run("account", "reset", "m.durand"))["password"]
    assert connections.check_password(database, login="m.durand", password=made_up)

    told = run("account", "reset", "m.durand", "--password-stdin", stdin="une autre phrase\n")
    assert "phrase" not in told
    assert connections.check_password(database, login="m.durand", password="une autre phrase")


def test_acting_as_somebody_else_than_an_administrator_is_refused(
    run: Run, database: sessionmaker[Session]
) -> None:
    for command in (["list"], ["reset", "chief"], ["roles", "m.durand", "--role", "admin"]):
        with pytest.raises(NotAllowed):
            run("--as", "m.durand", "account", *command)
