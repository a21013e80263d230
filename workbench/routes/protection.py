"""What stands before every request: hosts, closed addresses, headers, and the check of each websocket message."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

from core.domain.access import POLICY, Action
from workbench import cookie
from workbench.routes import page_socket
from workbench.routes.access import is_from_this_host
from workbench.routes.headers import headers_for

CLOSED = ("/_stcore/metrics", "/_stcore/agent", "/_stcore/script-health-check")
"""Streamlit's own doors that nothing of ours needs, wherever they are mounted."""
MEDIA = "/media/"
"""Streamlit serves there to whoever knows a hash; nothing of ours is put there. Its fonts are elsewhere."""
UPLOADS = "/_stcore/upload_file/"
"""Streamlit keeps what is sent there in memory: open to those only whose pages take lists and schemes."""
_UPLOADERS = frozenset(POLICY[Action.IMPORT_ROSTER]) | frozenset(POLICY[Action.CREATE_PAPER])


class Protection:
    """ASGI middleware around Streamlit and our routes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through with its headers, or a websocket with its messages checked."""
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        elif scope["type"] == "http":
            await self._request(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = HTTPConnection(scope)
        if _is_host_allowed(connection) and is_from_this_host(connection):
            await page_socket.serve(self._app, scope, receive, send)
            return
        await receive()  # websocket.connect; closed before it is accepted, the browser gets 403
        await send({"type": "websocket.close", "code": 1008})

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = HTTPConnection(scope)
        path: str = scope["path"]

        async def send_protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in headers_for(connection).items():
                    headers.setdefault(name, value)
                _give_route(connection, headers)
            await send(message)

        answer = await self._refusal(connection, path) or self._app
        await answer(scope, receive, send_protected)

    async def _refusal(self, connection: HTTPConnection, path: str) -> ASGIApp | None:
        if not _is_host_allowed(connection):
            return PlainTextResponse("", status_code=400)
        if path.startswith(MEDIA) or any(part in path for part in CLOSED):
            return PlainTextResponse("", status_code=404)
        if UPLOADS in path:
            rights = await page_socket.rights_now(cookie.token_of(connection))
            if rights is None or rights.must_change_password:
                return PlainTextResponse("", status_code=401)
            if not rights.roles & _UPLOADERS:
                return PlainTextResponse("", status_code=403)
        return None


def _is_host_allowed(connection: HTTPConnection) -> bool:
    """Whether the request names this server, as ``server.allowedHosts`` says; this machine always does."""
    host = connection.headers.get("host", "")
    return cookie.is_loopback(cookie.host_name(host)) or is_host_allowed(host)


def _give_route(connection: HTTPConnection, headers: MutableHeaders) -> None:
    """A page's first answer gives the browser its route, before any websocket is opened."""
    if Headers(raw=headers.raw).get("content-type", "").startswith("text/html"):
        route = cookie.new_route(connection)
        if route is not None:
            headers.append("Set-Cookie", route)
