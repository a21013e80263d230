from datetime import date

import pytest

from core.domain.names import (
    Spelling,
    date_spellings,
    display_name,
    fold,
    same_person_key,
    spellings,
    split_full_name,
)


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("Éloïse", "ELOISE"),
        ("d'Œuvre-Çelik", "D OEUVRE CELIK"),
        ("  N’Guyễn  ", "N GUYEN"),
        ("Łukasz Strauß", "LUKASZ STRAUSS"),
        ("Jean–Marc 2", "JEAN MARC"),
        ("ＡＢＣ", "ABC"),
        ("", ""),
    ],
)
def test_folding_leaves_capitals_and_single_separators(written: str, folded: str) -> None:
    assert fold(written) == folded


def test_folding_is_the_same_for_composed_and_decomposed_accents() -> None:
    assert fold("é") == fold("e\u0301") == "E"


def test_a_name_is_shown_with_capital_surname_and_ordinary_first_name() -> None:
    assert display_name("Ben Salah", "MARIE-LOU") == "BEN SALAH Marie-Lou"
    assert display_name("D'Arcy", "éloïse anne") == "D'ARCY Éloïse Anne"
    assert display_name("LE GALL", "") == "LE GALL"


def test_the_surname_field_may_hold_surname_usage_name_or_a_half() -> None:
    texts = [s.text for s in spellings("Martin-Dupont", "Zoé", "Leroy").surname]

    assert texts[0] == "MARTIN DUPONT"
    assert {"MARTINDUPONT", "LEROY", "MARTIN", "DUPONT", "MARTIN DUPONT LEROY"} <= set(texts)


def test_a_part_of_a_name_is_marked_as_such_and_a_whole_name_is_not() -> None:
    ways = spellings("Ben Salah", "Marie-Lou")

    assert Spelling("BENSALAH", True) in ways.surname
    assert Spelling("SALAH", False) in ways.surname
    assert Spelling("BEN", False) not in ways.surname
    assert Spelling("MARIE", False) in ways.first_name
    assert Spelling("MARIE L", False) in ways.first_name


def test_a_full_name_is_written_in_both_orders() -> None:
    texts = {s.text for s in spellings("Ben Salah", "Marie-Lou").full_name}

    assert {"BEN SALAH MARIE LOU", "MARIE LOU BEN SALAH", "BEN SALAH MARIE", "BEN SALAH M"} <= texts


def test_a_missing_first_name_gives_no_empty_spelling() -> None:
    ways = spellings("Martin", "")

    assert ways.first_name == ()
    assert all(s.text.strip() for s in (*ways.surname, *ways.full_name))


def test_a_birth_date_is_written_with_or_without_separators_and_century() -> None:
    texts = date_spellings(date(2009, 3, 7))

    assert {"07032009", "07/03/2009", "070309", "07/03/09", "7/3/2009"} <= set(texts)
    assert len(texts) == len(set(texts))


@pytest.mark.parametrize(
    ("cell", "cut"),
    [
        ("BEN SALAH Marie-Lou", ("BEN SALAH", "Marie-Lou", True)),
        ("DUPONT Jean Luc", ("DUPONT", "Jean Luc", True)),
        ("de SOUZA Ana", ("de SOUZA", "Ana", True)),
        ("McDONALD Ann", ("McDONALD", "Ann", True)),
        ("Léa MARTIN", ("MARTIN", "Léa", True)),
        ("MARTIN, Léa", ("MARTIN", "Léa", True)),
        ("ÉTIENNE Éléonore", ("ÉTIENNE", "Éléonore", True)),
        ("MARTIN LUCAS", ("MARTIN", "LUCAS", True)),
    ],
)
def test_capitals_then_ordinary_case_are_a_sure_cut(cell: str, cut: tuple[str, str, bool]) -> None:
    assert split_full_name(cell) == cut


@pytest.mark.parametrize(
    ("cell", "surname", "first_name"),
    [
        ("BEN SALAH MARIE-LOU", "BEN SALAH", "MARIE-LOU"),
        ("DE LA TOUR ANNE", "DE LA TOUR", "ANNE"),
        ("MARTIN DUPONT LUCAS", "MARTIN DUPONT", "LUCAS"),
        ("Dupont Marie", "Dupont", "Marie"),
        ("LE GALL", "LE", "GALL"),
        ("MARTIN", "MARTIN", ""),
        ("", "", ""),
    ],
)
def test_a_cell_of_one_case_is_cut_as_a_proposal_to_check(cell: str, surname: str, first_name: str) -> None:
    assert split_full_name(cell) == (surname, first_name, False)


def test_two_lines_of_one_person_share_a_key_and_homonyms_do_not() -> None:
    key = same_person_key("BEN-SALAH", "Zoé", date(2009, 1, 2))

    assert key == same_person_key("Ben Salah", "ZOE", date(2009, 1, 2))
    assert key != same_person_key("Ben Salah", "ZOE", date(2009, 1, 3))
    assert key != same_person_key("Ben Salah", "ZOE", None)
