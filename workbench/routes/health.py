"""Whether the process lives, whether it can serve, and how its parts stand.

Everybody learns one word; figures are for the administrator and for the probes of the installation.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core.domain.access import Action, is_allowed
from core.services import health
from core.services.health import Health, Parts, Standing
from workbench.resources import blobs, sessions, settings
from workbench.routes.access import SignedOut, blocking, signed_in
from workbench.routes.answers import answering
from workbench.routes.probes import is_trusted

_NOT_KEPT = {"Cache-Control": "no-store"}
_UNAVAILABLE = 503


async def live(_request: Request) -> Response:
    """The process answers."""
    return JSONResponse({"status": "ok"}, headers=_NOT_KEPT)


@answering
async def ready(_request: Request) -> Response:
    """What is needed to serve answers too; otherwise 503, with codes and nothing of why."""
    failing = await blocking(health.readiness, _parts())
    if failing:
        told = {"status": "down", "failing": list(failing)}
        return JSONResponse(told, status_code=_UNAVAILABLE, headers=_NOT_KEPT)
    return JSONResponse({"status": "ok"}, headers=_NOT_KEPT)


@answering
async def overview(request: Request) -> Response:
    """How everything stands: one word, with all parts and figures for those who run the installation."""
    found = await blocking(found_now)
    told = _told(found) if await _may_see_figures(request, found) else {"status": found.standing.value}
    status = _UNAVAILABLE if found.standing is Standing.DOWN else 200
    return JSONResponse(told, status_code=status, headers=_NOT_KEPT)


def found_now() -> Health:
    """The parts of this installation, asked now."""
    return health.overview(_parts())


def _parts() -> Parts:
    return Parts(sessions, blobs, settings())


async def _may_see_figures(request: Request, found: Health) -> bool:
    if is_trusted(request):
        return True
    if found.component("database").standing is Standing.DOWN:
        return False  # who asks cannot be looked up
    try:
        who = await signed_in(request)
    except SignedOut:
        return False
    return is_allowed(who.actor, Action.VIEW_OPERATIONS)


def _told(found: Health) -> dict[str, object]:
    return {
        "status": found.standing.value,
        "version": found.version,
        "commit": found.commit,
        "components": {
            part.name: {
                "status": part.standing.value,
                "code": part.code,
                "latency_ms": None if part.latency_ms is None else round(part.latency_ms, 2),
                **part.figures,
            }
            for part in found.components
        },
    }


ROUTES = [
    Route("/api/health/live", live),
    Route("/api/health/ready", ready),
    Route("/api/health/", overview),
]
