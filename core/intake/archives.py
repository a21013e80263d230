"""Take a ZIP apart without believing anything it says: names are labels, sizes are counted.

Files are written as 0001, 0002 … in the natural order of their names, so that nothing in an archive
chooses where it is written.
"""

from __future__ import annotations

import os
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from core.errors import BadInput
from core.intake.kinds import Kind, kind_of_head

__all__ = ["ArchiveLimits", "Member", "natural_key", "unpack"]


@dataclass(frozen=True)
class ArchiveLimits:
    """What an archive may expand to.

    Attributes:
        members: most files in it.
        member_bytes: most bytes of one file.
        total_bytes: most bytes of all files.
        ratio: most times its packed size that a file of more than ``RATIO_FROM_BYTES`` may have; scans
            are packed already, and a blank bitonal page that is not packs at 1 to 1000.
    """

    members: int = 2000
    member_bytes: int = 2 * 1024**3
    total_bytes: int = 4 * 1024**3
    ratio: int = 200


RATIO_FROM_BYTES = 64 * 1024**2
_CHUNK = 1024**2
_HEAD_BYTES = 1024
_LABEL_LENGTH = 200

_OF_SYSTEMS = frozenset({".ds_store", "thumbs.db", "desktop.ini", ".localized"})
_ENCRYPTED, _UTF8 = 0x1, 0x800
_UNICODE_PATH = 0x7075
"""Extra field with the name in UTF-8 (APPNOTE 6.3.10, 4.6.9)."""

_ZIP_FAULTS: tuple[type[Exception], ...] = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    NotImplementedError,
    RuntimeError,
    ValueError,
    LookupError,
    EOFError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True)
class Member:
    """A file of an archive.

    Attributes:
        name: as people read it, folders included; never a path to open.
        path: where it was written, ``None`` when it was refused.
        error: the code that says why it was refused.
    """

    name: str
    path: Path | None
    error: str | None = None


def unpack(path: Path, folder: Path, *, limits: ArchiveLimits = ArchiveLimits()) -> list[Member]:
    """Write the files of an archive into a folder; those that cannot be taken are refused one by one.

    What systems add on their own (``__MACOSX``, ``.DS_Store``, ``Thumbs.db``) is left out.

    Args:
        path: the archive.
        folder: an empty folder that exists.
        limits: what it may expand to.

    Raises:
        BadInput: ``archive_damaged``, ``archive_empty``, ``archive_too_many`` (members, limit),
            ``archive_too_large`` (limit_bytes) when all together it expands beyond the limit,
            ``archive_is_document`` for a file of an office program.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = _wanted(archive, limits)
            return _written(archive, members, folder, limits)
    except _ZIP_FAULTS as error:
        raise BadInput("archive_damaged") from error


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Orders copie2 before copie10, capitals and accents aside."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    parts = re.findall(r"[0-9]+|[^0-9]+", plain.replace("/", "\0"))
    return tuple((0, int(part[:18]), part) if part.isdecimal() else (1, 0, part) for part in parts)


def _wanted(archive: zipfile.ZipFile, limits: ArchiveLimits) -> list[tuple[str, zipfile.ZipInfo]]:
    """The members that people put there, by label, in natural order; a repeated name is told apart."""
    infos = archive.infolist()
    if _overlap(infos):
        raise BadInput("archive_damaged")
    if any(info.filename == "[Content_Types].xml" or info.filename == "mimetype" for info in infos):
        raise BadInput("archive_is_document")
    named = [(_label(info), info) for info in infos if not info.is_dir()]
    named = [(label, info) for label, info in named if not _is_of_system(label)]
    if not named:
        raise BadInput("archive_empty")
    if len(named) > limits.members:
        raise BadInput("archive_too_many", members=len(named), limit=limits.members)
    named.sort(key=lambda pair: natural_key(pair[0]))
    times: dict[str, int] = {}
    told_apart = []
    for label, info in named:
        times[label] = times.get(label, 0) + 1
        told_apart.append((label if times[label] == 1 else f"{label} ({times[label]})", info))
    return told_apart


def _overlap(infos: Sequence[zipfile.ZipInfo]) -> bool:
    """Whether two members share bytes of the archive: a small one then expands without end."""
    spans = sorted((info.header_offset, info.header_offset + info.compress_size) for info in infos)
    return any(before[1] > after[0] or before[0] == after[0] for before, after in pairwise(spans))


class _Budget:
    """How many bytes may still come out of an archive, those of refused members included."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = self.left = limit_bytes

    def spend(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise _TooLarge


class _TooLarge(Exception):
    """More bytes came out of the archive than may."""


def _written(
    archive: zipfile.ZipFile,
    members: Sequence[tuple[str, zipfile.ZipInfo]],
    folder: Path,
    limits: ArchiveLimits,
) -> list[Member]:
    budget = _Budget(limits.total_bytes)
    found: list[Member] = []
    try:
        for number, (label, info) in enumerate(members, 1):
            target = folder / f"{number:04}"
            error = _taken_or_why(archive, info, target, limits, budget)
            found.append(Member(label, None if error else target, error))
    except _TooLarge as error:
        for member in found:
            if member.path is not None:
                member.path.unlink()
        raise BadInput("archive_too_large", limit_bytes=limits.total_bytes) from error
    return found


def _taken_or_why(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, limits: ArchiveLimits, budget: _Budget
) -> str | None:
    """Write one member; the code that refuses it, after which nothing of it remains."""
    try:
        _check(info, limits)
        _write(archive, info, target, limits, budget)
    except BadInput as error:
        target.unlink(missing_ok=True)
        return error.code
    except _ZIP_FAULTS:
        target.unlink(missing_ok=True)
        return "archive_member_unreadable"
    except _TooLarge:
        target.unlink(missing_ok=True)
        raise
    return None


def _check(info: zipfile.ZipInfo, limits: ArchiveLimits) -> None:
    """What a member's header tells; its name is refused when it tries to lead elsewhere."""
    mode = info.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise BadInput("archive_member_link")
    # orig_filename: zipfile cuts names at their first NUL and turns separators.
    name = info.orig_filename.replace("\\", "/")
    if name.startswith("/") or re.match(r"[A-Za-z]:", name) or ".." in name.split("/") or "\0" in name:
        raise BadInput("archive_member_name")
    if info.flag_bits & _ENCRYPTED:
        raise BadInput("archive_member_encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BadInput("archive_member_unreadable")
    if info.file_size > limits.member_bytes:
        raise BadInput("archive_bomb")


def _write(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, limits: ArchiveLimits, budget: _Budget
) -> None:
    """Write one member; the size it announces is not believed."""
    written = 0
    most = max(RATIO_FROM_BYTES, limits.ratio * max(1, info.compress_size))
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as out, archive.open(info) as member:
        while chunk := member.read(_CHUNK):
            budget.spend(len(chunk))
            if not written and kind_of_head(chunk[:_HEAD_BYTES]) is Kind.ZIP:
                raise BadInput("archive_nested")
            written += len(chunk)
            if written > min(most, limits.member_bytes):
                raise BadInput("archive_bomb")
            out.write(chunk)
    if not written:
        raise BadInput("file_empty")


# --- Names ----------------------------------------------------------------------------------------


def _label(info: zipfile.ZipInfo) -> str:
    """The name of a member as people read it; it is never used as a path."""
    name = unicodedata.normalize("NFC", _text(info)).replace("\\", "/")
    # Control signs and marks that turn the direction of writing could make one name look like another.
    seen = "".join(sign for sign in name if unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Co"))
    label = "/".join(part for part in seen.split("/") if part not in ("", ".", ".."))
    return label[-_LABEL_LENGTH:] or "?"


def _text(info: zipfile.ZipInfo) -> str:
    """Without a mark, Windows writes names in code page 850 in France, macOS in UTF-8."""
    if info.flag_bits & _UTF8:
        return info.orig_filename
    try:
        raw = info.orig_filename.encode("cp437")
    except UnicodeEncodeError:
        return info.orig_filename
    told = _unicode_path(info.extra, raw)
    if told is not None:
        return told
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp850")


def _unicode_path(extra: bytes, raw: bytes) -> str | None:
    at = 0
    while at + 4 <= len(extra):
        field, length = struct.unpack("<HH", extra[at : at + 4])
        content = extra[at + 4 : at + 4 + length]
        if field == _UNICODE_PATH and len(content) > 5 and content[1:5] == struct.pack("<I", zlib.crc32(raw)):
            try:
                return content[5:].decode("utf-8")
            except UnicodeDecodeError:
                return None
        at += 4 + length
    return None


def _is_of_system(label: str) -> bool:
    parts = label.split("/")
    return "__MACOSX" in parts or parts[-1].lower() in _OF_SYSTEMS or parts[-1].startswith("._")
