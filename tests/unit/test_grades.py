"""Marks add up to a total, and one function makes the final mark of it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.grades import GradeRule, RoundingMode, final_mark
from core.domain.marking import Mark, MarkState, Total, check_mark, total
from core.domain.scheme import Item
from core.errors import BadInput

LEAVES = (
    Item("1.a", "", Decimal(4)),
    Item("1.b", "", Decimal(6)),
    Item("2", "", Decimal(10)),
    Item("3", "", Decimal(2), bonus=True),
)
STEP = Decimal("0.25")
RULE = GradeRule()


def marked(points: str) -> Mark:
    return Mark(MarkState.MARKED, Decimal(points))


UNTREATED = Mark(MarkState.UNTREATED)
NEUTRALISED = Mark(MarkState.NEUTRALISED)


def complete(awarded: str, out_of: str = "20") -> Total:
    return Total(Decimal(awarded), Decimal(out_of), ())


def test_a_missing_mark_is_reported_and_not_counted_as_zero() -> None:
    result = total(LEAVES, {"1.a": marked("4"), "2": marked("0")})

    assert result.awarded == 4
    assert result.unmarked == ("1.b", "3")
    assert not result.is_complete


def test_an_untreated_item_counts_zero_and_is_not_missing() -> None:
    result = total(LEAVES[:2], {"1.a": marked("3.5"), "1.b": UNTREATED})

    assert result == Total(awarded=Decimal("3.5"), out_of=Decimal(10), unmarked=())


def test_a_neutralised_item_leaves_both_sides_of_the_sum() -> None:
    result = total(LEAVES[:3], {"1.a": marked("4"), "1.b": NEUTRALISED, "2": marked("5")})

    assert result == Total(awarded=Decimal(9), out_of=Decimal(14), unmarked=())


def test_bonus_is_awarded_without_raising_what_the_copy_is_out_of() -> None:
    result = total(LEAVES, {"1.a": marked("4"), "1.b": marked("6"), "2": marked("5"), "3": marked("2")})

    assert (result.awarded, result.out_of) == (Decimal(17), Decimal(20))


def test_a_mark_for_an_item_the_scheme_does_not_have_is_refused() -> None:
    with pytest.raises(BadInput) as refused:
        total(LEAVES, {"9": marked("1")})

    assert (refused.value.code, refused.value.details) == ("mark_unknown_item", {"item": "9"})


@pytest.mark.parametrize(
    ("points", "code"), [("-0.25", "mark_negative"), ("4.25", "mark_above_maximum"), ("0.3", "mark_off_step")]
)
def test_a_mark_outside_what_the_item_allows_is_refused(points: str, code: str) -> None:
    with pytest.raises(BadInput) as refused:
        check_mark(LEAVES[0], marked(points), STEP)

    assert refused.value.code == code
    assert refused.value.details["item"] == "1.a"


@pytest.mark.parametrize("mark", [marked("0"), marked("4"), marked("0.25"), UNTREATED, NEUTRALISED])
def test_marks_from_zero_to_the_maximum_on_the_step_are_allowed(mark: Mark) -> None:
    check_mark(LEAVES[0], mark, STEP)


@pytest.mark.parametrize(
    ("state", "points"),
    [(MarkState.MARKED, None), (MarkState.UNTREATED, Decimal(0)), (MarkState.NEUTRALISED, Decimal(1))],
)
def test_only_a_marked_item_has_points_so_that_no_empty_mark_counts_as_zero(
    state: MarkState, points: Decimal | None
) -> None:
    with pytest.raises(ValueError, match=state.value):
        Mark(state, points)


def test_an_incomplete_copy_has_no_final_mark() -> None:
    with pytest.raises(ValueError, match=r"1\.b"):
        final_mark(RULE, Total(Decimal(20), Decimal(20), ("1.b",)))


def test_a_copy_with_everything_neutralised_has_no_final_mark() -> None:
    with pytest.raises(ValueError, match="no item"):
        final_mark(RULE, complete("0", "0"))


def test_bonus_is_capped_at_the_total_of_the_paper() -> None:
    grade = final_mark(RULE, complete("21.5"))

    assert (grade.raw, grade.capped, grade.final) == (Decimal("21.5"), Decimal(20), Decimal(20))


def test_a_paper_on_40_is_converted_to_20() -> None:
    assert final_mark(GradeRule(), complete("27.5", "40")).final == Decimal("13.75")


def test_neutralised_items_neither_cost_nor_give_the_pupil_anything() -> None:
    assert final_mark(RULE, complete("7", "14")).final == Decimal("10.00")


def test_harmonisation_never_leaves_the_scale() -> None:
    assert final_mark(RULE, complete("19.5"), Decimal(2)).final == 20
    assert final_mark(RULE, complete("0.5"), Decimal(-2)).final == 0


@pytest.mark.parametrize(
    ("awarded", "step", "mode", "final"),
    [
        ("12.5", "1", RoundingMode.HALF_UP, "13"),
        ("12.25", "0.5", RoundingMode.HALF_UP, "12.5"),
        ("12.24", "0.5", RoundingMode.HALF_UP, "12"),
        ("12.01", "0.5", RoundingMode.UP, "12.5"),
        ("12", "0.5", RoundingMode.UP, "12"),
        ("12.37", "0.25", RoundingMode.HALF_UP, "12.25"),
        ("12.375", "0.25", RoundingMode.HALF_UP, "12.5"),
    ],
)
def test_the_mark_falls_on_the_rounding_step(awarded: str, step: str, mode: RoundingMode, final: str) -> None:
    rule = GradeRule(Decimal(20), rounding_step=Decimal(step), rounding_mode=mode)

    assert final_mark(rule, complete(awarded)).final == Decimal(final)


def test_rounding_up_does_not_pass_the_top_of_the_scale() -> None:
    rule = GradeRule(final_scale=Decimal("19.9"), rounding_step=Decimal(1), rounding_mode=RoundingMode.UP)

    assert final_mark(rule, complete("20")).final == Decimal("19.9")


QUARTERS = st.integers(0, 80).map(lambda quarters: Decimal(quarters) / 4)


@given(QUARTERS, QUARTERS)
def test_more_points_never_give_a_lower_mark(one: Decimal, other: Decimal) -> None:
    low, high = sorted((one, other))

    assert final_mark(RULE, complete(str(low))).final <= final_mark(RULE, complete(str(high))).final


@given(QUARTERS)
def test_a_paper_on_20_without_bonus_keeps_its_raw_total(awarded: Decimal) -> None:
    assert final_mark(RULE, complete(str(awarded))).final == awarded
