"""Page numbers « n / N » of a file: the pictures to read, and what the numbers say of each booklet."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db.tables import HalfPage, ScanImage
from core.domain import page_marks
from core.domain.doubts import by_urgency, codes
from core.domain.page_marks import Edge, PageMark

_CODES = frozenset({"page_gap", "page_order"})


@dataclass(frozen=True)
class Crop:
    """A stored picture of what may be a page number."""

    half_page_id: int
    edge: Edge
    sha256: str


def crops(session: Session, scan_file_id: int) -> list[Crop]:
    """The pictures of a file, in its order."""
    found = session.execute(
        select(HalfPage.id, HalfPage.mark_crops)
        .join(HalfPage.image)
        .where(ScanImage.scan_file_id == scan_file_id)
        .order_by(ScanImage.index, HalfPage.id)
    )
    return [
        Crop(half_page_id, "top" if crop["edge"] == "top" else "bottom", crop["sha256"])
        for half_page_id, kept in found
        for crop in kept
    ]


def write(session: Session, marks: Mapping[int, PageMark]) -> None:
    """Keep the numbers read, and the doubts they raise on the booklets that bear them."""
    if not marks:
        return
    read = session.scalars(select(HalfPage).where(HalfPage.id.in_(marks))).all()
    for half in read:
        half.page_mark = str(marks[half.id])
    for booklet_id in {half.booklet_id for half in read if half.booklet_id is not None}:
        pages = session.scalars(
            select(HalfPage).where(HalfPage.booklet_id == booklet_id).order_by(HalfPage.position)
        ).all()
        report = page_marks.check([marks.get(page.id) for page in pages])
        for page, reasons, trusted in zip(pages, report.reasons, report.trusted, strict=True):
            if page.id in marks and trusted is None:
                page.page_mark = ""  # a fraction at the foot of one page is no page number
            _doubt(page, reasons)


def _doubt(page: HalfPage, reasons: Collection[str]) -> None:
    before = set(codes(page.reason))
    after = (before - _CODES) | set(reasons)
    if after != before:
        page.reason = " ".join(by_urgency(after))
        page.settled = False
