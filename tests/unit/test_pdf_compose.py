from __future__ import annotations

import io
import time
from pathlib import Path

import numpy as np
import pikepdf
import pypdfium2
import pytest

from core.imaging.halves import turned
from core.imaging.mask import decode_jpeg, encode_jpeg, wipe_jpeg
from core.pdf.compose import A4_PT, PdfPage, compose_copy, placed_size_pt
from core.pdf.overlay import INK, Annotation, overlay_page, wrapped
from core.pdf.statement import Statement, StatementRow, statement_pdf
from tests.unit import drawn_pages as draw
from tests.unit.drawn_pdfs import A3_PT, pdf_of

LEFT, RIGHT = (0.0, 0.0, 0.5, 1.0), (0.5, 0.0, 1.0, 1.0)
TOP, BOTTOM = (0.0, 0.0, 1.0, 0.5), (0.0, 0.5, 1.0, 1.0)


@pytest.fixture(scope="module")
def sheet() -> draw.Gray:
    return draw.a3(draw.page_without_header(seed=1).gray, draw.page_with_header(draw.CADRES).gray)


@pytest.fixture(scope="module")
def jpeg(sheet: draw.Gray) -> bytes:
    return encode_jpeg(sheet)


@pytest.fixture
def scan(tmp_path: Path, jpeg: bytes) -> Path:
    path = tmp_path / "scan.pdf"
    path.write_bytes(pdf_of([jpeg]))
    return path


def seen(pdf: bytes, index: int, dpi: float = 50) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return np.array(document[index].render(scale=dpi / 72).to_numpy(), dtype=np.uint8)
    finally:
        document.close()


def likeness(shown: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], wanted: draw.Gray) -> float:
    import cv2

    gray = shown.reshape(shown.shape[0], shown.shape[1], -1)[:, :, 0]
    small = cv2.resize(wanted, gray.shape[::-1], interpolation=cv2.INTER_AREA)
    return float(np.corrcoef(gray.ravel(), np.asarray(small).ravel())[0, 1])


def stored_images(pdf: bytes) -> list[bytes]:
    with pikepdf.open(io.BytesIO(pdf)) as document:
        return [
            bytes(item.read_raw_bytes())
            for item in document.objects
            if isinstance(item, pikepdf.Stream) and item.get("/Subtype") == pikepdf.Name.Image
        ]


def test_both_halves_of_a_sheet_share_one_untouched_image(scan: Path, jpeg: bytes) -> None:
    out = compose_copy([PdfPage(scan, 0, RIGHT), PdfPage(scan, 0, LEFT)], [None, None])

    assert stored_images(out) == [jpeg]


@pytest.mark.parametrize(("fed", "half"), [(0, RIGHT), (90, BOTTOM), (180, LEFT), (270, TOP)])
def test_each_page_shows_its_half_upright(
    tmp_path: Path, sheet: draw.Gray, fed: int, half: tuple[float, float, float, float]
) -> None:
    path = tmp_path / "fed.pdf"
    path.write_bytes(pdf_of([encode_jpeg(turned(sheet, fed))], A3_PT if fed % 180 == 0 else A3_PT[::-1]))

    out = compose_copy([PdfPage(path, 0, half, (360 - fed) % 360)], [None])

    assert likeness(seen(out, 0), np.ascontiguousarray(sheet[:, sheet.shape[1] // 2 :])) > 0.9


@pytest.mark.parametrize("rotate", [90, 180, 270])
def test_the_turn_of_the_pdf_page_counts_before_ours(tmp_path: Path, sheet: draw.Gray, rotate: int) -> None:
    path = tmp_path / "fed.pdf"
    stored = turned(sheet, 360 - rotate)
    path.write_bytes(pdf_of([encode_jpeg(stored)], A3_PT if rotate == 180 else A3_PT[::-1], rotate=rotate))

    out = compose_copy([PdfPage(path, 0, RIGHT)], [None])

    assert likeness(seen(out, 0), np.ascontiguousarray(sheet[:, sheet.shape[1] // 2 :])) > 0.9


def test_pages_are_a4(scan: Path) -> None:
    out = compose_copy([PdfPage(scan, 0, RIGHT)], [None])

    with pikepdf.open(io.BytesIO(out)) as document:
        box = [float(value) for value in document.pages[0].mediabox]
    assert box == pytest.approx([0, 0, *A4_PT], abs=0.01)


def test_the_same_copy_gives_the_same_bytes(scan: Path) -> None:
    overlay = overlay_page(*A4_PT, [Annotation("tick", ((0.5, 0.5),))], "Copie K7F")

    first = compose_copy([PdfPage(scan, 0, RIGHT)], [overlay], a_statement())
    time.sleep(1.1)  # dates and file ids count in seconds
    later = overlay_page(*A4_PT, [Annotation("tick", ((0.5, 0.5),))], "Copie K7F")
    second = compose_copy([PdfPage(scan, 0, RIGHT)], [later], a_statement())

    assert first == second


def _spelled_out(item: pikepdf.Object) -> bytes:
    """An object with its dictionary and, unless it is an image, its data decoded."""
    if not isinstance(item, pikepdf.Stream):
        return item.unparse()
    is_image = item.get("/Subtype") == pikepdf.Name.Image
    return item.stream_dict.unparse() + (b"" if is_image else bytes(item.read_bytes()))


def test_nothing_of_the_input_but_pixels_is_carried_over(tmp_path: Path, jpeg: bytes) -> None:
    with pikepdf.open(io.BytesIO(pdf_of([jpeg], extra="BT 3 Tr /F1 9 Tf (DUPONT Marie) Tj ET"))) as pdf:
        pdf.docinfo["/Author"] = "DUPONT Marie"
        pdf.attachments["DUPONT Marie.txt"] = b"DUPONT Marie"
        image = pdf.pages[0].obj.Resources.XObject.Im0
        image["/Metadata"] = pikepdf.Stream(pdf, b"DUPONT Marie")
        image["/Name"] = pikepdf.Name("/DUPONT")
        with pdf.open_outline() as outline:
            outline.root.append(pikepdf.OutlineItem("DUPONT Marie", 0))
        pdf.save(tmp_path / "named.pdf")

    out = compose_copy([PdfPage(tmp_path / "named.pdf", 0, RIGHT)], [None])

    with pikepdf.open(io.BytesIO(out)) as document:
        everything = b"".join(_spelled_out(item) for item in document.objects)
        assert "/Info" not in document.trailer
        assert not document.attachments
        assert set(document.Root.keys()) <= {"/Type", "/Pages"}
    assert b"DUPONT" not in everything
    document = pypdfium2.PdfDocument(out)
    assert document[0].get_textpage().get_text_range().strip() == ""


def test_wiped_bytes_make_a_masked_page(jpeg: bytes) -> None:
    wiped = wipe_jpeg(jpeg, [(1700, 40, 3280, 400)])

    out = compose_copy([PdfPage(wiped, 0, RIGHT)], [None])

    assert stored_images(out) == [wiped]
    assert np.unique(decode_jpeg(stored_images(out)[0])[40:400, 1700:3280]).size == 1


def test_a_page_that_is_not_one_image_is_shown_from_its_pixels_only(tmp_path: Path, jpeg: bytes) -> None:
    path = tmp_path / "mixed.pdf"
    path.write_bytes(pdf_of([jpeg], extra="0 0 30 30 re f"))

    out = compose_copy([PdfPage(path, 0, RIGHT)], [None])

    assert len(stored_images(out)) == 1
    assert stored_images(out)[0][:2] == b"\xff\xd8"


@pytest.mark.parametrize(
    ("kind", "points"),
    [
        ("tick", ((0.5, 0.5),)),
        ("cross", ((0.5, 0.5),)),
        ("question", ((0.5, 0.5),)),
        ("box", ((0.4, 0.4), (0.6, 0.6))),
        ("highlight", ((0.6, 0.6), (0.4, 0.4))),
        ("pen", ((0.4, 0.4), (0.5, 0.6), (0.6, 0.4))),
    ],
)
def test_each_annotation_is_drawn_where_it_was_put(
    kind: str, points: tuple[tuple[float, float], ...]
) -> None:
    page = seen(overlay_page(*A4_PT, [Annotation(kind, points)]), 0)  # type: ignore[arg-type]

    rows, columns = np.nonzero((page[:, :, :3] < 200).any(axis=2) | (page[:, :, 0] < 200))
    assert rows.size > 10
    assert rows.mean() / page.shape[0] == pytest.approx(0.5, abs=0.04)
    assert columns.mean() / page.shape[1] == pytest.approx(0.5, abs=0.04)


def test_an_overlay_lies_over_the_placed_image(scan: Path, sheet: draw.Gray) -> None:
    page = PdfPage(scan, 0, RIGHT)
    size = placed_size_pt(page, sheet.shape[1], sheet.shape[0])
    overlay = overlay_page(*size, [Annotation("box", ((0.2, 0.3), (0.4, 0.5)), color=INK)])

    shown = seen(compose_copy([page], [overlay]), 0, dpi=72).astype(int)

    red = np.abs(shown[:, :, 0] - shown[:, :, 2]) > 60
    rows, columns = np.nonzero(red)
    assert rows.min() / shown.shape[0] == pytest.approx(0.3, abs=0.01)
    assert columns.max() / shown.shape[1] == pytest.approx(0.4, abs=0.01)


def test_words_keep_their_accents() -> None:
    overlay = overlay_page(
        *A4_PT, [Annotation("text", ((0.1, 0.1),), "Œuvre déjà citée : çà, € 12,50 « naïf »")]
    )

    text = pypdfium2.PdfDocument(overlay)[0].get_textpage().get_text_range()

    assert "Œuvre déjà citée : çà, € 12,50 « naïf »" in text


def test_long_words_are_cut_rather_than_run_off_the_page() -> None:
    lines = wrapped("un " + "x" * 300, 11, 200)

    assert len(lines) > 5
    assert "".join(lines).count("x") == 300


def test_an_annotation_without_its_points_is_refused() -> None:
    with pytest.raises(ValueError, match="box"):
        overlay_page(*A4_PT, [Annotation("box", ((0.1, 0.1),))])


def a_statement(items: int = 38, name: str | None = "LEFÈVRE Maëlys") -> bytes:
    rows = [StatementRow("1", "Exercice 1", "3,25", "5", "heading")]
    rows += [
        StatementRow(
            f"1.{i}", f"Question {i} : étudier <f> & conclure", "0,50", "0,75", "marked", "Très bien."
        )
        for i in range(items)
    ]
    rows.append(StatementRow("2", "Question laissée", "", "1", "not_treated"))
    totals = (("Total des points", "13,25 / 20"), ("Note finale", "13,25 / 20"))
    return statement_pdf(
        Statement(
            "Mathématiques",
            "Bac blanc",
            "12 janvier 2027",
            "K7F",
            name,
            rows,
            totals,
            "13,25 / 20",
            "Bon début.",
        )
    )


def text_of(pdf: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(pdf)
    return [document[i].get_textpage().get_text_range() for i in range(len(document))]


def test_the_statement_says_everything_on_numbered_pages() -> None:
    pages = text_of(a_statement())

    words = "\n".join(pages)
    expected = [
        "LEFÈVRE Maëlys",
        "13,25 / 20",
        "étudier <f> & conclure",
        "Très bien.",
        "non traité / 1",
        "Bon début.",
    ]
    assert [part for part in expected if part not in words] == []
    assert [f"Page {i}/{len(pages)}" in page for i, page in enumerate(pages, 1)] == [True] * len(pages)
    assert len(pages) > 1


def test_the_statement_of_an_anonymous_copy_has_no_name() -> None:
    words = "\n".join(text_of(a_statement(name=None)))

    assert "LEFÈVRE" not in words
    assert "Copie anonyme" in words


def test_the_statement_follows_the_pages(scan: Path) -> None:
    out = compose_copy([PdfPage(scan, 0, RIGHT)], [None], a_statement(items=3))

    assert len(text_of(out)) == 2
    assert "Relevé de la copie K7F" in text_of(out)[1]


def test_a_very_long_remark_runs_over_pages() -> None:
    rows = [StatementRow("1", "Question", "1", "2", "marked", "Très long. " * 900)]

    pages = text_of(statement_pdf(Statement("T", "S", "P", "K7F", None, rows)))

    assert sum(page.count("Très long.") for page in pages) == 900
