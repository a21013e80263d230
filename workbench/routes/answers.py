"""Answers of our routes: JSON, images, files, and errors as one French sentence."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any
from urllib.parse import quote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from core.errors import BadInput, Conflict, ImpossibleTransition, NotAllowed, NotFound, WorkbenchError
from workbench import logs
from workbench.messages import unexpected
from workbench.routes.access import SignedOut
from workbench.routes.headers import headers_for
from workbench.sentences import sentence

Endpoint = Callable[[Request], Awaitable[Response]]

_STATUS: tuple[tuple[type[WorkbenchError], int], ...] = (
    (SignedOut, 401),
    (NotAllowed, 403),
    (NotFound, 404),
    (Conflict, 409),
    (ImpossibleTransition, 409),
    (BadInput, 422),
)
_STATUS_OF_CODE = {
    "upload_too_large": 413,
    "upload_chunk_too_large": 413,
    "upload_no_space": 507,
    "sign_in_throttled": 429,
}
_CLIENT_GONE = 499  # nginx's number for a client that closed before the answer

NEVER_KEPT = "private, no-store"
ASKED_AGAIN = "private, no-cache"


def answering(endpoint: Endpoint) -> Endpoint:
    """An endpoint whose errors become an answer with a sentence."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except WorkbenchError as error:
            return refusal(request, error)
        except ClientDisconnect:
            return Response(status_code=_CLIENT_GONE)

    return answer


def refusal(request: Request, error: WorkbenchError) -> Response:
    """The answer to what a person can mend: JSON for our components, a small page in a browser's tab."""
    status = _STATUS_OF_CODE.get(error.code) or next(
        (status for kind, status in _STATUS if isinstance(error, kind)), 422
    )
    return _told(request, status, error.code, sentence(error))


async def unexpected_error(request: Request, error: Exception) -> Response:
    """The answer to a bug: an error id that is in the log."""
    answer = _told(request, 500, "unexpected", unexpected(error))
    # This handler stands outside of our middleware, which would have added these.
    answer.headers.update({**headers_for(request), "X-Request-ID": logs.request_id()})
    return answer


def as_json(value: Any) -> JSONResponse:
    """A service's answer as JSON that no cache keeps."""
    return JSONResponse(plain(value), headers={"Cache-Control": NEVER_KEPT})


def plain(value: Any) -> Any:
    """Dataclasses, decimals (as text, exact), dates (ISO), enumerations and sets as JSON knows them."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: plain(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if not isinstance(getattr(value, field.name), WorkbenchError)
        }
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, date) else value


def image(request: Request, content: bytes, *, tag: str) -> Response:
    """A JPEG; a browser that has it already gets 304, after its right was checked again."""
    etag = f'"{tag}"'
    headers = {"ETag": etag, "Cache-Control": ASKED_AGAIN}
    known = {part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")}
    if etag in known:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="image/jpeg", headers=headers)


def download(content: bytes, *, name: str, media_type: str, inline: bool = False) -> Response:
    """A file that no cache keeps. ``name`` never holds a person's name: it stays in the browser's history."""
    place = "inline" if inline else "attachment"
    ascii_name = name.encode("ascii", "replace").decode().replace('"', "").replace("?", "_")
    return Response(
        content,
        media_type=media_type,
        headers={
            "Content-Disposition": f"{place}; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name)}",
            "Cache-Control": NEVER_KEPT,
        },
    )


def _told(request: Request, status: int, code: str, words: str) -> Response:
    headers = {"Cache-Control": NEVER_KEPT}
    if "text/html" in request.headers.get("accept", ""):
        return HTMLResponse(_PAGE.format(words=html.escape(words)), status_code=status, headers=headers)
    return JSONResponse({"error": {"code": code, "sentence": words}}, status_code=status, headers=headers)


_PAGE = """<!doctype html>
<html lang="fr"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>Korrigo</title>
<body style="font: 18px/1.5 serif; max-width: 36rem; margin: 20vh auto; padding: 0 1.5rem">
<p>{words}</p><p><a href="/">Korrigo</a></p></body></html>"""
