"""Accounts: who may sign in, with which roles and password."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from core.db.session import Sessions
from core.db.tables import Account, AccountRole, Candidate, Identity, Person
from core.db.tables.base import now
from core.domain.access import Action, Actor, Relation, Role, authorise
from core.domain.names import fold
from core.errors import BadInput, Conflict, NotAllowed, NotFound
from core.services import connections, journal, passwords, throttling
from core.services.account_rows import LOGIN, account_of, actor_of, display_name_of, record_change, roles_of
from core.services.transactions import reading, writing


@dataclass(frozen=True)
class AccountLine:
    """An account in a list; ``version`` is what :func:`set_roles` wants back."""

    account_id: int
    login: str
    display_name: str
    roles: tuple[Role, ...]
    disabled: bool
    must_change_password: bool
    version: int


@dataclass(frozen=True)
class StudentAccount:
    """A new account of a pupil; the password stands nowhere else."""

    login: str
    password: str
    surname: str
    first_name: str


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
    password_hash = passwords.hashed(passwords.acceptable(password))
    with writing(sessions) as session:
        if session.scalar(select(exists().where(Account.login == login))):
            raise BadInput("account_login_taken", login=login)
        person = Person(identity=Identity(surname=surname, first_name=first_name))
        account = _new_account(login, person, held, password_hash, must_change=must_change)
        session.add(account)
        session.flush()
        record_change(session, actor, account, {"created": True, "roles": held})
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
    fresh = [passwords.random_password() for _ in people]
    # Hashing takes 50 ms each: outside the transaction, which keeps other writers waiting.
    with ThreadPoolExecutor(2) as pool:
        hashes = list(pool.map(passwords.hashed, fresh))
    opened: list[StudentAccount] = []
    with writing(sessions) as session:
        still = {identity.person_id for identity in session.scalars(_without_account(session_id))}
        for identity, password, password_hash in zip(people, fresh, hashes, strict=True):
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
    password_hash = passwords.hashed(passwords.acceptable(password))
    with writing(sessions) as session:
        account = account_of(session, login)
        connections.held(session, account.id)
        account.password_hash, account.must_change_password = password_hash, must_change
        connections.revoke(session, account.id)
        throttling.forget_failures(session, account.login)
        record_change(session, actor, account, {"password": "set", "must_change": must_change})


def set_disabled(sessions: Sessions, actor: Actor, *, login: str, disabled: bool) -> None:
    """Close an account, which cuts its connections at once, or open it again.

    Raises:
        NotAllowed: The actor is not an administrator.
        NotFound: No such account.
        BadInput: ``account_disable_self``: nobody shuts themselves out; ``account_last_admin``.
    """
    authorise(actor, Action.MANAGE_ACCOUNTS)
    with writing(sessions) as session:
        account = account_of(session, login)
        if account.id == actor.account_id:
            raise BadInput("account_disable_self", login=account.login)
        if disabled:
            _keep_an_administrator(session, account)
        account.disabled_at = now() if disabled else None
        if disabled:
            connections.revoke(session, account.id)
        record_change(session, actor, account, {"disabled": disabled})


def set_roles(sessions: Sessions, actor: Actor, *, login: str, roles: Iterable[Role], version: int) -> None:
    """Give an account other roles; whoever is signed in with it has them from their next click.

    ``version`` is the one of the :class:`AccountLine` that was looked at.

    Raises:
        NotAllowed: The actor is not an administrator.
        NotFound: No such account.
        Conflict: Another administrator changed the account meanwhile.
        BadInput: ``account_no_role``, ``account_admin_self``: nobody takes this role from themselves,
            ``account_last_admin``: somebody must be left to manage accounts.
    """
    authorise(actor, Action.MANAGE_ACCOUNTS)
    wanted = frozenset(roles)
    with writing(sessions) as session:
        account = account_of(session, login)
        before = roles_of(account)
        if not wanted:
            raise BadInput("account_no_role", login=account.login)
        if Role.ADMIN in before - wanted:
            if account.id == actor.account_id:
                raise BadInput("account_admin_self", login=account.login)
            _keep_an_administrator(session, account)
        # A change of roles alone writes no column of the account: its version is moved by hand.
        moved = session.execute(
            update(Account)
            .where(Account.id == account.id, Account.version == version)
            .values(version=Account.version + 1)
            .returning(Account.id)
            .execution_options(synchronize_session=False)
        )
        if moved.first() is None:
            raise Conflict(login=account.login)
        account.roles = [row for row in account.roles if row.role in wanted] + [
            AccountRole(role=role.value) for role in sorted(wanted - before)
        ]
        record_change(session, actor, account, {"roles_before": sorted(before), "roles": sorted(wanted)})


def change_own_password(
    sessions: Sessions,
    actor: Actor,
    *,
    current: str,
    new: str,
    connection_id: int | None = None,
    address: str = "",
) -> None:
    """Change the actor's own password; all their connections end but this one, ``connection_id``.

    A wrong ``current`` counts as a failed sign-in from ``address``. ``current`` must still be the password,
    and this connection open, when the new one is written: whoever knows the old password does not undo a
    new one, nor an end, that an administrator gave meanwhile.

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
    checked = connections.check_password(sessions, login=login, password=current, address=address)
    if checked is None:
        raise BadInput("password_wrong")
    if new == current:
        raise BadInput("account_password_unchanged")
    password_hash = passwords.hashed(passwords.acceptable(new))
    with writing(sessions) as session:
        account = connections.held(session, actor.account_id)
        if account is None or not connections.stands(account, checked):
            raise BadInput("password_wrong")
        if connection_id is not None and not connections.still_open(session, account.id, connection_id):
            raise BadInput("password_wrong")
        account.password_hash, account.must_change_password = password_hash, False
        connections.revoke(session, account.id, but=connection_id)
        journal.record(session, actor, Action.CHANGE_OWN_PASSWORD, kind="account", object_id=actor.account_id)


def accounts(sessions: Sessions, actor: Actor) -> list[AccountLine]:
    """All accounts, by login."""
    authorise(actor, Action.MANAGE_ACCOUNTS)
    with reading(sessions) as session:
        return [_line(account) for account in session.scalars(select(Account).order_by(Account.login))]


def account_line(sessions: Sessions, actor: Actor, *, login: str) -> AccountLine:
    """One account as in the list.

    Raises:
        NotAllowed: The actor is not an administrator.
        NotFound: No such account.
    """
    authorise(actor, Action.MANAGE_ACCOUNTS)
    with reading(sessions) as session:
        return _line(account_of(session, login))


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
        account = account_of(session, login)
        if account.disabled_at is not None:
            raise NotFound("account", login=login)
        return actor_of(account)


# --- parts


def _new_account(
    login: str, person: Person | None, roles: Iterable[Role], password_hash: str, *, must_change: bool
) -> Account:
    account = Account(login=login, password_hash=password_hash, must_change_password=must_change)
    if person is not None:
        account.person = person
    account.roles = [AccountRole(role=role.value) for role in roles]
    return account


def _keep_an_administrator(session: Session, leaving: Account) -> None:
    """Refuse when nobody else could manage accounts.

    Raises:
        BadInput: ``account_last_admin``.
    """
    active_administrators = (
        select(Account.id)
        .where(Account.disabled_at.is_(None), Account.roles.any(AccountRole.role == Role.ADMIN.value))
        .order_by(Account.id)
    )
    # Locked first, then read again: of two administrators who take each other's role, one comes second.
    session.execute(active_administrators.with_for_update())
    left = set(session.scalars(active_administrators))
    if left == {leaving.id}:
        raise BadInput("account_last_admin", login=leaving.login)


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


def _line(account: Account) -> AccountLine:
    return AccountLine(
        account_id=account.id,
        login=account.login,
        display_name=display_name_of(account),
        roles=tuple(sorted(roles_of(account))),
        disabled=account.disabled_at is not None,
        must_change_password=account.must_change_password,
        version=account.version,
    )


def _login(text: str) -> str:
    login = text.strip().lower()
    if not LOGIN.match(login):
        raise BadInput("account_login_invalid", login=text)
    return login
