"""``korrigo``: everything the pages do, from a terminal, a script or cron."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path

import click

from core.errors import WorkbenchError
from workbench import logs
from workbench.sentences import sentence

COMMANDS = {
    "account": "accounts.account",
    "allocate": "identify.allocate",
    "backup": "backup.backup",
    "copies": "identify.list_copies",
    "demo": "serve.demo",
    "doctor": "doctor.doctor",
    "entries": "exams.entries",
    "export": "results.export",
    "finalise": "marks.finalise",
    "identify": "identify.identify",
    "journal": "journal.group",
    "marks": "marks.group",
    "migrate": "migrate.migrate",
    "paper": "exams.paper",
    "publish": "marks.publish",
    "release": "identify.release",
    "report": "results.report",
    "restore": "backup.restore",
    "roster": "exams.roster",
    "scans": "scans.group",
    "serve": "serve.serve",
    "snapshot": "results.snapshot",
    "withdraw": "marks.withdraw",
    "worker": "serve.worker",
}
"""Where each command stands, below this package. Only the one that is asked for is imported: all together
would cost every command seconds."""


class _Commands(click.Group):
    """The commands of the table, imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Every command, in alphabetical order."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of a name, ``None`` when there is none."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(".")
        command = getattr(import_module(f"workbench.cli.{module}"), attribute)
        assert isinstance(command, click.Command)  # noqa: S101 - the table is wrong otherwise
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), help="Dossier des données.")
@click.option("--as", "login", help="Agir avec les droits de ce compte.")
@click.pass_context
def korrigo(context: click.Context, home: Path | None, login: str | None) -> None:
    """Atelier de correction de copies manuscrites numérisées."""
    if home is not None:
        os.environ["KORRIGO_HOME"] = str(home.absolute())
    context.obj = login
    logs.configure(format="", level="warning")  # a command says what it does; its log says what went wrong
    context.call_on_close(_seal)


def _seal() -> None:
    """Seal the journal of what the command did: no server may be running that would."""
    if "workbench.resources" not in sys.modules:  # nor was a database used, and importing costs a second
        return
    known = import_module("workbench.resources").opened_sessions()
    if known is not None:
        import_module("core.services.sealing").try_to_seal(known)


def main() -> None:
    """Run a command; what a person can mend is one sentence on stderr and exit code 1."""
    try:
        korrigo.main(standalone_mode=True)
    except WorkbenchError as error:
        click.echo(sentence(error), err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
