"""The Pronote file, byte for byte, and the spreadsheets of marks."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal

import openpyxl
import pytest

from core.domain.marking import Mark, MarkState
from core.exports.cells import harmless, one_line
from core.exports.marks_table import CopyMarks, marks_csv, marks_xlsx
from core.exports.pronote import (
    LONGEST_COMMENT,
    PronoteLine,
    coefficient_text,
    comment_text,
    mark_text,
    pronote_csv,
)


def line(**changes: object) -> PronoteLine:
    values: dict[str, object] = {
        "surname": "BEN SALAH",
        "first_name": "Marie-Lou",
        "birth_date": date(2009, 3, 12),
        "subject": "Maths J1",
        "mark": Decimal("12.5"),
        "coefficient": Decimal(1),
        "comment": "Bien.",
    }
    return PronoteLine(**(values | changes))  # type: ignore[arg-type]


def fields(**changes: object) -> list[str]:
    text = pronote_csv([line(**changes)]).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))[1]


def test_the_pronote_file_is_the_one_of_the_specification_byte_for_byte() -> None:
    content = pronote_csv([line(), line(surname="DURAND", first_name="Éloïse", mark=Decimal(8), comment="")])

    assert content == (
        b"\xef\xbb\xbfNOM;PRENOM;DATE_NAISSANCE;MATIERE;NOTE;COEFF;COMMENTAIRE\r\n"
        b"BEN SALAH;Marie-Lou;12/03/2009;Maths J1;12,50;1,0;Bien.\r\n"
        b"DURAND;\xc3\x89lo\xc3\xafse;12/03/2009;Maths J1;8,00;1,0;\r\n"
    )


def test_a_paper_without_copies_gives_the_header_alone() -> None:
    assert pronote_csv([]) == b"\xef\xbb\xbfNOM;PRENOM;DATE_NAISSANCE;MATIERE;NOTE;COEFF;COMMENTAIRE\r\n"


@pytest.mark.parametrize(
    ("mark", "written"),
    [("12.5", "12,50"), ("12.345", "12,35"), ("0.005", "0,01"), ("20", "20,00"), ("0", "0,00")],
)
def test_a_mark_has_two_decimals_half_up(mark: str, written: str) -> None:
    assert mark_text(Decimal(mark)) == written


@pytest.mark.parametrize(
    ("coefficient", "written"),
    [("1", "1,0"), ("1.5", "1,5"), ("10", "10,0"), ("0.25", "0,25"), ("2.00", "2,0")],
)
def test_a_coefficient_has_one_decimal_or_those_it_needs(coefficient: str, written: str) -> None:
    assert coefficient_text(Decimal(coefficient)) == written


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_that_a_spreadsheet_would_run_gets_an_apostrophe(start: str) -> None:
    assert harmless(f"{start}cmd|' /C calc'!A0") == f"'{start}cmd|' /C calc'!A0"


def test_formulas_are_neutralised_in_every_text_column() -> None:
    written = fields(surname="=1+1", first_name="@x", subject="+Maths", comment="- à revoir")

    assert [written[0], written[1], written[3], written[6]] == ["'=1+1", "'@x", "'+Maths", "'- à revoir"]


def test_a_formula_hidden_behind_white_space_is_neutralised_too() -> None:
    assert fields(comment="\t\r\n=HYPERLINK(1)")[6] == "'=HYPERLINK(1)"


def test_a_comment_stands_on_one_line() -> None:
    assert (
        comment_text("Bon travail.\r\n\r\nRevoir  les\u2028suites\t!\x00")
        == "Bon travail. Revoir les suites !"
    )


def test_a_comment_has_at_most_500_characters_apostrophe_counted() -> None:
    assert len(comment_text("é" * 600)) == LONGEST_COMMENT
    assert len(comment_text("=" * 600)) == LONGEST_COMMENT


def test_a_separator_or_a_quote_in_a_text_does_not_shift_the_columns() -> None:
    assert fields(comment='Très bien ; "continuez"')[6] == 'Très bien ; "continuez"'


def test_a_pupil_without_birth_date_keeps_the_column_empty() -> None:
    assert fields(birth_date=None)[2] == ""


def test_the_columns_can_be_chosen() -> None:
    assert pronote_csv([line()], columns=("NOM", "NOTE")) == b"\xef\xbb\xbfNOM;NOTE\r\nBEN SALAH;12,50\r\n"


def test_white_space_and_control_characters_become_one_space() -> None:
    assert one_line(" a\u00a0\n\x07b ") == "a b"


COPY = CopyMarks(
    code="K7-4QXM",
    surname="=BEN SALAH",
    first_name="Marie-Lou",
    birth_date=date(2009, 3, 12),
    class_name="T.04",
    status="finalised",
    marks={
        "1.a": Mark(MarkState.MARKED, Decimal("0.75")),
        "1.b": Mark(MarkState.UNTREATED),
        "2": Mark(MarkState.NEUTRALISED),
    },
    total=Decimal("0.75"),
    final_mark=Decimal("12.50"),
)


def test_the_csv_of_marks_follows_the_contract_of_the_command_line() -> None:
    assert marks_csv(["1.a", "1.b", "2", "3"], [COPY]).decode() == (
        "code,surname,first_name,birth_date,class,status,1.a,1.b,2,3,total,final_mark\n"
        "K7-4QXM,'=BEN SALAH,Marie-Lou,2009-03-12,T.04,finalised,0.75,NT,N,,0.75,12.50\n"
    )


def test_the_workbook_holds_numbers_as_numbers_and_runs_no_formula() -> None:
    book = openpyxl.load_workbook(io.BytesIO(marks_xlsx(["1.a", "1.b"], [COPY], title="Maths [J1]: a/b")))

    head, row = book.worksheets[0].iter_rows()
    assert [cell.value for cell in head][-4:] == ["1.a", "1.b", "Total", "Note"]
    assert [cell.value for cell in row][-4:] == [0.75, "NT", 0.75, 12.5]
    assert (row[1].value, row[1].data_type) == ("=BEN SALAH", "s")
    assert book.sheetnames == ["Maths  J1   a b"]
