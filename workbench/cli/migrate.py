"""The database brought to the schema of this version, without serving anything."""

from __future__ import annotations

import click
from sqlalchemy.engine import make_url

from core.db.migrate import upgrade
from core.services.restoring import refuse_unfinished
from workbench.resources import settings


@click.command()
def migrate() -> None:
    """Met la base de données au schéma de cette version, puis rend la main."""
    # Web processes and workers do it too when they start, in turns. In production one container does it before
    # them, so that a migration that fails stops the start once, and says why (compose.yaml).
    refuse_unfinished(settings().home)
    url = settings().database_url
    upgrade(url)
    click.echo(f"La base {make_url(url).get_backend_name()} est à jour.")
