"""The journal's chain in a real database: written by many, sealed by one, and what meddling looks like."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from core.db.session import engine_for, session_factory
from core.db.tables import JournalEntry, JournalSeal, JournalValue
from core.db.tables.base import now
from core.domain.access import Action, Actor, Role
from core.domain.chain import Broken, Fault, Head
from core.errors import NotAllowed
from core.services import journal, sealing
from tests.integration.builders import STAFF, add_account
from workbench.journal_words import broken_words

Sessions = sessionmaker[Session]

WRITERS, ENTRIES = 10, 10_000


def write(sessions: Sessions, count: int, *, actor: Actor = STAFF) -> None:
    """Acts of one transaction each, on the objects 1, 2, …"""
    for number in range(1, count + 1):
        with sessions.begin() as session:
            journal.record(
                session, actor, Action.MARK, kind="marking", object_id=number, values={"after": number / 4}
            )


def numbers(sessions: Sessions) -> list[int]:
    with sessions() as session:
        return list(session.scalars(select(JournalSeal.number).order_by(JournalSeal.number)))


def count_entries(sessions: Sessions) -> int:
    with sessions() as session:
        return session.scalar(select(func.count()).select_from(JournalEntry)) or 0


# --- one chain


def test_10_000_entries_from_10_writers_become_one_chain(sessions: Sessions, database_url: str) -> None:
    def work(writer: int) -> None:
        engine = engine_for(database_url)
        own, chance = session_factory(engine), random.Random(writer)
        left = ENTRIES // WRITERS
        while left:
            several = min(left, chance.choice((5, 10, 25)))
            with own() as session:
                session.begin()
                for _ in range(several):
                    journal.record(
                        session,
                        Actor(writer, frozenset(), f"account:{writer}"),
                        Action.MARK,
                        kind="copy",
                        object_id=left,
                    )
                if chance.random() < 0.1:
                    session.rollback()
                    continue
                session.commit()
            left -= several
        engine.dispose()

    with sealing.sealing(sessions), sealing.sealing(sessions), ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(work, range(1, WRITERS + 1)))

    found = sealing.verify(sessions, STAFF)
    assert (found.broken, found.sealed, found.unsealed) == (None, ENTRIES, 0)
    assert numbers(sessions) == list(range(1, ENTRIES + 1))


def test_an_entry_is_sealed_within_a_second(sessions: Sessions) -> None:
    with sealing.sealing(sessions):
        write(sessions, 1)
        written = time.monotonic()
        while not numbers(sessions):
            assert time.monotonic() < written + 1
            time.sleep(0.02)


def test_an_act_that_is_rolled_back_leaves_no_trace(sessions: Sessions) -> None:
    write(sessions, 1)
    with sessions() as session:
        session.begin()
        journal.record(session, STAFF, Action.MARK, kind="marking", object_id=9)
        session.rollback()
    write(sessions, 1)

    sealing.seal(sessions)

    assert count_entries(sessions) == 2
    assert numbers(sessions) == [1, 2]


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_an_entry_that_is_committed_late_is_sealed_later_and_never_passed_over(sessions: Sessions) -> None:
    with sessions() as slow:
        slow.begin()
        journal.record(slow, STAFF, Action.PUBLISH, kind="paper", object_id=1)
        write(sessions, 3)
        assert sealing.seal(sessions) == 3
        slow.commit()

    assert sealing.seal(sessions) == 1

    with sessions() as session:
        order = list(session.scalars(select(JournalSeal.entry_id).order_by(JournalSeal.number)))
    assert order == [2, 3, 4, 1]
    assert sealing.verify(sessions, STAFF).broken is None


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_a_transaction_that_outlives_the_window_is_found_by_the_thorough_pass(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "WINDOW", 2)
    with sessions() as slow:
        slow.begin()
        journal.record(slow, STAFF, Action.PUBLISH, kind="paper", object_id=1)
        write(sessions, 5)
        sealing.seal(sessions)
        slow.commit()
    assert sealing.seal(sessions) == 0
    assert sealing.verify(sessions, STAFF).unsealed == 1

    with sealing.sealing(sessions):
        pass  # a sealer begins with one

    assert sealing.verify(sessions, STAFF).unsealed == 0


def test_more_than_one_transaction_holds_is_sealed_in_several(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "BATCH", 4)
    write(sessions, 10)

    assert sealing.seal(sessions) == 10
    assert sealing.verify(sessions, STAFF).broken is None


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_a_second_sealer_does_nothing(sessions: Sessions) -> None:
    write(sessions, 2)
    with sessions.begin() as first:
        assert sealing._take_turn(first)

        assert sealing.seal(sessions) == 0

    assert sealing.seal(sessions) == 2


def test_a_sealer_goes_on_when_the_database_was_away(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(sessions, 1)
    answers: Iterator[Callable[..., int]] = iter([_away, sealing.seal, sealing.seal])
    stop = threading.Event()

    def once(*args: object, **options: object) -> int:
        found = next(answers)
        if found is not _away:
            stop.set()
        return found(*args, **options)

    monkeypatch.setattr(sealing, "seal", once)

    sealing.run_sealer_until(sessions, stop, every_s=0)

    assert numbers(sessions) == [1]


def _away(*_: object, **__: object) -> int:
    raise DBAPIError("select", {}, Exception("gone"))


def test_an_error_that_nobody_foresaw_does_not_end_the_sealer_and_is_logged(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def strange(*_: object, **__: object) -> int:
        raise OverflowError("date value out of range")

    monkeypatch.setattr(sealing, "seal", strange)

    assert not sealing.try_to_seal(sessions)
    assert "OverflowError" in caplog.text


STRANGE_ENTRIES = {
    "sqlite": {
        "before_year_1": {"at": "'0001-01-01 00:00:00+14:00'"},
        "no_instant": {"at": "'yesterday'"},
        "a_number": {"at": "5"},
        "a_blob_for_an_instant": {"at": "x'ff00'"},
        "bad_utf8_in_the_instant": {"at": "cast(x'ff' as text)"},
        "bad_utf8_in_the_actor": {"actor": "cast(x'616363ff' as text)"},
        "bad_utf8_in_the_act": {"action": "cast(x'ff' as text)"},
        "bad_utf8_in_the_kind": {"object_kind": "cast(x'eda080' as text)"},
        "bad_utf8_in_the_object": {"object_id": "cast(x'ff' as text)"},
        "bad_utf8_in_the_digest": {"digest": "cast(x'ff' as text)"},
        "a_blob_for_an_actor": {"actor": "x'616363ff'"},
    },
    "postgresql": {
        "before_our_era": {"at": "'0044-03-15 00:00:00 BC'"},
        "after_year_9999": {"at": "'12026-01-01 00:00:00+00'"},
        "before_year_1": {"at": "'0001-01-01 00:00:00+14'"},
        "never": {"at": "'infinity'"},
        "always": {"at": "'-infinity'"},
    },
}
"""What a database takes for a column of an entry and this program never writes there."""
STRANGE = pytest.mark.parametrize(
    ("database_kind", "columns"),
    [
        pytest.param(kind, columns, id=f"{kind}-{name}")
        for kind, entries in STRANGE_ENTRIES.items()
        for name, columns in entries.items()
    ],
    indirect=["database_kind"],
)


@STRANGE
def test_an_entry_that_holds_anything_at_all_is_sealed_and_so_are_those_after_it(
    sessions: Sessions, columns: dict[str, str]
) -> None:
    row = {
        "at": "'2026-11-22 13:02:11'",
        "actor": "'account:9'",
        "action": "'mark'",
        "object_kind": "'copy'",
        "object_id": "null",
        "digest": "'d'",
    } | columns
    write(sessions, 1)
    with sessions.begin() as session:
        session.connection().exec_driver_sql(
            f"insert into journal_entry ({', '.join(row)}) values ({', '.join(row.values())})"
        )
    write(sessions, 1)

    before = sealing.verify(sessions, STAFF)
    assert sealing.try_to_seal(sessions)

    after = sealing.verify(sessions, STAFF)
    assert (before.unsealed, before.broken) == (3, None)
    assert (after.sealed, after.unsealed, after.broken) == (3, 0, None)
    assert sealing.state(sessions, STAFF).head == after.head


@STRANGE
def test_an_entry_that_was_changed_into_anything_at_all_is_named(
    sealed: Sessions, columns: dict[str, str]
) -> None:
    sets = ", ".join(f"{name} = {value}" for name, value in columns.items())
    meddle(sealed, f"update journal_entry set {sets} where id = 4".replace(":", "\\:"))

    found = broken(sealed)

    assert (found.fault, found.number, found.entry_id) == (Fault.ENTRY_CHANGED, 4, 4)
    assert "n° 4 (identifiant 4, " in broken_words(found)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_an_instant_that_is_none_is_covered_as_it_was_written(sessions: Sessions) -> None:
    write(sessions, 1)
    meddle(sessions, "update journal_entry set at = 'yesterday'")
    sealing.seal(sessions)

    meddle_again = "update journal_entry set at = 'the day before'"
    with sessions.begin() as session:
        session.execute(text(meddle_again))

    assert broken(sessions).fault is Fault.ENTRY_CHANGED


# --- meddling, by somebody with every right on the database


@pytest.fixture
def sealed(sessions: Sessions) -> Sessions:
    """Ten sealed entries."""
    write(sessions, 10)
    assert sealing.seal(sessions) == 10
    return sessions


def meddle(sessions: Sessions, *statements: str) -> None:
    """Do what the triggers and the foreign keys are there to refuse."""
    engine = sessions.kw["bind"]
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("set session_replication_role = replica"))
            for table in ("journal_entry", "journal_seal"):
                connection.execute(text(f"drop trigger {table}_append_only on {table}"))
        else:
            connection.exec_driver_sql("commit")
            connection.exec_driver_sql("pragma foreign_keys = off")
            for table in ("journal_entry", "journal_seal"):
                for verb in ("update", "delete"):
                    connection.exec_driver_sql(f"drop trigger {table}_no_{verb}")
            connection.exec_driver_sql("begin immediate")
        for statement in statements:
            connection.execute(text(statement))
        connection.commit()
    engine.dispose()


def broken(sessions: Sessions, expected: Head | None = None) -> Broken:
    found = sealing.verify(sessions, STAFF, expected=expected).broken
    assert found is not None
    return found


def test_a_whole_chain_is_verified_with_its_head(sealed: Sessions) -> None:
    found = sealing.verify(sealed, STAFF)

    assert (found.broken, found.sealed, found.erased, found.unsealed) == (None, 10, 0, 0)
    with sealed() as session:
        last = session.get_one(JournalSeal, 10)
    assert found.head == Head(10, last.hash)


@pytest.mark.parametrize(
    "change",
    [
        "actor = 'account:9'",
        "action = 'publish'",
        "object_kind = 'copy'",
        "object_id = 5000",
        "object_id = null",
        "digest = '" + "0" * 64 + "'",
    ],
)
def test_an_entry_that_was_changed_is_named(sealed: Sessions, change: str) -> None:
    meddle(sealed, f"update journal_entry set {change} where id = 4")

    found = broken(sealed)

    assert (found.fault, found.number, found.entry_id) == (Fault.ENTRY_CHANGED, 4, 4)
    assert found.at is not None


def test_an_entry_that_was_dated_back_is_named(sealed: Sessions) -> None:
    meddle(sealed, "update journal_entry set at = '2020-01-01 00:00:00.000000' where id = 4")

    assert (broken(sealed).fault, broken(sealed).number) == (Fault.ENTRY_CHANGED, 4)


def test_an_entry_that_was_deleted_is_named_by_its_number_and_when_it_was_sealed(sealed: Sessions) -> None:
    meddle(sealed, "delete from journal_value where entry_id = 4", "delete from journal_entry where id = 4")

    found = broken(sealed)

    assert (found.fault, found.number, found.entry_id, found.at) == (Fault.ENTRY_DELETED, 4, 4, None)
    assert found.sealed_at is not None


@pytest.mark.parametrize(
    "columns", ["at, actor, action, object_kind, object_id, digest", "object_id, digest"]
)
def test_two_entries_that_changed_places_are_named(sealed: Sessions, columns: str) -> None:
    ids = "case journal_entry.id when 4 then 7 else 4 end"
    sets = ", ".join(
        f"{column.strip()} = (select o.{column.strip()} from other o where o.id = {ids})"
        for column in columns.split(",")
    )
    meddle(
        sealed,
        "create table other as select * from journal_entry",
        f"update journal_entry set {sets} where id in (4, 7)",
    )

    found = broken(sealed)

    whole = columns.startswith("at")
    assert (found.number, found.entry_id) == (4, 4)
    assert (found.fault, found.other_id) == (
        (Fault.ENTRIES_SWAPPED, 7) if whole else (Fault.ENTRY_CHANGED, None)
    )


def test_two_ids_that_changed_places_are_named(sealed: Sessions) -> None:
    meddle(
        sealed,
        "update journal_entry set id = -4 where id = 4",
        "update journal_entry set id = 4 where id = 7",
        "update journal_entry set id = 7 where id = -4",
    )

    found = broken(sealed)

    assert (found.fault, found.number, found.entry_id, found.other_id) == (Fault.ENTRIES_SWAPPED, 4, 4, 7)


def test_two_seals_that_changed_entries_are_named(sealed: Sessions) -> None:
    meddle(
        sealed,
        "update journal_seal set entry_id = -4 where number = 4",
        "update journal_seal set entry_id = 4 where number = 7",
        "update journal_seal set entry_id = 7 where number = 4",
    )

    found = broken(sealed)

    assert (found.fault, found.number, found.entry_id, found.other_id) == (Fault.ENTRIES_SWAPPED, 4, 7, 4)


@pytest.mark.parametrize("values", ['{"after": 20.0}', "{}", "[]", "no json"])
def test_values_that_were_changed_are_named(sealed: Sessions, database_kind: str, values: str) -> None:
    if database_kind == "postgresql" and values == "no json":
        values = '"no object"'
    meddle(
        sealed,
        f"""update journal_value set "values" = '{values.replace(":", chr(92) + ":")}' where entry_id = 4""",
    )

    assert (broken(sealed).fault, broken(sealed).number) == (Fault.VALUES_CHANGED, 4)


UNREADABLE_VALUES = [
    ("sqlite", "'" + "[" * 200_000 + "'"),
    ("sqlite", "'" + "[" * 900 + "]" * 900 + "'"),
    ("sqlite", "cast(x'7b22ff223a317d' as text)"),
    ("sqlite", "cast('{\"after\": 1.0}' as blob)"),
    ("sqlite", "x'ff'"),
    ("sqlite", "5"),
    ("sqlite", "2.5"),
    ("postgresql", "(repeat('[', 5000) || repeat(']', 5000))::json"),
    ("postgresql", "('[' || repeat('9', 5000) || ']')::json"),
]


@pytest.mark.parametrize(
    ("database_kind", "values"), UNREADABLE_VALUES, indirect=["database_kind"], ids=lambda value: value[:30]
)
def test_values_that_nobody_can_read_are_named(sealed: Sessions, values: str) -> None:
    with sealed.begin() as session:
        session.connection().exec_driver_sql(
            f'update journal_value set "values" = {values} where entry_id = 4'
        )

    assert (broken(sealed).fault, broken(sealed).number) == (Fault.VALUES_CHANGED, 4)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_undecodable_bytes_do_not_pass_for_the_text_they_are_written_as(sessions: Sessions) -> None:
    with sessions.begin() as session:
        journal.record(session, STAFF, Action.MARK, kind="copy", object_id=1, values={"reason": r"\xff"})
    sealing.seal(sessions)
    with sessions.begin() as session:
        written = "cast(cast('{\"reason\": \"\\' as blob) || x'ff' || cast('\"}' as blob) as text)"
        session.connection().exec_driver_sql(f'update journal_value set "values" = {written}')

    assert broken(sessions).fault is Fault.VALUES_CHANGED


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_salt_of_undecodable_bytes_is_named(sealed: Sessions) -> None:
    meddle(sealed, "update journal_value set salt = cast(x'ff' as text) where entry_id = 4")

    assert (broken(sealed).fault, broken(sealed).number) == (Fault.VALUES_CHANGED, 4)


def test_values_that_were_changed_before_they_were_sealed_are_named_too(sealed: Sessions) -> None:
    write(sealed, 1)
    meddle(sealed, "update journal_value set salt = 'other' where entry_id = 11")

    found = broken(sealed)

    assert (found.fault, found.number, found.entry_id) == (Fault.VALUES_CHANGED, None, 11)


def test_erased_values_are_counted_and_are_no_fault(sealed: Sessions) -> None:
    with sealed.begin() as session:
        session.execute(delete(JournalValue).where(JournalValue.entry_id.in_([4, 5])))

    found = sealing.verify(sealed, STAFF)

    assert (found.broken, found.erased) == (None, 2)


def test_a_seal_that_was_removed_is_named_with_its_entry(sealed: Sessions) -> None:
    meddle(sealed, "delete from journal_seal where number = 4")

    found = broken(sealed)

    assert (found.fault, found.number, found.entry_id, found.action) == (Fault.SEAL_MISSING, 4, 4, "mark")


def test_a_removed_entry_whose_gap_was_closed_is_named(sealed: Sessions) -> None:
    meddle(
        sealed,
        "delete from journal_seal where number = 4",
        "delete from journal_value where entry_id = 4",
        "delete from journal_entry where id = 4",
        *(
            f"update journal_seal set number = {number - 1} where number = {number}"
            for number in range(5, 11)
        ),
    )

    assert (broken(sealed).fault, broken(sealed).number) == (Fault.SEAL_MISPLACED, 4)


def test_a_seal_that_was_dated_anew_is_named(sealed: Sessions) -> None:
    meddle(sealed, "update journal_seal set sealed_at = '2020-01-01 00:00:00.000000' where number = 4")

    assert (broken(sealed).fault, broken(sealed).number) == (Fault.ENTRY_CHANGED, 4)
    assert "la date de son sceau" in broken_words(broken(sealed))


@pytest.mark.parametrize(
    ("database_kind", "column", "fault"),
    [
        ("sqlite", "sealed_at = 'never'", Fault.ENTRY_CHANGED),
        ("sqlite", "sealed_at = '0001-01-01 00:00:00+14\\:00'", Fault.ENTRY_CHANGED),
        ("sqlite", "sealed_at = cast(x'ff' as text)", Fault.ENTRY_CHANGED),
        ("sqlite", "previous = cast(x'ff' as text)", Fault.SEAL_MISPLACED),
        ("sqlite", "hash = x'ff'", Fault.SEAL_CHANGED),
        ("sqlite", "entry_id = cast(x'ff' as text)", Fault.ENTRY_DELETED),
        ("postgresql", "sealed_at = '0044-03-15 BC'", Fault.ENTRY_CHANGED),
        ("postgresql", "sealed_at = 'infinity'", Fault.ENTRY_CHANGED),
    ],
    indirect=["database_kind"],
)
def test_a_seal_that_was_changed_into_anything_at_all_is_named_and_stops_no_sealer(
    sealed: Sessions, column: str, fault: Fault
) -> None:
    meddle(sealed, f"update journal_seal set {column} where number = 4")
    write(sealed, 1)

    assert sealing.try_to_seal(sealed)

    assert (broken(sealed).fault, broken(sealed).number) == (fault, 4)
    assert broken_words(broken(sealed))


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_last_seal_of_undecodable_bytes_stops_no_sealer(sealed: Sessions) -> None:
    meddle(sealed, "update journal_seal set hash = x'ff', sealed_at = cast(x'ff' as text) where number = 10")
    write(sealed, 1)

    assert sealing.try_to_seal(sealed)

    assert sealing.state(sealed, STAFF).head.number == 11
    assert broken(sealed).number == 10


def test_a_hash_that_was_changed_is_named(sealed: Sessions) -> None:
    meddle(sealed, f"update journal_seal set hash = '{'f' * 64}' where number = 4")

    assert (broken(sealed).fault, broken(sealed).number) == (Fault.SEAL_CHANGED, 4)


def test_a_chain_whose_end_was_cut_off_is_broken_against_the_head_that_was_written_down(
    sealed: Sessions,
) -> None:
    head = sealing.verify(sealed, STAFF).head
    meddle(
        sealed,
        "delete from journal_seal where number > 7",
        "delete from journal_value where entry_id > 7",
        "delete from journal_entry where id > 7",
    )

    assert sealing.verify(sealed, STAFF).broken is None
    assert (broken(sealed, head).fault, broken(sealed, head).number) == (Fault.END_CUT, 8)


def test_a_chain_sealed_anew_after_a_change_does_not_bear_the_head_that_was_written_down(
    sealed: Sessions,
) -> None:
    head = sealing.verify(sealed, STAFF).head
    meddle(sealed, "update journal_entry set actor = 'account:9' where id = 4", "delete from journal_seal")
    sealing.seal(sealed)

    assert sealing.verify(sealed, STAFF).broken is None
    assert (broken(sealed, head).fault, broken(sealed, head).number) == (Fault.HEAD_DIFFERS, 10)


def test_an_entry_put_in_afterwards_with_an_old_date_stands_at_the_end(sealed: Sessions) -> None:
    with sealed.begin() as session:
        session.execute(
            insert(JournalEntry).values(
                at=now() - timedelta(days=300),
                actor="account:9",
                action="mark",
                object_kind="copy",
                digest="0" * 64,
            )
        )

    tail = sealing.verify(sealed, STAFF)
    sealing.seal(sealed)

    assert (tail.unsealed, tail.broken) == (1, None)
    assert sealing.verify(sealed, STAFF).head.number == 11


def test_the_unsealed_tail_is_reported(sealed: Sessions) -> None:
    write(sealed, 3)

    found = sealing.verify(sealed, STAFF)

    assert (found.sealed, found.unsealed, found.broken) == (10, 3, None)
    assert found.unsealed_since is not None
    assert found.unsealed_since > now() - timedelta(minutes=1)
    assert sealing.state(sealed, STAFF).unsealed == 3


@pytest.mark.parametrize("change", ["update {} set {}", "delete from {}"])
@pytest.mark.parametrize(
    ("table", "column"), [("journal_entry", "actor = 'x'"), ("journal_seal", "previous = 'x'")]
)
def test_the_database_itself_refuses_to_change_the_journal(
    sealed: Sessions, table: str, column: str, change: str
) -> None:
    with pytest.raises(DBAPIError, match="append-only"), sealed.begin() as session:
        session.execute(text(change.format(table, column)))

    assert sealing.verify(sealed, STAFF).sealed == 10


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("verb", ["insert or replace", "replace"])
@pytest.mark.parametrize(
    ("table", "same"),
    [
        ("journal_entry", {"actor": "'x'"}),
        ("journal_seal", {"previous": "'x'"}),
        ("journal_seal", {"number": "11", "hash": "'x'"}),
        ("journal_seal", {"number": "11", "entry_id": "11"}),
    ],
)
def test_sqlite_refuses_to_replace_a_line_of_the_journal(
    sealed: Sessions, table: str, same: dict[str, str], verb: str
) -> None:
    write(sealed, 1)
    columns = {
        "journal_entry": ("id", "at", "actor", "action", "object_kind", "object_id", "digest"),
        "journal_seal": ("number", "entry_id", "previous", "hash", "sealed_at"),
    }[table]
    row = ", ".join(same.get(name, name) for name in columns)
    key = columns[0]
    with sealed() as session:
        before = session.execute(text(f"select * from {table}")).all()

    # Other programs do not enforce the foreign keys unless they ask for it.
    with sealed.kw["bind"].connect() as connection:
        connection.exec_driver_sql("commit")
        connection.exec_driver_sql("pragma foreign_keys = off")
        with pytest.raises(DBAPIError, match="append-only"):
            connection.exec_driver_sql(
                f"{verb} into {table} ({', '.join(columns)}) select {row} from {table} where {key} = 4"
            )
    sealed.kw["bind"].dispose()

    with sealed() as session:
        assert session.execute(text(f"select * from {table}")).all() == before


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_an_entry_of_a_negative_id_keeps_nobody_from_acting(sessions: Sessions) -> None:
    with sessions.begin() as session:
        session.execute(
            insert(JournalEntry).values(id=-1, actor="x", action="mark", object_kind="copy", digest="d")
        )

    write(sessions, 2)

    assert count_entries(sessions) == 3


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
@pytest.mark.parametrize("table", ["journal_entry", "journal_seal"])
def test_postgresql_refuses_to_empty_the_journal(sealed: Sessions, table: str) -> None:
    with pytest.raises(DBAPIError, match="append-only"), sealed.begin() as session:
        session.execute(text(f"truncate {table} cascade"))

    assert sealing.verify(sealed, STAFF).sealed == 10


# --- reading it


def test_the_journal_is_the_administrators(sessions: Sessions) -> None:
    for role in set(Role) - {Role.ADMIN}:
        actor = Actor(1, frozenset({role}), "account:1")
        for service in (sealing.verify, sealing.state, journal.entries):
            with pytest.raises(NotAllowed):
                service(sessions, actor)


@pytest.fixture
def read(sessions: Sessions) -> Sessions:
    """Acts of Paul ALINE and of the command line, on several objects; the first is sealed."""
    with sessions.begin() as session:
        account_id = add_account(session, "aline", Role.CORRECTOR)
        aline = Actor(account_id, frozenset({Role.CORRECTOR}), f"account:{account_id}")
        journal.record(session, aline, Action.MARK, kind="marking", object_id=1, values={"version": 2})
    sealing.seal(sessions)
    with sessions.begin() as session:
        journal.record(session, STAFF, Action.PUBLISH, kind="copy", object_id=1)
    with sessions.begin() as session:
        journal.record(session, STAFF, Action.PUBLISH, kind="copy", object_id=2)
    return sessions


def test_the_newest_line_comes_first_with_who_and_its_number(read: Sessions) -> None:
    lines = journal.entries(read, STAFF)

    assert [(line.object_kind, line.object_id, line.number) for line in lines] == [
        ("copy", 2, None),
        ("copy", 1, None),
        ("marking", 1, 1),
    ]
    assert (lines[0].actor, lines[0].login) == ("system:test", "")
    assert (lines[2].login, lines[2].display_name, lines[2].values) == ("aline", "ALINE Paul", {"version": 2})


@pytest.mark.parametrize(
    ("who", "found"),
    [("aline", 1), ("PAUL", 1), ("paul aline", 1), ("aline paul", 1), ("system", 2), ("test", 2), ("%", 0)],
)
def test_lines_are_found_by_a_part_of_who_did_it(read: Sessions, who: str, found: int) -> None:
    assert len(journal.entries(read, STAFF, who=who)) == found


def test_lines_are_found_by_act_object_and_day_and_come_in_pages(read: Sessions) -> None:
    assert len(journal.entries(read, STAFF, action=Action.PUBLISH)) == 2
    assert [line.object_id for line in journal.entries(read, STAFF, kind="copy", object_id=1)] == [1]
    assert journal.entries(read, STAFF, since=now() + timedelta(minutes=1)) == []
    assert journal.entries(read, STAFF, until=now() - timedelta(minutes=1)) == []
    assert [line.object_kind for line in journal.entries(read, STAFF, limit=1, offset=2)] == ["marking"]


def test_erased_values_read_as_none(read: Sessions) -> None:
    with read.begin() as session:
        session.execute(delete(JournalValue))

    assert {line.values for line in journal.entries(read, STAFF)} == {None}
