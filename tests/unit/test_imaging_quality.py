from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.imaging.deskew import skew_deg
from core.imaging.layout import detect_layout
from core.imaging.quality import assess
from tests.unit import drawn_pages as draw


@pytest.mark.parametrize("kind", ["plain", "seyes", "squared"])
@pytest.mark.parametrize("skew", [0.0, 1.0, -1.7])
@pytest.mark.parametrize("ruling", [190, 150])
def test_ruled_paper_nobody_wrote_on_is_blank(kind: str, skew: float, ruling: int) -> None:
    rng = np.random.default_rng(4)
    page = draw.scanned(draw.paper(kind, ink=ruling), rng, skew, noise=6, uneven=0.15)

    assert assess(page.gray).is_blank


@pytest.mark.parametrize("kind", ["plain", "seyes", "squared"])
@pytest.mark.parametrize("ink", [60, 150])
def test_a_page_with_one_short_answer_is_not_blank(kind: str, ink: int) -> None:
    rng = np.random.default_rng(4)
    paper = draw.paper(kind)
    cv2.putText(paper, "2) x = 4", (200, 400), cv2.FONT_HERSHEY_SCRIPT_COMPLEX, 1.4, ink, 3)
    page = draw.scanned(paper, rng, 0.7, noise=5)

    assert not assess(page.gray).is_blank


def test_a_shadow_along_the_fold_is_not_writing() -> None:
    paper = draw.paper("seyes")
    paper[:, :30] = np.linspace(90, 240, 30).astype(np.uint8)

    assert assess(paper).is_blank


def test_show_through_of_the_other_side_is_not_writing() -> None:
    rng = np.random.default_rng(4)
    paper = draw.paper("seyes")
    through = np.full_like(paper, 255)
    draw.write(through, rng, 24, 20, ink=0)
    soft = cv2.GaussianBlur(through, (0, 0), 3)
    paper = np.minimum(paper, (paper - (255 - soft) * 0.12)).astype(np.uint8)

    assert assess(draw.scanned(paper, rng).gray).is_blank


def test_an_ordinary_page_has_no_flag() -> None:
    assert assess(draw.page_without_header().gray).flags == ()


def test_a_page_too_dark_is_flagged() -> None:
    page = draw.page_without_header().gray

    assert "too_dark" in assess((page * 0.45).astype(np.uint8)).flags


def test_a_page_too_light_is_flagged() -> None:
    page = draw.page_without_header("plain").gray

    assert assess((255 - (255 - page) * 0.27).astype(np.uint8)).flags == ("too_light",)


def test_a_blurred_page_is_flagged() -> None:
    page = cv2.GaussianBlur(draw.page_without_header("plain").gray, (0, 0), 7)

    assert assess(np.asarray(page, dtype=np.uint8)).flags == ("blurred",)


@pytest.mark.parametrize("kind", ["plain", "seyes", "squared"])
@pytest.mark.parametrize("angle", [-2.2, -0.4, 0.0, 1.3])
def test_skew_is_measured_clockwise_positive(kind: str, angle: float) -> None:
    page = draw.page_with_header(draw.CADRES, kind, seed=3, skew=angle)

    assert skew_deg(page.gray) == pytest.approx(angle, abs=0.1)


def test_an_empty_sheet_has_no_skew() -> None:
    assert skew_deg(np.full((500, 400), 250, np.uint8)) == 0.0


def test_the_layout_is_that_of_most_images() -> None:
    assert detect_layout([(420, 297), (297, 420), (210, 297)]) == "a3"
    assert detect_layout([(210, 297), (216, 356)]) == "a4"
    assert detect_layout([]) == "a4"
