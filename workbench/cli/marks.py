"""Marks, finalisation and publication from the command line."""

from __future__ import annotations

from pathlib import Path

import click

from core.services import finalisation, marking, publication
from workbench.cli.identify import PAPER
from workbench.cli.jobs import run_jobs
from workbench.cli.shared import FILE, actor, content, write_json
from workbench.resources import blobs, sessions


@click.group("marks")
def group() -> None:
    """Notes."""


@group.command("import")
@PAPER
@click.argument("file", type=FILE)
@click.pass_context
def import_marks(context: click.Context, paper_id: int, file: Path) -> None:
    """Importe des notes (code,item,mark,remark)."""
    write_json(
        marking.import_marks(
            sessions(), actor(context), paper_id=paper_id, file_name=file.name, content=content(file)
        )
    )


@click.command()
@PAPER
@click.pass_context
def finalise(context: click.Context, paper_id: int) -> None:
    """Finalise les copies complètes et fait leurs PDF."""
    who = actor(context)
    started = finalisation.finalise_paper(sessions(), who, paper_id=paper_id)
    run_jobs(who, paper_id)
    write_json(started)


@click.command()
@PAPER
@click.pass_context
def publish(context: click.Context, paper_id: int) -> None:
    """Publie les copies finalisées et identifiées."""
    write_json(publication.publish(sessions(), actor(context), blobs(), paper_id=paper_id))


@click.command()
@PAPER
@click.pass_context
def withdraw(context: click.Context, paper_id: int) -> None:
    """Retire la publication."""
    write_json(publication.withdraw(sessions(), actor(context), paper_id=paper_id))
