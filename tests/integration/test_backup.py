"""Backup and restore: consistent, whole, verified; nothing half-written; what is damaged is refused."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from random import Random

import psycopg2
import pytest
from alembic import command
from sqlalchemy import JSON, make_url, select, text
from sqlalchemy.exc import DBAPIError

from core.db import contents, postgresql_copies, postgresql_tools, schema
from core.db.migrate import config
from core.db.session import engine_for
from core.db.tables import (
    Account,
    Backup,
    Base,
    Connection,
    Copy,
    Document,
    Job,
    JournalEntry,
    Marking,
    MarkRow,
)
from core.db.tables.base import now
from core.domain.access import Action, Actor, Role
from core.errors import BadInput, Conflict, NotAllowed
from core.reports.pseudonyms import key_of
from core.services import backup, health, marking, restore, restoring
from core.settings import Settings
from core.storage import manifest as manifests
from core.storage import renames
from core.storage.blobs import BlobStore
from core.storage.files import Fingerprint, unfinished_folder
from core.storage.manifest import KeptFile
from tests import story
from tests.integration.backups import CORRECTOR, SYSTEM, Scene, build_class, bytes_below, digests, named_by
from tests.integration.test_migrations import OLD_ROWS, PREVIOUS, insert_old_rows
from tests.postgresql import PostgresServer
from workbench.sentences import sentence

COPY = {"sqlite": "database.sqlite", "postgresql": "database.dump"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, PostgresServer | None], Scene]:
    """The class on a kind of database, built once; tests work on copies of it."""
    made: dict[str, Scene] = {}

    def build(kind: str, server: PostgresServer | None) -> Scene:
        if kind not in made:
            folder = tmp_path_factory.mktemp(kind)
            home = folder / "home"
            url = server.url(server.create_database()) if server else f"sqlite:///{home / 'korrigo.sqlite'}"
            made[kind] = build_class(home, url, folder / "drawn")
            made[kind].close()
        return made[kind]

    return build


@pytest.fixture
def server(database_kind: str, request: pytest.FixtureRequest) -> PostgresServer | None:
    return request.getfixturevalue("postgresql_server") if database_kind == "postgresql" else None


@pytest.fixture
def scene(
    database_kind: str, built: Callable[..., Scene], server: PostgresServer | None, tmp_path: Path
) -> Iterator[Scene]:
    """A copy of the class, this test's own."""
    original = built(database_kind, server)
    home = tmp_path / "home"
    shutil.copytree(original.home, home)
    if server is None:
        url = f"sqlite:///{home / 'korrigo.sqlite'}"
    else:
        url = server.url(server.create_database(template=str(make_url(original.url).database)))
    opened = Scene.at(home, url)
    yield opened
    opened.close()
    if server is not None:
        for name in databases(server, str(make_url(url).database)):
            server._execute(f'drop database "{name}" with (force)')


def databases(server: PostgresServer, name: str) -> list[str]:
    """The database of a name, what is being restored beside it and what was kept of it."""
    engine = engine_for(server.url("postgres"))
    with engine.connect() as connection:
        names = connection.scalars(text("select datname from pg_database")).all()
    engine.dispose()
    return sorted(
        other for other in names if other in (name, f"{name}_restoring") or other.startswith(f"{name}.")
    )


@pytest.fixture
def folder(scene: Scene, tmp_path: Path) -> Path:
    """A backup of the class."""
    return scene.back_up(tmp_path / "backup").folder


def destroy(scene: Scene, server: PostgresServer | None) -> None:
    scene.close()
    shutil.rmtree(scene.home)
    if server is not None:
        server._execute(f'drop database "{make_url(scene.url).database}"')


def korrigo(scene: Scene, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "workbench.cli.main", "--home", str(scene.home), *arguments]


def environment(scene: Scene) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(story.ROOT), "KORRIGO_DATABASE_URL": scene.url}


def run(scene: Scene, *arguments: str) -> dict[str, object]:
    """A command as a person types it; the JSON it prints."""
    done = subprocess.run(
        korrigo(scene, *arguments), cwd=story.ROOT, env=environment(scene), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    printed: dict[str, object] = json.loads(done.stdout)
    return printed


def guide_commands(folder: Path) -> list[list[str]]:
    """The commands of the guide, in its order, with ``folder`` for the backup."""
    guide = (story.ROOT / "docs" / "guide" / "exploitation.md").read_text(encoding="utf-8")
    lines = re.findall(r"^korrigo (.+)$", guide, re.MULTILINE)
    return [[str(folder) if part.startswith("/mnt/") else part for part in line.split()] for line in lines]


def refusal(error: pytest.ExceptionInfo[BadInput] | pytest.ExceptionInfo[Conflict]) -> tuple[str, str]:
    """The code of an error and its sentence."""
    return error.value.code, sentence(error.value)


def rewritten(folder: Path, **changes: object) -> None:
    """The manifest with other words and a right digest, as a later or another program might write it."""
    manifest = manifests.read(folder)
    files = [_as_it_is(folder, file) for file in manifest.files]
    for name in (manifests.MANIFEST, manifests.DIGEST):
        (folder / name).unlink()
    manifests.write(folder, {**manifest.about, **changes}, files)


def _as_it_is(folder: Path, file: KeptFile) -> KeptFile:
    content = (folder / file.path).read_bytes()
    return KeptFile(file.path, hashlib.sha256(content).hexdigest(), len(content))


# --- destroyed and compared


def test_what_was_destroyed_comes_back_row_for_row_and_byte_for_byte(
    scene: Scene, server: PostgresServer | None, tmp_path: Path
) -> None:
    rows, named = digests(scene.url), named_by(scene)
    files = bytes_below(scene.home)

    back_up, verify, back, again = guide_commands(tmp_path / "b")
    made, checked = run(scene, *back_up), run(scene, *verify)
    destroy(scene, server)
    restored = run(scene, *back)

    assert made["rows"] == checked["rows"] == restored["rows"] == sum(map(len, rows.values()))
    assert made["tables"] == len(rows)
    assert restored["kept_home"] is restored["kept_database"] is None
    found = digests(scene.url)
    # Two acts of the restore itself: it writes its own line of the journal, and ends what was open.
    grown = {"journal_entry", "journal_value"}
    assert {table: len(set(found[table]) - set(rows[table])) for table in grown} == dict.fromkeys(grown, 1)
    for table in rows.keys() - {"connection", "job"}:
        assert [row for row in rows[table] if row not in found[table]] == []
        assert table in grown or len(found[table]) == len(rows[table])
    assert found.keys() == rows.keys()
    present = bytes_below(scene.home)
    stored = {place: sha256 for place, sha256 in files.items() if place.startswith(("blobs/", "secrets/"))}
    assert {place: present.get(place) for place in stored} == stored
    assert {Path(place).name for place in present if place.startswith("blobs/")} == named
    assert all(Path(place).name == sha256 for place, sha256 in present.items() if place.startswith("blobs/"))
    assert run(scene, *again)["kept_home"], "what is there now is kept when it is replaced in its turn"


def test_the_backup_is_recorded_with_its_counts_and_journalled(scene: Scene, tmp_path: Path) -> None:
    made = scene.back_up(tmp_path / "b")

    with scene.sessions() as session:
        row = session.scalars(select(Backup)).one()
        entry = session.scalars(select(JournalEntry).order_by(JournalEntry.id.desc())).first()
    assert (row.rows, row.files, row.bytes) == (made.rows, made.files, made.bytes)
    assert row.started_at <= row.ended_at
    assert row.manifest_sha256 == (made.folder / "manifest.sha256").read_text().split()[0]
    assert entry is not None
    assert (entry.action, entry.object_kind, entry.object_id) == (Action.BACK_UP, "backup", row.id)
    assert made.left_out == ()


def test_sha256sum_itself_agrees_with_the_manifest(folder: Path) -> None:
    subprocess.run(["sha256sum", "--check", "--quiet", "manifest.sha256"], cwd=folder, check=True)
    listed = {
        file["path"]: file["sha256"] for file in json.loads((folder / "manifest.json").read_bytes())["files"]
    }

    assert listed == {
        place: sha256 for place, sha256 in bytes_below(folder).items() if not place.startswith("manifest.")
    }


def test_only_its_owner_reads_a_backup_or_what_is_restored_from_it(scene: Scene, folder: Path) -> None:
    scene.restore(folder, force=True)

    for root in (folder, scene.home):
        assert stat.S_IMODE(root.stat().st_mode) == 0o700
        modes = {stat.S_IMODE(path.stat().st_mode) for path in root.rglob("*") if path.is_file()}
        assert modes == {0o600}
        folders = {stat.S_IMODE(path.stat().st_mode) for path in root.rglob("*") if path.is_dir()}
        assert folders == {0o700}


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_only_who_holds_the_right_backs_up_verifies_or_restores(scene: Scene, tmp_path: Path) -> None:
    corrector = Actor(1, frozenset({Role.CORRECTOR, Role.COORDINATOR}), "account:1")
    home, url = scene.home, scene.url

    for act in (
        lambda: backup.back_up(scene.sessions, corrector, scene.blobs, home=home, folder=tmp_path / "b"),
        lambda: backup.verify(corrector, folder=tmp_path / "b"),
        lambda: restore.restore(corrector, folder=tmp_path, home=home, database_url=url, force=True),
    ):
        with pytest.raises(NotAllowed):
            act()


# --- consistent while people save


class _Saving:
    """A corrector who saves two marks at once, of constant sum, and documents that appear with their rows."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.saved = self.added = 0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=act) for act in (self._mark, self._add)]

    def __enter__(self) -> _Saving:
        for thread in self._threads:
            thread.start()
        self.wait_for_more()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for_more(self) -> None:
        """Until each has done two more acts: whatever the caller did before lies in between."""
        saved, added, deadline = self.saved, self.added, time.monotonic() + 60
        while self.saved < saved + 2 or self.added < added + 2:
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def _mark(self) -> None:
        sessions = self.scene.sessions
        with sessions() as session:
            account = session.scalars(select(Account).where(Account.login == CORRECTOR)).one()
        who = Actor(account.id, frozenset({Role.CORRECTOR}), f"account:{account.id}")
        code = next(line.code for line in marking.my_copies(sessions, who) if line.completed is False)
        view = marking.open_copy(sessions, who, code=code)
        items = [item.item_id for item in view.items if item.is_leaf][:2]
        version, turn = view.version, 0
        while not self._stop.is_set():
            turn = 1 - turn
            points = (Decimal("0.25") * turn, Decimal("0.25") * (1 - turn))
            acts = [
                marking.MarkAction("mark", version, item_id=item, points=value)
                for item, value in zip(items, points, strict=True)
            ]
            version = marking.save_actions(sessions, who, code=code, actions=acts).version
            self.saved += 1

    def _add(self) -> None:
        with self.scene.sessions() as session:
            copy_id = session.scalars(select(Copy.id).order_by(Copy.id.desc())).first()
        while not self._stop.is_set():
            sha256 = self.scene.blobs.put(f"document {self.added}".encode())
            with self.scene.sessions.begin() as session:
                session.add(
                    Document(
                        copy_id=copy_id,
                        kind="finalised",
                        number=100 + self.added,
                        sha256=sha256,
                        marking_version=1,
                    )
                )
            self.added += 1


class _SlowBlobs(BlobStore):
    """Stored files whose copying takes as long as people need to save more."""

    def __init__(self, root: Path, saving: _Saving) -> None:
        super().__init__(root)
        self.saving, self.slowed = saving, 0

    def copy_to(self, sha256: str, target: Path) -> Fingerprint:
        if self.slowed < 3:
            self.slowed += 1
            self.saving.wait_for_more()
        return super().copy_to(sha256, target)


def test_a_backup_made_while_people_save_is_one_state_of_the_whole(
    scene: Scene, server: PostgresServer | None, tmp_path: Path
) -> None:
    with _Saving(scene) as saving:
        saved, added = saving.saved, saving.added
        slow = _SlowBlobs(scene.home / "blobs", saving)
        backup.back_up(scene.sessions, SYSTEM, slow, home=scene.home, folder=tmp_path / "b")
        assert saving.saved >= saved + 6, "nobody saved during the backup"
        assert saving.added >= added + 6
    destroy(scene, server)

    scene.restore(tmp_path / "b")

    with scene.sessions() as session:
        marks = session.execute(
            select(MarkRow.points_hundredths, Marking.version)
            .join(Marking)
            .where(Marking.completed_at.is_(None))
        ).all()
        documents = session.scalars(select(Document.number).where(Document.number >= 100)).all()
    assert sum(points for points, _ in marks) == 25, "two marks of one save were torn apart"
    assert sorted(documents) == list(range(100, 100 + len(documents)))
    assert len(documents) >= added
    kept = {Path(place).name for place in bytes_below(scene.home / "blobs")}
    assert named_by(scene) == kept


# --- damaged backups


def flip(path: Path, at: int | None = None) -> None:
    """One bit of one byte, in the middle unless told."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2 if at is None else at] ^= 1
    path.write_bytes(content)


def some(folder: Path, kind: str) -> str:
    """A file of each kind that a backup holds, by its place."""
    if kind == "database":
        return next(path.name for path in folder.iterdir() if path.name in COPY.values())
    below = sorted((folder / kind).rglob("*"))
    return next(path.relative_to(folder).as_posix() for path in below if path.is_file())


@pytest.mark.parametrize("kind", ["database", "blobs", "secrets"])
def test_one_changed_byte_is_refused_and_the_file_named(scene: Scene, folder: Path, kind: str) -> None:
    scene.close()
    before = bytes_below(scene.home)
    flip(folder / some(folder, kind))

    with pytest.raises(BadInput) as refused:
        scene.restore(folder, force=True)

    code, told = refusal(refused)
    assert code == "backup_file_damaged"
    assert (
        told == f"{some(folder, kind)} : ce fichier de la sauvegarde est abîmé. Prenez une autre sauvegarde."
    )
    assert bytes_below(scene.home) == before


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", ["manifest.json", "manifest.sha256"])
def test_one_changed_byte_of_the_manifest_or_its_digest_is_refused(folder: Path, name: str) -> None:
    size = (folder / name).stat().st_size

    for at in (0, size // 3, size // 2, size - 1):
        flip(folder / name, at)
        with pytest.raises(BadInput) as refused:
            backup.verify(SYSTEM, folder=folder)
        assert refusal(refused)[0] == "backup_manifest_damaged"
        flip(folder / name, at)
    backup.verify(SYSTEM, folder=folder)


@pytest.mark.parametrize("kind", ["database", "blobs", "secrets"])
def test_a_file_that_is_missing_cut_or_too_many_is_refused_and_named(folder: Path, kind: str) -> None:
    place = some(folder, kind)
    whole = (folder / place).read_bytes()

    (folder / place).unlink()
    with pytest.raises(BadInput) as missing:
        backup.verify(SYSTEM, folder=folder)
    (folder / place).write_bytes(whole[:-1])
    with pytest.raises(BadInput) as cut:
        backup.verify(SYSTEM, folder=folder)
    (folder / place).write_bytes(whole)
    (folder / place).with_name("more").write_bytes(b"")
    with pytest.raises(BadInput) as extra:
        backup.verify(SYSTEM, folder=folder)

    assert [error.value.code for error in (missing, cut, extra)] == [
        "backup_file_missing",
        "backup_file_damaged",
        "backup_file_extra",
    ]
    assert missing.value.details == cut.value.details == {"file": place}
    assert extra.value.details == {"file": str(Path(place).with_name("more"))}


def test_a_database_copy_that_was_cut_before_its_digest_was_taken_is_refused(
    folder: Path, database_kind: str
) -> None:
    path = folder / COPY[database_kind]
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    rewritten(folder)

    with pytest.raises(BadInput) as refused:
        backup.verify(SYSTEM, folder=folder)

    code, told = refusal(refused)
    assert code == "backup_database_damaged"
    assert told.startswith(f"{COPY[database_kind]} : la base de cette sauvegarde est abîmée (")


def test_a_count_of_rows_that_does_not_hold_is_refused(folder: Path) -> None:
    tables = dict(manifests.read(folder).about["tables"])
    rewritten(folder, tables={**tables, "mark": tables["mark"] + 1})

    with pytest.raises(BadInput) as refused:
        backup.verify(SYSTEM, folder=folder)

    assert refusal(refused)[0] == "backup_database_damaged"


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_backup_of_a_newer_korrigo_or_of_another_format_is_refused(scene: Scene, folder: Path) -> None:
    database = dict(manifests.read(folder).about["database"])

    rewritten(folder, database={**database, "revision": "9999"}, version="7.0")
    with pytest.raises(BadInput) as newer:
        scene.restore(folder, force=True)
    rewritten(folder, format=2)
    with pytest.raises(BadInput) as unknown:
        scene.restore(folder, force=True)

    assert refusal(newer)[0] == "backup_newer"
    assert "7.0, schéma 9999" in refusal(newer)[1]
    assert refusal(unknown)[0] == "backup_format_unknown"


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "place", ["../escaped", "/tmp/escaped", "secrets/../../escaped", "blobs/x", "other/file"]
)
def test_a_manifest_that_names_files_elsewhere_is_refused(folder: Path, place: str) -> None:
    manifest = manifests.read(folder)
    for name in (manifests.MANIFEST, manifests.DIGEST):
        (folder / name).unlink()
    manifests.write(folder, manifest.about, [*manifest.files, KeptFile(place, "0" * 64, 1)])

    with pytest.raises(BadInput) as refused:
        backup.verify(SYSTEM, folder=folder)

    assert refusal(refused)[0] == "backup_manifest_damaged"


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_folder_that_is_no_backup_is_refused(scene: Scene, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as refused:
        scene.restore(tmp_path / "nowhere")

    assert refusal(refused) == (
        "backup_not_one",
        f"{tmp_path / 'nowhere'} n'est pas une sauvegarde entière de Korrigo. Vérifiez le dossier donné.",
    )


def test_a_backup_of_the_other_kind_of_database_is_refused(
    folder: Path, tmp_path: Path, database_kind: str
) -> None:
    other = {"sqlite": "postgresql://nobody@/none", "postgresql": f"sqlite:///{tmp_path / 'x' / 'k.sqlite'}"}

    with pytest.raises(BadInput) as refused:
        restore.restore(
            SYSTEM, folder=folder, home=tmp_path / "x", database_url=other[database_kind], force=False
        )

    assert refusal(refused)[0] == "backup_other_kind"


# --- what cannot be backed up


@pytest.mark.parametrize("loss", ["missing", "damaged"])
def test_a_stored_file_that_is_missing_or_damaged_fails_the_backup_and_is_named(
    scene: Scene, tmp_path: Path, loss: str
) -> None:
    sha256 = sorted(named_by(scene))[0]
    path = scene.blobs.path(sha256)
    path.unlink() if loss == "missing" else flip(path)

    with pytest.raises(BadInput) as refused:
        scene.back_up(tmp_path / "b")

    code, told = refusal(refused)
    assert code == f"backup_blob_{loss}"
    assert told.startswith(f"blobs/{sha256[:2]}/{sha256} : ce fichier gardé ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home"]
    with scene.sessions() as session:
        assert session.scalars(select(Backup)).all() == []


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_backup_goes_into_a_new_folder_outside_the_home(scene: Scene, folder: Path) -> None:
    for place, code in (
        (folder, "backup_folder_taken"),
        (scene.home / "backup", "backup_inside_home"),
        (folder / "manifest.json", "backup_folder_taken"),
        (folder / "manifest.json" / "x", "backup_unwritable"),
    ):
        with pytest.raises(BadInput) as refused:
            scene.back_up(place)
        assert refusal(refused)[0] == code


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_the_folder_may_exist_when_it_is_empty_and_strangers_in_the_home_are_named(
    scene: Scene, tmp_path: Path
) -> None:
    (tmp_path / "b").mkdir()
    (scene.home / "notes.txt").write_text("à moi")

    made = scene.back_up(tmp_path / "b")

    assert made.left_out == ("notes.txt",)
    assert not (tmp_path / "b" / "notes.txt").exists()


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_two_backups_into_one_folder_do_not_meet_and_a_killed_one_is_cleared(
    scene: Scene, tmp_path: Path
) -> None:
    with unfinished_folder(tmp_path / "b.partial"), pytest.raises(Conflict) as refused:
        scene.back_up(tmp_path / "b")
    (tmp_path / "b.partial" / "blobs").mkdir(parents=True)
    (tmp_path / "b.partial" / "blobs" / "half").write_bytes(b"half")

    scene.back_up(tmp_path / "b")

    assert refusal(refused)[0] == "folder_being_written"
    assert not (tmp_path / "b.partial").exists()
    backup.verify(SYSTEM, folder=tmp_path / "b")


def test_every_column_of_digests_or_json_is_said_to_name_stored_files_or_not() -> None:
    tables = Base.metadata.tables
    json_columns = {
        (table.name, column.name)
        for table in tables.values()
        for column in table.c
        if isinstance(column.type, JSON)
    }
    digest_columns = {
        (mapper.local_table.name, name)  # type: ignore[attr-defined]
        for mapper in Base.registry.mappers
        for name, said in mapper.class_.__annotations__.items()
        if "Sha256" in str(said) or name.endswith("sha256")
    }

    assert json_columns | digest_columns == contents.FILE_COLUMNS | contents.OTHER_COLUMNS
    assert not contents.FILE_COLUMNS & contents.OTHER_COLUMNS


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_every_stored_file_of_a_class_is_named_by_a_row(scene: Scene) -> None:
    kept = {Path(place).name for place in bytes_below(scene.home / "blobs")}

    assert named_by(scene) == kept


# --- restoring beside and swapping


def test_data_that_are_there_are_replaced_only_when_forced_and_kept_beside(
    scene: Scene, folder: Path, server: PostgresServer | None
) -> None:
    with scene.sessions.begin() as session:
        session.execute(text("delete from mark"))
    scene.close()
    rows, files = digests(scene.url), bytes_below(scene.home)

    with pytest.raises(BadInput) as refused:
        scene.restore(folder)
    restored = scene.restore(folder, force=True)

    assert refusal(refused)[0] == "restore_not_empty"
    assert restored.kept_home is not None
    assert restored.kept_home.name.startswith("home.before-")
    assert bytes_below(restored.kept_home) == files
    assert len(digests(scene.url)["mark"]) > 0
    if server is not None:
        assert restored.kept_database is not None
        assert digests(server.url(restored.kept_database)) == rows
    assert sorted(path.name for path in scene.home.parent.iterdir()) == [
        "backup",
        "home",
        restored.kept_home.name,
    ]


def test_an_application_that_runs_is_not_replaced_under_its_feet(scene: Scene, folder: Path) -> None:
    before = bytes_below(scene.home / "blobs")
    running = engine_for(scene.url)
    with running.connect() as connection:
        connection.execute(text("select 1 from paper"))
    # The connection is idle in the pool now, as those of a quiet application.

    with pytest.raises(Conflict) as refused:
        scene.restore(folder, force=True)
    running.dispose()
    restored = scene.restore(folder, force=True)

    assert refusal(refused)[0] == "database_in_use"
    assert "Arrêtez l'application" in refusal(refused)[1]
    assert restored.kept_home is not None
    assert bytes_below(restored.kept_home / "blobs") == before


def test_what_a_killed_restore_left_is_cleared_by_the_next(
    scene: Scene, folder: Path, server: PostgresServer | None
) -> None:
    left = scene.home.with_name("home.restoring")
    (left / "blobs").mkdir(parents=True)
    (left / "korrigo.sqlite").write_bytes(b"half")
    if server is not None:
        server._execute(f'create database "{make_url(scene.url).database}_restoring"')

    restored = scene.restore(folder, force=True)

    assert not left.exists()
    assert restored.rows == sum(manifests.read(folder).about["tables"].values())


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_database_too_damaged_to_open_is_replaced(scene: Scene, folder: Path) -> None:
    scene.close()
    (scene.home / "korrigo.sqlite").write_bytes(b"no database at all" * 1000)

    scene.restore(folder, force=True)

    with scene.sessions() as session:
        assert session.scalars(select(Copy.id)).all()


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_sqlite_database_outside_the_home_is_swapped_too(
    scene: Scene, folder: Path, tmp_path: Path
) -> None:
    scene.close()
    elsewhere = tmp_path / "elsewhere" / "k.sqlite"
    elsewhere.parent.mkdir()
    shutil.copyfile(scene.home / "korrigo.sqlite", elsewhere)
    old, rows = elsewhere.read_bytes(), digests(scene.url)["copy"]

    restored = restore.restore(
        SYSTEM, folder=folder, home=scene.home, database_url=f"sqlite:///{elsewhere}", force=True
    )

    assert restored.kept_database is not None
    assert (elsewhere.parent / restored.kept_database).read_bytes() == old
    assert sorted(path.name for path in elsewhere.parent.iterdir()) == ["k.sqlite", restored.kept_database]
    assert digests(f"sqlite:///{elsewhere}")["copy"] == rows


def test_a_home_that_is_a_mounted_volume_is_replaced_inside(
    scene: Scene, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.close()
    files = bytes_below(scene.home)
    monkeypatch.setattr(restore, "_is_fixed", lambda _home: True)
    inode = scene.home.stat().st_ino

    restored = scene.restore(folder, force=True)

    assert scene.home.stat().st_ino == inode
    assert restored.kept_home is not None
    assert restored.kept_home.parent == scene.home
    assert bytes_below(restored.kept_home) == files
    assert named_by(scene) == {Path(place).name for place in bytes_below(scene.home / "blobs")}


def test_after_a_restore_nobody_is_signed_in_and_running_jobs_wait(scene: Scene, folder: Path) -> None:
    scene.restore(folder, force=True)

    with scene.sessions() as session:
        assert [line.revoked_at is not None for line in session.scalars(select(Connection))] == [True]
        held = session.scalars(select(Job).where(Job.unique_key == "held")).one()
        assert (held.status, held.leased_until) == ("waiting", None)
        last = session.scalars(select(JournalEntry).order_by(JournalEntry.id.desc())).first()
        assert last is not None
        assert (last.action, last.object_kind, last.actor) == (Action.BACK_UP, "restore", SYSTEM.label)


@pytest.mark.parametrize("act", ["update journal_entry set actor = 'x'", "delete from journal_entry"])
def test_the_journal_is_still_append_only_after_a_restore(scene: Scene, folder: Path, act: str) -> None:
    scene.restore(folder, force=True)

    with pytest.raises(DBAPIError, match="append-only"), scene.sessions.begin() as session:
        session.execute(text(act))


def test_a_backup_of_an_older_schema_is_restored_then_migrated(
    empty_database_url: str, tmp_path: Path, server: PostgresServer | None
) -> None:
    command.upgrade(config(empty_database_url), PREVIOUS)
    old = Scene.at(tmp_path / "home", empty_database_url)
    key_of(old.home / "secrets", "2026-2027")
    with old.sessions.begin() as session:
        insert_old_rows(session.connection())
    with unfinished_folder(tmp_path / "b.partial") as draft:
        backup.write_backup(old.sessions.kw["bind"], old.blobs, draft, home=old.home, created_at=now())
        draft.rename(tmp_path / "b")
    destroy(old, server)
    Path(str(make_url(empty_database_url).database)).unlink(missing_ok=True)

    restored = old.restore(tmp_path / "b")

    assert restored.rows == sum(map(len, OLD_ROWS.values())) + 1, "and the revision's own row"
    with old.sessions() as session:
        assert schema.revision(session.connection()) == schema.head() != PREVIOUS
        assert session.scalars(select(Connection.agent)).all() == [""]
        assert session.scalars(select(JournalEntry.id)).all() == [1, 2, 3, 4]


# --- PostgreSQL's own matters


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_a_role_that_may_not_create_databases_is_told_so(
    scene: Scene, folder: Path, server: PostgresServer
) -> None:
    name = make_url(scene.url).database
    with suppress(psycopg2.errors.DuplicateObject):
        server._execute("create role small login")
    scene.close()
    rows = digests(scene.url)

    with pytest.raises(BadInput) as refused:
        restore.restore(
            SYSTEM,
            folder=folder,
            home=scene.home,
            database_url=f"postgresql://small@/{name}?host={server.folder}",
            force=True,
        )

    assert refusal(refused)[0] == "restore_role_cannot_create"
    assert "« small »" in refusal(refused)[1]
    assert digests(scene.url) == rows


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_an_empty_database_is_filled_without_force_and_leaves_no_other(
    scene: Scene, folder: Path, server: PostgresServer
) -> None:
    destroy(scene, server)
    name = make_url(scene.url).database
    server._execute(f'create database "{name}"')

    restored = scene.restore(folder)

    assert restored.kept_database is None
    assert databases(server, str(name)) == [name]


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_without_the_programs_of_the_server_s_version_the_package_is_named(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql_tools, "_major", lambda _tool: 14)

    with pytest.raises(BadInput) as refused:
        scene.back_up(tmp_path / "b")

    assert refusal(refused)[0] == "database_tool_missing"
    assert "Installez postgresql-client-15." in refusal(refused)[1]


def test_the_password_of_the_database_is_no_argument_of_a_program(tmp_path: Path) -> None:
    tool = tmp_path / "pg_dump"
    tool.write_text('#!/bin/sh\necho "$PGPASSWORD|$*" >&2\nexit 1\n')
    tool.chmod(0o755)

    with pytest.raises(BadInput) as failed:
        postgresql_tools.run(
            tool, make_url("postgresql+psycopg2://k:s3cret@db:5433/korrigo?sslmode=require"), "-Fc"
        )

    password, arguments = str(failed.value.details["reason"]).split("|")
    assert password == "s3cret"
    assert "s3cret" not in arguments
    assert arguments.endswith("--dbname=postgresql://k@db:5433/korrigo?sslmode=require")


# --- stopped between database and home


@pytest.fixture
def apart(scene: Scene, tmp_path: Path, database_kind: str) -> Scene:
    """A class whose database lies outside its home."""
    if database_kind == "postgresql":
        return scene
    scene.close()
    elsewhere = tmp_path / "elsewhere" / "k.sqlite"
    elsewhere.parent.mkdir()
    (scene.home / "korrigo.sqlite").rename(elsewhere)
    return Scene.at(scene.home, f"sqlite:///{elsewhere}")


@pytest.fixture
def changed(apart: Scene, tmp_path: Path) -> Path:
    """A backup, made before the class lost its marks and a key."""
    folder = apart.back_up(tmp_path / "backup").folder
    with apart.sessions.begin() as session:
        session.execute(text("delete from mark"))
    apart.close()
    (apart.home / "secrets" / "later").write_bytes(b"not in the backup")
    return folder


def standing(scene: Scene) -> tuple[dict[str, list[str]], dict[str, str], list[str]]:
    """Every row, every byte of the home, and what stands beside home and database."""
    scene.close()
    roots = {scene.home.parent}
    if scene.url.startswith("sqlite"):
        roots.add(Path(str(make_url(scene.url).database)).parent)
    rows = digests(scene.url)
    names = sorted(path.name for root in roots for path in root.iterdir())
    return rows, bytes_below(scene.home), names


@pytest.mark.parametrize("fixed", [False, True], ids=["renamed", "volume"])
@pytest.mark.parametrize("at", range(4))
def test_a_rename_that_fails_leaves_home_and_database_as_they_were(
    apart: Scene,
    changed: Path,
    at: int,
    fixed: bool,
    server: PostgresServer | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = standing(apart)
    # Without a file of a database there are but the two renames of the home.
    at = at % 2 if server is not None and not fixed else at
    really, count = renames._rename, iter(range(99))

    def fail_once(source: Path, target: Path) -> None:
        if next(count) == at:
            raise OSError(errno.EBUSY, "Device or resource busy")
        really(source, target)

    monkeypatch.setattr(restore, "_is_fixed", lambda _home: fixed)
    monkeypatch.setattr(renames, "_rename", fail_once)
    with pytest.raises(BadInput) as refused:
        apart.restore(changed, force=True)

    assert refusal(refused)[0] == "restore_unwritable"
    assert "sont comme avant" in refusal(refused)[1]
    assert standing(apart) == before
    if server is not None:
        assert len(databases(server, str(make_url(apart.url).database))) == 1


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_what_cannot_be_undone_either_is_told_and_undone_by_the_next_restore(
    apart: Scene, changed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = standing(apart)

    def fail(_source: Path, _target: Path) -> None:
        raise OSError(errno.EBUSY, "Device or resource busy")

    def gone(*_: object) -> None:
        raise BadInput("database_unreachable", reason="connection refused")

    with monkeypatch.context() as patched:
        patched.setattr(renames, "_rename", fail)
        patched.setattr(postgresql_copies.Replacement, "undo", gone)
        with pytest.raises(Conflict) as refused:
            apart.restore(changed, force=True)

    assert refusal(refused)[0] == "restore_unfinished"
    with pytest.raises(BadInput) as without_force:
        apart.restore(changed)
    assert refusal(without_force)[0] == "restore_not_empty"
    assert standing(apart) == before


KILLED = """
import os, sys
from core.storage import renames
from core.services import restore, restoring
from workbench.cli.main import main
at, fixed = int(sys.argv.pop(1)), int(sys.argv.pop(1))
really, removed, done = renames._rename, restoring.remove, [0]
def counted(act):
    def stop(*given):
        if done[0] == at:
            os._exit(9)
        done[0] += 1
        act(*given)
    return stop
renames._rename, restoring.remove = counted(really), counted(removed)
if fixed:
    restore._is_fixed = lambda home: True
main()
"""


def killed(scene: Scene, at: int, fixed: bool, *arguments: str) -> bool:
    """Run a command that dies before its rename number ``at`` (or the removal of the mark); whether it did."""
    asked = ["-c", KILLED, str(at), str(int(fixed)), "--home", str(scene.home), *arguments]
    done = subprocess.run(
        [sys.executable, *asked], cwd=story.ROOT, env=environment(scene), capture_output=True, check=False
    )
    assert done.returncode in (0, 9), done.stderr.decode()
    return done.returncode == 9


def refused_by(scene: Scene, *arguments: str) -> str:
    """What a command that opens nothing says."""
    done = subprocess.run(
        korrigo(scene, *arguments),
        cwd=story.ROOT,
        env=environment(scene),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    return done.stderr.decode()


def compare_with_the_backup(scene: Scene, folder: Path) -> None:
    stored = {
        place: sha for place, sha in bytes_below(folder).items() if place.startswith(("blobs/", "secrets/"))
    }
    there = bytes_below(scene.home)
    assert {place: sha for place, sha in there.items() if place.startswith(("blobs/", "secrets/"))} == stored
    rows = manifests.read(folder).about["tables"]
    found = {table: len(lines) for table, lines in digests(scene.url).items()}
    assert found["mark"] == rows["mark"] > 0
    assert found["journal_entry"] == rows["journal_entry"] + 1
    assert not restoring.mark_of(scene.home)


def test_a_restore_killed_between_database_and_home_is_refused_by_all_and_done_by_the_next(
    apart: Scene, changed: Path, server: PostgresServer | None
) -> None:
    rows, files, _ = standing(apart)
    at = 0 if server else 2

    assert killed(apart, at, False, "restore", str(changed), "--force")

    mark = restoring.mark_of(apart.home)
    assert mark is not None
    assert stat.S_IMODE(mark.stat().st_mode) == 0o600
    for command_line in (["serve", "--port", "1"], ["worker"], ["migrate"]):
        told = refused_by(apart, *command_line)
        assert f"korrigo restore {changed} --force" in told
        assert "Traceback" not in told
    parts = health.Parts(lambda: apart.sessions, lambda: apart.blobs, Settings(home=apart.home))
    assert "files_half_restored" in health.readiness(parts)
    apart.close()
    restored = apart.restore(changed, force=True)
    compare_with_the_backup(apart, changed)
    assert restored.kept_home is not None
    assert bytes_below(restored.kept_home) == files
    kept = str(restored.kept_database)
    old = (
        server.url(kept) if server else f"sqlite:///{Path(str(make_url(apart.url).database)).with_name(kept)}"
    )
    assert digests(old) == rows


@pytest.mark.long
@pytest.mark.parametrize("fixed", [False, True], ids=["renamed", "volume"])
def test_killed_before_any_rename_and_again_while_undoing_everything_comes_back(
    apart: Scene, changed: Path, fixed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restore, "_is_fixed", lambda _home: fixed)
    before = standing(apart)
    at = 0
    while killed(apart, at, fixed, "restore", str(changed), "--force"):
        killed_again = killed(apart, at // 2, fixed, "restore", str(changed), "--force")
        assert killed_again
        with pytest.raises(BadInput) as refused:
            apart.restore(changed)
        assert refusal(refused)[0] == "restore_not_empty"
        after = standing(apart)
        assert after[:2] == before[:2]
        assert [name for name in after[2] if "before-" in name or "restoring.json" in name] == []
        at += 1

    assert at >= 3
    compare_with_the_backup(apart, changed)


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_a_server_that_does_not_answer_is_told_in_one_sentence(scene: Scene, folder: Path) -> None:
    away = Scene(scene.home, "postgresql://k:s3cret@127.0.0.1:9/k", scene.sessions, scene.blobs)

    told = refused_by(away, "restore", str(folder), "--force")

    assert told.startswith("La base de données ne répond pas")
    assert "s3cret" not in told
    assert len(told.strip().splitlines()) == 1


# --- killed in the middle


@pytest.mark.long
def test_a_backup_killed_at_any_moment_leaves_the_home_and_no_backup(scene: Scene, tmp_path: Path) -> None:
    scene.close()
    files, rows = bytes_below(scene.home / "blobs"), digests(scene.url)
    for _ in struck(scene, Random(7), "backup", str(tmp_path / "b")):
        assert not (tmp_path / "b").exists()
        assert bytes_below(scene.home / "blobs") == files
        assert digests(scene.url) == rows

    run(scene, "backup", str(tmp_path / "b"))

    assert not (tmp_path / "b.partial").exists()
    backup.verify(SYSTEM, folder=tmp_path / "b")


@pytest.mark.long
def test_a_restore_killed_at_any_moment_leaves_the_home_as_it_was(
    scene: Scene, folder: Path, tmp_path: Path
) -> None:
    with scene.sessions.begin() as session:
        session.execute(text("delete from mark"))
    scene.close()
    files, rows = bytes_below(scene.home / "blobs"), digests(scene.url)
    for _ in struck(scene, Random(11), "restore", str(folder), "--force"):
        assert bytes_below(scene.home / "blobs") == files
        assert digests(scene.url) == rows

    run(scene, "restore", str(folder), "--force")

    assert len(digests(scene.url)["mark"]) > 0
    assert not scene.home.with_name("home.restoring").exists()
    backup.verify(SYSTEM, folder=folder)


def struck(scene: Scene, chance: Random, *arguments: str) -> Iterator[float]:
    """Kill the command at several moments, early and late, before it has done anything that lasts."""
    left = (
        Path(f"{arguments[1]}.partial")
        if arguments[0] == "backup"
        else scene.home.with_name("home.restoring")
    )
    strikes = 0
    for _ in range(5):
        process = subprocess.Popen(
            korrigo(scene, *arguments), cwd=story.ROOT, env=environment(scene), stdout=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 60
        while not left.exists() and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.25))
        process.send_signal(signal.SIGKILL)
        process.wait()
        if left.exists():
            strikes += 1
            yield chance.random()
    assert strikes >= 2, "a kill before or after the work proves nothing"
