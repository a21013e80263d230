"""What paper a page is written on: the waves of its printed lines, both ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from core.domain.loose import RulingKind
from core.imaging.darkness import Gray
from core.imaging.quality import EDGE_MM
from core.imaging.straight import StraightPage

Signal = npt.NDArray[np.float64]

REGULAR = 0.45
"""Share of the ruled lines that fall in step, in the middle bands of the page."""

FAINTEST = 7.0
"""Mean grey levels below paper of the strongest twentieth of the rows under which nothing is ruled."""

_BANDS = 4
_BASE_MM = 2.5
_COLUMNS, _PALER = 16, 6
_WAVES = 2048
_DARKEST = 80
"""Ruling is fainter: the bars of a table must not count for more than the lines of the paper."""


@dataclass(frozen=True)
class Ruling:
    """What is printed on a page for writing on.

    Attributes:
        kind: ``seyes`` (8 mm, lines every 2 mm), ``squares`` (5 or 10 mm), ``lines``, ``graph``
            (millimetres), ``plain``: nothing seen, which a scan in black and white may do to any paper.
        period_mm: between two writing lines, or the side of a square; 0 for ``plain``.
        regularity: 0..1, how well the lines keep the period.
    """

    kind: RulingKind
    period_mm: float = 0.0
    regularity: float = 0.0


def ruling_of(page: StraightPage) -> Ruling:
    """Tell the ruling of a page by the waves of its long straight strokes, both ways."""
    rows = _Waves(_bands(page.across, page.px_per_mm), page.px_per_mm)
    columns = _Waves(_bands(page.down, page.px_per_mm), page.px_per_mm)
    if not rows.any:
        return Ruling("plain")
    if columns.at(8.0) >= REGULAR and max(rows.at(2.0), rows.at(8.0)) >= REGULAR:
        return Ruling("seyes", 8.0, round(columns.at(8.0), 2))
    for side_mm in (10.0, 5.0):
        if min(rows.at(side_mm), columns.at(side_mm)) >= REGULAR:
            return Ruling("squares", side_mm, round(min(rows.at(side_mm), columns.at(side_mm)), 2))
    if min(rows.at(1.0), columns.at(1.0)) >= REGULAR:
        return Ruling("graph", 1.0, round(min(rows.at(1.0), columns.at(1.0)), 2))
    period_mm, regularity = rows.best(5.5, 12.5)
    if regularity >= REGULAR:
        return Ruling("lines", round(period_mm, 1), round(regularity, 2))
    return Ruling("plain")


class _Waves:
    """Regularity of the lines of each band for every period."""

    def __init__(self, bands: Sequence[Signal], px_per_mm: float) -> None:
        ruled = [band for band in bands if _strength(band) >= FAINTEST]
        self.any = len(ruled) >= _BANDS - 1
        self._px_per_mm = px_per_mm
        shares = [self._shares_of(band) for band in bands]
        # The second weakest: the header of a first page hides the ruling of one band.
        self._shares = np.partition(np.array(shares), 1, axis=0)[1]

    @staticmethod
    def _shares_of(band: Signal) -> Signal:
        if _strength(band) < FAINTEST:
            return np.zeros(_WAVES // 2 + 1)
        return np.asarray(np.abs(np.fft.rfft(band, _WAVES)) / max(float(band.sum()), 1e-6))

    def at(self, period_mm: float) -> float:
        """Regularity near a period, within 2.5 %: paper and scanners stretch."""
        return self._peak(period_mm / 1.025, period_mm * 1.025)[1]

    def best(self, shortest_mm: float, longest_mm: float) -> tuple[float, float]:
        """The period of the most regular lines between two, and how regular they are."""
        return self._peak(shortest_mm, longest_mm)

    def _peak(self, shortest_mm: float, longest_mm: float) -> tuple[float, float]:
        if not self.any:
            return 0.0, 0.0
        lowest = int(np.floor(_WAVES / (longest_mm * self._px_per_mm)))
        highest = int(np.ceil(_WAVES / (shortest_mm * self._px_per_mm)))
        part = self._shares[lowest : min(highest, len(self._shares) - 1) + 1]
        at = lowest + int(part.argmax())
        return _WAVES / at / self._px_per_mm, float(part.max())


def _bands(lines: Gray, px_per_mm: float) -> list[Signal]:
    """Darkness of the long level strokes in each row, in bands from top to bottom.

    The paper's lines cross the whole width; what a pupil wrote or ruled crosses some of it. So each
    row counts by its paler columns.
    """
    height = lines.shape[0]
    rim = round(EDGE_MM * px_per_mm)
    inside = lines[rim : height - rim]
    few = cv2.resize(
        np.minimum(inside, np.uint8(_DARKEST)), (_COLUMNS, len(inside)), interpolation=cv2.INTER_AREA
    )
    profile = np.partition(few, _PALER, axis=1)[:, _PALER].astype(np.float32)[:, None]
    base = cv2.erode(profile, np.ones((round(_BASE_MM * px_per_mm) | 1, 1), np.uint8))
    return np.array_split((profile - base).ravel().astype(np.float64), _BANDS)


def _strength(band: Signal) -> float:
    top = np.sort(band)[-max(1, len(band) // 20) :]
    return float(top.mean())
