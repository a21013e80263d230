"""The control of a lot and the atelier d'agrafage from the command line: commands of ``korrigo scans``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from core.errors import BadInput
from core.services import lots, repairs, workshop
from workbench.cli.shared import OUT, actor, write_json, write_table
from workbench.resources import sessions
from workbench.workshop_words import difference_words, on_paper_words, repair_words

PAPER = click.argument("paper_id", metavar="PAPER", type=int)
REASON = click.option("--reason", default="", help="Motif, nécessaire pour une copie finalisée ou publiée.")


def add_to(group: click.Group) -> None:
    """Make these commands part of ``korrigo scans``."""
    for command in (
        list_lots,
        set_lot,
        places,
        check,
        repair,
        list_repairs,
        undo,
        doubles,
        loose,
    ):
        group.add_command(command)


@click.command("lots")
@PAPER
@OUT
@click.pass_context
def list_lots(context: click.Context, paper_id: int, out: Path | None) -> None:
    """Les lots : ce que dit l'enveloppe, ce qui a été trouvé."""
    columns = (
        "lot",
        "label",
        "stated_copies",
        "stated_sheets",
        "found_booklets",
        "found_copies",
        "found_sheets",
        "differences",
    )
    rows = [
        [
            view.lot_id,
            view.label,
            view.stated_copies,
            view.stated_sheets,
            view.found_booklets,
            view.found_copies,
            view.found_sheets,
            " ".join(difference_words(difference) for difference in view.differences),
        ]
        for view in lots.lots(sessions(), actor(context), paper_id=paper_id)
    ]
    write_table(columns, rows, out)


@click.command("lot")
@PAPER
@click.argument("lot_id", metavar="LOT", type=int)
@click.option("--label", required=True, help="Étiquette : salle, classe ou paquet.")
@click.option("--copies", type=int, help="Copies écrites sur l'enveloppe.")
@click.option("--sheets", type=int, help="Feuilles écrites sur l'enveloppe.")
@click.pass_context
def set_lot(
    context: click.Context, paper_id: int, lot_id: int, label: str, copies: int | None, sheets: int | None
) -> None:
    """Écrit ce que porte l'enveloppe d'un lot."""
    view = lots.set_lot(
        sessions(),
        actor(context),
        paper_id=paper_id,
        lot_id=lot_id,
        label=label,
        stated_copies=copies,
        stated_sheets=sheets,
    )
    write_json({"lot": view.lot_id, "differences": [difference_words(one) for one in view.differences]})


@click.command("places")
@PAPER
@OUT
@click.pass_context
def places(context: click.Context, paper_id: int, out: Path | None) -> None:
    """Où chaque livret se trouve sur papier : le lot et le rang de sa première feuille."""
    found = workshop.workshop(sessions(), actor(context), paper_id=paper_id)
    rows = [
        [
            line.id,
            line.on_paper.lot_label if line.on_paper else "",
            line.on_paper.sheet if line.on_paper else None,
            on_paper_words(line.on_paper),
        ]
        for line in found.booklets
    ]
    write_table(("booklet", "lot", "sheet", "place"), rows, out)


@click.command("check")
@PAPER
@click.option("--lot", "chosen", type=int, multiple=True, help="Ce lot seulement.")
@click.option("--undo", "take_back", is_flag=True, help="Revenir en arrière.")
@click.pass_context
def check(context: click.Context, paper_id: int, chosen: tuple[int, ...], take_back: bool) -> None:
    """Déclare les lots en ordre : leurs livrets peuvent être identifiés."""
    who = actor(context)
    wanted = chosen or tuple(view.lot_id for view in lots.lots(sessions(), who, paper_id=paper_id))
    write_json(repairs.check(sessions(), who, paper_id=paper_id, lots=wanted, checked=not take_back))


@click.command("repair")
@PAPER
@click.argument("kind")
@click.option("--json", "arguments", default="{}", help="Arguments de la réparation, en JSON.")
@REASON
@click.pass_context
def repair(context: click.Context, paper_id: int, kind: str, arguments: str, reason: str) -> None:
    """Répare : rotate, swap, move, cut, join, set_aside, put_back, attach, replace…"""
    who = actor(context)
    made = repairs.repair(
        sessions(),
        who,
        paper_id=paper_id,
        kind=kind,
        arguments=_object(arguments),
        version=workshop.workshop(sessions(), who, paper_id=paper_id).version,
        reason=reason,
    )
    write_json(made)


@click.command("repairs")
@PAPER
@OUT
@click.pass_context
def list_repairs(context: click.Context, paper_id: int, out: Path | None) -> None:
    """Les réparations faites, la dernière d'abord."""
    rows = [
        [line.id, line.kind, repair_words(line), line.by, line.at, line.undone]
        for line in workshop.repairs_made(sessions(), actor(context), paper_id=paper_id)
    ]
    write_table(("repair", "kind", "sentence", "by", "at", "undone"), rows, out)


@click.command("undo")
@PAPER
@click.argument("repair_id", metavar="REPAIR", type=int)
@REASON
@click.pass_context
def undo(context: click.Context, paper_id: int, repair_id: int, reason: str) -> None:
    """Annule une réparation."""
    write_json(
        repairs.undo(sessions(), actor(context), paper_id=paper_id, repair_id=repair_id, reason=reason)
    )


@click.command("doubles")
@PAPER
@OUT
@click.pass_context
def doubles(context: click.Context, paper_id: int, out: Path | None) -> None:
    """Les images qui semblent numérisées deux fois."""
    found = workshop.workshop(sessions(), actor(context), paper_id=paper_id)
    files = {file.id: file.name for file in found.files}
    images = {image.id: (files[sheet.file], image.index) for sheet in found.sheets for image in sheet.images}
    rows = [
        [line.image, *images[line.image], line.other, *images[line.other], round(line.score, 3), line.verdict]
        for line in found.doubles
    ]
    columns = ("image", "file", "index", "other", "other_file", "other_index", "score", "verdict")
    write_table(columns, rows, out)


@click.command("loose")
@PAPER
@OUT
@click.pass_context
def loose(context: click.Context, paper_id: int, out: Path | None) -> None:
    """Les feuilles volantes et annexes en attente, avec le livret proposé."""
    who = actor(context)
    found = workshop.workshop(sessions(), who, paper_id=paper_id)
    first = {line.half: line.suggestions[0] for line in found.loose if line.suggestions}
    rows = [
        [
            sheet.file_name,
            " ".join(map(str, sheet.images)),
            sheet.place,
            on_paper_words(sheet.on_paper),
            " ".join(map(str, sheet.half_ids)),
            first[sheet.half_ids[0]].booklet if sheet.half_ids[0] in first else None,
            first[sheet.half_ids[0]].position if sheet.half_ids[0] in first else None,
        ]
        for sheet in lots.loose_sheets(sessions(), who, paper_id=paper_id)
    ]
    write_table(("file", "images", "place", "on_paper", "halves", "booklet", "position"), rows, out)


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise BadInput("parameter_unreadable", parameter="--json")
    return found
