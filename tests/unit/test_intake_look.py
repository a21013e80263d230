"""What the child looks for on an image: never an error, always one finding for each half, pictures that are small."""

from __future__ import annotations

import numpy as np
import pytest

from core.intake.limited import Looked
from core.intake.look import THUMB_BYTES, look
from core.intake.seen import seen
from core.pdf.pages import PagePixels

OPTIONS = {"layout": "a3", "kind": "pdf", "writing": True}
SIZES = ((1, 1), (2, 2), (5, 300), (300, 5), (40, 60), (248, 351), (100, 4000), (4000, 100), (1200, 850))


@pytest.mark.parametrize("layout", ["a3", "a4"])
@pytest.mark.parametrize("dpi", [72.0, 200.0, 600.0])
@pytest.mark.parametrize("size", SIZES)
def test_an_image_of_any_size_has_its_halves_and_no_error(
    size: tuple[int, int], dpi: float, layout: str
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, size, dtype=np.uint8)

    for gray in (noise, np.full(size, 255, np.uint8), np.zeros(size, np.uint8)):
        data, blobs = look(PagePixels(0, gray, dpi, "jpeg"), OPTIONS | {"layout": layout})
        image = seen(Looked(0, data, blobs, None), (100, 100), "a3" if layout == "a3" else "a4", 200.0)

        assert (image.width_px, image.height_px) == (size[1], size[0])
        assert not image.unreadable
        assert all(half.thumb and len(half.thumb) <= THUMB_BYTES for half in image.halves)
        covered = sum((half.box[2] - half.box[0]) * (half.box[3] - half.box[1]) for half in image.halves)
        assert covered == size[0] * size[1]


def test_an_image_of_no_pages_size_is_kept_and_doubted() -> None:
    label = np.full((100, 150), 255, np.uint8)

    data, _ = look(PagePixels(0, label, 200.0, "png"), OPTIONS)

    (half,) = data["halves"]
    assert half["flags"] == ["size_odd"]


@pytest.mark.parametrize(
    "lie", [{"rotation": 45}, {"halves": []}, {"halves": [{"half": "middle"}]}, {"made": 99}]
)
def test_an_answer_that_makes_no_sense_is_an_image_that_cannot_be_read(lie: dict[str, object]) -> None:
    data, blobs = look(PagePixels(0, np.full((1200, 850), 255, np.uint8), 100.0, "png"), OPTIONS)

    image = seen(Looked(0, data | lie, blobs, None), (595, 842), "a4", 200.0)

    assert image.unreadable
    assert [half.half for half in image.halves] == ["full"]
