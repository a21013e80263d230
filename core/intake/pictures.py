"""Pictures that are one image a file (JPEG, PNG, WebP), and HEIC, which may hold several.

Sizes are read from headers and checked before anything is decoded.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from core.errors import BadInput
from core.imaging.darkness import Gray
from core.imaging.grey import MAX_PIXELS, grey_of
from core.imaging.halves import turned
from core.imaging.mask import decode_jpeg, jpeg_size, past_fill
from core.intake.kinds import Kind
from core.intake.resolution import Resolution, resolution_of
from core.pdf.pages import jpeg_components

__all__ = [
    "PICTURE_FAULTS",
    "Picture",
    "as_shown",
    "heic_pictures",
    "measured",
    "picture_grey",
    "untouched_jpeg",
]

MAX_PICTURE_BYTES = 300 * 1024**2
"""An A3 page in colour at 600 dpi, not compressed, has 209 MB; these files are read whole."""

PICTURE_FAULTS: tuple[type[Exception], ...] = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    AssertionError,
    EOFError,
    struct.error,
    zlib.error,
    cv2.error,
    Image.DecompressionBombError,
)
"""What Pillow and the libraries under it raise on damaged or hostile pictures."""

_FORMATS = {Kind.JPEG: ("JPEG",), Kind.PNG: ("PNG",), Kind.WEBP: ("WEBP",)}
"""No other decoder is ever tried on a file."""

_ORIENTATION = 274
_CAMERA_DATA, _CAMERA_TAGS = 0x8769, (33434, 33437, 37386)
"""The EXIF part on how a picture was taken; exposure time, aperture and focal length in it."""

_TURNS = {3: 180, 5: 90, 6: 90, 7: 270, 8: 270}
_MIRRORED = frozenset({2, 4, 5, 7})
_JPEG_END = b"\xff\xd9"


@dataclass(frozen=True)
class Picture:
    """One picture as stored: size, the turn (EXIF values 1 to 8) that shows it, resolution.

    ``camera``: the file says with which exposure or focal length it was taken, which no scanner does.
    """

    width_px: int
    height_px: int
    orientation: int
    resolution: Resolution
    camera: bool = False

    @property
    def is_turned(self) -> bool:
        """Whether a viewer swaps its width and height."""
        return self.orientation >= 5

    def size_pt(self) -> tuple[float, float]:
        """Width and height in points as a viewer shows it."""
        width = self.width_px / self.resolution.across * 72
        height = self.height_px / self.resolution.down * 72
        return (height, width) if self.is_turned else (width, height)


def as_shown(gray: Gray, picture: Picture, index: int) -> tuple[Gray, float]:
    """Pixels turned and made square, as a viewer shows them, and their resolution.

    A fax has twice as many points across as down: the lesser number is stretched.

    Raises:
        BadInput: ``page_image_too_large`` (page, 1-based, of image ``index``).
    """
    gray = _upright(gray, picture.orientation)
    resolution = picture.resolution.turned() if picture.is_turned else picture.resolution
    if resolution.is_square:
        return gray, resolution.across
    dpi = max(resolution.across, resolution.down)
    height, width = gray.shape
    size = (round(width * dpi / resolution.across), round(height * dpi / resolution.down))
    if size[0] * size[1] > MAX_PIXELS:
        raise BadInput("page_image_too_large", page=index + 1)
    return cv2.resize(gray, size, interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False), dpi


def _upright(gray: Gray, orientation: int) -> Gray:
    """Apply an EXIF turn (Exif 2.32, 4.6.4 A, Orientation)."""
    if orientation in _MIRRORED:
        # 4 is seen upside down; 5 and 7 are mirrored first, then turned.
        gray = cv2.flip(gray, 0 if orientation == 4 else 1).astype(np.uint8, copy=False)
        return turned(gray, {5: 270, 7: 90}.get(orientation, 0))
    return turned(gray, _TURNS.get(orientation, 0))


# --- One picture a file ---------------------------------------------------------------------------


def measured(path: Path, kind: Kind) -> Picture:
    """Size and turn of the picture of a JPEG, PNG or WebP file, which must be whole.

    Raises:
        BadInput: ``picture_truncated``, ``picture_unreadable``, ``page_image_too_large`` (page),
            ``scan_too_heavy``.
    """
    content = _content(path)
    width, height = _size(content, kind)
    if width < 1 or height < 1:
        raise BadInput("picture_unreadable")
    if width * height > MAX_PIXELS:
        raise BadInput("page_image_too_large", page=1)
    if not _WHOLE[kind](content):
        raise BadInput("picture_truncated")
    return _described(content, kind, width, height)


def picture_grey(path: Path, kind: Kind) -> tuple[Gray, Picture, bool]:
    """Grey pixels as stored of the picture of a file, what is known of it, and whether its data stop early.

    Raises:
        BadInput: ``page_unreadable``, ``page_image_too_large`` (page), as ``measured``.
    """
    content = _content(path)
    width, height = _size(content, kind)
    if width * height > MAX_PIXELS:
        raise BadInput("page_image_too_large", page=1)
    picture = _described(content, kind, width, height)
    try:
        gray = _decoded(content, kind)
    except BadInput as error:
        raise BadInput("page_unreadable", page=1) from error
    except PICTURE_FAULTS as error:
        raise BadInput("page_unreadable", page=1) from error
    return gray, picture, not _WHOLE[kind](content)


def untouched_jpeg(path: Path) -> bytes | None:
    """A JPEG file as it is, when it is shown as it is stored; else ``None``."""
    content = _content(path)
    picture = _described(content, Kind.JPEG, *_size(content, Kind.JPEG))
    if picture.orientation != 1 or not picture.resolution.is_square or jpeg_components(content) == 4:
        return None
    return content


def _content(path: Path) -> bytes:
    if path.stat().st_size > MAX_PICTURE_BYTES:
        raise BadInput("scan_too_heavy")
    return path.read_bytes()


def _decoded(content: bytes, kind: Kind) -> Gray:
    if kind is Kind.JPEG and jpeg_components(content) != 4:
        return decode_jpeg(content)
    with Image.open(io.BytesIO(content), formats=_FORMATS[kind]) as picture:
        return grey_of(picture)


def _size(content: bytes, kind: Kind) -> tuple[int, int]:
    """Width and height a file declares, read from its header."""
    try:
        if kind is Kind.JPEG:
            return jpeg_size(content)
        if kind is Kind.PNG:
            return _png_size(content)
        return _webp_size(content)
    except (BadInput, struct.error) as error:
        raise BadInput("picture_unreadable") from error


def _png_size(png: bytes) -> tuple[int, int]:
    """From the first chunk (ISO/IEC 15948, 11.2.2)."""
    if png[12:16] != b"IHDR":
        raise BadInput("picture_unreadable")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def _webp_size(webp: bytes) -> tuple[int, int]:
    """Size of the canvas or of the only frame (RFC 9649, sections 2.5 to 2.7)."""
    form = webp[12:16]
    if form == b"VP8X":
        return int.from_bytes(webp[24:27], "little") + 1, int.from_bytes(webp[27:30], "little") + 1
    if form == b"VP8L":
        bits = int.from_bytes(webp[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if form == b"VP8 ":
        width, height = struct.unpack("<HH", webp[26:30])
        return width & 0x3FFF, height & 0x3FFF
    raise BadInput("picture_unreadable")


def _jpeg_whole(jpeg: bytes) -> bool:
    """Whether coded data end with the marker; phones write more after it, and a small picture before."""
    at = 2
    while at + 4 <= len(jpeg) and jpeg[at] == 0xFF and jpeg[at + 1] != 0xDA:
        fill = jpeg[at + 1] == 0xFF
        at = past_fill(jpeg, at) if fill else at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    return jpeg.find(_JPEG_END, at) >= 0


def _png_whole(png: bytes) -> bool:
    at = 8
    while at + 12 <= len(png):
        if png[at + 4 : at + 8] == b"IEND":
            return True
        at += 12 + int.from_bytes(png[at : at + 4], "big")
    return False


def _webp_whole(webp: bytes) -> bool:
    return len(webp) >= int.from_bytes(webp[4:8], "little") + 8


_WHOLE = {Kind.JPEG: _jpeg_whole, Kind.PNG: _png_whole, Kind.WEBP: _webp_whole}


def _described(content: bytes, kind: Kind, width: int, height: int) -> Picture:
    """What the file says of the picture besides its size; a header that does not parse says nothing."""
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS[kind]) as opened:
            exif = opened.getexif()
            stated, orientation = opened.info.get("dpi"), exif.get(_ORIENTATION, 1)
            camera = any(tag in exif.get_ifd(_CAMERA_DATA) for tag in _CAMERA_TAGS)
    except PICTURE_FAULTS:
        stated, orientation, camera = None, 1, False
    return replace(_picture(width, height, stated, orientation), camera=camera)


def _picture(width: int, height: int, stated: Any, orientation: Any) -> Picture:
    try:
        across, down = (float(value) for value in stated)
        given = (across, down)
    except (TypeError, ValueError, ArithmeticError):
        given = None
    turn = orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1
    return Picture(width, height, turn, resolution_of(width, height, given))


# --- HEIC -----------------------------------------------------------------------------------------


@cache
def _heif() -> Any:
    """The decoder, which only phone pictures need; on one thread, and for the pictures alone."""
    import pillow_heif

    options = pillow_heif.options
    options.DECODE_THREADS = 1
    options.THUMBNAILS = options.DEPTH_IMAGES = options.AUX_IMAGES = False
    return pillow_heif


def heic_pictures(path: Path) -> list[tuple[Picture, Any]]:
    """The pictures of a HEIC file and what decodes each; libheif has applied their turns.

    Raises:
        BadInput: ``picture_truncated``, ``picture_unreadable``, ``page_image_too_large`` (page),
            ``scan_too_heavy``.
    """
    if path.stat().st_size > MAX_PICTURE_BYTES:
        raise BadInput("scan_too_heavy")
    if not _boxes_whole(path):
        raise BadInput("picture_truncated")
    try:
        images = list(_heif().open_heif(path))
        pictures = [_heic_picture(image, index) for index, image in enumerate(images)]
    except PICTURE_FAULTS as error:
        raise BadInput("picture_unreadable") from error
    if not pictures:
        raise BadInput("picture_unreadable")
    return list(zip(pictures, images, strict=True))


def _heic_picture(image: Any, index: int) -> Picture:
    width, height = image.size
    if width < 1 or height < 1:
        raise BadInput("picture_unreadable")
    if width * height > MAX_PIXELS:
        raise BadInput("page_image_too_large", page=index + 1)
    return _picture(width, height, None, 1)


def _boxes_whole(path: Path) -> bool:
    """Whether the boxes of the file (ISO/IEC 14496-12, 4.2) fill it exactly or leave a remainder of noise."""
    size, at = path.stat().st_size, 0
    with path.open("rb") as file:
        while at + 8 <= size:
            file.seek(at)
            length = int.from_bytes(file.read(4), "big")
            if length == 1:
                file.seek(at + 8)
                length = int.from_bytes(file.read(8), "big")
            if length == 0:
                return True
            if length < 8 or at + length > size:
                return False
            at += length
    return True
