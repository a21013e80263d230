"""Marks of one copy: the four states of an item and what makes a copy complete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from core.domain.scheme import Item
from core.errors import BadInput


class MarkState(StrEnum):
    """What is known of an item on a copy. *À noter* is the absence of a row, never a state."""

    MARKED = "marked"
    UNTREATED = "untreated"
    NEUTRALISED = "neutralised"


class MarkingKind(StrEnum):
    """Why a corrector marks a copy; one marking per copy is of record."""

    ORDINARY = "ordinary"
    SEED = "seed"
    SECOND = "second"
    ADJUDICATED = "adjudicated"


@dataclass(frozen=True)
class Mark:
    """A mark on one item; ``points`` is set exactly when the state is *marked*."""

    state: MarkState
    points: Decimal | None = None

    def __post_init__(self) -> None:
        """Refuse a mark that would be counted as zero without anybody having said so."""
        if (self.state is MarkState.MARKED) != (self.points is not None):
            raise ValueError(f"{self.state.value} with points {self.points}")


@dataclass(frozen=True)
class Total:
    """The sum of a copy, and what it does not know.

    ``awarded`` includes bonus items; ``out_of`` leaves them out and leaves out
    neutralised items, so that the rest is rescaled by :func:`core.domain.grades.final_mark`.
    """

    awarded: Decimal
    out_of: Decimal
    unmarked: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every leaf has a state."""
        return not self.unmarked


def check_mark(leaf: Item, mark: Mark, step: Decimal) -> None:
    """Refuse a mark the scheme does not allow.

    Raises:
        BadInput: ``mark_negative``, ``mark_above_maximum`` or ``mark_off_step``, with the item's code.
    """
    if mark.points is None:
        return
    if mark.points < 0:
        raise BadInput("mark_negative", item=leaf.code, mark=mark.points)
    if mark.points > leaf.points:
        raise BadInput("mark_above_maximum", item=leaf.code, mark=mark.points, maximum=leaf.points)
    if mark.points % step:
        raise BadInput("mark_off_step", item=leaf.code, mark=mark.points, step=step)


def total(leaves: Sequence[Item], marks: Mapping[str, Mark]) -> Total:
    """Add up ``marks``, keyed by leaf code, over the leaves of a scheme.

    A missing mark is reported, never counted as zero: a copy with a forgotten
    page must not be published with a low grade. *Non traité* counts as zero.

    Raises:
        BadInput: ``mark_unknown_item``: a mark names no leaf.
    """
    codes = {leaf.code for leaf in leaves}
    for code in marks:
        if code not in codes:
            raise BadInput("mark_unknown_item", item=code)
    counted = [
        leaf
        for leaf in leaves
        if leaf.code not in marks or marks[leaf.code].state is not MarkState.NEUTRALISED
    ]
    return Total(
        awarded=sum(
            (marks[leaf.code].points or Decimal(0) for leaf in counted if leaf.code in marks), Decimal(0)
        ),
        out_of=sum((leaf.points for leaf in counted if not leaf.bonus), Decimal(0)),
        unmarked=tuple(leaf.code for leaf in leaves if leaf.code not in marks),
    )
