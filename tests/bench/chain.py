"""From a drawn class to proposals: time, ledger and identification, for each recipe; real scans as A4.

``python -m tests.bench.chain`` prints the figures of docs/bench.md, "the chain". The recipe of real
crops and the real scans are read from KORRIGO_REFERENCE_DATA.
"""

from __future__ import annotations

import os
import tempfile
import time
from datetime import date
from pathlib import Path

import cv2

from core.db.migrate import upgrade
from core.db.session import Sessions, engine_for, session_factory
from core.domain.access import Actor
from core.jobs.running import run_next
from core.services import exams, identification, scans
from core.services.handlers import handlers
from core.settings import Settings
from core.storage.blobs import BlobStore
from tests import story
from workbench.demo.draw import DrawnScan, draw_scan
from workbench.demo.recipe import load

REFERENCE = Path(os.environ.get("KORRIGO_REFERENCE_DATA", "") or story.ROOT.parent / "shared")
SYSTEM = Actor.system("bench")
RECIPES = ("recipe.json", "recipe_tests.json", "recipe_crops.json")


class Bench:
    """A home of its own for one measurement."""

    def __init__(self, folder: Path) -> None:
        url = f"sqlite:///{folder / 'korrigo.sqlite'}"
        upgrade(url)
        self.sessions: Sessions = session_factory(engine_for(url))
        self.blobs = BlobStore(folder / "blobs")
        self.handlers = handlers(self.sessions, self.blobs, Settings(home=folder))

    def paper(self, roster: Path, scheme: Path) -> int:
        """A paper for a roster."""
        exams.import_roster(
            self.sessions,
            SYSTEM,
            session_name="Bench",
            file_name=roster.name,
            content=roster.read_bytes(),
            ends_on=date(2099, 8, 31),
        )
        return exams.create_paper(
            self.sessions,
            SYSTEM,
            session_name="Bench",
            name="Bench",
            schemes={"A": (scheme.name, scheme.read_bytes())},
        )

    def ingest(self, paper_id: int, files: list[Path], layout: str = "auto") -> float:
        """Seconds from the files' arrival to proposals, jobs run one after the other."""
        start = time.perf_counter()
        for file in files:
            scans.add_scan(
                self.sessions,
                SYSTEM,
                self.blobs,
                paper_id=paper_id,
                file_name=file.name,
                path=file,
                layout=layout,
                checked=True,
            )
        while run_next(self.sessions, self.handlers):
            pass
        failed = [
            job for job in scans.jobs(self.sessions, SYSTEM, paper_id=paper_id) if job.status == "failed"
        ]
        if failed:
            raise RuntimeError(f"{failed[0].kind}: {failed[0].error_code} {failed[0].error_details}")
        return time.perf_counter() - start


def drawn_class(recipe: str) -> None:
    """Figures of one recipe."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        drawn = draw_scan(
            load(story.ROOT / "data" / "demo" / recipe),
            folder / "drawn",
            font_dirs=story.FONT_DIRS,
            reference_data=REFERENCE,
        )
        bench = Bench(folder)
        paper_id = bench.paper(drawn.roster, drawn.scheme)
        seconds = bench.ingest(paper_id, list(drawn.pdfs))
        sums = scans.ledger_sums(bench.sessions, SYSTEM, paper_id=paper_id)
        print(f"{recipe}: {sums.images} images, upload to proposals {seconds:.1f} s")
        print(f"  ledger: {sum(sums.by_place.values())} of {sums.half_pages} half-pages placed")
        print(f"  {_identification(bench, paper_id, drawn)}")


def _identification(bench: Bench, paper_id: int, drawn: DrawnScan) -> str:
    wrote = {(sheet.file_sha256, sheet.front.image): sheet.pupil for sheet in story.sheets(drawn)}
    right = automatic = wrong = strangers = 0
    found = identification.proposals(bench.sessions, SYSTEM, paper_id=paper_id)
    for booklet in found:
        pupil = wrote[(booklet.file_sha256, booklet.first_image)]
        best = booklet.ranked[0]
        said = (best.surname, best.first_name, str(best.birth_date)) if best.candidate_id else None
        is_right = said == ((pupil.surname, pupil.first_name, pupil.birth_date) if pupil.on_roster else None)
        right += is_right
        automatic += booklet.decision == "automatic"
        wrong += booklet.decision == "automatic" and not is_right
        strangers += not pupil.on_roster and is_right
    bound = 3 / automatic if automatic else 1.0  # rule of three: 95 % upper bound of a rate seen as zero
    return (
        f"booklets right at rank 1: {right} of {len(found)}; automatic {automatic}, wrong {wrong} "
        f"(true rate below {bound:.1%} at 95 % when none is seen); sheets of strangers kept apart {strangers}"
    )


def real_scans() -> None:
    """The files of a real scanner, as A4: pages in against pages placed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bench = Bench(folder)
        data = story.ROOT / "data" / "demo"
        paper_id = bench.paper(data / "roster.csv", data / "scheme.csv")
        for file in sorted((REFERENCE / "scans").glob("*.pdf")):
            before = scans.ledger_sums(bench.sessions, SYSTEM, paper_id=paper_id)
            seconds = bench.ingest(paper_id, [file], layout="a4")
            after = scans.ledger_sums(bench.sessions, SYSTEM, paper_id=paper_id)
            pages = after.images - before.images
            placed = sum(after.by_place.values()) - sum(before.by_place.values())
            print(f"{file.name}: {pages} pages, {placed} placed, {seconds / pages * 1000:.0f} ms a page")


if __name__ == "__main__":
    cv2.setNumThreads(1)
    for each in RECIPES:
        drawn_class(each)
    real_scans()
