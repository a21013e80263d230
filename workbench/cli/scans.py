"""Scans and the page ledger from the command line."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from core.errors import BadInput
from core.services import scans
from workbench.cli.jobs import run_jobs
from workbench.cli.shared import FILE, OUT, actor, write_json, write_table
from workbench.resources import blobs, sessions, settings


@click.group("scans")
def group() -> None:
    """Numérisations."""


@group.command("add")
@click.argument("paper_id", metavar="PAPER", type=int)
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option("--layout", type=click.Choice(scans.LAYOUTS), default="auto")
@click.option("--pages-per-copy", type=click.IntRange(min=1))
@click.option("--lot", default="", help="Étiquette du lot.")
@click.option("--wait/--no-wait", default=True, help="Attendre la fin du traitement.")
@click.pass_context
def add(
    context: click.Context,
    paper_id: int,
    files: tuple[Path, ...],
    layout: str,
    pages_per_copy: int | None,
    lot: str,
    wait: bool,
) -> None:
    """Ajoute des fichiers, trouve leurs pages, lit les en-têtes et propose des candidats."""
    who = actor(context)
    added = [_add(context, paper_id, file, layout, pages_per_copy, lot) for file in files]
    if wait:
        run_jobs(who, paper_id)
    write_json(
        {
            "files": len(added),
            "already_known": sum(file.known for file in added),
            "ledger": _ledger_sums(context, paper_id),
        }
    )


def _add(
    context: click.Context, paper_id: int, file: Path, layout: str, pages_per_copy: int | None, lot: str
) -> scans.ScanAdded:
    if not file.exists():
        raise BadInput("file_not_found", file=file)
    return scans.add_scan(
        sessions(),
        actor(context),
        blobs(),
        paper_id=paper_id,
        file_name=file.name,
        path=file,
        layout=layout,
        pages_per_copy=pages_per_copy,
        lot_label=lot,
        image_limit=settings().image_limit,
    )


def _ledger_sums(context: click.Context, paper_id: int) -> dict[str, object]:
    sums = scans.ledger_sums(sessions(), actor(context), paper_id=paper_id)
    return {**dataclasses.asdict(sums), "balanced": sums.is_balanced}


@group.command("ledger")
@click.argument("paper_id", metavar="PAPER", type=int)
@OUT
@click.pass_context
def ledger(context: click.Context, paper_id: int, out: Path | None) -> None:
    """Le registre des pages : une ligne par demi-page."""
    columns = [field.name for field in dataclasses.fields(scans.LedgerRow)]
    lines = scans.ledger(sessions(), actor(context), paper_id=paper_id)
    write_table(columns, [[getattr(line, column) for column in columns] for line in lines], out)
