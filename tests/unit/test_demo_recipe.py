"""The committed demonstration data: roster, scheme and recipes."""

from __future__ import annotations

import csv
import json
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from core.errors import BadInput
from workbench.demo import roster
from workbench.demo.recipe import load

DATA = Path(__file__).resolve().parents[2] / "data" / "demo"


def test_the_roster_has_the_difficult_names_of_a_real_class() -> None:
    pupils = roster.read(DATA / "roster.csv")

    names = Counter((pupil.surname, pupil.first_name) for pupil in pupils)
    homonyms = [pupil for pupil in pupils if names[pupil.surname, pupil.first_name] > 1]
    assert len(pupils) == len({pupil.key for pupil in pupils}) == 28
    assert len(homonyms) == 2
    assert len({pupil.birth_date for pupil in homonyms}) == 2
    assert sum(" " in pupil.surname or "-" in pupil.surname for pupil in pupils) == 3
    assert any("'" in pupil.surname for pupil in pupils)
    assert any("È" in pupil.surname for pupil in pupils)


def test_the_scheme_has_four_exercises_and_thirty_eight_items_for_twenty_points() -> None:
    with (DATA / "scheme.csv").open(encoding="utf-8", newline="") as stream:
        leaves = [row for row in csv.DictReader(stream) if row["points"]]

    points = [Decimal(row["points"]) for row in leaves]
    assert len(leaves) == 38
    assert {row["item"].split(".")[0] for row in leaves} == {"1", "2", "3", "4"}
    assert sum(points) == 20
    assert all(value % Decimal("0.25") == 0 for value in points)
    assert all(row["competence"] for row in leaves)


@pytest.mark.parametrize("name", ["recipe.json", "recipe_tests.json", "recipe_crops.json"])
def test_a_class_hands_in_forty_four_sheets(name: str) -> None:
    recipe = load(DATA / name)

    assert Counter(copy.sheets for copy in recipe.copies) == {1: 13, 2: 14, 3: 1}
    assert recipe.sheets == 44
    assert {copy.header for copy in recipe.copies} == {"cadres", "lignes"}
    assert len(recipe.absent) == len(recipe.strangers) == 1
    assert not set(recipe.absent) & {copy.pupil for copy in recipe.copies}
    assert recipe.strangers[0].key in {copy.pupil for copy in recipe.copies}


def test_every_roster_pupil_but_the_absent_one_hands_in_a_copy() -> None:
    recipe = load(DATA / "recipe.json")

    listed = {pupil.key for pupil in roster.read(DATA / "roster.csv")}
    writers = {copy.pupil for copy in recipe.copies}
    assert listed - writers == set(recipe.absent)
    assert writers - listed == {stranger.key for stranger in recipe.strangers}


def test_the_tests_draw_with_twenty_fonts_or_more_and_the_demonstration_with_eight_packages_or_more() -> None:
    tests, demonstration = load(DATA / "recipe_tests.json"), load(DATA / "recipe.json")

    assert len({font.package for font in tests.handwriting.fonts}) >= tests.handwriting.fewest >= 20
    assert len({font.package for font in demonstration.handwriting.fonts}) >= 8


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"dpi": "deux cents"}, "invalid literal"),
        ({"faults": [{"pupil": "hors-liste-1", "sheet": 1, "rotate": 45}]}, "rotate=45"),
        ({"roster": None}, "roster"),
    ],
)
def test_a_wrong_recipe_is_refused_with_its_reason(
    tmp_path: Path, change: dict[str, object], reason: str
) -> None:
    raw = json.loads((DATA / "recipe.json").read_text(encoding="utf-8")) | change
    raw = {key: value for key, value in raw.items() if value is not None}
    (tmp_path / "recipe.json").write_text(json.dumps(raw), encoding="utf-8")

    with pytest.raises(BadInput, match="demo_recipe_invalid") as refusal:
        load(tmp_path / "recipe.json")

    assert reason in str(refusal.value.details["reason"])
