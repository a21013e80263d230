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
    cast,
    exists,
    func,
    insert,
    select,
    type_coerce,
)
from sqlalchemy import text as sql
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from core.db.session import Sessions
from core.db.tables import JournalEntry, JournalSeal, JournalValue
from core.db.tables.base import now
from core.domain import chain
from core.domain.access import Action, Actor, authorise
from core.domain.chain import Broken, Entry, Fault, Head, Instant, Link, Step, Wanted
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
        unsealed_since: date of the oldest of them that has one.
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
    """As :func:`seal`; whether that went well. If not, what is left waits for the next pass."""
    try:
        seal(sessions, thoroughly=thoroughly)
    except SQLAlchemyError as error:
        _log.warning("the journal could not be sealed (%s); a later pass will", type(error).__name__)
        return False
    except Exception:  # noqa: BLE001 - a sealer that ends leaves every later act of its process unsealed
        _log.warning("the journal could not be sealed; a later pass will try again", exc_info=True)
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
    with reading(sessions) as session, _any_text(session):
        # Mostly there is nothing to do: on SQLite, that is found without keeping a writer waiting.
        if session.execute(_waiting(session, thoroughly=thoroughly).limit(1)).first() is None:
            return 0
    with sessions.begin() as session, _any_text(session):
        if not _take_turn(session):
            return 0
        head, _ = _last_link(session)
        waiting = session.execute(_waiting(session, thoroughly=thoroughly).limit(BATCH)).all()
        links = chain.links_for(head, map(_entry, waiting), now())
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
    query = select(*_entry_columns(session)).order_by(JournalEntry.id)
    highest = session.scalar(select(func.max(JournalSeal.entry_id))) or 0
    if thoroughly or not isinstance(highest, int):
        return query.where(_IS_UNSEALED)
    floor = highest - WINDOW
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
    with reading(sessions) as session, _any_text(session):
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
    with reading(sessions) as session, _any_text(session):
        head, sealed_at = _last_link(session)
        waiting = _waiting(session, thoroughly=False).subquery()
        return ChainState(
            head=head,
            sealed_at=sealed_at if isinstance(sealed_at, datetime) else None,
            unsealed=session.scalar(select(func.count()).select_from(waiting)) or 0,
        )


def _steps(session: Session) -> Iterator[Step]:
    rows = session.execute(
        select(
            JournalSeal.number,
            JournalSeal.entry_id,
            JournalSeal.previous,
            JournalSeal.hash,
            _written_instant(session, JournalSeal.sealed_at).label("sealed_at"),
            *_entry_columns(session),
            *_value_columns(session),
        )
        .outerjoin(JournalEntry, JournalEntry.id == JournalSeal.entry_id)
        .outerjoin(JournalValue, JournalValue.entry_id == JournalSeal.entry_id)
        .order_by(JournalSeal.number),
        execution_options=_STREAMED,
    )
    with rows:
        for row in rows:
            link = Link(
                row.number,
                _plain(row.entry_id),
                _plain(row.previous),
                _plain(row.hash),
                _instant(row.sealed_at),
            )
            yield Step(link, _entry(row) if row.id is not None else None, _values_digest(row))


def _looked_for(session: Session, broken: Broken, head: Head, wanted: Wanted) -> Broken:
    """A broken place with the entry that its link was made for, when it stands somewhere else."""
    if broken.number is None or broken.fault not in (Fault.ENTRY_CHANGED, Fault.SEAL_MISSING):
        return broken
    with session.execute(select(*_entry_columns(session)), execution_options=_STREAMED) as rows:
        found = chain.fitting(broken.number, head, wanted, map(_entry, rows), broken.entry_id or 0)
    if found is None:
        return broken
    if broken.fault is Fault.SEAL_MISSING:
        at = found.at if isinstance(found.at, datetime) else None
        return replace(broken, entry_id=found.entry_id, at=at, action=found.action)
    return replace(broken, fault=Fault.ENTRIES_SWAPPED, other_id=found.entry_id)


def _tail(session: Session) -> tuple[int, datetime | None, Broken | None]:
    """How many entries are not sealed, since when, and the first whose values were changed."""
    query = (
        select(*_entry_columns(session), *_value_columns(session))
        .outerjoin(JournalValue, JournalValue.entry_id == JournalEntry.id)
        .where(_IS_UNSEALED)
        .order_by(JournalEntry.id)
    )
    count, since, meddled = 0, None, None
    with session.execute(query, execution_options=_STREAMED) as rows:
        for row in rows:
            entry, found = _entry(row), _values_digest(row)
            at = entry.at if isinstance(entry.at, datetime) else None
            count += 1
            since = min(since, at) if since and at else since or at
            if meddled is None and found not in (None, entry.digest):
                meddled = Broken(Fault.VALUES_CHANGED, None, entry.entry_id, at, entry.action)
    return count, since, meddled


def _see_one_state(session: Session) -> None:
    """Let the queries of a walk see one state, whatever is sealed meanwhile; SQLite's do anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sql("set transaction isolation level repeatable read, read only"))


# --- rows, which hold whatever somebody wrote into the database


@contextmanager
def _any_text(session: Session) -> Iterator[None]:
    """Let SQLite give texts that are no UTF-8 too; PostgreSQL has none."""
    if _is_postgresql(session):
        yield
        return
    driver: Any = session.connection().connection.driver_connection
    ordinary = driver.text_factory
    driver.text_factory = _decoded
    try:
        yield
    finally:
        driver.text_factory = ordinary


def _decoded(written: bytes) -> str:
    """The text, or the bytes written out after words that begin no text of this program and no JSON."""
    try:
        return written.decode()
    except UnicodeDecodeError:
        return "not UTF-8: " + written.decode("utf-8", "backslashreplace")


def _is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def _written_instant(session: Session, column: Any) -> ColumnElement[Any]:
    """An instant in UTC as the database writes it: PostgreSQL knows years that Python does not."""
    if _is_postgresql(session):
        return cast(func.timezone("UTC", column), Text)
    return type_coerce(column, String)


def _entry_columns(session: Session) -> tuple[Any, ...]:
    return (
        JournalEntry.id,
        _written_instant(session, JournalEntry.at).label("at"),
        JournalEntry.actor,
        JournalEntry.action,
        JournalEntry.object_kind,
        JournalEntry.object_id,
        JournalEntry.digest,
    )


def _value_columns(session: Session) -> tuple[Any, ...]:
    # On SQLite as it is: cast, a blob would pass for the text that this program writes.
    values = JournalValue.values
    written = cast(values, Text) if _is_postgresql(session) else type_coerce(values, String)
    return JournalValue.salt, written.label("written")


_STREAMED = {"yield_per": 2_000}
_IS_UNSEALED: ColumnElement[bool] = ~exists().where(JournalSeal.entry_id == JournalEntry.id)


def _last_link(session: Session) -> tuple[Head, Instant | None]:
    """The head of the chain and when it was sealed."""
    last = session.execute(
        select(
            JournalSeal.number,
            JournalSeal.hash,
            _written_instant(session, JournalSeal.sealed_at).label("sealed_at"),
        )
        .order_by(JournalSeal.number.desc())
        .limit(1)
    ).first()
    return (Head(last.number, _plain(last.hash)), _instant(last.sealed_at)) if last else (Head(), None)


def _plain(value: Any) -> Any:
    """A number, a text or nothing as it is, and the text of anything else that SQLite may hold."""
    return value if value is None or isinstance(value, int | str) else repr(value)


def _instant(written: Any) -> Instant:
    """A date in UTC, or the text of what is none."""
    try:
        at = datetime.fromisoformat(str(written))
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return str(written)


def _entry(row: Any) -> Entry:
    return Entry(
        row.id,
        _instant(row.at),
        _plain(row.actor),
        _plain(row.action),
        _plain(row.object_kind),
        _plain(row.object_id),
        _plain(row.digest),
    )


def _values_digest(row: Any) -> str | None:
    """The digest of the values as they are, ``None`` when they were erased; unreadable ones have another."""
    if row.salt is None:
        return None
    if not isinstance(row.salt, str) or not isinstance(row.written, str):
        return "unreadable"
    try:
        return chain.digest(row.salt, json.loads(row.written))
    except (ValueError, RecursionError):
        return "unreadable"
