from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.sheets import (
    ROTATIONS,
    Assembly,
    HalfFinding,
    HalfName,
    Layout,
    SideFinding,
    assemble,
    halves_upright,
    page_label,
)


def front(image: int, rotation: int = 0, header: bool = True, flags: tuple[str, ...] = ()) -> SideFinding:
    names = sorted(halves_upright(rotation))
    p1 = halves_upright(rotation)[1]
    halves = tuple(HalfFinding(n, header=header and n == p1, flags=flags) for n in names)
    return SideFinding(image, halves, rotation if header else None)


def back(image: int, upright: bool = False, blank: tuple[bool, bool] = (False, False)) -> SideFinding:
    names: tuple[HalfName, HalfName] = ("top", "bottom") if upright else ("left", "right")
    return SideFinding(image, tuple(HalfFinding(n, blank=b) for n, b in zip(names, blank, strict=True)))


def leaf(image: int, header: bool = False, blank: bool = False) -> SideFinding:
    return SideFinding(image, (HalfFinding("full", blank, header),), 0 if header else None)


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


PAIRS: list[tuple[HalfName, ...]] = [("left", "right"), ("top", "bottom"), ("full",)]


@st.composite
def sides(draw: st.DrawFn) -> list[SideFinding]:
    found = []
    for image in range(draw(st.integers(0, 12))):
        names = draw(st.sampled_from(PAIRS))
        header_at = draw(st.sampled_from([None, *range(len(names))]))
        halves = tuple(
            HalfFinding(name, draw(st.booleans()), i == header_at, draw(st.sampled_from([(), ("blurred",)])))
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

    fed = [(side.image, half.half) for side in found for half in side.halves]
    assert [(page.image, page.half) for page in result.placements] == fed
    in_booklets = [page for booklet in result.booklets for page in booklet.pages]
    assert sorted(map(id, in_booklets)) == sorted(id(p) for p in result.placements if p.place == "booklet")
    for booklet in result.booklets:
        assert [page.position for page in booklet.pages] == list(range(1, len(booklet.pages) + 1))
        assert {page.booklet_index for page in booklet.pages} == {booklet.index}
    outside = [page for page in result.placements if page.place != "booklet"]
    assert all(page.position is None and page.booklet_index is None for page in outside)
    assert all(page.reason for page in result.placements if page.place not in ("booklet", "blank"))
