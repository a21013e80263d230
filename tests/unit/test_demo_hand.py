"""Fonts are checked glyph by glyph, and each pupil gets a hand of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables._g_l_y_f import Glyph

from core.errors import BadInput
from workbench.demo import roster
from workbench.demo.chance import stream
from workbench.demo.fonts import SYSTEM_FONT_DIRS, HandwritingFont, find
from workbench.demo.hand import Habits, bare, deal
from workbench.demo.ink import write
from workbench.demo.recipe import FontChoice, Pupil, load

DATA = Path(__file__).resolve().parents[2] / "data" / "demo"
RECIPE = load(DATA / "recipe.json")
ELOISE = Pupil("1", "BÉRANGER-D'ARC", "Éloïse", "2009-12-05", "TG3")


@pytest.fixture(scope="module")
def fonts() -> dict[str, HandwritingFont]:
    return {font.path.name: font for font in find(RECIPE.handwriting, SYSTEM_FONT_DIRS)}


def test_a_character_without_a_mapping_is_lacking(fonts: dict[str, HandwritingFont]) -> None:
    assert fonts["Rufscript010.ttf"].lacks("Éloïse 05/12/2009") == "Éï"


def test_a_character_mapped_to_an_empty_glyph_is_lacking(
    fonts: dict[str, HandwritingFont], tmp_path: Path
) -> None:
    hollow = TTFont(fonts["SteveHand.ttf"].path)
    hollow["glyf"][hollow.getBestCmap()[ord("è")]] = Glyph()
    hollow.save(tmp_path / "hollow.ttf")

    font = HandwritingFont(tmp_path / "hollow.ttf", FontChoice("hollow.ttf", "none"))

    assert font.lacks("Lefèvre-d'Arc 07/12/2009") == "è"


def test_a_font_without_a_character_of_the_name_is_not_used_for_that_pupil(
    fonts: dict[str, HandwritingFont],
) -> None:
    poor, rich = fonts["Rufscript010.ttf"], fonts["SteveHand.ttf"]
    accented = [Pupil(str(number), "GUÉRIN", "Zoé", "2009-01-02", "TG3") for number in range(12)]

    dealt = deal(5, accented, [poor, rich])

    for hand, habits in dealt.values():
        written = "".join(habits.written(accented[0]).values())
        assert hand.font is (poor if written == bare(written) else rich)


def test_a_name_that_no_font_can_write_is_refused(fonts: dict[str, HandwritingFont]) -> None:
    foreign = Pupil("1", "ŁĄCZKA", "Ж", "2009-01-02", "TG3")

    with pytest.raises(BadInput, match="demo_text_undrawable"):
        deal(5, [foreign], [fonts["Rufscript010.ttf"]])


def test_too_few_fonts_are_refused_and_the_packages_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="demo_fonts_missing") as refusal:
        find(RECIPE.handwriting, [tmp_path])

    missing = refusal.value.details["missing"]
    assert isinstance(missing, list)
    assert "fonts-breip" in missing
    assert refusal.value.details["found"] == 0


def test_namesakes_write_with_different_fonts(fonts: dict[str, HandwritingFont]) -> None:
    pupils = roster.read(DATA / "roster.csv")

    dealt = deal(RECIPE.seed, pupils, list(fonts.values()))

    one, other = (dealt[pupil.key][0] for pupil in pupils if pupil.surname == "MARTIN")
    assert one.font is not other.font


@pytest.mark.parametrize(
    ("habits", "expected"),
    [
        (Habits(True, False, False, "{day}/{month}/{year}"), ("BERANGER-D'ARC", "Éloïse", "05/12/2009")),
        (Habits(True, True, True, "{day}-{month}-{year}"), ("BÉRANGER-D'ARC", "ÉLOÏSE", "05-12-2009")),
        (Habits(False, False, True, "{day}/{month}/{short}"), ("Béranger-D'Arc", "Éloïse", "05/12/09")),
    ],
)
def test_a_pupil_fills_in_the_header_by_their_habits(habits: Habits, expected: tuple[str, str, str]) -> None:
    written = habits.written(ELOISE)

    assert (written["surname"], written["first_name"], written["birth_date"]) == expected


def test_the_same_pupil_writes_a_little_otherwise_on_the_next_sheet(
    fonts: dict[str, HandwritingFont],
) -> None:
    hand, _ = deal(5, [ELOISE], list(fonts.values()))[ELOISE.key]

    first, second, again = (hand.on_sheet(5, ELOISE.key, sheet) for sheet in (1, 2, 1))

    assert first == again != second
    assert abs(first.slant - second.slant) < 0.2


def test_writing_is_as_high_as_asked_and_trimmed_to_its_ink(fonts: dict[str, HandwritingFont]) -> None:
    hand, _ = deal(5, [ELOISE], [fonts["SteveHand.ttf"]])[ELOISE.key]

    ink = write("HELENE", hand, cap_px=40, pen_px=3.5, rng=stream(1, "test"))

    dark = ink.pixels > 40
    assert 34 < ink.height < 60
    assert dark[0].any()
    assert dark[-1].any()
    assert np.asarray(ink.pixels).max() <= 255
    assert abs(ink.baseline - ink.height) < 10
