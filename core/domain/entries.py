"""Who sits a paper, and where half-pages and headers may stand."""

from __future__ import annotations

from enum import StrEnum


class Presence(StrEnum):
    """Presence of an entry. *Absent* is confirmed by a person, never deduced."""

    EXPECTED = "expected"
    PRESENT = "present"
    ABSENT = "absent"
    ABSENT_EXCUSED = "absent_excused"
    EXEMPT = "exempt"
    MAKE_UP = "make_up"


class Place(StrEnum):
    """The one place of a half-page of the input."""

    BOOKLET = "booklet"
    COPY = "copy"
    BLANK = "blank"
    ANNEX = "annex"
    LOOSE = "loose"
    ASIDE = "aside"
    UNREADABLE = "unreadable"
    ERASED = "erased"


class DecisionKind(StrEnum):
    """What was decided of a booklet."""

    CANDIDATE = "candidate"
    NOT_LISTED = "not_listed"
    ILLEGIBLE = "illegible"
    BLANK = "blank"
