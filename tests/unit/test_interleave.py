from __future__ import annotations

import pytest

from core.domain.interleave import Interleave, PageClue, merged, pairing, pairings


@pytest.mark.parametrize(
    ("fronts", "backs"),
    [
        ("markus_midterm_scan_104_odds.pdf", "markus_midterm_scan_104_evens.pdf"),
        ("Salle 204 - Impaires.PDF", "salle 204 (paires).pdf"),
        ("tg3-recto.tif", "tg3-VERSO.tif"),
        ("maths front.pdf", "maths back.pdf"),
        ("pages_impaires_lot2.pdf", "pages_paires_lot2.pdf"),
    ],
)
def test_two_files_named_as_fronts_and_backs_go_together_in_either_order(fronts: str, backs: str) -> None:
    assert pairing((fronts, backs), (10, 10)) == Interleave(0, 1)
    assert pairing((backs, fronts), (10, 10)) == Interleave(1, 0)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("scan_1.pdf", "scan_2.pdf"),
        ("recto.pdf", "recto.pdf"),
        ("salle204-recto.pdf", "salle205-verso.pdf"),
        ("recto.pdf", "paires.pdf"),
        ("eleve odds.pdf", "eleve.pdf"),
    ],
)
def test_other_names_say_nothing(first: str, second: str) -> None:
    assert pairing((first, second), (10, 10)) is None


def test_counts_may_differ_by_the_last_back_only() -> None:
    names = ("recto.pdf", "verso.pdf")

    assert pairing(names, (10, 9)) == Interleave(0, 1)
    assert pairing(names, (9, 10)) == Interleave(0, 1, sure=False)
    assert pairing(names, (10, 8)) is None


def test_the_files_of_a_lot_are_paired_each_once() -> None:
    names = ("a recto.pdf", "b verso.pdf", "c.pdf", "b recto.pdf", "a verso.pdf")

    assert pairings(names, (4, 3, 8, 3, 4)) == (Interleave(0, 4), Interleave(3, 1))


def marked(*numbers: int, of: int = 6) -> list[PageClue]:
    return [PageClue((number, of)) for number in numbers]


def test_page_marks_tell_backs_fed_in_order() -> None:
    result = merged(Interleave(0, 1), marked(1, 3, 5), marked(2, 4, 6))

    assert result.order == ((0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (1, 2))
    assert (result.backwards, result.sure) == (False, True)


def test_page_marks_tell_backs_that_came_last_leaf_first() -> None:
    result = merged(Interleave(1, 0), marked(1, 3, 5), marked(6, 4, 2))

    assert result.order == ((1, 0), (0, 2), (1, 1), (0, 1), (1, 2), (0, 0))
    assert (result.backwards, result.sure) == (True, True)


def test_the_last_leaf_may_lack_its_back_whichever_way_the_backs_came() -> None:
    straight = merged(Interleave(0, 1), marked(1, 3, 5, of=5), marked(2, 4, of=5))
    backwards = merged(Interleave(0, 1), marked(1, 3, 5, of=5), marked(4, 2, of=5))

    assert straight.order == ((0, 0), (1, 0), (0, 1), (1, 1), (0, 2))
    assert backwards.order == ((0, 0), (1, 1), (0, 1), (1, 0), (0, 2))
    assert straight.sure
    assert backwards.sure


def test_a_few_marks_read_wrong_do_not_turn_the_order() -> None:
    fronts = [PageClue((1, 2)), PageClue(None), PageClue((1, 2)), PageClue((1, 2)), PageClue((7, 2))]
    backs = [PageClue((2, 2)), PageClue((2, 2)), PageClue(None), PageClue((2, 2)), PageClue((2, 2))]

    assert not merged(Interleave(0, 1), fronts, backs).backwards


def test_without_marks_the_order_is_straight_and_for_people_to_check() -> None:
    result = merged(Interleave(0, 1), [PageClue(header=True), PageClue()], [PageClue(), PageClue()])

    assert result.order == ((0, 0), (1, 0), (0, 1), (1, 1))
    assert not result.sure


def test_a_file_of_backs_that_bears_the_headers_is_the_file_of_fronts() -> None:
    result = merged(Interleave(0, 1), [PageClue(), PageClue()], [PageClue(header=True), PageClue()])

    assert result.order == ((1, 0), (0, 0), (1, 1), (0, 1))
    assert not result.sure


def test_marks_that_contradict_the_names_win() -> None:
    result = merged(Interleave(0, 1), marked(2, 4, 6), marked(1, 3, 5))

    assert result.order[0] == (1, 0)
    assert result.sure


def test_every_image_is_in_the_order_once() -> None:
    result = merged(Interleave(0, 1, sure=False), marked(1, 3), marked(2, 4, 6))

    assert sorted(result.order) == [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)]
    assert not result.sure
