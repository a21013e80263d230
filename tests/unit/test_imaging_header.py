from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.imaging.header import HeaderMatch, field_crop, find_header, header_crop
from core.imaging.header_models import HeaderModel, builtin_models
from tests.unit import drawn_headers
from tests.unit import drawn_pages as draw

MODELS = (draw.CADRES, draw.LIGNES)


def error_mm(match: HeaderMatch, page: draw.Drawn, model: HeaderModel) -> float:
    width, height = model.width_mm, model.height_mm
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]]).T
    assert page.transform is not None
    return float(np.abs(match.transform @ corners - page.transform @ corners).max() / draw.MM)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
@pytest.mark.parametrize(
    ("kind", "shift_mm", "skew"),
    [("plain", (0, 0), 0.0), ("seyes", (4, 12), 1.3), ("squared", (-7, -7), -2.6), ("seyes", (10, 3), 0.4)],
)
def test_a_header_is_found_where_it_was_printed(
    model: HeaderModel, kind: str, shift_mm: tuple[float, float], skew: float
) -> None:
    page = draw.page_with_header(model, kind, seed=7, shift_mm=shift_mm, skew=skew)

    match = find_header(page.gray, draw.DPI)

    assert match is not None
    assert match.model == model.name
    assert error_mm(match, page, model) < 0.5


FAULTS = {
    "150 dpi": {"dpi": 150.0},
    "300 dpi": {"dpi": 300.0},
    "bitonal": {"bitonal": True, "noise": 0.0},
    "light": {"fade": 0.25},
    "very light": {"fade": 0.1, "noise": 2.0},
    "turned": {"skew": 3.0},
    "turned back": {"skew": -3.0},
    "torn corner": {"torn_mm": 40.0},
    "grey border": {"border_mm": 10.0},
    "dark edge": {"edge_mm": 5.0},
}


def scanned_header(model: HeaderModel, seed: int, paper: str, how: dict[str, float]) -> drawn_headers.Fed:
    rng = np.random.default_rng(seed)
    usual = {"skew": rng.uniform(-1.5, 1.5), **how}
    sheet = drawn_headers.page_of_model(model, seed, paper, usual.pop("dpi", 200.0))
    shift = (rng.uniform(-4, 4), rng.uniform(-4, 4))
    return drawn_headers.fed(sheet, seed, shift_mm=shift, **usual)  # type: ignore[arg-type]


def place_error_mm(match: HeaderMatch, page: drawn_headers.Fed, model: HeaderModel) -> float:
    corners = np.array([[x, y, 1] for x in (0, model.width_mm) for y in (0, model.height_mm)]).T
    printed = corners + np.array([[model.page_left_mm], [model.page_top_mm], [0]])
    return float(np.abs(match.transform @ corners - page.from_mm @ printed).max() / (page.dpi / 25.4))


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("model", builtin_models(), ids=lambda model: model.name)
def test_a_header_is_found_whatever_the_scanner_did(model: HeaderModel, fault: str) -> None:
    paper = drawn_headers.PAPERS[len(fault) % 3]
    page = scanned_header(model, 5, paper, FAULTS[fault])

    match = find_header(page.gray, page.dpi)

    assert match is not None
    assert (match.model, match.kind) == (model.name, model.kind)
    assert place_error_mm(match, page, model) < 0.5


def test_only_the_annex_is_of_the_kind_annex() -> None:
    assert [model.name for model in builtin_models() if model.kind == "annex"] == ["annexe"]


@pytest.mark.parametrize("model", builtin_models(), ids=lambda model: model.name)
def test_a_header_half_torn_away_is_found_in_its_place_or_not_at_all(model: HeaderModel) -> None:
    page = scanned_header(model, 3, "seyes", {"torn_mm": 110.0})

    match = find_header(page.gray, page.dpi)

    assert match is None or (match.model == model.name and place_error_mm(match, page, model) < 1.0)


NO_HEADER = ("blank", "written", "table", "names_table", "frame", "frames", "curve", "subject")
SCANNERS: tuple[dict[str, float], ...] = (
    {},
    {"fade": 0.3},
    {"bitonal": True, "noise": 0.0},
    {"fade": 0.15},
    {"skew": 3.0},
)


@pytest.mark.parametrize("kind", NO_HEADER)
@pytest.mark.parametrize("paper", ["seyes", "squared", "graph"])
def test_what_pupils_draw_on_ruled_paper_is_no_header(kind: str, paper: str) -> None:
    page = drawn_headers.fed(drawn_headers.page_without(kind, paper, 4), 4, skew=-0.7)

    assert find_header(page.gray, page.dpi) is None


@pytest.mark.long
@pytest.mark.parametrize("kind", NO_HEADER)
def test_of_forty_pages_without_header_none_has_one(kind: str) -> None:
    for paper in (*drawn_headers.PAPERS, "graph"):
        for seed in range(10):
            how = {"skew": np.random.default_rng(seed).uniform(-1.5, 1.5), **SCANNERS[seed % 5]}
            sheet = drawn_headers.page_without(kind, paper, seed, (150, 200, 300)[seed % 3])
            page = drawn_headers.fed(sheet, seed, **how)  # type: ignore[arg-type]

            assert find_header(page.gray, page.dpi) is None, (paper, seed)


@pytest.mark.parametrize("kind", ["plain", "seyes", "squared"])
@pytest.mark.parametrize("extra", ["", "table", "frame"])
@pytest.mark.parametrize("lines", [0, 24])
def test_paper_writing_tables_and_frames_are_no_header(kind: str, extra: str, lines: int) -> None:
    page = draw.page_without_header(kind, seed=3, skew=0.6, extra=extra, lines=lines)

    assert find_header(page.gray, draw.DPI) is None


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
@pytest.mark.parametrize("kind", ["plain", "seyes"])
def test_the_lines_of_a_header_with_other_words_are_no_header(model: HeaderModel, kind: str) -> None:
    words = tuple(replace(text, text="x + 2y") for text in model.texts)
    page = draw.page_with_header(replace(model, texts=words), kind)

    assert find_header(page.gray, draw.DPI) is None


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_header_upside_down_at_the_foot_is_not_found_as_upright(model: HeaderModel) -> None:
    page = draw.page_with_header(model, "seyes", seed=2)

    assert find_header(np.ascontiguousarray(page.gray[::-1, ::-1]), draw.DPI) is None


def test_a_header_that_nobody_filled_in_is_found() -> None:
    page = draw.page_with_header(draw.LIGNES, "plain", written=False)

    assert find_header(page.gray, draw.DPI) is not None


@pytest.mark.parametrize("factor", [0.5, 1.5])
def test_a_header_is_found_at_another_resolution(factor: float) -> None:
    import cv2

    page = draw.page_with_header(draw.CADRES, seed=1, skew=-0.8)
    scaled = cv2.resize(page.gray, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)

    match = find_header(np.asarray(scaled, dtype=np.uint8), draw.DPI * factor)

    assert match is not None
    assert page.transform is not None
    assert np.allclose(match.transform[:, 2], page.transform[:, 2] * factor, atol=5)


@pytest.mark.parametrize("field", ["surname", "first_name", "birth_date", "class"])
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_field_is_cut_straight_without_its_printed_lines(model: HeaderModel, field: str) -> None:
    page = draw.page_with_header(model, "plain", seed=5, skew=1.5, written=False)
    match = find_header(page.gray, draw.DPI)
    assert match is not None

    crop = field_crop(page.gray, match, field)

    left, top, right, bottom = model.fields_mm[field]
    assert crop.dtype == np.uint8
    assert crop.shape[1] / draw.MM == pytest.approx(right - left + 2, abs=1)
    assert crop.shape[0] / draw.MM == pytest.approx(bottom - top + 2, abs=1)
    assert (crop < 120).mean() < 0.001


def test_strokes_that_cross_a_printed_line_stay() -> None:
    rng = np.random.default_rng(0)
    paper = draw.paper("plain")
    transform = draw.print_header(paper, draw.LIGNES)
    for x_mm in range(40, 100, 8):  # downstrokes of a p or a y through the line at 12 mm
        left, top = draw.px(14 + x_mm), draw.px(10 + 7)
        paper[top : draw.px(10 + 14.5), left : left + 5] = 50
    page = draw.scanned(paper, rng, transform=transform)
    match = find_header(page.gray, draw.DPI)
    assert match is not None

    crop = field_crop(page.gray, match, "surname", margin_mm=0)

    line_row = round(12 * draw.MM)
    columns = [round((x_mm - 20) * draw.MM) + 2 for x_mm in range(40, 100, 8)]
    assert all(crop[line_row, c - 3 : c + 4].min() < 120 for c in columns)
    assert np.median(crop[line_row]) > 180


def test_the_foot_of_a_letter_that_lies_on_the_printed_line_stays() -> None:
    rng = np.random.default_rng(0)
    paper = draw.paper("plain")
    transform = draw.print_header(paper, draw.LIGNES)
    foot = draw.px(10 + 12)  # an L whose foot touches the line at 12 mm from above
    paper[draw.px(10 + 5) : foot, draw.px(60) : draw.px(60) + 5] = 50
    paper[foot - 5 : foot, draw.px(60) : draw.px(65)] = 50
    page = draw.scanned(paper, rng, transform=transform)
    match = find_header(page.gray, draw.DPI)
    assert match is not None

    crop = field_crop(page.gray, match, "surname", margin_mm=0)

    rows = slice(round(12 * draw.MM) - 5, round(12 * draw.MM))
    columns = slice(round((60 - 14 - 20 + 1) * draw.MM), round((65 - 14 - 20 - 1) * draw.MM))
    assert crop[rows, columns].min(axis=0).max() < 120


def test_the_header_for_people_holds_the_whole_header() -> None:
    page = draw.page_with_header(draw.CADRES, skew=-1.0)
    match = find_header(page.gray, draw.DPI)
    assert match is not None

    crop = header_crop(page.gray, match)

    assert crop.shape[1] / draw.MM == pytest.approx(190, abs=1)
    assert crop.shape[0] / draw.MM == pytest.approx(36, abs=1)


def test_the_words_of_a_header_with_half_of_its_boxes_are_no_header() -> None:
    fewer = replace(draw.CADRES, frames_mm=draw.CADRES.frames_mm[:2])
    page = draw.page_with_header(fewer, "plain", seed=4)

    assert find_header(page.gray, draw.DPI) is None
    assert find_header(page.gray, draw.DPI, [fewer]) is not None
