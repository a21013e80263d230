"""The cookies of the application: opaque, HttpOnly, never in clear except to this very machine.

``korrigo`` is the connection: its SHA-256 is a row of the database. Elsewhere than on this machine it bears
the prefix ``__Host-``, so that a browser takes it from this host over TLS only and no neighbour under the
same domain can plant one (RFC 6265bis, "cookie name prefixes"). ``korrigo_route`` says nothing about
anybody: a proxy in front of several replicas hashes it, so that a browser stays on one of them.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import Response

COOKIE = "korrigo"
SECURE_COOKIE = f"__Host-{COOKIE}"
ROUTE_COOKIE = "korrigo_route"


def token_of(connection: HTTPConnection) -> str | None:
    """The token a request or a websocket handshake bears."""
    return token_in(connection.cookies, host=connection.headers.get("host", ""))


def token_in(cookies: Mapping[str, str], *, host: str) -> str | None:
    """The token among the cookies sent to ``host`` (a ``Host`` header)."""
    token = cookies.get(SECURE_COOKIE)
    return cookies.get(COOKIE) if token is None and is_loopback(host_name(host)) else token


def give(response: Response, connection: HTTPConnection, token: str, *, hours: int) -> None:
    """Set the connection's cookie on ``response``."""
    secure = travels_in_secret(connection)
    response.set_cookie(
        SECURE_COOKIE if secure else COOKIE,
        token,
        max_age=hours * 3600,
        path="/",
        httponly=True,
        samesite="lax",
        secure=secure,
    )


def take_back(response: Response, connection: HTTPConnection) -> None:
    """Make the browser forget the connection's cookie."""
    secure = travels_in_secret(connection)
    name = SECURE_COOKIE if secure else COOKIE
    response.delete_cookie(name, path="/", httponly=True, samesite="lax", secure=secure)


def new_route(connection: HTTPConnection) -> str | None:
    """The ``Set-Cookie`` of a browser that has no route yet."""
    if ROUTE_COOKIE in connection.cookies:
        return None
    secure = "; Secure" if travels_in_secret(connection) else ""
    return f"{ROUTE_COOKIE}={secrets.token_urlsafe(12)}; Path=/; HttpOnly; SameSite=lax{secure}"


def travels_in_secret(connection: HTTPConnection) -> bool:
    """Whether a cookie must be Secure: always, except in clear to this very machine.

    The scheme is the browser's: the server puts it there from ``X-Forwarded-Proto`` when, and only when, a
    trusted proxy sent it.
    """
    if connection.scope.get("scheme") in ("https", "wss"):
        return True
    return not is_loopback(host_name(connection.headers.get("host", "")))


def host_name(host: str) -> str:
    """The name in a ``Host`` header, without its port; empty when it is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Whether ``host`` names this machine itself."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
