from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from core.domain.page_marks import PageMark
from core.reading import reader
from core.reading.page_marks import best_mark, parsed, read_page_marks
from core.reading.protocol import ALPHABET, SYMBOLS, FieldReading
from tests.unit.drawn_pages import _FONT, Gray


def read_as(text: str, sure: float = 0.95) -> FieldReading:
    """A reading whose every sign was read with the same probability, blanks between."""
    steps = []
    for sign in text.upper():
        row = np.full(SYMBOLS, (1 - sure) / SYMBOLS)
        row[ALPHABET.index(sign) if sign in ALPHABET[1:] else ALPHABET.index(" ")] = sure
        steps += [row, np.eye(SYMBOLS)[0] + 1e-9]
    return FieldReading(text, np.log(np.array(steps)).astype(np.float32), "test")


@pytest.mark.parametrize(
    ("text", "number", "total"),
    [
        ("3/8", 3, 8),
        ("3 / 8", 3, 8),
        ("Page 3/8", 3, 8),
        ("PAGE 12 / 16", 12, 16),
        ("p. 2/4", 2, 4),
        ("page3/7", 3, 7),
        ("7 sur 9", 7, 9),
        ("1surg", 1, 9),
        ("5 sun 9", 5, 9),
        ("l/4", 1, 4),
        ("I/I2", 1, 12),
        ("lO/16", 10, 16),
        ("Lage 3/15", 3, 15),
        ("(3/8)", 3, 8),
        ("- 3/8 -", 3, 8),
        ("6 1 15", 6, 15),
        ("PAGE617", 6, 7),
    ],
)
def test_a_page_number_is_read_in_all_its_spellings(text: str, number: int, total: int) -> None:
    mark = parsed(read_as(text), "bottom")

    assert mark is not None
    assert (mark.number, mark.total, mark.guessed) == (number, total, False)


@pytest.mark.parametrize(
    "text",
    [
        "14/3",
        "x = 1/2",
        "1/2 + 3",
        "0/4",
        "3/45",
        "1/1",
        "2027",
        "f(x)",
        "",
        "d = 3/4",
        "3,8",
        "u 3/4",
        "17/64",
        "donc 3/4",
    ],
)
def test_fractions_and_other_lines_are_no_page_numbers(text: str) -> None:
    assert parsed(read_as(text), "bottom") is None


def test_a_stroke_read_as_a_figure_is_a_guess() -> None:
    mark = parsed(read_as("218"), "bottom")

    assert mark is not None
    assert (mark.number, mark.total, mark.guessed) == (2, 8, True)


def test_figures_hardly_read_are_not_believed() -> None:
    assert parsed(read_as("3/8", sure=0.5), "bottom") is None


def test_two_numbers_on_one_page_say_nothing() -> None:
    same, other = PageMark(1, 4, 0.7), PageMark(2, 4, 0.9)

    assert best_mark([same, other]) is None
    assert best_mark([None, same, PageMark(1, 4, 0.8)]) == PageMark(1, 4, 0.8)
    assert best_mark([None]) is None


def printed(text: str) -> Gray:
    image = Image.new("L", (60 + 20 * len(text), 60), 240)
    ImageDraw.Draw(image).text((25, 42), text, fill=40, font=ImageFont.truetype(_FONT, 28), anchor="ls")
    return np.asarray(cv2.GaussianBlur(np.asarray(image), (3, 3), 0.6), dtype=np.uint8)


def test_printed_numbers_are_read_from_their_pixels_in_one_batch() -> None:
    texts: Sequence[str] = ("3/8", "Page 12/16", "2 sur 4", "x = 1/2")

    found = read_page_marks(reader("ppocr"), [printed(text) for text in texts], ["bottom"] * 4)

    assert [str(mark) if mark else None for mark in found] == ["3/8", "12/16", "2/4", None]
