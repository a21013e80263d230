"""Put a copy together: the scanner's own images, what was drawn over them, the statement.

Nothing of the input but the image data goes into the output: no text layer, no
metadata, no attachments, no outlines. The same input gives the same bytes.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pikepdf

from core.errors import BadInput
from core.imaging.mask import bare_jpeg, encode_jpeg, jpeg_size
from core.pdf.overlay import Annotation, overlay_page
from core.pdf.pages import jpeg_bytes, page_image, page_pixels
from core.pdf.read import opened, rotation, visible_box

__all__ = ["A4_PT", "Annotation", "PdfPage", "compose_copy", "overlay_page", "placed_size_pt"]

A4_PT = (595.276, 841.89)
WHOLE = (0.0, 0.0, 1.0, 1.0)

_IMAGE_KEYS = ("/Width", "/Height", "/BitsPerComponent", "/ColorSpace", "/Filter", "/DecodeParms", "/Decode")
"""What an image needs to be shown; all else (metadata, alternates, names) stays behind."""


@dataclass(frozen=True)
class PdfPage:
    """One page of a copy: a part of a fed image, turned upright.

    Attributes:
        source: a PDF file, or the bytes of a PDF or of a JPEG (a wiped image).
        index: 0-based page of the PDF; 0 for a JPEG.
        half: (left, top, right, bottom) as shares of the image as fed, from its top left.
        rotation_deg: clockwise turn that makes the image upright.
    """

    source: Path | bytes
    index: int = 0
    half: tuple[float, float, float, float] = WHOLE
    rotation_deg: int = 0


@dataclass(frozen=True, eq=False)
class _Placed:
    """An image in the new file, with the turn its page had."""

    stream: pikepdf.Stream
    size: tuple[float, float]  # proportions of the image as stored
    rotate: int


def compose_copy(pages: Sequence[PdfPage], overlays: Sequence[bytes | None], statement: bytes = b"") -> bytes:
    """A PDF of A4 pages: each image clipped to its half and upright, its overlay, then the statement.

    The two halves of an A3 image share one stored image, its data untouched.

    Args:
        pages: in reading order.
        overlays: a one-page PDF, or ``None``, for each page; it is fitted to the placed image.
        statement: a PDF whose pages are added at the end; may be empty.

    Raises:
        BadInput: As ``pages.page_pixels`` for a source that cannot be read.
        ValueError: Not as many overlays as pages.
    """
    if len(pages) != len(overlays):
        raise ValueError(f"{len(overlays)} overlays for {len(pages)} pages")
    with ExitStack() as sources, pikepdf.new() as out:
        images: dict[tuple[str, int], _Placed] = {}
        for page, overlay in zip(pages, overlays, strict=True):
            key = _identity(page)
            if key not in images:
                images[key] = _image(out, page, sources)
            _add_page(out, page, images[key], overlay, sources)
        if statement:
            _append(out, statement, sources)
        return _saved(out)


def placed_size_pt(page: PdfPage, width: float, height: float) -> tuple[float, float]:
    """Width and height in points of a page's image as ``compose_copy`` places it.

    Args:
        page: the page; only its half and rotation count.
        width: width of the image as fed, in any unit.
        height: its height in the same unit.
    """
    left, top, right, bottom = page.half
    part = ((right - left) * width, (bottom - top) * height)
    across, down = part[::-1] if page.rotation_deg % 180 else part
    scale = min(A4_PT[0] / across, A4_PT[1] / down)
    return across * scale, down * scale


def _identity(page: PdfPage) -> tuple[str, int]:
    if isinstance(page.source, Path):
        return (str(page.source), page.index)
    return (hashlib.sha256(page.source).hexdigest(), page.index)


# --- Images ---------------------------------------------------------------------------------------


def _image(out: pikepdf.Pdf, page: PdfPage, sources: ExitStack) -> _Placed:
    """The page's image in the new file; ``sources`` keeps files open until it is written."""
    if isinstance(page.source, bytes) and page.source.startswith(b"\xff\xd8"):
        return _jpeg_image(out, page.source)
    if isinstance(page.source, bytes):
        placed = _embedded(out, sources.enter_context(pikepdf.open(io.BytesIO(page.source))), page.index)
        if placed is None:
            raise BadInput("page_unreadable", page=page.index + 1)
        return placed
    placed = _embedded(out, sources.enter_context(opened(page.source)), page.index)
    if placed is not None:
        return placed
    # Several images, or drawing: only pixels are sure to carry nothing hidden.
    return _jpeg_image(out, encode_jpeg(page_pixels(page.source, page.index).gray))


def _embedded(out: pikepdf.Pdf, pdf: pikepdf.Pdf, index: int) -> _Placed | None:
    page = pdf.pages[index]
    found = page_image(page, index)
    if found is None:
        return None
    left, bottom, right, top = visible_box(page, index)
    foreign: Any = out.copy_foreign(found.stream)
    for key in [key for key in foreign.keys() if key not in _IMAGE_KEYS]:  # noqa: SIM118
        if key != "/Length":
            del foreign[key]
    foreign["/Type"] = pikepdf.Name.XObject
    foreign["/Subtype"] = pikepdf.Name.Image
    jpeg = jpeg_bytes(found.stream)
    bare = bare_jpeg(jpeg) if jpeg is not None else None
    if bare is not None and bare != jpeg:
        foreign.write(bare, filter=pikepdf.Name.DCTDecode)
    return _Placed(foreign, (right - left, top - bottom), rotation(page))


def _jpeg_image(out: pikepdf.Pdf, jpeg: bytes) -> _Placed:
    width, height = jpeg_size(jpeg)
    components = _components(jpeg)
    stream = pikepdf.Stream(out, jpeg)
    stream.stream_dict = pikepdf.Dictionary(
        Type=pikepdf.Name.XObject,
        Subtype=pikepdf.Name.Image,
        Width=width,
        Height=height,
        BitsPerComponent=8,
        ColorSpace=pikepdf.Name.DeviceGray if components == 1 else pikepdf.Name.DeviceRGB,
        Filter=pikepdf.Name.DCTDecode,
    )
    return _Placed(out.make_indirect(stream), (width, height), 0)


def _components(jpeg: bytes) -> int:
    """Number of colour components: the byte after precision, height and width in the frame header."""
    at = 2
    while at + 9 < len(jpeg):
        marker = jpeg[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return jpeg[at + 9]
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    raise BadInput("jpeg_unreadable")


# --- Pages ----------------------------------------------------------------------------------------

# Unit square of the stored image, turned clockwise and moved back into the unit square.
_TURNS = {
    0: (1.0, 0.0, 0.0, 1.0, 0.0, 0.0),
    90: (0.0, -1.0, 1.0, 0.0, 0.0, 1.0),
    180: (-1.0, 0.0, 0.0, -1.0, 1.0, 1.0),
    270: (0.0, 1.0, -1.0, 0.0, 1.0, 0.0),
}


def _add_page(
    out: pikepdf.Pdf, page: PdfPage, image: _Placed, overlay: bytes | None, sources: ExitStack
) -> None:
    fed = image.size[::-1] if image.rotate in (90, 270) else image.size
    width, height = placed_size_pt(page, *fed)
    left, bottom = (A4_PT[0] - width) / 2, (A4_PT[1] - height) / 2
    resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im0=image.stream))
    content = [
        f"q {_n(left)} {_n(bottom)} {_n(width)} {_n(height)} re W n",
        f"{_matrix(page, image, left, bottom, width, height)} cm /Im0 Do Q",
    ]
    if overlay is not None:
        form = _overlay_form(out, overlay, sources)
        resources.XObject["/Ov0"] = form
        form_width, form_height = (float(form.BBox[i + 2]) - float(form.BBox[i]) for i in (0, 1))
        scale = f"{_n(width / form_width)} 0 0 {_n(height / form_height)}"
        content.append(f"q {scale} {_n(left)} {_n(bottom)} cm /Ov0 Do Q")
    out.add_blank_page(page_size=A4_PT)
    added = out.pages[-1]
    added.obj.Resources = resources
    added.obj.Contents = out.make_stream("\n".join(content).encode("ascii"))


def _matrix(page: PdfPage, image: _Placed, left: float, bottom: float, width: float, height: float) -> str:
    """Places the whole image so that its half, upright, fills the given rectangle."""
    shown = _compose(_TURNS[image.rotate], _part(page))
    a, b, c, d, e, f = _compose(shown, (width, 0.0, 0.0, height, left, bottom))
    return " ".join(_n(value) for value in (a, b, c, d, e, f))


def _part(page: PdfPage) -> tuple[float, ...]:
    """From the unit square of the image as fed to that of its half, upright."""
    left, top, right, bottom = page.half
    wide, high = right - left, bottom - top
    # PDF counts upwards: the half's lower edge is at 1 - bottom.
    to_half = (1 / wide, 0.0, 0.0, 1 / high, -left / wide, -(1 - bottom) / high)
    return _compose(to_half, _TURNS[page.rotation_deg % 360])


def _compose(first: tuple[float, ...], then: tuple[float, ...]) -> tuple[float, ...]:
    a, b, c, d, e, f = first
    m = then
    return (
        a * m[0] + b * m[2],
        a * m[1] + b * m[3],
        c * m[0] + d * m[2],
        c * m[1] + d * m[3],
        e * m[0] + f * m[2] + m[4],
        e * m[1] + f * m[3] + m[5],
    )


def _n(value: float) -> str:
    return f"{value:.5f}".rstrip("0").rstrip(".") if value else "0"


def _overlay_form(out: pikepdf.Pdf, overlay: bytes, sources: ExitStack) -> Any:
    pdf = sources.enter_context(pikepdf.open(io.BytesIO(overlay)))
    return out.copy_foreign(pdf.pages[0].as_form_xobject())


def _append(out: pikepdf.Pdf, statement: bytes, sources: ExitStack) -> None:
    pdf = sources.enter_context(pikepdf.open(io.BytesIO(statement)))
    for page in pdf.pages:
        out.pages.append(page)


def _saved(out: pikepdf.Pdf) -> bytes:
    target = io.BytesIO()
    out.save(
        target,
        deterministic_id=True,
        compress_streams=True,
        object_stream_mode=pikepdf.ObjectStreamMode.generate,
        stream_decode_level=pikepdf.StreamDecodeLevel.none,
    )
    return target.getvalue()
