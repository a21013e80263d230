"""``korrigo``: everything the pages do, from a terminal, a script or cron."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from core.errors import WorkbenchError
from workbench.cli import accounts, exams, identify, marks, results, scans, serve
from workbench.sentences import sentence

COMMANDS: tuple[click.Command, ...] = (
    *accounts.COMMANDS,
    *exams.COMMANDS,
    *scans.COMMANDS,
    *identify.COMMANDS,
    *marks.COMMANDS,
    *results.COMMANDS,
    *serve.COMMANDS,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), help="Dossier des données.")
@click.option("--as", "login", help="Agir avec les droits de ce compte.")
@click.pass_context
def korrigo(context: click.Context, home: Path | None, login: str | None) -> None:
    """Atelier de correction de copies manuscrites numérisées."""
    if home is not None:
        os.environ["KORRIGO_HOME"] = str(home.absolute())
    context.obj = login


for command in COMMANDS:
    korrigo.add_command(command)


def main() -> None:
    """Run a command; what a person can mend is one sentence on stderr and exit code 1."""
    try:
        korrigo.main(standalone_mode=True)
    except WorkbenchError as error:
        click.echo(sentence(error), err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
