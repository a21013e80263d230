from collections.abc import Mapping, Sequence
from datetime import date
from time import perf_counter

import numpy as np

from core.matching.assign import BookletProposal, propose
from core.matching.evidence import BookletReadings, RosterEntry, gather
from core.matching.sequence import posterior, runs
from core.reading.protocol import ALPHABET, SYMBOLS, FieldReading, empty_reading

ROSTER = [
    RosterEntry(1, "Martin", "Lucas", None, date(2009, 3, 7), "TG4"),
    RosterEntry(2, "Ben Salah", "Marie-Lou", None, date(2009, 11, 23), "TG4"),
    RosterEntry(3, "Lefèvre", "Éloïse", None, date(2008, 12, 30), "TG4"),
    RosterEntry(4, "Nguyen", "Théo", "Carpentier", date(2009, 5, 14), "TG5"),
    RosterEntry(5, "Gauthier", "Inès", None, date(2009, 1, 2), "TG5"),
    RosterEntry(6, "D'Arcy", "Jean-Baptiste", None, date(2009, 8, 19), "TG5"),
]
TWINS_IN_NAME = [
    RosterEntry(7, "Petit", "Emma", None, date(2009, 2, 3), "TG4"),
    RosterEntry(8, "Petit", "Emma", None, date(2009, 9, 17), "TG4"),
]


def read_as(text: str, sure: float = 0.97) -> FieldReading:
    """A reading as a good recogniser gives it: three steps a symbol, the middle one peaked."""
    if not text:
        return empty_reading("synthetic")
    columns = [0]
    for symbol in text:
        columns += [ALPHABET.index(symbol), 0, 0]
    steps = np.full((len(columns), SYMBOLS), (1 - sure) / (SYMBOLS - 1))
    steps[np.arange(len(columns)), columns] = sure
    return FieldReading(text, np.log(steps).astype(np.float32), "synthetic")


def sheet(
    number: int, surname: str = "", first_name: str = "", born: str = "", **more: str
) -> BookletReadings:
    fields = {"surname": surname, "first_name": first_name, "birth_date": born, **more}
    return BookletReadings(number, number, {name: read_as(text) for name, text in fields.items()})


def proposed(
    booklets: Sequence[BookletReadings],
    roster: Sequence[RosterEntry] = ROSTER,
    decided: Mapping[int, int | None] | None = None,
) -> dict[int, BookletProposal]:
    return {p.booklet_id: p for p in propose(booklets, roster, decided)}


def first(proposal: BookletProposal) -> int | None:
    return proposal.ranked[0].candidate_id


def test_a_name_written_as_on_the_roster_is_automatic() -> None:
    found = proposed([sheet(1, "MARTIN", "LUCAS", "07 03 2009"), sheet(2, "GAUTHIER", "INES", "02 01 2009")])

    assert [first(found[i]) for i in (1, 2)] == [1, 5]
    assert [found[i].decision for i in (1, 2)] == ["automatic", "automatic"]
    assert found[1].ranked[0].matched == ("surname", "first_name", "birth_date")
    assert found[1].ranked[0].read_as["surname"] == "MARTIN"
    assert 0.99 < found[1].ranked[0].probability < 1


def test_proposals_come_in_the_order_asked_and_rank_at_most_five() -> None:
    found = propose([sheet(9, "GAUTHIER", "INES"), sheet(3, "MARTIN", "LUCAS")], ROSTER)

    assert [p.booklet_id for p in found] == [9, 3]
    assert all(1 <= len(p.ranked) <= 5 for p in found)
    for proposal in found:
        probabilities = [r.probability for r in proposal.ranked]
        assert probabilities == sorted(probabilities, reverse=True)


def test_a_stranger_goes_to_nobody_and_never_to_a_pupil() -> None:
    found = proposed([sheet(1, "KOWALSKI", "BRUNO", "21 06 2009"), sheet(2, "MARTIN", "LUCAS", "07 03 2009")])

    assert first(found[1]) is None
    assert (found[1].decision, found[1].reason) == ("none", "not_on_roster")
    assert first(found[2]) == 1


def test_a_stranger_is_not_given_the_last_free_pupil_by_elimination() -> None:
    known = [
        sheet(i, e.surname.upper().replace("È", "E").replace("'", " "), "") for i, e in enumerate(ROSTER[:-1])
    ]

    found = proposed([*known, sheet(50, "KOWALSKI", "BRUNO")])

    assert first(found[50]) is None


def test_a_sister_who_is_not_on_the_roster_is_never_automatic() -> None:
    found = proposed([sheet(1, "MARTIN", "JULIETTE", "07 03 2009"), sheet(2, "GAUTHIER", "IRIS")])

    assert found[1].decision != "automatic"
    assert found[2].decision != "automatic"


def test_a_letter_read_quite_wrongly_is_accepted_only_when_the_birth_date_confirms() -> None:
    confirmed = proposed([sheet(1, "GAUKHIER", "INES", "02 01 2009")])[1]
    alone = proposed([sheet(1, "GAUKHIER", "INES")])[1]
    first_name_off_too = proposed([sheet(1, "GAUKHIER", "IXES", "02 01 2009")])[1]

    assert [first(p) for p in (confirmed, alone, first_name_off_too)] == [5, 5, 5]
    assert confirmed.decision == "automatic"
    assert (alone.decision, alone.reason) == ("review", "unlike_reading")
    assert first_name_off_too.decision == "review"


def test_nothing_written_is_no_evidence_for_anybody() -> None:
    found = proposed([sheet(1), sheet(2, "MARTIN", "LUCAS")])

    assert (found[1].decision, found[1].reason) == ("none", "nothing_written")
    assert found[1].ranked[0].probability < 0.9


def test_an_empty_or_unreadable_field_does_not_hide_the_others() -> None:
    found = proposed([sheet(1, "LEFEVRE", "", "30 12 2008"), sheet(2, "NGUYEN", "XQ", "14 05 2009")])

    assert [first(found[i]) for i in (1, 2)] == [3, 4]


def test_a_field_in_which_only_blanks_are_read_is_no_evidence() -> None:
    blanks = np.full((12, SYMBOLS), 1e-4)
    blanks[:, 0] = 1 - 37e-4
    smudge = FieldReading("", np.log(blanks).astype(np.float32), "synthetic")
    booklet = sheet(1, "GAUTHIER", "INES")
    smudged = BookletReadings(1, 1, {**booklet.fields, "birth_date": smudge})

    assert propose([smudged], ROSTER) == propose([booklet], ROSTER)


def test_usage_name_first_part_and_missing_separators_are_recognised() -> None:
    found = proposed(
        [
            sheet(1, "CARPENTIER", "THEO"),
            sheet(2, "BENSALAH", "MARIE"),
            sheet(3, "DARCY", "JEAN BAPTISTE"),
        ]
    )

    assert [first(found[i]) for i in (1, 2, 3)] == [4, 2, 6]


def test_both_names_in_one_field_and_exchanged_fields_are_recognised() -> None:
    found = proposed(
        [
            sheet(1, "MARTIN LUCAS"),
            sheet(2, "INES", "GAUTHIER"),
            sheet(3, full_name="ELOISE LEFEVRE"),
        ]
    )

    assert [first(found[i]) for i in (1, 2, 3)] == [1, 5, 3]


def test_homonyms_are_automatic_only_when_the_birth_date_decides() -> None:
    roster = [*ROSTER, *TWINS_IN_NAME]

    undated = proposed([sheet(1, "PETIT", "EMMA"), sheet(2, "MARTIN", "LUCAS")], roster)
    dated = proposed(
        [sheet(1, "PETIT", "EMMA", "17 09 2009"), sheet(2, "PETIT", "EMMA", "03 02 2009")], roster
    )

    assert (undated[1].decision, undated[1].reason) == ("review", "homonym")
    assert {r.candidate_id for r in undated[1].ranked[:2]} == {7, 8}
    assert [first(dated[i]) for i in (1, 2)] == [8, 7]
    assert [dated[i].decision for i in (1, 2)] == ["automatic", "automatic"]


def test_two_undated_homonyms_are_proposed_one_candidate_each() -> None:
    booklets = [sheet(1, "PETIT", "EMMA"), sheet(2, "MARTIN", "LUCAS"), sheet(3, "PETIT", "EMMA")]

    found = proposed(booklets, [*ROSTER, *TWINS_IN_NAME])

    assert {first(found[1]), first(found[3])} == {7, 8}
    assert [found[i].decision for i in (1, 3)] == ["review", "review"]


def test_a_homonym_is_not_settled_by_elimination() -> None:
    roster = [*ROSTER, *TWINS_IN_NAME]

    dated, undated = sheet(1, "PETIT", "EMMA", "17 09 2009"), sheet(5, "PETIT", "EMMA")

    found = proposed([dated, sheet(3, "MARTIN", "LUCAS"), undated], roster)

    assert found[1].decision == "automatic"
    assert found[5].decision == "review"


def test_sheets_that_follow_each_other_are_one_pupil_and_all_automatic() -> None:
    found = proposed(
        [
            sheet(1, "MARTIN", "LUCAS", "07 03 2009"),
            sheet(2, "MARTIN", "LUCAS", "07 03 2009"),
            sheet(3, "GAUTHIER", "INES"),
        ]
    )

    assert [first(found[i]) for i in (1, 2, 3)] == [1, 1, 5]
    assert [found[i].decision for i in (1, 2, 3)] == ["automatic"] * 3


def test_a_doubtful_sheet_is_ranked_with_the_help_of_its_neighbour() -> None:
    doubtful = sheet(2, "MARTIM", "")

    beside_martin = proposed([sheet(1, "MARTIN", "LUCAS"), doubtful])[2].ranked[0]
    beside_gauthier = proposed([sheet(1, "GAUTHIER", "INES"), doubtful])[2].ranked[0]

    assert beside_martin.candidate_id == 1
    assert beside_martin.probability > beside_gauthier.probability


def test_two_separated_groups_of_one_candidate_are_both_reviewed() -> None:
    found = proposed(
        [
            sheet(1, "MARTIN", "LUCAS"),
            sheet(2, "GAUTHIER", "INES"),
            sheet(3, "MARTIN", "LUCAS"),
        ]
    )

    assert [first(found[i]) for i in (1, 3)] == [1, 1]
    assert [(found[i].decision, found[i].reason) for i in (1, 3)] == [("review", "candidate_twice")] * 2
    assert found[2].decision == "automatic"


def test_a_fourth_sheet_in_a_row_is_not_automatic() -> None:
    found = proposed([sheet(i, "MARTIN", "LUCAS") for i in range(4)])

    assert not all(p.decision == "automatic" for p in found.values())


def test_a_decision_is_kept_and_ranks_the_others_again() -> None:
    booklets = [sheet(1, "PETIT", "EMMA"), sheet(2, "GAUTHIER", "INES"), sheet(3, "PETIT", "EMMA")]
    roster = [*ROSTER, *TWINS_IN_NAME]

    found = proposed(booklets, roster, decided={1: 8})

    assert (first(found[1]), found[1].decision, found[1].reason) == (8, "none", "decided")
    assert first(found[3]) == 7
    assert found[3].decision == "review"


def test_a_decision_for_nobody_frees_the_candidate_for_another_sheet() -> None:
    booklets = [sheet(1, "MARTIN", "LUCAS"), sheet(2, "GAUTHIER", "INES"), sheet(3, "MARTIN", "LUCAS")]

    found = proposed(booklets, ROSTER, decided={1: None})

    assert first(found[1]) is None
    assert first(found[3]) == 1
    assert found[3].decision == "automatic"


def test_a_decision_against_the_writing_is_still_a_decision() -> None:
    found = proposed([sheet(1, "KOWALSKI", "BRUNO"), sheet(2, "LEFEVRE", "ELOISE")], ROSTER, decided={1: 5})

    assert first(found[1]) == 5
    assert first(found[2]) == 3


def test_no_roster_and_no_booklet_give_no_candidate() -> None:
    assert propose([], ROSTER) == []
    (alone,) = propose([sheet(1, "MARTIN", "LUCAS")], [])
    assert [r.candidate_id for r in alone.ranked] == [None]


def test_a_roster_with_surnames_only_can_be_matched() -> None:
    roster = [RosterEntry(e.candidate_id, e.surname, "") for e in ROSTER]

    found = proposed([sheet(1, "GAUTHIER", "INES"), sheet(2, "LEFEVRE", "ELOISE")], roster)

    assert [first(found[i]) for i in (1, 2)] == [5, 3]


def test_the_class_helps_between_namesakes() -> None:
    roster = [
        RosterEntry(1, "Petit", "Emma", class_name="TG4"),
        RosterEntry(2, "Petit", "Emma", class_name="TG7"),
    ]

    (found,) = propose([sheet(1, "PETIT", "EMMA", **{"class": "TG7"})], roster)

    assert found.ranked[0].candidate_id == 2
    assert found.decision == "review"


def test_evidence_against_a_stranger_is_positive_for_the_writer_only() -> None:
    evidence = gather([sheet(1, "MARTIN", "LUCAS")], ROSTER)

    assert evidence.against_stranger[0, 0] > 0
    assert (evidence.against_stranger[0, 1:] < 0).all()
    assert evidence.matches("surname")[0].tolist() == [True, *[False] * 5]


def test_the_posterior_sums_to_one_and_runs_stop_at_three_sheets() -> None:
    evidence = np.random.default_rng(0).normal(0, 20, (12, 5))

    probability = posterior(evidence, np.zeros_like(evidence))

    np.testing.assert_allclose(probability.sum(axis=1), 1)
    groups = runs(np.array([2, 2, 2, 2, -1, -1, 0]))
    assert [list(g) for g in groups] == [[0, 1, 2], [3], [4], [5], [6]]


def test_a_paper_of_a_whole_school_year_is_matched_in_seconds() -> None:
    draw = np.random.default_rng(0)
    letters = list("ABCDEFGHILMNOPRSTUV")
    names = ["".join(draw.choice(letters, 7)) for _ in range(300)]
    roster = [RosterEntry(i, names[i], names[-i - 1]) for i in range(150)]
    booklets = [sheet(i, names[i], names[-i - 1]) for i in range(150)]

    started = perf_counter()
    found = propose(booklets, roster)
    spent_s = perf_counter() - started

    assert sum(first(p) == p.booklet_id for p in found) == 150
    assert spent_s < 5
