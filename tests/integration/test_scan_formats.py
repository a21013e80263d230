"""Whatever a copier or a telephone gives: the same sheets in every format end in the same places."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pikepdf
import pytest
from PIL import Image
from sqlalchemy import func, select

from core.db.session import Sessions
from core.db.tables import Booklet, Copy, HalfPage, MaskedImage, ScanFile
from core.domain.entries import DecisionKind
from core.errors import BadInput, Conflict
from core.imaging.mask import decode_jpeg
from core.pdf.pages import page_pixels
from core.services import copies, identification, ingestion, repairs, scans
from core.services.image_files import image_files, without
from core.storage.blobs import BlobStore
from tests.integration.classes import SYSTEM, Taken, add_paper, draw_few
from workbench.demo.draw import DrawnScan

Make = Callable[[Path, Path], Path]
"""Makes a file in a folder of the drawn PDF."""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> DrawnScan:
    return draw_few(tmp_path_factory.mktemp("drawn"), pupils=2)


@pytest.fixture
def empty(sessions: Sessions, tmp_path: Path, drawn: DrawnScan) -> Taken:
    return Taken(sessions, BlobStore(tmp_path / "blobs"), add_paper(sessions, drawn.roster, drawn.scheme))


def pictures(pdf: Path) -> tuple[list[Image.Image], float]:
    """The images of a drawn PDF, and their resolution."""
    with pikepdf.open(pdf) as document:
        count = len(document.pages)
    pages = [page_pixels(pdf, index) for index in range(count)]
    return [Image.fromarray(page.gray) for page in pages], pages[0].dpi


def tiff(pdf: Path, folder: Path) -> Path:
    found, dpi = pictures(pdf)
    path = folder / "scan.tif"
    found[0].save(path, save_all=True, append_images=found[1:], compression="jpeg", dpi=(dpi, dpi))
    return path


def bitonal_tiff(pdf: Path, folder: Path) -> Path:
    found, dpi = pictures(pdf)
    black = [image.point(lambda level: 255 * (level > 140)).convert("1") for image in found]
    path = folder / "fax.tif"
    black[0].save(path, save_all=True, append_images=black[1:], compression="group4", dpi=(dpi, dpi))
    return path


def zip_of_one(pdf: Path, folder: Path) -> Path:
    path = folder / "lot.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(pdf, "salle 204/scan.pdf")
    return path


def add(taken: Taken, path: Path, **options: object) -> scans.ScanAdded:
    return scans.add_scan(
        taken.sessions,
        SYSTEM,
        taken.blobs,
        paper_id=taken.paper_id,
        file_name=path.name,
        path=path,
        checked=True,
        **options,  # type: ignore[arg-type]
    )


def pages_of(taken: Taken) -> dict[tuple[int, str], str]:
    ledger = scans.ledger(taken.sessions, SYSTEM, paper_id=taken.paper_id)
    return {(row.image, row.half): row.page for row in ledger}


def truth_of(drawn: DrawnScan) -> dict[tuple[int, str], str]:
    (file,) = drawn.truth.files
    return {(image.image, half): page for image in file.images for half, page in image.halves.items()}


@pytest.mark.parametrize("make", [tiff, bitonal_tiff, zip_of_one])
def test_the_same_sheets_in_another_format_end_in_the_same_places(
    empty: Taken, drawn: DrawnScan, tmp_path: Path, make: Make
) -> None:
    path = make(drawn.pdfs[0], tmp_path)

    added = add(empty, path)
    empty.run()

    assert added.refused == ()
    assert pages_of(empty) == truth_of(drawn)
    sums = scans.ledger_sums(empty.sessions, SYSTEM, paper_id=empty.paper_id)
    assert sums.is_balanced
    assert sums.booklets == len(truth_of(drawn)) // 4


def test_of_a_zip_the_good_files_go_in_and_each_bad_one_is_named(
    empty: Taken, drawn: DrawnScan, tmp_path: Path
) -> None:
    path = tmp_path / "classe.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(drawn.pdfs[0], "DURAND.pdf")
        archive.writestr("notes.txt", "rien à voir")
        archive.writestr("../../evasion.pdf", b"%PDF-1.4 rien")
        archive.writestr("vide.pdf", b"")

    added = add(empty, path)
    again = add(empty, path)
    empty.run()

    assert len(added.files) == 1
    assert {refused.name for refused in added.refused} == {"notes.txt", "evasion.pdf", "vide.pdf"}
    assert again.known
    assert again.files == added.files
    with empty.sessions() as session:
        file = session.scalars(select(ScanFile)).one()
        assert file.archive_name == "classe.zip"
        assert empty.blobs.get(file.sha256) == drawn.pdfs[0].read_bytes()


def test_a_zip_without_anything_to_take_is_refused_whole(empty: Taken, tmp_path: Path) -> None:
    path = tmp_path / "vide.zip"
    with zipfile.ZipFile(path, "w"):
        pass

    with pytest.raises(BadInput):
        add(empty, path)

    assert scans.files(empty.sessions, SYSTEM, paper_id=empty.paper_id) == []


def test_a_page_of_a_picture_in_any_format_is_shown_and_masked(
    empty: Taken, drawn: DrawnScan, tmp_path: Path
) -> None:
    add(empty, tiff(drawn.pdfs[0], tmp_path))
    empty.run()
    for task in identification.desk(empty.sessions, SYSTEM, paper_id=empty.paper_id).tasks:
        identification.decide(
            empty.sessions,
            SYSTEM,
            booklet_id=task.booklet_id,
            kind=DecisionKind.NOT_LISTED,
            expected_decision_id=None,
        )
    with empty.sessions() as session:
        copy = session.scalars(select(Copy).order_by(Copy.id)).first()
    assert copy is not None

    named = copies.named_page(empty.sessions, SYSTEM, empty.blobs, code=copy.code, page=1)
    masked = copies.masked_page(empty.sessions, SYSTEM, empty.blobs, code=copy.code, page=1)

    shown, hidden = decode_jpeg(named.content), decode_jpeg(masked.content)
    assert shown.shape == hidden.shape
    assert np.abs(shown.astype(int) - hidden.astype(int)).max() > 60


def test_an_image_without_its_header_is_made_once_and_kept(empty: Taken, drawn: DrawnScan) -> None:
    add(empty, drawn.pdfs[0])
    empty.run()
    with empty.sessions() as session:
        booklet = session.scalars(select(Booklet).order_by(Booklet.position)).first()
        assert booklet is not None
        image = booklet.half_pages[0].image
        zones = frozenset(tuple(zone) for zone in booklet.half_pages[0].mask_boxes_px)
        file = image_files(session, [image])[image.id]

    first = without(empty.sessions, empty.blobs, file, zones)
    again = without(empty.sessions, empty.blobs, file, zones)
    other = without(empty.sessions, empty.blobs, file, zones | {(0, 0, 50, 50)})

    assert first == again != other
    with empty.sessions() as session:
        kept = session.scalars(select(MaskedImage)).all()
    assert {row.sha256 for row in kept} == {first, other}
    assert all(row.lossless for row in kept)
    left, top, right, bottom = next(iter(zones))
    pixels = decode_jpeg(empty.blobs.get(first))
    inside = pixels[max(0, top) + 8 : bottom - 8, max(0, left) + 8 : right - 8]
    assert int(inside.max()) - int(inside.min()) <= 2


def test_a_file_can_be_looked_at_again_as_long_as_no_copy_has_its_pages(
    empty: Taken, drawn: DrawnScan
) -> None:
    scan_file_id = add(empty, drawn.pdfs[0]).scan_file_id
    empty.run()
    before = pages_of(empty)
    with empty.sessions() as session:
        half = session.scalars(select(HalfPage.id).where(HalfPage.position == 2)).first()
    made = repairs.repair(
        empty.sessions,
        SYSTEM,
        paper_id=empty.paper_id,
        kind="set_aside",
        arguments={"halves": [half]},
        version=0,
        reason="essai",
    )

    with empty.sessions.begin() as session:
        ingestion.ask_again(session, session.get_one(ScanFile, scan_file_id))
    assert pages_of(empty) == {}
    empty.run()

    assert pages_of(empty) == before
    with pytest.raises(Conflict) as over:
        repairs.undo(empty.sessions, SYSTEM, paper_id=empty.paper_id, repair_id=made.repair_id)
    assert over.value.code == "repair_undone_already"
    with empty.sessions.begin() as session:
        session.get_one(ScanFile, scan_file_id).checked_at = session.get_one(
            ScanFile, scan_file_id
        ).ingested_at
        session.get_one(ScanFile, scan_file_id).checked_by = "test"
    task = identification.desk(empty.sessions, SYSTEM, paper_id=empty.paper_id).tasks[0]
    identification.decide(
        empty.sessions,
        SYSTEM,
        booklet_id=task.booklet_id,
        kind=DecisionKind.NOT_LISTED,
        expected_decision_id=None,
    )

    def look_again() -> None:
        with empty.sessions.begin() as session:
            ingestion.ask_again(session, session.get_one(ScanFile, scan_file_id))

    with pytest.raises(Conflict) as refusal:
        look_again()
    assert refusal.value.code == "scan_in_use"
    assert pages_of(empty) == before


def test_thumbnails_are_small_and_there_is_one_for_each_half_page(empty: Taken, drawn: DrawnScan) -> None:
    add(empty, drawn.pdfs[0])
    empty.run()

    with empty.sessions() as session:
        halves = [half for booklet in session.scalars(select(Booklet)) for half in booklet.half_pages]
        assert session.scalar(select(func.count()).select_from(Booklet)) == len(halves) // 4
    sizes = [len(empty.blobs.get(half.thumb_sha256 or "")) for half in halves]
    assert len(sizes) == len(truth_of(drawn))
    assert max(sizes) <= 30_000


def test_a_picture_of_one_page_is_a_scan_too(empty: Taken, drawn: DrawnScan, tmp_path: Path) -> None:
    found, dpi = pictures(drawn.pdfs[0])
    content = io.BytesIO()
    found[0].save(content, "PNG", dpi=(dpi, dpi))
    path = tmp_path / "recto.png"
    path.write_bytes(content.getvalue())

    add(empty, path)
    empty.run()

    rows = scans.ledger(empty.sessions, SYSTEM, paper_id=empty.paper_id)
    assert [row.page for row in sorted(rows, key=lambda row: row.position or 0)] == ["P1", "P4"]
    assert all("back_missing" in row.reason for row in rows)
