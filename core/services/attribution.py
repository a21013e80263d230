"""What a decision on a booklet does to copies: one candidate, one copy, its pages by version."""

from __future__ import annotations

import secrets

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core.db.tables import Booklet, Copy, HalfPage, PageSet, PageSetPage, ScanFile, Variant
from core.domain.anonymity import new_code
from core.domain.copies import CopyEvent, CopyStatus, advance
from core.domain.entries import DecisionKind, Place
from core.errors import Conflict

_OPEN = (CopyStatus.STAGED.value, CopyStatus.IDENTIFIED.value)
"""Statuses in which pages come and go freely: no corrector has seen the copy yet."""


def attribute(
    session: Session, booklet: Booklet, kind: DecisionKind, candidate_id: int | None
) -> Copy | None:
    """Put a booklet where its decision says and return its copy; a blank one belongs to no copy.

    Raises:
        Conflict: ``candidate_has_copy``: the candidate's copy is released or marked already.
            ``copy_released``: the booklet is in such a copy with other booklets.
    """
    copy = session.get(Copy, booklet.copy_id) if booklet.copy_id is not None else None
    if copy is not None and copy.status not in _OPEN:
        return _rename_released(session, booklet, copy, kind, candidate_id)
    if copy is not None:
        detach(session, booklet)
    if kind is DecisionKind.BLANK:
        return None
    if candidate_id is None:
        return _new_copy(session, booklet, None)
    existing = session.scalars(
        select(Copy).where(Copy.paper_id == booklet.paper_id, Copy.candidate_id == candidate_id)
    ).first()
    if existing is None:
        return _new_copy(session, booklet, candidate_id)
    if existing.status not in _OPEN:
        raise Conflict("candidate_has_copy", code=existing.code)
    _attach(session, booklet, existing)
    return existing


def detach(session: Session, booklet: Booklet) -> None:
    """Take a booklet out of its copy; a copy left without pages, that nobody has seen, goes.

    Raises:
        Conflict: ``copy_released``: a corrector may have seen the copy.
    """
    if booklet.copy_id is None:
        return
    copy = session.get_one(Copy, booklet.copy_id)
    if copy.status not in _OPEN:
        raise Conflict("copy_released", code=copy.code)
    booklet.copy_id = None
    for half_page in booklet.half_pages:
        half_page.place = Place.BOOKLET.value
    session.flush()
    if _booklets_of(session, copy):
        _new_page_set(session, copy, "booklet_removed")
        return
    sets = select(PageSet.id).where(PageSet.copy_id == copy.id)
    session.execute(delete(PageSetPage).where(PageSetPage.page_set_id.in_(sets)))
    session.execute(delete(PageSet).where(PageSet.copy_id == copy.id))
    session.expire(copy, ["page_sets"])
    session.delete(copy)
    session.flush()


def _rename_released(
    session: Session, booklet: Booklet, copy: Copy, kind: DecisionKind, candidate_id: int | None
) -> Copy:
    """Give another identity to a copy that is being marked: all of it moves, marks and pages stay."""
    others = [other for other in _booklets_of(session, copy) if other.id != booklet.id]
    if others or kind is DecisionKind.BLANK or copy.status == CopyStatus.PUBLISHED.value:
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


def _new_copy(session: Session, booklet: Booklet, candidate_id: int | None) -> Copy:
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
    _attach(session, booklet, copy)
    return copy


def _free_code(session: Session) -> str:
    while True:
        code = new_code(secrets.choice)
        if session.scalars(select(Copy.id).where(Copy.code == code)).first() is None:
            return code


def _attach(session: Session, booklet: Booklet, copy: Copy) -> None:
    booklet.copy_id = copy.id
    for half_page in booklet.half_pages:
        half_page.place = Place.COPY.value
    session.flush()
    _new_page_set(session, copy, "" if not copy.page_sets else "booklet_added")


def _booklets_of(session: Session, copy: Copy) -> list[Booklet]:
    return list(
        session.scalars(
            select(Booklet)
            .join(ScanFile, ScanFile.id == Booklet.scan_file_id)
            .where(Booklet.copy_id == copy.id)
            .order_by(ScanFile.id, Booklet.position)
        )
    )


def _new_page_set(session: Session, copy: Copy, reason: str) -> None:
    """The pages of the copy's booklets, in the order of the scan, as the next version."""
    half_pages = [
        half_page.id
        for booklet in _booklets_of(session, copy)
        for half_page in session.scalars(
            select(HalfPage).where(HalfPage.booklet_id == booklet.id).order_by(HalfPage.position)
        )
    ]
    session.expire(copy, ["page_sets"])
    number = max((page_set.number for page_set in copy.page_sets), default=0) + 1
    page_set = PageSet(copy_id=copy.id, number=number, reason=reason)
    page_set.pages = [
        PageSetPage(position=position, half_page_id=half_page_id)
        for position, half_page_id in enumerate(half_pages, 1)
    ]
    session.add(page_set)
    session.flush()
    session.expire(copy, ["page_sets"])
