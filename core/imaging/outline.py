"""Where the sheet ends on a scan that shows more than the sheet: lid, glass, torn corners."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from core.imaging.darkness import SOFT, BoxPx, DarkMap, Gray, dark_map

LID_LEVELS = 36.0
"""What is this much darker than the paper, solid and joined to the image's edge, is not the sheet; what is
less dark is never taken for ink either (``quality.INK_LEVELS``)."""

SOLID_MM = 5.0
"""Anything thinner is writing, ruling or the shadow of a fold."""

KEPT_SHARE = 0.25
"""A sheet smaller than this share of the image is none: a dark picture, or a dark page."""

TEAR_MM = 6.0
"""How far along both sides of a corner the outline runs aslant when the corner is torn or folded."""

TEAR_DEG = 12.0
"""How far from the sheet's sides an edge runs aslant."""

RIM_MM = 5.0
"""Beside the sheet's edge, its shadow on the lid."""


@dataclass(frozen=True, eq=False)
class Outline:
    """The sheet on a scan.

    Attributes:
        box: the upright box around the sheet, in pixels of the map; the whole map when nothing else is seen.
        paper: mean grey level of the paper.
        inside: (height / SOFT, width / SOFT) uint8, 1 on the sheet but for its rim; ``None``: everywhere.
        torn_corner: what lies behind shows at a corner of the sheet.
    """

    box: BoxPx
    paper: float
    inside: Gray | None = None
    torn_corner: bool = False


def paper_box(gray: Gray, dpi: float = 200.0) -> BoxPx:
    """The upright box around the sheet, in pixels of ``gray``; the whole image when nothing else is seen.

    Args:
        gray: (height, width) uint8, 0 is black.
        dpi: resolution of ``gray``.
    """
    page = dark_map(gray, dpi)
    height, width = gray.shape
    left, top, right, bottom = (value * page.step for value in outline_of(page).box)
    spare = SOFT * page.step  # the map drops the last pixels of an image that is no multiple of its step
    right, bottom = (
        (width if right + spare > width else right),
        (height if bottom + spare > height else bottom),
    )
    return (left, top, right, bottom)


def outline_of(page: DarkMap) -> Outline:
    """Find the sheet on a page whose dark map is already there."""
    rows, columns = page.below_paper.shape
    whole = (0, 0, columns, rows)
    soft = page.soft
    if soft is None or soft.size == 0:
        return Outline(whole, page.paper)
    lightest = np.asarray(cv2.dilate(soft, np.ones((7, 7), np.uint8)), dtype=np.uint8)
    paper = float(np.percentile(lightest[::2, ::2], 90))
    beside = _beside(soft, paper - LID_LEVELS, page.px_per_mm / SOFT)
    if beside is None:
        return Outline(whole, float(lightest.mean()))
    sheet = _largest(np.asarray(1 - beside, dtype=np.uint8))
    if sheet.mean() < KEPT_SHARE:
        return Outline(whole, float(lightest.mean()))
    px_per_mm = page.px_per_mm / SOFT
    reach = 2 * round(RIM_MM * px_per_mm) + 1
    inside = np.asarray(cv2.erode(sheet, np.ones((reach, reach), np.uint8)), dtype=np.uint8)
    left, top, width, height = cv2.boundingRect(sheet)
    box = (left * SOFT, top * SOFT, min(columns, (left + width) * SOFT), min(rows, (top + height) * SOFT))
    level = float(lightest[inside > 0].mean()) if inside.any() else paper
    return Outline(box, level, inside, _is_torn(sheet, px_per_mm))


def _beside(soft: Gray, level: float, px_per_mm: float) -> Gray | None:
    """1 where what is seen is not the sheet; ``None`` when the sheet is all there is."""
    dark = np.asarray(cv2.threshold(soft, level, 1, cv2.THRESH_BINARY_INV)[1], dtype=np.uint8)
    size = max(3, round(SOLID_MM * px_per_mm))
    solid = np.asarray(
        cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((size, size), np.uint8)), dtype=np.uint8
    )
    if not solid.any():
        return None
    # Opening rounds what it keeps: give back what the dark region really covers, step by step.
    for _ in range(size):
        solid = np.asarray(
            cv2.bitwise_and(cv2.dilate(solid, np.ones((3, 3), np.uint8)), dark), dtype=np.uint8
        )
    count, labels = cv2.connectedComponents(solid, connectivity=8)
    at_edge = np.zeros(count, np.uint8)
    for line in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        at_edge[line] = 1
    at_edge[0] = 0
    return at_edge[labels] if at_edge.any() else None


def _largest(mask: Gray) -> Gray:
    """The largest group of a mask, its holes filled."""
    outer, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    filled = np.zeros_like(mask)
    if outer:
        cv2.drawContours(filled, [max(outer, key=cv2.contourArea)], -1, 1, -1)
    return filled


def _is_torn(sheet: Gray, px_per_mm: float) -> bool:
    """Whether the convex outline runs aslant at one of the sheet's corners.

    A sheet fed askew shows wedges along its sides, a few degrees off; a tear bridges two sides.
    """
    outer, _ = cv2.findContours(sheet, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = cv2.approxPolyDP(cv2.convexHull(max(outer, key=cv2.contourArea)), 1.0, True)[:, 0].astype(float)
    sides = np.roll(hull, -1, axis=0) - hull
    lengths = np.hypot(sides[:, 0], sides[:, 1])
    angles = np.degrees(np.arctan2(sides[:, 1], sides[:, 0])) % 90
    longest = float(angles[np.argmax(lengths)])
    off = np.abs((angles - longest + 45) % 90 - 45)
    middles = hull + sides / 2
    centre = hull.mean(axis=0)
    corner = (middles[:, 0] > centre[0]).astype(int) * 2 + (middles[:, 1] > centre[1]).astype(int)
    aslant = np.abs(sides) * (off > TEAR_DEG)[:, None]
    legs = [aslant[corner == which].sum(axis=0).min() for which in range(4)]
    return bool(max(legs) >= TEAR_MM * px_per_mm)
