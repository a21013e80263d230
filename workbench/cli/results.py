"""Exports, snapshots and reports from the command line."""

from __future__ import annotations

from pathlib import Path

import click

from core.services import exports, results
from workbench.cli.identify import PAPER
from workbench.cli.shared import FILE, OUT, actor, plain, write_json, write_table
from workbench.resources import blobs, sessions, settings


@click.command()
@PAPER
@click.argument("format_name", metavar="FORMAT")
@click.option("--out", type=FILE, required=True)
@click.pass_context
def export(context: click.Context, paper_id: int, format_name: str, out: Path) -> None:
    """Exporte une épreuve (pronote, csv, xlsx, pdf)."""
    made = exports.export_paper(sessions(), actor(context), blobs(), paper_id=paper_id, format=format_name)
    out.write_bytes(made.content)
    write_json({"file": str(out), "left_out": plain(made.left_out)})


@click.group()
def snapshot() -> None:
    """Instantanés Parquet."""


@snapshot.command("create")
@PAPER
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True)
@click.option("--identified", is_flag=True, help="Avec les noms.")
@click.pass_context
def create_snapshot(context: click.Context, paper_id: int, out: Path, identified: bool) -> None:
    """Fait un instantané pseudonymisé avec son dictionnaire de données."""
    made = results.snapshot(
        sessions(),
        actor(context),
        paper_ids=[paper_id],
        out_dir=out,
        home=settings().home,
        identified=identified,
    )
    write_json(made)


@click.command()
@click.argument("name", required=False)
@click.option("--paper", "paper_id", type=int)
@click.option("--list", "list_all", is_flag=True, help="Les rapports disponibles.")
@OUT
@click.pass_context
def report(
    context: click.Context, name: str | None, paper_id: int | None, list_all: bool, out: Path | None
) -> None:
    """Un rapport de l'instantané d'une épreuve."""
    if list_all or name is None:
        write_table(["name", "title"], [(line.name, line.title) for line in results.catalogue()], out)
        return
    if paper_id is None:
        raise click.UsageError("--paper est nécessaire.")
    table = results.report(sessions(), actor(context), name=name, paper_id=paper_id, home=settings().home)
    write_table(table.columns, table.rows, out)
