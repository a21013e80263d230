"""The journal's chain: what a link covers, and where a sequence of links is broken first.

A link is numbered without a gap from 1; its hash covers the hash before it, when it was made and every column
of its entry, so that no entry can be changed, taken out, put in, moved or said to be older without breaking
each link that follows. Values stand beside: an entry holds only a salted digest of them, which lets them be erased and not be changed. What no
chain tells by itself is that its end was cut off: that takes a head that was written down elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

FIRST_PREVIOUS = "0" * 64
"""What stands before the first link."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Whatever stands in a column after somebody meddled with it has a text, and so a hash that differs.
_CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=True, default=str, separators=(",", ":")).encode


Instant = datetime | str
"""A date that bears a zone; or, where somebody wrote what is none, the text that stands there."""


class Fault(StrEnum):
    """What is wrong at the first broken place; of a changed entry, it or when its link was made."""

    ENTRY_CHANGED = "entry_changed"
    ENTRY_DELETED = "entry_deleted"
    ENTRIES_SWAPPED = "entries_swapped"
    VALUES_CHANGED = "values_changed"
    SEAL_MISSING = "seal_missing"
    SEAL_CHANGED = "seal_changed"
    SEAL_MISPLACED = "seal_misplaced"
    END_CUT = "end_cut"
    HEAD_DIFFERS = "head_differs"


@dataclass(frozen=True, slots=True)
class Entry:
    """An act as its link covers it; ``digest`` is of the values, see :func:`digest`."""

    entry_id: int
    at: Instant
    actor: str
    action: str
    object_kind: str
    object_id: int | None
    digest: str


@dataclass(frozen=True, slots=True)
class Link:
    """A seal: the entry it covers, the hash before and its own, both 64 hexadecimal digits."""

    number: int
    entry_id: int
    previous: str
    hash: str
    sealed_at: Instant


@dataclass(frozen=True, slots=True)
class Head:
    """The last link of a chain; of an empty one, number 0 and 64 zeros."""

    number: int = 0
    hash: str = FIRST_PREVIOUS


@dataclass(frozen=True, slots=True)
class Step:
    """A link with what stands in the journal for it.

    Attributes:
        entry: ``None`` when it is gone.
        values_digest: of the values as they are now; ``None`` when they were erased.
    """

    link: Link
    entry: Entry | None
    values_digest: str | None


@dataclass(frozen=True, slots=True)
class Broken:
    """The first broken place, with what is known of the entry there.

    Attributes:
        number: in the chain; ``None`` for an entry that is not sealed yet.
        at: when the act was done, by the journal as it is now; ``None`` when the entry is gone or has no date.
        sealed_at: by the link; ``None`` when the link is gone or has no date.
        other_id: the entry that changed places with this one.
    """

    fault: Fault
    number: int | None
    entry_id: int | None = None
    at: datetime | None = None
    action: str | None = None
    sealed_at: datetime | None = None
    other_id: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is known of the link that should stand at a broken place.

    Attributes:
        hash: that it would have.
        sealed_at: when it may have been made: the instants of the links beside it when it is gone, for one
            pass seals several.
    """

    hash: str
    sealed_at: tuple[Instant, ...]


@dataclass(frozen=True, slots=True)
class Walked:
    """How far the chain holds.

    Attributes:
        head: the last link that holds.
        erased: entries up to it whose values were erased.
        broken: what stopped the walk, ``None`` when the chain is whole.
        wanted: the link that should stand at ``broken.number``, as far as other links tell.
    """

    head: Head
    erased: int
    broken: Broken | None
    wanted: Wanted | None = None


def canonical(values: Any) -> str:
    """JSON with sorted keys, without spaces, in ASCII: the same text whatever the order of the keys."""
    return _CANONICAL(values)


def digest(salt: str, values: Mapping[str, Any]) -> str:
    """SHA-256 of a salt and values; without the salt, a mark or a status would be guessed from its digest."""
    return hashlib.sha256(f"{salt}:{canonical(values)}".encode()).hexdigest()


def link_hash(number: int, previous: str, entry: Entry, sealed_at: Instant) -> str:
    """SHA-256 of the hash before and the canonical form of the entry under its number, sealed then."""
    covered = {
        "number": number,
        "entry": entry.entry_id,
        "at_us": _microseconds(entry.at),
        "actor": entry.actor,
        "action": entry.action,
        "object_kind": entry.object_kind,
        "object_id": entry.object_id,
        "digest": entry.digest,
        "sealed_at_us": _microseconds(sealed_at),
    }
    return hashlib.sha256((previous + canonical(covered)).encode()).hexdigest()


def links_for(head: Head, entries: Iterable[Entry], sealed_at: datetime) -> Iterator[Link]:
    """The links that continue a chain from its head, one for each entry in the order given."""
    number, previous = head.number, head.hash
    for entry in entries:
        number += 1
        own = link_hash(number, previous, entry, sealed_at)
        yield Link(number, entry.entry_id, previous, own, sealed_at)
        previous = own


def walk(steps: Iterable[Step], expected: Head | None = None) -> Walked:
    """Follow the links, in the order of their numbers, up to the first broken place.

    Args:
        steps: every link there is, by number, each read once.
        expected: a head known from elsewhere: the chain must reach it and bear its hash there.
    """
    head, erased, before = Head(), 0, None
    following = iter(steps)
    for step in following:
        broken = _broken_at(head, step)
        if broken is not None:
            return _stopped(Walked(head, erased, None), step, broken, before, next(following, None))
        before = step
        head = Head(step.link.number, step.link.hash)
        erased += step.values_digest is None
        if expected is not None and expected.number == head.number and expected.hash != head.hash:
            return Walked(head, erased, _named(Fault.HEAD_DIFFERS, step))
    if expected is not None and expected.number > head.number:
        return Walked(head, erased, Broken(Fault.END_CUT, head.number + 1))
    return Walked(head, erased, None)


def fitting(number: int, head: Head, wanted: Wanted, entries: Iterable[Entry], entry_id: int) -> Entry | None:
    """The entry that a broken link was made for: as it stands, or standing now under another id.

    Args:
        number: of the broken link.
        head: the last link that holds.
        wanted: the broken link.
        entries: where to look, such as the whole journal.
        entry_id: the id the link names; 0 when the link is gone.
    """
    for entry in entries:
        placed = (entry, replace(entry, entry_id=entry_id)) if entry_id else (entry,)
        for made in placed:
            if any(link_hash(number, head.hash, made, at) == wanted.hash for at in wanted.sealed_at):
                return entry
    return None


def _microseconds(at: Instant) -> int | str:
    """Since 1970; a text stays one, so that no two of them are taken for each other."""
    return (at - _EPOCH) // _MICROSECOND if isinstance(at, datetime) else at


def _date(at: Instant) -> datetime | None:
    return at if isinstance(at, datetime) else None


def _broken_at(head: Head, step: Step) -> Fault | None:
    link, entry = step.link, step.entry
    if link.number != head.number + 1:
        return Fault.SEAL_MISSING
    if link.previous != head.hash:
        return Fault.SEAL_MISPLACED
    if entry is None:
        return Fault.ENTRY_DELETED
    if link_hash(link.number, head.hash, entry, link.sealed_at) != link.hash:
        return Fault.ENTRY_CHANGED
    if step.values_digest is not None and step.values_digest != entry.digest:
        return Fault.VALUES_CHANGED
    return None


def _stopped(held: Walked, step: Step, fault: Fault, before: Step | None, after: Step | None) -> Walked:
    """What held up to a faulty step, with what stopped it; ``before`` and ``after`` are the steps beside it."""
    head, link = held.head, step.link
    if fault is Fault.SEAL_MISSING:
        gap = Broken(fault, head.number + 1)
        if link.number != head.number + 2:
            return replace(
                held, broken=gap
            )  # the link after the gap tells the hash of the last missing one only
        beside = (link.sealed_at,) if before is None else (link.sealed_at, before.link.sealed_at)
        return replace(held, broken=gap, wanted=Wanted(link.previous, beside))
    if (
        fault is Fault.ENTRY_CHANGED
        and step.entry is not None
        and after is not None
        and after.link.previous == link_hash(link.number, head.hash, step.entry, link.sealed_at)
    ):
        # The next link was made from this entry as it stands: the hash beside it is what was altered.
        fault = Fault.SEAL_CHANGED
    return replace(held, broken=_named(fault, step), wanted=Wanted(link.hash, (link.sealed_at,)))


def _named(fault: Fault, step: Step) -> Broken:
    link, entry = step.link, step.entry
    return Broken(
        fault,
        link.number,
        entry_id=link.entry_id,
        at=_date(entry.at) if entry else None,
        action=entry.action if entry else None,
        sealed_at=_date(link.sealed_at),
    )
