from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.imaging.darkness import dark_map
from core.imaging.deskew import skew_of
from core.imaging.likeness import ALIKE, FEWEST_CELLS, MOST_BYTES, alike, candidates, descriptor, likeness
from core.imaging.straight import straight_page
from tests.unit import drawn_pages as draw


def described(gray: draw.Gray, dpi: float = draw.DPI) -> bytes | None:
    page = dark_map(gray, dpi)
    return descriptor(straight_page(page, skew_of(page)))


def sheet(pupil: int, kind: str = "seyes", lines: int = 24) -> draw.Gray:
    page = draw.paper(kind)
    draw.write(page, np.random.default_rng(pupil), lines, 20)
    return page


def passed(
    page: draw.Gray, seed: int, skew: float = 0.0, shift_mm: tuple[float, float] = (0, 0)
) -> draw.Gray:
    move = np.array([[1, 0, shift_mm[0] * draw.MM], [0, 1, shift_mm[1] * draw.MM]])
    moved = cv2.warpAffine(page, move, page.shape[::-1], borderValue=(240,)).astype(np.uint8)
    return draw.scanned(moved, np.random.default_rng(seed), skew, uneven=0.1).gray


def code(gray: draw.Gray, dpi: float = draw.DPI) -> bytes:
    found = described(gray, dpi)
    assert found is not None
    return found


@pytest.mark.parametrize("kind", ["plain", "seyes", "squared"])
def test_a_page_scanned_again_askew_and_shifted_is_the_same_page(kind: str) -> None:
    page = sheet(1, kind)

    assert likeness(code(passed(page, 1)), code(passed(page, 2, 1.8, (4, -4)))) >= ALIKE


@pytest.mark.parametrize("dpi", [150, 300])
def test_a_page_scanned_at_another_resolution_is_the_same_page(dpi: int) -> None:
    page = sheet(1)
    again = cv2.resize(passed(page, 2, -1.0), None, fx=dpi / draw.DPI, fy=dpi / draw.DPI).astype(np.uint8)

    assert likeness(code(passed(page, 1)), code(again, dpi)) >= ALIKE


def test_a_page_scanned_upside_down_and_in_black_and_white_is_the_same_page() -> None:
    page = sheet(1)
    again = np.where(cv2.rotate(passed(page, 2, 0.6), cv2.ROTATE_180) < 140, 0, 255).astype(np.uint8)

    assert likeness(code(passed(page, 1)), code(again)) >= ALIKE


@pytest.mark.parametrize("kind", ["plain", "seyes", "squared"])
def test_pages_of_two_pupils_on_the_same_paper_are_two_pages(kind: str) -> None:
    assert likeness(code(passed(sheet(1, kind), 1)), code(passed(sheet(2, kind), 2))) < 0.3


def test_a_common_header_does_not_make_two_pages_one() -> None:
    first, second = (draw.page_with_header(draw.CADRES, seed=seed).gray for seed in (1, 2))

    assert likeness(code(first), code(second)) < 0.3


def test_blank_and_nearly_blank_pages_cannot_be_told_apart_and_say_nothing() -> None:
    one_word = draw.paper("seyes")
    cv2.putText(one_word, "2) x = 4", (200, 400), cv2.FONT_HERSHEY_SCRIPT_COMPLEX, 1.4, 60, 3)

    assert FEWEST_CELLS > 0
    assert described(passed(draw.paper("seyes"), 1)) is None
    assert described(passed(one_word, 1)) is None


def test_a_descriptor_is_small_even_on_a_page_full_of_noise() -> None:
    page = draw.paper("plain")
    speckle = np.random.default_rng(1).random((page.shape[0] // 5, page.shape[1] // 5)) < 0.5
    page[cv2.resize(speckle.astype(np.uint8), page.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0] = 60

    assert len(code(page)) <= MOST_BYTES
    assert likeness(code(page), code(page)) > 0.99


def test_of_many_pages_only_the_one_scanned_twice_is_paired() -> None:
    codes = [code(passed(sheet(pupil), pupil)) for pupil in range(12)]
    again = code(passed(sheet(5), 99, -1.2, (3, 3)))

    assert [(pair.first, pair.second) for pair in alike([*codes, again])] == [(5, 12)]
    assert [(pair.first, pair.second) for pair in alike([again], codes)] == [(0, 5)]
    assert (0, 5) in candidates([again], codes)


def test_no_pages_give_no_pairs() -> None:
    assert candidates([]) == []
    assert candidates([], [code(sheet(1))]) == []


def test_other_bytes_are_no_descriptor() -> None:
    for other in (b"", b"\x3c\x01\x01\x00notzlib", b"x"):
        with pytest.raises(ValueError, match="descriptor"):
            likeness(other, other)
