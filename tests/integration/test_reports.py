"""Snapshots and reports: SQL files against their headers, figures by hand, pseudonyms, freshness."""

from __future__ import annotations

import json
import random
import statistics
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from core.db.tables import Candidate, Copy, Entry, JournalEntry, Marking, MarkRow, Person
from core.domain.access import Role
from core.domain.copies import CopyStatus
from core.errors import BadInput, NotAllowed, NotFound
from core.reports import catalogue, runner
from core.reports.dictionary import TABLES, described
from core.reports.outside import PAPER_ID, Grid, tables_of
from core.reports.pseudonyms import Pseudonyms, key_of, school_year
from core.reports.snapshot import damaged_files, publish
from core.services import results
from core.storage.blobs import BlobStore
from tests.integration.builders import STAFF, Exam, build_exam

Sessions = sessionmaker[Session]
NOON = datetime(2027, 1, 20, 12, 0, tzinfo=UTC)

MARKS = (
    {"1.a": 400, "1.b": 300, "2.a": 800, "2.b": 100},
    {"1.a": 200, "1.b": None, "2.a": 500, "2.b": 0},
    {"1.a": 100, "1.b": 600, "2.a": 1000, "2.b": None},
)
"""Hundredths by item of the three first copies; ``None``: not treated. Totals 16, 7, 17."""


def mark(
    sessions: Sessions, exam: Exam, code: str, marks: dict[str, int | None], login: str = "martin"
) -> None:
    with sessions.begin() as session:
        copy = session.scalars(select(Copy).where(Copy.code == code)).one()
        marking = Marking(copy_id=copy.id, corrector_id=exam.accounts[login])
        session.add(marking)
        session.flush()
        session.add_all(
            MarkRow(
                marking_id=marking.id,
                item_id=exam.items[item],
                state="untreated" if points is None else "marked",
                points_hundredths=points,
            )
            for item, points in marks.items()
        )
        copy.record_marking_id = marking.id


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")


@pytest.fixture
def exam(sessions: Sessions, blobs: BlobStore) -> Exam:
    """Four copies: three finalised, one still being marked."""
    made = build_exam(sessions, blobs, copies=4, status=CopyStatus.FINALISED)
    for code, marks in zip(made.codes, MARKS, strict=False):
        mark(sessions, made, code, marks)
    mark(sessions, made, made.codes[3], {"1.a": 100}, "nguyen")
    with sessions.begin() as session:
        session.scalars(
            select(Copy).where(Copy.code == made.codes[3])
        ).one().status = CopyStatus.MARKING.value
    return made


def one(sessions: Sessions, exam: Exam, name: str, home: Path) -> list[dict[str, runner.Value]]:
    return results.report(sessions, STAFF, name=name, paper_id=exam.paper_id, home=home).records()


# --- SQL files


def empty_tables() -> dict[str, object]:
    return tables_of(Grid([], ["1"], [Decimal(1)], []))


@pytest.mark.parametrize(
    "query", [*catalogue.staging().values(), *catalogue.reports().values()], ids=lambda q: q.name
)
def test_a_sql_file_gives_the_columns_its_header_declares(query: catalogue.Query) -> None:
    with runner.opened_tables(tables_of(Grid(["1"], ["1"], [Decimal(1)], [[Decimal(1)]]))) as connection:
        actual = runner.actual_columns(connection, query)

    assert actual == [(column.name, column.type) for column in query.columns]


@pytest.mark.parametrize("query", catalogue.reports().values(), ids=lambda q: q.name)
def test_a_report_reads_staging_tables_only_and_says_which(query: catalogue.Query) -> None:
    body = query.sql.split("\n\n", 1)[1]

    assert set(query.reads) <= set(catalogue.staging())
    assert "snapshot." not in body
    assert all(name in body for name in query.reads)


@pytest.mark.parametrize("query", catalogue.reports().values(), ids=lambda q: q.name)
def test_a_report_answers_on_a_paper_without_copies(query: catalogue.Query) -> None:
    with runner.opened_tables(tables_of(Grid([], ["1"], [Decimal(1)], []))) as connection:
        runner.run(connection, query.name, paper_id=PAPER_ID)


def test_a_header_without_grain_is_refused() -> None:
    with pytest.raises(ValueError, match="grain"):
        catalogue.parse(
            "x", "-- title: T\n-- params: none\n-- reads: a\n-- columns:\n--   a int b\n-- excludes: no\n"
        )


def test_an_unknown_report_is_named_with_those_there_are() -> None:
    with pytest.raises(BadInput) as caught:
        catalogue.find("nothing")

    assert caught.value.code == "report_unknown"
    assert "paper_summary" in str(caught.value.details["known"])


def test_queries_reach_neither_files_nor_settings(tmp_path: Path) -> None:
    with runner.opened_tables(tables_of(Grid(["1"], ["1"], [Decimal(1)], [[Decimal(1)]]))) as connection:
        for query in (
            "select * from read_csv('/etc/passwd')",
            f"copy (select 1) to '{tmp_path / 'out.csv'}'",
            f"attach '{tmp_path / 'other.duckdb'}'",
            "set enable_external_access = true",
        ):
            with pytest.raises(duckdb.Error):
                connection.execute(query)


# --- definitions


def drawn_grid(copies: int, *, blanks: bool = False) -> Grid:
    """Marks by chance, in quarters of a point, the better copies better at every item."""
    chance = random.Random(7)
    points = [Decimal("0.5"), Decimal(1), Decimal("1.5"), Decimal(2), Decimal("0.25")]
    marks: list[list[Decimal | None]] = []
    for _copy in range(copies):
        strength = chance.random()
        row: list[Decimal | None] = []
        for most in points:
            quarters = int(most * 4)
            row.append(Decimal(sum(chance.random() < strength for _ in range(quarters))) / 4)
            if blanks and chance.random() < 0.1:
                row[-1] = None
        marks.append(row)
    return Grid([str(n) for n in range(copies)], [f"1.{n}" for n in range(5)], points, marks)


def test_figures_of_a_report_agree_with_numpy() -> None:
    grid = drawn_grid(211)
    x = np.array([[float(value or 0) for value in row] for row in grid.marks])
    total = x.sum(axis=1)

    with runner.opened_tables(tables_of(grid)) as connection:
        paper = runner.run(connection, "paper_summary", paper_id=PAPER_ID).records()[0]
        items = runner.run(connection, "item_statistics", paper_id=PAPER_ID).records()

    assert paper["mean"] == pytest.approx(total.mean(), abs=1e-10)
    assert paper["sd"] == pytest.approx(total.std(ddof=1), abs=1e-10)
    assert paper["q1"] == pytest.approx(np.quantile(total, 0.25), abs=1e-10)
    assert paper["mode"] == min(statistics.multimode(total))
    alpha = 5 / 4 * (1 - x.var(axis=0, ddof=1).sum() / total.var(ddof=1))
    assert paper["alpha"] == pytest.approx(alpha, abs=1e-10)
    roots = np.sqrt([np.cov(x[:, k], total)[0, 1] for k in range(5)])
    group = round(0.27 * len(total))
    for k, row in enumerate(items):
        rest = total - x[:, k]
        assert row["discrimination"] == pytest.approx(100 * np.corrcoef(x[:, k], rest)[0, 1], abs=1e-8)
        best = np.cov(np.sort(x[:, k]), np.sort(rest))[0, 1]
        efficiency = 100 * np.cov(x[:, k], rest)[0, 1] / best
        assert row["discriminative_efficiency"] == pytest.approx(efficiency, abs=1e-8)
        assert row["effective_weight"] == pytest.approx(100 * roots[k] / roots.sum(), abs=1e-8)
        others = np.delete(x, k, axis=1)
        removed = 4 / 3 * (1 - others.var(axis=0, ddof=1).sum() / rest.var(ddof=1))
        assert row["alpha_if_removed"] == pytest.approx(removed, abs=1e-10)
        most = float(grid.points[k])
        assert row["upper_lower_27"] == pytest.approx(
            (tail_mean(x[:, k], -total, group) - tail_mean(x[:, k], total, group)) / most, abs=1e-10
        )


def tail_mean(x: np.ndarray, order: np.ndarray, size: int) -> float:
    """The mean of the first ``size`` by ``order``, over all the ways of ranking those that are tied."""
    border = np.sort(order)[size - 1]
    inside, tied = x[order < border], x[order == border]
    return float((inside.sum() + tied.mean() * (size - len(inside))) / size)


def test_results_do_not_depend_on_the_order_of_the_rows() -> None:
    grid = drawn_grid(97)
    order = list(range(97))
    random.Random(3).shuffle(order)
    turned = Grid(grid.copies, grid.items, grid.points, [grid.marks[n] for n in order])

    rows = []
    for one_grid in (grid, turned):
        with runner.opened_tables(tables_of(one_grid)) as connection:
            rows.append(
                [
                    runner.run(connection, name, paper_id=PAPER_ID).rows
                    for name in ("paper_summary", "paper_reliability", "item_statistics", "mark_distribution")
                ]
            )

    assert rows[0] == rows[1]


def test_a_missing_cell_is_left_out_and_an_untreated_item_counts_as_zero() -> None:
    half = Grid(
        ["a", "b", "c"],
        ["1", "2"],
        [Decimal(2), Decimal(2)],
        [[Decimal(2), Decimal(1)], [Decimal(1), None], [Decimal(0), Decimal(2)]],
    )
    zero = Grid(half.copies, half.items, half.points, half.marks, missing_is_untreated=True)

    found = []
    for grid in (half, zero):
        with runner.opened_tables(tables_of(grid)) as connection:
            items = runner.run(connection, "item_statistics", paper_id=PAPER_ID).records()
            paper = runner.run(connection, "paper_summary", paper_id=PAPER_ID).records()[0]
        found.append((items, paper))
    (missing, missing_paper), (untreated, untreated_paper) = found

    assert (missing[1]["n"], missing[1]["facility"], missing[1]["share_blank"]) == (2, 0.75, 0)
    assert (missing[0]["n"], missing[0]["complete"], missing_paper["marked"]) == (3, 2, 2)
    assert (untreated[1]["n"], untreated[1]["facility"]) == (3, 0.5)
    assert untreated[1]["share_blank"] == pytest.approx(1 / 3)
    assert (untreated[1]["facility_answered"], untreated_paper["marked"]) == (0.75, 3)


def test_blanks_at_the_end_of_a_copy_are_items_not_reached() -> None:
    grid = Grid(
        ["a", "b"],
        ["1", "2", "3"],
        [Decimal(1)] * 3,
        [[Decimal(1), None, None], [None, Decimal(1), Decimal(0)]],
        missing_is_untreated=True,
    )

    with runner.opened_tables(tables_of(grid)) as connection:
        items = runner.run(connection, "item_statistics", paper_id=PAPER_ID)

    assert items.column("share_not_reached") == (0.0, 0.5, 0.5)


def test_figures_without_variance_are_not_defined() -> None:
    with runner.opened_tables(
        tables_of(Grid(["a"], ["1", "2"], [Decimal(1)] * 2, [[Decimal(1), Decimal(0)]]))
    ) as c:
        paper = runner.run(c, "paper_summary", paper_id=PAPER_ID).records()[0]
        item = runner.run(c, "item_statistics", paper_id=PAPER_ID).records()[0]

    assert [paper[name] for name in ("sd", "skewness", "kurtosis", "alpha", "sem")] == [None] * 5
    assert [item[name] for name in ("sd", "discrimination", "discriminative_efficiency")] == [None] * 3


def test_marks_stay_exact_whatever_their_decimals() -> None:
    grid = Grid(["a", "b"], ["1"], [Decimal(1)], [[Decimal("0.3333333")], [Decimal("0.6666667")]])

    with runner.opened_tables(tables_of(grid)) as connection:
        assert runner.run(connection, "paper_summary", paper_id=PAPER_ID).records()[0]["mean"] == 0.5


def test_a_mark_above_its_maximum_names_copy_and_item() -> None:
    with pytest.raises(BadInput) as caught:
        tables_of(Grid(["a"], ["1"], [Decimal(1)], [[Decimal(2)]]))

    assert (caught.value.code, caught.value.details["item"]) == ("mark_above_maximum", "1")


# --- from the database


def test_a_paper_is_summed_up_over_its_finished_copies(
    sessions: Sessions, exam: Exam, tmp_path: Path
) -> None:
    (paper,) = one(sessions, exam, "paper_summary", tmp_path)

    assert (paper["registered"], paper["present"], paper["absent"]) == (4, 4, 0)
    assert (paper["marked"], paper["copies"], paper["complete"]) == (3, 4, 3)
    assert paper["mean"] == pytest.approx((16 + 7 + 17) / 3)
    assert (paper["median"], paper["min"], paper["max"], paper["scale"]) == (16.0, 7.0, 17.0, 20.0)
    assert paper["share_ge_10"] == pytest.approx(2 / 3)


def test_a_copy_whose_items_are_all_marked_counts_only_once_it_is_finalised(
    sessions: Sessions, exam: Exam, tmp_path: Path
) -> None:
    with sessions.begin() as session:
        copy = session.scalars(select(Copy).where(Copy.code == exam.codes[0])).one()
        copy.status = CopyStatus.READY.value

    (paper,) = one(sessions, exam, "paper_summary", tmp_path)
    items = one(sessions, exam, "item_statistics", tmp_path)
    progress = one(sessions, exam, "progress", tmp_path)
    assert (paper["marked"], paper["mean"]) == (2, 12.0)
    assert {row["n"] for row in items} == {2}
    assert sum(int(row["marked"] or 0) for row in progress) == 3


def test_an_untreated_item_counts_zero_in_its_facility_and_in_the_blank_share(
    sessions: Sessions, exam: Exam, tmp_path: Path
) -> None:
    items = {row["item"]: row for row in one(sessions, exam, "item_statistics", tmp_path)}

    assert list(items) == ["1.a", "1.b", "2.a", "2.b"]
    assert items["1.b"]["facility"] == pytest.approx(9 / 18)
    assert items["1.b"]["share_blank"] == pytest.approx(1 / 3)
    assert items["1.b"]["facility_answered"] == pytest.approx(9 / 12)
    assert items["2.b"]["bonus"] is True
    assert items["1.a"]["intended_weight"] == pytest.approx(0.2)


def test_a_neutralised_item_is_removed_for_its_candidate_and_the_rest_rescaled(
    sessions: Sessions, exam: Exam, tmp_path: Path
) -> None:
    with sessions.begin() as session:
        row = session.scalars(
            select(MarkRow)
            .join(Marking, Marking.id == MarkRow.marking_id)
            .join(Copy, Copy.id == Marking.copy_id)
            .where(Copy.code == exam.codes[1], MarkRow.item_id == exam.items["2.a"])
        ).one()
        row.state, row.points_hundredths = "neutralised", None

    (paper,) = one(sessions, exam, "paper_summary", tmp_path)
    items = {row["item"]: row for row in one(sessions, exam, "item_statistics", tmp_path)}
    assert (paper["min"], paper["marked"], paper["complete"]) == (4.0, 3, 2)  # 2 of 10 points is 4 of 20
    assert (items["2.a"]["n"], items["2.a"]["facility"]) == (2, pytest.approx(0.9))
    assert items["1.a"]["complete"] == 2


def test_progress_counts_the_copies_of_each_bundle(sessions: Sessions, exam: Exam, tmp_path: Path) -> None:
    rows = one(sessions, exam, "progress", tmp_path)

    assert sorted((row["copies"], row["marked"], row["finished"]) for row in rows) == [(1, 0, 0), (3, 3, 3)]
    assert all(str(row["corrector"]).startswith("C-") for row in rows)


def test_reconciliation_puts_every_entry_and_every_copy_in_one_case(
    sessions: Sessions, exam: Exam, tmp_path: Path
) -> None:
    with sessions.begin() as session:
        entries = session.scalars(select(Entry).order_by(Entry.id)).all()
        entries[0].presence = "absent"  # but there is a copy
        session.delete(entries[1])
        copy = session.scalars(select(Copy).where(Copy.code == exam.codes[2])).one()
        copy.candidate_id = None
        for presence in ("absent", "exempt"):
            person = Person()
            session.add(person)
            session.flush()
            candidate = Candidate(session_id=exam.session_id, person_id=person.id)
            session.add(candidate)
            session.flush()
            session.add(Entry(paper_id=exam.paper_id, candidate_id=candidate.id, presence=presence))

    rows = one(sessions, exam, "roster_reconciliation", tmp_path)

    assert {row["state"]: row["candidates"] for row in rows} == {
        "with_copy": 1,
        "awaited": 1,
        "absent": 1,
        "exempt": 1,
        "absent_with_copy": 1,
        "not_registered": 1,
        "unidentified": 1,
    }


def test_the_dashboard_says_that_results_are_partial(sessions: Sessions, exam: Exam, tmp_path: Path) -> None:
    dashboard = results.results_dashboard(sessions, STAFF, paper_id=exam.paper_id, home=tmp_path)

    assert dashboard.sentence == (
        "Maths J1 — 3 copies notées sur 4 (partielles). Moyenne 13,3 · médiane 16,00 · écart-type 5,5"
    )
    assert dashboard.badge == "partielles (3/4)"
    assert len(dashboard.figures) >= 5


def test_the_dashboard_keeps_its_snapshot_until_data_change(
    sessions: Sessions, exam: Exam, tmp_path: Path
) -> None:
    def show() -> str:
        return results.results_dashboard(sessions, STAFF, paper_id=exam.paper_id, home=tmp_path).sentence

    def folders() -> set[str]:
        return {path.name for path in (tmp_path / "snapshots").iterdir()}

    show()
    first = folders()
    show()
    assert folders() == first
    with sessions.begin() as session:
        copy = session.scalars(select(Copy).where(Copy.code == exam.codes[3])).one()
        copy.status = CopyStatus.FINALISED.value
        session.add_all(
            MarkRow(
                marking_id=copy.record_marking_id,
                item_id=exam.items[item],
                state="marked",
                points_hundredths=0,
            )
            for item in ("1.b", "2.a", "2.b")
        )

    assert "4 copies notées." in show()
    assert len(folders() - first) == 1


def test_old_snapshots_of_the_dashboard_go(sessions: Sessions, exam: Exam, tmp_path: Path) -> None:
    for points in (0, 100, 200, 300):
        with sessions.begin() as session:
            session.execute(
                MarkRow.__table__.update()
                .where(MarkRow.item_id == exam.items["1.a"])
                .values(points_hundredths=points, state="marked")
            )
        results.results_dashboard(sessions, STAFF, paper_id=exam.paper_id, home=tmp_path)

    assert len(list((tmp_path / "snapshots").iterdir())) == 2


def test_results_are_refused_to_students_and_correctors(
    sessions: Sessions, exam: Exam, tmp_path: Path
) -> None:
    for role in (Role.STUDENT, Role.CORRECTOR, Role.SECRETARIAT):
        with pytest.raises(NotAllowed):
            results.results_dashboard(
                sessions, exam.actor("martin", role), paper_id=exam.paper_id, home=tmp_path
            )
        with pytest.raises(NotAllowed):
            results.report(
                sessions, exam.actor("martin", role), name="progress", paper_id=exam.paper_id, home=tmp_path
            )


def test_a_paper_that_does_not_exist_is_not_found(sessions: Sessions, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        results.report(sessions, STAFF, name="progress", paper_id=99, home=tmp_path)


# --- snapshots


def made(sessions: Sessions, exam: Exam, tmp_path: Path, *, identified: bool = False) -> Path:
    return results.snapshot(
        sessions,
        STAFF,
        paper_ids=[exam.paper_id],
        out_dir=tmp_path / "out",
        home=tmp_path,
        identified=identified,
    ).path


def test_a_snapshot_holds_its_tables_its_dictionary_and_sums_that_are_right(
    sessions: Sessions, exam: Exam, tmp_path: Path
) -> None:
    folder = made(sessions, exam, tmp_path)

    manifest = json.loads((folder / "manifest.json").read_text())
    dictionary = json.loads((folder / "dictionary.json").read_text())
    assert {path.stem for path in folder.glob("*.parquet")} == {table.name for table in TABLES}
    assert manifest["identified"] is False
    assert manifest["parameters"] == {"papers": [exam.paper_id]}
    assert damaged_files(folder) == []
    assert {(line["table"], line["column"]) for line in dictionary} == {
        (table.name, column)
        for table in TABLES
        for column in pq.read_schema(folder / f"{table.name}.parquet").names
    }
    (folder / "mark.parquet").write_bytes(b"")
    assert damaged_files(folder) == ["mark.parquet"]


def test_a_pseudonymised_snapshot_holds_no_name_code_login_or_text(
    sessions: Sessions, exam: Exam, tmp_path: Path
) -> None:
    with sessions.begin() as session:
        for marking in session.scalars(select(Marking)):
            marking.appreciation = "SECRET"
    folder = made(sessions, exam, tmp_path)

    values = json.dumps(
        [pq.read_table(path).to_pylist() for path in sorted(folder.glob("*.parquet"))], default=str
    )
    for word in ("NOM0", "NOM1", "2009-03-0", "SECRET", "martin", "nguyen", *exam.codes):
        assert word not in values


def test_an_identified_snapshot_holds_names_and_needs_the_right_to_export(
    sessions: Sessions, exam: Exam, tmp_path: Path
) -> None:
    analyst = exam.actor("martin", Role.ANALYST)
    with pytest.raises(NotAllowed):
        results.snapshot(
            sessions,
            analyst,
            paper_ids=[exam.paper_id],
            out_dir=tmp_path / "no",
            home=tmp_path,
            identified=True,
        )

    folder = made(sessions, exam, tmp_path, identified=True)
    assert "NOM0" in pq.read_table(folder / "entry.parquet")["surname"].to_pylist()
    assert folder.stat().st_mode & 0o777 == 0o700


def test_rows_are_not_in_the_order_of_the_scan(sessions: Sessions, exam: Exam, tmp_path: Path) -> None:
    copies = pq.read_table(made(sessions, exam, tmp_path) / "copy.parquet")["copy_id"].to_pylist()

    assert copies == sorted(copies)
    assert min(copies) > 1000


def test_the_key_of_a_school_year_is_kept_and_private(sessions: Sessions, exam: Exam, tmp_path: Path) -> None:
    made(sessions, exam, tmp_path)

    (key,) = (tmp_path / "secrets").iterdir()
    assert key.name == "pseudonym-2026-2027.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert key_of(tmp_path / "secrets", "2026-2027") == key.read_bytes()


def test_a_pseudonym_is_the_same_with_the_same_key_only() -> None:
    ours, others = Pseudonyms(b"a" * 32), Pseudonyms(b"b" * 32)

    assert ours.number("copy", 1) == Pseudonyms(b"a" * 32).number("copy", 1)
    assert (
        len(
            {
                ours.number("copy", 1),
                ours.number("person", 1),
                ours.number("copy", 2),
                others.number("copy", 1),
            }
        )
        == 4
    )
    assert (school_year(date(2027, 8, 31)), school_year(date(2027, 9, 1))) == ("2026-2027", "2027-2028")


def test_a_snapshot_never_replaces_a_folder_that_holds_something(
    sessions: Sessions, exam: Exam, tmp_path: Path
) -> None:
    made(sessions, exam, tmp_path)

    with pytest.raises(BadInput) as caught:
        made(sessions, exam, tmp_path)
    assert caught.value.code == "snapshot_exists"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".out")] == []


def test_a_snapshot_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(pq, "write_table", fail)
    with pytest.raises(OSError, match="disk full"):
        publish(
            tables_of(Grid([], ["1"], [Decimal(1)], [])),
            tmp_path / "out",
            created_at=NOON,
            identified=False,
            parameters={},
        )

    assert list(tmp_path.iterdir()) == []


def test_making_a_snapshot_is_journalled(sessions: Sessions, exam: Exam, tmp_path: Path) -> None:
    made(sessions, exam, tmp_path)

    with sessions.begin() as session:
        entries = session.scalar(
            select(func.count()).select_from(JournalEntry).where(JournalEntry.action == "create_snapshot")
        )
    assert entries == 1


def test_the_dictionary_says_what_every_column_means() -> None:
    assert all(line["meaning"] and line["type"] for line in described(identified=True))
