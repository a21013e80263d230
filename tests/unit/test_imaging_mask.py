from __future__ import annotations

import numpy as np
import pytest

from core.errors import BadInput
from core.imaging.mask import WIPED, decode_jpeg, encode_jpeg, jpeg_size, wipe_jpeg, wipe_pixels
from tests.unit import drawn_pages as draw

BOXES = [(101, 77, 653, 190), (900, 1203, 1111, 1290)]


@pytest.fixture(scope="module")
def page() -> draw.Gray:
    return draw.page_with_header(draw.CADRES).gray


def test_wiped_boxes_are_uniform_and_the_rest_is_bit_identical(page: draw.Gray) -> None:
    jpeg = encode_jpeg(page)

    before, after = decode_jpeg(jpeg), decode_jpeg(wipe_jpeg(jpeg, BOXES))

    untouched = np.ones(page.shape, bool)
    for left, top, right, bottom in BOXES:
        assert np.unique(after[top:bottom, left:right]).tolist() == [WIPED]
        untouched[top - 8 : bottom + 8, left - 8 : right + 8] = False
    assert np.array_equal(before[untouched], after[untouched])


def test_comments_of_the_scanner_do_not_survive_a_wipe(page: draw.Gray) -> None:
    jpeg = encode_jpeg(page)
    comment = b"DUPONT Marie"
    marked = jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:]

    assert comment in marked
    assert comment not in wipe_jpeg(marked, BOXES)
    assert comment not in wipe_jpeg(marked, [])


def test_a_box_partly_outside_is_cut_to_the_image_and_one_outside_ignored(page: draw.Gray) -> None:
    height, width = page.shape

    after = decode_jpeg(wipe_jpeg(encode_jpeg(page), [(-50, -50, 100, 100), (width, 0, width + 9, 9)]))

    assert np.unique(after[:100, :100]).tolist() == [WIPED]
    assert after.shape == (height, width)


def test_bytes_that_are_no_jpeg_are_refused() -> None:
    with pytest.raises(BadInput, match="jpeg_unreadable"):
        wipe_jpeg(b"not a jpeg at all", BOXES)


def test_pixels_are_wiped_in_a_copy(page: draw.Gray) -> None:
    wiped = wipe_pixels(page, [(10, 20, 110, 220)])

    assert np.unique(wiped[20:220, 10:110]).tolist() == [WIPED]
    assert not np.array_equal(page[20:220, 10:110], wiped[20:220, 10:110])
    assert np.array_equal(page[300:], wiped[300:])


def test_the_declared_size_is_read_without_decoding(page: draw.Gray) -> None:
    assert jpeg_size(encode_jpeg(page)) == (page.shape[1], page.shape[0])
