"""Find a known printed header on a page and cut its fields out.

A four-sided contour is no header: ruled paper and pupils' tables are full of
them. Here a model's own print is laid over the dark map of the page; the
position is refined, then each printed line and each label must really be there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from core.imaging.darkness import BoxPx, DarkMap, Floats, Gray, dark_map
from core.imaging.deskew import skew_of, straightened
from core.imaging.header_evidence import Evidence, evidence
from core.imaging.header_models import BoxMm, HeaderKind, HeaderModel, builtin_models
from core.imaging.printed_lines import erase_line
from core.imaging.templates import PAD_MM, segments, template

Affine = npt.NDArray[np.float64]

MAX_SHIFT_MM = 18.0
"""How far a header may lie from its printed place: 15 mm, and some for the skew."""

COARSE_SCORE = 0.25
"""Kernel response worth refining; the weakest header seen gave 0.38."""

SURE_SCORE = 0.85
"""A match that needs no second opinion from the other candidates."""

MAX_SIDEWAYS_MM = 30.0
"""The same across: an A3 sheet is not always folded, nor cut, in its middle."""

MAX_GAIN = 4.0
"""A header is looked for on a scan with this much less contrast than usual; fainter, noise is as dark."""

FLAT_BELOW_MM = 150.0
"""A header with shorter lines in all is taken as of the size it was printed in."""

HEADER_MARGIN_MM = 2.0
"""Left around a header that is cut out."""

_USUAL_INK = 0.8
_SHORTLIST = 4
_COARSE_SHARE, _HALF_SHARE = 0.75, 0.85
"""Shares of the evidence a header must show at half the resolution, before and after it is laid more closely."""

_WHOLE = 0.93
"""Coverage of a header nothing is missing of."""

_TRUE_SIZE = 0.012
"""How far from its printed size a header may be of which only a part is seen."""

_FINE_PX_PER_MM = 3.5
"""A map this fine can be halved and its words still be told apart."""

_HALVED = np.array([[0.5, 0, -0.25], [0, 0.5, -0.25]])
_DOUBLED = np.array([[2.0, 0, 0.5], [0, 2.0, 0.5]])
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
        kind: whether its page begins a copy's sheet or is an annex.
    """

    model: str
    score: float
    transform: Affine
    box: BoxPx
    fields: dict[str, BoxPx]
    kind: HeaderKind = "copy"

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
    if not models:
        return None
    top = _top(page, models)
    best: HeaderMatch | None = None
    small = _halved(top.dark)
    for start in _candidates(top, skew, models):
        if best is not None and best.model == start.model.name:
            continue
        found = _settled(top, small, start)
        if found is not None and (best is None or found.evidence.score > best.score):
            best = _match(start.model, found.evidence.score, found.place)
            if best.score >= SURE_SCORE:
                break
    return best


def _top(page: DarkMap, models: Sequence[HeaderModel]) -> DarkMap:
    """The part of a page where a header may lie, as dark as a scan usually is."""
    reach_mm = max(model.page_top_mm + model.height_mm for model in models) + MAX_SHIFT_MM + PAD_MM
    rows = min(page.dark.shape[0], round(reach_mm * page.px_per_mm))
    part = page.cut((0, 0, page.dark.shape[1], rows))
    sample = part.dark[::2, ::2]
    ink = float(np.percentile(sample, 99.5)) if sample.size else 0.0
    gain = min(MAX_GAIN, _USUAL_INK / ink) if ink > 0 else 1.0
    if gain <= 1:
        return part
    dark = np.minimum(part.dark * np.float32(gain), np.float32(1))
    return replace(part, dark=dark)


@dataclass(frozen=True, eq=False)
class _Start:
    model: HeaderModel
    transform: Affine
    response: float


def _candidates(top: DarkMap, skew: float, models: Sequence[HeaderModel]) -> list[_Start]:
    """Where each model answers best at half the map's resolution, best first."""
    half = top.px_per_mm / 2
    pad = round(MAX_SHIFT_MM * half)
    straight, back = straightened(top.dark, skew)
    thick = np.asarray(cv2.dilate(straight, np.ones((3, 3), np.uint8)), dtype=np.float32)
    field = np.pad(_halved(thick), pad)
    starts = [start for model in models for start in _peaks(field, pad, back, model, top.px_per_mm)]
    starts.sort(key=lambda start: -start.response)
    return [start for start in starts if start.response >= COARSE_SCORE][:_SHORTLIST]


def _peaks(field: Floats, pad: int, back: Affine, model: HeaderModel, px_per_mm: float) -> list[_Start]:
    """The two best places of a model on a straightened strip, padded by ``pad`` and at half resolution."""
    half = px_per_mm / 2
    kernel = template(model, half).kernel
    # (x, y) of the answer places the template's corner, PAD_MM outside the header.
    usual_x = round((model.page_left_mm - PAD_MM) * half) + pad
    usual_y = round((model.page_top_mm - PAD_MM) * half) + pad
    first = max(0, usual_x - round(MAX_SIDEWAYS_MM * half))
    last = usual_x + round(MAX_SIDEWAYS_MM * half) + kernel.shape[1]
    part = field[: usual_y + pad + kernel.shape[0], first:last]
    if part.shape[0] < kernel.shape[0] or part.shape[1] < kernel.shape[1]:
        return []
    answer = cv2.matchTemplate(part, kernel, cv2.TM_CCORR)
    found = []
    for _ in range(2):
        _, response, _, (x, y) = cv2.minMaxLoc(answer)
        left, top = (x + first - pad + PAD_MM * half) * 2, (y - pad + PAD_MM * half) * 2
        place = np.array([[px_per_mm, 0, left], [0, px_per_mm, top]], dtype=np.float64)
        found.append(_Start(model, _chain(back, place), float(response)))
        cv2.rectangle(answer, (x - 4, y - 4), (x + 4, y + 4), -1.0, -1)
    return found


def _settled(top: DarkMap, small: Floats, start: _Start) -> _Settled | None:
    """Evidence and exact place of a header that is really there, else ``None``.

    Args:
        top: the top of the page.
        small: its darkness at half the resolution.
        start: about where the header may be, in pixels of ``top``.
    """
    model, scale = start.model, top.px_per_mm
    # A line of words is too flat to tell how far a scanner stretched the page downwards.
    flat = sum(line.length_mm for line in segments(model)) < FLAT_BELOW_MM
    motion = cv2.MOTION_EUCLIDEAN if flat else cv2.MOTION_AFFINE
    rough = start.transform
    if scale >= _FINE_PX_PER_MM:
        # Four times less to look at; what is no header is mostly found out here.
        rough = _chain(_HALVED, rough)
        if not _evidence(small, scale / 2, model, rough).suffices(model, _COARSE_SHARE):
            return None
        rough = _refined(small, scale / 2, model, rough, 5, cv2.MOTION_EUCLIDEAN)
        rigid = _chain(_DOUBLED, rough)
        if not flat:
            rough = _refined(small, scale / 2, model, rough, 3, motion)
        if not _evidence(small, scale / 2, model, rough).suffices(model, _HALF_SHARE):
            return None
        rough = _chain(_DOUBLED, rough)
    else:
        rough = rigid = _refined(top.dark, scale, model, rough, 9, cv2.MOTION_EUCLIDEAN)
    settled = _verified(top, model, _refined(top.dark, scale, model, rough, 3, motion))
    if flat or settled is None or settled.evidence.coverage is None or settled.evidence.coverage >= _WHOLE:
        return settled
    # With a part torn off or hidden, what is left must not be stretched over the hole.
    unstretched = _verified(top, model, _refined(top.dark, scale, model, rigid, 3, cv2.MOTION_EUCLIDEAN))
    either = [
        one for one in (settled, unstretched) if one is not None and _stretch(one.place, scale) < _TRUE_SIZE
    ]
    return max(either, key=lambda one: one.evidence.score, default=None)


@dataclass(frozen=True, eq=False)
class _Settled:
    evidence: Evidence
    place: Affine


def _verified(top: DarkMap, model: HeaderModel, place: Affine) -> _Settled | None:
    if not _plausible(place, top.px_per_mm):
        return None
    seen = _evidence(top.dark, top.px_per_mm, model, place)
    return _Settled(seen, place) if seen.suffices(model) else None


def _refined(
    dark: Floats, px_per_mm: float, model: HeaderModel, start: Affine, blur: int, motion: int
) -> Affine:
    """Lay the template over the page more closely, by enhanced correlation (Evangelidis & Psarakis 2008)."""
    drawn = template(model, px_per_mm)
    to_page = _chain(start, _unpadded(px_per_mm))
    height, width = drawn.print_.shape
    # Bring the page to the template first, so that what is sought is small and the mask known.
    seen = _sampled(dark, to_page, width, height)
    goal = cv2.GaussianBlur(drawn.print_, (0, 0), 1.0)
    warp = np.eye(2, 3, dtype=np.float32)
    try:
        _, found = cv2.findTransformECC(
            goal, seen, warp, motion, (_PATIENCE, 25, 1e-4), drawn.free * np.uint8(255), blur
        )
    except cv2.error:  # the correlation does not converge: nothing like the template is here
        return start
    pad = np.array([[px_per_mm, 0, PAD_MM * px_per_mm], [0, px_per_mm, PAD_MM * px_per_mm]])
    return _chain(to_page, _chain(np.asarray(found, dtype=np.float64), pad))


def _evidence(dark: Floats, px_per_mm: float, model: HeaderModel, transform: Affine) -> Evidence:
    drawn = template(model, px_per_mm)
    height, width = drawn.print_.shape
    seen = _sampled(dark, _chain(transform, _unpadded(px_per_mm)), width, height)
    return evidence(seen, drawn, model)


def _unpadded(px_per_mm: float) -> Affine:
    """From pixels of a template to millimetres of its model."""
    return np.array([[1 / px_per_mm, 0, -PAD_MM], [0, 1 / px_per_mm, -PAD_MM]], dtype=np.float64)


def _plausible(transform: Affine, px_per_mm: float) -> bool:
    """A scan neither stretches nor shears a page, nor turns it beyond the feeder's play."""
    turn = np.degrees(np.arctan2(transform[1, 0], transform[0, 0]))
    return bool(abs(turn) < 5 and _stretch(transform, px_per_mm) < 0.05)


def _stretch(transform: Affine, px_per_mm: float) -> float:
    """By how much a header is larger or smaller than printed, at most, in any direction."""
    return float(np.abs(np.linalg.svd(transform[:, :2] / px_per_mm, compute_uv=False) - 1).max())


# --- Cutting out ----------------------------------------------------------------------------------


def header_crop(page_gray: Gray, match: HeaderMatch, model: HeaderModel | None = None) -> Gray:
    """The whole header, straight and upright, for people to look at.

    Args:
        page_gray: (height, width) uint8, the image the match belongs to.
        match: where the header is.
        model: its model, when it is not one of those shipped.

    Returns:
        (height, width) uint8 at the resolution of the image, with ``HEADER_MARGIN_MM`` around.
    """
    model = model or model_named(match.model)
    return _rectified(page_gray, match, (0, 0, model.width_mm, model.height_mm), margin_mm=HEADER_MARGIN_MM)


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
        erase_line(crop, line, (box[0] - spare_mm, box[1] - spare_mm), scale)
    cut = round(_SPARE_MM * scale)
    return np.ascontiguousarray(crop[cut:-cut, cut:-cut])


_SPARE_MM = 3.0


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


# --- Geometry -------------------------------------------------------------------------------------


def _match(model: HeaderModel, score: float, transform: Affine) -> HeaderMatch:
    fields = {name: _box(transform, box) for name, box in model.fields_mm.items()}
    whole = _box(transform, (0, 0, model.width_mm, model.height_mm))
    return HeaderMatch(model.name, score, transform, whole, fields, model.kind)


def shifted(match: HeaderMatch, left_px: int, top_px: int, model: HeaderModel) -> HeaderMatch:
    """The match in an image of which this one is the part that starts at (left, top)."""
    return match.moved(np.array([[1.0, 0, left_px], [0, 1.0, top_px]]), model)


def _box(transform: Affine, box: BoxMm) -> BoxPx:
    left, top, right, bottom = box
    corners = np.array([[left, top, 1], [right, top, 1], [left, bottom, 1], [right, bottom, 1]])
    points = corners @ transform.T
    low, high = np.floor(points.min(axis=0)), np.ceil(points.max(axis=0))
    return (int(low[0]), int(low[1]), int(high[0]), int(high[1]))


def _halved(dark: Floats) -> Floats:
    half = cv2.resize(dark, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return np.asarray(half, dtype=np.float32)


def _sampled(dark: Floats, to_page: Affine, width: int, height: int) -> Floats:
    seen = cv2.warpAffine(dark, to_page, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return seen.astype(np.float32, copy=False)


def _chain(outer: Affine, inner: Affine) -> Affine:
    """The 2x3 affine that applies ``inner``, then ``outer``."""
    linear = outer[:, :2] @ inner[:, :2]
    shift = outer[:, :2] @ inner[:, 2] + outer[:, 2]
    return np.hstack([linear, shift[:, None]]).astype(np.float64)
