"""Numbers and days typed as text: Streamlit's own fields show a decimal point and English words."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation

from core.domain.columns import parse_date
from core.errors import BadInput


def decimal_of(text: str, *, code: str) -> Decimal:
    """The number of ``text``, with a comma or a point.

    Raises:
        BadInput: ``code`` with ``value``: it is no number.
    """
    try:
        return Decimal(text.strip().replace("\u202f", "").replace(" ", "").replace(",", "."))
    except InvalidOperation:
        raise BadInput(code, value=text) from None


def day_of(text: str) -> date | None:
    """The day of ``text`` (JJ/MM/AAAA), ``None`` when nothing is typed.

    Raises:
        BadInput: ``bad_date`` with ``value``.
    """
    if not text.strip():
        return None
    day = parse_date(text.strip())
    if day is None:
        raise BadInput("bad_date", value=text.strip())
    return day
