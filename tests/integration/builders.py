"""A small paper with real bytes: scheme, roster, an A3 scan PDF, copies of any status, accounts."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import date
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt
import pikepdf
from sqlalchemy.orm import Session, sessionmaker

from core.db.tables import (
    Account,
    AccountRole,
    Booklet,
    Candidate,
    Copy,
    Entry,
    ExamSession,
    HalfPage,
    Identity,
    Item,
    Lot,
    PageSet,
    PageSetPage,
    Paper,
    Person,
    ScanFile,
    ScanImage,
    SchemeLine,
    SchemeVersion,
    Variant,
)
from core.db.tables.base import now
from core.domain.access import Actor, Role
from core.domain.copies import CopyStatus
from core.storage.blobs import BlobStore

Gray = npt.NDArray[np.uint8]

DPI = 100
A3_PX = (1654, 1170)
FOLD_PX = 827
MASK_PX = (FOLD_PX + 40, 40, A3_PX[0] - 40, 200)
"""Header of P1, right half of a front fed upright."""
CODES = ("K7-4QXM", "A2-BCDE", "B3-FGHJ", "C4-KMNP", "D5-QRST")
"""Written as codes are; only the first bears a right check sign, which readers must not depend on."""
STAFF = Actor.system("test")

SCHEME = (
    ("1", "Exercice 1", 1000, False, False),
    ("1.a", "Énoncer le théorème", 400, False, True),
    ("1.b", "L'appliquer", 600, False, True),
    ("2", "Exercice 2", 1000, False, False),
    ("2.a", "Conclure", 1000, False, True),
    ("2.b", "Aller plus loin", 100, True, True),
)
"""code, label, hundredths, bonus, leaf; /20 and one bonus point."""


@dataclass
class Exam:
    """What :func:`build_exam` made; ``items`` by code, ``accounts`` and ``actors`` by login."""

    paper_id: int
    session_id: int
    items: dict[str, int]
    codes: tuple[str, ...]
    scan: bytes
    jpegs: tuple[bytes, ...]
    accounts: dict[str, int] = field(default_factory=dict)

    def actor(self, login: str, *roles: Role) -> Actor:
        """The account as an actor."""
        account_id = self.accounts[login]
        return Actor(account_id, frozenset(roles or {Role.CORRECTOR}), f"account:{account_id}")


def build_exam(
    sessions: sessionmaker[Session],
    blobs: BlobStore,
    *,
    copies: int = 2,
    status: CopyStatus = CopyStatus.IDENTIFIED,
    named: bool = True,
    correctors: tuple[str, ...] = ("martin", "nguyen"),
) -> Exam:
    """A paper of ``copies`` copies, each an A3 sheet of four pages of which P3 is blank."""
    jpegs, scan = _drawn(copies)
    with sessions.begin() as session:
        exam_session = ExamSession(name="Bac blanc", ends_on=date(2027, 8, 31))
        session.add(exam_session)
        session.flush()
        paper = Paper(session_id=exam_session.id, name="Maths J1", sat_on=date(2027, 1, 12))
        session.add(paper)
        session.flush()
        variant = Variant(paper_id=paper.id)
        session.add(variant)
        session.flush()
        items = _scheme(session, paper.id, variant.id)
        lot = Lot(paper_id=paper.id)
        session.add(lot)
        session.flush()
        file = ScanFile(
            paper_id=paper.id,
            lot_id=lot.id,
            sha256=blobs.put(scan),
            name="lot.pdf",
            kind="pdf",
            checked_at=now(),
            checked_by="test",
            byte_size=len(scan),
            layout="a3",
            image_count=len(jpegs),
            ingested_at=now(),
        )
        session.add(file)
        session.flush()
        for number in range(copies):
            candidate = add_candidate(session, exam_session.id, paper.id, number)
            copy = Copy(
                paper_id=paper.id,
                candidate_id=candidate.id if named else None,
                variant_id=variant.id,
                code=CODES[number],
                status=status.value,
            )
            session.add(copy)
            session.flush()
            _pages(session, file, copy, number)
        exam = Exam(paper.id, exam_session.id, items, CODES[:copies], scan, jpegs)
        for login in correctors:
            exam.accounts[login] = add_account(session, login, Role.CORRECTOR)
    return exam


def add_candidate(session: Session, session_id: int, paper_id: int, number: int) -> Candidate:
    person = Person(
        identity=Identity(surname=f"NOM{number}", first_name="Zoé", birth_date=date(2009, 3, 1 + number))
    )
    session.add(person)
    session.flush()
    candidate = Candidate(session_id=session_id, person_id=person.id, class_name="T.04")
    session.add(candidate)
    session.flush()
    session.add(Entry(paper_id=paper_id, candidate_id=candidate.id))
    return candidate


def add_account(session: Session, login: str, *roles: Role, person_id: int | None = None) -> int:
    if person_id is None:
        person = Person(identity=Identity(surname=login.upper(), first_name="Paul"))
        session.add(person)
        session.flush()
        person_id = person.id
    account = Account(person_id=person_id, login=login, password_hash="-")
    account.roles = [AccountRole(role=role.value) for role in roles]
    session.add(account)
    session.flush()
    return account.id


def jpeg(image: Gray, quality: int = 85) -> bytes:
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def pixels(content: bytes) -> Gray:
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert image is not None
    return image.astype(np.uint8)


def pdf_of(jpegs: tuple[bytes, ...]) -> bytes:
    """A scanner's PDF: one JPEG a page, and metadata that nobody should find again."""
    with pikepdf.new() as pdf:
        for content in jpegs:
            height, width = pixels(content).shape
            size = (width * 72 / DPI, height * 72 / DPI)
            image = pikepdf.Stream(pdf, content)
            image.stream_dict = pikepdf.Dictionary(
                Type=pikepdf.Name.XObject,
                Subtype=pikepdf.Name.Image,
                Width=width,
                Height=height,
                BitsPerComponent=8,
                ColorSpace=pikepdf.Name.DeviceGray,
                Filter=pikepdf.Name.DCTDecode,
            )
            pdf.add_blank_page(page_size=size)
            page = pdf.pages[-1]
            page.obj.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im0=image))
            page.obj.Contents = pdf.make_stream(f"q {size[0]} 0 0 {size[1]} 0 0 cm /Im0 Do Q".encode())
        pdf.docinfo["/Author"] = "NOM0 Zoé"
        target = io.BytesIO()
        pdf.save(target)
    return target.getvalue()


def embedded_jpegs(pdf: bytes) -> list[bytes]:
    """The JPEG streams of a PDF, each once, in the order of its pages."""
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        found: dict[tuple[int, int], bytes] = {}
        for page in opened.pages:
            for stream in page.get_images().values():
                if stream.get("/Filter") == pikepdf.Name.DCTDecode:
                    found[stream.objgen] = bytes(stream.read_raw_bytes())
    return list(found.values())


@cache
def _drawn(copies: int) -> tuple[tuple[bytes, ...], bytes]:
    jpegs = tuple(jpeg(image) for number in range(copies) for image in _sheet(number))
    return jpegs, pdf_of(jpegs)


def _sheet(number: int) -> list[Gray]:
    images = []
    for face, labels in (("front", ("P4", "P1")), ("back", ("P2", "P3"))):
        image = np.full((A3_PX[1], A3_PX[0]), 240, np.uint8)
        for left, label in zip((0, FOLD_PX), labels, strict=True):
            if label != "P3":
                _write(image, f"{number}{label}", (left + 120, 700), 5)
        if face == "front":
            _write(image, f"NOM{number}", (FOLD_PX + 80, 160), 3)
        images.append(image)
    return images


def _write(image: Gray, text: str, at: tuple[int, int], scale: float) -> None:
    cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, 30, 6)


def _scheme(session: Session, paper_id: int, variant_id: int) -> dict[str, int]:
    version = SchemeVersion(paper_id=paper_id, variant_id=variant_id)
    session.add(version)
    session.flush()
    items: dict[str, int] = {}
    for position, (code, label, hundredths, bonus, is_leaf) in enumerate(SCHEME):
        item = Item(paper_id=paper_id, stable_key=code)
        session.add(item)
        session.flush()
        items[code] = item.id
        session.add(
            SchemeLine(
                scheme_version_id=version.id,
                item_id=item.id,
                position=position,
                code=code,
                label=label,
                points_hundredths=hundredths,
                bonus=bonus,
                is_leaf=is_leaf,
            )
        )
    return items


def _pages(session: Session, file: ScanFile, copy: Copy, number: int) -> None:
    booklet = Booklet(paper_id=copy.paper_id, scan_file_id=file.id, position=4 * number + 1, copy_id=copy.id)
    session.add(booklet)
    session.flush()
    placed: dict[int, int] = {}
    for face, labels in enumerate((("P4", "P1"), ("P2", "P3"))):
        image = ScanImage(
            scan_file_id=file.id,
            index=2 * number + face,
            width_px=A3_PX[0],
            height_px=A3_PX[1],
            dpi=DPI,
            codec="jpeg",
            sheet=number + 1,
            side=("front", "back")[face],
            cut="left_right",
            first_half="left",
            second_half="right",
        )
        session.add(image)
        session.flush()
        for half, label in zip(("left", "right"), labels, strict=True):
            left = 0 if half == "left" else FOLD_PX
            position = int(label[1])
            row = HalfPage(
                scan_image_id=image.id,
                half=half,
                cut="left_right",
                page=label,
                box_px=[left, 0, left + FOLD_PX, A3_PX[1]],
                blank=label == "P3",
                place="copy",
                booklet_id=booklet.id,
                position=position,
                mask_boxes_px=[list(MASK_PX)] if face == 0 else [],
            )
            session.add(row)
            session.flush()
            placed[position] = row.id
    page_set = PageSet(copy_id=copy.id, number=1)
    page_set.pages = [PageSetPage(position=place, half_page_id=placed[place]) for place in sorted(placed)]
    session.add(page_set)
    session.flush()
