"""Rosters, entries and papers from the command line."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

import click

from core.errors import BadInput
from core.services import exams
from workbench.cli.shared import FILE, actor, content, write_json
from workbench.resources import sessions

DAY = click.DateTime(formats=["%Y-%m-%d", "%d/%m/%Y"])


@click.group()
def roster() -> None:
    """Listes de candidats."""


@roster.command("import")
@click.argument("file", type=FILE)
@click.option("--session", "session_name", required=True)
@click.option("--ends-on", type=DAY, help="Fin de la session (fin d'août par défaut).")
@click.pass_context
def import_roster(context: click.Context, file: Path, session_name: str, ends_on: datetime | None) -> None:
    """Importe une liste CSV, XLSX ou PDF ; crée la session au besoin."""
    report = exams.import_roster(
        sessions(),
        actor(context),
        session_name=session_name,
        file_name=file.name,
        content=content(file),
        ends_on=ends_on.date() if ends_on else None,
    )
    write_json(report)


@click.group()
def entries() -> None:
    """Candidats d'une épreuve."""


@entries.command("import")
@click.argument("paper_id", metavar="PAPER", type=int)
@click.argument("file", type=FILE)
@click.pass_context
def import_entries(context: click.Context, paper_id: int, file: Path) -> None:
    """Dit qui passe l'épreuve et qui est présent."""
    write_json(
        exams.import_entries(
            sessions(), actor(context), paper_id=paper_id, file_name=file.name, content=content(file)
        )
    )


@click.group()
def paper() -> None:
    """Épreuves."""


@paper.command("create")
@click.option("--session", "session_name", required=True)
@click.option("--name", required=True)
@click.option("--scheme", type=FILE, required=True, help="Barème du sujet A (CSV ou XLSX).")
@click.option("--variant", "variants", multiple=True, metavar="CODE=FILE", help="Barème d'un autre sujet.")
@click.option("--total", default="20")
@click.option("--coefficient", default="1")
@click.option("--date", "sat_on", type=DAY)
@click.pass_context
def create(
    context: click.Context,
    session_name: str,
    name: str,
    scheme: Path,
    variants: tuple[str, ...],
    total: str,
    coefficient: str,
    sat_on: datetime | None,
) -> None:
    """Crée une épreuve avec son barème ; affiche son identifiant seul sur la dernière ligne."""
    schemes = {"A": (scheme.name, content(scheme))}
    for given in variants:
        code, separator, file = given.partition("=")
        if not separator:
            raise click.UsageError(f"--variant attend CODE=FICHIER, pas « {given} »")
        schemes[code] = (Path(file).name, content(Path(file)))
    paper_id = exams.create_paper(
        sessions(),
        actor(context),
        session_name=session_name,
        name=name,
        schemes=schemes,
        total=_decimal(total),
        coefficient=_decimal(coefficient),
        sat_on=sat_on.date() if sat_on else None,
    )
    click.echo(paper_id)


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text.replace(",", "."))
    except InvalidOperation:
        raise BadInput("not_a_number", value=text) from None
