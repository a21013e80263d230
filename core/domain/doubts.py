"""What is said of a half-page, and whether a person has to look: the reason codes and their order.

``half_page.reason`` holds codes separated by spaces. Every code that any part of Korrigo writes there is
in :data:`LEVELS`, in the order in which people should look.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Level(StrEnum):
    """What a reason asks of people."""

    DOUBTFUL = "doubtful"
    """Somebody should look."""
    PLACED = "placed"
    """Set apart with its reason, and waiting or needing nothing."""
    CORRECTED = "corrected"
    """Done already; for information."""


LEVELS: dict[str, Level] = {
    # Pages may be missing, or with another pupil's.
    "unreadable": Level.DOUBTFUL,
    "front_missing": Level.DOUBTFUL,
    "back_missing": Level.DOUBTFUL,
    "odd_image": Level.DOUBTFUL,
    "sheet_misfiled": Level.DOUBTFUL,
    "header_inside": Level.DOUBTFUL,
    "header_missing": Level.DOUBTFUL,
    "copy_long": Level.DOUBTFUL,
    "copy_incomplete": Level.DOUBTFUL,
    "page_gap": Level.DOUBTFUL,
    "double_scan": Level.DOUBTFUL,
    # Pages may be in the wrong order or the wrong way up.
    "page_order": Level.DOUBTFUL,
    "direction_unsure": Level.DOUBTFUL,
    "interleave_unsure": Level.DOUBTFUL,
    # Pages may be hard to read.
    "image_damaged": Level.DOUBTFUL,
    "photo_edges_unsure": Level.DOUBTFUL,
    "torn_corner": Level.DOUBTFUL,
    "blurred": Level.DOUBTFUL,
    "too_light": Level.DOUBTFUL,
    "too_dark": Level.DOUBTFUL,
    "skewed": Level.DOUBTFUL,
    "size_odd": Level.DOUBTFUL,
    "loose_leaf": Level.PLACED,
    "annex_waiting": Level.PLACED,
    "blank_sheet": Level.PLACED,
    "set_aside": Level.PLACED,
    "replaced": Level.PLACED,
    "sides_swapped": Level.CORRECTED,
    "turned_180": Level.CORRECTED,
    "turned_quarter": Level.CORRECTED,
    "interleaved": Level.CORRECTED,
    "model_differs": Level.CORRECTED,
}
"""Level of each code, the most urgent first."""

_URGENCY = {code: place for place, code in enumerate(LEVELS)}
_LEVEL_ORDER = (Level.DOUBTFUL, Level.PLACED, Level.CORRECTED)


def codes(reason: str) -> tuple[str, ...]:
    """The codes of a ``half_page.reason``."""
    return tuple(reason.split())


def level_of(reasons: Iterable[str]) -> Level | None:
    """What some reasons together ask of people; ``None`` when there is none.

    Raises:
        KeyError: A code is not one of :data:`LEVELS`.
    """
    levels = {LEVELS[code] for code in reasons}
    return next((level for level in _LEVEL_ORDER if level in levels), None)


def urgency(reasons: Iterable[str]) -> int:
    """Sorting key of what to look at first: the place of the most urgent code, past the last without any.

    Raises:
        KeyError: A code is not one of :data:`LEVELS`.
    """
    return min((_URGENCY[code] for code in reasons), default=len(LEVELS))


def by_urgency(reasons: Iterable[str]) -> tuple[str, ...]:
    """Codes once each, the most urgent first.

    Raises:
        KeyError: A code is not one of :data:`LEVELS`.
    """
    return tuple(sorted(set(reasons), key=_URGENCY.__getitem__))
