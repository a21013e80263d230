"""How well handwritten names are read and matched: ``python -m tests.bench.reading``.

Reads the crops of KORRIGO_REFERENCE_DATA/handwriting (real names of pupils, one
per crop). Constants were tuned on the ``tune`` half; the default is the other one.
"""

from __future__ import annotations

import argparse
import csv
import difflib
import hashlib
import itertools
import os
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.domain.names import fold
from core.matching.assign import propose
from core.matching.ctc import LabelTrie, free_scores
from core.matching.evidence import BookletReadings, RosterEntry
from core.matching.views import NAME_VIEW, seen_as, symbols
from core.reading import NameReader, reader
from core.reading.protocol import FieldReading

DATA = Path(os.environ.get("KORRIGO_REFERENCE_DATA", "../shared")) / "handwriting"
ROSTER = 300
RIVAL_SAMPLE = 120
STRANGERS = 30


@dataclass(frozen=True)
class Crop:
    """One reference crop with its label, folded without separators."""

    file: str
    label: str
    raw_label: str
    is_first_name: bool


def crops(half: str) -> list[Crop]:
    """The readable name crops of one half; halves alternate by file."""
    with (DATA / "labels.csv").open(encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(file) if r["file"].startswith("names/") and r["status"] != "bad"]
    wanted = {"tune": 0, "report": 1}[half]
    return [
        Crop(r["file"], _squeezed(r["label"]), _squeezed(r["label_kaggle"]), r["kind_guess"] == "first")
        for i, r in enumerate(rows)
        if i % 2 == wanted
    ]


def lexicon() -> list[str]:
    """Names to fill rosters with."""
    with (DATA / "names_lexicon.csv").open(encoding="utf-8") as file:
        names = (_squeezed(r["name"]) for r in csv.DictReader(file))
        return [name for name in dict.fromkeys(names) if len(name) > 1]


def read(engine: NameReader, found: Sequence[Crop]) -> list[FieldReading]:
    """Read the crops, keeping the answers in the temporary directory for the next run."""
    sources = "".join(p.read_text() for p in sorted(Path("core/reading").glob("*.py")))
    key = hashlib.sha256((engine.fingerprint + sources).encode()).hexdigest()[:16]
    cache = Path(tempfile.gettempdir()) / f"korrigo-bench-reading-{key}"
    cache.mkdir(exist_ok=True)
    paths = [cache / (crop.file.replace("/", "-") + ".reading") for crop in found]
    missing = [i for i, path in enumerate(paths) if not path.exists()]
    started = time.perf_counter()
    for i, reading in zip(missing, engine.read([_pixels(found[i]) for i in missing]), strict=True):
        paths[i].write_bytes(reading.to_bytes())
    if missing:
        spent = (time.perf_counter() - started) * 1000 / len(missing)
        print(f"{engine.name}: {len(missing)} crops read, {spent:.0f} ms each")
    return [FieldReading.from_bytes(path.read_bytes()) for path in paths]


def single_names(found: Sequence[Crop], readings: Sequence[FieldReading], *, raw: bool) -> float:
    """Share of crops whose name is first among a roster of 300, over ten drawn rosters."""
    truths = [crop.raw_label if raw else crop.label for crop in found]
    names = list(dict.fromkeys([*lexicon(), *truths]))
    column = {name: i for i, name in enumerate(names)}
    seen = [seen_as(reading, NAME_VIEW) for reading in readings]
    scores = LabelTrie([symbols(name) for name in names]).scores(seen)
    draw = np.random.default_rng(1)
    hits = 0
    for row, truth in enumerate(truths):
        own = column[truth]
        for _ in range(10):
            others = draw.choice(len(names), ROSTER - 1, replace=False)
            hits += bool(scores[row, own] > scores[row, others[others != own]].max())
    return hits / (10 * len(truths))


@dataclass
class PairCounts:
    """Outcome of joint matching of surname and first name."""

    known: int = 0
    right: int = 0
    automatic: int = 0
    wrong_automatic: int = 0
    strangers: int = 0
    strangers_first: int = 0
    strangers_automatic: int = 0


def pairs(
    found: Sequence[Crop], readings: Sequence[FieldReading], *, seeds: int, log: list[tuple[float, bool]]
) -> PairCounts:
    """Pair surname and first-name crops at random into pupils and match a whole paper jointly.

    Each paper has a roster of 300 and some strangers, a third of whom have a namesake
    on the roster by surname (a sister) and a third by first name.
    """
    surnames = [i for i, crop in enumerate(found) if not crop.is_first_name]
    firsts = [i for i, crop in enumerate(found) if crop.is_first_name]
    fillers = lexicon()
    counts = PairCounts()
    for seed in range(seeds):
        rng = random.Random(seed)
        people = list(zip(rng.sample(surnames, len(firsts)), firsts, strict=True))
        rng.shuffle(people)
        names = [(found[s].label, found[f].label) for s, f in people]
        listed = list(dict.fromkeys(names[STRANGERS:]))
        for k, (surname, first) in enumerate(names[:STRANGERS]):
            if k % 3 == 0:
                listed.append((surname, rng.choice(fillers)))
            elif k % 3 == 1:
                listed.append((rng.choice(fillers), first))
        while len(listed) < ROSTER:
            listed.append((rng.choice(fillers), rng.choice(fillers)))
        roster = [RosterEntry(i, surname, first) for i, (surname, first) in enumerate(listed)]
        truth = {name: i for i, name in reversed(list(enumerate(listed)))}
        order = list(range(len(people)))
        rng.shuffle(order)
        booklets = [
            BookletReadings(
                k, place, {"surname": readings[people[k][0]], "first_name": readings[people[k][1]]}
            )
            for place, k in enumerate(order)
        ]
        for proposal in propose(booklets, roster):
            name = names[proposal.booklet_id]
            best = proposal.ranked[0]
            right = best.candidate_id == truth.get(name)
            log.append((best.probability, right))
            if name not in truth:
                counts.strangers += 1
                counts.strangers_first += best.candidate_id is not None
                counts.strangers_automatic += proposal.decision == "automatic"
                continue
            counts.known += 1
            counts.right += right
            counts.automatic += proposal.decision == "automatic"
            if proposal.decision == "automatic" and not right:
                counts.wrong_automatic += 1
                print(f"  wrong automatic: {name} taken for {listed[best.candidate_id or 0]}")
    return counts


def rival(found: Sequence[Crop]) -> float:
    """Tesseract's string compared with the roster by difflib, on a sample."""
    sample = list(found[:: max(1, len(found) // RIVAL_SAMPLE)])
    texts = [_squeezed(reading.text) for reading in read(reader("tesseract"), sample)]
    fillers = lexicon()
    rng = random.Random(1)
    hits = 0
    for crop, text in zip(sample, texts, strict=True):
        roster = [*rng.sample([name for name in fillers if name != crop.label], ROSTER - 1), crop.label]
        rng.shuffle(roster)
        best = max(roster, key=lambda name: difflib.SequenceMatcher(None, text, name).ratio())
        hits += best == crop.label
    return hits / len(sample)


def reliability(log: Sequence[tuple[float, bool]]) -> list[str]:
    """Proposals by stated probability, and how many are right."""
    edges = (0.0, 0.5, 0.8, 0.95, 0.99, 0.999, 1.01)
    lines = []
    for low, high in itertools.pairwise(edges):
        inside = [(p, right) for p, right in log if low <= p < high]
        if inside:
            stated = sum(p for p, _ in inside) / len(inside)
            hit = sum(right for _, right in inside)
            lines.append(f"  stated {stated:.4f}: right {hit} of {len(inside)} ({hit / len(inside):.4f})")
    return lines


def main() -> None:
    """Print the figures of one half."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=("tune", "report"), default="report")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--no-rival", action="store_true")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    found = crops(options.half)
    readings = read(reader("ppocr"), found)
    print(f"half {options.half}: {len(found)} crops")
    for raw in (True, False):
        kind = "raw" if raw else "corrected"
        share = single_names(found, readings, raw=raw)
        print(f"single name, roster {ROSTER}, {kind} labels: rank 1 {share:.4f}")
    log: list[tuple[float, bool]] = []
    started = time.perf_counter()
    counts = pairs(found, readings, seeds=options.seeds, log=log)
    spent = (time.perf_counter() - started) / options.seeds
    print(
        f"surname + first name, roster {ROSTER}, {options.seeds} papers ({spent:.1f} s each): "
        f"rank 1 {counts.right} of {counts.known} ({counts.right / counts.known:.4f}); "
        f"automatic {counts.automatic / counts.known:.4f}, wrong automatics {counts.wrong_automatic}; "
        f"strangers given a pupil first {counts.strangers_first} of {counts.strangers}, "
        f"accepted {counts.strangers_automatic}"
    )
    print("calibration of the first rank:", *reliability(log), sep="\n")
    if not options.no_rival:
        print(f"rival, Tesseract + difflib, roster {ROSTER}, about {RIVAL_SAMPLE} crops: {rival(found):.4f}")
    free, _ = free_scores([seen_as(reading, NAME_VIEW) for reading in readings])
    print(f"mean log-probability of the free reading: {free.mean():.2f} nat")


def _pixels(crop: Crop) -> NDArray[np.uint8]:
    image = cv2.imread(str(DATA / crop.file), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise FileNotFoundError(crop.file)
    return np.asarray(image, dtype=np.uint8)


def _squeezed(name: str) -> str:
    return fold(name).replace(" ", "")


if __name__ == "__main__":
    main()
