"""The zones nobody but the secretariat sees."""

from __future__ import annotations

import pytest

from core.imaging.zones import UNKNOWN_HEADER_MM, unknown_identity_zone

DPI = 200.0
REACH = round(UNKNOWN_HEADER_MM / 25.4 * DPI)


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
