"""The job that finds the pages of a scan file and gives every half-page its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core.db.session import Sessions
from core.db.tables import (
    Booklet,
    Decision,
    DoubleScan,
    DrawnHeader,
    HalfPage,
    Header,
    Job,
    MaskedImage,
    Paper,
    Proposal,
    Reading,
    Repair,
    ScanFile,
    ScanImage,
)
from core.db.tables.base import now
from core.domain import sheets
from core.domain.sheets import Layout
from core.errors import Conflict, NotFound
from core.imaging.direction import Direction, Writing
from core.imaging.layout import Layout as PaperSize
from core.imaging.layout import detect_layout
from core.intake.limited import inspect_file, look_at
from core.intake.seen import SeenImage, seen
from core.jobs import rows
from core.jobs.rows import Lease
from core.pdf.pages import RENDER_DPI
from core.services import ledger_rows
from core.services.transactions import reading
from core.storage.blobs import BlobStore

INGEST, READ = "ingest", "read"
MAX_IMAGES = 1_000_000
"""The number of images was limited when the file came in."""

TellDirection = Callable[[Writing], Direction]
"""Which way up a page is, by its lines."""


@dataclass(frozen=True)
class _Task:
    """A scan file and how it is to be looked at."""

    sha256: str
    asked: str
    pages_per_copy: int | None
    models: tuple[dict[str, object], ...]


def ingest(sessions: Sessions, blobs: BlobStore, held: Lease, direction: TellDirection | None = None) -> None:
    """Look at the images of a scan file and write where each half-page goes, in one transaction.

    Headers are cut out on the way; reading them is the next job, asked for in
    the same transaction. The file is opened by child processes only.

    Args:
        sessions: Database.
        blobs: Kept files.
        held: The job's lease; its progress is told by image.
        direction: Tells how a leaf lies that bears no header; none is asked when not given.
    """
    scan_file_id = int(held.payload["scan_file_id"])
    task = _task(sessions, scan_file_id)
    path = blobs.path(task.sha256)
    inspected = inspect_file(path, max_images=MAX_IMAGES)
    if inspected.source is None:
        raise NotFound("scan_file", scan_file=scan_file_id)
    sizes = [(image.width_pt, image.height_pt) for image in inspected.source.images]
    layout = _layout(task.asked, sizes)
    options = {
        "layout": layout,
        "models": list(task.models),
        "kind": inspected.kind.value,
        "writing": direction is not None,
    }

    def images() -> Iterator[SeenImage]:
        for looked in look_at(path, len(sizes), options):
            rows.tell(sessions, held, stage="pages", done=looked.index, total=len(sizes))
            yield seen(looked, sizes[looked.index], layout, RENDER_DPI)

    found = [ledger_rows.kept(image, blobs, _turn(image, direction)) for image in images()]
    asked: Layout = "files" if task.asked == "files" else layout
    rows.tell(sessions, held, stage="pages", done=len(sizes), total=len(sizes))
    placed = sheets.assemble([image.side for image in found], asked, task.pages_per_copy)
    found = ledger_rows.with_marks(found, placed, blobs)
    with sessions.begin() as session:
        scan_file = session.get_one(ScanFile, scan_file_id)
        ledger_rows.write(session, scan_file, found, placed)
        ledger_rows.finish(scan_file, asked, len(found))
        rows.ask(
            session,
            kind=READ,
            unique_key=str(scan_file_id),
            payload={"scan_file_id": scan_file_id},
            paper_id=scan_file.paper_id,
        )
        rows.complete(session, held)


def ask(session: Session, scan_file: ScanFile) -> Job:
    """Ask for the ingestion of a file."""
    return rows.ask(
        session,
        kind=INGEST,
        unique_key=str(scan_file.id),
        payload={"scan_file_id": scan_file.id},
        paper_id=scan_file.paper_id,
    )


def ask_again(session: Session, scan_file: ScanFile) -> Job:
    """Forget what was found in a file and ask for its ingestion anew: another layout, another header.

    Raises:
        Conflict: ``scan_in_use``: some of its pages are in a copy already.
    """
    booklets = session.scalars(select(Booklet).where(Booklet.scan_file_id == scan_file.id)).all()
    images = select(ScanImage.id).where(ScanImage.scan_file_id == scan_file.id)
    strangers = session.scalars(
        select(HalfPage.id)
        .join(Booklet, Booklet.id == HalfPage.booklet_id)
        .where(HalfPage.scan_image_id.in_(images), Booklet.scan_file_id != scan_file.id)
    ).first()
    guests = session.scalars(
        select(HalfPage.id).where(
            HalfPage.booklet_id.in_([booklet.id for booklet in booklets]),
            HalfPage.scan_image_id.not_in(images),
        )
    ).first()
    in_copy = any(booklet.copy_id is not None for booklet in booklets)
    if in_copy or strangers is not None or guests is not None:
        raise Conflict("scan_in_use", file=scan_file.name)
    _close_repairs(session, scan_file)
    forget(session, scan_file, [booklet.id for booklet in booklets])
    scan_file.image_count = scan_file.ingested_at = scan_file.checked_at = scan_file.checked_by = None
    session.flush()
    return ask(session, scan_file)


def _close_repairs(session: Session, scan_file: ScanFile) -> None:
    """Repairs of pages that are forgotten cannot be undone any more: they are over with them."""
    halves = set(
        session.scalars(
            select(HalfPage.id).join(HalfPage.image).where(ScanImage.scan_file_id == scan_file.id)
        )
    )
    made = select(Repair).where(Repair.paper_id == scan_file.paper_id, Repair.undone_at.is_(None))
    for repair in session.scalars(made):
        if any(change["what"] == "half" and change["id"] in halves for change in repair.changes):
            repair.undone_at, repair.undone_by = now(), "system:read-again"


def forget(session: Session, scan_file: ScanFile, booklet_ids: Sequence[int]) -> None:
    """Take what was found in a file out of the ledger; the file itself stays."""
    images = select(ScanImage.id).where(ScanImage.scan_file_id == scan_file.id)
    for table in (Proposal, Reading, Decision, Header):
        session.execute(delete(table).where(table.booklet_id.in_(booklet_ids)))
    session.execute(
        delete(DoubleScan).where(DoubleScan.image_id.in_(images) | DoubleScan.other_image_id.in_(images))
    )
    session.execute(delete(MaskedImage).where(MaskedImage.scan_image_id.in_(images)))
    # Images name their half-pages and half-pages their image: the references are checked at the end.
    session.execute(delete(HalfPage).where(HalfPage.scan_image_id.in_(images)))
    session.execute(delete(ScanImage).where(ScanImage.scan_file_id == scan_file.id))
    session.execute(delete(Booklet).where(Booklet.id.in_(booklet_ids)))
    session.expire_all()


def _task(sessions: Sessions, scan_file_id: int) -> _Task:
    with reading(sessions) as session:
        scan_file = session.get(ScanFile, scan_file_id)
        if scan_file is None:
            raise NotFound("scan_file", scan_file=scan_file_id)
        paper = session.get_one(Paper, scan_file.paper_id)
        models = session.scalars(
            select(DrawnHeader.model)
            .where(DrawnHeader.session_id == paper.session_id)
            .order_by(DrawnHeader.id)
        )
        return _Task(scan_file.sha256, scan_file.layout, scan_file.pages_per_copy, tuple(models))


def _layout(asked: str, sizes_pt: Sequence[tuple[float, float]]) -> PaperSize:
    if asked in ("a3", "a4"):
        return "a3" if asked == "a3" else "a4"
    return detect_layout([(width / 72 * 25.4, height / 72 * 25.4) for width, height in sizes_pt])


def _turn(image: SeenImage, direction: TellDirection | None) -> ledger_rows.Turn:
    """How an image lies: by its header, else by its writing."""
    if image.rotation_deg is not None or image.writing is None or direction is None:
        return ledger_rows.Turn(image.rotation_deg)
    found = direction(image.writing).rotation_deg
    return ledger_rows.Turn(found, unsure=found is None)
