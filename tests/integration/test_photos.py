"""The pages of one copy photographed one by one with a telephone, and sent in a ZIP."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pillow_heif
import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational
from sqlalchemy import select

from core.db.session import Sessions
from core.db.tables import Booklet, HalfPage, ScanFile
from core.imaging.halves import turned
from core.imaging.mask import decode_jpeg
from core.jobs.running import run_next
from core.pdf.pages import page_pixels
from core.reading import reader
from core.reading.direction import DirectionReader
from core.services import page_images, scans
from core.services.header_reading import read_headers
from core.services.ingestion import INGEST, READ, ingest
from core.storage.blobs import BlobStore
from tests.integration.classes import SYSTEM, Taken, add_paper, draw_few
from tests.unit.drawn_photos import Bgr, photo
from workbench.demo.draw import DrawnScan

_CAMERA_DATA, _EXPOSURE, _ORIENTATION = 0x8769, 33434, 274
Gray = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
NAMES = ("IMG_2301.jpg", "IMG_2302.jpg", "IMG_2303.heic", "IMG_2304.jpg")
HELD_UPSIDE_DOWN = 3
"""The photo for which the telephone was turned round without its noticing."""


@dataclass(frozen=True, eq=False)
class Album:
    """A ZIP of photos, their bytes by name, and the pages that were photographed (upright, grey)."""

    path: Path
    members: dict[str, bytes]
    pages: list[Gray]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> DrawnScan:
    return draw_few(tmp_path_factory.mktemp("drawn"), pupils=2)


@pytest.fixture(scope="module")
def album(drawn: DrawnScan, tmp_path_factory: pytest.TempPathFactory) -> Album:
    pages = _pages_of_one_sheet(drawn)
    taken = [
        photo(page, 10 + at, ground=("desk", "wood", "cloth", "desk")[at], hand=False, touching=False).bgr
        for at, page in enumerate(pages)
    ]
    taken[HELD_UPSIDE_DOWN] = np.ascontiguousarray(taken[HELD_UPSIDE_DOWN][::-1, ::-1])
    members = {
        NAMES[0]: _jpeg(taken[0], orientation=6),
        NAMES[1]: _jpeg(taken[1], orientation=1),
        NAMES[2]: _heic(taken[2]),
        NAMES[3]: _jpeg(taken[3], orientation=8),
    }
    path = tmp_path_factory.mktemp("album") / "DURAND.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return Album(path, members, pages)


def _pages_of_one_sheet(drawn: DrawnScan) -> list[Gray]:
    """P1 to P4 of the first sheet that is written on from end to end."""
    (file,) = drawn.truth.files
    for front, back in zip(file.images[::2], file.images[1::2], strict=True):
        if front.header is None or min(*front.written.values(), *back.written.values()) < 0.5:
            continue
        found = {}
        for image in (front, back):
            upright = turned(page_pixels(drawn.pdfs[0], image.image).gray, (360 - image.rotate) % 360)
            middle = upright.shape[1] // 2
            for half, page in image.halves.items():
                cut = upright[:, :middle] if half == "left" else upright[:, middle:]
                found[str(page)] = np.ascontiguousarray(cut)
        return [found[page] for page in ("P1", "P2", "P3", "P4")]
    raise AssertionError("no sheet is full")


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    exif.get_ifd(_CAMERA_DATA)[_EXPOSURE] = IFDRational(1, 60)
    return exif


def _jpeg(shown: Bgr, orientation: int) -> bytes:
    """A photo whose sensor lay otherwise than it is to be shown."""
    turn = {1: 0, 6: 270, 8: 90}[orientation]
    stored = np.rot90(shown, -turn // 90)
    content = io.BytesIO()
    picture = Image.fromarray(cv2.cvtColor(np.ascontiguousarray(stored), cv2.COLOR_BGR2RGB))
    picture.save(content, "JPEG", quality=85, exif=_exif(orientation))
    return content.getvalue()


def _heic(shown: Bgr) -> bytes:
    content = io.BytesIO()
    picture = Image.fromarray(cv2.cvtColor(shown, cv2.COLOR_BGR2RGB))
    pillow_heif.from_pillow(picture).save(
        content, quality=60, exif=_exif(1).tobytes(), enc_params={"preset": "ultrafast"}
    )
    return content.getvalue()


@pytest.fixture
def taken(sessions: Sessions, tmp_path: Path, drawn: DrawnScan, album: Album) -> Taken:
    """The album added to a paper, and every job run, asking how leaves without header lie."""
    found = Taken(sessions, BlobStore(tmp_path / "blobs"), add_paper(sessions, drawn.roster, drawn.scheme))
    added = scans.add_scan(
        sessions,
        SYSTEM,
        found.blobs,
        paper_id=found.paper_id,
        file_name=album.path.name,
        path=album.path,
        checked=True,
    )
    assert added.refused == ()
    directions = DirectionReader()
    handlers = {
        INGEST: lambda held: ingest(sessions, found.blobs, held, directions.of_writing),
        READ: lambda held: read_headers(sessions, found.blobs, reader("null"), held),
    }
    while run_next(sessions, handlers):
        pass
    return found


@pytest.mark.long
def test_four_photos_of_a_copy_become_its_four_pages_upright_and_straight_and_the_files_stay_as_sent(
    taken: Taken, album: Album
) -> None:
    with taken.sessions() as session:
        files = session.scalars(select(ScanFile).order_by(ScanFile.id)).all()
        assert [file.name for file in files] == list(NAMES)
        assert [taken.blobs.get(file.sha256) for file in files] == list(album.members.values())
        (booklet,) = session.scalars(select(Booklet).where(Booklet.dissolved.is_(False))).all()
        assert booklet.header is not None
        halves = sorted(booklet.half_pages, key=lambda half: half.position or 0)
        assert [half.image.scan_file_id for half in halves] == [file.id for file in files]
        assert [half.image.rotation_deg for half in halves] == [0, 0, 0, 180]
        assert session.scalars(select(HalfPage).where(HalfPage.booklet_id.is_(None))).all() == []
        made = [taken.blobs.get(half.image.made_sha256 or "") for half in halves]
        shown = [page_images.page_source(session, half) for half in halves]
        reasons = [half.reason for half in halves]

    # Nobody read a name on the others: that they are this copy's is for a person to confirm.
    assert ["turned_180" in reason.split() for reason in reasons] == [False, False, False, True]
    assert not any(code in reason for reason in reasons for code in ("photo_edges", "direction", "skewed"))
    assert reasons[0] == ""
    for page, picture, source in zip(album.pages, made, shown, strict=True):
        straight = turned(decode_jpeg(picture), source.rotation_deg)
        assert straight.shape == pytest.approx(page.shape, abs=4)
        assert _likeness(straight, page) > 0.6
    sums = scans.ledger_sums(taken.sessions, SYSTEM, paper_id=taken.paper_id)
    assert sums.is_balanced


def _likeness(one: Gray, other: Gray) -> float:
    """Correlation of where the ink is, at a millimetre."""
    small = [
        cv2.GaussianBlur(cv2.resize(page, (420, 594), interpolation=cv2.INTER_AREA), (0, 0), 2)
        for page in (one, other)
    ]
    return float(np.corrcoef(small[0].ravel(), small[1].ravel())[0, 1])
