"""What the cache of page images saves: an A3 scan at 300 dpi, a page at the width of the marking desk.

``make bench ONLY=page_cache``
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from core.services.page_images import PageSource, page_image
from core.storage.blobs import BlobStore
from core.storage.cache import Cache, NoCache, open_cache
from tests.redis_server import RedisServer
from tests.unit.drawn_pdfs import pdf_of

A3_300_DPI_PX = (4961, 3508)
ROUNDS = 15


def main() -> None:
    """Print the median time of a masked page without a cache, put into it, and out of it."""
    with tempfile.TemporaryDirectory() as folder, RedisServer.running() as redis:
        source = _source(Path(folder))
        without = _median_ms(lambda: _page(Path(folder), NoCache(), source))
        cached = open_cache(redis.url)
        first = _median_ms(lambda: _page(Path(folder), cached, source), rounds=1)
        again = _median_ms(lambda: _page(Path(folder), cached, source))
        blob = _median_ms(lambda: BlobStore(Path(folder)).get(source.scan_sha256))
        size_ko = len(page_image(BlobStore(Path(folder)), source, masked=True, width_px=None).content) / 1024
    print(f"page image drawn            {without:8.1f} ms  ({size_ko:.0f} ko)")
    print(f"page image drawn and kept   {first:8.1f} ms")
    print(f"page image from the cache   {again:8.1f} ms")
    print(f"a stored file read          {blob:8.1f} ms")


def _source(folder: Path) -> PageSource:
    """A scan with the grain and the lines of paper, which is what a JPEG decoder has work with."""
    width, height = A3_300_DPI_PX
    rng = np.random.default_rng(7)
    page = np.clip(rng.normal(244, 4, (height, width)), 0, 255).astype(np.uint8)
    page[::95] = 190
    for _ in range(3000):
        at = rng.integers((0, 0), (width - 120, height - 60))
        cv2.line(page, tuple(map(int, at)), tuple(map(int, at + rng.integers(10, 60, 2))), (60,), 5)
    _, jpeg = cv2.imencode(".jpg", page, [cv2.IMWRITE_JPEG_QUALITY, 80])
    sha256 = BlobStore(folder).put(pdf_of([jpeg.tobytes()]))
    half = (width // 2, 0, width, height)
    return PageSource(sha256, 0, half, 0, ((width // 2 + 100, 100, width - 100, 700),))


def _page(folder: Path, cache: Cache, source: PageSource) -> None:
    page_image(BlobStore(folder, cache), source, masked=True, width_px=None)


def _median_ms(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


if __name__ == "__main__":
    main()
