"""The life of a copy, and fair allocation."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.allocation import Share, allocate
from core.domain.copies import MARKABLE, TRANSITIONS, CopyEvent, CopyStatus, advance
from core.errors import ImpossibleTransition

S, E = CopyStatus, CopyEvent


def test_the_ordinary_life_of_a_copy() -> None:
    status = S.STAGED
    lived = [status]
    for event in (E.IDENTIFY, E.RELEASE, E.CLAIM, E.FINALISE, E.COMPLETE, E.PUBLISH):
        status = advance(status, event)
        lived.append(status)

    assert lived == [S.STAGED, S.IDENTIFIED, S.READY, S.MARKING, S.FINALISING, S.FINALISED, S.PUBLISHED]


@pytest.mark.parametrize(
    ("status", "event", "after"),
    [
        (S.MARKING, E.SURRENDER, S.READY),
        (S.FINALISED, E.REOPEN, S.READY),
        (S.PUBLISHED, E.WITHDRAW, S.FINALISED),
        (S.FINALISING, E.FAIL, S.FAILED),
        (S.FAILED, E.FINALISE, S.FINALISING),
        (S.STAGED, E.RELEASE, S.READY),
        (S.IDENTIFIED, E.UNIDENTIFY, S.STAGED),
    ],
)
def test_ways_back_and_aside(status: CopyStatus, event: CopyEvent, after: CopyStatus) -> None:
    assert advance(status, event) is after


def test_a_copy_can_be_named_at_any_status_before_publication() -> None:
    for status in set(S) - {S.PUBLISHED, S.STAGED}:
        assert advance(status, E.IDENTIFY) is status
    with pytest.raises(ImpossibleTransition):
        advance(S.PUBLISHED, E.IDENTIFY)


def test_only_a_finalised_copy_is_published() -> None:
    assert {status for status, event in TRANSITIONS if event is E.PUBLISH} == {S.FINALISED}
    assert {status for (status, _), after in TRANSITIONS.items() if after is S.PUBLISHED} == {S.FINALISED}


def test_only_a_copy_whose_pdf_was_made_is_finalised() -> None:
    ways_in = {event for (_, event), after in TRANSITIONS.items() if after is S.FINALISED}

    assert ways_in == {E.COMPLETE, E.WITHDRAW, E.IDENTIFY}


def test_a_published_copy_is_withdrawn_before_anything_else() -> None:
    assert {event for status, event in TRANSITIONS if status is S.PUBLISHED} == {E.WITHDRAW}


def test_a_copy_that_a_corrector_has_seen_is_never_staged_again() -> None:
    assert {status for (status, _), after in TRANSITIONS.items() if after is S.STAGED} == {S.IDENTIFIED}


def test_every_status_is_reached_and_every_event_happens() -> None:
    reached, frontier = {S.STAGED}, [S.STAGED]
    while frontier:
        here = frontier.pop()
        new = {after for (status, _), after in TRANSITIONS.items() if status is here} - reached
        reached |= new
        frontier += new

    assert reached == set(S)
    assert {event for _, event in TRANSITIONS} == set(E)


def test_marks_are_written_only_where_a_corrector_may_claim() -> None:
    assert {status for status, event in TRANSITIONS if event is E.CLAIM} == MARKABLE


def test_a_refused_step_says_status_and_event() -> None:
    with pytest.raises(ImpossibleTransition) as refused:
        advance(S.STAGED, E.PUBLISH)

    assert refused.value.details == {"status": "staged", "event": "publish"}


SHARES = st.lists(st.integers(1, 12), max_size=40).map(
    lambda pages: [Share(copy_id, length) for copy_id, length in enumerate(pages)]
)


@given(SHARES, st.integers(1, 6), st.integers(0, 10))
def test_loads_differ_by_no_more_than_the_longest_copy(
    shares: list[Share], correctors: int, seed: int
) -> None:
    given_to = allocate(shares, range(correctors), seed=seed)

    pages = {share.copy_id: share.pages for share in shares}
    load = Counter(dict.fromkeys(range(correctors), 0))
    for copy_id, corrector in given_to.items():
        load[corrector] += pages[copy_id]
    assert set(given_to) == set(pages)
    assert max(load.values()) - min(load.values()) <= max(pages.values(), default=0)


def test_an_allocation_is_repeated_from_its_seed_whatever_the_order_of_its_arguments() -> None:
    shares = [Share(copy_id, 4) for copy_id in range(28)]

    first = allocate(shares, [3, 1, 2], seed=11)

    assert allocate(shares[::-1], [1, 2, 3], seed=11) == first
    assert allocate(shares, [1, 2, 3], seed=12) != first


def test_chance_and_not_the_order_of_the_scan_decides_who_marks_whom() -> None:
    shares = [Share(copy_id, 4) for copy_id in range(200)]

    given_to = allocate(shares, [1, 2], seed=5)

    neighbours = sum(given_to[one] == given_to[other] for one, other in pairwise(range(200)))
    assert 70 < neighbours < 130


def test_a_copy_goes_to_nobody_who_must_avoid_it() -> None:
    shares = [Share(1, 4, frozenset({10})), Share(2, 4, frozenset({10, 20}))]

    assert allocate(shares, [10, 20], seed=1) == {1: 20}


def test_late_copies_go_to_the_least_loaded() -> None:
    assert allocate([Share(1, 4)], [10, 20], seed=1, load={10: 40, 20: 8}) == {1: 20}


def test_without_a_corrector_nothing_is_allocated() -> None:
    with pytest.raises(ValueError, match="no corrector"):
        allocate([Share(1, 4)], [], seed=1)
