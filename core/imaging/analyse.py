"""Everything seen on one image of a scan: halves, orientation, header, skew, blanks, quality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.domain.sheets import HalfFinding, HalfName, HeaderSeen, SideFinding
from core.imaging.darkness import BoxPx, DarkMap, Gray, dark_map
from core.imaging.deskew import skew_of
from core.imaging.halves import Half, first_page_half, from_upright, split, turned
from core.imaging.header import HeaderMatch, find_in_map, from_map, model_named, shifted
from core.imaging.header_models import HeaderModel, builtin_models
from core.imaging.layout import Layout, is_a3
from core.imaging.quality import Quality, assess_map, skew_flags


@dataclass(frozen=True, eq=False)
class HalfReport:
    """One half of an image.

    Attributes:
        half: its name in the image as fed.
        box: pixels of the image as fed.
        skew_deg: of the sheet, positive when turned clockwise; its two halves are one piece of paper.
        quality: ink, blankness, contrast.
        dark: its map, as fed, for whatever else is looked for on it.
        header: the header found on it, in pixels of the image as fed.
    """

    half: HalfName
    box: BoxPx
    skew_deg: float
    quality: Quality
    dark: DarkMap
    header: HeaderMatch | None = None

    @property
    def blank(self) -> bool:
        """Whether nothing is written on the half."""
        return self.quality.is_blank

    @property
    def flags(self) -> tuple[str, ...]:
        """Codes of what a person should look at."""
        return self.quality.flags if self.blank else (*self.quality.flags, *skew_flags(self.skew_deg))


@dataclass(frozen=True, eq=False)
class ImageFinding:
    """What was seen on one image.

    Attributes:
        rotation_deg: clockwise turn (0, 90, 180, 270) that makes the image upright, known from its
            header; ``None`` when no header tells.
        halves: in the order of the image as fed.
    """

    rotation_deg: int | None
    halves: tuple[HalfReport, ...]

    @property
    def header(self) -> HeaderMatch | None:
        """The header of the image, wherever it is."""
        return next((half.header for half in self.halves if half.header is not None), None)


def analyse_image(
    gray: Gray, dpi: float, *, layout: Layout, models: Sequence[HeaderModel] | None = None
) -> ImageFinding:
    """Look at one image as it was fed.

    Args:
        gray: (height, width) uint8, 0 is black.
        dpi: its resolution.
        layout: layout of the file; an image too small to be A3 is one full half all the same.
        models: headers to look for; those shipped with Korrigo by default.
    """
    models = builtin_models() if models is None else models
    height, width = gray.shape
    size_mm = (width / dpi * 25.4, height / dpi * 25.4)
    if layout == "a3" and not is_a3(size_mm):
        layout = "a4"
    page = dark_map(gray, dpi)
    parts = [(half, page.cut(_on_map(half.box, page))) for half in split(width, height, layout)]
    # Lines of writing run down an image fed a quarter turned.
    skew = skew_of(_turned_map(page, min(_turns(parts))))
    reports = [HalfReport(half.name, half.box, skew, assess_map(part, skew), part) for half, part in parts]
    rotation, at, header = _orient(parts, reports, models)
    if at is not None:
        reports[at] = replace(reports[at], header=header)
    return ImageFinding(rotation, tuple(reports))


def side_finding(image: int, finding: ImageFinding) -> SideFinding:
    """The part of a finding that the assembly of sheets needs."""
    halves = tuple(
        HalfFinding(half.half, half.blank, _header_seen(half.header), half.flags) for half in finding.halves
    )
    return SideFinding(image, halves, finding.rotation_deg)


def _header_seen(found: HeaderMatch | None) -> HeaderSeen | None:
    return HeaderSeen(found.model, found.kind) if found is not None else None


def unreadable_side(image: int, width_px: int, height_px: int, layout: Layout) -> SideFinding:
    """A finding for an image that could not be decoded, of the size its page declares."""
    halves = tuple(HalfFinding(half.name) for half in split(width_px, height_px, layout))
    return SideFinding(image, halves, None, unreadable=True)


def _orient(
    parts: Sequence[tuple[Half, DarkMap]],
    reports: Sequence[HalfReport],
    models: Sequence[HeaderModel],
) -> tuple[int | None, int | None, HeaderMatch | None]:
    """Try the header where P1 would be under each turn the image's shape allows, upright first."""
    for rotation in _turns(parts):
        at = _first_page(parts, rotation)
        half, part = parts[at]
        if reports[at].blank:
            continue
        found = find_in_map(_turned_map(part, rotation), reports[at].skew_deg, models)
        if found is not None:
            return rotation, at, _as_fed(found, half, part, rotation, model_named(found.model, models))
    return None, None, None


def _turns(parts: Sequence[tuple[Half, DarkMap]]) -> tuple[int, int]:
    left, top, right, bottom = parts[0][0].box
    if len(parts) == 2:
        return (0, 180) if parts[0][0].name == "left" else (90, 270)
    return (0, 180) if bottom - top >= right - left else (90, 270)


def _first_page(parts: Sequence[tuple[Half, DarkMap]], rotation: int) -> int:
    if len(parts) == 1:
        return 0
    wanted = first_page_half(rotation)
    return next(i for i, (half, _) in enumerate(parts) if half.name == wanted)


def _turned_map(part: DarkMap, rotation: int) -> DarkMap:
    if rotation == 0:
        return part
    return DarkMap(turned(part.dark, rotation), part.below_paper, part.paper, part.px_per_mm, part.step)


def _as_fed(found: HeaderMatch, half: Half, part: DarkMap, rotation: int, model: HeaderModel) -> HeaderMatch:
    """From pixels of the upright map of a half to pixels of the whole image as fed."""
    rows, columns = part.dark.shape
    on_map = found.moved(from_upright(columns, rows, rotation), model)
    on_half = on_map.moved(from_map(part.step), model)
    left, top = half.box[0] // part.step * part.step, half.box[1] // part.step * part.step
    return shifted(on_half, left, top, model)


def _on_map(box: BoxPx, page: DarkMap) -> BoxPx:
    rows, columns = page.dark.shape
    left, top, right, bottom = (value // page.step for value in box)
    return (left, top, min(right, columns), min(bottom, rows))
