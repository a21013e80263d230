from __future__ import annotations

import io
import os
from pathlib import Path

import pikepdf
import pytest

from core.errors import BadInput
from core.imaging.mask import encode_jpeg
from core.pdf.read import inspect
from tests.unit import drawn_pages as draw
from tests.unit.drawn_pdfs import A3_PT, pdf_of


@pytest.fixture(scope="module")
def jpeg() -> bytes:
    return encode_jpeg(draw.page_without_header().gray)


@pytest.fixture(scope="module")
def scan(jpeg: bytes) -> bytes:
    return pdf_of([jpeg, jpeg, jpeg])


def refused(tmp_path: Path, content: bytes, **limits: int) -> BadInput:
    path = tmp_path / "scan.pdf"
    path.write_bytes(content)
    with pytest.raises(BadInput) as caught:
        inspect(path, **limits)
    return caught.value


def resaved(content: bytes, **settings: object) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(content)) as pdf:
        pdf.save(out, **settings)  # type: ignore[arg-type]
    return out.getvalue()


def test_the_pages_of_a_scan_are_counted_and_measured(tmp_path: Path, scan: bytes) -> None:
    path = tmp_path / "scan.pdf"
    path.write_bytes(scan)

    info = inspect(path)

    assert info.page_count == 3
    assert (info.pages[2].index, info.pages[2].width_pt, info.pages[2].height_pt) == (2, *A3_PT)


def test_a_turned_page_is_measured_as_a_viewer_shows_it(tmp_path: Path, jpeg: bytes) -> None:
    path = tmp_path / "scan.pdf"
    path.write_bytes(pdf_of([jpeg], rotate=90))

    page = inspect(path).pages[0]

    assert (page.rotate, page.width_pt, page.height_pt) == (90, *A3_PT[::-1])


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, b"").code == "file_empty"


@pytest.mark.parametrize("content", [b"hello", b"PK\x03\x04" + b"\0" * 4000, b"<html>%%EOF</html>"])
def test_what_is_not_a_pdf_is_refused(tmp_path: Path, content: bytes) -> None:
    assert refused(tmp_path, content).code == "not_a_pdf"


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9, 0.999])
def test_a_truncated_pdf_is_refused_even_if_it_could_be_repaired(
    tmp_path: Path, scan: bytes, share: float
) -> None:
    assert refused(tmp_path, scan[: int(len(scan) * share)]).code == "pdf_truncated"


def test_a_pdf_with_a_hole_in_the_middle_is_refused(tmp_path: Path, scan: bytes) -> None:
    hole = scan[: len(scan) // 3] + scan[2 * len(scan) // 3 :]

    assert refused(tmp_path, hole).code == "pdf_truncated"


def test_a_pdf_whose_table_of_objects_is_off_is_taken_when_its_images_are_whole(
    tmp_path: Path, scan: bytes
) -> None:
    head, tail = scan.rsplit(b"startxref", 1)
    path = tmp_path / "scan.pdf"
    path.write_bytes(head + b"startxref\n7\n%%EOF\n")

    assert tail
    assert inspect(path).page_count == 3


def test_a_pdf_with_a_password_is_refused(tmp_path: Path, scan: bytes) -> None:
    locked = resaved(scan, encryption=pikepdf.Encryption(owner="o", user="u"))

    assert refused(tmp_path, locked).code == "pdf_encrypted"


def test_a_pdf_its_owner_restricted_but_that_opens_is_taken(tmp_path: Path, scan: bytes) -> None:
    path = tmp_path / "scan.pdf"
    path.write_bytes(resaved(scan, encryption=pikepdf.Encryption(owner="o", user="")))

    assert inspect(path).page_count == 3


def test_a_page_of_200_000_points_is_refused_and_named(tmp_path: Path, jpeg: bytes) -> None:
    with pikepdf.open(io.BytesIO(pdf_of([jpeg, jpeg]))) as pdf:
        pdf.pages[1].obj.MediaBox = pikepdf.Array([0, 0, 200_000, 200_000])
        out = io.BytesIO()
        pdf.save(out)

    error = refused(tmp_path, out.getvalue())

    assert (error.code, error.details) == ("pdf_page_too_large", {"page": 2})


def test_a_small_page_in_large_units_is_refused(tmp_path: Path, jpeg: bytes) -> None:
    with pikepdf.open(io.BytesIO(pdf_of([jpeg]))) as pdf:
        pdf.pages[0].obj.UserUnit = 500
        out = io.BytesIO()
        pdf.save(out)

    assert refused(tmp_path, out.getvalue()).code == "pdf_page_too_large"


def test_a_page_without_size_is_refused(tmp_path: Path, jpeg: bytes) -> None:
    with pikepdf.open(io.BytesIO(pdf_of([jpeg]))) as pdf:
        pdf.pages[0].obj.MediaBox = pikepdf.Array([10, 10, 10, 10])
        out = io.BytesIO()
        pdf.save(out)

    assert refused(tmp_path, out.getvalue()).code == "pdf_page_without_size"


def test_too_many_pages_are_refused(tmp_path: Path, scan: bytes) -> None:
    error = refused(tmp_path, scan, max_pages=2)

    assert (error.code, error.details) == ("pdf_too_many_pages", {"pages": 3, "limit": 2})


def test_a_pdf_without_pages_is_refused(tmp_path: Path) -> None:
    out = io.BytesIO()
    with pikepdf.new() as pdf:
        pdf.save(out)

    assert refused(tmp_path, out.getvalue()).code == "pdf_no_pages"


@pytest.mark.reference
def test_real_scans_are_taken() -> None:
    folder = Path(os.environ.get("KORRIGO_REFERENCE_DATA", "../shared")) / "scans"

    counts = {path.name: inspect(path).page_count for path in folder.glob("*.pdf")}

    assert counts["submitty_02_errors_colorscan.pdf"] == 36
    assert sum(counts.values()) == 92
