"""The roster beside the scans, read for drawing and written when the names come from crops.

Simpler than the import of the application on purpose: it reads only files of
the generator's own, and must not share a mistake with what it tests.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from workbench.demo.recipe import Pupil

COLUMNS = ("Nom", "Prénom", "Né(e) le", "Classe", "INE", "E-mail")


def read(path: Path) -> tuple[Pupil, ...]:
    """The pupils of a roster written by ``write`` or committed in ``data/demo``."""
    with path.open(encoding="utf-8", newline="") as stream:
        return tuple(
            Pupil(row["INE"], row["Nom"], row["Prénom"], _iso(row["Né(e) le"]), row["Classe"])
            for row in csv.DictReader(stream, delimiter=";")
        )


def write(path: Path, pupils: Iterable[Pupil]) -> None:
    """Write a roster as a school sends it: ``;`` between columns, dates as JJ/MM/AAAA."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream, delimiter=";", lineterminator="\n")
        rows.writerow(COLUMNS)
        for pupil in pupils:
            year, month, day = pupil.birth_date.split("-")
            address = f"{pupil.key.lower()}@eleves.example"
            rows.writerow(
                (
                    pupil.surname,
                    pupil.first_name,
                    f"{day}/{month}/{year}",
                    pupil.class_name,
                    pupil.key,
                    address,
                )
            )


def _iso(french: str) -> str:
    return datetime.strptime(french, "%d/%m/%Y").date().isoformat()  # noqa: DTZ007
