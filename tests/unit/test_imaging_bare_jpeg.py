"""A JPEG without what a scanner writes beside its pixels."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from core.imaging.mask import bare_jpeg, decode_jpeg

NAME = b"LAMBERT Camille"


def jpeg(**options: object) -> bytes:
    """A noisy picture, so that its data hold every byte."""
    pixels = np.random.default_rng(3).integers(0, 256, (96, 160, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", **options)
    return out.getvalue()


def with_segments(content: bytes, *segments: tuple[int, bytes]) -> bytes:
    """``content`` with segments of these markers after its start."""
    parts = (bytes((0xFF, marker)) + (len(data) + 2).to_bytes(2, "big") + data for marker, data in segments)
    return content[:2] + b"".join(parts) + content[2:]


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"restart_marker_blocks": 2}, {"quality": 100}]
)
def test_a_jpeg_that_holds_only_pixels_comes_back_byte_for_byte(options: dict[str, object]) -> None:
    content = jpeg(**options)

    assert bare_jpeg(content) == content


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_comments_metadata_thumbnails_and_what_follows_the_end_go(options: dict[str, object]) -> None:
    content = jpeg(**options)
    told = with_segments(
        content,
        (0xFE, NAME),
        (0xE0, b"JFXX\0\x13\x01\x01" + NAME),
        (0xE1, b"Exif\0\0" + NAME),
        (0xE2, b"MPF\0" + NAME),
        (0xED, b"Photoshop 3.0\0" + NAME),
    )

    bare = bare_jpeg(told + content + NAME)

    assert bare == content
    assert np.array_equal(decode_jpeg(bare), decode_jpeg(content))


def test_how_colours_are_stored_stays() -> None:
    content = with_segments(jpeg(), (0xEE, b"Adobe\0\x64\0\0\0\0\x01"))

    assert bare_jpeg(content) == content


def test_data_that_stop_early_stay_as_they_are() -> None:
    content = with_segments(jpeg()[:3000], (0xFE, NAME))

    assert bare_jpeg(content) == jpeg()[:3000]
    assert bare_jpeg(b"\xff\xd8") == b"\xff\xd8"
