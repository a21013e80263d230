"""Values of reports as people read them: decimal comma, per cent, « n.c. »."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from core.i18n import _, number
from core.reports.runner import Value

UNDEFINED = "n.c."
"""Shown where a figure is not defined: no variance, nothing marked."""


def shown(value: Value, decimals: int = 2) -> str:
    """A value as it is read: ``12,75``; « n.c. » when it is not defined."""
    if value is None:
        return UNDEFINED
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return _("oui") if value else _("non")
    return number(value) if isinstance(value, int) else number(_rounded(value, decimals), decimals)


def percent(value: Value, decimals: int = 0) -> str:
    """A share as ``64 %``."""
    return (
        UNDEFINED
        if value is None
        else f"{number(_rounded(to_float(value) * 100, decimals), decimals)}\u00a0%"
    )


def class_label(name: Value) -> str:
    """The name of a class; copies without a known class have one too."""
    return str(name) if name else _("sans classe")


def _rounded(value: float, decimals: int) -> Decimal:
    """Half up, as people round; formatting alone would round halves to the even digit."""
    return Decimal(str(value)).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)


def tick_step(scale: float) -> float:
    """The distance of ticks that gives about ten of them."""
    return next((step for step in (1, 2, 5, 10, 20, 50) if step * 11 > scale), 100)


def to_float(value: Value) -> float:
    """A figure known to be defined."""
    if value is None or isinstance(value, str):
        raise TypeError(f"{value!r} is not a number")
    return float(value)


def to_int(value: Value) -> int:
    """A count."""
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is not a whole number")
    return value


def floats(rows: Sequence[dict[str, Value]], name: str) -> tuple[float, ...]:
    """A column of defined numbers."""
    return tuple(to_float(row[name]) for row in rows)
