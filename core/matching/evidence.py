"""What the written fields of each booklet say about each candidate.

Every field gives a log-likelihood ratio in nats, the free reading being 0: how
much less probable the reader's output is when this candidate filled the field.
A stranger pays for the letters of a name that is not on the roster. Fields
with nothing written say nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from core.domain.names import Spelling, date_spellings, spellings
from core.matching import calibration as known
from core.matching.ctc import FloatArray, LabelTrie, free_scores
from core.matching.views import (
    CLASS_VIEW,
    DATE_VIEW,
    NAME_VIEW,
    View,
    seen_as,
    symbols,
    text_of,
    without_date_separator,
)
from core.reading.protocol import FieldReading

NAME_FIELDS = ("surname", "first_name", "full_name")
FIELDS = (*NAME_FIELDS, "birth_date", "class")

# Below this no candidate is what is written in a name field, so that it may hold both names.
_NOBODY_NAT = -4.0


@dataclass(frozen=True)
class RosterEntry:
    """A candidate as matching sees them."""

    candidate_id: int
    surname: str
    first_name: str
    usage_name: str | None = None
    birth_date: date | None = None
    class_name: str | None = None


@dataclass(frozen=True)
class BookletReadings:
    """The fields read on one booklet; ``order`` is its place in the scan."""

    booklet_id: int
    order: int
    fields: Mapping[str, FieldReading]


@dataclass(frozen=True)
class FieldEvidence:
    """One field over all booklets and candidates.

    ``ratio``: (booklets, candidates) nats against the free reading; 0 where unknown.
    ``stranger``: (booklets,) the same ratio for somebody outside the roster.
    ``length``: (booklets,) symbols written, 0 when the field is empty.
    ``known``: (candidates,) whether the roster says what this field should hold.
    """

    ratio: FloatArray
    stranger: FloatArray
    length: NDArray[np.intp]
    known: NDArray[np.bool_]
    read_as: tuple[str, ...]


@dataclass(frozen=True)
class CandidateEvidence:
    """All fields, and their sum against a stranger.

    ``against_stranger``: (booklets, candidates) nats, tempered; above 0 speaks for the candidate.
    """

    fields: Mapping[str, FieldEvidence]
    against_stranger: FloatArray

    def matches(self, name: str) -> NDArray[np.bool_]:
        """(booklets, candidates): the field is written, known and near to its free reading."""
        field = self.fields[name]
        allowed = np.minimum(known.MATCHED_NAT, known.MATCHED_NAT_PER_SYMBOL * field.length)
        near = field.ratio >= -allowed[:, None]
        beats = field.ratio > field.stranger[:, None]
        return np.asarray(near & beats & (field.length > 0)[:, None] & field.known[None, :])


@dataclass(frozen=True)
class _Dictionary:
    """The labels a field may hold, and which candidate each belongs to at which cost."""

    trie: LabelTrie
    label: NDArray[np.intp]
    owner: NDArray[np.intp]
    cost: FloatArray
    candidates: int

    def best(self, scores: FloatArray) -> FloatArray:
        """Best spelling per candidate: (readings, candidates), -inf for those without any."""
        result = np.full((len(scores), self.candidates), -np.inf)
        if len(self.label):
            per_spelling = scores[:, self.label] - self.cost
            starts = np.flatnonzero(np.diff(self.owner, prepend=-1))
            result[:, self.owner[starts]] = np.maximum.reduceat(per_spelling, starts, axis=1)
        return result


def gather(booklets: Sequence[BookletReadings], roster: Sequence[RosterEntry]) -> CandidateEvidence:
    """Score every field of every booklet against every candidate."""
    fields = {**_name_fields(booklets, roster), **_other_fields(booklets, roster)}
    total = np.zeros((len(booklets), len(roster)))
    for field in fields.values():
        total += field.ratio - field.stranger[:, None]
    return CandidateEvidence(fields, known.TEMPERATURE * total)


def _other_fields(
    booklets: Sequence[BookletReadings], roster: Sequence[RosterEntry]
) -> dict[str, FieldEvidence]:
    dates = [_date_ways(r.birth_date) for r in roster]
    classes = [[Spelling(r.class_name, True)] if r.class_name else [] for r in roster]
    return {
        "birth_date": _plain_field("birth_date", booklets, dates, DATE_VIEW),
        "class": _plain_field("class", booklets, classes, CLASS_VIEW),
    }


def _date_ways(day: date | None) -> list[Spelling]:
    """Spellings of a date, each separator being there or not."""
    texts = date_spellings(day) if day else ()
    ways = [
        way
        for t in texts
        for way in (t, t.replace("/", "", 1), "".join(t.rsplit("/", 1)), t.replace("/", ""))
    ]
    return [Spelling(way, True) for way in dict.fromkeys(ways)]


def _plain_field(
    name: str, booklets: Sequence[BookletReadings], written: Sequence[Sequence[Spelling]], view: View
) -> FieldEvidence:
    rows, seen, free, labels = _seen(name, booklets, view)
    lengths = np.array([len(label) for label in labels], dtype=np.intp)
    whole = {"birth_date": known.STRANGER_DATE_NAT, "class": known.STRANGER_CLASS_NAT}[name]
    usual = {"birth_date": 6, "class": 2}[name]
    stranger = -whole * np.minimum(1.0, lengths / usual)
    dictionary = _dictionary(written)
    ratio = dictionary.best(dictionary.trie.scores(seen)) - free[:, None]
    has = np.array([bool(w) for w in written], dtype=bool)
    return _field(len(booklets), rows, _with_slips(name, ratio, stranger, has), stranger, labels, has)


def _name_fields(
    booklets: Sequence[BookletReadings], roster: Sequence[RosterEntry]
) -> dict[str, FieldEvidence]:
    """Surname and first name are taken together, because they may stand in each other's field."""
    ways = [spellings(r.surname, r.first_name, r.usage_name) for r in roster]
    surnames = _dictionary([w.surname for w in ways])
    firsts = _dictionary([w.first_name for w in ways])
    fulls = _dictionary([w.full_name or w.surname or w.first_name for w in ways])
    has_surname = np.array([bool(w.surname) for w in ways], dtype=bool)
    has_first = np.array([bool(w.first_name) for w in ways], dtype=bool)

    read: dict[str, FieldEvidence] = {}
    swapped = np.zeros((len(booklets), len(roster)))
    for name, own, other, has, other_has in (
        ("surname", surnames, firsts, has_surname, has_first),
        ("first_name", firsts, surnames, has_first, has_surname),
    ):
        rows, seen, free, labels = _seen(name, booklets, NAME_VIEW)
        stranger = _stranger_name(labels)
        straight = own.best(own.trie.scores(seen)) - free[:, None]
        straight = _with_both_names(straight, seen, free, fulls)
        crossed = other.best(other.trie.scores(seen)) - free[:, None]
        swapped[rows] += _with_slips(name, crossed, stranger, other_has)
        ratio = _with_slips(name, straight, stranger, has)
        read[name] = _field(len(booklets), rows, ratio, stranger, labels, has)
    read = _unswapped(read, swapped)

    rows, seen, free, labels = _seen("full_name", booklets, NAME_VIEW)
    stranger = _stranger_name(labels)
    ratio = fulls.best(fulls.trie.scores(seen)) - free[:, None]
    both = has_surname | has_first
    ratio = _with_slips("full_name", ratio, stranger, both)
    read["full_name"] = _field(len(booklets), rows, ratio, stranger, labels, both)
    return read


def _with_both_names(
    straight: FloatArray, seen: Sequence[NDArray[np.float32]], free: FloatArray, fulls: _Dictionary
) -> FloatArray:
    """Where nobody's name fits, try surname and first name in the one field."""
    nobody = np.flatnonzero(straight.max(axis=1, initial=-np.inf) < _NOBODY_NAT).tolist()
    if not nobody:
        return straight
    both = fulls.best(fulls.trie.scores([seen[i] for i in nobody])) - free[nobody, None]
    straight = straight.copy()
    straight[nobody] = np.maximum(straight[nobody], both - known.BOTH_NAMES_IN_ONE_FIELD_NAT)
    return straight


def _unswapped(read: dict[str, FieldEvidence], swapped: FloatArray) -> dict[str, FieldEvidence]:
    """Take the crossed reading where both fields make more sense exchanged."""
    surname, first = read["surname"], read["first_name"]
    gain = swapped - known.SWAPPED_FIELDS_NAT - surname.ratio - first.ratio
    both = (surname.length > 0) & (first.length > 0)
    better = (gain > 0) & both[:, None]
    half = np.where(better, (surname.ratio + first.ratio + gain) / 2, 0.0)
    return {
        "surname": _replaced(surname, np.where(better, half, surname.ratio)),
        "first_name": _replaced(first, np.where(better, half, first.ratio)),
    }


def _replaced(field: FieldEvidence, ratio: FloatArray) -> FieldEvidence:
    return FieldEvidence(ratio, field.stranger, field.length, field.known, field.read_as)


def _seen(
    name: str, booklets: Sequence[BookletReadings], view: View
) -> tuple[list[int], list[NDArray[np.float32]], FloatArray, list[tuple[int, ...]]]:
    """Rows of the booklets where the field is written, their emissions, free scores and readings."""
    rows: list[int] = []
    seen: list[NDArray[np.float32]] = []
    for row, booklet in enumerate(booklets):
        reading = booklet.fields.get(name)
        if reading is not None and not reading.is_empty:
            rows.append(row)
            seen.append(seen_as(reading, view))
    free, labels = free_scores([without_date_separator(steps) for steps in seen])
    return rows, seen, free, labels


def _stranger_name(labels: Sequence[tuple[int, ...]]) -> FloatArray:
    letters = np.array([len(label) for label in labels], dtype=np.float64)
    return np.maximum(-known.STRANGER_NAME_NAT, -known.STRANGER_NAT_PER_LETTER * letters)


def _with_slips(name: str, ratio: FloatArray, stranger: FloatArray, has: NDArray[np.bool_]) -> FloatArray:
    """Allow that the field holds something else than the roster says; unknown values say nothing."""
    other = (np.log(known.SLIP[name]) / known.TEMPERATURE + stranger)[:, None]
    mixed = np.logaddexp(ratio, other)
    return np.where(has[None, :], mixed, stranger[:, None])


def _field(
    booklets: int,
    rows: list[int],
    ratio: FloatArray,
    stranger: FloatArray,
    labels: Sequence[tuple[int, ...]],
    has: NDArray[np.bool_],
) -> FieldEvidence:
    """Spread the written rows over all booklets; the others are empty."""
    full_ratio = np.zeros((booklets, len(has)))
    full_stranger = np.zeros(booklets)
    length = np.zeros(booklets, dtype=np.intp)
    read_as = [""] * booklets
    full_ratio[rows] = ratio
    full_stranger[rows] = stranger
    for row, label in zip(rows, labels, strict=True):
        length[row] = len(label)
        read_as[row] = text_of(label)
    empty = length == 0
    full_ratio[empty] = 0.0
    full_stranger[empty] = 0.0
    return FieldEvidence(full_ratio, full_stranger, length, has, tuple(read_as))


def _dictionary(written: Sequence[Sequence[Spelling]]) -> _Dictionary:
    labels: dict[tuple[int, ...], int] = {}
    found: list[tuple[int, int, float]] = []
    for owner, ways in enumerate(written):
        costs: dict[tuple[int, ...], float] = {}
        for way in ways:
            label = symbols(way.text)
            if label:
                costs.setdefault(label, 0.0 if way.whole else known.PART_OF_NAME_NAT)
        for label, cost in costs.items():
            found.append((owner, labels.setdefault(label, len(labels)), cost))
    return _Dictionary(
        trie=LabelTrie(list(labels)),
        label=np.array([f[1] for f in found], dtype=np.intp),
        owner=np.array([f[0] for f in found], dtype=np.intp),
        cost=np.array([f[2] for f in found], dtype=np.float64),
        candidates=len(written),
    )
