"""Paper and item statistics against published data sets and what R and Moodle say of them.

Origins and traps: SOURCE.md of the reference data.
"""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.reports import runner
from core.reports.outside import PAPER_ID, Grid, tables_of

pytestmark = pytest.mark.reference

R_SETS = {
    "ctt_10x5": (0, "R_CTT_2.3.3_and_psych_2.2.9"),
    "lsat6": (0, "R_psych_2.2.9"),
    "cz_matura_2019_sample2000": (2, "R_psych_2.2.9_e1071_1.7.13"),
}
"""By data set: columns before the items, the key of what R says."""


def expected(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "expected.json").read_text("utf-8")))


def statistics(
    folder: Path, *, skip: int, maxima: list[int] | None = None
) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    """The rows of paper_summary, paper_reliability and item_statistics."""
    with (folder / "marks.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file))
    items = header[skip:]
    grid = Grid(
        copies=[str(number) for number in range(len(rows))],
        items=items,
        points=[Decimal(value) for value in maxima or [1] * len(items)],
        marks=[[Decimal(cell) if cell else None for cell in row[skip:]] for row in rows],
    )
    with runner.opened_tables(tables_of(grid)) as connection:
        summary, reliability, items_table = (
            runner.run(connection, name, paper_id=PAPER_ID).records()
            for name in ("paper_summary", "paper_reliability", "item_statistics")
        )
    return summary[0], reliability[0], items_table


@pytest.mark.parametrize("name", R_SETS)
def test_paper_statistics_are_those_of_r(reference_data: Path, name: str) -> None:
    skip, key = R_SETS[name]
    truth = expected(reference_data / "reference" / name)[key]

    paper, reliability, _items = statistics(
        reference_data / "reference" / name, skip=skip, maxima=truth.get("max_mark")
    )

    found = {
        "n": paper["marked"],
        "k": paper["items"],
        "total_mean": paper["mean"],
        "total_sd": paper["sd"],
        "total_median": paper["median"],
        "skew2": paper["skewness"],
        "kurt2": paper["kurtosis"],
        "alpha": paper["alpha"],
        "sem": paper["sem"],
        "lambda2": reliability["lambda2"],
    }
    assert found == pytest.approx({measure: truth[measure] for measure in found}, rel=1e-10)
    assert [paper["q1"], paper["q3"]] == pytest.approx([truth["q"][2], truth["q"][4]], rel=1e-10)
    assert reliability["alpha"] == paper["alpha"]


@pytest.mark.parametrize("name", R_SETS)
def test_item_statistics_are_those_of_r(reference_data: Path, name: str) -> None:
    skip, key = R_SETS[name]
    truth = expected(reference_data / "reference" / name)[key]
    maxima = truth.get("max_mark") or [1] * truth["k"]

    _paper, _reliability, items = statistics(
        reference_data / "reference" / name, skip=skip, maxima=truth.get("max_mark")
    )

    assert [row["facility"] * most for row, most in zip(items, maxima, strict=True)] == pytest.approx(
        truth["item_mean"], rel=1e-10
    )
    assert [row["sd"] for row in items] == pytest.approx(truth["item_sd"], rel=1e-10)
    assert [row["discrimination"] / 100 for row in items] == pytest.approx(truth["r_rest"], rel=1e-10)
    assert [row["item_total_correlation"] for row in items] == pytest.approx(truth["r_total"], rel=1e-10)
    assert [row["alpha_if_removed"] for row in items] == pytest.approx(truth["alpha_if_deleted"], rel=1e-10)


def test_lsat6_has_the_published_proportions_and_alpha(reference_data: Path) -> None:
    folder = reference_data / "reference" / "lsat6"
    published = expected(folder)["published"]

    paper, _reliability, items = statistics(folder, skip=0)

    assert [round(row["facility"], 3) for row in items] == published["proportion"]
    assert round(paper["alpha"], 3) == published["cronbach_alpha"]


def test_a_moodle_quiz_has_the_statistics_of_moodle(reference_data: Path) -> None:
    folder = reference_data / "reference" / "moodle_quiz00"
    published = expected(folder)["published"]
    with (folder / "expected_questions.csv").open(encoding="utf-8", newline="") as file:
        questions = list(csv.DictReader(file))

    paper, _reliability, items = statistics(folder, skip=1)

    found = {
        "n": paper["marked"],
        "mean": paper["mean"],
        "median": paper["median"],
        "sd": paper["sd"],
        "skewness": paper["skewness"],
        "kurtosis": paper["kurtosis"],
        "cic": 100 * paper["alpha"],
        "error_ratio": 100 * paper["error_ratio"],
        "standard_error": paper["sem"],
    }
    assert found == pytest.approx({measure: published[measure] for measure in found}, rel=1.5e-5)
    for row, truth in zip(items, questions, strict=True):
        assert row["n"] == int(truth["s"])
        for ours, theirs, tolerance in (
            ("facility", "facility", 1e-6),
            ("sd", "sd", 1e-6),
            ("effective_weight", "effectiveweight", 1e-5),
            ("discrimination", "discriminationindex", 1e-5),
            ("discriminative_efficiency", "discriminativeefficiency", 1e-5),
        ):
            assert row[ours] == pytest.approx(float(truth[theirs]), rel=tolerance), (row["item"], ours)
