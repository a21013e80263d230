"""What a corrector can do to a marking, one action at a time, inside the transaction of a service."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from core.db.points import to_hundredths, to_points
from core.db.tables import Annotation, Copy, Marking, MarkRow, PageSet, PageSetPage, Remark, SchemeLine
from core.db.tables.base import now
from core.domain.annotations import checked_shape
from core.domain.marking import Mark, MarkState, Total, check_mark
from core.domain.scheme import Item
from core.errors import BadInput, Conflict
from core.services.copy_rows import item_of, mark_of, scheme_lines, total_of

CLAIM = timedelta(minutes=15)
"""A claim ends by itself: a closed lid gives the copy back before the next lesson."""

MOST_REMARK = 2000
MOST_APPRECIATION = 4000

ActionKind = Literal["mark", "untreated", "clear", "remark", "appreciation", "annotate", "erase"]


@dataclass(frozen=True)
class MarkAction:
    """One thing a corrector did.

    Attributes:
        kind: ``mark`` needs ``item_id`` and ``points``; ``untreated`` and ``clear`` an ``item_id``;
            ``remark`` an ``item_id`` and ``text`` (empty: removed); ``appreciation`` a ``text``;
            ``annotate`` ``page``, ``annotation_kind``, ``shape`` and perhaps ``item_id``;
            ``erase`` an ``annotation_id``.
        expected_version: Version of the marking that was on screen.
        page: 1-based, in the version ``page_set`` of the copy's pages; ``None`` means the current one.
        shape: See :func:`core.domain.annotations.checked_shape`.
    """

    kind: ActionKind
    expected_version: int
    item_id: int | None = None
    points: Decimal | None = None
    text: str = ""
    page: int | None = None
    shape: Mapping[str, Any] | None = None
    annotation_kind: str | None = None
    annotation_id: int | None = None
    page_set: int | None = None


@dataclass
class OpenMarking:
    """A marking as its transaction sees it, with what its actions are checked against."""

    marking: Marking
    lines: list[SchemeLine]
    step: Decimal
    page_sets: dict[int, list[int]]
    """Half-pages in their order, by version of the copy's pages."""
    appreciation: str
    marks: dict[int, MarkRow]
    remarks: dict[int, Remark]
    annotations: dict[int, Annotation]
    leaves: dict[int, Item] = field(init=False)

    def __post_init__(self) -> None:
        self.leaves = {line.item_id: item_of(line) for line in self.lines if line.is_leaf}

    @property
    def page_set(self) -> int:
        """The version of the copy's pages as they are now."""
        return max(self.page_sets, default=0)

    @property
    def total(self) -> Total:
        """The total with what was changed so far."""
        return total_of(self.lines, {item_id: mark_of(row) for item_id, row in self.marks.items()})


def opened(session: Session, copy: Copy, marking: Marking) -> OpenMarking:
    """Read all of a marking."""
    return OpenMarking(
        marking=marking,
        lines=scheme_lines(session, copy.variant_id),
        step=to_points(copy.paper.step_hundredths),
        page_sets=_page_sets(session, copy.id),
        appreciation=marking.appreciation,
        marks={row.item_id: row for row in marking.marks},
        remarks={row.item_id: row for row in marking.remarks},
        annotations={
            row.id: row
            for row in session.scalars(
                select(Annotation).where(Annotation.marking_id == marking.id).order_by(Annotation.id)
            )
        },
    )


def _page_sets(session: Session, copy_id: int) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    rows = session.execute(
        select(PageSet.number, PageSetPage.half_page_id)
        .join(PageSetPage, PageSetPage.page_set_id == PageSet.id)
        .where(PageSet.copy_id == copy_id)
        .order_by(PageSet.number, PageSetPage.position)
    )
    for number, half_page_id in rows:
        found.setdefault(number, []).append(half_page_id)
    return found


def claim(session: Session, marking: Marking, holder: str, *, until: datetime) -> None:
    """Hold a marking until an instant; its own corrector always may, anybody else when it is free.

    Reading needs no claim, and a claim that ended is nobody's: one conditional update decides.

    Raises:
        Conflict: ``copy_claimed``: somebody else is at work on it.
    """
    taken = session.execute(
        update(Marking)
        .where(Marking.id == marking.id, *_free_for(marking, holder))
        .values(claimed_until=until, claim_token=holder)
        .returning(Marking.id)
        .execution_options(synchronize_session=False)
    ).first()
    if taken is None:
        raise Conflict("copy_claimed")


def store(session: Session, state: OpenMarking, holder: str, *, until: datetime | None) -> int:
    """Write what the actions left for the marking itself, its next version and the claim.

    One conditional update: of two savers who saw the same version, one wins.

    Args:
        session: The transaction of the actions.
        state: The marking after its actions.
        holder: Who saves.
        until: End of the claim; ``None`` gives it back.

    Returns:
        The new version.

    Raises:
        Conflict: ``marking_changed``: the version moved, or somebody else holds the marking.
    """
    session.flush()
    completed = (state.marking.completed_at or now()) if state.total.is_complete else None
    version = session.execute(
        update(Marking)
        .where(
            Marking.id == state.marking.id,
            Marking.version == state.marking.version,
            *_free_for(state.marking, holder),
        )
        .values(
            version=Marking.version + 1,
            appreciation=state.appreciation,
            completed_at=completed,
            claimed_until=until,
            claim_token=holder if until is not None else None,
        )
        .returning(Marking.version)
        .execution_options(synchronize_session=False)
    ).scalar()
    if version is None:
        raise Conflict("marking_changed")
    return version


def owner_of(marking: Marking) -> str:
    """The claim holder's name of the corrector whose marking it is."""
    return f"account:{marking.corrector_id}"


def done_already(state: OpenMarking, actions: Sequence[MarkAction]) -> bool:
    """Whether every action would change nothing.

    A queue that was cut off before the answer came replays what has been kept;
    that is not a conflict.
    """
    return all(_is_done(state, action) for action in actions)


def apply(session: Session, state: OpenMarking, action: MarkAction) -> dict[str, Any]:
    """Do one action and return its line for the journal, values before and after.

    Raises:
        BadInput: ``mark_unknown_item``, ``mark_missing``, ``mark_not_a_number``, ``mark_negative``,
            ``mark_above_maximum``, ``mark_off_step``, ``item_neutralised``, ``remark_too_long``,
            ``appreciation_too_long``, ``annotation_bad_shape``, ``annotation_unknown_page`` or
            ``mark_unknown_action``; nothing was changed then.
    """
    if action.kind == "appreciation":
        return _appreciate(state, action)
    if action.kind == "annotate":
        return _annotate(session, state, action)
    if action.kind == "erase":
        return _erase(session, state, action)
    if action.kind == "remark":
        return _remark(session, state, action)
    if action.kind in ("mark", "untreated", "clear"):
        return _mark(session, state, action)
    raise BadInput("mark_unknown_action", action=action.kind)


def _free_for(marking: Marking, holder: str) -> list[Any]:
    if holder == owner_of(marking):
        return []
    return [
        or_(Marking.claimed_until.is_(None), Marking.claimed_until < now(), Marking.claim_token == holder)
    ]


def _mark(session: Session, state: OpenMarking, action: MarkAction) -> dict[str, Any]:
    item_id, leaf = _leaf(state, action.item_id)
    row = state.marks.get(item_id)
    before = _written(row)
    if row is not None and row.state == MarkState.NEUTRALISED.value:
        raise BadInput("item_neutralised", item=leaf.code)
    wanted = _wanted(leaf, action, state.step)
    if wanted is None:
        if row is not None:
            session.delete(row)
            del state.marks[item_id]
    else:
        if row is None:
            row = MarkRow(marking_id=state.marking.id, item_id=item_id)
            session.add(row)
            state.marks[item_id] = row
        row.state = wanted.state.value
        row.points_hundredths = None if wanted.points is None else to_hundredths(wanted.points)
    return {
        "kind": action.kind,
        "item": item_id,
        "before": before,
        "after": _written(state.marks.get(item_id)),
    }


def _wanted(leaf: Item, action: MarkAction, step: Decimal) -> Mark | None:
    if action.kind == "clear":
        return None
    if action.kind == "untreated":
        return Mark(MarkState.UNTREATED)
    if action.points is None:
        raise BadInput("mark_missing", item=leaf.code)
    if not action.points.is_finite():
        raise BadInput("mark_not_a_number", item=leaf.code, value=str(action.points))
    mark = Mark(MarkState.MARKED, action.points)
    check_mark(leaf, mark, step)
    return mark


def _written(row: MarkRow | None) -> Any:
    if row is None:
        return None
    return row.state if row.points_hundredths is None else row.points_hundredths / 100


def _remark(session: Session, state: OpenMarking, action: MarkAction) -> dict[str, Any]:
    item_id, leaf = _leaf(state, action.item_id)
    text = checked_remark(leaf.code, action.text)
    row = state.remarks.get(item_id)
    before = row.text if row is not None else ""
    if row is None and text:
        row = Remark(marking_id=state.marking.id, item_id=item_id, text=text)
        session.add(row)
        state.remarks[item_id] = row
    elif row is not None and text:
        row.text = text
    elif row is not None:
        session.delete(row)
        del state.remarks[item_id]
    return {"kind": "remark", "item": item_id, "before": before, "after": text}


def _appreciate(state: OpenMarking, action: MarkAction) -> dict[str, Any]:
    text = plain_text(action.text)
    if len(text) > MOST_APPRECIATION:
        raise BadInput("appreciation_too_long", limit=MOST_APPRECIATION)
    before, state.appreciation = state.appreciation, text
    return {"kind": "appreciation", "before": before, "after": text}


def _annotate(session: Session, state: OpenMarking, action: MarkAction) -> dict[str, Any]:
    half_page_id = _half_page_id(state, action)
    if action.item_id is not None:
        _leaf(state, action.item_id)
    shape = checked_shape(action.annotation_kind or "", action.shape or {})
    row = Annotation(
        marking_id=state.marking.id,
        half_page_id=half_page_id,
        item_id=action.item_id,
        kind=action.annotation_kind,
        shape=shape,
    )
    session.add(row)
    session.flush()
    state.annotations[row.id] = row
    return {"kind": "annotate", "annotation": row.id, "page": action.page, "drawn": row.kind, "shape": shape}


def _erase(session: Session, state: OpenMarking, action: MarkAction) -> dict[str, Any]:
    row = state.annotations.pop(action.annotation_id, None) if action.annotation_id is not None else None
    if row is not None:
        session.delete(row)
    return {"kind": "erase", "annotation": action.annotation_id, "found": row is not None}


def _is_done(state: OpenMarking, action: MarkAction) -> bool:
    if action.kind == "appreciation":
        return state.appreciation == plain_text(action.text)
    if action.kind == "erase":
        return action.annotation_id not in state.annotations
    if action.kind == "annotate":
        half_page_id = _half_page_id(state, action)
        shape = checked_shape(action.annotation_kind or "", action.shape or {})
        return any(
            (row.half_page_id, row.item_id, row.kind, row.shape)
            == (half_page_id, action.item_id, action.annotation_kind, shape)
            for row in state.annotations.values()
        )
    item_id, leaf = _leaf(state, action.item_id)
    if action.kind == "remark":
        kept = state.remarks.get(item_id)
        return (kept.text if kept is not None else "") == plain_text(action.text)
    row = state.marks.get(item_id)
    return (mark_of(row) if row is not None else None) == _wanted(leaf, action, state.step)


def _leaf(state: OpenMarking, item_id: int | None) -> tuple[int, Item]:
    if item_id is None or item_id not in state.leaves:
        raise BadInput("mark_unknown_item", item=item_id)
    return item_id, state.leaves[item_id]


def _half_page_id(state: OpenMarking, action: MarkAction) -> int:
    """The half-page that was on screen, wherever a repair has put it since, while it is of the copy."""
    now_there = state.page_sets.get(state.page_set, [])
    seen = now_there if action.page_set is None else state.page_sets.get(action.page_set, [])
    page = action.page
    if page is None or not 1 <= page <= len(seen) or seen[page - 1] not in now_there:
        raise BadInput("annotation_unknown_page", page=page)
    return seen[page - 1]


def checked_remark(item: str, text: str) -> str:
    """A remark as it is kept.

    Raises:
        BadInput: ``remark_too_long`` with ``item`` and ``limit``.
    """
    kept = plain_text(text)
    if len(kept) > MOST_REMARK:
        raise BadInput("remark_too_long", item=item, limit=MOST_REMARK)
    return kept


def plain_text(text: str) -> str:
    """Typed text without the control characters that databases and PDF refuse, and without outer blanks."""
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(
        sign for sign in unified if sign in "\n\t" or unicodedata.category(sign) not in ("Cc", "Cs")
    ).strip()
