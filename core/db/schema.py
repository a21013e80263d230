"""Which revision a database is at, and which one this version of the program works with."""

from __future__ import annotations

from functools import cache

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from core.db.migrate import MIGRATIONS


@cache
def head() -> str:
    """The revision of the schema this version of the program works with."""
    return ScriptDirectory(str(MIGRATIONS)).get_current_head() or ""


def revision(connection: Connection) -> str | None:
    """The revision a database is at; ``None`` when it was never migrated."""
    return MigrationContext.configure(connection).get_current_revision()
