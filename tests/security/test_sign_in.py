"""The cookie and the connection behind it: opened once, checked each time, ended at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session, sessionmaker
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.testclient import TestClient
from starlette.types import Message
from streamlit.proto.BackMsg_pb2 import BackMsg

from core.domain.access import Role
from core.services import accounts, connections
from tests.security.conftest import ORIGIN, PASSWORD, SYSTEM, Visitor
from tests.tickets import ticket_for
from workbench.cookie import COOKIE, is_loopback
from workbench.routes.protection import Protection

SignIn = Callable[..., Visitor]


@pytest.fixture
def ticket(database: sessionmaker[Session]) -> str:
    accounts.create_account(
        database, SYSTEM, login="martin", roles=[Role.SECRETARIAT], surname="Martin", password=PASSWORD
    )
    return ticket_for(database, "martin")


def exchange(visitor: Visitor, ticket: object, **headers: str) -> int:
    return visitor.client.post("/auth/exchange", json={"ticket": ticket}, headers=headers).status_code


def test_a_ticket_gives_an_opaque_cookie_that_scripts_cannot_read(visitor: Visitor, ticket: str) -> None:
    answer = visitor.client.post("/auth/exchange", json={"ticket": ticket})

    [cookie] = answer.headers.get_list("set-cookie")
    assert cookie.startswith(f"{COOKIE}=")
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "martin" not in cookie
    assert visitor.client.cookies[COOKIE] not in answer.text


def test_the_cookie_travels_in_clear_to_this_very_machine_only(
    server: Starlette, database: sessionmaker[Session], ticket: str
) -> None:
    far = TestClient(server, base_url="http://korrigo.lycee.fr")
    near = TestClient(server, base_url="http://127.0.0.1:8501")
    second = ticket_for(database, "martin")

    assert "Secure" in far.post("/auth/exchange", json={"ticket": ticket}).headers["set-cookie"]
    assert "Secure" not in near.post("/auth/exchange", json={"ticket": second}).headers["set-cookie"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.0.1", "::1", "[::1]", "demo.localhost"])
def test_hosts_that_are_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "korrigo.lycee.fr", "192.168.1.4", "localhost.lycee.fr", "127.0.0.1.fr"]
)
def test_hosts_that_are_not(host: str) -> None:
    assert not is_loopback(host)


def test_a_ticket_opens_once(visitor: Visitor, server: Starlette, ticket: str) -> None:
    thief = Visitor(TestClient(server, base_url=ORIGIN))

    assert exchange(visitor, ticket) == 200
    assert exchange(thief, ticket) == 403
    assert COOKIE not in thief.client.cookies


@pytest.mark.parametrize("wrong", ["", "x" * 43, None, 12, ["a"]])
def test_what_is_no_ticket_opens_nothing(visitor: Visitor, wrong: object) -> None:
    assert exchange(visitor, wrong) in (403, 422)
    assert COOKIE not in visitor.client.cookies


def test_half_a_character_is_no_ticket(visitor: Visitor) -> None:
    answer = visitor.client.post(
        "/auth/exchange", content=rb'{"ticket": "\ud800"}', headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == 403


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_another_site_cannot_sign_a_browser_in(
    visitor: Visitor, ticket: str, headers: dict[str, str]
) -> None:
    assert exchange(visitor, ticket, **headers) == 403
    assert exchange(visitor, ticket) == 200


def test_a_cookie_kept_after_the_sign_out_opens_nothing(sign_in: SignIn, server: Starlette) -> None:
    who = sign_in(Role.SECRETARIAT)
    kept = who.client.cookies[COOKIE]

    assert who.client.post("/auth/sign-out", headers=who.headers).status_code == 200

    assert COOKIE not in who.client.cookies
    replay = TestClient(server, base_url=ORIGIN, cookies={COOKIE: kept})
    assert replay.get("/files/headers/1.jpg").status_code == 401


def test_another_site_cannot_sign_a_browser_out(sign_in: SignIn) -> None:
    who = sign_in(Role.SECRETARIAT)

    assert who.client.post("/auth/sign-out").status_code == 403
    assert (
        who.client.post("/auth/sign-out", headers={**who.headers, "Origin": "http://evil"}).status_code == 403
    )
    assert who.client.get("/files/headers/1.jpg").status_code == 404


def test_signing_in_again_ends_the_connection_before(
    sign_in: SignIn, server: Starlette, database: sessionmaker[Session]
) -> None:
    who = sign_in(Role.SECRETARIAT, login="martin")
    first = who.client.cookies[COOKIE]

    assert exchange(who, ticket_for(database, "martin")) == 200

    assert connections.connection(database, first) is None


def test_a_disabled_account_is_cut_at_once(sign_in: SignIn, database: sessionmaker[Session]) -> None:
    who = sign_in(Role.SECRETARIAT, login="martin")

    accounts.set_disabled(database, SYSTEM, login="martin", disabled=True)

    assert who.client.get("/files/headers/1.jpg").status_code == 401


def test_with_a_password_to_change_no_file_is_served(sign_in: SignIn) -> None:
    who = sign_in(Role.SECRETARIAT, must_change=True)

    assert who.client.get("/files/headers/1.jpg").status_code == 401


def click(page_hash: str = "abc") -> bytes:
    """A websocket message of a page: a fragment asks to run after a click."""
    message = BackMsg()
    message.rerun_script.fragment_id = "jobs"
    message.rerun_script.page_script_hash = page_hash
    message.rerun_script.query_string = "copie=K7-4QXM"
    message.rerun_script.widget_states.widgets.add(id="publish", trigger_value=True)
    return message.SerializeToString()


async def through_the_websocket(token: str, *steps: bytes | Callable[[], None]) -> list[BackMsg]:
    """What Streamlit receives of messages sent with a cookie; a function among them is called in between."""
    seen: list[BackMsg] = []
    scope = {
        "type": "websocket",
        "path": "/_stcore/stream",
        "headers": [(b"host", b"localhost"), (b"cookie", f"{COOKIE}={token}".encode())],
    }
    waiting = list(steps)

    async def receive() -> Message:
        while callable(waiting[0]):
            waiting.pop(0)()
        return {"type": "websocket.receive", "bytes": waiting.pop(0)}

    async def streamlit(scope: object, receive: Callable[[], object], send: object) -> None:
        for _ in [step for step in steps if not callable(step)]:
            seen.append(BackMsg.FromString((await receive())["bytes"]))

    async def send(message: Message) -> None:
        raise AssertionError(message)

    await Protection(streamlit)(scope, receive, send)
    assert HTTPConnection(scope).cookies[COOKIE] == token
    return seen


@pytest.mark.anyio
async def test_messages_of_a_connection_that_stands_pass_as_they_are(sign_in: SignIn) -> None:
    token = sign_in(Role.SECRETARIAT).client.cookies[COOKIE]

    [seen] = await through_the_websocket(token, click())

    assert seen.SerializeToString() == click()


@pytest.mark.anyio
async def test_a_message_after_the_end_only_runs_the_whole_page_where_the_guard_is(
    sign_in: SignIn, database: sessionmaker[Session]
) -> None:
    token = sign_in(Role.SECRETARIAT, login="martin").client.cookies[COOKIE]

    def cut() -> None:
        accounts.set_disabled(database, SYSTEM, login="martin", disabled=True)

    first, second = await through_the_websocket(token, click(), cut, click())

    assert first.rerun_script.fragment_id == "jobs"
    assert not second.rerun_script.HasField("widget_states")
    assert second.rerun_script.fragment_id == ""
    assert second.rerun_script.page_script_hash == "abc"


@pytest.mark.anyio
async def test_somebody_with_an_old_cookie_can_still_use_the_sign_in_form(home: object) -> None:
    [seen] = await through_the_websocket("a-cookie-of-last-year", click())

    assert seen.SerializeToString() == click()
