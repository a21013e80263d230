"""French as people read it: the words, the decimal comma, dates, plurals and sizes.

French is the source language, so the strings of the code are what is shown;
``_`` marks them for the day when there is another one.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from gettext import NullTranslations

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal

LOCALE = "fr_FR"

_ = NullTranslations().gettext

_SIZES = (("Go", 1 << 30), ("Mo", 1 << 20), ("ko", 1 << 10))


def plural(count: int, one: str, many: str) -> str:
    """``one`` for 0 and 1, ``many`` from 2 on: French says « 0 copie », gettext would say « 0 copies »."""
    return f"{number(count)} {one if abs(count) < 2 else many}"


def number(value: float | Decimal, decimals: int | None = None) -> str:
    """A number with the decimal comma; ``decimals`` fixes how many are shown."""
    pattern = "#,##0.###" if decimals is None else "#,##0" + ("." + "0" * decimals if decimals else "")
    return str(format_decimal(value, format=pattern, locale=LOCALE))


def points(value: Decimal) -> str:
    """Points as they are written on a copy: ``13,25``, ``0,5``, ``20``."""
    return number(value)


def day(value: date) -> str:
    """``22 novembre 2026``."""
    return str(format_date(value, format="d MMMM y", locale=LOCALE))


def short_day(value: date) -> str:
    """``22/11/2026``, as on class lists."""
    return value.strftime("%d/%m/%Y")


def moment(value: datetime) -> str:
    """``22 nov. 2026 à 14:02``, in the time zone the value bears."""
    return str(format_datetime(value, format="d MMM y 'à' HH:mm", locale=LOCALE))


def size(byte_count: int) -> str:
    """``2 Go``, ``350 Mo``: at most one decimal."""
    for unit, step in _SIZES:
        if byte_count >= step:
            return f"{format_decimal(byte_count / step, format='#,##0.#', locale=LOCALE)} {unit}"
    return f"{byte_count} o"
