"""A marking scheme as a table: which column is what, and what each cell says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from core.domain.columns import Row, cell, recognise
from core.domain.names import fold
from core.domain.scheme import SchemeLine
from core.errors import BadInput

SCHEME_COLUMNS: dict[str, tuple[str, ...]] = {
    "item": ("ITEM", "ITEMS", "CODE", "QUESTION", "QUESTIONS", "N", "NO", "NUMERO", "REFERENCE"),
    "label": ("LABEL", "LIBELLE", "INTITULE", "DESCRIPTION", "ENONCE", "ATTENDU", "QUESTION"),
    "points": ("POINTS", "POINT", "PTS", "BAREME", "MAXIMUM", "MAX", "NOTE MAXIMALE"),
    "bonus": ("BONUS",),
    "competence": ("COMPETENCE", "COMPETENCES", "CAPACITE", "CAPACITES"),
}
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?\Z")
_YES = frozenset({"OUI", "O", "X", "VRAI", "TRUE", "YES", "Y", "BONUS"})
_NO = frozenset({"", "NON", "N", "FAUX", "FALSE", "NO"})


def read_scheme(headers: Sequence[str], rows: Iterable[Row]) -> list[SchemeLine]:
    """The lines of a scheme, to be built by :func:`core.domain.scheme.build`.

    A scheme is taken whole or not at all, so the first bad line stops the reading.

    Raises:
        BadInput: ``scheme_no_item_column`` or ``scheme_no_points_column`` with ``headers``;
            ``scheme_no_code``, ``scheme_points_not_number`` or ``scheme_bad_bonus`` with ``line``.
    """
    mapping = recognise(headers, SCHEME_COLUMNS)
    for field in ("item", "points"):
        if field not in mapping:
            raise BadInput(f"scheme_no_{field}_column", headers=tuple(header for header in headers if header))
    return [_read_line(number, row, mapping) for number, row in rows]


def _read_line(number: int, row: Mapping[str, str], mapping: Mapping[str, str]) -> SchemeLine:
    code = cell(row, mapping, "item").rstrip(" .)")
    if not code:
        raise BadInput("scheme_no_code", line=number)
    return SchemeLine(
        number=number,
        code=code,
        label=cell(row, mapping, "label") or code,
        points=_points(cell(row, mapping, "points"), number, code),
        bonus=_bonus(cell(row, mapping, "bonus"), number, code),
        competence=cell(row, mapping, "competence"),
    )


def _points(text: str, line: int, code: str) -> Decimal | None:
    if not text:
        return None
    if not _NUMBER.match(text):
        raise BadInput("scheme_points_not_number", line=line, item=code, value=text)
    return Decimal(text.replace(",", "."))


def _bonus(text: str, line: int, code: str) -> bool:
    if text in {"0", "1"}:
        return text == "1"
    folded = fold(text)
    if folded in _YES:
        return True
    if folded in _NO and (folded or not text):
        return False
    raise BadInput("scheme_bad_bonus", line=line, item=code, value=text)
