"""Accounts, passwords, sign-in and the connections of browsers."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import bcrypt
from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.orm import Session

from core.db.session import Sessions
from core.db.tables import (
    Account,
    AccountRole,
    Candidate,
    Connection,
    Identity,
    Person,
    SignInFailure,
    SignInTicket,
)
from core.db.tables.base import now
from core.domain.access import Action, Actor, Relation, Role, authorise
from core.domain.anonymity import ALPHABET
from core.domain.names import display_name, fold
from core.errors import BadInput, NotAllowed, NotFound
from core.services import journal
from core.services.transactions import reading, writing

MINIMUM_PASSWORD = 10
MAXIMUM_PASSWORD_BYTES = 72  # bcrypt reads no more, and bcrypt 5 refuses more
BCRYPT_COST = 10  # OWASP Password Storage Cheat Sheet: 10 or more; 50 ms here. Equal for all, so that time tells nothing
TICKET_LIFE = timedelta(seconds=60)
THROTTLE_WINDOW = timedelta(minutes=10)
THROTTLE_FAILURES = 10
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}\Z")


@dataclass(frozen=True)
class AccountLine:
    """An account in a list."""

    account_id: int
    login: str
    display_name: str
    roles: tuple[Role, ...]
    disabled: bool
    must_change_password: bool


@dataclass(frozen=True)
class StudentAccount:
    """A new account of a pupil; the password stands nowhere else."""

    login: str
    password: str
    surname: str
    first_name: str


@dataclass(frozen=True)
class OpenedConnection:
    """What the browser keeps: ``token`` in its cookie, ``csrf_token`` sent back with each post."""

    token: str
    csrf_token: str
    expires_at: datetime


@dataclass(frozen=True)
class SignedIn:
    """Who is behind a cookie."""

    connection_id: int
    account_id: int
    login: str
    display_name: str
    roles: frozenset[Role]
    csrf_token: str
    must_change_password: bool
    actor: Actor


# --- accounts


def create_account(
    sessions: Sessions,
    actor: Actor,
    *,
    login: str,
    roles: Iterable[Role],
    surname: str,
    first_name: str = "",
    password: str,
    must_change: bool = True,
) -> int:
    """Open an account for a new person and return its id.

    Raises:
        NotAllowed: The actor is not an administrator.
        BadInput: ``account_login_invalid``, ``account_login_taken``, ``account_no_role``,
            ``account_password_too_short``, ``account_password_too_long``.
    """
    authorise(actor, Action.MANAGE_ACCOUNTS)
    login, held = _login(login), sorted(set(roles))
    if not held:
        raise BadInput("account_no_role", login=login)
    password_hash = _hash(_acceptable(password))
    with writing(sessions) as session:
        if session.scalar(select(exists().where(Account.login == login))):
            raise BadInput("account_login_taken", login=login)
        person = Person(identity=Identity(surname=surname, first_name=first_name))
        account = _new_account(login, person, held, password_hash, must_change=must_change)
        session.add(account)
        session.flush()
        journal.record(
            session,
            actor,
            Action.MANAGE_ACCOUNTS,
            kind="account",
            object_id=account.id,
            values={"created": True, "roles": held},
        )
        return account.id


def create_student_accounts(sessions: Sessions, actor: Actor, *, session_id: int) -> list[StudentAccount]:
    """Open an account for each candidate of a session who has none, with a fresh password each.

    A pupil of several sessions keeps one account.

    Raises:
        NotAllowed: The actor is not an administrator.
        Conflict: Somebody else was opening these accounts.
    """
    authorise(actor, Action.MANAGE_ACCOUNTS)
    with reading(sessions) as session:
        people = session.scalars(_without_account(session_id)).all()
        taken = set(session.scalars(select(Account.login)))
    passwords = [_random_password() for _ in people]
    # Hashing takes 50 ms each: outside the transaction, which keeps other writers waiting.
    with ThreadPoolExecutor(2) as pool:
        hashes = list(pool.map(_hash, passwords))
    opened: list[StudentAccount] = []
    with writing(sessions) as session:
        still = {identity.person_id for identity in session.scalars(_without_account(session_id))}
        for identity, password, password_hash in zip(people, passwords, hashes, strict=True):
            if identity.person_id not in still:
                continue
            login = _free_login(identity, taken)
            account = _new_account(login, None, [Role.STUDENT], password_hash, must_change=True)
            account.person_id = identity.person_id
            session.add(account)
            opened.append(StudentAccount(login, password, identity.surname, identity.first_name))
        if opened:
            journal.record(
                session,
                actor,
                Action.MANAGE_ACCOUNTS,
                kind="exam_session",
                object_id=session_id,
                values={"student_accounts": len(opened)},
            )
    return opened


def set_password(
    sessions: Sessions, actor: Actor, *, login: str, password: str, must_change: bool = True
) -> None:
    """Give an account another password; whoever is signed in with it must sign in again.

    Raises:
        NotAllowed: The actor is not an administrator.
        NotFound: No such account.
        BadInput: ``account_password_too_short``, ``account_password_too_long``.
    """
    authorise(actor, Action.MANAGE_ACCOUNTS)
    password_hash = _hash(_acceptable(password))
    with writing(sessions) as session:
        account = _account(session, login)
        account.password_hash, account.must_change_password = password_hash, must_change
        _revoke(session, account.id)
        _forget_failures(session, account.login)
        journal.record(
            session,
            actor,
            Action.MANAGE_ACCOUNTS,
            kind="account",
            object_id=account.id,
            values={"password": "set", "must_change": must_change},
        )


def set_disabled(sessions: Sessions, actor: Actor, *, login: str, disabled: bool) -> None:
    """Close an account, which cuts its connections at once, or open it again.

    Raises:
        NotAllowed: The actor is not an administrator.
        NotFound: No such account.
        BadInput: ``account_disable_self``: nobody shuts themselves out.
    """
    authorise(actor, Action.MANAGE_ACCOUNTS)
    with writing(sessions) as session:
        account = _account(session, login)
        if account.id == actor.account_id:
            raise BadInput("account_disable_self", login=account.login)
        account.disabled_at = now() if disabled else None
        if disabled:
            _revoke(session, account.id)
        journal.record(
            session,
            actor,
            Action.MANAGE_ACCOUNTS,
            kind="account",
            object_id=account.id,
            values={"disabled": disabled},
        )


def change_own_password(
    sessions: Sessions, actor: Actor, *, current: str, new: str, connection_id: int | None = None
) -> None:
    """Change the actor's own password; their other connections end when ``connection_id`` tells this one.

    Raises:
        NotAllowed: The actor has no account.
        BadInput: ``password_wrong``, ``account_password_unchanged``, ``account_password_too_short``,
            ``account_password_too_long``, ``sign_in_throttled``.
    """
    authorise(actor, Action.CHANGE_OWN_PASSWORD, Relation.OWN)
    if actor.account_id is None:
        raise NotAllowed(action=Action.CHANGE_OWN_PASSWORD.value)
    with reading(sessions) as session:
        login = session.get_one(Account, actor.account_id).login
    if not check_password(sessions, login=login, password=current):
        raise BadInput("password_wrong")
    if new == current:
        raise BadInput("account_password_unchanged")
    password_hash = _hash(_acceptable(new))
    with writing(sessions) as session:
        account = session.get_one(Account, actor.account_id)
        account.password_hash, account.must_change_password = password_hash, False
        if connection_id is not None:
            _revoke(session, account.id, but=connection_id)
        journal.record(session, actor, Action.CHANGE_OWN_PASSWORD, kind="account", object_id=actor.account_id)


def accounts(sessions: Sessions, actor: Actor) -> list[AccountLine]:
    """All accounts, by login."""
    authorise(actor, Action.MANAGE_ACCOUNTS)
    with reading(sessions) as session:
        return [_line(account) for account in session.scalars(select(Account).order_by(Account.login))]


def correctors(sessions: Sessions, actor: Actor) -> list[AccountLine]:
    """The accounts that copies may be allocated to, by login."""
    authorise(actor, Action.ALLOCATE)
    with reading(sessions) as session:
        found = session.scalars(
            select(Account)
            .where(Account.disabled_at.is_(None), Account.roles.any(AccountRole.role == Role.CORRECTOR.value))
            .order_by(Account.login)
        )
        return [_line(account) for account in found]


def actor_for_login(sessions: Sessions, login: str) -> Actor:
    """The rights of an account, for the command line's ``--as``.

    Raises:
        NotFound: No such account, or it is disabled.
    """
    with reading(sessions) as session:
        account = _account(session, login)
        if account.disabled_at is not None:
            raise NotFound("account", login=login)
        return _actor(account)


# --- signing in


def credentials(sessions: Sessions) -> dict[str, Any]:
    """The active accounts as streamlit-authenticator's form wants them; only that form calls this."""
    with reading(sessions) as session:
        active = session.scalars(select(Account).where(Account.disabled_at.is_(None)))
        return {"usernames": {account.login: _credential(account) for account in active}}


def check_password(sessions: Sessions, *, login: str, password: str) -> bool:
    """Whether the password is right; as slow for a login that does not exist.

    Raises:
        BadInput: ``sign_in_throttled`` with ``minutes``: ten failures in ten minutes on this login, even if
            the password is right this time.
    """
    wanted = login.strip().lower()
    with writing(sessions) as session:
        # Counted before it is known to be wrong: parallel attempts are no way around.
        _count_attempt(session, wanted)
        account = _find_account(session, wanted)
        if account is not None and account.disabled_at is not None:
            account = None
        password_hash = account.password_hash if account else _DUMMY_HASH
    secret = password.encode()
    matches = bcrypt.checkpw(secret[:MAXIMUM_PASSWORD_BYTES], password_hash.encode())
    if not (matches and account is not None and len(secret) <= MAXIMUM_PASSWORD_BYTES):
        return False
    with writing(sessions) as session:
        _forget_failures(session, wanted)
    return True


def issue_ticket(sessions: Sessions, *, login: str) -> str:
    """A ticket, good once and for a minute, for the route that sets the cookie.

    Raises:
        NotFound: No such account, or it is disabled.
    """
    ticket = secrets.token_urlsafe(32)
    with writing(sessions) as session:
        account = _account(session, login)
        if account.disabled_at is not None:
            raise NotFound("account", login=login)
        session.execute(delete(SignInTicket).where(SignInTicket.expires_at < now()))
        session.add(
            SignInTicket(ticket_sha256=_sha256(ticket), account_id=account.id, expires_at=now() + TICKET_LIFE)
        )
    return ticket


def redeem_ticket(sessions: Sessions, *, ticket: str, hours: int) -> OpenedConnection:
    """Exchange a ticket for a connection of ``hours``.

    Raises:
        NotAllowed: The ticket was used, is too old, never existed, or the account was disabled.
    """
    opened = OpenedConnection(
        secrets.token_urlsafe(32), secrets.token_urlsafe(32), now() + timedelta(hours=hours)
    )
    with writing(sessions) as session:
        # One statement takes the ticket: of two browsers, one gets the row.
        taken = session.execute(
            delete(SignInTicket)
            .where(SignInTicket.ticket_sha256 == _sha256(ticket), SignInTicket.expires_at >= now())
            .returning(SignInTicket.account_id)
        ).scalar()
        account = session.get(Account, taken) if taken is not None else None
        if account is None or account.disabled_at is not None:
            raise NotAllowed(action=Action.SIGN_IN.value)
        row = Connection(
            token_sha256=_sha256(opened.token),
            csrf_token=opened.csrf_token,
            account_id=account.id,
            expires_at=opened.expires_at,
        )
        session.add(row)
        session.flush()
        journal.record(session, _actor(account), Action.SIGN_IN, kind="connection", object_id=row.id)
    return opened


def connection(sessions: Sessions, token: str | None) -> SignedIn | None:
    """Who is behind a cookie; ``None`` when it is unknown, revoked, expired, or the account disabled."""
    if not token:
        return None
    with reading(sessions) as session:
        row = session.scalars(
            select(Connection).where(
                Connection.token_sha256 == _sha256(token),
                Connection.revoked_at.is_(None),
                Connection.expires_at > now(),
            )
        ).first()
        if row is None or row.account.disabled_at is not None:
            return None
        actor = _actor(row.account)
        return SignedIn(
            connection_id=row.id,
            account_id=row.account_id,
            login=row.account.login,
            display_name=_display_name(row.account),
            roles=actor.roles,
            csrf_token=row.csrf_token,
            must_change_password=row.account.must_change_password,
            actor=actor,
        )


def sign_out(sessions: Sessions, *, token: str | None) -> None:
    """End a connection; a cookie that means nothing is no error."""
    if not token:
        return
    with writing(sessions) as session:
        session.execute(
            update(Connection)
            .where(Connection.token_sha256 == _sha256(token), Connection.revoked_at.is_(None))
            .values(revoked_at=now())
        )


# --- parts


def _new_account(
    login: str, person: Person | None, roles: Iterable[Role], password_hash: str, *, must_change: bool
) -> Account:
    account = Account(login=login, password_hash=password_hash, must_change_password=must_change)
    if person is not None:
        account.person = person
    account.roles = [AccountRole(role=role.value) for role in roles]
    return account


def _without_account(session_id: int) -> Any:
    """The identities of the candidates of a session who have no account, by name."""
    return (
        select(Identity)
        .join(Candidate, Candidate.person_id == Identity.person_id)
        .where(Candidate.session_id == session_id, ~exists().where(Account.person_id == Identity.person_id))
        .order_by(Identity.surname, Identity.first_name, Identity.person_id)
    )


def _free_login(identity: Identity, taken: set[str]) -> str:
    """``y.bensalah``, or ``y.bensalah2`` when that one is taken; adds it to ``taken``."""
    initial = fold(identity.first_name)[:1].lower()
    surname = fold(identity.surname).replace(" ", "").lower()[:40]
    stem = ".".join(part for part in (initial, surname) if part) or "eleve"
    login, number = stem, 1
    while login in taken:
        number += 1
        login = f"{stem}{number}"
    taken.add(login)
    return login


def _find_account(session: Session, login: str) -> Account | None:
    wanted = login.strip().lower()
    if not _LOGIN.match(wanted):  # such as a zero byte, which PostgreSQL refuses even in a question
        return None
    return session.scalars(select(Account).where(Account.login == wanted)).first()


def _account(session: Session, login: str) -> Account:
    account = _find_account(session, login)
    if account is None:
        raise NotFound("account", login=login)
    return account


def _actor(account: Account) -> Actor:
    return Actor(account.id, frozenset(Role(row.role) for row in account.roles), f"account:{account.id}")


def _display_name(account: Account) -> str:
    identity = account.person.identity
    return display_name(identity.surname, identity.first_name) if identity else account.login


def _line(account: Account) -> AccountLine:
    return AccountLine(
        account_id=account.id,
        login=account.login,
        display_name=_display_name(account),
        roles=tuple(sorted(_actor(account).roles)),
        disabled=account.disabled_at is not None,
        must_change_password=account.must_change_password,
    )


def _credential(account: Account) -> dict[str, Any]:
    identity = account.person.identity
    return {
        "email": (identity.email or "") if identity else "",
        "first_name": identity.first_name if identity else "",
        "last_name": identity.surname if identity else account.login,
        "password": account.password_hash,
        "roles": [row.role for row in account.roles],
    }


def _login(text: str) -> str:
    login = text.strip().lower()
    if not _LOGIN.match(login):
        raise BadInput("account_login_invalid", login=text)
    return login


def _acceptable(password: str) -> str:
    if len(password) < MINIMUM_PASSWORD:
        raise BadInput("account_password_too_short", minimum=MINIMUM_PASSWORD)
    if len(password.encode()) > MAXIMUM_PASSWORD_BYTES:
        raise BadInput("account_password_too_long", maximum_bytes=MAXIMUM_PASSWORD_BYTES)
    return password


def _hash(password: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(BCRYPT_COST)).decode()


# Of nobody's password, at the cost of the others.
_DUMMY_HASH = _hash(secrets.token_urlsafe(16))


def _random_password() -> str:
    """Three groups of four signs that nobody mistakes, 58 bits."""
    signs = ALPHABET.lower()
    return "-".join("".join(secrets.choice(signs) for _ in range(4)) for _ in range(3))


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _count_attempt(session: Session, login: str) -> None:
    session.execute(delete(SignInFailure).where(SignInFailure.at < now() - THROTTLE_WINDOW))
    failures = session.scalar(
        select(func.count()).select_from(SignInFailure).where(SignInFailure.login_sha256 == _sha256(login))
    )
    if (failures or 0) >= THROTTLE_FAILURES:
        raise BadInput("sign_in_throttled", minutes=int(THROTTLE_WINDOW.total_seconds() // 60))
    session.add(SignInFailure(login_sha256=_sha256(login)))


def _forget_failures(session: Session, login: str) -> None:
    session.execute(delete(SignInFailure).where(SignInFailure.login_sha256 == _sha256(login)))


def _revoke(session: Session, account_id: int, *, but: int | None = None) -> None:
    session.execute(delete(SignInTicket).where(SignInTicket.account_id == account_id))
    alive = update(Connection).where(Connection.account_id == account_id, Connection.revoked_at.is_(None))
    session.execute((alive if but is None else alive.where(Connection.id != but)).values(revoked_at=now()))
