"""What makes a pupil's writing their own, and how they write their name and their dates."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.errors import BadInput
from workbench.demo.chance import stream
from workbench.demo.fonts import HandwritingFont
from workbench.demo.recipe import Pupil


@dataclass(frozen=True)
class Hand:
    """A font and the way this pupil bends it. Ratios are to the height of a capital."""

    font: HandwritingFont
    cap_mm: float
    """Height of a capital in the header; running text is smaller."""
    pen_mm: float
    ink: int
    """Darkness of the pen, 0 invisible to 255 black."""
    slant: float
    """Shift to the right per unit of height."""
    spacing: float
    """Extra space between letters."""
    wobble: float
    """How far the baseline wanders."""
    elastic: float
    """How far strokes stray from the font's outline."""

    def on_sheet(self, seed: int, pupil: str, sheet: int) -> Hand:
        """The same hand an hour later: a little other size, slant and pressure."""
        rng = stream(seed, "hand", pupil, sheet)
        return replace(
            self,
            cap_mm=self.cap_mm * rng.uniform(0.94, 1.06),
            slant=self.slant + rng.normal(0, 0.025),
            spacing=self.spacing + rng.normal(0, 0.01),
            ink=int(self.ink + rng.integers(-10, 11)),
        )


@dataclass(frozen=True)
class Habits:
    """How a pupil fills in a header."""

    surname_capitals: bool
    first_name_capitals: bool
    accents_on_capitals: bool
    date_format: str

    def written(self, pupil: Pupil) -> dict[str, str]:
        """The text of each header field as this pupil writes it."""
        return {
            "surname": self._cased(pupil.surname, self.surname_capitals),
            "first_name": self._cased(pupil.first_name, self.first_name_capitals),
            "birth_date": self._date(pupil.birth_date),
            "class": pupil.class_name,
        }

    def _cased(self, name: str, capitals: bool) -> str:
        if not capitals:
            return name.title()
        return name.upper() if self.accents_on_capitals else bare(name.upper())

    def _date(self, iso: str) -> str:
        year, month, day = iso.split("-")
        return self.date_format.format(day=day, month=month, year=year, short=year[2:])


DATE_FORMATS = ("{day}/{month}/{year}", "{day}-{month}-{year}", "{day}/{month}/{short}")


def bare(text: str) -> str:
    """``text`` without its accents, as many write capitals."""
    return "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))


def habits(seed: int, pupil: Pupil) -> Habits:
    """The habits of one pupil; most write the surname in capitals, half of them without accents."""
    rng = stream(seed, "habits", pupil.key)
    return Habits(
        surname_capitals=bool(rng.random() < 0.8),
        first_name_capitals=bool(rng.random() < 0.4),
        accents_on_capitals=bool(rng.random() < 0.5),
        date_format=DATE_FORMATS[int(rng.choice(3, p=(0.7, 0.15, 0.15)))],
    )


def deal(
    seed: int, pupils: Sequence[Pupil], fonts: Sequence[HandwritingFont]
) -> dict[str, tuple[Hand, Habits]]:
    """Give every pupil a hand and habits, the least used font first.

    A font that lacks a character of what the pupil writes is passed over; when
    none has them all, the pupil writes capitals without accents.

    Raises:
        BadInput: ``demo_text_undrawable`` with ``text`` when no font has the letters.
    """
    shuffled = [fonts[index] for index in stream(seed, "fonts").permutation(len(fonts))]
    uses = Counter[str]()
    dealt: dict[str, tuple[Hand, Habits]] = {}
    for pupil in pupils:
        hand, habit = _deal_one(seed, pupil, sorted(shuffled, key=lambda font: uses[font.path.name]))
        uses[hand.font.path.name] += 1
        dealt[pupil.key] = hand, habit
    return dealt


def _deal_one(seed: int, pupil: Pupil, fonts: Sequence[HandwritingFont]) -> tuple[Hand, Habits]:
    usual = habits(seed, pupil)
    plain = replace(usual, surname_capitals=True, first_name_capitals=True, accents_on_capitals=False)
    for wanted in (usual, plain):
        for font in fonts:
            suited = _suited(wanted, font)
            if not font.lacks("".join(suited.written(pupil).values())):
                return _hand(seed, pupil, font), suited
    raise BadInput("demo_text_undrawable", text=" ".join(plain.written(pupil).values()))


def _suited(wanted: Habits, font: HandwritingFont) -> Habits:
    """Nobody writes a whole name in swash capitals."""
    if font.choice.capitals:
        return wanted
    return replace(wanted, surname_capitals=False, first_name_capitals=False)


def _hand(seed: int, pupil: Pupil, font: HandwritingFont) -> Hand:
    rng = stream(seed, "hand", pupil.key)
    tidy = 0.3 if font.choice.joined else 1.0
    return Hand(
        font=font,
        cap_mm=rng.uniform(3.8, 5.4),
        pen_mm=rng.uniform(0.32, 0.55),
        ink=int(rng.integers(150, 226)),
        slant=float(rng.normal(0.04, 0.1)),
        spacing=tidy * rng.uniform(0.02, 0.18),
        wobble=tidy * rng.uniform(0.01, 0.07),
        elastic=rng.uniform(0.025, 0.06),
    )
