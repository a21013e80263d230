"""Exports of a paper: who is in the file, in what order, and who is listed as left out."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import openpyxl
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from core.db.tables import Copy, Identity, JournalEntry, Marking, Paper
from core.domain.access import Role
from core.domain.copies import CopyStatus
from core.errors import BadInput, NotAllowed, NotFound
from core.services import exports, publication
from core.services.exports import LeftOut
from core.storage.blobs import BlobStore
from tests.integration.builders import STAFF, Exam, build_exam
from tests.integration.test_reports import MARKS, mark

Sessions = sessionmaker[Session]


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")


@pytest.fixture
def exam(sessions: Sessions, blobs: BlobStore) -> Exam:
    """Four copies: three finalised with marks of 16, 7 and 17, one still to be marked."""
    made = build_exam(sessions, blobs, copies=4, status=CopyStatus.FINALISED)
    for code, marks in zip(made.codes, MARKS, strict=False):
        mark(sessions, made, code, marks)
    with sessions.begin() as session:
        session.scalars(select(Copy).where(Copy.code == made.codes[3])).one().status = CopyStatus.READY.value
    return made


def export(sessions: Sessions, blobs: BlobStore, exam: Exam, format: str) -> exports.Exported:
    return exports.export_paper(sessions, STAFF, blobs, paper_id=exam.paper_id, format=format)


def test_the_pronote_file_holds_the_finalised_copies_and_lists_the_others(
    sessions: Sessions, blobs: BlobStore, exam: Exam
) -> None:
    with sessions.begin() as session:
        marking = session.scalars(select(Marking).order_by(Marking.id)).first()
        assert marking is not None
        marking.appreciation = "=Très bien,\ncontinuez."

    made = export(sessions, blobs, exam, "pronote")

    assert (
        made.content
        == (
            "\ufeffNOM;PRENOM;DATE_NAISSANCE;MATIERE;NOTE;COEFF;COMMENTAIRE\r\n"
            "NOM0;Zoé;01/03/2009;Maths J1;16,00;1,0;'=Très bien, continuez.\r\n"
            "NOM1;Zoé;02/03/2009;Maths J1;7,00;1,0;\r\n"
            "NOM2;Zoé;03/03/2009;Maths J1;17,00;1,0;\r\n"
        ).encode()
    )
    assert made.file_name == "pronote-maths-j1.csv"
    assert made.left_out == [LeftOut(exam.codes[3], "not_finalised")]


def test_a_finalised_copy_without_identity_is_left_out_of_pronote_only(
    sessions: Sessions, blobs: BlobStore, exam: Exam
) -> None:
    with sessions.begin() as session:
        session.scalars(select(Copy).where(Copy.code == exam.codes[1])).one().candidate_id = None

    pronote, table = export(sessions, blobs, exam, "pronote"), export(sessions, blobs, exam, "csv")

    assert LeftOut(exam.codes[1], "no_identity") in pronote.left_out
    assert b"NOM1" not in pronote.content
    assert exam.codes[1] in table.content.decode()


def test_a_person_who_was_erased_is_left_out(sessions: Sessions, blobs: BlobStore, exam: Exam) -> None:
    with sessions.begin() as session:
        session.delete(session.scalars(select(Identity).where(Identity.surname == "NOM2")).one())

    assert LeftOut(exam.codes[2], "no_identity") in export(sessions, blobs, exam, "pronote").left_out


def test_the_mark_is_the_final_one_converted_and_rounded_as_the_paper_says(
    sessions: Sessions, blobs: BlobStore, exam: Exam
) -> None:
    with sessions.begin() as session:
        paper = session.get_one(Paper, exam.paper_id)
        paper.final_scale_hundredths, paper.rounding_hundredths, paper.coefficient_hundredths = 1000, 50, 250

    rows = export(sessions, blobs, exam, "pronote").content.decode("utf-8-sig").splitlines()

    assert [row.split(";")[4:6] for row in rows[1:]] == [["8,00", "2,5"], ["3,50", "2,5"], ["8,50", "2,5"]]


def test_the_csv_has_a_column_per_item_in_the_order_of_the_scheme(
    sessions: Sessions, blobs: BlobStore, exam: Exam
) -> None:
    header, first, second, _third = csv.reader(
        io.StringIO(export(sessions, blobs, exam, "csv").content.decode())
    )

    assert header[6:] == ["1.a", "1.b", "2.a", "2.b", "total", "final_mark"]
    assert first[6:] == ["4", "3", "8", "1", "16", "16.00"]
    assert second[6:] == ["2", "NT", "5", "0", "7", "7.00"]


def test_the_workbook_holds_the_same_marks(sessions: Sessions, blobs: BlobStore, exam: Exam) -> None:
    book = openpyxl.load_workbook(io.BytesIO(export(sessions, blobs, exam, "xlsx").content))

    rows = list(book.worksheets[0].iter_rows(values_only=True))
    assert book.sheetnames == ["Maths J1"]
    assert [row[-1] for row in rows] == ["Note", 16, 7, 17]


def test_an_unknown_format_is_refused_with_those_there_are(
    sessions: Sessions, blobs: BlobStore, exam: Exam
) -> None:
    with pytest.raises(BadInput) as caught:
        export(sessions, blobs, exam, "docx")

    assert caught.value.code == "export_unknown_format"
    assert caught.value.details == {"format": "docx", "known": ("pronote", "csv", "xlsx", "pdf")}


def test_a_paper_that_does_not_exist_is_not_found(sessions: Sessions, blobs: BlobStore) -> None:
    with pytest.raises(NotFound):
        exports.export_paper(sessions, STAFF, blobs, paper_id=99, format="csv")


def test_only_those_who_steer_may_export_and_it_is_journalled(
    sessions: Sessions, blobs: BlobStore, exam: Exam
) -> None:
    for role in (Role.CORRECTOR, Role.ANALYST, Role.STUDENT):
        with pytest.raises(NotAllowed):
            exports.export_paper(
                sessions, exam.actor("martin", role), blobs, paper_id=exam.paper_id, format="pronote"
            )
    export(sessions, blobs, exam, "pronote")

    with sessions.begin() as session:
        entries = session.scalar(
            select(func.count()).select_from(JournalEntry).where(JournalEntry.action == "export")
        )
    assert entries == 1


def test_the_pdfs_of_published_copies_come_in_one_file_by_code(
    sessions: Sessions, blobs: BlobStore, exam: Exam
) -> None:
    publication.publish(sessions, STAFF, blobs, paper_id=exam.paper_id)

    made = export(sessions, blobs, exam, "pdf")

    published = sorted(exam.codes[:3])
    with zipfile.ZipFile(io.BytesIO(made.content)) as archive:
        assert archive.namelist() == [f"{code}.pdf" for code in published]
        assert all(archive.read(name).startswith(b"%PDF-") for name in archive.namelist())
    assert made.left_out == [LeftOut(exam.codes[3], "not_published")]
    assert export(sessions, blobs, exam, "pdf").content == made.content
