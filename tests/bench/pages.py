"""What is seen of pages: photos, which way up, quality. ``python -m tests.bench.pages`` (about 3 minutes).

Photos are drawn (tests/unit/drawn_photos.py), one page in five on another sheet of paper that lies askew; pages are
those of the tests' class, drawn once, and the real scans of KORRIGO_REFERENCE_DATA/scans, all of which were fed
upright and are turned here. ``--photos`` sets how many photos.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np

from core.imaging.analyse import analyse_image
from core.imaging.darkness import Gray
from core.imaging.halves import turned
from core.imaging.photo import Origin, find_page, flattened, is_photo
from core.imaging.quality import BLANK_INK, INK_LEVELS, assess
from core.pdf.pages import PagePixels, iter_pages
from core.reading.direction import DirectionReader
from tests.integration.classes import draw_few
from tests.unit import drawn_pages as draw
from tests.unit import drawn_photos as shots
from tests.unit.test_reading_direction import DATA, real_pages
from workbench.demo.draw import DrawnScan

TURNS = (0, 90, 180, 270)
GOOD_MM = 3.0


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.pages", description=__doc__)
    parser.add_argument("--photos", type=int, default=60)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    photos(options.photos)
    with tempfile.TemporaryDirectory() as name:
        drawn = draw_few(Path(name), pupils=5)
        demonstration(drawn)
        pages = written_pages(drawn)
    reader = DirectionReader()
    # Each page under every turn; the real ones under one, all turns equally.
    directions("drawn pages", reader, [(page, 200.0, turn) for page in pages for turn in TURNS])
    if DATA.is_dir():
        real = [(page.gray, page.dpi, TURNS[at % 4]) for at, (_, page) in enumerate(real_pages())]
        directions("real scans", reader, real)
    margins(pages)


def photos(count: int) -> None:
    """Pages on drawn photos: found how well, and their headers."""
    errors: dict[str, list[float]] = {}
    outcome: dict[str, Counter[str]] = {}
    seconds, told = [], 0
    for seed in range(count):
        model = draw.CADRES if seed % 2 else draw.LIGNES
        page = draw.page_with_header(model, ("seyes", "plain", "squared")[seed % 3], seed=seed).gray
        unfolded = seed % 6 == 5
        if unfolded:
            page = draw.a3(draw.page_without_header(seed=seed).gray, page)
        taken = shots.photo(page, seed)
        gray = np.asarray(cv2.cvtColor(taken.bgr, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
        start = time.process_time()
        edges = find_page(gray)
        made = flattened(gray, edges)
        seconds.append(time.process_time() - start)
        finding = analyse_image(made.image, made.dpi, layout="a3" if unfolded else "a4")
        error = shots.error_mm(edges.corners, taken) if edges is not None else float("inf")
        counts = outcome.setdefault(taken.ground, Counter())
        kind = "unsure" if made.flags else "right" if error < GOOD_MM else "wrong"
        counts[kind] += 1
        counts["header"] += finding.header is not None
        if kind != "unsure":
            errors.setdefault(taken.ground, []).append(error)
        told += is_photo(gray, Origin("jpeg"), edges)
    for ground, counts in sorted(outcome.items()):
        print(
            f"photos on {ground:6} {counts['right']:3} right, {counts['unsure']:2} unsure and kept whole, "
            f"{counts['wrong']} wrong; header on {counts['header']:2}; corner error {_spread(errors.get(ground, []))} mm"
        )
    everything = [error for some in errors.values() for error in some]
    print(
        f"photos: {count}; corner error {_spread(everything)} mm (median, 95 in 100, worst); "
        f"told from scans without camera data {told}; {1000 * np.mean(seconds):.0f} ms to find and flatten one"
    )


def _spread(values: Sequence[float]) -> str:
    return " ".join(f"{value:.2f}" for value in np.percentile(values, [50, 95, 100])) if values else "-"


def demonstration(drawn: DrawnScan) -> None:
    """False alarms on a class drawn without faults."""
    flags: Counter[str] = Counter()
    blank: Counter[str] = Counter()
    halves = taken = 0
    seconds = []
    for file, pdf in zip(drawn.truth.files, drawn.pdfs, strict=True):
        for image, page in zip(file.images, _pixels(iter_pages(pdf)), strict=True):
            start = time.process_time()
            finding = analyse_image(page.gray, page.dpi, layout="a3")
            seconds.append(time.process_time() - start)
            taken += is_photo(page.gray, Origin("jpeg"), find_page(page.gray))
            for half in finding.halves:
                name = image.halves[half.half]
                written = name == "P1" or image.written[name] > 0
                halves += 1
                flags.update(half.flags)
                blank["wrong" if half.blank == written else "blank" if half.blank else "written"] += 1
    print(
        f"demonstration: {halves} halves, flags {dict(flags) or 'none'}; blank {blank['blank']}, written "
        f"{blank['written']}, wrong {blank['wrong']}; taken for photos {taken}; "
        f"{1000 * np.mean(seconds):.0f} ms an image"
    )


def written_pages(drawn: DrawnScan) -> list[Gray]:
    """Upright pages without a header, more than an eighth of them written on."""
    found = []
    for file, pdf in zip(drawn.truth.files, drawn.pdfs, strict=True):
        for image, page in zip(file.images, _pixels(iter_pages(pdf)), strict=True):
            upright = turned(page.gray, (360 - image.rotate) % 360)
            middle = upright.shape[1] // 2
            for half, name in image.halves.items():
                if name != "P1" and image.written[name] > 0.12:
                    cut = upright[:, :middle] if half == "left" else upright[:, middle:]
                    found.append(np.ascontiguousarray(cut))
    return found


def _pixels(pages: Iterable[object]) -> Iterable[PagePixels]:
    for page in pages:
        assert isinstance(page, PagePixels)
        yield page


def directions(name: str, reader: DirectionReader, pages: Sequence[tuple[Gray, float, int]]) -> None:
    """How many pages are told which way up they are, and told wrongly."""
    counts: Counter[str] = Counter()
    start = time.process_time()
    for gray, dpi, fed in pages:
        found = reader.of_image(turned(gray, fed), dpi).rotation_deg
        counts["unsure" if found is None else "right" if found == (360 - fed) % 360 else "wrong"] += 1
    spent = 1000 * (time.process_time() - start) / max(1, len(pages))
    print(
        f"direction of {name}: {len(pages)} asked, {counts['right']} right, {counts['unsure']} unsure, "
        f"{counts['wrong']} wrong; {spent:.0f} ms a page"
    )


def margins(pages: Sequence[Gray]) -> None:
    """How far from the bounds are empty paper, what shows through, and the shortest answer."""
    rng = np.random.default_rng(4)
    empty, short, through = [], [], []
    strokes = [np.clip((200.0 - page) / 160, 0, 1) for page in pages[:6]]
    for kind in ("plain", "seyes", "squared"):
        for skew in (-2.5, -1.0, 0.0, 1.7):
            empty.append(assess(draw.scanned(draw.paper(kind, ink=160), rng, skew, noise=5).gray).ink)
            answer = draw.paper(kind)
            cv2.putText(answer, "2) x = 4", (200, 400), cv2.FONT_HERSHEY_SCRIPT_COMPLEX, 1.4, 60, 3)
            short.append(assess(draw.scanned(answer, rng, skew, noise=5).gray).ink)
        for ink in strokes:
            paper = draw.paper(kind).astype(np.float32)
            mirrored = cv2.GaussianBlur(cv2.resize(ink, paper.shape[::-1])[:, ::-1], (0, 0), 0.3 * draw.MM)
            behind = paper - 28 * np.clip(mirrored / max(float(mirrored.max()), 1e-6), 0, 1)
            found = assess(draw.scanned(behind.clip(0, 255).astype(np.uint8), rng, 0.5, noise=4).gray)
            through.append(float(found.ink + found.faint))
    print(
        f"blank: bound {BLANK_INK:.5f}; empty paper up to {max(empty):.5f}, shortest answer from {min(short):.5f}; "
        f"28 levels of show-through (bound {INK_LEVELS:.0f}) up to {max(through):.5f}"
    )


if __name__ == "__main__":
    main()
