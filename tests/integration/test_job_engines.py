"""The same jobs, the same rows, whichever engine delivers them: embedded on SQLite, procrastinate on PostgreSQL."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session, sessionmaker

from core.db.session import Sessions
from core.db.tables import Job, JournalEntry, Worker
from core.db.tables.base import now
from core.domain.access import Actor, Role
from core.errors import BadInput, Conflict, NotAllowed, NotFound
from core.jobs import queue, rows
from core.jobs.engine import engine_of
from core.jobs.presence import GONE_AFTER, beat
from core.jobs.running import Handler, run_next
from core.jobs.state import queue_state, workers
from core.jobs.work import Pace, work
from core.services import jobs

BRISK = Pace(lease_s=1.5, beat_s=0.3, silent_s=1.0, sweep_s=0.3, stop_s=10.0)
UNSWEPT = Pace(lease_s=60.0, beat_s=0.3, silent_s=60.0, sweep_s=60.0, stop_s=0.5)
PATIENCE_S = 30.0
SOON_S = 1.0  # what a person may wait for a job to begin
JOBS = 60
OFFICE = Actor(1, frozenset({Role.SECRETARIAT}), "account:1")
CORRECTOR = Actor(2, frozenset({Role.CORRECTOR}), "account:2")

pytestmark = pytest.mark.usefixtures("effects")


@pytest.fixture
def effects(sessions: sessionmaker[Session]) -> None:
    """A table that jobs write their effect to."""
    with sessions.begin() as session:
        session.execute(text("create table effect (number integer not null)"))


def ask(sessions: Sessions, number: int, *, kind: str = "note") -> int:
    with sessions.begin() as session:
        key = f"{kind}-{number}"
        return rows.ask(session, kind=kind, unique_key=key, payload={"number": number}, paper_id=None).id


def noting(sessions: Sessions) -> Handler:
    """A handler whose effect is one row, written with the end of its job."""

    def run(held: rows.Lease) -> None:
        rows.tell(sessions, held, stage="pages", done=1, total=2)
        with sessions.begin() as session:
            session.execute(text("insert into effect values (:number)"), {"number": held.payload["number"]})
            rows.complete(session, held)

    return run


def noted(sessions: Sessions) -> Counter[int]:
    with sessions() as session:
        return Counter(session.scalars(text("select number from effect")).all())


def job(sessions: Sessions, job_id: int) -> Job:
    with sessions() as session:
        return session.get_one(Job, job_id)


def wait_until(holds: Callable[[], bool]) -> float:
    """Seconds until something holds."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < PATIENCE_S
        time.sleep(0.01)
    return time.monotonic() - began


@contextmanager
def working(
    sessions: Sessions, handlers: Mapping[str, Handler], pace: Pace = BRISK
) -> Iterator[Callable[[], bool]]:
    """A worker beside the test; calling what is given stops it and says whether it ended whole."""
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(work, sessions, handlers, stop, pace)

        def ended() -> bool:
            stop.set()
            return running.result(timeout=PATIENCE_S)

        try:
            yield ended
        finally:
            stop.set()


@pytest.fixture
def engine(database_kind: str) -> str:
    return {"sqlite": "embedded", "postgresql": "procrastinate"}[database_kind]


def test_the_database_alone_says_which_engine_delivers() -> None:
    assert engine_of("sqlite:////home/korrigo.sqlite") == "embedded"
    assert engine_of("postgresql://korrigo@db/korrigo") == "procrastinate"
    assert engine_of("postgresql+psycopg2://korrigo@db/korrigo") == "procrastinate"


def test_a_job_that_is_asked_for_is_run_and_ends_with_all_of_it_done(
    sessions: sessionmaker[Session],
) -> None:
    with working(sessions, {"note": noting(sessions)}):
        job_id = ask(sessions, 7)
        wait_until(lambda: job(sessions, job_id).status == "done")

    ended = job(sessions, job_id)
    assert noted(sessions) == {7: 1}
    assert (ended.done, ended.total, ended.attempt, ended.failures) == (2, 2, 1, 0)
    assert ended.ended_at is not None
    assert ended.leased_until is None


def test_jobs_that_were_asked_for_before_a_worker_came_are_run(sessions: sessionmaker[Session]) -> None:
    for number in range(3):
        ask(sessions, number)

    with working(sessions, {"note": noting(sessions)}):
        wait_until(lambda: len(noted(sessions)) == 3)


def test_a_job_begins_within_a_second_of_its_request(sessions: sessionmaker[Session]) -> None:
    with working(sessions, {"note": noting(sessions)}, Pace()):
        wait_until(lambda: bool(workers(sessions)))
        ask(sessions, 0)
        wait_until(lambda: noted(sessions)[0] == 1)  # the worker has started by now
        waits_s = []
        for number in range(1, 31):
            job_id = ask(sessions, number)
            wait_until(lambda number=number: noted(sessions)[number] == 1)  # type: ignore[misc]
            found = job(sessions, job_id)
            assert found.started_at is not None
            waits_s.append((found.started_at - found.created_at).total_seconds())

    assert max(waits_s) < SOON_S


def test_a_job_of_a_transaction_that_was_given_up_is_never_run(sessions: sessionmaker[Session]) -> None:
    class GivenUpError(Exception):
        pass

    def asks_and_gives_up() -> None:
        with sessions.begin() as session:
            rows.ask(session, kind="note", unique_key="1", payload={"number": 1}, paper_id=None)
            raise GivenUpError

    with working(sessions, {"note": noting(sessions)}):
        with pytest.raises(GivenUpError):
            asks_and_gives_up()
        ask(sessions, 2)
        wait_until(lambda: noted(sessions)[2] == 1)

    assert noted(sessions) == {2: 1}


def test_three_failures_put_a_job_aside_with_its_message_and_the_others_go_on(
    sessions: sessionmaker[Session],
) -> None:
    attempts = []

    def broken(held: rows.Lease) -> None:
        attempts.append(held.attempt)
        raise ZeroDivisionError

    broken_id = ask(sessions, 1, kind="broken")
    with working(sessions, {"broken": broken, "note": noting(sessions)}, UNSWEPT):
        for number in range(5):
            ask(sessions, number)
        wait_until(lambda: len(noted(sessions)) == 5 and job(sessions, broken_id).status == "failed")

    assert attempts == [1, 2, 3]
    assert job(sessions, broken_id).error_code == "internal_error"


def test_what_a_person_can_mend_puts_a_job_aside_at_once_and_it_runs_when_asked_again(
    sessions: sessionmaker[Session],
) -> None:
    mended = threading.Event()

    def refuses(held: rows.Lease) -> None:
        if not mended.is_set():
            raise BadInput("pdf_encrypted", file="lot.pdf")
        noting(sessions)(held)

    with working(sessions, {"note": refuses}):
        job_id = ask(sessions, 1)
        wait_until(lambda: job(sessions, job_id).status == "failed")
        aside = job(sessions, job_id)
        mended.set()
        jobs.retry(sessions, OFFICE, job_id=job_id)
        wait_until(lambda: job(sessions, job_id).status == "done")

    assert (aside.failures, aside.error_code, aside.error_details) == (
        1,
        "pdf_encrypted",
        {"file": "lot.pdf"},
    )
    assert noted(sessions) == {1: 1}
    assert job(sessions, job_id).error_code is None
    with sessions() as session:
        (entry,) = session.scalars(select(JournalEntry)).all()
    assert (entry.action, entry.object_kind, entry.object_id) == ("add_scans", "job", job_id)


def test_only_a_job_that_failed_is_tried_again_and_only_by_the_office(
    sessions: sessionmaker[Session],
) -> None:
    job_id = ask(sessions, 1)

    with pytest.raises(Conflict):
        jobs.retry(sessions, OFFICE, job_id=job_id)
    with pytest.raises(NotFound):
        jobs.retry(sessions, OFFICE, job_id=job_id + 1)
    with sessions.begin() as session:
        session.execute(update(Job).values(status="failed"))
    ask(sessions, 1)
    with pytest.raises(Conflict):
        jobs.retry(sessions, OFFICE, job_id=job_id)
    with pytest.raises(NotAllowed):
        jobs.retry(sessions, CORRECTOR, job_id=job_id)


def test_a_job_that_is_asked_for_twice_while_it_waits_is_one(sessions: sessionmaker[Session]) -> None:
    assert ask(sessions, 1) == ask(sessions, 1)

    with working(sessions, {"note": noting(sessions)}):
        wait_until(lambda: noted(sessions)[1] == 1)
    assert ask(sessions, 1) != 1, "it ended: this is another"


def test_of_many_jobs_two_workers_and_a_command_run_each_exactly_once(
    sessions: sessionmaker[Session],
) -> None:
    starts: list[int] = []
    run = noting(sessions)

    def counted(held: rows.Lease) -> None:
        starts.append(held.payload["number"])
        run(held)

    work_of = {"note": counted}
    with working(sessions, work_of), working(sessions, work_of):
        asked = [ask(sessions, number) for number in range(JOBS)]
        for job_id in reversed(asked):  # as a command runs the jobs it asked for
            run_next(sessions, work_of, job_id=job_id)
        wait_until(lambda: len(noted(sessions)) == JOBS)

    assert noted(sessions) == dict.fromkeys(range(JOBS), 1)
    assert Counter(starts) == dict.fromkeys(range(JOBS), 1)
    with sessions() as session:
        assert set(session.scalars(select(Job.status))) == {"done"}


def test_a_job_longer_than_its_lease_stays_with_its_worker(sessions: sessionmaker[Session]) -> None:
    starts = []

    def long(held: rows.Lease) -> None:
        starts.append(held.attempt)
        time.sleep(BRISK.lease_s * 2)
        noting(sessions)(held)

    with working(sessions, {"note": long}), working(sessions, {"note": long}):
        ask(sessions, 1)
        wait_until(lambda: noted(sessions)[1] == 1)

    assert starts == [1]


def test_a_worker_that_is_stopped_finishes_the_job_at_hand(sessions: sessionmaker[Session]) -> None:
    began = threading.Event()

    def slow(held: rows.Lease) -> None:
        began.set()
        time.sleep(0.5)
        noting(sessions)(held)

    with working(sessions, {"note": slow}) as ended:
        job_id = ask(sessions, 1)
        assert began.wait(PATIENCE_S)

        assert ended()
        assert job(sessions, job_id).status == "done"


def test_a_worker_that_is_stopped_gives_a_long_job_back_and_another_takes_it_at_once(
    sessions: sessionmaker[Session],
) -> None:
    began, release = threading.Event(), threading.Event()
    late: list[type[BaseException] | None] = []

    def very_long(held: rows.Lease) -> None:
        began.set()
        release.wait(PATIENCE_S)
        try:
            noting(sessions)(held)
        except rows.LeaseLost:
            late.append(rows.LeaseLost)
            raise

    with working(sessions, {"note": very_long}, UNSWEPT) as ended:
        job_id = ask(sessions, 1)
        assert began.wait(PATIENCE_S)

        assert not ended()
        assert job(sessions, job_id).status == "waiting"
        with working(sessions, {"note": noting(sessions)}, UNSWEPT):
            waited_s = wait_until(lambda: job(sessions, job_id).status == "done")
        release.set()
        wait_until(lambda: bool(late))

    assert waited_s < 10
    assert noted(sessions) == {1: 1}, "the attempt that was given back wrote nothing"


def test_a_command_that_is_interrupted_gives_its_job_back(sessions: sessionmaker[Session]) -> None:
    def interrupted(held: rows.Lease) -> None:
        raise KeyboardInterrupt

    job_id = ask(sessions, 1)
    with pytest.raises(KeyboardInterrupt):
        run_next(sessions, {"note": interrupted}, job_id=job_id)

    assert job(sessions, job_id).status == "waiting"
    with working(sessions, {"note": noting(sessions)}):
        wait_until(lambda: noted(sessions)[1] == 1)


def test_the_queue_tells_how_it_stands_and_who_works(sessions: sessionmaker[Session], engine: str) -> None:
    empty = queue_state(sessions)
    for number in range(3):
        ask(sessions, number)
    with sessions.begin() as session:
        session.execute(update(Job).where(Job.unique_key == "note-0").values(status="failed"))
        session.execute(update(Job).where(Job.unique_key == "note-1").values(status="running"))
    stands = queue_state(sessions)

    assert (empty.waiting, empty.oldest_waiting_s, empty.workers, empty.engine) == (0, None, 0, engine)
    assert (stands.waiting, stands.running, stands.failed) == (1, 1, 1)
    assert stands.oldest_waiting_s is not None
    assert 0 <= stands.oldest_waiting_s < PATIENCE_S
    with working(sessions, {"note": noting(sessions)}) as ended:
        wait_until(lambda: queue_state(sessions).workers == 1)
        (seen,) = workers(sessions)
        assert seen.engine == engine
        ended()
    assert queue_state(sessions).workers == 0, "a worker signs off when it leaves"


def test_a_worker_that_was_killed_is_no_longer_counted_and_its_row_is_swept(
    sessions: sessionmaker[Session], engine: str
) -> None:
    beat(sessions, "killed", engine)
    with sessions.begin() as session:
        session.execute(update(Worker).values(seen_at=now() - GONE_AFTER))

    assert queue_state(sessions).workers == 0
    beat(sessions, "alive", engine)
    beat(sessions, "alive", engine)

    with sessions() as session:
        assert session.scalars(select(Worker.name)).all() == ["alive"]


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
@pytest.mark.parametrize("loss", ["before a worker comes", "while it works"])
def test_a_job_that_the_queue_does_not_know_is_entered_again(
    sessions: sessionmaker[Session], loss: str
) -> None:
    def lose() -> int:
        with sessions.begin() as session:
            rows.ask(session, kind="note", unique_key="1", payload={"number": 1}, paper_id=None)
            lost = session.scalars(text("delete from procrastinate_jobs returning id")).all()
        return len(lost)

    if loss == "before a worker comes":
        assert lose() == 1
    with working(sessions, {"note": noting(sessions)}):
        if loss == "while it works":
            ask(sessions, 0)
            wait_until(lambda: noted(sessions)[0] == 1)
            lose()
        wait_until(lambda: noted(sessions)[1] == 1)


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_nothing_is_left_in_the_queue_when_its_jobs_have_ended(sessions: sessionmaker[Session]) -> None:
    def left() -> int:
        with sessions() as session:
            return session.scalar(text("select count(*) from procrastinate_jobs")) or 0

    with working(sessions, {"note": noting(sessions)}):
        for number in range(5):
            ask(sessions, number)
        wait_until(lambda: len(noted(sessions)) == 5 and left() == 0)


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_the_queue_holds_numbers_of_jobs_and_nothing_else(sessions: sessionmaker[Session]) -> None:
    job_id = ask(sessions, 1)

    with sessions() as session:
        (entry,) = session.execute(text("select args, queueing_lock, lock from procrastinate_jobs")).all()
    assert tuple(entry) == ({"job_id": job_id}, f"job-{job_id}", None)


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_a_job_that_is_entered_twice_is_in_the_queue_once_and_undoes_nothing(
    sessions: sessionmaker[Session],
) -> None:
    job_id = ask(sessions, 1)
    with sessions.begin() as session:
        session.execute(text("insert into effect values (1)"))
        queue.defer(session, job_id)
        session.execute(text("insert into effect values (2)"))

    with sessions() as session:
        assert session.scalar(text("select count(*) from procrastinate_jobs")) == 1
    assert noted(sessions) == {1: 1, 2: 1}


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_a_worker_whose_connections_are_cut_goes_on_when_the_database_answers_again(
    sessions: sessionmaker[Session],
) -> None:
    with working(sessions, {"note": noting(sessions)}):
        ask(sessions, 0)
        wait_until(lambda: noted(sessions)[0] == 1)
        with sessions() as session:
            cut = session.scalar(
                select(func.count()).select_from(
                    text(
                        "(select pg_terminate_backend(pid) from pg_stat_activity "
                        "where datname = current_database() and application_name = 'korrigo-queue') as cut"
                    )
                )
            )
        assert cut
        ask(sessions, 1)
        wait_until(lambda: noted(sessions)[1] == 1)
