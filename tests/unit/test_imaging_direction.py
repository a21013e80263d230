from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.imaging.darkness import dark_map
from core.imaging.direction import MAX_PIECES, PIECE_PX, writing_of
from core.imaging.halves import turned
from tests.unit import drawn_pages as draw

WORDS = ("La fonction est croissante", "donc elle admet un minimum", "sur cet intervalle en x = 3")


def written(kind: str, lines: int = 12, skew: float = 0.0) -> draw.Gray:
    """A page of words in OpenCV's own script, as upright as its text."""
    page = draw.paper(kind)
    for line in range(lines):
        place = (draw.px(20), draw.px(60 + 14 * line))
        cv2.putText(page, WORDS[line % 3], place, cv2.FONT_HERSHEY_SCRIPT_COMPLEX, 2, 60, 3, cv2.LINE_AA)
    return draw.scanned(page, np.random.default_rng(1), skew).gray


@pytest.mark.parametrize("kind", ["plain", "seyes", "squared"])
@pytest.mark.parametrize("skew", [0.0, -2.5])
@pytest.mark.parametrize("fed", [0, 90, 180, 270])
def test_lines_are_seen_to_run_across_or_down_on_any_paper(kind: str, skew: float, fed: int) -> None:
    page = dark_map(turned(written(kind, skew=skew), fed), draw.DPI)

    writing = writing_of([page])

    assert writing.quarter_deg == (90 if fed in (90, 270) else 0)
    assert writing.level > 0.3
    assert 4 <= len(writing.pieces) <= MAX_PIECES


def test_two_lines_are_enough_to_tell() -> None:
    page = dark_map(turned(written("seyes", lines=2), 90), draw.DPI)

    assert writing_of([page]).quarter_deg == 90


@pytest.mark.parametrize("kind", ["plain", "seyes", "squared"])
def test_a_page_nobody_wrote_on_has_no_pieces(kind: str) -> None:
    page = draw.scanned(draw.paper(kind), np.random.default_rng(1), 0.7).gray

    assert writing_of([dark_map(page, draw.DPI)]).pieces == ()


def test_a_drawing_of_squares_runs_neither_way_and_has_no_pieces() -> None:
    page = draw.paper("plain")
    for row in range(5):
        for column in range(4):
            corner = (draw.px(25 + 40 * column), draw.px(40 + 40 * row))
            cv2.rectangle(page, corner, (corner[0] + draw.px(9), corner[1] + draw.px(9)), 60, 3)

    writing = writing_of([dark_map(page, draw.DPI)])

    assert writing.pieces == ()


def test_pieces_hold_whole_letters_black_on_white_without_the_ruling() -> None:
    pieces = writing_of([dark_map(written("seyes"), draw.DPI)]).pieces
    (fullest, *_) = pieces

    assert fullest.shape[0] == PIECE_PX
    assert fullest.min() < 60
    assert np.median(fullest) > 240
    assert fullest[0].min() > 200  # a margin above, where Seyès paper has lines
    plain = writing_of([dark_map(written("plain"), draw.DPI)]).pieces
    close = [max(_likeness(piece, other) for other in plain) > 0.8 for piece in pieces]
    assert sum(close) >= 0.5 * len(close)  # of a line's two ends either may be among the fullest


@pytest.mark.parametrize("fed", [90, 180, 270])
def test_pieces_of_a_turned_page_are_those_of_the_upright_one(fed: int) -> None:
    upright = writing_of([dark_map(written("plain"), draw.DPI)])
    found = writing_of([dark_map(turned(written("plain"), fed), draw.DPI)])

    # By the turn found lines are level; whether upside down is not for this module to tell.
    down = (fed + found.quarter_deg) % 360 == 180
    pieces = [piece[::-1, ::-1] if down else piece for piece in found.pieces]
    close = [any(_likeness(one, other) > 0.8 for other in upright.pieces) for one in pieces]
    assert sum(close) >= 0.75 * len(close)


def _likeness(one: draw.Gray, other: draw.Gray) -> float:
    other = cv2.resize(np.ascontiguousarray(other), one.shape[::-1]).astype(np.uint8)
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])
