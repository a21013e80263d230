"""How well double scans, rulings, hands and page numbers are told: ``python -m tests.bench.loose [PART …]``.

Parts: likeness, ruling, hands, marks, times; all of them without one. Everything is drawn, with the
fonts installed; nothing is read from outside.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

import cv2
import numpy as np

from core.domain.doubles import CONTRADICTED, SURE, AlikeHalves, double_images
from core.domain.loose import (
    BookletFeatures,
    LooseFeatures,
    SheetFeatures,
    hand_distance,
    main_ruling,
    mean_hand,
    misfiled,
    suggest,
)
from core.imaging.darkness import dark_map
from core.imaging.deskew import skew_of
from core.imaging.hand import hand_features
from core.imaging.likeness import alike, candidates, descriptor, likeness
from core.imaging.page_marks import crop_pixels, mark_crops
from core.imaging.ruling import ruling_of
from core.imaging.straight import StraightPage, straight_page
from core.reading import reader
from core.reading.page_marks import best_mark, read_page_marks
from tests.bench import drawn_halves as drawn
from tests.bench.drawn_marks import marked_pages
from tests.bench.drawn_rulings import PAPERS, ruled, scanned

RECIPES = ("recipe.json", "recipe_tests.json")
Key = tuple[str, int, str]


def likeness_part() -> None:
    """Half-pages and images scanned twice or thrice, against all others."""
    for name in RECIPES:
        sets: dict[str, Iterable[drawn.Side]] = {
            "class": drawn.class_sides(name),
            "one line": drawn.sparse_sides(name, 20),
            "header only": drawn.header_sides(name, 28),
            "printed subject, three answers": drawn.form_sides(name, 16),
            "copied, own size": drawn.copied_sides(name, 20, other_size=True),
        }
        _likeness_of(name, sets)


def _likeness_of(name: str, sets: dict[str, Iterable[drawn.Side]]) -> None:
    codes: list[bytes] = []
    what: list[tuple[str, Key, str, int]] = []  # set, side, page, image
    images: list[tuple[str, Key]] = []
    told: dict[int, list[bool]] = {}
    at: list[tuple[int, int]] = []
    for kind, sides in sets.items():
        for number, side in enumerate(sides):
            rng = np.random.default_rng([number, len(kind)])
            for hard in (False, True, True):
                image = len(images)
                images.append((kind, side.key))
                told[image] = []
                for half, part in enumerate(drawn.halves(side, drawn.passes(rng, hard), rng)):
                    code = descriptor(straight_page(part.map, part.skew_deg))
                    told[image].append(code is not None)
                    if code:
                        codes.append(code)
                        what.append((kind, side.key, part.page, image))
                        at.append((image, half))
    _print_halves(name, codes, what)
    pairs = [AlikeHalves(at[p.first], at[p.second], p.likeness) for p in alike(codes, least=CONTRADICTED)]
    _print_images(pairs, told, images)


def _print_halves(name: str, codes: Sequence[bytes], what: Sequence[tuple[str, Key, str, int]]) -> None:
    sizes = [len(code) for code in codes]
    print(f"{name}: {len(codes)} half-pages, {np.mean(sizes):.0f} bytes on the mean, {max(sizes)} at most")
    started = time.process_time()
    found = candidates(codes)
    print(f"  prefilter {time.process_time() - started:.1f} s, {len(found)} pairs kept")
    started = time.process_time()
    scores = {pair: likeness(codes[pair[0]], codes[pair[1]]) for pair in found}
    print(f"  {(time.process_time() - started) / max(1, len(found)) * 1e3:.1f} ms a pair")
    same, other = defaultdict(list), defaultdict(list)
    pairs = Counter[str]()
    for i, j in itertools.combinations(range(len(codes)), 2):
        kind = what[i][0] if what[i][0] == what[j][0] else "other sets"
        if what[i][1:3] == what[j][1:3]:
            same[kind].append(scores.get((i, j), 0.0))
        else:
            pairs[kind] += 1
            other[kind].append(scores.get((i, j), 0.0))
    for kind, values in same.items():
        low, first = np.quantile(values, (0.0, 0.01))
        found_share = np.mean(np.array(values) >= SURE)
        print(
            f"  twice  {kind:32} {len(values):6} pairs, lowest {low:.2f}, 1 % {first:.2f}, found {found_share:.3%}"
        )
    for kind, values in other.items():
        wrong = int(np.sum(np.array(values) >= SURE))
        print(f"  others {kind:32} {len(values):6} pairs, highest {max(values):.2f}, wrong {wrong}")


def _print_images(
    pairs: Sequence[AlikeHalves], told: dict[int, list[bool]], images: Sequence[tuple[str, Key]]
) -> None:
    doubles = {double.image: double.other for double in double_images(pairs, told)}
    right, missed, wrong, silent = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for image, (kind, key) in enumerate(images):
        earlier = [i for i in range(image) if images[i] == (kind, key)]
        other = doubles.get(image)
        if other is not None and images[other] != (kind, key):
            wrong[kind] += 1
        elif other is not None:
            right[kind] += 1
        elif earlier and any(told[image]):
            missed[kind] += 1
        elif earlier:
            silent[kind] += 1
    for kind in sorted({kind for kind, _ in images}):
        print(
            f"  images {kind:32} found {right[kind]}, missed {missed[kind]}, too little ink {silent[kind]}, wrong {wrong[kind]}"
        )


def ruling_part() -> None:
    """Papers of every kind, in grey and in black and white, with and without writing."""
    rng = np.random.default_rng(5)
    layers = [
        255 - side.pixels
        for side in itertools.islice(drawn.copied_sides("recipe.json", 3, other_size=True), 6)
    ]
    right, total = Counter[str](), Counter[str]()
    for paper, dpi, bitonal, number in itertools.product(PAPERS, (150, 200, 300), (False, True), range(6)):
        gray = int(rng.choice((150, 175, 196)))
        page = ruled(paper, dpi, rng, gray)
        if number:
            half = layers[number][:, : layers[number].shape[1] // 2]
            ink = cv2.resize(np.where(half > 100, half, 0).astype(np.uint8), page.shape[::-1])
            page = cv2.subtract(page, ink).astype(np.uint8)
        threshold = 190 if paper == "plain" else int((255 - (255 - gray) * 0.35) * 0.93)
        found = dark_map(scanned(page, rng, float(rng.uniform(-3, 3)), threshold if bitonal else None), dpi)
        ruling = ruling_of(straight_page(found, skew_of(found)))
        kind, period = PAPERS[paper]
        total[paper] += 1
        right[paper] += ruling.kind == kind and abs(ruling.period_mm - period) <= 0.03 * period
    for paper in PAPERS:
        print(f"ruling {paper:14} {right[paper]} of {total[paper]}")


def hands_part() -> None:
    """Pages of a class among themselves; sheets taken away, and put into other booklets."""
    for name in RECIPES:
        pages: dict[tuple[str, int], list[StraightPage]] = defaultdict(list)
        for side in drawn.class_sides(name):
            rng = np.random.default_rng(4)
            for part in drawn.halves(side, drawn.passes(rng, False), rng):
                pages[side.key[:2]].append(straight_page(part.map, part.skew_deg, part.rotate))
        hands = {key: [hand_features(page) for page in some] for key, some in pages.items()}
        _print_pages(name, hands)
        sheets = {
            key: SheetFeatures(
                main_ruling([ruling_of(page).kind for page in pages[key]]), mean_hand(hands[key])
            )
            for key in pages
        }
        _print_sheets(sheets)


def _print_pages(name: str, hands: dict[tuple[str, int], list[tuple[float, ...] | None]]) -> None:
    flat = [(key[0], hand) for key, some in hands.items() for hand in some if hand]
    same, other = [], []
    for (who, hand), (whom, second) in itertools.combinations(flat, 2):
        (same if who == whom else other).append(hand_distance(hand, second))
    closer = np.mean(
        np.random.default_rng(0).choice(same, 100_000) < np.random.default_rng(1).choice(other, 100_000)
    )
    print(f"{name}: {len(flat)} pages, two of one pupil closer than two of two pupils in {closer:.1%}")


def _print_sheets(sheets: dict[tuple[str, int], SheetFeatures]) -> None:
    by_pupil: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for key in sheets:
        by_pupil[key[0]].append(key)
    several = [keys for keys in by_pupil.values() if len(keys) > 1]
    alarms = sum(bool(misfiled([sheets[key] for key in keys])) for keys in several)
    print(f"  misfiled: {alarms} false alarms in {len(several)} booklets of several sheets")
    for names in ("unread", "other"):
        tried = [
            misfiled([sheets[keys[0]], SheetFeatures(sheets[key].ruling, sheets[key].hand, names)])
            for keys in several
            for key in sheets
            if key[0] != keys[0][0]
        ]
        print(
            f"  misfiled: found {np.mean([bool(t) for t in tried]):.1%} of {len(tried)} sheets of others (name {names})"
        )
    place = {key: i for i, key in enumerate(sheets)}
    for file, where in ((0, "in its place"), (1, "in another file")):
        ranks = []
        for key in (key for key in sheets if key[1] > 1):
            booklets = [
                BookletFeatures(
                    i, file, place[keys[0]], place[keys[0]], sheets[keys[0]].ruling, sheets[keys[0]].hand
                )
                for i, keys in enumerate(by_pupil.values())
            ]
            loose = LooseFeatures(0, place[key], sheets[key].ruling, sheets[key].hand)
            found = [s.booklet for s in suggest(loose, booklets)]
            wanted = list(by_pupil).index(key[0])
            ranks.append(found.index(wanted) if wanted in found else 99)
        print(
            f"  loose {where}: first {sum(r == 0 for r in ranks)}, in three {sum(r < 3 for r in ranks)}, of {len(ranks)}"
        )


def marks_part() -> None:
    """Page numbers by hand and in print, and pages that have none."""
    engine = reader("ppocr")

    def read(gray: drawn.Gray) -> object:
        page = dark_map(gray, 200)
        skew = skew_of(page)
        crops = mark_crops(straight_page(page, skew))
        pixels = [crop_pixels(gray, 200, skew, crop) for crop in crops]
        return best_mark(read_page_marks(engine, pixels, [crop.edge for crop in crops]))

    for name, printed in itertools.product(RECIPES, (False, True)):
        said = Counter[str]()
        for gray, truth in marked_pages(name, 40 if printed else 120, printed=printed):
            mark = read(gray)
            if mark is None:
                said["none"] += 1
            else:
                right = (mark.number, mark.total) == truth  # type: ignore[attr-defined]
                said[("right" if right else "wrong") + (", guessed" if mark.guessed else "")] += 1  # type: ignore[attr-defined]
        print(f"marks {name} {'printed' if printed else 'by hand'}: {dict(said)}")
        if printed:
            continue
        without = Counter[str]()
        for side in drawn.class_sides(name):
            image = drawn.fed(side, drawn.Pass(), np.random.default_rng(1))
            for half in np.array_split(image, 2, axis=1):
                mark = read(np.ascontiguousarray(half))
                without["none" if mark is None else f"{mark}{' guessed' if mark.guessed else ''}"] += 1  # type: ignore[attr-defined]
        print(f"  pages without a number: {dict(without)}")


def times_part() -> None:
    """Processor time of each step on written half-pages of 200 dpi, the dark map being there."""
    halves = []
    for side in itertools.islice(drawn.copied_sides("recipe.json", 4, other_size=True), 6):
        rng = np.random.default_rng(1)
        halves += drawn.halves(side, drawn.passes(rng, False), rng)
    pages = [straight_page(half.map, half.skew_deg) for half in halves]
    steps: dict[str, Callable[[], object]] = {
        "straight_page": lambda: [straight_page(half.map, half.skew_deg) for half in halves],
        "descriptor": lambda: [descriptor(page) for page in pages],
        "ruling_of": lambda: [ruling_of(page) for page in pages],
        "hand_features": lambda: [hand_features(page) for page in pages],
        "mark_crops": lambda: [mark_crops(page) for page in pages],
    }
    for name, step in steps.items():
        took = []
        for _ in range(5):
            started = time.process_time()
            step()
            took.append((time.process_time() - started) / len(pages) * 1e3)
        print(f"time {name:14} {min(took):5.2f} ms a half-page")


PARTS = {
    "times": times_part,
    "ruling": ruling_part,
    "hands": hands_part,
    "marks": marks_part,
    "likeness": likeness_part,
}


def main() -> None:
    """Print the figures of the parts asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []])
    cv2.setNumThreads(1)
    for part in parser.parse_args().parts or PARTS:
        PARTS[part]()


if __name__ == "__main__":
    main()
