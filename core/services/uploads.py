"""Scan files on their way: a row and a partial file each, so that a cut costs nothing but the chunk at hand.

The row says how many bytes are safe on the disk; only these are counted to whoever sends. The whole file goes
through :func:`core.services.scans.add_scan` once, and its answer stays with the row: asked again, because the
first answer was lost, the same comes back.
"""

from __future__ import annotations

import errno
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from core.db.session import Sessions
from core.db.tables import Account, Paper, Upload
from core.db.tables.base import now
from core.domain.access import Action, Actor, authorise
from core.errors import BadInput, Conflict, NotFound, WorkbenchError
from core.services import scans
from core.services.transactions import reading, writing
from core.storage.blobs import BlobStore
from core.storage.partial import PartialFile

FOLDER = "uploads"
"""Of the home; mode 0700."""
ENDINGS = (".pdf", ".tif", ".tiff", ".jpg", ".jpeg", ".png", ".heic", ".heif", ".webp", ".zip")
"""Of the file names that are offered and taken from the drop folder; what they are, their bytes say."""
UNFINISHED_ENDINGS = (".tmp", ".part", ".partial", ".filepart", ".crdownload")
"""Of names under which programs write a file that is not whole."""
CHUNK_BYTES = 8 << 20
"""Largest body of one request: less than nginx lets through by default, seconds on a slow line."""
OPEN_LIMIT = 20
"""Unfinished uploads of one account."""
SPARE_BYTES = 256 << 20
"""Of the disk, left to the database and to what is made of the pages."""
KEPT = timedelta(days=7)
"""An upload that nobody goes on with is swept then, and the answer to one that ended."""

_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class ScanOptions:
    """How a file is to be taken in, as :func:`core.services.scans.add_scan` has it."""

    layout: str = "auto"
    pages_per_copy: int | None = None
    lot_label: str = ""
    stated_copies: int | None = None
    stated_sheets: int | None = None


@dataclass(frozen=True)
class Refusal:
    """Why a file, or one inside of a ZIP, was not taken; the code and details of its error."""

    name: str
    code: str
    details: Mapping[str, Any]


@dataclass(frozen=True)
class UploadEnd:
    """What became of a file that arrived whole.

    Attributes:
        known: The paper had it already, byte for byte.
        files: The scan files made of it; a ZIP gives several.
        refused: Those inside of a ZIP that were not taken.
    """

    scan_file_id: int | None
    known: bool
    files: tuple[int, ...]
    refused: tuple[Refusal, ...]


@dataclass(frozen=True)
class UploadView:
    """Where an upload stands; ``received`` bytes are safe, ``ended`` is set once it was taken in."""

    token: str
    paper_id: int
    name: str
    byte_size: int
    received: int
    chunk_bytes: int
    touched_at: datetime
    ended: UploadEnd | None


class Chunk:
    """The body of one request, written where the file ends while it comes."""

    def __init__(self, part: PartialFile, *, begin: int, end: int) -> None:
        self._part = part
        self.position = begin
        self._end = end

    def write(self, content: bytes) -> None:
        """Add what has come.

        Raises:
            BadInput: ``upload_chunk_too_large``: more than a chunk, or than the file was said to have;
                ``upload_no_space``.
            Conflict: ``upload_elsewhere``: somebody else went on with this file meanwhile.
        """
        if self.position + len(content) > self._end:
            raise BadInput("upload_chunk_too_large", limit_bytes=CHUNK_BYTES)
        with _room_told():
            if not self._part.append(self.position, content):
                raise Conflict("upload_elsewhere")
        self.position += len(content)


def start(
    sessions: Sessions,
    actor: Actor,
    folder: Path,
    *,
    paper_id: int,
    name: str,
    byte_size: int,
    fingerprint: str,
    options: ScanOptions,
    limit_bytes: int,
) -> UploadView:
    """Begin an upload, or go on with the one that this account left unfinished.

    The same file is told by name, size and ``fingerprint``; ``options`` are those given last.

    Raises:
        NotAllowed: The actor is not of the secretariat.
        NotFound: No such paper.
        BadInput: ``upload_too_large``, ``scan_layout``, ``upload_too_many``, ``upload_no_space``.
    """
    authorise(actor, Action.ADD_SCANS)
    if byte_size > limit_bytes:
        raise BadInput("upload_too_large", file=name, limit_bytes=limit_bytes)
    if options.layout not in scans.LAYOUTS:
        raise BadInput("scan_layout", layout=options.layout)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with writing(sessions) as session:
        if session.get(Paper, paper_id) is None:
            raise NotFound("paper", paper=paper_id)
        if actor.account_id is not None:
            # Two tabs that begin with the same file at once: the second finds the upload of the first.
            account = select(Account.id).where(Account.id == actor.account_id)
            session.execute(account.with_for_update(key_share=True))
        unfinished_ones = _open_of(session, actor)
        known = next(
            (
                row
                for row in unfinished_ones
                if (row.paper_id, row.name, row.byte_size, row.fingerprint)
                == (paper_id, name, byte_size, fingerprint)
            ),
            None,
        )
        if known is None:
            if len(unfinished_ones) >= OPEN_LIMIT:
                raise BadInput("upload_too_many", limit=OPEN_LIMIT)
            _has_room(session, folder, name, byte_size)
            known = Upload(
                token=secrets.token_urlsafe(24),
                paper_id=paper_id,
                account_id=actor.account_id,
                name=name,
                byte_size=byte_size,
                received=0,
                fingerprint=fingerprint,
            )
            session.add(known)
        known.options = asdict(options)
        known.received = _safe(folder, known)
        known.touched_at = now()
        session.flush()
        return _view(folder, known)


def standing(sessions: Sessions, actor: Actor, folder: Path, *, token: str) -> UploadView:
    """Where an upload of the actor's account stands.

    Raises:
        NotAllowed: The actor is not of the secretariat.
        NotFound: No such upload, or another account's.
        BadInput: The file arrived and was refused; its reason.
    """
    authorise(actor, Action.ADD_SCANS)
    with reading(sessions) as session:
        return _told(folder, _own(session, actor, token))


def unfinished(sessions: Sessions, actor: Actor, folder: Path, *, paper_id: int) -> list[UploadView]:
    """The actor's uploads to a paper that can go on, oldest first."""
    authorise(actor, Action.ADD_SCANS)
    with reading(sessions) as session:
        return [_view(folder, row) for row in _open_of(session, actor) if row.paper_id == paper_id]


def begin_chunk(sessions: Sessions, actor: Actor, folder: Path, *, token: str, offset: int) -> Chunk:
    """Make the partial file ready for the bytes from ``offset`` on.

    Raises:
        NotAllowed: The actor is not of the secretariat.
        NotFound: No such upload, or another account's.
        Conflict: ``upload_elsewhere``: ``offset`` is not where the file ends, or another window is sending it.
    """
    authorise(actor, Action.ADD_SCANS)
    with reading(sessions) as session:
        row = _own(session, actor, token)
        received, size, ended = _safe(folder, row), row.byte_size, row.ended_at is not None
    part = _part(folder, token)
    if ended or received == size:
        # Nothing is left to come: an empty body asks to take the file in.
        if offset != size:
            raise Conflict("upload_elsewhere")
    elif offset != received or not part.take_over(received):
        raise Conflict("upload_elsewhere")
    return Chunk(part, begin=offset, end=min(offset + CHUNK_BYTES, size))


def keep(sessions: Sessions, actor: Actor, folder: Path, *, token: str, position: int) -> UploadView:
    """Count the bytes up to ``position`` as received, once they are on the disk.

    Raises:
        NotAllowed: The actor is not of the secretariat.
        NotFound: No such upload, or another account's.
        BadInput: ``upload_no_space``.
    """
    authorise(actor, Action.ADD_SCANS)
    with _room_told():
        safe = _part(folder, token).flush()
    with writing(sessions) as session:
        row = _own(session, actor, token, lock=True)
        if row.ended_at is None:
            row.received = min(max(row.received, position), safe)
            row.touched_at = now()
        return _told(folder, row)


def finish(
    sessions: Sessions, actor: Actor, blobs: BlobStore, folder: Path, *, token: str, image_limit: int
) -> UploadEnd:
    """Take in a file that has come whole; asked again, the answer is the same.

    Raises:
        NotAllowed: The actor is not of the secretariat.
        NotFound: No such upload, or another account's.
        Conflict: ``upload_elsewhere``: bytes are missing; ``upload_finishing``: it is being taken in just now.
        BadInput: As :func:`core.services.scans.add_scan`; the upload then has ended.
    """
    authorise(actor, Action.ADD_SCANS)
    with reading(sessions) as session:
        end = _end_of(_own(session, actor, token))
    if end is not None:
        return end
    part = _part(folder, token)
    with part.alone() as mine:
        if not mine:
            raise Conflict("upload_finishing")
        with reading(sessions) as session:
            row = _own(session, actor, token)  # again: whoever held the file may have ended it
        if row.ended_at is None:
            if part.size != row.byte_size:
                raise Conflict("upload_elsewhere")
            outcome = _taken_in(sessions, actor, blobs, folder, row, image_limit=image_limit)
            with writing(sessions) as session:
                row = _own(session, actor, token, lock=True)
                row.options = {**row.options, "outcome": outcome}
                row.ended_at = row.touched_at = now()
        part.remove()
    end = _end_of(row)
    if end is None:
        raise NotFound("upload")
    return end


def give_up(sessions: Sessions, actor: Actor, folder: Path, *, token: str) -> None:
    """End an upload; nothing of it is kept.

    Raises:
        NotAllowed: The actor is not of the secretariat.
        NotFound: No such upload, or another account's.
        Conflict: ``upload_finishing``: it has come whole and is being taken in.
    """
    authorise(actor, Action.ADD_SCANS)
    part = _part(folder, token)
    with writing(sessions) as session:
        row = _own(session, actor, token, lock=True)
        if row.ended_at is None:
            with part.alone() as mine:
                if not mine:
                    raise Conflict("upload_finishing")
            row.ended_at = row.touched_at = now()
    part.remove()


def sweep(sessions: Sessions, folder: Path) -> int:
    """Remove what nobody goes on with: uploads left for a week, and partial files that no row needs.

    Returns:
        How many files were removed.
    """
    with sessions.begin() as session:
        session.execute(delete(Upload).where(Upload.touched_at < now() - KEPT))
    with reading(sessions) as session:
        needed = set(session.scalars(select(Upload.token).where(Upload.ended_at.is_(None))))
    # A file without a row may belong to one that is just being written: only old ones are abandoned.
    old = now().timestamp() - KEPT.total_seconds() / 7
    removed = 0
    for path in folder.glob("*") if folder.is_dir() else ():
        if path.name not in needed and path.stat().st_mtime < old:
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def _taken_in(
    sessions: Sessions, actor: Actor, blobs: BlobStore, folder: Path, row: Upload, *, image_limit: int
) -> dict[str, Any]:
    """What :func:`core.services.scans.add_scan` answers, as JSON that is kept."""
    options = {key: value for key, value in row.options.items() if key != "outcome"}
    try:
        with _room_told():
            added = scans.add_scan(
                sessions,
                actor,
                blobs,
                paper_id=row.paper_id,
                file_name=row.name,
                path=_part(folder, row.token).path,
                image_limit=image_limit,
                **options,
            )
    except BadInput as error:
        if error.code == "upload_no_space":
            raise
        return {"error": _kept(row.name, error)}
    return {
        "scan_file_id": added.scan_file_id,
        "known": added.known,
        "files": list(added.files),
        "refused": [_kept(refused.name, refused.error) for refused in added.refused],
    }


def _kept(name: str, error: WorkbenchError) -> dict[str, Any]:
    details = {
        key: value if isinstance(value, int | float | str) else str(value)
        for key, value in error.details.items()
    }
    return {"name": name, "code": error.code, "details": details}


def _told(folder: Path, row: Upload) -> UploadView:
    _end_of(row)  # a file that was refused answers so whenever it is asked for
    return _view(folder, row)


def _end_of(row: Upload) -> UploadEnd | None:
    """What became of an upload.

    Raises:
        BadInput: It was refused when it was whole.
    """
    outcome = row.options.get("outcome")
    if outcome is None:
        return None
    if "error" in outcome:
        error = Refusal(**outcome["error"])
        raise BadInput(error.code, **error.details)
    return UploadEnd(
        scan_file_id=outcome["scan_file_id"],
        known=outcome["known"],
        files=tuple(outcome["files"]),
        refused=tuple(Refusal(**each) for each in outcome["refused"]),
    )


def _view(folder: Path, row: Upload) -> UploadView:
    return UploadView(
        token=row.token,
        paper_id=row.paper_id,
        name=row.name,
        byte_size=row.byte_size,
        received=_safe(folder, row),
        chunk_bytes=CHUNK_BYTES,
        touched_at=row.touched_at,
        ended=_end_of(row),
    )


def _own(session: Session, actor: Actor, token: str, *, lock: bool = False) -> Upload:
    """The actor's upload of that token: another account's is unknown, given up ones are too."""
    wanted = select(Upload).where(
        Upload.token == token, Upload.account_id.is_not_distinct_from(actor.account_id)
    )
    row = session.scalars(wanted.with_for_update() if lock else wanted).first()
    if row is None or (row.ended_at is not None and "outcome" not in row.options):
        raise NotFound("upload")
    return row


def _open_of(session: Session, actor: Actor) -> list[Upload]:
    wanted = select(Upload).where(
        Upload.account_id.is_not_distinct_from(actor.account_id), Upload.ended_at.is_(None)
    )
    return list(session.scalars(wanted.order_by(Upload.id)))


def _safe(folder: Path, row: Upload) -> int:
    """Bytes to go on from: fewer than the row says when the partial file was lost, as by a restore."""
    if row.ended_at is not None:
        return row.received
    return min(row.received, _part(folder, row.token).size)


def _part(folder: Path, token: str) -> PartialFile:
    # Only tokens of rows are looked for, but whoever adds a caller must not have to know that.
    if not token.replace("-", "").replace("_", "").isalnum():
        raise NotFound("upload")
    return PartialFile(folder / token)


def _has_room(session: Session, folder: Path, name: str, byte_size: int) -> None:
    """Refuse a file that the disk could not hold twice, for it is copied when it is whole.

    Raises:
        BadInput: ``upload_no_space``.
    """
    coming = session.scalar(
        select(func.coalesce(func.sum(Upload.byte_size - Upload.received), 0)).where(
            Upload.ended_at.is_(None)
        )
    )
    if shutil.disk_usage(folder).free < int(coming or 0) + 2 * byte_size + SPARE_BYTES:
        raise BadInput("upload_no_space", file=name)


@contextmanager
def _room_told() -> Iterator[None]:
    """Turn a disk that fills up while a file comes into what a person can mend."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise BadInput("upload_no_space") from error
