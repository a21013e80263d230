"""A half-page of a scan, large enough to be read: for the control of a lot and the atelier."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.services import half_page_views
from workbench.resources import blobs, sessions
from workbench.routes.access import blocking, signed_in
from workbench.routes.answers import answering, image


@answering
async def page(request: Request) -> Response:
    """A half-page upright, name included, for the secretariat. ``?turn=`` only names the drawing anew."""
    who = await signed_in(request)
    half_id = request.path_params["half_id"]
    drawn = await blocking(
        half_page_views.half_page, sessions(), who.actor, blobs(), half_id=half_id, width_px=_WIDTH_PX
    )
    return image(request, drawn.content, tag=drawn.sha256)


_WIDTH_PX = 1000
"""Handwriting is read at a glance; a wider page costs the school's network more than it shows."""

ROUTES = [Route("/files/halves/{half_id:row}/page.jpg", page)]
