"""The headers the secretariat draws on one image: learned, tried on other pages, kept with the session."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import cv2
import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db.session import Sessions
from core.db.tables import DrawnHeader, HalfPage, Header, ScanFile, ScanImage
from core.domain.access import Action, Actor, authorise
from core.errors import BadInput, Conflict, NotFound
from core.imaging.darkness import BoxPx, Gray
from core.imaging.halves import half_pixels
from core.imaging.header import HEADER_MARGIN_MM, find_header, header_crop
from core.imaging.header_models import (
    FIELDS,
    HeaderKind,
    HeaderModel,
    builtin_models,
    json_of_model,
    model_of_json,
)
from core.imaging.learn_header import learn
from core.imaging.mask import decode_jpeg, encode_jpeg
from core.intake import readers
from core.services import ingestion, journal
from core.services.copy_rows import paper_row
from core.services.image_files import ImageFile, image_files
from core.services.page_images import PageImage, page_image, page_source
from core.services.transactions import reading, writing
from core.storage.blobs import BlobStore

Share = tuple[float, float, float, float]
"""A frame on an upright page: left, top, right, bottom, each 0..1 of its width or height."""

SAMPLES = 5
"""Other pages from which print is told from writing."""

TRIALS = 5
"""Other pages on which the header is looked for before it is kept."""

TURNS = (0, 90, 180, 270)
_HALVES = frozenset({"full", "left", "right", "top", "bottom"})
LONGEST_NAME = 60
_CROP_WIDTH_PX = 900
_PICTURE_QUALITY = 92


@dataclass(frozen=True)
class PageChoice:
    """A page on which a header may be drawn."""

    scan_image_id: int
    half: str
    file_id: int
    file_name: str
    image: int
    """1-based in its file."""
    has_header: bool
    blank: bool


@dataclass(frozen=True)
class Trial:
    """What a drawn header finds on another page of the file.

    Attributes:
        image: 1-based in the file.
        found: whether the header is there.
        crop: JPEG of the header as found, else of the top of the page.
        fields: where each field lies on a crop of a header that was found.
    """

    image: int
    found: bool
    crop: bytes
    fields: dict[str, Share]


@dataclass(frozen=True)
class DrawnView:
    """A header model of a session."""

    model_id: int
    name: str
    kind: HeaderKind
    fields: tuple[str, ...]
    created_by: str
    created_at: datetime


@dataclass(frozen=True)
class ReadAgain:
    """Files of a paper that are looked at again, and those that stay as they are."""

    asked: tuple[str, ...]
    in_use: tuple[str, ...]


@dataclass(frozen=True)
class _Page:
    """Where the pixels of a page are, once the transaction that told it has ended."""

    file: ImageFile
    box: BoxPx
    rotation_deg: int
    image: int


# --- Choosing a page ------------------------------------------------------------------------------


def pages(sessions: Sessions, actor: Actor, *, paper_id: int) -> list[PageChoice]:
    """The pages of a paper's scans on which a header may be drawn: first pages without one come first."""
    authorise(actor, Action.ADD_SCANS)
    with reading(sessions) as session:
        paper_row(session, paper_id)
        known = set(session.scalars(select(Header.half_page_id)))
        rows = session.execute(
            select(HalfPage, ScanFile.id, ScanFile.name)
            .join(ScanImage, ScanImage.id == HalfPage.scan_image_id)
            .join(ScanFile, ScanFile.id == ScanImage.scan_file_id)
            .where(ScanFile.paper_id == paper_id)
        ).all()
        choices = [
            (
                (
                    half.id in known,
                    half.blank,
                    # Pages of which ingestion expected a header.
                    "header_missing" not in half.reason.split(),
                    half.image.side == "back",
                    file_id,
                ),
                half.image.index,
                PageChoice(
                    half.scan_image_id,
                    half.half,
                    file_id,
                    name,
                    half.image.index + 1,
                    half.id in known,
                    half.blank,
                ),
            )
            for half, file_id, name in rows
        ]
    return [choice for _, _, choice in sorted(choices, key=lambda row: row[:2])]


def page_picture(
    sessions: Sessions,
    actor: Actor,
    blobs: BlobStore,
    *,
    scan_image_id: int,
    half: str,
    turn: int = 0,
    width_px: int = 1100,
) -> PageImage:
    """An upright page, name included, to draw upon.

    Args:
        sessions: Database.
        actor: Who looks.
        blobs: Kept files.
        scan_image_id: The image.
        half: Its half, or ``full``.
        turn: Clockwise quarter turns more than the scan was given: 0, 90, 180 or 270.
        width_px: Width of the picture.

    Raises:
        NotFound: No such page.
        BadInput: The image cannot be read; ``parameter_unreadable``.
    """
    authorise(actor, Action.VIEW_HEADERS)
    if turn not in TURNS:
        raise BadInput("parameter_unreadable", parameter="turn")
    with reading(sessions) as session:
        source = page_source(session, _half(session, scan_image_id, half))
    turned = replace(source, rotation_deg=(source.rotation_deg + turn) % 360)
    return page_image(blobs, turned, masked=False, width_px=width_px)


# --- Drawing a header -----------------------------------------------------------------------------


def try_model(
    sessions: Sessions,
    actor: Actor,
    blobs: BlobStore,
    *,
    scan_image_id: int,
    half: str,
    zone: Share,
    fields: Mapping[str, Share],
    turn: int = 0,
) -> list[Trial]:
    """What a header just drawn finds on other pages of the file; nothing is kept.

    Raises:
        NotFound: No such page.
        BadInput: As :func:`learn_model`.
    """
    authorise(actor, Action.VIEW_HEADERS)
    with reading(sessions) as session:
        drawn_on, others = _neighbours(session, _half(session, scan_image_id, half), turn)
    model = _learned(blobs, drawn_on, others[:SAMPLES], zone, fields, name="drawn", kind="copy")
    # The last ones: pages it was not learned from say more, though a short file has few of them.
    return [_trial(blobs, page, model) for page in others[-TRIALS:]]


def learn_model(
    sessions: Sessions,
    actor: Actor,
    blobs: BlobStore,
    *,
    scan_image_id: int,
    half: str,
    name: str,
    kind: HeaderKind,
    zone: Share,
    fields: Mapping[str, Share],
    turn: int = 0,
) -> int:
    """Learn a header from the image it was drawn on, and keep it for all papers of the session.

    Args:
        sessions: Database.
        actor: Who drew it.
        blobs: Kept files.
        scan_image_id: The image it was drawn on.
        half: Its half, or ``full``.
        name: As people call it; one of a kind in the session.
        kind: What a page with this header is.
        zone: Frame of the header.
        fields: Frames of the handwritten fields, by name.
        turn: As the page was turned on screen, see :func:`page_picture`.

    Returns:
        Its id.

    Raises:
        NotAllowed: The actor is not of the secretariat.
        NotFound: No such page.
        BadInput: ``header_model_name``, ``header_zone_no_field``, ``parameter_unreadable``; as ``learn``.
        Conflict: ``header_model_exists``: the session has one of that name.
    """
    authorise(actor, Action.ADD_SCANS)
    title = " ".join(name.split())
    if not title or len(title) > LONGEST_NAME or not title.isprintable():
        raise BadInput("header_model_name", limit=LONGEST_NAME)
    with reading(sessions) as session:
        found = _half(session, scan_image_id, half)
        drawn_on, others = _neighbours(session, found, turn)
        scan_file = session.get_one(ScanFile, found.image.scan_file_id)
        session_id = paper_row(session, scan_file.paper_id).session_id
        _check_name(session, session_id, title)
    model = _learned(blobs, drawn_on, others[:SAMPLES], zone, fields, name=title, kind=kind)
    with writing(sessions) as session:
        _check_name(session, session_id, title)
        row = DrawnHeader(
            session_id=session_id,
            name=title,
            kind=kind,
            model=json_of_model(model),
            sample_sha256=drawn_on.file.sha256,
            sample_index=drawn_on.file.index,
            created_by=actor.label,
        )
        session.add(row)
        session.flush()
        # The finder tells models apart by a name that no model shipped, now or later, bears.
        row.model = json_of_model(replace(model, name=f"drawn-{row.id}"))
        journal.record(
            session,
            actor,
            Action.ADD_SCANS,
            kind="header_model",
            object_id=row.id,
            # Not the name: people write into it whatever they like, a pupil's name included.
            values={"kind": kind, "fields": sorted(fields), "session": session_id},
        )
        return row.id


def drawn_models(sessions: Sessions, actor: Actor, *, paper_id: int) -> list[DrawnView]:
    """The header models drawn for the session of a paper, oldest first."""
    authorise(actor, Action.ADD_SCANS)
    with reading(sessions) as session:
        return [
            DrawnView(
                row.id,
                row.name,
                model_of_json(row.model).kind,
                tuple(row.model["fields_mm"]),
                row.created_by,
                row.created_at,
            )
            for row in _rows(session, paper_id)
        ]


def models_of(session: Session, paper_id: int) -> tuple[HeaderModel, ...]:
    """The headers to look for on the scans of a paper: those shipped, and those drawn for its session."""
    return (*builtin_models(), *(model_of_json(row.model) for row in _rows(session, paper_id)))


def remove_model(sessions: Sessions, actor: Actor, *, model_id: int) -> None:
    """Forget a drawn header: files are looked at without it from now on; what it found stays.

    Raises:
        NotFound: No such model.
    """
    authorise(actor, Action.ADD_SCANS)
    with writing(sessions) as session:
        row = session.get(DrawnHeader, model_id)
        if row is None:
            raise NotFound("header_model", model=model_id)
        session.delete(row)
        journal.record(
            session,
            actor,
            Action.ADD_SCANS,
            kind="header_model",
            object_id=model_id,
            values={"removed": True},
        )


def read_again(
    sessions: Sessions, actor: Actor, *, paper_id: int, file_ids: Sequence[int] | None = None
) -> ReadAgain:
    """Look again at the files of a paper that nobody has checked yet, with the headers known now.

    Args:
        sessions: Database.
        actor: Who asks.
        paper_id: The paper.
        file_ids: Those of its files that are meant; all of them without.

    Returns:
        Names of the files asked for, and of those left alone because a copy holds pages of theirs.
    """
    authorise(actor, Action.ADD_SCANS)
    asked, in_use = [], []
    with writing(sessions) as session:
        paper_row(session, paper_id)
        files = session.scalars(
            select(ScanFile)
            .where(ScanFile.paper_id == paper_id, ScanFile.checked_at.is_(None))
            .order_by(ScanFile.id)
        ).all()
        for scan_file in files:
            if file_ids is not None and scan_file.id not in file_ids:
                continue
            name, file_id = scan_file.name, scan_file.id
            try:
                ingestion.ask_again(session, scan_file)
            except Conflict:
                in_use.append(name)
                continue
            asked.append(name)
            journal.record(
                session,
                actor,
                Action.ADD_SCANS,
                kind="scan_file",
                object_id=file_id,
                values={"read_again": True},
            )
    return ReadAgain(tuple(asked), tuple(in_use))


# --- Inside ---------------------------------------------------------------------------------------


def _rows(session: Session, paper_id: int) -> Sequence[DrawnHeader]:
    session_id = paper_row(session, paper_id).session_id
    return session.scalars(
        select(DrawnHeader).where(DrawnHeader.session_id == session_id).order_by(DrawnHeader.id)
    ).all()


def _check_name(session: Session, session_id: int, name: str) -> None:
    taken = select(DrawnHeader.id).where(DrawnHeader.session_id == session_id, DrawnHeader.name == name)
    if session.scalars(taken).first() is not None:
        raise Conflict("header_model_exists", name=name)


def _half(session: Session, scan_image_id: int, half: str) -> HalfPage:
    # Text of the address, which may hold what a database refuses to compare.
    if half not in _HALVES:
        raise NotFound("page", image=scan_image_id)
    found = session.scalars(
        select(HalfPage).where(HalfPage.scan_image_id == scan_image_id, HalfPage.half == half)
    ).first()
    if found is None:
        raise NotFound("page", image=scan_image_id)
    return found


def _page(session: Session, half: HalfPage, turn: int) -> _Page:
    if turn not in TURNS:
        raise BadInput("parameter_unreadable", parameter="turn")
    image = half.image
    file = image_files(session, [image])[image.id]
    left, top, right, bottom = half.box_px
    return _Page(file, (left, top, right, bottom), (image.rotation_deg + turn) % 360, image.index + 1)


def _neighbours(session: Session, half: HalfPage, turn: int) -> tuple[_Page, list[_Page]]:
    """A page, and others that lie in the file as it does: the same half and side, written on."""
    found = session.scalars(
        select(HalfPage)
        .join(ScanImage, ScanImage.id == HalfPage.scan_image_id)
        .where(
            ScanImage.scan_file_id == half.image.scan_file_id,
            ScanImage.side == half.image.side,
            HalfPage.half == half.half,
            HalfPage.blank.is_(False),
            HalfPage.id != half.id,
        )
        .order_by(ScanImage.index)
    ).all()
    # A stack of leaves without a known header tells no side: most scanners feed fronts and backs by turns.
    index = half.image.index
    others = [other for other in found if (other.image.index - index) % 2 == 0] or found
    # Spread over the file: a page far away was written by another hand.
    wanted = SAMPLES + TRIALS
    step = max(1, math.ceil(len(others) / wanted))
    spread = [others[at] for start in range(step) for at in range(start, len(others), step)][:wanted]
    return _page(session, half, turn), [_page(session, other, turn) for other in spread]


def _pixels(blobs: BlobStore, page: _Page) -> tuple[Gray, float]:
    """An upright page and its resolution; a child process has opened the file."""
    path = blobs.path(page.file.sha256)
    data, (jpeg,) = readers.ask("picture", path, index=page.file.index, quality=_PICTURE_QUALITY)
    return half_pixels(decode_jpeg(jpeg), page.box, page.rotation_deg), float(data["dpi"])


def _learned(
    blobs: BlobStore,
    drawn_on: _Page,
    others: Sequence[_Page],
    zone: Share,
    fields: Mapping[str, Share],
    *,
    name: str,
    kind: HeaderKind,
) -> HeaderModel:
    if not fields:
        raise BadInput("header_zone_no_field")
    if not set(fields) <= set(FIELDS):
        raise BadInput("parameter_unreadable", parameter="fields")
    if kind not in ("copy", "annex"):
        raise BadInput("parameter_unreadable", parameter="kind")
    first, dpi = _pixels(blobs, drawn_on)
    boxes = {field: _on_page(box, first) for field, box in fields.items()}
    same = [gray for gray, its_dpi in (_pixels(blobs, page) for page in others) if abs(its_dpi - dpi) < 1]
    return learn([first, *same], dpi, _on_page(zone, first), boxes, name=name, title=name, kind=kind)


def _on_page(share: Share, page: Gray) -> BoxPx:
    left, top, right, bottom = share
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise BadInput("parameter_unreadable", parameter="zone")
    height, width = page.shape
    return (round(left * width), round(top * height), round(right * width), round(bottom * height))


def _trial(blobs: BlobStore, page: _Page, model: HeaderModel) -> Trial:
    gray, dpi = _pixels(blobs, page)
    match = find_header(gray, dpi, [model])
    if match is None:
        reach_mm = model.page_top_mm + model.height_mm + 5
        crop = gray[: round(reach_mm / 25.4 * dpi)]
        return Trial(page.image, found=False, crop=encode_jpeg(_narrowed(crop), 70), fields={})
    crop = header_crop(gray, match, model)
    return Trial(page.image, found=True, crop=encode_jpeg(_narrowed(crop), 70), fields=_on_crop(model))


def _on_crop(model: HeaderModel) -> dict[str, Share]:
    """Where the fields lie on a crop of the whole header."""
    margin = HEADER_MARGIN_MM
    wide, high = model.width_mm + 2 * margin, model.height_mm + 2 * margin
    return {
        field: (
            (left + margin) / wide,
            (top + margin) / high,
            (right + margin) / wide,
            (bottom + margin) / high,
        )
        for field, (left, top, right, bottom) in model.fields_mm.items()
    }


def _narrowed(gray: Gray) -> Gray:
    height, width = gray.shape
    if width <= _CROP_WIDTH_PX:
        return gray
    size = (_CROP_WIDTH_PX, max(1, round(height * _CROP_WIDTH_PX / width)))
    return np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
