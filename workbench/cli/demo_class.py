"""A class drawn, scanned, identified, marked and published through the real services."""

from __future__ import annotations

import csv
import io
import random
import shutil
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import click

from core.domain.access import Actor
from core.domain.entries import DecisionKind
from core.services import (
    accounts,
    allocation,
    copies,
    exams,
    finalisation,
    identification,
    marking,
    publication,
    scans,
)
from workbench.cli.jobs import run_jobs
from workbench.demo.draw import draw_scan
from workbench.demo.fonts import SYSTEM_FONT_DIRS
from workbench.demo.recipe import load
from workbench.resources import blobs, sessions, settings

TO_IDENTIFY = "Mathématiques — à identifier"
PUBLISHED = "Mathématiques — publiée"
LEFT_TO_MARK = 7
"""Every seventh copy is left for the visitor to mark."""
DEMO_DATA = Path(__file__).parents[2] / "data" / "demo"


def build_class(system: Actor, session_name: str, correctors: Sequence[str]) -> None:
    """Two papers of one class: one whose copies wait to be identified, one published.

    Raises:
        BadInput: ``demo_fonts_missing``: too few handwriting fonts are installed.
    """
    folder = settings().home / "demonstration"
    click.echo("Démonstration : dessin des copies d'une classe…", err=True)
    drawn = draw_scan(load(DEMO_DATA / "recipe.json"), folder, font_dirs=SYSTEM_FONT_DIRS)
    report = exams.import_roster(
        sessions(),
        system,
        session_name=session_name,
        file_name=drawn.roster.name,
        content=drawn.roster.read_bytes(),
        ends_on=date(date.today().year + 1, 8, 31),  # noqa: DTZ011 - a calendar day of this place
    )
    accounts.create_student_accounts(sessions(), system, session_id=report.session_id)
    papers = [
        _paper(system, session_name, name, drawn.scheme, drawn.pdfs) for name in (PUBLISHED, TO_IDENTIFY)
    ]
    click.echo("Démonstration : lecture des en-têtes, correction et publication…", err=True)
    for paper_id in papers:
        run_jobs(system, paper_id)
    _mark_and_publish(system, papers[0], correctors)
    shutil.rmtree(folder)


def _paper(system: Actor, session_name: str, name: str, scheme: Path, pdfs: Sequence[Path]) -> int:
    paper_id = exams.create_paper(
        sessions(),
        system,
        session_name=session_name,
        name=name,
        schemes={"A": (scheme.name, scheme.read_bytes())},
        coefficient=Decimal(1),
    )
    for pdf in pdfs:
        scans.add_scan(
            sessions(),
            system,
            blobs(),
            paper_id=paper_id,
            file_name=pdf.name,
            path=pdf,
            lot_label="Salle 204",
            checked=True,
        )
    return paper_id


def _mark_and_publish(system: Actor, paper_id: int, correctors: Sequence[str]) -> None:
    """Do what people will do: confirm the proposals, release, mark, finalise, publish."""
    for task in identification.desk(sessions(), system, paper_id=paper_id).tasks:
        best = task.ranked[0].candidate_id if task.ranked else None
        identification.decide(
            sessions(),
            system,
            booklet_id=task.booklet_id,
            kind=DecisionKind.NOT_LISTED if best is None else DecisionKind.CANDIDATE,
            candidate_id=best,
            expected_decision_id=None,
        )
    copies.release(sessions(), system, paper_id=paper_id, pending=True)
    allocation.allocate(sessions(), system, paper_id=paper_id, correctors=correctors, seed=2027)
    marking.import_marks(
        sessions(), system, paper_id=paper_id, file_name="notes.csv", content=_marks(system, paper_id)
    )
    finalisation.finalise_paper(sessions(), system, paper_id=paper_id)
    run_jobs(system, paper_id)
    publication.publish(sessions(), system, blobs(), paper_id=paper_id)


def _marks(system: Actor, paper_id: int) -> bytes:
    """Marks of an imaginary class: each copy has an ability, each item a difficulty, steps of a quarter."""
    chance = random.Random(2027)
    leaves = [item for item in exams.paper(sessions(), system, paper_id=paper_id).scheme["A"] if item.is_leaf]
    difficulty = {item.code: chance.gauss(0, 0.25) for item in leaves}
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["code", "item", "mark", "remark"])
    for rank, line in enumerate(copies.copies(sessions(), system, paper_id=paper_id), 1):
        if rank % LEFT_TO_MARK == 0:
            continue
        ability = chance.gauss(0.62, 0.18)
        for item in leaves:
            share = min(max(ability - difficulty[item.code] + chance.gauss(0, 0.3), 0), 1)
            steps = round(share * float(item.points) * 4)
            untreated = share == 0 and chance.random() < 0.4
            writer.writerow(
                [line.code, item.code, "" if untreated else Decimal(steps) / 4, _remark(chance, share)]
            )
        writer.writerow([line.code, "*", "", _appreciation(ability)])
    return text.getvalue().encode()


def _remark(chance: random.Random, share: float) -> str:
    if chance.random() > 0.15:
        return ""
    if share > 0.8:
        return chance.choice(["Très bien rédigé.", "Exact.", "Bonne démarche."])
    if share > 0.3:
        return chance.choice(["Justification incomplète.", "Erreur de calcul, la méthode est bonne."])
    return chance.choice(["Revoir le cours.", "Il manque l'hypothèse.", "Hors sujet."])


def _appreciation(ability: float) -> str:
    if ability > 0.75:
        return "Un très bon travail, clair et rigoureux."
    if ability > 0.5:
        return "Un ensemble satisfaisant ; soignez les justifications."
    return "Des bases à consolider : reprenez les exercices du chapitre."
