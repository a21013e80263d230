"""Where each loose sheet of a paper may belong: what is known of the pages, for the domain to rank."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db.tables import Booklet, HalfPage, ScanFile, ScanImage
from core.domain.loose import (
    BookletFeatures,
    LooseFeatures,
    RulingKind,
    main_ruling,
    mean_hand,
    suggest,
)
from core.domain.page_marks import PageMark
from core.domain.page_marks import check as check_marks
from core.services.lots import WAITING

_RULINGS: dict[str, RulingKind] = {kind: kind for kind in get_args(RulingKind)}


@dataclass(frozen=True)
class Suggestion:
    """A place proposed for a loose half-page; ``reasons`` are codes of :data:`core.domain.loose.LooseReason`."""

    booklet: int
    position: int
    reasons: tuple[str, ...]
    score: float


def suggestions(session: Session, paper_id: int) -> dict[int, tuple[Suggestion, ...]]:
    """The places proposed for each half-page that waits, the likeliest first."""
    rows = session.execute(
        select(
            HalfPage.id,
            HalfPage.place,
            HalfPage.booklet_id,
            HalfPage.position,
            HalfPage.ruling,
            HalfPage.hand,
            HalfPage.page_mark,
            HalfPage.reason,
            ScanImage.scan_file_id,
            ScanImage.sheet,
            Booklet.scan_file_id.label("booklet_file"),
        )
        .join(ScanImage, ScanImage.id == HalfPage.scan_image_id)
        .join(ScanFile, ScanFile.id == ScanImage.scan_file_id)
        .outerjoin(Booklet, Booklet.id == HalfPage.booklet_id)
        .where(ScanFile.paper_id == paper_id)
        .order_by(ScanImage.scan_file_id, ScanImage.sheet, ScanImage.index, HalfPage.id)
    ).all()
    sheets: dict[tuple[int, int], list[Any]] = defaultdict(list)
    booklets: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        if row.place in WAITING:
            sheets[(row.scan_file_id, row.sheet)].append(row)
        elif row.booklet_id is not None:
            booklets[row.booklet_id].append(row)
    if not sheets:
        return {}
    known = [_booklet(booklet, pages) for booklet, pages in booklets.items()]
    return {
        half.id: tuple(
            Suggestion(one.booklet, _position(half, booklets[one.booklet]), one.reasons, one.score)
            for one in ranked
        )
        for (file, sheet), halves in sheets.items()
        for ranked in [suggest(_loose(file, sheet, halves), known)]
        for half in halves
    }


def _loose(file: int, sheet: int, halves: Sequence[Any]) -> LooseFeatures:
    marks = [mark for half in halves if (mark := _mark(half)) is not None]
    return LooseFeatures(
        file,
        sheet - 1,
        _ruling(halves),
        _hand(halves),
        min(marks, key=lambda mark: mark.number, default=None),
    )


def _booklet(booklet: int, pages: Sequence[Any]) -> BookletFeatures:
    own = [page.sheet - 1 for page in pages if page.scan_file_id == page.booklet_file]
    ordered = sorted(pages, key=lambda page: page.position)
    report = check_marks([_mark(page) for page in ordered])
    return BookletFeatures(
        booklet=booklet,
        file=pages[0].booklet_file,
        first=min(own, default=0),
        last=max(own, default=0),
        ruling=_ruling(pages),
        hand=_hand(pages),
        missing=frozenset(report.missing),
        total=report.total,
        incomplete=any("copy_incomplete" in page.reason.split() for page in pages),
    )


def _position(half: Any, pages: Sequence[Any]) -> int:
    """Where its number says, else behind the others."""
    mark = _mark(half)
    later = [
        page.position
        for page in pages
        if mark is not None and (other := _mark(page)) is not None and other.number > mark.number
    ]
    return min(later, default=len(pages) + 1)


def _ruling(pages: Sequence[Any]) -> RulingKind:
    return main_ruling([_RULINGS.get(page.ruling, "plain") for page in pages])


def _hand(pages: Sequence[Any]) -> tuple[float, ...] | None:
    return mean_hand([tuple(page.hand) or None for page in pages])


def _mark(page: Any) -> PageMark | None:
    number, slash, total = page.page_mark.partition("/")
    return PageMark(int(number), int(total), 1.0) if slash else None
