"""Where the application may listen, and the application itself over TLS: a real process, a real certificate."""

from __future__ import annotations

import asyncio
import http.client
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import websockets
from click.testing import CliRunner
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from core.errors import BadInput
from workbench.cli import listening
from workbench.cli.main import korrigo

ROOT = Path(__file__).parents[2]
NAME = "korrigo.lycee.test"
START_S = 60.0
KORRIGO = (sys.executable, "-m", "workbench.cli.main")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for this machine and its private key, readable by its owner only."""
    openssl = shutil.which("openssl")
    assert openssl is not None, "openssl is not installed"
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    names = f"subjectAltName=DNS:localhost,DNS:{NAME},IP:127.0.0.1"
    subprocess.run(
        f"{openssl} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -keyout {key} "
        f"-out {cert} -subj /CN={NAME} -addext {names}".split(),
        check=True,
        capture_output=True,
    )
    key.chmod(0o600)
    return cert, key


# --- what is refused


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "korrigo.lycee.fr", ""])
def test_passwords_do_not_cross_a_network_in_clear(host: str) -> None:
    with pytest.raises(BadInput, match="serve_in_clear"):
        listening.checked(host, None, None, behind_proxy=False)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_this_machine_needs_no_certificate(host: str) -> None:
    assert listening.checked(host, None, None, behind_proxy=False) == (None, None)


def test_elsewhere_needs_a_certificate_or_a_proxy(certificate: tuple[Path, Path]) -> None:
    assert listening.checked("0.0.0.0", None, None, behind_proxy=True) == (None, None)
    assert listening.checked("0.0.0.0", *certificate, behind_proxy=False) == certificate


def test_a_key_that_others_can_read_is_refused(certificate: tuple[Path, Path], tmp_path: Path) -> None:
    cert, key = certificate
    open_key = Path(shutil.copy(key, tmp_path))
    for mode in (0o640, 0o604):
        open_key.chmod(mode)
        with pytest.raises(BadInput, match="tls_key_open"):
            listening.checked("127.0.0.1", cert, open_key, behind_proxy=False)


def test_a_certificate_that_does_not_go_with_its_key_is_refused(
    certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    cert, key = certificate
    with pytest.raises(BadInput, match="tls_needs_both"):
        listening.checked("0.0.0.0", cert, None, behind_proxy=False)
    for wrong_cert, wrong_key in ((key, key), (cert, tmp_path / "missing.pem")):
        with pytest.raises(BadInput, match="tls_unreadable"):
            listening.checked("0.0.0.0", wrong_cert, wrong_key, behind_proxy=False)


def test_the_demonstration_obeys_the_same_rule(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KORRIGO_HOME", str(tmp_path / "home"))

    refused = CliRunner().invoke(korrigo, ["demo", "--host", "0.0.0.0"]).exception

    assert isinstance(refused, BadInput)
    assert refused.code == "serve_in_clear"
    assert not (tmp_path / "home").exists()


def test_the_command_says_so_in_one_sentence_before_anything_is_made(tmp_path: Path) -> None:
    done = subprocess.run(
        [*KORRIGO, "--home", str(tmp_path / "home"), "serve", "--host", "0.0.0.0"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("Écouter sur 0.0.0.0 ferait passer mots de passe et copies en clair")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "home").exists()


def test_behind_a_proxy_on_this_machine_its_word_is_believed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from workbench.cli import serve

    given: list[object] = []
    monkeypatch.setenv("KORRIGO_TRUSTED_PROXIES", "")
    monkeypatch.setenv("KORRIGO_HOME", str(tmp_path))
    monkeypatch.setattr(serve, "_serve", lambda listen, **_: given.append(listen.allowed_hosts) or 0)

    CliRunner().invoke(korrigo, ["serve"], catch_exceptions=False)
    assert os.environ["KORRIGO_TRUSTED_PROXIES"] == ""
    CliRunner().invoke(korrigo, ["serve", "--behind-proxy"], catch_exceptions=False)
    assert os.environ["KORRIGO_TRUSTED_PROXIES"] == "127.0.0.1"

    # Alone on this machine it answers to this machine's names; the proxy's names are its own affair.
    assert given == [("localhost",), ()]


# --- what is served


@dataclass(frozen=True)
class Served:
    """An application that answers over TLS."""

    port: int
    trust: ssl.SSLContext

    def get(self, path: str, host: str = "localhost") -> http.client.HTTPResponse:
        connection = http.client.HTTPSConnection("localhost", self.port, context=self.trust, timeout=20)
        connection.request("GET", path, headers={"Host": host})
        return connection.getresponse()


@pytest.fixture(scope="module")
def served(certificate: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """``korrigo serve`` on every address of this machine."""
    cert, key = certificate
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = f"serve --host 0.0.0.0 --port {port} --no-worker --tls-cert {cert} --tls-key {key}"
    options += f" --allowed-host {NAME}"
    process = subprocess.Popen(
        [*KORRIGO, "--home", str(tmp_path_factory.mktemp("home")), *options.split()],
        cwd=ROOT,
        env={**os.environ, "KORRIGO_DATABASE_URL": ""},
    )
    answering = Served(port, ssl.create_default_context(cafile=cert))
    try:
        _wait(process, answering)
        yield answering
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait(process: subprocess.Popen[bytes], served: Served) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server stopped before it answered"
        try:
            if served.get("/api/health/live").status == 200:
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("no answer over TLS")


def test_it_answers_over_tls_and_not_in_clear(served: Served) -> None:
    answer = served.get("/api/health/live")

    assert answer.status == 200
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    with pytest.raises((urllib.error.URLError, OSError)):
        urllib.request.urlopen(f"http://localhost:{served.port}/api/health/live", timeout=5)


def test_even_on_this_machine_a_cookie_given_over_tls_is_secure(served: Served) -> None:
    cookie = served.get("/").headers["set-cookie"]

    assert cookie.startswith("korrigo_route=")
    assert cookie.endswith("; Secure")


def test_a_host_that_was_not_named_gets_nothing(served: Served) -> None:
    assert {host: served.get("/", host).status for host in ("localhost", NAME, "evil.example")} == {
        "localhost": 200,
        NAME: 200,
        "evil.example": 400,
    }


def told(served: Served, page: str, *, cookie: str = "") -> str:
    """What a page's websocket receives for an address until its script ends."""
    asked = BackMsg()
    asked.rerun_script.page_name = page

    async def talk() -> str:
        seen = ""
        async with websockets.connect(
            f"wss://localhost:{served.port}/_stcore/stream",
            ssl=served.trust,
            additional_headers={"Cookie": cookie} if cookie else {},
            subprotocols=[websockets.Subprotocol("streamlit")],
        ) as websocket:
            await websocket.send(asked.SerializeToString())
            while True:
                message = ForwardMsg.FromString(await asyncio.wait_for(websocket.recv(), 30))
                seen += str(message)
                if message.WhichOneof("type") == "script_finished":
                    return seen

    return asyncio.run(talk())


@pytest.mark.parametrize("page", ["", "accounts", "my_results", "connections"])
@pytest.mark.parametrize("cookie", ["", "__Host-korrigo=made-up"])
def test_a_websocket_without_a_cookie_of_ours_only_ever_gets_the_sign_in_page(
    served: Served, page: str, cookie: str
) -> None:
    seen = told(served, page, cookie=cookie)

    assert "Se connecter" in seen
    assert "<h1>" not in seen  # the title line of every page of ours


def test_a_websocket_of_another_site_is_refused(served: Served) -> None:
    async def opens(origin: str) -> None:
        async with websockets.connect(
            f"wss://localhost:{served.port}/_stcore/stream",
            ssl=served.trust,
            origin=websockets.Origin(origin),
        ):
            pass

    asyncio.run(opens(f"https://localhost:{served.port}"))
    for origin in ("https://evil.example", "http://localhost:3000", "null"):
        with pytest.raises(websockets.InvalidStatus, match="403"):
            asyncio.run(opens(origin))
