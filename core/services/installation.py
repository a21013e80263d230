"""What the doctor looks at besides the parts that run: the home, the database inside, programs, typefaces, clock."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import stat
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from core.db.session import Sessions
from core.db.tables import JournalEntry
from core.db.tables.base import now
from core.errors import WorkbenchError
from core.pdf.fonts import register_fonts
from core.reading import reader
from core.services.health import Component, Figures, Standing
from core.services.transactions import reading
from core.settings import Network, Settings

POSTGRESQL_MAJOR = 15  # docs/decisions/0002
CONNECTIONS_NEEDED = 40
"""Four processes with ten connections each: two web replicas, two workers."""
SAMPLE = 30
"""Stored files whose bytes are read again: seconds, where all of them would take the night of a backup."""
CLOCK_OFF = timedelta(minutes=2)
_BUILT_AFTER = datetime(2026, 1, 1, tzinfo=UTC)
_EVERYBODY = 1 << 24
"""A network of more addresses than 10.0.0.0/8 is no list of proxies."""

_OK, _ODD, _BAD = Standing.OK, Standing.DEGRADED, Standing.DOWN


def home(settings: Settings) -> Component:
    """The folder of the data: there (it is made at the first use of anything), writable, closed to others."""
    if settings.home.is_dir():
        mode = stat.S_IMODE(settings.home.stat().st_mode)
        if mode & 0o077:
            return Component("home", _ODD, "home_open", figures={"mode": f"{mode:04o}"})
    try:
        settings.make_home()
    except WorkbenchError:
        return Component("home", _BAD, "home_unwritable")
    return Component("home", _OK)


def drop_folder(settings: Settings) -> Component:
    """The folder where copiers leave scans: it and those of the papers can be written, or files would stay."""
    root = settings.drop_folder
    if root is None:
        return Component("drop_folder", _OK)
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root):
            pass
        closed = [path for path in root.iterdir() if path.is_dir() and not os.access(path, os.R_OK | os.W_OK)]
    except OSError:
        return Component("drop_folder", _ODD, "drop_folder_unwritable")
    if closed:
        return Component("drop_folder", _ODD, "drop_folder_closed", figures={"closed": len(closed)})
    return Component("drop_folder", _OK)


def database_exists(settings: Settings) -> bool:
    """Whether there is something to ask: opening an SQLite file that is not there would make it."""
    url = make_url(settings.database_url)
    return url.get_backend_name() != "sqlite" or Path(url.database or "").is_file()


def database_inside(sessions: Sessions) -> Component:
    """What only a look inside tells: damage and journal mode of SQLite, version and limits of PostgreSQL."""
    with reading(sessions) as session:
        if session.get_bind().dialect.name == "sqlite":
            return _sqlite(session)
        return _postgresql(session)


def clock(sessions: Sessions | None) -> Component:
    """The machine's clock beside the database server's, and beside the last thing that was done."""
    if now() < _BUILT_AFTER:
        return Component("clock", _BAD, "clock_wrong")
    if sessions is None:
        return Component("clock", _OK)
    with reading(sessions) as session:
        latest = session.scalar(select(func.max(JournalEntry.at)))
        if latest is not None and latest - now() > CLOCK_OFF:
            return Component("clock", _BAD, "clock_behind")
        if session.get_bind().dialect.name == "postgresql":
            apart: datetime = session.execute(text("select clock_timestamp()")).scalar_one()
            if abs(apart - now()) > CLOCK_OFF:
                return Component("clock", _ODD, "clock_apart")
    return Component("clock", _OK)


def stored_files(settings: Settings) -> Component:
    """A sample of the stored files, read and compared with the SHA-256 they are named by."""
    kept = [path for path in (settings.home / "blobs").glob("??/*") if len(path.name) == 64]
    sample = random.sample(kept, min(SAMPLE, len(kept)))
    figures: Figures = {"kept": len(kept), "read": len(sample)}
    try:
        damaged = [path for path in sample if _sha256(path) != path.name]
    except OSError:
        return Component("stored_files", _BAD, "stored_files_unreadable", figures=figures)
    if damaged:
        return Component(
            "stored_files", _BAD, "stored_files_damaged", figures={**figures, "damaged": len(damaged)}
        )
    return Component("stored_files", _OK, figures=figures)


def programs(wanted_reader: str) -> tuple[Component, ...]:
    """The recognisers with their models, jpegtran, the typeface of PDF files."""
    return (
        _reader("ppocr", wanted_reader),
        _reader("tesseract", wanted_reader),
        Component("jpegtran", _OK)
        if shutil.which("jpegtran")
        else Component("jpegtran", _BAD, "jpegtran_missing"),
        Component("fonts", _OK) if register_fonts() else Component("fonts", _ODD, "fonts_missing"),
    )


def outside(settings: Settings) -> Component:
    """Whether the networks that are believed are lists of machines rather than everybody."""
    if any(_is_everybody(network) for network in settings.trusted_proxies):
        return Component("outside", _BAD, "proxies_everybody")
    if any(_is_everybody(network) for network in settings.metrics_from):
        return Component("outside", _ODD, "metrics_everybody")
    return Component("outside", _OK, figures={"proxies": len(settings.trusted_proxies)})


def guarded(name: str, sessions: Sessions) -> Component:
    """:func:`database_inside` or :func:`clock`, for a database that may go away meanwhile."""
    try:
        return database_inside(sessions) if name == "database_inside" else clock(sessions)
    except (SQLAlchemyError, UnicodeDecodeError):
        # SQLite quotes what it cannot read of a damaged file, and that is not always text.
        return Component(name, _BAD, f"{name}_unreadable")


def _sqlite(session: Session) -> Component:
    found = session.execute(text("pragma quick_check(1)")).scalar_one()
    if found != "ok":
        return Component("database_inside", _BAD, "database_damaged")
    mode = session.execute(text("pragma journal_mode")).scalar_one()
    if mode != "wal":
        return Component("database_inside", _ODD, "database_not_wal", figures={"mode": str(mode)})
    return Component("database_inside", _OK, figures={"kind": "sqlite"})


def _postgresql(session: Session) -> Component:
    number = int(session.execute(text("show server_version_num")).scalar_one())
    allowed = int(session.execute(text("show max_connections")).scalar_one())
    figures: Figures = {"kind": "postgresql", "major": number // 10_000, "max_connections": allowed}
    if number // 10_000 < POSTGRESQL_MAJOR:
        return Component("database_inside", _BAD, "database_too_old", figures=figures)
    if allowed < CONNECTIONS_NEEDED:
        return Component("database_inside", _ODD, "database_few_connections", figures=figures)
    return Component("database_inside", _OK, figures=figures)


def _reader(name: str, wanted: str) -> Component:
    try:
        reader(name)
    except WorkbenchError:
        return Component(name, _BAD if name == wanted else _ODD, f"{name}_missing")
    return Component(name, _OK)


def _is_everybody(network: Network) -> bool:
    # Of IPv6, a site has a /48: what is wider is somebody else's too.
    return network.prefixlen < 48 if network.version == 6 else network.num_addresses > _EVERYBODY


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
