import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from core.domain.names import fold
from core.errors import WorkbenchError
from core.reading.line import text_lines
from core.reading.ppocr import PpOcrReader, _label_end, _symbol
from core.reading.protocol import ALPHABET, SEPARATOR

Gray = NDArray[np.uint8]


def drawn(lines: Sequence[tuple[str, int, int]], size: tuple[int, int] = (60, 420)) -> Gray:
    """An image with texts at (left, baseline), drawn with OpenCV's own stroke font."""
    image = np.full(size, 255, np.uint8)
    for text, left, baseline in lines:
        cv2.putText(image, text, (left, baseline), cv2.FONT_HERSHEY_SIMPLEX, 1.0, 30, 2, cv2.LINE_AA)
    return image


@cache
def ppocr() -> PpOcrReader:
    return PpOcrReader()


def test_a_drawn_name_is_read_with_probabilities_that_sum_to_one() -> None:
    (reading,) = ppocr().read([drawn([("MARTIN", 20, 42)])])

    assert fold(reading.text) == "MARTIN"
    np.testing.assert_allclose(np.exp(reading.log_steps).sum(axis=1), 1, atol=1e-3)


def test_a_reading_does_not_depend_on_the_other_crops_of_the_batch() -> None:
    names = [drawn([("MARTIN", 20, 42)]), drawn([("ZOE", 20, 42)]), drawn([("GAUTHIER", 20, 42)])]

    together = ppocr().read(names)
    alone = [ppocr().read([name])[0] for name in names]

    assert [r.text for r in together] == [r.text for r in alone]
    for a, b in zip(together, alone, strict=True):
        np.testing.assert_allclose(np.exp(a.log_steps), np.exp(b.log_steps), atol=1e-3)


def test_a_printed_label_in_front_is_cut_from_text_and_steps() -> None:
    plain, labelled = ppocr().read(
        [drawn([("DUBOIS", 150, 42)]), drawn([("NOM :", 5, 42), ("DUBOIS", 150, 42)])]
    )

    assert fold(labelled.text) == fold(plain.text) == "DUBOIS"
    best = "".join(ALPHABET[s] for s in labelled.log_steps.argmax(axis=1))
    assert "N" not in best


def test_a_field_with_the_label_only_is_empty() -> None:
    (reading,) = ppocr().read([drawn([("PRENOM :", 5, 42)])])

    assert reading.is_empty


@pytest.mark.parametrize("paper", [255, 180])
def test_paper_without_ink_gives_an_empty_reading(paper: int) -> None:
    noise = np.random.default_rng(0).normal(paper, 3, (60, 420)).clip(0, 255).astype(np.uint8)

    (reading,) = ppocr().read([noise])

    assert reading.is_empty


def test_a_rule_under_the_name_and_a_frame_are_not_writing() -> None:
    framed = drawn([("LEROY", 20, 42)])
    framed[50:53] = 60
    framed[:, :3] = framed[:, -3:] = 60
    empty = np.full_like(framed, 255)
    empty[50:53] = 60
    empty[:, :3] = empty[:, -3:] = 60

    name, nothing = ppocr().read([framed, empty])

    assert fold(name.text) == "LEROY"
    assert nothing.is_empty


def test_a_neighbouring_line_cut_by_the_edge_is_left_out() -> None:
    crop = drawn([("PETIT", 20, 14), ("MOREAU", 20, 50)])

    (reading,) = ppocr().read([crop])

    assert fold(reading.text) == "MOREAU"
    assert len(text_lines(crop)) == 1


def test_a_rule_through_the_feet_of_the_letters_is_painted_over() -> None:
    crop = drawn([("LEROY", 20, 42)])
    crop[42:45] = 60

    (line,) = text_lines(crop)

    left_of_the_name = line[:, :3]
    assert left_of_the_name.min() > 200


def test_two_whole_lines_are_cut_apart_widest_first() -> None:
    lines = text_lines(drawn([("NOM", 20, 32), ("GAUTHIER", 20, 85)], size=(100, 420)))

    assert len(lines) == 2
    assert lines[0].shape[1] > lines[1].shape[1]
    assert all(line.shape[0] < 50 for line in lines)


def test_uneven_light_does_not_make_ink() -> None:
    shade = np.tile(np.linspace(120, 250, 420), (60, 1)).astype(np.uint8)

    assert text_lines(shade) == []


def test_a_crop_too_small_to_hold_writing_is_empty() -> None:
    assert text_lines(np.zeros((3, 200), np.uint8)) == []


@pytest.mark.parametrize(
    ("character", "symbol"),
    [("é", "E"), ("Ｑ", "Q"), ("œ", "O"), ("7", "7"), ("７", "7"), ("'", " "), ("　", " "), ("工", "I")],
)
def test_classes_of_the_model_fold_to_the_alphabet(character: str, symbol: str) -> None:
    column = _symbol(character)

    assert column is not None
    assert ALPHABET[column] == symbol


@pytest.mark.parametrize("character", ["", "漢", "%", "あ"])
def test_classes_that_are_no_letter_fold_to_nothing(character: str) -> None:
    assert _symbol(character) is None


def test_a_hyphen_folds_to_the_separator() -> None:
    assert _symbol("-") == SEPARATOR


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("NOM: DUBOIS", "DUBOIS"),
        ("PRÉNOM : ZOE", "ZOE"),
        ("RENOM:ZOE", "ZOE"),
        ("OM:AZABI", "AZABI"),
        ("NOM DE FAMILLE (naissance) PETIT", "PETIT"),
        ("Né(e) le : 12/03/2009", "12/03/2009"),
        ("12:03:2009", "12:03:2009"),
        ("NOMBLOT", "NOMBLOT"),
        ("RENE", "RENE"),
        ("DATE DE NAISSANCE CLASSE", ""),
    ],
)
def test_only_a_printed_label_is_taken_for_one(text: str, rest: str) -> None:
    assert text[_label_end(text) :] == rest


def test_another_model_file_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "model.onnx"
    other.write_bytes(b"not the model")

    with pytest.raises(WorkbenchError) as caught:
        PpOcrReader(other)

    assert caught.value.code == "reader_model_missing"


def test_the_runtime_is_told_not_to_report_to_its_vendor() -> None:
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
