"""Who sits a paper, as a table: one candidate a line, with presence, room and variant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from core.domain.columns import LineProblem, Row, cell
from core.domain.entries import Presence
from core.domain.names import fold
from core.domain.rosters import PERSON_COLUMNS, Known, map_columns, name_key, read_birth_date, read_name
from core.errors import BadInput

ENTRY_COLUMNS: dict[str, tuple[str, ...]] = PERSON_COLUMNS | {
    "presence": ("PRESENCE", "PRESENT", "EMARGEMENT", "STATUT"),
    "room": ("SALLE", "ROOM", "LIEU"),
    "variant": ("VARIANTE", "VARIANT", "SUJET"),
}
_PRESENCES = {
    "": Presence.EXPECTED,
    "ATTENDU": Presence.EXPECTED,
    "ATTENDUE": Presence.EXPECTED,
    "PRESENT": Presence.PRESENT,
    "PRESENTE": Presence.PRESENT,
    "P": Presence.PRESENT,
    "OUI": Presence.PRESENT,
    "ABSENT": Presence.ABSENT,
    "ABSENTE": Presence.ABSENT,
    "A": Presence.ABSENT,
    "ABS": Presence.ABSENT,
    "NON": Presence.ABSENT,
    "ABSENT JUSTIFIE": Presence.ABSENT_EXCUSED,
    "ABSENTE JUSTIFIEE": Presence.ABSENT_EXCUSED,
    "ABSENCE JUSTIFIEE": Presence.ABSENT_EXCUSED,
    "DISPENSE": Presence.EXEMPT,
    "DISPENSEE": Presence.EXEMPT,
    "RATTRAPAGE": Presence.MAKE_UP,
} | {fold(presence.value): presence for presence in Presence}


@dataclass(frozen=True)
class EntryLine:
    """One line of a file of entries; ``room`` and ``variant`` are ``None`` when the file has no such column."""

    number: int
    surname: str
    first_name: str
    birth_date: date | None
    ine: str | None
    candidate_number: str | None
    presence: Presence
    room: str | None
    variant: str | None


def read_entries(
    headers: Sequence[str], rows: Iterable[Row]
) -> tuple[tuple[EntryLine, ...], tuple[LineProblem, ...]]:
    """The good lines of a file of entries, and the bad ones with their reason.

    Reasons of lines: those of rosters and ``entries_bad_presence``.

    Raises:
        BadInput: ``roster_no_name_column``.
    """
    mapping = map_columns(headers, ENTRY_COLUMNS)
    lines: list[EntryLine] = []
    errors: list[LineProblem] = []
    for number, row in rows:
        try:
            lines.append(_read_line(number, row, mapping))
        except BadInput as error:
            errors.append(LineProblem(number, error))
    return tuple(lines), tuple(errors)


def find_candidate(line: EntryLine, roster: Iterable[Known]) -> int:
    """The key of the one candidate a line means.

    Raises:
        BadInput: ``entries_unknown_candidate`` or ``entries_ambiguous``.
    """
    wanted = name_key(line.surname, line.first_name)
    found = [person for person in roster if line.ine and person.ine == line.ine]
    found = found or [
        person
        for person in roster
        if name_key(person.surname, person.first_name) == wanted
        and not (line.birth_date and person.birth_date and person.birth_date != line.birth_date)
        and not (line.ine and person.ine)
    ]
    if line.candidate_number and len(found) > 1:
        found = [person for person in found if person.candidate_number == line.candidate_number] or found
    name = f"{line.surname} {line.first_name}".strip()
    if not found:
        raise BadInput("entries_unknown_candidate", name=name)
    if len(found) > 1:
        raise BadInput("entries_ambiguous", name=name, count=len(found))
    return found[0].key


def _read_line(number: int, row: Mapping[str, str], mapping: Mapping[str, str]) -> EntryLine:
    surname, first_name, _ = read_name(row, mapping)
    presence = cell(row, mapping, "presence")
    if fold(presence) not in _PRESENCES or (presence and not fold(presence)):
        raise BadInput("entries_bad_presence", value=presence)
    return EntryLine(
        number=number,
        surname=surname,
        first_name=first_name,
        birth_date=read_birth_date(row, mapping),
        ine=cell(row, mapping, "ine").replace(" ", "").upper() or None,
        candidate_number=cell(row, mapping, "number") or None,
        presence=_PRESENCES[fold(presence)],
        room=cell(row, mapping, "room") if "room" in mapping else None,
        variant=cell(row, mapping, "variant") if "variant" in mapping else None,
    )
