"""Images of a paper that look like others scanned before: found by their ink, proposed, never acted upon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db.tables import DoubleScan, HalfPage, ScanFile, ScanImage
from core.domain.doubles import CONTRADICTED, AlikeHalves, DoubleImage, double_images
from core.domain.doubts import by_urgency, codes
from core.imaging.likeness import alike

DOUBLE = "double_scan"


@dataclass(frozen=True)
class _Page:
    """A half-page of the paper: place of its image in the order of scanning, its own place there, its ink."""

    image: int
    half: int
    ink: bytes | None


@dataclass(frozen=True)
class Pages:
    """The half-pages of a paper as far as they tell doubles.

    Attributes:
        image_ids: images in the order of scanning.
        own: which of them are of the file at hand.
    """

    image_ids: tuple[int, ...]
    own: frozenset[int]
    pages: tuple[_Page, ...]


def pages(session: Session, scan_file: ScanFile) -> Pages:
    """Read the inks of all images of the file's paper."""
    rows = session.execute(
        select(ScanImage.id, ScanImage.scan_file_id, HalfPage.likeness)
        .join(HalfPage, HalfPage.scan_image_id == ScanImage.id)
        .join(ScanFile, ScanFile.id == ScanImage.scan_file_id)
        .where(ScanFile.paper_id == scan_file.paper_id)
        .order_by(ScanFile.id, ScanImage.index, HalfPage.id)
    ).all()
    place_of = {image_id: place for place, image_id in enumerate(dict.fromkeys(row[0] for row in rows))}
    seen: dict[int, int] = {}
    found = []
    for image_id, _, ink in rows:
        place = place_of[image_id]
        found.append(_Page(place, seen.get(place, 0), ink))
        seen[place] = seen.get(place, 0) + 1
    own = frozenset(place_of[image_id] for image_id, file_id, _ in rows if file_id == scan_file.id)
    return Pages(tuple(place_of), own, tuple(found))


def find(paper: Pages) -> list[DoubleImage]:
    """The images of the file, or of others after it, that look like one scanned before. Seconds on a whole paper."""
    inked = [page for page in paper.pages if page.ink is not None]
    own = [page for page in inked if page.image in paper.own]
    others = [page for page in inked if page.image not in paper.own]
    pairs = [*_pairs(own, None), *_pairs(own, others)]
    told: dict[int, list[bool]] = {}
    for page in paper.pages:
        told.setdefault(page.image, []).append(page.ink is not None)
    return list(double_images(pairs, told))


def _pairs(first: Sequence[_Page], second: Sequence[_Page] | None) -> list[AlikeHalves]:
    if not first or second == []:
        return []
    inks = [page.ink or b"" for page in first]
    against = None if second is None else [page.ink or b"" for page in second]
    facing = first if second is None else second
    return [
        AlikeHalves(
            (first[pair.first].image, first[pair.first].half),
            (facing[pair.second].image, facing[pair.second].half),
            pair.likeness,
        )
        for pair in alike(inks, against, least=CONTRADICTED)
    ]


def propose(session: Session, paper: Pages, doubles: Sequence[DoubleImage]) -> None:
    """Write what was found; what somebody decided before stays as it is."""
    for double in doubles:
        image_id, other_id = paper.image_ids[double.image], paper.image_ids[double.other]
        if session.get(DoubleScan, (image_id, other_id)) is not None:
            continue
        session.add(DoubleScan(image_id=image_id, other_image_id=other_id, score=double.score))
        for half in session.scalars(select(HalfPage).where(HalfPage.scan_image_id == image_id)):
            if DOUBLE not in codes(half.reason):
                half.reason = " ".join(by_urgency((*codes(half.reason), DOUBLE)))
                half.settled = False
