"""Chance that can be repeated: one independent stream per named thing.

A page keeps its drawing when another page is added to or left out of the
recipe, because its stream depends on its own name only.
"""

from __future__ import annotations

import hashlib

import numpy as np


def stream(seed: int, *names: object) -> np.random.Generator:
    """The random stream of the thing called ``names`` in a recipe with ``seed``."""
    digest = hashlib.sha256("\x1f".join(map(str, (seed, *names))).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))
