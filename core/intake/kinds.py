"""What a file is, by its first bytes; its name is never asked."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from core.errors import BadInput

_HEAD_BYTES = 1024
"""A PDF may begin this far into its file (ISO 32000-1, annex H.3, note 13)."""

_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
"""Brands of ISO/IEC 23008-12 whose pictures are coded in HEVC, as phones write them."""


class Kind(StrEnum):
    """Kinds of files that are taken in."""

    PDF = "pdf"
    TIFF = "tiff"
    JPEG = "jpeg"
    PNG = "png"
    HEIC = "heic"
    WEBP = "webp"
    ZIP = "zip"


_MAGIC: tuple[tuple[bytes, Kind], ...] = (
    (b"%PDF-", Kind.PDF),
    (b"\xff\xd8\xff", Kind.JPEG),
    (b"\x89PNG\r\n\x1a\n", Kind.PNG),
    (b"II*\0", Kind.TIFF),
    (b"MM\0*", Kind.TIFF),
    (b"II+\0", Kind.TIFF),
    (b"MM\0+", Kind.TIFF),
    (b"PK\x03\x04", Kind.ZIP),
    (b"PK\x05\x06", Kind.ZIP),
)


def kind_of(path: Path) -> Kind:
    """The kind of a file.

    Raises:
        BadInput: ``file_empty``; ``scan_kind_unknown``.
    """
    with path.open("rb") as file:
        return kind_of_head(file.read(_HEAD_BYTES))


def kind_of_head(head: bytes) -> Kind:
    """The kind of a file by its first kilobyte, as ``kind_of``."""
    if not head:
        raise BadInput("file_empty")
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Kind.WEBP
    if head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS:
        return Kind.HEIC
    if b"%PDF-" in head:
        return Kind.PDF
    raise BadInput("scan_kind_unknown")
