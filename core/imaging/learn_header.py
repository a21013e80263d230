"""Make a header model out of a scan on which somebody has drawn the header's frame and its fields.

What is printed is told from what a pupil wrote in three ways: it is not inside a
field, its lines are long and straight, and - when other copies are at hand - it
is on all of them. Ruled paper is told from the header's own lines because it goes on
outside the frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from core.errors import BadInput
from core.imaging.darkness import BoxPx, DarkMap, Floats, Gray, dark_map
from core.imaging.deskew import skew_of
from core.imaging.header import Affine, HeaderMatch, find_header
from core.imaging.header_evidence import FEW_LINES_MM
from core.imaging.header_models import BoxMm, HeaderKind, HeaderModel, PrintedPicture

PICTURE_DPI = 100.0
"""Resolution of the picture kept: that at which headers are looked for."""

MAX_SAMPLES = 12
"""More copies of the same header teach nothing new."""

MIN_ZONE_MM, MAX_HEIGHT_MM = (25.0, 6.0), 140.0
"""A smaller frame holds no header; a taller one is a page."""

_PX = PICTURE_DPI / 25.4
_CONTEXT_MM = 8.0
"""Looked at around the frame: what goes on there is the paper's ruling."""

_PRINT_FLOOR = 0.30
"""Darkness under which nothing is print."""

_HIGH_FLOOR = 0.6
"""The same at most, on paper with dark ruling."""

_ACROSS_MM, _DOWN_MM = 12.0, 7.0
"""Shorter strokes are writing, or letters."""

_IN_FIELD_MM = 25.0
"""The same inside a field while there is one sample only."""

_FAINT = 0.65
"""Lines this much lighter than the header's darkest are the paper's ruling."""

_THICK_MM = 1.3
_BEYOND_MM = 3.0
_RULED_LINES, _RULED_MM = 5, 40.0
"""So many lines of this length below the header are ruled paper."""

_MIN_PATCH_MM = (2.0, 1.2)
_MIN_PATCH_INK_MM2 = 0.8
_MAX_PATCHES = 24
_MIN_PATCHES_ALONE = 2


@dataclass(frozen=True)
class _Drawn:
    """What was drawn on the first sample, made straight: millimetres from the page's top left, and from the zone's."""

    page_mm: tuple[float, float]
    size_mm: tuple[float, float]
    fields_mm: dict[str, BoxMm]
    from_model: Affine
    """Millimetres of the model to pixels of the first sample."""


def learn(
    samples: Sequence[Gray],
    dpi: float,
    zone_px: BoxPx,
    fields_px: Mapping[str, BoxPx],
    *,
    name: str,
    title: str = "",
    kind: HeaderKind = "copy",
) -> HeaderModel:
    """Learn a header from the first sample, and from others like it when there are any.

    Args:
        samples: upright pages, each (height, width) uint8, 0 is black. The frames were drawn on the first;
            others may be pages without that header, which are then left aside.
        dpi: resolution of all of them.
        zone_px: frame of the header on the first sample, in its pixels.
        fields_px: the same for each handwritten field.
        name: of the model, unlike any other's.
        title: for people.
        kind: what a page with this header is.

    Raises:
        BadInput: ``header_zone_size`` (too small or too tall), ``header_zone_field`` with ``field`` when a
            field lies outside the frame, ``header_zone_empty`` when too little is printed in the frame to
            find it again, ``header_zone_lost`` when it is not found again on the sample itself.
    """
    first = samples[0]
    page = dark_map(first, dpi)
    drawn = _straight(page, dpi, zone_px, fields_px)
    bare = HeaderModel(name, title, *drawn.size_mm, *drawn.page_mm, (), (), (), drawn.fields_mm, kind)
    seen = [_brought(page, drawn.from_model, drawn.size_mm)]
    model = _model(bare, seen)
    for other in samples[1:MAX_SAMPLES]:
        match = find_header(other, dpi, [model])
        if match is not None:
            seen.append(_brought(dark_map(other, dpi), match.transform, drawn.size_mm))
    if len(seen) > 1:
        model = _model(bare, seen)
    again = find_header(first, dpi, [model])
    if again is None or _moved_mm(again, drawn, dpi) > 1.0:
        raise BadInput("header_zone_lost")
    return model


def _straight(page: DarkMap, dpi: float, zone: BoxPx, fields: Mapping[str, BoxPx]) -> _Drawn:
    """Boxes drawn on a page that is a little turned, as they lie on the straight paper."""
    px_per_mm = dpi / 25.4
    height, width = page.dark.shape[0] * page.step, page.dark.shape[1] * page.step
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), skew_of(page), 1.0)

    def placed(box: BoxPx) -> BoxMm:
        # A box drawn upright around something turned: its middle turns, its sides stay.
        left, top, right, bottom = box
        middle = turn @ np.array([(left + right) / 2, (top + bottom) / 2, 1.0]) / px_per_mm
        across, down = (right - left) / 2 / px_per_mm, (bottom - top) / 2 / px_per_mm
        return (middle[0] - across, middle[1] - down, middle[0] + across, middle[1] + down)

    left, top, right, bottom = placed(zone)
    size = (round(right - left, 2), round(bottom - top, 2))
    if size[0] < MIN_ZONE_MM[0] or size[1] < MIN_ZONE_MM[1] or size[1] > MAX_HEIGHT_MM:
        raise BadInput("header_zone_size", width_mm=round(size[0]), height_mm=round(size[1]))
    inside: dict[str, BoxMm] = {}
    for field, box in fields.items():
        x0, y0, x1, y1 = placed(box)
        inside[field] = (_mm(x0 - left), _mm(y0 - top), _mm(x1 - left), _mm(y1 - top))
        if x1 <= left or x0 >= right or y1 <= top or y0 >= bottom or x1 <= x0 or y1 <= y0:
            raise BadInput("header_zone_field", field=field)
    back = np.asarray(cv2.invertAffineTransform(turn), dtype=np.float64)
    from_model = np.hstack(
        [back[:, :2] * px_per_mm, back @ np.array([[left], [top], [1 / px_per_mm]]) * px_per_mm]
    )
    return _Drawn((_mm(left), _mm(top)), size, inside, from_model)


def _mm(value: float) -> float:
    return round(float(value), 2)


def _moved_mm(match: HeaderMatch, drawn: _Drawn, dpi: float) -> float:
    width, height = drawn.size_mm
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]]).T
    return float(np.abs((match.transform - drawn.from_model) @ corners).max() / (dpi / 25.4))


def _brought(page: DarkMap, from_model: Affine, size_mm: tuple[float, float]) -> Floats:
    """The darkness of a header and what is around it, straight, at the resolution of the picture."""
    width, height = (round((side + 2 * _CONTEXT_MM) * _PX) for side in size_mm)
    unpad = np.array([[1 / _PX, 0, -_CONTEXT_MM], [0, 1 / _PX, -_CONTEXT_MM], [0, 0, 1]])
    to_map = from_model @ unpad / page.step
    to_map[:, 2] -= (page.step - 1) / 2 / page.step
    seen = cv2.warpAffine(page.dark, to_map, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    ink = float(np.percentile(seen, 99.5))
    return np.asarray(np.clip(seen / max(ink, 0.2), 0, 1), dtype=np.float32)


def _model(bare: HeaderModel, seen: Sequence[Floats]) -> HeaderModel:
    """A model of what all the samples show."""
    # What is there on most: of two the fainter, of many the lower middle.
    printed = np.sort(np.stack(seen), axis=0)[(len(seen) - 1) // 2].astype(np.float32)
    alone = len(seen) < 3
    across, down = _lines(printed, bare, alone), _lines(printed.T, _turned(bare), alone)
    lines = [line.box for line in across if line.own] + [_flipped(line.box) for line in down if line.own]
    strange = [line.dark for line in (*across, *down) if not line.own]
    ruling = float(np.median(strange)) if len(strange) >= _RULED_LINES else 0.0
    # Of dark ruling, pieces stand between the words where its lines were too broken to be wiped.
    floor = float(np.clip(1.15 * ruling, _PRINT_FLOOR, _HIGH_FLOOR))
    rest = np.where(printed >= floor, printed, np.float32(0))
    for line in across:
        _wipe(rest, line.box)
    for line in down:
        _wipe(rest.T, line.box)
    edge = round(_CONTEXT_MM * _PX)
    rest = np.ascontiguousarray(rest[edge:-edge, edge:-edge])
    for left, top, right, bottom in bare.fields_mm.values():
        rows = slice(max(0, round((top - 0.5) * _PX)), max(0, round((bottom + 0.5) * _PX)))
        rest[rows, max(0, round(left * _PX)) : max(0, round(right * _PX))] = 0
    patches = _patches(rest)
    length = sum(abs(x1 - x0) + abs(y1 - y0) for x0, y0, x1, y1 in lines)
    if (length < FEW_LINES_MM and len(patches) < _MIN_PATCHES_ALONE) or not (
        patches or length > 4 * FEW_LINES_MM
    ):
        raise BadInput("header_zone_empty")
    return replace(bare, lines_mm=tuple(lines), picture=PrintedPicture(_png(rest), PICTURE_DPI, patches))


def _turned(bare: HeaderModel) -> HeaderModel:
    """The same zone and fields with rows for columns."""
    fields = {field: _flipped(box) for field, box in bare.fields_mm.items()}
    return replace(bare, width_mm=bare.height_mm, height_mm=bare.width_mm, fields_mm=fields)


def _flipped(box: BoxMm) -> BoxMm:
    left, top, right, bottom = box
    return (top, left, bottom, right)


def _lines(printed: Floats, bare: HeaderModel, alone: bool) -> list[_Line]:
    """Straight lines along the rows, in millimetres from the zone; whether each is the header's own."""
    least_mm = _ACROSS_MM if bare.width_mm >= bare.height_mm else _DOWN_MM
    runs = _runs(printed, least_mm)
    ruled = len([1 for run in runs if _goes_on(run, bare)]) >= _RULED_LINES
    darkest = max((run.dark for run in runs), default=0.0)
    found = []
    for run in runs:
        left, at, right = run.left, run.row, run.right
        beyond = _goes_on(run, bare)
        inside = -at < _BEYOND_MM / 2 and at < bare.height_mm + _BEYOND_MM / 2
        start, end = max(left, 0.0), min(right, bare.width_mm)
        own = inside and end - start >= least_mm and run.dark >= _FAINT * darkest
        own = own and not (beyond and ruled)
        if alone and own and end - start < _IN_FIELD_MM:
            own = not any(
                box[0] < (start + end) / 2 < box[2] and box[1] + 1 < at < box[3] - 1
                for box in bare.fields_mm.values()
            )
        if own:
            left, right = start, end
        found.append(_Line((_mm(left), _mm(at), _mm(right), _mm(at)), own, run.dark))
    return found


@dataclass(frozen=True)
class _Run:
    """A thin straight line along the rows, in millimetres from the zone, and how dark it is."""

    left: float
    row: float
    right: float
    dark: float


@dataclass(frozen=True)
class _Line:
    """A run as a box; whether it is the header's own, or the paper's or a pupil's."""

    box: BoxMm
    own: bool
    dark: float


def _goes_on(run: _Run, bare: HeaderModel) -> bool:
    return run.left < -_BEYOND_MM or run.right > bare.width_mm + _BEYOND_MM


def _runs(printed: Floats, least_mm: float) -> list[_Run]:
    dark = (printed >= _PRINT_FLOOR).astype(np.uint8)
    least = round(least_mm * _PX)
    long = cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((1, least), np.uint8))
    # Pieces of one line, a pixel higher or lower, or cut by a speck.
    joined = cv2.morphologyEx(long, cv2.MORPH_CLOSE, np.ones((1, round(2 * _PX)), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    found = []
    for number in range(1, count):
        left, top, width, height, _ = (int(value) for value in stats[number])
        part = (labels[top : top + height, left : left + width] == number) & (
            long[top : top + height, left : left + width] > 0
        )
        thick = float(part.sum()) / max(1, int(part.any(axis=0).sum())) / _PX
        if thick > _THICK_MM or height > 3 * _THICK_MM * _PX:
            continue
        weights = printed[top : top + height, left : left + width] * part
        row = top + float((weights.sum(axis=1) * np.arange(height)).sum() / max(1e-6, weights.sum()))
        offset = _CONTEXT_MM - 0.5 / _PX
        # A line falls between two rows of pixels: together they are as dark as it is.
        level = min(1.0, float(np.median(weights.sum(axis=0)[part.any(axis=0)])))
        right = (left + width) / _PX - _CONTEXT_MM
        found.append(_Run(left / _PX - _CONTEXT_MM, row / _PX - offset, right, level))
    return found


def _wipe(printed: Floats, line: BoxMm) -> None:
    """Take a line along the rows out, in place."""
    left, at, right, _ = line
    row, thick = (at + _CONTEXT_MM) * _PX - 0.5, 0.5 * _PX
    rows = slice(max(0, round(row - thick)), round(row + thick) + 1)
    printed[
        rows, max(0, round((left + _CONTEXT_MM - 0.5) * _PX)) : round((right + _CONTEXT_MM + 0.5) * _PX)
    ] = 0


def _patches(rest: Floats) -> tuple[BoxMm, ...]:
    """Boxes of the words and drawings, in millimetres from the zone, those with most ink."""
    dark = (rest >= _PRINT_FLOOR).astype(np.uint8)
    near = cv2.dilate(dark, np.ones((round(0.8 * _PX), round(2.5 * _PX)), np.uint8))
    count, labels = cv2.connectedComponents(near, connectivity=8)
    found: list[tuple[float, BoxMm]] = []
    for number in range(1, count):
        part = (labels == number) & (dark > 0)
        rows, columns = np.nonzero(part)
        if not rows.size:
            continue
        box = (columns.min() / _PX, rows.min() / _PX, (columns.max() + 1) / _PX, (rows.max() + 1) / _PX)
        wide, high, ink = box[2] - box[0], box[3] - box[1], float(rest[part].sum()) / _PX**2
        if wide >= _MIN_PATCH_MM[0] and high >= _MIN_PATCH_MM[1] and ink >= _MIN_PATCH_INK_MM2:
            found.append((ink, (_mm(box[0]), _mm(box[1]), _mm(box[2]), _mm(box[3]))))
    found.sort(reverse=True)
    return tuple(box for _, box in found[:_MAX_PATCHES])


def _png(rest: Floats) -> bytes:
    levels: npt.NDArray[np.uint8] = (255 - np.rint(rest * 15) * 17).astype(np.uint8)
    done, content = cv2.imencode(".png", levels, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    if not done:
        raise ValueError("picture of a header cannot be encoded")
    return content.tobytes()
