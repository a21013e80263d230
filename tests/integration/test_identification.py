"""Whose booklet it is: proposals, decisions that are superseded and never overwritten, and their copies."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from core.db.session import Sessions
from core.db.tables import Copy, Decision, HalfPage, JournalEntry, PageSet
from core.domain.access import Actor, Role
from core.domain.anonymity import normalise
from core.domain.copies import CopyStatus
from core.domain.entries import DecisionKind
from core.errors import Conflict, NotAllowed, NotFound
from core.services import identification
from core.services.identification import Decided, Desk
from core.storage.blobs import BlobStore
from tests.integration.classes import Taken, draw_few, take_in
from workbench.demo.draw import DrawnScan

SECRETARIAT = Actor(None, frozenset({Role.SECRETARIAT}), "account:1")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> DrawnScan:
    return draw_few(tmp_path_factory.mktemp("drawn"))


@pytest.fixture
def taken(sessions: Sessions, tmp_path: Path, drawn: DrawnScan) -> Taken:
    taken = take_in(sessions, BlobStore(tmp_path / "blobs"), drawn)
    taken.run()
    return taken


def desk(taken: Taken) -> Desk:
    return identification.desk(taken.sessions, SECRETARIAT, paper_id=taken.paper_id)


def decide(taken: Taken, booklet: int, candidate: int | None, expected: int | None = None) -> Decided:
    return identification.decide(
        taken.sessions,
        SECRETARIAT,
        booklet_id=booklet,
        kind=DecisionKind.NOT_LISTED if candidate is None else DecisionKind.CANDIDATE,
        candidate_id=candidate,
        expected_decision_id=expected,
    )


def copies_of(taken: Taken) -> list[Copy]:
    with taken.sessions() as session:
        return list(session.scalars(select(Copy).order_by(Copy.id)))


def pages_of(taken: Taken, copy_id: int) -> list[list[int]]:
    with taken.sessions() as session:
        sets = session.scalars(select(PageSet).where(PageSet.copy_id == copy_id).order_by(PageSet.number))
        return [[page.half_page_id for page in page_set.pages] for page_set in sets]


def set_status(taken: Taken, copy_id: int, status: CopyStatus) -> None:
    with taken.sessions.begin() as session:
        session.execute(update(Copy).where(Copy.id == copy_id).values(status=status.value))


def test_headers_read_for_real_name_their_writers(
    sessions: Sessions, tmp_path: Path, drawn: DrawnScan
) -> None:
    taken = take_in(sessions, BlobStore(tmp_path / "read"), drawn)
    taken.run("ppocr")

    written = [
        drawn.truth.pupils[image.pupil] for image in drawn.truth.files[0].images if image.side == "front"
    ]
    found = identification.proposals(sessions, SECRETARIAT, paper_id=taken.paper_id)
    assert [(b.ranked[0].surname, b.ranked[0].first_name) for b in found] == [
        (pupil.surname, pupil.first_name) for pupil in written
    ]


def test_a_decision_makes_a_copy_with_a_code_and_the_pages_in_order(taken: Taken) -> None:
    task, candidate = desk(taken).tasks[0], desk(taken).candidates[3]

    decided = decide(taken, task.booklet_id, candidate.candidate_id)

    (copy,) = copies_of(taken)
    assert copy.id == decided.copy_id
    assert copy.status == CopyStatus.IDENTIFIED
    assert normalise(copy.code) == copy.code
    (pages,) = pages_of(taken, copy.id)
    with taken.sessions() as session:
        labels = [session.get_one(HalfPage, page).page for page in pages]
        places = {session.get_one(HalfPage, page).place for page in pages}
    assert labels == ["P1", "P2", "P3", "P4"]
    assert places == {"copy"}
    assert desk(taken).done == 1


def test_booklets_of_one_candidate_become_one_copy_with_a_second_page_set(taken: Taken) -> None:
    first, second = desk(taken).tasks[:2]
    candidate = desk(taken).candidates[0].candidate_id

    decide(taken, second.booklet_id, candidate)
    decide(taken, first.booklet_id, candidate)

    (copy,) = copies_of(taken)
    before, after = pages_of(taken, copy.id)
    assert len(before) == 4
    assert after[4:] == before, "the order of the scan, not of the decisions"
    assert len(after) == 8


def test_another_decision_supersedes_the_first_and_moves_the_pages(taken: Taken) -> None:
    task = desk(taken).tasks[0]
    wrong, right = (candidate.candidate_id for candidate in desk(taken).candidates[:2])
    first = decide(taken, task.booklet_id, wrong)

    decide(taken, task.booklet_id, right, expected=first.decision_id)

    (copy,) = copies_of(taken)
    assert copy.candidate_id == right
    with taken.sessions() as session:
        history = session.scalars(select(Decision).order_by(Decision.id)).all()
    assert [(row.candidate_id, row.superseded_at is None) for row in history] == [
        (wrong, False),
        (right, True),
    ]


def test_a_decision_taken_back_leaves_no_copy_and_stays_in_the_history(taken: Taken) -> None:
    task, candidate = desk(taken).tasks[0], desk(taken).candidates[0]
    decide(taken, task.booklet_id, candidate.candidate_id)

    identification.undo(taken.sessions, SECRETARIAT, booklet_id=task.booklet_id)

    assert copies_of(taken) == []
    assert desk(taken).tasks[0].decided is None
    with taken.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Decision)) == 1
        assert session.scalar(select(func.count()).where(HalfPage.place == "copy").select_from(HalfPage)) == 0


def test_somebody_not_on_the_list_gets_a_copy_without_identity(taken: Taken) -> None:
    decide(taken, desk(taken).tasks[0].booklet_id, None)

    (copy,) = copies_of(taken)
    assert (copy.candidate_id, copy.status) == (None, CopyStatus.STAGED)


def test_of_simultaneous_decisions_exactly_one_wins(taken: Taken) -> None:
    task = desk(taken).tasks[0]
    candidates = [candidate.candidate_id for candidate in desk(taken).candidates[:4]]

    def attempt(candidate: int) -> bool:
        try:
            decide(taken, task.booklet_id, candidate)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(attempt, candidates)) == 1
    assert len(copies_of(taken)) == 1


def test_a_decision_on_an_outdated_screen_is_refused(taken: Taken) -> None:
    task = desk(taken).tasks[0]
    first, second = (candidate.candidate_id for candidate in desk(taken).candidates[:2])
    decide(taken, task.booklet_id, first)

    with pytest.raises(Conflict) as refusal:
        decide(taken, task.booklet_id, second)

    assert refusal.value.code == "decided_meanwhile"


def test_pages_do_not_join_a_copy_that_is_released(taken: Taken) -> None:
    first, second = desk(taken).tasks[:2]
    candidate = desk(taken).candidates[0].candidate_id
    copy_id = decide(taken, first.booklet_id, candidate).copy_id
    assert copy_id is not None
    set_status(taken, copy_id, CopyStatus.READY)

    with pytest.raises(Conflict) as refusal:
        decide(taken, second.booklet_id, candidate)

    assert refusal.value.code == "candidate_has_copy"
    assert len(pages_of(taken, copy_id)[-1]) == 4
    assert desk(taken).tasks[1].decided is None


def test_a_copy_in_marking_is_named_later_without_losing_its_status(taken: Taken) -> None:
    task, candidate = desk(taken).tasks[0], desk(taken).candidates[0]
    pending = decide(taken, task.booklet_id, None)
    assert pending.copy_id is not None
    set_status(taken, pending.copy_id, CopyStatus.MARKING)

    decide(taken, task.booklet_id, candidate.candidate_id, expected=pending.decision_id)

    (copy,) = copies_of(taken)
    assert (copy.candidate_id, copy.status) == (candidate.candidate_id, CopyStatus.MARKING)


def test_the_journal_holds_ids_and_no_name(taken: Taken) -> None:
    decide(taken, desk(taken).tasks[0].booklet_id, desk(taken).candidates[0].candidate_id)

    with taken.sessions() as session:
        entry = session.scalars(select(JournalEntry).where(JournalEntry.action == "identify")).one()
    assert (entry.actor, entry.object_kind) == ("account:1", "booklet")
    assert len(entry.digest) == 64


def test_a_file_of_decisions_is_applied_line_by_line(taken: Taken) -> None:
    tasks, candidates = desk(taken).tasks, desk(taken).candidates
    known = next(c for c in candidates if c.surname == "DE LA TOUR")
    lines = [
        "booklet,surname,first_name,birth_date",
        f"{tasks[0].booklet_id},De la Tour,augustin,{known.birth_date}",
        f"{tasks[1].booklet_id},,,",
        f"{tasks[2].booklet_id},INCONNU,Jean,",
        "9999,DE LA TOUR,Augustin,",
    ]

    applied = identification.apply_decisions(
        taken.sessions,
        SECRETARIAT,
        paper_id=taken.paper_id,
        file_name="decisions.csv",
        content="\n".join(lines).encode(),
    )

    assert (applied.applied, applied.unchanged) == (2, 0)
    assert [(problem.line, problem.reason.code) for problem in applied.refused] == [
        (4, "candidate_unknown"),
        (5, "not_found"),
    ]
    assert desk(taken).done == 2


def test_homonyms_in_a_file_of_decisions_need_their_date(taken: Taken) -> None:
    task = desk(taken).tasks[0]

    applied = identification.apply_decisions(
        taken.sessions,
        SECRETARIAT,
        paper_id=taken.paper_id,
        file_name="decisions.csv",
        content=f"booklet,surname,first_name,birth_date\n{task.booklet_id},MARTIN,Léa,\n".encode(),
    )

    assert [problem.reason.code for problem in applied.refused] == ["candidate_ambiguous"]


def test_headers_and_decisions_are_not_for_correctors_or_coordinators(taken: Taken) -> None:
    task = desk(taken).tasks[0]
    for role in (Role.CORRECTOR, Role.COORDINATOR, Role.ANALYST, Role.STUDENT):
        actor = Actor(7, frozenset({role}), "account:7")
        with pytest.raises(NotAllowed):
            identification.desk(taken.sessions, actor, paper_id=taken.paper_id)
        with pytest.raises(NotAllowed):
            identification.header_crop(taken.sessions, actor, taken.blobs, booklet_id=task.booklet_id)


def test_the_header_of_an_unknown_booklet_is_not_found(taken: Taken) -> None:
    with pytest.raises(NotFound):
        identification.header_crop(taken.sessions, SECRETARIAT, taken.blobs, booklet_id=9999)
