"""The two PDFs of a marked copy: *masked* for everyone who must not see names, *named* for its pupil."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db.session import Sessions
from core.db.tables import Annotation as AnnotationRow
from core.db.tables import Copy, ExamSession, HalfPage, Marking, SchemeLine
from core.domain.grades import Grade, GradeRule
from core.domain.marking import Mark, MarkState, Total
from core.errors import NotFound
from core.i18n import _, day, points
from core.imaging.darkness import BoxPx
from core.pdf.compose import PdfPage, compose_copy, placed_size_pt
from core.pdf.overlay import Annotation, Kind, overlay_page
from core.pdf.statement import State, Statement, StatementRow, statement_pdf
from core.services.copy_rows import (
    awarded_below,
    current_pages,
    grade_rule,
    item_of,
    marks_of,
    scheme_lines,
    total_of,
)
from core.services.image_files import ImageFile, embedded, image_files
from core.storage.blobs import BlobStore

_WORDS: Mapping[MarkState, State] = {
    MarkState.MARKED: "marked",
    MarkState.UNTREATED: "not_treated",
    MarkState.NEUTRALISED: "neutralised",
}
_KINDS: Mapping[str, Kind] = {
    "tick": "tick",
    "cross": "cross",
    "question": "question",
    "box": "box",
    "text": "text",
    "highlight": "highlight",
    "pen": "pen",
}


@dataclass(frozen=True)
class _Image:
    """A fed image that holds pages of the copy; boxes in its pixels.

    Attributes:
        masks: Zones that tell whose copy it is.
        foreign: Halves with writing that belong elsewhere: they go from both PDFs,
            because the whole image is in the file, whatever part of it is shown.
    """

    file: ImageFile
    width_px: int
    height_px: int
    rotation_deg: int
    masks: frozenset[BoxPx]
    foreign: frozenset[BoxPx]


@dataclass(frozen=True)
class _Page:
    """A page of the copy: its image, its box there, what was drawn on it."""

    image_id: int
    box: BoxPx
    annotations: tuple[Annotation, ...]


@dataclass(frozen=True)
class CopyContent:
    """All that the PDFs of a copy are made from, read in one transaction.

    ``name`` is used by the named PDF only.
    """

    code: str
    title: str
    session_name: str
    sat_on: date | None
    name: str
    images: Mapping[int, _Image]
    pages: tuple[_Page, ...]
    rows: tuple[StatementRow, ...]
    total: Total
    rule: GradeRule
    appreciation: str
    marking_version: int


def read_content(session: Session, copy: Copy) -> CopyContent:
    """Read a copy with its marking of record.

    Raises:
        NotFound: Nobody marks the copy, or it has no page.
    """
    marking = session.get(Marking, copy.record_marking_id) if copy.record_marking_id is not None else None
    if marking is None:
        raise NotFound("marking", code=copy.code)
    halves = current_pages(session, copy.id)
    if not halves:
        raise NotFound("page", code=copy.code, page=1)
    lines = scheme_lines(session, copy.variant_id)
    marks = marks_of(marking)
    remarks = {row.item_id: row.text for row in marking.remarks}
    drawn = _annotations(session, marking)
    identity = copy.candidate.person.identity if copy.candidate is not None else None
    return CopyContent(
        code=copy.code,
        title=copy.paper.name,
        session_name=session.get_one(ExamSession, copy.paper.session_id).name,
        sat_on=copy.paper.sat_on,
        name=f"{identity.surname} {identity.first_name}".strip() if identity is not None else "",
        images=_images(session, halves),
        pages=tuple(
            _Page(half.scan_image_id, tuple(half.box_px), tuple(drawn.get(half.id, ()))) for half in halves
        ),
        rows=tuple(_row(line, lines, marks, remarks.get(line.item_id, "")) for line in lines),
        total=total_of(lines, marks),
        rule=grade_rule(copy.paper),
        appreciation=marking.appreciation,
        marking_version=marking.version,
    )


def masked_pdf(sessions: Sessions, blobs: BlobStore, content: CopyContent) -> bytes:
    """The finalised copy without anything that tells whose it is.

    Raises:
        BadInput: A page of the scan cannot be read.
        NotFound: The scan is not kept any more.
    """
    raw = f"{points(content.total.awarded)} / {points(content.total.out_of)}"
    statement = _statement(content, name=None, totals=[(_("Total des points"), raw)], final_mark=raw)
    return _composed(sessions, blobs, content, statement, masked=True)


def named_pdf(sessions: Sessions, blobs: BlobStore, content: CopyContent, grade: Grade) -> bytes:
    """The pupil's copy: the scan as it was, the statement with their name and the way to the final mark.

    Raises:
        BadInput: A page of the scan cannot be read.
        NotFound: The scan is not kept any more.
    """
    final = f"{points(grade.final)} / {points(content.rule.final_scale)}"
    totals = [*_steps(content, grade), (_("Note finale"), final)]
    statement = _statement(content, name=content.name, totals=totals, final_mark=final)
    return _composed(sessions, blobs, content, statement, masked=False)


def _images(session: Session, halves: Sequence[HalfPage]) -> dict[int, _Image]:
    """The fed images of the pages, with the halves they share them with."""
    own = {half.id for half in halves}
    images = {half.scan_image_id: half.image for half in halves}
    all_halves = session.scalars(select(HalfPage).where(HalfPage.scan_image_id.in_(images))).all()
    files = image_files(session, images.values())
    return {
        image_id: _Image(
            file=files[image_id],
            width_px=image.width_px,
            height_px=image.height_px,
            rotation_deg=image.rotation_deg,
            masks=frozenset(
                tuple(box)
                for half in all_halves
                if half.scan_image_id == image_id
                for box in half.mask_boxes_px
            ),
            foreign=frozenset(
                tuple(half.box_px)
                for half in all_halves
                if half.scan_image_id == image_id and half.id not in own and not half.blank
            ),
        )
        for image_id, image in images.items()
    }


def _annotations(session: Session, marking: Marking) -> dict[int, list[Annotation]]:
    """What a marking has drawn, by half-page."""
    drawn: dict[int, list[Annotation]] = {}
    rows = session.scalars(
        select(AnnotationRow).where(AnnotationRow.marking_id == marking.id).order_by(AnnotationRow.id)
    )
    for row in rows:
        shape = row.shape
        if "points" in shape:
            places = tuple((x, y) for x, y in shape["points"])
        elif "width" in shape:
            x, y = shape["x"], shape["y"]
            places = ((x, y), (x + shape["width"], y + shape["height"]))
        else:
            places = ((shape["x"], shape["y"]),)
        annotation = Annotation(_KINDS[row.kind], places, shape.get("text", ""))
        drawn.setdefault(row.half_page_id, []).append(annotation)
    return drawn


def _row(
    line: SchemeLine, lines: Sequence[SchemeLine], marks: Mapping[int, Mark], remark: str
) -> StatementRow:
    item = item_of(line)
    if not line.is_leaf:
        awarded = points(awarded_below(lines, marks, line.code))
        return StatementRow(line.code, line.label, awarded, points(item.points), "heading")
    mark = marks.get(line.item_id)
    return StatementRow(
        code=line.code,
        label=_("{label} (bonus)").format(label=line.label) if line.bonus else line.label,
        mark=points(mark.points) if mark is not None and mark.points is not None else "",
        points=points(item.points),
        state=_WORDS[mark.state] if mark is not None else "missing",
        remark=remark,
    )


def _steps(content: CopyContent, grade: Grade) -> list[tuple[str, str]]:
    """The raw total, then each step that changed it."""
    scale = points(content.rule.final_scale)
    steps = [(_("Total des points"), f"{points(grade.raw)} / {points(content.total.out_of)}")]
    if grade.capped != grade.raw:
        steps.append(
            (_("Bonus plafonné au total"), f"{points(grade.capped)} / {points(content.total.out_of)}")
        )
    if grade.converted != grade.capped:
        steps.append(
            (_("Conversion sur {scale}").format(scale=scale), f"{points(grade.converted)} / {scale}")
        )
    if grade.harmonised != grade.converted:
        steps.append((_("Harmonisation"), f"{points(grade.harmonised)} / {scale}"))
    if grade.final != grade.harmonised:
        step = points(content.rule.rounding_step)
        steps.append((_("Arrondi à {step}").format(step=step), f"{points(grade.final)} / {scale}"))
    return steps


def _statement(
    content: CopyContent, *, name: str | None, totals: Sequence[tuple[str, str]], final_mark: str
) -> bytes:
    return statement_pdf(
        Statement(
            title=content.title,
            session=content.session_name,
            paper=day(content.sat_on) if content.sat_on is not None else "",
            code=content.code,
            name=name,
            rows=content.rows,
            totals=totals,
            final_mark=final_mark,
            appreciation=content.appreciation,
        )
    )


def _composed(
    sessions: Sessions, blobs: BlobStore, content: CopyContent, statement: bytes, *, masked: bool
) -> bytes:
    sources = {
        image_id: embedded(
            sessions, blobs, image.file, image.masks | image.foreign if masked else image.foreign
        )
        for image_id, image in content.images.items()
    }
    pages: list[PdfPage] = []
    overlays: list[bytes | None] = []
    for number, page in enumerate(content.pages, 1):
        image, source = content.images[page.image_id], sources[page.image_id]
        left, top, right, bottom = page.box
        half = (
            left / image.width_px,
            top / image.height_px,
            right / image.width_px,
            bottom / image.height_px,
        )
        placed = PdfPage(source.source, source.index, half, image.rotation_deg)
        width, height = placed_size_pt(placed, image.width_px, image.height_px)
        margin = _("{code} — page {number}/{count}").format(
            code=content.code, number=number, count=len(content.pages)
        )
        pages.append(placed)
        overlays.append(overlay_page(width, height, page.annotations, margin))
    return compose_copy(pages, overlays, statement)
