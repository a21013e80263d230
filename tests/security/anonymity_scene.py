"""A few drawn copies through the whole chain, by a scan that tells names wherever a PDF can."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pikepdf
import pytest
from sqlalchemy import select

from core.db.session import Sessions
from core.db.tables import Candidate, Copy, ExamSession, HalfPage, Identity, Person, ScanFile
from core.domain.entries import DecisionKind
from core.imaging.header_models import builtin_models
from core.intake import look
from core.intake.limited import Looked
from core.intake.sources import opened_source
from core.jobs.running import run_next
from core.services import allocation, copies, finalisation, identification, ingestion, publication, scans
from core.services.copy_rows import current_pages
from core.services.finalisation import FINALISE, run_finalise
from core.storage.blobs import BlobStore
from tests import story
from tests.integration.classes import SYSTEM, Taken, take_in
from tests.security.anonymity_search import Gray, ShownHalf, decoded
from workbench.demo.draw import DrawnScan, draw_scan
from workbench.demo.recipe import load
from workbench.demo.truth import Box, HeaderTruth, ImageTruth, PupilTruth

DPI = 200
CORRECTORS = ("correctrice1", "correcteur2")
FIRST_PERSON, FIRST_CANDIDATE = 731_000_000, 620_000_000
"""People and candidates are numbered from here, so that their ids are not found by chance."""

SCAN_NAME, UNKNOWN_NAME = "copies-de-monsieur-untel.pdf", "lot-de-la-salle-204.pdf"
KNOWN_MODEL, UNKNOWN_MODEL = "cadres", "lignes"

TURNED = {("990100010KK", 2): 90, ("990100013NK", 2): 180}
"""Sheets fed otherwise than upright: (pupil, sheet) → degrees clockwise."""

FEEDS = ((0, False), (180, False), (90, False), (270, False), (0, True), (180, True))
"""How a sheet whose header nobody knows is fed: (degrees clockwise, back before front)."""


def draw(folder: Path) -> DrawnScan:
    """The first three copies of the tests' recipe, two of their sheets turned, and the copy of a stranger."""
    whole = load(story.ROOT / "data" / "demo" / "recipe_tests.json")
    recipe = whole.only(pupils=3)
    for (pupil, sheet), turn in TURNED.items():
        recipe = recipe.rotated(pupil, sheet=sheet, rotate=turn)
    [file] = recipe.files
    stranger = next(copy for copy in whole.copies if copy.pupil == whole.strangers[0].key)
    recipe = replace(recipe, files=(replace(file, copies=(*file.copies, stranger)),))
    return draw_scan(recipe, folder, font_dirs=story.FONT_DIRS)


# --- scans


def jpegs(pdf_path: Path) -> list[bytes]:
    """The JPEG of each page of a drawn scan."""
    with pikepdf.open(pdf_path) as pdf:
        return [bytes(page.Resources.XObject.Im0.read_raw_bytes()) for page in pdf.pages]


def telling_scan(path: Path, images: Sequence[bytes], owners: Sequence[PupilTruth]) -> None:
    """A scan as recognition software writes it, with each name in every place of a PDF that is not a pixel.

    Args:
        path: where to write it.
        images: JPEG of each page.
        owners: who wrote each page.
    """
    with pikepdf.new() as pdf:
        for jpeg, pupil in zip(images, owners, strict=True):
            _add_page(pdf, _with_names(jpeg, pupil), jpeg, _name(pupil))
        pdf.docinfo["/Title"] = _name(owners[0])
        with pdf.open_metadata() as metadata:
            metadata["dc:title"] = _name(owners[0])
        with pdf.open_outline() as outline:
            outline.root += [pikepdf.OutlineItem(_name(pupil), index) for index, pupil in enumerate(owners)]
        pdf.attachments["liste.txt"] = "\n".join(map(_name, owners)).encode()
        pdf.save(path)


def _name(pupil: PupilTruth) -> str:
    return f"{pupil.surname} {pupil.first_name} {pupil.birth_date}"


def _with_names(jpeg: bytes, pupil: PupilTruth) -> bytes:
    """The same pixels, with the name in a comment, in XMP and after the end."""
    name = _name(pupil).encode()
    segments = b""
    for marker, content in ((0xFE, name), (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + name)):
        segments += bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2, "big") + content
    return jpeg[:2] + segments + jpeg[2:] + name


def _add_page(pdf: pikepdf.Pdf, jpeg: bytes, bare: bytes, name: str) -> None:
    pixels = decoded(bare)
    height, width = pixels.shape
    size = (width / DPI * 72, height / DPI * 72)
    image = _image(pdf, jpeg, width, height)
    image["/Metadata"] = pdf.make_stream(name.encode())
    small = cv2.resize(pixels, (width // 8, height // 8), interpolation=cv2.INTER_AREA)
    thumbnail = _image(pdf, cv2.imencode(".jpg", small)[1].tobytes(), width // 8, height // 8)
    words = name.encode("latin-1").replace(b"(", b"").replace(b")", b"")
    content = f"q {size[0]} 0 0 {size[1]} 0 0 cm /Im0 Do Q BT 3 Tr /F0 9 Tf 20 20 Td (".encode() + words
    font = pikepdf.Dictionary(
        Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica
    )
    page = pikepdf.Dictionary(
        Type=pikepdf.Name.Page,
        MediaBox=[0, 0, *size],
        Resources=pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im0=image), Font=pikepdf.Dictionary(F0=font)),
        Contents=pdf.make_stream(content + b") Tj ET"),
        Thumb=thumbnail,
    )
    pdf.pages.append(pikepdf.Page(pdf.make_indirect(page)))


def _image(pdf: pikepdf.Pdf, jpeg: bytes, width: int, height: int) -> pikepdf.Object:
    return pdf.make_indirect(
        pikepdf.Stream(
            pdf,
            jpeg,
            Type=pikepdf.Name.XObject,
            Subtype=pikepdf.Name.Image,
            Width=width,
            Height=height,
            ColorSpace=pikepdf.Name.DeviceGray,
            BitsPerComponent=8,
            Filter=pikepdf.Name.DCTDecode,
        )
    )


def fed_every_way(
    front: bytes, back: bytes, truth: Sequence[ImageTruth]
) -> tuple[list[bytes], list[ImageTruth]]:
    """One upright sheet fed in the ways of ``FEEDS``: its images, and where its header is in each."""
    images: list[bytes] = []
    truths: list[ImageTruth] = []
    for turn, swapped in FEEDS:
        sides = [
            (_turned(decoded(jpeg), turn), _turned_truth(image, turn))
            for jpeg, image in zip((front, back), truth, strict=True)
        ]
        for pixels, image in sides[::-1] if swapped else sides:
            images.append(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes())
            truths.append(replace(image, image=len(truths)))
    return images, truths


def _turned(pixels: Gray, turn: int) -> Gray:
    return np.ascontiguousarray(np.rot90(pixels, -(turn // 90)))


def _turned_truth(image: ImageTruth, turn: int) -> ImageTruth:
    width, height = image.width_px, image.height_px

    def box(at: Box) -> Box:
        left, top, right, bottom = at
        return {
            0: at,
            90: (height - bottom, left, height - top, right),
            180: (width - right, height - bottom, width - left, height - top),
            270: (top, width - right, bottom, width - left),
        }[turn]

    size = (width, height) if turn % 180 == 0 else (height, width)
    header = image.header and HeaderTruth(
        image.header.model,
        image.header.half,
        box(image.header.box),
        {
            name: replace(field, box=box(field.box), ink=box(field.ink))
            for name, field in image.header.fields.items()
        },
    )
    return replace(image, rotate=turn, width_px=size[0], height_px=size[1], header=header)


# --- the chain


@dataclass(frozen=True)
class SceneCopy:
    """A copy as its corrector has it, and what its pages are; ``pupil`` is empty when nobody knows."""

    code: str
    corrector: str
    pupil: str
    halves: Mapping[int, ShownHalf]
    """By page number, 1-based."""
    booklet_pages: Mapping[int, tuple[int, int]]
    """By page number: the booklet and the position in it."""


@dataclass(frozen=True)
class Scene:
    """A paper whose copies are allocated; ``unknown`` is the code of the one whose headers nobody knows."""

    sessions: Sessions
    blobs: BlobStore
    taken: Taken
    copies: Mapping[str, SceneCopy]
    unknown: str

    @property
    def known(self) -> list[SceneCopy]:
        """The copies whose headers were found."""
        return [copy for code, copy in self.copies.items() if code != self.unknown]

    def finalise(self) -> None:
        """Make the marked PDF of every copy, and show them to the pupils that are known."""
        finalisation.finalise_paper(self.sessions, SYSTEM, paper_id=self.taken.paper_id)
        work = {FINALISE: lambda held: run_finalise(self.sessions, self.blobs, held)}
        while run_next(self.sessions, work):
            pass
        publication.publish(self.sessions, SYSTEM, self.blobs, paper_id=self.taken.paper_id)

    def digests(self) -> list[str]:
        """SHA-256 of the scans."""
        with self.sessions() as session:
            return list(session.scalars(select(ScanFile.sha256)))


def build(sessions: Sessions, blobs: BlobStore, drawn: DrawnScan, folder: Path) -> Scene:
    """From the drawn images to allocated copies; accounts of ``CORRECTORS`` must be there."""
    [pdf], [file] = drawn.pdfs, drawn.truth.files
    images = jpegs(pdf)
    scan, unknown_scan = folder / SCAN_NAME, folder / UNKNOWN_NAME
    owners = [drawn.truth.pupils[image.pupil] for image in file.images]
    telling_scan(scan, images, owners)
    ways, ways_truth = fed_every_way(images[0], images[1], file.images[:2])
    telling_scan(unknown_scan, ways, [owners[0]] * len(ways))
    _number_people_from_afar(sessions)
    taken = take_in(sessions, blobs, replace(drawn, pdfs=(scan,)))
    taken.run()
    with pytest.MonkeyPatch.context() as patch:
        one_model = tuple(model for model in builtin_models() if model.name == KNOWN_MODEL)
        # A child process would know them all: this one file is looked at here.
        patch.setattr(look, "builtin_models", lambda: one_model)
        patch.setattr(ingestion, "look_at", _looked_at_here)
        scans.add_scan(
            sessions,
            SYSTEM,
            blobs,
            paper_id=taken.paper_id,
            file_name=UNKNOWN_NAME,
            path=unknown_scan,
            checked=True,
        )
        taken.run()
    _decide(taken, drawn)
    copies.release(sessions, SYSTEM, paper_id=taken.paper_id, pending=True)
    allocation.allocate(sessions, SYSTEM, paper_id=taken.paper_id, correctors=CORRECTORS, seed=1)
    truths = {SCAN_NAME: file.images, UNKNOWN_NAME: tuple(ways_truth)}
    found = _copies(sessions, truths)
    [unknown] = [code for code, copy in found.items() if len(copy.halves) == 2 * len(ways)]
    return Scene(sessions, blobs, taken, found, unknown)


def _looked_at_here(path: Path, count: int, options: dict[str, Any]) -> Iterator[Looked]:
    with opened_source(path) as source:
        for index in range(count):
            yield Looked(index, *look.look(source.pixels(index), options), None)


def _number_people_from_afar(sessions: Sessions) -> None:
    """SQLite gives the id after the highest."""
    with sessions.begin() as session:
        session.add(Person(id=FIRST_PERSON))
        past = ExamSession(name="Session passée", ends_on=date(2026, 8, 31))
        session.add(past)
        session.flush()
        session.add(Candidate(id=FIRST_CANDIDATE, session_id=past.id, person_id=FIRST_PERSON))


def _decide(taken: Taken, drawn: DrawnScan) -> None:
    """Every sheet of the class is its pupil's; the stranger is not listed; nobody can read the unknown headers."""
    with taken.sessions() as session:
        candidates = dict(
            session.execute(
                select(Identity.ine, Candidate.id).join(Candidate, Candidate.person_id == Identity.person_id)
            ).all()
        )
    sheets = story.sheets(drawn)
    tasks = identification.desk(taken.sessions, SYSTEM, paper_id=taken.paper_id).tasks
    assert len(tasks) == len(sheets) + 1
    for place, task in enumerate(tasks):
        pupil = sheets[place].pupil if place < len(sheets) else None
        kind = DecisionKind.ILLEGIBLE
        if pupil is not None:
            kind = DecisionKind.CANDIDATE if pupil.on_roster else DecisionKind.NOT_LISTED
        identification.decide(
            taken.sessions,
            SYSTEM,
            booklet_id=task.booklet_id,
            kind=kind,
            candidate_id=candidates[pupil.key] if pupil is not None and pupil.on_roster else None,
            expected_decision_id=None,
        )


def _copies(sessions: Sessions, truths: Mapping[str, Sequence[ImageTruth]]) -> dict[str, SceneCopy]:
    with sessions() as session:
        names = dict(session.execute(select(ScanFile.id, ScanFile.name)).all())
        found = {}
        for copy in session.scalars(select(Copy).order_by(Copy.id)):
            pages = dict(enumerate(current_pages(session, copy.id), 1))
            assert copy.record is not None
            identity = copy.candidate.person.identity if copy.candidate is not None else None
            found[copy.code] = SceneCopy(
                code=copy.code,
                corrector=copy.record.corrector.login,
                pupil=identity.ine or "" if identity is not None else "",
                halves={
                    number: _shown(half, truths[names[half.image.scan_file_id]])
                    for number, half in pages.items()
                },
                booklet_pages={
                    number: (half.booklet_id or 0, half.position or 0) for number, half in pages.items()
                },
            )
        return found


def _shown(half: HalfPage, truths: Sequence[ImageTruth]) -> ShownHalf:
    left, top, right, bottom = half.box_px
    return ShownHalf(truths[half.image.index], (left, top, right, bottom), half.image.rotation_deg)
