"""What a corrector is told when the pages of their copy changed, and what turning a page does to its drawings."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

_DECIMALS = 4


def notice(
    before: Sequence[int],
    after: Sequence[int],
    *,
    replaced: Collection[int] = (),
    turned: Collection[int] = (),
    drawn_on: Collection[int] = (),
) -> dict[str, Any]:
    """What changed between two versions of the pages of a copy; empty when nothing did.

    Args:
        before: half-pages in their order.
        after: half-pages in their order.
        replaced: those of ``after`` that stand for a page scanned again.
        turned: those that lie otherwise than they did.
        drawn_on: the half-page of each annotation.

    Returns:
        ``added``, ``replaced`` and ``turned``: 1-based positions in ``after``; ``removed``: pages that went
        and were not replaced; ``moved``: whether pages that stayed changed their order; ``annotations``:
        those on pages that went, which are kept with them; ``halves``: the ids behind ``replaced`` and ``turned``.
    """
    gone = [half for half in before if half not in set(after)]
    come = [half for half in after if half not in set(before)]
    again = [half for half in come if half in set(replaced)][: len(gone)]
    kept = set(before) & set(after)
    lying = [half for half in after if half in set(turned) and half in kept]
    moved = [half for half in before if half in kept] != [half for half in after if half in kept]
    if not (gone or come or lying or moved):
        return {}
    place = {half: position for position, half in enumerate(after, 1)}
    return {
        "added": [place[half] for half in come if half not in again],
        "removed": len(gone) - len(again),
        "moved": moved,
        "replaced": [place[half] for half in again],
        "turned": [place[half] for half in lying],
        "annotations": sum(half in gone for half in drawn_on),
        "halves": {"replaced": again, "turned": lying},
    }


def turned_shape(shape: Mapping[str, Any], turn: int) -> dict[str, Any]:
    """A drawing that stays on its ink when its page is turned.

    Args:
        shape: see :func:`core.domain.annotations.checked_shape`; coordinates 0..1.
        turn: clockwise, by quarters.
    """
    if "points" in shape:
        return {**shape, "points": [list(_turned(x, y, turn)) for x, y in shape["points"]]}
    x, y = _turned(shape["x"], shape["y"], turn)
    if "width" not in shape:
        return {**shape, "x": x, "y": y}
    far_x, far_y = _turned(shape["x"] + shape["width"], shape["y"] + shape["height"], turn)
    left, top = min(x, far_x), min(y, far_y)
    return {
        **shape,
        "x": left,
        "y": top,
        "width": round(max(x, far_x) - left, _DECIMALS),
        "height": round(max(y, far_y) - top, _DECIMALS),
    }


def _turned(x: float, y: float, turn: int) -> tuple[float, float]:
    points = {0: (x, y), 90: (1 - y, x), 180: (1 - x, 1 - y), 270: (y, 1 - x)}
    new_x, new_y = points[turn % 360]
    return min(max(round(new_x, _DECIMALS), 0.0), 1.0), min(max(round(new_y, _DECIMALS), 0.0), 1.0)
