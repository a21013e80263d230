"""A file on its way arrives whole and once, however often the line is cut, the server killed, the answer lost."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import random
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, sessionmaker

from core.db.session import Sessions
from core.db.tables import JournalEntry, Lot, ScanFile, Upload
from core.domain.access import Actor, Role
from core.errors import BadInput, Conflict, NotFound
from core.services import accounts, exams, uploads
from core.services.uploads import ScanOptions, UploadEnd, UploadView
from core.storage import partial
from core.storage.blobs import BlobStore
from core.storage.partial import PartialFile
from tests.integration.classes import SYSTEM
from tests.unit.drawn_files import picture, striped_page

CHUNK = 10_000
SEED = 20270114
LIMIT = 1 << 30
SCAN = picture(striped_page(), "JPEG", quality=98)


@dataclass(frozen=True)
class Line:
    """What stands between somebody's browser and the paper; it can be cut anywhere."""

    sessions: Sessions
    blobs: BlobStore
    folder: Path
    paper_id: int
    actor: Actor

    def start(self, content: bytes = SCAN, name: str = "lot.jpg", **more: Any) -> UploadView:
        given: dict[str, Any] = {
            "paper_id": self.paper_id,
            "name": name,
            "byte_size": len(content),
            "fingerprint": "f",
            "options": ScanOptions(),
            "limit_bytes": LIMIT,
            **more,
        }
        return uploads.start(self.sessions, self.actor, self.folder, **given)

    def standing(self, token: str) -> UploadView:
        return uploads.standing(self.sessions, self.actor, self.folder, token=token)

    def send(
        self, token: str, content: bytes, *, offset: int, cut_at: int | None = None, told: bool = True
    ) -> None:
        """Send one chunk; ``cut_at`` bytes of it come, and the server knows of it when ``told``."""
        body = content[offset : offset + CHUNK][:cut_at]
        chunk = uploads.begin_chunk(self.sessions, self.actor, self.folder, token=token, offset=offset)
        for at in range(0, len(body), 1000):
            chunk.write(body[at : at + 1000])
        if told:
            uploads.keep(self.sessions, self.actor, self.folder, token=token, position=chunk.position)

    def send_all(self, token: str, content: bytes = SCAN) -> None:
        while (at := self.standing(token).received) < len(content):
            self.send(token, content, offset=at)

    def finish(self, token: str) -> UploadEnd:
        return uploads.finish(
            self.sessions, self.actor, self.blobs, self.folder, token=token, image_limit=100
        )

    def kept(self) -> list[str]:
        """The digests of the scan files that are in."""
        with self.sessions() as session:
            return list(session.scalars(select(ScanFile.sha256).order_by(ScanFile.id)))


@pytest.fixture
def paper_id(sessions: sessionmaker[Session]) -> int:
    roster = "Nom;Prénom;Né(e) le\nDURAND;Zoé;01/02/2009\n".encode()
    exams.import_roster(sessions, SYSTEM, session_name="Bac", file_name="liste.csv", content=roster)
    scheme = {"A": ("bareme.csv", b"code,label,points,bonus\n1,Exercice,20,0\n")}
    return exams.create_paper(sessions, SYSTEM, session_name="Bac", name="Maths", schemes=scheme)


@pytest.fixture
def line(
    sessions: sessionmaker[Session], paper_id: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Line:
    monkeypatch.setattr(uploads, "CHUNK_BYTES", CHUNK)
    monkeypatch.setattr(partial, "BUSY_S", 0.0)
    return Line(
        sessions, BlobStore(tmp_path / "blobs"), tmp_path / "uploads", paper_id, somebody(sessions, "one")
    )


def somebody(sessions: Sessions, login: str) -> Actor:
    accounts.create_account(
        sessions, SYSTEM, login=login, roles=[Role.SECRETARIAT], surname=login, password="motdepasse-1"
    )
    return accounts.actor_for_login(sessions, login)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_file_cut_in_the_middle_of_its_chunks_and_gone_on_with_is_byte_for_byte_the_same(
    line: Line,
) -> None:
    chance = random.Random(SEED)
    token = line.start().token
    cuts = 0
    while (at := line.standing(token).received) < len(SCAN):
        cut_at = chance.choice([None, *chance.sample(range(CHUNK), 2)])
        cuts += cut_at is not None
        # A line that is cut is told of; a server that is killed knows nothing of what it wrote.
        line.send(token, SCAN, offset=at, cut_at=cut_at, told=cut_at is None or chance.random() < 0.5)
        assert line.start().token == token  # a reload, the same file chosen again

    ended = line.finish(token)

    assert cuts >= 3
    assert line.kept() == [sha256(SCAN)]
    assert (ended.known, len(ended.files), ended.refused) == (False, 1, ())
    assert not list(line.folder.iterdir())


def test_what_is_on_its_way_can_be_read_by_nobody_else_on_the_machine(line: Line) -> None:
    token = line.start().token
    line.send(token, SCAN, offset=0)

    assert line.folder.stat().st_mode & 0o777 == 0o700
    assert (line.folder / token).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("offset", [0, CHUNK - 1, CHUNK + 1, len(SCAN)])
def test_bytes_that_do_not_go_on_where_the_file_ends_are_refused(line: Line, offset: int) -> None:
    token = line.start().token
    line.send(token, SCAN, offset=0)

    with pytest.raises(Conflict, match="upload_elsewhere"):
        line.send(token, SCAN, offset=offset)
    assert line.standing(token).received == CHUNK
    line.send_all(token)
    line.finish(token)
    assert line.kept() == [sha256(SCAN)]


def test_of_two_windows_that_send_the_same_file_one_goes_on(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partial, "BUSY_S", 60.0)
    token = line.start().token
    assert line.start().token == token
    first = uploads.begin_chunk(line.sessions, line.actor, line.folder, token=token, offset=0)
    first.write(SCAN[:1000])

    with pytest.raises(Conflict, match="upload_elsewhere"):
        uploads.begin_chunk(line.sessions, line.actor, line.folder, token=token, offset=0)
    monkeypatch.setattr(partial, "BUSY_S", 0.0)  # the first one has been silent for long
    second = uploads.begin_chunk(line.sessions, line.actor, line.folder, token=token, offset=0)
    second.write(SCAN[:500])
    with pytest.raises(Conflict, match="upload_elsewhere"):
        first.write(SCAN[1000:2000])
    second.write(SCAN[500:CHUNK])
    uploads.keep(line.sessions, line.actor, line.folder, token=token, position=second.position)
    line.send_all(token)
    line.finish(token)

    assert line.kept() == [sha256(SCAN)]


def test_another_file_of_the_same_name_is_another_upload(line: Line) -> None:
    token = line.start().token

    assert line.start(fingerprint="g").token != token
    assert line.start(SCAN + b"x").token != token
    assert line.start(name="lot 2.jpg").token != token


def test_the_upload_of_another_account_is_unknown_and_never_gone_on_with(line: Line) -> None:
    token = line.start().token
    line.send(token, SCAN, offset=0)
    other = replace(line, actor=somebody(line.sessions, "other"))

    acts: list[Callable[[], object]] = [
        lambda: other.standing(token),
        lambda: other.send(token, SCAN, offset=CHUNK),
        lambda: other.finish(token),
        lambda: uploads.give_up(other.sessions, other.actor, other.folder, token=token),
    ]
    for act in acts:
        with pytest.raises(NotFound):
            act()
    assert other.start().token != token
    assert uploads.unfinished(line.sessions, line.actor, line.folder, paper_id=line.paper_id) == [
        line.standing(token)
    ]
    assert line.standing(token).received == CHUNK


def test_a_file_that_is_too_large_is_refused_before_anything_is_kept_of_it(line: Line) -> None:
    with pytest.raises(BadInput, match="upload_too_large"):
        line.start(limit_bytes=len(SCAN) - 1)

    assert not line.folder.exists()


def test_bytes_beyond_what_was_announced_are_refused(line: Line) -> None:
    token = line.start(SCAN[:100]).token

    with pytest.raises(BadInput, match="upload_chunk_too_large"):
        line.send(token, SCAN, offset=0)
    assert line.standing(token).received == 0


def test_a_file_is_not_taken_in_before_it_is_whole(line: Line) -> None:
    token = line.start().token
    line.send(token, SCAN, offset=0)

    with pytest.raises(Conflict, match="upload_elsewhere"):
        line.finish(token)
    assert line.kept() == []


def test_a_lost_answer_is_asked_for_again_and_the_file_is_there_once(line: Line) -> None:
    token = line.start().token
    line.send_all(token)
    first = line.finish(token)

    assert line.finish(token) == first
    assert line.standing(token).ended == first
    assert len(line.kept()) == 1
    with line.sessions() as session:
        acts = session.scalars(select(JournalEntry.action).where(JournalEntry.actor == line.actor.label))
        assert list(acts) == ["add_scans"]


def test_a_server_killed_after_taking_the_file_in_and_before_its_answer_takes_it_in_once(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(Exception):
        pass

    def killed(*args: Any, **details: Any) -> None:
        take_in(*args, **details)
        raise KilledError

    token = line.start().token
    line.send_all(token)
    take_in = uploads._taken_in
    monkeypatch.setattr(uploads, "_taken_in", killed)
    with pytest.raises(KilledError):
        line.finish(token)
    monkeypatch.setattr(uploads, "_taken_in", take_in)

    ended = line.finish(token)

    assert ended.known
    assert line.kept() == [sha256(SCAN)]
    assert not list(line.folder.iterdir())


def test_while_a_file_is_being_taken_in_it_is_neither_taken_in_again_nor_given_up(line: Line) -> None:
    token = line.start().token
    line.send_all(token)

    with PartialFile(line.folder / token).alone() as mine:
        assert mine
        with pytest.raises(Conflict, match="upload_finishing"):
            line.finish(token)
        with pytest.raises(Conflict, match="upload_finishing"):
            uploads.give_up(line.sessions, line.actor, line.folder, token=token)
    line.finish(token)
    assert len(line.kept()) == 1


def test_an_upload_that_is_given_up_leaves_nothing(line: Line) -> None:
    token = line.start().token
    line.send(token, SCAN, offset=0)

    uploads.give_up(line.sessions, line.actor, line.folder, token=token)

    assert not list(line.folder.iterdir())
    with pytest.raises(NotFound):
        line.standing(token)
    assert line.start().token != token


def test_a_partial_file_that_is_lost_is_sent_again_from_its_beginning(line: Line) -> None:
    token = line.start().token
    line.send(token, SCAN, offset=0)
    (line.folder / token).unlink()

    assert line.standing(token).received == 0
    line.send_all(token)
    line.finish(token)
    assert line.kept() == [sha256(SCAN)]


def test_a_file_that_is_refused_says_so_whenever_it_is_asked_for(line: Line) -> None:
    content = b"this is no scan"
    token = line.start(content, "notes.pdf").token
    line.send_all(token, content)

    for _ in range(2):
        with pytest.raises(BadInput, match="scan_kind_unknown"):
            line.finish(token)
        with pytest.raises(BadInput, match="scan_kind_unknown"):
            line.standing(token)
    assert line.kept() == []
    assert not list(line.folder.iterdir())
    assert line.start(content, "notes.pdf").token != token  # mended meanwhile, perhaps


def test_a_zip_gives_its_files_and_names_those_it_could_not_give(line: Line) -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("DURAND.jpg", SCAN)
        archive.writestr("notes.txt.pdf", b"hello")
        archive.writestr("MARTIN.png", picture(255 - striped_page(), "PNG"))
    content = held.getvalue()
    token = line.start(content, "classe.zip").token
    line.send_all(token, content)

    ended = line.finish(token)

    assert len(ended.files) == len(line.kept()) == 2
    assert [(refused.name, refused.code) for refused in ended.refused] == [
        ("notes.txt.pdf", "scan_kind_unknown")
    ]
    assert line.finish(token) == ended


def test_what_is_written_on_the_envelope_last_holds_for_the_lot(line: Line) -> None:
    line.start(options=ScanOptions(lot_label="salle 1"))
    token = line.start(options=ScanOptions(lot_label="salle 204", stated_copies=30, stated_sheets=61)).token
    line.send_all(token)
    line.finish(token)

    with line.sessions() as session:
        lot = session.scalars(select(Lot)).one()
    assert (lot.label, lot.stated_copies, lot.stated_sheets) == ("salle 204", 30, 61)


def test_what_nobody_goes_on_with_is_swept_after_a_week(line: Line) -> None:
    left, young = line.start().token, line.start(name="lot 2.jpg").token
    for token in (left, young):
        line.send(token, SCAN, offset=0)
    stray = line.folder / "stray"
    stray.write_bytes(b"of a row that a restore took away")
    age(line, left, days=8)
    os.utime(stray, (0, 0))

    assert uploads.sweep(line.sessions, line.folder) == 2

    assert [path.name for path in line.folder.iterdir()] == [young]
    with pytest.raises(NotFound):
        line.standing(left)
    assert line.standing(young).received == CHUNK


def age(line: Line, token: str, *, days: int) -> None:
    """As if nobody had gone on with an upload for days."""
    with line.sessions.begin() as session:
        moment = session.scalars(select(Upload.touched_at).where(Upload.token == token)).one()
        earlier = moment - timedelta(days=days)
        session.execute(update(Upload).where(Upload.token == token).values(touched_at=earlier))
    os.utime(line.folder / token, (earlier.timestamp(), earlier.timestamp()))


def test_an_account_cannot_leave_more_than_twenty_files_half_sent(line: Line) -> None:
    for number in range(uploads.OPEN_LIMIT):
        line.start(name=f"{number}.png")

    with pytest.raises(BadInput, match="upload_too_many"):
        line.start(name="one more.png")
    with line.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Upload)) == uploads.OPEN_LIMIT


def test_a_file_for_which_there_is_no_room_is_refused_before_it_comes(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")._replace(free=uploads.SPARE_BYTES + len(SCAN))
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage)

    with pytest.raises(BadInput, match="upload_no_space"):
        line.start()


def test_a_disk_that_fills_up_on_the_way_loses_nothing_of_what_came(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    token = line.start().token
    line.send(token, SCAN, offset=0)
    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        with pytest.raises(BadInput, match="upload_no_space"):
            line.send(token, SCAN, offset=CHUNK)

    assert line.standing(token).received == CHUNK
    line.send_all(token)
    line.finish(token)
    assert line.kept() == [sha256(SCAN)]
