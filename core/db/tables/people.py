"""People, accounts and connections. Names stand in one erasable table; everything else holds person ids."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db.tables.base import Base, Code, Id, Sha256, now, one_of
from core.domain.access import Role


class Person(Base):
    """Somebody, without any value that tells who."""

    __tablename__ = "person"
    id: Mapped[Id]
    created_at: Mapped[datetime] = mapped_column(default=now)
    identity: Mapped[Identity | None] = relationship(back_populates="person", lazy="joined")


class Identity(Base):
    """The erasable side of a person: deleting this row forgets them, and nothing else breaks."""

    __tablename__ = "identity"
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    surname: Mapped[str]
    first_name: Mapped[str] = mapped_column(default="")
    usage_name: Mapped[str | None]
    birth_date: Mapped[date | None]
    ine: Mapped[str | None]
    email: Mapped[str | None]
    person: Mapped[Person] = relationship(back_populates="identity")


class Account(Base):
    """A sign-in. ``version`` guards against two administrators."""

    __tablename__ = "account"
    id: Mapped[Id]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    login: Mapped[Code] = mapped_column(unique=True)
    password_hash: Mapped[str]
    must_change_password: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    disabled_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
    roles: Mapped[list[AccountRole]] = relationship(lazy="selectin", cascade="all, delete-orphan")
    person: Mapped[Person] = relationship(lazy="joined")
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class AccountRole(Base):
    """A role held by an account."""

    __tablename__ = "account_role"
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True)
    role: Mapped[Code] = mapped_column(primary_key=True)
    __table_args__ = (one_of("role", Role),)


class SignInTicket(Base):
    """A one-time ticket that the sign-in form hands to the route that sets the cookie."""

    __tablename__ = "sign_in_ticket"
    ticket_sha256: Mapped[Sha256] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    expires_at: Mapped[datetime]


class Connection(Base):
    """A signed-in browser: the cookie is opaque and only its SHA-256 stands here."""

    __tablename__ = "connection"
    id: Mapped[Id]
    token_sha256: Mapped[Sha256] = mapped_column(unique=True)
    csrf_token: Mapped[Code]
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    agent: Mapped[str] = mapped_column(default="")
    """The browser in a few words, for the person's own list of connections."""
    last_seen_at: Mapped[datetime | None]
    portal: Mapped[Code | None]
    """The portal that somebody with several roles has switched on."""
    account: Mapped[Account] = relationship(lazy="joined")


class SignInFailure(Base):
    """A refused sign-in, counted per login and per address and forgotten after the window."""

    __tablename__ = "sign_in_failure"
    id: Mapped[Id]
    login_sha256: Mapped[Sha256]
    address_sha256: Mapped[Sha256] = mapped_column(default="")
    at: Mapped[datetime] = mapped_column(default=now)
    __table_args__ = (Index(None, "login_sha256", "at"), Index(None, "address_sha256", "at"))


class ExamSession(Base):
    """A session such as « Bac blanc janvier 2027 »; it cannot exist without its end date."""

    __tablename__ = "exam_session"
    id: Mapped[Id]
    name: Mapped[str] = mapped_column(unique=True)
    ends_on: Mapped[date]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Candidate(Base):
    """A person on the roster of a session."""

    __tablename__ = "candidate"
    id: Mapped[Id]
    session_id: Mapped[int] = mapped_column(ForeignKey("exam_session.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    class_name: Mapped[str] = mapped_column(default="")
    group_name: Mapped[str] = mapped_column(default="")
    number: Mapped[str | None]
    to_check: Mapped[str | None]
    """Why the roster line needs a look (a cut between surname and first name that is not sure)."""
    person: Mapped[Person] = relationship(lazy="joined")
    __table_args__ = (UniqueConstraint("session_id", "person_id"),)
