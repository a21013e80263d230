"""The demonstration and its accounts; what draws and marks the class stands in ``demo_class``."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from core.domain.access import Actor, Role
from core.services import accounts, exams
from workbench.resources import sessions

SESSION = "Bac blanc de démonstration"
SYSTEM = Actor.system("demo")


@dataclass(frozen=True)
class DemoAccount:
    """A demonstration account and its password of this start."""

    role: str
    login: str
    password: str


STAFF = (
    ("Administration", "admin", (Role.ADMIN,), "Administration"),
    ("Secrétariat", "secretariat", (Role.SECRETARIAT,), "Secrétariat"),
    ("Correction", "correcteur", (Role.CORRECTOR,), "Correcteur"),
    ("Correction", "correctrice", (Role.CORRECTOR,), "Correctrice"),
    ("Coordination", "coordination", (Role.COORDINATOR,), "Coordination"),
)
"""Who they are for people, login, roles, displayed name."""


def build() -> None:
    """Build the demonstration when the home has none."""
    if any(line.name == SESSION for line in exams.sessions_list(sessions(), SYSTEM)):
        return
    # Drawing, reading and PDFs are imported only here: a second start does without them.
    from workbench.cli.demo_class import build_class

    known = {line.login for line in accounts.accounts(sessions(), SYSTEM)}
    for _, login, roles, name in STAFF:
        if login not in known:
            accounts.create_account(
                sessions(), SYSTEM, login=login, roles=roles, surname=name, password=secrets.token_urlsafe(12)
            )
    build_class(SYSTEM, SESSION, [login for _, login, roles, _ in STAFF if Role.CORRECTOR in roles])


def renew_passwords() -> list[DemoAccount]:
    """Give each demonstration account, and one pupil's, a new password."""
    lines = accounts.accounts(sessions(), SYSTEM)
    known = {line.login for line in lines}
    found = [DemoAccount(role, login, _renew(login)) for role, login, _, _ in STAFF if login in known]
    pupil = next((line.login for line in lines if line.roles == (Role.STUDENT,)), None)
    return [*found, DemoAccount("Élève", pupil, _renew(pupil))] if pupil else found


def _renew(login: str) -> str:
    password = secrets.token_urlsafe(9)
    accounts.set_password(sessions(), SYSTEM, login=login, password=password, must_change=False)
    return password
