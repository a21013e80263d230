"""Showing finalised copies to their pupils, taking them back, and what a pupil sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db.points import to_hundredths, to_points
from core.db.session import Sessions
from core.db.tables import (
    Account,
    Candidate,
    Copy,
    Document,
    Entry,
    ExamSession,
    Marking,
    Publication,
    SchemeLine,
)
from core.db.tables.base import now
from core.domain.access import Action, Actor, Relation, authorise
from core.domain.copies import CopyEvent, CopyStatus, advance
from core.domain.entries import Presence
from core.domain.grades import Grade, final_mark
from core.domain.marking import MarkState
from core.errors import Conflict, NotFound
from core.services import journal, lots
from core.services.copies import is_published_to
from core.services.copy_pdf import CopyContent, named_pdf, read_content
from core.services.copy_rows import (
    awarded_below,
    grade_of,
    marks_of,
    page_counts,
    paper_row,
    scheme_lines,
    total_of,
)
from core.services.finalisation import PDF_ERRORS, add_document, failure_code
from core.services.transactions import reading, writing
from core.storage.blobs import BlobStore

_NOT_READY = {
    CopyStatus.STAGED: "not_released",
    CopyStatus.IDENTIFIED: "not_released",
    CopyStatus.READY: "not_finalised",
    CopyStatus.MARKING: "not_finalised",
    CopyStatus.FINALISING: "finalising",
    CopyStatus.FAILED: "finalisation_failed",
}
_NOT_SITTING = (Presence.ABSENT.value, Presence.ABSENT_EXCUSED.value, Presence.EXEMPT.value)


class Left(NamedTuple):
    """A copy that cannot be published yet, and why, as a code."""

    code: str
    why: str


@dataclass(frozen=True)
class ReadyCopy:
    """A copy that can be published and the final mark its pupil would see."""

    code: str
    final_mark: Decimal


@dataclass(frozen=True)
class PublicationPreview:
    """What publishing now would show, and what it would leave out.

    ``waiting_loose`` counts the loose sheets and annexes of the paper that no copy has yet.
    """

    ready: int
    missing: list[Left]
    copies: list[ReadyCopy]
    published: int
    scale: Decimal
    waiting_loose: int = 0


@dataclass(frozen=True)
class Published:
    """How many copies were published now, and which were left with the reason.

    ``waiting_loose`` counts the loose sheets and annexes of the paper that no copy has yet.
    """

    published: int
    left: list[Left]
    waiting_loose: int = 0


@dataclass(frozen=True)
class Withdrawn:
    """How many copies were withdrawn."""

    count: int


@dataclass(frozen=True)
class StudentItem:
    """An item as its pupil sees it; ``points`` only when it was marked."""

    code: str
    label: str
    points: Decimal | None
    max: Decimal
    state: MarkState
    remark: str
    bonus: bool


@dataclass(frozen=True)
class ExerciseSubtotal:
    """What a pupil got in an exercise, bonus included."""

    code: str
    label: str
    points: Decimal
    max: Decimal


@dataclass(frozen=True)
class StudentResult:
    """A published copy of the pupil."""

    code: str
    paper_name: str
    session_name: str
    final_mark: Decimal
    scale: Decimal
    items: list[StudentItem]
    exercises: list[ExerciseSubtotal]
    appreciation: str
    pages: int
    published_at: datetime


def publication_preview(sessions: Sessions, actor: Actor, *, paper_id: int) -> PublicationPreview:
    """What would be published of a paper.

    Raises:
        NotAllowed: The actor may not publish.
        NotFound: There is no such paper.
    """
    authorise(actor, Action.PUBLISH)
    with reading(sessions) as session:
        paper = paper_row(session, paper_id)
        ready, missing = _sorted_out(session, paper_id)
        published = session.scalars(
            select(Copy.id).where(Copy.paper_id == paper_id, Copy.status == CopyStatus.PUBLISHED.value)
        ).all()
        return PublicationPreview(
            ready=len(ready),
            missing=missing,
            copies=[ReadyCopy(copy.code, grade.final) for copy, grade in ready],
            published=len(published),
            scale=to_points(paper.final_scale_hundredths),
            waiting_loose=lots.waiting(session, paper_id),
        )


def publish(sessions: Sessions, actor: Actor, blobs: BlobStore, *, paper_id: int) -> Published:
    """Show every finalised copy with an identity to its pupil; the others are listed.

    Each copy is published on its own: its PDF is made first, then its document,
    publication and status are one transaction.

    Raises:
        NotAllowed: The actor may not publish.
        NotFound: There is no such paper.
    """
    authorise(actor, Action.PUBLISH)
    with sessions.begin() as session:
        paper_row(session, paper_id)
        ready, left = _sorted_out(session, paper_id)
        waiting = [(copy.id, copy.code) for copy, _ in ready]
        waiting_loose = lots.waiting(session, paper_id)
    published = 0
    for copy_id, code in waiting:
        try:
            _publish_copy(sessions, actor, blobs, copy_id)
        except PDF_ERRORS as error:
            left.append(Left(code, failure_code(error)))
        else:
            published += 1
    return Published(published, left, waiting_loose)


def withdraw(
    sessions: Sessions, actor: Actor, *, paper_id: int | None = None, code: str | None = None
) -> Withdrawn:
    """Take the published copies of a paper, or one copy, back from their pupils at once.

    Raises:
        NotAllowed: The actor may not publish.
        NotFound: There is no such paper or copy.
        ImpossibleTransition: The one copy asked for is not published.
    """
    authorise(actor, Action.PUBLISH)
    with writing(sessions) as session:
        copies = _to_withdraw(session, paper_id, code)
        for copy in copies:
            withdraw_in(session, actor, copy)
    return Withdrawn(len(copies))


def withdraw_in(session: Session, actor: Actor, copy: Copy) -> None:
    """Withdraw one copy in the transaction of a caller that has checked the right.

    Raises:
        ImpossibleTransition: The copy is not published.
    """
    copy.status = advance(CopyStatus(copy.status), CopyEvent.WITHDRAW).value
    current = select(Publication).where(Publication.copy_id == copy.id, Publication.withdrawn_at.is_(None))
    for publication in session.scalars(current):
        publication.withdrawn_at = now()
    values = {"status": copy.status}
    journal.record(session, actor, Action.PUBLISH, kind="copy", object_id=copy.id, values=values)


def my_results(sessions: Sessions, actor: Actor) -> list[StudentResult]:
    """The published copies of the pupil who asks, the latest first. Before publication: nothing.

    Raises:
        NotAllowed: The actor is no pupil.
    """
    authorise(actor, Action.VIEW_OWN_RESULTS, Relation.OWN)
    with reading(sessions) as session:
        account = session.get(Account, actor.account_id) if actor.account_id is not None else None
        if account is None:
            return []
        found = session.execute(
            select(Copy, Publication)
            .join(Publication, Publication.copy_id == Copy.id)
            .join(Candidate, Candidate.id == Copy.candidate_id)
            .where(
                Candidate.person_id == account.person_id,
                Copy.status == CopyStatus.PUBLISHED.value,
                Publication.withdrawn_at.is_(None),
            )
            .order_by(Publication.published_at.desc(), Copy.id)
        ).all()
        return [_result(session, copy, publication) for copy, publication in found]


def student_pdf(sessions: Sessions, actor: Actor, blobs: BlobStore, *, code: str) -> bytes:
    """The pupil's own published copy with marks and statement.

    Raises:
        NotAllowed: The copy is not published, or is not this pupil's.
        NotFound: No such copy.
    """
    with reading(sessions) as session:
        copy = session.scalars(select(Copy).where(Copy.code == code)).first()
        is_own = copy is not None and is_published_to(session, actor.account_id, copy)
        authorise(actor, Action.VIEW_STUDENT_PDF, Relation.OWN if is_own else None)
        if copy is None:
            raise NotFound("copy", code=code)
        sha256 = session.scalars(
            select(Document.sha256)
            .join(Publication, Publication.document_id == Document.id)
            .where(Publication.copy_id == copy.id, Publication.withdrawn_at.is_(None))
        ).one()
    with writing(sessions) as session:
        journal.record(session, actor, Action.VIEW_STUDENT_PDF, kind="copy", object_id=copy.id)
    return blobs.get(sha256)


def _sorted_out(session: Session, paper_id: int) -> tuple[list[tuple[Copy, Grade]], list[Left]]:
    """Copies that can be published with their final mark, and the others that are not published yet."""
    copies = session.scalars(
        select(Copy)
        .where(Copy.paper_id == paper_id, Copy.status != CopyStatus.PUBLISHED.value)
        .order_by(Copy.id)
    ).all()
    presences = dict(
        session.execute(select(Entry.candidate_id, Entry.presence).where(Entry.paper_id == paper_id)).all()
    )
    ready: list[tuple[Copy, Grade]] = []
    missing: list[Left] = []
    for copy in copies:
        why = _why_not(copy, presences)
        grade = _grade(session, copy) if not why else None
        if grade is not None:
            ready.append((copy, grade))
        else:
            missing.append(Left(copy.code, why or "nothing_to_mark"))
    return ready, missing


def _why_not(copy: Copy, presences: dict[int, str]) -> str:
    status = CopyStatus(copy.status)
    if status in _NOT_READY:
        return _NOT_READY[status]
    if copy.candidate_id is None:
        return "no_identity"
    # A copy of somebody the register calls absent bears the wrong name, or the register is wrong.
    return "entry_absent" if presences.get(copy.candidate_id) in _NOT_SITTING else ""


def _grade(session: Session, copy: Copy) -> Grade | None:
    """The final mark; ``None`` when every item is neutralised."""
    marking = session.get_one(Marking, copy.record_marking_id)
    total = total_of(scheme_lines(session, copy.variant_id), marks_of(marking))
    return grade_of(copy.paper, total) if total.out_of > 0 else None


def _publish_copy(sessions: Sessions, actor: Actor, blobs: BlobStore, copy_id: int) -> None:
    with sessions.begin() as session:
        copy = session.get_one(Copy, copy_id)
        version, content = copy.version, read_content(session, copy)
    grade = final_mark(content.rule, content.total)
    sha256 = blobs.put(named_pdf(sessions, blobs, content, grade))
    with writing(sessions) as session:
        copy = session.scalars(select(Copy).where(Copy.id == copy_id).with_for_update(of=Copy)).one()
        if copy.version != version:
            raise Conflict("copy_changed", code=copy.code)
        _show(session, actor, copy, content, grade, sha256)


def _show(
    session: Session, actor: Actor, copy: Copy, content: CopyContent, grade: Grade, sha256: str
) -> None:
    document = add_document(
        session, copy, kind="student", sha256=sha256, marking_version=content.marking_version
    )
    session.add(
        Publication(
            copy_id=copy.id, document_id=document.id, final_mark_hundredths=to_hundredths(grade.final)
        )
    )
    copy.status = advance(CopyStatus(copy.status), CopyEvent.PUBLISH).value
    values = {"status": copy.status, "final_mark": grade.final, "document": document.id}
    journal.record(session, actor, Action.PUBLISH, kind="copy", object_id=copy.id, values=values)


def _to_withdraw(session: Session, paper_id: int | None, code: str | None) -> Sequence[Copy]:
    query = select(Copy).order_by(Copy.id).with_for_update(of=Copy)
    if code is not None:
        copies = session.scalars(query.where(Copy.code == code)).all()
        if not copies:
            raise NotFound("copy", code=code)
        return copies
    if paper_id is None:
        raise ValueError("a paper or a code is needed")
    paper_row(session, paper_id)
    return session.scalars(
        query.where(Copy.paper_id == paper_id, Copy.status == CopyStatus.PUBLISHED.value)
    ).all()


def _result(session: Session, copy: Copy, publication: Publication) -> StudentResult:
    marking = session.get_one(Marking, copy.record_marking_id)
    lines = scheme_lines(session, copy.variant_id)
    marks = marks_of(marking)
    remarks = {row.item_id: row.text for row in marking.remarks}
    return StudentResult(
        code=copy.code,
        paper_name=copy.paper.name,
        session_name=session.get_one(ExamSession, copy.paper.session_id).name,
        final_mark=to_points(publication.final_mark_hundredths),
        scale=to_points(copy.paper.final_scale_hundredths),
        items=[
            StudentItem(
                code=line.code,
                label=line.label,
                points=marks[line.item_id].points,
                max=to_points(line.points_hundredths),
                state=marks[line.item_id].state,
                remark=remarks.get(line.item_id, ""),
                bonus=line.bonus,
            )
            for line in lines
            if line.is_leaf and line.item_id in marks
        ],
        exercises=[_exercise(line, lines, marking) for line in lines if "." not in line.code],
        appreciation=marking.appreciation,
        pages=page_counts(session, [copy.id]).get(copy.id, 0),
        published_at=publication.published_at,
    )


def _exercise(line: SchemeLine, lines: Sequence[SchemeLine], marking: Marking) -> ExerciseSubtotal:
    marks = marks_of(marking)
    if line.is_leaf:
        mark = marks.get(line.item_id)
        awarded = mark.points if mark is not None and mark.points is not None else Decimal(0)
    else:
        awarded = awarded_below(lines, marks, line.code)
    return ExerciseSubtotal(line.code, line.label, awarded, to_points(line.points_hundredths))
