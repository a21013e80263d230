"""What a corrector does is sent here, action by action; the answer says until where it is kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.errors import BadInput
from core.services import marking
from core.services.mark_actions import ActionKind, MarkAction
from workbench.resources import sessions
from workbench.routes.access import blocking, copy_code, id_or_none, signed_in, writer_with_body
from workbench.routes.answers import answering, as_json, plain
from workbench.workshop_words import notice_words

_MOST_ACTIONS = 500
_KINDS: tuple[ActionKind, ...] = get_args(ActionKind)
# A sign is read, so that the domain says what is wrong with it; an exponent is not.
_POINTS = re.compile(r"-?[0-9]{1,6}(\.[0-9]{1,4})?")


@answering
async def view(request: Request) -> Response:
    """All of a copy's marking, as it stands now."""
    who = await signed_in(request)
    return as_json(worded(await blocking(marking.open_copy, sessions(), who.actor, code=copy_code(request))))


def worded(view: marking.MarkingView) -> dict[str, Any]:
    """What the marking desk gets: the view, with what changed in the pages as a sentence, or nothing."""
    told: dict[str, Any] = plain(view)
    told["notice"] = notice_words(view.notice)
    return told


@answering
async def acknowledge(request: Request) -> Response:
    """The corrector has seen what changed in the pages: ``{"page_set": its number}``."""
    who, body = await writer_with_body(request)
    page_set = id_or_none(body.get("page_set"), name="page_set")
    if page_set is None:
        raise BadInput("parameter_unreadable", parameter="page_set")
    code = copy_code(request)
    await blocking(marking.acknowledge, sessions(), who.actor, code=code, page_set=page_set)
    return as_json({"seen": page_set})


@answering
async def save(request: Request) -> Response:
    """Keep ``{"actions": [...]}`` in one transaction; each has the fields of ``MarkAction``."""
    who, body = await writer_with_body(request)
    code = copy_code(request)
    sent = body.get("actions")
    if not isinstance(sent, list) or not 1 <= len(sent) <= _MOST_ACTIONS:
        raise BadInput("request_unreadable")
    actions = [mark_action(value) for value in sent]
    saved = await blocking(marking.save_actions, sessions(), who.actor, code=code, actions=actions)
    return as_json(saved)


def mark_action(value: object) -> MarkAction:
    """One action from its JSON object; points may come with a decimal comma.

    Raises:
        BadInput: ``parameter_unreadable``, with the field.
    """
    if not isinstance(value, Mapping):
        raise BadInput("request_unreadable")
    kind = next((known for known in _KINDS if known == value.get("kind")), None)
    if kind is None:
        raise BadInput("parameter_unreadable", parameter="kind")
    version = id_or_none(value.get("expected_version"), name="expected_version")
    if version is None:
        raise BadInput("parameter_unreadable", parameter="expected_version")
    return MarkAction(
        kind=kind,
        expected_version=version,
        item_id=id_or_none(value.get("item_id"), name="item_id"),
        points=_points(value.get("points")),
        text=_text(value, "text") or "",
        page=id_or_none(value.get("page"), name="page"),
        shape=_shape(value.get("shape")),
        annotation_kind=_text(value, "annotation_kind"),
        annotation_id=id_or_none(value.get("annotation_id"), name="annotation_id"),
        page_set=id_or_none(value.get("page_set"), name="page_set"),
    )


def _text(value: Mapping[str, Any], name: str) -> str | None:
    found = value.get(name)
    if found is None or isinstance(found, str):
        return found
    raise BadInput("parameter_unreadable", parameter=name)


def _points(found: object) -> Decimal | None:
    if found is None or found == "":
        return None
    text = str(found).replace(",", ".")
    if isinstance(found, bool) or not _POINTS.fullmatch(text):
        raise BadInput("parameter_unreadable", parameter="points")
    return Decimal(text)


def _shape(found: object) -> Mapping[str, Any] | None:
    if found is None or isinstance(found, Mapping):
        return found
    raise BadInput("parameter_unreadable", parameter="shape")


ROUTES = [
    Route("/marking/{code}", view, methods=["GET"]),
    Route("/marking/{code}", save, methods=["POST"]),
    Route("/marking/{code}/notice", acknowledge, methods=["POST"]),
]
