"""Tickets for tests that sign somebody in without going through the form."""

from __future__ import annotations

from sqlalchemy import select

from core.db.session import Sessions
from core.db.tables import Account
from core.services import connections


def ticket_for(sessions: Sessions, login: str) -> str:
    """A ticket such as the form gets for the right password, without the work of comparing one."""
    with sessions() as session:
        account = session.scalars(select(Account).where(Account.login == login)).one()
    return connections.issue_ticket(sessions, connections.CheckedPassword(account.id, account.password_hash))
