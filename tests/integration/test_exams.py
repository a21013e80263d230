"""Sessions, rosters, papers and entries on real databases, from the bytes of real files."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from core.db.tables import (
    Candidate,
    Copy,
    Entry,
    Identity,
    JournalEntry,
    JournalValue,
    Person,
    Variant,
)
from core.domain.access import Actor, Role
from core.domain.columns import LineProblem
from core.errors import BadInput, Conflict, NotAllowed, NotFound
from core.services import exams
from core.services.rosters import school_year_end

Sessions = sessionmaker[Session]
SYSTEM = Actor.system("test")
SESSION = "Bac blanc janvier 2027"
DEMO = Path(__file__).parents[2] / "data/demo"

ROSTER = """Nom;Prénom;Né(e) le;Classe
BÉRANGER;Clément;17/01/2009;TG1
DUPONT;Ana;02/05/2009;TG1
FAURE;Max;03/06/2009;TG2
"""
SCHEME = (
    "item,label,points,bonus\n1.a,Énoncer,4,\n1.b,Appliquer,6,\n2,Conclure,10,\n3,Aller plus loin,1,oui\n"
)


# What is refused before the database is asked, or whatever its kind: once is enough.
on_one_database = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


def load(sessions: Sessions, text: str | bytes = ROSTER, name: str = "liste.csv") -> exams.RosterReport:
    content = text.encode() if isinstance(text, str) else text
    return exams.import_roster(sessions, SYSTEM, session_name=SESSION, file_name=name, content=content)


def create(sessions: Sessions, scheme: str = SCHEME, **more: object) -> int:
    values: dict[str, object] = {"name": "Mathématiques", "schemes": {"A": ("barème.csv", scheme.encode())}}
    return exams.create_paper(sessions, SYSTEM, session_name=SESSION, **(values | more))  # type: ignore[arg-type]


def set_entries(sessions: Sessions, paper_id: int, text: str) -> exams.EntriesReport:
    return exams.import_entries(
        sessions, SYSTEM, paper_id=paper_id, file_name="entrées.csv", content=text.encode()
    )


def counts(report: exams.RosterReport | exams.RosterPreview) -> tuple[int, int, int, int]:
    return report.created, report.updated, report.unchanged, report.absent


def codes(problems: tuple[LineProblem, ...]) -> list[tuple[int, str]]:
    return [(problem.line, problem.reason.code) for problem in problems]


def names(sessions: Sessions) -> list[str]:
    return [
        f"{view.surname} {view.first_name}".strip()
        for view in exams.roster(
            sessions, SYSTEM, session_id=exams.sessions_list(sessions, SYSTEM)[0].session_id
        )
    ]


# --- rosters


def test_a_roster_in_cp1252_with_semicolons_makes_the_session_and_its_candidates(sessions: Sessions) -> None:
    report = load(sessions, ROSTER.replace("\n", "\r\n").encode("cp1252"))

    assert counts(report) == (3, 0, 0, 0)
    assert (report.errors, report.to_check) == ((), ())
    assert exams.sessions_list(sessions, SYSTEM) == [
        exams.SessionLine(report.session_id, SESSION, school_year_end(date.today()), 3)  # noqa: DTZ011
    ]
    assert names(sessions) == ["BÉRANGER Clément", "DUPONT Ana", "FAURE Max"]


def test_the_same_file_again_changes_nothing_and_leaves_no_line_in_the_journal(sessions: Sessions) -> None:
    load(sessions)
    with sessions() as session:
        before = session.scalar(select(func.count()).select_from(JournalEntry))

    assert counts(load(sessions)) == (0, 0, 3, 0)
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(Person)) == 3
        assert session.scalar(select(func.count()).select_from(JournalEntry)) == before


@on_one_database
def test_the_same_roster_as_a_workbook_changes_nothing_either(sessions: Sessions) -> None:
    load(sessions)
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in [line.split(";") for line in ROSTER.splitlines()]:
        sheet.append(row)
    stream = io.BytesIO()
    book.save(stream)

    assert counts(load(sessions, stream.getvalue(), "liste.xlsx")) == (0, 0, 3, 0)


def test_an_import_counts_created_updated_unchanged_and_absent(sessions: Sessions) -> None:
    load(sessions)

    report = load(
        sessions,
        "Prénom;Nom;Né(e) le;Classe\nClément;Beranger;17/01/2009;TG1\nAna;DUPONT;02/05/2009;TG1\nZoé;PETIT;01/01/2009;TG2\n",
    )

    assert counts(report) == (1, 1, 1, 1)
    assert names(sessions) == ["Beranger Clément", "DUPONT Ana", "FAURE Max", "PETIT Zoé"]


def test_an_empty_cell_takes_nothing_away(sessions: Sessions) -> None:
    load(sessions)

    assert counts(load(sessions, "Nom;Prénom;Classe\nBÉRANGER;Clément;\nDUPONT;Ana;\nFAURE;Max;\n")) == (
        0,
        0,
        3,
        0,
    )


def test_bad_lines_are_listed_with_their_numbers_and_the_others_go_in(sessions: Sessions) -> None:
    report = load(
        sessions,
        "Nom;Prénom;Né(e) le\nDUPONT;Ana;31/02/2009\n;;\n;Léa;01/01/2009\nFAURE;Max;03/06/2009\n"
        "FAURE;Max;03/06/2009\nPETIT;Zoé;01/01/2009;de trop\nMOREL;Lou;2009-01-02\n",
    )

    assert counts(report) == (2, 0, 0, 0)
    assert codes(report.errors) == [
        (2, "bad_date"),
        (4, "roster_line_no_name"),
        (6, "roster_line_repeated"),
        (7, "table_line_overfull"),
    ]
    assert names(sessions) == ["FAURE Max", "MOREL Lou"]


@on_one_database
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Prénom;Classe\nAna;TG1\n", "roster_no_name_column"),
        ("", "table_empty"),
        ("Nom;Prénom\n", "table_empty"),
        ("\x00\x01\x02", "table_unreadable"),
    ],
)
def test_a_file_that_is_no_roster_is_refused_by_name_and_makes_no_session(
    sessions: Sessions, text: str, code: str
) -> None:
    with pytest.raises(BadInput) as refused:
        load(sessions, text)

    assert (refused.value.code, refused.value.details["file"]) == (code, "liste.csv")
    assert exams.sessions_list(sessions, SYSTEM) == []


@on_one_database
def test_a_session_needs_a_name(sessions: Sessions) -> None:
    with pytest.raises(BadInput, match="session_name_missing"):
        exams.import_roster(sessions, SYSTEM, session_name="  ", file_name="l.csv", content=ROSTER.encode())


def test_homonyms_are_flagged_on_each_line_and_on_the_roster(sessions: Sessions) -> None:
    text = "Nom;Prénom;Né(e) le\nMARTIN;Léa;01/01/2009\nPETIT;Zoé;01/01/2009\nMartin;LEA;02/01/2009\n"

    report = load(sessions, text)

    assert counts(report) == (3, 0, 0, 0)
    assert codes(report.to_check) == [(2, "roster_homonym"), (4, "roster_homonym")]
    views = exams.roster(sessions, SYSTEM, session_id=report.session_id)
    assert [view.homonym for view in views] == [True, True, False]
    assert counts(load(sessions, text)) == (0, 0, 3, 0)


@on_one_database
def test_a_homonym_of_somebody_who_is_not_in_the_file_is_flagged_too(sessions: Sessions) -> None:
    load(sessions)

    report = load(sessions, "Nom;Prénom;Né(e) le\nFAURE;Max;09/09/2009\n")

    assert counts(report) == (1, 0, 0, 3)
    assert codes(report.to_check) == [(2, "roster_homonym")]


def test_an_all_capital_name_is_cut_flagged_and_stays_flagged_until_a_better_file_comes(
    sessions: Sessions,
) -> None:
    printed = "Élèves;Né(e) le\nBEN SALAH MARIE-LOU;01/01/2009\nDUPONT Ana;02/05/2009\n"

    report = load(sessions, printed)

    assert codes(report.to_check) == [(2, "name_cut_unsure")]
    assert report.to_check[0].reason.details == {"surname": "BEN SALAH", "first_name": "MARIE-LOU"}
    assert [v.to_check for v in exams.roster(sessions, SYSTEM, session_id=report.session_id)] == [
        "name_cut_unsure",
        None,
    ]
    assert counts(load(sessions, printed)) == (0, 0, 2, 0)

    better = load(sessions, "Nom;Prénom;Né(e) le\nBEN;Salah Marie-Lou;01/01/2009\nDUPONT;Ana;02/05/2009\n")
    assert (counts(better), better.to_check) == ((0, 1, 1, 0), ())
    again = load(sessions, printed)
    assert (counts(again), again.to_check) == ((0, 0, 2, 0), ())
    assert names(sessions)[0] == "BEN Salah Marie-Lou"


def test_a_pupil_of_two_sessions_is_one_person(sessions: Sessions) -> None:
    load(sessions)
    exams.import_roster(
        sessions, SYSTEM, session_name="Bac blanc mai 2027", file_name="l.csv", content=ROSTER.encode()
    )

    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(Person)) == 3
        assert session.scalar(select(func.count()).select_from(Candidate)) == 6


def test_a_preview_shows_the_mapping_and_each_line_and_writes_nothing(sessions: Sessions) -> None:
    load(sessions)
    text = ROSTER.replace("TG2", "TG3") + "PETIT;Zoé;01/01/2009;TG1\nMOREL;Lou;hier;TG1\n"

    preview = exams.preview_roster(
        sessions, SYSTEM, session_name=SESSION, file_name="l.csv", content=text.encode()
    )

    assert preview.mapping == {
        "surname": "Nom",
        "first_name": "Prénom",
        "birth_date": "Né(e) le",
        "class_name": "Classe",
    }
    assert [(line.line, line.surname, line.change) for line in preview.lines] == [
        (2, "BÉRANGER", "unchanged"),
        (3, "DUPONT", "unchanged"),
        (4, "FAURE", "updated"),
        (5, "PETIT", "created"),
    ]
    assert counts(preview) == (1, 1, 2, 0)
    assert codes(preview.errors) == [(6, "bad_date")]
    assert counts(load(sessions)) == (0, 0, 3, 0)


@on_one_database
def test_a_preview_of_a_new_session_does_not_make_it(sessions: Sessions) -> None:
    preview = exams.preview_roster(
        sessions, SYSTEM, session_name=SESSION, file_name="l.csv", content=ROSTER.encode()
    )

    assert counts(preview) == (3, 0, 0, 0)
    assert exams.sessions_list(sessions, SYSTEM) == []


def test_simultaneous_imports_double_nobody(sessions: Sessions) -> None:
    load(sessions, "Nom;Prénom\nPETIT;Zoé\n")

    def attempt(_: int) -> None:
        with suppress(Conflict):
            load(sessions)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(attempt, range(4)))

    assert names(sessions) == ["BÉRANGER Clément", "DUPONT Ana", "FAURE Max", "PETIT Zoé"]


def test_the_journal_of_an_import_holds_ids_and_no_name(sessions: Sessions) -> None:
    load(sessions)
    load(sessions, ROSTER.replace("TG2", "TG3"))

    with sessions() as session:
        values = [
            value.values for value in session.scalars(select(JournalValue).order_by(JournalValue.entry_id))
        ]
        ids = list(session.scalars(select(Candidate.id).order_by(Candidate.id)))
    assert values[0]["created"] == ids
    assert values[1]["updated"] == {str(ids[2]): ["class_name"]}
    assert "FAURE" not in str(values)


def test_somebody_erased_is_not_on_the_roster_and_stops_no_import(sessions: Sessions) -> None:
    session_id = load(sessions).session_id
    with sessions.begin() as session:
        session.delete(session.scalars(select(Identity).where(Identity.surname == "DUPONT")).one())

    assert len(exams.roster(sessions, SYSTEM, session_id=session_id)) == 2
    assert counts(load(sessions, ROSTER.replace("DUPONT;Ana;02/05/2009;TG1\n", ""))) == (0, 0, 2, 0)


@on_one_database
@pytest.mark.parametrize("role", [Role.CORRECTOR, Role.STUDENT, Role.ANALYST, Role.COORDINATOR])
def test_only_the_office_sees_or_imports_rosters(sessions: Sessions, role: Role) -> None:
    session_id = load(sessions).session_id
    actor = Actor(1, frozenset({role}), "account:1")

    for attempt in (
        lambda: exams.import_roster(sessions, actor, session_name=SESSION, file_name="l.csv", content=b""),
        lambda: exams.preview_roster(sessions, actor, session_name=SESSION, file_name="l.csv", content=b""),
        lambda: exams.roster(sessions, actor, session_id=session_id),
        lambda: exams.import_entries(sessions, actor, paper_id=1, file_name="l.csv", content=b""),
    ):
        with pytest.raises(NotAllowed):
            attempt()


def test_the_school_year_ends_on_the_next_31_august() -> None:
    assert school_year_end(date(2026, 11, 22)) == date(2027, 8, 31)
    assert school_year_end(date(2027, 8, 31)) == date(2027, 8, 31)
    assert school_year_end(date(2027, 9, 1)) == date(2028, 8, 31)


@on_one_database
def test_the_end_of_a_new_session_can_be_chosen(sessions: Sessions) -> None:
    exams.import_roster(
        sessions,
        SYSTEM,
        session_name=SESSION,
        file_name="l.csv",
        content=ROSTER.encode(),
        ends_on=date(2028, 1, 1),
    )

    assert exams.sessions_list(sessions, SYSTEM)[0].ends_on == date(2028, 1, 1)


# --- papers


def test_a_paper_is_made_with_its_scheme_and_an_entry_for_each_candidate(sessions: Sessions) -> None:
    session_id = load(sessions).session_id

    paper_id = create(sessions, coefficient=Decimal("1.5"), sat_on=date(2027, 1, 12))

    view = exams.paper(sessions, SYSTEM, paper_id=paper_id)
    assert (view.session_name, view.name, view.sat_on) == (SESSION, "Mathématiques", date(2027, 1, 12))
    assert (view.total, view.final_scale, view.coefficient, view.step) == (
        20,
        20,
        Decimal("1.5"),
        Decimal("0.25"),
    )
    assert view.variants == ("A",)
    assert [(item.code, item.points, item.is_leaf, item.bonus, item.depth) for item in view.scheme["A"]] == [
        ("1", 10, False, False, 0),
        ("1.a", 4, True, False, 1),
        ("1.b", 6, True, False, 1),
        ("2", 10, True, False, 0),
        ("3", 1, True, True, 0),
    ]
    assert exams.papers(sessions, SYSTEM) == [
        exams.PaperLine(
            paper_id,
            session_id,
            SESSION,
            "Mathématiques",
            Decimal(20),
            date(2027, 1, 12),
            entries=3,
            copies=0,
        )
    ]


def test_the_demonstration_has_four_exercises_and_38_leaves_on_20(sessions: Sessions) -> None:
    report = load(sessions, (DEMO / "roster.csv").read_bytes())

    items = exams.paper(
        sessions, SYSTEM, paper_id=create(sessions, (DEMO / "scheme.csv").read_text("utf-8"))
    ).scheme["A"]

    assert (report.created, report.errors) == (28, ())
    assert sum(item.is_leaf for item in items) == 38
    assert sum(item.points for item in items if item.is_leaf) == 20
    assert [item.code for item in items if item.depth == 0] == ["1", "2", "3", "4"]


@on_one_database
@pytest.mark.parametrize(
    ("scheme", "code", "details"),
    [
        (
            "item,label,points\n1,Un,10\n2,Deux,9.5\n",
            "scheme_total",
            {"scheme_total": Decimal("19.5"), "paper_total": Decimal(20)},
        ),
        ("item,label,points\n1,Un,21\n2,Deux,-1\n", "scheme_bad_points", {"line": 3, "item": "2"}),
        ("item,label,points\n1,Un,10\n1,Encore,10\n", "scheme_duplicate_item", {"line": 3, "item": "1"}),
        (
            "item,label,points\n1,Un,dix\n",
            "scheme_points_not_number",
            {"line": 2, "item": "1", "value": "dix"},
        ),
        ("item,label,points\n1,Donner u, puis v,20\n", "table_line_overfull", {"line": 2}),
        ("label,points\nUn,20\n", "scheme_no_item_column", {"headers": ("label", "points")}),
        ("", "table_empty", {}),
    ],
)
def test_a_scheme_that_cannot_be_used_says_what_and_where_and_makes_no_paper(
    sessions: Sessions, scheme: str, code: str, details: dict[str, object]
) -> None:
    load(sessions)

    with pytest.raises(BadInput) as refused:
        create(sessions, scheme)

    assert refused.value.code == code
    assert refused.value.details["file"] == "barème.csv"
    assert details.items() <= refused.value.details.items()
    assert exams.papers(sessions, SYSTEM) == []


@on_one_database
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": " "}, "paper_name_missing"),
        ({"schemes": {}}, "scheme_missing"),
        ({"schemes": {"A/B": ("b.csv", SCHEME.encode())}}, "paper_bad_variant"),
        ({"total": Decimal(0)}, "paper_bad_total"),
        ({"total": Decimal("NaN")}, "paper_bad_total"),
        ({"total": Decimal("20.001")}, "paper_bad_total"),
        ({"coefficient": Decimal(-1)}, "paper_bad_coefficient"),
        ({"step": Decimal(0)}, "paper_bad_step"),
    ],
)
def test_a_paper_that_cannot_be_made_says_why(
    sessions: Sessions, changes: dict[str, object], code: str
) -> None:
    load(sessions)

    with pytest.raises(BadInput) as refused:
        create(sessions, **changes)

    assert refused.value.code == code


def test_a_name_serves_once_in_a_session(sessions: Sessions) -> None:
    load(sessions)
    create(sessions)

    with pytest.raises(BadInput, match="paper_name_taken"):
        create(sessions, name=" Mathématiques ")


@on_one_database
def test_a_paper_needs_a_session_that_exists(sessions: Sessions) -> None:
    with pytest.raises(NotFound):
        create(sessions)
    with pytest.raises(NotFound):
        exams.paper(sessions, SYSTEM, paper_id=1)
    with pytest.raises(NotFound):
        exams.roster(sessions, SYSTEM, session_id=1)


def test_items_common_to_two_variants_are_one_item_and_others_are_not(sessions: Sessions) -> None:
    load(sessions)
    other = SCHEME.replace("Conclure", "Conclure autrement")

    paper_id = create(sessions, schemes={"a": ("a.csv", SCHEME.encode()), "b": ("b.csv", other.encode())})

    view = exams.paper(sessions, SYSTEM, paper_id=paper_id)
    assert view.variants == ("A", "B")
    ids = {variant: {item.code: item.item_id for item in items} for variant, items in view.scheme.items()}
    assert {code for code in ids["A"] if ids["A"][code] == ids["B"][code]} == {"1", "1.a", "1.b", "3"}
    assert ids["A"]["2"] != ids["B"]["2"]


@on_one_database
def test_a_paper_on_40_takes_a_scheme_on_40(sessions: Sessions) -> None:
    load(sessions)

    paper_id = create(sessions, "Question;Barème\n1;15\n2;25\n", total=Decimal(40))

    assert exams.paper(sessions, SYSTEM, paper_id=paper_id).total == 40


@on_one_database
def test_correctors_see_papers_and_pupils_do_not(sessions: Sessions) -> None:
    load(sessions)
    paper_id = create(sessions)
    corrector = Actor(1, frozenset({Role.CORRECTOR}), "account:1")
    pupil = Actor(2, frozenset({Role.STUDENT}), "account:2")

    assert exams.paper(sessions, corrector, paper_id=paper_id).entries == 3
    for attempt in (
        lambda: exams.paper(sessions, pupil, paper_id=paper_id),
        lambda: exams.papers(sessions, pupil),
        lambda: exams.sessions_list(sessions, pupil),
    ):
        with pytest.raises(NotAllowed):
            attempt()
    with pytest.raises(NotAllowed):
        exams.create_paper(sessions, corrector, session_name=SESSION, name="X", schemes={})


# --- entries


def test_a_late_candidate_sits_the_papers_that_everybody_sits(sessions: Sessions) -> None:
    load(sessions)
    everybody, chosen = create(sessions), create(sessions, name="NSI")
    set_entries(sessions, chosen, "Nom;Prénom\nDUPONT;Ana\n")

    report = load(sessions, ROSTER + "PETIT;Zoé;01/01/2009;TG1\n")

    assert report.entries_added == 1
    assert {line.paper_id: line.entries for line in exams.papers(sessions, SYSTEM)} == {
        everybody: 4,
        chosen: 1,
    }


def test_a_file_of_entries_says_who_sits_the_paper_and_presence(sessions: Sessions) -> None:
    load(sessions)
    paper_id = create(sessions)
    text = "surname,first_name,birth_date,presence,room,variant\nDUPONT,Ana,2009-05-02,absent justifié,204,a\nFaure,Max,,,,\n"

    report = set_entries(sessions, paper_id, text)

    assert report == exams.EntriesReport(created=0, updated=1, unchanged=1, removed=1, errors=())
    with sessions() as session:
        entries = session.execute(
            select(Identity.surname, Entry.presence, Entry.room, Variant.code)
            .join(Candidate, Candidate.id == Entry.candidate_id)
            .join(Identity, Identity.person_id == Candidate.person_id)
            .outerjoin(Variant, Variant.id == Entry.variant_id)
            .order_by(Identity.surname)
        ).all()
    assert entries == [("DUPONT", "absent_excused", "204", "A"), ("FAURE", "expected", None, None)]
    again = set_entries(sessions, paper_id, text)
    assert again == exams.EntriesReport(created=0, updated=0, unchanged=2, removed=0, errors=())


def test_while_a_line_is_refused_nobody_is_taken_off_the_paper(sessions: Sessions) -> None:
    load(sessions)
    paper_id = create(sessions)

    report = set_entries(
        sessions,
        paper_id,
        "Nom;Prénom;Présence;Sujet\nDUPONT;Ana;absent;\nFORE;Max;;\nBÉRANGER;Clément;;Z\nDupont;ANA;présent;\nX;Y;?;\n",
    )

    assert codes(report.errors) == [
        (3, "entries_unknown_candidate"),
        (4, "entries_unknown_variant"),
        (5, "roster_line_repeated"),
        (6, "entries_bad_presence"),
    ]
    assert (report.updated, report.removed, report.kept) == (1, 0, 2)


def test_a_candidate_whose_copy_is_there_is_not_taken_off_the_paper(sessions: Sessions) -> None:
    load(sessions)
    paper_id = create(sessions)
    with sessions.begin() as session:
        candidate = session.scalars(select(Candidate).order_by(Candidate.id)).first()
        variant_id = session.scalars(select(Variant.id)).one()
        assert candidate is not None
        session.add(
            Copy(
                paper_id=paper_id,
                candidate_id=candidate.id,
                variant_id=variant_id,
                code="K7-4QXM",
                status="identified",
            )
        )

    report = set_entries(sessions, paper_id, "Nom;Prénom\nDUPONT;Ana\n")

    assert (report.removed, report.kept) == (1, 1)
    assert exams.papers(sessions, SYSTEM)[0].copies == 1


@on_one_database
def test_entries_of_a_paper_that_does_not_exist_are_refused(sessions: Sessions) -> None:
    with pytest.raises(NotFound):
        set_entries(sessions, 1, "Nom\nDUPONT\n")


@on_one_database
def test_a_file_of_entries_without_names_is_refused_by_name(sessions: Sessions) -> None:
    load(sessions)
    paper_id = create(sessions)

    with pytest.raises(BadInput) as refused:
        set_entries(sessions, paper_id, "Salle;Présence\n204;absent\n")

    assert (refused.value.code, refused.value.details["file"]) == ("roster_no_name_column", "entrées.csv")
