"""What commands have in common: who acts, tables out, waiting for jobs."""

from __future__ import annotations

import csv
import dataclasses
import getpass
import io
import json
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from core.domain.access import Actor
from core.errors import BadInput, WorkbenchError
from core.jobs import embedded
from core.services import scans
from core.services.accounts import actor_for_login
from core.services.handlers import handlers
from workbench.job_words import KINDS
from workbench.resources import blobs, sessions, settings
from workbench.sentences import sentence

_FOLLOW_S = 0.3
FILE = click.Path(path_type=Path, dir_okay=False)
OUT = click.option("--out", type=FILE, help="Écrire dans ce fichier plutôt qu'à l'écran.")


def actor(context: click.Context) -> Actor:
    """Who acts: the account of ``--as``, else the system for the present user."""
    login = context.find_root().obj
    return actor_for_login(sessions(), login=login) if login else Actor.system(getpass.getuser())


def content(path: Path) -> bytes:
    """The bytes of a file given on the command line.

    Raises:
        BadInput: ``file_not_found``.
    """
    try:
        return path.read_bytes()
    except OSError:
        raise BadInput("file_not_found", file=path) from None


def cell(value: object) -> str:
    """A value as a cell of a CSV table."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def write_table(columns: Sequence[str], lines: Iterable[Sequence[object]], out: Path | None) -> None:
    """A CSV table on stdout or in a file."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([cell(value) for value in line] for line in lines)
    if out is None:
        click.echo(text.getvalue(), nl=False)
    else:
        out.write_text(text.getvalue(), encoding="utf-8")


def write_json(value: object) -> None:
    """One JSON object on stdout."""
    click.echo(json.dumps(plain(value), ensure_ascii=False))


def plain(value: object) -> Any:
    """Dataclasses, decimals, dates and errors as JSON knows them."""
    if isinstance(value, WorkbenchError):
        return sentence(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date | Path):
        return str(value)
    return value


def run_jobs(who: Actor, paper_id: int) -> None:
    """Run the paper's jobs here until none is left, with a bar when a person watches.

    A job that another worker holds is waited for.

    Raises:
        WorkbenchError: A job failed; its own sentence.
    """
    work = handlers(sessions(), blobs(), settings())
    first_failure = {
        job.job_id for job in scans.jobs(sessions(), who, paper_id=paper_id) if job.status == "failed"
    }
    with _watched(who, paper_id):
        while True:
            alive = [
                job
                for job in scans.jobs(sessions(), who, paper_id=paper_id)
                if job.status in ("waiting", "running")
            ]
            if not alive:
                break
            if not any(embedded.run_next(sessions(), work, job_id=job.job_id) for job in reversed(alive)):
                time.sleep(embedded.IDLE_S)
    for job in scans.jobs(sessions(), who, paper_id=paper_id):
        if job.status == "failed" and job.job_id not in first_failure:
            raise WorkbenchError(job.error_code or "internal_error", **job.error_details)


@contextmanager
def _watched(who: Actor, paper_id: int) -> Iterator[None]:
    """Show the progress of the paper's jobs on stderr while the block runs, when a person watches."""
    if not sys.stderr.isatty():
        yield
        return
    stop = threading.Event()
    with tqdm(total=0, file=sys.stderr, leave=False) as bar:
        watcher = threading.Thread(target=_follow, args=(bar, stop, who, paper_id), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            stop.set()
            watcher.join()


def _follow(bar: tqdm[Any], stop: threading.Event, who: Actor, paper_id: int) -> None:
    while not stop.wait(_FOLLOW_S):
        running = [job for job in scans.jobs(sessions(), who, paper_id=paper_id) if job.status == "running"]
        if running and running[0].total:
            bar.set_description(KINDS.get(running[0].kind, ""), refresh=False)
            bar.total, bar.n = running[0].total, running[0].done
            bar.refresh()
