"""Scans: lots, files, images, half-pages in exactly one place, booklets, readings, proposals, decisions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db.tables.base import Base, Code, Id, Sha256, now, one_of
from core.domain.entries import DecisionKind, Place


class Lot(Base):
    """A bundle of paper as it was scanned, with the counts written on its envelope."""

    __tablename__ = "lot"
    id: Mapped[Id]
    paper_id: Mapped[int] = mapped_column(ForeignKey("paper.id"))
    label: Mapped[str] = mapped_column(default="")
    stated_copies: Mapped[int | None]
    stated_sheets: Mapped[int | None]
    variant_id: Mapped[int | None] = mapped_column(ForeignKey("variant.id"))
    created_at: Mapped[datetime] = mapped_column(default=now)


class ScanFile(Base):
    """A file as received, kept byte for byte and addressed by its SHA-256."""

    __tablename__ = "scan_file"
    id: Mapped[Id]
    paper_id: Mapped[int] = mapped_column(ForeignKey("paper.id"))
    lot_id: Mapped[int] = mapped_column(ForeignKey("lot.id"))
    sha256: Mapped[Sha256]
    name: Mapped[str]
    byte_size: Mapped[int]
    layout: Mapped[Code]
    """auto, a3, a4 or files as asked; the one found once ingested."""
    pages_per_copy: Mapped[int | None]
    image_count: Mapped[int | None]
    """Pages of the file once ingested: the ledger must then hold all their halves."""
    ingested_at: Mapped[datetime | None]
    __table_args__ = (UniqueConstraint("paper_id", "sha256"),)


class ScanImage(Base):
    """One image of a file and what was found on it."""

    __tablename__ = "scan_image"
    id: Mapped[Id]
    scan_file_id: Mapped[int] = mapped_column(ForeignKey("scan_file.id"))
    index: Mapped[int]
    width_px: Mapped[int]
    height_px: Mapped[int]
    dpi: Mapped[float]
    codec: Mapped[Code]
    rotation_deg: Mapped[int] = mapped_column(default=0)
    half_count: Mapped[int]
    """How many half-pages the ledger owes for this image."""
    __table_args__ = (
        UniqueConstraint("scan_file_id", "index"),
        CheckConstraint("rotation_deg in (0, 90, 180, 270)", name="rotation_quarter"),
    )


class Booklet(Base):
    """Pages that belong together before anybody says whose they are: for A3, a sheet with its header."""

    __tablename__ = "booklet"
    id: Mapped[Id]
    paper_id: Mapped[int] = mapped_column(ForeignKey("paper.id"))
    scan_file_id: Mapped[int] = mapped_column(ForeignKey("scan_file.id"))
    position: Mapped[int]
    """1-based rank in the file."""
    copy_id: Mapped[int | None] = mapped_column(ForeignKey("copy.id"))
    half_pages: Mapped[list[HalfPage]] = relationship(order_by="HalfPage.position")
    header: Mapped[Header | None] = relationship()
    readings: Mapped[list[Reading]] = relationship()
    __table_args__ = (UniqueConstraint("scan_file_id", "position"),)


class HalfPage(Base):
    """A half of an image (or a whole A4 one), in exactly one place of the page ledger.

    ``box_px`` lies in the image as fed. The checks say what each place demands.
    """

    __tablename__ = "half_page"
    id: Mapped[Id]
    scan_image_id: Mapped[int] = mapped_column(ForeignKey("scan_image.id"))
    half: Mapped[Code]
    page: Mapped[Code]
    box_px: Mapped[list[Any]]
    skew_deg: Mapped[float] = mapped_column(default=0.0)
    blank: Mapped[bool] = mapped_column(default=False)
    place: Mapped[Code]
    booklet_id: Mapped[int | None] = mapped_column(ForeignKey("booklet.id"))
    position: Mapped[int | None]
    reason: Mapped[str] = mapped_column(default="")
    mask_boxes_px: Mapped[list[Any]] = mapped_column(default=list)
    """Zones of the image as fed that no corrector may see."""
    image: Mapped[ScanImage] = relationship(lazy="joined")
    __table_args__ = (
        UniqueConstraint("scan_image_id", "half"),
        UniqueConstraint("booklet_id", "position"),
        one_of("place", Place),
        CheckConstraint("half in ('left', 'right', 'top', 'bottom', 'full')", name="half_known"),
        CheckConstraint(
            "(place in ('booklet', 'copy')) = (booklet_id is not null and position is not null)",
            name="place_has_booklet",
        ),
        CheckConstraint(
            "reason <> '' or place not in ('loose', 'aside', 'unreadable', 'erased')", name="place_has_reason"
        ),
    )


class Header(Base):
    """The header found on a booklet's first page: where it is and the crop people look at."""

    __tablename__ = "header"
    booklet_id: Mapped[int] = mapped_column(ForeignKey("booklet.id"), primary_key=True)
    half_page_id: Mapped[int] = mapped_column(ForeignKey("half_page.id"))
    model: Mapped[Code]
    score: Mapped[float]
    crop_sha256: Mapped[Sha256]
    field_crops: Mapped[dict[str, Any]]
    """SHA-256 of the crop of each field, so that another engine can read it later."""


class Reading(Base):
    """What an engine read in one field: per-step probabilities, so that matching needs no second reading."""

    __tablename__ = "reading"
    id: Mapped[Id]
    booklet_id: Mapped[int] = mapped_column(ForeignKey("booklet.id"))
    field: Mapped[Code]
    engine: Mapped[str]
    """Name and fingerprint of the engine and its model."""
    text: Mapped[str]
    steps: Mapped[bytes] = mapped_column(LargeBinary)
    __table_args__ = (UniqueConstraint("booklet_id", "field", "engine"),)


class Proposal(Base):
    """A ranked candidate for a booklet, by the latest joint matching of the paper."""

    __tablename__ = "proposal"
    booklet_id: Mapped[int] = mapped_column(ForeignKey("booklet.id"), primary_key=True)
    rank: Mapped[int] = mapped_column(primary_key=True)
    candidate_id: Mapped[int | None] = mapped_column(ForeignKey("candidate.id"))
    probability: Mapped[float]
    decision: Mapped[Code]
    reason: Mapped[str] = mapped_column(default="")
    matched: Mapped[list[Any]] = mapped_column(default=list)
    read_as: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Decision(Base):
    """Whose booklet it is, as somebody decided. Superseded by a newer row, never overwritten."""

    __tablename__ = "decision"
    id: Mapped[Id]
    booklet_id: Mapped[int] = mapped_column(ForeignKey("booklet.id"))
    kind: Mapped[Code]
    candidate_id: Mapped[int | None] = mapped_column(ForeignKey("candidate.id"))
    automatic: Mapped[bool] = mapped_column(default=False)
    decided_by: Mapped[str]
    decided_at: Mapped[datetime] = mapped_column(default=now)
    superseded_at: Mapped[datetime | None]
    __table_args__ = (
        one_of("kind", DecisionKind),
        CheckConstraint("(kind = 'candidate') = (candidate_id is not null)", name="kind_has_candidate"),
        Index(
            "uq_decision_current",
            "booklet_id",
            unique=True,
            sqlite_where=text("superseded_at is null"),
            postgresql_where=text("superseded_at is null"),
        ),
    )
