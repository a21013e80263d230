"""Marks from a table: a marking sheet filled off line, or another program's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db.session import Sessions
from core.db.tables import Account, Copy, Marking
from core.db.tables.base import now
from core.domain.access import Action, Actor, Role, authorise
from core.domain.anonymity import normalise
from core.domain.columns import LineProblem, cell, recognise
from core.domain.copies import MARKABLE, CopyEvent, CopyStatus, advance
from core.domain.marking import MarkingKind
from core.errors import BadInput, Conflict, NotFound, WorkbenchError
from core.services import journal
from core.services.copy_rows import paper_row
from core.services.mark_actions import MarkAction, OpenMarking, apply, checked_remark, claim, opened, store
from core.services.tables import Table, read_table
from core.services.transactions import writing

APPRECIATION = "*"
"""In the column of items: the line carries the general appreciation."""

_COLUMNS = {
    "code": ("CODE", "COPIE"),
    "item": ("ITEM", "QUESTION"),
    "mark": ("MARK", "NOTE", "POINTS"),
    "remark": ("REMARK", "REMARQUE"),
    "corrector": ("CORRECTOR", "CORRECTEUR"),
    "kind": ("KIND", "TYPE"),
}
_NEEDED = ("code", "item", "mark")


@dataclass(frozen=True)
class MarksImported:
    """What a table of marks did: marks and copies written, lines refused."""

    marks: int
    copies: int
    refused: list[LineProblem]


@dataclass(frozen=True)
class _Line:
    """A line of the table, read as text."""

    number: int
    code: str
    item: str
    mark: str
    remark: str
    corrector: str
    kind: str


def import_marks(
    sessions: Sessions, actor: Actor, *, paper_id: int, file_name: str, content: bytes
) -> MarksImported:
    """Take marks from a table ``code,item,mark,remark[,corrector,kind]``.

    An empty mark is *non traité*; item ``*`` carries the appreciation in
    ``remark``; an empty remark leaves what was typed before. A line that cannot
    be taken is listed and the others are written, copy by copy. Each copy is
    claimed and given back; one whose corrector is at work on it is refused.

    Raises:
        NotAllowed: The actor may not import marks.
        NotFound: There is no such paper.
        BadInput: ``marks_no_column`` with ``column`` and ``headers``; or as
            :func:`core.services.tables.read_table`.
    """
    authorise(actor, Action.IMPORT_MARKS)
    refused: list[LineProblem] = []
    lines = _read(read_table(file_name, content), refused)
    marks = copies = 0
    with sessions.begin() as session:
        paper_row(session, paper_id)
    groups: dict[tuple[str, str, str], list[_Line]] = {}
    for line in lines:
        groups.setdefault((line.code, line.corrector, line.kind), []).append(line)
    for group in groups.values():
        try:
            written = _import_copy(sessions, actor, paper_id, group, refused)
        except WorkbenchError as error:
            refused += [LineProblem(line.number, error) for line in group]
        else:
            marks += written
            copies += written > 0
    return MarksImported(marks, copies, sorted(refused, key=lambda problem: problem.line))


def _read(table: Table, refused: list[LineProblem]) -> list[_Line]:
    columns = recognise(table.headers, _COLUMNS)
    for name in _NEEDED:
        if name not in columns:
            raise BadInput("marks_no_column", column=name, headers=", ".join(table.headers))
    lines = []
    for number, row in table.rows:
        if number in table.overfull:
            # A decimal comma between commas, most often: which cell is the mark cannot be told.
            refused.append(LineProblem(number, BadInput("table_line_overfull", columns=len(table.headers))))
            continue
        code = cell(row, columns, "code")
        lines.append(
            _Line(
                number=number,
                code=normalise(code) or code,
                item=cell(row, columns, "item"),
                mark=cell(row, columns, "mark"),
                remark=cell(row, columns, "remark"),
                corrector=cell(row, columns, "corrector"),
                kind=cell(row, columns, "kind").lower() or MarkingKind.ORDINARY.value,
            )
        )
    return lines


def _import_copy(
    sessions: Sessions, actor: Actor, paper_id: int, group: list[_Line], refused: list[LineProblem]
) -> int:
    """Write the lines of one marking in one transaction; returns how many were taken."""
    first = group[0]
    with writing(sessions) as session:
        copy = session.scalars(
            select(Copy)
            .where(Copy.paper_id == paper_id, Copy.code == first.code)
            .with_for_update(of=Copy)
            .execution_options(populate_existing=True)
        ).first()
        if copy is None:
            raise NotFound("copy", code=first.code)
        marking = _marking(session, copy, first)
        claim(session, marking, actor.label, until=now())
        state = opened(session, copy, marking)
        changes = []
        problems = []
        seen: set[str] = set()
        for line in group:
            try:
                if line.item in seen:
                    raise BadInput("marks_repeated_line", code=line.code, item=line.item)
                seen.add(line.item)
                changes.append(_apply_line(session, state, line))
            except WorkbenchError as error:
                problems.append(LineProblem(line.number, error))
        if changes:
            store(session, state, actor.label, until=None)
            if copy.status == CopyStatus.MARKING.value and copy.record_marking_id == marking.id:
                copy.status = advance(CopyStatus.MARKING, CopyEvent.SURRENDER).value
            values = {"changes": [change for line_changes in changes for change in line_changes]}
            journal.record(
                session, actor, Action.IMPORT_MARKS, kind="marking", object_id=marking.id, values=values
            )
    refused += problems
    return len(changes)


def _marking(session: Session, copy: Copy, line: _Line) -> Marking:
    """The marking a line speaks of; made when its corrector is named and nobody has that place yet."""
    kind = _kind(line.kind)
    status = CopyStatus(copy.status)
    if status in (CopyStatus.STAGED, CopyStatus.IDENTIFIED):
        raise Conflict("copy_not_released", code=copy.code)
    is_ordinary = kind is MarkingKind.ORDINARY
    if status is CopyStatus.PUBLISHED or (is_ordinary and status not in MARKABLE):
        raise Conflict("copy_not_markable", code=copy.code, status=status.value)
    corrector = _corrector(session, line.corrector) if line.corrector else None
    query = select(Marking).where(Marking.copy_id == copy.id, Marking.kind == kind.value)
    if corrector is not None and not is_ordinary:
        query = query.where(Marking.corrector_id == corrector.id)
    found = session.scalars(query.order_by(Marking.id)).first()
    if found is None:
        if corrector is None:
            raise Conflict("copy_not_allocated", code=copy.code)
        return _new_marking(session, copy, corrector, kind)
    if corrector is not None and found.corrector_id != corrector.id:
        raise Conflict("copy_of_other_corrector", code=copy.code, corrector=line.corrector)
    return found


def _new_marking(session: Session, copy: Copy, corrector: Account, kind: MarkingKind) -> Marking:
    marking = Marking(copy_id=copy.id, corrector_id=corrector.id, kind=kind.value)
    session.add(marking)
    session.flush()
    if kind is MarkingKind.ORDINARY:
        copy.record_marking_id = marking.id
    return marking


def _kind(text: str) -> MarkingKind:
    try:
        return MarkingKind(text)
    except ValueError:
        raise BadInput("marks_unknown_kind", kind=text) from None


def _corrector(session: Session, login: str) -> Account:
    account = session.scalars(
        select(Account).where(Account.login == login, Account.disabled_at.is_(None))
    ).first()
    if account is None or all(row.role != Role.CORRECTOR.value for row in account.roles):
        raise BadInput("allocation_unknown_corrector", login=login)
    return account


def _apply_line(session: Session, state: OpenMarking, line: _Line) -> list[dict[str, object]]:
    """Check the whole line before any of it is written."""
    version = state.marking.version
    checked_remark(line.item, line.remark)
    if line.item == APPRECIATION:
        if line.mark:
            raise BadInput("marks_appreciation_with_mark", code=line.code, mark=line.mark)
        return [apply(session, state, MarkAction("appreciation", version, text=line.remark))]
    item_id = next((i for i, leaf in state.leaves.items() if leaf.code == line.item), None)
    if item_id is None:
        raise BadInput("mark_unknown_item", item=line.item)
    mark = MarkAction("untreated", version, item_id=item_id)
    if line.mark:
        mark = replace(mark, kind="mark", points=_number(line))
    changes = [apply(session, state, mark)]
    if line.remark:
        changes.append(
            apply(session, state, MarkAction("remark", version, item_id=item_id, text=line.remark))
        )
    return changes


def _number(line: _Line) -> Decimal:
    text = line.mark.replace("\N{NO-BREAK SPACE}", "").replace(" ", "").replace(",", ".")
    try:
        return Decimal(text)
    except InvalidOperation:
        raise BadInput("mark_not_a_number", item=line.item, value=line.mark) from None
