"""Around every request: its id, how long it took, its line in the log, its place in the measurements."""

from __future__ import annotations

import logging
import time

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from workbench import logs, metrics
from workbench.resources import settings
from workbench.routes.probes import is_in

REQUEST_ID = "X-Request-ID"

_QUIET = ("/api/health/", "/metrics", "/static/", "/_stcore/")
"""Asked every few seconds, or forty at once: counted like the others, logged at the level ``debug``."""
_STREAMLIT = ("/_stcore/stream", "/_stcore/health", "/_stcore", "/static", "/media", "/component")

_log = logging.getLogger("korrigo.access")


class Observed:
    """ASGI middleware; the outermost, so that it sees what the others refuse."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and tell what became of it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        # Never taken back: what handles an exception further out logs under this id too, and each request
        # has a context of its own.
        request_id = logs.begin(_passed_on(connection))
        if scope["type"] == "websocket":
            await self._page(scope, receive, send)
            return
        started = time.monotonic()
        status = 500  # what the visitor gets when nothing was answered

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            _tell(scope, status, time.monotonic() - started)

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The websocket of a page, which lasts as long as the page is open."""
        metrics.page_opened()
        try:
            await self._app(scope, receive, send)
        finally:
            metrics.page_closed()


def _tell(scope: Scope, status: int, duration_s: float) -> None:
    route, method = template(scope), scope["method"]
    metrics.answered(route=route, method=method, status=status, duration_s=duration_s)
    quiet = scope["path"].startswith(_QUIET) and status < 500
    _log.log(
        logging.DEBUG if quiet else logging.INFO,
        "request",
        extra={
            "route": route,
            "method": method,
            "status": status,
            "duration_ms": round(duration_s * 1000, 1),
        },
    )


def template(scope: Scope) -> str:
    """The address as the route table writes it: ``/files/copies/{code}/pages/{page:row}.jpg``.

    What is none of our routes is Streamlit's, told by its first folder: an address that somebody typed
    must not end up in the log, nor grow the table of measurements.
    """
    route = scope.get("route")
    if isinstance(route, Route) and not route.path.startswith(_STREAMLIT):
        return route.path
    path: str = scope["path"]
    return next((start for start in _STREAMLIT if path.startswith(start)), "/(page)")


def _passed_on(connection: HTTPConnection) -> str:
    """The id that a proxy of ours gave the request; anybody else's would let them choose what we log."""
    if connection.client is None or not is_in(connection.client.host, settings().trusted_proxies):
        return ""
    return connection.headers.get(REQUEST_ID, "")
