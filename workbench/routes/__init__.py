"""Everything of the port that is not a Streamlit page: connection, scans in, files out, health."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from core.errors import NotFound
from workbench.routes import (
    files,
    half_pages,
    header_models,
    health,
    identification,
    marking,
    metrics,
    scans,
    sign_in,
    workshop,
)
from workbench.routes.answers import answering

OWN_PREFIXES = ("/auth", "/files", "/api")


def routes() -> list[BaseRoute]:
    """All routes; an address below a prefix of ours that is none of them answers 404, not Streamlit's page."""
    ends = [Route(f"{prefix}/{{rest:path}}", _nothing_here) for prefix in OWN_PREFIXES]
    return [
        *health.ROUTES,
        *metrics.ROUTES,
        *sign_in.ROUTES,
        *scans.ROUTES,
        *workshop.ROUTES,
        *half_pages.ROUTES,
        *header_models.ROUTES,
        *files.ROUTES,
        *identification.ROUTES,
        *marking.ROUTES,
        *ends,
    ]


@answering
async def _nothing_here(_request: Request) -> Response:
    raise NotFound("address")
