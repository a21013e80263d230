"""From marks to the marked PDF: asking for it, making it as a job, taking the copy back."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import pikepdf
from reportlab.platypus.doctemplate import LayoutError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.db.session import Sessions
from core.db.tables import Copy, Document, Job, Marking
from core.db.tables.base import now
from core.domain.access import Action, Actor, Relation, authorise, is_allowed
from core.domain.copies import CopyEvent, CopyStatus, advance
from core.errors import BadInput, Conflict, NotFound, WorkbenchError
from core.jobs import rows
from core.jobs.rows import Lease
from core.services import journal, lots
from core.services.copy_pdf import CopyContent, masked_pdf, read_content
from core.services.copy_rows import authorised_copy, marks_of, paper_row, scheme_lines, total_of
from core.services.mark_actions import plain_text
from core.services.transactions import reading, writing
from core.storage.blobs import BlobStore

FINALISE = "finalise"

PDF_ERRORS = (WorkbenchError, pikepdf.PdfError, LayoutError, cv2.error, OSError, subprocess.SubprocessError)
"""What making a PDF can end in when scan, disk or tool are at fault; the rest is a bug of ours."""

_DONE = (CopyStatus.FINALISED.value, CopyStatus.PUBLISHED.value)


@dataclass(frozen=True)
class FinaliseStarted:
    """Copies whose PDF is being made by ``job_id``, and codes of those that are not ready for it.

    ``waiting_loose`` counts the loose sheets and annexes of the paper that no copy has yet.
    """

    started: int
    incomplete: list[str]
    job_id: int | None
    waiting_loose: int = 0


def finalise_copy(sessions: Sessions, actor: Actor, *, code: str) -> int:
    """Close the marking of a complete copy and ask for its marked PDF; again after a failure.

    Returns:
        The job.

    Raises:
        NotAllowed: The actor neither has the copy's marking of record nor steers the paper.
        NotFound: No copy bears this code.
        BadInput: ``copy_incomplete`` with ``code`` and ``items``: an item has no state.
        Conflict: ``copy_not_allocated``: nobody marks it.
        ImpossibleTransition: The copy is not being marked.
    """
    with writing(sessions) as session:
        copy = authorised_to_close(session, actor, Action.FINALISE, code)
        missing = _missing(session, copy)
        if missing is None:
            raise Conflict("copy_not_allocated", code=copy.code)
        if missing:
            raise BadInput("copy_incomplete", code=copy.code, items=", ".join(missing))
        return _start(session, actor, [copy], _in_hand(session, copy.paper_id))


def finalise_paper(sessions: Sessions, actor: Actor, *, paper_id: int) -> FinaliseStarted:
    """Finalise every complete copy of a paper, or of a corrector's paquet, and list the others.

    Raises:
        NotAllowed: The actor neither marks nor steers.
        NotFound: There is no such paper.
    """
    authorise(actor, Action.FINALISE, Relation.ALLOCATED)
    with writing(sessions) as session:
        paper_row(session, paper_id)
        query = select(Copy).where(Copy.paper_id == paper_id, Copy.status.not_in(_DONE))
        if not is_allowed(actor, Action.FINALISE):
            query = query.join(Marking, Marking.id == Copy.record_marking_id).where(
                Marking.corrector_id == actor.account_id
            )
        left = session.scalars(query.order_by(Copy.id).with_for_update(of=Copy)).all()
        in_hand = _in_hand(session, paper_id)
        waiting = [copy for copy in left if copy.id not in in_hand]
        closable = [copy for copy in waiting if _is_closable(session, copy)]
        job_id = _start(session, actor, closable, in_hand) if closable else None
        waiting_loose = lots.waiting(session, paper_id)
    started = {copy.id for copy in closable}
    incomplete = [copy.code for copy in waiting if copy.id not in started]
    return FinaliseStarted(len(closable), incomplete, job_id, waiting_loose)


def run_finalise(sessions: Sessions, blobs: BlobStore, held: Lease) -> None:
    """Make the marked PDFs a job asks for.

    Each copy's document and status are one transaction, the last together with
    the end of the job. A copy that is finalised already is passed over, so that
    a job that starts again repeats nothing. What fails for one copy stays with
    that copy, and the others go on.
    """
    copy_ids: list[int] = held.payload["copy_ids"]
    for done, copy_id in enumerate(copy_ids):
        rows.tell(sessions, held, stage="pdf", done=done, total=len(copy_ids))
        with sessions.begin() as session:
            copy = session.get_one(Copy, copy_id)
            content = read_content(session, copy) if copy.status == CopyStatus.FINALISING.value else None
        sha256, failure = _made(sessions, blobs, content) if content is not None else ("", None)
        with sessions.begin() as session:
            if content is not None:
                _end(session, copy_id, content, sha256, failure)
            if done + 1 == len(copy_ids):
                rows.complete(session, held)


def reopen(sessions: Sessions, actor: Actor, *, code: str, reason: str = "") -> None:
    """Take a finalised copy back to marking; what was made of it stays as an older version.

    Until the paper closes, its corrector needs no reason.

    Raises:
        NotAllowed: The actor neither has the copy's marking of record nor steers the paper.
        NotFound: No copy bears this code.
        BadInput: ``reopen_needs_reason``.
        ImpossibleTransition: The copy is not finalised, or is published.
    """
    with writing(sessions) as session:
        copy = authorised_to_close(session, actor, Action.REOPEN, code)
        why = plain_text(reason)
        if not why and not _may_take_back(session, actor, copy):
            raise BadInput("reopen_needs_reason", code=copy.code)
        reopen_in(session, actor, copy, reason=why)


def reopen_in(session: Session, actor: Actor, copy: Copy, *, reason: str) -> None:
    """Reopen in the transaction of a caller that has checked the right.

    Raises:
        ImpossibleTransition: The copy is not finalised, or is published.
    """
    before = copy.status
    copy.status = advance(CopyStatus(before), CopyEvent.REOPEN).value
    copy.failure, copy.attempts = None, 0
    values = {"before": before, "after": copy.status, "reason": reason}
    journal.record(session, actor, Action.REOPEN, kind="copy", object_id=copy.id, values=values)


def marked_pdf(sessions: Sessions, actor: Actor, blobs: BlobStore, *, code: str) -> bytes:
    """The masked marked PDF of a finalised copy.

    Raises:
        NotAllowed: The copy is not the actor's to see.
        NotFound: No copy bears this code, or it is not finalised.
    """
    with reading(sessions) as session:
        copy, own = authorised_copy(session, actor, Action.VIEW_MARKED_PDF, code)
        if own is not None and own.id != copy.record_marking_id:
            authorise(actor, Action.VIEW_MARKED_PDF)  # a second marking is made without seeing the first
        document = session.scalars(
            select(Document)
            .where(Document.copy_id == copy.id, Document.kind == "finalised")
            .order_by(Document.number.desc())
            .limit(1)
        ).first()
        if document is None or copy.status not in _DONE:
            raise NotFound("marked_pdf", code=copy.code)
        sha256 = document.sha256
    return blobs.get(sha256)


def add_document(session: Session, copy: Copy, *, kind: str, sha256: str, marking_version: int) -> Document:
    """The next version of a copy's PDF of a kind."""
    last = session.scalar(
        select(func.max(Document.number)).where(Document.copy_id == copy.id, Document.kind == kind)
    )
    document = Document(
        copy_id=copy.id, kind=kind, number=(last or 0) + 1, sha256=sha256, marking_version=marking_version
    )
    session.add(document)
    session.flush()
    return document


def failure_code(error: BaseException) -> str:
    """The code that says what kept a PDF from being made."""
    if isinstance(error, WorkbenchError):
        return error.code
    if isinstance(error, FileNotFoundError):
        return "tool_missing"
    return "storage_failed" if isinstance(error, OSError) else "pdf_failed"


def authorised_to_close(session: Session, actor: Actor, action: Action, code: str) -> Copy:
    """The copy, for the corrector whose marking is of record and for those who steer.

    Raises:
        NotAllowed: The actor is neither.
        NotFound: No copy bears this code.
    """
    copy, own = authorised_copy(session, actor, action, code, lock=True)
    if own is not None and own.id != copy.record_marking_id:
        authorise(actor, action)  # a second marking gives no say over the copy
    return copy


def _missing(session: Session, copy: Copy) -> tuple[str, ...] | None:
    """Codes of the items without a state; ``None`` when nobody marks the copy."""
    if copy.record_marking_id is None:
        return None
    marking = session.get_one(Marking, copy.record_marking_id)
    return total_of(scheme_lines(session, copy.variant_id), marks_of(marking)).unmarked


def _is_closable(session: Session, copy: Copy) -> bool:
    return (
        copy.status not in (CopyStatus.STAGED.value, CopyStatus.IDENTIFIED.value)
        and _missing(session, copy) == ()
    )


def _in_hand(session: Session, paper_id: int) -> set[int]:
    """Copies that a job waits to finalise or is finalising."""
    payloads = session.scalars(
        select(Job.payload).where(
            Job.kind == FINALISE, Job.paper_id == paper_id, Job.status.in_(("waiting", "running"))
        )
    )
    return {copy_id for payload in payloads for copy_id in payload["copy_ids"]}


def _start(session: Session, actor: Actor, copies: Sequence[Copy], in_hand: set[int]) -> int:
    for copy in copies:
        status = CopyStatus(copy.status)
        if status is CopyStatus.FINALISING and copy.id not in in_hand:
            # Its job was put aside by an error nobody foresaw: that was a failure too.
            status = advance(status, CopyEvent.FAIL)
        copy.status, copy.failure = advance(status, CopyEvent.FINALISE).value, None
        values = {"status": copy.status}
        journal.record(session, actor, Action.FINALISE, kind="copy", object_id=copy.id, values=values)
    session.flush()
    first = copies[0]
    job = rows.ask(
        session,
        kind=FINALISE,
        # A copy enters this status once per version: the key is never that of another request.
        unique_key=f"{first.id}:{first.version}",
        payload={"copy_ids": [copy.id for copy in copies]},
        paper_id=first.paper_id,
    )
    return job.id


def _made(sessions: Sessions, blobs: BlobStore, content: CopyContent) -> tuple[str, str | None]:
    """SHA-256 of the marked PDF, or why there is none."""
    try:
        return blobs.put(masked_pdf(sessions, blobs, content)), None
    except PDF_ERRORS as error:
        return "", failure_code(error)


def _end(session: Session, copy_id: int, content: CopyContent, sha256: str, failure: str | None) -> None:
    copy = session.scalars(
        select(Copy)
        .where(Copy.id == copy_id)
        .with_for_update(of=Copy)
        .execution_options(populate_existing=True)
    ).one()
    if copy.status != CopyStatus.FINALISING.value:
        return  # another worker was here
    event = CopyEvent.COMPLETE if failure is None else CopyEvent.FAIL
    copy.status = advance(CopyStatus.FINALISING, event).value
    copy.failure = failure
    copy.attempts += 1
    if failure is None:
        add_document(session, copy, kind="finalised", sha256=sha256, marking_version=content.marking_version)


def _may_take_back(session: Session, actor: Actor, copy: Copy) -> bool:
    if copy.record_marking_id is None or actor.account_id is None:
        return False
    is_own = session.get_one(Marking, copy.record_marking_id).corrector_id == actor.account_id
    return is_own and (copy.paper.closes_at is None or now() < copy.paper.closes_at)
