"""A job that somebody interrupts stops at its next step, writes nothing, and can begin again; on both engines."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from core.db.tables import JournalEntry
from core.errors import Conflict, NotAllowed, NotFound
from core.jobs import rows
from core.jobs.running import run_next
from core.services import finalisation, jobs
from core.services.ingestion import INGEST, READ
from tests.integration.test_job_engines import (
    CORRECTOR,
    OFFICE,
    ask,
    effects,
    job,
    noted,
    noting,
    wait_until,
    working,
)

__all__ = ["effects"]  # a fixture

pytestmark = pytest.mark.usefixtures("effects")


def test_a_running_job_stops_at_its_next_step_and_writes_nothing_of_it(
    sessions: sessionmaker[Session],
) -> None:
    begun, go_on, stopped = threading.Event(), threading.Event(), threading.Event()

    def slow(held: rows.Lease) -> None:
        begun.set()
        go_on.wait(20)
        try:
            noting(sessions)(held)
        except rows.LeaseLost:
            stopped.set()
            raise

    job_id = ask(sessions, 1, kind=INGEST)
    with working(sessions, {INGEST: slow, "note": noting(sessions)}):
        assert begun.wait(20)
        jobs.cancel(sessions, OFFICE, job_id=job_id)
        go_on.set()
        assert stopped.wait(20)
        ask(sessions, 2)
        wait_until(lambda: noted(sessions)[2] == 1)  # its worker goes on with the others

    found = job(sessions, job_id)
    assert (found.status, found.failures, found.leased_until) == ("cancelled", 0, None)
    assert found.ended_at is not None
    assert noted(sessions) == {2: 1}


def test_a_job_that_waits_is_never_begun_once_it_is_cancelled(sessions: sessionmaker[Session]) -> None:
    cancelled, other = ask(sessions, 1, kind=READ), ask(sessions, 2, kind=READ)
    jobs.cancel(sessions, OFFICE, job_id=cancelled)

    with working(sessions, {READ: noting(sessions)}):
        wait_until(lambda: job(sessions, other).status == "done")

    assert noted(sessions) == {2: 1}
    assert job(sessions, cancelled).attempt == 0


def test_a_cancelled_job_is_tried_again_and_ends_once(sessions: sessionmaker[Session]) -> None:
    job_id = ask(sessions, 1, kind=INGEST)
    jobs.cancel(sessions, OFFICE, job_id=job_id)

    with working(sessions, {INGEST: noting(sessions)}):
        jobs.retry(sessions, OFFICE, job_id=job_id)
        wait_until(lambda: job(sessions, job_id).status == "done")

    assert noted(sessions) == {1: 1}


def test_the_attempt_that_was_cancelled_writes_nothing_even_after_the_job_began_again(
    sessions: sessionmaker[Session],
) -> None:
    job_id = ask(sessions, 1, kind=INGEST)
    first = rows.lease(sessions, job_id=job_id)
    assert first is not None
    jobs.cancel(sessions, OFFICE, job_id=job_id)
    jobs.retry(sessions, OFFICE, job_id=job_id)

    with pytest.raises(rows.LeaseLost):
        noting(sessions)(first)
    second = rows.lease(sessions, job_id=job_id)
    assert second is not None
    with pytest.raises(rows.LeaseLost):
        noting(sessions)(first)
    noting(sessions)(second)

    assert noted(sessions) == {1: 1}
    assert job(sessions, job_id).status == "done"


def test_a_failure_that_comes_after_the_cancelling_does_not_bring_the_job_back(
    sessions: sessionmaker[Session],
) -> None:
    job_id = ask(sessions, 1, kind=INGEST)

    def broken(_held: rows.Lease) -> None:
        jobs.cancel(sessions, OFFICE, job_id=job_id)
        raise ZeroDivisionError

    assert run_next(sessions, {INGEST: broken})

    found = job(sessions, job_id)
    assert (found.status, found.failures, found.error_code) == ("cancelled", 0, None)
    assert rows.lease(sessions) is None


def test_the_same_work_asked_for_again_meanwhile_is_not_there_twice(sessions: sessionmaker[Session]) -> None:
    job_id = ask(sessions, 1, kind=INGEST)
    jobs.cancel(sessions, OFFICE, job_id=job_id)
    again = ask(sessions, 1, kind=INGEST)
    assert again != job_id

    with pytest.raises(Conflict):
        jobs.retry(sessions, OFFICE, job_id=job_id)

    assert job(sessions, job_id).status == "cancelled"


def test_what_has_ended_and_what_copies_wait_for_is_not_cancelled(sessions: sessionmaker[Session]) -> None:
    ended, pdfs = ask(sessions, 1, kind=INGEST), ask(sessions, 2, kind=finalisation.FINALISE)
    jobs.cancel(sessions, OFFICE, job_id=ended)

    with pytest.raises(Conflict, match="job_ended"):
        jobs.cancel(sessions, OFFICE, job_id=ended)
    with pytest.raises(Conflict, match="job_goes_on"):
        jobs.cancel(sessions, OFFICE, job_id=pdfs)
    with pytest.raises(NotFound):
        jobs.cancel(sessions, OFFICE, job_id=999)
    assert job(sessions, pdfs).status == "waiting"


def test_only_the_office_cancels_and_the_journal_tells_it(sessions: sessionmaker[Session]) -> None:
    job_id = ask(sessions, 1, kind=INGEST)

    with pytest.raises(NotAllowed):
        jobs.cancel(sessions, CORRECTOR, job_id=job_id)
    assert job(sessions, job_id).status == "waiting"
    jobs.cancel(sessions, OFFICE, job_id=job_id)

    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(JournalEntry)) == 1
