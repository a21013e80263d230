"""Pages with "n / N" in a corner, by hand and in print, for the bench of page marks."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from PIL import Image, ImageDraw

from tests.bench import drawn_halves as drawn
from tests.bench.drawn_rulings import ruled, scanned
from workbench.demo.body import put
from workbench.demo.chance import stream
from workbench.demo.fonts import Gray
from workbench.demo.paper import _print_face

FORMS = ("{n}/{total}", "{n} / {total}", "Page {n}/{total}", "page {n} / {total}", "{n} sur {total}")


def marked_pages(
    name: str, count: int, *, printed: bool, dpi: int = 200
) -> Iterator[tuple[Gray, tuple[int, int]]]:
    """Scanned A4 pages with what is written on each, in the hands of a recipe."""
    recipe, _, hands, by_key = drawn.class_of(name)
    px = dpi / 25.4
    for i in range(count):
        rng = stream(21, name, printed, i)
        copy = recipe.copies[i % len(recipe.copies)]
        pupil = by_key[copy.pupil]
        total = int(rng.integers(2, 17))
        n = int(rng.integers(1, total + 1))
        text = FORMS[int(rng.integers(len(FORMS)))].format(n=n, total=total)
        paper = ("seyes", "squares", "plain", "lines 8")[int(rng.integers(4))]
        page = ruled(paper, dpi, rng, int(rng.choice((175, 190, 205))))
        layer = np.zeros_like(page)
        for line in range(4, 12):
            ink = hands.write_line(pupil, 1, f"{i}.{line}", "Donc la suite converge vers 4.", px_per_mm=px)
            put(layer, ink, round(36 * px), round((22 + 8 * line) * px))
        edge_mm, from_right = rng.uniform(8, 12), rng.random() < 0.7
        base = round((297 - edge_mm) * px) if rng.random() < 0.75 else round((edge_mm + 2) * px)
        if printed:
            picture = Image.fromarray(255 - layer)
            face = _print_face(round(rng.uniform(3.2, 4.4) * px))
            width = face.getlength(text)
            left = page.shape[1] - 10 * px - width if from_right else (page.shape[1] - width) / 2
            ImageDraw.Draw(picture).text((left, base), text, fill=30, font=face, anchor="ls")
            layer = 255 - np.asarray(picture)
        else:
            ink = hands.write_line(pupil, 1, f"{i}.mark", text, px_per_mm=px)
            left = page.shape[1] - 12 * px - ink.width if from_right else (page.shape[1] - ink.width) / 2
            put(layer, ink, round(left), base)
        page = np.asarray(cv2.multiply(page, cv2.bitwise_not(layer), scale=1 / 255), dtype=np.uint8)
        yield scanned(page, rng, float(rng.normal(0, 0.5))), (n, total)
