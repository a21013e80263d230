"""What a child process found on an image, read back as values; whatever does not read so is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np

from core.domain.entries import Cut
from core.domain.sheets import HalfFinding, HalfName, HeaderSeen, Layout, SideFinding
from core.errors import BadInput
from core.imaging.darkness import BoxPx, Gray
from core.imaging.direction import Writing
from core.imaging.halves import split
from core.imaging.layout import is_a3
from core.intake.limited import Looked

_NAMES = frozenset(name for cut in Cut for name in cut.halves)
_TURNS = (None, 0, 90, 180, 270)


@dataclass(frozen=True, eq=False)
class SeenHeader:
    """A header with its pictures: a JPEG for people, a PNG of each field; ``mask`` in the image as fed."""

    model: str
    kind: str
    score: float
    crop: bytes
    fields: Mapping[str, bytes]
    mask: BoxPx


@dataclass(frozen=True, eq=False)
class SeenMark:
    """A picture of what may be a page number, upright under a clockwise turn of the image; ``edge`` of the page."""

    turn_deg: int
    edge: str
    picture: bytes


@dataclass(frozen=True, eq=False)
class SeenHalf:
    """One half of an image; ``box`` in the image as fed."""

    half: HalfName
    box: BoxPx
    skew_deg: float = 0.0
    blank: bool = False
    flags: tuple[str, ...] = ()
    header: SeenHeader | None = None
    thumb: bytes | None = None
    likeness: bytes | None = None
    ruling: str = ""
    hand: tuple[float, ...] = ()
    marks: tuple[SeenMark, ...] = ()


@dataclass(frozen=True, eq=False)
class SeenImage:
    """An image of a file, whether it could be read or not.

    Attributes:
        index: 0-based place in the file.
        rotation_deg: clockwise turn that makes it upright; ``None`` when nothing tells.
        halves: in the order of the image as fed.
        flags: codes of what a person should look at, of the image as a whole.
        made: the page cut out of a phone photo and made straight, a JPEG.
        writing: lines of a whole page whose direction no header tells.
        unreadable: it could not be decoded: its halves still need their place.
    """

    index: int
    width_px: int
    height_px: int
    dpi: float
    codec: str
    rotation_deg: int | None
    halves: tuple[SeenHalf, ...]
    flags: tuple[str, ...] = ()
    made: bytes | None = None
    writing: Writing | None = None
    unreadable: bool = False

    @property
    def header(self) -> SeenHeader | None:
        """The header of the image, wherever it is."""
        return next((half.header for half in self.halves if half.header is not None), None)

    def half(self, name: str) -> SeenHalf:
        """The half of a name."""
        return next(half for half in self.halves if half.half == name)

    def side(self, rotation_deg: int | None, flags: Sequence[str] = ()) -> SideFinding:
        """What the assembly of sheets needs; with a turn, and flags of the whole image, told by other means."""
        halves = tuple(
            HalfFinding(half.half, half.blank, _header_seen(half.header), (*half.flags, *self.flags, *flags))
            for half in self.halves
        )
        return SideFinding(self.index, halves, rotation_deg, unreadable=self.unreadable)


def seen(looked: Looked, size_pt: tuple[float, float], layout: Layout, render_dpi: float) -> SeenImage:
    """Read the answer of a child; an image it could not read has the size its page declares.

    Args:
        looked: the answer.
        size_pt: declared width and height of the image.
        layout: layout of the file.
        render_dpi: resolution that an unreadable image is given.
    """
    if looked.data is not None:
        try:
            return _read(looked.index, looked.data, looked.blobs)
        except (KeyError, TypeError, ValueError, IndexError):
            pass  # a child that lies is as good as one that died
    elif looked.error is not None and looked.error.code == "scan_crashed_reader":
        raise BadInput("scan_crashed_reader")
    return unreadable(looked.index, size_pt, layout, render_dpi)


def unreadable(index: int, size_pt: tuple[float, float], layout: Layout, dpi: float) -> SeenImage:
    """An image that cannot be decoded."""
    width, height = (max(2, round(side / 72 * dpi)) for side in size_pt)
    whole = not is_a3((size_pt[0] / 72 * 25.4, size_pt[1] / 72 * 25.4))
    halves = split(width, height, "a4" if layout == "a4" or whole else "a3")
    return SeenImage(
        index,
        width,
        height,
        dpi,
        "unreadable",
        None,
        tuple(SeenHalf(half.name, half.box) for half in halves),
        unreadable=True,
    )


def _header_seen(header: SeenHeader | None) -> HeaderSeen | None:
    if header is None:
        return None
    return HeaderSeen(header.model, "annex" if header.kind == "annex" else "copy")


def _read(index: int, data: Mapping[str, Any], blobs: Sequence[bytes]) -> SeenImage:
    def blob(place: Any) -> bytes | None:
        return None if place is None else blobs[int(place)]

    rotation = data["rotation"]
    halves = tuple(_half(half, blobs) for half in data["halves"])
    if rotation not in _TURNS or tuple(half.half for half in halves) not in {cut.halves for cut in Cut}:
        raise ValueError("halves")
    return SeenImage(
        index=index,
        width_px=int(data["width"]),
        height_px=int(data["height"]),
        dpi=float(data["dpi"]),
        codec=str(data["codec"])[:64],
        rotation_deg=rotation,
        halves=halves,
        flags=tuple(str(flag) for flag in data["flags"]),
        made=blob(data["made"]),
        writing=_writing(data["writing"], blobs) if data["writing"] is not None else None,
    )


def _half(data: Mapping[str, Any], blobs: Sequence[bytes]) -> SeenHalf:
    name = str(data["half"])
    if name not in _NAMES:
        raise ValueError(name)
    header = data["header"]
    return SeenHalf(
        half=cast(HalfName, name),
        box=_box(data["box"]),
        skew_deg=float(data["skew"]),
        blank=bool(data["blank"]),
        flags=tuple(str(flag) for flag in data["flags"]),
        header=_header(header, blobs) if header is not None else None,
        thumb=None if data["thumb"] is None else blobs[int(data["thumb"])],
        likeness=None if data["likeness"] is None else blobs[int(data["likeness"])],
        ruling=str(data["ruling"])[:64],
        hand=tuple(float(value) for value in data["hand"]),
        marks=tuple(
            SeenMark(int(mark["turn"]), str(mark["edge"]), blobs[int(mark["picture"])])
            for mark in data["marks"]
        ),
    )


def _writing(data: Mapping[str, Any], blobs: Sequence[bytes]) -> Writing:
    pieces = tuple(gray_of_png(blobs[int(place)]) for place in data["pieces"])
    return Writing(int(data["quarter"]), float(data["level"]), pieces)


def gray_of_png(png: bytes) -> Gray:
    """Pixels of a crop that a child made.

    Raises:
        ValueError: It is no picture.
    """
    gray = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
    if gray is None:
        raise ValueError("crop cannot be decoded")
    return gray.astype(np.uint8, copy=False)


def _header(data: Mapping[str, Any], blobs: Sequence[bytes]) -> SeenHeader:
    return SeenHeader(
        model=str(data["model"])[:64],
        kind=str(data["kind"]),
        score=float(data["score"]),
        crop=blobs[int(data["crop"])],
        fields={str(field): blobs[int(place)] for field, place in data["fields"].items()},
        mask=_box(data["mask"]),
    )


def _box(values: Sequence[Any]) -> BoxPx:
    left, top, right, bottom = (int(value) for value in values)
    return (left, top, right, bottom)
