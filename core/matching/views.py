"""How the 38 symbols of a reading are seen by each kind of field.

Spaces count as blanks, so that separators are free everywhere; a figure counts
for the letter it looks like in a name, and the reverse in a date.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.domain.names import fold
from core.matching.calibration import LOOK_ALIKE_SHARE, SMOOTHING
from core.reading.protocol import ALPHABET, BLANK, FIRST_DIGIT, FIRST_LETTER, SEPARATOR, SYMBOLS, FieldReading

# In dates the separator's column means a slash that was read as 1; one read rightly counts as blank.
DATE_SEPARATOR = SEPARATOR

_DIGIT_AS_LETTER = {
    "0": "OD", "1": "ILJT", "2": "Z", "3": "EB", "4": "AH", "5": "SJ", "6": "GCB", "7": "TF", "8": "B", "9": "GQ",
}  # fmt: skip
_LETTER_AS_DIGIT = {
    "0": "ODQCU", "1": "ILJT", "2": "ZR", "3": "EJBS", "4": "AHYUK", "5": "SJ", "6": "GBCL", "7": "TFZ",
    "8": "BS", "9": "GQPY",
}  # fmt: skip
# Handwritten letters and figures taken for one another; each pair stands once, both ways are meant.
_LOOK_ALIKE_LETTERS = {
    "A": "HNOR", "B": "DEPR", "C": "EGLO", "D": "OP", "E": "FGLTZ", "F": "PT", "G": "OQSY", "H": "KMN", "I": "JLT",
    "J": "ST", "K": "RX", "L": "TUZ", "M": "NW", "N": "RUVW", "O": "QU", "P": "R", "S": "T", "U": "V", "V": "Y",
    "X": "Y",
}  # fmt: skip
_LOOK_ALIKE_FIGURES = {
    "0": "68", "1": "27", "2": "7", "3": "58", "4": "9", "5": "68", "7": "9", "8": "9",
}  # fmt: skip
# A figure in place of the letter it resembles is nearly as good as the letter.
_FIGURE_SHARE = 0.7

View = NDArray[np.float32]


def symbols(text: str) -> tuple[int, ...]:
    """Columns of a label: letters and figures, ``/`` as date separator, all else left out."""
    found: list[int] = []
    for character in text:
        if character.isascii() and character.isdigit():
            found.append(FIRST_DIGIT + int(character))
        elif character == "/":
            found.append(DATE_SEPARATOR)
        else:
            found += [_letter(c) for c in fold(character) if c != " "]
    return tuple(found)


def text_of(label: Sequence[int]) -> str:
    """A label as text."""
    return "".join(ALPHABET[symbol] for symbol in label)


def seen_as(reading: FieldReading, view: View) -> NDArray[np.float32]:
    """Emission probabilities of a field: (steps, 38), smoothed."""
    seen = np.exp(reading.log_steps) @ view
    used = view.any(axis=0)
    return np.asarray((1 - SMOOTHING) * seen + SMOOTHING * used / used.sum(), dtype=np.float32)


def without_date_separator(seen: NDArray[np.float32]) -> NDArray[np.float32]:
    """Emissions for reading freely, where a slash read as 1 is a 1."""
    free = seen.copy()
    free[:, DATE_SEPARATOR] = 0.0
    return free


def _letter(character: str) -> int:
    return FIRST_LETTER + ord(character) - ord("A")


def _separator_free() -> View:
    view = np.zeros((SYMBOLS, SYMBOLS), np.float32)
    view[BLANK, BLANK] = view[SEPARATOR, BLANK] = 1.0
    return view


def _name_view() -> View:
    view = _separator_free()
    letters = np.arange(FIRST_LETTER, SEPARATOR)
    view[letters, letters] = 1.0
    _share(view, _LOOK_ALIKE_LETTERS)
    for figure, alikes in _DIGIT_AS_LETTER.items():
        view[FIRST_DIGIT + int(figure), BLANK] = LOOK_ALIKE_SHARE
        for rank, letter in enumerate(alikes):
            view[FIRST_DIGIT + int(figure), _letter(letter)] = _FIGURE_SHARE / (1 + rank)
    return view


def _share(view: View, look_alikes: dict[str, str]) -> None:
    """Let a little of each symbol's probability count for the symbols it looks like."""
    for one, others in look_alikes.items():
        (column,) = symbols(one)
        for other in symbols(others):
            view[column, other] = view[other, column] = LOOK_ALIKE_SHARE


def _date_view() -> View:
    view = _separator_free()
    digits = np.arange(FIRST_DIGIT, SYMBOLS)
    view[digits, digits] = 1.0
    for figure, alikes in _LETTER_AS_DIGIT.items():
        for rank, letter in enumerate(alikes):
            view[_letter(letter), FIRST_DIGIT + int(figure)] = _FIGURE_SHARE / (1 + rank)
    _share(view, _LOOK_ALIKE_FIGURES)
    view[:, DATE_SEPARATOR] = view[:, FIRST_DIGIT + 1]
    return view


def _class_view() -> View:
    view = _separator_free()
    kept = np.r_[FIRST_LETTER:SEPARATOR, FIRST_DIGIT:SYMBOLS]
    view[kept, kept] = 1.0
    for figure, alikes in _DIGIT_AS_LETTER.items():
        view[FIRST_DIGIT + int(figure), _letter(alikes[0])] = _FIGURE_SHARE
        view[_letter(alikes[0]), FIRST_DIGIT + int(figure)] = _FIGURE_SHARE
    return view


NAME_VIEW = _name_view()
DATE_VIEW = _date_view()
CLASS_VIEW = _class_view()
