"""Versions of the pages of a copy, and what a new one means at each status of the copy.

Before a corrector has it, nothing more; while it is marked, its corrector is told and every mark and
annotation stays; a finalised copy is reopened and a published one withdrawn, with a reason.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from core.db.tables import Annotation, Booklet, Copy, HalfPage, Marking, PageSet, PageSetPage, Paper
from core.domain.access import Actor
from core.domain.copies import CopyStatus
from core.domain.page_changes import notice, turned_shape
from core.errors import Conflict, NotFound
from core.services.finalisation import reopen_in
from core.services.publication import withdraw_in

OPEN = (CopyStatus.STAGED.value, CopyStatus.IDENTIFIED.value)
"""Statuses in which pages come and go freely: no corrector has seen the copy yet."""

_CLOSED = (CopyStatus.FINALISED.value, CopyStatus.PUBLISHED.value)


@dataclass(frozen=True)
class Cause:
    """Why the pages of a copy change, and by whom.

    Attributes:
        code: kind of the repair, ``booklet_added`` or ``booklet_removed``.
        reason: what the person says; needed for a copy that is finalised or published.
        replaced: half-pages that stand for one scanned again.
        turned: clockwise turn of each half-page that lies otherwise now.
    """

    actor: Actor
    code: str
    reason: str = ""
    replaced: Collection[int] = ()
    turned: Mapping[int, int] = field(default_factory=dict)


def hold_paper(session: Session, paper_id: int) -> None:
    """Let whoever moves pages or decides whose they are wait for one another, paper by paper.

    Raises:
        NotFound: There is no such paper.
    """
    # Not the full lock: rows that only point to the paper may still be added.
    if session.get(Paper, paper_id, with_for_update={"key_share": True}) is None:
        raise NotFound("paper", paper=paper_id)


def renew(session: Session, copy: Copy, cause: Cause) -> PageSet | None:
    """Write the next version of a copy's pages as its booklets stand now, with all that follows from it.

    Returns:
        ``None`` when nothing changed for the copy.

    Raises:
        Conflict: ``copy_finalising``; ``repair_needs_reopening``: the copy is finalised or published and
            no reason is given; ``repair_empties_copy``: a corrector has the copy, and no page would be left.
    """
    last = session.scalars(
        select(PageSet).where(PageSet.copy_id == copy.id).order_by(PageSet.number.desc()).limit(1)
    ).first()
    before = [page.half_page_id for page in last.pages] if last is not None else []
    after = _pages(session, copy)
    if not after:
        _remove(session, copy)
        return None
    changed = notice(
        before,
        after,
        replaced=cause.replaced,
        turned=cause.turned,
        drawn_on=session.scalars(
            select(Annotation.half_page_id)
            .join(Marking, Marking.id == Annotation.marking_id)
            .where(Marking.copy_id == copy.id)
        ).all(),
    )
    if not changed:
        return None
    _make_way(session, copy, cause)
    number = last.number + 1 if last is not None else 1
    page_set = PageSet(
        copy_id=copy.id,
        number=number,
        reason=cause.code if last is not None else "",
        notice=changed if last is not None else {},
    )
    page_set.pages = [
        PageSetPage(position=position, half_page_id=half) for position, half in enumerate(after, 1)
    ]
    session.add(page_set)
    _turn_drawings(session, copy, {half: turn for half, turn in cause.turned.items() if half in after})
    # Whoever has worked on the copy saw the version before; whoever has not finds this one.
    session.execute(
        update(Marking)
        .where(
            Marking.copy_id == copy.id,
            Marking.seen_page_set.is_(None),
            or_(Marking.version > 1, Marking.claimed_until.is_not(None)),
        )
        .values(seen_page_set=number - 1)
        .execution_options(synchronize_session=False)
    )
    session.flush()
    session.expire(copy, ["page_sets"])
    return page_set


def unseen(session: Session, marking: Marking) -> dict[str, object]:
    """What changed in the pages of a copy since its corrector last saw them; empty when nothing did."""
    sets = session.scalars(
        select(PageSet).where(PageSet.copy_id == marking.copy_id).order_by(PageSet.number)
    ).all()
    seen = next((page_set for page_set in sets if page_set.number == marking.seen_page_set), None)
    if seen is None or seen.number == sets[-1].number:
        return {}
    later = [page_set.notice.get("halves", {}) for page_set in sets if page_set.number > seen.number]
    return notice(
        [page.half_page_id for page in seen.pages],
        [page.half_page_id for page in sets[-1].pages],
        replaced=[half for halves in later for half in halves.get("replaced", ())],
        turned=[half for halves in later for half in halves.get("turned", ())],
        drawn_on=session.scalars(
            select(Annotation.half_page_id).where(Annotation.marking_id == marking.id)
        ).all(),
    )


def current_number(session: Session, copy_id: int) -> int:
    """The number of a copy's current page set, 0 when it has none."""
    return session.scalar(select(func.max(PageSet.number)).where(PageSet.copy_id == copy_id)) or 0


def pages_of_number(session: Session, copy_id: int, number: int) -> list[int]:
    """The half-pages of one version of a copy's pages, in their order; empty when there is no such version."""
    return list(
        session.scalars(
            select(PageSetPage.half_page_id)
            .join(PageSet, PageSet.id == PageSetPage.page_set_id)
            .where(PageSet.copy_id == copy_id, PageSet.number == number)
            .order_by(PageSetPage.position)
        )
    )


def _pages(session: Session, copy: Copy) -> list[int]:
    """The half-pages of the copy's booklets, in the order of the scan."""
    session.flush()
    return list(
        session.scalars(
            select(HalfPage.id)
            .join(Booklet, Booklet.id == HalfPage.booklet_id)
            .where(Booklet.copy_id == copy.id)
            .order_by(Booklet.scan_file_id, Booklet.position, Booklet.id, HalfPage.position)
        )
    )


def _make_way(session: Session, copy: Copy, cause: Cause) -> None:
    """Bring a copy to a status in which its pages may change."""
    if copy.status == CopyStatus.FINALISING.value:
        raise Conflict("copy_finalising", code=copy.code)
    if copy.status not in _CLOSED:
        return
    if not cause.reason:
        raise Conflict("repair_needs_reopening", code=copy.code, status=copy.status)
    if copy.status == CopyStatus.PUBLISHED.value:
        withdraw_in(session, cause.actor, copy)
    reopen_in(session, cause.actor, copy, reason=cause.reason)


def _remove(session: Session, copy: Copy) -> None:
    """A copy without a page goes, unless somebody has it to mark."""
    given = session.scalars(select(Marking.id).where(Marking.copy_id == copy.id)).first()
    if given is not None or copy.status not in (*OPEN, CopyStatus.READY.value):
        raise Conflict("repair_empties_copy", code=copy.code)
    sets = select(PageSet.id).where(PageSet.copy_id == copy.id)
    session.execute(delete(PageSetPage).where(PageSetPage.page_set_id.in_(sets)))
    session.execute(delete(PageSet).where(PageSet.copy_id == copy.id))
    session.expire(copy, ["page_sets"])
    session.delete(copy)
    session.flush()


def _turn_drawings(session: Session, copy: Copy, turns: Mapping[int, int]) -> None:
    """A drawing stays on its ink when the page under it is turned."""
    if not turns:
        return
    drawn = session.scalars(
        select(Annotation)
        .join(Marking, Marking.id == Annotation.marking_id)
        .where(Marking.copy_id == copy.id, Annotation.half_page_id.in_(list(turns)))
    )
    for annotation in drawn:
        annotation.shape = turned_shape(annotation.shape, turns[annotation.half_page_id])
