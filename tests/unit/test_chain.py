"""The journal's chain as values: what a link covers, and what each way of meddling with it looks like."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from core.domain.chain import (
    FIRST_PREVIOUS,
    Entry,
    Fault,
    Head,
    Step,
    digest,
    fitting,
    link_hash,
    links_for,
    walk,
)

AT = datetime(2026, 11, 22, 13, 2, 11, 123456, tzinfo=UTC)
LATER = AT + timedelta(microseconds=1)


def entry(entry_id: int) -> Entry:
    return Entry(
        entry_id,
        AT + timedelta(seconds=entry_id),
        "account:3",
        "mark",
        "copy",
        7,
        digest("salt", {"n": entry_id}),
    )


def chained(entries: Sequence[Entry]) -> list[Step]:
    links = links_for(Head(), entries, AT)
    return [Step(link, of, of.digest) for link, of in zip(links, entries, strict=True)]


def with_link(step: Step, **changes: Any) -> Step:
    return replace(step, link=replace(step.link, **changes))


ENTRIES = [entry(number) for number in (11, 12, 14, 13, 15)]
WHOLE = chained(ENTRIES)
"""Five links; the fourth entry was committed after the third though its id is lower."""


def test_links_are_numbered_from_1_and_begin_after_64_zeros() -> None:
    links = [step.link for step in WHOLE]

    assert [link.number for link in links] == [1, 2, 3, 4, 5]
    assert [link.previous for link in links] == [FIRST_PREVIOUS, *(link.hash for link in links[:-1])]
    assert FIRST_PREVIOUS == "0" * 64


def test_the_hash_of_a_link_is_that_of_its_documented_text() -> None:
    text = FIRST_PREVIOUS + (
        '{"action":"mark","actor":"account:3","at_us":1795352531123456,"digest":"d","entry":5,'
        '"number":1,"object_id":null,"object_kind":"copy","sealed_at_us":1795352531123457}'
    )

    made = link_hash(1, FIRST_PREVIOUS, Entry(5, AT, "account:3", "mark", "copy", None, "d"), LATER)

    assert made == hashlib.sha256(text.encode()).hexdigest()


def test_the_same_instant_in_another_zone_has_the_same_hash() -> None:
    there = AT.astimezone(timezone(timedelta(hours=5)))
    here, elsewhere = (replace(ENTRIES[0], at=at) for at in (AT, there))

    assert link_hash(1, FIRST_PREVIOUS, elsewhere, there) == link_hash(1, FIRST_PREVIOUS, here, AT)


@pytest.mark.parametrize(
    "changes",
    [
        {"entry_id": 99},
        {"at": AT},
        {"actor": "account:4"},
        {"action": "publish"},
        {"object_kind": "paper"},
        {"object_id": None},
        {"digest": "0" * 64},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_every_column_of_an_entry_is_covered(changes: dict[str, Any]) -> None:
    changed = replace(ENTRIES[0], **changes)

    assert link_hash(1, FIRST_PREVIOUS, changed, AT) != link_hash(1, FIRST_PREVIOUS, ENTRIES[0], AT)


def test_when_a_link_was_made_is_covered() -> None:
    made, later = (link_hash(1, FIRST_PREVIOUS, ENTRIES[0], at) for at in (AT, LATER))

    assert made != later


def test_two_dates_that_are_none_are_two() -> None:
    first, second = (replace(ENTRIES[0], at=at) for at in ("yesterday", "-infinity"))

    assert link_hash(1, FIRST_PREVIOUS, first, AT) != link_hash(1, FIRST_PREVIOUS, second, AT)


def test_values_have_one_digest_whatever_the_order_of_their_keys_and_another_with_another_salt() -> None:
    assert digest("salt", {"a": 1, "b": {"c": 2, "d": "é"}}) == digest(
        "salt", {"b": {"d": "é", "c": 2}, "a": 1}
    )
    assert digest("salt", {"a": 1}) != digest("tlas", {"a": 1})


def test_an_untouched_chain_is_whole_whatever_the_order_of_the_ids() -> None:
    walked = walk(WHOLE)

    assert walked.broken is None
    assert walked.head == Head(5, WHOLE[-1].link.hash)


def test_an_empty_chain_is_whole() -> None:
    assert walk([]).head == Head()


def test_erased_values_are_counted_and_are_no_fault() -> None:
    steps = [replace(WHOLE[0], values_digest=None), *WHOLE[1:4], replace(WHOLE[4], values_digest=None)]

    walked = walk(steps)

    assert (walked.broken, walked.erased) == (None, 2)


def entry_changed(steps: list[Step]) -> None:
    steps[2] = replace(steps[2], entry=replace(ENTRIES[2], actor="account:4"))


def sealed_at_changed(steps: list[Step]) -> None:
    steps[2] = with_link(steps[2], sealed_at=LATER)


def entry_deleted(steps: list[Step]) -> None:
    steps[2] = replace(steps[2], entry=None, values_digest=None)


def values_changed(steps: list[Step]) -> None:
    steps[2] = replace(steps[2], values_digest=digest("salt", {"n": 20}))


def seal_missing(steps: list[Step]) -> None:
    del steps[2]


def seal_misplaced(steps: list[Step]) -> None:
    """The third link taken out and the later ones renumbered to close the gap."""
    del steps[2]
    steps[2:] = [with_link(step, number=step.link.number - 1) for step in steps[2:]]


def seal_changed(steps: list[Step]) -> None:
    steps[2] = with_link(steps[2], hash="f" * 64)


def test_a_link_that_was_dated_anew_is_found() -> None:
    steps = list(WHOLE)
    sealed_at_changed(steps)

    broken = walk(steps).broken

    assert broken is not None
    assert (broken.fault, broken.number) == (Fault.ENTRY_CHANGED, 3)


@pytest.mark.parametrize(
    "meddle", [entry_changed, entry_deleted, values_changed, seal_missing, seal_misplaced, seal_changed]
)
def test_the_first_broken_link_is_found_and_what_is_wrong_is_named(
    meddle: Callable[[list[Step]], None],
) -> None:
    steps = list(WHOLE)
    meddle(steps)
    steps[-1] = replace(steps[-1], entry=None)

    walked = walk(steps)

    assert walked.broken is not None
    assert (walked.broken.fault, walked.broken.number) == (Fault(meddle.__name__), 3)
    assert walked.head.number == 2


def test_what_is_known_of_the_broken_entry_goes_with_it() -> None:
    steps = list(WHOLE)
    entry_changed(steps)

    broken = walk(steps).broken

    assert broken is not None
    assert (broken.entry_id, broken.at, broken.action, broken.sealed_at) == (14, ENTRIES[2].at, "mark", AT)


def test_of_two_entries_that_changed_places_the_other_one_is_found() -> None:
    second, fourth = (replace(ENTRIES[1], entry_id=13), replace(ENTRIES[3], entry_id=12))
    steps = list(WHOLE)
    steps[1], steps[3] = replace(steps[1], entry=fourth), replace(steps[3], entry=second)

    walked = walk(steps)

    assert walked.broken is not None
    assert walked.wanted is not None
    assert (walked.broken.fault, walked.broken.number) == (Fault.ENTRY_CHANGED, 2)
    found = fitting(2, walked.head, walked.wanted, [ENTRIES[0], fourth, ENTRIES[2], second], entry_id=12)
    assert found == second


def test_the_entry_of_a_missing_link_is_found_by_the_link_after_the_gap() -> None:
    walked = walk([*WHOLE[:2], *WHOLE[3:]])

    assert walked.wanted is not None
    assert fitting(3, walked.head, walked.wanted, ENTRIES, entry_id=0) == ENTRIES[2]


def test_the_entry_of_a_missing_link_is_found_by_when_the_link_before_was_made_too() -> None:
    first = list(links_for(Head(), ENTRIES[:3], AT))
    then = list(links_for(Head(3, first[-1].hash), ENTRIES[3:], LATER))
    steps = [Step(link, of, of.digest) for link, of in zip([*first, *then], ENTRIES, strict=True)]
    walked = walk([*steps[:2], *steps[3:]])

    assert walked.wanted is not None
    assert fitting(3, walked.head, walked.wanted, ENTRIES, entry_id=0) == ENTRIES[2]


def test_a_gap_of_several_links_tells_no_entry() -> None:
    assert walk([*WHOLE[:1], *WHOLE[3:]]).wanted is None


def test_a_changed_entry_fits_nowhere() -> None:
    steps = list(WHOLE)
    entry_changed(steps)
    walked = walk(steps)

    assert walked.wanted is not None
    others = [step.entry for step in steps if step.entry is not None]
    assert fitting(3, walked.head, walked.wanted, others, entry_id=14) is None


def test_an_end_that_was_cut_off_is_seen_only_against_a_known_head() -> None:
    head = Head(5, WHOLE[-1].link.hash)

    assert walk(WHOLE[:3]).broken is None
    broken = walk(WHOLE[:3], expected=head).broken
    assert broken is not None
    assert (broken.fault, broken.number) == (Fault.END_CUT, 4)


def test_a_chain_that_grew_since_its_head_was_written_down_is_whole() -> None:
    assert walk(WHOLE, expected=Head(3, WHOLE[2].link.hash)).broken is None


def test_a_chain_made_anew_does_not_bear_the_known_head() -> None:
    forged = chained([*ENTRIES[:2], replace(ENTRIES[2], actor="account:4"), *ENTRIES[3:]])

    assert walk(forged).broken is None
    broken = walk(forged, expected=Head(4, WHOLE[3].link.hash)).broken
    assert broken is not None
    assert (broken.fault, broken.number) == (Fault.HEAD_DIFFERS, 4)


def test_a_link_without_its_predecessor_begins_with_a_missing_one() -> None:
    broken = walk(WHOLE[1:]).broken

    assert broken is not None
    assert (broken.fault, broken.number) == (Fault.SEAL_MISSING, 1)
