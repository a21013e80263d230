"""Alembic environment: runs the migrations on the engine Korrigo itself uses."""

from __future__ import annotations

from alembic import context

from core.db.session import engine_for
from core.db.tables import Base


def run() -> None:
    """Migrate in one transaction."""
    engine = engine_for(context.config.attributes["url"])
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=Base.metadata, user_module_prefix="")
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
