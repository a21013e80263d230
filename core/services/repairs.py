"""Repairs of the atelier d'agrafage: each one row with what it changed, so that it can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.db.session import Sessions
from core.db.tables import DoubleScan, Repair, ScanFile
from core.db.tables.base import now
from core.domain.access import Action, Actor, authorise
from core.domain.bench import Change, from_json, to_json, touched, undone
from core.domain.entries import Verdict
from core.errors import BadInput, Conflict, NotFound
from core.services import bench_rows, journal
from core.services.identification import match
from core.services.mark_actions import plain_text
from core.services.page_sets import Cause, hold_paper
from core.services.repair_requests import MOST_REASON, Arguments, Plan, Request, planned
from core.services.transactions import writing
from core.services.workshop import version_of

UNDO = "undo"

_MAY_BE_OVERTAKEN = frozenset(
    {"repair_nothing", "repair_bad_cut", "repair_bad_position", "repair_unknown_booklet", "put_back_where"}
)


@dataclass(frozen=True)
class Repaired:
    """A repair that was made; ``version`` is what the next one is based on, ``copies`` those it changed."""

    repair_id: int
    version: int
    copies: tuple[int, ...] = ()


@dataclass(frozen=True)
class Checked:
    """Files that were said to be in order now, or not any more, and those that were so already."""

    changed: int
    already: int


def repair(
    sessions: Sessions,
    actor: Actor,
    *,
    paper_id: int,
    kind: str,
    arguments: Arguments,
    version: int,
    reason: str = "",
) -> Repaired:
    """Make one repair, with all that follows for booklets, headers, copies and their correctors.

    Args:
        sessions: Database.
        actor: Who repairs.
        paper_id: The paper.
        kind: What is done; see :mod:`core.services.repair_requests`.
        arguments: Of the kind, as JSON has them.
        version: Id of the last repair that was on the screen of who asks.
        reason: Why; needed to change a copy that is finalised or published.

    Raises:
        NotAllowed: The actor is not of the secretariat.
        NotFound: There is no such paper.
        BadInput: ``repair_…``: it cannot be done; ``parameter_unreadable``.
        Conflict: ``repaired_meanwhile``: somebody else has touched the same pages since; ``join_two_candidates``;
            ``repair_needs_reopening``, ``copy_finalising``, ``repair_empties_copy``.
    """
    authorise(actor, Action.REPAIR)
    why = _reason(reason)
    with writing(sessions) as session:
        hold_paper(session, paper_id)
        request = Request(session, paper_id, bench_rows.load(session, paper_id), arguments)
        plan = _planned(kind, request, since=version)
        _require_untouched(session, paper_id, plan.changes, since=version)
        cause = Cause(actor, kind, why, replaced=plan.replaced)
        return _write(session, actor, request, kind, plan.changes, cause, decided_apart=plan.decided_apart)


def repair_in(session: Session, actor: Actor, *, paper_id: int, kind: str, arguments: Arguments) -> Repaired:
    """A repair in the transaction of a job that holds the paper and sees it as it is.

    Raises:
        BadInput: ``repair_…``: it cannot be done; nothing is written then.
        Conflict: As :func:`repair`.
    """
    request = Request(session, paper_id, bench_rows.load(session, paper_id), arguments)
    plan = _planned(kind, request, since=version_of(session, paper_id))
    cause = Cause(actor, kind, "", replaced=plan.replaced)
    return _write(session, actor, request, kind, plan.changes, cause, decided_apart=plan.decided_apart)


def undo(sessions: Sessions, actor: Actor, *, paper_id: int, repair_id: int, reason: str = "") -> Repaired:
    """Undo a repair; that is a repair in its turn, and can be undone.

    Raises:
        NotAllowed: The actor is not of the secretariat.
        NotFound: The paper has no such repair.
        Conflict: ``repair_undone_already``; ``repair_touched_since`` with the later ``repair`` to undo first;
            ``join_two_candidates``, ``repair_needs_reopening``, ``copy_finalising``, ``repair_empties_copy``.
    """
    authorise(actor, Action.REPAIR)
    why = _reason(reason)
    with writing(sessions) as session:
        hold_paper(session, paper_id)
        row = session.get(Repair, repair_id, populate_existing=True)
        if row is None or row.paper_id != paper_id:
            raise NotFound("repair", repair=repair_id)
        if row.undone_at is not None:
            raise Conflict("repair_undone_already", repair=repair_id)
        back = undone(from_json(row.changes), _holding_since(session, row))
        changes = (*back, Change("repair", repair_id, {"undone": False}, {"undone": True}))
        request = Request(session, paper_id, bench_rows.load(session, paper_id), {})
        replaced = [change.id for change in back if change.after.get("booklet") is not None]
        cause = Cause(actor, UNDO, why, replaced=replaced if row.kind == "replace" else ())
        return _write(session, actor, request, UNDO, changes, cause, decided_apart=False)


def check(
    sessions: Sessions,
    actor: Actor,
    *,
    paper_id: int,
    lots: Sequence[int] = (),
    files: Sequence[int] = (),
    checked: bool = True,
) -> Checked:
    """Say that the pages of lots and files are where they should be; only then they are identified.

    Args:
        sessions: Database.
        actor: Who has looked.
        paper_id: The paper.
        lots: All files of these that are taken in.
        files: These files.
        checked: ``False`` takes it back.

    Raises:
        NotAllowed: The actor is not of the secretariat.
        NotFound: There is no such paper, or a lot or file is not of it.
        Conflict: ``file_not_ingested``: nobody can have looked at a file whose pages are not known yet.
    """
    authorise(actor, Action.REPAIR)
    with writing(sessions) as session:
        hold_paper(session, paper_id)
        named = session.scalars(
            select(ScanFile)
            .where(ScanFile.paper_id == paper_id, ScanFile.id.in_(files) | ScanFile.lot_id.in_(lots))
            .order_by(ScanFile.id)
        ).all()
        if set(files) - {file.id for file in named} or set(lots) - {file.lot_id for file in named}:
            raise NotFound("scan_file", paper=paper_id)
        for file in named:
            if file.ingested_at is None and checked:
                raise Conflict("file_not_ingested", file=file.name)
        waiting = [file for file in named if (file.checked_at is not None) != checked]
        for file in waiting:
            file.checked_at, file.checked_by = (now(), actor.label) if checked else (None, None)
            values = {"checked": checked}
            journal.record(session, actor, Action.REPAIR, kind="scan_file", object_id=file.id, values=values)
        return Checked(len(waiting), len(named) - len(waiting))


def _planned(kind: str, request: Request, *, since: int) -> Plan:
    """What cannot be done any more, because of what others did meanwhile, is not the fault of who asks."""
    try:
        plan = planned(kind, request)
        if not plan.changes:
            raise BadInput("repair_nothing")
    except BadInput as error:
        version = version_of(request.session, request.paper_id)
        if version > since and error.code in _MAY_BE_OVERTAKEN:
            raise Conflict("repaired_meanwhile", repair=version) from error
        raise
    return plan


def _write(
    session: Session,
    actor: Actor,
    request: Request,
    kind: str,
    changes: Sequence[Change],
    cause: Cause,
    *,
    decided_apart: bool,
) -> Repaired:
    row = Repair(
        paper_id=request.paper_id,
        kind=kind,
        reason=cause.reason,
        changes=to_json(changes),
        made_by=actor.label,
    )
    session.add(row)
    session.flush()
    pages = [change for change in changes if change.what in ("half", "image")]
    written = bench_rows.write(session, request.bench, pages, cause, decided_apart=decided_apart)
    for change in changes:
        if change.what == "double":
            _say_double(session, actor, change)
        elif change.what == "repair":
            _mark_undone(session, actor, change)
    if written.headers:
        match(session, request.paper_id)
    values = {
        "kind": kind,
        "paper": request.paper_id,
        "half_pages": sorted({change.id for change in changes if change.what == "half"}),
        "copies": list(written.copies),
        "reason": cause.reason,
    }
    journal.record(session, actor, Action.REPAIR, kind="repair", object_id=row.id, values=values)
    session.flush()
    return Repaired(row.id, version_of(session, request.paper_id), written.copies)


def _require_untouched(session: Session, paper_id: int, changes: Sequence[Change], *, since: int) -> None:
    """A repair made on an older screen holds while nobody has touched the same pages."""
    own = touched(changes)
    later = session.scalars(
        select(Repair).where(Repair.paper_id == paper_id, Repair.id > since).order_by(Repair.id)
    )
    for row in later:
        if own & touched(from_json(row.changes)):
            raise Conflict("repaired_meanwhile", repair=row.id)


def _holding_since(session: Session, row: Repair) -> list[tuple[int, tuple[Change, ...]]]:
    """Later repairs that still hold; one that was undone, and the undo of it, hold nothing."""
    later = session.scalars(
        select(Repair)
        .where(Repair.paper_id == row.paper_id, Repair.id > row.id, Repair.undone_at.is_(None))
        .order_by(Repair.id)
    )
    found = []
    for other in later:
        changes = from_json(other.changes)
        if not any(change.what == "repair" and change.id > row.id for change in changes):
            found.append((other.id, changes))
    return found


def _say_double(session: Session, actor: Actor, change: Change) -> None:
    verdict = change.after["verdict"]
    is_open = verdict == Verdict.OPEN.value
    session.execute(
        update(DoubleScan)
        .where(DoubleScan.image_id == change.id, DoubleScan.other_image_id == change.after["other"])
        .values(
            verdict=verdict,
            decided_by=None if is_open else actor.label,
            decided_at=None if is_open else now(),
        )
    )


def _mark_undone(session: Session, actor: Actor, change: Change) -> None:
    is_undone = change.after["undone"]
    row = session.get_one(Repair, change.id)
    row.undone_by, row.undone_at = (actor.label, now()) if is_undone else (None, None)


def _reason(text: str) -> str:
    why = plain_text(text)
    if len(why) > MOST_REASON:
        raise BadInput("repair_reason_too_long", limit=MOST_REASON)
    return why
