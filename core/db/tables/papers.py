"""Papers, variants, entries and marking schemes with stable items."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db.tables.base import Base, Code, Id, now, one_of
from core.db.tables.people import Candidate
from core.domain.entries import Presence
from core.domain.grades import RoundingMode


class Paper(Base):
    """An épreuve. Points are integer hundredths everywhere in the database."""

    __tablename__ = "paper"
    id: Mapped[Id]
    session_id: Mapped[int] = mapped_column(ForeignKey("exam_session.id"))
    name: Mapped[str]
    sat_on: Mapped[date | None]
    total_hundredths: Mapped[int] = mapped_column(default=2000)
    final_scale_hundredths: Mapped[int] = mapped_column(default=2000)
    coefficient_hundredths: Mapped[int] = mapped_column(default=100)
    step_hundredths: Mapped[int] = mapped_column(default=25)
    rounding_hundredths: Mapped[int] = mapped_column(default=1)
    rounding_mode: Mapped[Code] = mapped_column(default=RoundingMode.HALF_UP.value)
    deadline: Mapped[datetime | None]
    closes_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    version: Mapped[int] = mapped_column(default=1)
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
    __table_args__ = (
        UniqueConstraint("session_id", "name"),
        CheckConstraint("total_hundredths > 0", name="total_positive"),
        one_of("rounding_mode", RoundingMode),
    )


class Variant(Base):
    """A sujet (A, B…) of a paper; every paper has at least one."""

    __tablename__ = "variant"
    id: Mapped[Id]
    paper_id: Mapped[int] = mapped_column(ForeignKey("paper.id"))
    code: Mapped[Code] = mapped_column(default="A")
    __table_args__ = (UniqueConstraint("paper_id", "code"), UniqueConstraint("id", "paper_id"))


class Entry(Base):
    """A candidate sits a paper."""

    __tablename__ = "entry"
    id: Mapped[Id]
    paper_id: Mapped[int] = mapped_column(ForeignKey("paper.id"))
    candidate_id: Mapped[int] = mapped_column(ForeignKey("candidate.id"))
    presence: Mapped[Code] = mapped_column(default=Presence.EXPECTED.value)
    room: Mapped[str | None]
    variant_id: Mapped[int | None] = mapped_column(ForeignKey("variant.id"))
    candidate: Mapped[Candidate] = relationship(lazy="joined")
    __table_args__ = (UniqueConstraint("paper_id", "candidate_id"), one_of("presence", Presence))


class Item(Base):
    """The lasting identity of a marked item; variants that share an item share this row."""

    __tablename__ = "item"
    id: Mapped[Id]
    paper_id: Mapped[int] = mapped_column(ForeignKey("paper.id"))
    stable_key: Mapped[Code]
    __table_args__ = (UniqueConstraint("paper_id", "stable_key"), UniqueConstraint("id", "paper_id"))


class SchemeVersion(Base):
    """One version of the scheme of a variant; the current one is not superseded."""

    __tablename__ = "scheme_version"
    id: Mapped[Id]
    paper_id: Mapped[int] = mapped_column(ForeignKey("paper.id"))
    variant_id: Mapped[int]
    number: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(default=now)
    superseded_at: Mapped[datetime | None]
    lines: Mapped[list[SchemeLine]] = relationship(order_by="SchemeLine.position", lazy="selectin")
    __table_args__ = (
        UniqueConstraint("variant_id", "number"),
        ForeignKeyConstraint(["variant_id", "paper_id"], ["variant.id", "variant.paper_id"]),
        Index(
            "uq_scheme_version_current",
            "variant_id",
            unique=True,
            sqlite_where=text("superseded_at is null"),
            postgresql_where=text("superseded_at is null"),
        ),
    )


class SchemeLine(Base):
    """An item as one version of a scheme states it."""

    __tablename__ = "scheme_line"
    scheme_version_id: Mapped[int] = mapped_column(ForeignKey("scheme_version.id"), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), primary_key=True)
    position: Mapped[int]
    code: Mapped[Code]
    label: Mapped[str]
    points_hundredths: Mapped[int]
    bonus: Mapped[bool] = mapped_column(default=False)
    competence: Mapped[str] = mapped_column(default="")
    is_leaf: Mapped[bool]
    __table_args__ = (
        UniqueConstraint("scheme_version_id", "code"),
        UniqueConstraint("scheme_version_id", "position"),
        CheckConstraint("points_hundredths >= 0", name="points_not_negative"),
    )
