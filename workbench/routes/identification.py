"""Decisions of the identification desk, one key at a time, without a rerun of the page."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.domain.entries import DecisionKind
from core.errors import BadInput
from core.services import identification
from workbench.resources import sessions
from workbench.routes.access import blocking, id_or_none, signed_in, writer, writer_with_body
from workbench.routes.answers import answering, as_json

_ID_FIELDS = ("candidate_id", "expected_decision_id")
_LONGEST_REASON = 500


@answering
async def desk(request: Request) -> Response:
    """Booklets with their proposals, and candidates: what is left is ranked again after each decision."""
    who = await signed_in(request)
    paper_id = request.path_params["paper_id"]
    return as_json(await blocking(identification.desk, sessions(), who.actor, paper_id=paper_id))


@answering
async def decide(request: Request) -> Response:
    """Say whose booklet it is: ``{"kind", "candidate_id", "expected_decision_id", "reason"?}``.

    With a reason a late booklet joins a copy that its corrector has already.
    """
    who, body = await writer_with_body(request)
    candidate_id, expected = (id_or_none(body.get(name), name=name) for name in _ID_FIELDS)
    if body.get("kind") not in list(DecisionKind):
        raise BadInput("parameter_unreadable", parameter="kind")
    reason = body.get("reason") or ""
    if not isinstance(reason, str) or len(reason) > _LONGEST_REASON:
        raise BadInput("parameter_unreadable", parameter="reason")
    decided = await blocking(
        identification.decide,
        sessions(),
        who.actor,
        booklet_id=request.path_params["booklet_id"],
        kind=DecisionKind(body["kind"]),
        candidate_id=candidate_id,
        expected_decision_id=expected,
        reason=reason,
    )
    return as_json(decided)


@answering
async def undo(request: Request) -> Response:
    """Take the decision on a booklet back."""
    who = await writer(request)
    booklet_id = request.path_params["booklet_id"]
    await blocking(identification.undo, sessions(), who.actor, booklet_id=booklet_id)
    return as_json({"undone": booklet_id})


ROUTES = [
    Route("/identification/papers/{paper_id:row}", desk),
    Route("/identification/{booklet_id:row}", decide, methods=["POST"]),
    Route("/identification/{booklet_id:row}/undo", undo, methods=["POST"]),
]
