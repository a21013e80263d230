"""Pixels of a page: the scanner's own when the page is one image, else drawn.

One frame for both: the page as a viewer shows it, ``/Rotate`` applied and cut
to the crop box, pixel (0, 0) at the top left.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pikepdf
import pypdfium2

from core.errors import BadInput
from core.imaging.darkness import Gray
from core.imaging.halves import turned
from core.imaging.mask import decode_jpeg, jpeg_size
from core.pdf.read import filter_names, opened, page_images, rotation, visible_box

RENDER_DPI = 200.0
MAX_PIXELS = 150_000_000
"""Twice an A3 sheet at 600 dpi; more is a mistake or an attack."""

_BOX_SLACK = 0.01
"""A scanner's image may miss the page box by this share of its side."""

_MAX_CONTENT_BYTES = 200_000
_CODECS = {
    "/DCTDecode": "jpeg",
    "/CCITTFaxDecode": "ccitt",
    "/JBIG2Decode": "jbig2",
    "/JPXDecode": "jpeg2000",
    "/FlateDecode": "flate",
    "/LZWDecode": "lzw",
    "/RunLengthDecode": "runlength",
}


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
    """

    index: int
    gray: Gray
    dpi: float
    codec: str
    damaged: bool = False


@dataclass(frozen=True, eq=False)
class PageImage:
    """The one image that fills a page."""

    stream: pikepdf.Stream
    codec: str


@dataclass(eq=False)
class _Source:
    """An open PDF; the drawing engine starts only when a page needs it."""

    path: Path
    pdf: pikepdf.Pdf
    _renderer: pypdfium2.PdfDocument | None = field(default=None)

    def renderer(self) -> pypdfium2.PdfDocument:
        if self._renderer is None:
            self._renderer = pypdfium2.PdfDocument(self.path)
        return self._renderer

    def close(self) -> None:
        if self._renderer is not None:
            self._renderer.close()


def page_pixels(path: Path, index: int) -> PagePixels:
    """Grey pixels of one page.

    Raises:
        BadInput: As ``read.inspect`` for the file; ``page_unreadable`` (page, 1-based) when neither
            way gives an image; ``page_image_too_large`` (page, 1-based).
    """
    with opened(path) as pdf:
        source = _Source(path, pdf)
        try:
            return _pixels(source, index)
        finally:
            source.close()


def iter_pages(path: Path) -> Iterator[PagePixels | BadInput]:
    """Pixels of each page in turn, one in memory at a time.

    A page that cannot be read comes as its ``BadInput`` instead of ending the file.

    Raises:
        BadInput: As ``read.inspect``, for what concerns the file.
    """
    with opened(path) as pdf:
        source = _Source(path, pdf)
        try:
            for index in range(len(pdf.pages)):
                try:
                    pixels: PagePixels | BadInput = _pixels(source, index)
                except BadInput as error:
                    pixels = error
                yield pixels
        finally:
            source.close()


def page_jpeg(path: Path, index: int) -> bytes | None:
    """The JPEG of a page that is exactly one JPEG and is not turned by ``/Rotate``, byte for byte.

    ``None`` for any other page: its pixels come from ``page_pixels``.
    """
    with opened(path) as pdf:
        page = pdf.pages[index]
        image = page_image(page, index)
        if image is None or image.codec != "jpeg" or rotation(page) != 0:
            return None
        return jpeg_bytes(image.stream)


def page_image(page: pikepdf.Page, index: int) -> PageImage | None:
    """The image of a page that shows nothing else, upright and filling the visible box; else ``None``.

    Invisible text over it, as scanners with recognition write, does not count.
    """
    images = list(page_images(page))
    if len(images) != 1:
        return None
    stream = images[0]
    if any(key in stream for key in ("/SMask", "/Mask", "/Decode")) or stream.get("/ImageMask", False):
        return None
    if not _fills(page, index):
        return None
    filters = filter_names(stream)
    return PageImage(stream, _CODECS.get(filters[-1], "other") if filters else "raw")


def jpeg_bytes(stream: pikepdf.Stream) -> bytes | None:
    """The JPEG inside an image stream, freed from an outer deflate; ``None`` when filters are other."""
    filters = filter_names(stream)
    raw = bytes(stream.read_raw_bytes())
    if filters == ["/DCTDecode"]:
        return raw
    if filters == ["/FlateDecode", "/DCTDecode"]:
        try:
            return zlib.decompressobj().decompress(raw, MAX_PIXELS)
        except zlib.error:
            return None
    return None


def _pixels(source: _Source, index: int) -> PagePixels:
    page = source.pdf.pages[index]
    image = page_image(page, index)
    if image is not None:
        _check_size(int(image.stream.get("/Width", 0)), int(image.stream.get("/Height", 0)), index)
        if image.codec == "jpeg":
            pixels = _embedded(page, image, index)
            if pixels is not None:
                return pixels
    drawn = _rendered(source, page, index, image.codec if image is not None else "mixed")
    if image is not None and image.codec == "jpeg":
        return replace(drawn, damaged=_stops_early(jpeg_bytes(image.stream) or b""))
    return drawn


def _embedded(page: pikepdf.Page, image: PageImage, index: int) -> PagePixels | None:
    jpeg = jpeg_bytes(image.stream)
    if jpeg is None or image.stream.get("/ColorSpace") == pikepdf.Name.DeviceCMYK:
        return None
    try:
        _check_size(*jpeg_size(jpeg), index)
        gray = decode_jpeg(jpeg)
    except BadInput as error:
        if error.code == "page_image_too_large":
            raise
        return None
    left, _, right, _ = visible_box(page, index)
    unit = float(page.obj.get("/UserUnit", 1))
    dpi = gray.shape[1] / ((right - left) * unit) * 72
    return PagePixels(index, turned(gray, rotation(page)), dpi, "jpeg", _stops_early(jpeg))


def _stops_early(jpeg: bytes) -> bool:
    """Whether a JPEG lacks its end-of-image marker."""
    return b"\xff\xd9" not in jpeg[-64:]


def _check_size(width: int, height: int, index: int) -> None:
    if width * height > MAX_PIXELS:
        raise BadInput("page_image_too_large", page=index + 1)


def _rendered(source: _Source, page: pikepdf.Page, index: int, codec: str) -> PagePixels:
    left, bottom, right, top = visible_box(page, index)
    area_in2 = (right - left) * (top - bottom) / 72**2
    dpi = min(RENDER_DPI, (MAX_PIXELS / max(area_in2, 1e-6)) ** 0.5)
    try:
        sheet = source.renderer()[index]
        try:
            bitmap = sheet.render(scale=dpi / 72, grayscale=True)
            gray = np.array(bitmap.to_numpy(), dtype=np.uint8)
        finally:
            sheet.close()
    except pypdfium2.PdfiumError as error:
        raise BadInput("page_unreadable", page=index + 1) from error
    return PagePixels(index, gray.reshape(gray.shape[:2]), dpi / float(page.obj.get("/UserUnit", 1)), codec)


# --- What a page's content draws ------------------------------------------------------------------

_PAINTS = frozenset({"S", "s", "f", "F", "f*", "B", "B*", "b", "b*", "sh", "INLINE IMAGE"})
_SHOWS_TEXT = frozenset({"Tj", "TJ", "'", '"'})
_Matrix = tuple[float, float, float, float, float, float]
_IDENTITY: _Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


def _fills(page: pikepdf.Page, index: int) -> bool:
    """Whether the content draws one image over the visible box and nothing else that can be seen."""
    placed = _placements(page)
    if placed is None or len(placed) != 1:
        return False
    a, b, c, d, e, f = placed[0]
    left, bottom, right, top = visible_box(page, index)
    slack_x, slack_y = _BOX_SLACK * (right - left), _BOX_SLACK * (top - bottom)
    return (
        abs(b) < slack_y
        and abs(c) < slack_x
        and abs(e - left) < slack_x
        and abs(f - bottom) < slack_y
        and abs(e + a - right) < slack_x
        and abs(f + d - top) < slack_y
    )


def _placements(page: pikepdf.Page) -> list[_Matrix] | None:
    """Matrices under which images are drawn; ``None`` when something else is drawn too."""
    try:
        if _content_length(page) > _MAX_CONTENT_BYTES:
            return None
        instructions = pikepdf.parse_content_stream(page)
    except pikepdf.PdfError:
        return None
    drawn: list[_Matrix] = []
    stack: list[tuple[_Matrix, int]] = []
    matrix, text_mode = _IDENTITY, 0
    for instruction in instructions:
        operator = str(instruction.operator)
        operands: Any = instruction.operands
        if operator == "q":
            stack.append((matrix, text_mode))
        elif operator == "Q" and stack:
            matrix, text_mode = stack.pop()
        elif operator == "cm":
            matrix = _times(operands, matrix)
        elif operator == "Tr":
            text_mode = int(operands[0])
        elif operator == "Do":
            drawn.append(matrix)
        elif operator in _PAINTS or (operator in _SHOWS_TEXT and text_mode != 3):
            return None
    return drawn


def _content_length(page: pikepdf.Page) -> int:
    contents: Any = page.obj.get("/Contents")
    streams = list(contents) if isinstance(contents, pikepdf.Array) else [contents]
    return sum(len(stream.read_raw_bytes()) for stream in streams if isinstance(stream, pikepdf.Stream))


def _times(operands: Any, matrix: _Matrix) -> _Matrix:
    """The matrix product ``operands x matrix`` of ISO 32000-1, 8.3.4."""
    a, b, c, d, e, f = (float(value) for value in operands)
    m = matrix
    return (
        a * m[0] + b * m[2],
        a * m[1] + b * m[3],
        c * m[0] + d * m[2],
        c * m[1] + d * m[3],
        e * m[0] + f * m[2] + m[4],
        e * m[1] + f * m[3] + m[5],
    )
