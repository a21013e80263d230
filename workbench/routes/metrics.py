"""``/metrics``: what Prometheus reads. To everybody else the address does not exist."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.errors import NotFound
from workbench import metrics
from workbench.routes.access import blocking
from workbench.routes.answers import answering
from workbench.routes.health import found_now
from workbench.routes.probes import is_trusted


@answering
async def read(request: Request) -> Response:
    """All measurements in Prometheus' text format.

    Raises:
        NotFound: The request comes from elsewhere than the settings say.
    """
    if not is_trusted(request):
        raise NotFound("address")
    content = await blocking(lambda: metrics.exposition(found_now()))
    return Response(content, media_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


ROUTES = [Route("/metrics", read)]
