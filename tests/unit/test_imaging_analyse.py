from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.imaging.analyse import analyse_image, side_finding, unreadable_side
from core.imaging.halves import half_pixels, turned
from core.imaging.header import field_crop
from tests.unit import drawn_pages as draw

SKEW = 0.6


@pytest.fixture(scope="module")
def front() -> draw.Gray:
    return draw.a3(
        draw.page_without_header(seed=1, skew=SKEW).gray, draw.page_with_header(draw.CADRES, skew=SKEW).gray
    )


@pytest.fixture(scope="module")
def back() -> draw.Gray:
    return draw.a3(
        draw.page_without_header(seed=2, skew=SKEW).gray, draw.page_without_header(lines=0, skew=SKEW).gray
    )


@pytest.mark.parametrize(("fed", "half"), [(0, "right"), (90, "bottom"), (180, "left"), (270, "top")])
def test_the_header_tells_how_the_front_was_fed(front: draw.Gray, fed: int, half: str) -> None:
    image = turned(front, fed)

    finding = analyse_image(image, draw.DPI, layout="a3")

    assert finding.rotation_deg == (360 - fed) % 360
    assert [h.half for h in finding.halves if h.header is not None] == [half]
    assert all(h.skew_deg == pytest.approx(SKEW, abs=0.15) for h in finding.halves)


@pytest.mark.parametrize("fed", [0, 90, 180, 270])
def test_fields_come_out_upright_however_the_sheet_was_fed(front: draw.Gray, fed: int) -> None:
    upright = analyse_image(front, draw.DPI, layout="a3").header
    image = turned(front, fed)
    match = analyse_image(image, draw.DPI, layout="a3").header
    assert upright is not None
    assert match is not None

    wanted, found = field_crop(front, upright, "surname"), field_crop(image, match, "surname")

    height, width = (min(a, b) for a, b in zip(wanted.shape, found.shape, strict=True))
    likeness = np.corrcoef(wanted[:height, :width].ravel(), found[:height, :width].ravel())[0, 1]
    assert likeness > 0.8


def test_a_back_has_no_orientation_of_its_own_and_its_blank_half_is_seen(back: draw.Gray) -> None:
    finding = analyse_image(back, draw.DPI, layout="a3")

    assert finding.rotation_deg is None
    assert [half.blank for half in finding.halves] == [False, True]
    side = side_finding(5, finding)
    assert (side.image, side.header, [half.blank for half in side.halves]) == (5, False, [False, True])


def test_an_a4_image_among_a3_sheets_is_one_half() -> None:
    page = draw.page_with_header(draw.LIGNES).gray

    finding = analyse_image(page, draw.DPI, layout="a3")

    assert [half.half for half in finding.halves] == ["full"]
    assert finding.header is not None


def test_an_a4_page_lying_on_its_side_is_turned() -> None:
    page = cv2.rotate(draw.page_with_header(draw.LIGNES).gray, cv2.ROTATE_90_CLOCKWISE)

    finding = analyse_image(np.asarray(page, dtype=np.uint8), draw.DPI, layout="a4")

    assert finding.rotation_deg == 270


def test_the_pixels_of_a_half_come_out_upright() -> None:
    image = np.arange(24, dtype=np.uint8).reshape(4, 6)

    assert half_pixels(image, (3, 0, 6, 4), 0).tolist() == image[:, 3:].tolist()
    assert half_pixels(image, (0, 0, 3, 4), 180).tolist() == image[::-1, :3][:, ::-1].tolist()
    assert half_pixels(image, (0, 0, 3, 4), 90)[0, -1] == image[0, 0]


def test_an_unreadable_image_still_has_its_halves() -> None:
    assert [half.half for half in unreadable_side(3, 3300, 2300, "a3").halves] == ["left", "right"]
    assert [half.half for half in unreadable_side(3, 2300, 3300, "a3").halves] == ["top", "bottom"]
