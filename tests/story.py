"""A class from drawn scans to published marks: what both stories, browser and command line, start from and expect."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from workbench.demo.draw import DrawnScan, draw_scan
from workbench.demo.recipe import load
from workbench.demo.truth import ImageTruth, PupilTruth

ROOT = Path(__file__).parent.parent
FONT_DIRS = (ROOT / "node_modules", Path("/usr/share/fonts"))

SESSION = "Bac blanc janvier 2027"
PAPER = "Mathématiques"
CORRECTORS = ("correctrice1", "correcteur2")


@dataclass(frozen=True)
class Sheet:
    """A sheet as it was drawn: the scan file, its front image and who wrote it."""

    file_sha256: str
    front: ImageTruth
    pupil: PupilTruth


def draw_class(folder: Path, recipe: str = "recipe_tests.json") -> DrawnScan:
    """Draw the whole class of a recipe."""
    return draw_scan(load(ROOT / "data" / "demo" / recipe), folder, font_dirs=FONT_DIRS)


def sheets(drawn: DrawnScan) -> list[Sheet]:
    """The sheets in the order they were fed."""
    return [
        Sheet(file.sha256, image, drawn.truth.pupils[image.pupil])
        for file in drawn.truth.files
        for image in file.images
        if image.side == "front"
    ]


def leaves(scheme: Path) -> list[tuple[str, Decimal]]:
    """The marked items of a scheme file, with their points."""
    lines = list(csv.DictReader(scheme.open(encoding="utf-8-sig")))
    codes = [line["item"] for line in lines]
    return [
        (line["item"], Decimal(line["points"]))
        for line in lines
        if not any(code.startswith(f"{line['item']}.") for code in codes)
    ]


@dataclass(frozen=True)
class Marked:
    """The marks given to one copy: per item, ``None`` for *non traité*; and the appreciation."""

    marks: Mapping[str, Decimal | None]
    appreciation: str

    @property
    def total(self) -> Decimal:
        """What the items add up to."""
        return sum((mark for mark in self.marks.values() if mark is not None), Decimal(0))


def mark_copies(
    codes: Sequence[str], items: Sequence[tuple[str, Decimal]], *, seed: int = 7
) -> dict[str, Marked]:
    """Marks by chance, in quarters, some items left untreated; by the rank of the code, not its value."""
    chance = random.Random(seed)
    given = {}
    for rank, code in enumerate(codes):
        marks = {
            item: None if chance.random() < 0.05 else Decimal(chance.randint(0, int(points * 4))) / 4
            for item, points in items
        }
        given[code] = Marked(marks, f"Bilan n° {rank} ; soignez la rédaction, s'il vous plaît.")
    return given


def marks_file(given: Mapping[str, Marked]) -> bytes:
    """The file a corrector gives back."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["code", "item", "mark", "remark"])
    for code, marked in given.items():
        for item, mark in marked.marks.items():
            writer.writerow([code, item, "" if mark is None else str(mark).replace(".", ","), ""])
        writer.writerow([code, "*", "", marked.appreciation])
    return text.getvalue().encode()


def pronote_file(lines: Sequence[tuple[PupilTruth, Marked]]) -> bytes:
    """The Pronote file of product.md §8, written here a second time, by hand."""
    rows = ["NOM;PRENOM;DATE_NAISSANCE;MATIERE;NOTE;COEFF;COMMENTAIRE"]
    for pupil, marked in sorted(lines, key=lambda line: sort_key(line[0])):
        year, month, day = pupil.birth_date.split("-")
        mark = f"{marked.total:.2f}".replace(".", ",")
        comment = f'"{marked.appreciation}"'
        rows.append(f"{pupil.surname};{pupil.first_name};{day}/{month}/{year};{PAPER};{mark};1,0;{comment}")
    return b"\xef\xbb\xbf" + "".join(f"{row}\r\n" for row in rows).encode()


def sort_key(pupil: PupilTruth) -> tuple[str, str, str]:
    """The order of a class list: accents and case do not count."""
    import unicodedata

    def plain(text: str) -> str:
        bare = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
        return "".join(c if c.isalnum() else " " for c in bare.upper())

    return plain(pupil.surname), plain(pupil.first_name), pupil.birth_date
