import numpy as np
import pytest

from core.errors import BadInput
from core.reading import reader
from core.reading.protocol import ALPHABET, SYMBOLS, FieldReading, empty_reading
from core.reading.tesseract import peaked_steps


def test_the_alphabet_has_a_blank_letters_a_separator_and_figures() -> None:
    assert len(ALPHABET) == SYMBOLS == 38
    assert ALPHABET[0] == ""
    assert ALPHABET[1] + ALPHABET[26] + ALPHABET[27] + ALPHABET[28] + ALPHABET[37] == "AZ 09"


def test_a_reading_comes_back_from_its_bytes() -> None:
    steps = np.log(np.random.default_rng(0).dirichlet(np.ones(38), 25)).astype(np.float32)
    reading = FieldReading("Zoé", steps, "engine:1")

    back = FieldReading.from_bytes(reading.to_bytes())

    assert (back.text, back.engine) == ("Zoé", "engine:1")
    np.testing.assert_allclose(back.log_steps, steps, atol=0.0006)
    assert back.to_bytes() == reading.to_bytes()


def test_an_empty_reading_comes_back_empty() -> None:
    back = FieldReading.from_bytes(empty_reading("null").to_bytes())

    assert back.is_empty
    assert back.log_steps.shape == (0, 38)


def test_foreign_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match="not a serialised"):
        FieldReading.from_bytes(b"PK\x03\x04")


def test_the_null_reader_reads_nothing() -> None:
    (reading,) = reader("null").read([np.zeros((40, 200), np.uint8)])

    assert reading.is_empty


def test_an_unknown_reader_is_refused_with_the_names_of_those_there_are() -> None:
    with pytest.raises(BadInput) as caught:
        reader("magic")

    assert caught.value.code == "unknown_reader"
    assert "ppocr" in str(caught.value.details["known"])


def test_a_string_becomes_peaked_probabilities() -> None:
    steps = peaked_steps("Zoé 7")

    np.testing.assert_allclose(np.exp(steps).sum(axis=1), 1, rtol=1e-5)
    assert "".join(ALPHABET[s] for s in steps.argmax(axis=1)) == "ZOE 7"
    assert len(peaked_steps(" .-")) == 0
