"""Find a known printed header on a page and cut its fields out.

A four-sided contour is no header: ruled paper and pupils' tables are full of
them. Here a model's own print is laid over the dark map of the page; the
position is refined, then each printed line and each label must really be there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from core.imaging.darkness import BoxPx, DarkMap, Floats, Gray, dark_map
from core.imaging.deskew import skew_of, straightened
from core.imaging.header_models import BoxMm, HeaderModel, builtin_models
from core.imaging.templates import PAD_MM, Segment, Template, label_box, segments, template

Affine = npt.NDArray[np.float64]

MAX_SHIFT_MM = 18.0
"""How far a header may lie from its printed place: 15 mm, and some for the skew."""

COARSE_SCORE = 0.25
"""Kernel response worth refining; the weakest header seen gave 0.38."""

LINE_DARK = 0.30
"""Darkness at which a point of a printed line counts as printed."""

MIN_COVERAGE = 0.75
"""Share of the printed line length that must be dark: headers 0.98 or more (0.89 printed at
96 %), tables and frames 0.60 or less."""

MIN_LABELS = 0.45
"""Mean likeness of the printed labels: headers gave 0.54 or more in six typefaces; tables and
frames up to 0.61, which the coverage of the printed lines rejects."""

SURE_SCORE = 0.85
"""A match that needs no second opinion from the other candidates."""

MIN_CONTRAST = 0.20
"""Printed lines must be darker than the paper just beside them by this much."""

_SHORTLIST = 3
_PATIENCE = cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT


@dataclass(frozen=True, eq=False)
class HeaderMatch:
    """A header found on an image.

    Attributes:
        model: name of the header model.
        score: 0..1, how well the print is found.
        transform: 2x3 affine from millimetres of the model to pixels of the image.
        box: smallest upright box around the header, in pixels of the image.
        fields: the same for each handwritten field.
    """

    model: str
    score: float
    transform: Affine
    box: BoxPx
    fields: dict[str, BoxPx]

    def moved(self, affine: Affine, model: HeaderModel) -> HeaderMatch:
        """The same match in another image, given the 2x3 affine from this image's pixels to that one's."""
        return _match(model, self.score, _chain(affine, self.transform))


def find_header(
    page_gray: Gray, dpi: float, models: Sequence[HeaderModel] | None = None
) -> HeaderMatch | None:
    """Look for a printed header at the top of an upright page.

    Args:
        page_gray: (height, width) uint8, 0 is black; upright within 3°, header in its top third
            and within 15 mm of the place the model gives.
        dpi: resolution of ``page_gray``.
        models: headers to look for; those shipped with Korrigo by default.
    """
    page = dark_map(page_gray, dpi)
    models = builtin_models() if models is None else models
    found = find_in_map(page, skew_of(page), models)
    if found is None:
        return None
    return found.moved(from_map(page.step), model_named(found.model, models))


def model_named(name: str, models: Sequence[HeaderModel] | None = None) -> HeaderModel:
    """The model of a name.

    Raises:
        KeyError: No such model.
    """
    for model in builtin_models() if models is None else models:
        if model.name == name:
            return model
    raise KeyError(name)


def from_map(step: int) -> Affine:
    """Affine from pixels of a dark map to pixels of the scan; pixel centres are whole numbers."""
    shift = (step - 1) / 2
    return np.array([[step, 0, shift], [0, step, shift]], dtype=np.float64)


def find_in_map(page: DarkMap, skew: float, models: Sequence[HeaderModel]) -> HeaderMatch | None:
    """``find_header`` on a dark map of the page, in pixels of the map."""
    best: HeaderMatch | None = None
    for start in _candidates(page, skew, models):
        if best is not None and best.model == start.model.name:
            continue
        refined = _refine(page, start)
        score = _verified(page, start.model, refined)
        if score is not None and (best is None or score > best.score):
            best = _match(start.model, score, refined)
            if score >= SURE_SCORE:
                break
    return best


@dataclass(frozen=True, eq=False)
class _Start:
    model: HeaderModel
    transform: Affine
    response: float


def _candidates(page: DarkMap, skew: float, models: Sequence[HeaderModel]) -> list[_Start]:
    """Where each model answers best at half the map's resolution, best first."""
    starts: list[_Start] = []
    for model in models:
        reach_mm = model.page_top_mm + MAX_SHIFT_MM + model.height_mm + PAD_MM
        rows = min(page.dark.shape[0], round(reach_mm * page.px_per_mm))
        straight, back = straightened(page.dark[:rows], skew)
        starts += _peaks(straight, back, model, page.px_per_mm)
    starts.sort(key=lambda start: -start.response)
    return [start for start in starts if start.response >= COARSE_SCORE][:_SHORTLIST]


def _peaks(straight: Floats, back: Affine, model: HeaderModel, px_per_mm: float) -> list[_Start]:
    """The two best places of a model on a straightened strip."""
    half = px_per_mm / 2
    pad = round(MAX_SHIFT_MM * half)
    thick = cv2.dilate(straight, np.ones((3, 3), np.uint8))
    small = cv2.resize(thick, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    field = cv2.copyMakeBorder(small, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=0)
    drawn = template(model, half)
    if field.shape[0] < drawn.kernel.shape[0] or field.shape[1] < drawn.kernel.shape[1]:
        return []
    answer = cv2.matchTemplate(field.astype(np.float32, copy=False), drawn.kernel, cv2.TM_CCORR)
    found = []
    for _ in range(2):
        _, response, _, (x, y) = cv2.minMaxLoc(answer)
        left, top = (x - pad + PAD_MM * half) * 2, (y - pad + PAD_MM * half) * 2
        place = np.array([[px_per_mm, 0, left], [0, px_per_mm, top]], dtype=np.float64)
        found.append(_Start(model, _chain(back, place), float(response)))
        cv2.rectangle(answer, (x - 4, y - 4), (x + 4, y + 4), -1.0, -1)
    return found


def _refine(page: DarkMap, start: _Start) -> Affine:
    """Lay the template over the page more closely, by enhanced correlation (Evangelidis & Psarakis 2008)."""
    drawn = template(start.model, page.px_per_mm)
    unpad = np.array([[1 / page.px_per_mm, 0, -PAD_MM], [0, 1 / page.px_per_mm, -PAD_MM]])
    to_page = _chain(start.transform, unpad)
    height, width = drawn.print_.shape
    # Bring the page to the template first, so that what is sought is small and the mask known.
    seen = _sampled(page.dark, to_page, width, height)
    warp = np.eye(2, 3, dtype=np.float32)
    goal = cv2.GaussianBlur(drawn.print_, (0, 0), 1.0)
    for blur, motion in ((9, cv2.MOTION_EUCLIDEAN), (3, cv2.MOTION_AFFINE)):
        try:
            _, found = cv2.findTransformECC(
                goal, seen, warp, motion, (_PATIENCE, 25, 1e-4), drawn.free * np.uint8(255), blur
            )
        except cv2.error:  # the correlation does not converge: nothing like the template is here
            break
        warp = np.asarray(found, dtype=np.float32)
    pad = np.array(
        [[page.px_per_mm, 0, PAD_MM * page.px_per_mm], [0, page.px_per_mm, PAD_MM * page.px_per_mm]]
    )
    return _chain(to_page, _chain(warp.astype(np.float64), pad))


def _verified(page: DarkMap, model: HeaderModel, transform: Affine) -> float | None:
    """Score of a header whose lines and labels are really there, else ``None``."""
    if not _plausible(transform, page.px_per_mm):
        return None
    drawn = template(model, page.px_per_mm)
    unpad = np.array([[1 / page.px_per_mm, 0, -PAD_MM], [0, 1 / page.px_per_mm, -PAD_MM]])
    height, width = drawn.print_.shape
    seen = _sampled(page.dark, _chain(transform, unpad), width, height)
    coverage, contrast = _line_evidence(seen, segments(model), page.px_per_mm)
    labels = _label_evidence(seen, drawn, model)
    if coverage < MIN_COVERAGE or labels < MIN_LABELS or contrast < MIN_CONTRAST:
        return None
    return round(0.5 * coverage + 0.5 * min(1.0, labels), 3)


def _plausible(transform: Affine, px_per_mm: float) -> bool:
    """A scan neither stretches nor shears a page, nor turns it beyond the feeder's play."""
    linear = transform[:, :2] / px_per_mm
    turn = np.degrees(np.arctan2(linear[1, 0], linear[0, 0]))
    stretch = np.linalg.svd(linear, compute_uv=False)
    return bool(abs(turn) < 5 and stretch.max() < 1.05 and stretch.min() > 0.95)


def _line_evidence(seen: Floats, lines: Sequence[Segment], px_per_mm: float) -> tuple[float, float]:
    """Share of the printed length that is dark, and how much darker than beside it."""
    covered = length = darker = 0.0
    for line in lines:
        band, beside = _bands(seen, line, px_per_mm)
        if band.size == 0:
            continue
        length += line.length_mm
        covered += line.length_mm * float((band >= LINE_DARK).mean())
        darker += line.length_mm * float(np.median(band - beside))
    return (covered / length, darker / length) if length else (0.0, 0.0)


def _bands(seen: Floats, line: Segment, px_per_mm: float) -> tuple[Floats, Floats]:
    """Along a line: the darkest within 0.5 mm across it, and the lighter of both sides 1.5 mm off."""
    upright = seen if line.is_across else seen.T
    start, end = (line.left, line.right) if line.is_across else (line.top, line.bottom)
    at = ((line.top if line.is_across else line.left) + PAD_MM) * px_per_mm
    first, last = round((start + 1 + PAD_MM) * px_per_mm), round((end - 1 + PAD_MM) * px_per_mm)
    near, off = max(1, round(0.5 * px_per_mm)), round(1.5 * px_per_mm)
    row = round(at)
    band = upright[max(0, row - near) : row + near + 1, first:last]
    above = upright[max(0, row - off - 1) : max(1, row - off + 1), first:last].max(axis=0)
    below = upright[row + off - 1 : row + off + 1, first:last].max(axis=0)
    return band.max(axis=0), np.minimum(above, below)


def _label_evidence(seen: Floats, drawn: Template, model: HeaderModel) -> float:
    """Mean correlation of the printed labels with what stands in their place, 1 mm of play."""
    if not model.texts:
        return 1.0
    play = round(1.0 * drawn.px_per_mm)
    blurred = cv2.GaussianBlur(seen, (0, 0), 0.3 * drawn.px_per_mm)
    wanted = cv2.GaussianBlur(drawn.print_, (0, 0), 0.3 * drawn.px_per_mm)
    scores = []
    for text in model.texts:
        left, top, right, bottom = (round((v + PAD_MM) * drawn.px_per_mm) for v in label_box(text))
        label = wanted[top : bottom + 1, left : right + 1]
        around = blurred[max(0, top - play) : bottom + 1 + play, max(0, left - play) : right + 1 + play]
        if around.shape[0] < label.shape[0] or around.shape[1] < label.shape[1] or around.max() < 0.1:
            scores.append(0.0)
            continue
        likeness = cv2.matchTemplate(around, label, cv2.TM_CCOEFF_NORMED)
        scores.append(max(0.0, float(likeness.max())))
    return float(np.mean(scores))


# --- Cutting out ----------------------------------------------------------------------------------


def header_crop(page_gray: Gray, match: HeaderMatch, model: HeaderModel | None = None) -> Gray:
    """The whole header, straight and upright, for people to look at.

    Args:
        page_gray: (height, width) uint8, the image the match belongs to.
        match: where the header is.
        model: its model, when it is not one of those shipped.

    Returns:
        (height, width) uint8 at the resolution of the image, 2 mm of margin.
    """
    model = model or model_named(match.model)
    return _rectified(page_gray, match, (0, 0, model.width_mm, model.height_mm), margin_mm=2.0)


def field_crop(
    page_gray: Gray,
    match: HeaderMatch,
    field: str,
    *,
    margin_mm: float = 1.0,
    model: HeaderModel | None = None,
) -> Gray:
    """A handwritten field, straight and upright, without the printed lines.

    A printed line is replaced by what stands just above and below it, so that
    a stroke that crosses it stays whole.

    Args:
        page_gray: (height, width) uint8, the image the match belongs to.
        match: where the header is.
        field: name of a field of the model.
        margin_mm: added around the field's box.
        model: its model, when it is not one of those shipped.

    Returns:
        (height, width) uint8 grey levels at the resolution of the image.
    """
    model = model or model_named(match.model)
    box = model.fields_mm[field]
    # Lines on the rim need rows on both sides of them to be taken away.
    spare_mm = margin_mm + _SPARE_MM
    crop = _rectified(page_gray, match, box, margin_mm=spare_mm)
    scale = _px_per_mm(match)
    for line in segments(model):
        _erase_line(crop, line, (box[0] - spare_mm, box[1] - spare_mm), scale)
    cut = round(_SPARE_MM * scale)
    return np.ascontiguousarray(crop[cut:-cut, cut:-cut])


_SPARE_MM = 3.0
_CHUNK_MM = 6.0
_SEARCH_MM = 0.8
_REACH_MM = 1.2
_VISIBLE_LEVELS = 12.0
"""Grey levels under which a line is as good as not printed."""


def _rectified(page_gray: Gray, match: HeaderMatch, box: BoxMm, *, margin_mm: float) -> Gray:
    scale = _px_per_mm(match)
    left, top, right, bottom = box
    width = round((right - left + 2 * margin_mm) * scale)
    height = round((bottom - top + 2 * margin_mm) * scale)
    from_crop = np.array([[1 / scale, 0, left - margin_mm], [0, 1 / scale, top - margin_mm]])
    crop = cv2.warpAffine(
        page_gray,
        _chain(match.transform, from_crop),
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return crop.astype(np.uint8, copy=False)


def _px_per_mm(match: HeaderMatch) -> float:
    return float(np.sqrt(abs(np.linalg.det(match.transform[:, :2]))))


def _erase_line(crop: Gray, line: Segment, origin_mm: tuple[float, float], scale: float) -> None:
    """Take one printed line out of a crop, in place.

    Where the line stands alone, column by column, its run of dark pixels is as thin as
    the line and is replaced by what is around; a thicker run is a stroke that
    crosses or touches the line, and stays (the way staff lines are taken out of music).
    """
    view = crop if line.is_across else crop.T
    along = (line.left, line.right) if line.is_across else (line.top, line.bottom)
    first_axis, second_axis = (0, 1) if line.is_across else (1, 0)
    at = ((line.top if line.is_across else line.left) - origin_mm[second_axis]) * scale
    start = max(0, round((along[0] - origin_mm[first_axis] - 1.0) * scale))
    end = min(view.shape[1], round((along[1] - origin_mm[first_axis] + 1.0) * scale))
    reach = round(_REACH_MM * scale)
    if end - start < 2 * reach or at < 2 * reach or at + 2 * reach >= view.shape[0]:
        return
    rows = _line_rows(view[:, start:end], at, scale)
    if rows is not None:
        _erase_runs(view[:, start:end], rows, reach)


def _line_rows(view: Gray, at: float, scale: float) -> npt.NDArray[np.int64] | None:
    """The row of a printed line in each column: chunks vote, a straight line is drawn through them."""
    search, chunk = round(_SEARCH_MM * scale), max(4, round(_CHUNK_MM * scale))
    low = round(at) - search
    found = []
    for left in range(0, view.shape[1], chunk):
        part = view[low : low + 2 * search + 1, left : left + chunk]
        # The median across a chunk sees the line and not the strokes that cross it.
        profile = np.median(part, axis=1)
        if part.shape[1] >= chunk // 2 and float(profile.max() - profile.min()) >= _VISIBLE_LEVELS:
            found.append((left + part.shape[1] / 2, low + float(np.argmin(profile))))
    if not found:
        return None
    middles, levels = np.array(found).T
    slope = 0.0
    if len(found) > 2:
        steps = np.diff(levels) / np.diff(middles)
        slope = float(np.median(steps))
    offset = float(np.median(levels - slope * middles))
    return np.asarray(np.rint(offset + slope * np.arange(view.shape[1])), dtype=np.int64)


def _erase_runs(view: Gray, rows: npt.NDArray[np.int64], reach: int) -> None:
    """Replace the dark runs around ``rows`` that are no thicker than the line itself."""
    offsets = np.arange(-reach, reach + 1)[:, None]
    columns = np.arange(view.shape[1])[None, :]
    patch = view[rows[None, :] + offsets, columns].astype(np.float32)
    paper = float(np.percentile(patch, 85))
    ink = float(np.median(patch[reach - 1 : reach + 2].min(axis=0)))
    if paper - ink < _VISIBLE_LEVELS:
        return
    dark = patch < (paper + ink) / 2
    on_line = dark[reach - 1 : reach + 2].any(axis=0)
    dark[reach - 1 : reach + 2] |= on_line
    above = np.cumprod(dark[reach - 1 :: -1], axis=0).sum(axis=0)
    below = np.cumprod(dark[reach + 1 :], axis=0).sum(axis=0)
    runs = above + below + 1
    if not on_line.any():
        return
    alone = on_line & (runs <= np.median(runs[on_line]) + 1)
    # Three rows further off than the run: the scanner blurs its edges.
    top, bottom = np.maximum(reach - above - 3, 0), np.minimum(reach + below + 3, 2 * reach)
    share = np.clip((offsets + reach - top) / np.maximum(bottom - top, 1), 0, 1)
    column = np.arange(view.shape[1])
    filled = patch[top, column] * (1 - share) + patch[bottom, column] * share
    inside = alone & (offsets + reach > top) & (offsets + reach < bottom)
    view[rows[None, :] + offsets, columns] = np.rint(np.where(inside, filled, patch)).astype(np.uint8)


# --- Geometry -------------------------------------------------------------------------------------


def _match(model: HeaderModel, score: float, transform: Affine) -> HeaderMatch:
    fields = {name: _box(transform, box) for name, box in model.fields_mm.items()}
    whole = _box(transform, (0, 0, model.width_mm, model.height_mm))
    return HeaderMatch(model.name, score, transform, whole, fields)


def shifted(match: HeaderMatch, left_px: int, top_px: int, model: HeaderModel) -> HeaderMatch:
    """The match in an image of which this one is the part that starts at (left, top)."""
    return match.moved(np.array([[1.0, 0, left_px], [0, 1.0, top_px]]), model)


def _box(transform: Affine, box: BoxMm) -> BoxPx:
    left, top, right, bottom = box
    corners = np.array([[left, top, 1], [right, top, 1], [left, bottom, 1], [right, bottom, 1]])
    points = corners @ transform.T
    low, high = np.floor(points.min(axis=0)), np.ceil(points.max(axis=0))
    return (int(low[0]), int(low[1]), int(high[0]), int(high[1]))


def _sampled(dark: Floats, to_page: Affine, width: int, height: int) -> Floats:
    seen = cv2.warpAffine(dark, to_page, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return seen.astype(np.float32, copy=False)


def _chain(outer: Affine, inner: Affine) -> Affine:
    """The 2x3 affine that applies ``inner``, then ``outer``."""
    linear = outer[:, :2] @ inner[:, :2]
    shift = outer[:, :2] @ inner[:, 2] + outer[:, 2]
    return np.hstack([linear, shift[:, None]]).astype(np.float64)
