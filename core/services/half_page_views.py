"""A half-page as people read it, wherever the ledger has it: in a booklet, loose, set aside."""

from __future__ import annotations

from core.db.session import Sessions
from core.db.tables import HalfPage
from core.domain.access import Action, Actor, authorise
from core.errors import NotFound
from core.services.page_images import PageImage, page_image, page_source
from core.services.transactions import reading
from core.storage.blobs import BlobStore


def half_page(
    sessions: Sessions, actor: Actor, blobs: BlobStore, *, half_id: int, width_px: int | None = None
) -> PageImage:
    """A half-page upright and large, name included.

    Raises:
        NotAllowed: The actor is not of the secretariat.
        NotFound: There is no such half-page, or its scan is not kept any more.
    """
    authorise(actor, Action.VIEW_HEADERS)
    with reading(sessions) as session:
        half = session.get(HalfPage, half_id)
        if half is None:
            raise NotFound("page", page=half_id)
        source = page_source(session, half)
    return page_image(blobs, source, masked=False, width_px=width_px)
