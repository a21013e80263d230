"""Debian's nginx on the project's own configuration, started by the script that the container runs."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DEPLOY = Path(__file__).parent.parent / "deploy" / "nginx"
START_S = 20.0


@dataclass(frozen=True)
class Nginx:
    """A running front: where it answers and what it wrote."""

    port: int
    folder: Path

    @property
    def url(self) -> str:
        """The address of a browser on this machine."""
        return f"http://localhost:{self.port}"

    def lines(self, door: str = "", count: int = 0) -> list[dict[str, Any]]:
        """The access log, of one first word of addresses if wanted; waits until it has ``count`` lines.

        nginx writes a line once the answer is sent: the visitor may be faster.
        """
        deadline = time.monotonic() + START_S
        while True:
            written = [json.loads(line) for line in self.output().splitlines() if line.startswith("{")]
            found = [line for line in written if door in ("", line["door"])]
            if len(found) >= count:
                return found
            assert time.monotonic() < deadline, f"{len(found)} lines of {count}"
            time.sleep(0.05)

    def output(self) -> str:
        """Everything it wrote."""
        return (self.folder / "output").read_text(encoding="utf-8")

    @classmethod
    @contextmanager
    def running(cls, servers: Sequence[str], **variables: str) -> Iterator[Nginx]:
        """Start run.sh in front of ``servers`` (``name:port``); stop it afterwards."""
        folder = Path(tempfile.mkdtemp(prefix="korrigo-nginx-"))
        folder.chmod(0o755)  # started by root, nginx reads its pages as another account
        front = cls(free_port(), folder)
        try:
            with front._started(servers, variables):
                yield front
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def _started(self, servers: Sequence[str], variables: dict[str, str]) -> Iterator[None]:
        with (self.folder / "output").open("ab") as output:
            process = subprocess.Popen(
                # Ended with the test process, even when that is killed.
                ["setpriv", "--pdeathsig", "TERM", "/bin/sh", str(DEPLOY / "run.sh")],
                env=environment(
                    WEB_SERVERS=" ".join(servers),
                    LISTEN=f"127.0.0.1:{self.port}",
                    FOLDER=str(self.folder),
                    LOOK_EVERY_S="1",
                    **variables,
                ),
                stdout=output,
                stderr=output,
            )
        try:
            self._wait(process)
            yield
        finally:
            process.terminate()
            assert process.wait(15) == 0, "nginx did not stop when asked to"

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            with socket.socket() as trial:
                if trial.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if process.poll() is not None:
                break
            time.sleep(0.05)
        pytest.fail(f"nginx does not answer: {self.output()}", pytrace=False)


def environment(**variables: str) -> dict[str, str]:
    """What the script sees: nginx is a program of the administrator's, not on everybody's path."""
    return {"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin", **variables}


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate of this machine for today, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "chain.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths
