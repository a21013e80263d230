"""Each message of a page, each host, each address a proxy names: what passes and what does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.types import Message, Receive
from starlette.websockets import WebSocket, WebSocketDisconnect
from streamlit import config
from streamlit.proto.BackMsg_pb2 import BackMsg

from core.domain.access import Role
from core.services import accounts, connections
from tests.security.conftest import ORIGIN, PASSWORD, SYSTEM, Visitor
from tests.security.test_sign_in import click, through_the_websocket
from tests.tickets import ticket_for
from workbench import page_owners
from workbench.cookie import COOKIE, ROUTE_COOKIE, SECURE_COOKIE
from workbench.routes.protection import Protection
from workbench.routes.proxied import Proxied

SignIn = Callable[..., Visitor]
STREAM = "/_stcore/stream"


def message(kind: str) -> bytes:
    """A message of Streamlit's protocol that is not a rerun."""
    sent: Any = BackMsg()
    field = BackMsg.DESCRIPTOR.fields_by_name[kind]
    if field.message_type is not None:
        getattr(sent, kind).SetInParent()
    else:
        setattr(sent, kind, "1" if field.type == field.TYPE_STRING else True)
    return bytes(sent.SerializeToString())


# --- rights that change while a page is open


@pytest.mark.anyio
@pytest.mark.parametrize("cause", ["sign_out", "roles", "password", "ended", "disabled"])
async def test_after_whatever_changes_the_rights_the_next_click_does_nothing(
    sign_in: SignIn, database: sessionmaker[Session], cause: str
) -> None:
    token = sign_in(Role.SECRETARIAT, login="martin").client.cookies[COOKIE]

    def change() -> None:
        if cause == "sign_out":
            connections.sign_out(database, token=token)
        elif cause == "roles":
            accounts.set_roles(database, SYSTEM, login="martin", roles=[Role.CORRECTOR], version=1)
        elif cause == "password":
            accounts.set_password(database, SYSTEM, login="martin", password="another-password")
        elif cause == "ended":
            connections.end_account_connections(database, SYSTEM, login="martin")
        else:
            accounts.set_disabled(database, SYSTEM, login="martin", disabled=True)

    before, after, later = await through_the_websocket(token, click(), change, click(), click())

    assert before.rerun_script.widget_states.widgets
    assert not after.rerun_script.HasField("widget_states")
    assert after.rerun_script.fragment_id == ""
    # Once the page was run anew, it is another page: for the sign-in form, or under the new roles.
    assert later.rerun_script.widget_states.widgets


@pytest.mark.anyio
async def test_switching_the_portal_is_no_reason_to_lose_a_click(
    sign_in: SignIn, database: sessionmaker[Session]
) -> None:
    token = sign_in(Role.SECRETARIAT, Role.CORRECTOR).client.cookies[COOKIE]

    def switch() -> None:
        who = connections.connection(database, token)
        assert who is not None
        connections.set_portal(database, who.actor, connection_id=who.connection_id, portal=who.portals[1])

    _, after = await through_the_websocket(token, click(), switch, click())

    assert after.rerun_script.widget_states.widgets


@pytest.mark.anyio
async def test_the_first_click_after_the_first_password_is_not_lost(
    sign_in: SignIn, database: sessionmaker[Session]
) -> None:
    token = sign_in(Role.SECRETARIAT, must_change=True).client.cookies[COOKIE]

    def choose() -> None:
        who = connections.connection(database, token)
        assert who is not None
        accounts.change_own_password(
            database,
            who.actor,
            current=PASSWORD,
            new="une autre phrase",
            connection_id=who.connection_id,
        )

    _, after = await through_the_websocket(token, click(), choose, click())

    assert after.rerun_script.widget_states.widgets


@pytest.mark.anyio
@pytest.mark.parametrize(
    "kind", ["clear_cache", "set_run_on_save", "load_git_info", "backend_operation_request"]
)
async def test_messages_that_pages_never_send_do_not_reach_streamlit(sign_in: SignIn, kind: str) -> None:
    token = sign_in(Role.ADMIN).client.cookies[COOKIE]

    waiting, seen = [message(kind), click()], []

    async def receive() -> Message:
        return {"type": "websocket.receive", "bytes": waiting.pop(0)}

    async def streamlit(_scope: object, receive: Receive, _send: object) -> None:
        seen.append(BackMsg.FromString((await receive())["bytes"]).WhichOneof("type"))

    async def send(answer: Message) -> None:
        raise AssertionError(answer)

    headers = [(b"host", b"localhost"), (b"cookie", f"{COOKIE}={token}".encode())]
    await Protection(streamlit)({"type": "websocket", "path": STREAM, "headers": headers}, receive, send)

    assert seen == ["rerun_script"]


# --- going on with a page


@pytest.fixture
def pages_asked_for() -> list[str]:
    """The websocket protocols that Streamlit receives, handshake after handshake."""
    return []


@pytest.fixture
def protected(home: object, pages_asked_for: list[str]) -> Starlette:
    """Our middleware around a stand-in for Streamlit."""

    async def stream(websocket: WebSocket) -> None:
        pages_asked_for.append(websocket.headers.get("sec-websocket-protocol", ""))
        await websocket.accept(subprotocol="streamlit")
        await websocket.close()

    async def page(_request: Request) -> Response:
        return HTMLResponse("<!doctype html>")

    async def asked_from(request: Request) -> Response:
        assert request.client is not None
        return PlainTextResponse(f"{request.client.host} {request.url.scheme}")

    return Starlette(
        routes=[Route("/", page), Route("/whence", asked_from), WebSocketRoute(STREAM, stream)],
        middleware=[Middleware(Proxied), Middleware(Protection)],
    )


def handshake(client: TestClient, page: str = "", **headers: str) -> None:
    protocols = ["streamlit", "xsrf", *([page] if page else [])]
    # The test client leaves the base address aside here.
    address = str(client.base_url).replace("http", "ws") + STREAM
    with client.websocket_connect(address, subprotocols=protocols, headers=headers):
        pass


def test_only_the_connection_a_page_ran_for_goes_on_with_it(
    protected: Starlette, sign_in: SignIn, database: sessionmaker[Session], pages_asked_for: list[str]
) -> None:
    token = sign_in(Role.SECRETARIAT).client.cookies[COOKIE]
    other = sign_in(Role.ADMIN).client.cookies[COOKIE]
    who = connections.connection(database, token)
    assert who is not None
    page_owners.ran_for("page-7", who.connection_id)

    for cookies in ({COOKIE: token}, {COOKIE: other}, {COOKIE: "made up"}, {}):
        handshake(TestClient(protected, base_url=ORIGIN, cookies=cookies), "page-7")

    assert [asked.endswith("page-7") for asked in pages_asked_for] == [True, False, False, False]


def test_a_page_nobody_knows_is_begun_anew(protected: Starlette, pages_asked_for: list[str]) -> None:
    handshake(TestClient(protected, base_url=ORIGIN), "page-of-yesterday")

    assert not pages_asked_for[0].endswith("page-of-yesterday")


# --- origins and hosts


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost:9", "null", "http://["])
def test_a_page_of_another_site_opens_no_websocket(
    protected: Starlette, pages_asked_for: list[str], origin: str
) -> None:
    with pytest.raises(WebSocketDisconnect):
        handshake(TestClient(protected, base_url=ORIGIN), origin=origin)

    assert pages_asked_for == []


def test_a_page_of_ours_opens_its_websocket(protected: Starlette, pages_asked_for: list[str]) -> None:
    handshake(TestClient(protected, base_url=ORIGIN), origin=ORIGIN)

    assert len(pages_asked_for) == 1


def test_only_the_names_that_were_given_and_this_machine_are_answered(
    protected: Starlette, pages_asked_for: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = config.get_option("server.allowedHosts")
    config.set_option("server.allowedHosts", ["korrigo.lycee.fr"])
    try:
        answers = {
            host: TestClient(protected, base_url=f"http://{host}").get("/").status_code
            for host in ("korrigo.lycee.fr", "korrigo.lycee.fr:8443", "localhost:8501", "evil.example")
        }
        with pytest.raises(WebSocketDisconnect):
            handshake(TestClient(protected, base_url="http://evil.example"))
    finally:
        config.set_option("server.allowedHosts", before)

    assert answers == {
        "korrigo.lycee.fr": 200,
        "korrigo.lycee.fr:8443": 200,
        "localhost:8501": 200,
        "evil.example": 400,
    }
    assert pages_asked_for == []


# --- Streamlit's own doors


def test_media_is_closed_and_the_fonts_beside_it_are_not(visitor: Visitor, sign_in: SignIn) -> None:
    for who in (visitor, sign_in(Role.ADMIN)):
        assert who.client.get("/media/0123abcd.png").status_code == 404


@pytest.mark.anyio
async def test_fonts_of_streamlit_are_served() -> None:
    passed: list[str] = []

    async def streamlit(scope: Any, _receive: object, _send: object) -> None:
        passed.append(scope["path"])

    path = "/static/media/MaterialSymbols-Rounded.woff2"
    await Protection(streamlit)(
        {"type": "http", "path": path, "headers": [(b"host", b"localhost")], "scheme": "http"},
        None,  # type: ignore[arg-type]
        None,  # type: ignore[arg-type]
    )

    assert passed == [path]


def test_nothing_is_sent_into_memory_without_signing_in(visitor: Visitor, sign_in: SignIn) -> None:
    path = "/_stcore/upload_file/a-page/a-file"

    assert visitor.client.put(path, content=b"x").status_code == 401
    assert sign_in(Role.CORRECTOR, must_change=True).client.put(path, content=b"x").status_code == 401
    assert sign_in(Role.SECRETARIAT).client.put(path, content=b"x").status_code == 404


@pytest.mark.parametrize("role", [Role.STUDENT, Role.CORRECTOR, Role.ANALYST])
def test_only_those_whose_pages_take_lists_send_anything_into_memory(sign_in: SignIn, role: Role) -> None:
    path = "/_stcore/upload_file/a-page/a-file"

    assert sign_in(role).client.put(path, content=b"x").status_code == 403


# --- cookies


def test_a_visitor_gets_a_route_once_and_keeps_it_through_the_sign_in(
    protected: Starlette, sign_in: SignIn
) -> None:
    browser = TestClient(protected, base_url=ORIGIN)

    first = browser.get("/").headers["set-cookie"]
    again = browser.get("/")

    assert first.startswith(f"{ROUTE_COOKIE}=")
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= {part.strip() for part in first.split(";")}
    assert "Secure" not in first
    assert "set-cookie" not in again.headers
    assert (
        "Secure" in TestClient(protected, base_url="http://korrigo.lycee.fr").get("/").headers["set-cookie"]
    )
    assert TestClient(protected).get("/").cookies[ROUTE_COOKIE] != browser.cookies[ROUTE_COOKIE]


def test_away_from_this_machine_the_cookie_is_bound_to_its_host(
    server: Starlette, sign_in: SignIn, database: sessionmaker[Session]
) -> None:
    sign_in(Role.SECRETARIAT, login="martin")
    far = TestClient(server, base_url="https://korrigo.lycee.fr")

    far.post("/auth/exchange", json={"ticket": ticket_for(database, "martin")})

    assert set(far.cookies) == {SECURE_COOKIE}
    assert far.get("/files/headers/1.jpg").status_code == 404
    planted = TestClient(
        server, base_url="https://korrigo.lycee.fr", cookies={COOKIE: far.cookies[SECURE_COOKIE]}
    )
    assert planted.get("/files/headers/1.jpg").status_code == 401


# --- where the browser is


def whence(server: Starlette, peer: str, **headers: str) -> str:
    client = TestClient(server, base_url=ORIGIN, client=(peer, 50000))
    return client.get("/whence", headers=headers).text


def test_what_a_proxy_says_is_believed_from_the_proxies_that_are_set_only(
    protected: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench import resources

    monkeypatch.setenv("KORRIGO_TRUSTED_PROXIES", "127.0.0.1,172.30.0.0/24")
    resources.forget()
    said = {"X-Forwarded-For": "82.64.10.20", "X-Forwarded-Proto": "https"}

    assert whence(protected, "127.0.0.1", **said) == "82.64.10.20 https"
    assert whence(protected, "172.30.0.7", **said) == "82.64.10.20 https"
    assert whence(protected, "203.0.113.9", **said) == "203.0.113.9 http"
    # What the browser itself put before the proxy's word is not believed.
    forged = {**said, "X-Forwarded-For": "9.9.9.9, 82.64.10.20"}
    assert whence(protected, "127.0.0.1", **forged) == "82.64.10.20 https"


def test_without_a_proxy_nobody_says_where_they_are(protected: Starlette) -> None:
    said = {"X-Forwarded-For": "82.64.10.20", "X-Forwarded-Proto": "https"}

    assert whence(protected, "127.0.0.1", **said) == "127.0.0.1 http"


# --- what an answer tells


def test_what_is_refused_at_the_exchange_is_told_in_the_same_words(
    visitor: Visitor, sign_in: SignIn, database: sessionmaker[Session]
) -> None:
    sign_in(Role.SECRETARIAT, login="martin")
    of_a_closed_account = ticket_for(database, "martin")
    accounts.set_disabled(database, SYSTEM, login="martin", disabled=True)

    answers = {
        visitor.client.post("/auth/exchange", json={"ticket": ticket}).text
        for ticket in ("x" * 43, of_a_closed_account, "")
    }

    assert len(answers) == 1
