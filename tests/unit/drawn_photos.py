"""Phone photos of drawn pages: a camera above a table, light, shadow, a hand; where the corners are is known."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from tests.unit.drawn_pages import A4, MM, Gray

Bgr = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float64]

GROUNDS = ("desk", "wood", "cloth", "sheet", "pale")
SIZE = (2400, 1800)
"""Width and height of a photo held across; a page fills it at about 190 dpi."""


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo and the truth about it.

    Attributes:
        bgr: (height, width, 3) uint8.
        corners: (4, 2) pixels of the page's corners: top left, top right, bottom right, bottom left as written.
        page_mm: width and height of the page.
        ground: what it lies on.
    """

    bgr: Bgr
    corners: Points
    page_mm: tuple[float, float]
    ground: str


def photo(
    page: Gray, seed: int, *, ground: str = "", hand: bool | None = None, touching: bool | None = None
) -> Photo:
    """Photograph a page of 200 dpi. What is not said is left to the chance of ``seed``."""
    rng = np.random.default_rng(seed)
    ground = ground or GROUNDS[seed % len(GROUNDS)]
    hand = rng.random() < 0.3 if hand is None else hand
    touching = rng.random() < 0.15 if touching is None else touching
    height, width = page.shape
    size = SIZE if (width > height) != (rng.random() < 0.15) else SIZE[::-1]
    corners = _corners(width, height, size, rng)
    if touching:
        corners += _to_border(corners, size, rng)
    scene = _ground(ground, size, corners, rng)
    to_photo = cv2.getPerspectiveTransform(_rectangle(width, height), corners.astype(np.float32))
    near = _edge_shadow(corners, size, rng)
    scene = (scene * near[..., None]).astype(np.uint8)
    tint = np.array([rng.uniform(0.86, 0.97), rng.uniform(0.93, 0.98), 1.0]) * rng.uniform(0.85, 1.0)
    colour = np.clip(page[..., None] * tint, 0, 255).astype(np.uint8)
    # What a sensor sees of fine print is averaged, not picked: reduce before projecting.
    soft = cv2.GaussianBlur(colour, (0, 0), 0.6)
    seen = cv2.warpPerspective(soft, to_photo, size, flags=cv2.INTER_LINEAR)
    mask = cv2.warpPerspective(np.full(page.shape, 255, np.uint8), to_photo, size, flags=cv2.INTER_LINEAR)
    share = (mask / 255.0)[..., None]
    scene = np.asarray(scene * (1 - share) + seen * share, dtype=np.float64)
    if hand:
        scene = _with_hand(scene, corners, rng)
    lit = scene * _light(size, rng)[..., None]
    lit *= rng.uniform(200, 245) / np.percentile(lit[::8, ::8].max(axis=2), 97)  # automatic exposure
    lit = np.asarray(cv2.GaussianBlur(lit, (0, 0), rng.uniform(0.5, 1.3)), dtype=np.float64)
    lit += rng.normal(0, rng.uniform(2, 5), (size[1], size[0], 1))
    _, coded = cv2.imencode(
        ".jpg", np.clip(lit, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(72, 92))]
    )
    bgr = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), dtype=np.uint8)
    return Photo(bgr, corners, (width / MM, height / MM), ground)


def error_mm(found: Points, truth: Photo) -> float:
    """The largest distance of a corner found from its true place, in millimetres of the page.

    Corners may be named from any of the four; which one is the top left is not for the edges to tell.
    """
    width, height = truth.page_mm
    to_page = cv2.getPerspectiveTransform(truth.corners.astype(np.float32), _rectangle(width, height))
    placed = cv2.perspectiveTransform(found.reshape(1, 4, 2).astype(np.float32), to_page)[0]
    wanted = _rectangle(width, height)
    return min(float(np.hypot(*(np.roll(placed, turn, axis=0) - wanted).T).max()) for turn in range(4))


def _rectangle(width: float, height: float) -> npt.NDArray[np.float32]:
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)


def _corners(width: int, height: int, size: tuple[int, int], rng: np.random.Generator) -> Points:
    """A pinhole camera tilted by up to 22°, rolled by up to 12°, so near that the page fills most of the frame."""
    plane = _rectangle(width / width, height / width) - np.array([0.5, height / width / 2])
    points = np.c_[plane, np.zeros(4)]
    tilt, way, roll = np.radians(
        [rng.uniform(0, 22), rng.uniform(0, 360), float(np.clip(rng.normal(0, 5), -12, 12))]
    )
    axis = np.array([np.cos(way), np.sin(way), 0.0])
    turn, _ = cv2.Rodrigues(axis * tilt)
    spin, _ = cv2.Rodrigues(np.array([0.0, 0.0, roll]))
    focal = rng.uniform(0.75, 1.1) * max(size)
    placed = points @ (turn @ spin).T
    low, high = 0.2, 20.0
    fill = rng.uniform(0.78, 0.95)
    for _ in range(40):
        far = (low + high) / 2
        seen = placed[:, :2] / (placed[:, 2:] + far) * focal
        span = (seen.max(axis=0) - seen.min(axis=0)) / np.array(size)
        low, high = (far, high) if span.max() > fill else (low, far)
    room = np.array(size) - (seen.max(axis=0) - seen.min(axis=0))
    place = rng.uniform(0.25, 0.75, 2) * room
    return np.asarray(seen - seen.min(axis=0) + place, dtype=np.float64)


def _to_border(corners: Points, size: tuple[int, int], rng: np.random.Generator) -> Points:
    """A shift that brings one side of the page to the photo's border, its nearest corner 1 px inside."""
    low, high = corners.min(axis=0), np.array(size) - 1 - corners.max(axis=0)
    return [
        np.array([-low[0] + 1, 0]),
        np.array([0, -low[1] + 1]),
        np.array([high[0] - 1, 0]),
        np.array([0, high[1] - 1]),
    ][int(rng.integers(4))]


def _ground(
    kind: str, size: tuple[int, int], corners: Points, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    width, height = size
    if kind == "wood":
        base = np.array([rng.uniform(45, 80), rng.uniform(85, 120), rng.uniform(125, 165)])
        grain = _noise(size, (3, 160), rng) * 26 + _noise(size, (40, 600), rng) * 16
        planks = np.zeros((height, width))
        step = int(rng.integers(220, 420))
        planks[::step] = planks[1::step] = planks[2::step] = -45
        field = base + (grain + planks)[..., None]
        field = field if rng.random() < 0.5 else _as_size(np.rot90(field), size)
        return np.asarray(field, dtype=np.float64)
    if kind == "cloth":
        base = np.array([rng.uniform(30, 80), rng.uniform(25, 60), rng.uniform(25, 60)])
        rows, columns = np.mgrid[0:height, 0:width]
        weave = 8 * np.sin(rows / 2.5) * np.sin(columns / 2.5)
        woven = base + (weave + _noise(size, (200, 200), rng) * 12)[..., None]
        return np.asarray(woven, dtype=np.float64)
    if kind == "pale":
        base = np.array([rng.uniform(165, 185), rng.uniform(172, 192), rng.uniform(178, 198)])
        return base + (_noise(size, (250, 300), rng) * 5 + _noise(size, (2, 2), rng) * 3)[..., None]
    base = np.array([rng.uniform(85, 140), rng.uniform(95, 145), rng.uniform(100, 160)])
    desk = base + (_noise(size, (150, 150), rng) * 8 + _noise(size, (2, 2), rng) * 4)[..., None]
    if kind == "sheet":  # another sheet, ruled, under the page and askew
        middle = corners.mean(axis=0)
        turn = cv2.getRotationMatrix2D(tuple(middle), float(rng.uniform(4, 14) * rng.choice([-1, 1])), 1.0)
        below = corners @ turn[:, :2].T + turn[:, 2] + rng.uniform(-60, 60, 2)
        sheet = np.full((A4[1], A4[0]), 225, np.uint8)
        sheet[::63] = sheet[1::63] = 185
        to_photo = cv2.getPerspectiveTransform(_rectangle(*A4), below.astype(np.float32))
        seen = cv2.warpPerspective(sheet, to_photo, size)
        mask = cv2.warpPerspective(np.full_like(sheet, 255), to_photo, size)[..., None] / 255.0
        desk = desk * (1 - mask) + seen[..., None] * np.array([0.93, 0.97, 1.0]) * mask
    return np.asarray(desk, dtype=np.float64)


def _noise(size: tuple[int, int], grain_px: tuple[int, int], rng: np.random.Generator) -> Points:
    """Smooth chance in about -1..1, of features ``grain_px`` (down, across) large."""
    width, height = size
    coarse = rng.normal(0, 0.6, (max(2, height // grain_px[0]), max(2, width // grain_px[1]))).astype(
        np.float32
    )
    return np.asarray(cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC), dtype=np.float64)


def _as_size(field: npt.NDArray[np.float64], size: tuple[int, int]) -> npt.NDArray[np.float64]:
    return np.asarray(cv2.resize(np.ascontiguousarray(field), size), dtype=np.float64)


def _edge_shadow(corners: Points, size: tuple[int, int], rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """The dark line that a sheet casts on what it lies on: paper is never quite flat."""
    mask = np.zeros((size[1], size[0]), np.uint8)
    cv2.fillPoly(mask, [np.rint(corners + rng.uniform(-5, 5, 2)).astype(np.int32)], 255)
    soft = cv2.GaussianBlur(mask, (0, 0), rng.uniform(3, 7)) / 255.0
    return np.asarray(1 - rng.uniform(0.25, 0.5) * soft, dtype=np.float64)


def _with_hand(
    scene: npt.NDArray[np.float64], corners: Points, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Two fingertips over a side of the page."""
    side = int(rng.integers(1, 4))  # not over the header
    start, end = corners[side], corners[(side + 1) % 4]
    outward = (start + end) / 2 - corners.mean(axis=0)
    outward /= np.hypot(*outward)
    along = (end - start) / np.hypot(*(end - start))
    at = start + (end - start) * rng.uniform(0.25, 0.75)
    skin = np.array([rng.uniform(80, 130), rng.uniform(110, 160), rng.uniform(150, 210)])
    mask = np.zeros(scene.shape[:2], np.uint8)
    for finger in range(2):
        base = at + along * 95 * finger
        tip, root = base - outward * rng.uniform(60, 110), base + outward * 500
        cv2.line(mask, tuple(map(int, tip)), tuple(map(int, root)), 255, 80)
    share = cv2.GaussianBlur(mask, (0, 0), 2)[..., None] / 255.0
    return np.asarray(scene * (1 - share) + skin * share, dtype=np.float64)


def _light(size: tuple[int, int], rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """A gradient, darker corners, and mostly the edge of a shadow (the phone's, an arm's)."""
    width, height = size
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float64)
    x, y = columns / width - 0.5, rows / height - 0.5
    way = rng.uniform(0, 2 * np.pi)
    light = (
        1
        - rng.uniform(0.05, 0.35) * (0.5 + np.cos(way) * x + np.sin(way) * y)
        - rng.uniform(0.1, 0.3) * (x * x + y * y)
    )
    if rng.random() < 0.7:
        way, off = rng.uniform(0, 2 * np.pi), rng.uniform(-0.25, 0.25)
        far = (np.cos(way) * x + np.sin(way) * y - off) * max(size) / rng.uniform(8, 60)
        light *= 1 - rng.uniform(0.2, 0.45) / (1 + np.exp(-np.clip(far, -30, 30)))
    return np.asarray(light, dtype=np.float64)
