"""Every error a person can meet has its French sentence, and the sentence has its details."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from core.errors import BadInput, Conflict, NotAllowed, NotFound
from workbench.sentences import MISSING, SENTENCES, sentence, sentence_of

ROOT = Path(__file__).parents[2]
RAISERS = {"BadInput", "Conflict", "WorkbenchError"}

CHOSEN_AT_RUN_TIME = {
    "core/domain/scheme_lines.py": {"scheme_no_item_column", "scheme_no_points_column"},
    "core/services/exams.py": {"paper_bad_total", "paper_bad_coefficient", "paper_bad_step"},
    "core/services/identification.py": {"candidate_ambiguous", "candidate_unknown"},
    "core/services/rosters.py": {"name_cut_unsure"},
}
"""Codes that are not written out in the call, by file; passing on ``error.code`` makes no new one."""


@dataclass(frozen=True)
class Raised:
    """One place where an error is made; ``details`` is ``None`` when they cannot be read off the source."""

    code: str
    details: frozenset[str] | None
    where: str


def raised(makers: set[str]) -> Iterator[Raised]:
    """Every error of core and of the shell whose code is written out where it is made."""
    for path in [*ROOT.glob("core/**/*.py"), *ROOT.glob("workbench/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (
                isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in makers
            ):
                continue
            code = node.args[0] if node.args else ast.Constant("conflict")
            if isinstance(code, ast.Constant):
                names = [keyword.arg for keyword in node.keywords]
                known = None if None in names else frozenset(name for name in names if name)
                yield Raised(str(code.value), known, f"{path.relative_to(ROOT)}:{node.lineno}")


def test_every_error_code_has_one_french_sentence() -> None:
    without = {f"{found.code} ({found.where})" for found in raised(RAISERS) if found.code not in SENTENCES}

    assert not without


def test_every_error_code_chosen_at_run_time_has_one_too() -> None:
    files = {
        str(path.relative_to(ROOT))
        for path in ROOT.glob("core/**/*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in RAISERS
        and node.args
        and not isinstance(node.args[0], ast.Constant)
        and ast.unparse(node.args[0]) != "error.code"
    }

    assert files == set(CHOSEN_AT_RUN_TIME)
    assert set().union(*CHOSEN_AT_RUN_TIME.values()) <= set(SENTENCES)


def test_every_kind_of_missing_object_has_a_sentence() -> None:
    without = {f"{found.code} ({found.where})" for found in raised({"NotFound"}) if found.code not in MISSING}

    assert not without


def test_every_field_of_a_sentence_is_given_where_the_error_is_raised() -> None:
    lacking = {
        f"{found.code} ({found.where}): {field}"
        for found in raised(RAISERS)
        if found.details is not None
        for _, field, _, _ in string.Formatter().parse(SENTENCES.get(found.code, ""))
        if field and field not in found.details
    }

    assert not lacking


@pytest.mark.parametrize("told", [*SENTENCES.values(), *MISSING.values()])
def test_a_sentence_begins_and_ends_as_one(told: str) -> None:
    assert re.match(r"[A-ZÀÂÉÊÎÔÇ«{]", told)
    assert told.endswith(".")


def test_a_sentence_says_first_where_the_error_is() -> None:
    error = BadInput("bad_date", file="liste.csv", line=12, value="31/02")

    assert sentence(error) == (
        "liste.csv, ligne 12 : « 31/02 » n'est pas une date. Écrivez-la JJ/MM/AAAA ou AAAA-MM-JJ."
    )


def test_numbers_of_a_sentence_have_a_decimal_comma() -> None:
    error = BadInput("scheme_total", scheme_total=Decimal("19.75"), paper_total=Decimal(20))

    assert "fait 19,75 points" in sentence(error)
    assert "sur 20." in sentence(error)


def test_sizes_of_a_sentence_are_in_octets() -> None:
    assert "2 Go" in sentence(BadInput("upload_too_large", file="a.pdf", limit_bytes=2 * 1024**3))


def test_a_sentence_with_a_detail_that_is_missing_is_still_told() -> None:
    assert sentence(Conflict("candidate_has_copy")).startswith("Ce candidat a déjà la copie …")


def test_a_code_without_sentence_is_named() -> None:
    assert "(surprise)" in sentence(BadInput("surprise"))


def test_braces_in_what_a_person_typed_are_only_text() -> None:
    assert "{headers}" in sentence(BadInput("account_login_taken", login="{headers}"))
    assert "{x.y}" in sentence(BadInput("bad_date", file="{x.y}", value="{0}"))


def test_rights_and_missing_objects_have_their_sentences() -> None:
    assert sentence(NotAllowed(action="publish")) == "Accès refusé."
    assert sentence(NotFound("paper", paper=3)) == "Cette épreuve n'existe pas ou plus."


def test_a_kept_error_reads_like_the_one_that_was_raised() -> None:
    assert sentence_of("pdf_truncated", {"file": "lot.pdf"}) == sentence(
        BadInput("pdf_truncated", file="lot.pdf")
    )
