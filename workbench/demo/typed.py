"""Copies typed on a computer and sent as PDF: a printed name, text, no picture of any page."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from workbench.demo.fault_files import FaultyFile, FedHalf, written
from workbench.demo.recipe import Pupil
from workbench.demo.shots import HalfTruth
from workbench.demo.wording import FORMULAS, SENTENCES

_LINES = 34


def write_copy(folder: Path, pupil: Pupil, chance: np.random.Generator) -> FaultyFile:
    """Two or three pages, the name typed on the first."""
    pages = int(chance.integers(2, 4))
    buffer = BytesIO()
    canvas = Canvas(buffer, pagesize=A4, invariant=True)
    for page in range(1, pages + 1):
        _page(canvas, pupil if page == 1 else None, chance)
    canvas.save()
    halves = {
        (page, "full"): FedHalf(HalfTruth((pupil.key, 0), page, str(page + 1), written=True), 0)
        for page in range(pages)
    }
    return written(folder / f"{pupil.surname} {pupil.first_name}.pdf", buffer.getvalue(), halves)


def _page(canvas: Canvas, pupil: Pupil | None, chance: np.random.Generator) -> None:
    canvas.setFont("Times-Roman", 12)
    height = A4[1] - 60
    if pupil is not None:
        canvas.drawString(60, height, f"NOM : {pupil.surname}    Prénom : {pupil.first_name}")
        canvas.drawString(60, height - 18, f"Né(e) le {pupil.birth_date}    Classe : {pupil.class_name}")
    for line in range(_LINES):
        words = SENTENCES if chance.random() < 0.7 else FORMULAS
        canvas.drawString(60, height - 60 - 18 * line, str(words[int(chance.integers(len(words)))])[:92])
    canvas.showPage()
