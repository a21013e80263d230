"""Whether the lines and words of a header really stand where it was laid over a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from core.imaging.darkness import Floats
from core.imaging.header_models import HeaderModel
from core.imaging.templates import PAD_MM, Segment, Template, patch_boxes, segments

LINE_DARK = 0.30
"""Darkness at which a point of a printed line counts as printed."""

MIN_COVERAGE = 0.75
"""Share of the printed line length that must be dark: headers 0.98 or more (0.89 printed at
96 %), tables and frames 0.60 or less."""

MIN_LABELS = 0.45
"""Mean likeness of the printed labels: headers gave 0.54 or more in six typefaces; tables and
frames up to 0.61, which the coverage of the printed lines rejects."""

MIN_PICTURE = 0.55
"""The same for a learned header, whose very print is known."""

MIN_WORDS_ALONE = 0.65
"""The same for a learned header with hardly a line: its words are all there is."""

MIN_CONTRAST = 0.20
"""Printed lines must be darker than the paper just beside them by this much."""

FEW_LINES_MM = 60.0
"""Printed lines shorter than this in all prove nothing."""

_TRUSTED = 0.75
"""Share of a learned header's words that counts, best first: handwriting may have been learned as print."""

_INSET_MM = 1.0


@dataclass(frozen=True)
class Evidence:
    """What speaks for a header in one place.

    Attributes:
        coverage: share of the printed line length that is dark; ``None`` for a header without lines.
        contrast: how much darker the lines are than what is beside them, 0..1.
        likeness: 0..1, mean correlation of the printed words; ``None`` for a header without words.
    """

    coverage: float | None
    contrast: float
    likeness: float | None

    def suffices(self, model: HeaderModel, share: float = 1.0) -> bool:
        """Whether the header is there; ``share`` below 1 asks for less, before the place is refined."""
        if self.coverage is None and self.likeness is None:
            return False
        least = MIN_LABELS
        if model.picture is not None:
            least = MIN_WORDS_ALONE if self.coverage is None else MIN_PICTURE
        lines = self.coverage is None or (
            self.coverage >= share * MIN_COVERAGE and self.contrast >= share * MIN_CONTRAST
        )
        return lines and (self.likeness is None or self.likeness >= share * least)

    @property
    def score(self) -> float:
        """0..1, lines and words alike."""
        known = [min(1.0, part) for part in (self.coverage, self.likeness) if part is not None]
        return round(float(np.mean(known)), 3) if known else 0.0


def evidence(seen: Floats, drawn: Template, model: HeaderModel) -> Evidence:
    """Compare a model with what lies in its place.

    Args:
        seen: (height, width) float32 0..1, the page brought to the frame of ``drawn``.
        drawn: the model at that scale.
        model: the model.
    """
    lines = [line for line in segments(model) if line.length_mm > 4 * _INSET_MM]
    coverage, contrast = None, 0.0
    if sum(line.length_mm for line in lines) >= FEW_LINES_MM:
        coverage, contrast = _line_evidence(seen, lines, drawn.px_per_mm)
    return Evidence(coverage, contrast, _word_evidence(seen, drawn, model))


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
    first = round((start + _INSET_MM + PAD_MM) * px_per_mm)
    last = round((end - _INSET_MM + PAD_MM) * px_per_mm)
    near, off = max(1, round(0.5 * px_per_mm)), round(1.5 * px_per_mm)
    row = round(at)
    band = upright[max(0, row - near) : row + near + 1, first:last]
    above = upright[max(0, row - off - 1) : max(1, row - off + 1), first:last].max(axis=0)
    below = upright[row + off - 1 : row + off + 1, first:last].max(axis=0)
    return band.max(axis=0), np.minimum(above, below)


def _word_evidence(seen: Floats, drawn: Template, model: HeaderModel) -> float | None:
    """Mean correlation of the printed words with what stands in their place, 1 mm of play."""
    boxes = patch_boxes(model)
    if not boxes:
        return None
    play = round(1.0 * drawn.px_per_mm)
    blurred = cv2.GaussianBlur(seen, (0, 0), 0.3 * drawn.px_per_mm)
    wanted = cv2.GaussianBlur(drawn.print_, (0, 0), 0.3 * drawn.px_per_mm)
    scores = []
    for box in boxes:
        left, top, right, bottom = (round((v + PAD_MM) * drawn.px_per_mm) for v in box)
        label = wanted[top : bottom + 1, left : right + 1]
        around = blurred[max(0, top - play) : bottom + 1 + play, max(0, left - play) : right + 1 + play]
        if around.shape[0] < label.shape[0] or around.shape[1] < label.shape[1] or around.max() < 0.1:
            scores.append(0.0)
            continue
        likeness = cv2.matchTemplate(around, label, cv2.TM_CCOEFF_NORMED)
        scores.append(max(0.0, float(likeness.max())))
    if model.picture is not None:
        scores = sorted(scores, reverse=True)[: max(1, round(_TRUSTED * len(scores)))]
    return float(np.mean(scores))
