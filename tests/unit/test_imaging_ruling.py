from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.domain.loose import HAND_FEATURES, hand_distance
from core.imaging.darkness import dark_map
from core.imaging.deskew import skew_of
from core.imaging.hand import hand_features
from core.imaging.ruling import Ruling, ruling_of
from core.imaging.straight import StraightPage, straight_page
from tests.bench.drawn_rulings import PAPERS, ruled, scanned
from tests.unit import drawn_pages as draw


def straight(gray: draw.Gray, dpi: float = draw.DPI) -> StraightPage:
    page = dark_map(gray, dpi)
    return straight_page(page, skew_of(page))


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize(("dpi", "skew", "bitonal"), [(150, -2.6, None), (200, 1.1, 200), (300, 3.0, None)])
def test_every_paper_is_told(paper: str, dpi: int, skew: float, bitonal: int | None) -> None:
    rng = np.random.default_rng(2)
    gray = scanned(ruled(paper, dpi, rng, 160), rng, skew, bitonal)

    found = ruling_of(straight(gray, dpi))

    kind, period = PAPERS[paper]
    assert found.kind == kind
    assert found.period_mm == pytest.approx(period, rel=0.03)


def test_a_table_and_lines_of_writing_on_plain_paper_are_no_ruling() -> None:
    assert ruling_of(straight(draw.page_without_header("plain", extra="table").gray)) == Ruling("plain")


def test_the_header_of_a_first_page_does_not_hide_its_ruling() -> None:
    assert ruling_of(straight(draw.page_with_header(draw.CADRES, "squared").gray)).kind == "squares"


def test_ruling_and_table_are_no_strokes_and_writing_is() -> None:
    bare = draw.scanned(draw.paper("squared"), np.random.default_rng(1), 1.3).gray
    written = draw.page_without_header("squared", skew=1.3).gray

    assert straight(bare).strokes.mean() < 0.0005
    assert straight(written).strokes.mean() > 0.01


def test_a_half_fed_a_quarter_turned_is_measured_portrait() -> None:
    page = dark_map(cv2.rotate(draw.page_without_header("seyes").gray, cv2.ROTATE_90_CLOCKWISE), draw.DPI)

    found = straight_page(page, 0.0)

    assert found.size_mm[0] < found.size_mm[1]
    assert ruling_of(found).kind == "seyes"


def hand(seed: int, thick: int, tall: float) -> tuple[float, ...]:
    page, rng = draw.paper("seyes"), np.random.default_rng(seed)
    for row in range(14):
        for word in range(10):
            x, y = draw.px(30 + 16 * word + rng.uniform(0, 2)), draw.px(30 + 16 * row)
            text = "".join(rng.choice(list("aenortus"), 4))
            cv2.putText(page, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, tall, 70, thick, cv2.LINE_AA)
    found = hand_features(straight(draw.scanned(page, rng, 0.4).gray))
    assert found is not None
    return found


def test_two_pages_of_one_hand_are_nearer_than_pages_of_two_hands() -> None:
    small, again, large = hand(1, 2, 0.7), hand(2, 2, 0.7), hand(3, 4, 1.1)

    assert len(small) == len(HAND_FEATURES)
    assert hand_distance(small, again) < 0.6 < 2 < hand_distance(small, large)


def test_a_page_with_a_few_letters_says_nothing_about_a_hand() -> None:
    assert hand_features(straight(draw.scanned(draw.paper("seyes"), np.random.default_rng(1)).gray)) is None
