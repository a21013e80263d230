"""What every entry shares: settings, database and stored files, opened once per process.

Routes, pages, the worker and the command line call these; nothing here knows of Streamlit.
"""

from __future__ import annotations

import threading
from functools import cache

from core.db.migrate import upgrade
from core.db.session import Sessions, engine_for, session_factory
from core.services.restoring import refuse_unfinished
from core.settings import Settings
from core.storage.blobs import BlobStore
from core.storage.cache import open_cache

_OPENING = threading.Lock()


@cache
def settings() -> Settings:
    """The settings of this process; the home is made on first use and closed to other users.

    Raises:
        BadInput: A setting cannot be used as given, or the home cannot be written.
    """
    read = Settings.from_environment()
    read.make_home()
    return read


def sessions() -> Sessions:
    """Database sessions; the database is created or migrated on first use.

    Raises:
        Conflict: ``restore_unfinished``: a restore stopped between database and home.
    """
    with _OPENING:
        return _sessions()


def blobs() -> BlobStore:
    """The stored files of the home."""
    with _OPENING:
        return _blobs()


def opened_sessions() -> Sessions | None:
    """The database sessions when something in this process has used them; opens nothing."""
    with _OPENING:
        return _sessions() if _sessions.cache_info().currsize else None


def forget() -> None:
    """Close the database and read the environment again at the next use (tests, the demonstration)."""
    with _OPENING:
        if _sessions.cache_info().currsize:
            _sessions().kw["bind"].dispose()
        for opened in (_sessions, _blobs, settings):
            opened.cache_clear()


@cache
def _sessions() -> Sessions:
    refuse_unfinished(settings().home)
    url = settings().database_url
    upgrade(url)
    return session_factory(engine_for(url))


@cache
def _blobs() -> BlobStore:
    refuse_unfinished(settings().home)
    return BlobStore(settings().home / "blobs", open_cache(settings().redis_url))
