"""Drawn scans look like scans, and their ground truth is where the ink is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pikepdf
import pytest

from core.errors import BadInput
from workbench.demo import DrawnScan, draw_scan, load, roster
from workbench.demo import truth as truths
from workbench.demo.fonts import SYSTEM_FONT_DIRS
from workbench.demo.scanner import Feed
from workbench.demo.truth import Box, ImageTruth

DATA = Path(__file__).resolve().parents[2] / "data" / "demo"
RECIPE = load(DATA / "recipe.json")
SMALL = replace(RECIPE, dpi=100, jpeg_quality=95)
"""Where the size of the image does not matter."""
PUPILS = 2
Gray = npt.NDArray[np.uint8]


def images(drawn: DrawnScan) -> Iterator[tuple[ImageTruth, Gray]]:
    for path, file in zip(drawn.pdfs, drawn.truth.files, strict=True):
        with pikepdf.open(path) as pdf:
            for page, image in zip(pdf.pages, file.images, strict=True):
                jpeg = np.frombuffer(page.resources.XObject.Im0.read_raw_bytes(), np.uint8)
                yield image, np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_UNCHANGED), dtype=np.uint8)


def cut(image: Gray, box: Box) -> Gray:
    left, top, right, bottom = box
    return image[top:bottom, left:right]


def inside(box: Box, outer: Box, slack_px: int) -> bool:
    return all(a >= b - slack_px for a, b in zip(box[:2], outer[:2], strict=True)) and all(
        a <= b + slack_px for a, b in zip(box[2:], outer[2:], strict=True)
    )


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> DrawnScan:
    return draw_scan(RECIPE.only(pupils=PUPILS), tmp_path_factory.mktemp("demo"), font_dirs=SYSTEM_FONT_DIRS)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> DrawnScan:
    folder = tmp_path_factory.mktemp("small")
    return draw_scan(SMALL.only(pupils=PUPILS), folder, font_dirs=SYSTEM_FONT_DIRS)


def test_each_page_of_the_pdf_is_one_grey_jpeg_on_a3(drawn: DrawnScan) -> None:
    with pikepdf.open(drawn.pdfs[0]) as pdf:
        for page in pdf.pages:
            picture = page.resources.XObject.Im0
            assert list(page.resources.XObject) == ["/Im0"]
            assert (picture.Width, picture.Height, picture.BitsPerComponent) == (3307, 2339, 8)
            assert (picture.Filter, picture.ColorSpace) == (pikepdf.Name.DCTDecode, pikepdf.Name.DeviceGray)
            width_pt, height_pt = (float(side) for side in page.mediabox[2:])
            assert (round(width_pt / 72 * 25.4), round(height_pt / 72 * 25.4)) == (420, 297)


def test_a_sheet_is_two_images_and_its_first_page_bears_the_header(drawn: DrawnScan) -> None:
    sheets = sum(copy.sheets for copy in RECIPE.copies[:PUPILS])
    every = [image for image, _ in images(drawn)]

    assert [image.image for image in every] == list(range(2 * sheets))
    assert [image.side for image in every] == ["front", "back"] * sheets
    for image in every:
        if image.side == "front":
            assert image.halves == {"left": "P4", "right": "P1"}
            assert image.header is not None
            assert image.header.half == "right"
        else:
            assert image.halves == {"left": "P2", "right": "P3"}
            assert image.header is None


def test_the_ink_of_a_field_lies_in_its_box_and_nowhere_beside_the_tight_box(drawn: DrawnScan) -> None:
    for image, pixels in images(drawn):
        if image.header is None:
            continue
        assert set(image.header.fields) == {"surname", "first_name", "birth_date", "class"}
        for field in image.header.fields.values():
            assert cut(pixels, field.ink).min() < 150, "there is ink in the tight box"
            assert inside(field.ink, image.header.box, slack_px=16), "and it does not leave the header"
            assert inside(field.ink, field.box, slack_px=32)
            left, top, right, bottom = field.ink
            assert cut(pixels, (left - 9, top, left - 3, bottom - 14)).mean() > 170, "nothing left of it"
            assert cut(pixels, (right + 3, top, right + 9, bottom - 14)).mean() > 170, "nothing right of it"


def test_the_truth_says_who_wrote_what(drawn: DrawnScan) -> None:
    first = next(image for image, _ in images(drawn))
    pupil = drawn.truth.pupils[first.pupil]

    assert first.header is not None
    assert first.header.fields["class"].text == pupil.class_name
    assert first.header.fields["surname"].text.upper()[0] == pupil.surname[0]
    assert drawn.truth.pupils[RECIPE.absent[0]].sheets == 0
    assert drawn.truth.absent == RECIPE.absent
    assert not drawn.truth.pupils["hors-liste-1"].on_roster


def test_the_truth_is_read_as_it_was_written(drawn: DrawnScan) -> None:
    assert truths.load(drawn.truth_file) == drawn.truth


def test_the_same_recipe_gives_the_same_bytes_and_a_shorter_one_the_same_pages(
    small: DrawnScan, tmp_path: Path
) -> None:
    shorter = draw_scan(SMALL.only(pupils=1), tmp_path / "one", font_dirs=SYSTEM_FONT_DIRS)
    again = draw_scan(SMALL.only(pupils=1), tmp_path / "again", font_dirs=SYSTEM_FONT_DIRS)

    assert shorter.pdfs[0].read_bytes() == again.pdfs[0].read_bytes()
    for (image, pixels), (same_image, same_pixels) in zip(images(shorter), images(small), strict=False):
        assert image == same_image
        assert np.array_equal(pixels, same_pixels)


@pytest.mark.parametrize(
    ("rotate", "halves", "turns"),
    [
        (90, {"top": "P4", "bottom": "P1"}, 1),
        (180, {"right": "P4", "left": "P1"}, 2),
        (270, {"bottom": "P4", "top": "P1"}, 3),
    ],
)
def test_a_turned_sheet_has_its_boxes_and_halves_turned_with_it(
    small: DrawnScan, tmp_path: Path, rotate: int, halves: dict[str, str], turns: int
) -> None:
    pupil = RECIPE.copies[0].pupil
    recipe = SMALL.only(pupils=1).rotated(pupil, sheet=1, rotate=rotate)

    turned, fed = next(images(draw_scan(recipe, tmp_path, font_dirs=SYSTEM_FONT_DIRS)))
    upright, straight = next(images(small))

    assert turned.rotate == rotate
    assert turned.halves == halves
    assert turned.header is not None
    assert upright.header is not None
    assert halves[turned.header.half] == "P1"
    for name, field in turned.header.fields.items():
        expected = np.rot90(cut(straight, upright.header.fields[name].ink), -turns).astype(int)
        assert np.abs(cut(fed, field.ink) - expected).mean() < 6


def test_skew_and_quarter_turns_are_counted_clockwise() -> None:
    ends = np.array([[0.0, 250.0]]), np.array([[1000.0, 250.0]])

    left, right = (Feed(1.0, (0.0, 0.0), 0, 1000, 500).box_of(end) for end in ends)
    turned = Feed(0.0, (0.0, 0.0), 90, 1000, 500).box_of(np.array([[10.0, 20.0]]))

    assert right[1] - left[1] == pytest.approx(17.5, abs=2), "the right end has gone down"
    assert turned[:2] == pytest.approx((479, 10), abs=1), "top left has gone to the top right"


def test_a_pupil_unknown_to_the_roster_is_refused(tmp_path: Path) -> None:
    file = RECIPE.files[0]
    stray = replace(RECIPE, files=(replace(file, copies=(replace(file.copies[0], pupil="nobody"),)),))

    with pytest.raises(BadInput, match="demo_recipe_invalid"):
        draw_scan(stray, tmp_path, font_dirs=SYSTEM_FONT_DIRS)


def test_crops_that_are_not_there_are_asked_for(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="demo_crops_missing"):
        draw_scan(
            load(DATA / "recipe_crops.json"), tmp_path, font_dirs=SYSTEM_FONT_DIRS, reference_data=tmp_path
        )


@pytest.mark.reference
def test_with_real_crops_the_labels_become_the_names_of_the_class(tmp_path: Path) -> None:
    reference = Path(os.environ.get("KORRIGO_REFERENCE_DATA", "../shared"))
    if not (reference / "handwriting").is_dir():
        pytest.skip("reference data not there")
    recipe = load(DATA / "recipe_crops.json")

    few = draw_scan(recipe.only(pupils=1), tmp_path, font_dirs=SYSTEM_FONT_DIRS, reference_data=reference)

    listed = roster.read(few.roster)
    writer = few.truth.pupils[recipe.copies[0].pupil]
    image = few.truth.files[0].images[0]
    assert len(listed) == 28
    assert (writer.surname, writer.first_name) in {(pupil.surname, pupil.first_name) for pupil in listed}
    assert not {stranger.key for stranger in recipe.strangers} & {pupil.key for pupil in listed}
    assert image.header is not None
    assert image.header.fields["surname"].text == writer.surname
