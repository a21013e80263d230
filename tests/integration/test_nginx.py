"""The front of production: what it hands on, what it keeps out, and what its log says."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.nginx import Nginx, free_port, self_signed

ROOT = Path(__file__).parents[2]
MEGABYTE = 1_000_000


@pytest.fixture
def database_kind() -> str:
    """nginx knows of no database."""
    return "sqlite"


class _Echo(BaseHTTPRequestHandler):
    """Answers what it was asked, as JSON; ``/static/`` as a script."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        received = 0
        while received < length:
            part = self.rfile.read(min(length - received, 1 << 16))
            if not part:
                break
            received += len(part)
            self.server.seen.set()  # type: ignore[attr-defined]
        body = json.dumps({"headers": dict(self.headers.items()), "received": received, "pad": "x" * 4096})
        self.send_response(200)
        script = self.path.startswith("/static/")
        self.send_header("Content-Type", "text/javascript" if script else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    do_POST = do_GET  # noqa: N815 - http.server's name

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@dataclass
class Web:
    """A web process that echoes."""

    server: ThreadingHTTPServer = field(default_factory=lambda: ThreadingHTTPServer(("127.0.0.1", 0), _Echo))

    @property
    def name(self) -> str:
        return f"127.0.0.1:{self.server.server_port}"

    @property
    def seen(self) -> threading.Event:
        """Set when a part of a body arrived."""
        event: threading.Event = self.server.seen  # type: ignore[attr-defined]
        return event

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@contextmanager
def echoing() -> Iterator[Web]:
    web = Web()
    web.server.seen = threading.Event()  # type: ignore[attr-defined]
    threading.Thread(target=web.server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield web
    finally:
        web.close()


@dataclass(frozen=True)
class Front:
    """nginx and what stands behind it."""

    nginx: Nginx
    webs: tuple[Web, ...]

    def get(self, path: str, **headers: str) -> Answer:
        return ask(self.nginx.port, "GET", path, {k.replace("_", "-"): v for k, v in headers.items()})

    def post(self, path: str, size: int) -> Answer:
        return ask(self.nginx.port, "POST", path, {}, bytes(size))


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def handed_on(self) -> dict[str, str]:
        """The headers that the application got."""
        handed: dict[str, str] = json.loads(self.body)["headers"]
        return handed


def ask(port: int, method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return Answer(answer.status, dict(answer.getheaders()), answer.read())


@pytest.fixture(scope="module")
def front() -> Iterator[Front]:
    with ExitStack() as stack:
        webs = (stack.enter_context(echoing()), stack.enter_context(echoing()))
        yield Front(stack.enter_context(Nginx.running([web.name for web in webs])), webs)


# --- what is handed on


def test_what_a_browser_claims_of_where_it_is_does_not_reach_the_application(front: Front) -> None:
    handed = front.get(
        "/",
        X_Forwarded_For="192.0.2.7",
        X_Forwarded_Proto="https",
        X_Forwarded_Host="elsewhere",
        X_Forwarded_Port="1",
        X_Real_IP="192.0.2.7",
        Forwarded="for=192.0.2.7",
        X_Request_ID="mine",
    ).handed_on

    assert handed["X-Forwarded-For"] == "127.0.0.1"
    assert handed["X-Forwarded-Proto"] == "http"
    assert handed["X-Request-ID"] != "mine"
    assert not {"X-Forwarded-Host", "X-Forwarded-Port", "X-Real-IP", "Forwarded"} & handed.keys()


def test_the_name_and_port_that_the_browser_asked_reach_the_application(front: Front) -> None:
    assert front.get("/", Host="korrigo.lycee.example:8088").handed_on["Host"] == "korrigo.lycee.example:8088"


def test_a_terminator_in_front_is_believed_when_it_was_named(front: Front) -> None:
    claimed = {"X_Forwarded_For": "203.0.113.9, 198.51.100.4", "X_Forwarded_Proto": "https"}
    with Nginx.running([front.webs[0].name], FRONT_PROXIES="127.0.0.1 198.51.100.0/24") as nginx:
        handed = Front(nginx, front.webs).get("/", **claimed).handed_on

    assert (handed["X-Forwarded-For"], handed["X-Forwarded-Proto"]) == ("203.0.113.9", "https")


def test_a_websocket_is_upgraded(front: Front) -> None:
    handed = front.get("/_stcore/stream", Connection="Upgrade", Upgrade="websocket").handed_on

    assert (handed["Connection"], handed["Upgrade"]) == ("upgrade", "websocket")


@pytest.mark.parametrize("page", sorted(path.stem for path in (ROOT / "pages").glob("[a-z]*.py")))
def test_every_page_is_reached_under_its_own_name(front: Front, page: str) -> None:
    assert front.get(f"/{page}").status == 200


# --- where it goes


def test_a_browser_stays_on_one_web_process_and_browsers_are_shared_out(front: Front) -> None:
    reached = []
    for browser in range(12):
        for _ in range(5):
            front.get(f"/browser{browser}", Cookie=f"korrigo=abc; korrigo_route=route{browser}")
        reached.append({line["web"] for line in front.nginx.lines(f"/browser{browser}", 5)})

    assert all(len(webs) == 1 for webs in reached)
    assert set.union(*reached) == {web.name for web in front.webs}


def test_when_a_web_process_dies_its_browsers_go_to_another() -> None:
    with ExitStack() as stack:
        webs = [stack.enter_context(echoing()), stack.enter_context(echoing())]
        front = Front(stack.enter_context(Nginx.running([web.name for web in webs])), tuple(webs))
        webs[0].server.shutdown()
        webs[0].server.socket.close()

        answers = [
            front.get("/", Cookie=f"korrigo_route=browser{number}", Connection="close")
            for number in range(20)
        ]

    assert {answer.status for answer in answers} == {200}


def test_the_names_of_the_web_processes_are_looked_at_again_and_again() -> None:
    # A name that moved: what is written no longer agrees with what the name server answers.
    with echoing() as web, Nginx.running(["localhost:1"]) as nginx:
        assert Front(nginx, (web,)).get("/").status == 502
        Path(nginx.folder, "web.conf").write_text(f"server {web.name};\n", encoding="utf-8")
        deadline = time.monotonic() + 10
        while "127.0.0.1:1 " not in Path(nginx.folder, "web.conf").read_text(encoding="utf-8"):
            assert time.monotonic() < deadline, "the list of web processes is not looked at again"
            time.sleep(0.1)


# --- what is kept out


@pytest.mark.parametrize(
    "path",
    [
        "/metrics",
        "/metrics/",
        "/_stcore/metrics",
        "/page/_stcore/metrics",
        "//_stcore/metrics",
        "/%5Fstcore/metrics",
        "/_stcore/agent/mcp",
        "/_stcore/script-health-check",
        "/media/abc.png",
        "/_korrigo/attendre.html",
    ],
)
def test_what_is_read_inside_only_is_closed(front: Front, path: str) -> None:
    assert front.get(path).status == 404


def test_a_scan_of_thirty_megabytes_passes_and_the_lists_and_marks_of_a_paper(front: Front) -> None:
    assert json.loads(front.post("/scans/1?name=a.pdf", 30 * MEGABYTE).body)["received"] == 30 * MEGABYTE
    assert front.post("/_stcore/upload_file/a/b", 20 * MEGABYTE).status == 200
    assert front.post("/marking/ABC", 7 * MEGABYTE).status == 200


def test_what_is_too_large_is_refused_before_it_comes_with_a_page_that_says_so(front: Front) -> None:
    with socket.create_connection(("127.0.0.1", front.nginx.port), timeout=10) as browser:
        browser.sendall(b"POST /marking/ABC HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30000000\r\n\r\n")
        refused = http.client.HTTPResponse(browser)
        refused.begin()
        page = refused.read().decode()

    assert refused.status == 413
    assert "Ce fichier est trop gros" in page


def test_a_scan_is_handed_on_while_it_comes(front: Front) -> None:
    for web in front.webs:
        web.seen.clear()
    with socket.create_connection(("127.0.0.1", front.nginx.port), timeout=10) as browser:
        browser.sendall(b"POST /scans/1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n")
        browser.sendall(bytes(500_000))

        assert any(web.seen.wait(5) for web in front.webs)


def test_a_whole_class_behind_one_address_is_let_in(front: Front) -> None:
    with ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(lambda _: front.get("/").status, range(300)))
        sign_ins = list(pool.map(lambda _: front.get("/auth/exchange").status, range(70)))

    assert set(pages) == set(sign_ins) == {200}


def test_a_storm_of_sign_ins_is_slowed_down(front: Front) -> None:
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: front.get("/auth/exchange").status, range(400)))

    assert set(statuses) == {200, 429}


# --- what a browser gets


def test_only_scripts_and_styles_are_compressed(front: Front) -> None:
    assert front.get("/static/js/index.js", Accept_Encoding="gzip").headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in front.get("/marking/ABC", Accept_Encoding="gzip").headers


def test_while_no_web_process_answers_a_page_says_to_wait_and_asks_again() -> None:
    with Nginx.running([f"127.0.0.1:{free_port()}"]) as nginx:
        answer = Front(nginx, ()).get("/")

    assert answer.status == 502
    assert "Korrigo redémarre, patientez" in answer.body.decode()
    assert 'http-equiv="refresh" content="5"' in answer.body.decode()
    assert answer.headers["Server"] == "nginx"


def test_the_log_names_neither_visitor_nor_copy_nor_what_was_asked(front: Front) -> None:
    front.get(
        "/files/copies/SECRET7/pages/1.jpg?name=DURAND", Cookie="korrigo=abcdef", Referer="http://x/?DUPONT"
    )
    line, output = front.nginx.lines("/files", 1)[0], front.nginx.output()

    assert (line["method"], line["status"]) == ("GET", 200)
    for told in ("SECRET7", "DURAND", "DUPONT", "abcdef", '"127.0.0.1"', "client:"):
        assert told not in output


# --- with a certificate


def test_with_a_certificate_it_serves_in_https_and_sends_there_whoever_comes_in_clear(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    port = free_port()
    with (
        echoing() as web,
        Nginx.running(
            [web.name], TLS_CERTIFICATE=str(certificate), TLS_KEY=str(key), TLS_LISTEN=f"127.0.0.1:{port}"
        ) as nginx,
    ):
        clear = Front(nginx, (web,)).get("/identify?x=1", Host="localhost")
        connection = http.client.HTTPSConnection(
            "localhost", port, context=ssl.create_default_context(cafile=str(certificate))
        )
        connection.request("GET", "/")
        secret = json.loads(connection.getresponse().read())["headers"]

    assert (clear.status, clear.headers["Location"]) == (308, "https://localhost/identify?x=1")
    assert (secret["X-Forwarded-Proto"], secret["Host"]) == ("https", f"localhost:{port}")
