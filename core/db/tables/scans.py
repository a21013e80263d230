"""Scans: lots, files, images, half-pages in exactly one place, booklets, readings, proposals, decisions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db.tables.base import Base, Code, Id, Sha256, now, one_of
from core.domain.entries import DecisionKind, HeaderKind, Place, Side, Verdict


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
    kind: Mapped[Code]
    """What the bytes are: pdf, tiff, jpeg, png, heic or webp."""
    archive_sha256: Mapped[Sha256 | None]
    """The ZIP it came in: an envelope, recognised when it comes again and not kept itself."""
    archive_name: Mapped[str | None]
    byte_size: Mapped[int] = mapped_column(BigInteger)
    layout: Mapped[Code]
    """auto, a3, a4 or files as asked; the one found once ingested."""
    pages_per_copy: Mapped[int | None]
    image_count: Mapped[int | None]
    """Pages of the file once ingested: the ledger must then hold all their halves."""
    ingested_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    """When somebody said that its pages are where they should be; only then it can be identified."""
    checked_by: Mapped[str | None]
    __table_args__ = (
        UniqueConstraint("paper_id", "sha256"),
        CheckConstraint("(checked_at is null) = (checked_by is null)", name="checked_by_somebody"),
    )


class ScanImage(Base):
    """One image of a file and what was found on it.

    ``cut`` says which half-pages it owes the ledger. Each of them is named by a
    foreign key that is checked when the transaction ends: the database itself
    refuses an image with a half-page missing, and a half-page that goes.
    """

    __tablename__ = "scan_image"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    # A column of a foreign key does not count up by itself unless told to.
    scan_file_id: Mapped[int] = mapped_column(ForeignKey("scan_file.id"))
    index: Mapped[int]
    width_px: Mapped[int]
    height_px: Mapped[int]
    dpi: Mapped[float]
    codec: Mapped[Code]
    made_sha256: Mapped[Sha256 | None]
    """The page cut out of a phone photo and made straight; it stands for the file's own image."""
    rotation_deg: Mapped[int] = mapped_column(default=0)
    sheet: Mapped[int]
    """1-based rank of its sheet in the file."""
    side: Mapped[Code]
    cut: Mapped[Code]
    first_half: Mapped[Code]
    second_half: Mapped[Code | None]
    __table_args__ = (
        UniqueConstraint("scan_file_id", "index"),
        UniqueConstraint("id", "cut"),
        CheckConstraint("rotation_deg in (0, 90, 180, 270)", name="rotation_quarter"),
        one_of("side", Side),
        CheckConstraint(
            "cut = 'whole' and first_half = 'full' and second_half is null"
            " or cut = 'left_right' and first_half = 'left' and second_half = 'right'"
            " or cut = 'top_bottom' and first_half = 'top' and second_half = 'bottom'",
            name="cut_names_halves",
        ),
        ForeignKeyConstraint(
            ["id", "first_half"],
            ["half_page.scan_image_id", "half_page.half"],
            name="fk_scan_image_first_half",
            deferrable=True,
            initially="DEFERRED",
            use_alter=True,
        ),
        ForeignKeyConstraint(
            ["id", "second_half"],
            ["half_page.scan_image_id", "half_page.half"],
            name="fk_scan_image_second_half",
            deferrable=True,
            initially="DEFERRED",
            use_alter=True,
        ),
    )


class Booklet(Base):
    """Pages that belong together before anybody says whose they are: for A3, a sheet with its header."""

    __tablename__ = "booklet"
    id: Mapped[Id]
    paper_id: Mapped[int] = mapped_column(ForeignKey("paper.id"))
    scan_file_id: Mapped[int] = mapped_column(ForeignKey("scan_file.id"))
    position: Mapped[int]
    """Place of its first page in the file, as :func:`core.domain.stapling.place_in_file`: orders booklets."""
    dissolved: Mapped[bool] = mapped_column(default=False)
    """It has no page any more; kept for its history, and for the repair that may be undone."""
    copy_id: Mapped[int | None] = mapped_column(ForeignKey("copy.id"))
    half_pages: Mapped[list[HalfPage]] = relationship(order_by="HalfPage.position")
    header: Mapped[Header | None] = relationship()
    readings: Mapped[list[Reading]] = relationship()
    __table_args__ = (
        CheckConstraint("not dissolved or copy_id is null", name="dissolved_has_no_copy"),
        Index("ix_booklet_scan_file_id", "scan_file_id", "position"),
    )


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
    cut: Mapped[Code]
    """As its image's, so that the schema can tell which halves there may be."""
    settled: Mapped[bool] = mapped_column(default=False)
    """Somebody looked at its reason and found the page right where it is."""
    thumb_sha256: Mapped[Sha256 | None]
    """A small JPEG, as fed, made once."""
    likeness: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Descriptor of its ink, to find the same page scanned twice; ``None`` on a blank page."""
    ruling: Mapped[Code] = mapped_column(default="")
    hand: Mapped[list[Any]] = mapped_column(default=list)
    """Features of the writing, to suggest where a loose sheet belongs."""
    mark_crops: Mapped[list[Any]] = mapped_column(default=list)
    """Pictures of what may be a page number: ``{"edge", "sha256"}``."""
    page_mark: Mapped[str] = mapped_column(default="")
    """« n/N » as read on the page, or empty."""
    image: Mapped[ScanImage] = relationship(lazy="joined", foreign_keys=[scan_image_id])
    __table_args__ = (
        UniqueConstraint("scan_image_id", "half"),
        UniqueConstraint("booklet_id", "position"),
        ForeignKeyConstraint(["scan_image_id", "cut"], ["scan_image.id", "scan_image.cut"]),
        one_of("place", Place),
        CheckConstraint(
            "cut = 'whole' and half = 'full' or cut = 'left_right' and half in ('left', 'right')"
            " or cut = 'top_bottom' and half in ('top', 'bottom')",
            name="half_of_cut",
        ),
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


class DoubleScan(Base):
    """Two images that look like the same side of the same sheet, until somebody says whether they are."""

    __tablename__ = "double_scan"
    image_id: Mapped[int] = mapped_column(ForeignKey("scan_image.id"), primary_key=True)
    """The one that came later."""
    other_image_id: Mapped[int] = mapped_column(ForeignKey("scan_image.id"), primary_key=True)
    score: Mapped[float]
    verdict: Mapped[Code] = mapped_column(default=Verdict.OPEN.value)
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    __table_args__ = (
        one_of("verdict", Verdict),
        CheckConstraint("(verdict = 'open') = (decided_at is null)", name="verdict_is_dated"),
    )


class Repair(Base):
    """What somebody did to half-pages in the atelier: what each was before and after, so that it can be undone."""

    __tablename__ = "repair"
    id: Mapped[Id]
    paper_id: Mapped[int] = mapped_column(ForeignKey("paper.id"))
    kind: Mapped[Code]
    reason: Mapped[str] = mapped_column(default="")
    changes: Mapped[list[Any]]
    made_by: Mapped[str]
    made_at: Mapped[datetime] = mapped_column(default=now)
    undone_by: Mapped[str | None]
    undone_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint("(undone_at is null) = (undone_by is null)", name="undone_by_somebody"),
        Index("ix_repair_paper_id", "paper_id", "id"),
    )


class DrawnHeader(Base):
    """A header model that the secretariat drew on one image, for all papers of a session."""

    __tablename__ = "header_model"
    id: Mapped[Id]
    session_id: Mapped[int] = mapped_column(ForeignKey("exam_session.id"))
    name: Mapped[Code]
    kind: Mapped[Code] = mapped_column(default=HeaderKind.COPY.value)
    model: Mapped[dict[str, Any]]
    sample_sha256: Mapped[Sha256]
    """The scan file whose image it was drawn on."""
    sample_index: Mapped[int]
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)
    __table_args__ = (UniqueConstraint("session_id", "name"), one_of("kind", HeaderKind))


class Upload(Base):
    """A file on its way: what has come of it lies in the folder of uploads, so that it can go on after a cut."""

    __tablename__ = "upload"
    id: Mapped[Id]
    token: Mapped[str] = mapped_column(unique=True)
    """Random; names the file of what has come, and its address."""
    paper_id: Mapped[int] = mapped_column(ForeignKey("paper.id"))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    name: Mapped[str]
    byte_size: Mapped[int] = mapped_column(BigInteger)
    received: Mapped[int] = mapped_column(BigInteger, default=0)
    fingerprint: Mapped[str] = mapped_column(default="")
    """What the browser found to know the same file again after a reload."""
    options: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=now)
    touched_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint("received >= 0 and received <= byte_size", name="received_within_size"),
    )


class MaskedImage(Base):
    """An image without its masked zones, made once and kept beside the original.

    ``zones_sha256`` is the digest of the zones: a zone added or taken away asks for another image.
    """

    __tablename__ = "masked_image"
    scan_image_id: Mapped[int] = mapped_column(ForeignKey("scan_image.id"), primary_key=True)
    zones_sha256: Mapped[Sha256] = mapped_column(primary_key=True)
    sha256: Mapped[Sha256]
    lossless: Mapped[bool]
    """Whether all that is not masked is bit for bit what the scanner made."""
    created_at: Mapped[datetime] = mapped_column(default=now)
