"""Headers no model was written for, pages that have none, and what scanners do to both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import reportlab
from PIL import Image, ImageDraw, ImageFont

from core.imaging.header_models import HeaderModel

Gray = npt.NDArray[np.uint8]
Affine = npt.NDArray[np.float64]
BoxMm = tuple[float, float, float, float]

PAGE_MM = (210.0, 297.0)
PAPERS = ("plain", "seyes", "squared")
FONTS = Path(reportlab.__file__).parent / "fonts"
SURNAMES = ("LEFEBVRE", "BEN SALAH", "NGUYEN", "MARTIN-ROUX", "DA SILVA", "OUEDRAOGO", "PETIT", "EL AMRANI")
FIRST_NAMES = ("Maelys", "Youssef", "Thi Lan", "Paul", "Ines", "Aminata", "Hugo", "Marie-Lou")


_TYPED = ("la", "liberté", "est", "un", "mot", "que", "chacun", "entend", "autrement", "selon", "ce", "qui")
_PRINTED = (
    "soit",
    "une",
    "suite",
    "pour",
    "tout",
    "entier",
    "naturel",
    "relation",
    "nom",
    "prénom",
    "classe",
)


class Sheet:
    """One A4 page under the printer and the pen; all lengths in millimetres from its top left."""

    def __init__(self, dpi: float = 200, level: int = 240) -> None:
        self.scale = dpi / 25.4
        self.pixels: Gray = np.full((self.px(PAGE_MM[1]), self.px(PAGE_MM[0])), level, np.uint8)

    def px(self, mm: float) -> int:
        return round(mm * self.scale)

    def line(self, box: BoxMm, ink: int = 25, width_mm: float = 0.3) -> None:
        start, end = (self.px(box[0]), self.px(box[1])), (self.px(box[2]), self.px(box[3]))
        cv2.line(self.pixels, start, end, ink, max(1, round(width_mm * self.scale)))

    def frame(self, box: BoxMm, ink: int = 25, width_mm: float = 0.3) -> None:
        start, end = (self.px(box[0]), self.px(box[1])), (self.px(box[2]), self.px(box[3]))
        cv2.rectangle(self.pixels, start, end, ink, max(1, round(width_mm * self.scale)))

    def text(
        self, words: str, left: float, baseline: float, size: float, ink: int = 25, font: str = "Vera"
    ) -> None:
        image = Image.fromarray(self.pixels)
        face = ImageFont.truetype(
            font if font.startswith("/") else str(FONTS / f"{font}.ttf"), size / 72 * 25.4 * self.scale
        )
        place = (left * self.scale, baseline * self.scale)
        ImageDraw.Draw(image).text(place, words, fill=ink, font=face, anchor="ls")
        self.pixels[:] = np.asarray(image)

    def pen(self, words: str, left: float, baseline: float, height: float = 5.0, ink: int = 60) -> None:
        """Words by hand, capitals ``height`` high."""
        scale = height * self.scale / 22
        place = (self.px(left), self.px(baseline))
        thick = max(1, round(0.45 * self.scale))
        cv2.putText(
            self.pixels, words, place, cv2.FONT_HERSHEY_SCRIPT_COMPLEX, scale, ink, thick, cv2.LINE_AA
        )

    def rule(self, kind: str, ink: int = 190, from_mm: float = 0.0) -> None:
        """Ruling as the paper maker prints it: plain | seyes | squared | graph."""
        pitches = {"plain": (), "seyes": ((2.0, 0.0), (8.0, 8.0)), "squared": ((5.0, 5.0),)}
        grids = pitches.get(kind, ((1.0, 1.0), (5.0, 5.0), (10.0, 10.0)))
        for step, (row_mm, column_mm) in enumerate(grids):
            shade = ink if step == len(grids) - 1 else (ink + 240) // 2
            for row in np.arange(from_mm, PAGE_MM[1], row_mm):
                self.line((0, row, PAGE_MM[0], row), shade, 0.2)
            for column in np.arange(0.0, PAGE_MM[0], column_mm) if column_mm else ():
                self.line((column, from_mm, column, PAGE_MM[1]), shade, 0.2)

    def write(self, rng: np.random.Generator, top_mm: float, lines: int = 22) -> None:
        """Rows of loops, something like a pupil's answer."""
        for row in range(lines):
            base, x = top_mm + 9 * row, 22 + rng.uniform(0, 6)
            end = rng.uniform(100, 190)
            while x < end and base < 285:
                points = [(x, base)]
                for _ in range(int(rng.integers(4, 9))):
                    x += rng.uniform(0.6, 2.0)
                    points.append((x, base - rng.uniform(-1.5, 3.3)))
                path = np.array([(self.px(a), self.px(b)) for a, b in points])
                thick = max(1, round(0.4 * self.scale))
                cv2.polylines(self.pixels, [path], False, 60, thick, cv2.LINE_AA)
                x += rng.uniform(1.8, 3.4)


@dataclass(frozen=True)
class DrawnHeader:
    """A header of some school.

    Attributes:
        name: what the tests call it.
        zone: the frame a secretary would draw around it, on the page.
        fields: the same for each field.
        prints: draws what is the same on every copy.
        paper: what it is printed on.
        typed: pupils fill it in with a keyboard.
    """

    name: str
    zone: BoxMm
    fields: dict[str, BoxMm]
    prints: Callable[[Sheet], None]
    paper: str = "plain"
    typed: bool = False


@dataclass(frozen=True, eq=False)
class Fed:
    """A page as scanned, and the way from millimetres of its paper to pixels of the scan."""

    gray: Gray
    from_mm: Affine
    dpi: float


# --- Headers --------------------------------------------------------------------------------------


def _combs(sheet: Sheet) -> None:
    sheet.frame((10, 8, 200, 52))
    sheet.text("Modele 2 - Education nationale", 12, 12, 6)
    for label, left, top, cells in (
        ("NOM DE FAMILLE :", 12, 16, 26),
        ("PRENOM :", 12, 27, 26),
        ("N° candidat :", 12, 38, 10),
    ):
        sheet.text(label, left, top + 6, 7)
        _cells(sheet, left + 34, top, cells)
    sheet.text("Né(e) le :", 105, 44, 7)
    for start in (122, 136, 150):
        _cells(sheet, start, 38, 2 if start < 150 else 4)
    sheet.text("Remplir en majuscules, une lettre par case.", 12, 50.5, 6)


def _cells(sheet: Sheet, left: float, top: float, count: int) -> None:
    sheet.frame((left, top, left + 5.5 * count, top + 8))
    for cell in range(1, count):
        sheet.line((left + 5.5 * cell, top, left + 5.5 * cell, top + 8), width_mm=0.2)


def _boxes(sheet: Sheet) -> None:
    cv2.circle(sheet.pixels, (sheet.px(24), sheet.px(22)), sheet.px(9), 40, sheet.px(0.5))
    sheet.text("Lycée Jean Moulin", 40, 13, 13, font="VeraBd")
    sheet.text("Nom", 40, 19, 7)
    sheet.frame((40, 20, 115, 30))
    sheet.text("Prénom", 120, 19, 7)
    sheet.frame((120, 20, 196, 30))
    sheet.text("Date de naissance", 40, 34, 7)
    sheet.frame((40, 35, 90, 45))
    sheet.text("Classe", 96, 34, 7)
    sheet.frame((96, 35, 130, 45))


def _dotted(sheet: Sheet) -> None:
    for words, start, left, right in (
        ("Nom :", 15, 29, 90),
        ("Prénom :", 93, 112, 158),
        ("Classe :", 161, 177, 198),
    ):
        sheet.text(words, start, 22, 11)
        for dot in np.arange(left, right, 1.2):
            sheet.line((dot, 22, dot + 0.35, 22), width_mm=0.35)


def _typed(sheet: Sheet) -> None:
    for row, label in enumerate(("Nom :", "Prénom :", "Classe :")):
        sheet.text(label, 25, 25 + 7 * row, 12, ink=10)
    sheet.text("Épreuve : Philosophie - Bac blanc de janvier", 25, 46, 12, ink=10)


def _table(sheet: Sheet) -> None:
    for y in (12, 19, 33):
        sheet.line((14, y, 190, y), width_mm=0.4)
    for x in (14, 74, 130, 160, 190):
        sheet.line((x, 12, x, 33), width_mm=0.4)
    for label, left in (("NOM", 17), ("PRÉNOM", 77), ("CLASSE", 133), ("NOTE", 163)):
        sheet.text(label, left, 17.5, 10, font="VeraBd")


HEADERS = (
    DrawnHeader(
        "combs",
        (9, 7, 201, 53),
        {
            "surname": (46, 16, 189, 24),
            "first_name": (46, 27, 189, 35),
            "number": (46, 38, 101, 46),
            "birth_date": (122, 38, 172, 46),
        },
        _combs,
        paper="seyes_below",
    ),
    DrawnHeader(
        "boxes",
        (12, 6, 199, 48),
        {
            "surname": (40, 20, 115, 30),
            "first_name": (120, 20, 196, 30),
            "birth_date": (40, 35, 90, 45),
            "class": (96, 35, 130, 45),
        },
        _boxes,
    ),
    DrawnHeader(
        "dotted",
        (12, 12, 200, 26),
        {"surname": (28, 13, 91, 24), "first_name": (111, 13, 159, 24), "class": (176, 13, 199, 24)},
        _dotted,
        paper="squared",
    ),
    DrawnHeader(
        "typed",
        (22, 17, 150, 50),
        {"surname": (39, 19, 100, 27), "first_name": (46, 27, 100, 34), "class": (44, 34, 100, 41)},
        _typed,
        typed=True,
    ),
    DrawnHeader(
        "table",
        (12, 10, 192, 35),
        {"surname": (14, 19, 74, 33), "first_name": (74, 19, 130, 33), "class": (130, 19, 160, 33)},
        _table,
        paper="seyes",
    ),
)


@cache
def _printed(name: str, dpi: float) -> Gray:
    header = next(header for header in HEADERS if header.name == name)
    sheet = Sheet(dpi)
    if header.paper == "seyes_below":
        sheet.rule("seyes", from_mm=58)
    else:
        sheet.rule(header.paper)
    header.prints(sheet)
    return sheet.pixels


def page_of(header: DrawnHeader, seed: int, dpi: float = 200) -> Sheet:
    """A copy's first page, filled in by one pupil."""
    rng = np.random.default_rng(seed)
    sheet = Sheet(dpi)
    sheet.pixels = _printed(header.name, dpi).copy()
    words = {
        "surname": str(rng.choice(SURNAMES)),
        "first_name": str(rng.choice(FIRST_NAMES)),
        "birth_date": f"{rng.integers(1, 29):02d}/{rng.integers(1, 13):02d}/200{rng.integers(7, 10)}",
        "class": f"T{rng.integers(1, 9)}",
        "number": f"{rng.integers(10**9, 10**10)}",
    }
    for field, box in header.fields.items():
        _fill(sheet, header, field, box, words[field], rng)
    if header.typed:
        _type(sheet, rng)
    else:
        sheet.write(rng, header.zone[3] + 16)
    return sheet


def _fill(
    sheet: Sheet, header: DrawnHeader, field: str, box: BoxMm, words: str, rng: np.random.Generator
) -> None:
    if header.typed:
        sheet.text(words, box[0] + 1, {"surname": 25, "first_name": 32}.get(field, 39), 12, ink=10)
        return
    if header.name == "combs" and field != "birth_date":
        for cell, letter in enumerate(words.upper()):
            sheet.pen(letter, box[0] + 5.5 * cell + 1.2, box[3] - 1.6, 4.5)
        return
    left, baseline = box[0] + rng.uniform(1, 5), box[3] - rng.uniform(1.5, 3.5)
    sheet.pen(words, left, baseline, rng.uniform(3.5, 5.5), ink=int(rng.integers(40, 90)))


def _type(sheet: Sheet, rng: np.random.Generator) -> None:
    words = list(_TYPED)
    for row in range(30):
        sheet.text(" ".join(rng.choice(words, 11)), 25, 60 + 6.5 * row, 11, ink=10)


# --- A header of a model of which the text and lines are known --------------------------------------


def page_of_model(
    model: HeaderModel, seed: int, paper: str = "seyes", dpi: float = 200, ink: int = 20
) -> Sheet:
    """The first page of a copy on which a model's header is printed."""
    rng = np.random.default_rng(seed)
    sheet = Sheet(dpi)
    sheet.rule(paper)
    left, top = model.page_left_mm, model.page_top_mm
    for x0, y0, x1, y1 in model.frames_mm:
        sheet.frame((left + x0, top + y0, left + x1, top + y1), ink)
    for x0, y0, x1, y1 in model.lines_mm:
        sheet.line((left + x0, top + y0, left + x1, top + y1), ink, 0.25)
    for text in model.texts:
        sheet.text(text.text, left + text.left_mm, top + text.baseline_mm, text.size_pt, ink)
    for field, box in model.fields_mm.items():
        words = str(rng.choice(SURNAMES)) if field == "surname" else "Lou 2009"[: int(box[2] - box[0]) // 5]
        sheet.pen(words, left + box[0] + 3, top + box[3] - 3, 4.5)
    sheet.write(rng, top + model.height_mm + 14, 20)
    return sheet


# --- Pages without a header -----------------------------------------------------------------------


def page_without(kind: str, paper: str, seed: int, dpi: float = 200) -> Sheet:
    """blank | written | table | names_table | frame | frames | curve | subject, on some paper."""
    rng = np.random.default_rng(seed)
    sheet = Sheet(dpi)
    sheet.rule(paper)
    if kind == "subject":
        _subject(sheet, rng)
        return sheet
    if kind == "blank":
        return sheet
    top = rng.uniform(8, 20)
    if kind in _DRAWN:
        _DRAWN[kind](sheet, rng, top)
    sheet.write(rng, 18 if kind == "written" else top + rng.uniform(40, 55), int(rng.integers(5, 26)))
    return sheet


def _pupil_table(sheet: Sheet, rng: np.random.Generator, top: float) -> None:
    rows = np.cumsum([0, *rng.uniform(7, 14, 3)]) + top
    columns = np.linspace(rng.uniform(10, 20), rng.uniform(180, 200), int(rng.integers(3, 7)))
    for y in rows:
        sheet.line((columns[0], y, columns[-1], y + rng.uniform(-0.5, 0.5)), 40, 0.4)
    for x in columns:
        sheet.line((x, rows[0], x + rng.uniform(-0.5, 0.5), rows[-1]), 40, 0.4)
    for y in rows[:-1]:
        for x in columns[:-1]:
            sheet.pen(str(rng.choice(["x", "4,5", "f(x)", "12", "NOM"])), x + 2, y + 6, 4)


def _names_table(sheet: Sheet, rng: np.random.Generator, top: float) -> None:
    """What a pupil draws who has no printed copy: a frame with the words of a header in it."""
    left, right = rng.uniform(9, 15), rng.uniform(190, 200)
    sheet.frame((left, top, right, top + 32), 40, 0.4)
    sheet.line((left, top + 16, right, top + 16), 40, 0.4)
    sheet.line((left + 100, top, left + 101, top + 32), 40, 0.4)
    for words, x, y in (
        ("NOM :", 3, 10),
        ("PRÉNOM :", 3, 26),
        ("Né(e) le :", 103, 10),
        ("Classe :", 103, 26),
    ):
        sheet.pen(words, left + x, top + y, 4.5)


def _frame(sheet: Sheet, rng: np.random.Generator, top: float) -> None:
    sheet.frame((rng.uniform(10, 14), top, rng.uniform(192, 200), top + rng.uniform(25, 36)), 30, 0.5)
    sheet.pen("Devoir de mathematiques", 50, top + 18, 7)


def _frames(sheet: Sheet, rng: np.random.Generator, top: float) -> None:
    sheet.frame((12, top, 198, top + 32), 30, 0.4)
    for left, y in ((24, 3), (24, 17), (132, 3), (132, 17)):
        x = left + rng.uniform(-8, 8)
        sheet.frame((x, top + y + rng.uniform(-2, 2), x + rng.uniform(40, 80), top + y + 10), 30, 0.4)


def _curve(sheet: Sheet, rng: np.random.Generator, top: float) -> None:
    sheet.line((20, top + 30, 190, top + 30), 30, 0.4)
    sheet.line((60, top, 60, top + 60), 30, 0.4)
    x = np.linspace(20, 190, 200)
    y = top + 30 - 20 * np.sin(x / rng.uniform(8, 20))
    path = np.array([(sheet.px(a), sheet.px(b)) for a, b in zip(x, y, strict=True)])
    cv2.polylines(sheet.pixels, [path], False, 40, max(1, sheet.px(0.4)))


def _subject(sheet: Sheet, rng: np.random.Generator) -> None:
    words = list(_PRINTED)
    sheet.text("BACCALAURÉAT BLANC", 60, 20, 16, font="VeraBd")
    sheet.frame((20, 26, 190, 26 + rng.uniform(12, 24)), width_mm=0.4)
    sheet.text("Durée : 4 heures   Coefficient : 16", 40, 34, 11)
    for row in range(30):
        sheet.text(" ".join(rng.choice(words, 11)), 20, 62 + 7 * row, 10.5, ink=10)


_DRAWN: dict[str, Callable[[Sheet, np.random.Generator, float], None]] = {
    "table": _pupil_table,
    "names_table": _names_table,
    "frame": _frame,
    "frames": _frames,
    "curve": _curve,
}


# --- The scanner ----------------------------------------------------------------------------------


def fed(
    sheet: Sheet,
    seed: int = 0,
    *,
    skew: float = 0.0,
    shift_mm: tuple[float, float] = (0.0, 0.0),
    fade: float = 1.0,
    bitonal: bool = False,
    noise: float = 4.0,
    torn_mm: float = 0.0,
    border_mm: float = 0.0,
    edge_mm: float = 0.0,
) -> Fed:
    """Scan a page.

    Args:
        sheet: the page.
        seed: of the noise.
        skew: degrees, positive turns it clockwise.
        shift_mm: of the paper on the glass.
        fade: contrast left, 1 all.
        bitonal: threshold it, as a fax does.
        noise: of the sensor, grey levels.
        torn_mm: side of the corner torn off, top left, grey behind it.
        border_mm: grey border on the left and above, which moves the paper; the same is lost on the other sides.
        edge_mm: black edge of the scanner on the left.
    """
    rng = np.random.default_rng(seed)
    page = sheet.pixels
    height, width = page.shape
    if torn_mm:
        side = sheet.px(torn_mm)
        page = page.copy()
        cv2.fillPoly(page, [np.array([(0, 0), (side, 0), (0, round(side * 0.8))])], 150)
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), -skew, 1.0)
    turn[0, 2] += (shift_mm[0] + border_mm) * sheet.scale
    turn[1, 2] += (shift_mm[1] + border_mm) * sheet.scale
    out = np.asarray(
        cv2.warpAffine(
            page,
            turn,
            (width, height),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT if border_mm else cv2.BORDER_REPLICATE,
            borderValue=150,
        ),
        dtype=np.float32,
    )
    if fade < 1:
        out = 240 - (240 - out) * np.float32(fade)
    if edge_mm:
        out[:, : sheet.px(edge_mm)] = 25
    if noise:
        tile = rng.normal(0, noise, (512, 512)).astype(np.float32)
        out += np.tile(tile, (height // 512 + 1, width // 512 + 1))[:height, :width]
    if bitonal:
        out = np.where(out < 150, 0, 255).astype(np.float32)
    gray = out.clip(0, 255).astype(np.uint8)
    from_mm = np.hstack([turn[:, :2] * sheet.scale, turn[:, 2:]])
    return Fed(gray, from_mm, sheet.scale * 25.4)
