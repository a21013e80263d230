from __future__ import annotations

from dataclasses import replace

from core.domain.loose import (
    HAND_FEATURES,
    BookletFeatures,
    LooseFeatures,
    SheetFeatures,
    hand_distance,
    main_ruling,
    mean_hand,
    misfiled,
    suggest,
)
from core.domain.page_marks import PageMark

ONE = (1.0,) * len(HAND_FEATURES)
LIKE_ONE = (1.02,) * len(HAND_FEATURES)
OTHER = (1.4,) * len(HAND_FEATURES)
BEFORE = BookletFeatures(1, file=0, first=3, last=4, ruling="seyes", hand=OTHER)
AFTER = BookletFeatures(2, file=0, first=6, last=6, ruling="seyes", hand=OTHER)
FAR = BookletFeatures(3, file=0, first=9, last=9, ruling="seyes", hand=ONE)
LOOSE = LooseFeatures(file=0, place=5, ruling="seyes")


def test_without_other_signs_the_booklet_before_comes_first_then_the_one_after() -> None:
    found = suggest(LOOSE, [AFTER, FAR, BEFORE])

    assert [s.booklet for s in found] == [1, 2, 3]
    assert found[0].reasons == ("neighbour_before", "same_ruling")


def test_the_same_hand_says_more_than_the_place_when_the_neighbour_writes_otherwise() -> None:
    found = suggest(replace(LOOSE, hand=LIKE_ONE), [BEFORE, AFTER, FAR])

    assert found[0].booklet == 3
    assert found[0].reasons == ("same_hand", "same_ruling")


def test_a_number_that_fills_a_gap_says_most() -> None:
    lacking = replace(FAR, missing=frozenset({3, 4}), total=8, hand=None)

    found = suggest(replace(LOOSE, mark=PageMark(3, 8, 0.9)), [BEFORE, lacking])

    assert (found[0].booklet, found[0].reasons[0]) == (3, "page_mark_fits")
    assert "incomplete_booklet" in found[0].reasons


def test_a_booklet_on_other_paper_in_another_file_is_not_suggested() -> None:
    assert suggest(replace(LOOSE, file=1), [replace(BEFORE, ruling="squares", hand=None)]) == ()


def test_graph_paper_and_paper_without_ruling_speak_against_nobody() -> None:
    for ruling in ("graph", "plain"):
        found = suggest(replace(LOOSE, ruling=ruling), [BEFORE])

        assert found[0].reasons == ("neighbour_before",)
        assert found[0].score == 2.0


def test_distance_of_hands_counts_in_spreads_of_one_hand() -> None:
    assert hand_distance(ONE, ONE) == 0
    assert hand_distance(ONE, LIKE_ONE) < 1.3 < 1.9 < hand_distance(ONE, OTHER)


def test_the_hand_of_a_sheet_is_the_mean_of_its_written_pages() -> None:
    assert mean_hand([None, (1.0, 2.0), (3.0, 4.0)]) == (2.0, 3.0)
    assert mean_hand([None]) is None


def test_the_ruling_of_a_sheet_is_the_one_most_of_its_pages_show() -> None:
    assert main_ruling(["plain", "plain", "seyes"]) == "seyes"
    assert main_ruling(["plain"]) == "plain"


def test_a_second_sheet_on_other_paper_seems_misfiled() -> None:
    assert misfiled([SheetFeatures("seyes", ONE), SheetFeatures("squares", LIKE_ONE)]) == (1,)


def test_a_second_sheet_in_quite_another_hand_seems_misfiled() -> None:
    assert misfiled([SheetFeatures("seyes", ONE), SheetFeatures("seyes", OTHER)]) == (1,)


def test_sheets_of_one_hand_and_paper_are_not_doubted_nor_is_graph_paper() -> None:
    sheets = [SheetFeatures("seyes", ONE), SheetFeatures("seyes", LIKE_ONE), SheetFeatures("graph")]

    assert misfiled(sheets) == ()


def test_a_sheet_whose_header_names_the_same_pupil_is_not_doubted() -> None:
    assert misfiled([SheetFeatures("seyes", ONE), SheetFeatures("squares", OTHER, "same")]) == ()


def test_with_another_name_in_its_header_a_smaller_difference_of_hands_is_enough() -> None:
    apart = (1.05,) * len(HAND_FEATURES)
    assert 1.3 < hand_distance(ONE, apart) < 1.9

    assert misfiled([SheetFeatures("seyes", ONE), SheetFeatures("seyes", apart)]) == ()
    assert misfiled([SheetFeatures("seyes", ONE), SheetFeatures("seyes", apart, "other")]) == (1,)


def test_a_misfiled_sheet_does_not_make_the_next_one_doubtful() -> None:
    sheets = [SheetFeatures("seyes", ONE), SheetFeatures("squares", OTHER), SheetFeatures("seyes", LIKE_ONE)]

    assert misfiled(sheets) == (1,)
