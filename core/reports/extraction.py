"""From the relational database to the Arrow tables of a snapshot."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Any

import pyarrow as pa
from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.orm import Session

from core.db.points import to_hundredths, to_points
from core.db.tables import (
    Account,
    Booklet,
    Candidate,
    Copy,
    Decision,
    Entry,
    ExamSession,
    Identity,
    Marking,
    MarkRow,
    PageSet,
    PageSetPage,
    Paper,
    Proposal,
    SchemeLine,
    SchemeVersion,
    Variant,
)
from core.domain.copies import CopyStatus
from core.domain.grades import GradeRule, RoundingMode, final_mark
from core.domain.marking import Mark, MarkState, Total, total
from core.domain.scheme import Item
from core.reports import dictionary
from core.reports.pseudonyms import Pseudonyms

FINISHED = (CopyStatus.FINALISED.value, CopyStatus.PUBLISHED.value)
"""What counts as corrected: a copy whose items all have a state but that nobody finalised may still change."""

_BATCH_ROWS = 50_000
_UNITS_PER_POINT = 100

Columns = dict[str, list[Any]]


@dataclass
class _CopyFigures:
    """What the marks of a copy add up to."""

    items: int = 0
    neutralised: frozenset[int] = frozenset()
    is_marked: bool = False
    total_hundredths: int | None = None
    mark_hundredths: int | None = None


@dataclass(frozen=True)
class _Scheme:
    """The leaves of a variant and what its paper says about the final mark."""

    leaves: Mapping[int, Item]
    rule: GradeRule
    items: Sequence[Item] = field(default_factory=tuple)


def extract(
    session: Session,
    paper_ids: Sequence[int],
    pseudonyms_of: Callable[[int], Pseudonyms],
    *,
    identified: bool,
) -> dict[str, pa.Table]:
    """The tables of a snapshot of some papers, each with the schema of the data dictionary.

    Rows are sorted by pseudonym: in the order of the database they would tell
    the order of the scan, and with it whose copy is whose.

    Args:
        session: An open transaction that sees one state of the database.
        paper_ids: Papers to take.
        pseudonyms_of: The pseudonyms of a paper, by its id.
        identified: Whether names, dates of birth, codes and sign-in names go along.
    """
    schemes = _schemes(session, paper_ids)
    marks, figures = _marks(session, paper_ids, pseudonyms_of, schemes)
    tables = {
        "paper": _papers(session, paper_ids),
        "variant": _columns(
            select(Variant.id, Variant.paper_id, Variant.code).where(Variant.paper_id.in_(paper_ids)),
            session,
            ("variant_id", "paper_id", "code"),
        ),
        "item": _items(session, paper_ids),
        "entry": _entries(session, paper_ids, pseudonyms_of),
        "copy": _copies(session, paper_ids, pseudonyms_of, figures),
        "lot": _lots(session, paper_ids, pseudonyms_of),
        "booklet": _booklets(session, paper_ids),
    }
    arrow = {
        table.name: _arrow(table, tables[table.name], identified=identified)
        for table in dictionary.TABLES
        if table.name in tables
    }
    arrow["mark"] = marks
    order = {"item": ["variant_id", "position"], "mark": ["copy_id", "item_id"]}
    for name, table in arrow.items():
        keys = order.get(name, table.column_names)
        arrow[name] = table.sort_by([(key, "ascending") for key in keys])
    _check_unique(arrow["copy"], "copy_id")
    return arrow


def fingerprint(session: Session, paper_id: int) -> str:
    """A digest of what a snapshot of the paper would hold, without reading its rows.

    Versions, counts and sums move with every act on copies, markings, marks,
    entries, schemes and decisions.
    """
    of_paper = (
        select(func.count(), func.sum(Copy.version), func.sum(Copy.candidate_id), Copy.status)
        .where(Copy.paper_id == paper_id)
        .group_by(Copy.status)
        .order_by(Copy.status),
        select(func.count(), func.sum(Marking.version), func.sum(Marking.corrector_id))
        .join(Copy, Copy.id == Marking.copy_id)
        .where(Copy.paper_id == paper_id),
        select(MarkRow.state, func.count(), func.sum(MarkRow.points_hundredths), func.max(MarkRow.updated_at))
        .join(Marking, Marking.id == MarkRow.marking_id)
        .join(Copy, Copy.record_marking_id == Marking.id)
        .where(Copy.paper_id == paper_id)
        .group_by(MarkRow.state)
        .order_by(MarkRow.state),
        select(Entry.presence, Candidate.class_name, func.count(), func.sum(Entry.id))
        .join(Candidate, Candidate.id == Entry.candidate_id)
        .where(Entry.paper_id == paper_id)
        .group_by(Entry.presence, Candidate.class_name)
        .order_by(Entry.presence, Candidate.class_name),
        select(Paper.version, Paper.name).where(Paper.id == paper_id),
        select(func.max(SchemeVersion.id), func.count()).where(SchemeVersion.paper_id == paper_id),
        select(Booklet.id, Proposal.candidate_id, Proposal.probability, Proposal.decision)
        .join(Proposal, (Proposal.booklet_id == Booklet.id) & (Proposal.rank == 1))
        .where(Booklet.paper_id == paper_id, Booklet.dissolved.is_(False))
        .order_by(Booklet.id),
        select(func.max(Decision.id), func.count())
        .join(Booklet, Booklet.id == Decision.booklet_id)
        .where(Booklet.paper_id == paper_id),
    )
    seen = [[tuple(row) for row in session.execute(query)] for query in of_paper]
    return hashlib.sha256(json.dumps(seen, default=str).encode()).hexdigest()


# --- rows ----------------------------------------------------------------------------------------


def _schemes(session: Session, paper_ids: Sequence[int]) -> dict[int, _Scheme]:
    """The current scheme of each variant."""
    rules = {
        paper.id: GradeRule(
            final_scale=to_points(paper.final_scale_hundredths),
            rounding_step=to_points(paper.rounding_hundredths),
            rounding_mode=RoundingMode(paper.rounding_mode),
        )
        for paper in session.scalars(select(Paper).where(Paper.id.in_(paper_ids)))
    }
    lines = session.execute(
        select(SchemeVersion.variant_id, SchemeVersion.paper_id, SchemeLine)
        .join(SchemeLine, SchemeLine.scheme_version_id == SchemeVersion.id)
        .where(
            SchemeVersion.paper_id.in_(paper_ids),
            SchemeVersion.superseded_at.is_(None),
            SchemeLine.is_leaf,
        )
        .order_by(SchemeVersion.variant_id, SchemeLine.position)
    )
    schemes: dict[int, _Scheme] = {}
    for (variant_id, paper_id), group in groupby(lines, key=lambda row: (row[0], row[1])):
        leaves = {
            line.item_id: Item(line.code, line.label, to_points(line.points_hundredths), line.bonus)
            for _variant, _paper, line in group
        }
        schemes[variant_id] = _Scheme(leaves, rules[paper_id], tuple(leaves.values()))
    return schemes


def _papers(session: Session, paper_ids: Sequence[int]) -> Columns:
    query = (
        select(
            Paper.id,
            ExamSession.name,
            Paper.name,
            Paper.sat_on,
            Paper.total_hundredths,
            Paper.final_scale_hundredths,
            Paper.coefficient_hundredths,
        )
        .join(ExamSession, ExamSession.id == Paper.session_id)
        .where(Paper.id.in_(paper_ids))
    )
    names = (
        "paper_id",
        "session",
        "name",
        "sat_on",
        "total_units",
        "scale_units",
        "coefficient_hundredths",
    )
    columns = _columns(query, session, names)
    return columns | {"units_per_point": [_UNITS_PER_POINT] * len(columns["paper_id"])}


def _items(session: Session, paper_ids: Sequence[int]) -> Columns:
    query = (
        select(
            SchemeLine.item_id,
            SchemeVersion.paper_id,
            SchemeVersion.variant_id,
            SchemeLine.position,
            SchemeLine.code,
            SchemeLine.label,
            SchemeLine.competence,
            SchemeLine.bonus,
            SchemeLine.points_hundredths,
        )
        .join(SchemeVersion, SchemeVersion.id == SchemeLine.scheme_version_id)
        .where(
            SchemeVersion.paper_id.in_(paper_ids),
            SchemeVersion.superseded_at.is_(None),
            SchemeLine.is_leaf,
        )
    )
    names = (
        "item_id",
        "paper_id",
        "variant_id",
        "position",
        "code",
        "label",
        "competence",
        "bonus",
        "points_units",
    )
    columns = _columns(query, session, names)
    return columns | {"exercise": [code.split(".", 1)[0] for code in columns["code"]]}


def _entries(
    session: Session, paper_ids: Sequence[int], pseudonyms_of: Callable[[int], Pseudonyms]
) -> Columns:
    query = (
        select(
            Candidate.person_id,
            Entry.paper_id,
            Entry.variant_id,
            Candidate.class_name,
            Candidate.group_name,
            Entry.presence,
            Identity.surname,
            Identity.first_name,
            Identity.birth_date,
        )
        .join(Candidate, Candidate.id == Entry.candidate_id)
        .outerjoin(Identity, Identity.person_id == Candidate.person_id)
        .where(Entry.paper_id.in_(paper_ids))
    )
    names = (
        "candidate_id",
        "paper_id",
        "variant_id",
        "class_name",
        "group_name",
        "presence",
        "surname",
        "first_name",
        "birth_date",
    )
    columns = _columns(query, session, names)
    columns["candidate_id"] = [
        pseudonyms_of(paper).number("person", person)
        for person, paper in zip(columns["candidate_id"], columns["paper_id"], strict=True)
    ]
    return columns


def _copies(
    session: Session,
    paper_ids: Sequence[int],
    pseudonyms_of: Callable[[int], Pseudonyms],
    figures: Mapping[int, _CopyFigures],
) -> Columns:
    pages = _page_counts(session, paper_ids)
    rows = session.execute(
        select(
            Copy.id,
            Copy.paper_id,
            Copy.variant_id,
            Copy.status,
            Copy.code,
            Candidate.person_id,
            Candidate.class_name,
            Marking.corrector_id,
        )
        .outerjoin(Candidate, Candidate.id == Copy.candidate_id)
        .outerjoin(Marking, Marking.id == Copy.record_marking_id)
        .where(Copy.paper_id.in_(paper_ids))
    ).all()
    spared = _neutralised_for_all(rows, figures)
    columns: Columns = {field.name: [] for field in dictionary.COPY.fields}
    for row in rows:
        pseudonyms = pseudonyms_of(row.paper_id)
        figure = figures.get(row.id, _CopyFigures())
        values = {
            "copy_id": pseudonyms.number("copy", row.id),
            "paper_id": row.paper_id,
            "variant_id": row.variant_id,
            "candidate_id": None if row.person_id is None else pseudonyms.number("person", row.person_id),
            "class_name": row.class_name or "",
            "corrector": None if row.corrector_id is None else pseudonyms.code("corrector", row.corrector_id),
            "status": row.status,
            "pages": pages.get(row.id, 0),
            "is_finished": row.status in FINISHED,
            "is_marked": figure.is_marked,
            "items": figure.items,
            "is_whole": figure.is_marked and figure.neutralised <= spared.get(row.variant_id, frozenset()),
            "total_units": figure.total_hundredths,
            "mark_units": figure.mark_hundredths,
            "code": row.code,
        }
        for name, value in values.items():
            columns[name].append(value)
    return columns


def _neutralised_for_all(
    rows: Iterable[Row[*tuple[Any, ...]]], figures: Mapping[int, _CopyFigures]
) -> dict[int, frozenset[int]]:
    """By variant, the items neutralised on every finished copy: they are simply not part of the paper."""
    finished: Counter[int] = Counter()
    times: Counter[tuple[int, int]] = Counter()
    for row in rows:
        if row.status in FINISHED:
            finished[row.variant_id] += 1
            times.update((row.variant_id, item) for item in figures.get(row.id, _CopyFigures()).neutralised)
    return {
        variant: frozenset(item for (of, item), count in times.items() if of == variant and count == copies)
        for variant, copies in finished.items()
    }


def _page_counts(session: Session, paper_ids: Sequence[int]) -> dict[int, int]:
    latest = (
        select(PageSet.copy_id, func.max(PageSet.number).label("number")).group_by(PageSet.copy_id).subquery()
    )
    rows = session.execute(
        select(PageSet.copy_id, func.count())
        .join(latest, (latest.c.copy_id == PageSet.copy_id) & (latest.c.number == PageSet.number))
        .join(PageSetPage, PageSetPage.page_set_id == PageSet.id)
        .join(Copy, Copy.id == PageSet.copy_id)
        .where(Copy.paper_id.in_(paper_ids))
        .group_by(PageSet.copy_id)
    )
    return dict(rows.all())


def _lots(session: Session, paper_ids: Sequence[int], pseudonyms_of: Callable[[int], Pseudonyms]) -> Columns:
    query = (
        select(
            Copy.paper_id,
            Marking.corrector_id,
            func.count(),
            func.count(Marking.allocation_run_id),
            Account.login,
        )
        .join(Marking, Marking.id == Copy.record_marking_id)
        .join(Account, Account.id == Marking.corrector_id)
        .where(Copy.paper_id.in_(paper_ids))
        .group_by(Copy.paper_id, Marking.corrector_id, Account.login)
    )
    columns = _columns(query, session, ("paper_id", "corrector", "copies", "is_random", "login"))
    columns["is_random"] = [
        drawn == copies for drawn, copies in zip(columns["is_random"], columns["copies"], strict=True)
    ]
    columns["corrector"] = [
        pseudonyms_of(paper).code("corrector", corrector)
        for paper, corrector in zip(columns["paper_id"], columns["corrector"], strict=True)
    ]
    return columns


def _booklets(session: Session, paper_ids: Sequence[int]) -> Columns:
    chosen: ColumnElement[int | None] = (
        select(func.min(Proposal.rank))
        .where(Proposal.booklet_id == Booklet.id, Proposal.candidate_id == Decision.candidate_id)
        .correlate(Booklet, Decision)
        .scalar_subquery()
    )
    query = (
        select(
            Booklet.paper_id,
            func.coalesce(Proposal.decision, "none"),
            Proposal.probability,
            Decision.kind,
            Decision.automatic,
            chosen,
        )
        .outerjoin(Proposal, (Proposal.booklet_id == Booklet.id) & (Proposal.rank == 1))
        .outerjoin(Decision, (Decision.booklet_id == Booklet.id) & Decision.superseded_at.is_(None))
        .where(Booklet.paper_id.in_(paper_ids), Booklet.dissolved.is_(False))
    )
    names = ("paper_id", "proposal", "probability", "decision", "is_automatic", "chosen_rank")
    return _columns(query, session, names)


# --- marks ---------------------------------------------------------------------------------------


def _marks(
    session: Session,
    paper_ids: Sequence[int],
    pseudonyms_of: Callable[[int], Pseudonyms],
    schemes: Mapping[int, _Scheme],
) -> tuple[pa.Table, dict[int, _CopyFigures]]:
    """The marks of record, and what they add up to by copy.

    Marks of items that the current scheme no longer has stay out, as they do from the total.
    """
    schema = dictionary.MARK.schema(identified=False)
    batches: list[pa.RecordBatch] = []
    held: list[tuple[int, int, str, int | None]] = []
    figures: dict[int, _CopyFigures] = {}
    for (copy_id, paper_id, variant_id), group in _by_copy(session, paper_ids):
        scheme = schemes[variant_id]
        rows = [(item, state, units) for item, state, units in group if item in scheme.leaves]
        figures[copy_id] = _figures(scheme, rows)
        pseudonym = pseudonyms_of(paper_id).number("copy", copy_id)
        held += [(pseudonym, *row) for row in rows]
        if len(held) >= _BATCH_ROWS:
            batches.append(_batch(held, schema))
            held = []
    batches.append(_batch(held, schema))
    return pa.Table.from_batches(batches, schema), figures


def _by_copy(
    session: Session, paper_ids: Sequence[int]
) -> Iterator[tuple[tuple[int, int, int], Iterator[tuple[int, str, int | None]]]]:
    """The marks of record of each copy, read in batches."""
    rows = session.execute(
        select(
            Copy.id,
            Copy.paper_id,
            Copy.variant_id,
            MarkRow.item_id,
            MarkRow.state,
            MarkRow.points_hundredths,
        )
        .join(MarkRow, MarkRow.marking_id == Copy.record_marking_id)
        .where(Copy.paper_id.in_(paper_ids))
        .order_by(Copy.id)
        .execution_options(yield_per=_BATCH_ROWS)
    )
    for key, group in groupby(rows, key=itemgetter(0, 1, 2)):
        yield key, ((row[3], row[4], row[5]) for row in group)


def _figures(scheme: _Scheme, rows: Sequence[tuple[int, str, int | None]]) -> _CopyFigures:
    marks = {scheme.leaves[item].code: _mark(state, hundredths) for item, state, hundredths in rows}
    neutralised = frozenset(item for item, state, _ in rows if state == MarkState.NEUTRALISED.value)
    added = total(scheme.items, marks)
    figures = _CopyFigures(
        items=len(rows) - len(neutralised), neutralised=neutralised, is_marked=added.is_complete
    )
    if added.is_complete:
        figures.total_hundredths = to_hundredths(added.awarded)
    if added.is_complete and added.out_of > 0:
        figures.mark_hundredths = to_hundredths(_final(scheme.rule, added.awarded, added.out_of))
    return figures


@cache
def _mark(state: str, hundredths: int | None) -> Mark:
    """The same few values come millions of times."""
    return Mark(MarkState(state), None if hundredths is None else to_points(hundredths))


@cache
def _final(rule: GradeRule, awarded: Decimal, out_of: Decimal) -> Decimal:
    return final_mark(rule, Total(awarded, out_of, ())).final


# --- arrow ---------------------------------------------------------------------------------------


def _columns(query: Select[*tuple[Any, ...]], session: Session, names: Sequence[str]) -> Columns:
    rows = session.execute(query).all()
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


def _arrow(table: dictionary.SnapshotTable, columns: Columns, *, identified: bool) -> pa.Table:
    schema = table.schema(identified=identified)
    return pa.table({name: columns[name] for name in schema.names}, schema)


def _batch(rows: Sequence[tuple[int, int, str, int | None]], schema: pa.Schema) -> pa.RecordBatch:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    return pa.record_batch(
        [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )


def _check_unique(table: pa.Table, column: str) -> None:
    if len(table[column].unique()) != len(table):
        raise ValueError(f"two rows share a pseudonym in {column}")
