from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.services.scans import LedgerRow
from tests.fault_matrix import Outcome, interval, judge
from workbench.demo.fault_files import FaultyFile, FedHalf
from workbench.demo.shots import HalfTruth

LABELS = ("P4", "P1", "P2", "P3")


def fed(*, fault: str = "") -> FaultyFile:
    """Two sheets as A3 images; the fault is the second one's."""
    halves = {}
    for sheet in (0, 1):
        for at, page in enumerate(LABELS):
            truth = HalfTruth((f"pupil{sheet}", 1), int(page[1]), page, True, fault=fault if sheet else "")
            halves[2 * sheet + at // 2, ("left", "right")[at % 2]] = FedHalf(truth, 0)
    return FaultyFile(Path("a.pdf"), "f" * 64, halves)


def rows(file: FaultyFile) -> list[LedgerRow]:
    """The ledger as it should be."""
    return [
        LedgerRow(
            file_sha256=file.sha256,
            image=image,
            half=half,
            page=truth.truth.page,
            place="booklet",
            booklet=image // 2 + 1,
            position=truth.truth.order,
            copy="",
            rotation_deg=0,
            skew_deg=0.0,
            blank=False,
            reason="",
        )
        for (image, half), truth in file.halves.items()
    ]


def outcome(found: list[LedgerRow], *, fault: str = "") -> Outcome:
    return judge("any", [fed(fault=fault)], found)


def test_a_ledger_that_is_right_is_found_right() -> None:
    became = outcome(rows(fed()))

    assert (became.lost, became.doubled, dict(became.silent), became.alarmed) == (0, 0, {}, 0)
    assert (became.halves, became.units, became.plain) == (8, 2, 8)


def test_half_pages_that_are_not_there_or_there_twice_are_counted() -> None:
    right = rows(fed())

    assert outcome(right[1:]).lost == 1
    assert outcome([*right, right[0]]).doubled == 1
    assert outcome([*right, replace(right[0], image=9)]).doubled == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"position": 9}, "order [2, 3, 4, 1]"),
        ({"booklet": 7}, "spread over 2 booklets"),
        ({"place": "blank", "booklet": None}, "page is in blank"),
        ({"rotation_deg": 180}, "not upright"),
    ],
)
def test_a_sheet_that_is_wrong_is_silent_unless_it_is_listed(change: dict[str, object], said: str) -> None:
    right = rows(fed())
    wrong = [replace(row, **change) if row.page == "P1" and row.image == 0 else row for row in right]  # type: ignore[arg-type]
    listed = [replace(row, reason="odd_image") if row.image == 0 else row for row in wrong]

    assert outcome(wrong).silent == {("pupil0", 1): said}
    assert outcome(listed).silent == {}


def test_two_pupils_in_one_booklet_are_wrong_both() -> None:
    right = [replace(row, booklet=1, position=row.image * 4 + (row.position or 0)) for row in rows(fed())]

    assert set(outcome(right).silent) == {("pupil0", 1), ("pupil1", 1)}


def test_what_is_missing_or_there_twice_must_be_listed_even_when_all_else_is_right() -> None:
    right = rows(fed())

    assert set(outcome(right, fault="missing_back").unhandled) == {("pupil1", 1)}
    assert outcome(right, fault="swapped").unhandled == {}
    assert (outcome(right, fault="swapped").faults, outcome(right, fault="swapped").corrected) == (1, 1)
    assert outcome(right, fault="missing_back").corrected == 0


def test_a_doubt_on_a_page_without_fault_is_a_false_alarm_and_a_note_is_not() -> None:
    right = rows(fed())
    doubted = [replace(row, reason="turned_180" if row.image else "too_light") for row in right]

    assert outcome(doubted).alarmed == 2
    assert outcome(doubted).alarms == {"too_light": 2}


def test_a_rate_is_said_with_its_bound() -> None:
    assert interval(0, 300) == "0 of 300 (< 1.00%)"
    assert interval(5, 100) == "5 of 100 = 5.00% (2.15% to 11.18%)"
