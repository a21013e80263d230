"""Renames that go together: done in order, and undone from whatever point they had reached.

A list of them is written down before the first, so that another process can undo what one that was killed
had begun. Undoing twice, or what never began, changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.storage.files import flush_name


@dataclass(frozen=True)
class Rename:
    """One rename, of a file or folder.

    Attributes:
        inode: What stands at ``target`` is ``source`` renamed only if it bears this number; ``None`` when
            nothing else can ever have the name ``target``.
    """

    source: Path
    target: Path
    inode: int | None = None

    @classmethod
    def into_place(cls, source: Path, target: Path) -> Rename:
        """To a name that something else may have had, and may have again."""
        return cls(source, target, source.lstat().st_ino)

    def is_done(self) -> bool:
        """Whether it was done and not undone."""
        if not (self.target.is_symlink() or self.target.exists()):
            return False
        return self.inode is None or self.target.lstat().st_ino == self.inode

    def as_json(self) -> list[str | int | None]:
        """Written down, for :meth:`from_json`."""
        return [str(self.source), str(self.target), self.inode]

    @classmethod
    def from_json(cls, told: Sequence[str | int | None]) -> Rename:
        """Read what :meth:`as_json` wrote."""
        source, target, inode = told
        return cls(Path(str(source)), Path(str(target)), None if inode is None else int(inode))


def do(renames: Iterable[Rename]) -> None:
    """Do them in order; they last when this returns."""
    for each in renames:
        _rename(each.source, each.target)
        flush_name(each.target)


def undo(renames: Sequence[Rename]) -> None:
    """Undo those that were done, the last first."""
    for each in reversed(renames):
        if each.is_done():
            # An emptied folder may be gone with what was restored.
            each.source.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _rename(each.target, each.source)
            flush_name(each.source)


def _rename(source: Path, target: Path) -> None:
    source.rename(target)
