"""How the parts of an installation stand: for probes, measurements, the page of the administrator, the doctor.

Nothing here holds a value of a person. A part that cannot be asked is *down*, with a code the shell words;
the reason itself, which may tell an address or a path, goes nowhere.
"""

from __future__ import annotations

import importlib.metadata
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import partial

from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from core.db import schema
from core.db.session import Sessions
from core.db.tables import Backup, JournalEntry, JournalSeal
from core.db.tables.base import now
from core.domain.access import Action, Actor, authorise
from core.errors import WorkbenchError
from core.jobs.state import queue_state
from core.services.restoring import mark_of
from core.services.transactions import reading
from core.services.watch import Watch
from core.settings import Settings
from core.storage.blobs import BlobStore

READY_WITHIN_S = 1.0
HEALTH_WITHIN_S = 1.8
"""A probe gives up after 2 s more often than not."""

DATABASE_SLOW_S = 1.0  # product.md §11
DISK_LOW_SHARE, DISK_FULL_SHARE = 0.20, 0.05  # product.md §11
QUEUE_LATE = timedelta(minutes=15)
"""A scan of a whole session is cut in less: work that waits longer waits for somebody."""
BACKUP_LATE = timedelta(hours=36)
"""A nightly backup, and half a day to notice that it did not run."""
UNSEALED_LATE = timedelta(minutes=10)
"""The sealer works every second or so; minutes mean that none runs."""
_SEAL_WINDOW = 10_000
"""Entries committed out of order stand near the end: no probe reads the whole journal."""


Figures = Mapping[str, float | int | str | None]


class Standing(StrEnum):
    """How a part stands."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True)
class Component:
    """A part of the installation.

    Attributes:
        name: ``database``, ``files``, ``queue``, ``redis``, ``backup`` or ``journal``.
        code: Why it is not well, or what is worth telling; empty otherwise.
        latency_ms: How long it took to answer.
        figures: What was measured; ``*_s`` in seconds, ``*_bytes``, ``*_share`` 0..1.
    """

    name: str
    standing: Standing
    code: str = ""
    latency_ms: float | None = None
    figures: Figures = field(default_factory=dict)


@dataclass(frozen=True)
class Health:
    """All parts, the worst of them first in ``standing``."""

    standing: Standing
    components: tuple[Component, ...]
    version: str
    commit: str

    def component(self, name: str) -> Component:
        """The part of a name."""
        return next(part for part in self.components if part.name == name)


@dataclass(frozen=True)
class Parts:
    """What is asked, opened when asked: opening may fail or hang as well."""

    sessions: Callable[[], Sessions]
    blobs: Callable[[], BlobStore]
    settings: Settings


_RECORDS = ("database", "queue", "backup", "journal")
_NEEDED = ("database", "files")
_watch: Watch[tuple[Component, ...]] = Watch()


def readiness(parts: Parts) -> tuple[str, ...]:
    """The codes of the parts without which nothing can be served; none when all answer within a second."""
    asked = {
        "ready-database": lambda: (_guarded("database", lambda: _database(parts)),),
        "ready-files": lambda: (_guarded("files", lambda: _files(parts)),),
        "ready-redis": lambda: (_guarded("redis", lambda: _redis(parts)),),
    }
    answers = _watch.ask(asked, within_s=READY_WITHIN_S)
    failing = []
    for name, found in answers.items():
        if found is None:
            failing.append(f"{name.removeprefix('ready-')}_silent")
        else:
            failing += [part.code for part in found if part.standing is Standing.DOWN]
    return tuple(failing)


def overview(parts: Parts, *, within_s: float = HEALTH_WITHIN_S) -> Health:
    """Ask every part; those that do not answer in time are down."""
    asked = {
        "records": lambda: _records(parts),
        "files": lambda: (_guarded("files", lambda: _files(parts)),),
        "redis": lambda: (_guarded("redis", lambda: _redis(parts)),),
    }
    answers = _watch.ask(asked, within_s=within_s)
    silent = {"records": _RECORDS, "files": ("files",), "redis": ("redis",)}
    components = [
        part
        for name, found in answers.items()
        for part in (
            found
            if found is not None
            else tuple(Component(missing, Standing.DOWN, f"{missing}_silent") for missing in silent[name])
        )
    ]
    return Health(_overall(components), tuple(components), version(), parts.settings.commit)


def operations(sessions: Sessions, actor: Actor, blobs: BlobStore, *, settings: Settings) -> Health:
    """As :func:`overview`, for the administrator's page.

    Raises:
        NotAllowed: The actor is no administrator.
    """
    authorise(actor, Action.VIEW_OPERATIONS)
    return overview(Parts(lambda: sessions, lambda: blobs, settings))


def version() -> str:
    """The version of the program that runs."""
    return importlib.metadata.version("korrigo")


def _overall(components: list[Component]) -> Standing:
    if any(part.standing is Standing.DOWN and part.name in _NEEDED for part in components):
        return Standing.DOWN
    well = all(part.standing is Standing.OK for part in components)
    return Standing.OK if well else Standing.DEGRADED


def _records(parts: Parts) -> tuple[Component, ...]:
    """What the database says; when it does not answer, nothing is known of what it holds."""
    checks: dict[str, Callable[[Parts], Component]] = {
        "database": _database,
        "queue": _queue,
        "backup": _backup,
        "journal": _journal,
    }
    return tuple(_guarded(name, partial(check, parts)) for name, check in checks.items())


def _guarded(name: str, check: Callable[[], Component]) -> Component:
    try:
        return check()
    except (SQLAlchemyError, OSError, WorkbenchError, UnicodeDecodeError):
        # SQLite quotes what it cannot read of a damaged file, and that is not always text.
        return Component(name, Standing.DOWN, f"{name}_unreachable")


def _database(parts: Parts) -> Component:
    started = time.monotonic()
    with reading(parts.sessions()) as session:
        session.execute(text("select 1"))
        latency_s = time.monotonic() - started
        kind = session.get_bind().dialect.name
        figures: Figures = {
            "kind": kind,
            "connections": _connections(session) if kind == "postgresql" else 0,
        }
        if schema.revision(session.connection()) != schema.head():
            return Component("database", Standing.DOWN, "database_schema", latency_s * 1000, figures)
    slow = latency_s > DATABASE_SLOW_S
    return Component(
        "database",
        Standing.DEGRADED if slow else Standing.OK,
        "database_slow" if slow else "",
        latency_s * 1000,
        figures,
    )


def _connections(session: Session) -> int:
    counted = session.scalar(text("select count(*) from pg_stat_activity where datname = current_database()"))
    return int(counted or 0)


def _files(parts: Parts) -> Component:
    started = time.monotonic()
    if mark_of(parts.settings.home) is not None:
        return Component("files", Standing.DOWN, "files_half_restored")
    try:
        with parts.blobs().incoming_file() as (file, _path):
            file.write(b"korrigo")
    except OSError:
        return Component("files", Standing.DOWN, "files_unwritable")
    latency_ms = (time.monotonic() - started) * 1000
    disk = shutil.disk_usage(parts.settings.home)
    share = disk.free / disk.total
    figures = {"free_share": share, "free_bytes": disk.free, "total_bytes": disk.total}
    if share < DISK_FULL_SHARE:
        # Not down: what is there can still be read and marked.
        return Component("files", Standing.DEGRADED, "disk_full", latency_ms, figures)
    low = share < DISK_LOW_SHARE
    return Component(
        "files", Standing.DEGRADED if low else Standing.OK, "disk_low" if low else "", latency_ms, figures
    )


def _redis(parts: Parts) -> Component:
    cache = parts.blobs().derived
    started = time.monotonic()
    answers = cache.answers()
    counts = cache.counts
    figures = {
        "configured": int(answers is not None),
        "hits": counts.hits,
        "misses": counts.misses,
        "failures": counts.failures,
    }
    if answers is None:
        return Component("redis", Standing.OK, "redis_none", figures=figures)
    if not answers:
        return Component("redis", Standing.DOWN, "redis_unreachable", figures=figures)
    return Component("redis", Standing.OK, "", (time.monotonic() - started) * 1000, figures)


def _queue(parts: Parts) -> Component:
    found = queue_state(parts.sessions())
    figures: Figures = {
        "engine": found.engine,
        "workers": found.workers,
        "waiting": found.waiting,
        "running": found.running,
        "failed": found.failed,
        "oldest_waiting_s": found.oldest_waiting_s,
    }
    if not found.workers:
        # Nothing waits for it yet, but the next scan will.
        standing = Standing.DOWN if found.waiting else Standing.DEGRADED
        return Component("queue", standing, "queue_without_worker", figures=figures)
    late = (found.oldest_waiting_s or 0) > QUEUE_LATE.total_seconds()
    return Component(
        "queue", Standing.DEGRADED if late else Standing.OK, "queue_late" if late else "", figures=figures
    )


def _backup(parts: Parts) -> Component:
    with reading(parts.sessions()) as session:
        latest = session.scalars(select(Backup).order_by(Backup.ended_at.desc()).limit(1)).first()
    if latest is None:
        return Component("backup", Standing.DEGRADED, "backup_never", figures={"age_s": None})
    age = now() - latest.ended_at
    late = age > BACKUP_LATE
    return Component(
        "backup",
        Standing.DEGRADED if late else Standing.OK,
        "backup_late" if late else "",
        figures={
            "age_s": age.total_seconds(),
            "ended_at": latest.ended_at.isoformat(),
            "bytes": latest.bytes,
            "files": latest.files,
        },
    )


def _journal(parts: Parts) -> Component:
    with reading(parts.sessions()) as session:
        highest = session.scalar(select(func.max(JournalSeal.entry_id))) or 0
        unsealed, oldest = session.execute(
            select(func.count(), func.min(JournalEntry.at))
            .outerjoin(JournalSeal, JournalSeal.entry_id == JournalEntry.id)
            .where(JournalSeal.entry_id.is_(None), JournalEntry.id > highest - _SEAL_WINDOW)
        ).one()
    age_s = (now() - oldest).total_seconds() if oldest is not None else None
    late = age_s is not None and age_s > UNSEALED_LATE.total_seconds()
    return Component(
        "journal",
        Standing.DEGRADED if late else Standing.OK,
        "journal_unsealed" if late else "",
        figures={"unsealed": unsealed, "oldest_unsealed_s": age_s},
    )
