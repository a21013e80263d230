"""Entries: who sits a paper, and what is known of their presence."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db.session import Sessions
from core.db.tables import Booklet, Copy, Decision, Entry, Paper, Variant
from core.domain.access import Action, Actor, authorise
from core.domain.columns import LineProblem
from core.domain.entry_lines import EntryLine, find_candidate, read_entries
from core.domain.rosters import Known
from core.errors import BadInput, NotFound
from core.services import journal
from core.services.rosters import candidates_of, known_candidates
from core.services.tables import Table, read_table
from core.services.transactions import writing


@dataclass(frozen=True)
class EntriesReport:
    """What a file of entries did.

    ``kept`` counts candidates whom the file does not name and who stay all the same: they have a
    copy of this paper, or a line of the file was refused and could be theirs.
    """

    created: int
    updated: int
    unchanged: int
    removed: int
    errors: tuple[LineProblem, ...]
    kept: int = 0


def import_entries(
    sessions: Sessions, actor: Actor, *, paper_id: int, file_name: str, content: bytes
) -> EntriesReport:
    """Say who sits a paper: the candidates of the file, and nobody else.

    Bad lines are listed and the others go in; while there are any, nobody is removed.

    Raises:
        NotAllowed: The actor is not of the secretariat.
        NotFound: No such paper.
        BadInput: ``table_…`` (see :mod:`core.services.tables`), ``roster_no_name_column``.
    """
    authorise(actor, Action.IMPORT_ENTRIES)
    lines, problems = _read(file_name, content)
    with writing(sessions) as session:
        paper = session.get(Paper, paper_id, with_for_update=True)
        if paper is None:
            raise NotFound("paper", paper=paper_id)
        wanted, refused = _resolve(session, paper, lines)
        errors = sorted((*problems, *refused), key=lambda problem: problem.line)
        entries = {
            entry.candidate_id: entry
            for entry in session.scalars(select(Entry).where(Entry.paper_id == paper_id))
        }
        changes = [_write(session, paper_id, key, values, entries) for key, values in wanted.items()]
        unnamed = set(entries) - set(wanted)
        removable = set() if errors else unnamed - _with_pages(session, paper_id)
        for candidate_id in removable:
            session.delete(entries[candidate_id])
        report = EntriesReport(
            created=changes.count("created"),
            updated=changes.count("updated"),
            unchanged=changes.count("unchanged"),
            removed=len(removable),
            errors=tuple(errors),
            kept=len(unnamed) - len(removable),
        )
        _journal_import(session, actor, paper_id, content, report)
        return report


def _read(file_name: str, content: bytes) -> tuple[tuple[EntryLine, ...], list[LineProblem]]:
    table = read_table(file_name, content)
    try:
        lines, problems = read_entries(
            table.headers, [row for row in table.rows if row[0] not in table.overfull]
        )
    except BadInput as error:
        raise BadInput(error.code, file=file_name, **error.details) from error
    return lines, [*problems, *_overfull(table)]


def _overfull(table: Table) -> list[LineProblem]:
    return [
        LineProblem(line, BadInput("table_line_overfull", columns=len(table.headers)))
        for line in table.overfull
    ]


def _resolve(
    session: Session, paper: Paper, lines: Sequence[EntryLine]
) -> tuple[dict[int, dict[str, Any]], list[LineProblem]]:
    """The values of the entry of each candidate that the lines name, and the lines that name nobody."""
    roster = known_candidates(candidates_of(session, paper.session_id))
    variants = dict(
        session.execute(select(Variant.code, Variant.id).where(Variant.paper_id == paper.id)).all()
    )
    wanted: dict[int, dict[str, Any]] = {}
    line_of: dict[int, int] = {}
    refused: list[LineProblem] = []
    for line in lines:
        try:
            key, values = _entry(line, roster, variants)
            if key in wanted:
                raise BadInput("roster_line_repeated", same_as=line_of[key])
        except BadInput as error:
            refused.append(LineProblem(line.number, error))
        else:
            wanted[key], line_of[key] = values, line.number
    return wanted, refused


def _entry(
    line: EntryLine, roster: Sequence[Known], variants: Mapping[str, int]
) -> tuple[int, dict[str, Any]]:
    values: dict[str, Any] = {"presence": line.presence.value}
    if line.room is not None:
        values["room"] = line.room or None
    if line.variant is not None:
        if line.variant and line.variant.upper() not in variants:
            raise BadInput("entries_unknown_variant", value=line.variant, variants=tuple(sorted(variants)))
        values["variant_id"] = variants[line.variant.upper()] if line.variant else None
    return find_candidate(line, roster), values


def _write(
    session: Session,
    paper_id: int,
    candidate_id: int,
    values: Mapping[str, Any],
    entries: Mapping[int, Entry],
) -> str:
    entry = entries.get(candidate_id)
    if entry is None:
        session.add(Entry(paper_id=paper_id, candidate_id=candidate_id, **values))
        return "created"
    different = {field: value for field, value in values.items() if getattr(entry, field) != value}
    for field, value in different.items():
        setattr(entry, field, value)
    return "updated" if different else "unchanged"


def _with_pages(session: Session, paper_id: int) -> set[int]:
    """Candidates who have a copy of the paper, or a decision that gives them a booklet."""
    copies = select(Copy.candidate_id).where(Copy.paper_id == paper_id)
    decided = (
        select(Decision.candidate_id)
        .join(Booklet, Booklet.id == Decision.booklet_id)
        .where(Booklet.paper_id == paper_id, Booklet.dissolved.is_(False), Decision.superseded_at.is_(None))
    )
    return {key for key in (*session.scalars(copies), *session.scalars(decided)) if key is not None}


def _journal_import(
    session: Session, actor: Actor, paper_id: int, content: bytes, report: EntriesReport
) -> None:
    if report.created or report.updated or report.removed:
        journal.record(
            session,
            actor,
            Action.IMPORT_ENTRIES,
            kind="paper",
            object_id=paper_id,
            values={
                "file_sha256": hashlib.sha256(content).hexdigest(),
                "created": report.created,
                "updated": report.updated,
                "removed": report.removed,
            },
        )
