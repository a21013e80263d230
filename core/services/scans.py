"""Scans in: a file is kept, its pages found and placed, its headers cut out and read, as jobs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.db.session import Sessions
from core.db.tables import Booklet, Copy, HalfPage, Job, Lot, ScanFile, ScanImage
from core.db.tables.base import now
from core.domain.access import Action, Actor, authorise
from core.domain.entries import Cut, Place
from core.errors import BadInput, WorkbenchError
from core.intake.kinds import Kind
from core.intake.limited import inspect_file
from core.services import ingestion, journal
from core.services.copy_rows import paper_row
from core.services.transactions import reading, writing
from core.storage.blobs import BlobStore
from core.storage.files import fingerprint

LAYOUTS = ("auto", "a3", "a4", "files")


@dataclass(frozen=True)
class Refused:
    """A file of an archive that was not taken in, and why."""

    name: str
    error: WorkbenchError


@dataclass(frozen=True)
class ScanAdded:
    """What came of a file that was sent: itself, or the files of the ZIP it was.

    Attributes:
        scan_file_id: of the first file.
        job_id: its ingestion; ``None`` when it was done before.
        known: the paper had everything already, byte for byte.
        files: ids of all files, in order; one but for a ZIP.
        refused: files of a ZIP that could not be taken.
    """

    scan_file_id: int
    job_id: int | None
    known: bool
    files: tuple[int, ...] = ()
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True)
class _Arrival:
    """A checked file whose bytes are stored, before it has a row."""

    name: str
    kind: Kind
    sha256: str
    byte_size: int


@dataclass(frozen=True)
class JobView:
    """Where a job stands; ``stage`` and ``error_code`` are codes the shell words."""

    job_id: int
    kind: str
    paper_id: int | None
    status: str
    stage: str
    done: int
    total: int
    failures: int
    error_code: str | None
    error_details: Mapping[str, Any]
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    scan_file_id: int | None


@dataclass(frozen=True)
class ScanFileView:
    """A scan file and what became of it."""

    scan_file_id: int
    name: str
    sha256: str
    byte_size: int
    layout: str
    lot_label: str
    images: int | None
    booklets: int
    jobs: tuple[JobView, ...]


@dataclass(frozen=True)
class LedgerRow:
    """One half-page of the input; the fields are the columns of ``korrigo scans ledger``."""

    file_sha256: str
    image: int
    half: str
    page: str
    place: str
    booklet: int | None
    position: int | None
    copy: str
    rotation_deg: int
    skew_deg: float
    blank: bool
    reason: str


@dataclass(frozen=True)
class LedgerSums:
    """Every half-page of the input by place; the sum must be ``half_pages``."""

    half_pages: int
    by_place: Mapping[str, int]
    images: int
    booklets: int
    files_waiting: int

    @property
    def is_balanced(self) -> bool:
        """Whether every half-page is in a place."""
        return sum(self.by_place.values()) == self.half_pages


def add_scan(
    sessions: Sessions,
    actor: Actor,
    blobs: BlobStore,
    *,
    paper_id: int,
    file_name: str,
    path: Path,
    layout: str = "auto",
    pages_per_copy: int | None = None,
    lot_label: str = "",
    stated_copies: int | None = None,
    stated_sheets: int | None = None,
    image_limit: int = 2000,
    checked: bool = False,
) -> ScanAdded:
    """Keep a scan file byte for byte and ask for its ingestion; of a ZIP, each file in it.

    A ZIP is an envelope: its files are kept and its SHA-256 is remembered, so that it is known again.
    Files sent under one label make one lot.

    Args:
        sessions: Database.
        actor: Who sends it.
        blobs: Store of files.
        paper_id: The paper.
        file_name: As people call it; what the file is shows in its bytes.
        path: Where it lies; it is copied.
        layout: ``auto``, ``a3``, ``a4`` or ``files`` (a pupil's copy each).
        pages_per_copy: Fixed number of A4 pages of a copy.
        lot_label: Room, class or bundle written on the envelope.
        stated_copies: Copies counted on the envelope.
        stated_sheets: Sheets counted on the envelope.
        image_limit: Most images a file may hold.
        checked: Whether its pages need no control by a person before identification.

    Raises:
        NotAllowed: The actor is not of the secretariat.
        NotFound: No such paper.
        BadInput: The file cannot be used: see :mod:`core.intake`; ``scan_layout``; ``archive_empty``.
    """
    authorise(actor, Action.ADD_SCANS)
    if layout not in LAYOUTS:
        raise BadInput("scan_layout", layout=layout)
    with reading(sessions) as session:
        paper_row(session, paper_id)
    with blobs.incoming_folder() as folder:
        arrivals, refused, archive = _received(blobs, path, file_name, folder, image_limit)
    if archive is not None and not lot_label:
        lot_label = PurePath(file_name).stem  # the files of one envelope are one lot
    lot_options = _LotOptions(lot_label, stated_copies, stated_sheets)
    file_options = {"layout": layout, "pages_per_copy": pages_per_copy}
    with writing(sessions) as session:
        added = [
            _add_file(session, actor, paper_id, arrival, archive, lot_options, file_options, checked=checked)
            for arrival in arrivals
        ]
    first, job, _ = added[0]
    known = all(was_known for _, _, was_known in added)
    return ScanAdded(first, job, known, tuple(scan_file_id for scan_file_id, _, _ in added), refused)


@dataclass(frozen=True)
class _LotOptions:
    label: str
    stated_copies: int | None
    stated_sheets: int | None


def _received(
    blobs: BlobStore, path: Path, file_name: str, folder: Path, image_limit: int
) -> tuple[list[_Arrival], tuple[Refused, ...], tuple[str, str] | None]:
    """Check a file in a child process and store it: itself, or the files of the ZIP it is.

    Returns:
        What is to get a row; what was refused; SHA-256 and name of the ZIP.
    """
    try:
        inspected = inspect_file(path, max_images=image_limit, archive_folder=folder)
    except BadInput as error:
        raise BadInput(error.code, **{**error.details, "file": file_name}) from error
    if inspected.source is not None:
        return [_stored(blobs, path, file_name, inspected.kind)], (), None
    arrivals = [
        _stored(blobs, member.path, member.name, member.source.kind)
        for member in inspected.members
        if member.path is not None and member.source is not None
    ]
    refused = tuple(Refused(member.name, member.error) for member in inspected.members if member.error)
    if not arrivals:
        if refused:
            raise refused[0].error
        raise BadInput("archive_empty", file=file_name)
    return arrivals, refused, (fingerprint(path).sha256, file_name)


def _stored(blobs: BlobStore, path: Path, name: str, kind: Kind) -> _Arrival:
    return _Arrival(name, kind, blobs.put_file(path), path.stat().st_size)


def _add_file(
    session: Session,
    actor: Actor,
    paper_id: int,
    arrival: _Arrival,
    archive: tuple[str, str] | None,
    lot_options: _LotOptions,
    file_options: Mapping[str, Any],
    *,
    checked: bool,
) -> tuple[int, int | None, bool]:
    """Give a stored file its row and its job; id of the file, of the job, and whether the paper had it."""
    known = session.scalars(
        select(ScanFile).where(ScanFile.paper_id == paper_id, ScanFile.sha256 == arrival.sha256)
    ).first()
    if known is not None:
        job = None if known.ingested_at else ingestion.ask(session, known)
        return known.id, job.id if job else None, True
    scan_file = ScanFile(
        paper_id=paper_id,
        lot_id=_lot(session, paper_id, lot_options).id,
        sha256=arrival.sha256,
        name=arrival.name,
        kind=arrival.kind.value,
        archive_sha256=archive[0] if archive else None,
        archive_name=archive[1] if archive else None,
        byte_size=arrival.byte_size,
        checked_at=now() if checked else None,
        checked_by=actor.label if checked else None,
        **file_options,
    )
    session.add(scan_file)
    session.flush()
    job = ingestion.ask(session, scan_file)
    journal.record(
        session,
        actor,
        Action.ADD_SCANS,
        kind="scan_file",
        object_id=scan_file.id,
        values={"sha256": arrival.sha256, "paper": paper_id},
    )
    return scan_file.id, job.id, False


def _lot(session: Session, paper_id: int, options: _LotOptions) -> Lot:
    """The lot of that label; without a label, each file is a lot of its own."""
    lot = None
    if options.label:
        lot = session.scalars(select(Lot).where(Lot.paper_id == paper_id, Lot.label == options.label)).first()
    if lot is None:
        lot = Lot(paper_id=paper_id, label=options.label)
        session.add(lot)
    lot.stated_copies = options.stated_copies if options.stated_copies is not None else lot.stated_copies
    lot.stated_sheets = options.stated_sheets if options.stated_sheets is not None else lot.stated_sheets
    session.flush()
    return lot


def files(sessions: Sessions, actor: Actor, *, paper_id: int) -> list[ScanFileView]:
    """The scan files of a paper, oldest first."""
    authorise(actor, Action.VIEW_LEDGER)
    with reading(sessions) as session:
        booklets = dict(
            session.execute(
                select(Booklet.scan_file_id, func.count())
                .where(Booklet.paper_id == paper_id, Booklet.dissolved.is_(False))
                .group_by(Booklet.scan_file_id)
            ).all()
        )
        found = session.execute(
            select(ScanFile, Lot.label)
            .join(Lot, Lot.id == ScanFile.lot_id)
            .where(ScanFile.paper_id == paper_id)
            .order_by(ScanFile.id)
        ).all()
        all_jobs = [_job_view(job) for job in _jobs(session, paper_id)]
        return [
            ScanFileView(
                scan_file_id=file.id,
                name=file.name,
                sha256=file.sha256,
                byte_size=file.byte_size,
                layout=file.layout,
                lot_label=label,
                images=file.image_count,
                booklets=booklets.get(file.id, 0),
                jobs=tuple(job for job in all_jobs if job.scan_file_id == file.id),
            )
            for file, label in found
        ]


def jobs(sessions: Sessions, actor: Actor, *, paper_id: int | None = None) -> list[JobView]:
    """The jobs of a paper, or all of them, newest first."""
    authorise(actor, Action.VIEW_JOBS)
    with reading(sessions) as session:
        return [_job_view(job) for job in _jobs(session, paper_id)][::-1]


def ledger(sessions: Sessions, actor: Actor, *, paper_id: int) -> list[LedgerRow]:
    """Every half-page of the input of a paper, in the order of the files."""
    authorise(actor, Action.VIEW_LEDGER)
    with reading(sessions) as session:
        found = session.execute(
            select(HalfPage, ScanImage, ScanFile, Copy.code)
            .join(ScanImage, ScanImage.id == HalfPage.scan_image_id)
            .join(ScanFile, ScanFile.id == ScanImage.scan_file_id)
            .outerjoin(Booklet, Booklet.id == HalfPage.booklet_id)
            .outerjoin(Copy, Copy.id == Booklet.copy_id)
            .where(ScanFile.paper_id == paper_id)
            .order_by(ScanFile.id, ScanImage.index, HalfPage.id)
        ).all()
        return [
            LedgerRow(
                file_sha256=file.sha256,
                image=image.index,
                half=half.half,
                page=half.page,
                place=half.place,
                booklet=half.booklet_id,
                position=half.position,
                copy=code or "",
                rotation_deg=image.rotation_deg,
                skew_deg=round(half.skew_deg, 2),
                blank=half.blank,
                reason=half.reason,
            )
            for half, image, file, code in found
        ]


def ledger_sums(sessions: Sessions, actor: Actor, *, paper_id: int) -> LedgerSums:
    """The sums of the page ledger: what came in against where it is."""
    authorise(actor, Action.VIEW_LEDGER)
    with reading(sessions) as session:
        all_files = session.scalars(select(ScanFile).where(ScanFile.paper_id == paper_id)).all()
        images = session.scalars(select(ScanImage).join(ScanFile).where(ScanFile.paper_id == paper_id)).all()
        places = Counter(
            session.scalars(
                select(HalfPage.place)
                .join(HalfPage.image)
                .join(ScanFile)
                .where(ScanFile.paper_id == paper_id)
            )
        )
        booklets = session.scalar(
            select(func.count())
            .select_from(Booklet)
            .where(Booklet.paper_id == paper_id, Booklet.dissolved.is_(False))
        )
        return LedgerSums(
            half_pages=sum(len(Cut(image.cut).halves) for image in images),
            by_place={place.value: places.get(place.value, 0) for place in Place},
            images=sum(file.image_count or 0 for file in all_files),
            booklets=booklets or 0,
            files_waiting=sum(file.ingested_at is None for file in all_files),
        )


def _jobs(session: Session, paper_id: int | None) -> Sequence[Job]:
    wanted = select(Job).order_by(Job.id)
    return session.scalars(wanted if paper_id is None else wanted.where(Job.paper_id == paper_id)).all()


def _job_view(job: Job) -> JobView:
    return JobView(
        job_id=job.id,
        kind=job.kind,
        paper_id=job.paper_id,
        status=job.status,
        stage=job.stage,
        done=job.done,
        total=job.total,
        failures=job.failures,
        error_code=job.error_code,
        error_details=job.error_details or {},
        created_at=job.created_at,
        started_at=job.started_at,
        ended_at=job.ended_at,
        scan_file_id=job.payload.get("scan_file_id"),
    )
