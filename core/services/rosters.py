"""Rosters: who is in a session, imported from a file again and again without doubling anybody."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.db.session import Sessions
from core.db.tables import Candidate, Entry, ExamSession, Identity, Paper, Person
from core.db.tables.base import now
from core.domain.access import Action, Actor, authorise
from core.domain.columns import LineProblem
from core.domain.rosters import (
    Known,
    RosterLine,
    RosterReading,
    homonyms,
    name_key,
    pair_elsewhere,
    pair_in_session,
    read_roster,
)
from core.errors import BadInput, NotFound
from core.services import journal
from core.services.tables import read_table
from core.services.transactions import reading, writing

Change = Literal["created", "updated", "unchanged"]


@dataclass(frozen=True)
class RosterReport:
    """What an import did. ``absent`` counts candidates of the session that the file does not name: they stay.

    ``entries_added`` counts new candidates put on papers that the whole session sits.
    """

    session_id: int
    created: int
    updated: int
    unchanged: int
    absent: int
    errors: tuple[LineProblem, ...]
    to_check: tuple[LineProblem, ...]
    entries_added: int = 0


@dataclass(frozen=True)
class PreviewLine:
    """A good line of a roster and what importing it would do."""

    line: int
    surname: str
    first_name: str
    birth_date: date | None
    class_name: str
    change: Change


@dataclass(frozen=True)
class RosterPreview:
    """What an import would do; ``mapping`` is field → header, ``ignored`` the headers nothing is taken from."""

    mapping: Mapping[str, str]
    ignored: tuple[str, ...]
    lines: tuple[PreviewLine, ...]
    created: int
    updated: int
    unchanged: int
    absent: int
    errors: tuple[LineProblem, ...]
    to_check: tuple[LineProblem, ...]


@dataclass(frozen=True)
class RosterView:
    """A candidate of a session; ``to_check`` is a code such as ``name_cut_unsure``."""

    candidate_id: int
    surname: str
    first_name: str
    birth_date: date | None
    class_name: str
    group_name: str
    to_check: str | None
    homonym: bool


@dataclass(frozen=True)
class _Step:
    """What is to be done with one line; ``values`` differ from what is known."""

    line: RosterLine
    candidate: Candidate | None
    person: Person | None
    values: Mapping[str, Any]

    @property
    def change(self) -> Change:
        if self.candidate is None:
            return "created"
        return "updated" if self.values else "unchanged"


@dataclass(frozen=True)
class _Plan:
    steps: tuple[_Step, ...]
    absent: int
    to_check: tuple[LineProblem, ...]

    def count(self, change: Change) -> int:
        return sum(step.change == change for step in self.steps)


def import_roster(
    sessions: Sessions,
    actor: Actor,
    *,
    session_name: str,
    file_name: str,
    content: bytes,
    ends_on: date | None = None,
) -> RosterReport:
    """Import a roster into the session of this name, made when new.

    Bad lines are listed and the others go in; importing the same file again changes
    nothing. ``ends_on`` (default: 31 August to come) is the end date of a new session.

    Raises:
        NotAllowed: The actor is not of the secretariat.
        BadInput: ``session_name_missing``, ``table_…`` (see :mod:`core.services.tables`), ``roster_no_name_column``.
        Conflict: Somebody else was making this session.
    """
    authorise(actor, Action.IMPORT_ROSTER)
    name, found = _checked_name(session_name), _read(file_name, content)
    with writing(sessions) as session:
        exam_session = _session_named(session, name, ends_on)
        # Everybody who sits a paper by default must go on doing so: looked up before candidates come.
        papers = _papers_of_everybody(session, exam_session.id)
        plan = _plan(session, exam_session.id, found.lines)
        candidates = [_apply(session, exam_session.id, step) for step in plan.steps]
        created = [
            candidate
            for candidate, step in zip(candidates, plan.steps, strict=True)
            if step.change == "created"
        ]
        session.flush()
        session.add_all(
            Entry(paper_id=paper_id, candidate_id=candidate.id)
            for paper_id in papers
            for candidate in created
        )
        _journal_import(session, actor, exam_session, content, plan, candidates)
        return RosterReport(
            session_id=exam_session.id,
            created=plan.count("created"),
            updated=plan.count("updated"),
            unchanged=plan.count("unchanged"),
            absent=plan.absent,
            errors=found.errors,
            to_check=plan.to_check,
            entries_added=len(papers) * len(created),
        )


def preview_roster(
    sessions: Sessions, actor: Actor, *, session_name: str, file_name: str, content: bytes
) -> RosterPreview:
    """What :func:`import_roster` would do, without writing anything.

    Raises:
        NotAllowed: The actor is not of the secretariat.
        BadInput: As :func:`import_roster`.
    """
    authorise(actor, Action.IMPORT_ROSTER)
    name, found = _checked_name(session_name), _read(file_name, content)
    with reading(sessions) as session:
        session_id = session.scalar(select(ExamSession.id).where(ExamSession.name == name))
        plan = _plan(session, session_id, found.lines)
        return RosterPreview(
            mapping=found.mapping,
            ignored=found.ignored,
            lines=tuple(
                PreviewLine(
                    step.line.number,
                    step.line.surname,
                    step.line.first_name,
                    step.line.birth_date,
                    step.line.class_name,
                    step.change,
                )
                for step in plan.steps
            ),
            created=plan.count("created"),
            updated=plan.count("updated"),
            unchanged=plan.count("unchanged"),
            absent=plan.absent,
            errors=found.errors,
            to_check=plan.to_check,
        )


def roster(sessions: Sessions, actor: Actor, *, session_id: int) -> list[RosterView]:
    """The candidates of a session by name; persons erased meanwhile are left out.

    Raises:
        NotAllowed: The actor is not of the secretariat.
        NotFound: No such session.
    """
    authorise(actor, Action.IMPORT_ROSTER)
    with reading(sessions) as session:
        if session.get(ExamSession, session_id) is None:
            raise NotFound("session", session=session_id)
        found = [
            (candidate, candidate.person.identity)
            for candidate in candidates_of(session, session_id)
            if candidate.person.identity
        ]
        same = homonyms((identity.surname, identity.first_name) for _, identity in found if identity)
        views = [
            RosterView(
                candidate_id=candidate.id,
                surname=identity.surname,
                first_name=identity.first_name,
                birth_date=identity.birth_date,
                class_name=candidate.class_name,
                group_name=candidate.group_name,
                to_check=candidate.to_check,
                homonym=name_key(identity.surname, identity.first_name) in same,
            )
            for candidate, identity in found
            if identity
        ]
    return sorted(views, key=lambda view: (name_key(view.surname, view.first_name), view.candidate_id))


def known_candidates(candidates: Sequence[Candidate]) -> list[Known]:
    """What tells candidates apart, keyed by candidate id; persons erased meanwhile are left out."""
    return [
        Known(
            key=candidate.id,
            surname=identity.surname,
            first_name=identity.first_name,
            birth_date=identity.birth_date,
            ine=identity.ine,
            candidate_number=candidate.number,
            class_name=candidate.class_name,
            email=identity.email,
        )
        for candidate in candidates
        if (identity := candidate.person.identity) is not None
    ]


def candidates_of(session: Session, session_id: int) -> Sequence[Candidate]:
    """The candidates of a session, oldest first."""
    return session.scalars(
        select(Candidate).where(Candidate.session_id == session_id).order_by(Candidate.id)
    ).all()


def school_year_end(day: date) -> date:
    """31 August to come, the end of the school year that ``day`` is in."""
    end = date(day.year, 8, 31)
    return end if day <= end else date(day.year + 1, 8, 31)


# --- reading


def _read(file_name: str, content: bytes) -> RosterReading:
    table = read_table(file_name, content)
    whole = [row for row in table.rows if row[0] not in table.overfull]
    try:
        found = read_roster(table.headers, whole)
    except BadInput as error:
        raise BadInput(error.code, file=file_name, **error.details) from error
    overfull = [
        LineProblem(line, BadInput("table_line_overfull", columns=len(table.headers)))
        for line in table.overfull
    ]
    errors = sorted((*found.errors, *overfull), key=lambda problem: problem.line)
    return replace(found, errors=tuple(errors))


def _checked_name(text: str) -> str:
    name = " ".join(text.split())
    if not name:
        raise BadInput("session_name_missing")
    return name


# --- planning


def _plan(session: Session, session_id: int | None, lines: Sequence[RosterLine]) -> _Plan:
    """What each line comes to: a candidate of this session, a person met in another one, or somebody new."""
    candidates = {} if session_id is None else {row.id: row for row in candidates_of(session, session_id)}
    here = known_candidates(list(candidates.values()))
    paired = pair_in_session(lines, here)
    people = _people_elsewhere(session, session_id)
    known = [_known_person(person.id, person.identity) for person in people.values() if person.identity]
    elsewhere = pair_elsewhere([line for line in lines if line.number not in paired], known)
    steps = tuple(
        _step(line, candidates.get(paired.get(line.number, 0)), people.get(elsewhere.get(line.number, 0)))
        for line in lines
    )
    unseen = [person for person in here if person.key not in paired.values()]
    return _Plan(steps, absent=len(unseen), to_check=_to_check(steps, unseen))


def _step(line: RosterLine, candidate: Candidate | None, person: Person | None) -> _Step:
    if candidate is None:
        return _Step(line, None, person, {})
    return _Step(line, candidate, candidate.person, _differences(line, candidate))


def _differences(line: RosterLine, candidate: Candidate) -> dict[str, Any]:
    """The values a line brings that are not known; an empty cell takes nothing away."""
    told = _identity_values(line) | _candidate_values(line)
    if line.to_check and candidate.to_check != line.to_check:
        # The cut is known already, from a better file or from a person who looked.
        told = {field: value for field, value in told.items() if field not in ("surname", "first_name")}
    values = {
        field: value
        for field, value in told.items()
        if value
        and value != getattr(candidate if hasattr(candidate, field) else candidate.person.identity, field)
    }
    if candidate.to_check and not line.to_check:
        values["to_check"] = None
    return values


def _identity_values(line: RosterLine) -> dict[str, Any]:
    return {
        "surname": line.surname,
        "first_name": line.first_name,
        "usage_name": line.usage_name,
        "birth_date": line.birth_date,
        "ine": line.ine,
        "email": line.email,
    }


def _candidate_values(line: RosterLine) -> dict[str, Any]:
    return {
        "class_name": line.class_name,
        "group_name": line.group_name,
        "number": line.candidate_number,
    }


def _to_check(steps: Sequence[_Step], unseen: Sequence[Known]) -> tuple[LineProblem, ...]:
    """Lines whose cut is a proposal, and lines of homonyms, in the order of the file."""
    lines = [step.line for step in steps]
    same = homonyms(
        [*((line.surname, line.first_name) for line in lines), *((k.surname, k.first_name) for k in unseen)]
    )
    problems: list[LineProblem] = []
    for step in steps:
        line = step.line
        flag = line.to_check if step.candidate is None else step.candidate.to_check and line.to_check
        if flag:
            cut = {"surname": line.surname, "first_name": line.first_name}
            problems.append(LineProblem(line.number, BadInput(flag, **cut)))
        if name_key(line.surname, line.first_name) in same:
            name = f"{line.surname} {line.first_name}".strip()
            problems.append(LineProblem(line.number, BadInput("roster_homonym", name=name)))
    return tuple(problems)


def _people_elsewhere(session: Session, session_id: int | None) -> dict[int, Person]:
    """People of other sessions who are not in this one, by person id."""
    here = select(Candidate.person_id).where(Candidate.session_id == session_id)
    found = session.scalars(
        select(Person)
        .where(Person.id.in_(select(Candidate.person_id)), Person.id.not_in(here))
        .order_by(Person.id)
    )
    return {person.id: person for person in found}


def _known_person(key: int, identity: Identity) -> Known:
    return Known(key, identity.surname, identity.first_name, identity.birth_date, identity.ine)


# --- writing


def _session_named(session: Session, name: str, ends_on: date | None) -> ExamSession:
    """The session of this name, made when new, locked so that two imports follow each other."""
    found = session.scalars(select(ExamSession).where(ExamSession.name == name).with_for_update()).first()
    if found is None:
        found = ExamSession(name=name, ends_on=ends_on or school_year_end(now().date()))
        session.add(found)
        session.flush()
    return found


def _papers_of_everybody(session: Session, session_id: int) -> list[int]:
    """The papers of a session that each of its candidates sits: nobody chose other entries for them."""
    everybody = session.scalar(
        select(func.count()).select_from(Candidate).where(Candidate.session_id == session_id)
    )
    entries = select(func.count()).select_from(Entry).where(Entry.paper_id == Paper.id).scalar_subquery()
    return list(session.scalars(select(Paper.id).where(Paper.session_id == session_id, entries == everybody)))


def _apply(session: Session, session_id: int, step: _Step) -> Candidate:
    if step.candidate is None:
        return _add(session, session_id, step)
    for field, value in step.values.items():
        target = step.candidate if hasattr(step.candidate, field) else step.candidate.person.identity
        setattr(target, field, value)
    return step.candidate


def _add(session: Session, session_id: int, step: _Step) -> Candidate:
    line = step.line
    person = step.person or Person(identity=Identity(surname=line.surname))
    keep_name = step.person is not None and line.to_check is not None
    for field, value in _identity_values(line).items():
        if value and not (keep_name and field in ("surname", "first_name")):
            setattr(person.identity, field, value)
    candidate = Candidate(
        session_id=session_id,
        person=person,
        to_check=None if keep_name else line.to_check,
        **_candidate_values(line),
    )
    session.add(candidate)
    return candidate


def _journal_import(
    session: Session,
    actor: Actor,
    exam_session: ExamSession,
    content: bytes,
    plan: _Plan,
    candidates: Sequence[Candidate],
) -> None:
    """Candidate ids and names of fields only: what a person is called stands in the erasable table."""
    done = list(zip(candidates, plan.steps, strict=True))
    if all(step.change == "unchanged" for _, step in done):
        return
    journal.record(
        session,
        actor,
        Action.IMPORT_ROSTER,
        kind="exam_session",
        object_id=exam_session.id,
        values={
            "file_sha256": hashlib.sha256(content).hexdigest(),
            "created": [candidate.id for candidate, step in done if step.change == "created"],
            "updated": {
                str(candidate.id): sorted(step.values) for candidate, step in done if step.change == "updated"
            },
        },
    )
