"""Signing in, and the connections of browsers: opened by a ticket, looked up at each message, ended at once.

Whatever gives a password, a ticket or a connection, or takes them away, holds the row of the account first
(:func:`held`): a ticket is issued before a new password and goes with the old one, or after it and is refused.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from core.db.session import Sessions
from core.db.tables import Account, Connection, SignInTicket
from core.db.tables.base import now
from core.domain.access import Action, Actor, Portal, Relation, Role, authorise, portals_of
from core.errors import NotAllowed, NotFound
from core.services import journal, passwords, throttling
from core.services.account_rows import account_of, actor_of, display_name_of, find_account, record_change
from core.services.transactions import reading, writing

TICKET_LIFE = timedelta(seconds=60)
SEEN_EVERY = timedelta(minutes=1)
KEPT_AFTER_END = timedelta(days=30)


@dataclass(frozen=True)
class CheckedPassword:
    """A password was right: for which account, and which one it was. It is worth nothing after a new one."""

    account_id: int
    password_hash: str = field(repr=False)


@dataclass(frozen=True)
class OpenedConnection:
    """What the browser keeps: ``token`` in its cookie, ``csrf_token`` sent back with each post."""

    token: str
    csrf_token: str
    expires_at: datetime


@dataclass(frozen=True)
class SignedIn:
    """Who is behind a cookie. ``portal`` is the one of their ``portals`` that is on."""

    connection_id: int
    account_id: int
    login: str
    display_name: str
    roles: frozenset[Role]
    csrf_token: str
    must_change_password: bool
    actor: Actor
    portals: tuple[Portal, ...]
    portal: Portal


@dataclass(frozen=True)
class ConnectionLine:
    """An open connection in its person's own list; ``here`` is the one they are looking from."""

    connection_id: int
    agent: str
    opened_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    here: bool


# --- signing in


def credential(sessions: Sessions, login: str) -> dict[str, Any]:
    """What streamlit-authenticator's form wants to know of an account whose password was right."""
    with reading(sessions) as session:
        account = account_of(session, login)
        identity = account.person.identity
        return {
            "email": (identity.email or "") if identity else "",
            "first_name": identity.first_name if identity else "",
            "last_name": identity.surname if identity else account.login,
            "roles": [row.role for row in account.roles],
        }


def check_password(
    sessions: Sessions, *, login: str, password: str, address: str = ""
) -> CheckedPassword | None:
    """What :func:`issue_ticket` asks for when the password is right, ``None`` when it is wrong.

    A login that does not exist costs the same work and gets the same answer. ``address`` is where the
    browser is, empty when it is not known.

    Raises:
        BadInput: ``sign_in_throttled`` with ``minutes``: too many failures on this login or from this
            address, even if the password is right this time.
    """
    # Counted before it is known to be wrong: parallel attempts are no way around.
    crowded = throttling.count_attempt(sessions, login=login, address=address)
    with reading(sessions) as session:
        account = find_account(session, login)
        checked = None
        if account is not None and account.disabled_at is None:
            checked = CheckedPassword(account.id, account.password_hash)
    with throttling.turn(crowded=crowded):
        right = passwords.matches(password, checked.password_hash if checked is not None else None)
    if not right:
        throttling.log_failure(login=login, address=address)
        return None
    with writing(sessions) as session:
        throttling.forget_failures(session, login, address=address)
    return checked


def issue_ticket(sessions: Sessions, checked: CheckedPassword) -> str:
    """A ticket, good once and for a minute, for the route that sets the cookie.

    Raises:
        NotAllowed: The account was disabled or got another password since this one was checked.
    """
    ticket = secrets.token_urlsafe(32)
    with writing(sessions) as session:
        account = held(session, checked.account_id)
        if not stands(account, checked):
            raise NotAllowed(action=Action.SIGN_IN.value)
        session.execute(delete(SignInTicket).where(SignInTicket.expires_at < now()))
        session.add(
            SignInTicket(
                ticket_sha256=_sha256(ticket), account_id=checked.account_id, expires_at=now() + TICKET_LIFE
            )
        )
    return ticket


def redeem_ticket(sessions: Sessions, *, ticket: str, hours: int, agent: str = "") -> OpenedConnection:
    """Exchange a ticket for a connection of ``hours``; ``agent`` is the browser in a few words.

    Connections that ended a month ago are forgotten here.

    Raises:
        NotAllowed: The ticket was used, is too old, never existed, or the account was disabled or got
            another password.
    """
    at = now()
    opened = OpenedConnection(
        secrets.token_urlsafe(32), secrets.token_urlsafe(32), at + timedelta(hours=hours)
    )
    with writing(sessions) as session:
        this = SignInTicket.ticket_sha256 == _sha256(ticket)
        account_id = session.scalar(select(SignInTicket.account_id).where(this))
        # The account before the ticket: a new password that comes first takes the ticket away, one that
        # comes second finds the connection and ends it.
        account = held(session, account_id) if account_id is not None else None
        # One statement takes the ticket: of two browsers, one gets the row.
        taken = session.execute(
            delete(SignInTicket)
            .where(this, SignInTicket.expires_at >= now())
            .returning(SignInTicket.account_id)
        ).scalar()
        if taken is None or account is None or account.disabled_at is not None:
            raise NotAllowed(action=Action.SIGN_IN.value)
        session.execute(delete(Connection).where(Connection.expires_at < now() - KEPT_AFTER_END))
        row = Connection(
            token_sha256=_sha256(opened.token),
            csrf_token=opened.csrf_token,
            account_id=account.id,
            expires_at=opened.expires_at,
            agent=agent,
            created_at=at,
            last_seen_at=at,
        )
        session.add(row)
        session.flush()
        journal.record(session, actor_of(account), Action.SIGN_IN, kind="connection", object_id=row.id)
    return opened


def sign_out(sessions: Sessions, *, token: str | None) -> None:
    """End a connection; a cookie that means nothing is no error."""
    if not token:
        return
    with writing(sessions) as session:
        ended = session.execute(
            update(Connection)
            .where(Connection.token_sha256 == _sha256(token), Connection.revoked_at.is_(None))
            .values(revoked_at=now())
            .returning(Connection.id, Connection.account_id)
        ).first()
        if ended is not None:
            connection_id, account_id = ended
            actor = actor_of(session.get_one(Account, account_id))
            _record_end(session, actor, connection_id, {"signed_out": True})


# --- who is there


def connection(sessions: Sessions, token: str | None) -> SignedIn | None:
    """Who is behind a cookie; ``None`` when it is unknown, revoked, expired, or the account disabled."""
    if not token:
        return None
    with reading(sessions) as session:
        row = session.scalars(
            select(Connection).where(Connection.token_sha256 == _sha256(token), *_open())
        ).first()
        if row is None or row.account.disabled_at is not None or not row.account.roles:
            return None
        found, last_seen_at = _signed_in(row), row.last_seen_at
    if last_seen_at is None or last_seen_at < now() - SEEN_EVERY:
        _see(sessions, found.connection_id)
    return found


def set_portal(sessions: Sessions, actor: Actor, *, connection_id: int, portal: Portal) -> None:
    """Switch a portal on; the connection keeps it, so that a reload does too.

    Raises:
        NotAllowed: The actor holds no role of this portal.
        NotFound: The connection is not theirs, or ended.
    """
    authorise(actor, Action.MANAGE_OWN_CONNECTIONS, Relation.OWN)
    if portal not in portals_of(actor.roles):
        raise NotAllowed(action=Action.MANAGE_OWN_CONNECTIONS.value)
    with writing(sessions) as session:
        _own(session, actor, connection_id).portal = portal.value


def own_connections(sessions: Sessions, actor: Actor, *, here: int) -> list[ConnectionLine]:
    """The actor's open connections, the one they look from (``here``) first, then the last seen."""
    authorise(actor, Action.MANAGE_OWN_CONNECTIONS, Relation.OWN)
    with reading(sessions) as session:
        rows = session.scalars(select(Connection).where(Connection.account_id == actor.account_id, *_open()))
        lines = [
            ConnectionLine(
                connection_id=row.id,
                agent=row.agent,
                opened_at=row.created_at,
                last_seen_at=row.last_seen_at or row.created_at,
                expires_at=row.expires_at,
                here=row.id == here,
            )
            for row in rows
        ]
    return sorted(lines, key=lambda line: (line.here, line.last_seen_at, line.connection_id), reverse=True)


def end_connection(sessions: Sessions, actor: Actor, *, connection_id: int) -> None:
    """End one of the actor's own connections.

    Raises:
        NotFound: It is somebody else's, or ended already.
    """
    authorise(actor, Action.MANAGE_OWN_CONNECTIONS, Relation.OWN)
    with writing(sessions) as session:
        _own(session, actor, connection_id).revoked_at = now()
        _record_end(session, actor, connection_id, {"ended": True})


def end_other_connections(sessions: Sessions, actor: Actor, *, here: int | None = None) -> int:
    """End the actor's connections but the one they ask from (all, when ``here`` is not given); how many.

    Raises:
        NotAllowed: The actor has no account.
    """
    authorise(actor, Action.MANAGE_OWN_CONNECTIONS, Relation.OWN)
    if actor.account_id is None:
        raise NotAllowed(action=Action.MANAGE_OWN_CONNECTIONS.value)
    with writing(sessions) as session:
        ended = revoke(session, actor.account_id, but=here)
        _record_end(session, actor, None, {"ended": ended})
    return ended


def end_account_connections(sessions: Sessions, actor: Actor, *, login: str) -> int:
    """End every connection of an account; how many there were.

    Raises:
        NotAllowed: The actor is not an administrator.
        NotFound: No such account.
    """
    authorise(actor, Action.MANAGE_ACCOUNTS)
    with writing(sessions) as session:
        account = account_of(session, login)
        ended = revoke(session, account.id)
        record_change(session, actor, account, {"connections_ended": ended})
    return ended


def revoke(session: Session, account_id: int, *, but: int | None = None) -> int:
    """End the open connections of an account and its tickets, in the transaction of whatever causes it."""
    # Waits for a ticket that is being issued or redeemed, so that what comes of it ends here too.
    held(session, account_id)
    session.execute(delete(SignInTicket).where(SignInTicket.account_id == account_id))
    alive = update(Connection).where(Connection.account_id == account_id, *_open())
    if but is not None:
        alive = alive.where(Connection.id != but)
    return len(session.execute(alive.values(revoked_at=now()).returning(Connection.id)).all())


def held(session: Session, account_id: int) -> Account | None:
    """The account as it stands now; it stays so until the end of the transaction.

    PostgreSQL locks the row; on SQLite a transaction that writes is alone anyway.
    """
    return session.scalars(
        select(Account)
        .where(Account.id == account_id)
        .with_for_update(of=Account)
        .execution_options(populate_existing=True)
    ).first()


def stands(account: Account | None, checked: CheckedPassword) -> bool:
    """Whether an account that is :func:`held` is open and still has the password that was checked."""
    return (
        account is not None
        and account.disabled_at is None
        and account.id == checked.account_id
        and account.password_hash == checked.password_hash
    )


def still_open(session: Session, account_id: int, connection_id: int) -> bool:
    """Whether a connection is open and of this account; it stays so until the end of the transaction."""
    row = select(Connection.id).where(
        Connection.id == connection_id, Connection.account_id == account_id, *_open()
    )
    return session.scalar(row.with_for_update()) is not None


# --- parts


def _open() -> tuple[Any, ...]:
    return Connection.revoked_at.is_(None), Connection.expires_at > now()


def _own(session: Session, actor: Actor, connection_id: int) -> Connection:
    row = session.scalars(
        select(Connection).where(
            Connection.id == connection_id, Connection.account_id == actor.account_id, *_open()
        )
    ).first()
    if row is None:
        raise NotFound("connection")
    return row


def _signed_in(row: Connection) -> SignedIn:
    actor = actor_of(row.account)
    portals = portals_of(actor.roles)
    return SignedIn(
        connection_id=row.id,
        account_id=row.account_id,
        login=row.account.login,
        display_name=display_name_of(row.account),
        roles=actor.roles,
        csrf_token=row.csrf_token,
        must_change_password=row.account.must_change_password,
        actor=actor,
        portals=portals,
        # A portal whose role was taken away meanwhile is not theirs any more.
        portal=next((portal for portal in portals if portal == row.portal), portals[0]),
    )


def _see(sessions: Sessions, connection_id: int) -> None:
    """Note that a connection is in use; of several messages at once, one writes."""
    with writing(sessions) as session:
        session.execute(
            update(Connection)
            .where(
                Connection.id == connection_id,
                or_(Connection.last_seen_at.is_(None), Connection.last_seen_at < now() - SEEN_EVERY),
            )
            .values(last_seen_at=now())
        )


def _record_end(session: Session, actor: Actor, connection_id: int | None, values: dict[str, object]) -> None:
    journal.record(
        session,
        actor,
        Action.MANAGE_OWN_CONNECTIONS,
        kind="connection",
        object_id=connection_id,
        values=values,
    )


def _sha256(secret: str) -> str:
    # JSON can carry half a character (a lone surrogate), which plain UTF-8 refuses: it is a wrong secret too.
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
