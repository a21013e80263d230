"""Rosters and entries as they come: columns, lines, and who is who at the next import."""

from __future__ import annotations

from datetime import date

import pytest

from core.domain.columns import LineProblem, parse_date, recognise
from core.domain.entries import Presence
from core.domain.entry_lines import EntryLine, find_candidate, read_entries
from core.domain.rosters import (
    NAME_CUT_UNSURE,
    Known,
    RosterLine,
    RosterReading,
    homonyms,
    name_key,
    pair_elsewhere,
    pair_in_session,
    read_roster,
)
from core.errors import BadInput

BORN = date(2009, 3, 7)


def read(headers: list[str], *lines: list[str]) -> RosterReading:
    return read_roster(
        headers, [(n, dict(zip(headers, cells, strict=True))) for n, cells in enumerate(lines, 2)]
    )


def codes(problems: tuple[LineProblem, ...]) -> list[tuple[int, str]]:
    return [(problem.line, problem.reason.code) for problem in problems]


# --- columns


def test_columns_are_recognised_in_any_order_any_case_and_accents() -> None:
    reading = read(
        [
            "classe",
            "NÉ(E) LE",
            "PRENOM",
            "nom",
            "Nom d’usage",
            "N° candidat",
            "ine",
            "groupe",
            "Adresse E-mail",
            "EDS",
            "Régime",
        ],
        [
            "TG3",
            "07/03/2009",
            "Inès",
            "ALVAREZ",
            "LOPEZ",
            "0042",
            "990 100 001ak",
            "G1",
            "i@eleves.example",
            "MATHS",
            "DP",
        ],
    )

    assert reading.lines == (
        RosterLine(
            number=2,
            surname="ALVAREZ",
            first_name="Inès",
            usage_name="LOPEZ",
            birth_date=BORN,
            ine="990100001AK",
            candidate_number="0042",
            class_name="TG3",
            group_name="G1",
            email="i@eleves.example",
        ),
    )
    assert reading.mapping["specialities"] == "EDS"
    assert reading.ignored == ("Régime",)


@pytest.mark.parametrize("header", ["Né(e) le", "NE LE", "née le", "Date de naissance", "birth_date"])
def test_a_birth_date_has_many_headers(header: str) -> None:
    assert read(["Nom", "Prénom", header], ["A", "B", "2009-03-07"]).lines[0].birth_date == BORN


def test_a_roster_without_a_name_column_is_refused_with_the_headers_it_has() -> None:
    with pytest.raises(BadInput) as refused:
        read(["Prénom", "Classe"], ["Inès", "TG3"])

    assert refused.value.code == "roster_no_name_column"
    assert refused.value.details == {"headers": ("Prénom", "Classe")}


def test_a_file_with_both_says_the_cut_by_surname_and_first_name() -> None:
    reading = read(["Élève", "Nom", "Prénom"], ["BEN SALAH MARIE", "BEN SALAH", "MARIE"])

    assert (reading.lines[0].surname, reading.lines[0].first_name) == ("BEN SALAH", "MARIE")
    assert reading.lines[0].to_check is None


def test_surname_of_birth_is_preferred_and_usage_name_kept_beside() -> None:
    reading = read(["Nom d'usage", "Nom de famille", "Prénom"], ["DURAND", "MARTIN", "Zoé"])

    assert (reading.lines[0].surname, reading.lines[0].usage_name) == ("MARTIN", "DURAND")


def test_one_header_serves_one_field() -> None:
    assert recognise(["Question", "Points"], {"item": ("QUESTION",), "label": ("QUESTION",)}) == {
        "item": "Question"
    }


# --- names


def test_capitals_then_ordinary_case_are_cut_without_a_flag() -> None:
    [line] = read(["Élèves"], ["BEN SALAH Marie-Lou"]).lines

    assert (line.surname, line.first_name, line.to_check) == ("BEN SALAH", "Marie-Lou", None)


@pytest.mark.parametrize("name", ["BEN SALAH MARIE-LOU", "GARCIA LOPEZ ANA", "DURAND"])
def test_an_all_capital_cell_is_cut_as_a_proposal_and_flagged(name: str) -> None:
    [line] = read(["Élèves"], [name]).lines

    assert name_key(line.surname, line.first_name) == name_key(name, "")
    assert line.to_check == NAME_CUT_UNSURE


def test_a_roster_with_surnames_only_is_accepted() -> None:
    reading = read(["Nom"], ["ALVAREZ"], ["BEN SALAH"], ["DUPONT Marie"])

    assert [(line.surname, line.first_name) for line in reading.lines] == [
        ("ALVAREZ", ""),
        ("BEN SALAH", ""),
        ("DUPONT", "Marie"),
    ]
    assert [line.to_check for line in reading.lines] == [None, NAME_CUT_UNSURE, None]


@pytest.mark.parametrize(
    ("name", "code"),
    [("", "roster_line_no_name"), ("---", "roster_line_no_name"), ("Total : 28", "roster_name_has_digits")],
)
def test_a_line_that_is_nobody_is_listed_and_the_others_go_in(name: str, code: str) -> None:
    reading = read(["Nom", "Prénom"], ["ALVAREZ", "Inès"], [name, ""], ["BARBIER", "Mathis"])

    assert [line.number for line in reading.lines] == [2, 4]
    assert codes(reading.errors) == [(3, code)]


# --- dates


@pytest.mark.parametrize(
    "text", ["07/03/2009", "7/3/2009", "07-03-2009", "07.03.2009", "2009-03-07", "2009-03-07 00:00:00"]
)
def test_a_date_is_read_in_each_usual_form(text: str) -> None:
    assert parse_date(text) == BORN


@pytest.mark.parametrize(
    "text", ["31/02/2009", "2009/13/01", "07/03/09", "7 mars 2009", "39879", "07/03/20099", "07/03/1009"]
)
def test_a_bad_date_is_listed_with_its_line_column_and_value(text: str) -> None:
    reading = read(["Nom", "Né(e) le"], ["ALVAREZ", "07/03/2009"], ["BARBIER", text])

    assert codes(reading.errors) == [(3, "bad_date")]
    assert reading.errors[0].reason.details == {"column": "Né(e) le", "value": text}
    assert [line.surname for line in reading.lines] == ["ALVAREZ"]


def test_an_empty_date_is_no_date() -> None:
    assert read(["Nom", "Né(e) le"], ["ALVAREZ", ""]).lines[0].birth_date is None


# --- the same person, homonyms


def test_a_person_told_twice_is_refused_the_second_time() -> None:
    reading = read(
        ["Nom", "Prénom", "Né(e) le"], ["MARTIN", "Léa", "07/03/2009"], ["Martin", "LEA", "2009-03-07"]
    )

    assert codes(reading.errors) == [(3, "roster_line_repeated")]
    assert reading.errors[0].reason.details == {"same_as": 2}


def test_an_ine_told_twice_is_refused_whatever_the_names() -> None:
    reading = read(["Nom", "INE"], ["MARTIN", "1A"], ["DUPONT", "1A"])

    assert codes(reading.errors) == [(3, "roster_line_repeated")]


@pytest.mark.parametrize(
    ("headers", "one", "other"),
    [
        (["Nom", "Prénom", "Né(e) le"], ["MARTIN", "Léa", "07/03/2009"], ["MARTIN", "Léa", "08/03/2009"]),
        (["Nom", "Prénom", "Classe"], ["MARTIN", "Léa", "TG1"], ["MARTIN", "Léa", "TG2"]),
        (["Nom", "Prénom", "INE"], ["MARTIN", "Léa", "1A"], ["MARTIN", "Léa", "1B"]),
    ],
)
def test_homonyms_are_two_persons(headers: list[str], one: list[str], other: list[str]) -> None:
    reading = read(headers, one, other)

    assert len(reading.lines) == 2
    assert homonyms((line.surname, line.first_name) for line in reading.lines) == {name_key("martin", "lea")}


def known(key: int, surname: str, first_name: str = "", birth_date: date | None = BORN, **more: str) -> Known:
    return Known(key, surname, first_name, birth_date, **more)


def line(surname: str, first_name: str = "", birth_date: date | None = BORN, **more: str) -> RosterLine:
    return RosterLine(2, surname, first_name, birth_date=birth_date, **more)


@pytest.mark.parametrize(
    "told",
    [
        line("Béranger", "clement"),
        line("BÉRANGER", "Clément", class_name="TG2"),
        line("BÉRANGER", "Clément", None),
        line("BÉRANGER CLÉMENT"),
        line("BERANGER-DUPONT", "Clément", ine="1A"),
    ],
    ids=["written otherwise", "another class", "without date", "cut elsewhere", "renamed, same INE"],
)
def test_a_candidate_is_met_again(told: RosterLine) -> None:
    assert pair_in_session([told], [known(5, "BÉRANGER", "Clément", ine="1A", class_name="TG1")]) == {2: 5}


@pytest.mark.parametrize(
    "told",
    [
        line("BÉRANGER", "Clément", date(2008, 3, 7)),
        line("BÉRANGER", "Clément", ine="1B"),
        line("BÉRANGER", "Chloé"),
    ],
    ids=["another date", "another INE", "another first name"],
)
def test_a_stranger_is_nobody_known(told: RosterLine) -> None:
    assert pair_in_session([told], [known(5, "BÉRANGER", "Clément", ine="1A")]) == {}


def test_homonyms_without_dates_are_met_again_by_their_class() -> None:
    lines = [
        RosterLine(2, "MARTIN", "Léa", class_name="TG2"),
        RosterLine(3, "MARTIN", "Léa", class_name="TG1"),
    ]
    here = [
        known(8, "MARTIN", "Léa", None, class_name="TG1"),
        known(9, "MARTIN", "Léa", None, class_name="TG2"),
    ]

    assert pair_in_session(lines, here) == {2: 9, 3: 8}


def test_two_lines_that_could_be_one_candidate_are_nobody_known() -> None:
    lines = [
        RosterLine(2, "MARTIN", "Léa", class_name="TG2"),
        RosterLine(3, "MARTIN", "Léa", class_name="TG3"),
    ]

    assert pair_in_session(lines, [known(8, "MARTIN", "Léa", None, class_name="TG1")]) == {}


def test_a_person_of_another_session_is_met_by_ine_or_dated_name_only() -> None:
    elsewhere = [
        known(1, "MARTIN", "Léa"),
        known(2, "DUPONT", "Ana", None),
        known(3, "FAURE", "Max", None, ine="3C"),
    ]
    lines = [
        RosterLine(2, "Martin", "Lea", birth_date=BORN),
        RosterLine(3, "DUPONT", "Ana"),
        RosterLine(4, "FAURÉ", "Maxime", ine="3C"),
    ]

    assert pair_elsewhere(lines, elsewhere) == {2: 1, 4: 3}


# --- entries


@pytest.mark.parametrize(
    ("text", "presence"),
    [
        ("", Presence.EXPECTED),
        ("Présent", Presence.PRESENT),
        ("absente", Presence.ABSENT),
        ("Absent justifié", Presence.ABSENT_EXCUSED),
        ("absent_excused", Presence.ABSENT_EXCUSED),
        ("Dispensé", Presence.EXEMPT),
        ("rattrapage", Presence.MAKE_UP),
        ("make_up", Presence.MAKE_UP),
    ],
)
def test_presence_is_read_in_french_and_by_code(text: str, presence: Presence) -> None:
    lines, errors = read_entries(["surname", "presence"], [(2, {"surname": "MARTIN", "presence": text})])

    assert (lines[0].presence, errors) == (presence, ())


@pytest.mark.parametrize("text", ["peut-être", "?", "2"])
def test_a_presence_that_says_nothing_known_is_listed(text: str) -> None:
    lines, errors = read_entries(["surname", "presence"], [(2, {"surname": "MARTIN", "presence": text})])

    assert (lines, codes(errors)) == ((), [(2, "entries_bad_presence")])


def test_room_and_variant_are_left_alone_when_the_file_has_no_such_column() -> None:
    lines, _ = read_entries(["surname", "Salle"], [(2, {"surname": "MARTIN", "Salle": ""})])

    assert (lines[0].room, lines[0].variant) == ("", None)


def entry(
    surname: str, first_name: str = "", birth_date: date | None = None, number: str | None = None
) -> EntryLine:
    return EntryLine(2, surname, first_name, birth_date, None, number, Presence.EXPECTED, None, None)


ROSTER = [
    known(1, "MARTIN", "Léa", candidate_number="10"),
    known(2, "MARTIN", "Léa", date(2009, 9, 9), candidate_number="11"),
    known(3, "DUPONT", "Ana"),
]


def test_an_entry_finds_its_candidate_by_name_then_date_then_number() -> None:
    assert find_candidate(entry("Dupont", "ANA"), ROSTER) == 3
    assert find_candidate(entry("MARTIN", "Léa", BORN), ROSTER) == 1
    assert find_candidate(entry("MARTIN", "Léa", number="11"), ROSTER) == 2


@pytest.mark.parametrize(
    ("told", "code"),
    [
        (entry("MARTIN", "Léa"), "entries_ambiguous"),
        (entry("MARTIN", "Lucas"), "entries_unknown_candidate"),
        (entry("DUPONT", "Ana", date(2001, 1, 1)), "entries_unknown_candidate"),
    ],
)
def test_an_entry_that_means_nobody_or_several_is_refused(told: EntryLine, code: str) -> None:
    with pytest.raises(BadInput, match=code):
        find_candidate(told, ROSTER)
