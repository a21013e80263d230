from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.doubts import LEVELS, Level, level_of
from core.domain.sheets import (
    ROTATIONS,
    Assembly,
    HalfFinding,
    HalfName,
    HeaderSeen,
    Layout,
    SideFinding,
    assemble,
    halves_upright,
    page_label,
)

SEEN = HeaderSeen("lignes")


def front(image: int, rotation: int = 0, header: bool = True, flags: tuple[str, ...] = ()) -> SideFinding:
    names = sorted(halves_upright(rotation))
    p1 = halves_upright(rotation)[1]
    halves = tuple(HalfFinding(n, header=SEEN if header and n == p1 else None, flags=flags) for n in names)
    return SideFinding(image, halves, rotation if header else None)


def back(image: int, upright: bool = False, blank: tuple[bool, bool] = (False, False)) -> SideFinding:
    names: tuple[HalfName, HalfName] = ("top", "bottom") if upright else ("left", "right")
    return SideFinding(image, tuple(HalfFinding(n, blank=b) for n, b in zip(names, blank, strict=True)))


def leaf(image: int, header: bool = False, blank: bool = False) -> SideFinding:
    return SideFinding(image, (HalfFinding("full", blank, SEEN if header else None),), 0 if header else None)


def order(assembly: Assembly, booklet: int = 0) -> list[tuple[int, str, str]]:
    return [(page.image, page.half, page.page) for page in assembly.booklets[booklet].pages]


def reasons(assembly: Assembly) -> list[str]:
    return [page.reason for page in assembly.placements]


def test_a_sheet_fed_upright_reads_p1_p2_p3_p4() -> None:
    result = assemble([front(0), back(1)], "a3")

    assert order(result) == [(0, "right", "P1"), (1, "left", "P2"), (1, "right", "P3"), (0, "left", "P4")]
    assert reasons(result) == ["", "", "", ""]


def test_a_sheet_turned_upside_down_has_p1_on_the_left() -> None:
    result = assemble([front(0, 180), back(1)], "a3")

    assert order(result) == [(0, "left", "P1"), (1, "right", "P2"), (1, "left", "P3"), (0, "right", "P4")]
    assert {page.rotation_deg for page in result.placements} == {180}
    assert set(reasons(result)) == {"turned_180"}


@pytest.mark.parametrize(
    ("rotation", "halves"),
    [(90, ["top", "bottom", "top", "bottom"]), (270, ["bottom", "top", "bottom", "top"])],
)
def test_a_sheet_fed_a_quarter_turned_is_named_top_and_bottom(rotation: int, halves: list[str]) -> None:
    result = assemble([front(0, rotation), back(1, upright=True)], "a3")

    assert [page.half for page in result.booklets[0].pages] == halves
    assert [page.page for page in result.booklets[0].pages] == ["P1", "P2", "P3", "P4"]


def test_each_sheet_with_a_header_opens_a_booklet() -> None:
    result = assemble([front(0), back(1), front(2), back(3)], "a3")

    assert [booklet.first_image for booklet in result.booklets] == [0, 2]
    assert [page.position for page in result.booklets[1].pages] == [1, 2, 3, 4]


def test_a_sheet_without_header_joins_the_booklet_before_it() -> None:
    result = assemble([front(0), back(1), front(2, header=False), back(3), front(4), back(5)], "a3")

    assert [len(booklet.pages) for booklet in result.booklets] == [8, 4]
    assert [page.position for page in result.booklets[0].pages] == list(range(1, 9))
    assert {page.reason for page in result.booklets[0].pages[4:]} == {"header_missing"}


def test_a_first_sheet_without_header_still_becomes_a_booklet() -> None:
    result = assemble([back(0), back(1)], "a3")

    assert len(result.booklets) == 1
    assert not result.booklets[0].has_header
    assert set(reasons(result)) == {"header_missing"}


def test_a_sheet_fed_back_to_front_is_put_right_and_says_so() -> None:
    result = assemble([back(0), front(1)], "a3")

    assert order(result) == [(1, "right", "P1"), (0, "left", "P2"), (0, "right", "P3"), (1, "left", "P4")]
    assert set(reasons(result)) == {"sides_swapped"}


def test_the_last_image_of_an_odd_number_stays_alone() -> None:
    result = assemble([front(0), back(1), front(2)], "a3")

    assert [page.page for page in result.booklets[1].pages] == ["P1", "P4"]
    assert {page.reason for page in result.booklets[1].pages} == {"back_missing"}


def test_a_back_lost_in_the_middle_does_not_turn_the_sheets_after_it() -> None:
    result = assemble([front(0), back(1), front(2), front(3), back(4), front(5), back(6)], "a3")

    assert [booklet.first_image for booklet in result.booklets] == [0, 2, 3, 5]
    assert [len(booklet.pages) for booklet in result.booklets] == [4, 2, 4, 4]
    assert "sides_swapped" not in " ".join(reasons(result))


def test_two_headers_in_a_row_are_two_sheets_without_back() -> None:
    result = assemble([front(0), front(1)], "a3")

    assert [booklet.first_image for booklet in result.booklets] == [0, 1]
    assert set(reasons(result)) == {"back_missing"}


def test_a_blank_page_of_a_sheet_keeps_its_position() -> None:
    result = assemble([front(0), back(1, blank=(False, True))], "a3")

    page = result.booklets[0].pages[2]
    assert (page.page, page.position, page.blank, page.place) == ("P3", 3, True, "booklet")


def test_a_wholly_blank_sheet_belongs_to_nobody() -> None:
    blank = SideFinding(2, (HalfFinding("left", True), HalfFinding("right", True)))
    result = assemble([front(0), back(1), blank, back(3, blank=(True, True)), front(4), back(5)], "a3")

    assert [page.place for page in result.placements[4:8]] == ["blank"] * 4
    assert len(result.booklets) == 2


def test_an_unreadable_image_keeps_its_place_in_the_pile() -> None:
    broken = SideFinding(1, (HalfFinding("left"), HalfFinding("right")), unreadable=True)
    result = assemble([front(0), broken, front(2), back(3)], "a3")

    assert [page.place for page in result.placements[2:4]] == ["unreadable"] * 2
    assert [len(booklet.pages) for booklet in result.booklets] == [2, 4]


def test_an_a4_leaf_among_folded_sheets_waits_as_a_loose_sheet() -> None:
    result = assemble([front(0), back(1), leaf(2), leaf(3, blank=True)], "a3")

    assert [page.place for page in result.placements[4:]] == ["loose", "blank"]


def test_a_quality_flag_is_a_reason_to_look() -> None:
    result = assemble([front(0, flags=("too_light",)), back(1)], "a3")

    assert reasons(result) == ["too_light", "too_light", "", ""]


def test_a4_copies_are_cut_at_headers() -> None:
    result = assemble([leaf(0, True), leaf(1), leaf(2), leaf(3, True), leaf(4, blank=True)], "a4")

    assert [len(booklet.pages) for booklet in result.booklets] == [3, 1]
    assert result.placements[4].place == "blank"


def test_a4_copies_can_be_cut_by_number_of_pages() -> None:
    result = assemble([leaf(i) for i in range(7)], "a4", pages_per_copy=3)

    assert [len(booklet.pages) for booklet in result.booklets] == [3, 3, 1]
    assert reasons(result) == [""] * 6 + ["copy_incomplete"]


def test_an_a4_file_without_any_header_is_one_booklet() -> None:
    result = assemble([leaf(i) for i in range(5)], "a4")

    assert len(result.booklets) == 1
    assert set(reasons(result)) == {"header_missing"}


def test_one_file_per_pupil_is_one_booklet_whatever_its_sheets() -> None:
    assert len(assemble([front(0), back(1), front(2), back(3)], "files").booklets) == 1
    assert len(assemble([leaf(0, True), leaf(1), leaf(2, True)], "files").booklets) == 1
    mixed = assemble([leaf(0), front(1)], "files")
    assert len(mixed.placements) == 3


def test_a_number_of_pages_must_be_positive() -> None:
    with pytest.raises(ValueError, match="positive"):
        assemble([leaf(0)], "a4", pages_per_copy=0)


@pytest.mark.parametrize("rotation", ROTATIONS)
def test_each_half_has_one_label_under_each_rotation(rotation: int) -> None:
    labels = {page_label(half, "front", rotation) for half in halves_upright(rotation)}

    assert labels == {"P1", "P4"}


ANNEX = HeaderSeen("annexe", "annex")


def annex_leaf(image: int) -> SideFinding:
    return SideFinding(image, (HalfFinding("full", header=ANNEX),), 0)


def doubtful_images(assembly: Assembly) -> set[int]:
    return {
        page.image for page in assembly.placements if level_of(page.reasons) in (Level.DOUBTFUL, Level.PLACED)
    }


def pile(sheets: int) -> list[tuple[str, int]]:
    """A pile as it should be fed: front and back of each sheet."""
    return [(side, sheet) for sheet in range(sheets) for side in ("front", "back")]


def fed(images: list[tuple[str, int]]) -> list[SideFinding]:
    return [front(i) if side == "front" else back(i) for i, (side, _) in enumerate(images)]


def misplaced(images: list[tuple[str, int]], result: Assembly) -> set[int]:
    """Images that share a booklet with another sheet, or stand in a wrong order, without being listed."""
    listed, wrong = doubtful_images(result), set()
    for booklet in result.booklets:
        seen = [(images[page.image], page.page) for page in booklet.pages]
        is_one = len({sheet for (_, sheet), _ in seen}) == 1
        is_right = all((side == "front") == (label in ("P1", "P4")) for (side, _), label in seen)
        in_order = [label for _, label in seen] == sorted(label for _, label in seen)
        if not (is_one and is_right and in_order):
            wrong |= {page.image for page in booklet.pages}
    return wrong - listed


def test_several_backs_lost_are_each_found_where_they_are() -> None:
    images = [image for image in pile(10) if image not in [("back", 2), ("back", 6), ("back", 9)]]
    result = assemble(fed(images), "a3")

    assert [len(booklet.pages) for booklet in result.booklets] == [4, 4, 2, 4, 4, 4, 2, 4, 4, 2]
    lone = {images[p.image] for p in result.placements if "back_missing" in p.reasons}
    assert lone == {("front", 2), ("front", 6), ("front", 9)}


def test_a_back_whose_front_is_lost_waits_with_the_loose_sheets() -> None:
    images = [image for image in pile(6) if image != ("front", 3)]
    result = assemble(fed(images), "a3")

    at = images.index(("back", 3))
    assert {(p.place, p.page, p.reason) for p in result.placements if p.image == at} == {
        ("loose", "P2", "front_missing odd_image"),
        ("loose", "P3", "front_missing odd_image"),
    }
    assert [len(booklet.pages) for booklet in result.booklets] == [4] * 5


def test_next_to_a_lost_image_the_sheets_that_could_be_paired_otherwise_are_doubtful_and_no_others() -> None:
    images = [image for image in pile(20) if image != ("front", 10)]
    result = assemble(fed(images), "a3")

    assert {images[i][1] for i in doubtful_images(result)} == {9, 10, 11}


def test_a_bundle_laid_the_wrong_way_round_is_put_right_and_listed_since_two_lost_images_look_the_same() -> (
    None
):
    images = pile(12)
    images[8:20] = [image for sheet in range(4, 10) for image in (("back", sheet), ("front", sheet))]
    result = assemble(fed(images), "a3")

    assert [len(booklet.pages) for booklet in result.booklets] == [4] * 12
    swapped = {images[p.image][1] for p in result.placements if "sides_swapped" in p.reasons}
    assert swapped == set(range(4, 10))
    assert {images[i][1] for i in doubtful_images(result)} == {*range(4, 10)}


def test_a_whole_pile_laid_the_wrong_way_round_is_put_right() -> None:
    result = assemble([back(i) if i % 2 == 0 else front(i) for i in range(12)], "a3")

    assert [len(booklet.pages) for booklet in result.booklets] == [4] * 6
    assert set(reasons(result)) == {"sides_swapped"}


@settings(max_examples=200, deadline=None)
@given(st.integers(8, 30), st.lists(st.tuples(st.integers(0, 59), st.booleans()), max_size=3))
def test_whatever_is_lost_or_swapped_no_sheet_is_wrong_without_being_listed(
    sheets: int, faults: list[tuple[int, bool]]
) -> None:
    images = pile(sheets)
    touched: set[int] = set()
    for at, swap in faults:
        side, sheet = pile(sheets)[at % (2 * sheets)]
        if any(abs(sheet - other) < 3 for other in touched):
            continue
        touched.add(sheet)
        if swap:
            i = images.index(("front", sheet))
            images[i : i + 2] = [("back", sheet), ("front", sheet)]
        else:
            images.remove((side, sheet))
    result = assemble(fed(images), "a3")

    assert misplaced(images, result) == set()
    if len(touched) == 1:
        listed = {images[i][1] for i in doubtful_images(result)}
        assert listed <= {sheet + near for sheet in touched for near in (-1, 0, 1)}


def test_a_header_unseen_beside_a_lost_back_leaves_both_sheets_doubtful() -> None:
    images = [front(0), back(1), front(2), front(3, header=False), back(4), front(5), back(6)]
    result = assemble(images, "a3")

    assert {2, 3, 4} <= doubtful_images(result)


def test_a_sheet_whose_sides_lie_differently_has_an_unsure_back() -> None:
    result = assemble([front(0), back(1, upright=True)], "a3")

    assert ["direction_unsure" in page.reasons for page in result.placements] == [False, False, True, True]


def test_a_sheet_without_header_whose_front_says_how_it_lies_has_its_back_lie_so() -> None:
    told = SideFinding(2, back(2).halves, 180)
    result = assemble([front(0), back(1), told, back(3)], "a3")

    assert [page.rotation_deg for page in result.placements] == [0, 0, 0, 0, 180, 180, 180, 180]


def test_where_nothing_tells_the_last_image_of_an_odd_number_is_the_one_alone() -> None:
    result = assemble([back(i) for i in range(5)], "a3")

    assert [page.place for page in result.placements] == ["booklet"] * 8 + ["loose"] * 2
    assert all("odd_image" in page.reasons for page in result.placements)


def test_a_leaf_with_a_header_among_folded_sheets_is_an_annex_with_its_back() -> None:
    result = assemble([front(0), back(1), annex_leaf(2), leaf(3), leaf(4), leaf(5), front(6), back(7)], "a3")

    assert [p.place for p in result.placements[4:8]] == ["annex", "annex", "loose", "loose"]
    assert [p.reason for p in result.placements[4:8]] == ["annex_waiting"] * 2 + ["loose_leaf"] * 2
    assert [len(booklet.pages) for booklet in result.booklets] == [4, 4]


def test_a_folded_annex_waits_whole() -> None:
    sheet = SideFinding(2, (HalfFinding("left"), HalfFinding("right", header=ANNEX)), 0)
    result = assemble([front(0), back(1), sheet, back(3, blank=(False, True))], "a3")

    assert [p.place for p in result.placements[4:]] == ["annex", "annex", "annex", "blank"]
    assert len(result.booklets) == 1


def test_an_annex_in_a_stack_of_leaves_is_taken_out_of_its_copy() -> None:
    result = assemble([leaf(0, True), leaf(1), annex_leaf(2), leaf(3), leaf(4, True)], "a4")

    assert [p.place for p in result.placements] == ["booklet", "booklet", "annex", "booklet", "booklet"]
    assert [[p.image for p in b.pages] for b in result.booklets] == [[0, 1, 3], [4]]


def test_a_header_within_a_copy_of_a_fixed_length_makes_the_copy_doubtful() -> None:
    headed = {0, 3, 5, 9}
    result = assemble([leaf(i, i in headed) for i in range(12)], "a4", pages_per_copy=3)

    assert reasons(result) == [""] * 3 + ["header_inside"] * 3 + ["header_missing"] * 3 + [""] * 3


def test_a_header_further_on_in_a_pupils_file_is_listed_unless_each_page_bears_one() -> None:
    assert reasons(assemble([leaf(0, True), leaf(1), leaf(2, True)], "files")) == ["", "", "header_inside"]
    assert reasons(assemble([leaf(i, True) for i in range(3)], "files")) == [""] * 3


def test_a_pupils_file_with_a_swapped_sheet_and_a_leaf_reads_in_order() -> None:
    result = assemble([back(0), front(1), leaf(2), front(3), back(4)], "files")

    assert [(page.image, page.page) for page in result.booklets[0].pages] == [
        *[(1, "P1"), (0, "P2"), (0, "P3"), (1, "P4")],
        (2, "3"),
        *[(3, "P1"), (4, "P2"), (4, "P3"), (3, "P4")],
    ]


def test_a_copy_as_long_as_two_among_shorter_ones_may_hide_a_header() -> None:
    missed = [
        replace(side, halves=(HalfFinding("full"),)) if side.image == 12 else side for side in duplex(6)
    ]
    result = assemble(missed, "a4")

    assert [len(booklet.pages) for booklet in result.booklets] == [3, 3, 6, 3, 3]
    assert [page.image for page in result.placements if "copy_long" in page.reasons] == [8, 9, 10, 12, 13, 14]


def test_where_copies_are_of_many_lengths_a_long_one_says_nothing() -> None:
    starts = {0, 2, 6, 8, 14, 16, 20, 28}

    assert set(reasons(assemble([leaf(i, i in starts) for i in range(30)], "a4"))) == {""}


def duplex(copies: int) -> list[SideFinding]:
    """Copies of two leaves each, the last back blank."""
    return [leaf(4 * c + i, header=i == 0, blank=i == 3) for c in range(copies) for i in range(4)]


def test_leaves_scanned_on_both_sides_are_fronts_and_backs() -> None:
    result = assemble(duplex(5), "a4")

    assert [image.sheet for image in result.images[:4]] == [1, 1, 2, 2]
    assert [image.side for image in result.images[:4]] == ["front", "back", "front", "back"]
    assert [len(booklet.pages) for booklet in result.booklets] == [3] * 5
    assert {image.side for image in assemble([leaf(i, i % 3 == 0) for i in range(9)], "a4").images} == {
        "single"
    }


def test_a_leaf_fed_back_to_front_among_leaves_scanned_on_both_sides_is_put_right() -> None:
    images = duplex(6)
    images[8:10] = [leaf(8), leaf(9, header=True)]
    result = assemble(images, "a4")

    assert [page.image for page in result.booklets[2].pages] == [9, 8, 10]
    assert [page.image for page in result.booklets[1].pages] == [4, 5, 6]
    assert [page.reason for page in result.booklets[2].pages] == ["sides_swapped"] * 2 + [""]


def test_an_image_lost_among_leaves_scanned_on_both_sides_makes_its_copy_doubtful() -> None:
    images = [side for side in duplex(8) if side.image != 13]
    result = assemble(images, "a4")

    assert {page.reason for page in result.booklets[3].pages} == {"odd_image"}
    assert all(not page.reason for booklet in (0, 1, 5, 6, 7) for page in result.booklets[booklet].pages)


def test_the_back_of_a_leaf_lies_as_its_front() -> None:
    images = duplex(5)
    images[4] = SideFinding(4, images[4].halves, 180)
    result = assemble(images, "a4")

    assert [page.rotation_deg for page in result.placements[3:7]] == [0, 180, 180, 0]


def test_one_sheet_of_another_paper_is_noted_on_its_header_and_two_papers_are_not() -> None:
    other = SideFinding(6, (HalfFinding("left"), HalfFinding("right", header=HeaderSeen("cadres"))), 0)
    result = assemble([*fed(pile(3)), other, back(7)], "a3")

    assert [(p.image, p.page) for p in result.placements if p.reason == "model_differs"] == [(6, "P1")]
    assert len(result.booklets) == 4
    assert set(reasons(assemble([*fed(pile(1)), replace(other, image=2), back(3)], "a3"))) == {""}


def test_each_image_says_its_sheet_its_side_and_its_cut() -> None:
    result = assemble([front(0), back(1), back(2), front(3), front(4, 90), leaf(5)], "a3")

    assert [(i.sheet, i.side, i.cut) for i in result.images] == [
        (1, "front", "left_right"),
        (1, "back", "left_right"),
        (2, "back", "left_right"),
        (2, "front", "left_right"),
        (3, "single", "top_bottom"),
        (4, "single", "whole"),
    ]


PAIRS: list[tuple[HalfName, ...]] = [("left", "right"), ("top", "bottom"), ("full",)]


@st.composite
def sides(draw: st.DrawFn) -> list[SideFinding]:
    found = []
    for image in range(draw(st.integers(0, 12))):
        names = draw(st.sampled_from(PAIRS))
        header_at = draw(st.sampled_from([None, *range(len(names))]))
        seen = draw(st.sampled_from([SEEN, ANNEX, HeaderSeen("cadres")]))
        halves = tuple(
            HalfFinding(
                name,
                draw(st.booleans()),
                seen if i == header_at else None,
                draw(st.sampled_from([(), ("blurred",)])),
            )
            for i, name in enumerate(names)
        )
        rotation = draw(st.sampled_from([None, *ROTATIONS]))
        found.append(SideFinding(image, halves, rotation, draw(st.booleans())))
    return found


@settings(max_examples=150, deadline=None)
@given(sides(), st.sampled_from(["a3", "a4", "files"]), st.sampled_from([None, 1, 3]))
def test_every_half_is_in_exactly_one_place(
    found: list[SideFinding], layout: Layout, pages: int | None
) -> None:
    result = assemble(found, layout, pages)

    halves = [(side.image, half.half) for side in found for half in side.halves]
    assert [(page.image, page.half) for page in result.placements] == halves
    assert [image.image for image in result.images] == [side.image for side in found]
    assert {code for page in result.placements for code in page.reasons} <= set(LEVELS)
    in_booklets = [page for booklet in result.booklets for page in booklet.pages]
    assert sorted(map(id, in_booklets)) == sorted(id(p) for p in result.placements if p.place == "booklet")
    for booklet in result.booklets:
        assert [page.position for page in booklet.pages] == list(range(1, len(booklet.pages) + 1))
        assert {page.booklet_index for page in booklet.pages} == {booklet.index}
    outside = [page for page in result.placements if page.place != "booklet"]
    assert all(page.position is None and page.booklet_index is None for page in outside)
    assert all(page.reason for page in result.placements if page.place not in ("booklet", "blank"))
