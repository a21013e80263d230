"""Scans come in here: read as a stream, counted while it comes, never held in memory."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath
from typing import BinaryIO

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.domain.access import Action, authorise
from core.errors import BadInput
from core.services import scans
from workbench.resources import blobs, sessions, settings
from workbench.routes.access import blocking, whole_number, writer
from workbench.routes.answers import answering, as_json

_BUFFER_BYTES = 1 << 20
_LONGEST_NAME = 200


@answering
async def add(request: Request) -> Response:
    """Take in one file: ``?name=`` as it was called, ``layout=``, ``pages_per_copy=``, ``lot=`` its label.

    The right, the CSRF token and the announced size are checked before a byte of the body is read.
    """
    who = await writer(request)
    authorise(who.actor, Action.ADD_SCANS)
    query = request.query_params
    name = base_name(query.get("name", ""))
    if not name:
        raise BadInput("parameter_unreadable", parameter="name")
    pages_per_copy = whole_number(query.get("pages_per_copy"), name="pages_per_copy", high=200)
    limit = settings().upload_limit_bytes
    if int(request.headers.get("content-length") or 0) > limit:
        raise BadInput("upload_too_large", file=name, limit_bytes=limit)
    with blobs().incoming_file() as (file, path):
        await _receive(request, file, name=name, limit=limit)
        who = await writer(request)  # asked again: a scan takes minutes, in which a connection may end
        added = await blocking(
            scans.add_scan,
            sessions(),
            who.actor,
            blobs(),
            paper_id=request.path_params["paper_id"],
            file_name=name,
            path=path,
            layout=query.get("layout", "auto"),
            pages_per_copy=pages_per_copy,
            lot_label=query.get("lot", "")[:_LONGEST_NAME],
            image_limit=settings().image_limit,
        )
    return as_json(added)


def base_name(name: str) -> str:
    """The last part of a path of any system, without control signs, cut to a length people read."""
    last = PureWindowsPath(PurePosixPath(name).name).name
    return "".join(sign for sign in last if sign.isprintable())[-_LONGEST_NAME:]


async def _receive(request: Request, file: BinaryIO, *, name: str, limit: int) -> None:
    """Write the body to ``file`` by the mebibyte.

    Raises:
        BadInput: ``upload_too_large``: the body goes on beyond ``limit``, whatever was announced.
    """
    received = 0
    waiting = bytearray()
    async for chunk in request.stream():
        received += len(chunk)
        if received > limit:
            raise BadInput("upload_too_large", file=name, limit_bytes=limit)
        waiting += chunk
        if len(waiting) >= _BUFFER_BYTES:
            await blocking(file.write, bytes(waiting))
            waiting.clear()
    await blocking(file.write, bytes(waiting))
    await blocking(file.flush)


ROUTES = [Route("/scans/{paper_id:row}", add, methods=["POST"])]
