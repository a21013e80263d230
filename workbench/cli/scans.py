"""Scans and the page ledger from the command line."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from core.domain.access import Actor
from core.errors import BadInput
from core.services import scans
from workbench.cli import workshop
from workbench.cli.jobs import run_jobs
from workbench.cli.shared import FILE, OUT, actor, write_json, write_table
from workbench.resources import blobs, sessions, settings
from workbench.sentences import sentence


@click.group("scans")
def group() -> None:
    """Numérisations."""


@group.command("add")
@click.argument("paper_id", metavar="PAPER", type=int)
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option("--layout", type=click.Choice(scans.LAYOUTS), default="auto")
@click.option("--pages-per-copy", type=click.IntRange(min=1))
@click.option("--lot", default="", help="Étiquette du lot : salle, classe ou paquet.")
@click.option("--copies", type=click.IntRange(min=0), help="Copies comptées sur l'enveloppe.")
@click.option("--sheets", type=click.IntRange(min=0), help="Feuilles comptées sur l'enveloppe.")
@click.option("--to-check", is_flag=True, help="Laisser le contrôle du lot à une personne.")
@click.option("--wait/--no-wait", default=True, help="Attendre la fin du traitement.")
@click.pass_context
def add(
    context: click.Context,
    paper_id: int,
    files: tuple[Path, ...],
    layout: str,
    pages_per_copy: int | None,
    lot: str,
    copies: int | None,
    sheets: int | None,
    to_check: bool,
    wait: bool,
) -> None:
    """Ajoute des fichiers, trouve leurs pages, lit les en-têtes et propose des candidats.

    Un fichier peut être un PDF, un TIFF, une photo (JPEG, PNG, HEIC, WebP) ou un ZIP de tout cela.
    Plusieurs fichiers donnés ensemble font un lot.
    """
    who = actor(context)
    options = {
        "layout": layout,
        "pages_per_copy": pages_per_copy,
        "lot_label": lot or (_joint_label(files) if len(files) > 1 else ""),
        "stated_copies": copies,
        "stated_sheets": sheets,
        "checked": not to_check,
    }
    added = [_add(who, paper_id, file, options) for file in files]
    if wait:
        run_jobs(who, paper_id)
    write_json(
        {
            "files": sum(len(file.files) for file in added),
            "already_known": sum(file.known for file in added),
            "refused": [
                {"file": refused.name, "reason": sentence(refused.error)}
                for file in added
                for refused in file.refused
            ],
            "ledger": _ledger_sums(context, paper_id),
        }
    )


def _joint_label(files: tuple[Path, ...]) -> str:
    """The label of a lot of several files nobody named: that of the first."""
    return files[0].stem


def _add(who: Actor, paper_id: int, file: Path, options: Mapping[str, Any]) -> scans.ScanAdded:
    if not file.exists():
        raise BadInput("file_not_found", file=file)
    return scans.add_scan(
        sessions(),
        who,
        blobs(),
        paper_id=paper_id,
        file_name=file.name,
        path=file,
        image_limit=settings().image_limit,
        **options,
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


workshop.add_to(group)
