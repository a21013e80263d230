"""Scans in: time, memory and bytes of the ingestion, beside two rivals in the same run.

``python -m tests.bench.scans [88] [680] [2000]`` prints the figures of docs/bench.md, "Scans in". Sheets are A3
at 200 dpi, drawn with another seed for each class of 44. Rival 1 rasterises every page to PNG at 150 dpi
(pypdfium2 and Pillow); rival 2 only splits the file at the same booklets with pikepdf and knows nothing.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import pikepdf
import pypdfium2
from PIL import Image

from core.domain.access import Actor
from core.jobs.running import run_next
from core.services import scans
from core.services.ingestion import INGEST, READ
from tests import story
from tests.bench.chain import Bench
from workbench.demo.draw import DrawnScan, draw_scan
from workbench.demo.recipe import load

SYSTEM = Actor.system("bench")
IMAGES_A_CLASS = 88
SIZES = (88, 680, 2000)
RASTER_DPI = 150
RASTER_PAGES = 40
"""Rasterised for each size: the rest would take as long a page."""


@dataclass(frozen=True)
class Taken:
    """What taking a file in cost."""

    images: int
    input_bytes: int
    stored_bytes: int
    booklets_s: float
    proposals_s: float
    peak_mb: float
    booklets: int


def drawn_file(folder: Path, images: int) -> tuple[Path, DrawnScan]:
    """One PDF of so many images, of as many classes as it takes."""
    recipe = load(story.ROOT / "data" / "demo" / "recipe_tests.json")
    target = folder / f"lot-{images}.pdf"
    first: DrawnScan | None = None
    with pikepdf.new() as whole:
        while len(whole.pages) < images:
            number = len(whole.pages) // IMAGES_A_CLASS
            drawn = draw_scan(
                replace(recipe, seed=recipe.seed + number),
                folder / f"class-{images}-{number}",
                font_dirs=story.FONT_DIRS,
            )
            first = first or drawn
            for pdf in drawn.pdfs:
                with pikepdf.open(pdf) as part:
                    whole.pages.extend(part.pages[: images - len(whole.pages)])
                    whole.save(folder / "growing.pdf")
        whole.save(target)
    if first is None:
        raise ValueError(f"{images} images")
    return target, first


def take_in(folder: Path, file: Path, drawn: DrawnScan) -> Taken:
    """Take a file in as a worker does, watching the largest process."""
    bench = Bench(folder)
    paper_id = bench.paper(drawn.roster, drawn.scheme)
    with watched() as peak:
        start = time.perf_counter()
        scans.add_scan(
            bench.sessions,
            SYSTEM,
            bench.blobs,
            paper_id=paper_id,
            file_name=file.name,
            path=file,
            checked=True,
        )
        run_next(bench.sessions, {INGEST: bench.handlers[INGEST]})
        booklets_s = time.perf_counter() - start
        run_next(bench.sessions, {READ: bench.handlers[READ]})
        proposals_s = time.perf_counter() - start
    sums = scans.ledger_sums(bench.sessions, SYSTEM, paper_id=paper_id)
    failed = [job for job in scans.jobs(bench.sessions, SYSTEM, paper_id=paper_id) if job.status != "done"]
    if failed or not sums.is_balanced:
        raise RuntimeError(f"{[(job.kind, job.status, job.error_code) for job in failed]} {sums}")
    stored = sum(path.stat().st_size for path in (folder / "blobs").rglob("*") if path.is_file())
    return Taken(
        sums.images, file.stat().st_size, stored, booklets_s, proposals_s, max(peak.values()), sums.booklets
    )


@contextmanager
def watched() -> Iterator[dict[str, float]]:
    """Largest resident memory in MB of this process and of any child, sampled ten times a second."""
    peak = {"own": 0.0, "child": 0.0}
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.1):
            own, children = _resident_mb(Path("/proc/self")), _children()
            peak["own"] = max(peak["own"], own)
            peak["child"] = max([peak["child"], *(map(_resident_mb, children))])

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()


def _children() -> list[Path]:
    found = []
    for task in Path("/proc/self/task").iterdir():
        try:
            found += [Path("/proc") / child for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return found


def _resident_mb(process: Path) -> float:
    try:
        lines = (process / "status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), 0.0)


def rasterised(folder: Path, file: Path) -> tuple[float, float]:
    """Seconds and bytes a page of the first pages as PNG at 150 dpi."""
    folder.mkdir()
    document = pypdfium2.PdfDocument(file)
    pages = min(RASTER_PAGES, len(document))
    start = time.perf_counter()
    for index in range(pages):
        bitmap = document[index].render(scale=RASTER_DPI / 72)
        image: Image.Image = bitmap.to_pil()
        image.save(folder / f"{index}.png")
    seconds = time.perf_counter() - start
    document.close()
    size = sum(path.stat().st_size for path in folder.iterdir())
    return seconds / pages, size / pages


def split_only(folder: Path, file: Path, booklets: int) -> float:
    """Seconds pikepdf needs to write as many files as there are booklets, of equal length."""
    folder.mkdir()
    start = time.perf_counter()
    with pikepdf.open(file) as source:
        count = len(source.pages)
        cuts = [round(count * place / booklets) for place in range(booklets + 1)]
        for number, (first, last) in enumerate(pairwise(cuts)):
            with pikepdf.new() as part:
                part.pages.extend(source.pages[first:last])
                part.save(folder / f"{number}.pdf")
    return time.perf_counter() - start


def measure(images: int) -> None:
    """Print the figures of one size."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file, drawn = drawn_file(folder, images)
        taken = take_in(folder, file, drawn)
        page_s, page_bytes = rasterised(folder / "png", file)
        split_s = split_only(folder / "split", file, taken.booklets)
    whole_s, whole_bytes = page_s * images, page_bytes * images
    print(
        f"{taken.images} images, {taken.input_bytes / 1e6:.0f} MB: booklets {taken.booklets_s:.1f} s "
        f"({taken.booklets_s / images * 1000:.0f} ms an image), proposals {taken.proposals_s:.1f} s, "
        f"largest process {taken.peak_mb:.0f} MB, stored {taken.stored_bytes / taken.input_bytes:.2f} x the input"
    )
    print(
        f"  PNG at {RASTER_DPI} dpi: {whole_s:.0f} s, {whole_bytes / 1e6:.0f} MB (from {RASTER_PAGES} pages): "
        f"{whole_s / taken.booklets_s:.1f} x the time to booklets, {whole_s / split_s:.0f} x pikepdf's split, "
        f"{whole_bytes / taken.stored_bytes:.1f} x the bytes"
    )
    print(
        f"  pikepdf's split alone: {split_s:.2f} s; looking at everything costs {taken.booklets_s / split_s:.0f} x that"
    )


def main(sizes: Sequence[int]) -> None:
    """Measure each size."""
    for images in sizes:
        measure(images)


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or SIZES)
