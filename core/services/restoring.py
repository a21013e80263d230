"""The mark of a restore that changes database and home: while it stands, the two may not belong together.

It is written before the first rename and removed after the last, and tells how to undo them. Nothing opens
the home or its database meanwhile; the next restore undoes what a killed one had begun.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import BadInput, Conflict
from core.storage.files import flush_name
from core.storage.renames import Rename

INSIDE = "restoring.json"
"""Its name in a home that cannot be renamed; beside any other home it is ``HOME.restoring.json``."""


@dataclass(frozen=True)
class Change:
    """What a restore is about to rename.

    Attributes:
        backup: The folder of the backup that takes the place.
        database: The database's name or file.
        plan: What its kind needs to swap it and to undo that, as JSON.
        renames: The home's, in order.
    """

    backup: Path
    home: Path
    beside: Path
    kept_home: Path
    database: str
    plan: Mapping[str, Any]
    renames: tuple[Rename, ...]


def place(home: Path, *, inside: bool) -> Path:
    """Where the mark of a home stands."""
    return home / INSIDE if inside else home.with_name(f"{home.name}.{INSIDE}")


def mark_of(home: Path) -> Path | None:
    """The mark that stands, ``None`` when home and database belong together."""
    resolved = home.resolve()
    places = (place(resolved, inside=inside) for inside in (False, True))
    return next((path for path in places if path.exists()), None)


def refuse_unfinished(home: Path) -> None:
    """Open nothing of a home whose restore did not end.

    Raises:
        Conflict: ``restore_unfinished``.
        BadInput: ``restore_mark_damaged``.
    """
    mark = mark_of(home)
    if mark is not None:
        raise unfinished(read(mark))


def unfinished(change: Change) -> Conflict:
    """The refusal, with what was being restored."""
    return Conflict("restore_unfinished", folder=str(change.backup), home=str(change.home))


def read(mark: Path) -> Change:
    """What a mark tells.

    Raises:
        BadInput: ``restore_mark_damaged``.
    """
    try:
        told = json.loads(mark.read_bytes())
        return Change(
            backup=Path(told["backup"]),
            home=Path(told["home"]),
            beside=Path(told["beside"]),
            kept_home=Path(told["kept_home"]),
            database=told["database"],
            plan=told["plan"],
            renames=tuple(Rename.from_json(each) for each in told["renames"]),
        )
    except (ValueError, KeyError, TypeError):
        raise BadInput("restore_mark_damaged", file=str(mark)) from None


@contextmanager
def marked(mark: Path, change: Change) -> Iterator[None]:
    """Set the mark, mode 0600, and hold it during the block; it stays until :func:`remove`."""
    draft = change.beside / INSIDE
    told = {
        "backup": str(change.backup),
        "home": str(change.home),
        "beside": str(change.beside),
        "kept_home": str(change.kept_home),
        "database": change.database,
        "plan": dict(change.plan),
        "renames": [each.as_json() for each in change.renames],
    }
    descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(json.dumps(told, indent=1).encode())
        file.flush()
        os.fsync(file.fileno())
        draft.rename(mark)
        flush_name(mark)
        yield


@contextmanager
def held(mark: Path) -> Iterator[Change]:
    """A mark that a killed restore left, which no other restore may undo at the same time.

    Raises:
        Conflict: ``folder_being_written``: the restore that set it still runs.
        BadInput: ``restore_mark_damaged``.
    """
    with mark.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict("folder_being_written", folder=str(mark.parent)) from None
        yield read(mark)


def remove(mark: Path) -> None:
    """Home and database belong together again."""
    mark.unlink()
    flush_name(mark.parent)
