"""A real application for a browser: alone on its home with its worker, or as in production."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.nginx import Nginx, free_port
from tests.postgresql import PostgresServer
from tests.redis_server import RedisServer
from tests.story import ROOT

START_S = 120.0


@dataclass(frozen=True)
class Application:
    """Where it answers and where its data are."""

    url: str
    home: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def korrigo(self, *arguments: str, stdin: str = "") -> str:
        """Run a command on the same home."""
        done = subprocess.run(
            [sys.executable, "-m", "workbench.cli.main", "--home", str(self.home), *arguments],
            cwd=ROOT,
            env=_environment(self.variables),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@dataclass(frozen=True)
class Replica:
    """One web process of several."""

    name: str
    process: subprocess.Popen[bytes]


@dataclass(frozen=True)
class Production(Application):
    """The same program as compose.yaml starts it: PostgreSQL, Redis, replicas, a worker, nginx in front."""

    nginx: Nginx = field(kw_only=True)
    replicas: Sequence[Replica] = field(kw_only=True)


@contextmanager
def serving(home: Path) -> Iterator[Application]:
    """``korrigo serve`` on a free port of this machine until the block ends."""
    port = free_port()
    with _running(home, {}, "serve", "--port", str(port)) as process:
        url = f"http://localhost:{port}"
        _wait_until_ready([process], url)
        yield Application(url, home)


@contextmanager
def in_production(home: Path) -> Iterator[Production]:
    """What compose.yaml starts, on this machine, until the block ends."""
    with ExitStack() as stack:
        database = stack.enter_context(stack.enter_context(PostgresServer.running()).database())
        variables = {
            "KORRIGO_DATABASE_URL": database,
            "KORRIGO_REDIS_URL": stack.enter_context(RedisServer.running()).url,
            "KORRIGO_TRUSTED_PROXIES": "127.0.0.1",
            "STREAMLIT_SERVER_COOKIE_SECRET": "the same for all replicas",
        }
        Application("", home, variables).korrigo("migrate")
        worker = stack.enter_context(_running(home, variables, "worker"))
        replicas = [stack.enter_context(_replica(home, variables)) for _ in range(2)]
        for replica in replicas:
            _wait_until_ready([worker, replica.process], f"http://{replica.name}")
        nginx = stack.enter_context(Nginx.running([replica.name for replica in replicas]))
        yield Production(nginx.url, home, variables, nginx=nginx, replicas=replicas)


@contextmanager
def _replica(home: Path, variables: Mapping[str, str]) -> Iterator[Replica]:
    port = free_port()
    options = ("--port", str(port), "--behind-proxy", "--no-worker")
    with _running(home, variables, "serve", *options) as process:
        yield Replica(f"127.0.0.1:{port}", process)


@contextmanager
def _running(home: Path, variables: Mapping[str, str], *command: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "workbench.cli.main", "--home", str(home), *command],
        cwd=ROOT,
        env=_environment(variables),
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait_until_ready(processes: Sequence[subprocess.Popen[bytes]], url: str) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        assert all(process.poll() is None for process in processes), "the server stopped before it answered"
        try:
            with urllib.request.urlopen(f"{url}/api/health/ready", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(f"no answer from {url} within {START_S} s")


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "KORRIGO_DATABASE_URL": "", **variables}
