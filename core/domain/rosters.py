"""Rosters as they come: which column is what, one person a line, who is who at the next import."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from core.domain.columns import LineProblem, Row, cell, parse_date, recognise
from core.domain.names import fold, same_person_key, split_full_name
from core.errors import BadInput

# Headers met in lists printed or exported by school software, folded.
PERSON_COLUMNS: dict[str, tuple[str, ...]] = {
    "full_name": (
        "ELEVES",
        "ELEVE",
        "ELEVE S",
        "NOM ET PRENOM",
        "NOM ET PRENOMS",
        "NOM PRENOM",
        "NOM PRENOMS",
        "NOM PRENOM S",
        "NOM COMPLET",
        "NOM DE L ELEVE",
        "CANDIDATS",
        "CANDIDAT",
        "FULL NAME",
    ),
    "surname": (
        "NOM DE FAMILLE",
        "NOM DE FAMILLE NAISSANCE",
        "NOM DE NAISSANCE",
        "NOM",
        "NOMS",
        "NOM ELEVE",
        "SURNAME",
        "LAST NAME",
    ),
    "first_name": (
        "PRENOM",
        "PRENOMS",
        "PRENOM S",
        "PRENOM USUEL",
        "PRENOM ELEVE",
        "PRENOM DE L ELEVE",
        "FIRST NAME",
    ),
    "usage_name": ("NOM D USAGE", "NOM USAGE", "NOM USUEL", "USAGE NAME"),
    "birth_date": (
        "NE E LE",
        "NE LE",
        "NEE LE",
        "DATE DE NAISSANCE",
        "DATE NAISSANCE",
        "DATE DE NAISS",
        "DATE NAISS",
        "NAISSANCE",
        "BIRTH DATE",
    ),
    "ine": ("INE", "N INE", "NO INE", "NUMERO INE", "IDENTIFIANT NATIONAL"),
    "number": (
        "N CANDIDAT",
        "NO CANDIDAT",
        "N DE CANDIDAT",
        "NUMERO CANDIDAT",
        "NUMERO DE CANDIDAT",
        "NUM CANDIDAT",
        "CANDIDATE NUMBER",
    ),
}
ROSTER_COLUMNS: dict[str, tuple[str, ...]] = PERSON_COLUMNS | {
    "class_name": ("CLASSE", "CLASSES", "DIVISION", "CLASS", "CLASS NAME"),
    "group_name": ("GROUPE", "GROUPES", "GROUP", "GROUP NAME"),
    "email": (
        "ADRESSE E MAIL",
        "E MAIL",
        "EMAIL",
        "ADRESSE MAIL",
        "ADRESSE EMAIL",
        "COURRIEL",
        "MAIL",
        "MEL",
    ),
    "specialities": ("EDS", "SPECIALITES", "SPECIALITE", "ENSEIGNEMENTS DE SPECIALITE"),
}

NAME_CUT_UNSURE = "name_cut_unsure"
"""``to_check``: where the surname ends in a cell that holds it with the first name is a proposal."""


@dataclass(frozen=True)
class RosterLine:
    """A person as one line of a roster tells; ``to_check`` is a code, or ``None`` when nothing needs a look."""

    number: int
    surname: str
    first_name: str = ""
    usage_name: str | None = None
    birth_date: date | None = None
    ine: str | None = None
    candidate_number: str | None = None
    class_name: str = ""
    group_name: str = ""
    email: str | None = None
    to_check: str | None = None


@dataclass(frozen=True)
class RosterReading:
    """A roster as read: the header of each field, headers that serve nothing, good lines and bad ones."""

    mapping: Mapping[str, str]
    ignored: tuple[str, ...]
    lines: tuple[RosterLine, ...]
    errors: tuple[LineProblem, ...]


@dataclass(frozen=True)
class Known:
    """Somebody known already, as far as telling persons apart goes."""

    key: int
    surname: str
    first_name: str
    birth_date: date | None
    ine: str | None = None
    candidate_number: str | None = None
    class_name: str = ""
    email: str | None = None


def map_columns(
    headers: Sequence[str], synonyms: Mapping[str, Sequence[str]] = ROSTER_COLUMNS
) -> dict[str, str]:
    """The header of each field that the file has.

    Raises:
        BadInput: ``roster_no_name_column`` with ``headers``: no column holds names.
    """
    mapping = recognise(headers, synonyms)
    # A file with both « Élève » and « Nom » + « Prénom » says where the cut is.
    if "surname" in mapping and ("first_name" in mapping or "full_name" not in mapping):
        mapping.pop("full_name", None)
    elif "full_name" in mapping:
        mapping.pop("surname", None)
        mapping.pop("first_name", None)
    else:
        raise BadInput("roster_no_name_column", headers=tuple(header for header in headers if header))
    return mapping


def read_roster(headers: Sequence[str], rows: Iterable[Row]) -> RosterReading:
    """Read each line of a roster; a bad line is listed with its reason and the others go in.

    Reasons of lines: ``roster_line_no_name``, ``roster_name_has_digits``, ``bad_date``,
    ``roster_line_repeated``.

    Raises:
        BadInput: ``roster_no_name_column``.
    """
    mapping = map_columns(headers)
    lines: list[RosterLine] = []
    errors: list[LineProblem] = []
    alike: dict[str, list[RosterLine]] = defaultdict(list)
    for number, row in rows:
        try:
            line = _read_line(number, row, mapping)
            signs = [sign for sign in (name_key(line.surname, line.first_name), line.ine) if sign]
            _refuse_repeated(line, [other for sign in signs for other in alike[sign]])
        except BadInput as error:
            errors.append(LineProblem(number, error))
        else:
            lines.append(line)
            for sign in signs:
                alike[sign].append(line)
    ignored = tuple(header for header in headers if header and header not in mapping.values())
    return RosterReading(mapping, ignored, tuple(lines), tuple(errors))


def read_name(row: Mapping[str, str], mapping: Mapping[str, str]) -> tuple[str, str, bool]:
    """Surname, first name and whether the cut between them is sure.

    Raises:
        BadInput: ``roster_line_no_name`` or ``roster_name_has_digits``.
    """
    if "full_name" in mapping:
        surname, first_name, sure = split_full_name(cell(row, mapping, "full_name"))
    elif "first_name" in mapping:
        surname, first_name, sure = cell(row, mapping, "surname"), cell(row, mapping, "first_name"), True
    else:
        surname, first_name, sure = _lone_surname(cell(row, mapping, "surname"))
    if not any(sign.isalpha() for sign in surname):
        raise BadInput("roster_line_no_name")
    if any(sign.isdigit() for sign in surname + first_name):
        # « Total : 28 élèves » under a printed list is not a pupil.
        raise BadInput("roster_name_has_digits", name=f"{surname} {first_name}".strip())
    return surname, first_name, sure


def read_birth_date(row: Mapping[str, str], mapping: Mapping[str, str]) -> date | None:
    """The birth date of a line, ``None`` when the cell is empty.

    Raises:
        BadInput: ``bad_date`` with ``column`` and ``value``.
    """
    text = cell(row, mapping, "birth_date")
    day = parse_date(text)
    if text and day is None:
        raise BadInput("bad_date", column=mapping["birth_date"], value=text)
    return day


def name_key(surname: str, first_name: str) -> str:
    """Equal for two writings of one full name, wherever its cut stands."""
    return same_person_key(f"{surname} {first_name}", "", None)[0] or f"{surname} {first_name}".casefold()


def homonyms(names: Iterable[tuple[str, str]]) -> set[str]:
    """The :func:`name_key` of each (surname, first name) that more than one person bears."""
    seen: set[str] = set()
    twice: set[str] = set()
    for surname, first_name in names:
        key = name_key(surname, first_name)
        (twice if key in seen else seen).add(key)
    return twice


def pair_in_session(lines: Sequence[RosterLine], known: Sequence[Known]) -> dict[int, int]:
    """Which line is which candidate of the session: ``{line number: key}``; the other lines are new.

    From the strictest sign to the loosest: INE; everything; name, date and class; name and
    date; name alone when one side has no date. A sign that two persons share pairs nobody.
    """
    return _pair(lines, known, (_ine, _everything, _name_date_class, _name_date, _name))


def pair_elsewhere(lines: Sequence[RosterLine], known: Sequence[Known]) -> dict[int, int]:
    """Which line is which person met in another session; without INE or birth date nobody is."""
    return _pair(lines, known, (_ine, _dated_name))


def _read_line(number: int, row: Mapping[str, str], mapping: Mapping[str, str]) -> RosterLine:
    surname, first_name, sure = read_name(row, mapping)
    return RosterLine(
        number=number,
        surname=surname,
        first_name=first_name,
        usage_name=cell(row, mapping, "usage_name") or None,
        birth_date=read_birth_date(row, mapping),
        ine=cell(row, mapping, "ine").replace(" ", "").upper() or None,
        candidate_number=cell(row, mapping, "number") or None,
        class_name=cell(row, mapping, "class_name"),
        group_name=cell(row, mapping, "group_name"),
        email=cell(row, mapping, "email") or None,
        to_check=None if sure else NAME_CUT_UNSURE,
    )


def _lone_surname(text: str) -> tuple[str, str, bool]:
    """A cell of a file that has « Nom » and no « Prénom »: cut only where capitals end for sure."""
    surname, first_name, sure = split_full_name(text)
    if sure and first_name and text != text.upper():
        return surname, first_name, True
    return text, "", len(text.split()) < 2


def _refuse_repeated(line: RosterLine, alike: Sequence[RosterLine]) -> None:
    for other in alike:
        if _is_repeated(line, other):
            raise BadInput("roster_line_repeated", same_as=other.number)


def _is_repeated(line: RosterLine, other: RosterLine) -> bool:
    if line.ine and other.ine:
        return line.ine == other.ine
    if name_key(line.surname, line.first_name) != name_key(other.surname, other.first_name):
        return False
    if line.birth_date and other.birth_date:
        return line.birth_date == other.birth_date
    # Without two dates, only lines that differ in nothing else are one person told twice.
    return _everything(line) == _everything(other)


Described = RosterLine | Known
_Sign = Callable[[Described], Hashable | None]


def _ine(who: Described) -> Hashable | None:
    return who.ine or None


def _everything(who: Described) -> Hashable:
    return (*_name_date_class(who), who.candidate_number or None, who.email or None)


def _name_date_class(who: Described) -> tuple[Hashable, ...]:
    return (*_name_date(who), fold(who.class_name), who.class_name.casefold())


def _name_date(who: Described) -> tuple[Hashable, ...]:
    return (name_key(who.surname, who.first_name), who.birth_date)


def _dated_name(who: Described) -> Hashable | None:
    return _name_date(who) if who.birth_date else None


def _name(who: Described) -> Hashable:
    return name_key(who.surname, who.first_name)


def _pair(lines: Sequence[RosterLine], known: Sequence[Known], signs: Sequence[_Sign]) -> dict[int, int]:
    paired: dict[int, int] = {}
    taken: set[int] = set()
    for sign in signs:
        by_sign: dict[Hashable, tuple[list[RosterLine], list[Known]]] = defaultdict(lambda: ([], []))
        for line in lines:
            if line.number not in paired and (value := sign(line)) is not None:
                by_sign[value][0].append(line)
        for person in known:
            if person.key not in taken and (value := sign(person)) is not None:
                by_sign[value][1].append(person)
        for bearers, persons in by_sign.values():
            if len(bearers) == len(persons) == 1 and _may_be_one(bearers[0], persons[0]):
                paired[bearers[0].number] = persons[0].key
                taken.add(persons[0].key)
    return paired


def _may_be_one(line: RosterLine, person: Known) -> bool:
    if line.ine and person.ine:
        return line.ine == person.ine
    return not (line.birth_date and person.birth_date) or line.birth_date == person.birth_date
