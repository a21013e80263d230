from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from core.errors import WorkbenchError
from core.imaging.direction import PIECE_PX, Writing
from core.imaging.halves import turned
from core.pdf.pages import PagePixels, iter_pages
from core.reading import direction as module
from core.reading.direction import DirectionReader, _is_letter
from tests.integration.classes import draw_few
from tests.unit import drawn_pages as draw

DATA = Path(os.environ.get("KORRIGO_REFERENCE_DATA", "../shared")) / "scans"


@cache
def directions() -> DirectionReader:
    return DirectionReader()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[draw.Gray]:
    """Written half-pages of the demonstration without a header, upright, 200 dpi."""
    drawn = draw_few(tmp_path_factory.mktemp("drawn"), pupils=3)
    ((file,), (pdf,)) = drawn.truth.files, drawn.pdfs
    images = list(iter_pages(pdf))
    found = []
    for image in file.images:
        page = images[image.image]
        assert isinstance(page, PagePixels)
        upright = turned(page.gray, (360 - image.rotate) % 360)
        middle = upright.shape[1] // 2
        sides = {"left": upright[:, :middle], "right": upright[:, middle:]}
        found += [
            np.ascontiguousarray(sides[half])
            for half, name in image.halves.items()
            if name != "P1" and image.written[name] > 0.5
        ]
    return found


def test_handwritten_pages_are_told_or_left_to_people_whichever_way_they_were_fed(
    pages: list[draw.Gray],
) -> None:
    wrong, told = [], 0
    for number, page in enumerate(pages[:6]):
        for fed in (0, 90, 180, 270):
            found = directions().of_image(turned(page, fed), draw.DPI).rotation_deg
            told += found is not None
            if found not in (None, (360 - fed) % 360):
                wrong.append((number, fed, found))

    assert wrong == []
    assert told >= 0.9 * 24


def test_loops_that_are_no_letters_are_left_to_people_or_lie_level() -> None:
    page = draw.page_without_header("seyes", seed=3).gray

    for fed in (0, 90):
        found = directions().of_image(turned(page, fed), draw.DPI)
        assert found.rotation_deg is None or found.rotation_deg % 180 == fed


@pytest.mark.parametrize("kind", ["plain", "seyes"])
def test_nothing_is_told_of_an_empty_page(kind: str) -> None:
    found = directions().of_image(draw.page_without_header(kind, lines=0).gray, draw.DPI)

    assert found.rotation_deg is None
    assert found.confidence == 0.0


def test_pieces_without_anything_on_them_tell_nothing() -> None:
    blank = tuple(np.full((PIECE_PX, 200), 255, np.uint8) for _ in range(8))

    assert directions().of_writing(Writing(0, 1.0, blank)).rotation_deg is None


def test_letters_are_those_of_french_and_digits() -> None:
    assert all(map(_is_letter, "aZéçœ7"))
    assert not any(map(_is_letter, ("", " ", "=", "<", "一", "Ω", "ab")))


def test_another_model_than_the_pinned_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CLASSIFIER_SHA256", "0" * 64)

    with pytest.raises(WorkbenchError) as refusal:
        DirectionReader()

    assert refusal.value.code == "reader_model_missing"


def real_pages() -> Iterator[tuple[str, PagePixels]]:
    """Every page of the real scans. All of them were fed upright: their pictures were looked at one by one."""
    for path in sorted(DATA.glob("*.pdf")):
        for page in iter_pages(path):
            assert isinstance(page, PagePixels)
            yield f"{path.stem} {page.index + 1}", page


@pytest.mark.reference
@pytest.mark.skipif(not DATA.is_dir(), reason="no reference data")
@pytest.mark.timeout(300)
def test_no_real_page_is_turned_the_wrong_way_however_it_is_fed() -> None:
    wrong, told, asked = [], 0, 0
    for number, (name, page) in enumerate(real_pages()):
        fed = (0, 90, 180, 270)[number % 4]
        found = directions().of_image(turned(page.gray, fed), page.dpi).rotation_deg
        asked += 1
        told += found is not None
        if found not in (None, (360 - fed) % 360):
            wrong.append((name, fed, found))

    assert asked == 92
    assert wrong == []
    assert told >= 0.8 * asked
