"""Pixels of a page: the scanner's own when the page is one image, else drawn.

One frame for both: the page as a viewer shows it, ``/Rotate`` applied and cut
to the crop box, pixel (0, 0) at the top left. Measured on an A3 image at 200 dpi, taking the
image itself against drawing it: JPEG 23 ms and 99, bitonal 11 and 24, CCITT at 400 dpi 31 and 62,
deflated grey 136 and 126, JPEG 2000 147 and 364; and a drawn page is one resampling further from the scan.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

import numpy as np
import pikepdf
import pypdfium2
from pypdfium2 import raw

from core.errors import BadInput
from core.imaging.darkness import Gray
from core.imaging.grey import MAX_PIXELS, grey_of
from core.imaging.halves import turned
from core.imaging.mask import decode_jpeg, jpeg_size, past_fill
from core.pdf.placed import fills, image_dpi, placed_images
from core.pdf.read import PDF_FAULTS, filter_names, opened, page_images, rotation, user_unit, visible_box

RENDER_DPI = 200.0
MIN_RENDER_DPI, MAX_RENDER_DPI = 100.0, 300.0
"""A drawn page has the resolution of its largest image between these; beyond, writing gains nothing."""

_CODECS = {
    "/DCTDecode": "jpeg",
    "/CCITTFaxDecode": "ccitt",
    "/JBIG2Decode": "jbig2",
    "/JPXDecode": "jpeg2000",
    "/FlateDecode": "flate",
    "/LZWDecode": "lzw",
    "/RunLengthDecode": "runlength",
}

_IMAGE_FAULTS: tuple[type[Exception], ...] = (*PDF_FAULTS, OSError)
"""Pillow says with an OSError that an image's data stop early."""

_TAKEN_DIRECTLY = frozenset({"ccitt", "jpeg2000", "flate", "raw"})
"""JBIG2 is not: pikepdf would start another program on it. LZW is not: nothing bounds what it expands to."""


@dataclass(frozen=True, eq=False)
class PagePixels:
    """Grey pixels of one page.

    Attributes:
        index: 0-based page.
        gray: (height, width) uint8, 0 is black, as a viewer shows the page.
        dpi: resolution across.
        codec: how the page's image is stored (jpeg, ccitt, jbig2, flate …), ``mixed`` when the page
            is not one image.
        damaged: the image's data stop before their end; what is missing is grey.
        camera: the file says that a camera took it.
    """

    index: int
    gray: Gray
    dpi: float
    codec: str
    damaged: bool = False
    camera: bool = False


@dataclass(frozen=True, eq=False)
class PageImage:
    """The one image that fills a page."""

    stream: pikepdf.Stream
    codec: str


class PdfPages:
    """An open PDF whose pages are asked for one by one; the drawing engine starts when a page needs it."""

    def __init__(self, path: Path) -> None:
        """Open a file.

        Raises:
            BadInput: As ``read.inspect``, for what concerns the file.
        """
        self._path = path
        self._open = ExitStack()
        self._pdf = self._open.enter_context(opened(path))
        self._renderer: pypdfium2.PdfDocument | None = None

    def __enter__(self) -> PdfPages:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        if self._renderer is not None:
            self._renderer.close()
        self._open.close()

    def __len__(self) -> int:
        try:
            return len(self._pdf.pages)
        except PDF_FAULTS as error:
            raise BadInput("pdf_damaged") from error

    def pixels(self, index: int) -> PagePixels:
        """Grey pixels of one page.

        Raises:
            BadInput: ``page_unreadable`` (page, 1-based) when neither way gives an image;
                ``page_image_too_large`` (page, 1-based).
        """
        try:
            return self._pixels(index)
        except MemoryError as error:
            raise BadInput("page_image_too_large", page=index + 1) from error
        except _IMAGE_FAULTS as error:
            raise BadInput("page_unreadable", page=index + 1) from error

    def jpeg(self, index: int) -> bytes | None:
        """The JPEG of a page that is exactly one JPEG, as ``page_jpeg``."""
        try:
            page = self._pdf.pages[index]
            image = page_image(page, index)
            if image is None or image.codec != "jpeg" or rotation(page) != 0:
                return None
            jpeg = jpeg_bytes(image.stream)
            # In four inks: shown as it is, its colours would be inverted.
            return jpeg if jpeg is not None and jpeg_components(jpeg) != 4 else None
        except PDF_FAULTS as error:
            raise BadInput("page_unreadable", page=index + 1) from error

    def _pixels(self, index: int) -> PagePixels:
        page = self._pdf.pages[index]
        image = page_image(page, index)
        if image is None:
            return self._rendered(page, index, "mixed")
        _check_size(int(image.stream.get("/Width", 0)), int(image.stream.get("/Height", 0)), index)
        gray = _taken(image, index)
        if gray is None:
            stored = int(image.stream.Width), int(image.stream.Height)
            size = stored[::-1] if rotation(page) in (90, 270) else stored
            drawn = self._rendered(page, index, image.codec, size)
            stops_early = image.codec == "jpeg" and _stops_early(jpeg_bytes(image.stream) or b"")
            return replace(drawn, damaged=stops_early)
        left, _, right, _ = visible_box(page, index)
        dpi = gray.shape[1] / ((right - left) * user_unit(page)) * 72
        damaged = image.codec == "jpeg" and _stops_early(jpeg_bytes(image.stream) or b"")
        return PagePixels(index, turned(gray, rotation(page)), dpi, image.codec, damaged)

    def _rendered(
        self, page: pikepdf.Page, index: int, codec: str, size: tuple[int, int] | None = None
    ) -> PagePixels:
        """The page drawn at the resolution of its largest image, or to the ``size`` of the one it is."""
        wanted = image_dpi(page, index)
        dpi = RENDER_DPI if wanted is None else min(max(wanted, MIN_RENDER_DPI), MAX_RENDER_DPI)
        if self._renderer is None:
            self._renderer = pypdfium2.PdfDocument(self._path)
        sheet = self._renderer[index]
        try:
            across, down = sheet.get_size()  # turned by /Rotate, in the page's own units
            dpi = min(dpi, (MAX_PIXELS / max(across * down / 72**2, 1e-6)) ** 0.5)
            if size is None or wanted is None or wanted > MAX_RENDER_DPI:
                size = max(1, round(across * dpi / 72)), max(1, round(down * dpi / 72))
            gray = _drawn(sheet, *size)
        finally:
            sheet.close()
        return PagePixels(index, gray, size[0] / across * 72 / user_unit(page), codec)


def _drawn(sheet: pypdfium2.PdfPage, width: int, height: int) -> Gray:
    """A page as pdfium draws it, to the pixel as large as asked for; its own ``render`` rounds up."""
    bitmap = pypdfium2.PdfBitmap.new_native(width, height, raw.FPDFBitmap_Gray)
    try:
        bitmap.fill_rect((255, 255, 255, 255), 0, 0, width, height)
        raw.FPDF_RenderPageBitmap(bitmap, sheet, 0, 0, width, height, 0, raw.FPDF_ANNOT | raw.FPDF_GRAYSCALE)
        return np.array(bitmap.to_numpy(), dtype=np.uint8).reshape(height, width)
    finally:
        bitmap.close()


def page_pixels(path: Path, index: int) -> PagePixels:
    """Grey pixels of one page.

    Raises:
        BadInput: As ``read.inspect`` for the file; as ``PdfPages.pixels`` for the page.
    """
    with PdfPages(path) as pdf:
        return pdf.pixels(index)


def iter_pages(path: Path, start: int = 0, stop: int | None = None) -> Iterator[PagePixels | BadInput]:
    """Pixels of each page in turn, one in memory at a time.

    A page that cannot be read comes as its ``BadInput`` instead of ending the file.

    Args:
        path: a PDF.
        start: first page, from 0.
        stop: the page after the last; all pages when not given.

    Raises:
        BadInput: As ``read.inspect``, for what concerns the file.
    """
    with PdfPages(path) as pdf:
        count = len(pdf)
        for index in range(start, count if stop is None else min(stop, count)):
            try:
                pixels: PagePixels | BadInput = pdf.pixels(index)
            except BadInput as error:
                pixels = error
            yield pixels


def page_jpeg(path: Path, index: int) -> bytes | None:
    """The JPEG of a page that is exactly one JPEG and is not turned by ``/Rotate``, byte for byte.

    ``None`` for any other page: its pixels come from ``page_pixels``.
    """
    with PdfPages(path) as pdf:
        return pdf.jpeg(index)


def page_image(page: pikepdf.Page, index: int) -> PageImage | None:
    """The image of a page that shows nothing else, upright and filling the visible box; else ``None``.

    Invisible text over it, as scanners with recognition write, does not count.
    """
    found = placed_images(page)
    if found is None or not found[1] or len(found[0]) != 1:
        return None
    placed = found[0][0]
    stream = page_images(page).get(placed.name)
    if stream is None or not fills(page, index, placed.matrix):
        return None
    if any(key in stream for key in ("/SMask", "/Mask", "/Decode")) or stream.get("/ImageMask", False):
        return None
    filters = filter_names(stream)
    return PageImage(stream, _CODECS.get(filters[-1], "other") if filters else "raw")


def jpeg_bytes(stream: pikepdf.Stream) -> bytes | None:
    """The JPEG inside an image stream, freed from an outer deflate; ``None`` when filters are other."""
    filters = filter_names(stream)
    stored = bytes(stream.read_raw_bytes())
    if filters == ["/DCTDecode"]:
        return stored
    if filters == ["/FlateDecode", "/DCTDecode"] and len(stored) <= MAX_PIXELS:
        try:
            return zlib.decompressobj().decompress(stored, MAX_PIXELS)
        except zlib.error:
            return None
    return None


def jpeg_components(jpeg: bytes) -> int:
    """Number of colour components: the byte after precision, height and width in the frame header."""
    at = 2
    while at + 9 < len(jpeg):
        marker = jpeg[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return jpeg[at + 9]
        at = past_fill(jpeg, at) if marker == 0xFF else at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    return 0


def _taken(image: PageImage, index: int) -> Gray | None:
    """The image's own pixels, as stored; ``None`` when only drawing the page can tell them."""
    if image.codec == "jpeg":
        return _jpeg_pixels(image, index)
    if image.codec not in _TAKEN_DIRECTLY or len(filter_names(image.stream)) > 1:
        return None
    try:
        gray = grey_of(pikepdf.PdfImage(image.stream).as_pil_image())
    except _IMAGE_FAULTS:  # a colour space that Pillow does not know, or data that stop early
        return None
    return gray if gray.shape == (image.stream.get("/Height"), image.stream.get("/Width")) else None


def _jpeg_pixels(image: PageImage, index: int) -> Gray | None:
    jpeg = jpeg_bytes(image.stream)
    if jpeg is None or jpeg_components(jpeg) == 4:
        return None
    try:
        _check_size(*jpeg_size(jpeg), index)
        return decode_jpeg(jpeg)
    except BadInput as error:
        if error.code == "page_image_too_large":
            raise
        return None


def _stops_early(jpeg: bytes) -> bool:
    """Whether a JPEG lacks its end-of-image marker."""
    return b"\xff\xd9" not in jpeg[-64:]


def _check_size(width: int, height: int, index: int) -> None:
    if width * height > MAX_PIXELS:
        raise BadInput("page_image_too_large", page=index + 1)
