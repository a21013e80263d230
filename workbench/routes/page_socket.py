"""The websocket of a page: each message is checked before Streamlit sees it.

Callbacks and fragments run before the guard of a page, or without it. So when a connection ended, or the
roles behind it changed, whatever the next message wanted becomes a run of the whole page, where the guard
answers. Messages that pages never send are not handed on: some of Streamlit's empty everybody's
caches, others write files.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg

from core.domain.access import Role
from core.services import connections
from workbench import page_owners
from workbench.cookie import token_of
from workbench.resources import sessions

_FROM_ANYBODY = frozenset({"rerun_script", "stop_script", "app_heartbeat"})
_FROM_SIGNED_IN = _FROM_ANYBODY | {"file_urls_request"}
_PROTOCOLS = "sec-websocket-protocol"


@dataclass(frozen=True)
class Rights:
    """What a connection opens at this moment: another value than a moment ago, and the page is run anew."""

    connection_id: int
    roles: frozenset[Role]
    must_change_password: bool = field(compare=False)
    """Only ever changes for a connection that stands when its person has just chosen a password."""


async def rights_now(token: str | None) -> Rights | None:
    """The rights behind a cookie, asked of the database; ``None`` for nobody."""
    who = await run_in_threadpool(connections.connection, sessions(), token)
    return Rights(who.connection_id, who.roles, who.must_change_password) if who else None


async def serve(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Let a page's websocket through to Streamlit, its messages checked."""
    token = token_of(HTTPConnection(scope))
    rights = await rights_now(token)
    # Streamlit goes on with any page whose number is named in the third protocol.
    scope["headers"] = _without_others_pages(scope, rights)
    last = rights

    async def receive_checked() -> Message:
        nonlocal last
        while True:
            message = await receive()
            if message["type"] != "websocket.receive":
                return message
            now = await rights_now(token)
            changed, last = now != last, now
            checked = _checked(message, now, changed=changed)
            if checked is not None:
                return checked

    await app(scope, receive_checked, send)


def _checked(message: Message, rights: Rights | None, *, changed: bool) -> Message | None:
    """The message to hand on, ``None`` for one that pages never send.

    What is no message at all goes on as it is: Streamlit closes the websocket.
    """
    sent: Any = BackMsg()
    try:
        sent.ParseFromString(message.get("bytes") or b"")
    except DecodeError:
        return message
    if changed:
        return {**message, "bytes": _whole_page(sent)}
    known = _FROM_ANYBODY if rights is None or rights.must_change_password else _FROM_SIGNED_IN
    return message if sent.WhichOneof("type") in known else None


def _whole_page(asked: Any) -> bytes:
    """A rerun message without widgets or fragment, for the same page as the one ``asked`` came from."""
    wanted: Any = BackMsg()
    wanted.rerun_script.query_string = asked.rerun_script.query_string
    wanted.rerun_script.page_script_hash = asked.rerun_script.page_script_hash
    answer: bytes = wanted.SerializeToString()
    return answer


def _without_others_pages(scope: Scope, rights: Rights | None) -> list[tuple[bytes, bytes]]:
    """The handshake's headers; the page to go on with is taken out unless it ran for this connection."""
    protocols = Headers(scope=scope).get(_PROTOCOLS, "").split(",")
    page = protocols[2].strip() if len(protocols) > 2 else ""
    headers = MutableHeaders(raw=list(scope["headers"]))
    if page and not page_owners.may_go_on(page, rights.connection_id if rights else None):
        headers[_PROTOCOLS] = ",".join(protocols[:2])
    return headers.raw
