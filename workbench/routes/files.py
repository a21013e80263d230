"""Images and files go out here, each time to somebody whose right on this very object was checked.

Streamlit's own ``/media/<hash>`` serves anybody who has the address, so nothing of a copy passes there.
Addresses and file names hold the random code of a copy or an id of the secretariat, never a name.
"""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import fields

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.services import copies, exports, finalisation, identification, publication, scans
from core.services.page_images import PageImage
from core.services.scans import LedgerRow
from workbench.resources import blobs, sessions
from workbench.routes.access import blocking, copy_code, signed_in, whole_number
from workbench.routes.answers import answering, download, image

_NARROWEST_PX, _WIDEST_PX = 100, 3000
_PDF = "application/pdf"


@answering
async def header(request: Request) -> Response:
    """The header of a booklet with its handwritten name, for the secretariat."""
    who = await signed_in(request)
    content = await blocking(
        identification.header_crop,
        sessions(),
        who.actor,
        blobs(),
        booklet_id=request.path_params["booklet_id"],
    )
    return image(request, content, tag=hashlib.sha256(content).hexdigest())


@answering
async def masked_page(request: Request) -> Response:
    """A page of a copy without its name, for its corrector and the coordinator."""
    return await _page(request, named=False)


@answering
async def named_page(request: Request) -> Response:
    """A page as it was written, for its student once published and for the secretariat."""
    return await _page(request, named=True)


async def _page(request: Request, *, named: bool) -> Response:
    who = await signed_in(request)
    width_px = whole_number(
        request.query_params.get("width"), name="width", low=_NARROWEST_PX, high=_WIDEST_PX
    )
    drawn: PageImage = await blocking(
        copies.named_page if named else copies.masked_page,
        sessions(),
        who.actor,
        blobs(),
        code=copy_code(request),
        page=request.path_params["page"],
        width_px=width_px,
    )
    return image(request, drawn.content, tag=drawn.sha256)


@answering
async def booklet_page(request: Request) -> Response:
    """A whole page of a booklet, name included, for the secretariat."""
    who = await signed_in(request)
    drawn: PageImage = await blocking(
        identification.booklet_page,
        sessions(),
        who.actor,
        blobs(),
        booklet_id=request.path_params["booklet_id"],
        page=request.path_params["page"],
    )
    return image(request, drawn.content, tag=drawn.sha256)


@answering
async def marked_pdf(request: Request) -> Response:
    """The marked copy without its name."""
    who = await signed_in(request)
    code = copy_code(request)
    content = await blocking(finalisation.marked_pdf, sessions(), who.actor, blobs(), code=code)
    return download(content, name=f"copie-{code}.pdf", media_type=_PDF, inline=True)


@answering
async def student_pdf(request: Request) -> Response:
    """The student's own marked copy, once published."""
    who = await signed_in(request)
    code = copy_code(request)
    content = await blocking(publication.student_pdf, sessions(), who.actor, blobs(), code=code)
    return download(content, name=f"ma-copie-{code}.pdf", media_type=_PDF, inline=True)


@answering
async def export(request: Request) -> Response:
    """An export of a paper in one of its formats."""
    who = await signed_in(request)
    made = await blocking(
        exports.export_paper,
        sessions(),
        who.actor,
        blobs(),
        paper_id=request.path_params["paper_id"],
        format=request.path_params["format"],
    )
    return download(made.content, name=made.file_name, media_type="application/octet-stream")


@answering
async def ledger(request: Request) -> Response:
    """Where every half-page of the input is, as CSV (the columns of ``korrigo scans ledger``)."""
    who = await signed_in(request)
    paper_id = request.path_params["paper_id"]
    rows = await blocking(scans.ledger, sessions(), who.actor, paper_id=paper_id)
    return download(_ledger_csv(rows), name=f"registre-{paper_id}.csv", media_type="text/csv; charset=utf-8")


def _ledger_csv(rows: list[LedgerRow]) -> bytes:
    names = [field.name for field in fields(LedgerRow)]
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(names)
    table.writerows([getattr(row, name) for name in names] for row in rows)
    return text.getvalue().encode()


ROUTES = [
    Route("/files/headers/{booklet_id:row}.jpg", header),
    Route("/files/booklets/{booklet_id:row}/pages/{page:row}.jpg", booklet_page),
    Route("/files/copies/{code}/pages/{page:row}.jpg", masked_page),
    Route("/files/copies/{code}/marked.pdf", marked_pdf),
    Route("/files/mine/{code}/pages/{page:row}.jpg", named_page),
    Route("/files/mine/{code}.pdf", student_pdf),
    Route("/files/exports/{paper_id:row}/{format}", export),
    Route("/files/ledger/{paper_id:row}.csv", ledger),
]
