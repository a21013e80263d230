"""Is a file a PDF that can be taken in? Checked before any page is drawn."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pikepdf

from core.errors import BadInput

MAX_PAGES = 2000
MAX_SIDE_PT = 14_400.0
"""Largest side ISO 32000-1 (annex C.2) expects a reader to take: 200 inches."""

_HEAD_BYTES = 1024
_TAIL_BYTES = 2048


@dataclass(frozen=True)
class PageInfo:
    """One page: visible size in points as a viewer shows it, that is after ``rotate``."""

    index: int
    width_pt: float
    height_pt: float
    rotate: int


@dataclass(frozen=True)
class PdfInfo:
    """What a PDF holds."""

    page_count: int
    pages: tuple[PageInfo, ...]


def inspect(path: Path, *, max_pages: int = MAX_PAGES, max_side_pt: float = MAX_SIDE_PT) -> PdfInfo:
    """Check a file and measure its pages.

    A PDF that opens without a password is taken even when its owner restricted
    what may be done with it.

    Raises:
        BadInput: ``file_empty``, ``not_a_pdf``, ``pdf_truncated``, ``pdf_encrypted``,
            ``pdf_no_pages``, ``pdf_too_many_pages`` (pages, limit), ``pdf_page_too_large``
            (page, 1-based), ``pdf_page_without_size`` (page, 1-based).
    """
    with opened(path) as pdf:
        count = len(pdf.pages)
        if count == 0:
            raise BadInput("pdf_no_pages")
        if count > max_pages:
            raise BadInput("pdf_too_many_pages", pages=count, limit=max_pages)
        pages = tuple(_page_info(page, index, max_side_pt) for index, page in enumerate(pdf.pages))
    return PdfInfo(count, pages)


@contextmanager
def opened(path: Path) -> Iterator[pikepdf.Pdf]:
    """Open a PDF that is whole.

    Raises:
        BadInput: As ``inspect``, for what concerns the file.
    """
    ends_well = _check_ends(path)
    with _opened_pdf(path, ends_well=ends_well) as pdf:
        yield pdf


def _check_ends(path: Path) -> bool:
    """Whether the file ends as a PDF does; refuses what does not even begin as one."""
    size = path.stat().st_size
    if size == 0:
        raise BadInput("file_empty")
    with path.open("rb") as file:
        if b"%PDF-" not in file.read(_HEAD_BYTES):
            raise BadInput("not_a_pdf")
        file.seek(max(0, size - _TAIL_BYTES))
        tail = file.read()
    return b"%%EOF" in tail and b"startxref" in tail


def _opened_pdf(path: Path, *, ends_well: bool) -> pikepdf.Pdf:
    """Open strictly; a file without its end is never repaired, since pages may be missing."""
    try:
        return pikepdf.open(path, attempt_recovery=False, suppress_warnings=True)
    except pikepdf.PasswordError as error:
        raise BadInput("pdf_encrypted") from error
    except pikepdf.PdfError as error:
        if not ends_well:
            raise BadInput("pdf_truncated") from error
    try:
        pdf = pikepdf.open(path, suppress_warnings=True)
    except pikepdf.PdfError as error:
        raise BadInput("pdf_truncated") from error
    if not _images_whole(pdf):
        pdf.close()
        raise BadInput("pdf_truncated")
    return pdf


def _images_whole(pdf: pikepdf.Pdf) -> bool:
    """Whether every page of a repaired file still has an image or content, and each JPEG its end."""
    for page in pdf.pages:
        try:
            images = list(page_images(page))
            contents = page.obj.get("/Contents")
            if contents is None:
                return False
            for image in images:
                data = image.read_raw_bytes()
                if filter_names(image) == ["/DCTDecode"] and b"\xff\xd9" not in data[-64:]:
                    return False
        except pikepdf.PdfError:
            return False
    return True


def page_images(page: pikepdf.Page) -> Iterator[pikepdf.Stream]:
    """Image streams a page names directly."""
    resources = page.obj.get("/Resources")
    named = resources.get("/XObject") if isinstance(resources, pikepdf.Dictionary) else None
    if not isinstance(named, pikepdf.Dictionary):
        return
    for key in named.keys():  # noqa: SIM118 - a pikepdf dictionary iterates over its keys only this way
        value = named[key]
        if isinstance(value, pikepdf.Stream) and value.get("/Subtype") == pikepdf.Name.Image:
            yield value


def filter_names(image: pikepdf.Stream) -> list[str]:
    """Names of the filters of a stream, outermost first."""
    filters: Any = image.get("/Filter")
    if filters is None:
        return []
    if isinstance(filters, pikepdf.Array):
        return [str(name) for name in filters]
    return [str(filters)]


def _page_info(page: pikepdf.Page, index: int, max_side_pt: float) -> PageInfo:
    left, bottom, right, top = visible_box(page, index)
    unit = _number(page.obj.get("/UserUnit", 1))
    sides = (abs(right - left) * unit, abs(top - bottom) * unit)
    if max(sides) > max_side_pt:
        raise BadInput("pdf_page_too_large", page=index + 1)
    if min(sides) < 1:
        raise BadInput("pdf_page_without_size", page=index + 1)
    rotate = rotation(page)
    width, height = sides[::-1] if rotate in (90, 270) else sides
    return PageInfo(index, width, height, rotate)


def visible_box(page: pikepdf.Page, index: int) -> tuple[float, float, float, float]:
    """The crop box of a page within its media box, in user space units: left, bottom, right, top.

    Raises:
        BadInput: ``pdf_page_without_size`` (page, 1-based).
    """
    media = _box(page, "mediabox", index)
    crop = _box(page, "cropbox", index)
    box = (max(media[0], crop[0]), max(media[1], crop[1]), min(media[2], crop[2]), min(media[3], crop[3]))
    return box if box[0] < box[2] and box[1] < box[3] else media


def _box(page: pikepdf.Page, name: str, index: int) -> tuple[float, float, float, float]:
    try:
        values = [_number(value) for value in getattr(page, name)]
    except (pikepdf.PdfError, TypeError, ValueError, AttributeError) as error:
        raise BadInput("pdf_page_without_size", page=index + 1) from error
    if len(values) != 4 or not all(math.isfinite(value) for value in values):
        raise BadInput("pdf_page_without_size", page=index + 1)
    return (min(values[::2]), min(values[1::2]), max(values[::2]), max(values[1::2]))


def rotation(page: pikepdf.Page) -> int:
    """The clockwise turn a viewer gives the page, 0, 90, 180 or 270; inherited from the page tree."""
    node: Any = page.obj
    for _ in range(64):  # a page tree deeper than that is a loop
        if "/Rotate" in node:
            return round(_number(node["/Rotate"]) / 90) * 90 % 360
        if "/Parent" not in node:
            return 0
        node = node["/Parent"]
    return 0


def _number(value: Any) -> float:
    return float(value)
