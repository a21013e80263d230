"""From the one-time ticket of the sign-in form to the cookie, and out again."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core.domain.browsers import browser_words
from core.errors import BadInput
from core.services import connections
from workbench import cookie
from workbench.resources import sessions, settings
from workbench.routes.access import blocking, checked_csrf, from_our_pages, json_body
from workbench.routes.answers import NEVER_KEPT, answering

_TICKET_BODY_BYTES = 1024


@answering
async def exchange(request: Request) -> Response:
    """Redeem a ticket: the connection opens and its cookie is set."""
    from_our_pages(request)
    ticket = (await json_body(request, limit_bytes=_TICKET_BODY_BYTES)).get("ticket")
    if not isinstance(ticket, str):
        raise BadInput("request_unreadable")
    hours = settings().sign_in_hours
    agent = browser_words(request.headers.get("user-agent", ""))
    opened = await blocking(connections.redeem_ticket, sessions(), ticket=ticket, hours=hours, agent=agent)
    await _end_previous(request)
    response = JSONResponse({"signed_in": True}, headers={"Cache-Control": NEVER_KEPT})
    cookie.give(response, request, opened.token, hours=hours)
    return response


@answering
async def sign_out(request: Request) -> Response:
    """End the connection: its row is revoked, so that a kept copy of the cookie opens nothing."""
    from_our_pages(request)
    token = cookie.token_of(request)
    who = await blocking(connections.connection, sessions(), token)
    if token and who is not None:
        checked_csrf(request, who)
        await blocking(connections.sign_out, sessions(), token=token)
    response = JSONResponse({"signed_in": False}, headers={"Cache-Control": NEVER_KEPT})
    cookie.take_back(response, request)
    return response


async def _end_previous(request: Request) -> None:
    """A browser that signs in again leaves no open connection behind."""
    token = cookie.token_of(request)
    if token:
        await blocking(connections.sign_out, sessions(), token=token)


ROUTES = [
    Route("/auth/exchange", exchange, methods=["POST"]),
    Route("/auth/sign-out", sign_out, methods=["POST"]),
]
