"""PostgreSQL's own programs, pg_dump and pg_restore: found, run, their complaints told.

A server is dumped by programs of its own version or a later one (pg_dump refuses a newer server), and the
nearest later one is taken, so that its archives can be read where the server came from.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from sqlalchemy import URL

from core.errors import BadInput

_DEBIAN = Path("/usr/lib/postgresql")
_VERSION = re.compile(rb"\(PostgreSQL\) (\d+)")


def find(name: str, *, major: int) -> Path:
    """The program of the version ``major`` or the nearest later one.

    Raises:
        BadInput: ``database_tool_missing``: none is installed, or only older ones.
    """
    versions = {path: version for path in _candidates(name) if (version := _major(path)) is not None}
    fit = {path: version for path, version in versions.items() if version >= major}
    if not fit:
        raise BadInput("database_tool_missing", tool=name, version=str(major))
    return min(fit, key=lambda path: fit[path])


def run(tool: Path, url: URL, *arguments: str) -> None:
    """Run a program on the database at ``url``.

    Raises:
        BadInput: ``database_tool_failed``: with the first line of its complaint.
    """
    done = subprocess.run(
        [str(tool), "--no-password", *arguments, f"--dbname={_target(url)}"],
        env=_environment(url),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    _told(tool, done.returncode, done.stderr)


@contextmanager
def reading(tool: Path, *arguments: str) -> Iterator[IO[bytes]]:
    """What a program writes, line by line, while it runs; it reaches no database.

    Raises:
        BadInput: ``database_tool_failed``.
    """
    process = subprocess.Popen(
        [str(tool), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with process:
        assert process.stdout is not None  # noqa: S101 - asked for above
        assert process.stderr is not None  # noqa: S101
        yield process.stdout
        complaint = process.stderr.read()
    _told(tool, process.returncode, complaint)


def _told(tool: Path, status: int, complaint: bytes) -> None:
    if status:
        lines = complaint.decode(errors="replace").strip().splitlines()
        reason = lines[0] if lines else f"code {status}"
        raise BadInput("database_tool_failed", tool=tool.name, reason=reason)


def _candidates(name: str) -> list[Path]:
    folders = sorted(_DEBIAN.glob("*/bin"))
    asked = shutil.which("pg_config")
    if asked:
        told = subprocess.run([asked, "--bindir"], capture_output=True, text=True, check=False)
        folders += [Path(told.stdout.strip())] if told.returncode == 0 else []
    found = [folder / name for folder in folders if os.access(folder / name, os.X_OK)]
    on_path = shutil.which(name)
    return [*found, Path(on_path)] if on_path else found


def _major(tool: Path) -> int | None:
    told = subprocess.run([str(tool), "--version"], capture_output=True, check=False).stdout
    version = _VERSION.search(told)
    return int(version[1]) if version else None


def _target(url: URL) -> str:
    """The address as libpq reads it, without the password: arguments are seen by every user of the machine."""
    query = {key: value for key, value in url.query.items() if key != "password"}
    plain = URL.create("postgresql", url.username, None, url.host, url.port, url.database, query)
    return plain.render_as_string()


def _environment(url: URL) -> Mapping[str, str]:
    password = url.password or url.query.get("password")
    return {**os.environ, **({"PGPASSWORD": str(password)} if password else {}), "LC_MESSAGES": "C"}
