"""Points are ``Decimal`` outside the database and integer hundredths inside."""

from __future__ import annotations

from decimal import Decimal


def to_hundredths(points: Decimal) -> int:
    """Hundredths of a point.

    Raises:
        ValueError: ``points`` is finer than a hundredth.
    """
    hundredths = points * 100
    if hundredths != hundredths.to_integral_value():
        raise ValueError(f"{points} is finer than a hundredth")
    return int(hundredths)


def to_points(hundredths: int) -> Decimal:
    """Points with two decimals."""
    return Decimal(hundredths) / 100
