"""The statement (relevé) that closes a marked copy: every mark, remark and the way to the final mark."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_CENTER, TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from core.pdf.fonts import BOLD, ITALIC, REGULAR, printable, register_fonts

State = Literal["marked", "not_treated", "missing", "neutralised", "heading"]

_STATES: dict[State, str] = {
    "marked": "",
    "not_treated": "non traité",
    "missing": "non noté",
    "neutralised": "neutralisé",
    "heading": "",
}
_INK, _GREY, _RULE, _BAND = HexColor("#1d2433"), HexColor("#5c6577"), HexColor("#c9cfda"), HexColor("#eef1f6")
_MARGIN = 17 * mm
_FOOT = 16 * mm


@dataclass(frozen=True)
class StatementRow:
    """One line of the table.

    ``mark`` and ``points`` are already written as they must be read (``1,75``).
    A ``heading`` opens an exercise and carries its subtotal.
    """

    code: str
    label: str
    mark: str
    points: str
    state: State = "marked"
    remark: str = ""


@dataclass(frozen=True)
class Statement:
    """All that the statement says; numbers are sentences' text, the domain computed them.

    Attributes:
        title: name of the paper.
        session: name of the session.
        paper: subject and date, or other line under the title.
        code: anonymous code of the copy.
        name: the candidate, or ``None`` while the copy is anonymous.
        rows: headings and items in the order of the scheme.
        totals: (label, value) lines from the raw total to the final mark, in order.
        final_mark: the value in large type, with its denominator (``12,75 / 20``).
        appreciation: general appreciation.
    """

    title: str
    session: str
    paper: str
    code: str
    name: str | None
    rows: Sequence[StatementRow]
    totals: Sequence[tuple[str, str]] = ()
    final_mark: str = ""
    appreciation: str = ""


def statement_pdf(statement: Statement) -> bytes:
    """The statement as A4 pages; the same statement gives the same bytes."""
    register_fonts()
    out = io.BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=15 * mm,
        bottomMargin=_FOOT + 6 * mm,
        title="",
        author="",
        invariant=1,
    )
    document.build(_story(statement), canvasmaker=_numbered(statement))
    return out.getvalue()


def _style(name: str, **settings: Any) -> ParagraphStyle:
    given = {"fontName": REGULAR, "fontSize": 9, "leading": 12, "textColor": _INK, **settings}
    return ParagraphStyle(name, splitLongWords=True, **given)


_SMALL = _style("small", fontSize=8, leading=10.5, textColor=_GREY)
_BODY = _style("body")
_ITEM = _style("item", fontSize=8.5, leading=11)
_REMARK = _style("remark", fontName=ITALIC, fontSize=8, leading=10.5, textColor=_GREY)
_HEADING = _style("heading", fontName=BOLD, fontSize=9, leading=11.5)
_NUMBER = _style("number", fontSize=8.5, leading=11, alignment=TA_RIGHT)
_NUMBER_BOLD = _style("number-bold", fontName=BOLD, fontSize=9, leading=11.5, alignment=TA_RIGHT)
_TITLE = _style("title", fontName=BOLD, fontSize=16, leading=20)
_FINAL = _style("final", fontName=BOLD, fontSize=19, leading=23, alignment=TA_CENTER)
_CAPTION = _style("caption", fontSize=7.5, leading=9.5, textColor=_GREY, alignment=TA_CENTER)
_SECTION = _style("section", fontName=BOLD, fontSize=10, leading=13, spaceBefore=3 * mm, spaceAfter=1.5 * mm)


def _text(words: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(escape(printable(words)).replace("\n", "<br/>"), style)


def _story(statement: Statement) -> list[Any]:
    story: list[Any] = [_head(statement), Spacer(0, 4 * mm)]
    if statement.rows:
        story.append(_table(statement.rows))
    if statement.totals:
        story.append(KeepTogether([_text("De la copie à la note", _SECTION), _totals(statement.totals)]))
    if statement.appreciation.strip():
        story += [
            _text("Appréciation générale", _SECTION),
            _text(statement.appreciation.strip(), _BODY),
        ]
    return story


def _head(statement: Statement) -> Table:
    who = statement.name if statement.name is not None else "Copie anonyme"
    left = [
        _text(statement.session, _SMALL),
        _text(statement.title, _TITLE),
        _text(statement.paper, _BODY),
        Spacer(0, 2 * mm),
        _text(who, _HEADING),
        _text(f"Copie {statement.code}", _SMALL),
    ]
    right = [_text("Note", _CAPTION), _text(statement.final_mark or "—", _FINAL)]
    width = A4[0] - 2 * _MARGIN
    head = Table([[left, right]], colWidths=[width - 52 * mm, 52 * mm])
    head.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
                ("BACKGROUND", (1, 0), (1, 0), _BAND),
                ("TOPPADDING", (1, 0), (1, 0), 7),
                ("BOTTOMPADDING", (1, 0), (1, 0), 9),
                ("LINEBELOW", (0, 0), (-1, 0), 0.8, _INK),
            ]
        )
    )
    return head


def _table(rows: Sequence[StatementRow]) -> Table:
    width = A4[0] - 2 * _MARGIN
    widths = [15 * mm, 0.0, 36 * mm]
    widths[1] = width - sum(widths)
    lines: list[list[Any]] = [
        [_text("Item", _SMALL), _text("Question", _SMALL), _text("Points", _right(_SMALL))]
    ]
    styles: list[tuple[Any, ...]] = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 2.2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.6),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, _RULE),
    ]
    for number, row in enumerate(rows, 1):
        lines.append(_line(row))
        if row.state == "heading":
            styles.append(("BACKGROUND", (0, number), (-1, number), _BAND))
    table = Table(lines, colWidths=widths, repeatRows=1, splitInRow=1)
    table.setStyle(TableStyle(styles))
    return table


def _right(style: ParagraphStyle) -> ParagraphStyle:
    return ParagraphStyle(f"{style.name}-right", parent=style, alignment=TA_RIGHT)


def _line(row: StatementRow) -> list[Any]:
    if row.state == "heading":
        score = f"{row.mark} / {row.points}" if row.mark else f"/ {row.points}"
        return [_text(row.code, _HEADING), _text(row.label, _HEADING), _text(score, _NUMBER_BOLD)]
    said = _STATES[row.state]
    score = f"{row.mark} / {row.points}" if row.state == "marked" else f"{said} / {row.points}"
    label: list[Any] = [_text(row.label, _ITEM)]
    if row.remark.strip():
        label.append(_text(row.remark.strip(), _REMARK))
    return [_text(row.code, _ITEM), label, _text(score, _NUMBER)]


def _totals(totals: Sequence[tuple[str, str]]) -> Table:
    last = len(totals) - 1
    lines = [
        [_text(label, _HEADING if i == last else _BODY), _text(value, _NUMBER_BOLD if i == last else _NUMBER)]
        for i, (label, value) in enumerate(totals)
    ]
    width = A4[0] - 2 * _MARGIN
    table = Table(lines, colWidths=[width - 45 * mm, 45 * mm])
    table.setStyle(
        TableStyle(
            [
                ("LINEBELOW", (0, 0), (-1, -1), 0.4, _RULE),
                ("TOPPADDING", (0, 0), (-1, -1), 2.2),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 2.6),
                ("BACKGROUND", (0, last), (-1, last), _BAND),
            ]
        )
    )
    return table


def _numbered(statement: Statement) -> type[Canvas]:
    """A canvas that knows, when it writes the foot of a page, how many pages there are."""

    class NumberedCanvas(Canvas):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._kept: list[dict[str, Any]] = []

        def showPage(self) -> None:  # noqa: N802 - reportlab's name
            self._kept.append(dict(self.__dict__))
            start_page: Any = self._startPage  # type: ignore[attr-defined]
            start_page()

        def save(self) -> None:
            for number, kept in enumerate(self._kept, 1):
                self.__dict__.update(kept)
                _foot(self, statement, number, len(self._kept))
                super().showPage()
            super().save()

    return NumberedCanvas


def _foot(canvas: Canvas, statement: Statement, number: int, count: int) -> None:
    canvas.setStrokeColor(_RULE)
    canvas.setLineWidth(0.4)
    canvas.line(_MARGIN, _FOOT, A4[0] - _MARGIN, _FOOT)
    canvas.setFillColor(_GREY)
    canvas.setFont(REGULAR, 7.5)
    canvas.drawString(_MARGIN, _FOOT - 10, printable(f"Relevé de la copie {statement.code}"))
    canvas.drawRightString(A4[0] - _MARGIN, _FOOT - 10, f"Page {number}/{count}")
