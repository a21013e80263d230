"""What real scanners and real hands give, through the real services."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.db.session import Sessions
from core.services import identification, scans
from core.storage.blobs import BlobStore
from tests import story
from tests.integration.classes import SYSTEM, Taken, add_paper, take_in
from workbench.demo.draw import draw_scan
from workbench.demo.recipe import load

pytestmark = pytest.mark.reference

PUPILS = 8


def test_every_page_of_a_real_scanner_is_in_one_place(
    sessions: Sessions, tmp_path: Path, reference_data: Path
) -> None:
    blobs = BlobStore(tmp_path / "blobs")
    data = story.ROOT / "data" / "demo"
    paper_id = add_paper(sessions, data / "roster.csv", data / "scheme.csv")
    files = sorted((reference_data / "scans").glob("*.pdf"))

    for file in files:
        scans.add_scan(
            sessions, SYSTEM, blobs, paper_id=paper_id, file_name=file.name, path=file, layout="a4"
        )
    taken = Taken(sessions, blobs, paper_id)
    taken.run()

    sums = scans.ledger_sums(sessions, SYSTEM, paper_id=paper_id)
    ledger = scans.ledger(sessions, SYSTEM, paper_id=paper_id)
    views = scans.files(sessions, SYSTEM, paper_id=paper_id)
    assert len(views) == len(files) == 7
    assert sums.is_balanced
    assert len(ledger) == sums.images == sum(view.images or 0 for view in views) > 60
    assert {row.half for row in ledger} == {"full"}
    assert all(job.status == "done" for job in scans.jobs(sessions, SYSTEM, paper_id=paper_id))


def test_real_handwriting_is_matched_and_nothing_wrong_is_automatic(
    sessions: Sessions, tmp_path: Path, reference_data: Path
) -> None:
    recipe = load(story.ROOT / "data" / "demo" / "recipe_crops.json").only(pupils=PUPILS)
    drawn = draw_scan(recipe, tmp_path / "drawn", font_dirs=story.FONT_DIRS, reference_data=reference_data)
    taken = take_in(sessions, BlobStore(tmp_path / "blobs"), drawn)

    taken.run("ppocr")

    wrote = {(sheet.file_sha256, sheet.front.image): sheet.pupil for sheet in story.sheets(drawn)}
    found = identification.proposals(sessions, SYSTEM, paper_id=taken.paper_id)
    assert len(found) == len(wrote) >= PUPILS
    right = 0
    for booklet in found:
        pupil, best = wrote[(booklet.file_sha256, booklet.first_image)], booklet.ranked[0]
        is_right = (best.surname, best.first_name) == (
            (pupil.surname, pupil.first_name) if pupil.on_roster else ("", "")
        )
        assert is_right or booklet.decision != "automatic"
        right += is_right
    assert right >= 0.95 * len(found)
