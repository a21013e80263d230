"""What is found on one image, in the child process that decodes it: findings as JSON values, pictures as bytes.

``core.intake.seen`` reads the answer on the other side of the pipe.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import cv2
import numpy as np

from core.imaging.analyse import HalfReport, ImageFinding, analyse_image
from core.imaging.darkness import BoxPx, Gray
from core.imaging.direction import writing_of
from core.imaging.halves import half_pixels
from core.imaging.hand import hand_features
from core.imaging.header import HeaderMatch, field_crop, header_crop, model_named
from core.imaging.header_models import HeaderModel, builtin_models, model_of_json
from core.imaging.likeness import descriptor
from core.imaging.mask import encode_jpeg
from core.imaging.page_marks import crop_pixels, mark_crops
from core.imaging.photo import Flattened, Kind, Origin, find_page, flattened, is_photo
from core.imaging.ruling import ruling_of
from core.imaging.straight import StraightPage, straight_page
from core.imaging.zones import identity_zone
from core.pdf.pages import PagePixels

THUMB_WIDTH_PX = 240
"""Of an A4 page: its layout and its first words show, and 340 sheets of them are 15 MB at most."""

THUMB_QUALITIES = (70, 50, 30)
THUMB_BYTES = 30_000

PAGE_SIDES_MM = (60.0, 600.0)
"""Sides between which an image can be a page: a label is less, A2 more. Others are kept and shown, not analysed."""

MADE_QUALITY = 85
"""Of a phone photo made straight: what the camera compressed before loses nothing that is read."""

PHOTO_KINDS = frozenset({"jpeg", "png", "heic", "webp"})
"""Pictures that a telephone may have taken; a PDF or a TIFF comes from a copier."""


class _Blobs:
    """Bytes that go beside the JSON; their places in the list stand in it."""

    def __init__(self) -> None:
        self.kept: list[bytes] = []

    def add(self, content: bytes | None) -> int | None:
        if content is None:
            return None
        self.kept.append(content)
        return len(self.kept) - 1


def look(pixels: PagePixels, options: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
    """Look at one image.

    Args:
        pixels: the image as a viewer shows it.
        options: ``kind`` of the file; its ``layout`` (a3 or a4); ``models`` drawn by the secretariat, as
            JSON objects; ``writing``: whether to send pieces of the lines of each whole page whose
            direction no header tells.
    """
    models = [*builtin_models(), *(model_of_json(model) for model in options.get("models", ()))]
    blobs = _Blobs()
    photo = _photo(pixels, options["kind"])
    gray, dpi = (photo.image, photo.dpi) if photo is not None else (pixels.gray, pixels.dpi)
    height, width = gray.shape
    if not _is_page_sized(width, height, dpi):
        return _odd(pixels, gray, dpi, blobs), blobs.kept
    finding = analyse_image(gray, dpi, layout=options["layout"], models=models)
    data = {
        "width": width,
        "height": height,
        "dpi": dpi,
        "codec": pixels.codec,
        "flags": [
            *(photo.flags if photo is not None else ()),
            *(("image_damaged",) if pixels.damaged else ()),
        ],
        "made": blobs.add(encode_jpeg(gray, MADE_QUALITY)) if photo is not None else None,
        "rotation": finding.rotation_deg,
        "halves": [_half(gray, dpi, half, finding, models, blobs) for half in finding.halves],
        "writing": _writing(finding, blobs) if options.get("writing") else None,
    }
    return data, blobs.kept


def _is_page_sized(width_px: int, height_px: int, dpi: float) -> bool:
    shortest, longest = (side / dpi * 25.4 for side in sorted((width_px, height_px)))
    return shortest >= PAGE_SIDES_MM[0] and longest <= PAGE_SIDES_MM[1]


def _odd(pixels: PagePixels, gray: Gray, dpi: float, blobs: _Blobs) -> dict[str, Any]:
    """An image of no page's size: one half of which nothing is said but that."""
    height, width = gray.shape
    half = {
        "half": "full",
        "box": [0, 0, width, height],
        "skew": 0.0,
        "blank": False,
        "flags": ["size_odd"],
        "header": None,
        "thumb": blobs.add(thumbnail(gray, (0, 0, width, height))),
        "likeness": None,
        "ruling": "",
        "hand": [],
        "marks": [],
    }
    return {
        "width": width,
        "height": height,
        "dpi": dpi,
        "codec": pixels.codec,
        "flags": [],
        "made": None,
        "rotation": None,
        "halves": [half],
        "writing": None,
    }


def _photo(pixels: PagePixels, kind: str) -> Flattened | None:
    """The page of a phone photo, made straight; ``None`` when the image comes from a scanner."""
    if kind not in PHOTO_KINDS:
        return None
    edges = find_page(pixels.gray)
    if not is_photo(pixels.gray, Origin(cast(Kind, kind), pixels.camera), edges):
        return None
    return flattened(pixels.gray, edges)


def _half(
    gray: Gray,
    dpi: float,
    half: HalfReport,
    finding: ImageFinding,
    models: Sequence[HeaderModel],
    blobs: _Blobs,
) -> dict[str, Any]:
    page = straight_page(half.dark, half.skew_deg, finding.rotation_deg or 0)
    hand = None if half.blank else hand_features(page)
    return {
        "half": half.half,
        "box": [int(value) for value in half.box],
        "skew": half.skew_deg,
        "blank": half.blank,
        "flags": list(half.flags),
        "header": _header(gray, half.header, models, blobs) if half.header is not None else None,
        "thumb": blobs.add(thumbnail(gray, half.box)),
        "likeness": blobs.add(None if half.blank else descriptor(page)),
        "ruling": ruling_of(page).kind,
        "hand": [float(value) for value in hand or ()],
        "marks": [] if half.blank else _marks(gray, dpi, half, finding.rotation_deg, page, blobs),
    }


def _marks(
    gray: Gray, dpi: float, half: HalfReport, rotation_deg: int | None, page: StraightPage, blobs: _Blobs
) -> list[dict[str, Any]]:
    """Pictures of what may be a page number, each with the turn under which it is upright.

    A back does not tell which way up it is: both are sent, and its sheet decides later.
    """
    across = half.box[2] - half.box[0] > half.box[3] - half.box[1]
    turns = [rotation_deg] if rotation_deg is not None else [90, 270] if across else [0, 180]
    found = []
    for turn in turns:
        upright = (
            page
            if turn == (rotation_deg or (90 if across else 0))
            else straight_page(half.dark, half.skew_deg, turn)
        )
        crops = mark_crops(upright)
        if not crops:
            continue
        pixels = half_pixels(gray, half.box, turn)
        for crop in crops:
            content = _png(crop_pixels(pixels, dpi, half.skew_deg, crop))
            found.append({"turn": turn, "edge": crop.edge, "picture": blobs.add(content)})
    return found


def _writing(finding: ImageFinding, blobs: _Blobs) -> dict[str, Any] | None:
    """Pieces of the lines of a whole written page without a header, else nothing."""
    (first, *rest) = finding.halves
    if rest or finding.rotation_deg is not None or first.blank:
        return None
    found = writing_of([first.dark], first.skew_deg)
    return {
        "quarter": found.quarter_deg,
        "level": found.level,
        "pieces": [blobs.add(_png(piece)) for piece in found.pieces],
    }


def _header(gray: Gray, found: HeaderMatch, models: Sequence[HeaderModel], blobs: _Blobs) -> dict[str, Any]:
    model = model_named(found.model, models)
    return {
        "model": found.model,
        "kind": model.kind,
        "score": found.score,
        "crop": blobs.add(encode_jpeg(header_crop(gray, found, model), 85)),
        "fields": {
            field: blobs.add(_png(field_crop(gray, found, field, model=model))) for field in model.fields_mm
        },
        "mask": [int(value) for value in identity_zone(found, model)],
    }


def thumbnail(gray: Gray, box: BoxPx) -> bytes:
    """A small JPEG of a part of an image as fed, 30 kB at most."""
    left, top, right, bottom = box
    cut = gray[top:bottom, left:right]
    scale = min(1.0, THUMB_WIDTH_PX / min(cut.shape), 2 * THUMB_WIDTH_PX / max(cut.shape))
    size = (max(1, round(cut.shape[1] * scale)), max(1, round(cut.shape[0] * scale)))
    small = cv2.resize(cut, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    for quality in THUMB_QUALITIES:
        content = encode_jpeg(small, quality)
        if len(content) <= THUMB_BYTES:
            break
    return content


def _png(gray: Gray) -> bytes:
    """Field crops are read again by other engines: kept without loss."""
    done, content = cv2.imencode(".png", gray, [cv2.IMWRITE_PNG_COMPRESSION, 6])
    if not done:
        raise ValueError("crop cannot be encoded")
    return content.tobytes()
