"""The life of a copy: statuses, events and the one table between them."""

from __future__ import annotations

from enum import StrEnum

from core.errors import ImpossibleTransition


class CopyStatus(StrEnum):
    """Where a copy stands. ``failed`` is a finalisation that did not succeed."""

    STAGED = "staged"
    IDENTIFIED = "identified"
    READY = "ready"
    MARKING = "marking"
    FINALISING = "finalising"
    FAILED = "failed"
    FINALISED = "finalised"
    PUBLISHED = "published"


class CopyEvent(StrEnum):
    """What happens to a copy."""

    IDENTIFY = "identify"
    UNIDENTIFY = "unidentify"
    RELEASE = "release"
    CLAIM = "claim"
    SURRENDER = "surrender"
    FINALISE = "finalise"
    COMPLETE = "complete"
    FAIL = "fail"
    REOPEN = "reopen"
    PUBLISH = "publish"
    WITHDRAW = "withdraw"


TRANSITIONS: dict[tuple[CopyStatus, CopyEvent], CopyStatus] = {
    (CopyStatus.STAGED, CopyEvent.IDENTIFY): CopyStatus.IDENTIFIED,
    (CopyStatus.IDENTIFIED, CopyEvent.UNIDENTIFY): CopyStatus.STAGED,
    (CopyStatus.IDENTIFIED, CopyEvent.IDENTIFY): CopyStatus.IDENTIFIED,
    (CopyStatus.STAGED, CopyEvent.RELEASE): CopyStatus.READY,
    (CopyStatus.IDENTIFIED, CopyEvent.RELEASE): CopyStatus.READY,
    (CopyStatus.READY, CopyEvent.CLAIM): CopyStatus.MARKING,
    (CopyStatus.MARKING, CopyEvent.CLAIM): CopyStatus.MARKING,
    (CopyStatus.MARKING, CopyEvent.SURRENDER): CopyStatus.READY,
    (CopyStatus.MARKING, CopyEvent.FINALISE): CopyStatus.FINALISING,
    (CopyStatus.READY, CopyEvent.FINALISE): CopyStatus.FINALISING,
    (CopyStatus.FAILED, CopyEvent.FINALISE): CopyStatus.FINALISING,
    (CopyStatus.FINALISING, CopyEvent.COMPLETE): CopyStatus.FINALISED,
    (CopyStatus.FINALISING, CopyEvent.FAIL): CopyStatus.FAILED,
    (CopyStatus.FAILED, CopyEvent.REOPEN): CopyStatus.READY,
    (CopyStatus.FINALISED, CopyEvent.REOPEN): CopyStatus.READY,
    (CopyStatus.FINALISED, CopyEvent.PUBLISH): CopyStatus.PUBLISHED,
    (CopyStatus.PUBLISHED, CopyEvent.WITHDRAW): CopyStatus.FINALISED,
}
# Identity is needed to publish, not to mark: the copy keeps its status while it is named.
for _status in (
    CopyStatus.READY,
    CopyStatus.MARKING,
    CopyStatus.FINALISING,
    CopyStatus.FAILED,
    CopyStatus.FINALISED,
):
    TRANSITIONS[(_status, CopyEvent.IDENTIFY)] = _status


def advance(status: CopyStatus, event: CopyEvent) -> CopyStatus:
    """The status after ``event``.

    Raises:
        ImpossibleTransition: The table has no such step.
    """
    try:
        return TRANSITIONS[(status, event)]
    except KeyError:
        raise ImpossibleTransition(status.value, event.value) from None


MARKABLE = frozenset({CopyStatus.READY, CopyStatus.MARKING})
"""Statuses in which a corrector may write marks."""
