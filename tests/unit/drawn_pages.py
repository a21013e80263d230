"""Small synthetic scans for the tests of imaging and PDF: paper, header, writing, faults of a scanner."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import reportlab
from PIL import Image, ImageDraw, ImageFont

from core.imaging.header_models import HeaderModel, builtin_models

Gray = npt.NDArray[np.uint8]

DPI = 200
MM = DPI / 25.4
A4 = (round(210 * MM), round(297 * MM))
_FONT = str(Path(reportlab.__file__).parent / "fonts" / "Vera.ttf")
CADRES, LIGNES = (model for model in builtin_models() if model.name in ("cadres", "lignes"))


@dataclass(frozen=True)
class Drawn:
    gray: Gray
    transform: npt.NDArray[np.float64] | None  # model mm -> px


def px(mm: float) -> int:
    return round(mm * MM)


def paper(kind: str, level: int = 240, ink: int = 190) -> Gray:
    """plain | seyes | squared; ``ink`` is the grey of the ruling."""
    page = np.full((A4[1], A4[0]), level, np.uint8)
    if kind == "seyes":
        for i in range(int(297 / 2) + 1):
            cv2.line(
                page,
                (0, px(2 * i)),
                (A4[0], px(2 * i)),
                ink if i % 4 == 0 else (ink + level) // 2,
                1 if i % 4 else 2,
            )
        for i in range(int(210 / 8) + 1):
            cv2.line(page, (px(8 * i), 0), (px(8 * i), A4[1]), ink, 2)
    if kind == "squared":
        for i in range(int(297 / 5) + 1):
            cv2.line(page, (0, px(5 * i)), (A4[0], px(5 * i)), ink, 2)
        for i in range(int(210 / 5) + 1):
            cv2.line(page, (px(5 * i), 0), (px(5 * i), A4[1]), ink, 2)
    return page


def print_header(
    page: Gray, model: HeaderModel, shift_mm: tuple[float, float] = (0, 0), clear: bool = True, ink: int = 20
) -> npt.NDArray[np.float64]:
    left, top = model.page_left_mm + shift_mm[0], model.page_top_mm + shift_mm[1]

    def at(x: float, y: float) -> tuple[int, int]:
        return px(left + x), px(top + y)

    if clear:
        cv2.rectangle(page, at(-2, -2), at(model.width_mm + 2, model.height_mm + 2), 240, -1)
    for x0, y0, x1, y1 in model.frames_mm:
        cv2.rectangle(page, at(x0, y0), at(x1, y1), ink, 2)
    for x0, y0, x1, y1 in model.lines_mm:
        cv2.line(page, at(x0, y0), at(x1, y1), ink, 2)
    image = Image.fromarray(page)
    draw = ImageDraw.Draw(image)
    for text in model.texts:
        font = ImageFont.truetype(_FONT, text.size_pt / 72 * DPI)
        draw.text(at(text.left_mm, text.baseline_mm), text.text, fill=ink, font=font, anchor="ls")
    page[:] = np.asarray(image)
    return np.array([[MM, 0, left * MM], [0, MM, top * MM]])


def write(page: Gray, rng: np.random.Generator, lines: int = 20, top_mm: float = 60, ink: int = 60) -> None:
    """Rows of loops, something like handwriting."""
    for i in range(lines):
        base = px(top_mm + 9 * i)
        if base > A4[1] - px(15):
            return
        x = px(22 + rng.uniform(0, 6))
        end = px(rng.uniform(100, 190))
        while x < end:
            points = [(x, base)]
            for _ in range(int(rng.integers(4, 9))):
                x += int(rng.integers(4, 16))
                points.append((x, base - int(rng.integers(-12, 26))))
            cv2.polylines(page, [np.array(points)], False, ink, 3, cv2.LINE_AA)
            x += int(rng.integers(14, 26))


def fill_header(
    page: Gray, model: HeaderModel, transform: npt.NDArray[np.float64], rng: np.random.Generator
) -> None:
    words = {"surname": "LEFEBVRE-MARTIN", "first_name": "Maelys", "birth_date": "14/07/2009", "class": "T5"}
    for field, (left, _top, _right, bottom) in model.fields_mm.items():
        place = transform @ np.array([left + 3, bottom - 3.2 + rng.uniform(-1, 1), 1])
        cv2.putText(
            page,
            words[field],
            (int(place[0]), int(place[1])),
            cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
            1.5,
            50,
            3,
            cv2.LINE_AA,
        )


def table(page: Gray, top_mm: float = 12, ink: int = 40) -> None:
    """A table drawn by a pupil, with a word in each cell."""
    for y in (0, 12, 24, 34):
        cv2.line(page, (px(14), px(top_mm + y)), (px(196), px(top_mm + y) + 3), ink, 3)
    for x in (14, 60, 110, 150, 196):
        cv2.line(page, (px(x), px(top_mm)), (px(x) + 2, px(top_mm + 34)), ink, 3)
    for y in (9, 21, 31):
        for x in (17, 63, 113, 153):
            cv2.putText(page, "x = 4,5", (px(x), px(top_mm + y)), cv2.FONT_HERSHEY_SCRIPT_COMPLEX, 1.2, 60, 2)


def frame(page: Gray, ink: int = 30) -> None:
    """A frame the size of a header, drawn with a ruler around a title."""
    cv2.rectangle(page, (px(12), px(10)), (px(198), px(42)), ink, 3)
    cv2.putText(page, "Devoir de mathematiques", (px(50), px(30)), cv2.FONT_HERSHEY_SCRIPT_COMPLEX, 2, 50, 3)


def scanned(
    page: Gray,
    rng: np.random.Generator,
    skew: float = 0.0,
    noise: float = 4.0,
    uneven: float = 0.0,
    transform: npt.NDArray[np.float64] | None = None,
) -> Drawn:
    """Turn clockwise by ``skew`` degrees, shade, add noise."""
    height, width = page.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), -skew, 1.0)
    out = cv2.warpAffine(
        page, turn, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    ).astype(np.float32)
    if uneven:
        out *= np.linspace(1 - uneven, 1, width, dtype=np.float32)[None, :]
    if noise:
        tile = rng.normal(0, noise, (512, 512)).astype(np.float32)
        out += np.tile(tile, (height // 512 + 1, width // 512 + 1))[:height, :width]
    gray = out.clip(0, 255).astype(np.uint8)
    moved = None
    if transform is not None:
        moved = np.hstack(
            [turn[:, :2] @ transform[:, :2], (turn[:, :2] @ transform[:, 2] + turn[:, 2])[:, None]]
        )
    return Drawn(gray, moved)


def page_with_header(
    model: HeaderModel,
    kind: str = "seyes",
    seed: int = 0,
    shift_mm: tuple[float, float] = (0, 0),
    skew: float = 0.0,
    clear: bool = False,
    written: bool = True,
    noise: float = 4.0,
) -> Drawn:
    rng = np.random.default_rng(seed)
    page = paper(kind)
    transform = print_header(page, model, shift_mm, clear=clear)
    if written:
        fill_header(page, model, transform, rng)
        write(page, rng)
    return scanned(page, rng, skew, noise=noise, uneven=0.1, transform=transform)


def page_without_header(
    kind: str = "seyes", seed: int = 0, skew: float = 0.0, extra: str = "", lines: int = 24
) -> Drawn:
    rng = np.random.default_rng(seed)
    page = paper(kind)
    if extra == "table":
        table(page)
    if extra == "frame":
        frame(page)
    if lines:
        write(page, rng, lines, top_mm=60 if extra else 20)
    return scanned(page, rng, skew, uneven=0.1)


def a3(left: Gray, right: Gray) -> Gray:
    return np.ascontiguousarray(np.hstack([left, right]))
