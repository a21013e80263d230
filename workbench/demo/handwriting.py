"""Who writes with what: fonts for everything, or real crops for names and fonts for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from workbench.demo.chance import stream
from workbench.demo.hand import Habits, Hand, bare
from workbench.demo.ink import Ink, width_of, write
from workbench.demo.recipe import Pupil

BODY_SHARE = 0.7
"""Running text is smaller than a name in a box."""


class Handwriting(Protocol):
    """Draws texts for pupils as grayscale ink."""

    def write_field(
        self, pupil: Pupil, field: str, sheet: int, *, px_per_mm: float, room_px: float
    ) -> tuple[str, Ink]:
        """What the pupil wrote in a header field of that sheet, and its ink, at most ``room_px`` wide."""
        ...

    def write_line(self, pupil: Pupil, sheet: int, place: str, text: str, *, px_per_mm: float) -> Ink:
        """One line of running text; ``place`` names it, so that it is drawn alike every time."""
        ...

    def width_px(self, pupil: Pupil, text: str, *, px_per_mm: float) -> float:
        """About how wide a line of running text will be."""
        ...

    def font(self, pupil: Pupil) -> str | None:
        """File name of the pupil's font, for the record."""
        ...


class FontHandwriting:
    """Every pupil writes everything with the font and the bends that ``deal`` gave them."""

    def __init__(self, seed: int, hands: Mapping[str, tuple[Hand, Habits]]) -> None:
        self._seed = seed
        self._hands = hands

    def write_field(
        self, pupil: Pupil, field: str, sheet: int, *, px_per_mm: float, room_px: float
    ) -> tuple[str, Ink]:
        """See ``Handwriting``; a long name is written smaller, as people do."""
        hand, habits = self._hands[pupil.key]
        hand = hand.on_sheet(self._seed, pupil.key, sheet)
        text = habits.written(pupil)[field]
        cap_px = hand.cap_mm * px_per_mm
        cap_px *= min(1.0, 0.97 * room_px / width_of(text, hand, cap_px))
        while True:
            rng = stream(self._seed, "field", pupil.key, sheet, field)
            ink = write(text, hand, cap_px=cap_px, pen_px=hand.pen_mm * px_per_mm, rng=rng)
            if ink.width <= room_px:
                return text, ink
            cap_px *= 0.99 * room_px / ink.width

    def write_line(self, pupil: Pupil, sheet: int, place: str, text: str, *, px_per_mm: float) -> Ink:
        """See ``Handwriting``; characters that the font lacks lose their accent or are left out."""
        hand = self._hands[pupil.key][0].on_sheet(self._seed, pupil.key, sheet)
        rng = stream(self._seed, "line", pupil.key, sheet, place)
        cap_px = BODY_SHARE * hand.cap_mm * px_per_mm
        return write(drawable(text, hand), hand, cap_px=cap_px, pen_px=0.9 * hand.pen_mm * px_per_mm, rng=rng)

    def width_px(self, pupil: Pupil, text: str, *, px_per_mm: float) -> float:
        """See ``Handwriting``."""
        hand = self._hands[pupil.key][0]
        return width_of(text, hand, BODY_SHARE * hand.cap_mm * px_per_mm)

    def font(self, pupil: Pupil) -> str | None:
        """See ``Handwriting``."""
        return self._hands[pupil.key][0].font.path.name


def drawable(text: str, hand: Hand) -> str:
    """``text`` with what the font can draw of it."""
    lacking = hand.font.lacks(text)
    kept = "".join(bare(char) if char in lacking else char for char in text)
    still = hand.font.lacks(kept)
    return "".join(char for char in kept if char not in still) or "-"
