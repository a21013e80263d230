"""Repairs on the bench: whatever is done, every half-page stays in one place, and all of it can be undone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain import stapling
from core.domain.bench import Bench, Change, HalfOf, ImageOf, Lie, Spot, place_in_file
from core.domain.stapling import applied, check, from_json, inverse, to_json, touched, undone
from core.errors import BadInput, Conflict

FOLDED, LEAVES, BACKS = 1, 2, 3


def bench(sheets: int = 3, leaves: int = 4) -> Bench:
    """A file of folded sheets, each a booklet; a file of leaves: two booklets of one page, one loose, one blank; a file of backs."""
    halves: dict[int, HalfOf] = {}
    images: dict[int, ImageOf] = {}
    spots: dict[int, Spot] = {}
    lies: dict[int, Lie] = {}
    for sheet in range(sheets):
        for side, labels in (("front", ("P4", "P1")), ("back", ("P2", "P3"))):
            image = len(images) + 1
            images[image] = ImageOf(FOLDED, image - 1, folded=True)
            lies[image] = Lie(0, side, sheet + 1)
            for name, label in zip(("left", "right"), labels, strict=True):
                half = len(halves) + 1
                halves[half] = HalfOf(image, "left" if name == "left" else "right")
                spots[half] = Spot("booklet", 100 + sheet, int(label[1]), label)
    for leaf in range(leaves):
        image, half = len(images) + 1, len(halves) + 1
        images[image] = ImageOf(LEAVES, leaf, folded=False)
        lies[image] = Lie(0, ("front", "back")[leaf % 2], leaf // 2 + 1)
        halves[half] = HalfOf(image, "full")
        spots[half] = (
            Spot("booklet", 200 + leaf, 1, str(leaf + 1)),
            Spot("booklet", 200 + leaf, 1, str(leaf + 1), "blurred"),
            Spot("loose", None, None, str(leaf + 1), "loose_leaf"),
            Spot("blank", None, None, str(leaf + 1), blank=True),
        )[leaf % 4]
    for leaf in range(2):
        image, half = len(images) + 1, len(halves) + 1
        images[image] = ImageOf(BACKS, leaf, folded=False)
        lies[image] = Lie(0, "single", leaf + 1)
        halves[half] = HalfOf(image, "full")
        spots[half] = Spot("booklet", 300, leaf + 1, str(leaf + 1))
    made = Bench(halves, images, spots, lies)
    check(made)
    return made


def pages(of: Bench, booklet: int) -> list[int]:
    return of.booklets().get(booklet, [])


def labels(of: Bench, booklet: int) -> list[str]:
    return [of.spots[half].page for half in pages(of, booklet)]


# --- each repair


def test_a_sheet_fed_upside_down_is_turned_and_its_pages_change_places() -> None:
    before = bench()

    after = applied(before, stapling.rotate(before, [1], 180))

    assert after.lies[1].rotation_deg == 180
    assert labels(after, 100) == ["P1", "P2", "P3", "P4"]
    assert pages(before, 100) == [2, 3, 4, 1]
    assert pages(after, 100) == [1, 3, 4, 2]


def test_a_folded_sheet_is_never_turned_by_a_quarter() -> None:
    with pytest.raises(BadInput, match="repair_quarter_of_sheet"):
        stapling.rotate(bench(), [1], 90)


def test_a_leaf_is_turned_by_a_quarter_and_stays_where_it_is() -> None:
    before = bench()

    after = applied(before, stapling.rotate(before, [7], 90))

    assert after.lies[7].rotation_deg == 90
    assert after.spots[13].position == 1


def test_front_and_back_of_a_sheet_are_exchanged() -> None:
    before = bench()

    after = applied(before, stapling.swap(before, FOLDED, 1))

    assert (after.lies[1].side, after.lies[2].side) == ("back", "front")
    assert pages(after, 100) == [4, 1, 2, 3]
    assert labels(after, 100) == ["P1", "P2", "P3", "P4"]


def test_cut_and_join_are_each_others_opposite() -> None:
    before = bench()

    parted = applied(before, stapling.cut(before, 100, 3, new=900))
    joined = applied(parted, stapling.join(parted, [100, 900]))

    assert (pages(parted, 100), pages(parted, 900)) == ([2, 3], [4, 1])
    assert joined.booklets() == before.booklets()


def test_booklets_can_be_joined_into_the_one_that_is_known() -> None:
    before = bench()

    after = applied(before, stapling.join(before, [100, 101], into=101))

    assert pages(after, 101) == [2, 3, 4, 1, 6, 7, 8, 5]
    assert 100 not in after.booklets()


@pytest.mark.parametrize("position", [1, 5])
def test_a_cut_leaves_pages_on_both_sides(position: int) -> None:
    with pytest.raises(BadInput, match="repair_bad_cut"):
        stapling.cut(bench(), 100, position, new=900)


def test_a_page_is_moved_into_another_booklet_and_both_are_numbered_again() -> None:
    before = bench()

    after = applied(before, stapling.move(before, [3, 4], 101, 2))

    assert pages(after, 100) == [2, 1]
    assert pages(after, 101) == [6, 3, 4, 7, 8, 5]


def test_a_position_beyond_the_end_is_refused() -> None:
    with pytest.raises(BadInput, match="repair_bad_position"):
        stapling.move(bench(), [3], 101, 7)


def test_a_page_set_aside_says_why_and_forgets_it_when_it_comes_back() -> None:
    before = bench()

    aside = applied(before, stapling.set_aside(before, [14]))
    back = applied(aside, stapling.put_back(aside, [14], 201, 1, new=True))

    assert (aside.spots[14].place, aside.spots[14].reason) == ("aside", "set_aside blurred")
    assert back.spots[14] == replace(before.spots[14], settled=True)


def test_a_loose_leaf_is_attached_at_the_end() -> None:
    before = bench()

    after = applied(before, stapling.attach(before, [15], 100))

    assert pages(after, 100) == [2, 3, 4, 1, 15]
    assert after.spots[15].reason == ""


def test_a_rescan_takes_the_place_of_the_old_pages_and_one_more_follows() -> None:
    before = bench()

    after = applied(before, stapling.replace_by(before, [3, 4], [13, 14, 15]))

    assert pages(after, 100) == [2, 13, 14, 15, 1]
    assert after.spots[3].place == "aside"
    assert after.spots[3].reason == "replaced"
    assert 200 not in after.booklets()


def test_a_page_said_to_be_blank_goes_with_the_blank_ones() -> None:
    before = bench()

    after = applied(before, stapling.mark_blank(before, [4]))

    assert (after.spots[4].place, after.spots[4].blank) == ("blank", True)
    assert pages(after, 100) == [2, 3, 1]


def test_backs_go_each_behind_its_front_whichever_way_they_came() -> None:
    halves = {1: HalfOf(1, "full"), 2: HalfOf(2, "full"), 3: HalfOf(3, "full"), 4: HalfOf(4, "full")}
    images = {n: ImageOf(1 if n < 3 else 2, (n - 1) % 2, folded=False) for n in range(1, 5)}
    spots = {
        1: Spot("booklet", 10, 1, "1"),
        2: Spot("booklet", 11, 1, "2"),
        3: Spot("booklet", 20, 1, "1"),
        4: Spot("booklet", 20, 2, "2"),
    }
    two = Bench(halves, images, spots, {n: Lie(0, "single", 1) for n in range(1, 5)})

    straight = applied(two, stapling.interleave(two, 1, 2, backwards=False))
    backwards = applied(two, stapling.interleave(two, 1, 2, backwards=True))

    assert straight.booklets() == {10: [1, 3], 11: [2, 4]}
    assert backwards.booklets() == {10: [1, 4], 11: [2, 3]}
    assert straight.spots[3].reason == "interleaved"


def test_what_was_erased_for_good_moves_no_more() -> None:
    before = bench()
    gone = replace(before, spots={**before.spots, 15: Spot("erased", page="3", reason="erased")})

    with pytest.raises(BadInput, match="repair_erased_page"):
        stapling.attach(gone, [15], 100)


def test_a_booklet_stands_in_the_file_where_its_first_page_stands() -> None:
    assert [place_in_file(3, half) for half in ("left", "right", "top", "bottom", "full")] == [6, 7, 6, 7, 6]


# --- undo


def test_undo_of_a_repair_whose_pages_were_touched_since_names_the_later_one() -> None:
    first = bench()
    cut = stapling.cut(first, 100, 3, new=900)
    second = applied(first, cut)
    moved = stapling.move(second, [4], 101, 1)

    with pytest.raises(Conflict) as refused:
        undone(cut, [(7, moved)])

    assert refused.value.details == {"repair": 7}
    assert undone(cut, [(8, stapling.settle(second, [13]))]) == inverse(cut)


def test_saying_that_a_page_was_looked_at_stands_in_the_way_of_no_undo() -> None:
    first = bench()
    cut = stapling.cut(first, 100, 3, new=900)
    second = applied(first, cut)

    settled = stapling.settle(second, [1])

    assert settled
    assert not touched(cut) & touched(settled)


def test_changes_are_kept_as_json_and_come_back_the_same() -> None:
    changes = stapling.swap(bench(), FOLDED, 1)

    assert from_json(to_json(changes)) == changes


# --- whatever is done

Act = Callable[[Bench, int], tuple[Change, ...]]


@st.composite
def acts(draw: st.DrawFn) -> Act:
    """A repair on pages, booklets and images drawn at random; many are refused, as they should be."""
    half = st.integers(1, 19)
    some = draw(st.lists(half, min_size=1, max_size=4))
    others = draw(st.lists(half, min_size=1, max_size=4))
    booklet, other = draw(st.integers(0, 6)), draw(st.integers(0, 6))
    place = draw(st.integers(0, 6))

    def known(on: Bench, number: int) -> int:
        all_booklets = sorted(on.booklets())
        return all_booklets[number % len(all_booklets)] if all_booklets else 0

    chosen: Act = draw(
        st.sampled_from(
            [
                lambda on, _: stapling.rotate(on, [place + 1], 180 if place < 6 else 90),
                lambda on, _: stapling.rotate(on, [7 + place % 4], 90),
                lambda on, _: stapling.swap(on, FOLDED, place),
                lambda on, _: stapling.swap(on, LEAVES, place),
                lambda on, _: stapling.move(on, some, known(on, booklet), place),
                lambda on, _: stapling.attach(on, some, known(on, booklet)),
                lambda on, new: stapling.cut(on, known(on, booklet), place, new),
                lambda on, _: stapling.join(on, [known(on, booklet), known(on, other)]),
                lambda on, _: stapling.join(
                    on, [known(on, booklet), known(on, other)], into=known(on, other)
                ),
                lambda on, new: stapling.new_booklet(on, some, new),
                lambda on, _: stapling.set_aside(on, some),
                lambda on, _: stapling.mark_blank(on, some),
                lambda on, new: stapling.put_back(on, some, new, place, new=True),
                lambda on, _: stapling.replace_by(on, some, others),
                lambda on, _: stapling.settle(on, some),
                lambda on, _: stapling.interleave(on, LEAVES, LEAVES + place % 2, backwards=bool(place % 3)),
            ]
        )
    )
    return chosen


@settings(max_examples=150)
@given(st.lists(acts(), max_size=12))
def test_any_sequence_of_repairs_keeps_every_half_page_and_can_be_undone_to_the_first_state(
    sequence: list[Act],
) -> None:
    first = bench()
    now, done = first, []
    for number, act in enumerate(sequence):
        try:
            changes = act(now, 1000 + number)
        except BadInput:
            continue
        now = applied(now, changes)
        check(now)
        assert set(now.spots) == set(first.spots)
        done.append((number, changes))

    for place in range(len(done) - 1, -1, -1):
        _, changes = done[place]
        now = applied(now, undone(changes, []))
        check(now)
    assert now == first


@settings(max_examples=100)
@given(st.lists(acts(), min_size=2, max_size=8), st.integers(0, 7))
def test_an_undo_that_is_not_refused_leaves_every_booklet_whole(sequence: list[Act], which: int) -> None:
    now, done = bench(), []
    for number, act in enumerate(sequence):
        try:
            changes = act(now, 1000 + number)
        except BadInput:
            continue
        now = applied(now, changes)
        done.append((number, changes))
    if not done:
        return
    place = which % len(done)

    try:
        back = undone(done[place][1], done[place + 1 :])
    except Conflict:
        return
    check(applied(now, back))
