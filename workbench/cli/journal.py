"""The journal from the command line: its chain and its lines."""

from __future__ import annotations

import json
import re
import sys
from datetime import datetime
from pathlib import Path

import click

from core.domain.access import Action
from core.domain.chain import Head
from core.services import journal, sealing
from workbench.cli.shared import OUT, actor, write_table
from workbench.journal_words import broken_words, erased_words
from workbench.resources import sessions

_HEAD = re.compile(r"(\d+):([0-9a-f]{64})")
INSTANT = click.DateTime(formats=["%Y-%m-%d", "%d/%m/%Y", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])


@click.group("journal")
def group() -> None:
    """Qui a fait quoi."""


def _head(_context: click.Context, _parameter: click.Parameter, value: str | None) -> Head | None:
    if value is None:
        return None
    written = _HEAD.fullmatch(value.strip().lower())
    if written is None:
        raise click.BadParameter("écrivez NUMÉRO:EMPREINTE, comme `journal verify` les donne.")
    return Head(int(written[1]), written[2])


@group.command()
@click.option(
    "--expect",
    "expected",
    metavar="NUMÉRO:EMPREINTE",
    callback=_head,
    help="Une tête de chaîne notée plus tôt : la chaîne doit la porter encore.",
)
@click.pass_context
def verify(context: click.Context, expected: Head | None) -> None:
    """Parcourt toute la chaîne ; nomme la première ligne altérée."""
    found = sealing.verify(sessions(), actor(context), expected=expected)
    if found.broken is not None:
        click.echo(broken_words(found.broken), err=True)
        sys.exit(1)
    click.echo(f"ok {found.sealed} entries")
    click.echo(f"head {found.head.number}:{found.head.hash}")
    click.echo(f"unsealed {found.unsealed}")
    click.echo(f"erased {found.erased}")
    if found.erased:
        click.echo(f"{erased_words(found.erased)}.", err=True)


@group.command("list")
@click.option("--since", type=INSTANT, help="À partir de ce jour ou de cet instant.")
@click.option("--until", type=INSTANT, help="Avant ce jour ou cet instant.")
@click.option("--actor", "who", default="", help="Une partie de l'identifiant ou du nom ; « system ».")
@click.option("--action", type=click.Choice([action.value for action in Action]))
@click.option("--kind", default="", help="Genre d'objet : copy, paper, account…")
@click.option("--object", "object_id", type=int, help="Numéro de l'objet.")
@click.option("--limit", type=click.IntRange(min=1), help="Les plus récentes seulement.")
@OUT
@click.pass_context
def list_entries(
    context: click.Context,
    since: datetime | None,
    until: datetime | None,
    who: str,
    action: str | None,
    kind: str,
    object_id: int | None,
    limit: int | None,
    out: Path | None,
) -> None:
    """Les lignes du journal, les plus récentes d'abord."""
    found = journal.entries(
        sessions(),
        actor(context),
        since=since.astimezone() if since else None,
        until=until.astimezone() if until else None,
        who=who,
        action=Action(action) if action else None,
        kind=kind,
        object_id=object_id,
        limit=limit,
    )
    write_table(
        ["number", "entry", "at", "actor", "login", "action", "kind", "object", "values"],
        [
            (
                line.number,
                line.entry_id,
                line.at.isoformat(),
                line.actor,
                line.login,
                line.action,
                line.object_kind,
                line.object_id,
                "" if line.values is None else json.dumps(line.values, ensure_ascii=False, sort_keys=True),
            )
            for line in found
        ],
        out,
    )
