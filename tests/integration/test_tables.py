"""Tables as people send them, from real bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime

import openpyxl
import pikepdf
import pytest
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import SimpleDocTemplate, Table, TableStyle

from core.domain.columns import Row
from core.errors import BadInput
from core.services import tables
from core.services.tables import read_table, whole_table

HEADERS = ("Nom", "Prénom", "Né(e) le")
BÉRANGER = {"Nom": "BÉRANGER", "Prénom": "Clément", "Né(e) le": "17/01/2009"}
OEUVRARD = {"Nom": "ŒUVRARD", "Prénom": "Anaïs", "Né(e) le": "02/05/2009"}
ROWS: tuple[Row, ...] = ((2, BÉRANGER), (3, OEUVRARD))


def text(separator: str = ";", end: str = "\r\n") -> str:
    lines = (HEADERS, tuple(BÉRANGER.values()), tuple(OEUVRARD.values()))
    return end.join(separator.join(line) for line in lines) + end


def refusal(content: bytes, name: str = "liste.csv") -> BadInput:
    with pytest.raises(BadInput) as refused:
        read_table(name, content)
    assert refused.value.details["file"] == name
    return refused.value


# --- CSV


@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_a_csv_is_read_whatever_its_separator_and_encoding(separator: str, encoding: str) -> None:
    table = read_table("liste.csv", text(separator).encode(encoding))

    assert table.headers == HEADERS
    assert table.rows == ROWS


def test_latin_1_is_read_where_cp1252_has_no_such_sign() -> None:
    content = "Nom;Note\r\nBÉRANGER;\x8112\r\n".encode("latin-1")

    assert read_table("liste.csv", content).rows[0][1]["Nom"] == "BÉRANGER"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_numbers_are_those_of_the_file_blank_lines_counted(end: str) -> None:
    content = end.join(["Nom;Prénom", "", "A;B", ";", "C;D", ""]).encode()

    assert [number for number, _ in read_table("l.csv", content).rows] == [3, 5]


def test_a_cell_of_several_lines_does_not_shift_the_numbers_after_it() -> None:
    rows = read_table("l.csv", b'Nom;Note\nA;"un\ndeux"\nB;x\n').rows

    assert rows == ((2, {"Nom": "A", "Note": "un deux"}), (4, {"Nom": "B", "Note": "x"}))


def test_titles_above_the_header_are_passed_over() -> None:
    table = read_table(
        "l.csv", "Lycée Ada-Lovelace ;;\nListe, classe TG3;;\nNom;Prénom;Classe\nA;B;TG3\n".encode()
    )

    assert table.headers == ("Nom", "Prénom", "Classe")
    assert table.rows == ((4, {"Nom": "A", "Prénom": "B", "Classe": "TG3"}),)


def test_commas_in_labels_and_decimals_do_not_pass_for_separators() -> None:
    content = b"item;label;points\n1.a;Donner u, v, w;0,75\n1.b;Lire, puis conclure;0,5\n"

    assert read_table("b.csv", content).rows[0][1] == {
        "item": "1.a",
        "label": "Donner u, v, w",
        "points": "0,75",
    }


def test_one_column_is_a_table_too() -> None:
    assert read_table("l.csv", "Élèves\nBEN SALAH Marie-Lou\n".encode()).rows == (
        (2, {"Élèves": "BEN SALAH Marie-Lou"}),
    )


def test_accents_in_two_signs_and_hard_spaces_are_made_one() -> None:
    [(_, row)] = read_table("l.csv", "Nom;X\n\u00a0BE\u0301RANGER\u202fDUPONT\u200b ;1\n".encode()).rows

    assert row["Nom"] == "BÉRANGER DUPONT"


def test_a_header_twice_keeps_the_first_and_a_column_without_header_is_left_out() -> None:
    table = read_table("l.csv", b"Nom;;Nom;X\nA;B;C;D\n")

    assert table.headers == ("Nom", "X")
    assert table.rows == ((2, {"Nom": "A", "X": "D"}),)


def test_a_short_line_has_empty_cells() -> None:
    assert read_table("l.csv", "Nom;Prénom\nA\nB;C\n".encode()).rows[0] == (2, {"Nom": "A", "Prénom": ""})


def test_a_line_with_too_many_cells_is_told() -> None:
    content = b"item,label,points\n1,Un,1\n2,Donner u, puis v,1\n"

    assert read_table("b.csv", content).overfull == {3}
    with pytest.raises(BadInput) as refused:
        whole_table("b.csv", content)
    assert (refused.value.code, refused.value.details["line"]) == ("table_line_overfull", 3)


def test_a_quote_that_is_never_closed_does_not_swallow_the_rest() -> None:
    rows = read_table("l.csv", 'Nom;Prénom\n"MARTIN;Léa\nDUPONT;Ana\nFAURE;Max\n'.encode()).rows

    assert [(number, row["Nom"], row["Prénom"]) for number, row in rows] == [
        (2, "MARTIN", "Léa"),
        (3, "DUPONT", "Ana"),
        (4, "FAURE", "Max"),
    ]


@pytest.mark.parametrize(
    "content", [b"", b"\n\n ; ;\n", b"\xef\xbb\xbf", "Nom;Prénom\n".encode(), b"\xff\xfe"]
)
def test_a_file_without_a_line_below_its_header_is_empty(content: bytes) -> None:
    assert refusal(content).code == "table_empty"


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", bytes(range(256)) * 4])
def test_bytes_that_are_no_table_are_refused(content: bytes) -> None:
    refused = refusal(content, "photo.png")

    assert (refused.code, refused.details["format"]) == ("table_unreadable", "PNG")


def test_an_old_excel_file_is_refused_as_such() -> None:
    refused = refusal(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "liste.xls")

    assert (refused.code, refused.details["format"]) == ("table_unreadable", "XLS")


def test_a_file_that_is_too_large_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_BYTES", 10)

    assert refusal(b"x" * 11).code == "table_too_large"


# --- XLSX


def workbook(*rows: Sequence[object], before: bool = False) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    if before:
        hidden = book.create_sheet("cachée", 0)
        hidden.append(["Nom", "Prénom"])
        hidden.append(["CACHÉ", "Oui"])
        hidden.sheet_state = "hidden"
        book.create_sheet("vide", 1)
    for row in rows:
        sheet.append(list(row))
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def test_a_sheet_is_read_with_its_dates_and_numbers_as_a_person_reads_them() -> None:
    content = workbook(
        ["Nom", "Né(e) le", "N° candidat", "points", "total"],
        ["BÉRANGER", datetime(2009, 1, 17), 42, 0.75, 0.1 + 0.2],  # noqa: DTZ001 - a spreadsheet has no zone
        [None, None, None, None, None],
        ["DUPONT", date(2009, 3, 7), 43.0, 1e21, True],
    )

    assert read_table("liste.xlsx", content).rows == (
        (
            2,
            {
                "Nom": "BÉRANGER",
                "Né(e) le": "2009-01-17",
                "N° candidat": "42",
                "points": "0.75",
                "total": "0.3",
            },
        ),
        (
            4,
            {
                "Nom": "DUPONT",
                "Né(e) le": "2009-03-07",
                "N° candidat": "43",
                "points": "1" + 21 * "0",
                "total": "1",
            },
        ),
    )


def test_hidden_and_empty_sheets_are_passed_over() -> None:
    assert read_table("l.xlsx", workbook(["Nom", "X"], ["A", "B"], before=True)).rows == (
        (2, {"Nom": "A", "X": "B"}),
    )


def test_an_empty_workbook_is_empty() -> None:
    assert refusal(workbook(), "l.xlsx").code == "table_empty"


def archive(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return stream.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        workbook(["Nom", "X"], ["A", "B"])[:800],
        archive(mimetype=b"application/vnd.oasis.opendocument.spreadsheet"),
    ],
    ids=["truncated", "another kind of archive"],
)
def test_an_archive_that_is_no_workbook_is_refused(content: bytes) -> None:
    refused = refusal(content, "liste.xlsx")

    assert (refused.code, refused.details["format"]) == ("table_unreadable", "XLSX")


def test_a_workbook_that_swells_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_UNPACKED_BYTES", 1000)

    assert refusal(archive(big=bytes(2000)), "l.xlsx").code == "table_too_large"


# --- PDF


def class_list(pupils: int, *, ruled: bool = True) -> bytes:
    stream = io.BytesIO()
    rows = [["Élèves", "Né(e) le", "Classe"]] + [
        [f"NOM{chr(65 + n % 26)} Zoé", "07/03/2009", "TG3"] for n in range(pupils)
    ]
    table = Table(rows, colWidths=[220, 120, 90], repeatRows=1)
    if ruled:
        table.setStyle(TableStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.black)]))
    SimpleDocTemplate(stream, pagesize=A4).build([table])
    return stream.getvalue()


def test_a_ruled_class_list_is_read_over_its_pages_without_the_repeated_header() -> None:
    table = read_table("classe.pdf", class_list(60))

    assert table.headers == ("Élèves", "Né(e) le", "Classe")
    assert len(table.rows) == 60
    assert table.rows[0] == (2, {"Élèves": "NOMA Zoé", "Né(e) le": "07/03/2009", "Classe": "TG3"})


def test_a_list_without_rules_is_cut_at_its_gaps() -> None:
    table = read_table("classe.pdf", class_list(10, ruled=False))

    assert table.headers == ("Élèves", "Né(e) le", "Classe")
    assert [row["Né(e) le"] for _, row in table.rows] == ["07/03/2009"] * 10


def blank_pdf() -> bytes:
    stream = io.BytesIO()
    canvas = Canvas(stream, pagesize=A4)
    canvas.showPage()
    canvas.save()
    return stream.getvalue()


def encrypted_pdf() -> bytes:
    stream = io.BytesIO()
    with pikepdf.open(io.BytesIO(class_list(2))) as document:
        document.save(stream, encryption=pikepdf.Encryption(owner="a", user="b"))
    return stream.getvalue()


@pytest.mark.parametrize(
    "content",
    [blank_pdf(), encrypted_pdf(), b"%PDF-1.7\n", class_list(3)[:400]],
    ids=["scanned", "encrypted", "only its name", "truncated"],
)
def test_a_pdf_without_a_readable_table_is_refused(content: bytes) -> None:
    refused = refusal(content, "classe.pdf")

    assert (refused.code, refused.details["format"]) == ("table_unreadable", "PDF")
