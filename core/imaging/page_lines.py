"""Which four lines of a photo are the sides of a page?"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
import numpy.typing as npt

from core.imaging.darkness import Gray

Floats = npt.NDArray[np.float64]

MAX_LINES = 18
"""Lines kept of each direction: a page gives two, ruling and wood many."""

LIGHT_SHARE = 0.55
"""Light side of an edge against the lightest around (a cast shadow takes up to half): anything darker
is no edge of paper."""

STEP_LEVELS = 3.0
"""Least difference between both sides of an edge."""

LEAST_AREA = 0.15
"""Of the frame."""

SEEN_HALF = 0.5
"""Share of a side's length in the frame over which it must be seen to count for a page."""

_CLOSE_PX = 5
_OFF_PX = 2.5
_NEAR_DEG, _NEAR_PX = 2.5, 3.0


@dataclass(frozen=True)
class SideLine:
    """A side of a page: from ``start`` to ``end`` in pixels; the page lies on the left of it times ``inward``."""

    start: tuple[float, float]
    end: tuple[float, float]
    inward: float


@dataclass(frozen=True, eq=False)
class _Line:
    """A line through the frame, with how much of it is an edge, lighter on its left and on its right."""

    normal: Floats
    offset: float
    along: Floats
    lighter: tuple[Floats, Floats]
    """Running counts of points where it is lighter towards the normal, and away from it."""
    start: float
    is_border: bool

    def seen(self, first: float, last: float, towards: bool) -> tuple[float, float]:
        """Length seen as an edge, and length within the frame, between two places along the line."""
        counts = self.lighter[0 if towards else 1]
        low, high = sorted((first, last))
        a = int(np.clip(round(low - self.start), 0, len(counts) - 1))
        b = int(np.clip(round(high - self.start), 0, len(counts) - 1))
        return float(counts[b] - counts[a]), float(b - a)


def sought_on(small: npt.NDArray[np.uint8]) -> Gray:
    """The image on which lines are sought: the least channel, without writing."""
    light = small if small.ndim == 2 else small.min(axis=2)
    closed = cv2.morphologyEx(light, cv2.MORPH_CLOSE, np.ones((_CLOSE_PX, _CLOSE_PX), np.uint8))
    return np.asarray(cv2.GaussianBlur(closed, (0, 0), 1.0), dtype=np.uint8)


def candidates(levels: Gray) -> tuple[tuple[SideLine, SideLine, SideLine, SideLine], Floats] | None:
    """The best four lines: upper, right, lower, left; and for each the share of it that is seen."""
    across, down = _lines(levels)
    height, width = levels.shape
    best: tuple[float, tuple[tuple[_Line, bool], ...], Floats, Floats] | None = None
    pairs_down = list(combinations(down, 2))
    for upper, lower in combinations(across, 2):
        for left, right in pairs_down:
            lines = (upper, right, lower, left)
            corners = _corners(lines)
            if corners is None or not _is_convex(corners, width, height):
                continue
            score, support = _score(lines, corners)
            if best is None or score > best[0]:
                best = (score, tuple((line, True) for line in lines), corners, support)
    if best is None or best[0] <= 0:
        return None
    corners = best[2]
    sides = [SideLine(_pair(corners[i]), _pair(corners[(i + 1) % 4]), 1.0) for i in range(4)]
    return (sides[0], sides[1], sides[2], sides[3]), best[3]


def crossing(first: SideLine, second: SideLine) -> tuple[float, float]:
    """Where two sides, drawn out, meet."""
    (x1, y1), (x2, y2), (x3, y3), (x4, y4) = first.start, first.end, second.start, second.end
    down = (x1 - x2) * (y3 - y4) - (y1 - y2) * (x3 - x4)
    if abs(down) < 1e-9:
        return (float("nan"), float("nan"))
    one, other = x1 * y2 - y1 * x2, x3 * y4 - y3 * x4
    return ((one * (x3 - x4) - (x1 - x2) * other) / down, (one * (y3 - y4) - (y1 - y2) * other) / down)


def _pair(point: Floats) -> tuple[float, float]:
    return (float(point[0]), float(point[1]))


def _lines(levels: Gray) -> tuple[list[_Line], list[_Line]]:
    """The strongest lines of edges of something light, across and down, and the frame's own sides."""
    edges = _edges(levels)
    found = cv2.HoughLines(edges, 1, np.pi / 360, max(30, min(levels.shape) // 8))
    height, width = levels.shape
    smooth = levels.astype(np.float32)
    across: list[_Line] = []
    down: list[_Line] = []
    for offset, angle in [] if found is None else found.reshape(-1, found.shape[-1])[:600, :2].tolist():
        normal = np.array([np.cos(angle), np.sin(angle)])
        group = across if abs(normal[1]) > abs(normal[0]) else down
        if len(group) < MAX_LINES and not any(_near(line, normal, offset, width, height) for line in group):
            group.append(_line(smooth, normal, offset))
    across += [_border(smooth, (0.0, 1.0), 0.0), _border(smooth, (0.0, 1.0), height - 1.0)]
    down += [_border(smooth, (1.0, 0.0), 0.0), _border(smooth, (1.0, 0.0), width - 1.0)]
    middle = np.array([width / 2, height / 2])
    for group, axis in ((across, 1), (down, 0)):
        # By where they cross the middle of the frame: of two lines the first is the upper, or the left.
        group.sort(key=lambda line, axis=axis: _at_middle(line, middle, axis))  # type: ignore[misc]
    return across, down


def _at_middle(line: _Line, middle: Floats, axis: int) -> float:
    other = 1 - axis
    return float((line.offset - line.normal[other] * middle[other]) / line.normal[axis])


def _edges(levels: Gray) -> Gray:
    steep = float(np.percentile(cv2.magnitude(*_slopes(levels)), 90))
    low = float(np.clip(steep * 0.6, 12, 60))
    edges = np.asarray(cv2.Canny(levels, low, 2 * low), dtype=np.uint8)
    side = cv2.dilate(levels, np.ones((7, 7), np.uint8)).astype(np.float32)
    around = cv2.dilate(levels, np.ones((121, 121), np.uint8)).astype(np.float32)
    edges[side < LIGHT_SHARE * around] = 0
    return edges


def _slopes(levels: Gray) -> tuple[cv2.typing.MatLike, cv2.typing.MatLike]:
    return cv2.Sobel(levels, cv2.CV_32F, 1, 0), cv2.Sobel(levels, cv2.CV_32F, 0, 1)


def _near(line: _Line, normal: Floats, offset: float, width: int, height: int) -> bool:
    """Whether two lines are one: nearly parallel, and near each other across the frame."""
    aligned = float(line.normal @ normal)
    if abs(aligned) < np.cos(np.radians(_NEAR_DEG)):
        return False
    middle = np.array([width / 2, height / 2])
    own, other = float(line.normal @ middle) - line.offset, float(normal @ middle) - offset
    return abs(own - (other if aligned > 0 else -other)) < _NEAR_PX


def _line(levels: npt.NDArray[np.float32], normal: Floats, offset: float, is_border: bool = False) -> _Line:
    """Count along a line where one of its sides is lighter; the normal points down or right."""
    if normal[1 if abs(normal[1]) > abs(normal[0]) else 0] < 0:
        normal, offset = -normal, -offset
    along = np.array([normal[1], -normal[0]])
    height, width = levels.shape
    reach = float(np.hypot(width, height))
    places = np.arange(-reach, reach)
    points = normal * offset + places[:, None] * along
    within = ((points >= 0) & (points <= np.array([width - 1, height - 1]))).all(axis=1)
    places, points = places[within], points[within]
    if places.size < 2:
        return _Line(normal, offset, along, (np.zeros(2), np.zeros(2)), 0.0, is_border)
    sides = [_sampled(levels, points + normal * off) for off in (_OFF_PX, -_OFF_PX)]
    change = sides[0] - sides[1]
    floor = np.maximum(STEP_LEVELS, 0.03 * np.maximum(sides[0], sides[1]))
    towards, away = np.cumsum(change > floor), np.cumsum(change < -floor)
    if is_border:  # what leaves the frame may be the page's side or not: it neither speaks for it nor against
        towards = away = np.cumsum(np.full(places.size, SEEN_HALF))
    return _Line(
        normal, offset, along, (towards.astype(float), away.astype(float)), float(places[0]), is_border
    )


def _border(levels: npt.NDArray[np.float32], normal: tuple[float, float], offset: float) -> _Line:
    return _line(levels, np.array(normal), offset, is_border=True)


def _sampled(levels: npt.NDArray[np.float32], points: Floats) -> Floats:
    seen = cv2.remap(
        levels,
        points[:, 0].astype(np.float32),
        points[:, 1].astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(seen, dtype=np.float64).ravel()


def _corners(lines: tuple[_Line, _Line, _Line, _Line]) -> Floats | None:
    """Top left, top right, bottom right, bottom left of upper, right, lower, left."""
    upper, right, lower, left = lines
    corners = np.empty((4, 2))
    for i, (a, b) in enumerate(((upper, left), (upper, right), (lower, right), (lower, left))):
        down = a.normal[0] * b.normal[1] - a.normal[1] * b.normal[0]
        if abs(down) < 0.3:
            return None
        corners[i] = (
            (a.offset * b.normal[1] - b.offset * a.normal[1]) / down,
            (b.offset * a.normal[0] - a.offset * b.normal[0]) / down,
        )
    return corners


def _is_convex(corners: Floats, width: int, height: int) -> bool:
    if (
        (corners < -0.05 * width).any()
        or (corners[:, 0] > 1.05 * width).any()
        or (corners[:, 1] > 1.05 * height).any()
    ):
        return False
    sides = corners[[1, 2, 3, 0]] - corners
    following = sides[[1, 2, 3, 0]]
    turns = sides[:, 0] * following[:, 1] - sides[:, 1] * following[:, 0]
    lengths = np.hypot(sides[:, 0], sides[:, 1])
    if (turns <= 0.75 * lengths * lengths[[1, 2, 3, 0]]).any():
        return False
    x, y = corners.T
    area = 0.5 * abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))))
    short, long = sorted((lengths[0] + lengths[2], lengths[1] + lengths[3]))
    return bool(area >= LEAST_AREA * width * height and long / short < 2.2)


def _score(lines: tuple[_Line, _Line, _Line, _Line], corners: Floats) -> tuple[float, Floats]:
    """Length of the outline that is seen, less what is not; and the share of each side that is seen."""
    total, support = 0.0, np.zeros(4)
    for i, line in enumerate(lines):
        first, last = corners[i] @ line.along, corners[(i + 1) % 4] @ line.along
        seen, length = line.seen(float(first), float(last), towards=i in (0, 3))
        support[i] = seen / length if length else 0.0
        total += seen - SEEN_HALF * length
        if support[i] < SEEN_HALF and not line.is_border:
            total -= length
    return total, support
