from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from core.imaging.analyse import analyse_image
from core.imaging.photo import (
    A4_MM,
    SURE,
    Flattened,
    Origin,
    PageEdges,
    find_page,
    flatten_light,
    flattened,
    is_photo,
)
from core.pdf.pages import iter_pages
from tests.integration.classes import draw_few
from tests.unit import drawn_pages as draw
from tests.unit import drawn_photos as photos

PLAIN_GROUNDS = ("desk", "wood", "cloth")


def grey(taken: photos.Photo) -> draw.Gray:
    """Photos are looked at in grey, as they are opened."""
    return np.asarray(cv2.cvtColor(taken.bgr, cv2.COLOR_BGR2GRAY), dtype=np.uint8)


def drawn(seed: int, ground: str = "") -> photos.Photo:
    model = draw.CADRES if seed % 2 else draw.LIGNES
    page = draw.page_with_header(model, ("seyes", "plain", "squared")[seed % 3], seed=seed).gray
    return photos.photo(page, seed, ground=ground)


def made(taken: photos.Photo) -> Flattened:
    gray = grey(taken)
    return flattened(gray, find_page(gray))


@pytest.mark.parametrize("ground", PLAIN_GROUNDS)
@pytest.mark.parametrize("seed", [1, 6])
def test_a_page_on_a_table_is_found_within_a_millimetre_and_its_header_is_read_on_it(
    ground: str, seed: int
) -> None:
    taken = drawn(seed, ground)
    gray = grey(taken)

    edges = find_page(gray)

    assert edges is not None
    assert edges.flags == ()
    assert photos.error_mm(edges.corners, taken) < 1.0
    assert is_photo(gray, Origin("jpeg", camera=True), edges)
    page = flattened(gray, edges)
    assert page.flags == ()
    assert sorted(side / page.dpi * 25.4 for side in page.image.shape) == pytest.approx(A4_MM, abs=0.5)
    assert analyse_image(page.image, page.dpi, layout="a4").header is not None


def test_an_unfolded_sheet_is_made_as_large_as_it_is() -> None:
    front = draw.a3(draw.page_without_header(seed=1).gray, draw.page_with_header(draw.CADRES, seed=1).gray)

    page = made(photos.photo(front, 5, ground="desk"))

    assert page.flags == ()
    assert max(page.image.shape) / page.dpi * 25.4 == pytest.approx(420, abs=1)
    assert analyse_image(page.image, page.dpi, layout="a3").header is not None


def test_fingers_over_a_side_hide_neither_the_page_nor_its_edges() -> None:
    page = draw.page_with_header(draw.CADRES, seed=2).gray
    taken = photos.photo(page, 2, ground="wood", hand=True)

    edges = find_page(grey(taken))

    assert edges is not None
    assert photos.error_mm(edges.corners, taken) < 1.0


@pytest.mark.parametrize("seed", [3, 18, 28, 38, 58])
def test_edges_said_to_be_sure_never_cut_anything_off_even_with_another_sheet_under_the_page(
    seed: int,
) -> None:
    taken = drawn(seed, "sheet")

    edges = find_page(grey(taken))

    assert edges is None or edges.flags or _lost_mm(edges, taken) < 1.0


def _lost_mm(edges: PageEdges, taken: photos.Photo) -> float:
    """How far a corner of the page lies outside of the edges, in millimetres of about this page's scale."""
    outline = edges.corners.astype(np.float32)
    inside = [cv2.pointPolygonTest(outline, (float(x), float(y)), True) for x, y in taken.corners]
    height_px = np.hypot(*(taken.corners[3] - taken.corners[0]))
    return float(-min(inside) / height_px * taken.page_mm[1])


def test_a_page_that_leaves_the_frame_is_unsure_and_kept_whole() -> None:
    taken = drawn(1, "desk")
    corners = taken.corners
    # The camera was too near: its frame ends across the page, above and on the right.
    left, top = 0, round(float(corners[:, 1].min()) + 200)
    right = round(float(corners[:, 0].max()) - 200)
    gray = np.ascontiguousarray(grey(taken)[top:, left:right])

    edges = find_page(gray)
    page = flattened(gray, edges)

    assert is_photo(gray, Origin("jpeg", camera=True), edges)
    assert page.flags == ("photo_edges_unsure",)
    assert page.edges is None
    assert page.image.shape == gray.shape


def test_a_photo_without_a_page_is_unsure_and_kept_whole() -> None:
    rng = np.random.default_rng(1)
    gray = rng.normal(120, 4, (1200, 900)).clip(0, 255).astype(np.uint8)

    page = flattened(gray, find_page(gray))

    assert page.flags == ("photo_edges_unsure",)
    assert page.image.shape == gray.shape


def test_no_scan_of_the_demonstration_is_taken_for_a_photo(tmp_path: Path) -> None:
    (pdf,) = draw_few(tmp_path, pupils=3).pdfs

    taken = [
        page.index
        for page in iter_pages(pdf)
        if not isinstance(page, Exception) and is_photo(page.gray, Origin("jpeg"), find_page(page.gray))
    ]

    assert taken == []


@pytest.mark.parametrize("skew", [0.0, 3.0])
def test_a_scan_with_the_lid_around_it_is_not_a_photo(skew: float) -> None:
    page = draw.page_without_header("seyes", seed=3).gray
    framed = np.asarray(cv2.copyMakeBorder(page, 120, 160, 140, 90, cv2.BORDER_CONSTANT, value=(70,)))
    height, width = framed.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), skew, 1.0)
    gray = np.asarray(cv2.warpAffine(framed, turn, (width, height), borderValue=(70,)), dtype=np.uint8)

    edges = find_page(gray)

    assert edges is not None
    assert not is_photo(gray, Origin("png"), edges)


def test_a_photo_without_camera_data_is_told_by_its_perspective_in_a_pdf_too() -> None:
    gray = grey(drawn(1, "desk"))
    edges = find_page(gray)

    assert is_photo(gray, Origin("jpeg"), edges)
    assert is_photo(gray, Origin("pdf"), edges)
    assert not is_photo(gray, Origin("jpeg"), None)


def test_light_is_evened_out_and_faint_pencil_under_a_shadow_stays_as_faint_as_it_was() -> None:
    page = np.full((1200, 900), 235, np.uint8)
    for column in (200, 700):
        cv2.putText(page, "2x = 7", (column - 150, 600), cv2.FONT_HERSHEY_SCRIPT_COMPLEX, 2, 200, 3)
    light = np.ones((1200, 900))
    light[:, 450:] = 0.55
    dark = (page * cv2.GaussianBlur(light, (0, 0), 15)).astype(np.uint8)

    even = flatten_light(dark)

    paper = even[:400, :]
    assert int(np.ptp(cv2.blur(paper, (9, 9)))) < 25  # the shadow's edge, far from ink
    lit, shaded = (np.percentile(even[500:640, left : left + 400], 0.5) for left in (0, 500))
    # Pencil was 15 in 100 darker than its paper, in the light and in the shadow.
    assert lit / 245 == pytest.approx(200 / 235, abs=0.03)
    assert shaded / 245 == pytest.approx(200 / 235, abs=0.03)


def test_confidence_counts_the_two_sides_seen_least() -> None:
    square = np.array([[0, 0], [210, 0], [210, 297], [0, 297]], np.float64)

    assert PageEdges(square, SURE, 210 / 297).flags == ()
    assert PageEdges(square, SURE - 0.01, 210 / 297).flags == ("photo_edges_unsure",)
    assert PageEdges(square, 1.0, 1.0).flags == ("photo_edges_unsure",)
