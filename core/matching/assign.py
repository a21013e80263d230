"""Joint assignment of all booklets of a paper to its roster.

Evidence per sheet, then sheets that follow each other, then one group of
sheets per candidate with a null column for strangers, then the border between
what is accepted by itself and what a person looks at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from core.domain.names import fold
from core.matching import calibration as known
from core.matching.ctc import FloatArray
from core.matching.evidence import (
    FIELDS,
    NAME_FIELDS,
    BookletReadings,
    CandidateEvidence,
    RosterEntry,
    gather,
)
from core.matching.sequence import STRANGER, posterior, runs

Decision = Literal["automatic", "review", "none"]

BEST = 5
# "Nobody of the roster" is listed among candidates when it is at least this probable.
NULL_WORTH_LISTING = 0.02
# Rounds of telling each group which candidates the others hold.
ROUNDS = 3


@dataclass(frozen=True)
class Ranked:
    """One candidate proposed for a booklet; ``candidate_id`` None means nobody of the roster.

    ``matched``: fields that speak for the candidate. ``read_as``: free reading per written field.
    """

    candidate_id: int | None
    probability: float
    matched: tuple[str, ...] = ()
    read_as: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class BookletProposal:
    """The ranked candidates of a booklet, best first, and what to do with them.

    ``reason`` is a code: ``sure``, ``decided``, ``nothing_written``, ``not_on_roster``,
    ``low_probability``, ``unlike_reading``, ``too_little_written``, ``close_rival``,
    ``candidate_twice``, ``homonym``.
    """

    booklet_id: int
    ranked: tuple[Ranked, ...]
    decision: Decision
    reason: str


def propose(
    booklets: Sequence[BookletReadings],
    roster: Sequence[RosterEntry],
    decided: Mapping[int, int | None] | None = None,
) -> list[BookletProposal]:
    """Propose candidates for all booklets of a paper together.

    Args:
        booklets: one per sheet with a header, in any order; ``order`` is the scan's.
        roster: the candidates of the paper.
        decided: booklet to candidate (None: nobody of the roster) as persons decided; these are
            kept as they are and help to rank the others.

    Returns:
        one proposal per booklet, in the order given.
    """
    if not booklets:
        return []
    decided = decided or {}
    in_scan_order = sorted(booklets, key=lambda b: (b.order, b.booklet_id))
    joint = _Joint(in_scan_order, roster, decided)
    by_id = {b.booklet_id: joint.proposal(row) for row, b in enumerate(in_scan_order)}
    return [by_id[b.booklet_id] for b in booklets]


class _Joint:
    """The state of one joint assignment: rows are sheets in scan order, columns candidates."""

    def __init__(
        self,
        booklets: Sequence[BookletReadings],
        roster: Sequence[RosterEntry],
        decided: Mapping[int, int | None],
    ) -> None:
        self.booklets, self.roster = booklets, roster
        self.column = {r.candidate_id: c for c, r in enumerate(roster)}
        self.evidence: CandidateEvidence = gather(booklets, roster)
        self.own = self.evidence.against_stranger
        self.decided: dict[int, int] = {}
        for row, booklet in enumerate(booklets):
            if booklet.booklet_id in decided:
                candidate = decided[booklet.booklet_id]
                self.decided[row] = STRANGER if candidate is None else self.column.get(candidate, STRANGER)
        self.matches = {name: self.evidence.matches(name) for name in FIELDS}
        self.written = sum((self.evidence.fields[name].length for name in FIELDS), np.zeros(len(booklets)))
        self.homonyms = _homonyms(roster)
        # What other sheets have to say against an automatic match: a decided one speaks for its
        # candidate only, whatever is written on it.
        self.rivalry = self.own.copy()
        for row, column in self.decided.items():
            self.rivalry[row] = -np.inf
            if column != STRANGER:
                self.rivalry[row, column] = np.inf
        self._settle()

    def _settle(self) -> None:
        """Alternate between who wrote each sheet and who is taken by another group."""
        pinned = self._pinned()
        exclusion = np.zeros_like(self.own)
        for turn in range(ROUNDS):
            self.probability = posterior(self.own, pinned + exclusion)
            best = self.probability.argmax(axis=1)
            writers = np.where(best == len(self.roster), STRANGER, best).astype(np.intp)
            self.groups = runs(writers)
            self.group_of = np.repeat(np.arange(len(self.groups)), [len(g) for g in self.groups])
            held = np.array([self.probability[g.start : g.stop, :-1].max(axis=0) for g in self.groups])
            if turn == 0:
                self.claims = self.probability
            exclusion = np.log(np.maximum(known.SEPARATED_SHEET_PRIOR, 1 - _others(held)))[self.group_of]
        self.assigned = self._assignment()

    def _pinned(self) -> FloatArray:
        """Decided sheets admit their candidate only."""
        pinned = np.zeros_like(self.own)
        for row, column in self.decided.items():
            pinned[row] = -np.inf
            if column != STRANGER:
                # Outweighs the stranger whatever the field says.
                pinned[row, column] = 100.0 - self.own[row, column]
        return pinned

    def _assignment(self) -> list[int]:
        """One candidate or nobody per group, the sum of evidence being largest."""
        scores = np.array([self.own[g.start : g.stop].sum(axis=0) for g in self.groups])
        for row, column in self.decided.items():
            scores[self.group_of[row]] = -1e6
            if column != STRANGER:
                scores[self.group_of[row], column] = 1e6
        null = np.full((len(self.groups), len(self.groups)), known.stranger_offset(len(self.roster)))
        rows, columns = linear_sum_assignment(np.concatenate([scores, null], axis=1), maximize=True)
        taken = dict(zip(rows.tolist(), columns.tolist(), strict=True))
        return [c if (c := taken[g]) < len(self.roster) else STRANGER for g in range(len(self.groups))]

    def proposal(self, row: int) -> BookletProposal:
        """Rank the candidates of one sheet and say whether a person has to look."""
        booklet = self.booklets[row].booklet_id
        if row in self.decided:
            column = self.decided[row]
            return BookletProposal(booklet, (self._ranked(row, column, 1.0),), "none", "decided")
        columns = self._order(row)
        ranked = tuple(
            self._ranked(row, c, float(self.probability[row, c]))
            for i, c in enumerate(columns)
            if i == 0 or c != STRANGER or self.probability[row, -1] >= NULL_WORTH_LISTING
        )[:BEST]
        decision, reason = self._decision(row, columns[0])
        return BookletProposal(booklet, ranked, decision, reason)

    def _order(self, row: int) -> list[int]:
        """The first columns by probability; between equals the one the joint assignment chose."""
        probability = self.probability[row]
        assigned = self.assigned[int(self.group_of[row])]
        best = np.argsort(-probability, kind="stable")[: BEST + 1].tolist()
        best.sort(key=lambda c: (-round(float(probability[c]), 2), c != assigned, -probability[c]))
        return [STRANGER if c == len(self.roster) else c for c in best]

    def _ranked(self, row: int, column: int, probability: float) -> Ranked:
        read_as = {n: text for n in FIELDS if (text := self.evidence.fields[n].read_as[row])}
        if column == STRANGER:
            return Ranked(None, min(probability, known.NEVER_CERTAIN), (), read_as)
        matched = tuple(n for n in FIELDS if self.matches[n][row, column])
        candidate = self.roster[column].candidate_id
        return Ranked(candidate, min(probability, known.NEVER_CERTAIN), matched, read_as)

    def _decision(self, row: int, column: int) -> tuple[Decision, str]:
        if self.written[row] == 0:
            return "none", "nothing_written"
        if column == STRANGER:
            return "none", "not_on_roster"
        for reason, doubtful in (
            ("candidate_twice", self._is_claimed_twice(row, column)),
            ("homonym", self._is_undecided_homonym(row, column)),
            ("too_little_written", self.own[row, column] < known.AUTOMATIC_STRANGER_NAT),
            ("unlike_reading", not self._is_like_reading(row, column)),
            ("close_rival", self._row_margin(row, column) < known.AUTOMATIC_ROW_NAT),
            ("low_probability", self.probability[row, column] < known.AUTOMATIC_PROBABILITY),
        ):
            if doubtful:
                return "review", reason
        return "automatic", "sure"

    def _is_claimed_twice(self, row: int, column: int) -> bool:
        """Another group could be this candidate too, or the joint assignment prefers another."""
        group = int(self.group_of[row])
        if self.assigned[group] != column:
            return True
        elsewhere = self.group_of != group
        claim = self.claims[elsewhere, column].max(initial=0.0)
        rival = self.rivalry[elsewhere, column].max(initial=-np.inf)
        margin = float(self.own[row, column] - rival)
        return bool(claim > known.RIVAL_CLAIM or margin < known.AUTOMATIC_COLUMN_NAT)

    def _is_undecided_homonym(self, row: int, column: int) -> bool:
        twins = [t for t in self.homonyms[column] if t != column]
        if not twins:
            return False
        dates = self.evidence.fields["birth_date"]
        if not dates.length[row] or not self.matches["birth_date"][row, column]:
            return True
        best_twin = max(float(dates.ratio[row, t]) for t in twins)
        return float(dates.ratio[row, column]) - best_twin < known.HOMONYM_DATE_NAT

    def _is_like_reading(self, row: int, column: int) -> bool:
        """Every name that is written has to be near to what was read freely.

        One name may be farther off when the birth date and another name confirm the candidate.
        """
        fields = {n: self.evidence.fields[n] for n in NAME_FIELDS}
        written = [n for n, f in fields.items() if f.length[row] and f.known[column]]
        unmatched = [n for n in written if not self.matches[n][row, column]]
        confirmed = len(unmatched) == 1 and len(written) > 1 and bool(self.matches["birth_date"][row, column])
        leniency = known.CONFIRMED_LENIENCY if confirmed else 1.0
        return bool(written) and all(
            fields[n].ratio[row, column]
            >= -leniency
            * min(
                known.AUTOMATIC_FREE_NAT, known.AUTOMATIC_FREE_NAT_PER_SYMBOL * float(fields[n].length[row])
            )
            for n in written
        )

    def _row_margin(self, row: int, column: int) -> float:
        others = np.delete(self.own[row], column)
        return float(self.own[row, column] - max(0.0, others.max(initial=-np.inf)))


def _others(held: NDArray[np.float64]) -> FloatArray:
    """Per group and candidate, the strongest hold of any other group."""
    if len(held) < 2:
        return np.zeros_like(held)
    first = held.argmax(axis=0)
    columns = np.arange(held.shape[1])
    rest = held.copy()
    rest[first, columns] = -np.inf
    result = np.broadcast_to(held[first, columns], held.shape).copy()
    result[first, columns] = rest.max(axis=0)
    return np.asarray(np.clip(result, 0.0, 1.0))


def _homonyms(roster: Sequence[RosterEntry]) -> list[list[int]]:
    """Per candidate, the columns of all who bear the same folded name."""
    same: dict[tuple[str, str], list[int]] = defaultdict(list)
    for column, entry in enumerate(roster):
        same[_name_key(entry)].append(column)
    return [same[_name_key(entry)] for entry in roster]


def _name_key(entry: RosterEntry) -> tuple[str, str]:
    return (fold(entry.surname).replace(" ", ""), fold(entry.first_name).replace(" ", ""))
