"""The drop folder: a copier's files are taken when they are whole, once, and put aside with a word when refused."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from core.db.session import Sessions
from core.db.tables import ExamSession, JournalEntry, Lot, ScanFile
from core.domain.access import Actor, Role
from core.errors import NotAllowed
from core.services import drop_folder, exams
from core.services.drop_folder import QUIET_S, REFUSE_AFTER_S, DropFolder, folder_name, without_paper
from core.storage.blobs import BlobStore
from tests.integration.classes import SYSTEM
from tests.unit.drawn_files import picture, striped_page
from workbench import arrivals
from workbench.sentences import sentence

SCAN = picture(striped_page(), "JPEG")
LIMIT = 1 << 20


class Clock:
    """Time that passes when told; stands where the drop folder has ``time``."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Copier:
    """A machine that writes into the folder, and what watches over it."""

    def __init__(self, sessions: Sessions, root: Path, clock: Clock, paper_id: int) -> None:
        self.sessions, self.root, self.clock, self.paper_id = sessions, root, clock, paper_id
        self.watch = self.new_watch()
        self.watch.look()
        self.paper = next(path for path in root.iterdir() if path.name.startswith(f"{paper_id} "))

    def new_watch(self) -> DropFolder:
        """As after a restart: nothing of the folder was seen yet."""
        return DropFolder(
            self.sessions,
            BlobStore(self.root.parent / "blobs"),
            self.root,
            sentence,
            image_limit=100,
            upload_limit_bytes=LIMIT,
        )

    def wait(self, seconds: float) -> list[drop_folder.Passed]:
        """Look, and again when the time is over."""
        passed = self.watch.look()
        self.clock.now += seconds
        return passed + self.watch.look()

    def taken(self) -> list[tuple[str, str]]:
        """Name and digest of the scan files that are in."""
        with self.sessions() as session:
            rows = session.execute(select(ScanFile.name, ScanFile.sha256).order_by(ScanFile.id))
            return [(name, digest) for name, digest in rows]

    def files(self) -> list[str]:
        """All files of the paper's folder, by path."""
        return sorted(
            str(path.relative_to(self.paper)) for path in self.paper.rglob("*") if not path.is_dir()
        )


@pytest.fixture
def copier(sessions: sessionmaker[Session], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Copier:
    roster = "Nom;Prénom;Né(e) le\nDURAND;Zoé;01/02/2009\n".encode()
    later = datetime.now().astimezone().date() + timedelta(days=30)
    exams.import_roster(
        sessions, SYSTEM, session_name="Bac", file_name="liste.csv", content=roster, ends_on=later
    )
    scheme = {"A": ("bareme.csv", b"code,label,points,bonus\n1,Exercice,20,0\n")}
    paper_id = exams.create_paper(sessions, SYSTEM, session_name="Bac", name="Maths: J1/A", schemes=scheme)
    clock = Clock()
    monkeypatch.setattr(drop_folder, "time", clock)
    return Copier(sessions, tmp_path / "depot", clock, paper_id)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_each_open_paper_has_its_folder_and_one_that_was_renamed_is_found_by_its_number(
    copier: Copier,
) -> None:
    assert [path.name for path in copier.root.iterdir()] == [f"{copier.paper_id} - Maths- J1-A"]

    renamed = copier.paper.rename(copier.root / f"{copier.paper_id} maths lundi")
    copier.watch.look()

    assert list(copier.root.iterdir()) == [renamed]


def test_a_file_is_taken_once_it_is_whole_and_put_aside(copier: Copier) -> None:
    (copier.paper / "scan.jpg").write_bytes(SCAN)

    assert copier.wait(QUIET_S - 0.1) == []
    [passed] = copier.wait(0.1)

    assert passed.moved_to == copier.paper / "pris" / "scan.jpg"
    assert passed.moved_to.read_bytes() == SCAN
    assert copier.taken() == [("scan.jpg", sha256(SCAN))]
    assert copier.files() == ["pris/scan.jpg"]
    with copier.sessions() as session:
        actors = session.scalars(select(JournalEntry.actor).where(JournalEntry.action == "add_scans"))
        assert set(actors) == {"system:drop-folder"}


def test_a_file_that_still_grows_is_left_alone(copier: Copier) -> None:
    path = copier.paper / "scan.jpg"
    for end in range(1000, len(SCAN), max(1000, len(SCAN) // 8)):
        path.write_bytes(SCAN[:end])
        assert copier.wait(QUIET_S - 0.1) == []

    path.write_bytes(SCAN)

    assert len(copier.wait(QUIET_S)) == 1
    assert copier.taken() == [("scan.jpg", sha256(SCAN))]


def test_a_file_that_a_program_still_holds_open_is_left_alone(copier: Copier) -> None:
    with (copier.paper / "scan.jpg").open("wb") as slow:
        slow.write(SCAN)
        slow.flush()
        assert copier.wait(3600) == []

    assert len(copier.wait(3600)) == 1


def test_an_empty_file_is_one_that_has_just_been_made(copier: Copier) -> None:
    path = copier.paper / "scan.jpg"
    path.touch()
    assert copier.wait(REFUSE_AFTER_S - 1) == []

    path.write_bytes(SCAN)

    assert len(copier.wait(QUIET_S)) == 1


def test_a_file_that_cannot_be_used_gets_a_minute_and_then_the_sentence_beside_it(copier: Copier) -> None:
    (copier.paper / "notes.pdf").write_bytes(b"hello")
    assert copier.wait(QUIET_S) == []

    [passed] = copier.wait(REFUSE_AFTER_S)

    assert passed.error is not None
    assert copier.files() == ["refusés/notes.pdf", "refusés/notes.pdf.txt"]
    told = (copier.paper / "refusés" / "notes.pdf.txt").read_text(encoding="utf-8")
    assert told == f"{sentence(passed.error)}\n"
    assert "ce fichier n'est ni un PDF, ni une image" in told
    assert copier.taken() == []


def test_a_file_that_is_too_large_is_refused_with_the_limit(copier: Copier) -> None:
    (copier.paper / "scan.jpg").write_bytes(SCAN + bytes(LIMIT))

    copier.wait(REFUSE_AFTER_S)

    assert "1 Mo" in (copier.paper / "refusés" / "scan.jpg.txt").read_text(encoding="utf-8")


def test_a_zip_is_taken_and_what_it_could_not_give_is_told_beside_it(copier: Copier) -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("DURAND.jpg", SCAN)
        archive.writestr("lettre.pdf", b"hello")
    (copier.paper / "classe.zip").write_bytes(held.getvalue())

    copier.wait(QUIET_S)

    assert copier.files() == ["pris/classe.zip", "pris/classe.zip.txt"]
    assert (copier.paper / "pris" / "classe.zip.txt").read_text(encoding="utf-8").startswith("lettre.pdf : ")
    assert [name for name, _ in copier.taken()] == ["DURAND.jpg"]


def test_one_bad_file_does_not_keep_the_others_waiting(copier: Copier) -> None:
    (copier.paper / "a.pdf").write_bytes(b"hello")
    (copier.paper / "b.jpg").write_bytes(SCAN)

    copier.wait(QUIET_S)

    assert copier.files() == ["a.pdf", "pris/b.jpg"]


def test_a_folder_in_a_papers_folder_is_a_lot(copier: Copier) -> None:
    lot = copier.paper / "salle 204"
    lot.mkdir()
    (lot / "scan.jpg").write_bytes(SCAN)

    copier.wait(QUIET_S)

    assert copier.files() == ["pris/salle 204/scan.jpg"]
    with copier.sessions() as session:
        assert session.scalars(select(Lot.label)).all() == ["salle 204"]


def test_a_second_file_of_the_same_name_does_not_cover_the_first(copier: Copier) -> None:
    for content in (SCAN, SCAN + b"\n"):
        (copier.paper / "scan.jpg").write_bytes(content)
        copier.wait(QUIET_S)

    assert copier.files() == ["pris/scan (2).jpg", "pris/scan.jpg"]
    assert (copier.paper / "pris" / "scan.jpg").read_bytes() == SCAN


def test_killed_between_taking_and_moving_the_file_is_only_moved_afterwards(
    copier: Copier, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(BaseException):
        pass

    def killed(*_: object) -> Path:
        raise KilledError

    (copier.paper / "scan.jpg").write_bytes(SCAN)
    with monkeypatch.context() as patched:
        patched.setattr(drop_folder, "_put_aside", killed)
        with pytest.raises(KilledError):
            copier.wait(QUIET_S)
    assert copier.files() == ["scan.jpg"]

    copier.watch = copier.new_watch()
    copier.wait(QUIET_S)

    assert copier.files() == ["pris/scan.jpg"]
    assert copier.taken() == [("scan.jpg", sha256(SCAN))]


def test_a_file_that_cannot_be_moved_is_tried_again_later_and_the_others_go_on(
    copier: Copier, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> Path:
        raise PermissionError

    for name, content in {"a.jpg": SCAN, "b.jpg": SCAN + b"\n"}.items():
        (copier.paper / name).write_bytes(content)
    with monkeypatch.context() as patched:
        patched.setattr(drop_folder, "_put_aside", refused)
        with pytest.raises(PermissionError):
            copier.wait(QUIET_S)

    assert [passed.moved_to.name for passed in copier.wait(0)] == ["b.jpg"]
    assert [passed.moved_to.name for passed in copier.wait(drop_folder.AGAIN_S)] == ["a.jpg"]
    assert len(copier.taken()) == 2


def test_links_hidden_names_and_files_on_their_way_are_not_looked_at(copier: Copier, tmp_path: Path) -> None:
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(SCAN)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "scan.jpg").write_bytes(SCAN)
    (copier.paper / "link.jpg").symlink_to(secret)
    (copier.paper / "lot").symlink_to(outside)
    os.mkfifo(copier.paper / "pipe.jpg")
    for name in (".scan.jpg", "~scan.jpg", "scan.jpg.part", "scan.PDF.crdownload", "x.tmp", "Thumbs.db"):
        (copier.paper / name).write_bytes(SCAN)
    before = copier.files()

    assert copier.wait(3600) == []

    assert copier.files() == before
    assert copier.taken() == []


def test_a_file_that_no_open_paper_claims_waits_and_the_office_is_told(copier: Copier) -> None:
    office = Actor(None, frozenset({Role.SECRETARIAT}), "account:1")
    (copier.root / "scan.jpg").write_bytes(SCAN)
    (copier.root / "999 - Anglais").mkdir()
    (copier.root / "999 - Anglais" / "b.jpg").write_bytes(SCAN)

    assert copier.wait(3600) == []

    assert without_paper(copier.sessions, office, copier.root) == ["999 - Anglais/b.jpg", "scan.jpg"]
    corrector = Actor(1, frozenset({Role.CORRECTOR}), "account:1")
    with pytest.raises(NotAllowed):
        without_paper(copier.sessions, corrector, copier.root)


def test_a_session_that_has_ended_takes_nothing_more(copier: Copier) -> None:
    with copier.sessions.begin() as session:
        session.scalars(select(ExamSession)).one().ends_on = datetime.now().astimezone().date() - timedelta(
            days=1
        )
    (copier.paper / "scan.jpg").write_bytes(SCAN)

    assert copier.wait(3600) == []
    assert copier.files() == ["scan.jpg"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Maths J1", "12 - Maths J1"),
        ('A/B\\C:"D"?', "12 - A-B-C-D-"),
        ("..", "12"),
        ("x" * 200, "12 - " + "x" * 80),
    ],
)
def test_the_name_of_a_folder_is_one_that_every_system_allows(name: str, shown: str) -> None:
    assert folder_name(12, name) == shown


def test_of_several_workers_one_looks_at_a_time_and_another_goes_on(tmp_path: Path) -> None:
    first, second = (os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT) for _ in range(2))

    assert arrivals._is_ours(first)
    assert not arrivals._is_ours(second)
    os.close(first)
    assert arrivals._is_ours(second)
    os.close(second)
