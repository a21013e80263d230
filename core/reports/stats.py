"""What SQL cannot do: figures that need a distribution."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.special import stdtrit


@dataclass(frozen=True)
class Interval:
    """The ends of a confidence interval, in the unit of the value."""

    low: float
    high: float


def mean_interval(mean: float | None, sd: float | None, n: int, *, level: float = 0.95) -> Interval | None:
    """Student's t interval of a mean; ``None`` when it is not defined (n < 2).

    Args:
        mean: Mean of ``n`` values.
        sd: Their standard deviation, n - 1.
        n: How many.
        level: Confidence.
    """
    if mean is None or sd is None or n < 2:
        return None
    half = float(stdtrit(n - 1, (1 + level) / 2)) * sd / n**0.5
    return Interval(mean - half, mean + half)
