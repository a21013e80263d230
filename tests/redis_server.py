"""A throw-away Redis server: a socket in a folder of its own, no port, nothing written."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

START_TIMEOUT_S = 10


@dataclass
class RedisServer:
    """A running server; ``stop`` ends it as a failure would, ``start`` brings an empty one back."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[RedisServer]:
        """Start a server; stop it and remove its folder afterwards."""
        folder = Path(
            tempfile.mkdtemp(prefix="korrigo-redis-")
        )  # short: a socket's path has 107 bytes at most
        server = cls(folder)
        try:
            server.start()
            yield server
        finally:
            server.stop()
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def url(self) -> str:
        """What KORRIGO_REDIS_URL says."""
        return f"unix://{self.folder}/socket"

    def start(self) -> None:
        """Start, and wait until it answers."""
        binary = shutil.which("redis-server")
        if binary is None:
            pytest.fail("redis-server is not installed: run `make install-test`", pytrace=False)
        options = (
            "--port",
            "0",
            "--unixsocket",
            f"{self.folder}/socket",
            "--save",
            "",
            "--dir",
            str(self.folder),
        )
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", binary, *options], stdout=subprocess.DEVNULL, cwd="/"
        )
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                Redis.from_url(self.url).ping()
            except (RedisError, OSError):
                if time.monotonic() > deadline or self.process.poll() is not None:
                    pytest.fail("redis-server does not answer", pytrace=False)
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """Kill it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
