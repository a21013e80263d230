"""``korrigo doctor``: what is in order, what is not, and what to do about it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator

import click

from core.db.session import Sessions, engine_for, session_factory
from core.errors import WorkbenchError
from core.services import health, installation
from core.services.health import Component, Parts, Standing
from core.settings import Settings, unknown_variables
from core.storage.blobs import BlobStore
from core.storage.cache import open_cache
from workbench.health_words import SHAPES, TITLES, remedy, told
from workbench.sentences import sentence

WITHIN_S = 5.0


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Un objet JSON plutôt que des phrases.")
def doctor(as_json: bool) -> None:
    """Vérifie l'installation ; sort avec 1 quand quelque chose empêche de servir."""
    found = list(_examined())
    if as_json:
        click.echo(json.dumps([_plain(part) for part in found], ensure_ascii=False))
    else:
        for part in found:
            click.echo(f"{SHAPES[part.standing]} {TITLES[part.name]} : {told(part)}")
            if remedy(part):
                click.echo(f"    → {remedy(part)}")
    if any(part.standing is Standing.DOWN for part in found):
        sys.exit(1)


def _examined() -> Iterator[Component]:
    """Every check in the order it is told. Nothing is made or changed but what a first use makes anyway."""
    for name in unknown_variables(os.environ):
        yield Component("settings", Standing.DEGRADED, "setting_unknown", figures={"setting": name})
    try:
        settings = Settings.from_environment()
    except WorkbenchError as error:
        words = sentence(error).rstrip(".")
        yield Component("settings", Standing.DOWN, "setting_wrong", figures={"sentence": words})
        yield installation.clock(None)
        yield from installation.programs(Settings.reader)
        return
    yield Component("settings", Standing.OK)
    yield installation.outside(settings)
    home = installation.home(settings)
    yield home
    if home.standing is Standing.DOWN:
        yield installation.clock(None)
    else:
        yield installation.drop_folder(settings)
        yield from _running(settings)
    yield from installation.programs(settings.reader)


def _running(settings: Settings) -> Iterator[Component]:
    """The database, the files and what is kept in them; the database is neither made nor migrated."""
    blobs = BlobStore(settings.home / "blobs", open_cache(settings.redis_url))
    sessions = session_factory(engine_for(settings.database_url))
    exists = installation.database_exists(settings)
    found = health.overview(
        Parts(lambda: _there(sessions, exists), lambda: blobs, settings), within_s=WITHIN_S
    )
    database = found.component("database")
    if not exists:
        yield Component("database", Standing.DEGRADED, "database_missing")
    else:
        yield database
    answers = exists and database.standing is not Standing.DOWN
    if answers:
        yield installation.guarded("database_inside", sessions)
    yield installation.guarded("clock", sessions) if answers else installation.clock(None)
    for part in found.components:
        if part.name in ("files", "redis") or (part.name != "database" and answers):
            yield part
    yield installation.stored_files(settings)


def _there(sessions: Sessions, exists: bool) -> Sessions:
    if not exists:
        raise FileNotFoundError("the SQLite file, which nobody but the application makes")
    return sessions


def _plain(part: Component) -> dict[str, object]:
    return {
        "name": part.name,
        "status": part.standing.value,
        "code": part.code,
        "sentence": f"{TITLES[part.name]} : {told(part)}",
        "remedy": remedy(part),
        "figures": dict(part.figures),
    }
