"""Accounts as rows: finding one, who acts with it, how its person is called."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db.tables import Account
from core.domain.access import Action, Actor, Role
from core.domain.names import display_name
from core.errors import NotFound
from core.services import journal

LOGIN = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}\Z")


def find_account(session: Session, login: str) -> Account | None:
    """The account of a login as it was typed; ``None`` when there is none."""
    wanted = login.strip().lower()
    if not LOGIN.match(wanted):  # such as a zero byte, which PostgreSQL refuses even in a question
        return None
    return session.scalars(select(Account).where(Account.login == wanted)).first()


def account_of(session: Session, login: str) -> Account:
    """The account of a login.

    Raises:
        NotFound: There is none.
    """
    account = find_account(session, login)
    if account is None:
        raise NotFound("account", login=login)
    return account


def roles_of(account: Account) -> frozenset[Role]:
    """The roles an account holds now."""
    return frozenset(Role(row.role) for row in account.roles)


def actor_of(account: Account) -> Actor:
    """Who acts with this account."""
    return Actor(account.id, roles_of(account), f"account:{account.id}")


def display_name_of(account: Account) -> str:
    """The name of an account's person, its login once they were erased."""
    identity = account.person.identity
    return display_name(identity.surname, identity.first_name) if identity else account.login


def record_change(session: Session, actor: Actor, account: Account, values: Mapping[str, object]) -> None:
    """Journal what an administrator did to an account, in the transaction that does it."""
    journal.record(
        session, actor, Action.MANAGE_ACCOUNTS, kind="account", object_id=account.id, values=values
    )
