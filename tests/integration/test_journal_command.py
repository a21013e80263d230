"""The journal from a terminal: what `korrigo journal` prints, and that commands seal what they did."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from core.domain.access import Action, Actor, Role
from core.services import accounts, journal, sealing
from workbench import resources
from workbench.cli.main import korrigo

Run = Callable[..., Result]
Sessions = sessionmaker[Session]
SYSTEM = Actor.system("test")


@pytest.fixture
def run(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """``run("journal", "verify")``: a command in a home of the test's own."""
    monkeypatch.setenv("KORRIGO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KORRIGO_DATABASE_URL", database_url)
    resources.forget()
    yield lambda *words: CliRunner().invoke(korrigo, words)
    resources.forget()


@pytest.fixture
def database(run: Run) -> Sessions:
    """Four lines of two acts, sealed."""
    sessions = resources.sessions()
    with sessions.begin() as session:
        for number in range(3):
            journal.record(
                session, SYSTEM, Action.MARK, kind="marking", object_id=number, values={"version": number}
            )
        journal.record(session, SYSTEM, Action.PUBLISH, kind="copy", object_id=9)
    sealing.seal(sessions)
    return sessions


def test_a_whole_chain_is_ok_with_its_entries_head_and_tail(run: Run, database: Sessions) -> None:
    sealed_head = sealing.verify(database, SYSTEM).head.hash
    with database.begin() as session:
        journal.record(session, SYSTEM, Action.MARK, kind="marking", object_id=5)

    done = run("journal", "verify")

    first, head, unsealed, erased = done.stdout.splitlines()
    assert (done.exit_code, done.stderr) == (0, "")
    assert first == "ok 4 entries"
    assert head == f"head 4:{sealed_head}"
    assert (unsealed, erased) == ("unsealed 1", "erased 0")


def test_an_empty_journal_is_ok(run: Run) -> None:
    assert run("journal", "verify").stdout.startswith("ok 0 entries\n")


def test_a_changed_line_ends_with_1_and_one_sentence_that_names_it(
    run: Run, database: Sessions, database_kind: str
) -> None:
    trigger = "journal_entry_append_only on journal_entry"
    with database.begin() as session:
        session.execute(
            text(f"drop trigger {trigger if database_kind == 'postgresql' else 'journal_entry_no_update'}")
        )
        session.execute(text("update journal_entry set object_id = 8 where id = 2"))

    done = run("journal", "verify")

    assert (done.exit_code, done.stdout) == (1, "")
    [sentence] = done.stderr.splitlines()
    assert sentence.startswith("Le journal a été altéré : la ligne n° 2 (identifiant 2, du ")
    assert "« Correction ») a été changée après son scellement" in sentence


@pytest.mark.parametrize(
    ("database_kind", "change"),
    [
        ("sqlite", "at = '0001-01-01 00:00:00+14:00'"),
        ("sqlite", "at = '0001-01-01 00:00:00'"),
        ("sqlite", "at = '9999-12-31 23:59:59.999999'"),
        ("sqlite", "actor = cast(x'ff' as text)"),
        ("sqlite", "action = cast(x'ff' as text)"),
        ("postgresql", "at = '0044-03-15 BC'"),
        ("postgresql", "at = '9999-12-31 23:59:59.999999+00'"),
        ("postgresql", "at = '0001-01-01 00:00:00+00'"),
    ],
    indirect=["database_kind"],
)
@pytest.mark.parametrize("zone", ["Europe/Paris", "America/New_York"])
def test_a_line_that_was_changed_into_anything_at_all_is_named(
    run: Run, database: Sessions, database_kind: str, change: str, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    trigger = "journal_entry_append_only on journal_entry"
    with database.begin() as session:
        driver = session.connection()
        driver.exec_driver_sql(
            f"drop trigger {trigger if database_kind == 'postgresql' else 'journal_entry_no_update'}"
        )
        driver.exec_driver_sql(f"update journal_entry set {change} where id = 2")

    done = run("journal", "verify")
    monkeypatch.undo()
    time.tzset()

    assert (done.exit_code, done.stdout) == (1, "")
    [sentence] = done.stderr.splitlines()
    assert sentence.startswith("Le journal a été altéré : la ligne n° 2 (identifiant 2, ")


def test_lines_without_values_are_told_plainly(run: Run, database: Sessions) -> None:
    with database.begin() as session:
        session.execute(text("delete from journal_value where entry_id in (2, 3)"))

    done = run("journal", "verify")

    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1] == "erased 2"
    assert done.stderr.startswith("2 lignes sans valeurs : ")


def test_a_head_that_was_written_down_tells_a_chain_that_was_cut(run: Run, database: Sessions) -> None:
    head = run("journal", "verify").stdout.splitlines()[1].removeprefix("head ")

    assert run("journal", "verify", "--expect", head).exit_code == 0
    further = run("journal", "verify", "--expect", f"7:{'0' * 64}")
    assert further.exit_code == 1
    assert "la fin manque, à partir de la ligne n° 5" in further.stderr


@pytest.mark.parametrize("head", ["4", "4:abc", "quatre:" + "0" * 64])
def test_a_head_that_is_none_is_wrong_usage(run: Run, database: Sessions, head: str) -> None:
    done = run("journal", "verify", "--expect", head)

    assert done.exit_code == 2
    assert "NUMÉRO:EMPREINTE" in done.stderr


def test_lines_come_out_as_a_table_the_newest_first(run: Run, database: Sessions) -> None:
    done = run("journal", "list")

    lines = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [line["number"] for line in lines] == ["4", "3", "2", "1"]
    assert (lines[0]["actor"], lines[0]["action"], lines[0]["kind"], lines[0]["object"]) == (
        "system:test",
        "publish",
        "copy",
        "9",
    )
    assert json.loads(lines[1]["values"]) == {"version": 2}


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--action", "publish"), 1),
        (("--kind", "marking", "--object", "1"), 1),
        (("--actor", "system"), 4),
        (("--actor", "aline"), 0),
        (("--since", "2020-01-01"), 4),
        (("--until", "2020-01-01"), 0),
        (("--limit", "2"), 2),
    ],
)
def test_lines_are_looked_for(run: Run, database: Sessions, words: tuple[str, ...], found: int) -> None:
    assert len(run("journal", "list", *words).stdout.splitlines()) == found + 1


def test_a_command_seals_what_it_did(run: Run, tmp_path: Path) -> None:
    roster = tmp_path / "liste.csv"
    roster.write_text("Nom;Prénom\nDURAND;Éloïse\n", encoding="utf-8")

    assert run("roster", "import", str(roster), "--session", "Bac blanc").exit_code == 0

    found = sealing.verify(resources.sessions(), SYSTEM)
    assert (found.sealed, found.unsealed) == (1, 0)


def test_the_journal_is_refused_to_others_than_administrators(run: Run, database: Sessions) -> None:
    accounts.create_account(
        database, SYSTEM, login="aline", roles=[Role.CORRECTOR], surname="Aline", password="motdepasse-1"
    )

    for command in ("verify", "list"):
        assert getattr(run("--as", "aline", "journal", command).exception, "code", "") == "not_allowed"
