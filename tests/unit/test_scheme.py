"""Marking schemes: as tables, and as trees that add up."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.domain.scheme import Scheme, SchemeLine, build
from core.domain.scheme_lines import read_scheme
from core.errors import BadInput


def line(number: int, code: str, points: str | None, *, bonus: bool = False) -> SchemeLine:
    return SchemeLine(number, code, f"label of {code}", None if points is None else Decimal(points), bonus)


def refusal(lines: list[SchemeLine], total: str = "20") -> BadInput:
    with pytest.raises(BadInput) as refused:
        build(lines, paper_total=Decimal(total))
    return refused.value


def test_leaves_are_marked_and_nodes_add_up_their_leaves_without_bonus() -> None:
    scheme = build(
        [line(2, "1", None), line(3, "1.a", "4"), line(4, "1.b", "6"), line(5, "1.c", "1", bonus=True)],
        paper_total=Decimal(10),
    )

    assert [item.code for item in scheme.leaves] == ["1.a", "1.b", "1.c"]
    assert scheme.items[0].points == 10
    assert not scheme.items[0].is_leaf
    assert scheme.total == 10


def test_an_ancestor_without_a_line_of_its_own_is_made_before_its_leaves() -> None:
    scheme = build([line(2, "2.b.i", "20")], paper_total=Decimal(20))

    assert [(item.code, item.label, item.depth) for item in scheme.items] == [
        ("2", "2", 0),
        ("2.b", "2.b", 1),
        ("2.b.i", "label of 2.b.i", 2),
    ]
    assert {item.exercise for item in scheme.items} == {"2"}


def test_items_keep_the_order_of_the_file_so_that_10_follows_9() -> None:
    scheme = build([line(n, str(n), "2") for n in range(1, 11)], paper_total=Decimal(20))

    assert [item.code for item in scheme.items] == [str(n) for n in range(1, 11)]


def test_a_total_that_is_not_the_papers_is_refused_with_both_totals() -> None:
    refused = refusal([line(2, "1", "10"), line(3, "2", "9.5")])

    assert refused.code == "scheme_total"
    assert refused.details == {"scheme_total": Decimal("19.5"), "paper_total": Decimal(20)}


def test_bonus_does_not_count_towards_the_papers_total() -> None:
    assert refusal([line(2, "1", "18"), line(3, "2", "2", bonus=True)]).code == "scheme_total"


@pytest.mark.parametrize("points", ["-1", "0", None, "0.3"])
def test_points_that_are_negative_zero_missing_or_off_the_step_are_refused_at_their_line(
    points: str | None,
) -> None:
    refused = refusal([line(2, "1", "20"), line(3, "2", points)])

    assert refused.code == "scheme_bad_points"
    assert (refused.details["line"], refused.details["item"]) == (3, "2")


def test_the_same_item_twice_is_refused_at_the_second_line() -> None:
    refused = refusal([line(2, "1", "10"), line(7, "1", "10")])

    assert (refused.code, refused.details["line"]) == ("scheme_duplicate_item", 7)


@pytest.mark.parametrize("code", ["1 a", "1..a", "Ex 1", ".1", "1,a", "é"])
def test_a_code_that_is_not_dotted_letters_and_digits_is_refused(code: str) -> None:
    assert refusal([line(2, code, "20")]).code == "scheme_bad_code"


def test_points_stated_on_a_node_must_agree_with_its_leaves() -> None:
    refused = refusal([line(2, "1", "12"), line(3, "1.a", "20")])

    assert refused.code == "scheme_node_total"
    assert (refused.details["stated"], refused.details["leaves"]) == (Decimal(12), Decimal(20))


def test_points_stated_on_a_node_may_agree_with_its_leaves() -> None:
    assert build([line(2, "1", "20"), line(3, "1.a", "20")], paper_total=Decimal(20)).total == 20


def test_a_scheme_without_lines_is_refused() -> None:
    assert refusal([]).code == "scheme_empty"


def test_an_empty_scheme_adds_up_to_zero() -> None:
    assert Scheme(()).total == 0


def test_columns_are_read_in_any_order_in_french_with_decimal_commas() -> None:
    lines = read_scheme(
        ["BARÈME", "Intitulé", "Question", "Compétences", "Bonus"],
        [
            (
                2,
                {
                    "BARÈME": "0,75",
                    "Intitulé": "Arbre",
                    "Question": "1.a)",
                    "Compétences": "Modéliser",
                    "Bonus": "oui",
                },
            ),
            (3, {"BARÈME": "", "Intitulé": "", "Question": "2.", "Compétences": "", "Bonus": ""}),
        ],
    )

    assert lines == [
        SchemeLine(2, "1.a", "Arbre", Decimal("0.75"), bonus=True, competence="Modéliser"),
        SchemeLine(3, "2", "2", None),
    ]


def test_when_item_and_question_are_both_there_question_is_the_label() -> None:
    [read] = read_scheme(
        ["Question", "Item", "Points"], [(2, {"Question": "Limite", "Item": "1", "Points": "1"})]
    )

    assert (read.code, read.label) == ("1", "Limite")


@pytest.mark.parametrize(
    ("headers", "code"),
    [(["label", "points"], "scheme_no_item_column"), (["item", "label"], "scheme_no_points_column")],
)
def test_a_scheme_without_a_column_it_needs_is_refused_with_the_headers_it_has(
    headers: list[str], code: str
) -> None:
    with pytest.raises(BadInput) as refused:
        read_scheme(headers, [])

    assert refused.value.code == code
    assert refused.value.details["headers"] == tuple(headers)


@pytest.mark.parametrize("text", ["deux", "1/2", "NaN", "1e3", "0,7,5", "Infinity"])
def test_points_that_are_not_a_number_are_refused_at_their_line(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_scheme(["item", "points"], [(4, {"item": "1", "points": text})])

    assert refused.value.code == "scheme_points_not_number"
    assert refused.value.details == {"line": 4, "item": "1", "value": text}


@pytest.mark.parametrize(
    ("text", "bonus"), [("oui", True), ("X", True), ("1", True), ("", False), ("0", False), ("Non", False)]
)
def test_bonus_is_said_in_the_usual_ways(text: str, bonus: bool) -> None:
    [read] = read_scheme(["item", "points", "bonus"], [(2, {"item": "1", "points": "1", "bonus": text})])

    assert read.bonus is bonus


@pytest.mark.parametrize("text", ["peut-être", "2", "?"])
def test_a_bonus_that_says_neither_yes_nor_no_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="scheme_bad_bonus"):
        read_scheme(["item", "points", "bonus"], [(2, {"item": "1", "points": "1", "bonus": text})])


def test_a_line_without_code_is_refused() -> None:
    with pytest.raises(BadInput, match="scheme_no_code"):
        read_scheme(["item", "points"], [(2, {"item": "", "points": "1"})])
