"""Who asks a route, and whether a page of ours made them ask."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import HTTPConnection, Request

from core.domain import anonymity
from core.errors import BadInput, NotAllowed, NotFound, WorkbenchError
from core.services import connections
from core.services.connections import SignedIn
from workbench import logs
from workbench.cookie import token_of
from workbench.resources import sessions

CSRF_HEADER = "X-Korrigo-CSRF"
HIGHEST_ID = 2**31 - 1
"""The highest number that a column of either database holds."""

P = ParamSpec("P")
T = TypeVar("T")


class SignedOut(WorkbenchError):
    """No connection, or one that ended."""

    def __init__(self) -> None:
        super().__init__("signed_out")


async def blocking(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a service in a thread, so that the other visitors do not wait for it."""
    return await run_in_threadpool(function, *args, **kwargs)


async def signed_in(request: Request) -> SignedIn:
    """The connection of the request's cookie.

    Raises:
        SignedOut: There is none, or its password is still the one that must be changed.
    """
    who = await blocking(connections.connection, sessions(), token_of(request))
    if who is None or who.must_change_password:
        raise SignedOut
    logs.acting(who.account_id)
    return who


async def writer(request: Request) -> SignedIn:
    """As :func:`signed_in`, for requests that change something: a page of ours must have made them.

    Raises:
        NotAllowed: The CSRF token of the connection is missing, or another site asks.
    """
    from_our_pages(request)
    who = await signed_in(request)
    checked_csrf(request, who)
    return who


async def writer_with_body(request: Request) -> tuple[SignedIn, dict[str, Any]]:
    """As :func:`writer`, with the JSON body; asked again once it is whole, for a body can take its time.

    Raises:
        SignedOut: The connection ended before the body did.
        BadInput: As :func:`json_body`.
    """
    await writer(request)
    body = await json_body(request)
    return await writer(request), body


def checked_csrf(request: Request, who: SignedIn) -> None:
    """Refuse a request without the CSRF token that only our pages know.

    Raises:
        NotAllowed: The header is missing or is another connection's.
    """
    sent = request.headers.get(CSRF_HEADER, "")
    if not secrets.compare_digest(sent.encode(), who.csrf_token.encode()):
        raise NotAllowed(action="csrf")


def from_our_pages(request: Request) -> None:
    """Refuse requests that another site makes a browser send.

    Raises:
        NotAllowed: The request's origin is not this host.
    """
    if not is_from_this_host(request):
        raise NotAllowed(action="cross_origin")
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise NotAllowed(action="cross_origin")


def is_from_this_host(connection: HTTPConnection) -> bool:
    """Whether a request or a handshake that names an origin names this host; browsers always name one."""
    origin = connection.headers.get("origin")
    if origin is None:
        return True
    try:
        return urlsplit(origin).netloc == connection.headers.get("host")
    except ValueError:
        return False


async def json_body(request: Request, *, limit_bytes: int = 1 << 20) -> dict[str, Any]:
    """The JSON object of a request's body.

    Raises:
        BadInput: ``request_unreadable``: it is no JSON object, or longer than ``limit_bytes``.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit_bytes:
            raise BadInput("request_unreadable")
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):  # the latter of a body that is nothing but brackets
        raise BadInput("request_unreadable") from None
    if not isinstance(value, dict):
        raise BadInput("request_unreadable")
    return value


def whole_number(text: str | None, *, name: str, low: int = 1, high: int = HIGHEST_ID) -> int | None:
    """A number of the query, ``None`` when it is not given.

    Raises:
        BadInput: ``parameter_unreadable``: it is no number, or lies outside ``low..high``.
    """
    if text is None or text == "":
        return None
    if not text.isdecimal() or len(text) > len(str(high)) or not low <= int(text) <= high:
        raise BadInput("parameter_unreadable", parameter=name)
    return int(text)


def id_or_none(value: object, *, name: str) -> int | None:
    """The number of a row in a JSON body, ``None`` when it says so.

    Raises:
        BadInput: ``parameter_unreadable``: it is no number that a row can have.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= HIGHEST_ID:
        raise BadInput("parameter_unreadable", parameter=name)
    return value


class _RowNumber(Convertor[int]):
    """A number of the address, no longer than the database has room for: ``{paper_id:row}``."""

    regex = "[0-9]{1,9}"

    def convert(self, value: str) -> int:
        """The number."""
        return int(value)

    def to_string(self, value: int) -> str:
        """Its digits."""
        return str(value)


register_url_convertor("row", _RowNumber())


def copy_code(request: Request) -> str:
    """The copy's code of the address, in its written form.

    Raises:
        NotFound: The check character is wrong: no copy can have it.
    """
    code = anonymity.normalise(request.path_params["code"])
    if code is None:
        raise NotFound("copy")
    return code
