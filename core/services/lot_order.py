"""What the files of one lot are to each other, once all of them are in: two halves of a pile, pages of a copy."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import PurePath

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db.tables import Booklet, HalfPage, Header, Job, Repair, ScanFile, ScanImage
from core.domain.access import Actor
from core.domain.doubts import by_urgency, codes
from core.domain.interleave import Interleave, PageClue, merged, pairings
from core.errors import BadInput, Conflict
from core.services import repairs

LABEL = "system:lot"
"""Who the journal and the history name: nobody decided this, anybody can undo it."""

_log = logging.getLogger(__name__)

_PICTURES = frozenset({"jpeg", "png", "heic", "webp"})


def settle_lot(session: Session, scan_file: ScanFile) -> None:
    """Interleave odd and even pages scanned apart, join single pages photographed one by one.

    Does nothing while another file of the lot is still to come. Each act is a repair that can be undone, and is
    done once.
    """
    files = session.scalars(
        select(ScanFile).where(ScanFile.lot_id == scan_file.lot_id).order_by(ScanFile.id)
    ).all()
    if len(files) < 2 or _is_busy(session, files, scan_file):
        return
    leaves = [file for file in files if file.layout == "a4"]
    for pair in pairings(
        [PurePath(file.name).name for file in leaves], [file.image_count or 0 for file in leaves]
    ):
        _interleave(session, leaves, pair)
    _join_pictures(session, [file for file in leaves if file.kind in _PICTURES and file.image_count == 1])


def _is_busy(session: Session, files: Sequence[ScanFile], own: ScanFile) -> bool:
    """Whether another file of the lot is not looked at, or not read yet."""
    if any(file.ingested_at is None for file in files):
        return True
    keys = [str(file.id) for file in files if file.id != own.id]
    alive = session.scalars(
        select(Job.id).where(
            Job.kind.in_(("ingest", "read")), Job.unique_key.in_(keys), Job.status.in_(("waiting", "running"))
        )
    ).first()
    return alive is not None


def _interleave(session: Session, files: Sequence[ScanFile], pair: Interleave) -> None:
    fronts, backs = files[pair.fronts], files[pair.backs]
    if _was_done(session, "interleave", {fronts.id, backs.id}):
        return
    order = merged(Interleave(0, 1, pair.sure), _clues(session, fronts), _clues(session, backs))
    first, second = (fronts, backs) if order.order[0][0] == 0 else (backs, fronts)
    arguments = {"file": first.id, "other": second.id, "reversed": order.backwards}
    _repair(session, first.paper_id, "interleave", arguments)
    if order.sure and pair.sure:
        return
    halves = session.scalars(
        select(HalfPage).join(HalfPage.image).where(ScanImage.scan_file_id.in_([first.id, second.id]))
    )
    for half in halves:
        half.reason = " ".join(by_urgency((*codes(half.reason), "interleave_unsure")))
        half.settled = False


def _clues(session: Session, file: ScanFile) -> list[PageClue]:
    rows = session.execute(
        select(HalfPage.page_mark, Header.booklet_id)
        .join(HalfPage.image)
        .outerjoin(Header, Header.half_page_id == HalfPage.id)
        .where(ScanImage.scan_file_id == file.id)
        .order_by(ScanImage.index)
    )
    return [PageClue(_mark(mark), header is not None) for mark, header in rows]


def _mark(text: str) -> tuple[int, int] | None:
    number, _, total = text.partition("/")
    return (int(number), int(total)) if total else None


def _join_pictures(session: Session, files: Sequence[ScanFile]) -> None:
    """Pages without header that follow one with a header are of the same copy."""
    head: Booklet | None = None
    for file in files:
        booklet = session.scalars(
            select(Booklet).where(Booklet.scan_file_id == file.id, Booklet.dissolved.is_(False))
        ).first()
        if booklet is None:
            continue
        if booklet.header is not None:
            head = booklet
        elif head is not None and not _was_done(session, "join", {file.id}):
            _repair(session, file.paper_id, "join", {"booklets": [head.id, booklet.id]})


def _was_done(session: Session, kind: str, files: set[int]) -> bool:
    """Whether this was done to these files before: what somebody has undone is not done again."""
    images = set(session.scalars(select(ScanImage.id).where(ScanImage.scan_file_id.in_(files))))
    halves = set(session.scalars(select(HalfPage.id).where(HalfPage.scan_image_id.in_(images))))
    made = session.scalars(
        select(Repair.changes).where(
            Repair.paper_id == session.get_one(ScanFile, next(iter(files))).paper_id,
            Repair.kind == kind,
            Repair.made_by == LABEL,
        )
    )
    return any(change["what"] == "half" and change["id"] in halves for changes in made for change in changes)


def _repair(session: Session, paper_id: int, kind: str, arguments: Mapping[str, object]) -> None:
    actor = Actor(None, Actor.system("lot").roles, LABEL)
    try:
        repairs.repair_in(session, actor, paper_id=paper_id, kind=kind, arguments=arguments)
    except (BadInput, Conflict) as error:
        _log.info("lot left as it is: %s", error.code)
