"""Jobs, workers, the journal and backups."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db.tables.base import Base, Code, Id, Sha256, now


class Job(Base):
    """Long work as a row: whatever runs it, pages show this row.

    ``attempt`` fences completion: a worker that lost its lease cannot write.
    """

    __tablename__ = "job"
    id: Mapped[Id]
    kind: Mapped[Code]
    unique_key: Mapped[str]
    payload: Mapped[dict[str, Any]]
    paper_id: Mapped[int | None] = mapped_column(ForeignKey("paper.id"))
    status: Mapped[Code] = mapped_column(default="waiting")
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    stage: Mapped[str] = mapped_column(default="")
    """What is being done, as a code the shell words."""
    attempt: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)
    leased_until: Mapped[datetime | None]
    error_code: Mapped[str | None]
    error_details: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint(
            "status in ('waiting', 'running', 'done', 'failed', 'cancelled')", name="status_known"
        ),
        Index("ix_job_status", "status", "id"),
        Index(
            "uq_job_alive",
            "kind",
            "unique_key",
            unique=True,
            sqlite_where=text("status in ('waiting', 'running')"),
            postgresql_where=text("status in ('waiting', 'running')"),
        ),
    )


class Worker(Base):
    """A worker process; one that was not seen for a while is gone and its row is swept."""

    __tablename__ = "worker"
    id: Mapped[Id]
    name: Mapped[str] = mapped_column(unique=True)
    """Host, process and a random part."""
    engine: Mapped[Code]
    started_at: Mapped[datetime] = mapped_column(default=now)
    seen_at: Mapped[datetime] = mapped_column(default=now)


class JournalEntry(Base):
    """An act, inserted unchained in the act's own transaction; holds ids and a salted digest, no name."""

    __tablename__ = "journal_entry"
    id: Mapped[Id]
    at: Mapped[datetime] = mapped_column(default=now)
    actor: Mapped[str]
    """``account:<id>`` or ``system:<os user>``."""
    action: Mapped[Code]
    object_kind: Mapped[Code]
    object_id: Mapped[int | None]
    digest: Mapped[Sha256]
    """SHA-256 of the salt and the values of :class:`JournalValue`, which may be erased."""


class JournalValue(Base):
    """Values before and after, on the erasable side."""

    __tablename__ = "journal_value"
    entry_id: Mapped[int] = mapped_column(ForeignKey("journal_entry.id"), primary_key=True)
    salt: Mapped[Code]
    values: Mapped[dict[str, Any]]


class JournalSeal(Base):
    """A link of the chain: the one sealer numbers committed entries without a gap and chains their digests.

    ``hash`` covers the other columns and every column of the entry; see ``core/domain/chain.py``.
    """

    __tablename__ = "journal_seal"
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    entry_id: Mapped[int] = mapped_column(ForeignKey("journal_entry.id"), unique=True)
    previous: Mapped[Sha256]
    hash: Mapped[Sha256] = mapped_column(unique=True)
    sealed_at: Mapped[datetime] = mapped_column(default=now)


class Backup(Base):
    """A backup that was written and verified; where it went is not kept."""

    __tablename__ = "backup"
    id: Mapped[Id]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    manifest_sha256: Mapped[Sha256]
    rows: Mapped[int]
    files: Mapped[int]
    bytes: Mapped[int] = mapped_column(BigInteger)
