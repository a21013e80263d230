"""The atelier d'agrafage and the control of a lot: what they show, and each repair, one request each."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.domain.entries import Place
from core.errors import BadInput
from core.services import lots, repairs, workshop
from workbench.resources import blobs, sessions
from workbench.routes.access import blocking, id_or_none, signed_in, whole_number, writer_with_body
from workbench.routes.answers import answering, as_json, image, plain
from workbench.scan_words import REASONS
from workbench.workshop_words import PLACES, difference_words, on_paper_words, repair_words

_LONGEST = 1000
_MOST_IDS = 5000
_OWN_FIELDS = ("kind", "version", "reason")


@answering
async def view(request: Request) -> Response:
    """Every sheet of a paper with what was found and done; ``?file=`` for one file of it."""
    who = await signed_in(request)
    file_id = whole_number(request.query_params.get("file"), name="file")
    paper_id = request.path_params["paper_id"]
    found = await blocking(workshop.workshop, sessions(), who.actor, paper_id=paper_id, file_id=file_id)
    return as_json(worded(found))


def worded(found: workshop.Workshop) -> dict[str, Any]:
    """The workshop as the pages get it, with its French words.

    Fields that say what is usual are left out: 340 sheets stay below 300 kB, and are written in no time.
    """
    told: dict[str, Any] = plain(dataclasses.replace(found, sheets=(), booklets=()))
    for line, lot in zip(told["lots"], found.lots, strict=True):
        line["id"] = lot.lot_id
        line["differences"] = [difference_words(difference) for difference in lot.differences]
    told["sheets"] = [_sheet(sheet) for sheet in found.sheets]
    told["booklets"] = [
        _unusual(booklet, on_paper=on_paper_words(booklet.on_paper)) for booklet in found.booklets
    ]
    for line, repair in zip(told["repairs"], found.repairs, strict=True):
        line["sentence"] = repair_words(repair)
    told["words"] = {"reasons": REASONS, "places": {place.value: words for place, words in PLACES.items()}}
    return told


def _sheet(sheet: workshop.SheetLine) -> dict[str, Any]:
    return {
        **_unusual(sheet, on_paper=on_paper_words(sheet.on_paper)),
        "images": [_unusual(image) for image in sheet.images],
        "halves": [_unusual(half, thumb="") for half in sheet.halves],
    }


_USUAL: dict[str, Any] = {"place": Place.BOOKLET.value, "level": workshop.OK}


def _unusual(line: Any, **otherwise: Any) -> dict[str, Any]:
    """The fields of a line, without those that are empty, 0, no, or as :data:`_USUAL` says."""
    fields = {**vars(line), **otherwise}
    return {name: value for name, value in fields.items() if value and value != _USUAL.get(name)}


@answering
async def repair(request: Request) -> Response:
    """Make one repair: ``{"kind", …its arguments, "version", "reason"?}``."""
    who, body = await writer_with_body(request)
    version = id_or_none(body.get("version"), name="version")
    if not isinstance(body.get("kind"), str) or version is None:
        raise BadInput("parameter_unreadable", parameter="kind" if version is not None else "version")
    made = await blocking(
        repairs.repair,
        sessions(),
        who.actor,
        paper_id=request.path_params["paper_id"],
        kind=body["kind"],
        arguments={name: value for name, value in body.items() if name not in _OWN_FIELDS},
        version=version,
        reason=_text(body, "reason"),
    )
    return as_json(made)


@answering
async def undo(request: Request) -> Response:
    """Undo one repair: ``{"reason"?}``."""
    who, body = await writer_with_body(request)
    made = await blocking(
        repairs.undo,
        sessions(),
        who.actor,
        paper_id=request.path_params["paper_id"],
        repair_id=request.path_params["repair_id"],
        reason=_text(body, "reason"),
    )
    return as_json(made)


@answering
async def check(request: Request) -> Response:
    """Say that lots or files are in order: ``{"lots": [ids], "files": [ids], "checked": true}``."""
    who, body = await writer_with_body(request)
    if not isinstance(body.get("checked", True), bool):
        raise BadInput("parameter_unreadable", parameter="checked")
    done = await blocking(
        repairs.check,
        sessions(),
        who.actor,
        paper_id=request.path_params["paper_id"],
        lots=_ids(body, "lots"),
        files=_ids(body, "files"),
        checked=body.get("checked", True),
    )
    return as_json(done)


@answering
async def set_lot(request: Request) -> Response:
    """Write what stands on an envelope: ``{"label", "stated_copies", "stated_sheets"}``."""
    who, body = await writer_with_body(request)
    done = await blocking(
        lots.set_lot,
        sessions(),
        who.actor,
        paper_id=request.path_params["paper_id"],
        lot_id=request.path_params["lot_id"],
        label=_text(body, "label"),
        stated_copies=id_or_none(body.get("stated_copies"), name="stated_copies"),
        stated_sheets=id_or_none(body.get("stated_sheets"), name="stated_sheets"),
    )
    told = plain(done)
    told["id"] = done.lot_id
    told["differences"] = [difference_words(difference) for difference in done.differences]
    return as_json(told)


@answering
async def thumbnail(request: Request) -> Response:
    """A small picture of a half-page as it was fed, for the secretariat."""
    who = await signed_in(request)
    half_id = request.path_params["half_id"]
    content = await blocking(workshop.thumbnail, sessions(), who.actor, blobs(), half_id=half_id)
    return image(request, content, tag=hashlib.sha256(content).hexdigest())


def _text(body: dict[str, Any], name: str) -> str:
    found = body.get(name) or ""
    if not isinstance(found, str) or len(found) > _LONGEST:
        raise BadInput("parameter_unreadable", parameter=name)
    return found


def _ids(body: dict[str, Any], name: str) -> list[int]:
    found = body.get(name) or []
    if not isinstance(found, list) or len(found) > _MOST_IDS:
        raise BadInput("parameter_unreadable", parameter=name)
    ids = [id_or_none(value, name=name) for value in found]
    if None in ids:
        raise BadInput("parameter_unreadable", parameter=name)
    return [value for value in ids if value is not None]


ROUTES = [
    Route("/scans/{paper_id:row}/workshop.json", view),
    Route("/scans/{paper_id:row}/repairs", repair, methods=["POST"]),
    Route("/scans/{paper_id:row}/repairs/{repair_id:row}/undo", undo, methods=["POST"]),
    Route("/scans/{paper_id:row}/check", check, methods=["POST"]),
    Route("/scans/{paper_id:row}/lots/{lot_id:row}", set_lot, methods=["POST"]),
    Route("/files/halves/{half_id:row}.jpg", thumbnail),
]
