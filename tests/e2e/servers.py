"""A real application for a browser: its own home, its own port, its own worker."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.story import ROOT

START_S = 60.0


@dataclass(frozen=True)
class Application:
    """Where it answers and where its data are."""

    url: str
    home: Path

    def korrigo(self, *arguments: str, stdin: str = "") -> str:
        """Run a command on the same home."""
        done = subprocess.run(
            [sys.executable, "-m", "workbench.cli.main", "--home", str(self.home), *arguments],
            cwd=ROOT,
            env=_environment(),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def serving(home: Path) -> Iterator[Application]:
    """``korrigo serve`` on a free port of this machine until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "workbench.cli.main", "--home", str(home), "serve", "--port", str(port)],
        cwd=ROOT,
        env=_environment(),
    )
    url = f"http://localhost:{port}"
    try:
        _wait_until_ready(process, url)
        yield Application(url, home)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_until_ready(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server stopped before it answered"
        try:
            with urllib.request.urlopen(f"{url}/api/health/ready", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(f"no answer from {url} within {START_S} s")


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "KORRIGO_DATABASE_URL": ""}
