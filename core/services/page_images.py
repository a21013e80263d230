"""A page as a picture for the screen: cut out, upright, at the width asked for, with or without names."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db.tables import HalfPage
from core.imaging.darkness import BoxPx
from core.intake import readers
from core.services.image_files import image_files
from core.storage.blobs import BlobStore

PAGE_WIDTH_PX = 1240
"""A4 at 150 dpi: handwriting is read without zoom on a 1280 px screen."""
PAGE_WIDTH_LIMITS_PX = (400, 1700)
_JPEG_QUALITY = 80
_DRAWING = 1
"""Part of every cache key: raise it when the same source is drawn otherwise, or old images come back."""


@dataclass(frozen=True)
class PageImage:
    """An upright page as a JPEG; ``sha256`` of the bytes serves as entity tag."""

    content: bytes
    sha256: str


@dataclass(frozen=True)
class PageSource:
    """Where the pixels of one page are. Boxes lie in the image as fed."""

    scan_sha256: str
    index: int
    box: BoxPx
    rotation_deg: int
    mask_boxes: tuple[BoxPx, ...]


def page_source(session: Session, half: HalfPage) -> PageSource:
    """Where a half-page lies, and every zone of its image that no corrector may see."""
    # A zone found on one half may reach over the fold: those of the whole image are wiped.
    masks = session.scalars(
        select(HalfPage.mask_boxes_px).where(HalfPage.scan_image_id == half.scan_image_id)
    ).all()
    file = image_files(session, [half.image])[half.scan_image_id]
    return PageSource(
        scan_sha256=file.sha256,
        index=file.index,
        box=tuple(half.box_px),
        rotation_deg=half.image.rotation_deg,
        mask_boxes=tuple(tuple(box) for boxes in masks for box in boxes),
    )


def page_image(blobs: BlobStore, source: PageSource, *, masked: bool, width_px: int | None) -> PageImage:
    """Draw a page, or take the one drawn before; when ``masked``, the pixels are gone before the JPEG is made.

    The caller has checked the right: the cache does not know who asks.
    """
    wanted_px = _within_limits(width_px or PAGE_WIDTH_PX)
    key = drawing_key(source, masked=masked, width_px=wanted_px)
    content = blobs.derived.get(key)
    if content is None:
        content = _drawn(blobs, source, masked=masked, width_px=wanted_px)
        blobs.derived.put(key, content)
    return PageImage(content, hashlib.sha256(content).hexdigest())


def drawing_key(source: PageSource, *, masked: bool, width_px: int) -> str:
    """SHA-256 of all that a page image depends on; no name is in it, and it tells nothing back.

    A masked and a named image of one page never share a key, nor do two masked ones when a zone was added,
    moved or taken away: a zone masked by hand is gone from the next image on.
    """
    depends_on = {
        "drawing": _DRAWING,
        "scan": source.scan_sha256,
        "index": source.index,
        "box": source.box,
        "rotation_deg": source.rotation_deg,
        "view": "masked" if masked else "named",
        "masks": sorted(source.mask_boxes) if masked else None,
        "width_px": width_px,
        "quality": _JPEG_QUALITY,
    }
    return hashlib.sha256(json.dumps(depends_on, sort_keys=True).encode()).hexdigest()


def _drawn(blobs: BlobStore, source: PageSource, *, masked: bool, width_px: int) -> bytes:
    _, (content,) = readers.ask(
        "page",
        blobs.path(source.scan_sha256),
        index=source.index,
        box=list(source.box),
        rotation_deg=source.rotation_deg,
        zones=[list(zone) for zone in source.mask_boxes] if masked else [],
        width_px=width_px,
        quality=_JPEG_QUALITY,
    )
    return content


def _within_limits(width_px: int) -> int:
    lowest, highest = PAGE_WIDTH_LIMITS_PX
    return min(max(width_px, lowest), highest)
