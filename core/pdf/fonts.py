"""The typeface written into PDF files, embedded so that accents are right everywhere."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import reportlab
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

REGULAR = "Korrigo"
BOLD = "Korrigo-Bold"
ITALIC = "Korrigo-Italic"

_DEJAVU = Path("/usr/share/fonts/truetype/dejavu")
_VERA = Path(reportlab.__file__).parent / "fonts"

# DejaVu is Vera with Greek and mathematics added, which remarks in physics or
# mathematics use; Vera comes with reportlab and has all of French.
_FILES = {
    REGULAR: (_DEJAVU / "DejaVuSans.ttf", _VERA / "Vera.ttf"),
    BOLD: (_DEJAVU / "DejaVuSans-Bold.ttf", _VERA / "VeraBd.ttf"),
    ITALIC: (_DEJAVU / "DejaVuSans-Oblique.ttf", _VERA / "VeraIt.ttf"),
}


@cache
def register_fonts() -> bool:
    """Make the typeface known to reportlab; whether the full one (DejaVu Sans) was found."""
    full = True
    for name, (wanted, shipped) in _FILES.items():
        full = full and wanted.is_file()
        pdfmetrics.registerFont(TTFont(name, str(wanted if wanted.is_file() else shipped)))
    pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=ITALIC, boldItalic=BOLD)
    return full


def printable(text: str) -> str:
    """``text`` with what the typeface cannot show replaced by a hollow box, and control characters gone."""
    register_fonts()
    font: Any = pdfmetrics.getFont(REGULAR)
    known = font.face.charToGlyph
    shown = (
        c if c in "\n\t" or ord(c) in known else "\N{WHITE SQUARE}" for c in text if c >= " " or c in "\n\t"
    )
    hollow = "\N{WHITE SQUARE}" if ord("\N{WHITE SQUARE}") in known else "?"
    return "".join(shown).replace("\N{WHITE SQUARE}", hollow).expandtabs(4)
