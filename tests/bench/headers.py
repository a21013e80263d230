"""Headers found, headers seen where there is none, and what the search costs.

``python -m tests.bench.headers`` prints a line per measure with its bound, in under four minutes; names of
measures as arguments run these only.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from core.imaging.analyse import analyse_image
from core.imaging.header import find_header
from core.imaging.header_models import HeaderModel, builtin_models
from tests.unit import drawn_headers as draw
from tests.unit.test_imaging_header import NO_HEADER, place_error_mm, scanned_header
from tests.unit.test_learn_header import (
    NAMES,
    everything,
    field_error_mm,
    found_share,
    header_named,
    model,
    scan,
)

PAGES = 40
FAULT_PAGES = 10
LEARNED_PAGES = 20
NEGATIVES_PER_KIND = 7
FAULTS: dict[str, dict[str, float]] = {
    "very light": {"fade": 0.1, "noise": 2.0},
    "3 degrees": {"skew": 3.0},
    "150 dpi": {"dpi": 150.0},
}
FEW = ("cadres", "lignes")
"""The first two models, for what the others cost."""


def shipped() -> None:
    """The models that come with Korrigo, each drawn on copies on three papers."""
    for known in builtin_models():
        found, error = _found(known, PAGES, {})
        _say(f"{known.name}, 200 dpi", found, PAGES, ">= 99 %", f"at most {error:.2f} mm off")


def faults() -> None:
    """The same with what scanners do."""
    for name, how in FAULTS.items():
        found, error = 0, 0.0
        for known in builtin_models():
            more, worst = _found(known, FAULT_PAGES, how)
            found, error = found + more, max(error, worst)
        total = FAULT_PAGES * len(builtin_models())
        _say(f"all four, {name}", found, total, ">= 97 %", f"at most {error:.2f} mm off")


def _found(known: HeaderModel, pages: int, how: dict[str, float]) -> tuple[int, float]:
    good, worst = 0, 0.0
    for seed in range(pages):
        page = scanned_header(known, seed, draw.PAPERS[seed % 3], how)
        match = find_header(page.gray, page.dpi)
        if match is None or match.model != known.name:
            print(f"    {known.name} {how} page {seed}: {match and match.model}")
            continue
        good, worst = good + 1, max(worst, place_error_mm(match, page, known))
    return good, worst


def negatives() -> None:
    """Pages without a header, looked at with the shipped models and five learned ones."""
    models = everything(1)
    for kind in NO_HEADER:
        seen = 0
        for paper in (*draw.PAPERS, "graph"):
            for seed in range(NEGATIVES_PER_KIND):
                skew = float(np.random.default_rng(seed).uniform(-1.5, 1.5))
                sheet = draw.page_without(kind, paper, 100 + seed, (150, 200)[seed % 2])
                page = draw.fed(sheet, seed, skew=skew, fade=(1.0, 0.3, 0.15)[seed % 3])
                match = find_header(page.gray, page.dpi, models)
                seen += match is not None
                if match is not None:
                    print(f"    {kind} {paper} {seed}: {match.model} {match.score}")
        _say(f"no header: {kind}", seen, 4 * NEGATIVES_PER_KIND, "0")


def learned() -> None:
    """Headers of other schools, learned from one copy, on copies of five scanners; fields within 1 mm."""
    for name in NAMES:
        share = found_share(name, 1, LEARNED_PAGES)
        _say(f"learned: {name}", round(share * LEARNED_PAGES), LEARNED_PAGES, ">= 97 %")


def learned_faults() -> None:
    """The same, skewed by 3 degrees."""
    for name in NAMES:
        header, good, worst = header_named(name), 0, 0.0
        for seed in range(5):
            page = scan(header, 5 * seed, skew=3.0 if seed % 2 else -3.0)
            match = find_header(page.gray, page.dpi, everything(1))
            if match is not None and match.model == name:
                good, worst = good + 1, max(worst, field_error_mm(match, header, model(name, 1), page))
        _say(f"learned: {name}, 3 degrees", good, 5, "", f"fields at most {worst:.2f} mm off")


def cost() -> None:
    """Milliseconds per A3 image of the whole analysis, one processor, with two, four and nine models."""
    few = [one for one in builtin_models() if one.name in FEW]
    first = scanned_header(builtin_models()[1], 1, "seyes", {})
    written = draw.fed(draw.page_without("written", "seyes", 1), 1)
    images = {
        "with a header": np.hstack([written.gray, first.gray]),
        "without": np.hstack([written.gray, draw.fed(draw.page_without("written", "seyes", 2), 2).gray]),
    }
    for name, image in images.items():
        for models in (few, builtin_models(), everything(1)):
            spent = _fastest_ms(image, models)
            print(f"{f'A3 {name}, {len(models)} models':34} {spent:6.0f} ms", flush=True)


def _fastest_ms(image: draw.Gray, models: Sequence[HeaderModel]) -> float:
    """Time of the processor, which other programs do not lengthen."""
    times = []
    for _ in range(6):
        start = time.process_time()
        analyse_image(image, 200, layout="a3", models=models)
        times.append(time.process_time() - start)
    return min(times) * 1000


def _say(name: str, found: int, total: int, bound: str, more: str = "") -> None:
    share = f"{found} of {total} ({found / total:.0%})"
    print(f"{name:34} {share:18} {bound:9} {more}", flush=True)


MEASURES: dict[str, Callable[[], None]] = {
    measure.__name__: measure for measure in (cost, shipped, faults, negatives, learned, learned_faults)
}


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.headers", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *MEASURES], default=[])
    cv2.setNumThreads(1)
    start = time.perf_counter()
    for name in parser.parse_args().names or MEASURES:
        MEASURES[name]()
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
