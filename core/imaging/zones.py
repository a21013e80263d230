"""Which part of an image shows who wrote it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.imaging.darkness import BoxPx
from core.imaging.header import HeaderMatch, model_named
from core.imaging.header_models import HeaderModel, builtin_models

BESIDE_MM, ABOVE_MM, BELOW_MM = 12.0, 14.0, 3.0
"""Pupils write past the frame: sideways and into the margin above more than into their first line below."""

FEEDER_MM = 15.0
"""How far down the feeder may shift a page."""

_TOP_EDGE = {0: 1, 90: 0, 180: 3, 270: 2}
"""Which side of a box as fed (left, top, right, bottom) is its top once turned clockwise by the key."""


def unknown_header_mm(models: Sequence[HeaderModel] | None = None) -> float:
    """How far down a first page a header may reach when none was found: the lowest known one, shifted.

    Args:
        models: those looked for; those shipped with Korrigo by default.
    """
    known = (builtin_models() if models is None else models) or builtin_models()
    return max(model.page_top_mm + model.height_mm for model in known) + BELOW_MM + FEEDER_MM


def unknown_identity_zone(
    half: BoxPx, rotation_deg: int, dpi: float, models: Sequence[HeaderModel] | None = None
) -> BoxPx:
    """The top of a first page on which no header was found: whoever wrote it may have signed there.

    Args:
        half: the page in pixels of the image as fed.
        rotation_deg: clockwise turn that makes it upright.
        dpi: resolution of the image.
        models: those looked for; those shipped with Korrigo by default.
    """
    reach = round(unknown_header_mm(models) / 25.4 * dpi)
    edge = _TOP_EDGE[rotation_deg]
    zone = list(half)
    # The side facing the top moves to ``reach`` from it.
    facing = (edge + 2) % 4
    zone[facing] = (
        min(half[edge] + reach, half[facing]) if edge < 2 else max(half[edge] - reach, half[facing])
    )
    left, top, right, bottom = zone
    return (left, top, right, bottom)


def identity_zone(match: HeaderMatch, model: HeaderModel | None = None) -> BoxPx:
    """The upright box, in pixels of the image of ``match``, that holds a header and what spills over it.

    Args:
        match: where the header is.
        model: its model, when it is not one of those shipped.
    """
    model = model or model_named(match.model)
    left, top, right, bottom = -BESIDE_MM, -ABOVE_MM, model.width_mm + BESIDE_MM, model.height_mm + BELOW_MM
    corners = np.array([[left, top, 1], [right, top, 1], [left, bottom, 1], [right, bottom, 1]])
    points = corners @ match.transform.T
    low, high = np.floor(points.min(axis=0)), np.ceil(points.max(axis=0))
    return (int(low[0]), int(low[1]), int(high[0]), int(high[1]))
