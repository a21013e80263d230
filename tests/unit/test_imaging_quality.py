from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.imaging.analyse import analyse_image
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


def test_a_page_that_moved_while_it_was_seen_is_flagged() -> None:
    page = draw.page_without_header("plain").gray

    assert assess(np.asarray(cv2.blur(page, (1, 25)), dtype=np.uint8)).flags == ("blurred",)


@pytest.mark.parametrize("lid", [0, 90, 170])
@pytest.mark.parametrize("corner", [0, 1, 2, 3])
def test_a_torn_corner_is_flagged_whatever_lies_behind_it(lid: int, corner: int) -> None:
    page = _torn(draw.page_without_header("seyes", seed=2).gray, 20, lid, corner)

    assert assess(page).flags == ("torn_corner",)


@pytest.mark.parametrize("lid", [0, 90, 170, 220])
@pytest.mark.parametrize("skew", [0.0, 3.0])
def test_what_is_seen_around_a_sheet_is_neither_ink_nor_dark_paper_nor_a_tear(lid: int, skew: float) -> None:
    written = draw.page_without_header("seyes", seed=2).gray
    empty = draw.page_without_header("seyes", lines=0).gray

    assert assess(_on_lid(written, lid, skew)).flags == ()
    assert not assess(_on_lid(written, lid, skew)).is_blank
    assert assess(_on_lid(empty, lid, skew)).is_blank


def test_a_scan_in_black_and_white_is_not_said_to_be_blurred_or_light() -> None:
    written = draw.page_without_header("plain", seed=2).gray
    empty = draw.page_without_header("plain", lines=0).gray

    found = assess(np.where(written > 140, 255, 0).astype(np.uint8))

    assert found.bitonal
    assert found.flags == ()
    assert not found.is_blank
    assert assess(np.where(empty > 140, 255, 0).astype(np.uint8)).is_blank


def test_faint_pencil_is_not_called_an_empty_page_without_a_word() -> None:
    rng = np.random.default_rng(4)
    paper = draw.paper("plain")
    draw.write(paper, rng, 20, ink=240 - 26)

    found = assess(draw.scanned(paper, rng, noise=2).gray)

    assert found.faint > 0
    assert found.flags == ("too_light",)


@pytest.mark.parametrize(
    ("angle", "flags"), [(0.0, ()), (1.0, ()), (-1.6, ()), (2.6, ("skewed",)), (-3.0, ("skewed",))]
)
def test_a_page_fed_askew_is_told_as_it_is_shown_as_it_was_fed(angle: float, flags: tuple[str, ...]) -> None:
    page = draw.page_without_header("seyes", seed=2, skew=angle).gray

    (half,) = analyse_image(page, draw.DPI, layout="a4").halves

    assert half.flags == flags


def test_an_empty_page_fed_askew_is_nobodys_matter() -> None:
    page = draw.page_without_header("seyes", lines=0, skew=3.0).gray

    (half,) = analyse_image(page, draw.DPI, layout="a4").halves

    assert half.blank
    assert half.flags == ()


def _torn(page: draw.Gray, size_mm: float, lid: int, corner: int) -> draw.Gray:
    """A corner off: 0 and 1 above, 0 and 2 on the left."""
    size = draw.px(size_mm)
    turned = page[:: -1 if corner & 2 else 1, :: -1 if corner & 1 else 1].copy()
    cv2.fillPoly(turned, [np.array([[-1, -1], [size, -1], [size // 2, size // 2 + 6], [-1, size]])], lid)
    return np.ascontiguousarray(turned[:: -1 if corner & 2 else 1, :: -1 if corner & 1 else 1])


def _on_lid(page: draw.Gray, lid: int, skew: float) -> draw.Gray:
    """A sheet on a larger glass, 15 to 30 mm of whose lid is seen around it."""
    above, below, left, right = (draw.px(mm) for mm in (20, 30, 15, 25))
    framed = cv2.copyMakeBorder(page, above, below, left, right, cv2.BORDER_CONSTANT, value=(lid,))
    height, width = framed.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), -skew, 1.0)
    return np.asarray(cv2.warpAffine(framed, turn, (width, height), borderValue=(lid,)), dtype=np.uint8)


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
