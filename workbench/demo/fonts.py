"""Handwriting fonts: found by file name, checked glyph by glyph, rendered letter by letter."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from os import walk
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from fontTools.ttLib import TTFont
from PIL import ImageFont

from core.errors import BadInput
from workbench.demo.recipe import FontChoice, HandwritingChoice

Gray = npt.NDArray[np.uint8]

SYSTEM_FONT_DIRS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
_MEASURE_PX = 200


class HandwritingFont:
    """One font file. FreeType opens TTF, OTF and WOFF alike."""

    def __init__(self, path: Path, choice: FontChoice) -> None:
        self.path = path
        self.choice = choice

    @cached_property
    def _mapped(self) -> frozenset[str]:
        logging.getLogger("fontTools").setLevel(logging.ERROR)  # some free fonts have sloppy name tables
        with TTFont(self.path, lazy=True) as font:
            return frozenset(map(chr, font.getBestCmap()))

    def lacks(self, text: str) -> str:
        """The characters of ``text`` that are not mapped, or mapped to a glyph without ink."""
        return "".join(char for char in sorted(set(text) - {" "}) if not self._draws(char))

    @lru_cache(maxsize=512)  # noqa: B019 - a font lives as long as the drawing
    def _draws(self, char: str) -> bool:
        return char in self._mapped and self.glyph(char, _MEASURE_PX)[0].size > 0

    @cached_property
    def cap_ratio(self) -> float:
        """Height of a capital over the font size; less for a font that the recipe enlarges."""
        top, bottom = self.face(_MEASURE_PX).getbbox("H", anchor="ls")[1::2]
        return float(bottom - top) / _MEASURE_PX / self.choice.scale

    @cached_property
    def stroke_ratio(self) -> float:
        """Pen width over the height of a capital: area over half the perimeter of sample letters."""
        widths = []
        for char in "nHoeL":
            glyph = (self.glyph(char, _MEASURE_PX)[0] > 127).astype(np.uint8)
            edges = cv2.findContours(cv2.copyMakeBorder(glyph, 1, 1, 1, 1, cv2.BORDER_CONSTANT), *_OUTLINES)[
                0
            ]
            perimeter = sum(cv2.arcLength(edge, closed=True) for edge in edges)
            widths.append(2 * float(glyph.sum()) / max(perimeter, 1.0))
        return float(np.median(widths)) / (_MEASURE_PX * self.cap_ratio)

    def face(self, size_px: int) -> ImageFont.FreeTypeFont:
        """The font at a size, without ligatures so that letters stay letters."""
        return _face(self.path, size_px)

    @lru_cache(maxsize=4096)  # noqa: B019
    def glyph(self, char: str, size_px: int) -> tuple[Gray, int, int]:
        """Coverage of a character, with its left and top relative to the pen on the baseline; empty without ink."""
        mask, (left, top) = self.face(size_px).getmask2(char, mode="L", anchor="ls")
        width, height = mask.size
        pixels = np.array(mask, dtype=np.uint8).reshape(height, width)
        return (pixels if pixels.any() else np.zeros((0, 0), np.uint8)), int(left), int(top)

    @lru_cache(maxsize=8192)  # noqa: B019
    def advance(self, char: str, following: str, size_px: int) -> float:
        """Pen movement from ``char`` to ``following``, kerning included."""
        face = self.face(size_px)
        return face.getlength(char + following) - face.getlength(following)


_OUTLINES = (cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)


@lru_cache(maxsize=512)
def _face(path: Path, size_px: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size_px, layout_engine=ImageFont.Layout.BASIC)


def find(choice: HandwritingChoice, font_dirs: Sequence[Path]) -> tuple[HandwritingFont, ...]:
    """The fonts of a recipe that are installed under ``font_dirs``, in the recipe's order.

    Raises:
        BadInput: ``demo_fonts_missing`` when fewer than ``choice.fewest`` are there;
            ``missing`` names the packages, ``found`` and ``needed`` the counts.
    """
    installed = {path.name.lower(): path for folder in font_dirs for path in _files(folder)}
    found = tuple(
        HandwritingFont(installed[font.file.lower()], font)
        for font in choice.fonts
        if font.file.lower() in installed
    )
    if len(found) < choice.fewest:
        missing = sorted({font.package for font in choice.fonts if font.file.lower() not in installed})
        raise BadInput("demo_fonts_missing", missing=missing, found=len(found), needed=choice.fewest)
    return found


def _files(folder: Path) -> Iterator[Path]:
    """Font files below ``folder`` in a stable order, the last of two equal names winning."""
    for parent, folders, names in walk(folder, followlinks=True):
        folders.sort()
        for name in sorted(names):
            if name.lower().endswith((".ttf", ".otf", ".woff")):
                yield Path(parent) / name
