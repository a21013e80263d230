"""What commands have in common: who acts, tables out, waiting for jobs."""

from __future__ import annotations

import csv
import dataclasses
import getpass
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from core.domain.access import Actor
from core.errors import BadInput, WorkbenchError
from core.services.accounts import actor_for_login
from workbench.resources import sessions
from workbench.sentences import sentence

FILE = click.Path(path_type=Path, dir_okay=False)
OUT = click.option("--out", type=FILE, help="Écrire dans ce fichier plutôt qu'à l'écran.")


def actor(context: click.Context) -> Actor:
    """Who acts: the account of ``--as``, else the system for the present user."""
    login = context.find_root().obj
    return actor_for_login(sessions(), login=login) if login else Actor.system(getpass.getuser())


def content(path: Path) -> bytes:
    """The bytes of a file given on the command line.

    Raises:
        BadInput: ``file_not_found``.
    """
    try:
        return path.read_bytes()
    except OSError:
        raise BadInput("file_not_found", file=path) from None


def cell(value: object) -> str:
    """A value as a cell of a CSV table."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def write_table(columns: Sequence[str], lines: Iterable[Sequence[object]], out: Path | None) -> None:
    """A CSV table on stdout or in a file."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([cell(value) for value in line] for line in lines)
    if out is None:
        click.echo(text.getvalue(), nl=False)
    else:
        out.write_text(text.getvalue(), encoding="utf-8")


def write_json(value: object) -> None:
    """One JSON object on stdout."""
    click.echo(json.dumps(plain(value), ensure_ascii=False))


def plain(value: object) -> Any:
    """Dataclasses, decimals, dates and errors as JSON knows them."""
    if isinstance(value, WorkbenchError):
        return sentence(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date | Path):
        return str(value)
    return value
