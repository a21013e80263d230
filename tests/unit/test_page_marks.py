from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.domain.page_marks import PageMark, check
from core.imaging.darkness import dark_map
from core.imaging.page_marks import crop_pixels, mark_crops
from core.imaging.straight import StraightPage, straight_page
from tests.unit import drawn_pages as draw


def marks(*numbers: int | None, total: int = 8) -> list[PageMark | None]:
    return [PageMark(n, total, 0.9) if n else None for n in numbers]


def test_pages_in_order_raise_no_doubt() -> None:
    report = check(marks(1, 2, 3, 4, 5, 6, 7, 8))

    assert report.reasons == ((),) * 8
    assert (report.order, report.missing, report.total) == (None, (), 8)


def test_unnumbered_pages_may_be_the_numbers_that_lack() -> None:
    assert check(marks(1, None, 3, None, None, 6, None, 8)).missing == ()


def test_a_gap_is_shown_at_the_page_after_it() -> None:
    report = check(marks(1, 2, 5, 6, 7, 8))

    assert report.missing == (3, 4)
    assert report.reasons == ((), (), ("page_gap",), (), (), ())


def test_a_last_sheet_that_lacks_is_shown_at_the_last_page() -> None:
    report = check(marks(1, 2, 3, 4))

    assert report.missing == (5, 6, 7, 8)
    assert report.reasons[3] == ("page_gap",)


def test_pages_out_of_order_are_doubtful_and_an_order_is_suggested() -> None:
    report = check(marks(1, 2, 5, 6, 3, 4, 7, 8))

    assert sum(reason == ("page_order",) for reason in report.reasons) == 2
    assert report.order == (0, 1, 4, 5, 2, 3, 6, 7)
    assert report.missing == ()


def test_an_unnumbered_page_moves_with_the_page_before_it() -> None:
    assert check(marks(3, None, 1, None, total=4)).order == (2, 3, 0, 1)


def test_a_number_that_stands_twice_is_doubtful_and_nobody_can_tell_the_order() -> None:
    report = check(marks(1, 2, 2, 3, total=3))

    assert report.reasons == ((), (), ("page_order",), ())
    assert report.order is None


def test_a_page_of_another_total_is_doubtful() -> None:
    pages = [*marks(1, 2, 3, 4, total=4), *marks(5, 6, total=8)]

    report = check(pages)

    assert report.reasons[4:] == (("page_order",), ("page_order",))
    assert report.order is None


def test_a_lone_fraction_at_the_foot_of_a_page_is_no_page_number() -> None:
    report = check([None, PageMark(1, 2, 0.99), None, None])

    assert report.reasons == ((),) * 4
    assert report.trusted == (None,) * 4


def test_a_guessed_number_counts_only_beside_two_that_were_read() -> None:
    guess = PageMark(2, 4, 0.9, guessed=True)

    assert check([PageMark(1, 4, 0.9), guess, None, None]).total is None
    assert check([PageMark(1, 4, 0.9), guess, PageMark(3, 4, 0.9), None]).trusted[1] == guess


def test_pages_without_any_mark_say_nothing() -> None:
    assert check([None, None]).reasons == ((), ())
    assert check([]).missing == ()


# --- where numbers stand --------------------------------------------------------------------------


def with_text(text: str, x_mm: float, y_mm: float, kind: str = "seyes", lines: int = 20) -> draw.Gray:
    page = draw.paper(kind)
    draw.write(page, np.random.default_rng(3), lines, 25)
    cv2.putText(page, text, (draw.px(x_mm), draw.px(y_mm)), cv2.FONT_HERSHEY_SIMPLEX, 1.1, 60, 3, cv2.LINE_AA)
    return draw.scanned(page, np.random.default_rng(1), 0.0).gray


def straight(gray: draw.Gray) -> StraightPage:
    return straight_page(dark_map(gray, draw.DPI))


@pytest.mark.parametrize(
    ("x_mm", "y_mm", "edge"), [(185, 289, "bottom"), (100, 288, "bottom"), (180, 12, "top")]
)
@pytest.mark.parametrize("kind", ["plain", "seyes", "squared"])
def test_a_short_line_in_a_margin_is_found_where_it_stands(
    x_mm: float, y_mm: float, edge: str, kind: str
) -> None:
    found = mark_crops(straight(with_text("3/8", x_mm, y_mm, kind)))

    assert [crop.edge for crop in found] == [edge]
    left, top, right, bottom = found[0].box_mm
    assert left <= x_mm + 1.5
    assert right >= x_mm + 6
    assert top < y_mm - 2
    assert bottom == pytest.approx(y_mm, abs=2.5)


def test_its_pixels_show_the_number_and_little_else() -> None:
    gray = with_text("3/8", 185, 289)

    pixels = crop_pixels(gray, draw.DPI, 0.0, mark_crops(straight(gray))[0])

    assert pixels.shape[0] < draw.px(12)
    assert pixels.shape[1] < draw.px(20)
    assert (pixels < 110).mean() > 0.05


def test_a_long_last_line_and_a_number_in_the_text_are_no_page_numbers() -> None:
    assert mark_crops(straight(with_text("donc la suite converge vers 14/3", 30, 289))) == ()
    assert mark_crops(straight(with_text("14/3", 185, 262))) == ()
    assert mark_crops(straight(with_text("14/3", 185, 277))) == ()


def test_ruled_paper_alone_has_no_crops() -> None:
    for kind in ("plain", "seyes", "squared"):
        assert mark_crops(straight(draw.scanned(draw.paper(kind), np.random.default_rng(1), 0.0).gray)) == ()
