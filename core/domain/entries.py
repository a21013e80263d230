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


class Cut(StrEnum):
    """Which half-pages an image owes the ledger."""

    WHOLE = "whole"
    LEFT_RIGHT = "left_right"
    TOP_BOTTOM = "top_bottom"

    @property
    def halves(self) -> tuple[str, ...]:
        """Names of the halves, in the image as fed, in their order."""
        return _HALVES[self]


_HALVES = {
    Cut.WHOLE: ("full",),
    Cut.LEFT_RIGHT: ("left", "right"),
    Cut.TOP_BOTTOM: ("top", "bottom"),
}


class Side(StrEnum):
    """Which side of its sheet an image shows; ``single`` when the other one is not there."""

    FRONT = "front"
    BACK = "back"
    SINGLE = "single"


class Verdict(StrEnum):
    """What a person says of two images that look alike."""

    OPEN = "open"
    DOUBLE = "double"
    DISTINCT = "distinct"


class HeaderKind(StrEnum):
    """What a header heads: a copy, or an annex to be attached to one."""

    COPY = "copy"
    ANNEX = "annex"


class DecisionKind(StrEnum):
    """What was decided of a booklet."""

    CANDIDATE = "candidate"
    NOT_LISTED = "not_listed"
    ILLEGIBLE = "illegible"
    BLANK = "blank"
