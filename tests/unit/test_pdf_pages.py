from __future__ import annotations

import io
import os
import zlib
from pathlib import Path

import numpy as np
import pikepdf
import pytest

from core.domain.sheets import assemble
from core.errors import BadInput
from core.imaging.analyse import analyse_image, side_finding
from core.imaging.halves import turned
from core.imaging.mask import decode_jpeg, encode_jpeg
from core.pdf.pages import PagePixels, iter_pages, page_jpeg, page_pixels
from tests.unit import drawn_pages as draw
from tests.unit.drawn_pdfs import A3_PT, pdf_of


@pytest.fixture(scope="module")
def sheet() -> draw.Gray:
    return draw.a3(draw.page_without_header(seed=1).gray, draw.page_with_header(draw.CADRES).gray)


@pytest.fixture(scope="module")
def jpeg(sheet: draw.Gray) -> bytes:
    return encode_jpeg(sheet)


def written(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "scan.pdf"
    path.write_bytes(content)
    return path


def test_the_scanners_own_pixels_are_taken(tmp_path: Path, jpeg: bytes) -> None:
    pixels = page_pixels(written(tmp_path, pdf_of([jpeg])), 0)

    assert np.array_equal(pixels.gray, decode_jpeg(jpeg))
    assert pixels.codec == "jpeg"
    assert pixels.dpi == pytest.approx(200, abs=0.5)


@pytest.mark.parametrize("rotate", [90, 180, 270])
def test_embedded_and_drawn_pixels_share_one_frame(tmp_path: Path, jpeg: bytes, rotate: int) -> None:
    embedded = page_pixels(written(tmp_path, pdf_of([jpeg], rotate=rotate)), 0)
    drawn = page_pixels(written(tmp_path, pdf_of([jpeg], rotate=rotate, extra="0 0 1 1 re f")), 0)

    assert np.array_equal(embedded.gray, turned(decode_jpeg(jpeg), rotate))
    assert drawn.codec == "mixed"
    small = [pixels.gray[::16, ::16][:100, :100].astype(float) for pixels in (embedded, drawn)]
    assert drawn.gray.shape == pytest.approx(embedded.gray.shape, abs=2)
    assert np.abs(small[0] - small[1]).mean() < 6


def test_a_page_with_a_crop_box_is_drawn_as_a_viewer_shows_it(tmp_path: Path, jpeg: bytes) -> None:
    with pikepdf.open(io.BytesIO(pdf_of([jpeg]))) as pdf:
        pdf.pages[0].obj.CropBox = pikepdf.Array([0, 0, A3_PT[0] / 2, A3_PT[1]])
        out = io.BytesIO()
        pdf.save(out)

    pixels = page_pixels(written(tmp_path, out.getvalue()), 0)

    assert pixels.codec == "mixed"
    assert pixels.gray.shape[1] == pytest.approx(1654, abs=2)


def test_all_pages_come_in_order(tmp_path: Path, jpeg: bytes) -> None:
    pages = list(iter_pages(written(tmp_path, pdf_of([jpeg, jpeg]))))

    assert [page.index for page in pages if isinstance(page, PagePixels)] == [0, 1]


def test_the_jpeg_of_a_page_is_given_byte_for_byte(tmp_path: Path, jpeg: bytes) -> None:
    assert page_jpeg(written(tmp_path, pdf_of([jpeg])), 0) == jpeg


def test_a_jpeg_packed_once_more_is_unpacked(tmp_path: Path, jpeg: bytes) -> None:
    with pikepdf.open(io.BytesIO(pdf_of([jpeg]))) as pdf:
        image = pdf.pages[0].obj.Resources.XObject.Im0
        filters = pikepdf.Array([pikepdf.Name.FlateDecode, pikepdf.Name.DCTDecode])
        image.write(zlib.compress(jpeg), filter=filters)
        out = io.BytesIO()
        pdf.save(out)

    assert page_jpeg(written(tmp_path, out.getvalue()), 0) == jpeg


@pytest.mark.parametrize(
    "extra", ["0 0 50 50 re f", "BT /F1 12 Tf (NOM) Tj ET", "q 1 0 0 1 5 5 cm /Im0 Do Q"]
)
def test_a_page_that_shows_more_than_its_jpeg_has_none(tmp_path: Path, jpeg: bytes, extra: str) -> None:
    assert page_jpeg(written(tmp_path, pdf_of([jpeg], extra=extra)), 0) is None


def test_a_turned_page_has_no_jpeg_of_its_own(tmp_path: Path, jpeg: bytes) -> None:
    assert page_jpeg(written(tmp_path, pdf_of([jpeg], rotate=90)), 0) is None


def test_invisible_text_over_the_scan_changes_nothing(tmp_path: Path, jpeg: bytes) -> None:
    content = pdf_of([jpeg], extra="BT 3 Tr (NOM) Tj ET")

    assert page_jpeg(written(tmp_path, content), 0) == jpeg


def test_an_image_whose_data_stop_early_is_flagged(tmp_path: Path, jpeg: bytes) -> None:
    pixels = page_pixels(written(tmp_path, pdf_of([jpeg[: len(jpeg) // 2]])), 0)

    assert pixels.damaged


def test_an_image_of_absurd_size_is_refused_before_decoding(tmp_path: Path, jpeg: bytes) -> None:
    at = jpeg.index(b"\xff\xc0") + 5
    bomb = jpeg[:at] + (65_000).to_bytes(2, "big") * 2 + jpeg[at + 4 :]

    with pytest.raises(BadInput, match="page_image_too_large"):
        page_pixels(written(tmp_path, pdf_of([bomb])), 0)
    (page,) = iter_pages(tmp_path / "scan.pdf")
    assert isinstance(page, BadInput)


@pytest.mark.reference
@pytest.mark.parametrize(
    "name", ["markus_midterm_scan_100.pdf", "submitty_02_errors_colorscan.pdf", "submitty_03_stress_scan.pdf"]
)
def test_no_page_of_a_real_scan_is_lost_and_none_has_our_header(name: str) -> None:
    path = Path(os.environ.get("KORRIGO_REFERENCE_DATA", "../shared")) / "scans" / name
    findings = []
    for page in iter_pages(path):
        assert isinstance(page, PagePixels)
        findings.append(side_finding(page.index, analyse_image(page.gray, page.dpi, layout="a4")))

    assembly = assemble(findings, "a4")

    assert not any(side.header for side in findings)
    assert [page.image for page in assembly.placements] == list(range(len(findings)))
