"""Where the browser is, when a proxy stands in front.

``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed when, and only when, the request comes from a
network of ``KORRIGO_TRUSTED_PROXIES``: from anybody else they would let a guesser be a new address at each
guess. uvicorn's own reading of them believes 127.0.0.1 whatever is set, so it is switched off and its
middleware is used here.
"""

from __future__ import annotations

from functools import cached_property

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from workbench.resources import settings

UVICORN_SWITCH = "FORWARDED_ALLOW_IPS"
"""Environment variable of uvicorn; empty, it believes nobody."""


class Proxied:
    """ASGI middleware: puts the browser's address and scheme where the rest looks for them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Go on, with what a trusted proxy said."""
        await self._believing(scope, receive, send)  # type: ignore[arg-type]  # uvicorn's types are narrower

    @cached_property
    def _believing(self) -> ProxyHeadersMiddleware:
        # Made at the first request: settings are not read while the application is being put together.
        trusted = [str(network) for network in settings().trusted_proxies]
        return ProxyHeadersMiddleware(self._app, trusted_hosts=trusted)  # type: ignore[arg-type]
