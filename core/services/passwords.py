"""Passwords: what is acceptable, how it is kept, how it is compared."""

from __future__ import annotations

import secrets

import bcrypt

from core.domain.anonymity import ALPHABET
from core.errors import BadInput

MINIMUM_PASSWORD = 10
MAXIMUM_PASSWORD_BYTES = 72  # bcrypt reads no more, and bcrypt 5 refuses more
BCRYPT_COST = 10  # OWASP Password Storage Cheat Sheet: 10 or more; 50 ms here. Equal for all, so that time tells nothing


def acceptable(password: str) -> str:
    """The password, when it may be somebody's.

    Raises:
        BadInput: ``account_password_too_short``, ``account_password_too_long``.
    """
    if len(password) < MINIMUM_PASSWORD:
        raise BadInput("account_password_too_short", minimum=MINIMUM_PASSWORD)
    if len(password.encode()) > MAXIMUM_PASSWORD_BYTES:
        raise BadInput("account_password_too_long", maximum_bytes=MAXIMUM_PASSWORD_BYTES)
    return password


def hashed(password: str) -> str:
    """What is kept of a password."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(BCRYPT_COST)).decode()


def matches(password: str, password_hash: str | None) -> bool:
    """Whether ``password`` is the one kept; without one (nobody's account), the same work and ``False``."""
    secret = password.encode()
    right = bcrypt.checkpw(secret[:MAXIMUM_PASSWORD_BYTES], (password_hash or DUMMY_HASH).encode())
    return right and password_hash is not None and len(secret) <= MAXIMUM_PASSWORD_BYTES


def random_password() -> str:
    """Three groups of four signs that nobody mistakes, 58 bits."""
    signs = ALPHABET.lower()
    return "-".join("".join(secrets.choice(signs) for _ in range(4)) for _ in range(3))


DUMMY_HASH = hashed(secrets.token_urlsafe(16))
"""Of nobody's password, at the cost of the others."""
