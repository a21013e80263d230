"""Copies, their page sets, markings, marks, annotations, documents and publication."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db.tables.base import Base, Code, Id, Sha256, now, one_of
from core.db.tables.papers import Paper
from core.db.tables.people import Account, Candidate
from core.db.tables.scans import HalfPage
from core.domain.copies import CopyStatus
from core.domain.marking import MarkingKind, MarkState


class Copy(Base):
    """All the pages of one candidate for one paper; ``candidate_id`` is empty while nobody knows."""

    __tablename__ = "copy"
    id: Mapped[Id]
    paper_id: Mapped[int] = mapped_column(ForeignKey("paper.id"))
    candidate_id: Mapped[int | None] = mapped_column(ForeignKey("candidate.id"))
    variant_id: Mapped[int] = mapped_column(ForeignKey("variant.id"))
    code: Mapped[Code] = mapped_column(unique=True)
    status: Mapped[Code] = mapped_column(default=CopyStatus.STAGED.value)
    failure: Mapped[str | None]
    """Why the last finalisation failed."""
    attempts: Mapped[int] = mapped_column(default=0)
    record_marking_id: Mapped[int | None] = mapped_column(
        ForeignKey("marking.id", use_alter=True, name="fk_copy_record_marking_id_marking")
    )
    """The marking that counts."""
    version: Mapped[int] = mapped_column(default=1)
    candidate: Mapped[Candidate | None] = relationship(lazy="joined")
    paper: Mapped[Paper] = relationship(lazy="joined")
    page_sets: Mapped[list[PageSet]] = relationship(order_by="PageSet.number")
    record: Mapped[Marking | None] = relationship(foreign_keys=[record_marking_id])
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
    __table_args__ = (
        UniqueConstraint("paper_id", "candidate_id"),
        one_of("status", CopyStatus),
        CheckConstraint(
            "candidate_id is not null or status not in ('identified', 'published')",
            name="status_has_candidate",
        ),
        CheckConstraint("(status = 'failed') = (failure is not null)", name="failed_has_message"),
    )


class PageSet(Base):
    """One version of the pages of a copy; the last number is the current one."""

    __tablename__ = "page_set"
    id: Mapped[Id]
    copy_id: Mapped[int] = mapped_column(ForeignKey("copy.id"))
    number: Mapped[int]
    reason: Mapped[str] = mapped_column(default="")
    notice: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What changed since the version before, for its corrector: ``{"added": [positions], "removed": n, …}``."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    pages: Mapped[list[PageSetPage]] = relationship(order_by="PageSetPage.position", lazy="selectin")
    __table_args__ = (UniqueConstraint("copy_id", "number"),)


class PageSetPage(Base):
    """A page of a copy, by its 1-based position."""

    __tablename__ = "page_set_page"
    page_set_id: Mapped[int] = mapped_column(ForeignKey("page_set.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    half_page_id: Mapped[int] = mapped_column(ForeignKey("half_page.id"))
    half_page: Mapped[HalfPage] = relationship(lazy="joined")
    __table_args__ = (UniqueConstraint("page_set_id", "half_page_id"),)


class AllocationRun(Base):
    """A répartition: its seed, so that statistics know it was random."""

    __tablename__ = "allocation_run"
    id: Mapped[Id]
    paper_id: Mapped[int] = mapped_column(ForeignKey("paper.id"))
    seed: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=now)
    created_by: Mapped[str]


class Marking(Base):
    """One corrector's marking of one copy."""

    __tablename__ = "marking"
    id: Mapped[Id]
    copy_id: Mapped[int] = mapped_column(ForeignKey("copy.id"))
    corrector_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    kind: Mapped[Code] = mapped_column(default=MarkingKind.ORDINARY.value)
    allocation_run_id: Mapped[int | None] = mapped_column(ForeignKey("allocation_run.id"))
    appreciation: Mapped[str] = mapped_column(default="")
    claimed_until: Mapped[datetime | None]
    claim_token: Mapped[str | None]
    completed_at: Mapped[datetime | None]
    seen_page_set: Mapped[int | None]
    """Number of the page set its corrector has seen; an older one than the copy's is told on opening."""
    version: Mapped[int] = mapped_column(default=1)
    copy: Mapped[Copy] = relationship(foreign_keys=[copy_id])
    corrector: Mapped[Account] = relationship()
    marks: Mapped[list[MarkRow]] = relationship(lazy="selectin")
    remarks: Mapped[list[Remark]] = relationship(lazy="selectin")
    annotations: Mapped[list[Annotation]] = relationship(order_by="Annotation.id")
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
    __table_args__ = (
        one_of("kind", MarkingKind),
        UniqueConstraint("copy_id", "corrector_id", "kind"),
        Index(
            "uq_marking_ordinary",
            "copy_id",
            unique=True,
            sqlite_where=text("kind = 'ordinary'"),
            postgresql_where=text("kind = 'ordinary'"),
        ),
    )


class MarkRow(Base):
    """What a marking says of an item. No row means *à noter*: a missing mark is missing, never zero."""

    __tablename__ = "mark"
    marking_id: Mapped[int] = mapped_column(ForeignKey("marking.id"), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), primary_key=True)
    state: Mapped[Code]
    points_hundredths: Mapped[int | None]
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)
    __table_args__ = (
        one_of("state", MarkState),
        CheckConstraint("(state = 'marked') = (points_hundredths is not null)", name="state_has_points"),
        CheckConstraint("points_hundredths >= 0", name="points_not_negative"),
    )


class Remark(Base):
    """A typed remark on an item, with or without a mark."""

    __tablename__ = "remark"
    marking_id: Mapped[int] = mapped_column(ForeignKey("marking.id"), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), primary_key=True)
    text: Mapped[str]


class Annotation(Base):
    """A drawing on a page, in coordinates normalised to the page (0..1 from the top-left corner)."""

    __tablename__ = "annotation"
    id: Mapped[Id]
    marking_id: Mapped[int] = mapped_column(ForeignKey("marking.id"))
    half_page_id: Mapped[int] = mapped_column(ForeignKey("half_page.id"))
    item_id: Mapped[int | None] = mapped_column(ForeignKey("item.id"))
    kind: Mapped[Code]
    shape: Mapped[dict[str, Any]]
    """``{"x", "y"}`` for a sign, ``{"x", "y", "width", "height"}`` for a zone, ``{"points"}`` for a stroke; ``text``."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    __table_args__ = (
        CheckConstraint(
            "kind in ('tick', 'cross', 'question', 'box', 'text', 'highlight', 'pen')", name="kind_known"
        ),
    )


class Document(Base):
    """A PDF made for a copy; the last version of a kind is the current one."""

    __tablename__ = "document"
    id: Mapped[Id]
    copy_id: Mapped[int] = mapped_column(ForeignKey("copy.id"))
    kind: Mapped[Code]
    number: Mapped[int]
    sha256: Mapped[Sha256]
    marking_version: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=now)
    __table_args__ = (
        UniqueConstraint("copy_id", "kind", "number"),
        CheckConstraint("kind in ('finalised', 'student')", name="kind_known"),
    )


class Publication(Base):
    """A copy shown to its pupil, until withdrawn."""

    __tablename__ = "publication"
    id: Mapped[Id]
    copy_id: Mapped[int] = mapped_column(ForeignKey("copy.id"))
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"))
    final_mark_hundredths: Mapped[int]
    published_at: Mapped[datetime] = mapped_column(default=now)
    withdrawn_at: Mapped[datetime | None]
    __table_args__ = (
        Index(
            "uq_publication_current",
            "copy_id",
            unique=True,
            sqlite_where=text("withdrawn_at is null"),
            postgresql_where=text("withdrawn_at is null"),
        ),
    )
