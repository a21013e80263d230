"""The drop folder: a copier writes into it, whole files are taken in and put aside, with a word when refused.

Each open paper has a subfolder « 12 - Maths J1 », of which only the number counts. A folder inside it is a lot.
A file is taken when it has not changed between two looks and nobody writes to it. It is moved after it was
taken in: killed in between, the same bytes are recognised and only moved.
"""

from __future__ import annotations

import logging
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from core.db.session import Sessions
from core.db.tables import ExamSession, Paper
from core.domain.access import Action, Actor, authorise
from core.errors import BadInput, NotFound, WorkbenchError
from core.i18n import short_day
from core.services import scans
from core.services.transactions import reading
from core.services.uploads import UNFINISHED_ENDINGS
from core.storage.blobs import BlobStore

ACTOR = Actor.system("drop-folder")
TAKEN, REFUSED = "pris", "refusés"
"""Folders in a paper's own, where its files go afterwards."""
QUIET_S = 5.0
"""Without a change, a file is whole."""
REFUSE_AFTER_S = 60.0
"""A file that cannot be used gets longer: a copier may stop for a jam in the middle of a stack."""
AGAIN_S = 60.0
"""Between two tries when the disk or the database did not let a file be taken."""
LONGEST_LIST = 100

_NUMBER = re.compile(r"\s*(\d{1,9})(?!\d)")
_NOT_IN_NAMES = re.compile(r'[\x00-\x1f/\\:*?"<>|]+')
_OF_SYSTEMS = frozenset({"thumbs.db", "desktop.ini"})
_log = logging.getLogger(__name__)

Words = Callable[[WorkbenchError], str]
"""The sentence of an error, which only the shell knows."""


@dataclass(frozen=True)
class Passed:
    """A file that left the folder: where it went, and what became of it."""

    paper_id: int
    moved_to: Path
    scan_file_id: int | None
    error: WorkbenchError | None


@dataclass(frozen=True)
class _Found:
    """A file in a paper's folder; ``lot`` is the folder inside it, or empty."""

    path: Path
    folder: Path
    paper_id: int
    lot: str


@dataclass(frozen=True)
class _Seen:
    """A file at the look where it was last found changed; ``since`` on the clock that never goes back."""

    size: int
    mtime_ns: int
    inode: int
    since: float


class DropFolder:
    """One folder and what was seen in it; of several processes, one looks at a time."""

    def __init__(
        self,
        sessions: Sessions,
        blobs: BlobStore,
        root: Path,
        words: Words,
        *,
        image_limit: int,
        upload_limit_bytes: int,
    ) -> None:
        self._sessions = sessions
        self._blobs = blobs
        self._root = root
        self._words = words
        self._image_limit = image_limit
        self._upload_limit_bytes = upload_limit_bytes
        self._seen: dict[Path, _Seen] = {}
        self._again_at: dict[Path, float] = {}

    def look(self) -> list[Passed]:
        """Make the folders of open papers, and take what is whole.

        Raises:
            OSError: The folder cannot be read or written.
        """
        papers = _open_papers(self._sessions)
        self._root.mkdir(parents=True, exist_ok=True)
        self._make_folders(papers)
        found = [file for file in _files(self._root) if file.paper_id in papers]
        self._seen = {file.path: seen for file in found if (seen := self._look_at(file.path)) is not None}
        self._again_at = {path: at for path, at in self._again_at.items() if path in self._seen}
        ready = [file for file in found if self._is_ready(file.path)]
        written = _being_written() if ready else frozenset()
        passed = [self._pass(file) for file in ready if _identity(file.path) not in written]
        return [each for each in passed if each is not None]

    def _make_folders(self, papers: dict[int, str]) -> None:
        there = {number for path in _folders(self._root) if (number := _number(path.name)) is not None}
        for paper_id, name in papers.items():
            if paper_id not in there:
                (self._root / folder_name(paper_id, name)).mkdir(exist_ok=True)

    def _look_at(self, path: Path) -> _Seen | None:
        try:
            found = path.lstat()
        except OSError:
            return None
        before = self._seen.get(path)
        now = _Seen(found.st_size, found.st_mtime_ns, found.st_ino, time.monotonic())
        if before and (before.size, before.mtime_ns, before.inode) == (now.size, now.mtime_ns, now.inode):
            return before
        self._again_at.pop(path, None)
        return now

    def _is_ready(self, path: Path) -> bool:
        seen = self._seen.get(path)
        if seen is None or time.monotonic() < self._again_at.get(path, 0.0):
            return False
        # A file is mostly made empty first, by a copier that then warms up.
        return self._quiet_s(path) >= (QUIET_S if seen.size else REFUSE_AFTER_S)

    def _quiet_s(self, path: Path) -> float:
        return time.monotonic() - self._seen[path].since

    def _pass(self, file: _Found) -> Passed | None:
        """Take a file in and put it aside; ``None`` when it has to wait."""
        self._again_at[file.path] = time.monotonic() + AGAIN_S  # whatever becomes of it, the others go on
        try:
            added = self._take_in(file)
        except BadInput as error:
            if (left := REFUSE_AFTER_S - self._quiet_s(file.path)) > 0:
                self._again_at[file.path] = time.monotonic() + left
                return None
            moved = _put_aside(file, REFUSED, self._words(error))
            _log.info("a file of the drop folder was refused: %s", error.code)
            return Passed(file.paper_id, moved, None, error)
        refused = "\n".join(f"{each.name} : {self._words(each.error)}" for each in added.refused)
        moved = _put_aside(file, TAKEN, refused)
        _log.info("scan file %s came through the drop folder", added.scan_file_id)
        return Passed(file.paper_id, moved, added.scan_file_id, None)

    def _take_in(self, file: _Found) -> scans.ScanAdded:
        if self._seen[file.path].size > self._upload_limit_bytes:
            raise BadInput("upload_too_large", file=file.path.name, limit_bytes=self._upload_limit_bytes)
        return scans.add_scan(
            self._sessions,
            ACTOR,
            self._blobs,
            paper_id=file.paper_id,
            file_name=file.path.name,
            path=file.path,
            lot_label=file.lot or short_day(datetime.now().astimezone()),
            image_limit=self._image_limit,
        )


def without_paper(sessions: Sessions, actor: Actor, root: Path | None) -> list[str]:
    """Files that wait for somebody to put them into the folder of an open paper, by name; at most a hundred.

    Raises:
        NotAllowed: The actor is not of the secretariat.
    """
    authorise(actor, Action.ADD_SCANS)
    if root is None or not root.is_dir():
        return []
    papers = _open_papers(sessions)
    lost = [path.name for path in _regular(root)]
    lost += [
        f"{file.folder.name}/{file.path.relative_to(file.folder)}"
        for file in _files(root)
        if file.paper_id not in papers
    ]
    return sorted(lost)[:LONGEST_LIST]


def folder_of(sessions: Sessions, actor: Actor, root: Path | None, *, paper_id: int) -> Path | None:
    """The folder where the copier leaves scans of a paper, ``None`` when there is none.

    Raises:
        NotAllowed: The actor is not of the secretariat.
        NotFound: No such paper.
    """
    authorise(actor, Action.ADD_SCANS)
    with reading(sessions) as session:
        if session.get(Paper, paper_id) is None:
            raise NotFound("paper", paper=paper_id)
    if root is None or not root.is_dir():
        return None
    return next((path for path in _folders(root) if _number(path.name) == paper_id), None)


def folder_name(paper_id: int, name: str) -> str:
    """``12 - Maths J1``: the number counts, the rest is for people, in signs that every system allows."""
    readable = _NOT_IN_NAMES.sub("-", name).strip(" .")[:80].strip(" .")
    return f"{paper_id} - {readable}" if readable else str(paper_id)


def _open_papers(sessions: Sessions) -> dict[int, str]:
    """The papers of sessions that have not ended, by id."""
    today = datetime.now().astimezone().date()
    with reading(sessions) as session:
        wanted = select(Paper.id, Paper.name).join(ExamSession).where(ExamSession.ends_on >= today)
        return dict(session.execute(wanted.order_by(Paper.id)).all())


def _files(root: Path) -> Iterator[_Found]:
    """The files in numbered folders and in the lots inside them, by name."""
    for folder in _folders(root):
        number = _number(folder.name)
        for path in _regular(folder):
            yield _Found(path, folder, number or 0, "")
        for lot in _folders(folder):
            if lot.name not in (TAKEN, REFUSED):
                yield from (_Found(path, folder, number or 0, lot.name) for path in _regular(lot))


def _folders(place: Path) -> list[Path]:
    with os.scandir(place) as entries:
        return sorted(
            Path(entry.path)
            for entry in entries
            if entry.is_dir(follow_symlinks=False) and entry.name[0] not in ".@"
        )


def _regular(place: Path) -> list[Path]:
    """The files of a folder that are no link, no device, and not on their way under a passing name."""
    with os.scandir(place) as entries:
        return sorted(
            Path(entry.path)
            for entry in entries
            if entry.is_file(follow_symlinks=False) and not _is_passing(entry.name)
        )


def _is_passing(name: str) -> bool:
    lower = name.lower()
    return (
        name.startswith((".", "~"))
        or name.endswith("~")
        or lower.endswith(UNFINISHED_ENDINGS)
        or lower in _OF_SYSTEMS
    )


def _number(name: str) -> int | None:
    found = _NUMBER.match(name)
    return int(found[1]) if found else None


def _put_aside(file: _Found, kind: str, told: str) -> Path:
    """Move a file into ``kind`` beside the others of its lot, with ``told`` in a text beside it."""
    place = file.folder / kind / file.lot
    place.mkdir(parents=True, exist_ok=True)
    target = _free(place, file.path.name)
    file.path.rename(target)
    if told:
        target.with_name(f"{target.name}.txt").write_text(f"{told}\n", encoding="utf-8")
    return target


def _free(place: Path, name: str) -> Path:
    """A name that nothing bears: ``scan.pdf``, ``scan (2).pdf``, …"""
    target, number = place / name, 1
    while target.exists() or target.is_symlink():
        number += 1
        target = place / f"{Path(name).stem} ({number}){Path(name).suffix}"
    return target


def _identity(path: Path) -> tuple[int, int]:
    try:
        found = path.lstat()
    except OSError:
        return (0, 0)
    return (found.st_dev, found.st_ino)


def _being_written() -> frozenset[tuple[int, int]]:
    """Device and inode of the files that a process of this machine writes to, as far as we may see.

    Linux tells it under /proc, of processes of the same account only unless we are root; elsewhere, nothing.
    """
    found = set()
    for info in Path("/proc").glob("[0-9]*/fdinfo/*"):
        try:
            flags = int(info.read_text(encoding="ascii").split("flags:")[1].split()[0], 8)
            if flags & os.O_ACCMODE == os.O_RDONLY:
                continue
            file = (info.parents[1] / "fd" / info.name).stat()
        except (OSError, IndexError, ValueError):
            continue  # closed meanwhile, or not ours to see
        if stat.S_ISREG(file.st_mode):
            found.add((file.st_dev, file.st_ino))
    return frozenset(found)
