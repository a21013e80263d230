"""The journal in French: no code stands for a word, and values read as sentences do."""

from __future__ import annotations

import ast
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import core.services
from core.domain.access import Action
from core.domain.chain import Broken, Fault, Head
from core.services.journal import RECORDED, EntryView
from core.services.sealing import Verification
from workbench.journal_words import (
    ACTIONS,
    KINDS,
    actor_words,
    broken_words,
    number_words,
    object_words,
    values_words,
    verified_words,
)

AT = datetime(2026, 11, 22, 13, 2, 11, tzinfo=UTC)


def recordings() -> list[ast.Call]:
    """Every call of ``journal.record``."""
    return [
        node
        for path in Path(core.services.__path__[0]).glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "journal.record"
    ]


def test_every_act_has_words_of_its_own() -> None:
    assert set(ACTIONS) == set(Action)
    assert len(set(ACTIONS.values())) == len(ACTIONS)


def test_the_acts_that_services_record_are_those_that_can_be_looked_for() -> None:
    assert {ast.unparse(call.args[2]) for call in recordings()} == {f"Action.{act.name}" for act in RECORDED}


def test_every_kind_of_object_has_its_word() -> None:
    kinds = {
        keyword.value.value
        for call in recordings()
        for keyword in call.keywords
        if keyword.arg == "kind" and isinstance(keyword.value, ast.Constant)
    }

    assert kinds == set(KINDS)


def entry(**changes: Any) -> EntryView:
    known: dict[str, Any] = {
        "entry_id": 4,
        "number": 1284,
        "at": AT,
        "actor": "account:3",
        "login": "aline",
        "display_name": "ALINE Paul",
        "action": "mark",
        "object_kind": "copy",
        "object_id": 12,
        "values": {},
    }
    return EntryView(**(known | changes))


def test_a_line_says_its_number_or_that_it_waits() -> None:
    assert number_words(entry()) == "n° 1\u202f284"
    assert number_words(entry(number=None)) == "pas encore scellé"


def test_a_line_says_who_even_when_they_were_forgotten() -> None:
    assert actor_words(entry()) == "aline · ALINE Paul"
    assert actor_words(entry(display_name="")) == "aline"
    assert actor_words(entry(login="", display_name="")) == "compte 3"
    assert actor_words(entry(actor="system:root", login="")) == "ligne de commande (root)"


def test_a_line_says_on_what() -> None:
    assert object_words(entry()) == "copie 12"
    assert object_words(entry(object_kind="paper", object_id=None)) == "épreuve"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, []),
        (None, ["valeurs effacées"]),
        ({"before": None, "after": 31, "kind": "candidate"}, ["— → 31", "genre : candidat"]),
        ({"status": "finalised", "final_mark": "12.5"}, ["état : finalisée", "note finale : 12.5"]),
        ({"disabled": True}, ["fermé : oui"]),
        (
            {"roles_before": [], "roles": ["admin", "corrector"]},
            ["rôles d'avant : —", "rôles : administration, correction"],
        ),
        (
            {"version": 3, "changes": [{"kind": "mark", "item": 3, "before": 2.5, "after": "untreated"}]},
            ["note, question 3 : 2,5 → non traité", "version : 3"],
        ),
        ({"created": list(range(20))}, ["créé : 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11… (20)"]),
        ({"given": {"7": 2}}, ["répartition : 7 2"]),
        ({"of_a_later_version": "x"}, ["of_a_later_version : x"]),
    ],
)
def test_values_are_read_line_by_line(values: dict[str, Any] | None, words: list[str]) -> None:
    assert values_words(values) == words


@pytest.mark.parametrize("fault", Fault)
def test_every_fault_is_one_sentence_that_names_the_line(fault: Fault) -> None:
    words = broken_words(Broken(fault, 4, 5, AT, "mark", AT, 9))

    assert "n° 4 (identifiant 5, du 22/11/2026 à " in words
    assert "« Correction »" in words
    assert words.startswith("Le journal a été altéré : ")
    assert ("identifiant 9" in words) == (fault is Fault.ENTRIES_SWAPPED)


def test_a_line_that_is_gone_is_named_by_when_it_was_sealed() -> None:
    words = broken_words(Broken(Fault.ENTRY_DELETED, 4, 5, sealed_at=AT))

    assert "la ligne n° 4 (identifiant 5, scellée le 22/11/2026 à " in words


def test_a_whole_chain_is_told_with_what_waits_and_what_was_erased() -> None:
    whole = Verification(Head(10_000, "f" * 64), 10_000, 0, 0, None, None)

    assert verified_words(whole) == "10\u202f000 lignes, chaîne entière."
    assert verified_words(Verification(whole.head, 10_000, 2, 1, AT, None)) == (
        "10\u202f000 lignes, chaîne entière ; 1 ligne n'est pas encore scellée ; 2 lignes sans valeurs : "
        "l'application n'en efface pas, elles ont été retirées dans la base."
    )
