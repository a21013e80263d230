"""Whether the process lives, and whether it can serve."""

from __future__ import annotations

from sqlalchemy import text
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from workbench.resources import blobs, sessions
from workbench.routes.access import blocking
from workbench.routes.answers import answering


async def live(_request: Request) -> Response:
    """The process answers."""
    return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})


@answering
async def ready(_request: Request) -> Response:
    """The database and the stored files answer too."""
    await blocking(_touch)
    return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})


def _touch() -> None:
    with sessions()() as session:
        session.execute(text("select 1"))
    blobs()


ROUTES = [
    Route("/api/health/live", live),
    Route("/api/health/ready", ready),
    Route("/api/health/", ready),
]
