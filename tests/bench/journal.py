"""What sealing and verifying cost on a long journal, on both databases.

``python -m tests.bench.journal [--entries 200000]``
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import insert, text

from core.db.migrate import upgrade
from core.db.session import Sessions, engine_for, session_factory
from core.db.tables import JournalEntry, JournalValue
from core.db.tables.base import now
from core.domain.access import Action, Actor
from core.domain.chain import digest
from core.services import journal, sealing
from tests.postgresql import PostgresServer

AT_ONCE = 10_000
PASSES, ACTS = 20, 10


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.journal")
    parser.add_argument("--entries", type=int, default=200_000)
    entries = parser.parse_args().entries
    with tempfile.TemporaryDirectory() as folder:
        measure(f"sqlite:///{Path(folder) / 'korrigo.sqlite'}", entries)
    with PostgresServer.running() as server:
        measure(server.url(server.create_database()), entries)


def measure(url: str, entries: int) -> None:
    """Fill a new database and time each part on it."""
    upgrade(url)
    engine = engine_for(url)
    sessions = session_factory(engine)
    fill(sessions, entries)
    print(f"{engine.dialect.name}, {entries} entries")
    print(f"  sealing all of them: {seconds(lambda: sealing.seal(sessions)):.1f} s")
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("analyze"))  # as autovacuum does in production
    print(f"  pass with nothing to seal: {median_ms(lambda: sealing.seal(sessions)):.1f} ms")
    thorough = median_ms(lambda: sealing.seal(sessions, thoroughly=True), times=5)
    print(f"  thorough pass: {thorough:.0f} ms")
    print(f"  pass with {ACTS} entries to seal: {passes_with_work(sessions):.1f} ms")
    print(f"  page of 50 lines: {median_ms(lambda: journal.entries(sessions, Actor.system('bench'))):.0f} ms")
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"  verification: {seconds(lambda: sealing.verify(sessions, Actor.system('bench'))):.1f} s", end="")
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb) / 1024
    print(f", {grown_mb:.0f} MB more memory")
    engine.dispose()


def fill(sessions: Sessions, entries: int) -> None:
    """Entries of one changed mark each, written without the services for speed."""
    values = {"version": 7, "changes": [{"kind": "mark", "item": 3, "before": None, "after": 2.5}]}
    salt = "0" * 32
    entry = {
        "actor": "account:3",
        "action": Action.MARK.value,
        "object_kind": "marking",
        "object_id": 12,
        "digest": digest(salt, values),
    }
    for first in range(0, entries, AT_ONCE):
        with sessions.begin() as session:
            made = session.scalars(
                insert(JournalEntry).returning(JournalEntry.id),
                [{"at": now(), **entry} for _ in range(first, min(first + AT_ONCE, entries))],
            ).all()
            session.execute(
                insert(JournalValue),
                [{"entry_id": made_id, "salt": salt, "values": values} for made_id in made],
            )


def passes_with_work(sessions: Sessions) -> float:
    """Median of passes that find a few entries, in milliseconds."""
    taken = []
    for _ in range(PASSES):
        with sessions.begin() as session:
            for _act in range(ACTS):
                journal.record(session, Actor.system("bench"), Action.MARK, kind="marking", object_id=1)
        taken.append(seconds(lambda: sealing.seal(sessions)) * 1000)
    return statistics.median(taken)


def median_ms(act: Callable[[], object], *, times: int = PASSES) -> float:
    """Median time of an act, in milliseconds."""
    return statistics.median(seconds(act) * 1000 for _ in range(times))


def seconds(act: Callable[[], object]) -> float:
    """Time of an act."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
