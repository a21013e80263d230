"""Sessions and their papers: making a paper with its marking scheme, and what there is to see of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from core.db.points import to_hundredths, to_points
from core.db.session import Sessions
from core.db.tables import (
    Candidate,
    Copy,
    Entry,
    ExamSession,
    Item,
    Paper,
    SchemeLine,
    SchemeVersion,
    Variant,
)
from core.domain.access import Action, Actor, authorise
from core.domain.columns import LineProblem
from core.domain.scheme import DEFAULT_STEP, Scheme, build
from core.domain.scheme_lines import read_scheme
from core.errors import BadInput, NotFound
from core.services import journal
from core.services.copy_rows import ItemView, item_view
from core.services.entries import EntriesReport, import_entries
from core.services.rosters import (
    PreviewLine,
    RosterPreview,
    RosterReport,
    RosterView,
    import_roster,
    preview_roster,
    roster,
)
from core.services.tables import whole_table
from core.services.transactions import reading, writing

__all__ = [
    "EntriesReport",
    "ItemView",
    "LineProblem",
    "PaperLine",
    "PaperView",
    "PreviewLine",
    "RosterPreview",
    "RosterReport",
    "RosterView",
    "SessionLine",
    "create_paper",
    "import_entries",
    "import_roster",
    "paper",
    "papers",
    "preview_roster",
    "roster",
    "sessions_list",
]

_VARIANT = re.compile(r"[0-9A-Z]{1,8}\Z")
_LARGEST_POINTS = Decimal(1000)


@dataclass(frozen=True)
class SessionLine:
    """A session in a list."""

    session_id: int
    name: str
    ends_on: date
    candidates: int


@dataclass(frozen=True)
class PaperLine:
    """A paper in a list; ``entries`` counts who sits it."""

    paper_id: int
    session_id: int
    session_name: str
    name: str
    total: Decimal
    sat_on: date | None
    entries: int
    copies: int


@dataclass(frozen=True)
class PaperView:
    """A paper with the current scheme of each variant."""

    paper_id: int
    session_id: int
    session_name: str
    name: str
    sat_on: date | None
    total: Decimal
    final_scale: Decimal
    coefficient: Decimal
    step: Decimal
    entries: int
    copies: int
    variants: tuple[str, ...]
    scheme: Mapping[str, tuple[ItemView, ...]]


def create_paper(
    sessions: Sessions,
    actor: Actor,
    *,
    session_name: str,
    name: str,
    schemes: Mapping[str, tuple[str, bytes]],
    total: Decimal = Decimal(20),
    coefficient: Decimal = Decimal(1),
    sat_on: date | None = None,
    step: Decimal = DEFAULT_STEP,
) -> int:
    """Make a paper with a scheme for each variant and an entry for each candidate of its session.

    Args:
        sessions: The database.
        actor: Who acts.
        session_name: A session that exists.
        name: Unique in the session.
        schemes: ``{variant code: (file name, bytes of a CSV or XLSX)}``, at least one. Lines of
            two variants with the same code, label and points are one item.
        total: Points of the paper; each scheme without bonus must add up to it.
        coefficient: Zero or more.
        sat_on: Day of the paper.
        step: What marks are multiples of.

    Returns:
        The paper's id.

    Raises:
        NotAllowed: The actor is neither of the secretariat nor coordinator.
        NotFound: No such session.
        BadInput: ``paper_name_missing``, ``paper_name_taken``, ``paper_bad_total``,
            ``paper_bad_coefficient``, ``paper_bad_step``, ``paper_bad_variant``, ``scheme_missing``;
            ``table_…`` and ``scheme_…`` with ``file`` (see :mod:`core.services.tables`,
            :mod:`core.domain.scheme_lines`, :mod:`core.domain.scheme`).
    """
    authorise(actor, Action.CREATE_PAPER)
    name = " ".join(name.split())
    if not name:
        raise BadInput("paper_name_missing")
    _check_numbers(total, coefficient, step)
    built = _build_schemes(schemes, total, step)
    with writing(sessions) as session:
        exam_session = _session_named(session, session_name)
        if session.scalar(select(exists().where(Paper.session_id == exam_session.id, Paper.name == name))):
            raise BadInput("paper_name_taken", paper=name, session=exam_session.name)
        row = Paper(
            session_id=exam_session.id,
            name=name,
            sat_on=sat_on,
            total_hundredths=to_hundredths(total),
            coefficient_hundredths=to_hundredths(coefficient),
            step_hundredths=to_hundredths(step),
        )
        session.add(row)
        session.flush()
        _add_schemes(session, row.id, built)
        candidates = session.scalars(select(Candidate.id).where(Candidate.session_id == exam_session.id))
        session.add_all(Entry(paper_id=row.id, candidate_id=candidate_id) for candidate_id in candidates)
        journal.record(
            session,
            actor,
            Action.CREATE_PAPER,
            kind="paper",
            object_id=row.id,
            values={"session": exam_session.id, "total": total, "variants": sorted(built)},
        )
        return row.id


def sessions_list(sessions: Sessions, actor: Actor) -> list[SessionLine]:
    """All sessions, the newest first."""
    authorise(actor, Action.VIEW_PAPERS)
    with reading(sessions) as session:
        rows = session.execute(
            select(ExamSession, _count(Candidate.session_id == ExamSession.id)).order_by(
                ExamSession.id.desc()
            )
        ).all()
        return [SessionLine(row.id, row.name, row.ends_on, candidates) for row, candidates in rows]


def papers(sessions: Sessions, actor: Actor) -> list[PaperLine]:
    """All papers, those of the newest session first."""
    authorise(actor, Action.VIEW_PAPERS)
    with reading(sessions) as session:
        rows = session.execute(
            select(
                Paper,
                ExamSession.name,
                _count(Entry.paper_id == Paper.id),
                _count(Copy.paper_id == Paper.id),
            )
            .join(ExamSession, ExamSession.id == Paper.session_id)
            .order_by(ExamSession.id.desc(), Paper.id)
        ).all()
        return [
            PaperLine(
                paper_id=row.id,
                session_id=row.session_id,
                session_name=session_name,
                name=row.name,
                total=to_points(row.total_hundredths),
                sat_on=row.sat_on,
                entries=entries,
                copies=copies,
            )
            for row, session_name, entries, copies in rows
        ]


def paper(sessions: Sessions, actor: Actor, *, paper_id: int) -> PaperView:
    """A paper and its schemes.

    Raises:
        NotAllowed: The actor is a pupil.
        NotFound: No such paper.
    """
    authorise(actor, Action.VIEW_PAPERS)
    with reading(sessions) as session:
        found = session.execute(
            select(
                Paper,
                ExamSession.name,
                _count(Entry.paper_id == Paper.id),
                _count(Copy.paper_id == Paper.id),
            )
            .join(ExamSession, ExamSession.id == Paper.session_id)
            .where(Paper.id == paper_id)
        ).first()
        if found is None:
            raise NotFound("paper", paper=paper_id)
        row, session_name, entries, copies = found
        scheme = _current_schemes(session, paper_id)
        return PaperView(
            paper_id=row.id,
            session_id=row.session_id,
            session_name=session_name,
            name=row.name,
            sat_on=row.sat_on,
            total=to_points(row.total_hundredths),
            final_scale=to_points(row.final_scale_hundredths),
            coefficient=to_points(row.coefficient_hundredths),
            step=to_points(row.step_hundredths),
            entries=entries,
            copies=copies,
            variants=tuple(scheme),
            scheme=scheme,
        )


def _check_numbers(total: Decimal, coefficient: Decimal, step: Decimal) -> None:
    for code, value, smallest in (
        ("paper_bad_total", total, Decimal("0.01")),
        ("paper_bad_coefficient", coefficient, Decimal(0)),
        ("paper_bad_step", step, Decimal("0.01")),
    ):
        # NaN compares with nothing, so it is asked for first.
        if not value.is_finite() or not smallest <= value <= _LARGEST_POINTS or value % Decimal("0.01"):
            raise BadInput(code, value=value)


def _build_schemes(
    schemes: Mapping[str, tuple[str, bytes]], total: Decimal, step: Decimal
) -> dict[str, Scheme]:
    if not schemes:
        raise BadInput("scheme_missing")
    built: dict[str, Scheme] = {}
    for code, (file_name, content) in schemes.items():
        variant = code.strip().upper()
        if not _VARIANT.match(variant) or variant in built:
            raise BadInput("paper_bad_variant", variant=code)
        built[variant] = _build_scheme(file_name, content, total, step)
    return built


def _build_scheme(file_name: str, content: bytes, total: Decimal, step: Decimal) -> Scheme:
    table = whole_table(file_name, content)
    try:
        return build(read_scheme(table.headers, table.rows), paper_total=total, step=step)
    except BadInput as error:
        raise BadInput(error.code, file=file_name, **error.details) from error


def _session_named(session: Session, name: str) -> ExamSession:
    """The session of this name, locked: no roster is imported while entries are being made."""
    wanted = " ".join(name.split())
    found = session.scalars(select(ExamSession).where(ExamSession.name == wanted).with_for_update()).first()
    if found is None:
        raise NotFound("session", name=wanted)
    return found


def _add_schemes(session: Session, paper_id: int, built: Mapping[str, Scheme]) -> None:
    items: dict[str, tuple[Item, object]] = {}
    for code, scheme in built.items():
        variant = Variant(paper_id=paper_id, code=code)
        session.add(variant)
        session.flush()
        version = SchemeVersion(paper_id=paper_id, variant_id=variant.id)
        for position, item in enumerate(scheme.items, 1):
            stated = (item.label, item.points, item.bonus, item.is_leaf)
            # The same code may bear another question in another variant: that is another item.
            key = item.code if items.get(item.code, (None, stated))[1] == stated else f"{code}:{item.code}"
            if key not in items:
                items[key] = (Item(paper_id=paper_id, stable_key=key), stated)
                session.add(items[key][0])
                session.flush()
            version.lines.append(
                SchemeLine(
                    item_id=items[key][0].id,
                    position=position,
                    code=item.code,
                    label=item.label,
                    points_hundredths=to_hundredths(item.points),
                    bonus=item.bonus,
                    competence=item.competence,
                    is_leaf=item.is_leaf,
                )
            )
        session.add(version)
        session.flush()


def _current_schemes(session: Session, paper_id: int) -> dict[str, tuple[ItemView, ...]]:
    versions = session.execute(
        select(Variant.code, SchemeVersion)
        .join(SchemeVersion, SchemeVersion.variant_id == Variant.id)
        .where(Variant.paper_id == paper_id, SchemeVersion.superseded_at.is_(None))
        .order_by(Variant.code)
    ).all()
    return {code: tuple(item_view(line) for line in version.lines) for code, version in versions}


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return select(func.count()).where(condition).scalar_subquery()
