from __future__ import annotations

from core.domain.doubles import (
    AlikeHalves,
    DoubleImage,
    DoubleSheet,
    Rescan,
    double_images,
    double_sheets,
    rescans,
)

INK = (True, True)


def both(first: int, second: int, likeness: float = 0.9, turned: bool = False) -> list[AlikeHalves]:
    halves = ((0, 1), (1, 0)) if turned else ((0, 0), (1, 1))
    return [AlikeHalves((first, i), (second, j), likeness) for i, j in halves]


def test_an_image_both_of_whose_halves_were_seen_before_is_a_double() -> None:
    found = double_images(both(0, 3), dict.fromkeys(range(4), INK))

    assert found == (DoubleImage(3, 0, 0.9),)


def test_a_double_may_be_fed_upside_down() -> None:
    found = double_images(both(0, 1, turned=True), dict.fromkeys(range(2), INK))

    assert found == (DoubleImage(1, 0, 0.9),)


def test_one_half_that_differs_contradicts_the_other() -> None:
    pairs = [AlikeHalves((0, 0), (1, 0), 0.95)]

    assert double_images(pairs, dict.fromkeys(range(2), INK)) == ()


def test_a_half_without_ink_neither_helps_nor_hinders() -> None:
    pairs = [AlikeHalves((0, 0), (1, 0), 0.95)]

    assert double_images(pairs, dict.fromkeys(range(2), (True, False))) == (DoubleImage(1, 0, 0.95),)


def test_halves_that_are_hardly_alike_make_no_double() -> None:
    assert double_images(both(0, 1, 0.7), dict.fromkeys(range(2), INK)) == ()


def test_print_that_everybody_was_given_is_no_double() -> None:
    pairs = [pair for i in range(6) for j in range(i + 1, 6) for pair in both(i, j)]

    assert double_images(pairs, dict.fromkeys(range(6), INK)) == ()


def test_two_halves_of_one_image_are_no_double() -> None:
    assert double_images([AlikeHalves((0, 0), (0, 1), 0.99)], {0: INK}) == ()


def test_of_two_earlier_images_the_nearest_is_named() -> None:
    found = double_images([*both(0, 2, 0.8), *both(1, 2, 0.9)], dict.fromkeys(range(3), INK))

    assert found == (DoubleImage(2, 1, 0.9),)


def test_front_and_back_make_one_double_sheet_whichever_was_fed_first() -> None:
    doubles = (DoubleImage(4, 1, 0.9), DoubleImage(5, 0, 0.8))

    found = double_sheets(doubles, [(0, 1), (2, 3), (4, 5)], dict.fromkeys(range(6), INK))

    assert found == (DoubleSheet(2, 0, 0.85, doubles),)


def test_a_sheet_whose_back_is_new_is_no_double() -> None:
    told = dict.fromkeys(range(4), INK)

    assert double_sheets((DoubleImage(2, 0, 0.9),), [(0, 1), (2, 3)], told) == ()


def test_a_sheet_with_a_blank_back_is_judged_by_its_front() -> None:
    told = {0: INK, 1: (False, False), 2: INK, 3: (False, False)}

    assert len(double_sheets((DoubleImage(2, 0, 0.9),), [(0, 1), (2, 3)], told)) == 1


def test_the_last_ten_sheets_scanned_again_are_one_rescan() -> None:
    doubles = [DoubleSheet(44 + i, 34 + i, 0.9, ()) for i in range(10)]

    assert rescans(doubles) == (Rescan(44, 34, 10, 0.9),)


def test_a_sheet_fed_twice_in_a_row_is_a_rescan_of_one() -> None:
    assert rescans([DoubleSheet(7, 6, 0.9, ())]) == (Rescan(7, 6, 1, 0.9),)
