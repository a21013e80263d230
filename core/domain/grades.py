"""The one way from the items of a copy to its final mark.

raw total → cap of bonus at the paper's total → conversion to the final scale →
accepted harmonisation → rounding. Every screen, PDF and export calls this.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from enum import StrEnum

from core.domain.marking import Total


class RoundingMode(StrEnum):
    """How a mark falls on the rounding step."""

    HALF_UP = "half_up"
    UP = "up"


@dataclass(frozen=True)
class GradeRule:
    """What a paper says about its final mark; points are ``Decimal`` marks, not hundredths."""

    final_scale: Decimal = Decimal(20)
    rounding_step: Decimal = Decimal("0.01")
    rounding_mode: RoundingMode = RoundingMode.HALF_UP


@dataclass(frozen=True)
class Grade:
    """The final mark and each step that changed it."""

    raw: Decimal
    capped: Decimal
    converted: Decimal
    harmonised: Decimal
    final: Decimal


def final_mark(rule: GradeRule, marked: Total, harmonisation: Decimal = Decimal(0)) -> Grade:
    """The final mark of a complete copy.

    Neutralised items shrink ``marked.out_of``; the raw total is then rescaled
    to the paper's total, so that the pupil loses and gains nothing by them.

    Raises:
        ValueError: The copy is incomplete, or nothing is left to be marked on.
    """
    if not marked.is_complete:
        raise ValueError(f"items without a state: {', '.join(marked.unmarked)}")
    if marked.out_of <= 0:
        raise ValueError("no item is left to mark this copy on")
    capped = min(marked.awarded, marked.out_of)
    converted = capped * rule.final_scale / marked.out_of
    harmonised = min(max(converted + harmonisation, Decimal(0)), rule.final_scale)
    return Grade(
        raw=marked.awarded,
        capped=capped,
        converted=converted,
        harmonised=harmonised,
        final=_round(harmonised, rule),
    )


def _round(value: Decimal, rule: GradeRule) -> Decimal:
    how = ROUND_CEILING if rule.rounding_mode is RoundingMode.UP else ROUND_HALF_UP
    steps = (value / rule.rounding_step).quantize(Decimal(1), rounding=how)
    return min(steps * rule.rounding_step, rule.final_scale)
