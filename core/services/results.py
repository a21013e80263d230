"""Results: snapshots of papers, reports over them, and the dashboard.

A copy counts as corrected once it is finalised or published; see
``core.reports.extraction.FINISHED``.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db.session import Sessions
from core.db.tables import ExamSession, Paper
from core.db.tables.base import now
from core.domain.access import Action, Actor, authorise
from core.errors import BadInput
from core.reports import catalogue as queries
from core.reports import runner
from core.reports.dashboard import Dashboard, compose
from core.reports.extraction import extract, fingerprint
from core.reports.pseudonyms import Pseudonyms, key_of, school_year
from core.reports.runner import ReportTable
from core.reports.snapshot import FORMAT, MANIFEST, publish
from core.services import journal
from core.services.copy_rows import paper_row

_KEPT_SNAPSHOTS = 2
"""Of each paper: the present one, and the one before that another process may still be reading."""


@dataclass(frozen=True)
class SnapshotMade:
    """A snapshot folder; ``sha256`` is that of its manifest."""

    path: Path
    sha256: str


@dataclass(frozen=True)
class ReportLine:
    """A report in a list."""

    name: str
    title: str
    grain: str


def catalogue() -> list[ReportLine]:
    """The reports there are, as their SQL files say."""
    return [ReportLine(query.name, query.title, query.grain) for query in queries.reports().values()]


def snapshot(
    sessions: Sessions,
    actor: Actor,
    *,
    paper_ids: Sequence[int],
    out_dir: Path,
    home: Path,
    identified: bool = False,
) -> SnapshotMade:
    """Write the Parquet snapshot of some papers, with its data dictionary and manifest.

    Args:
        sessions: Database.
        actor: Who asks.
        paper_ids: Papers to take.
        out_dir: Folder to make; it must not hold anything.
        home: Where the keys of the pseudonyms are.
        identified: Whether names go along; this needs the right to export.

    Raises:
        NotAllowed: The actor may not create a snapshot, or not one with names.
        NotFound: There is no such paper.
        BadInput: ``snapshot_exists``, ``snapshot_unwritable``.
    """
    authorise(actor, Action.CREATE_SNAPSHOT)
    if identified:
        authorise(actor, Action.EXPORT)
    with sessions.begin() as session:
        _see_one_state(session)
        tables = extract(session, paper_ids, _pseudonyms(session, paper_ids, home), identified=identified)
        journal.record(
            session,
            actor,
            Action.CREATE_SNAPSHOT,
            kind="paper",
            object_id=paper_ids[0] if len(paper_ids) == 1 else None,
            values={"papers": list(paper_ids), "identified": identified},
        )
    published = publish(
        tables, out_dir, created_at=now(), identified=identified, parameters={"papers": list(paper_ids)}
    )
    return SnapshotMade(published.path, published.sha256)


def report(sessions: Sessions, actor: Actor, *, name: str, paper_id: int, home: Path) -> ReportTable:
    """A report over the present state of a paper.

    Raises:
        NotAllowed: The actor may not see results.
        NotFound: There is no such paper.
        BadInput: ``report_unknown``.
    """
    authorise(actor, Action.VIEW_RESULTS)
    queries.find(name)
    with runner.opened_snapshot(_current(sessions, paper_id, home)) as connection:
        return runner.run(connection, name, paper_id=paper_id)


def results_dashboard(sessions: Sessions, actor: Actor, *, paper_id: int, home: Path) -> Dashboard:
    """The sentence, figures and tables of a paper; its snapshot is made again when data changed.

    Raises:
        NotAllowed: The actor may not see results.
        NotFound: There is no such paper.
    """
    authorise(actor, Action.VIEW_RESULTS)
    with runner.opened_snapshot(_current(sessions, paper_id, home)) as connection:
        return compose(connection, paper_id=paper_id)


def _current(sessions: Sessions, paper_id: int, home: Path) -> Path:
    """The folder of the paper's present snapshot, made when there is none."""
    folder = home / "snapshots"
    with sessions.begin() as session:
        _see_one_state(session)
        paper_row(session, paper_id)
        present = folder / f"paper-{paper_id}-{FORMAT}-{fingerprint(session, paper_id)[:24]}"
        if (present / MANIFEST).is_file():
            return present
        tables = extract(session, [paper_id], _pseudonyms(session, [paper_id], home), identified=False)
    try:
        publish(tables, present, created_at=now(), identified=False, parameters={"papers": [paper_id]})
    except BadInput:
        # Another process made the same one meanwhile; anything else is told.
        if not (present / MANIFEST).is_file():
            raise
    _forget_older(folder, paper_id)
    return present


def _forget_older(folder: Path, paper_id: int) -> None:
    made = sorted(folder.glob(f"paper-{paper_id}-*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in made[_KEPT_SNAPSHOTS:]:
        shutil.rmtree(path, ignore_errors=True)


def _pseudonyms(session: Session, paper_ids: Sequence[int], home: Path) -> Callable[[int], Pseudonyms]:
    """The pseudonyms of each paper, keyed by the school year of its session."""
    years: dict[int, str] = {}
    for paper_id in paper_ids:
        paper = paper_row(session, paper_id)
        ends_on = session.scalars(
            select(ExamSession.ends_on)
            .join(Paper, Paper.session_id == ExamSession.id)
            .where(Paper.id == paper.id)
        ).one()
        years[paper_id] = school_year(ends_on)
    keyed = {year: Pseudonyms(key_of(home / "secrets", year)) for year in set(years.values())}
    return cache(lambda paper_id: keyed[years[paper_id]])


def _see_one_state(session: Session) -> None:
    """Let all the queries of the transaction see one state; SQLite's do anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
