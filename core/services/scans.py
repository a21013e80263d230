"""Scans in: a file is kept, its pages found and placed, its headers cut out and read, as jobs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.db.session import Sessions
from core.db.tables import Booklet, Copy, HalfPage, Job, Lot, Paper, ScanFile, ScanImage
from core.domain.access import Action, Actor, authorise
from core.domain.entries import Cut, Place
from core.errors import BadInput, NotFound
from core.jobs import rows
from core.pdf.read import inspect
from core.services import journal
from core.services.transactions import reading, writing
from core.storage.blobs import BlobStore

LAYOUTS = ("auto", "a3", "a4", "files")
INGEST, READ = "ingest", "read"


@dataclass(frozen=True)
class ScanAdded:
    """A file that was taken in; ``known`` when the paper had it already, byte for byte."""

    scan_file_id: int
    job_id: int | None
    known: bool


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
    image_limit: int = 2000,
) -> ScanAdded:
    """Keep a scan file byte for byte and ask for its ingestion.

    Raises:
        NotAllowed: The actor is not of the secretariat.
        NotFound: No such paper.
        BadInput: The file cannot be used: see :func:`core.pdf.read.inspect`; ``scan_layout``.
    """
    authorise(actor, Action.ADD_SCANS)
    if layout not in LAYOUTS:
        raise BadInput("scan_layout", layout=layout)
    try:
        inspect(path, max_pages=image_limit)
    except BadInput as error:
        raise BadInput(error.code, **{**error.details, "file": file_name}) from error
    sha256 = blobs.put_file(path)
    with writing(sessions) as session:
        if session.get(Paper, paper_id) is None:
            raise NotFound("paper", paper=paper_id)
        known = session.scalars(
            select(ScanFile).where(ScanFile.paper_id == paper_id, ScanFile.sha256 == sha256)
        ).first()
        if known is not None:
            job = None if known.ingested_at else _ask_ingestion(session, known)
            return ScanAdded(known.id, job.id if job else None, known=True)
        lot = Lot(paper_id=paper_id, label=lot_label)
        session.add(lot)
        session.flush()
        scan_file = ScanFile(
            paper_id=paper_id,
            lot_id=lot.id,
            sha256=sha256,
            name=file_name,
            kind="pdf",
            byte_size=path.stat().st_size,
            layout=layout,
            pages_per_copy=pages_per_copy,
        )
        session.add(scan_file)
        session.flush()
        job = _ask_ingestion(session, scan_file)
        journal.record(
            session,
            actor,
            Action.ADD_SCANS,
            kind="scan_file",
            object_id=scan_file.id,
            values={"sha256": sha256, "paper": paper_id},
        )
        return ScanAdded(scan_file.id, job.id, known=False)


def files(sessions: Sessions, actor: Actor, *, paper_id: int) -> list[ScanFileView]:
    """The scan files of a paper, oldest first."""
    authorise(actor, Action.VIEW_LEDGER)
    with reading(sessions) as session:
        booklets = dict(
            session.execute(
                select(Booklet.scan_file_id, func.count())
                .where(Booklet.paper_id == paper_id)
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
                select(HalfPage.place).join(HalfPage.image).join(ScanFile).where(ScanFile.paper_id == paper_id)
            )
        )
        booklets = session.scalar(
            select(func.count()).select_from(Booklet).where(Booklet.paper_id == paper_id)
        )
        return LedgerSums(
            half_pages=sum(len(Cut(image.cut).halves) for image in images),
            by_place={place.value: places.get(place.value, 0) for place in Place},
            images=sum(file.image_count or 0 for file in all_files),
            booklets=booklets or 0,
            files_waiting=sum(file.ingested_at is None for file in all_files),
        )


def _ask_ingestion(session: Session, scan_file: ScanFile) -> Job:
    return rows.ask(
        session,
        kind=INGEST,
        unique_key=str(scan_file.id),
        payload={"scan_file_id": scan_file.id},
        paper_id=scan_file.paper_id,
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
