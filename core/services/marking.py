"""The corrector's work: their copies, one open copy, and what they do to it, kept row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.db.session import Sessions
from core.db.tables import Copy, Marking, SchemeLine
from core.db.tables.base import now
from core.domain.access import Action, Actor, Relation, authorise
from core.domain.copies import MARKABLE, CopyEvent, CopyStatus, advance
from core.domain.marking import Mark, MarkingKind, MarkState
from core.errors import Conflict, NotFound
from core.services import journal, page_sets
from core.services.copy_rows import (
    ItemView,
    authorised_copy,
    current_pages,
    item_view,
    mark_of,
    marks_of,
    page_counts,
    scheme_lines,
    total_of,
)
from core.services.mark_actions import (
    CLAIM,
    MarkAction,
    OpenMarking,
    apply,
    claim,
    done_already,
    opened,
    owner_of,
    store,
)
from core.services.marks_import import MarksImported, import_marks
from core.services.transactions import reading, writing

__all__ = [
    "AnnotationView",
    "ItemView",
    "MarkAction",
    "MarkView",
    "MarkingView",
    "MarksImported",
    "MyCopy",
    "Saved",
    "acknowledge",
    "import_marks",
    "my_copies",
    "open_copy",
    "save_actions",
    "surrender",
]

_SIDE_MARKABLE = MARKABLE | {CopyStatus.FINALISING, CopyStatus.FAILED, CopyStatus.FINALISED}
"""Statuses in which a marking that is not of record (second, seed) may still be written."""


@dataclass(frozen=True)
class MyCopy:
    """A copy of the corrector's paquet; ``total`` is what is awarded so far."""

    paper_id: int
    paper_name: str
    code: str
    status: CopyStatus
    pages: int
    marked_items: int
    items: int
    total: Decimal
    completed: bool
    kind: MarkingKind


@dataclass(frozen=True)
class MarkView:
    """What is known of an item; ``points`` only when its state is *marked*."""

    state: MarkState
    points: Decimal | None


@dataclass(frozen=True)
class AnnotationView:
    """A drawing on a page of the copy, in coordinates 0..1 from the page's top-left corner."""

    id: int
    page: int
    kind: str
    shape: Mapping[str, Any]
    item_id: int | None


@dataclass(frozen=True)
class MarkingView:
    """All that the marking page shows of a copy. Nothing in it tells whose it is.

    ``marks`` and ``remarks`` are keyed by item id. ``total`` is what is awarded
    so far, ``remaining`` counts the items without a state. ``page_set`` is the version of
    the copy's pages; ``notice`` says what changed since the actor last acknowledged one, as
    :func:`core.domain.page_changes.notice` does, and is empty when nothing did.
    """

    code: str
    paper_id: int
    paper_name: str
    status: CopyStatus
    pages: int
    blank_pages: list[int]
    items: list[ItemView]
    marks: dict[int, MarkView]
    remarks: dict[int, str]
    appreciation: str
    annotations: list[AnnotationView]
    total: Decimal
    out_of: Decimal
    remaining: int
    version: int
    claimed_by_me: bool
    step: Decimal
    failure: str | None
    page_set: int
    notice: Mapping[str, Any]


@dataclass(frozen=True)
class Saved:
    """The server's answer to a batch: what the screen shows as « enregistré à ».

    ``annotation_ids`` are the ids given to the batch's drawings, in its order; ``page_set`` is the
    version of the copy's pages, which a repair may have changed meanwhile.
    """

    version: int
    saved_at: datetime
    total: Decimal
    remaining: int
    annotation_ids: tuple[int, ...]
    page_set: int


def my_copies(sessions: Sessions, actor: Actor) -> list[MyCopy]:
    """The copies allocated to the actor, paper by paper.

    Raises:
        NotAllowed: The actor is no corrector.
    """
    authorise(actor, Action.LIST_OWN_COPIES, Relation.OWN)
    with reading(sessions) as session:
        markings = session.scalars(
            select(Marking)
            .join(Copy, Copy.id == Marking.copy_id)
            .where(Marking.corrector_id == actor.account_id)
            .order_by(Copy.paper_id, Copy.code, Marking.id)
        ).all()
        pages = page_counts(session, [marking.copy_id for marking in markings])
        schemes: dict[int, list[SchemeLine]] = {}
        for marking in markings:
            variant = marking.copy.variant_id
            if variant not in schemes:
                schemes[variant] = scheme_lines(session, variant)
        return [_my_copy(marking, schemes[marking.copy.variant_id], pages) for marking in markings]


def open_copy(sessions: Sessions, actor: Actor, *, code: str) -> MarkingView:
    """Open a copy to mark it, which claims it; one that cannot be marked any more is shown as it is.

    Raises:
        NotAllowed: The copy is not allocated to the actor.
        NotFound: No copy bears this code, or the actor has no marking of it.
    """
    with writing(sessions) as session:
        copy, marking = authorised_copy(session, actor, Action.MARK, code, lock=True)
        if marking is None:
            raise NotFound("marking", code=code)
        if _may_write(copy, marking):
            claim(session, marking, owner_of(marking), until=now() + CLAIM)
            _enter_marking(session, actor, copy, marking)
        if marking.seen_page_set is None:
            _see(session, marking, page_sets.current_number(session, copy.id))
        return _view(session, copy, opened(session, copy, marking), by_me=_may_write(copy, marking))


def save_actions(sessions: Sessions, actor: Actor, *, code: str, actions: Sequence[MarkAction]) -> Saved:
    """Keep a batch of actions, all or none, and renew the claim; an empty batch only renews it.

    A batch made on an older version is refused, unless all of it is kept
    already: then its answer was lost on the way, and it is given again.

    Raises:
        NotAllowed: The copy is not allocated to the actor.
        NotFound: No copy bears this code, or the actor has no marking of it.
        ImpossibleTransition: The copy cannot be marked any more.
        Conflict: ``marking_changed`` with ``version``: another screen saved meanwhile.
        BadInput: An action is refused; see :func:`core.services.mark_actions.apply`.
    """
    with writing(sessions) as session:
        copy, marking = authorised_copy(session, actor, Action.MARK, code, lock=True)
        if marking is None:
            raise NotFound("marking", code=code)
        if not _may_write(copy, marking):
            advance(CopyStatus(copy.status), CopyEvent.CLAIM)
        state = opened(session, copy, marking)
        version = marking.version
        until = now() + CLAIM
        if any(action.expected_version != version for action in actions):
            if not done_already(state, actions):
                raise Conflict("marking_changed", version=version)
            actions = ()
        changes = [apply(session, state, action) for action in actions]
        if changes:
            version = store(session, state, owner_of(marking), until=until)
            journal.record(
                session,
                actor,
                Action.MARK,
                kind="marking",
                object_id=marking.id,
                values={"version": version, "changes": changes},
            )
        else:
            claim(session, marking, owner_of(marking), until=until)
        _enter_marking(session, actor, copy, marking)
        total = state.total
        return Saved(
            version=version,
            saved_at=now(),
            total=total.awarded,
            remaining=len(total.unmarked),
            annotation_ids=tuple(change["annotation"] for change in changes if change["kind"] == "annotate"),
            page_set=state.page_set,
        )


def acknowledge(sessions: Sessions, actor: Actor, *, code: str, page_set: int) -> None:
    """Say that the actor has seen what changed in the pages of a copy, up to the version ``page_set``.

    It is a note to oneself, which changes nothing of the copy: it leaves no line in the journal.

    Raises:
        NotAllowed: The copy is not allocated to the actor.
        NotFound: No copy bears this code, the actor has no marking of it, or it has no such version.
    """
    with writing(sessions) as session:
        copy, marking = authorised_copy(session, actor, Action.MARK, code, lock=True)
        if marking is None:
            raise NotFound("marking", code=code)
        if not 1 <= page_set <= page_sets.current_number(session, copy.id):
            raise NotFound("page_set", code=code)
        _see(session, marking, max(page_set, marking.seen_page_set or 0))


def surrender(sessions: Sessions, actor: Actor, *, code: str) -> None:
    """Give the claim back on leaving a copy; one that is not claimed is left alone.

    Raises:
        NotAllowed: The copy is not allocated to the actor.
        NotFound: No copy bears this code, or the actor has no marking of it.
    """
    with writing(sessions) as session:
        copy, marking = authorised_copy(session, actor, Action.MARK, code, lock=True)
        if marking is None:
            raise NotFound("marking", code=code)
        if marking.claimed_until is not None:
            claim(session, marking, owner_of(marking), until=now())
        if copy.status == CopyStatus.MARKING.value and copy.record_marking_id == marking.id:
            copy.status = advance(CopyStatus.MARKING, CopyEvent.SURRENDER).value
            values = {"status": copy.status}
            journal.record(session, actor, Action.MARK, kind="copy", object_id=copy.id, values=values)


def _see(session: Session, marking: Marking, page_set: int) -> None:
    """Not a version of the marking: nothing that another screen could overwrite."""
    session.execute(
        update(Marking)
        .where(Marking.id == marking.id)
        .values(seen_page_set=page_set)
        .execution_options(synchronize_session=False)
    )
    session.flush()
    session.refresh(marking, ["seen_page_set"])


def _may_write(copy: Copy, marking: Marking) -> bool:
    statuses = MARKABLE if copy.record_marking_id == marking.id else _SIDE_MARKABLE
    return copy.status in statuses


def _enter_marking(session: Session, actor: Actor, copy: Copy, marking: Marking) -> None:
    """The first claim of the marking of record moves the copy; later ones leave it as it is."""
    if copy.record_marking_id != marking.id or copy.status != CopyStatus.READY.value:
        return
    copy.status = advance(CopyStatus.READY, CopyEvent.CLAIM).value
    values = {"status": copy.status}
    journal.record(session, actor, Action.MARK, kind="copy", object_id=copy.id, values=values)


def _my_copy(marking: Marking, lines: list[SchemeLine], pages: Mapping[int, int]) -> MyCopy:
    copy = marking.copy
    total = total_of(lines, marks_of(marking))
    items = sum(line.is_leaf for line in lines)
    return MyCopy(
        paper_id=copy.paper_id,
        paper_name=copy.paper.name,
        code=copy.code,
        status=CopyStatus(copy.status),
        pages=pages.get(copy.id, 0),
        marked_items=items - len(total.unmarked),
        items=items,
        total=total.awarded,
        completed=total.is_complete,
        kind=MarkingKind(marking.kind),
    )


def _view(session: Session, copy: Copy, state: OpenMarking, *, by_me: bool) -> MarkingView:
    pages = current_pages(session, copy.id)
    position = {half.id: number for number, half in enumerate(pages, 1)}
    total = state.total
    return MarkingView(
        code=copy.code,
        paper_id=copy.paper_id,
        paper_name=copy.paper.name,
        status=CopyStatus(copy.status),
        pages=len(pages),
        blank_pages=[number for number, half in enumerate(pages, 1) if half.blank],
        items=[item_view(line) for line in state.lines],
        marks={item_id: _mark_view(mark_of(row)) for item_id, row in state.marks.items()},
        remarks={item_id: row.text for item_id, row in state.remarks.items()},
        appreciation=state.appreciation,
        annotations=[
            AnnotationView(row.id, position[row.half_page_id], row.kind, row.shape, row.item_id)
            for row in state.annotations.values()
            if row.half_page_id in position
        ],
        total=total.awarded,
        out_of=total.out_of,
        remaining=len(total.unmarked),
        version=state.marking.version,
        claimed_by_me=by_me,
        step=state.step,
        failure=copy.failure,
        page_set=state.page_set,
        notice=page_sets.unseen(session, state.marking),
    )


def _mark_view(mark: Mark) -> MarkView:
    return MarkView(mark.state, mark.points)
