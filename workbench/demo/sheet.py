"""One A3 sheet: what the pupil wrote on its four pages, as two scanned images with their truth."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from workbench.demo.body import PageWriter, put
from workbench.demo.chance import stream
from workbench.demo.fonts import Gray
from workbench.demo.handwriting import Handwriting
from workbench.demo.paper import (
    A4_WIDTH_MM,
    RULINGS,
    HeaderModelRef,
    blank_side,
    field_box_mm,
    header_origin_mm,
    size_px,
)
from workbench.demo.recipe import SIDES, CopyPlan, Pupil, Recipe, Side
from workbench.demo.scanner import Feed, feed, scan
from workbench.demo.truth import FieldTruth, HeaderTruth, ImageTruth

PAGES: dict[Side, tuple[str, str]] = {"front": ("P4", "P1"), "back": ("P2", "P3")}
"""Left and right half of each side of a folded sheet."""

_READING_ORDER = ("P1", "P2", "P3", "P4")
_INK_SEEN = 60


@dataclass(frozen=True)
class DrawnImage:
    """One image as fed, (height, width) uint8, and what is true of it."""

    pixels: Gray
    truth: ImageTruth


@dataclass(frozen=True)
class _Text:
    """Writing in a header field: its text and its (n, 2) x, y ink points on the upright side."""

    text: str
    points: np.ndarray


class SheetArtist:
    """Draws the sheets of a recipe, one at a time."""

    def __init__(self, recipe: Recipe, handwriting: Handwriting) -> None:
        self._recipe = recipe
        self._handwriting = handwriting
        self._px_per_mm = recipe.dpi / 25.4
        self.jpeg_quality = recipe.jpeg_quality

    def draw(
        self, copy: CopyPlan, pupil: Pupil, sheet: int, first_image: int
    ) -> tuple[DrawnImage, DrawnImage]:
        """Front and back of sheet ``sheet`` (1-based) of a copy; ``first_image`` is the front's index in its PDF."""
        width, height = size_px(self._px_per_mm)
        layers: dict[Side, Gray] = {side: np.zeros((height, width), np.uint8) for side in SIDES}
        texts = self._fill_header(layers["front"], copy, pupil, sheet)
        written = self._fill_pages(layers, copy, pupil, sheet)
        front, back = (
            self._scanned(layers, side, copy, sheet, first_image + index, texts, written)
            for index, side in enumerate(SIDES)
        )
        return front, back

    def _fill_header(self, layer: Gray, copy: CopyPlan, pupil: Pupil, sheet: int) -> dict[str, _Text]:
        """Write the fields on the front layer."""
        model = HeaderModelRef(copy.header).model
        rng = stream(self._recipe.seed, "header", pupil.key, sheet)
        texts: dict[str, _Text] = {}
        for field in model.fields_mm:
            left, _, right, bottom = field_box_mm(model, field)
            indent = rng.uniform(1.5, 6.0)
            room_px = (right - left - indent + 1.0) * self._px_per_mm
            text, ink = self._handwriting.write_field(
                pupil, field, sheet, px_per_mm=self._px_per_mm, room_px=room_px
            )
            on_line_mm = bottom - 3.0 if model.lines_mm else bottom - 2.6
            baseline = round((on_line_mm - rng.uniform(0.0, 0.9)) * self._px_per_mm)
            ceiling = round((header_origin_mm(model)[1] + 0.5) * self._px_per_mm)
            baseline = max(baseline, ceiling + ink.baseline)
            x, y = put(layer, ink, round((left + indent) * self._px_per_mm), baseline)
            rows, columns = np.nonzero(ink.pixels > _INK_SEEN)
            texts[field] = _Text(text, np.column_stack((columns + x, rows + y)).astype(np.float64))
        return texts

    def _fill_pages(
        self, layers: dict[Side, Gray], copy: CopyPlan, pupil: Pupil, sheet: int
    ) -> dict[str, float]:
        """Write the running text: sheets are full but the last, which ends somewhere."""
        used = stream(self._recipe.seed, "length", pupil.key).uniform(1.1, 4.0)
        written: dict[str, float] = {}
        for side in SIDES:
            for half, page in enumerate(PAGES[side]):
                position = _READING_ORDER.index(page)
                share = 0.97 if sheet < copy.sheets else float(np.clip(used - position, 0, 0.97))
                writer = PageWriter(
                    layer=layers[side],
                    left_mm=half * A4_WIDTH_MM,
                    top_mm=HeaderModelRef(copy.header).bottom_mm if page == "P1" else 0.0,
                    ruling=RULINGS[copy.paper],
                    pupil=pupil,
                    sheet=sheet,
                    page=page,
                    handwriting=self._handwriting,
                    px_per_mm=self._px_per_mm,
                    seed=self._recipe.seed,
                    exercise=1 + position % len(_READING_ORDER),
                )
                written[page] = round(writer.fill(share if share > 0.06 else 0.0), 3)
        return written

    def _scanned(
        self,
        layers: dict[Side, Gray],
        side: Side,
        copy: CopyPlan,
        sheet: int,
        image: int,
        texts: dict[str, _Text],
        written: dict[str, float],
    ) -> DrawnImage:
        name = (copy.pupil, sheet, side)
        how = feed(
            self._recipe.seed, name, size_px(self._px_per_mm), self._px_per_mm, self._recipe.turn(*name)
        )
        header = HeaderModelRef(copy.header) if side == "front" else None
        paper = blank_side(copy.paper, header, self._px_per_mm)
        page = np.asarray(cv2.multiply(paper, cv2.bitwise_not(layers[side]), scale=1 / 255), dtype=np.uint8)
        if self._recipe.show_through:
            page = _seen_through(
                page, layers["back" if side == "front" else "front"], self._recipe.show_through
            )
        pixels = scan(page, how, stream(self._recipe.seed, "scan", *name))
        halves = dict(zip(how.halves(), PAGES[side], strict=True))
        truth = ImageTruth(
            image=image,
            pupil=copy.pupil,
            sheet=sheet,
            side=side,
            rotate=how.rotate,
            skew_deg=how.skew_deg,
            width_px=int(pixels.shape[1]),
            height_px=int(pixels.shape[0]),
            halves=dict(sorted(halves.items())),
            written={page: written[page] for page in PAGES[side]},
            header=self._header_truth(header, how, texts) if header else None,
        )
        return DrawnImage(pixels, truth)

    def _header_truth(self, header: HeaderModelRef, how: Feed, texts: dict[str, _Text]) -> HeaderTruth:
        model = header.model
        left, top = header_origin_mm(model)
        fields = {
            field: FieldTruth(
                text.text, how.box_of(self._corners(field_box_mm(model, field))), how.box_of(text.points)
            )
            for field, text in texts.items()
        }
        box = self._corners((left, top, left + model.width_mm, top + model.height_mm))
        return HeaderTruth(header.name, how.halves()[1], how.box_of(box), fields)

    def _corners(self, box_mm: tuple[float, float, float, float]) -> np.ndarray:
        left, top, right, bottom = box_mm
        return np.array([(left, top), (right, top), (right, bottom), (left, bottom)]) * self._px_per_mm


def _seen_through(page: Gray, other_side: Gray, share: float) -> Gray:
    """Darken ``page`` by a blurred mirror image of the other side's ink."""
    small = cv2.resize(cv2.flip(other_side, 1), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    ghost = cv2.resize(small, (page.shape[1], page.shape[0]), interpolation=cv2.INTER_LINEAR)
    return cv2.addWeighted(page, 1.0, ghost, -share, 0.0).astype(np.uint8)
