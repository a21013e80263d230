"""Headers that the secretariat draws on a scan: the pages to draw upon, a trial, keeping and removing."""

from __future__ import annotations

import base64
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.errors import BadInput
from core.services import header_models
from workbench.resources import blobs, sessions
from workbench.routes.access import (
    HIGHEST_ID,
    blocking,
    id_or_none,
    signed_in,
    whole_number,
    writer,
    writer_with_body,
)
from workbench.routes.answers import answering, as_json, image

_LONGEST = 1000
_MOST_FILES = 5000
_MOST_FIELDS = 20


@answering
async def pages(request: Request) -> Response:
    """The pages of a paper that can be drawn upon, and the headers drawn so far."""
    who = await signed_in(request)
    paper_id = request.path_params["paper_id"]
    offered = await blocking(header_models.pages, sessions(), who.actor, paper_id=paper_id)
    known = await blocking(header_models.drawn_models, sessions(), who.actor, paper_id=paper_id)
    return as_json({"pages": offered, "models": known})


@answering
async def picture(request: Request) -> Response:
    """A page upright, name included; ``?turn=`` by quarters more than the scan was given."""
    who = await signed_in(request)
    turn = whole_number(request.query_params.get("turn"), name="turn", low=0, high=270)
    drawn = await blocking(
        header_models.page_picture,
        sessions(),
        who.actor,
        blobs(),
        scan_image_id=request.path_params["image_id"],
        half=request.path_params["half"],
        turn=turn or 0,
    )
    return image(request, drawn.content, tag=drawn.sha256)


@answering
async def attempt(request: Request) -> Response:
    """What a drawing would find on other pages of its file: ``{"image", "half", "turn", "zone", "fields"}``."""
    who, body = await writer_with_body(request)
    trials = await blocking(header_models.try_model, sessions(), who.actor, blobs(), **_drawing(body))
    return as_json(
        {
            "trials": [
                {
                    "image": trial.image,
                    "found": trial.found,
                    "fields": trial.fields,
                    "crop": "data:image/jpeg;base64," + base64.b64encode(trial.crop).decode("ascii"),
                }
                for trial in trials
            ]
        }
    )


@answering
async def save(request: Request) -> Response:
    """Keep a drawing: as :func:`attempt`, with ``"name"`` and ``"kind"``."""
    who, body = await writer_with_body(request)
    if body.get("kind") not in ("copy", "annex"):
        raise BadInput("parameter_unreadable", parameter="kind")
    model_id = await blocking(
        header_models.learn_model,
        sessions(),
        who.actor,
        blobs(),
        name=_text(body, "name"),
        kind=body["kind"],
        **_drawing(body),
    )
    return as_json({"model_id": model_id})


@answering
async def remove(request: Request) -> Response:
    """Forget a drawn header."""
    who = await writer(request)
    model_id = request.path_params["model_id"]
    await blocking(header_models.remove_model, sessions(), who.actor, model_id=model_id)
    return as_json({"removed": model_id})


@answering
async def read_again(request: Request) -> Response:
    """Look again at unchecked files of a paper with the headers known now: ``{"files": [ids]}``."""
    who, body = await writer_with_body(request)
    found = await blocking(
        header_models.read_again,
        sessions(),
        who.actor,
        paper_id=request.path_params["paper_id"],
        file_ids=_files(body),
    )
    return as_json(found)


# --- What browsers send ---------------------------------------------------------------------------


def _drawing(body: dict[str, Any]) -> dict[str, Any]:
    image_id = id_or_none(body.get("image"), name="image")
    turn = body.get("turn", 0)
    fields = body.get("fields")
    if image_id is None:
        raise BadInput("parameter_unreadable", parameter="image")
    if isinstance(turn, bool) or not isinstance(turn, int):
        raise BadInput("parameter_unreadable", parameter="turn")
    if not isinstance(fields, dict) or len(fields) > _MOST_FIELDS:
        raise BadInput("parameter_unreadable", parameter="fields")
    return {
        "scan_image_id": image_id,
        "half": _text(body, "half"),
        "turn": turn,
        "zone": _share(body.get("zone"), "zone"),
        "fields": {field: _share(box, "fields") for field, box in fields.items()},
    }


def _share(value: object, name: str) -> header_models.Share:
    if not isinstance(value, list) or len(value) != 4:
        raise BadInput("parameter_unreadable", parameter=name)
    for side in value:
        # An integer too long for a float is no share of a page either.
        if isinstance(side, bool) or not isinstance(side, int | float) or not 0 <= side <= 1:
            raise BadInput("parameter_unreadable", parameter=name)
    left, top, right, bottom = (float(side) for side in value)
    return (left, top, right, bottom)


def _text(body: dict[str, Any], name: str) -> str:
    found = body.get(name) or ""
    if not isinstance(found, str) or len(found) > _LONGEST:
        raise BadInput("parameter_unreadable", parameter=name)
    return found


def _files(body: dict[str, Any]) -> list[int]:
    found = body.get("files")
    if not isinstance(found, list) or len(found) > _MOST_FILES:
        raise BadInput("parameter_unreadable", parameter="files")
    if not all(type(value) is int and 0 <= value <= HIGHEST_ID for value in found):
        raise BadInput("parameter_unreadable", parameter="files")
    return found


ROUTES = [
    Route("/scans/{paper_id:row}/header-pages.json", pages),
    Route("/files/scan-images/{image_id:row}/{half}.jpg", picture),
    Route("/scans/header-models/try", attempt, methods=["POST"]),
    Route("/scans/header-models", save, methods=["POST"]),
    Route("/scans/header-models/{model_id:row}/remove", remove, methods=["POST"]),
    Route("/scans/{paper_id:row}/read-again", read_again, methods=["POST"]),
]
