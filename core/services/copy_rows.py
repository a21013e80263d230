"""What the services of copies share: finding a copy, its pages, its scheme, its marks and its grade."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.db.points import to_points
from core.db.tables import (
    Copy,
    HalfPage,
    Marking,
    MarkRow,
    PageSet,
    PageSetPage,
    Paper,
    SchemeLine,
    SchemeVersion,
)
from core.domain.access import Action, Actor, Relation, authorise
from core.domain.anonymity import normalise
from core.domain.grades import Grade, GradeRule, RoundingMode, final_mark
from core.domain.marking import Mark, MarkState, Total, total
from core.domain.scheme import Item
from core.errors import NotFound


@dataclass(frozen=True)
class ItemView:
    """An item of a scheme; ``depth`` is 0 for an exercise, ``points`` of a node the sum of its leaves."""

    item_id: int
    code: str
    label: str
    points: Decimal
    bonus: bool
    competence: str
    is_leaf: bool
    depth: int


def item_view(line: SchemeLine) -> ItemView:
    """A scheme line as screens show it."""
    return ItemView(
        item_id=line.item_id,
        code=line.code,
        label=line.label,
        points=to_points(line.points_hundredths),
        bonus=line.bonus,
        competence=line.competence,
        is_leaf=line.is_leaf,
        depth=line.code.count("."),
    )


def authorised_copy(
    session: Session, actor: Actor, action: Action, code: str, *, lock: bool = False
) -> tuple[Copy, Marking | None]:
    """The copy with this code and the actor's own marking of it.

    Without a right over any copy, an unknown code gets the answer of a copy
    that is somebody else's: codes cannot be tried out.

    Args:
        session: Open transaction.
        actor: Who asks.
        action: The right needed, on any copy or on an allocated one.
        code: As printed or typed.
        lock: Whether other writers of this copy wait until the transaction ends.

    Raises:
        NotAllowed: The policy does not grant ``action``.
        NotFound: No copy bears this code.
    """
    query = select(Copy).where(Copy.code == (normalise(code) or code))
    if lock:
        query = query.with_for_update(of=Copy).execution_options(populate_existing=True)
    copy = session.scalars(query).first()
    own = own_marking(session, actor.account_id, copy) if copy is not None else None
    authorise(actor, action, Relation.ALLOCATED if own is not None else None)
    if copy is None:
        raise NotFound("copy", code=code)
    return copy, own


def own_marking(session: Session, account_id: int | None, copy: Copy) -> Marking | None:
    """The account's marking of a copy; the one of record when there are several."""
    if account_id is None:
        return None
    found = session.scalars(
        select(Marking)
        .where(Marking.copy_id == copy.id, Marking.corrector_id == account_id)
        .order_by(Marking.id)
    ).all()
    return next(
        (marking for marking in found if marking.id == copy.record_marking_id), found[0] if found else None
    )


def current_pages(session: Session, copy_id: int) -> list[HalfPage]:
    """The half-pages of a copy in the order of its current page set."""
    latest = select(func.max(PageSet.number)).where(PageSet.copy_id == copy_id).scalar_subquery()
    return list(
        session.scalars(
            select(HalfPage)
            .join(PageSetPage, PageSetPage.half_page_id == HalfPage.id)
            .join(PageSet, PageSet.id == PageSetPage.page_set_id)
            .where(PageSet.copy_id == copy_id, PageSet.number == latest)
            .order_by(PageSetPage.position)
        )
    )


def page_counts(session: Session, copy_ids: Iterable[int]) -> dict[int, int]:
    """Number of pages of each copy's current page set; a copy without pages is left out."""
    latest = (
        select(PageSet.copy_id, func.max(PageSet.number).label("number"))
        .where(PageSet.copy_id.in_(list(copy_ids)))
        .group_by(PageSet.copy_id)
        .subquery()
    )
    rows = session.execute(
        select(PageSet.copy_id, func.count())
        .join(latest, (latest.c.copy_id == PageSet.copy_id) & (latest.c.number == PageSet.number))
        .join(PageSetPage, PageSetPage.page_set_id == PageSet.id)
        .group_by(PageSet.copy_id)
    )
    return dict(rows.all())


def scheme_lines(session: Session, variant_id: int) -> list[SchemeLine]:
    """The lines of a variant's current scheme, in the order of the paper."""
    return list(
        session.scalars(
            select(SchemeLine)
            .join(SchemeVersion, SchemeVersion.id == SchemeLine.scheme_version_id)
            .where(SchemeVersion.variant_id == variant_id, SchemeVersion.superseded_at.is_(None))
            .order_by(SchemeLine.position)
        )
    )


def item_of(line: SchemeLine) -> Item:
    """A scheme line as the domain knows it."""
    return Item(
        line.code, line.label, to_points(line.points_hundredths), line.bonus, line.competence, line.is_leaf
    )


def mark_of(row: MarkRow) -> Mark:
    """A mark as the domain knows it."""
    points = None if row.points_hundredths is None else to_points(row.points_hundredths)
    return Mark(MarkState(row.state), points)


def total_of(lines: Sequence[SchemeLine], marks: Mapping[int, Mark]) -> Total:
    """The total of a copy; ``marks`` by item id.

    A mark whose item the current scheme no longer has stays in the database
    and out of the total.
    """
    leaves = [line for line in lines if line.is_leaf]
    return total(
        [item_of(line) for line in leaves],
        {line.code: marks[line.item_id] for line in leaves if line.item_id in marks},
    )


def marks_of(marking: Marking | None) -> dict[int, Mark]:
    """The marks of a marking by item id."""
    return {row.item_id: mark_of(row) for row in marking.marks} if marking is not None else {}


def grade_rule(paper: Paper) -> GradeRule:
    """What a paper says about its final mark."""
    return GradeRule(
        final_scale=to_points(paper.final_scale_hundredths),
        rounding_step=to_points(paper.rounding_hundredths),
        rounding_mode=RoundingMode(paper.rounding_mode),
    )


def grade_of(paper: Paper, marked: Total) -> Grade:
    """The final mark of a complete copy and the steps that led to it."""
    return final_mark(grade_rule(paper), marked)


def raw_total(marked: Total) -> Decimal | None:
    """The sum of a copy's items, bonus included; ``None`` while an item has no state."""
    return marked.awarded if marked.is_complete else None


def paper_row(session: Session, paper_id: int) -> Paper:
    """The paper with this id.

    Raises:
        NotFound: There is none.
    """
    paper = session.get(Paper, paper_id)
    if paper is None:
        raise NotFound("paper", paper=paper_id)
    return paper


def awarded_below(lines: Sequence[SchemeLine], marks: Mapping[int, Mark], code: str) -> Decimal:
    """Points awarded on the leaves under a node of the scheme, bonus included."""
    below = (line.item_id for line in lines if line.is_leaf and line.code.startswith(f"{code}."))
    known = (marks[item_id].points for item_id in below if item_id in marks)
    return sum((points for points in known if points is not None), Decimal(0))
