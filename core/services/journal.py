"""Who did what: one line per act, in the act's own transaction; and reading it back."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from sqlalchemy import Select, false, or_, select
from sqlalchemy.orm import Session

from core.db.session import Sessions
from core.db.tables import Account, Identity, JournalEntry, JournalSeal, JournalValue
from core.domain.access import Action, Actor, authorise
from core.domain.chain import digest
from core.domain.names import display_name
from core.services.transactions import reading

RECORDED: frozenset[Action] = frozenset(
    {
        Action.SIGN_IN,
        Action.MANAGE_ACCOUNTS,
        Action.CHANGE_OWN_PASSWORD,
        Action.MANAGE_OWN_CONNECTIONS,
        Action.BACK_UP,
        Action.IMPORT_ROSTER,
        Action.CREATE_PAPER,
        Action.IMPORT_ENTRIES,
        Action.ADD_SCANS,
        Action.REPAIR,
        Action.IDENTIFY,
        Action.RELEASE,
        Action.ALLOCATE,
        Action.MARK,
        Action.IMPORT_MARKS,
        Action.FINALISE,
        Action.REOPEN,
        Action.PUBLISH,
        Action.EXPORT,
        Action.CREATE_SNAPSHOT,
        Action.VIEW_STUDENT_PDF,
    }
)
"""The acts that leave a line: whatever changes something, and files that carry names out."""

ACCOUNT, SYSTEM = "account:", "system:"
"""How the label of an actor begins, before the id of the account or the name of the user."""


@dataclass(frozen=True)
class EntryView:
    """A line of the journal for somebody who reads it.

    Attributes:
        number: in the chain; ``None`` until the sealer has passed.
        actor: ``account:<id>`` or ``system:<os user>``.
        login: of the account, empty for the system and for an account that is gone.
        display_name: of the account's person; empty when there is none, or they were forgotten.
        action: an :class:`Action` of now, or one of an earlier version of the application.
        values: ``None`` when they were erased.
    """

    entry_id: int
    number: int | None
    at: datetime
    actor: str
    login: str
    display_name: str
    action: str
    object_kind: str
    object_id: int | None
    values: Mapping[str, Any] | None


def record(
    session: Session,
    actor: Actor,
    action: Action,
    *,
    kind: str,
    object_id: int | None,
    values: Mapping[str, Any] | None = None,
) -> None:
    """Add an entry for an act on the object ``kind`` / ``object_id``.

    ``values`` (JSON, with dates, decimals and enumerations written as text) stand
    in the erasable table; the entry itself keeps only a salted digest of them, so
    that a forgotten person leaves the journal whole. Never pass a secret.
    """
    plain = json.loads(json.dumps(dict(values or {}), default=_plain))
    salt = secrets.token_hex(16)
    entry = JournalEntry(
        actor=actor.label,
        action=action.value,
        object_kind=kind,
        object_id=object_id,
        digest=digest(salt, plain),
    )
    session.add(entry)
    session.flush()
    session.add(JournalValue(entry_id=entry.id, salt=salt, values=plain))


def entries(
    sessions: Sessions,
    actor: Actor,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    who: str = "",
    action: Action | None = None,
    kind: str = "",
    object_id: int | None = None,
    limit: int | None = 50,
    offset: int = 0,
) -> list[EntryView]:
    """Lines of the journal, the newest first. Reading them is not journalled.

    Args:
        sessions: The database.
        actor: Who asks.
        since: From this instant on.
        until: Before this instant.
        who: A part of a login or of a name, whatever its case; ``system`` for the command line.
        action: Of this kind of act.
        kind: On this kind of object, such as ``copy``.
        object_id: On this object.
        limit: At most so many; ``None`` for all.
        offset: How many of the newest to leave out.

    Raises:
        NotAllowed: The actor may not see the journal.
    """
    authorise(actor, Action.VIEW_JOURNAL)
    with reading(sessions) as session:
        query = select(JournalEntry, JournalSeal.number, JournalValue)
        query = query.outerjoin(JournalSeal, JournalSeal.entry_id == JournalEntry.id)
        query = query.outerjoin(JournalValue, JournalValue.entry_id == JournalEntry.id)
        if since is not None:
            query = query.where(JournalEntry.at >= since)
        if until is not None:
            query = query.where(JournalEntry.at < until)
        if action is not None:
            query = query.where(JournalEntry.action == action.value)
        if kind:
            query = query.where(JournalEntry.object_kind == kind)
        if object_id is not None:
            query = query.where(JournalEntry.object_id == object_id)
        if who.strip():
            query = _by(session, query, who.strip())
        rows = session.execute(query.order_by(JournalEntry.id.desc()).limit(limit).offset(offset)).all()
        people = _people(session, [entry.actor for entry, _, _ in rows])
        return [
            EntryView(
                entry_id=entry.id,
                number=number,
                at=entry.at,
                actor=entry.actor,
                login=people.get(entry.actor, ("", ""))[0],
                display_name=people.get(entry.actor, ("", ""))[1],
                action=entry.action,
                object_kind=entry.object_kind,
                object_id=entry.object_id,
                values=value.values if value is not None else None,
            )
            for entry, number, value in rows
        ]


def _by(session: Session, query: Select[*tuple[Any, ...]], who: str) -> Select[*tuple[Any, ...]]:
    """The lines of the actors whose login, name or system user contains a text."""
    found = session.scalars(
        select(Account.id)
        .outerjoin(Identity, Identity.person_id == Account.person_id)
        .where(
            or_(
                Account.login.icontains(who, autoescape=True),
                (Identity.first_name + " " + Identity.surname).icontains(who, autoescape=True),
                (Identity.surname + " " + Identity.first_name).icontains(who, autoescape=True),
            )
        )
    )
    labels = [f"{ACCOUNT}{account_id}" for account_id in found]
    of_system = JournalEntry.actor.startswith(SYSTEM) & JournalEntry.actor.icontains(who, autoescape=True)
    return query.where(or_(JournalEntry.actor.in_(labels) if labels else false(), of_system))


def names_of(session: Session, labels: Collection[str]) -> dict[str, str]:
    """Whom labels stand for, inside the transaction of a caller that has checked the right.

    An account's name, its login when nobody's name is known, and any other label as it is.
    """
    people = _people(session, list(labels))
    return {label: people[label][1] or people[label][0] if label in people else label for label in labels}


def _people(session: Session, actors: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Login and display name of the accounts among the actors, by label."""
    ids = {int(actor.removeprefix(ACCOUNT)) for actor in actors if actor.startswith(ACCOUNT)}
    found = session.execute(
        select(Account.id, Account.login, Identity.surname, Identity.first_name)
        .outerjoin(Identity, Identity.person_id == Account.person_id)
        .where(Account.id.in_(ids))
    )
    return {
        f"{ACCOUNT}{row.id}": (row.login, display_name(row.surname, row.first_name) if row.surname else "")
        for row in found
    }


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} cannot stand in the journal")
