"""Exports of a paper as files that people take elsewhere."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from core.db.points import to_points
from core.db.session import Sessions
from core.db.tables import Copy, Document, Identity, Marking, Paper, Publication, SchemeLine
from core.domain.access import Action, Actor, authorise
from core.domain.copies import CopyStatus
from core.domain.names import fold
from core.errors import BadInput
from core.exports.archive import zip_of
from core.exports.marks_table import CopyMarks, marks_csv, marks_xlsx
from core.exports.pronote import PronoteLine, pronote_csv
from core.services import journal
from core.services.copy_rows import grade_of, marks_of, paper_row, scheme_lines, total_of
from core.storage.blobs import BlobStore

EXPORTED = (CopyStatus.FINALISED.value, CopyStatus.PUBLISHED.value)


@dataclass(frozen=True)
class LeftOut:
    """A copy that is not in the file. ``why``: ``not_finalised``, ``incomplete`` or ``no_identity``."""

    code: str
    why: str


@dataclass(frozen=True)
class Exported:
    """A file and what it does not hold."""

    file_name: str
    content: bytes
    left_out: list[LeftOut]


@dataclass(frozen=True)
class _Ready:
    """A finalised copy with everything a file may say of it."""

    copy: Copy
    identity: Identity | None
    marks: CopyMarks
    appreciation: str


@dataclass(frozen=True)
class _Content:
    """The paper to be written: its copies in alphabetical order, its items in that of the scheme."""

    paper: Paper
    items: Sequence[str]
    ready: Sequence[_Ready]


def export_paper(
    sessions: Sessions, actor: Actor, blobs: BlobStore, *, paper_id: int, format: str
) -> Exported:
    """A paper's marks as a file; only finalised and published copies, the others are listed.

    Args:
        sessions: Database.
        actor: Who exports.
        blobs: Kept PDFs.
        paper_id: The paper.
        format: ``pronote`` (also leaves out copies without identity), ``csv``, ``xlsx``, or ``pdf``: a ZIP
            of what the pupils were given, by code, of published copies alone.

    Raises:
        NotAllowed: The actor may not export.
        NotFound: There is no such paper.
        BadInput: ``export_unknown_format``, with the formats there are.
    """
    authorise(actor, Action.EXPORT)
    if format == PDF:
        return _published_pdfs(sessions, actor, blobs, paper_id)
    if format not in _WRITERS:
        raise BadInput("export_unknown_format", format=format, known=(*_WRITERS, PDF))
    suffix, needs_identity, write = _WRITERS[format]
    with sessions.begin() as session:
        paper = paper_row(session, paper_id)
        schemes = _schemes(session, paper_id)
        ready: list[_Ready] = []
        left_out: list[LeftOut] = []
        for copy in _copies(session, paper_id):
            found = _ready(paper, schemes[copy.variant_id], copy)
            if isinstance(found, LeftOut):
                left_out.append(found)
            elif needs_identity and found.identity is None:
                left_out.append(LeftOut(copy.code, "no_identity"))
            else:
                ready.append(found)
        ready.sort(key=_alphabetical)
        content = write(_Content(paper, _item_codes(schemes), ready))
        _journal(session, actor, paper_id, format, copies=len(ready), left_out=len(left_out))
    return Exported(f"{format}-{_slug(paper.name)}.{suffix}", content, left_out)


def _published_pdfs(sessions: Sessions, actor: Actor, blobs: BlobStore, paper_id: int) -> Exported:
    with sessions.begin() as session:
        paper = paper_row(session, paper_id)
        published = dict(
            session.execute(
                select(Copy.code, Document.sha256)
                .join(Publication, Publication.copy_id == Copy.id)
                .join(Document, Document.id == Publication.document_id)
                .where(Copy.paper_id == paper_id, Publication.withdrawn_at.is_(None))
            ).all()
        )
        left_out = [
            LeftOut(copy.code, "not_published")
            for copy in _copies(session, paper_id)
            if copy.code not in published
        ]
        _journal(session, actor, paper_id, PDF, copies=len(published), left_out=len(left_out))
    content = zip_of({f"{code}.pdf": blobs.get(sha256) for code, sha256 in published.items()})
    return Exported(f"copies-{_slug(paper.name)}.zip", content, left_out)


def _journal(
    session: Session, actor: Actor, paper_id: int, format: str, *, copies: int, left_out: int
) -> None:
    values = {"format": format, "copies": copies, "left_out": left_out}
    journal.record(session, actor, Action.EXPORT, kind="paper", object_id=paper_id, values=values)


def _pronote(content: _Content) -> bytes:
    coefficient = to_points(content.paper.coefficient_hundredths)
    return pronote_csv(
        [
            PronoteLine(
                surname=ready.identity.surname,
                first_name=ready.identity.first_name,
                birth_date=ready.identity.birth_date,
                subject=content.paper.name,
                mark=ready.marks.final_mark,
                coefficient=coefficient,
                comment=ready.appreciation,
            )
            for ready in content.ready
            if ready.identity is not None
        ]
    )


def _csv(content: _Content) -> bytes:
    return marks_csv(content.items, [ready.marks for ready in content.ready])


def _xlsx(content: _Content) -> bytes:
    return marks_xlsx(content.items, [ready.marks for ready in content.ready], title=content.paper.name)


_WRITERS: Mapping[str, tuple[str, bool, Callable[[_Content], bytes]]] = {
    "pronote": ("csv", True, _pronote),
    "csv": ("csv", False, _csv),
    "xlsx": ("xlsx", False, _xlsx),
}
"""By format: suffix of the file, whether a copy needs an identity, the writer."""

PDF = "pdf"


def _copies(session: Session, paper_id: int) -> Sequence[Copy]:
    return session.scalars(
        select(Copy)
        .where(Copy.paper_id == paper_id)
        .options(selectinload(Copy.record).selectinload(Marking.marks))
        .order_by(Copy.code)
    ).all()


def _schemes(session: Session, paper_id: int) -> dict[int, list[SchemeLine]]:
    variants = session.scalars(
        select(Copy.variant_id).where(Copy.paper_id == paper_id).distinct().order_by(Copy.variant_id)
    )
    return {variant: scheme_lines(session, variant) for variant in variants.all()}


def _ready(paper: Paper, lines: Sequence[SchemeLine], copy: Copy) -> _Ready | LeftOut:
    if copy.status not in EXPORTED or copy.record is None:
        return LeftOut(copy.code, "not_finalised")
    marks = marks_of(copy.record)
    added = total_of(lines, marks)
    if not added.is_complete or added.out_of <= Decimal(0):
        return LeftOut(copy.code, "incomplete")
    identity = copy.candidate.person.identity if copy.candidate is not None else None
    return _Ready(
        copy=copy,
        identity=identity,
        marks=CopyMarks(
            code=copy.code,
            surname=identity.surname if identity else "",
            first_name=identity.first_name if identity else "",
            birth_date=identity.birth_date if identity else None,
            class_name=copy.candidate.class_name if copy.candidate else "",
            status=copy.status,
            marks={line.code: marks[line.item_id] for line in lines if line.item_id in marks},
            total=added.awarded,
            final_mark=grade_of(paper, added).final,
        ),
        appreciation=copy.record.appreciation,
    )


def _item_codes(schemes: Mapping[int, Sequence[SchemeLine]]) -> list[str]:
    """Codes of the leaves, those of the first variant first; a code of several variants comes once."""
    return list(dict.fromkeys(line.code for lines in schemes.values() for line in lines if line.is_leaf))


def _alphabetical(ready: _Ready) -> tuple[str, str, str, str]:
    copy = ready.marks
    return (fold(copy.surname), fold(copy.first_name), str(copy.birth_date), copy.code)


def _slug(name: str) -> str:
    bare = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", bare).strip("-") or "epreuve"
