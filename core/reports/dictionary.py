"""The tables of a snapshot: names, types and what each column means. Written beside the data as JSON."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class Field:
    """A column. ``identifying`` ones exist only in an identified snapshot."""

    name: str
    type: pa.DataType
    meaning: str
    identifying: bool = False


@dataclass(frozen=True)
class SnapshotTable:
    """A table and what one of its rows is."""

    name: str
    grain: str
    fields: tuple[Field, ...]

    def schema(self, *, identified: bool) -> pa.Schema:
        """The Arrow schema, with or without the identifying columns."""
        return pa.schema(
            [(field.name, field.type) for field in self.fields if identified or not field.identifying]
        )


_ID, _WHOLE, _TEXT, _YES = pa.int64(), pa.int32(), pa.string(), pa.bool_()
_PSEUDONYM = "pseudonym, stable within a school year"

PAPER = SnapshotTable(
    "paper",
    "one row per paper (épreuve)",
    (
        Field("paper_id", _ID, "paper"),
        Field("session", _TEXT, "name of the session"),
        Field("name", _TEXT, "name of the paper"),
        Field("sat_on", pa.date32(), "day of the exam"),
        Field("units_per_point", _ID, "units of the integer marks in one point; 100: hundredths"),
        Field("total_units", _ID, "points of the scheme without bonus, in units"),
        Field("scale_units", _ID, "scale of the final mark, in units"),
        Field("coefficient_hundredths", _ID, "coefficient, in hundredths"),
    ),
)
VARIANT = SnapshotTable(
    "variant",
    "one row per variant (sujet) of a paper",
    (
        Field("variant_id", _ID, "variant"),
        Field("paper_id", _ID, "paper"),
        Field("code", _TEXT, "A, B…"),
    ),
)
ITEM = SnapshotTable(
    "item",
    "one row per variant and leaf item of its current scheme",
    (
        Field("item_id", _ID, "lasting identity, shared by variants that share the item"),
        Field("paper_id", _ID, "paper"),
        Field("variant_id", _ID, "variant"),
        Field("position", _WHOLE, "rank on the paper"),
        Field("code", _TEXT, "code printed on the paper"),
        Field("label", _TEXT, "words of the scheme"),
        Field("exercise", _TEXT, "first part of the code"),
        Field("competence", _TEXT, "competence tag, may be empty"),
        Field("bonus", _YES, "whether it counts outside the total"),
        Field("points_units", _ID, "maximum, in units"),
    ),
)
ENTRY = SnapshotTable(
    "entry",
    "one row per candidate and paper",
    (
        Field("candidate_id", _ID, f"candidate; {_PSEUDONYM}"),
        Field("paper_id", _ID, "paper"),
        Field("variant_id", _ID, "variant, NULL when not assigned"),
        Field("class_name", _TEXT, "class, empty when not known"),
        Field("group_name", _TEXT, "group, empty when not known"),
        Field("presence", _TEXT, "expected, present, absent, absent_excused, exempt or make_up"),
        Field("surname", _TEXT, "surname", identifying=True),
        Field("first_name", _TEXT, "first name", identifying=True),
        Field("birth_date", pa.date32(), "date of birth", identifying=True),
    ),
)
COPY = SnapshotTable(
    "copy",
    "one row per copy",
    (
        Field("copy_id", _ID, f"copy; {_PSEUDONYM}"),
        Field("paper_id", _ID, "paper"),
        Field("variant_id", _ID, "variant"),
        Field("candidate_id", _ID, f"candidate, NULL while nobody knows; {_PSEUDONYM}"),
        Field("class_name", _TEXT, "class of the candidate, empty when not known"),
        Field("corrector", _TEXT, f"corrector of the marking of record; {_PSEUDONYM}"),
        Field("status", _TEXT, "status of the workflow"),
        Field("pages", _WHOLE, "pages of the current page set"),
        Field("is_finished", _YES, "finalised or published: what statistics count as corrected"),
        Field("is_marked", _YES, "every item has a state, finalised or not"),
        Field("items", _WHOLE, "items marked or not treated"),
        Field("is_whole", _YES, "no item is missing or neutralised for this copy alone"),
        Field(
            "total_units", _ID, "sum of the items, bonus included, in units; NULL when an item has no state"
        ),
        Field("mark_units", _ID, "final mark on the final scale, in units; NULL when an item has no state"),
        Field("code", _TEXT, "anonymous code", identifying=True),
    ),
)
MARK = SnapshotTable(
    "mark",
    "one row per copy and item that has a state in the marking of record; no row: still to be marked",
    (
        Field("copy_id", _ID, f"copy; {_PSEUDONYM}"),
        Field("item_id", _ID, "item"),
        Field("state", _TEXT, "marked, untreated (counts 0) or neutralised (left out, points rescaled)"),
        Field("points_units", _ID, "points in units; NULL unless marked"),
    ),
)
LOT = SnapshotTable(
    "lot",
    "one row per paper and corrector's bundle (paquet)",
    (
        Field("paper_id", _ID, "paper"),
        Field("corrector", _TEXT, f"corrector; {_PSEUDONYM}"),
        Field("copies", _WHOLE, "copies of the bundle"),
        Field("is_random", _YES, "all of it was allocated by chance, from a recorded seed"),
        Field("login", _TEXT, "sign-in name of the corrector", identifying=True),
    ),
)
BOOKLET = SnapshotTable(
    "booklet",
    "one row per booklet (sheet with a header) and what became of its identity",
    (
        Field("paper_id", _ID, "paper"),
        Field("proposal", _TEXT, "automatic, review or none"),
        Field(
            "probability", pa.float64(), "probability of the candidate ranked first; NULL without proposal"
        ),
        Field("decision", _TEXT, "candidate, not_listed, illegible or blank; NULL while undecided"),
        Field("is_automatic", _YES, "decided without a person; NULL while undecided"),
        Field("chosen_rank", _WHOLE, "rank of the candidate decided for; NULL when none of those proposed"),
    ),
)

TABLES = (PAPER, VARIANT, ITEM, ENTRY, COPY, MARK, LOT, BOOKLET)


def described(*, identified: bool) -> list[dict[str, str]]:
    """The data dictionary: one line per column of a snapshot."""
    return [
        {
            "table": table.name,
            "grain": table.grain,
            "column": field.name,
            "type": str(field.type),
            "meaning": field.meaning,
        }
        for table in TABLES
        for field in table.fields
        if identified or not field.identifying
    ]
