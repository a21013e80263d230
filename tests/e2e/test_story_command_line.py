"""The whole chain by the commands of a terminal, from scan bytes to the bytes a school sends on."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pikepdf
import pytest

from tests import story
from workbench.demo.draw import DrawnScan

pytestmark = pytest.mark.timeout(900)  # a whole class, beside another test process on two cores


@dataclass(frozen=True)
class CommandLine:
    """``korrigo`` on a home of its own."""

    home: Path

    def run(self, *arguments: object, stdin: str = "", expect: int = 0) -> str:
        """Run a command; returns stdout, or stderr when a failure is expected."""
        done = subprocess.run(
            [sys.executable, "-m", "workbench.cli.main", "--home", str(self.home), *map(str, arguments)],
            cwd=story.ROOT,
            env={**os.environ, "PYTHONPATH": str(story.ROOT), "KORRIGO_DATABASE_URL": ""},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == expect, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stderr if expect else done.stdout

    def table(self, *arguments: object) -> list[dict[str, str]]:
        """A command that prints a CSV table."""
        return list(csv.DictReader(io.StringIO(self.run(*arguments))))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> DrawnScan:
    return story.draw_class(tmp_path_factory.mktemp("drawn"))


@pytest.fixture(scope="module")
def korrigo(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    return CommandLine(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def paper(korrigo: CommandLine, drawn: DrawnScan) -> str:
    """A paper whose scans are in and whose headers are read."""
    report = json.loads(korrigo.run("roster", "import", drawn.roster, "--session", story.SESSION))
    assert (report["created"], report["updated"], report["errors"]) == (28, 0, [])
    again = json.loads(korrigo.run("roster", "import", drawn.roster, "--session", story.SESSION))
    assert (again["created"], again["unchanged"]) == (0, 28)
    printed = korrigo.run(
        "paper", "create", "--session", story.SESSION, "--name", story.PAPER, "--scheme", drawn.scheme
    )
    paper_id = printed.splitlines()[-1]
    summary = json.loads(korrigo.run("scans", "add", paper_id, *drawn.pdfs))
    assert summary["ledger"]["half_pages"] == 176
    assert summary["ledger"]["balanced"]
    return paper_id


def test_every_half_page_is_in_one_place_and_every_sheet_in_order(
    korrigo: CommandLine, drawn: DrawnScan, paper: str
) -> None:
    ledger = korrigo.table("scans", "ledger", paper)

    assert len(ledger) == 176
    assert len({(row["file_sha256"], row["image"], row["half"]) for row in ledger}) == 176
    truth = {
        (file.sha256, str(image.image), half): label
        for file in drawn.truth.files
        for image in file.images
        for half, label in image.halves.items()
    }
    assert {(row["file_sha256"], row["image"], row["half"]): row["page"] for row in ledger} == truth
    assert {(row["page"], row["position"]) for row in ledger} == {
        ("P1", "1"),
        ("P2", "2"),
        ("P3", "3"),
        ("P4", "4"),
    }
    assert {row["place"] for row in ledger} == {"booklet"}


def test_headers_are_matched_and_nothing_wrong_is_automatic(
    korrigo: CommandLine, drawn: DrawnScan, paper: str
) -> None:
    best = {
        (row["file_sha256"], int(row["first_image"])): row
        for row in korrigo.table("identify", "proposals", paper)
        if row["rank"] == "1"
    }

    right = wrong_automatic = 0
    for sheet in story.sheets(drawn):
        row = best[(sheet.file_sha256, sheet.front.image)]
        pupil = sheet.pupil
        expected = (pupil.surname, pupil.first_name, pupil.birth_date) if pupil.on_roster else ("", "", "")
        is_right = (row["surname"], row["first_name"], row["birth_date"]) == expected
        right += is_right
        wrong_automatic += row["decision"] == "automatic" and not is_right
    assert len(best) == 44
    assert right >= 42  # 95 % of 44
    assert wrong_automatic == 0


def test_a_class_is_identified_marked_published_and_exported(
    korrigo: CommandLine, drawn: DrawnScan, paper: str, tmp_path: Path
) -> None:
    accepted = json.loads(korrigo.run("identify", "accept", paper))
    assert accepted["accepted"] + accepted["left"] == 44
    _decide_all(korrigo, drawn, paper, tmp_path)
    _allocate(korrigo, paper)
    copies = korrigo.table("copies", paper)
    assert {copy["status"] for copy in copies} == {"ready"}
    identified = [copy for copy in copies if copy["surname"]]
    assert len(identified) == 27

    given = story.mark_copies(sorted(copy["code"] for copy in copies), story.leaves(drawn.scheme))
    (tmp_path / "marks.csv").write_bytes(story.marks_file(given))
    imported = json.loads(korrigo.run("marks", "import", paper, tmp_path / "marks.csv"))
    assert (imported["copies"], imported["refused"]) == (len(copies), [])
    korrigo.run("finalise", paper)
    assert {copy["status"] for copy in korrigo.table("copies", paper)} == {"finalised"}
    published = json.loads(korrigo.run("publish", paper))
    assert published["published"] == 27

    pupils = {
        (pupil.surname, pupil.first_name, pupil.birth_date): pupil for pupil in drawn.truth.pupils.values()
    }
    written = {
        copy["code"]: pupils[(copy["surname"], copy["first_name"], copy["birth_date"])] for copy in identified
    }
    korrigo.run("export", paper, "pronote", "--out", tmp_path / "pronote.csv")
    expected = story.pronote_file([(written[code], given[code]) for code in written])
    assert (tmp_path / "pronote.csv").read_bytes() == expected

    korrigo.run("export", paper, "pdf", "--out", tmp_path / "copies.zip")
    _check_pdfs(tmp_path / "copies.zip", drawn, written)


def _decide_all(korrigo: CommandLine, drawn: DrawnScan, paper: str, folder: Path) -> None:
    """What a person decides after looking at every header."""
    wrote = {(sheet.file_sha256, str(sheet.front.image)): sheet.pupil for sheet in story.sheets(drawn)}
    text = io.StringIO()
    decisions = csv.writer(text)
    decisions.writerow(["booklet", "surname", "first_name", "birth_date"])
    for row in korrigo.table("identify", "proposals", paper):
        if row["rank"] == "1":
            pupil = wrote[(row["file_sha256"], row["first_image"])]
            name = (pupil.surname, pupil.first_name, pupil.birth_date) if pupil.on_roster else ("", "", "")
            decisions.writerow([row["booklet"], *name])
    (folder / "decisions.csv").write_text(text.getvalue(), encoding="utf-8")
    applied = json.loads(korrigo.run("identify", "apply", paper, folder / "decisions.csv"))
    assert applied["refused"] == []
    assert applied["applied"] + applied["unchanged"] == 44


def _allocate(korrigo: CommandLine, paper: str) -> None:
    for login in story.CORRECTORS:
        password = f"mot de passe de {login}"
        korrigo.run("account", "add", login, "--role", "corrector", "--password-stdin", stdin=f"{password}\n")
    korrigo.run("release", paper, "--pending")
    korrigo.run("allocate", paper, "--correctors", ",".join(story.CORRECTORS), "--seed", 5)
    shares = dict.fromkeys(story.CORRECTORS, 0)
    for copy in korrigo.table("copies", paper):
        shares[copy["corrector"]] += int(copy["pages"])
    first, second = shares.values()
    assert first + second == 176
    assert abs(first - second) <= 12, "fair to within the longest copy"


def _check_pdfs(archive: Path, drawn: DrawnScan, written: dict[str, object]) -> None:
    """One PDF per published copy; the pictures in it are the scanner's own bytes."""
    scanned = {bytes(stream) for pdf in drawn.pdfs for stream in jpegs(pdf.read_bytes())}
    with zipfile.ZipFile(archive) as files:
        assert sorted(files.namelist()) == sorted(f"{code}.pdf" for code in written)
        for name in files.namelist():
            content = files.read(name)
            sheets = written[name.removesuffix(".pdf")].sheets  # type: ignore[attr-defined]
            found = jpegs(content)
            assert len(found) == 2 * sheets
            assert set(found) <= scanned
            with pikepdf.open(io.BytesIO(content)) as pdf:
                assert len(pdf.pages) > 4 * sheets


def jpegs(pdf: bytes) -> list[bytes]:
    """The distinct JPEG streams of a PDF, as stored."""
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        found = {
            bytes(thing.read_raw_bytes())
            for thing in opened.objects
            if isinstance(thing, pikepdf.Stream) and thing.get("/Filter") == pikepdf.Name.DCTDecode
        }
    return sorted(found)


BAD_SCANS = {
    "ceci n'est pas un PDF": b"bonjour",
    "un PDF coupé": None,
    "un fichier vide": b"",
}


@pytest.mark.parametrize("case", BAD_SCANS)
def test_a_scan_that_cannot_be_used_gets_one_french_sentence(
    case: str, korrigo: CommandLine, drawn: DrawnScan, paper: str, tmp_path: Path
) -> None:
    content = BAD_SCANS[case]
    bad = tmp_path / "lot.pdf"
    bad.write_bytes(drawn.pdfs[0].read_bytes()[:300_000] if content is None else content)

    said = korrigo.run("scans", "add", paper, bad, expect=1)

    assert len(said.strip().splitlines()) == 1
    assert "lot.pdf" in said
    assert re.search(r"[.!]$", said.strip())
    assert "Traceback" not in said
    assert len(korrigo.table("scans", "ledger", paper)) == 176


def test_an_encrypted_and_a_giant_pdf_get_their_sentences(
    korrigo: CommandLine, drawn: DrawnScan, paper: str, tmp_path: Path
) -> None:
    with pikepdf.open(drawn.pdfs[0]) as pdf:
        pdf.save(tmp_path / "chiffré.pdf", encryption=pikepdf.Encryption(user="secret", owner="secret"))
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.pages[0].obj.MediaBox = pikepdf.Array([0, 0, 200_000, 200_000])
        pdf.save(tmp_path / "géant.pdf")

    encrypted = korrigo.run("scans", "add", paper, tmp_path / "chiffré.pdf", expect=1)
    giant = korrigo.run("scans", "add", paper, tmp_path / "géant.pdf", expect=1)

    assert "mot de passe" in encrypted
    assert "page 1" in giant


def test_a_roster_without_names_and_a_scheme_with_another_total_are_refused_in_french(
    korrigo: CommandLine, drawn: DrawnScan, paper: str, tmp_path: Path
) -> None:
    (tmp_path / "liste.csv").write_text("Classe;INE\nTG3;123\n", encoding="utf-8")
    scheme = drawn.scheme.read_text(encoding="utf-8-sig").splitlines()
    (tmp_path / "barème.csv").write_text("\n".join(scheme[:-1]) + "\n", encoding="utf-8")

    roster = korrigo.run("roster", "import", tmp_path / "liste.csv", "--session", "Autre", expect=1)
    other = korrigo.run(
        *("paper", "create", "--session", story.SESSION, "--name", "Autre"),
        *("--scheme", tmp_path / "barème.csv"),
        expect=1,
    )

    assert "Nom" in roster
    assert "20" in other
    for said in (roster, other):
        assert len(said.strip().splitlines()) == 1


def test_a_roster_in_cp1252_with_semicolons_is_read(
    korrigo: CommandLine, drawn: DrawnScan, paper: str, tmp_path: Path
) -> None:
    text = drawn.roster.read_text(encoding="utf-8-sig")
    (tmp_path / "liste.csv").write_bytes(text.encode("cp1252"))

    report = json.loads(korrigo.run("roster", "import", tmp_path / "liste.csv", "--session", "En CP1252"))

    assert report["created"] == 28
    assert report["errors"] == []
