"""The CSV file that Pronote imports, byte for byte (product.md, "Pronote CSV")."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from core.exports.cells import harmless, one_line

BOM = "\ufeff"
LONGEST_COMMENT = 500


@dataclass(frozen=True)
class PronoteLine:
    """One pupil's mark. ``mark`` is the final mark on the paper's final scale, ``coefficient`` a factor."""

    surname: str
    first_name: str
    birth_date: date | None
    subject: str
    mark: Decimal
    coefficient: Decimal
    comment: str = ""


def mark_text(mark: Decimal) -> str:
    """``12,50``: two decimals, half up."""
    return _comma(mark.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP))


def coefficient_text(coefficient: Decimal) -> str:
    """``1,0``: at least one decimal, more when the coefficient has them."""
    exponent = coefficient.normalize().as_tuple().exponent
    decimals = max(1, -exponent if isinstance(exponent, int) else 1)
    return _comma(coefficient.quantize(Decimal(1).scaleb(-decimals)))


def comment_text(comment: str) -> str:
    """The comment on one line, harmless, cut to 500 characters with the apostrophe counted."""
    return harmless(one_line(comment))[:LONGEST_COMMENT].rstrip()


COLUMNS: Mapping[str, Callable[[PronoteLine], str]] = {
    "NOM": lambda line: harmless(one_line(line.surname)),
    "PRENOM": lambda line: harmless(one_line(line.first_name)),
    "DATE_NAISSANCE": lambda line: f"{line.birth_date:%d/%m/%Y}" if line.birth_date else "",
    "MATIERE": lambda line: harmless(one_line(line.subject)),
    "NOTE": lambda line: mark_text(line.mark),
    "COEFF": lambda line: coefficient_text(line.coefficient),
    "COMMENTAIRE": lambda line: comment_text(line.comment),
}
"""The columns there are, in the order Pronote is given them."""


def pronote_csv(lines: Sequence[PronoteLine], *, columns: Sequence[str] = tuple(COLUMNS)) -> bytes:
    """UTF-8 with BOM, ``;``, CRLF, a header, then ``lines`` in the order given.

    Raises:
        KeyError: A column that does not exist.
    """
    target = io.StringIO(newline="")
    writer = csv.writer(target, delimiter=";", lineterminator="\r\n", quoting=csv.QUOTE_MINIMAL)
    writer.writerow(columns)
    for line in lines:
        writer.writerow([COLUMNS[column](line) for column in columns])
    return (BOM + target.getvalue()).encode("utf-8")


def _comma(value: Decimal) -> str:
    return f"{value:f}".replace(".", ",")
