"""From a recipe to scan PDFs, roster, scheme and ground truth in a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import cv2
import pikepdf

from core.errors import BadInput
from workbench.demo import crops, roster
from workbench.demo.fonts import Gray, find
from workbench.demo.hand import deal
from workbench.demo.handwriting import FontHandwriting, Handwriting
from workbench.demo.paper import A3_MM
from workbench.demo.recipe import FilePlan, Pupil, Recipe
from workbench.demo.sheet import SheetArtist
from workbench.demo.truth import FileTruth, ImageTruth, PupilTruth, Truth

DEFAULT_REFERENCE_DATA = Path("../shared")
POINTS_PER_MM = 72 / 25.4

Progress = Callable[[int, int], None]
"""Called with images drawn and images in all."""


@dataclass(frozen=True)
class DrawnScan:
    """What was drawn and where it lies."""

    pdfs: tuple[Path, ...]
    roster: Path
    scheme: Path
    truth_file: Path
    truth: Truth


def draw_scan(
    recipe: Recipe,
    out_dir: Path,
    *,
    font_dirs: Sequence[Path],
    reference_data: Path = DEFAULT_REFERENCE_DATA,
    progress: Progress | None = None,
) -> DrawnScan:
    """Draw every file of ``recipe`` into ``out_dir``.

    The same recipe with the same fonts gives the same bytes. ``reference_data``
    is read by the crops recipe only.

    Raises:
        BadInput: ``demo_fonts_missing``, ``demo_text_undrawable``, ``demo_crops_missing``,
            ``demo_recipe_invalid`` (a pupil who is neither on the roster nor a stranger).
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    fonts = find(recipe.handwriting, font_dirs)
    pupils, name_crops = _cast(recipe, reference_data / "handwriting")
    in_fonts = FontHandwriting(recipe.seed, deal(recipe.seed, pupils, fonts))
    handwriting = crops.CropHandwriting(recipe.seed, name_crops, in_fonts) if name_crops else in_fonts
    roster_path = recipe.roster or _write_roster(recipe, pupils, out_dir)
    by_key = {pupil.key: pupil for pupil in pupils}
    artist = SheetArtist(recipe, handwriting)
    counter = _Counter(2 * recipe.sheets, progress)
    files = tuple(_draw_file(plan, artist, by_key, out_dir, counter) for plan in recipe.files)
    truth = _truth(recipe, pupils, handwriting, files)
    truth_file = out_dir / "truth.json"
    truth.save(truth_file)
    return DrawnScan(
        tuple(out_dir / file.name for file in files), roster_path, recipe.scheme, truth_file, truth
    )


def _cast(recipe: Recipe, handwriting_folder: Path) -> tuple[tuple[Pupil, ...], dict[str, crops.NameCrops]]:
    """Everybody the recipe knows: roster, strangers; with their crops when names come from crops."""
    name_crops: dict[str, crops.NameCrops] = {}
    if recipe.roster is None:
        pupils, name_crops = crops.cast(recipe, handwriting_folder)
    else:
        pupils = (*roster.read(recipe.roster), *recipe.strangers)
    unknown = {copy.pupil for copy in recipe.copies} - {pupil.key for pupil in pupils}
    if unknown:
        raise BadInput("demo_recipe_invalid", file=recipe.name, reason=f"unknown pupils {sorted(unknown)}")
    return pupils, name_crops


def _write_roster(recipe: Recipe, pupils: Sequence[Pupil], out_dir: Path) -> Path:
    strangers = {stranger.key for stranger in recipe.strangers}
    path = out_dir / "roster.csv"
    listed = (pupil for pupil in pupils if pupil.key not in strangers)
    roster.write(path, sorted(listed, key=lambda pupil: (pupil.surname, pupil.first_name)))
    return path


class _Counter:
    def __init__(self, total: int, progress: Progress | None) -> None:
        self._done, self._total, self._progress = 0, total, progress

    def step(self) -> None:
        self._done += 1
        if self._progress:
            self._progress(self._done, self._total)


def _draw_file(
    plan: FilePlan, artist: SheetArtist, pupils: dict[str, Pupil], out_dir: Path, counter: _Counter
) -> FileTruth:
    """Draw one PDF; an image is compressed as soon as it is drawn, so that memory holds one sheet."""
    images: list[ImageTruth] = []
    with pikepdf.new() as pdf:
        for copy in plan.copies:
            for sheet in range(1, copy.sheets + 1):
                for drawn in artist.draw(copy, pupils[copy.pupil], sheet, first_image=len(images)):
                    _add_page(pdf, drawn.pixels, artist.jpeg_quality)
                    images.append(drawn.truth)
                    counter.step()
        buffer = BytesIO()
        pdf.save(buffer, deterministic_id=True)
    (out_dir / plan.name).write_bytes(buffer.getvalue())
    return FileTruth(plan.name, hashlib.sha256(buffer.getvalue()).hexdigest(), tuple(images))


def _add_page(pdf: pikepdf.Pdf, pixels: Gray, quality: int) -> None:
    """One page with one DCT image, as scanners write them."""
    _, jpeg = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    height, width = pixels.shape
    long_pt, short_pt = (round(side * POINTS_PER_MM, 2) for side in A3_MM)
    page_pt = (long_pt, short_pt) if width > height else (short_pt, long_pt)
    image = pikepdf.Stream(
        pdf,
        jpeg.tobytes(),
        Type=pikepdf.Name.XObject,
        Subtype=pikepdf.Name.Image,
        Width=width,
        Height=height,
        ColorSpace=pikepdf.Name.DeviceGray,
        BitsPerComponent=8,
        Filter=pikepdf.Name.DCTDecode,
    )
    content = f"q {page_pt[0]} 0 0 {page_pt[1]} 0 0 cm /Im0 Do Q".encode()
    page = pikepdf.Dictionary(
        Type=pikepdf.Name.Page,
        MediaBox=[0, 0, *page_pt],
        Resources=pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im0=pdf.make_indirect(image))),
        Contents=pdf.make_indirect(pikepdf.Stream(pdf, content)),
    )
    pdf.pages.append(pikepdf.Page(pdf.make_indirect(page)))


def _truth(
    recipe: Recipe, pupils: Sequence[Pupil], handwriting: Handwriting, files: tuple[FileTruth, ...]
) -> Truth:
    strangers = tuple(stranger.key for stranger in recipe.strangers)
    sheets = {copy.pupil: copy.sheets for copy in recipe.copies}
    return Truth(
        recipe=recipe.name,
        seed=recipe.seed,
        dpi=recipe.dpi,
        pupils={
            pupil.key: PupilTruth(
                key=pupil.key,
                surname=pupil.surname,
                first_name=pupil.first_name,
                birth_date=pupil.birth_date,
                class_name=pupil.class_name,
                on_roster=pupil.key not in strangers,
                sheets=sheets.get(pupil.key, 0),
                font=handwriting.font(pupil) if pupil.key in sheets else None,
            )
            for pupil in pupils
        },
        absent=recipe.absent,
        strangers=tuple(key for key in strangers if key in sheets),
        files=files,
    )
