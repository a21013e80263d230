"""As in production: nginx in front of two web processes, one worker, PostgreSQL and Redis."""

from __future__ import annotations

import http.client
import io
import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pikepdf
import psycopg2
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from core.db.session import engine_for, session_factory
from core.domain.access import Actor
from core.services import connections, exams
from tests.e2e.servers import Production, in_production
from tests.e2e.test_story_browser import ADMIN_PASSWORD, Visitor, tell
from tests.story import draw_class
from tests.tickets import ticket_for
from workbench.cookie import COOKIE, ROUTE_COOKIE
from workbench.demo.draw import DrawnScan
from workbench.routes.access import CSRF_HEADER

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

MEGABYTE = 1_000_000
SCHEME = b"item,label,points\n1,Question,20\n"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> DrawnScan:
    return draw_class(tmp_path_factory.mktemp("drawn"))


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    with in_production(tmp_path_factory.mktemp("home")) as running:
        for login in ("admin", "witness"):
            running.korrigo(
                "account", "add", login, "--role", "admin", "--password-stdin", stdin=f"{ADMIN_PASSWORD}\n"
            )
        yield running


@pytest.fixture(scope="module")
def passwords() -> dict[str, str]:
    """What each account's password is by now: the first sign-in changes it."""
    return {"witness": ADMIN_PASSWORD}


@dataclass(frozen=True)
class Sender:
    """A connection of the administrator's, as a program holds it, and a paper to send scans to."""

    port: int
    cookie: str
    csrf: str
    paper_id: int

    def send(self, content: bytes, *, route: str) -> int:
        """Send a scan file by chunks as a browser with that route does; the status of the last answer."""
        said = {"name": f"{route}.pdf", "byte_size": len(content), "fingerprint": route}
        status, upload = self._ask(
            "POST", f"/scans/{self.paper_id}/uploads", json.dumps(said).encode(), route
        )
        while status == 200 and upload["ended"] is None:
            at = upload["received"]
            chunk = content[at : at + upload["chunk_bytes"]]
            status, upload = self._ask("PUT", f"/scans/uploads/{upload['token']}?offset={at}", chunk, route)
        return status

    def _ask(self, method: str, address: str, body: bytes, route: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("localhost", self.port, timeout=120)
        headers = {
            "Cookie": f"{COOKIE}={self.cookie}; {ROUTE_COOKIE}={route}",
            CSRF_HEADER: self.csrf,
            "Origin": f"http://localhost:{self.port}",
        }
        connection.request(method, address, body, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def test_a_class_from_its_scans_to_the_pupils_and_pronote_through_nginx_on_postgresql(
    browser: Browser, production: Production, drawn: DrawnScan
) -> None:
    tell(browser, production, drawn)

    webs = {line["web"] for line in production.nginx.lines()}
    assert webs >= {replica.name for replica in production.replicas}, (
        "the people of the story were shared out"
    )
    assert not {line["status"] for line in production.nginx.lines()} & {502, 503, 504}


@pytest.fixture
def signed_in(production: Production, page: Page, passwords: dict[str, str]) -> Visitor:
    """An administrator, besides the one of the story."""
    visitor = Visitor(page, production)
    passwords["witness"] = visitor.sign_in("witness", passwords["witness"])
    return visitor


def test_all_requests_of_a_browser_reach_the_same_replica(
    production: Production, context: BrowserContext, signed_in: Visitor
) -> None:
    before = len(production.nginx.lines())
    for name in ("accounts", "papers", "rosters"):
        signed_in.open(name)
    signed_in.page.close()  # its websocket is told of when it ends
    lines = production.nginx.lines(count=before + 10)[before:]

    assert ROUTE_COOKIE in {cookie["name"] for cookie in context.cookies()}
    assert len({line["web"] for line in lines}) == 1


@pytest.mark.parametrize("path", ["/metrics", "/_stcore/metrics", "/_stcore/agent/mcp"])
def test_what_is_read_inside_only_is_closed_through_nginx(
    production: Production, signed_in: Visitor, path: str
) -> None:
    assert signed_in.page.context.request.get(f"{production.url}{path}").status == 404


def test_what_a_browser_claims_of_its_address_is_not_believed(
    production: Production, page: Page, passwords: dict[str, str]
) -> None:
    page.context.set_extra_http_headers({"X-Forwarded-For": "192.0.2.77", "X-Forwarded-Proto": "https"})
    visitor = Visitor(page, production)
    visitor.page.goto(production.url)
    visitor.page.get_by_label("Identifiant").fill("nobody")
    visitor.page.get_by_label("Mot de passe", exact=True).fill("pas le bon")
    visitor.page.get_by_role("button", name="Se connecter").click()
    expect(visitor.page.get_by_text("incorrect")).to_be_visible()
    passwords["witness"] = visitor.sign_in("witness", passwords["witness"])

    with closing(psycopg2.connect(production.variables["KORRIGO_DATABASE_URL"])) as database:
        cursor = database.cursor()
        cursor.execute("select distinct address_sha256 from sign_in_failure")
        addresses = {row[0] for row in cursor}
    assert sha256(b"127.0.0.1").hexdigest() in addresses
    assert sha256(b"192.0.2.77").hexdigest() not in addresses
    # Believed, "https" would have given the cookie the name it bears under TLS.
    assert COOKIE in {cookie["name"] for cookie in page.context.cookies()}


@pytest.fixture(scope="module")
def sender(production: Production) -> Sender:
    engine = engine_for(production.variables["KORRIGO_DATABASE_URL"])
    sessions = session_factory(engine)
    ticket = ticket_for(sessions, "admin")
    opened = connections.redeem_ticket(sessions, ticket=ticket, hours=1)
    system = Actor.system("test")
    roster = "Nom;Prénom;Né(e) le\nDURAND;Zoé;01/02/2009\n".encode()
    exams.import_roster(sessions, system, session_name="Envois", file_name="liste.csv", content=roster)
    paper_id = exams.create_paper(
        sessions, system, session_name="Envois", name="Envois", schemes={"A": ("bareme.csv", SCHEME)}
    )
    engine.dispose()
    return Sender(production.nginx.port, opened.token, opened.csrf_token, paper_id)


def thirty_megabytes() -> bytes:
    """A PDF of one blank page that weighs 30 MB, unlike any other."""
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.Root.Weight = pdf.make_stream(os.urandom(30 * MEGABYTE))
        written = io.BytesIO()
        pdf.save(written)
    return written.getvalue()


def test_a_file_of_thirty_megabytes_passes(sender: Sender) -> None:
    assert sender.send(thirty_megabytes(), route="one") == 200


def test_three_files_at_once_pass_whichever_replica_they_reach(
    production: Production, sender: Sender
) -> None:
    before = len(production.nginx.lines("/scans"))
    with ThreadPoolExecutor(6) as pool:
        statuses = list(
            pool.map(lambda route: sender.send(thirty_megabytes(), route=f"browser{route}"), range(6))
        )
    lines = production.nginx.lines("/scans", before + 6 * 5)[before:]  # 1 announcement, 4 chunks

    assert statuses == [200] * 6
    assert {line["web"] for line in lines} == {replica.name for replica in production.replicas}


def test_when_a_replica_is_killed_its_browsers_go_on_after_a_reload(
    production: Production, signed_in: Visitor
) -> None:
    mark = len(production.nginx.lines())
    signed_in.open("accounts")
    web = production.nginx.lines(count=mark + 1)[-1]["web"]
    victim = next(replica for replica in production.replicas if replica.name == web)
    _kill_with_children(victim.process.pid)

    signed_in.page.reload()
    signed_in.settle()
    expect(signed_in.page.get_by_text("Nouveau compte")).to_be_visible()
    expect(signed_in.page.get_by_role("button", name="Se déconnecter")).to_be_visible()


def _kill_with_children(pid: int) -> None:
    """As when a machine fails: no process of the replica has time for anything."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    for number in (*map(int, children), pid):
        os.kill(number, signal.SIGKILL)
