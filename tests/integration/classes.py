"""A few drawn sheets taken in through the real services, for tests of scans and identification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.db.session import Sessions
from core.domain.access import Actor
from core.jobs.running import Handler, run_next
from core.reading import reader
from core.services import exams, scans
from core.services.header_reading import read_headers
from core.services.ingestion import INGEST, READ, ingest
from core.storage.blobs import BlobStore
from tests import story
from workbench.demo.draw import DrawnScan, draw_scan
from workbench.demo.recipe import load

SYSTEM = Actor.system("test")


def draw_few(folder: Path, pupils: int = 3) -> DrawnScan:
    """The first copies of the tests' recipe."""
    recipe = load(story.ROOT / "data" / "demo" / "recipe_tests.json").only(pupils=pupils)
    return draw_scan(recipe, folder, font_dirs=story.FONT_DIRS)


@dataclass(frozen=True)
class Taken:
    """A paper whose scan was added; jobs run when asked."""

    sessions: Sessions
    blobs: BlobStore
    paper_id: int

    def handlers(self, engine: str = "null") -> Mapping[str, Handler]:
        """Handlers that read with an engine; ``null`` reads nothing, and fast."""
        name_reader = reader(engine)
        return {
            INGEST: lambda held: ingest(self.sessions, self.blobs, held),
            READ: lambda held: read_headers(self.sessions, self.blobs, name_reader, held),
        }

    def run(self, engine: str = "null") -> None:
        """Run every job."""
        handlers = self.handlers(engine)
        while run_next(self.sessions, handlers):
            pass


def add_paper(sessions: Sessions, roster: Path, scheme: Path, *, session_name: str = "Bac blanc") -> int:
    """A paper that everybody on a roster sits."""
    exams.import_roster(
        sessions, SYSTEM, session_name=session_name, file_name="liste.csv", content=roster.read_bytes()
    )
    return exams.create_paper(
        sessions,
        SYSTEM,
        session_name=session_name,
        name="Maths",
        schemes={"A": ("bareme.csv", scheme.read_bytes())},
    )


def take_in(sessions: Sessions, blobs: BlobStore, drawn: DrawnScan) -> Taken:
    """Import the roster, create the paper, add the scan."""
    paper_id = add_paper(sessions, drawn.roster, drawn.scheme)
    for pdf in drawn.pdfs:
        scans.add_scan(sessions, SYSTEM, blobs, paper_id=paper_id, file_name=pdf.name, path=pdf, checked=True)
    return Taken(sessions, blobs, paper_id)
