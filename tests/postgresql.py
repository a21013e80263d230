"""A throw-away PostgreSQL server: a folder of its own, a socket in it, no port, no care for the disk.

pytest-postgresql starts its server as the user who runs the tests, which the server refuses to root; here
root hands the folder and the process over to the account that Debian's package made.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg2
import pytest

BINARIES = Path("/usr/lib/postgresql")
MAJOR = 15  # the version of production (docs/decisions/0002)
ACCOUNT = "postgres"  # of Debian's package; also the name of the server's superuser
START_TIMEOUT_S = 30
CONNECTIONS = 200
CARELESS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off")


@dataclass(frozen=True)
class PostgresServer:
    """A running server that is reached through the socket in ``folder``."""

    folder: Path
    _numbers: count[int] = field(default_factory=count)

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[PostgresServer]:
        """Start a server in a new folder; stop it and remove the folder afterwards."""
        folder = Path(tempfile.mkdtemp(prefix="korrigo-pg-"))  # short: a socket's path has 107 bytes at most
        process: subprocess.Popen[bytes] | None = None
        try:
            if os.geteuid() == 0:
                shutil.chown(folder, ACCOUNT)
            _initialise(folder)
            process = _start(folder)
            yield cls(folder)
        finally:
            if process is not None:
                process.send_signal(signal.SIGINT)  # the server's "fast" stop: does not wait for clients
                _wait_or_kill(process)
            shutil.rmtree(folder, ignore_errors=True)

    def url(self, name: str) -> str:
        """The URL of the database ``name``."""
        return f"postgresql://{ACCOUNT}@/{name}?host={self.folder}"

    def create_database(self, template: str = "template1") -> str:
        """Create a database and return its name."""
        name = f"test_{next(self._numbers)}"
        self._execute(f'create database "{name}" template "{template}"')
        return name

    @contextmanager
    def database(self, template: str = "template1") -> Iterator[str]:
        """A database that lives as long as the block; its URL."""
        name = self.create_database(template)
        try:
            yield self.url(name)
        finally:
            self._execute(f'drop database "{name}" with (force)')

    def _execute(self, statement: str) -> None:
        connection = psycopg2.connect(self.url("postgres"))
        connection.autocommit = True  # databases are not created inside a transaction
        try:
            connection.cursor().execute(statement)
        finally:
            connection.close()


def _binary(name: str) -> str:
    path = BINARIES / str(MAJOR) / "bin" / name
    if not path.exists():
        pytest.fail(f"PostgreSQL {MAJOR} is not installed ({path}): run `make install-test`", pytrace=False)
    return str(path)


def _as_server_account(*command: str) -> list[str]:
    """``command`` as an account that the server accepts, ended when the test process dies, even by a kill."""
    account = ["--reuid", ACCOUNT, "--regid", ACCOUNT, "--init-groups"] if os.geteuid() == 0 else []
    return ["setpriv", *account, "--pdeathsig", "INT", *command]


def _initialise(folder: Path) -> None:
    options = (
        "--username",
        ACCOUNT,
        "--auth",
        "trust",
        "--encoding",
        "UTF8",
        "--locale",
        "C.UTF-8",
        "--no-sync",
    )
    command = _as_server_account(_binary("initdb"), *options, "--pgdata", str(folder / "data"))
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"initdb failed: {done.stderr}", pytrace=False)


def _start(folder: Path) -> subprocess.Popen[bytes]:
    settings = (
        *CARELESS,
        "listen_addresses=",
        f"unix_socket_directories={folder}",
        f"max_connections={CONNECTIONS}",
    )
    options = [part for setting in settings for part in ("-c", setting)]
    command = _as_server_account(_binary("postgres"), "-D", str(folder / "data"), *options)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            psycopg2.connect(dbname="postgres", user=ACCOUNT, host=str(folder)).close()
        except psycopg2.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                _wait_or_kill(process)
                pytest.fail(
                    f"PostgreSQL does not answer: {error}\n{(folder / 'log').read_text()}", pytrace=False
                )
            time.sleep(0.05)
        else:
            return process


def _wait_or_kill(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
