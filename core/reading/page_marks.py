"""Reading "n / N" from the crops of a margin, strictly: a line that says anything else is no page number."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.domain.page_marks import MOST_PAGES, Edge, PageMark
from core.reading.protocol import BLANK, FIRST_DIGIT, FIRST_LETTER, SEPARATOR, FieldReading, NameReader

LEAST_PROBABILITY = 0.35
"""Of all figures together, under which nothing is said."""

_FIGURE = "0-9lI|iOo()\\[\\]Jj"
_FIGURES = str.maketrans({**dict.fromkeys("lI|i()[]Jj", "1"), **dict.fromkeys("Oo", "0"), "g": "9", "q": "9"})
_NUMBER = rf"[{_FIGURE}]{{1,2}}"
_OF = r"(?:/|／|s[uaovi][rnlt]|ノ)"
_MARK = re.compile(
    rf"^\W{{0,2}}(?:(?P<word>p|[A-Za-z]\w{{1,4}}?)[\s.:]*)?(?P<n>{_NUMBER})\s*(?P<of>{_OF}|\s[1lI|]\s)\s*(?P<total>[{_FIGURE}gq]{{1,2}})\.?$",
    re.IGNORECASE,
)
# The stroke between the numbers is often taken for a figure: certain after the word, else only a guess.
_STROKE_AS_FIGURE = re.compile(
    r"^(?:(?P<word>[A-Za-z]\w{2,4}?)[\s.:]*)?(?P<n>[0-9]{1,2})[17](?P<total>[0-9]{1,2})$"
)

_LETTERS_LIKE_FIGURES = frozenset(FIRST_LETTER + "ABCDEFGHIJKLMNOPQRSTUVWXYZ".index(c) for c in "GIJLOQ")


def read_page_marks(
    reader: NameReader, crops: Sequence[NDArray[np.uint8]], edges: Sequence[Edge]
) -> list[PageMark | None]:
    """Read crops of margins, all in one batch.

    Args:
        reader: an engine.
        crops: each (height, width) uint8, 0 is black, upright: ``imaging.page_marks.crop_pixels``.
        edges: of each crop, where it stands.
    """
    readings = reader.read(crops)
    return [parsed(reading, edge) for reading, edge in zip(readings, edges, strict=True)]


def best_mark(marks: Sequence[PageMark | None]) -> PageMark | None:
    """Of the crops of one page, the surest number; ``None`` when two crops say different ones."""
    read = [mark for mark in marks if mark is not None]
    if len({(mark.number, mark.total) for mark in read}) != 1:
        return None
    return max(read, key=lambda mark: mark.probability)


def parsed(reading: FieldReading, edge: Edge) -> PageMark | None:
    """The page number that a line is, when it is nothing else."""
    text = _without_brackets(reading.text.strip())
    match, guessed = _MARK.match(text), False
    if match is None:
        match = _STROKE_AS_FIGURE.match(text)
        guessed = match is not None and match["word"] is None
    if match is None or not _like_page(match["word"]):
        return None
    try:
        number, total = (int(match[name].translate(_FIGURES)) for name in ("n", "total"))
    except ValueError:
        return None
    if not 1 <= number <= total <= MOST_PAGES or total < 2:
        return None
    probability = _probability(reading, len(match["n"]) + len(match["total"]))
    return PageMark(number, total, probability, edge, guessed) if probability >= LEAST_PROBABILITY else None


def _without_brackets(text: str) -> str:
    pairs = {"(": ")", "[": "]", "-": "-"}
    if len(text) > 2 and pairs.get(text[0]) == text[-1]:
        return text[1:-1].strip()
    return text


def _like_page(word: str | None) -> bool:
    """Whether a word may be "page", as hands write it and engines read it: two of its letters, in order."""
    if word is None or word.rstrip(".").lower() in ("p", "pg"):
        return True
    word, found = word.lower(), 0
    for letter in "page":
        at = word.find(letter)
        if at >= 0:
            word, found = word[at + 1 :], found + 1
    return found >= 2


def _probability(reading: FieldReading, figures: int) -> float:
    """Product of the probabilities of the figures read, surest step of each."""
    best = reading.log_steps.argmax(axis=1)
    sure = np.exp(reading.log_steps.max(axis=1))
    peaks: list[tuple[bool, float]] = []
    for step, symbol in enumerate(best):
        if symbol in (BLANK, SEPARATOR):
            continue
        if step and best[step - 1] == symbol:
            peaks[-1] = (peaks[-1][0], max(peaks[-1][1], float(sure[step])))
        elif symbol >= FIRST_DIGIT or symbol in _LETTERS_LIKE_FIGURES:
            peaks.append((bool(symbol >= FIRST_DIGIT), float(sure[step])))
        else:
            peaks.append((False, 2.0))  # a letter of "page" or "sur"
    surest = sorted((peak for peak in peaks if peak[1] <= 1.0), key=lambda peak: (not peak[0], peak[1]))
    return round(float(np.prod([value for _, value in surest[:figures]])), 3) if surest else 0.0
