"""``korrigo doctor``: each fault of an installation is named, with what to do about it."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import string
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from core.db.migrate import upgrade
from core.db.tables import JournalEntry
from core.db.tables.base import now
from core.services import health, installation
from core.services.health import Component, Standing
from core.settings import Settings
from core.storage.blobs import BlobStore
from workbench import health_words
from workbench.health_words import PROBLEMS, TITLES, remedy, span, told

ROOT = Path(__file__).parents[2]
NETWORK = "0.0.0.0/0"


@dataclass
class Examined:
    """What the doctor said."""

    status: int
    out: str
    err: str

    def line(self, part: str) -> str:
        """The line of a part with what to do below it."""
        found = re.search(rf"^(.) {re.escape(part)} : (.*(?:\n    → .*)?)", self.out, re.MULTILINE)
        return f"{found[1]} {found[2]}" if found else ""


def examine(home: Path, *options: str, **variables: str) -> Examined:
    """Run the command as a person does."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KORRIGO_")}
    done = subprocess.run(
        [sys.executable, "-m", "workbench.cli.main", "doctor", *options],
        env={**clean, "KORRIGO_HOME": str(home), **variables},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return Examined(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def database_kind(request: pytest.FixtureRequest) -> str:
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home that was used: its database is migrated, it keeps a file."""
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    upgrade(f"sqlite:///{folder / 'korrigo.sqlite'}")
    BlobStore(folder / "blobs").put(b"a scan")
    return folder


def test_a_sound_installation_is_told_part_by_part(home: Path) -> None:
    found = examine(home)

    assert (found.status, found.err) == (0, "")
    for part in (
        "Réglages",
        "Dossier des données",
        "Base de données",
        "Contenu de la base",
        "Journal",
        "Horloge",
    ):
        assert found.line(part).startswith("✔"), part
    assert "1 lus sur 1, intacts" in found.line("Fichiers gardés")
    assert found.line("Sauvegarde").startswith("◐ aucune\n    → Lancez korrigo backup")
    assert all(re.match(r"[✔◐✖] .+ : .+|    → .+", line) for line in found.out.splitlines())


def test_before_the_first_use_nothing_is_missing_and_no_database_is_made(tmp_path: Path) -> None:
    found = examine(tmp_path / "new")

    assert found.status == 0
    assert found.line("Base de données").startswith("◐ pas encore faite")
    assert not (tmp_path / "new" / "korrigo.sqlite").exists()


def test_several_faults_are_all_told_with_what_to_do(home: Path) -> None:
    home.chmod(0o755)
    [kept] = (home / "blobs").glob("??/*")
    if len(kept.parent.name) == 2:
        kept.write_bytes(b"another scan")
    with sqlite3.connect(home / "korrigo.sqlite") as database:
        database.execute("update alembic_version set version_num = '0001'")

    found = examine(
        home, KORRIGO_HOM="/x", KORRIGO_TRUSTED_PROXIES=NETWORK, KORRIGO_REDIS_URL="redis://127.0.0.1:9"
    )

    assert (found.status, found.err) == (1, "")
    assert "◐ Réglages : KORRIGO_HOM n'est pas un réglage connu\n    → Corrigez" in found.out
    assert found.line("Accès de l'extérieur").startswith("✖ n'importe qui")
    assert "(mode 0755)\n    → Fermez-le" in found.line("Dossier des données")
    assert "korrigo migrate" in found.line("Base de données")
    assert found.line("Cache des pages").startswith("✖ Redis ne répond pas\n    →")
    assert found.line("Fichiers gardés").startswith("✖ 1 sur 1 lus ne sont plus")


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"KORRIGO_READER": "gpt"}, "KORRIGO_READER ne connaît pas « gpt »"),
        ({"KORRIGO_IMAGE_LIMIT": "0"}, "KORRIGO_IMAGE_LIMIT doit valoir au moins 1"),
        ({"KORRIGO_DATABASE_URL": "mysql://u:motdepasse@db/k"}, "KORRIGO_DATABASE_URL n'est pas une adresse"),
    ],
)
def test_a_setting_that_does_not_do_is_told_and_the_programs_are_looked_at_all_the_same(
    home: Path, variables: dict[str, str], told: str
) -> None:
    found = examine(home, **variables)

    assert (found.status, found.err) == (1, "")
    assert told in found.line("Réglages")
    assert found.line("jpegtran")
    assert "motdepasse" not in found.out


def test_a_database_that_cannot_be_reached_is_told_without_its_password(home: Path) -> None:
    found = examine(home, KORRIGO_DATABASE_URL="postgresql://korrigo:motdepasse@127.0.0.1:9/korrigo")

    assert (found.status, found.err) == (1, "")
    assert found.line("Base de données").startswith("✖ ne répond pas\n    → Démarrez-la")
    assert found.line("Disque")
    assert found.line("Lecture de l'écriture")
    assert "motdepasse" not in found.out


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_postgresql_is_told_with_its_version_and_limit(tmp_path: Path, database_url: str) -> None:
    found = examine(tmp_path / "home", KORRIGO_DATABASE_URL=database_url)

    assert found.status == 0
    assert "PostgreSQL répond en" in found.line("Base de données")
    assert "PostgreSQL 15, 200 connexions au plus" in found.line("Contenu de la base")


def test_a_home_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "home").touch()

    found = examine(tmp_path / "home")

    assert (found.status, found.err) == (1, "")
    assert found.line("Dossier des données").startswith("✖ ne peut pas être écrit")


def test_a_machine_without_the_programs_is_told_what_to_install(home: Path, tmp_path: Path) -> None:
    found = examine(home, PATH=str(tmp_path))

    assert found.status == 1
    assert "libjpeg-turbo-progs" in found.line("jpegtran")
    assert found.line("Tesseract").startswith("◐ absent")  # it is not the reader that is set


def test_json_says_the_same(home: Path) -> None:
    told_as_json = json.loads(examine(home, "--json").out)

    assert {"home", "database", "queue", "ppocr", "clock"} <= {part["name"] for part in told_as_json}
    [database] = [part for part in told_as_json if part["name"] == "database"]
    assert (database["status"], database["code"]) == ("ok", "")
    assert database["sentence"].startswith("Base de données : SQLite répond en")


# --- single checks


def test_a_damaged_sqlite_file_is_told(home: Path) -> None:
    path = home / "korrigo.sqlite"
    content = bytearray(path.read_bytes())
    for at in range(len(content) // 2, len(content) - 4096, 4096):
        content[at : at + 200] = b"\xff" * 200
    path.write_bytes(bytes(content))

    found = examine(home)

    assert (found.status, found.err) == (1, "")
    assert "✖" in found.line("Contenu de la base") + found.line("Base de données")


def test_a_clock_that_went_back_behind_the_journal_is_told(sessions: sessionmaker[Session]) -> None:
    assert installation.clock(sessions).standing is Standing.OK
    with sessions.begin() as session:
        session.add(
            JournalEntry(
                at=now() + timedelta(hours=1),
                actor="system:t",
                action="release",
                object_kind="x",
                digest="0" * 64,
            )
        )

    assert installation.clock(sessions).code == "clock_behind"


@pytest.mark.parametrize(
    ("network", "everybody"), [("10.0.0.0/8", False), ("0.0.0.0/1", True), ("::/0", True)]
)
def test_a_network_of_everybody_is_no_proxy(network: str, everybody: bool) -> None:
    settings = Settings.from_environment({"KORRIGO_TRUSTED_PROXIES": network})

    assert (installation.outside(settings).code == "proxies_everybody") == everybody


# --- words


def codes_of_the_checks() -> set[str]:
    """Codes written out in the two modules of checks and in the command."""
    found = set()
    starts = "|".join([*TITLES, "disk", "proxies", "metrics"])
    for module in (health, installation):
        source = Path(module.__file__ or "").read_text(encoding="utf-8")
        found |= set(re.findall(rf'"((?:{starts})_[a-z_]+)"', source))
    return found - {"database_inside", "stored_files"}


def test_every_code_of_a_check_has_its_words_and_its_remedy() -> None:
    parts = ("database", "queue", "backup", "journal", "files", "redis")
    made = {f"{part}_{how}" for part in parts for how in ("silent", "unreachable")}

    assert codes_of_the_checks() - set(PROBLEMS) == set()
    assert made <= set(PROBLEMS)
    assert [
        code for code, (words, do) in PROBLEMS.items() if not words or (not do and code != "redis_none")
    ] == []


@pytest.mark.parametrize("code", PROBLEMS)
def test_words_are_told_even_when_a_figure_is_not_known(code: str) -> None:
    part = Component("files", Standing.DOWN, code)

    assert told(part)
    assert remedy(part) == PROBLEMS[code][1]
    assert "{" not in told(part)
    assert all(
        field is None or field.isidentifier()
        for _, field, _, _ in string.Formatter().parse(PROBLEMS[code][0])
    )


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (59, "59 s"), (90, "2 min"), (7200, "2 h"), (3 * 86400, "3 jours")]
)
def test_lengths_of_time_are_told_as_people_say_them(seconds: float, words: str) -> None:
    assert span(seconds) == words


def test_shapes_tell_a_state_without_colour() -> None:
    assert len(set(health_words.SHAPES.values())) == len(Standing)
