"""What stands before every request: headers, closed addresses, and the check of each websocket message."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any

import streamlit
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg

from core.services import accounts
from workbench.cookie import token_of
from workbench.resources import sessions

CLOSED = ("/_stcore/metrics", "/_stcore/agent")

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "SAMEORIGIN",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_FILES_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


class Protection:
    """ASGI middleware around Streamlit and our routes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through with its headers, or a websocket with its messages checked."""
        if scope["type"] == "websocket":
            await self._app(scope, _checked(scope, receive), send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]

        async def send_protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Content-Security-Policy", _policy(path))
            await send(message)

        closed = any(part in path for part in CLOSED)
        answer: ASGIApp = PlainTextResponse("", status_code=404) if closed else self._app
        await answer(scope, receive, send_protected)


def _checked(scope: Scope, receive: Receive) -> Receive:
    """Each message of a signed-in page asks the database whether the connection still stands.

    When it ended, whatever the message wanted becomes a rerun of the whole page, where the guard
    answers: callbacks and fragments run before the guard, or without it.
    """
    token = token_of(HTTPConnection(scope))
    stood: bool | None = None

    async def receive_checked() -> Message:
        nonlocal stood
        message = await receive()
        if message["type"] != "websocket.receive" or token is None:
            return message
        stands = await run_in_threadpool(_stands, token)
        if stood and not stands:
            message = {**message, "bytes": _whole_page(message.get("bytes") or b"")}
        stood = stands
        return message

    return receive_checked


def _stands(token: str) -> bool:
    return accounts.connection(sessions(), token) is not None


def _whole_page(sent: bytes) -> bytes:
    """A rerun message without widgets or fragment, for the same page as the one ``sent`` came from."""
    wanted: Any = BackMsg()
    asked: Any = BackMsg.FromString(sent)
    wanted.rerun_script.query_string = asked.rerun_script.query_string
    wanted.rerun_script.page_script_hash = asked.rerun_script.page_script_hash
    answer: bytes = wanted.SerializeToString()
    return answer


def _policy(path: str) -> str:
    return _FILES_POLICY if path.startswith("/files/") else _page_policy()


@cache
def _page_policy() -> str:
    """What Streamlit's pages need: its own files, components' code as blobs, styles set by emotion."""
    index = Path(streamlit.__file__).parent / "static" / "index.html"
    scripts = _INLINE_SCRIPT.findall(index.read_text(encoding="utf-8"))
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in scripts
    )
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' blob: {hashes}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "frame-src 'self' blob:",
            "object-src 'self'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'self'",
        )
    )
