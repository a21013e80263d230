"""Remove zones from the bytes of an image, not only from sight."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable

import cv2
import numpy as np

from core.errors import BadInput
from core.imaging.darkness import BoxPx, Gray
from core.imaging.halves import half_pixels

__all__ = ["bare_jpeg", "encode_jpeg", "half_pixels", "jpeg_size", "wipe_jpeg", "wipe_pixels"]

WIPED = 128
"""Level jpegtran leaves behind: a block without coefficients is mid-grey."""

_TIMEOUT_S = 60

_FILL = re.compile(rb"\xff+")
_MARKER_IN_SCAN = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")
"""What ends the entropy-coded data of a scan: not a stuffed byte, not a restart (ITU T.81, B.1.1)."""


def wipe_jpeg(jpeg: bytes, boxes: Iterable[BoxPx]) -> bytes:
    """Wipe boxes out of a JPEG without decoding the rest (``jpegtran -wipe``).

    Every block a box touches becomes uniform grey; all other blocks keep their
    coefficients. Comments and metadata are dropped. jpegtran wipes one box a call.

    Args:
        jpeg: a whole JPEG file.
        boxes: pixels of the image; parts outside it are ignored.

    Raises:
        BadInput: ``jpeg_unreadable``; the bytes are not a JPEG that can be rewritten.
        FileNotFoundError: jpegtran is not installed.
    """
    tool = shutil.which("jpegtran")
    if tool is None:
        raise FileNotFoundError("jpegtran")
    width, height = jpeg_size(jpeg)
    inside = [box for box in (_clipped(box, width, height) for box in boxes) if box is not None]
    for left, top, right, bottom in inside:
        region = f"{right - left}x{bottom - top}+{left}+{top}"
        jpeg = _jpegtran([tool, "-copy", "none", "-wipe", region], jpeg)
    return jpeg if inside else _jpegtran([tool, "-copy", "none"], jpeg)


def _jpegtran(command: list[str], jpeg: bytes) -> bytes:
    done = subprocess.run(command, input=jpeg, capture_output=True, timeout=_TIMEOUT_S, check=False)
    if done.returncode not in (0, 2) or not done.stdout:  # 2: written, with warnings on damaged data
        raise BadInput("jpeg_unreadable")
    return done.stdout


def wipe_pixels(gray: Gray, boxes: Iterable[BoxPx]) -> Gray:
    """A copy of an image with boxes painted over, for codecs that cannot be wiped losslessly."""
    wiped = gray.copy()
    height, width = gray.shape[:2]
    for box in boxes:
        inside = _clipped(box, width, height)
        if inside is not None:
            left, top, right, bottom = inside
            wiped[top:bottom, left:right] = WIPED
    return wiped


def encode_jpeg(gray: Gray, quality: int = 85) -> bytes:
    """JPEG bytes of an image; the same bytes for the same pixels."""
    done, encoded = cv2.imencode(".jpg", gray, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError("image cannot be encoded")
    return encoded.tobytes()


def jpeg_size(jpeg: bytes) -> tuple[int, int]:
    """(width, height) a JPEG declares in its frame header (ITU T.81, B.2.2).

    Raises:
        BadInput: ``jpeg_unreadable``; no frame header.
    """
    at = 2
    while jpeg[:2] == b"\xff\xd8" and at + 9 < len(jpeg):
        if jpeg[at] != 0xFF:
            break
        marker = jpeg[at + 1]
        if marker == 0xFF:
            at = past_fill(jpeg, at)
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(jpeg[at + 7 : at + 9], "big"), int.from_bytes(jpeg[at + 5 : at + 7], "big")
        else:
            at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    raise BadInput("jpeg_unreadable")


def past_fill(jpeg: bytes, at: int) -> int:
    """Where the last of the fill bytes before a marker stands (ITU T.81, B.1.1.2), however many there are."""
    run = _FILL.match(jpeg, at)
    return run.end() - 1 if run else at + 1


def bare_jpeg(jpeg: bytes) -> bytes:
    """The same coded pixels without comments, metadata, thumbnails, or what follows the end.

    Scanners write file names, users and small pictures there. A JPEG that has none of them comes back
    as it is, also when its data stop early.
    """
    kept, at = [jpeg[:2]], 2
    while at + 4 <= len(jpeg):
        marker = jpeg[at + 1]
        if jpeg[at] != 0xFF or marker == 0xFF:  # stray or fill bytes, which decoders pass over too
            at += 1
            continue
        if marker == 0xD9:
            break
        end = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if marker == 0xDA:
            following = _MARKER_IN_SCAN.search(jpeg, end)
            end = following.end() - 2 if following else len(jpeg)
        if not _is_extra(jpeg[at:end]):
            kept.append(jpeg[at:end])
        at = end
    return b"".join([*kept, jpeg[at : at + 2]])


def _is_extra(segment: bytes) -> bool:
    """Comments and application data, but for what tells how colours are stored (JFIF, Adobe)."""
    marker, content = segment[1], segment[4:]
    if marker == 0xE0:
        return not content.startswith(b"JFIF\0") or len(content) != 14  # longer: with a thumbnail
    return marker == 0xFE or (0xE0 <= marker <= 0xEF and not (marker == 0xEE and content[:5] == b"Adobe"))


def _clipped(box: BoxPx, width: int, height: int) -> BoxPx | None:
    left, top, right, bottom = (round(value) for value in box)
    left, top, right, bottom = max(0, left), max(0, top), min(width, right), min(height, bottom)
    return (left, top, right, bottom) if left < right and top < bottom else None


def decode_jpeg(jpeg: bytes) -> Gray:
    """Grey pixels of a JPEG, as stored: an EXIF turn is not applied.

    Raises:
        BadInput: ``jpeg_unreadable``.
    """
    flags = cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION
    gray = cv2.imdecode(np.frombuffer(jpeg, np.uint8), flags)
    if gray is None:
        raise BadInput("jpeg_unreadable")
    return gray.astype(np.uint8, copy=False)
