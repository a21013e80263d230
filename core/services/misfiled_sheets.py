"""Sheets of a booklet that seem another pupil's, by their paper and their hand: doubts for a person to look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from core.db.tables import Booklet, HalfPage, ScanFile
from core.domain.doubts import by_urgency, codes
from core.domain.loose import RulingKind, SheetFeatures, main_ruling, mean_hand, misfiled

MISFILED = "sheet_misfiled"


def doubt(session: Session, scan_file: ScanFile) -> None:
    """Doubt the sheets of a file that do not look like those before them in their booklet.

    A booklet without a header may be a whole file of loose leaves: its pages are in doubt already.
    """
    booklets = session.scalars(
        select(Booklet)
        .where(Booklet.scan_file_id == scan_file.id, Booklet.dissolved.is_(False))
        .options(selectinload(Booklet.half_pages), selectinload(Booklet.header))
    )
    for booklet in booklets:
        if booklet.header is None:
            continue
        sheets: dict[tuple[int, int], list[HalfPage]] = {}
        for half in booklet.half_pages:
            sheets.setdefault((half.image.scan_file_id, half.image.sheet), []).append(half)
        pages = list(sheets.values())
        for index in misfiled([_features(sheet) for sheet in pages]) if len(pages) > 1 else ():
            for half in pages[index]:
                if MISFILED not in codes(half.reason):
                    half.reason = " ".join(by_urgency((*codes(half.reason), MISFILED)))
                    half.settled = False


def _features(sheet: Sequence[HalfPage]) -> SheetFeatures:
    rulings = [cast(RulingKind, half.ruling or "plain") for half in sheet]
    return SheetFeatures(main_ruling(rulings), mean_hand([tuple(half.hand) or None for half in sheet]))
