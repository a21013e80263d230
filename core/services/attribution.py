"""What a decision on a booklet does to copies: one candidate, one copy, its pages by version."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.db.tables import Booklet, Copy, Decision, HalfPage, Variant
from core.domain.access import Actor
from core.domain.anonymity import new_code
from core.domain.copies import CopyEvent, CopyStatus, advance
from core.domain.entries import DecisionKind, Place
from core.errors import Conflict
from core.services.page_sets import OPEN, Cause, renew


def attribute(
    session: Session,
    actor: Actor,
    booklet: Booklet,
    kind: DecisionKind,
    candidate_id: int | None,
    *,
    reason: str = "",
) -> Copy | None:
    """Put a booklet where its decision says and return its copy; a blank one belongs to no copy.

    Args:
        session: The transaction of the decision.
        actor: Who decides.
        booklet: The booklet.
        kind: What is decided.
        candidate_id: Whose it is.
        reason: Why pages are added to a copy that correctors have already; without one they are not.

    Raises:
        Conflict: ``candidate_has_copy``: the candidate's copy is released or marked already, and no reason
            is given. ``copy_released``: the booklet is in such a copy with other booklets.
            ``copy_finalising``: its PDF is being made.
    """
    copy = session.get(Copy, booklet.copy_id) if booklet.copy_id is not None else None
    if copy is not None and copy.status not in OPEN:
        return _rename_released(session, booklet, copy, kind, candidate_id)
    if copy is not None:
        detach(session, actor, booklet)
    if kind is DecisionKind.BLANK:
        return None
    if candidate_id is None:
        return _new_copy(session, actor, booklet, None)
    existing = _copy_of(session, booklet.paper_id, candidate_id)
    if existing is None:
        return _new_copy(session, actor, booklet, candidate_id)
    if existing.status not in OPEN and not reason:
        raise Conflict("candidate_has_copy", code=existing.code)
    attach(session, booklet, existing, Cause(actor, "booklet_added", reason))
    return existing


def detach(session: Session, actor: Actor, booklet: Booklet) -> None:
    """Take a booklet out of its copy; a copy left without pages, that nobody has seen, goes.

    Raises:
        Conflict: ``copy_released``: a corrector may have seen the copy.
    """
    if booklet.copy_id is None:
        return
    copy = session.get_one(Copy, booklet.copy_id)
    if copy.status not in OPEN:
        raise Conflict("copy_released", code=copy.code)
    booklet.copy_id = None
    place_pages(session, booklet)
    renew(session, copy, Cause(actor, "booklet_removed"))


def attach(session: Session, booklet: Booklet, copy: Copy, cause: Cause) -> None:
    """Put a booklet into a copy, with what follows at the copy's status.

    Raises:
        Conflict: As :func:`core.services.page_sets.renew`.
    """
    booklet.copy_id = copy.id
    place_pages(session, booklet)
    renew(session, copy, cause)


def place_pages(session: Session, booklet: Booklet) -> None:
    """Write in the ledger whether the pages of a booklet are those of a copy."""
    session.flush()
    place = Place.BOOKLET if booklet.copy_id is None else Place.COPY
    session.execute(
        update(HalfPage)
        .where(HalfPage.booklet_id == booklet.id)
        .values(place=place.value)
        .execution_options(synchronize_session="fetch")
    )


def revive(session: Session, booklet: Booklet, cause: Cause) -> None:
    """Give a booklet that has pages again the copy that its decision names; without a decision, none.

    Raises:
        Conflict: As :func:`core.services.page_sets.renew`.
    """
    decision = session.scalars(
        select(Decision).where(Decision.booklet_id == booklet.id, Decision.superseded_at.is_(None))
    ).first()
    if decision is None or decision.kind == DecisionKind.BLANK.value:
        return
    copy = None
    if decision.candidate_id is not None:
        copy = _copy_of(session, booklet.paper_id, decision.candidate_id)
    if copy is None:
        _new_copy(session, cause.actor, booklet, decision.candidate_id)
        return
    booklet.copy_id = copy.id
    place_pages(session, booklet)


def candidates_decided(session: Session, booklets: Sequence[int]) -> dict[int, int]:
    """The candidate decided for each booklet that has one."""
    rows = session.execute(
        select(Decision.booklet_id, Decision.candidate_id).where(
            Decision.booklet_id.in_(booklets),
            Decision.superseded_at.is_(None),
            Decision.candidate_id.is_not(None),
        )
    )
    return {booklet_id: candidate for booklet_id, candidate in rows if candidate is not None}


def _copy_of(session: Session, paper_id: int, candidate_id: int) -> Copy | None:
    return session.scalars(
        select(Copy)
        .where(Copy.paper_id == paper_id, Copy.candidate_id == candidate_id)
        .with_for_update(of=Copy)
        .execution_options(populate_existing=True)
    ).first()


def _rename_released(
    session: Session, booklet: Booklet, copy: Copy, kind: DecisionKind, candidate_id: int | None
) -> Copy:
    """Give another identity to a copy that is being marked: all of it moves, marks and pages stay."""
    others = session.scalars(
        select(Booklet.id).where(Booklet.copy_id == copy.id, Booklet.id != booklet.id)
    ).first()
    if others is not None or kind is DecisionKind.BLANK or copy.status == CopyStatus.PUBLISHED.value:
        raise Conflict("copy_released", code=copy.code)
    if candidate_id is not None:
        taken = session.scalars(
            select(Copy).where(
                Copy.paper_id == copy.paper_id, Copy.candidate_id == candidate_id, Copy.id != copy.id
            )
        ).first()
        if taken is not None:
            raise Conflict("candidate_has_copy", code=taken.code)
        copy.status = advance(CopyStatus(copy.status), CopyEvent.IDENTIFY).value
    copy.candidate_id = candidate_id
    return copy


def _new_copy(session: Session, actor: Actor, booklet: Booklet, candidate_id: int | None) -> Copy:
    variant_id = session.scalars(
        select(Variant.id).where(Variant.paper_id == booklet.paper_id).order_by(Variant.code)
    ).first()
    status = CopyStatus.STAGED
    if candidate_id is not None:
        status = advance(status, CopyEvent.IDENTIFY)
    copy = Copy(
        paper_id=booklet.paper_id,
        candidate_id=candidate_id,
        variant_id=variant_id,
        code=_free_code(session),
        status=status.value,
    )
    session.add(copy)
    session.flush()
    attach(session, booklet, copy, Cause(actor, ""))
    return copy


def _free_code(session: Session) -> str:
    while True:
        code = new_code(secrets.choice)
        if session.scalars(select(Copy.id).where(Copy.code == code)).first() is None:
            return code
