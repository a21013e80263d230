"""The zones nobody but the secretariat sees."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.imaging.header import find_header
from core.imaging.header_models import builtin_models
from core.imaging.zones import identity_zone, unknown_header_mm, unknown_identity_zone
from tests.unit import drawn_pages as draw

DPI = 200.0
REACH = round(unknown_header_mm() / 25.4 * DPI)


@pytest.mark.parametrize(
    ("rotation", "half", "zone"),
    [
        (0, (1653, 0, 3307, 2339), (1653, 0, 3307, REACH)),
        (180, (0, 0, 1653, 2339), (0, 2339 - REACH, 1653, 2339)),
        (90, (0, 0, 2339, 1653), (0, 0, REACH, 1653)),
        (270, (0, 1653, 2339, 3307), (2339 - REACH, 1653, 2339, 3307)),
    ],
)
def test_without_a_header_the_top_of_the_first_page_is_hidden_however_it_was_fed(
    rotation: int, half: tuple[int, int, int, int], zone: tuple[int, int, int, int]
) -> None:
    assert unknown_identity_zone(half, rotation, DPI) == zone


def test_the_zone_stays_on_its_page() -> None:
    assert unknown_identity_zone((0, 0, 100, 50), 0, DPI) == (0, 0, 100, 50)


def test_a_taller_header_that_was_drawn_hides_more_of_a_page_where_it_is_not_found() -> None:
    tall = replace(builtin_models()[0], name="tall", height_mm=90)

    assert unknown_header_mm([*builtin_models(), tall]) > unknown_header_mm() + 30
    assert unknown_header_mm([]) == unknown_header_mm()


def test_the_zone_of_a_header_that_was_drawn_needs_its_model() -> None:
    drawn = replace(draw.CADRES, name="of the school")
    match = find_header(draw.page_with_header(drawn).gray, draw.DPI, [drawn])
    assert match is not None

    left, top, right, bottom = identity_zone(match, drawn)

    assert left < match.box[0]
    assert top < match.box[1]
    assert right > match.box[2]
    assert bottom > match.box[3]
