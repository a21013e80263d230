"""The documentation says what is there."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from enum import StrEnum
from pathlib import Path

import pytest

from core.db.tables import Base
from core.domain.access import Role
from core.domain.copies import CopyStatus
from core.domain.entries import DecisionKind, Place, Presence
from core.domain.marking import MarkingKind, MarkState

ROOT = Path(__file__).parents[2]
DOCS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
GLOSSARY = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
DECISIONS = sorted((ROOT / "docs/decisions").glob("0*.md"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def glossary_rows() -> list[list[str]]:
    lines = [line for line in GLOSSARY.splitlines() if line.startswith("| ") and "| English |" not in line]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def words(name: str) -> str:
    return name.replace("_", " ").replace("-", " ").lower()


def layers_of_core() -> str:
    """The layers as the linter's contract states them, spaces and parentheses of "still to come" taken off."""
    contract = (ROOT / ".importlinter").read_text(encoding="utf-8").split("[importlinter:contract:core]")[1]
    block = contract.split("layers =\n")[1].split("\n\n")[0]
    return "\n".join(re.sub(r"[()]", "", line).strip() for line in block.splitlines())


@pytest.mark.parametrize("document", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target and not target.startswith("mailto:")]

    assert [target for target in local if not (document.parent / target).exists()] == []


@pytest.mark.parametrize("document", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_make_target_that_is_named_exists_and_explains_itself(document: Path) -> None:
    explained = set(re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE))
    named = set(re.findall(r"(?:^|`|\n)make ([a-z-]+)", document.read_text(encoding="utf-8")))

    assert named <= explained


def test_every_row_of_the_glossary_is_complete() -> None:
    assert [row for row in glossary_rows() if len(row) != 3 or not all(row)] == []


def test_no_word_of_the_glossary_stands_twice_in_one_sense() -> None:
    seen = Counter((row[0], row[2]) for row in glossary_rows())

    assert [word for word, count in seen.items() if count > 1] == []


def test_every_table_has_its_line_in_the_glossary() -> None:
    known = {words(row[0]) for row in glossary_rows()}

    assert {words(table) for table in Base.metadata.tables} - known == set()


@pytest.mark.parametrize(
    ("sense", "values"),
    [
        ("role", Role),
        ("presence", Presence),
        ("place", Place),
        ("decision", DecisionKind),
        ("status", CopyStatus),
        ("state of an item", MarkState),
        ("kind of marking", MarkingKind),
    ],
)
def test_the_glossary_has_the_values_of_each_enumeration_and_no_others(
    sense: str, values: type[StrEnum]
) -> None:
    listed = {row[0] for row in glossary_rows() if row[2] == sense}

    assert listed == {value.value for value in values}


def test_the_layers_that_are_documented_are_those_that_are_checked() -> None:
    architecture = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")

    assert f"```\n{layers_of_core()}\n```" in architecture


def test_the_domain_imports_the_standard_library_and_core_errors_only() -> None:
    imported = {
        (path.name, module) for path in (ROOT / "core/domain").glob("*.py") for module in imported_by(path)
    }

    assert {
        (file, module)
        for file, module in imported
        if module.split(".")[0] not in sys.stdlib_module_names
        and module != "core.errors"
        and not module.startswith("core.domain")
    } == set()


def imported_by(path: Path) -> set[str]:
    """The modules that a file imports, wherever in it."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}


def test_decisions_are_numbered_without_a_gap_and_all_listed() -> None:
    listing = (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8")
    numbers = [int(path.name[:4]) for path in DECISIONS]

    assert numbers == list(range(1, len(DECISIONS) + 1))
    for path in DECISIONS:
        title = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        number, sentence = title.split(". ", 1)
        assert f"{number}. [{sentence}]({path.name})" in listing


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_says_its_situation_its_consequences_and_what_keeps_it_true(decision: Path) -> None:
    headings = re.findall(r"^## (.+)$", decision.read_text(encoding="utf-8"), re.MULTILINE)

    assert headings == ["Situation", "Decision", "What follows", "How it is kept true"]


def test_the_changelog_has_a_place_for_what_comes_next() -> None:
    assert "\n## Unreleased\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_make_target_explains_itself() -> None:
    targets = set(re.findall(r"^\.PHONY: ([a-z-]+)$", MAKEFILE, re.MULTILINE))

    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert targets == set(re.findall(r"^ {2}make ([a-z-]+) ", shown, re.MULTILINE))
