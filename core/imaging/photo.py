"""A page photographed with a phone: find its edges, lay it flat, even out the light.

Corners are (4, 2) float64 pixels of the photo, in the order top left, top right, bottom right, bottom left of the
photo as it is held; which of them is the top left of the writing is not for the edges to tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from core.imaging.darkness import DarkMap, Gray, dark_map
from core.imaging.direction import writing_of
from core.imaging.page_lines import SideLine, candidates, crossing, sought_on

Corners = npt.NDArray[np.float64]
Pixels = TypeVar("Pixels", bound=npt.NDArray[np.uint8])
Kind = Literal["pdf", "tiff", "jpeg", "png", "heic", "webp"]

SQRT2 = 2**0.5
A4_MM = (210.0, 297.0)
A3_MM = (297.0, 420.0)

SURE = 0.80
"""Confidence under which a person should look at the edges: ``photo_edges_unsure``. Of 60 drawn photos
(tests/bench/pages.py) those within 1 mm have 0.83 or more, those beside the page 0.77 or less, but for one
where an askew sheet of paper under the page lends it a side."""

SEEK_PX = 512
REFINE_PX = 1600
"""Long sides of the reductions on which the page is sought and its sides laid."""

RATIO_PLAY = 0.13
"""How far the sides' ratio may be from that of A4 and A3; the estimate was within 0.06 on drawn photos."""

PERSPECTIVE_DEG = 1.5
"""Opposite sides this far from parallel are seen by a camera: a scanner has no perspective."""

INSIDE_SHARE = 0.97
"""A page found on a photo leaves something of the table around it."""


@dataclass(frozen=True, eq=False)
class PageEdges:
    """The page on a photo.

    Attributes:
        corners: (4, 2) pixels of the photo.
        confidence: 0..1: the share of its sides that is seen, of the two sides seen least.
        ratio: of the page's sides, its upper and lower against its left and right as the photo is held.
    """

    corners: Corners
    confidence: float
    ratio: float

    @property
    def flags(self) -> tuple[str, ...]:
        """``photo_edges_unsure`` when a person should look."""
        off = abs(max(self.ratio, 1 / self.ratio) / SQRT2 - 1)
        return ("photo_edges_unsure",) if self.confidence < SURE or off > RATIO_PLAY else ()


@dataclass(frozen=True)
class Origin:
    """What is known of an image besides its pixels.

    Attributes:
        kind: of the file.
        camera: the file says with which exposure or focal length it was taken (EXIF ExposureTime, FNumber,
            FocalLength). A maker alone is no proof: scanners write theirs too.
    """

    kind: Kind
    camera: bool = False


@dataclass(frozen=True, eq=False)
class Flattened:
    """A photo made into what a scanner would have given.

    Attributes:
        image: (height, width) or (height, width, 3) uint8, the page, as the photo is held.
        dpi: its resolution; of the whole photo, such that its long side is that of A4.
        flags: ``photo_edges_unsure`` when the whole photo was kept, or the edges are doubtful.
        edges: those cut along; ``None`` when the whole photo was kept.
    """

    image: npt.NDArray[np.uint8]
    dpi: float
    flags: tuple[str, ...]
    edges: PageEdges | None


def is_photo(image: npt.NDArray[np.uint8], origin: Origin, edges: PageEdges | None) -> bool:
    """Whether an image was taken by a camera rather than by a scanner.

    A camera's own data say so. Without them there must be perspective, which no scanner has, on a page seen
    whole and surely inside the frame; in a PDF or TIFF too, since phones wrap photos in PDF.

    Args:
        image: (height, width) or (height, width, 3) uint8.
        origin: what the file says.
        edges: of ``find_page`` on it.
    """
    if origin.camera and origin.kind not in ("pdf", "tiff"):
        return True
    if edges is None or edges.flags:
        return False
    height, width = image.shape[:2]
    inside = cv2.contourArea(edges.corners.astype(np.float32)) < INSIDE_SHARE * height * width
    return bool(inside and perspective_deg(edges.corners) >= PERSPECTIVE_DEG)


def flattened(image: npt.NDArray[np.uint8], edges: PageEdges | None, *, dpi: float = 200.0) -> Flattened:
    """Cut a page out of its photo, lay it flat and even out the light; all of the photo when edges are missing.

    Args:
        image: (height, width) or (height, width, 3) uint8.
        edges: of ``find_page`` on it.
        dpi: resolution wanted; never so that pixels are invented twice over.
    """
    if edges is None or edges.flags:
        whole = max(image.shape[:2]) / A4_MM[1] * 25.4
        return Flattened(flatten_light(image), whole, ("photo_edges_unsure",), None)
    return Flattened(flatten_light(straighten(image, edges, dpi=dpi)), dpi, (), edges)


def find_page(image: npt.NDArray[np.uint8]) -> PageEdges | None:
    """Find the page on a photo.

    A page is four lines along which it is lighter within than without. Lines are sought on a reduction without
    its writing (a closing), every two lines across and two down are tried, and those win along which most of the
    outline is seen; a hand over a side or a side out of the frame costs little, the edge of a shadow
    is only one side. The sides are then laid by least squares on a finer reduction.

    Args:
        image: (height, width) or (height, width, 3) BGR uint8, 0 is black.

    Returns:
        The edges, with how sure they are; ``None`` when nothing like a page is there.
    """
    height, width = image.shape[:2]
    scale = SEEK_PX / max(height, width)
    found = candidates(sought_on(_reduced(image, scale)))
    if found is None:
        return None
    sides, support = found
    fine = min(1.0, REFINE_PX / max(height, width))
    levels = cv2.GaussianBlur(_lightness(_reduced(image, fine)), (0, 0), 1.0)
    laid = [_laid(np.asarray(levels, dtype=np.float32), side, fine / scale) for side in sides]
    corners = np.array([crossing(laid[a], laid[b]) for a, b in ((0, 3), (0, 1), (2, 1), (2, 3))]) / fine
    if not _is_plausible(corners, height, width):
        return None
    confidence = float(np.sort(support)[:2].mean())
    return PageEdges(corners, round(confidence, 3), side_ratio(corners, (width, height)))


def straighten(
    image: npt.NDArray[np.uint8], edges: PageEdges, *, dpi: float = 200.0
) -> npt.NDArray[np.uint8]:
    """The page alone, without perspective, as the photo is held.

    A page whose sides are as 1 to √2 within ``RATIO_PLAY`` is A4, or A3 when its lines run along its long side:
    an unfolded sheet is two upright pages, both formats have the same ratio, and nothing else tells them
    apart. Another page keeps its ratio and gets the long side of A4.

    Args:
        image: (height, width) or (height, width, 3) uint8.
        edges: of ``find_page`` on it.
        dpi: resolution of what is given.
    """
    across = edges.ratio >= 1
    ratio = max(edges.ratio, 1 / edges.ratio)
    if abs(ratio / SQRT2 - 1) > RATIO_PLAY:
        return _warped(image, edges.corners, _size_px(A4_MM[1] / ratio, A4_MM[1], across, dpi))
    page = _warped(image, edges.corners, _size_px(*A4_MM, across, dpi))
    if _lines_run_along(page, across, dpi):
        return _warped(image, edges.corners, _size_px(*A3_MM, across, dpi))
    return page


def flatten_light(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Take shadows away by dividing by the paper's own light, channel by channel.

    The paper under writing is found by closing the writing away on an eighth of the size, which keeps
    the edge of a cast shadow within a few pixels; faint pencil stays as faint as it was against its paper,
    since all is multiplied by the same factor. White is 245, so that paper keeps its grain.

    Args:
        image: (height, width) or (height, width, 3) uint8.
    """
    if image.ndim == 3:
        return np.ascontiguousarray(np.dstack([_even(image[:, :, i]) for i in range(3)]))
    return _even(image)


def side_ratio(corners: Corners, size: tuple[int, int]) -> float:
    """Upper and lower side of a rectangle against its left and right, from a photo of it.

    Z. Zhang, L.-W. He, "Whiteboard scanning and image enhancement", Digital Signal Processing 17 (2007),
    section 3.2: the focal length follows from the two vanishing points, with the optical axis through the
    middle of the photo; without perspective in both directions the sides' own lengths must do.

    Args:
        corners: (4, 2) pixels.
        size: width and height of the photo.
    """
    top_left, top_right, bottom_right, bottom_left = np.c_[corners - np.array(size) / 2, np.ones(4)]
    k2 = np.cross(top_left, bottom_right) @ bottom_left / (np.cross(top_right, bottom_right) @ bottom_left)
    k3 = np.cross(top_left, bottom_right) @ top_right / (np.cross(bottom_left, bottom_right) @ top_right)
    n2, n3 = k2 * top_right - top_left, k3 * bottom_left - top_left
    lengths = np.hypot(*(np.roll(corners, -1, axis=0) - corners).T)
    seen = float((lengths[0] + lengths[2]) / (lengths[1] + lengths[3]))
    if min(abs(k2 - 1), abs(k3 - 1)) < _PARALLEL:
        return seen
    focal2 = -(n2[0] * n3[0] + n2[1] * n3[1]) / (n2[2] * n3[2])
    if not (0.4 * max(size)) ** 2 < focal2 < (4 * max(size)) ** 2:  # no phone's
        return seen
    weights = np.array([1 / focal2, 1 / focal2, 1.0])
    return float(np.sqrt((n2 * n2 * weights).sum() / (n3 * n3 * weights).sum()))


_PARALLEL = 0.03
"""Below this difference of depth between opposite sides the focal length is guesswork."""


def perspective_deg(corners: Corners) -> float:
    """By how much the opposite sides of a page are not parallel: the larger of the two angles."""
    sides = np.roll(corners, -1, axis=0) - corners
    angles = np.degrees(np.arctan2(sides[:, 1], sides[:, 0]))
    apart = (angles[:2] - angles[2:] + 180) % 360
    return float(np.minimum(np.abs(apart), 360 - np.abs(apart)).max())


def _reduced(image: npt.NDArray[np.uint8], scale: float) -> npt.NDArray[np.uint8]:
    if scale >= 1:
        return image
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _lightness(image: npt.NDArray[np.uint8]) -> Gray:
    """The least of the channels: paper stands out most against wood and skin in blue."""
    return image if image.ndim == 2 else np.asarray(image.min(axis=2), dtype=np.uint8)


def _laid(levels: npt.NDArray[np.float32], side: SideLine, scale: float) -> SideLine:
    """A side moved to where light changes most, by a straight line through what most points say."""
    start, end = np.array(side.start) * scale, np.array(side.end) * scale
    along = end - start
    length = float(np.hypot(*along))
    along /= max(length, 1e-6)
    inward = np.array([-along[1], along[0]]) * side.inward
    reach = round(3.5 * scale)
    steps = np.arange(-reach, reach + 1, dtype=np.float64)
    places = np.linspace(0.03, 0.97, 90) * length
    points = start + places[:, None, None] * along + steps[None, :, None] * inward
    height, width = levels.shape
    seen = cv2.remap(
        levels,
        points[..., 0].astype(np.float32),
        points[..., 1].astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    rise = seen[:, 2:] - seen[:, :-2]
    at = rise.argmax(axis=1)
    best = points[np.arange(len(places)), at + 1]
    inside = ((best > 1) & (best < np.array([width - 2, height - 2]))).all(axis=1)
    kept = inside & (rise.max(axis=1) > 4)
    if kept.sum() < 12:
        return SideLine(tuple(start), tuple(end), side.inward)
    offsets = steps[at + 1]
    for _ in range(4):
        slope, level = np.polyfit(places[kept], offsets[kept], 1)
        far = np.abs(offsets - slope * places - level)
        closer = inside & (rise.max(axis=1) > 4) & (far <= max(1.0, 2.0 * float(np.median(far[kept]))))
        if closer.sum() < 12:
            break
        kept = closer
    first, last = start + inward * level, start + along * length + inward * (slope * length + level)
    return SideLine((float(first[0]), float(first[1])), (float(last[0]), float(last[1])), side.inward)


def _is_plausible(corners: Corners, height: int, width: int) -> bool:
    """Convex, of right angles seen aslant, and all but within the frame."""
    if not np.isfinite(corners).all():
        return False
    sides = np.roll(corners, -1, axis=0) - corners
    following = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * following[:, 1] - sides[:, 1] * following[:, 0]
    sines = turns / (np.hypot(*sides.T) * np.hypot(*following.T) + 1e-9)
    out = np.array([width, height]) * 0.06
    framed = (corners > -out).all() and (corners < np.array([width, height]) + out).all()
    return bool((sines > 0.75).all() and framed)


def _size_px(short_mm: float, long_mm: float, across: bool, dpi: float) -> tuple[int, int]:
    short_px, long_px = round(short_mm / 25.4 * dpi), round(long_mm / 25.4 * dpi)
    return (long_px, short_px) if across else (short_px, long_px)


def _warped(image: npt.NDArray[np.uint8], corners: Corners, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    width, height = size
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32) - np.float32(0.5)
    to_page = cv2.getPerspectiveTransform(corners.astype(np.float32), target)
    page = cv2.warpPerspective(image, to_page, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(page, dtype=np.uint8)


def _lines_run_along(page: npt.NDArray[np.uint8], across: bool, dpi: float) -> bool:
    """Whether lines of writing run along the long side."""
    gray = _lightness(page)
    reading: DarkMap = dark_map(flatten_light(gray), dpi)
    writing = writing_of([reading], 0.0)
    return bool(writing.pieces) and (writing.quarter_deg == 0) == across


def _even(levels: Gray) -> Gray:
    height, width = levels.shape
    small = cv2.resize(levels, (max(1, width // 8), max(1, height // 8)), interpolation=cv2.INTER_AREA)
    paper = cv2.morphologyEx(small, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9)))
    paper = cv2.GaussianBlur(paper, (0, 0), 1.5)
    light = cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.divide(levels, cv2.max(light, np.array([1.0])), scale=245), dtype=np.uint8)
