"""Are two scans pictures of the same page? Small descriptors of the ink, and how alike two of them are.

A descriptor is the ink of a half-page as a map of cells, printed ruling taken away. Two pages are laid
over each other as well as they go, upright or one upside down, then compared block by block: a common
header, a printed subject or an equal layout makes some blocks agree; a page scanned twice makes all of
them agree. So the worst third of the blocks decides.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from core.imaging.darkness import BoxPx, Floats
from core.imaging.quality import EDGE_MM
from core.imaging.straight import StraightPage

Cells = npt.NDArray[np.bool_]

ALIKE = 0.74
"""Likeness from which two half-pages are taken for the same page; ``domain.doubles`` joins the pages of an
image and accepts less for the second. Margins: ``python -m tests.bench.loose likeness``."""

PREFILTER = 0.85
"""Correlation of two signatures under which two pages are not looked at more closely: the same page gave
0.868 or more, 0.4 % of the pairs of other pages as much."""

CELL_MM = 0.6
"""Side of a cell: a stroke is about one wide."""

COARSER_CELLS_MM = (0.9, 1.2, 1.8)
"""For the rare page so full that its map of finer cells takes more than ``MOST_BYTES``; the last cannot."""

MOST_BYTES = 6_000

FEWEST_CELLS = 450
"""Ink, in cells of ``CELL_MM``, below which two pages cannot be told apart: two lines of writing. Two pupils
who write nothing but "Exercice 1" in the same place are alike, and so are the pages of nobody."""

REACH_MM = 12.0
"""How far apart the same point may lie on two scans: 5 mm of play on either."""

_BLOCK_MM = (15.0, 24.0)  # down, across: two lines of writing, two or three words
_PLAY_CELLS = 2
_BLUR_CELLS = 0.8
_LEAST_ENERGY = 5.0
_WORST_SHARE = 1 / 3
_COVERED = 40
"""Coverage (of 255) under which a cell bears no ink whatever the others do."""

_HEAD = 4
_WAVE_SHAPE = (160, 106)  # rows, columns of fourfold cells: 384 x 254 mm
_SHORTEST_WAVE_MM = 10.0
_CHUNK = 512


@dataclass(frozen=True, eq=False)
class _Ink:
    """The blurred ink of a page, (rows, columns) float32 in cells of ``CELL_MM``, and its search spectra."""

    map: Floats
    spectrum: npt.NDArray[np.complexfloating]
    upside_down: npt.NDArray[np.complexfloating]


def descriptor(page: StraightPage) -> bytes | None:
    """The ink of one half-page in at most 6 kB, 2 on the mean; ``None`` when there is too little to tell.

    Orientation does not matter, up to half a turn.
    """
    cells = _cells(page, CELL_MM)
    if int(cells.sum()) < FEWEST_CELLS:
        return None
    code = _coded(cells, CELL_MM)
    for cell_mm in COARSER_CELLS_MM:
        if len(code) > MOST_BYTES:
            code = _coded(_cells(page, cell_mm), cell_mm)
    return code


def _cells(page: StraightPage, cell_mm: float) -> Cells:
    """Which cells are inked: covered at least half as much as the page's inked cells usually are.

    So a thicker or paler passage through the copier gives the same cells.
    """
    width_mm, height_mm = page.size_mm
    rows, columns = round(height_mm / cell_mm), round(width_mm / cell_mm)
    # A mean over squares of about a cell, then a look at every cell: three times as fast as exact areas.
    reach = max(1, round(cell_mm * page.px_per_mm))
    mean = cv2.blur(page.strokes * np.uint8(255), (reach, reach))
    covered = cv2.resize(mean, (columns, rows), interpolation=cv2.INTER_LINEAR)
    rim = round(EDGE_MM / cell_mm)
    inside = np.zeros_like(covered)
    inside[rim:-rim, rim:-rim] = covered[rim:-rim, rim:-rim]
    inked = inside[inside > _COVERED]
    usual = float(np.median(inked)) if inked.size else 255.0
    return np.asarray(inside > max(_COVERED, 0.5 * usual))


def _coded(cells: Cells, cell_mm: float) -> bytes:
    rows, columns = cells.shape
    head = bytes((round(cell_mm * 100), rows >> 2, columns >> 2, (rows & 3) << 2 | columns & 3))
    return head + zlib.compress(np.packbits(cells).tobytes(), 5)


def _uncoded(code: bytes) -> Cells:
    """The cells of a descriptor, in cells of ``CELL_MM``.

    Raises:
        ValueError: The bytes are no descriptor.
    """
    try:
        rows, columns = code[1] << 2 | code[3] >> 2, code[2] << 2 | code[3] & 3
        bits = np.frombuffer(zlib.decompress(code[_HEAD:]), np.uint8)
        cells = np.unpackbits(bits, count=rows * columns).reshape(rows, columns)
    except (IndexError, zlib.error, ValueError) as error:
        raise ValueError("not a descriptor of likeness") from error
    scale = code[0] / 100 / CELL_MM
    if scale == 1.0:
        return cells.astype(bool)
    size = (round(columns * scale), round(rows * scale))
    return np.asarray(cv2.resize(cells, size, interpolation=cv2.INTER_NEAREST), dtype=bool)


# --- two pages ------------------------------------------------------------------------------------


def likeness(a: bytes, b: bytes) -> float:
    """How alike two pages are: 1 the same scan, above ``ALIKE`` the same page, about 0 two pages.

    Args:
        a: descriptor of a page.
        b: descriptor of another; either may have been scanned upside down.

    Raises:
        ValueError: One of them is no descriptor.
    """
    first, second = _decoded(a), _decoded(b)
    up, shift_up = _best_shift(first.spectrum, second.spectrum)
    down, shift_down = _best_shift(first.spectrum, second.upside_down)
    if up >= down:
        return _agreement(first.map, second.map, shift_up)
    return _agreement(first.map, second.map[::-1, ::-1], shift_down)


_SEARCH_SHAPE = (270, 192)  # rows, columns of double cells: 324 x 230 mm, A4 and US letter with room


@lru_cache(maxsize=48)
def _decoded(code: bytes) -> _Ink:
    cells = _uncoded(code).astype(np.float32)
    blurred = np.asarray(cv2.GaussianBlur(cells, (0, 0), _BLUR_CELLS), dtype=np.float32)
    return _Ink(blurred, _spectrum(blurred), _spectrum(blurred[::-1, ::-1]))


def _spectrum(blurred: Floats) -> npt.NDArray[np.complexfloating]:
    rows, columns = (min(size // 2, most) for size, most in zip(blurred.shape, _SEARCH_SHAPE, strict=True))
    whole = np.ascontiguousarray(blurred[: rows * 2, : columns * 2])
    half = cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA)
    return np.asarray(np.fft.rfft2(half - half.mean(), _SEARCH_SHAPE))


def _best_shift(
    a: npt.NDArray[np.complexfloating], b: npt.NDArray[np.complexfloating]
) -> tuple[float, tuple[int, int]]:
    """How well ``b`` can be laid over ``a``, and the (down, right) shift in cells that does it."""
    answer = np.fft.irfft2(a * np.conj(b), _SEARCH_SHAPE)
    reach = round(REACH_MM / CELL_MM / 2)
    near = np.roll(answer, (reach, reach), (0, 1))[: 2 * reach + 1, : 2 * reach + 1]
    at = int(near.argmax())
    return float(near.flat[at]), ((at // near.shape[1] - reach) * 2, (at % near.shape[1] - reach) * 2)


def _agreement(a: Floats, b: Floats, shift: tuple[int, int]) -> float:
    """Mean correlation of the worst third of the blocks, each with a little play for stretched scans."""
    over, under = _common(a, b, shift)
    answers, weights = [], []
    for left, top, right, bottom in _blocks(over.shape):
        block = over[top:bottom, left:right]
        window = under[top : bottom + 2 * _PLAY_CELLS, left : right + 2 * _PLAY_CELLS]
        core = window[_PLAY_CELLS:-_PLAY_CELLS, _PLAY_CELLS:-_PLAY_CELLS]
        here, there = float((block * block).sum()), float((core * core).sum())
        if max(here, there) < _LEAST_ENERGY:
            continue
        answers.append(_correlation(block, window) if min(here, there) > 0.1 * _LEAST_ENERGY else 0.0)
        weights.append(max(here, there) ** 0.5)
    return _mean_of_worst(np.array(answers), np.array(weights)) if answers else 0.0


def _correlation(block: Floats, window: Floats) -> float:
    if float(block.std()) < 1e-3:
        return 0.0
    answer = cv2.matchTemplate(window, block, cv2.TM_CCOEFF_NORMED)
    return float(np.nan_to_num(answer, posinf=0.0, neginf=0.0).max())


def _common(a: Floats, b: Floats, shift: tuple[int, int]) -> tuple[Floats, Floats]:
    """What both scans show of the page, rims left out: of ``a``, and of ``b`` with the play around."""
    down, right = shift
    rim = round(EDGE_MM / CELL_MM)
    top, bottom = max(rim, rim + down), min(a.shape[0] - rim, b.shape[0] - rim + down)
    left, end = max(rim, rim + right), min(a.shape[1] - rim, b.shape[1] - rim + right)
    moved = np.ascontiguousarray(b[top - down : bottom - down, left - right : end - right])
    play = (_PLAY_CELLS,) * 4
    framed = cv2.copyMakeBorder(moved, *play, cv2.BORDER_CONSTANT, value=0)
    return np.ascontiguousarray(a[top:bottom, left:end]), np.asarray(framed, dtype=np.float32)


def _blocks(shape: tuple[int, ...]) -> Iterator[BoxPx]:
    height, width = (round(side / CELL_MM) for side in _BLOCK_MM)
    for top in range(0, shape[0], height):
        for left in range(0, shape[1], width):
            yield left, top, min(left + width, shape[1]), min(top + height, shape[0])


def _mean_of_worst(answers: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]) -> float:
    order = np.argsort(answers)
    answers, weights = answers[order], weights[order]
    before = np.cumsum(weights) - weights
    counted = np.clip(_WORST_SHARE * weights.sum() - before, 0, weights)
    return round(max(0.0, float((answers * counted).sum() / counted.sum())), 3)


# --- many pages -----------------------------------------------------------------------------------


@dataclass(frozen=True, order=True)
class AlikePair:
    """Two pages by their places in the two lists compared."""

    first: int
    second: int
    likeness: float


def alike(
    descriptors: Sequence[bytes], against: Sequence[bytes] | None = None, *, least: float = ALIKE
) -> list[AlikePair]:
    """All pairs of pages that are the same page.

    Args:
        descriptors: pages.
        against: other pages; without them, ``descriptors`` among themselves, each pair once.
        least: likeness asked for.

    Raises:
        ValueError: One of them is no descriptor.
    """
    pairs = candidates(descriptors, against)
    others = descriptors if against is None else against
    scored = (AlikePair(i, j, likeness(descriptors[i], others[j])) for i, j in pairs)
    return [pair for pair in scored if pair.likeness >= least]


def candidates(descriptors: Sequence[bytes], against: Sequence[bytes] | None = None) -> list[tuple[int, int]]:
    """Pairs worth comparing closely, by one product of signatures: 2,000 pages in about four seconds.

    Memory: 8 kB a page, and blocks of ``_CHUNK`` pages against all.

    Raises:
        ValueError: One of them is no descriptor.
    """
    ours = _signatures(descriptors)
    theirs = ours if against is None else _signatures(against)
    found: list[tuple[int, int]] = []
    for start in range(0, len(ours), _CHUNK):
        answers = ours[start : start + _CHUNK] @ theirs.T
        rows, columns = np.nonzero(answers >= PREFILTER)
        found += [
            (start + int(i), int(j))
            for i, j in zip(rows, columns, strict=True)
            if against is not None or start + i < j
        ]
    return found


def _signatures(descriptors: Sequence[bytes]) -> Floats:
    """(pages, about 1,900) float32, mean 0 and length 1."""
    if not descriptors:
        return np.zeros((0, 1), np.float32)
    rows = np.stack([_signature(_uncoded(code)) for code in descriptors])
    rows -= rows.mean(axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6), dtype=np.float32)


def _signature(cells: Cells) -> Floats:
    """Strength of the long waves of the ink: the same wherever the page lies, and upside down."""
    rows, columns = cells.shape
    small = cv2.resize(cells.astype(np.float32), (columns // 4, rows // 4), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), 0.5)[: _WAVE_SHAPE[0], : _WAVE_SHAPE[1]]
    strength = np.abs(np.fft.rfft2(soft, _WAVE_SHAPE))
    down, right = (round(side * 4 * CELL_MM / _SHORTEST_WAVE_MM) for side in _WAVE_SHAPE)
    long = np.vstack([strength[:down], strength[-down:]])[:, :right]
    long[0, 0] = 0.0
    return np.asarray(np.sqrt(long).ravel(), dtype=np.float32)
