"""The pages of a TIFF file, measured without decoding them (TIFF 6.0, Adobe 1992; BigTIFF).

Pillow decodes; it does not tell a file whose end is missing from one with fewer pages, so the chain of
directories is followed here, and every strip of every page must lie inside the file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from core.errors import BadInput
from core.imaging.grey import MAX_PIXELS
from core.intake.resolution import Resolution, resolution_of

__all__ = ["TiffPage", "tiff_pages"]

_SUBFILE, _OLD_SUBFILE, _WIDTH, _HEIGHT, _COMPRESSION, _ORIENTATION = 254, 255, 256, 257, 259, 274
_STRIPS, _STRIP_SIZES, _TILES, _TILE_SIZES = 273, 279, 324, 325
_ACROSS, _DOWN, _UNIT = 282, 283, 296
_WANTED = frozenset(
    {_SUBFILE, _OLD_SUBFILE, _WIDTH, _HEIGHT, _COMPRESSION, _ORIENTATION, _STRIPS, _STRIP_SIZES, _TILES}
    | {_TILE_SIZES, _ACROSS, _DOWN, _UNIT}
)
_FORMATS = {1: "B", 3: "H", 4: "I", 5: "II", 13: "I", 16: "Q"}
"""How values are written, by their type; others are not needed here."""

_CODECS = {
    **dict.fromkeys((2, 3, 4), "ccitt"),
    **dict.fromkeys((6, 7), "jpeg"),
    **dict.fromkeys((8, 32946), "flate"),
    1: "raw",
    5: "lzw",
    32773: "packbits",
}
_MAX_ENTRIES = 4096
_MAX_VALUES = 1_000_000
_POINTS_A_CM = 2.54

Values = tuple[int, ...]


@dataclass(frozen=True)
class TiffPage:
    """One page: pixels as stored, the turn (EXIF values 1 to 8) that shows it, and its place in the chain."""

    frame: int
    width_px: int
    height_px: int
    orientation: int
    resolution: Resolution
    codec: str


def tiff_pages(path: Path, *, max_images: int) -> tuple[TiffPage, ...]:
    """The pages of a TIFF file in order; reduced copies of pages, as some programs add, are left out.

    Raises:
        BadInput: ``tiff_truncated``; ``tiff_damaged``, with ``page`` (1-based) when one page is at fault;
            ``scan_too_many_images`` (images, limit); ``page_image_too_large`` (page).
    """
    size = path.stat().st_size
    pages: list[TiffPage] = []
    with path.open("rb") as file:
        for frame, tags in enumerate(_directories(file, size, max_images)):
            if tags.get(_SUBFILE, (0,))[0] & 1 or tags.get(_OLD_SUBFILE, (0,))[0] == 2:
                continue
            pages.append(_page(tags, frame, size, len(pages)))
            if len(pages) > max_images:
                raise BadInput("scan_too_many_images", limit=max_images)
    if not pages:
        raise BadInput("tiff_damaged")
    return tuple(pages)


def _page(tags: dict[int, Values], frame: int, size: int, index: int) -> TiffPage:
    width, height = (tags.get(tag, (0,))[0] for tag in (_WIDTH, _HEIGHT))
    if width < 1 or height < 1:
        raise BadInput("tiff_damaged", page=index + 1)
    if width * height > MAX_PIXELS:
        raise BadInput("page_image_too_large", page=index + 1)
    _check_data(tags, size, index)
    orientation = tags.get(_ORIENTATION, (1,))[0]
    return TiffPage(
        frame,
        width,
        height,
        orientation if 1 <= orientation <= 8 else 1,
        resolution_of(width, height, _stated(tags)),
        _CODECS.get(tags.get(_COMPRESSION, (1,))[0], "other"),
    )


def _check_data(tags: dict[int, Values], size: int, index: int) -> None:
    """Every strip or tile must begin and end inside the file."""
    places = tags.get(_STRIPS) or tags.get(_TILES)
    if not places:
        raise BadInput("tiff_damaged", page=index + 1)
    lengths = tags.get(_STRIP_SIZES) or tags.get(_TILE_SIZES) or (1,) * len(places)
    if any(place + length > size for place, length in zip(places, lengths, strict=False)):
        raise BadInput("tiff_truncated")


def _stated(tags: dict[int, Values]) -> tuple[float, float] | None:
    """Dots per inch across and down; a unit of 1 means that only their ratio is known."""
    unit = tags.get(_UNIT, (2,))[0]
    across, down = tags.get(_ACROSS, (0, 0)), tags.get(_DOWN, (0, 0))
    if unit not in (2, 3) or len(across) != 2 or len(down) != 2 or not (across[1] and down[1]):
        return None
    scale = _POINTS_A_CM if unit == 3 else 1.0
    return across[0] / across[1] * scale, down[0] / down[1] * scale


# --- Directories ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Layout:
    """How numbers are written: byte order, and the wider fields of BigTIFF."""

    order: str
    big: bool

    @property
    def offset(self) -> str:
        return "Q" if self.big else "I"


def _directories(file: BinaryIO, size: int, max_images: int) -> Iterator[dict[int, Values]]:
    """The directories of the chain, one a page or a reduced copy of one."""
    layout, at = _header(file)
    seen: set[int] = set()
    while at:
        if at in seen or len(seen) > 2 * max_images + 2:
            raise BadInput("tiff_damaged")
        seen.add(at)
        if at >= size:
            raise BadInput("tiff_truncated")
        tags, at = _directory(file, layout, at, size)
        yield tags


def _header(file: BinaryIO) -> tuple[_Layout, int]:
    head = file.read(16).ljust(16, b"\0")
    order = "<" if head[:2] == b"II" else ">"
    big = _numbers(order + "H", head[2:4])[0] == 43
    layout = _Layout(order, big)
    return layout, _numbers(order + layout.offset, head[8:16] if big else head[4:8])[0]


def _directory(file: BinaryIO, layout: _Layout, at: int, size: int) -> tuple[dict[int, Values], int]:
    """Tags of the directory at an offset, and the offset of the next (0 after the last)."""
    file.seek(at)
    count = _read(file, layout.order + ("Q" if layout.big else "H"))[0]
    if not 0 < count <= _MAX_ENTRIES:
        raise BadInput("tiff_damaged")
    entry = layout.order + "HH" + layout.offset
    inline = 8 if layout.big else 4
    length = struct.calcsize(entry)
    table = _bytes(file, count * (length + inline))
    following = _read(file, layout.order + layout.offset)[0]
    tags: dict[int, Values] = {}
    for start in range(0, len(table), length + inline):
        tag, kind, values = _numbers(entry, table[start : start + length])
        if tag in _WANTED and kind in _FORMATS and 0 < values <= _MAX_VALUES:
            tags[tag] = _values(
                file, layout, kind, values, table[start + length : start + length + inline], size
            )
    return tags, following


def _values(file: BinaryIO, layout: _Layout, kind: int, count: int, field: bytes, size: int) -> Values:
    form = layout.order + _FORMATS[kind] * count
    length = struct.calcsize(form)
    if length <= len(field):
        return _numbers(form, field[:length])
    at = _numbers(layout.order + layout.offset, field)[0]
    if at + length > size:
        raise BadInput("tiff_truncated")
    file.seek(at)
    return _numbers(form, _bytes(file, length))


def _read(file: BinaryIO, form: str) -> Values:
    return _numbers(form, _bytes(file, struct.calcsize(form)))


def _numbers(form: str, content: bytes) -> Values:
    return tuple(int(value) for value in struct.unpack(form, content))


def _bytes(file: BinaryIO, length: int) -> bytes:
    content = file.read(length)
    if len(content) < length:
        raise BadInput("tiff_truncated")
    return content
