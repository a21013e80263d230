"""Scans come in here: by chunks that go straight to the disk, so that a cut line costs no more than one."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core.domain.access import Action, authorise
from core.errors import BadInput, Conflict
from core.services import uploads
from core.services.uploads import CHUNK_BYTES, Chunk, Refusal, ScanOptions, UploadEnd, UploadView
from workbench.resources import blobs, sessions, settings
from workbench.routes.access import blocking, signed_in, whole_number, writer, writer_with_body
from workbench.routes.answers import NEVER_KEPT, answering, as_json
from workbench.sentences import sentence, sentence_of

_PIECE_BYTES = 256 << 10
"""Written at once: on a slow line, a sign of life every few seconds."""
_LONGEST_NAME = 200
_LARGEST = 2**53
"""The highest whole number that a browser counts with."""


@answering
async def start(request: Request) -> Response:
    """Announce a file, or find the upload of it that was left unfinished: its token and what has come of it."""
    who, body = await writer_with_body(request)
    name = base_name(str(body.get("name") or ""))
    if not name:
        raise BadInput("parameter_unreadable", parameter="name")
    options = ScanOptions(
        layout=str(body.get("layout") or "auto"),
        pages_per_copy=_count(body, "pages_per_copy", low=1, high=200),
        lot_label=str(body.get("lot") or "").strip()[:_LONGEST_NAME],
        stated_copies=_count(body, "stated_copies", high=100_000),
        stated_sheets=_count(body, "stated_sheets", high=100_000),
    )
    byte_size = _count(body, "byte_size", high=_LARGEST)
    if byte_size is None:
        raise BadInput("parameter_unreadable", parameter="byte_size")
    view = await blocking(
        uploads.start,
        sessions(),
        who.actor,
        folder(),
        paper_id=request.path_params["paper_id"],
        name=name,
        byte_size=byte_size,
        fingerprint=str(body.get("fingerprint") or "")[:_LONGEST_NAME],
        options=options,
        limit_bytes=settings().upload_limit_bytes,
    )
    return as_json(_standing(view))


@answering
async def standing(request: Request) -> Response:
    """Where an upload stands."""
    who = await signed_in(request)
    view = await blocking(
        uploads.standing, sessions(), who.actor, folder(), token=request.path_params["token"]
    )
    return as_json(_standing(view))


@answering
async def receive(request: Request) -> Response:
    """Take the bytes from ``?offset=`` on; with the last of them, the file itself.

    The right, the CSRF token and the announced size are checked before a byte of the body is read. What has
    come of a body that is cut off is kept.
    """
    who = await writer(request)
    authorise(who.actor, Action.ADD_SCANS)
    token = request.path_params["token"]
    offset = whole_number(request.query_params.get("offset"), name="offset", low=0, high=_LARGEST)
    if offset is None:
        raise BadInput("parameter_unreadable", parameter="offset")
    if int(request.headers.get("content-length") or 0) > CHUNK_BYTES:
        raise BadInput("upload_chunk_too_large", limit_bytes=CHUNK_BYTES)
    upload = {"token": token}
    try:
        chunk = await blocking(uploads.begin_chunk, sessions(), who.actor, folder(), **upload, offset=offset)
        try:
            await _write(request, chunk)
        except ClientDisconnect:
            await blocking(uploads.keep, sessions(), who.actor, folder(), **upload, position=chunk.position)
            raise
        who = await writer(request)  # asked again: a connection may end while a chunk comes
        view = await blocking(
            uploads.keep, sessions(), who.actor, folder(), **upload, position=chunk.position
        )
        if view.received < view.byte_size or view.ended:
            return as_json(_standing(view))
        limit = settings().image_limit
        end = await blocking(
            uploads.finish, sessions(), who.actor, blobs(), folder(), **upload, image_limit=limit
        )
        return as_json({**_standing(view), "ended": _end(end)})
    except Conflict as error:
        view = await blocking(uploads.standing, sessions(), who.actor, folder(), **upload)
        if view.ended:
            return as_json(_standing(view))
        told = {"error": {"code": error.code, "sentence": sentence(error)}, **_standing(view)}
        return JSONResponse(told, status_code=409, headers={"Cache-Control": NEVER_KEPT})


@answering
async def give_up(request: Request) -> Response:
    """End an upload; nothing of it is kept."""
    who = await writer(request)
    await blocking(uploads.give_up, sessions(), who.actor, folder(), token=request.path_params["token"])
    return as_json({"token": request.path_params["token"]})


def base_name(name: str) -> str:
    """The last part of a path of any system, without control signs, cut to a length people read."""
    last = PureWindowsPath(PurePosixPath(name).name).name
    return "".join(sign for sign in last if sign.isprintable())[-_LONGEST_NAME:]


def folder() -> Path:
    """Where partial files are."""
    return settings().home / uploads.FOLDER


async def _write(request: Request, chunk: Chunk) -> None:
    """Write the body by pieces while it comes; of a body that is cut off, all that came.

    Raises:
        ClientDisconnect: It was cut off.
        BadInput: ``upload_chunk_too_large``: it goes on beyond what may come, whatever was announced.
        Conflict: Somebody else went on with the file.
    """
    waiting = bytearray()
    try:
        async for part in request.stream():
            waiting += part
            if len(waiting) >= _PIECE_BYTES:
                await blocking(chunk.write, bytes(waiting))
                waiting.clear()
    except ClientDisconnect:
        await blocking(chunk.write, bytes(waiting))
        raise
    await blocking(chunk.write, bytes(waiting))


def _standing(view: UploadView) -> dict[str, Any]:
    return {
        "token": view.token,
        "received": view.received,
        "byte_size": view.byte_size,
        "chunk_bytes": view.chunk_bytes,
        "ended": _end(view.ended) if view.ended else None,
    }


def _end(end: UploadEnd) -> dict[str, Any]:
    return {
        "scan_file_id": end.scan_file_id,
        "known": end.known,
        "files": list(end.files),
        "refused": [_reason(each) for each in end.refused],
    }


def _reason(refusal: Refusal) -> str:
    told = sentence_of(refusal.code, refusal.details)
    return told if told.startswith(refusal.name) else f"{refusal.name} : {told}"


def _count(body: dict[str, Any], name: str, *, low: int = 0, high: int) -> int | None:
    """A whole number of a JSON body, ``None`` when it is not given.

    Raises:
        BadInput: ``parameter_unreadable``: it is no number, or lies outside ``low..high``.
    """
    value = body.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise BadInput("parameter_unreadable", parameter=name)
    return value


ROUTES = [
    Route("/scans/{paper_id:row}/uploads", start, methods=["POST"]),
    Route("/scans/uploads/{token}", standing, methods=["GET"]),
    Route("/scans/uploads/{token}", receive, methods=["PUT"]),
    Route("/scans/uploads/{token}", give_up, methods=["DELETE"]),
]
