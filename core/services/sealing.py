"""The journal's chain: one sealer numbers and chains what was committed, anybody with the right verifies it.

Acts insert their entries unchained, so that writers never wait for one another; "read the last hash, insert"
would fork as soon as two write at once. The order of the chain is the order of sealing: an entry whose
transaction was long gets a higher number than later ids, and is never passed over.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    Text,
    TypeDecorator,
    cast,
    exists,
    func,
    insert,
    select,
    type_coerce,
)
from sqlalchemy import text as sql
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from core.db.session import Sessions
from core.db.tables import JournalEntry, JournalSeal, JournalValue
from core.db.tables.base import now
from core.domain import chain
from core.domain.access import Action, Actor, authorise
from core.domain.chain import Broken, Entry, Fault, Head, Link, Step
from core.services.transactions import reading

EVERY_S = 0.5
"""Between two passes of a sealer: an entry is sealed within a second."""
WINDOW = 4_000
"""How far below the highest sealed id an ordinary pass looks for entries that were committed late."""
THOROUGH_EVERY_S = 300.0
"""Between two passes over the whole journal, for a transaction that outlived the window."""
BATCH = 5_000
"""Entries sealed in one transaction: on SQLite, other writers wait for it (0.2 s)."""
_PATIENCE = 10
"""Passes left out after one that could not reach the database: the log tells it every five seconds."""
_TURN = 0x4B4F5252  # of PostgreSQL's advisory locks; any number that nothing else here takes

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ChainState:
    """Where the chain stands, without verifying it."""

    head: Head
    sealed_at: datetime | None
    unsealed: int


@dataclass(frozen=True)
class Verification:
    """What a walk along the whole chain found.

    Attributes:
        sealed: links that hold, up to the head or to the first broken place.
        erased: entries among them whose values were erased, which is no fault.
        unsealed: entries that wait for the sealer.
        unsealed_since: date of the oldest of them.
    """

    head: Head
    sealed: int
    erased: int
    unsealed: int
    unsealed_since: datetime | None
    broken: Broken | None


# --- sealing


def seal(sessions: Sessions, *, thoroughly: bool = False) -> int:
    """Seal what was committed and is not sealed, in the order of ids; returns how many.

    Of several sealers at once one works and the others return at once. An ordinary pass looks at the ids from
    ``WINDOW`` below the highest sealed one on, a thorough one at all of them.
    """
    sealed = 0
    while batch := _seal_batch(sessions, thoroughly=thoroughly):
        sealed += batch
        if batch < BATCH:
            break
    return sealed


def try_to_seal(sessions: Sessions, *, thoroughly: bool = False) -> bool:
    """As :func:`seal`; whether the database could be asked. If not, what is left waits for the next pass."""
    try:
        seal(sessions, thoroughly=thoroughly)
    except SQLAlchemyError as error:
        _log.warning("the journal could not be sealed (%s); a later pass will", type(error).__name__)
        return False
    return True


def run_sealer_until(sessions: Sessions, stop: threading.Event, *, every_s: float = EVERY_S) -> None:
    """Seal again and again until asked to stop, and once more then.

    Any number of processes may do it; a database that is away is waited for.
    """
    thorough_at = time.monotonic()
    while True:
        stopped = stop.is_set()
        thoroughly = time.monotonic() >= thorough_at
        reached = try_to_seal(sessions, thoroughly=thoroughly)
        if reached and thoroughly:
            thorough_at = time.monotonic() + THOROUGH_EVERY_S
        if stopped:
            return
        stop.wait(every_s if reached else _PATIENCE * every_s)


@contextmanager
def sealing(sessions: Sessions) -> Iterator[None]:
    """A sealer beside whatever the block does."""
    stop = threading.Event()
    thread = threading.Thread(target=run_sealer_until, args=(sessions, stop), name="sealer", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _seal_batch(sessions: Sessions, *, thoroughly: bool) -> int:
    with reading(sessions) as session:
        # Mostly there is nothing to do: on SQLite, that is found without keeping a writer waiting.
        if session.execute(_waiting(session, thoroughly=thoroughly).limit(1)).first() is None:
            return 0
    with sessions.begin() as session:
        if not _take_turn(session):
            return 0
        last = session.execute(
            select(JournalSeal.number, JournalSeal.hash).order_by(JournalSeal.number.desc()).limit(1)
        ).first()
        waiting = session.execute(_waiting(session, thoroughly=thoroughly).limit(BATCH)).all()
        links = chain.links_for(Head(*last) if last else Head(), map(_entry, waiting), now())
        rows = [
            {
                "number": link.number,
                "entry_id": link.entry_id,
                "previous": link.previous,
                "hash": link.hash,
                "sealed_at": link.sealed_at,
            }
            for link in links
        ]
        if rows:
            session.execute(insert(JournalSeal), rows)
    return len(rows)


def _take_turn(session: Session) -> bool:
    """Whether this transaction is the one that seals; on SQLite any writer is alone already."""
    if session.get_bind().dialect.name != "postgresql":
        return True
    return bool(session.scalar(sql("select pg_try_advisory_xact_lock(:turn)"), {"turn": _TURN}))


def _waiting(session: Session, *, thoroughly: bool) -> Select[*tuple[Any, ...]]:
    """The entries to seal, by id."""
    query = select(*_ENTRY_COLUMNS).order_by(JournalEntry.id)
    if thoroughly:
        return query.where(_IS_UNSEALED)
    floor = (session.scalar(select(func.max(JournalSeal.entry_id))) or 0) - WINDOW
    # Said of both tables: PostgreSQL does not conclude it of the second and would read it whole.
    sealed = exists().where(JournalSeal.entry_id == JournalEntry.id, JournalSeal.entry_id > floor)
    return query.where(JournalEntry.id > floor, ~sealed)


# --- verifying


def verify(sessions: Sessions, actor: Actor, *, expected: Head | None = None) -> Verification:
    """Walk the whole chain in the order of its numbers, up to the first broken place.

    ``expected`` is a head written down earlier: without one, nobody sees that the end of a chain was cut off.

    Raises:
        NotAllowed: The actor may not see the journal.
    """
    authorise(actor, Action.VIEW_JOURNAL)
    with reading(sessions) as session:
        _see_one_state(session)
        walked = chain.walk(_steps(session), expected)
        broken = walked.broken
        if broken is not None and walked.wanted is not None:
            broken = _looked_for(session, broken, walked.head, walked.wanted)
        unsealed, since, meddled = _tail(session)
        return Verification(
            head=walked.head,
            sealed=walked.head.number,
            erased=walked.erased,
            unsealed=unsealed,
            unsealed_since=since,
            broken=broken or meddled,
        )


def state(sessions: Sessions, actor: Actor) -> ChainState:
    """The head of the chain and how much waits for the sealer; verifies nothing.

    Raises:
        NotAllowed: The actor may not see the journal.
    """
    authorise(actor, Action.VIEW_JOURNAL)
    with reading(sessions) as session:
        last = session.execute(
            select(JournalSeal.number, JournalSeal.hash, JournalSeal.sealed_at)
            .order_by(JournalSeal.number.desc())
            .limit(1)
        ).first()
        waiting = _waiting(session, thoroughly=False).subquery()
        return ChainState(
            head=Head(last.number, last.hash) if last else Head(),
            sealed_at=last.sealed_at if last else None,
            unsealed=session.scalar(select(func.count()).select_from(waiting)) or 0,
        )


def _steps(session: Session) -> Iterator[Step]:
    rows = session.execute(
        select(
            JournalSeal.number,
            JournalSeal.entry_id,
            JournalSeal.previous,
            JournalSeal.hash,
            type_coerce(JournalSeal.sealed_at, _AnyInstant).label("sealed_at"),
            *_ENTRY_COLUMNS,
            *_VALUE_COLUMNS,
        )
        .outerjoin(JournalEntry, JournalEntry.id == JournalSeal.entry_id)
        .outerjoin(JournalValue, JournalValue.entry_id == JournalSeal.entry_id)
        .order_by(JournalSeal.number),
        execution_options=_STREAMED,
    )
    with rows:
        for row in rows:
            link = Link(row.number, row.entry_id, row.previous, row.hash, row.sealed_at)
            yield Step(link, _entry(row) if row.id is not None else None, _values_digest(row))


def _looked_for(session: Session, broken: Broken, head: Head, wanted: str) -> Broken:
    """A broken place with the entry that its link was made for, when it stands somewhere else."""
    if broken.number is None or broken.fault not in (Fault.ENTRY_CHANGED, Fault.SEAL_MISSING):
        return broken
    with session.execute(select(*_ENTRY_COLUMNS), execution_options=_STREAMED) as rows:
        found = chain.fitting(broken.number, head, wanted, map(_entry, rows), broken.entry_id or 0)
    if found is None:
        return broken
    if broken.fault is Fault.SEAL_MISSING:
        return replace(broken, entry_id=found.entry_id, at=found.at, action=found.action)
    return replace(broken, fault=Fault.ENTRIES_SWAPPED, other_id=found.entry_id)


def _tail(session: Session) -> tuple[int, datetime | None, Broken | None]:
    """How many entries are not sealed, since when, and the first whose values were changed."""
    query = (
        select(*_ENTRY_COLUMNS, *_VALUE_COLUMNS)
        .outerjoin(JournalValue, JournalValue.entry_id == JournalEntry.id)
        .where(_IS_UNSEALED)
        .order_by(JournalEntry.id)
    )
    count, since, meddled = 0, None, None
    with session.execute(query, execution_options=_STREAMED) as rows:
        for row in rows:
            entry, found = _entry(row), _values_digest(row)
            count += 1
            since = min(since, entry.at) if since else entry.at
            if meddled is None and found not in (None, entry.digest):
                meddled = Broken(Fault.VALUES_CHANGED, None, entry.entry_id, entry.at, entry.action)
    return count, since, meddled


def _see_one_state(session: Session) -> None:
    """Let the queries of a walk see one state, whatever is sealed meanwhile; SQLite's do anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sql("set transaction isolation level repeatable read, read only"))


# --- rows


class _AnyInstant(TypeDecorator[datetime]):
    """An instant as the driver gives it; what is none, because somebody wrote there, reads as 1970."""

    impl = String
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Put the zone back, as :class:`core.db.tables.base.Utc` does."""
        if value is None:
            return None
        try:
            at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        except ValueError:
            return datetime(1970, 1, 1, tzinfo=UTC)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


_STREAMED = {"yield_per": 2_000}
_ENTRY_COLUMNS = (
    JournalEntry.id,
    type_coerce(JournalEntry.at, _AnyInstant).label("at"),
    JournalEntry.actor,
    JournalEntry.action,
    JournalEntry.object_kind,
    JournalEntry.object_id,
    JournalEntry.digest,
)
_VALUE_COLUMNS = (JournalValue.salt, cast(JournalValue.values, Text).label("written"))
_IS_UNSEALED: ColumnElement[bool] = ~exists().where(JournalSeal.entry_id == JournalEntry.id)


def _entry(row: Any) -> Entry:
    return Entry(row.id, row.at, row.actor, row.action, row.object_kind, row.object_id, row.digest)


def _values_digest(row: Any) -> str | None:
    """The digest of the values as they are, ``None`` when they were erased; unreadable ones have another."""
    if row.salt is None:
        return None
    try:
        return chain.digest(row.salt, json.loads(row.written))
    except ValueError:
        return "unreadable"
