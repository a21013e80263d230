"""Is a file a PDF that can be taken in? Checked before any page is drawn."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pikepdf
from pikepdf.settings import set_qpdf_limits

from core.errors import BadInput

MAX_PAGES = 2000
MAX_SIDE_PT = 14_400.0
"""Largest side ISO 32000-1 (annex C.2) expects a reader to take: 200 inches."""

PDF_FAULTS: tuple[type[Exception], ...] = (
    pikepdf.PikepdfError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    zlib.error,
)
"""What reading a damaged or hostile PDF raises: an object missing, of another type, or nested without end."""

MAX_DECODED_BYTES = 256 * 1024**2
"""Most a compressed stream may expand to: an A3 image in colour at 600 dpi (209 MB) and its margins."""

_HEAD_BYTES = 1024
_TAIL_BYTES = 2048
_MAX_DEPTH = 64
"""Levels of a page tree; a deeper one is a loop or an attack."""

# qpdf counts while it expands, and stops there: a bomb costs no more than this.
set_qpdf_limits(
    flate_max_memory=MAX_DECODED_BYTES,
    run_length_max_memory=MAX_DECODED_BYTES,
    dct_max_memory=MAX_DECODED_BYTES,
)


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
            (page, 1-based), ``pdf_page_without_size`` (page, 1-based), ``pdf_damaged`` when its list of
            pages cannot be followed or lacks pages it announces.
    """
    with opened(path) as pdf:
        count = _page_count(pdf)
        if count == 0:
            raise BadInput("pdf_no_pages")
        if count > max_pages:
            raise BadInput("pdf_too_many_pages", pages=count, limit=max_pages)
        pages = tuple(_page_info(pdf, index, max_side_pt) for index in range(count))
    return PdfInfo(count, pages)


def _page_count(pdf: pikepdf.Pdf) -> int:
    """How many pages the page tree holds; qpdf walks it and ignores what ``/Count`` says."""
    try:
        announced = int(pdf.Root.Pages.get("/Count", 0))
        count = len(pdf.pages)
    except PDF_FAULTS as error:
        raise BadInput("pdf_damaged") from error
    if announced > count:  # qpdf passes over branches that it cannot read
        raise BadInput("pdf_damaged")
    return count


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
    how: dict[str, Any] = {
        "suppress_warnings": True,
        # Read, not mapped: a file of 2 GB would otherwise count as memory of this process.
        "access_mode": pikepdf.AccessMode.stream,
        # Else qpdf walks the page tree at once and writes what it found over what the file announces.
        "inherit_page_attributes": False,
    }
    try:
        return pikepdf.open(path, attempt_recovery=False, **how)
    except pikepdf.PasswordError as error:
        raise BadInput("pdf_encrypted") from error
    except PDF_FAULTS as error:
        if not ends_well:
            raise BadInput("pdf_truncated") from error
    try:
        pdf = pikepdf.open(path, **how)
    except pikepdf.PasswordError as error:
        raise BadInput("pdf_encrypted") from error
    except PDF_FAULTS as error:
        raise BadInput("pdf_truncated") from error
    if not _images_whole(pdf):
        pdf.close()
        raise BadInput("pdf_truncated")
    return pdf


def _images_whole(pdf: pikepdf.Pdf) -> bool:
    """Whether every page of a repaired file still has an image or content, and each JPEG its end."""
    try:
        return all(_page_whole(page) for page in pdf.pages)
    except PDF_FAULTS:
        return False


def _page_whole(page: pikepdf.Page) -> bool:
    if page.obj.get("/Contents") is None:
        return False
    return all(
        filter_names(image) != ["/DCTDecode"] or b"\xff\xd9" in image.read_raw_bytes()[-64:]
        for image in page_images(page).values()
    )


def page_images(page: pikepdf.Page) -> dict[str, pikepdf.Stream]:
    """Image streams a page names directly, by their names."""
    resources = inherited(page, "/Resources")
    named = resources.get("/XObject") if isinstance(resources, pikepdf.Dictionary) else None
    if not isinstance(named, pikepdf.Dictionary):
        return {}
    streams = {str(key): named[key] for key in named.keys()}  # noqa: SIM118 - iterates over keys only so
    return {
        key: value
        for key, value in streams.items()
        if isinstance(value, pikepdf.Stream) and value.get("/Subtype") == pikepdf.Name.Image
    }


def filter_names(image: pikepdf.Stream) -> list[str]:
    """Names of the filters of a stream, outermost first."""
    filters: Any = image.get("/Filter")
    if filters is None:
        return []
    if isinstance(filters, pikepdf.Array):
        return [str(name) for name in filters]
    return [str(filters)]


def _page_info(pdf: pikepdf.Pdf, index: int, max_side_pt: float) -> PageInfo:
    try:
        page = pdf.pages[index]
        left, bottom, right, top = visible_box(page, index)
        unit, rotate = user_unit(page), rotation(page)
    except PDF_FAULTS as error:
        raise BadInput("pdf_page_without_size", page=index + 1) from error
    sides = (abs(right - left) * unit, abs(top - bottom) * unit)
    if max(sides) > max_side_pt:
        raise BadInput("pdf_page_too_large", page=index + 1)
    if not min(sides) >= 1:
        raise BadInput("pdf_page_without_size", page=index + 1)
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
    except PDF_FAULTS as error:
        raise BadInput("pdf_page_without_size", page=index + 1) from error
    if len(values) != 4:
        raise BadInput("pdf_page_without_size", page=index + 1)
    return (min(values[::2]), min(values[1::2]), max(values[::2]), max(values[1::2]))


def user_unit(page: pikepdf.Page) -> float:
    """Points in one unit of the page's space (ISO 32000-1, table 30)."""
    return _number(page.obj.get("/UserUnit", 1))


def rotation(page: pikepdf.Page) -> int:
    """The clockwise turn a viewer gives the page, 0, 90, 180 or 270; inherited from the page tree."""
    return round(_number(inherited(page, "/Rotate") or 0) / 90) * 90 % 360


def inherited(page: pikepdf.Page, key: str) -> Any:
    """The value of an attribute that a page may take from the nodes above it; ``None`` when nowhere."""
    node: Any = page.obj
    for _ in range(_MAX_DEPTH):
        if key in node:
            return node[key]
        if "/Parent" not in node:
            return None
        node = node["/Parent"]
    return None


def _number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number
