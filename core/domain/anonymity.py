"""Anonymous codes: short, random, with a check character, unrelated to order or name."""

from __future__ import annotations

import re
from collections.abc import Callable

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXY"
"""Signs without the twins 0/O, 1/I/L, 2/Z, U/V. Their number, 29, is prime: a sum weighted by
position then catches any one wrong sign and any two neighbours swapped."""

_RANDOM_LENGTH = 5


def new_code(pick: Callable[[str], str]) -> str:
    """A code such as ``K7-4QXM``; ``pick`` draws one sign of a string, by chance that cannot be guessed."""
    body = "".join(pick(ALPHABET) for _ in range(_RANDOM_LENGTH))
    return _layout(body + _check_sign(body))


def normalise(text: str) -> str | None:
    """The code a person typed, in its written form; ``None`` when it cannot be one.

    Spaces and dashes may be anywhere; a sign that no code holds is an error of typing, never ignored.
    """
    signs = re.sub(r"[\s\-‐–]", "", text).upper()
    if len(signs) != _RANDOM_LENGTH + 1 or not set(signs) <= set(ALPHABET):
        return None
    if signs[-1] != _check_sign(signs[:-1]):
        return None
    return _layout(signs)


def _check_sign(body: str) -> str:
    weighted = sum((place + 1) * ALPHABET.index(sign) for place, sign in enumerate(body))
    return ALPHABET[weighted % len(ALPHABET)]


def _layout(signs: str) -> str:
    return f"{signs[:2]}-{signs[2:]}"
