"""Backup and restore of the home: database and files together."""

from __future__ import annotations

import getpass
from pathlib import Path

import click

from core.domain.access import Actor
from core.services import backup as backups
from core.services import restore as restores
from workbench.cli.shared import actor, write_json
from workbench.resources import blobs, sessions, settings

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command(options_metavar="", no_args_is_help=True)
@click.argument("words", nargs=-1, required=True, metavar="[verify] DIR")
@click.pass_context
def backup(context: click.Context, words: tuple[str, ...]) -> None:
    """Sauvegarde base et fichiers dans un nouveau dossier, puis les relit.

    « backup verify DIR » relit une sauvegarde sans la restaurer.
    """
    match words:
        case (folder,):
            made = backups.back_up(
                sessions(), actor(context), blobs(), home=settings().home, folder=Path(folder)
            )
        case ("verify", folder):
            made = backups.verify(_operator(context), folder=Path(folder))
        case _:
            raise click.UsageError("korrigo backup DIR, ou korrigo backup verify DIR")
    write_json(made)


@click.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option("--force", is_flag=True, help="Remplacer les données présentes, qui restent à côté.")
@click.pass_context
def restore(context: click.Context, folder: Path, force: bool) -> None:
    """Restaure une sauvegarde à la place du dossier des données et de sa base."""
    present = settings()
    write_json(
        restores.restore(
            _operator(context),
            folder=folder,
            home=present.home,
            database_url=present.database_url,
            force=force,
        )
    )


def _operator(context: click.Context) -> Actor:
    """Who acts on a backup: the machine's user. Looking up an account would open the home's database."""
    if context.find_root().obj:
        raise click.UsageError("--as ne va pas avec cette commande.")
    return Actor.system(getpass.getuser())
