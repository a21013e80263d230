"""Ask a child process about a file that is not trusted, and live on when it dies of it.

A child holds no database, no secret and no more memory, time or file space than ``Limits`` allow. It
answers with JSON and bytes; a sentence's code takes the place of an answer when the file is at fault.
"""

from __future__ import annotations

import os
import re
import select
import stat
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from core.errors import BadInput
from core.intake.archives import ArchiveLimits
from core.intake.kinds import Kind
from core.intake.process import ORDINARY, Answer, Child, Died, Limits, refusal
from core.intake.sources import ImageInfo, SourceInfo

__all__ = ["Inspected", "InspectedMember", "Limits", "Looked", "Reader", "call", "inspect_file", "look_at"]

_ARCHIVE = ArchiveLimits()

_OPTIONS = -1
"""Stands for the options among the positions given to a child."""

_MAX_DEATHS = 20
"""Children that one file may cost: each may have taken its two minutes."""

_IMAGES_A_CHILD = 250
"""Then another takes over: what libraries forget to give back does not pile up."""

_AHEAD = 2
"""Images a child is given beforehand, so that it works on while its parent writes rows."""

_LOOK_AHEAD = 4
"""Answers kept for each child until those before them have come."""


@dataclass(frozen=True)
class InspectedMember:
    """A file of an archive: what it is, or why it is refused.

    Attributes:
        name: as people read it, never a path.
        path: where it was written; ``None`` when refused.
        source: its images; ``None`` when refused.
        error: why it is refused, with its ``file``.
    """

    name: str
    path: Path | None
    source: SourceInfo | None
    error: BadInput | None


@dataclass(frozen=True)
class Inspected:
    """What a file is.

    Attributes:
        kind: by its bytes.
        source: its images; ``None`` for an archive.
        members: the files of an archive, in the natural order of their names.
    """

    kind: Kind
    source: SourceInfo | None
    members: tuple[InspectedMember, ...] = ()


@dataclass(frozen=True)
class Looked:
    """What was found on one image, or why it cannot be read."""

    index: int
    data: dict[str, Any] | None
    blobs: list[bytes]
    error: BadInput | None


class Reader:
    """Serves any number of files with one child, which is replaced when it dies.

    It belongs to the thread that made it.
    """

    def __init__(self, limits: Limits = ORDINARY) -> None:
        self._limits = limits
        self._child: Child | None = None

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def call(self, name: str, path: Path, **args: Any) -> tuple[dict[str, Any], list[bytes]]:
        """Have a child do one of ``core.intake.work.FUNCTIONS`` with a file.

        Raises:
            BadInput: What the function raised; ``scan_too_heavy`` when the child had used up its memory
                or time; ``scan_crashed_reader`` when it died otherwise.
        """
        if self._child is None:
            self._child = Child(self._limits)
        try:
            answer = self._child.ask(
                name, path, args, cpu_s=self._limits.file_cpu_s, wall_s=self._limits.file_wall_s
            )
        except Died as error:
            self.close()
            if error.heavy:
                raise BadInput("scan_too_heavy") from error
            raise BadInput("scan_crashed_reader") from error
        if answer.error is not None:
            raise answer.error
        return answer.data, answer.blobs

    def inspect(
        self,
        path: Path,
        *,
        max_images: int,
        archive_folder: Path | None = None,
        archive_limits: ArchiveLimits = _ARCHIVE,
    ) -> Inspected:
        """As ``inspect_file``."""
        data, _ = self.call("inspect", path, max_images=max_images)
        source = _source_info(data)
        if source.kind is not Kind.ZIP:
            return Inspected(source.kind, source)
        if archive_folder is None:
            raise BadInput("archive_not_taken")
        members = self._members(path, archive_folder, max_images, archive_limits)
        return Inspected(source.kind, None, tuple(members))

    def _members(
        self, path: Path, folder: Path, max_images: int, limits: ArchiveLimits
    ) -> Iterator[InspectedMember]:
        data, _ = self.call("unpack", path, folder=str(folder.absolute()), limits=asdict(limits))
        for name, file, refused in _told(data):
            if refused is not None:
                yield InspectedMember(name, None, None, refusal(refused, {"file": name}))
                continue
            target = _written(folder, file)
            try:
                source = self.inspect(target, max_images=max_images).source
            except BadInput as error:
                target.unlink()
                yield InspectedMember(
                    name, None, None, BadInput(error.code, **{**error.details, "file": name})
                )
            else:
                yield InspectedMember(name, target, source, None)


def inspect_file(
    path: Path,
    *,
    max_images: int,
    archive_folder: Path | None = None,
    archive_limits: ArchiveLimits = _ARCHIVE,
    limits: Limits = ORDINARY,
) -> Inspected:
    """Recognise a file by its bytes, check it and measure its images, in a child process.

    The files of a ZIP are written into ``archive_folder``, each checked on its own: one that is refused
    leaves nothing behind, and the others go in.

    Args:
        path: the file.
        max_images: most images one scan file may hold.
        archive_folder: an empty folder for the files of a ZIP; without it a ZIP is refused.
        archive_limits: what a ZIP may expand to.
        limits: what the child may use.

    Raises:
        BadInput: As ``sources.inspect_source`` and ``archives.unpack``; ``scan_too_heavy`` when the child
            used up its memory or time, ``scan_crashed_reader`` when it died otherwise.
    """
    with Reader(limits) as reader:
        return reader.inspect(
            path, max_images=max_images, archive_folder=archive_folder, archive_limits=archive_limits
        )


def call(name: str, path: Path, **args: Any) -> tuple[dict[str, Any], list[bytes]]:
    """Have a child do one thing with a file: ``Reader.call`` with a child of its own."""
    with Reader() as reader:
        return reader.call(name, path, **args)


def _source_info(data: dict[str, Any]) -> SourceInfo:
    """What a child says of a file, in the form it must have."""
    try:
        kind = Kind(data["kind"])
        sizes = [(float(width), float(height)) for width, height in data["sizes"]]
    except (LookupError, TypeError, ValueError) as error:
        raise BadInput("scan_crashed_reader") from error
    return SourceInfo(kind, tuple(ImageInfo(index, *size) for index, size in enumerate(sizes)))


def _told(data: dict[str, Any]) -> list[tuple[str, object, object]]:
    """Name, file and refusal of each member, as a child gives them."""
    try:
        return [(str(member["name"]), member["file"], member["error"]) for member in data["members"]]
    except (LookupError, TypeError) as error:
        raise BadInput("scan_crashed_reader") from error


def _written(folder: Path, file: object) -> Path:
    """The file a child says it wrote, which must be one of ours and no link to another."""
    if not isinstance(file, str) or not re.fullmatch(r"[0-9]{4,}", file):
        raise BadInput("scan_crashed_reader")
    target = folder / file
    if not stat.S_ISREG(os.lstat(target).st_mode):
        raise BadInput("scan_crashed_reader")
    return target


# --- Many images ----------------------------------------------------------------------------------


def look_at(
    path: Path,
    indices: int | Sequence[int],
    options: dict[str, Any],
    *,
    processes: int | None = None,
    limits: Limits = ORDINARY,
) -> Iterator[Looked]:
    """What ``core.intake.look`` finds on images of a file, in the order asked for.

    Images are spread over child processes. A child that dies of one leaves it as ``page_unreadable``
    (page, 1-based), and another goes on with the next.

    Args:
        path: a scan file.
        indices: 0-based images, or how many from the first.
        options: JSON values that every child is given once.
        processes: how many children; as many as processors, two at most, when not given.
        limits: what each child may use.

    Raises:
        BadInput: ``scan_crashed_reader`` when too many children have died of this file.
    """
    wanted = range(indices) if isinstance(indices, int) else indices
    most = min(2, os.cpu_count() or 1) if processes is None else processes
    spread = _Spread(path, wanted, options, limits, min(most, len(wanted)))
    try:
        yield from spread.run()
    finally:
        spread.close()


@dataclass(eq=False)
class _Worker:
    """A child and the positions (in the order asked for) it has been given and not answered yet."""

    child: Child
    given: deque[int] = field(default_factory=deque)
    count: int = 0
    waited_s: float = 0.0


class _Spread:
    """Gives images to children and their answers back in order; what waits to be given is bounded."""

    def __init__(
        self, path: Path, wanted: Sequence[int], options: dict[str, Any], limits: Limits, processes: int
    ) -> None:
        self._path, self._wanted, self._options, self._limits = path, wanted, options, limits
        self._workers: list[_Worker] = []
        self._processes = processes
        self._again: list[int] = []
        self._next = 0
        self._due = 0
        self._answers: dict[int, Looked] = {}
        self._deaths = 0

    def run(self) -> Iterator[Looked]:
        while self._due < len(self._wanted):
            self._hand_out()
            if self._due not in self._answers:
                self._listen()
            while self._due in self._answers:
                looked = self._answers.pop(self._due)
                self._due += 1
                self._hand_out()
                yield looked

    def close(self) -> None:
        for worker in self._workers:
            worker.child.kill()
        self._workers.clear()

    def _hand_out(self) -> None:
        """Give each child a little more than it has in hand, never far ahead of what is due."""
        for worker in list(self._workers):
            if worker.count >= _IMAGES_A_CHILD and not worker.given:
                worker.child.kill()
                self._workers.remove(worker)
        horizon = self._due + self._processes * _LOOK_AHEAD
        while (position := self._following()) is not None and position < horizon:
            free = self._free()
            if free is None:
                return
            self._take_following()
            self._give(free, position)

    def _following(self) -> int | None:
        """The position to be given next: one that a dead child left, else a new one."""
        if self._again:
            return self._again[0]
        return self._next if self._next < len(self._wanted) else None

    def _take_following(self) -> None:
        if self._again:
            self._again.pop(0)
        else:
            self._next += 1

    def _free(self) -> _Worker | None:
        """A child with room, the one with least in hand; a new one while there may be more."""
        room = [w for w in self._workers if len(w.given) < _AHEAD and w.count < _IMAGES_A_CHILD]
        idle = [worker for worker in room if not worker.given]
        if not idle and len(self._workers) < self._processes:
            worker = _Worker(Child(self._limits))
            worker.child.send("options", self._path, self._limits.image_cpu_s, self._options)
            worker.given.append(_OPTIONS)
            self._workers.append(worker)
            return worker
        return min(room, key=lambda worker: len(worker.given), default=None)

    def _give(self, worker: _Worker, position: int) -> None:
        if not worker.given:
            worker.waited_s = 0.0
        worker.child.send("look", self._path, self._limits.image_cpu_s, {"index": self._wanted[position]})
        worker.given.append(position)
        worker.count += 1

    def _listen(self) -> None:
        """Wait until some child has said something, or has been silent for too long."""
        poll = select.poll()
        for worker in self._workers:
            poll.register(worker.child.descriptor, select.POLLIN)
        longest = max((worker.waited_s for worker in self._workers), default=0.0)
        began = time.monotonic()
        poll.poll(max(0.0, self._limits.image_wall_s - longest) * 1000 + 1)
        # Only time spent here counts: a child that waits for its parent is not slow.
        waited = time.monotonic() - began
        for worker in list(self._workers):
            worker.waited_s += waited if worker.given else 0.0
            self._hear(worker)

    def _hear(self, worker: _Worker) -> None:
        try:
            while (answer := worker.child.take()) is not None:
                worker.waited_s = 0.0
                self._keep(worker.given.popleft(), answer)
        except Died:
            self._bury(worker)
            return
        if worker.waited_s > self._limits.image_wall_s:
            worker.child.kill()
            self._bury(worker)

    def _keep(self, position: int, answer: Answer) -> None:
        if position == _OPTIONS:
            return
        index = self._wanted[position]
        data = None if answer.error else answer.data
        self._answers[position] = Looked(index, data, answer.blobs, answer.error)

    def _bury(self, worker: _Worker) -> None:
        """The first image without an answer is what the child died of; the others are given again."""
        self._workers.remove(worker)
        self._deaths += 1
        left = deque(position for position in worker.given if position != _OPTIONS)
        if self._deaths > _MAX_DEATHS:
            raise BadInput("scan_crashed_reader")
        if left and worker.given[0] != _OPTIONS:
            position = left.popleft()
            index = self._wanted[position]
            error = BadInput("page_unreadable", page=index + 1)
            self._answers[position] = Looked(index, None, [], error)
        self._again = sorted([*self._again, *left])
