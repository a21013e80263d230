"""Alembic environment: runs the migrations on the connection it is given, or on the engine Korrigo itself uses."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from core.db.session import engine_for
from core.db.tables import Base


def run() -> None:
    """Migrate in one transaction."""
    given: Connection | None = context.config.attributes.get("connection")
    if given is not None:
        _migrate(given)
        return
    engine = engine_for(context.config.attributes["url"])
    with engine.connect() as connection:
        _migrate(connection)
    engine.dispose()


def _migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata, user_module_prefix="")
    with context.begin_transaction():
        context.run_migrations()


run()
