"""Pseudonyms of a snapshot: numbers and short codes that only the key of the school year ties to rows."""

from __future__ import annotations

import hmac
import os
import secrets
from datetime import date
from pathlib import Path

from core.domain.anonymity import ALPHABET

_KEY_BYTES = 32
_CODE_LENGTH = 6


class Pseudonyms:
    """Keyed pseudonyms: HMAC-SHA-256, so that nobody without the key finds the row by trying ids."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def number(self, kind: str, row_id: int) -> int:
        """A positive 63-bit number; 700,000 copies collide with probability 3e-8."""
        return int.from_bytes(self._digest(kind, row_id)[:8], "big") >> 1

    def code(self, kind: str, row_id: int) -> str:
        """A short code for things that are shown, such as ``C-7QK2MX``."""
        rest = int.from_bytes(self._digest(kind, row_id), "big")
        signs = []
        for _ in range(_CODE_LENGTH):
            rest, place = divmod(rest, len(ALPHABET))
            signs.append(ALPHABET[place])
        return f"{kind[0].upper()}-{''.join(signs)}"

    def _digest(self, kind: str, row_id: int) -> bytes:
        return hmac.digest(self._key, f"{kind}:{row_id}".encode(), "sha256")


def school_year(day: date) -> str:
    """``2026-2027`` for a day between September 2026 and August 2027."""
    start = day.year if day.month >= 9 else day.year - 1
    return f"{start}-{start + 1}"


def key_of(secrets_folder: Path, year: str) -> bytes:
    """The key of a school year, made by chance the first time; mode 0600.

    It appears under its name only when it is whole, and the first of two
    processes wins: both then use the same key.
    """
    path = secrets_folder / f"pseudonym-{year}.key"
    if not path.exists():
        secrets_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = secrets_folder / f".{path.name}.{secrets.token_hex(8)}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, secrets.token_bytes(_KEY_BYTES))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_bytes()
