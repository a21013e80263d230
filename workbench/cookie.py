"""The one cookie of the application: opaque, HttpOnly, its SHA-256 a row of the database."""

from __future__ import annotations

import ipaddress

from starlette.requests import HTTPConnection
from starlette.responses import Response

COOKIE = "korrigo"


def token_of(connection: HTTPConnection) -> str | None:
    """The token a request or a websocket handshake bears."""
    return connection.cookies.get(COOKIE)


def give(response: Response, connection: HTTPConnection, token: str, *, hours: int) -> None:
    """Set the cookie on ``response``; it never travels in clear except to this very machine."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=hours * 3600,
        path="/",
        httponly=True,
        samesite="lax",
        secure=not is_loopback(connection.url.hostname or ""),
    )


def take_back(response: Response, connection: HTTPConnection) -> None:
    """Make the browser forget the cookie."""
    response.delete_cookie(
        COOKIE,
        path="/",
        httponly=True,
        samesite="lax",
        secure=not is_loopback(connection.url.hostname or ""),
    )


def is_loopback(host: str) -> bool:
    """Whether ``host`` names this machine itself."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
