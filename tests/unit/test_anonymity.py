"""Anonymous codes."""

from __future__ import annotations

import random

import pytest

from core.domain.anonymity import ALPHABET, new_code, normalise


def code(seed: int) -> str:
    return new_code(random.Random(seed).choice)


CODES = [code(seed) for seed in range(40)]


def test_a_code_is_its_own_written_form() -> None:
    assert [normalise(known) for known in CODES] == CODES


def test_the_number_of_signs_is_prime_as_the_check_needs() -> None:
    assert len(ALPHABET) == len(set(ALPHABET)) == 29


def test_no_code_holds_two_signs_that_hands_write_alike() -> None:
    for twins in ("0O", "1IL", "2Z", "UV"):
        assert len(set(twins) & set(ALPHABET)) <= 1, twins


def test_one_wrong_sign_is_always_noticed() -> None:
    for known in CODES:
        for place, right in enumerate(known):
            for wrong in set(ALPHABET) - {right}:
                if right != "-":
                    assert normalise(known[:place] + wrong + known[place + 1 :]) is None


def test_two_neighbours_swapped_are_always_noticed() -> None:
    for known in CODES:
        signs = known.replace("-", "")
        for place in range(len(signs) - 1):
            one, other = signs[place], signs[place + 1]
            if one != other:
                assert normalise(signs[:place] + other + one + signs[place + 2 :]) is None


def test_case_spaces_and_dashes_of_the_typist_do_not_matter() -> None:
    known = CODES[0]

    assert normalise(f"  {known.lower().replace('-', ' – ')} ") == known


@pytest.mark.parametrize("stray", ["0", "é", "/", "\x00"])
def test_a_sign_that_no_code_holds_is_an_error_and_not_ignored(stray: str) -> None:
    assert normalise(CODES[0] + stray) is None
    assert normalise(stray + CODES[0][1:]) is None


@pytest.mark.parametrize("text", ["", "K7", "K7-4QXMM", "---"])
def test_what_is_not_a_code_is_none(text: str) -> None:
    assert normalise(text) is None
