"""From pages that look alike to images and sheets that were scanned twice. Proposals only: a person decides."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SURE = 0.74
"""Likeness that at least one page of an image must reach: other pages in the same hand reached 0.74, copies of
one text in one font (which no two people write) 0.78, the same page scanned twice 0.74 in 98 cases of 100."""

CONTRADICTED = 0.6
"""Under this likeness two pages are different ones, and so are the images that carry them."""

MOST_TWINS = 3
"""A page alike to pages of more images than this is print that everybody was given: it says nothing."""


@dataclass(frozen=True)
class AlikeHalves:
    """Two half-pages with a likeness of at least ``CONTRADICTED``: (image, half), counted from 0."""

    first: tuple[int, int]
    second: tuple[int, int]
    likeness: float


@dataclass(frozen=True)
class DoubleImage:
    """An image that looks like one scanned before it."""

    image: int
    other: int
    score: float


@dataclass(frozen=True)
class DoubleSheet:
    """A sheet of which every image that bears enough ink looks like one of another sheet."""

    sheet: int
    other: int
    score: float
    images: tuple[DoubleImage, ...]


@dataclass(frozen=True)
class Rescan:
    """Sheets in a row that are others in a row again, as when the end of a pile was fed twice.

    ``length`` 1 with ``other`` just before ``sheet`` is a sheet fed twice in a row.
    """

    sheet: int
    other: int
    length: int
    score: float


def double_images(
    pairs: Sequence[AlikeHalves], told: Mapping[int, Sequence[bool]]
) -> tuple[DoubleImage, ...]:
    """The images that were most likely scanned before, each with the one it looks most like.

    Args:
        pairs: pages that look alike, from ``imaging.likeness.alike(..., least=CONTRADICTED)``.
        told: for each image, in the order of scanning, whether each of its halves bears enough ink
            for a descriptor.
    """
    likeness = _without_common_print(pairs)
    touched = {(first[0], second[0]) for first, second in likeness}
    best: dict[int, DoubleImage] = {}
    for low, high in sorted(touched):
        score = _image_score(low, high, likeness, told)
        if score is not None and (high not in best or score > best[high].score):
            best[high] = DoubleImage(high, low, score)
    return tuple(best[image] for image in sorted(best))


_Likeness = dict[tuple[tuple[int, int], tuple[int, int]], float]


def _without_common_print(pairs: Sequence[AlikeHalves]) -> _Likeness:
    """Likeness by (earlier, later) half; halves of one image and pages alike to many are left out."""
    twins: dict[tuple[int, int], set[int]] = defaultdict(set)
    for pair in pairs:
        twins[pair.first].add(pair.second[0])
        twins[pair.second].add(pair.first[0])
    common = {half for half, images in twins.items() if len(images) > MOST_TWINS}
    kept: _Likeness = {}
    for pair in pairs:
        first, second = sorted((pair.first, pair.second))
        if first[0] != second[0] and not {first, second} & common:
            kept[first, second] = pair.likeness
    return kept


def _image_score(
    low: int, high: int, likeness: _Likeness, told: Mapping[int, Sequence[bool]]
) -> float | None:
    """Mean likeness of the halves laid the better way round; ``None`` when one of them contradicts."""
    size = min(len(told[low]), len(told[high]))
    scores = []
    for ways in {tuple(range(size)), tuple(reversed(range(size)))}:
        both = [(i, j) for i, j in enumerate(ways) if told[low][i] and told[high][j]]
        found = [likeness.get(((low, i), (high, j)), 0.0) for i, j in both]
        if found and min(found) >= CONTRADICTED and max(found) >= SURE:
            scores.append(sum(found) / len(found))
    return round(max(scores), 3) if scores else None


def double_sheets(
    doubles: Sequence[DoubleImage], sheets: Sequence[Sequence[int]], told: Mapping[int, Sequence[bool]]
) -> tuple[DoubleSheet, ...]:
    """The sheets whose images, all that bear ink, double images of one other sheet.

    Args:
        doubles: of ``double_images``.
        sheets: images of each sheet, sheets in the order of scanning.
        told: as in ``double_images``.
    """
    sheet_of = {image: sheet for sheet, images in enumerate(sheets) for image in images}
    by_image = {
        double.image: double for double in doubles if double.image in sheet_of and double.other in sheet_of
    }
    found = []
    for sheet, images in enumerate(sheets):
        inked = [image for image in images if any(told[image])]
        seen = [by_image[image] for image in inked if image in by_image]
        others = Counter(sheet_of[double.other] for double in seen) - Counter({sheet: len(seen)})
        if inked and len(seen) == len(inked) and len(others) == 1 and others.total() == len(inked):
            score = round(sum(double.score for double in seen) / len(seen), 3)
            found.append(DoubleSheet(sheet, next(iter(others)), score, tuple(seen)))
    return tuple(found)


def rescans(doubles: Sequence[DoubleSheet]) -> tuple[Rescan, ...]:
    """Join double sheets that follow one another on both sides."""
    found: list[Rescan] = []
    for double in sorted(doubles, key=lambda double: double.sheet):
        last = found[-1] if found else None
        if last and (double.sheet, double.other) == (last.sheet + last.length, last.other + last.length):
            score = min(last.score, double.score)
            found[-1] = Rescan(last.sheet, last.other, last.length + 1, score)
        else:
            found.append(Rescan(double.sheet, double.other, 1, double.score))
    return tuple(found)
