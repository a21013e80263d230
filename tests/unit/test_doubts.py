from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from core.domain import stapling
from core.domain.doubts import LEVELS, Level, by_urgency, codes, level_of, urgency
from tests.story import ROOT
from workbench import scan_words

OTHER_REASONS = {"loose.py"}
"""Modules whose reasons are not those of half-pages."""


def codes_in_source() -> Iterator[tuple[str, str]]:
    """String constants where core makes flags or reasons of half-pages, with their file."""
    for path in sorted((ROOT / "core").rglob("*.py")):
        if path.name in OTHER_REASONS:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for made in _making(node):
                for inner in ast.walk(made):
                    if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                        yield path.name, inner.value


def _making(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.FunctionDef) and re.search(r"(^|_)(flags|reasons)$", node.name):
        yield from node.body[1:]
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == "flags":
                yield value
    elif isinstance(node, ast.keyword) and node.arg in ("reasons", "flags"):
        yield node.value


def test_every_code_written_by_core_has_a_level() -> None:
    found = {(file, code) for file, code in codes_in_source() if re.fullmatch(r"[a-z]+(_[a-z0-9]+)+", code)}

    assert {("quality.py", "too_light"), ("sides.py", "turned_180"), ("look.py", "size_odd")} <= found
    assert {(file, code) for file, code in found if code not in LEVELS} == set()
    assert {stapling.SET_ASIDE, stapling.REPLACED, stapling.DOUBLE} <= set(LEVELS)


def test_every_code_has_words_and_no_words_are_without_code() -> None:
    assert set(scan_words.REASONS) == set(LEVELS)
    assert set(scan_words.LEVELS) == set(Level)
    assert len(set(scan_words.REASONS.values())) == len(LEVELS)


def test_one_doubt_outweighs_whatever_was_corrected_or_set_apart() -> None:
    assert level_of(()) is None
    assert level_of(("turned_180",)) is Level.CORRECTED
    assert level_of(("turned_180", "annex_waiting")) is Level.PLACED
    assert level_of(("turned_180", "annex_waiting", "back_missing")) is Level.DOUBTFUL


def test_what_may_lose_a_page_is_looked_at_before_what_is_hard_to_read_and_that_before_the_rest() -> None:
    assert by_urgency(codes("turned_180 too_light front_missing annex_waiting")) == (
        "front_missing",
        "too_light",
        "annex_waiting",
        "turned_180",
    )
    assert urgency(("turned_180", "front_missing")) < urgency(("too_light",)) < urgency(())
    levels = list(LEVELS.values())
    assert levels == sorted(levels, key=[Level.DOUBTFUL, Level.PLACED, Level.CORRECTED].index)


def test_an_unknown_code_is_refused() -> None:
    with pytest.raises(KeyError):
        level_of(("strange",))


def test_the_reasons_of_a_page_are_said_the_most_urgent_first() -> None:
    assert scan_words.reason_words("turned_180 blurred") == ["page floue", "remise à l'endroit (demi-tour)"]
    assert scan_words.reason_words("") == []
