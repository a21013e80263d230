"""The procrastinate engine: PostgreSQL delivers jobs to workers on as many hosts as wanted.

Its queue holds the number of a job and nothing else. An entry is made in the transaction that makes the job
wait (procrastinate 3.10: ``configure_task(connection=…)``), so neither is ever there without the other; the
row alone decides who runs it, so an entry too many does no harm, and the sweep makes up for an entry too few.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from functools import cache

from procrastinate import App, PsycopgConnector
from procrastinate.contrib.sqlalchemy import SQLAlchemyPsycopg2Connector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Status
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from core.db.session import Sessions
from core.jobs import rows
from core.jobs.running import Runner

TASK = "korrigo.run"
QUEUE = "korrigo"
CONNECTIONS = 2
"""Of the worker's own pool, beside the one that listens."""
POLL_S = 0.5
"""Between two looks at the queue. Notifications come within milliseconds, but one that arrives while a worker
finds the queue empty is dropped (procrastinate 3.10 clears its event after the look): one job in fifteen waited
for the next look, five seconds away by default."""
_LOOK_S = 0.2
_AGAIN_S = 2.0

_log = logging.getLogger(__name__)


def defer(session: Session, job_id: int) -> None:
    """Enter a job that waits, in the session's own transaction; workers are notified by its commit."""
    connection = session.connection()
    entry = _asking().configure_task(
        TASK, queue=QUEUE, queueing_lock=f"job-{job_id}", connection=connection, allow_unknown=True
    )
    savepoint = connection.begin_nested()  # a refused entry must not undo the caller's work
    try:
        entry.defer(job_id=job_id)
    except AlreadyEnqueued:
        savepoint.rollback()
    else:
        savepoint.commit()


def run_until(
    runner: Runner, stop: threading.Event, *, beat_s: float, silent_s: float, sweep_s: float
) -> None:
    """Run the jobs that are delivered until asked to stop; the job at hand is finished first.

    A database that cannot be reached is tried again until it answers.
    """
    while not stop.is_set():
        try:
            asyncio.run(_serve(runner, stop, beat_s=beat_s, silent_s=silent_s, sweep_s=sweep_s))
        except (ConnectorException, OperationalError) as error:
            _log.warning("the queue cannot be reached: %s", type(error).__name__)
        stop.wait(_AGAIN_S)


async def _serve(
    runner: Runner, stop: threading.Event, *, beat_s: float, silent_s: float, sweep_s: float
) -> None:
    """Serve until ``stop``, or until the connection to the database is lost."""
    connector = PsycopgConnector(
        conninfo=_conninfo(runner.sessions),
        min_size=1,
        max_size=CONNECTIONS,
        kwargs={"application_name": "korrigo-queue"},
    )
    app = App(connector=connector)

    @app.task(name=TASK, queue=QUEUE)
    def run(job_id: int) -> None:
        runner.run_next(job_id=job_id)

    async with app.open_async():
        worker = asyncio.create_task(
            app.run_worker_async(
                queues=[QUEUE],
                install_signal_handlers=False,
                delete_jobs="always",
                update_heartbeat_interval=beat_s,
                stalled_worker_timeout=silent_s,
                fetch_job_polling_interval=POLL_S,
            )
        )
        others = [
            asyncio.create_task(_sweep_for_ever(app, runner.sessions, silent_s=silent_s, sweep_s=sweep_s)),
            asyncio.create_task(_wait(stop)),
        ]
        await asyncio.wait([worker, *others], return_when=asyncio.FIRST_COMPLETED)
        for task in [worker, *others]:
            task.cancel()  # the worker takes it as a wish to stop and finishes its job
        ends = await asyncio.gather(worker, *others, return_exceptions=True)
    for end in ends:
        if isinstance(end, Exception):
            raise end


async def _wait(stop: threading.Event) -> None:
    while not stop.is_set():
        await asyncio.sleep(_LOOK_S)


async def _sweep_for_ever(app: App, sessions: Sessions, *, silent_s: float, sweep_s: float) -> None:
    while True:
        await sweep(app, sessions, silent_s=silent_s)
        await asyncio.sleep(sweep_s)


async def sweep(app: App, sessions: Sessions, *, silent_s: float) -> None:
    """Give up the entries of workers that went silent, then enter every free job that has none.

    The rows are the truth: an entry is made anew rather than revived. Several
    workers may sweep at once.
    """
    manager = app.job_manager
    for stalled in await manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=silent_s):
        try:
            await manager.finish_job(stalled, Status.FAILED, delete_job=True)
        except ConnectorException:
            _log.info("entry %s was given up by another worker", stalled.id)
    await manager.prune_stalled_workers(silent_s)
    free = await asyncio.to_thread(rows.free_jobs, sessions)
    if not free:
        return
    waiting = await manager.list_jobs_async(queue=QUEUE, status=Status.TODO.value)
    entered = {entry.task_kwargs.get("job_id") for entry in waiting}
    missing = [job_id for job_id in free if job_id not in entered]
    if missing:
        _log.info("entered %s jobs that were not in the queue", len(missing))
        await asyncio.to_thread(_defer_all, sessions, missing)


def _defer_all(sessions: Sessions, job_ids: list[int]) -> None:
    with sessions.begin() as session:
        for job_id in job_ids:
            defer(session, job_id)


@cache
def _asking() -> App:
    """Enters jobs on the connections it is given; it opens none."""
    return App(connector=SQLAlchemyPsycopg2Connector())


def _conninfo(sessions: Sessions) -> str:
    """The URL of the sessions' database as libpq reads it."""
    url = sessions.kw["bind"].url.set(drivername="postgresql")
    return str(url.render_as_string(hide_password=False))
