"""Who did what: one line per act, in the act's own transaction."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

from sqlalchemy.orm import Session

from core.db.tables import JournalEntry, JournalValue
from core.domain.access import Action, Actor


def record(
    session: Session,
    actor: Actor,
    action: Action,
    *,
    kind: str,
    object_id: int | None,
    values: Mapping[str, Any] | None = None,
) -> None:
    """Add an entry for an act on the object ``kind`` / ``object_id``.

    ``values`` (JSON, with dates, decimals and enumerations written as text) stand
    in the erasable table; the entry itself keeps only a salted digest of them, so
    that a forgotten person leaves the journal whole. Never pass a secret.
    """
    plain = json.loads(json.dumps(dict(values or {}), default=_plain))
    salt = secrets.token_hex(16)
    entry = JournalEntry(
        actor=actor.label,
        action=action.value,
        object_kind=kind,
        object_id=object_id,
        digest=digest(salt, plain),
    )
    session.add(entry)
    session.flush()
    session.add(JournalValue(entry_id=entry.id, salt=salt, values=plain))


def digest(salt: str, values: Mapping[str, Any]) -> str:
    """SHA-256 of a salt and values, the same whatever the order of the keys."""
    canonical = json.dumps(values, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(f"{salt}:{canonical}".encode()).hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} cannot stand in the journal")
