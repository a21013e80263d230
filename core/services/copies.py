"""Copies of a paper: the list, release to correctors, and page images with and without names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from core.db.session import Sessions
from core.db.tables import Account, Copy, Marking, Publication
from core.domain.access import Action, Actor, Relation, authorise
from core.domain.copies import CopyEvent, CopyStatus, advance
from core.errors import NotFound
from core.services import journal, lots
from core.services.copy_rows import (
    authorised_copy,
    current_pages,
    marks_of,
    page_counts,
    paper_row,
    raw_total,
    scheme_lines,
    total_of,
)
from core.services.page_images import PageImage, PageSource, page_image, page_source
from core.services.transactions import reading, writing
from core.storage.blobs import BlobStore


@dataclass(frozen=True)
class CopyLine:
    """One copy of a paper, for those who may know whose it is.

    ``total`` is the raw total, bonus included; ``None`` while an item has no state.
    """

    copy_id: int
    code: str
    status: CopyStatus
    surname: str
    first_name: str
    birth_date: date | None
    pages: int
    corrector: str | None
    total: Decimal | None
    failure: str | None
    attempts: int


@dataclass(frozen=True)
class Released:
    """How many copies became ready, and how many wait for an identity or a ``pending`` release.

    ``waiting_loose`` counts the loose sheets and annexes of the paper that no copy has yet.
    """

    released: int
    left_staged: int
    waiting_loose: int = 0


def copies(sessions: Sessions, actor: Actor, *, paper_id: int) -> list[CopyLine]:
    """The copies of a paper with their identity, in the order they were made.

    Raises:
        NotAllowed: The actor is not of the secretariat.
        NotFound: There is no such paper.
    """
    authorise(actor, Action.VIEW_COPIES)
    with reading(sessions) as session:
        paper_row(session, paper_id)
        found = session.scalars(
            select(Copy)
            .where(Copy.paper_id == paper_id)
            .options(selectinload(Copy.record).selectinload(Marking.corrector))
            .order_by(Copy.id)
        ).all()
        pages = page_counts(session, [copy.id for copy in found])
        schemes = {variant: scheme_lines(session, variant) for variant in {copy.variant_id for copy in found}}
        return [
            _line(
                copy,
                pages.get(copy.id, 0),
                raw_total(total_of(schemes[copy.variant_id], marks_of(copy.record))),
            )
            for copy in found
        ]


def release(sessions: Sessions, actor: Actor, *, paper_id: int, pending: bool = False) -> Released:
    """Make the identified copies of a paper ready to be marked.

    Args:
        sessions: Database.
        actor: Who acts.
        paper_id: The paper.
        pending: Whether copies whose identity is not known yet go along; they
            are anonymous like the others and can be identified later.

    Raises:
        NotAllowed: The actor may not release.
        NotFound: There is no such paper.
        Conflict: A copy changed meanwhile.
    """
    authorise(actor, Action.RELEASE)
    with writing(sessions) as session:
        paper_row(session, paper_id)
        released = release_in(session, paper_id=paper_id, pending=pending)
        if released:
            values = {"copies": released, "pending": pending}
            journal.record(session, actor, Action.RELEASE, kind="paper", object_id=paper_id, values=values)
        left = session.scalars(
            select(Copy.id).where(Copy.paper_id == paper_id, Copy.status == CopyStatus.STAGED.value)
        ).all()
        waiting_loose = lots.waiting(session, paper_id)
    return Released(released=len(released), left_staged=len(left), waiting_loose=waiting_loose)


def release_in(session: Session, *, paper_id: int, pending: bool) -> list[int]:
    """Release in the transaction of a caller that has checked the right and journals the copies returned."""
    statuses = [CopyStatus.IDENTIFIED.value, *([CopyStatus.STAGED.value] if pending else [])]
    waiting = session.scalars(
        select(Copy).where(Copy.paper_id == paper_id, Copy.status.in_(statuses)).order_by(Copy.id)
    ).all()
    for copy in waiting:
        copy.status = advance(CopyStatus(copy.status), CopyEvent.RELEASE).value
    session.flush()
    return [copy.id for copy in waiting]


def masked_page(
    sessions: Sessions, actor: Actor, blobs: BlobStore, *, code: str, page: int, width_px: int | None = None
) -> PageImage:
    """A page without any zone that tells whose it is: the pixels are gone before the JPEG is made.

    Args:
        sessions: Database.
        actor: A corrector who has the copy, or the coordination.
        blobs: Kept scans.
        code: Anonymous code of the copy.
        page: 1-based.
        width_px: Width of the image, held between 400 and 1700; never above the scan's own.

    Raises:
        NotAllowed: The copy is not the actor's to see.
        NotFound: There is no such copy or page.
    """
    with reading(sessions) as session:
        copy, _ = authorised_copy(session, actor, Action.VIEW_MASKED_PAGE, code)
        source = _source(session, copy, page)
    return page_image(blobs, source, masked=True, width_px=width_px)


def named_page(
    sessions: Sessions, actor: Actor, blobs: BlobStore, *, code: str, page: int, width_px: int | None = None
) -> PageImage:
    """A page as it was scanned, for the secretariat, and for the pupil once published.

    Raises:
        NotAllowed: The copy is not the actor's to see.
        NotFound: There is no such copy or page.
    """
    with reading(sessions) as session:
        copy = session.scalars(select(Copy).where(Copy.code == code)).first()
        is_own = copy is not None and is_published_to(session, actor.account_id, copy)
        authorise(actor, Action.VIEW_NAMED_PAGE, Relation.OWN if is_own else None)
        if copy is None:
            raise NotFound("copy", code=code)
        source = _source(session, copy, page)
    return page_image(blobs, source, masked=False, width_px=width_px)


def is_published_to(session: Session, account_id: int | None, copy: Copy) -> bool:
    """Whether a copy is published and the account is that of the pupil who wrote it."""
    if account_id is None or copy.status != CopyStatus.PUBLISHED.value or copy.candidate is None:
        return False
    account = session.get(Account, account_id)
    current = session.scalar(
        select(Publication.id).where(Publication.copy_id == copy.id, Publication.withdrawn_at.is_(None))
    )
    return account is not None and account.person_id == copy.candidate.person_id and current is not None


def _line(copy: Copy, pages: int, total: Decimal | None) -> CopyLine:
    identity = copy.candidate.person.identity if copy.candidate is not None else None
    return CopyLine(
        copy_id=copy.id,
        code=copy.code,
        status=CopyStatus(copy.status),
        surname=identity.surname if identity else "",
        first_name=identity.first_name if identity else "",
        birth_date=identity.birth_date if identity else None,
        pages=pages,
        corrector=copy.record.corrector.login if copy.record else None,
        total=total,
        failure=copy.failure,
        attempts=copy.attempts,
    )


def _source(session: Session, copy: Copy, page: int) -> PageSource:
    pages = current_pages(session, copy.id)
    if not 1 <= page <= len(pages):
        raise NotFound("page", code=copy.code, page=page)
    return page_source(session, pages[page - 1])
