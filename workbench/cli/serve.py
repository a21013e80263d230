"""The application, its worker and the demonstration."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import click

from workbench.cli import demo as demonstration
from workbench.cli.listening import Listening, listening
from workbench.resources import sessions, settings

ROOT = Path(__file__).parents[2]


@click.command()
@listening
@click.option("--no-worker", is_flag=True, help="Ne pas démarrer de travaux de fond ici.")
def serve(listen: Listening, no_worker: bool) -> None:
    """Sert l'application, travaux de fond compris."""
    sys.exit(_serve(listen, with_worker=not no_worker))


@click.command()
@click.option("--processes", default=1, type=click.IntRange(min=1))
def worker(processes: int) -> None:
    """Exécute les travaux de fond jusqu'à l'arrêt."""
    sessions()
    sys.exit(_until_one_ends([_start(_worker_command()) for _ in range(processes)]))


@click.command()
@click.option("--build-only", is_flag=True, help="Construire sans servir.")
@listening
def demo(listen: Listening, build_only: bool) -> None:
    """Construit la session de démonstration, donne de nouveaux mots de passe, puis sert."""
    demonstration.build()
    processes = [] if build_only else [_start(_web_command(listen))]
    # The passwords are renewed while the application starts.
    accounts = demonstration.renew_passwords()
    click.echo(f"Korrigo : {listen.address}")
    for account in accounts:
        click.echo(f"  {account.role:<16} {account.login:<20} {account.password}")
    sys.stdout.flush()
    if not build_only:
        sys.exit(_until_one_ends([*processes, _start(_worker_command())]))


def _serve(listen: Listening, *, with_worker: bool) -> int:
    sessions()  # the database is made or migrated before the processes share it
    commands = [_web_command(listen), *([_worker_command()] if with_worker else [])]
    return _until_one_ends([_start(command) for command in commands])


def _web_command(listen: Listening) -> list[str]:
    return [sys.executable, "-m", "workbench.asgi", *listen.arguments()]


def _worker_command() -> list[str]:
    return [sys.executable, "-m", "workbench.worker"]


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "KORRIGO_HOME": str(settings().home)}
    return subprocess.Popen(command, cwd=ROOT, env=environment)


def _until_one_ends(running: list[subprocess.Popen[bytes]]) -> int:
    """Wait: the first process to end, or a signal, ends the others; a signal is an ordinary end."""
    asked_to_stop = False

    def stop(*_: object) -> None:
        nonlocal asked_to_stop
        asked_to_stop = True
        for process in running:
            process.terminate()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    ended, status = os.wait()
    for process in running:
        if process.pid != ended:
            process.terminate()
            process.wait()
    return 0 if asked_to_stop else os.waitstatus_to_exitcode(status)
