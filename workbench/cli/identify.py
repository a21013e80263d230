"""Identification, copies, release and allocation from the command line."""

from __future__ import annotations

from pathlib import Path

import click

from core.services import allocation, copies, identification
from workbench.cli.shared import FILE, OUT, actor, content, write_json, write_table
from workbench.resources import sessions

PAPER = click.argument("paper_id", metavar="PAPER", type=int)


@click.group()
def identify() -> None:
    """Identification des copies."""


@identify.command("proposals")
@PAPER
@OUT
@click.pass_context
def proposals(context: click.Context, paper_id: int, out: Path | None) -> None:
    """Les cinq meilleurs candidats de chaque livret."""
    found = identification.proposals(sessions(), actor(context), paper_id=paper_id)
    lines = [
        (
            booklet.booklet_id,
            booklet.file_sha256,
            booklet.first_image,
            ranked.rank,
            ranked.surname,
            ranked.first_name,
            ranked.birth_date,
            f"{ranked.probability:.6f}",
            booklet.decision,
        )
        for booklet in found
        for ranked in booklet.ranked
    ]
    columns = "booklet,file_sha256,first_image,rank,surname,first_name,birth_date,probability,decision"
    write_table(columns.split(","), lines, out)


@identify.command("apply")
@PAPER
@click.argument("file", type=FILE)
@click.pass_context
def apply(context: click.Context, paper_id: int, file: Path) -> None:
    """Applique un fichier de décisions."""
    write_json(
        identification.apply_decisions(
            sessions(), actor(context), paper_id=paper_id, file_name=file.name, content=content(file)
        )
    )


@identify.command("accept")
@PAPER
@click.pass_context
def accept(context: click.Context, paper_id: int) -> None:
    """Accepte les propositions automatiques."""
    write_json(identification.accept_automatic(sessions(), actor(context), paper_id=paper_id))


@click.command("copies")
@PAPER
@OUT
@click.pass_context
def list_copies(context: click.Context, paper_id: int, out: Path | None) -> None:
    """Les copies d'une épreuve."""
    columns = ["copy", "code", "status", "surname", "first_name", "birth_date", "pages", "corrector", "total"]
    lines = [
        (
            line.copy_id,
            line.code,
            line.status,
            line.surname,
            line.first_name,
            line.birth_date,
            line.pages,
            line.corrector,
            line.total,
        )
        for line in copies.copies(sessions(), actor(context), paper_id=paper_id)
    ]
    write_table(columns, lines, out)


@click.command()
@PAPER
@click.option("--pending", is_flag=True, help="Libérer aussi les copies sans identité.")
@click.pass_context
def release(context: click.Context, paper_id: int, pending: bool) -> None:
    """Libère les copies identifiées pour la correction."""
    write_json(copies.release(sessions(), actor(context), paper_id=paper_id, pending=pending))


@click.command()
@PAPER
@click.option("--correctors", required=True, help="Identifiants des correcteurs, séparés par des virgules.")
@click.option("--seed", type=int)
@click.pass_context
def allocate(context: click.Context, paper_id: int, correctors: str, seed: int | None) -> None:
    """Répartit les copies entre les correcteurs."""
    logins = [login.strip() for login in correctors.split(",") if login.strip()]
    write_json(
        allocation.allocate(sessions(), actor(context), paper_id=paper_id, correctors=logins, seed=seed)
    )
