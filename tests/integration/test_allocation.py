"""Which corrector gets which copy, and how far they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from core.db.tables import Account, AllocationRun, Copy, Marking
from core.db.tables.base import now
from core.domain.access import Role
from core.domain.copies import CopyStatus
from core.errors import BadInput, NotAllowed
from core.services import allocation, copies
from core.storage.blobs import BlobStore
from tests.integration.builders import STAFF, Exam, add_account, build_exam

Sessions = sessionmaker[Session]
LOGINS = ("martin", "nguyen")


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")


@pytest.fixture
def exam(sessions: Sessions, blobs: BlobStore) -> Exam:
    return build_exam(sessions, blobs, copies=4)


def holders(sessions: Sessions) -> dict[str, str]:
    with sessions.begin() as session:
        rows = session.execute(
            select(Copy.code, Account.login)
            .join(Marking, Marking.id == Copy.record_marking_id)
            .join(Account, Account.id == Marking.corrector_id)
        )
        return dict(rows.all())


def test_identified_copies_are_released_and_shared_evenly(sessions: Sessions, exam: Exam) -> None:
    done = allocation.allocate(sessions, STAFF, paper_id=exam.paper_id, correctors=LOGINS, seed=1)

    assert done.per_corrector == {"martin": 2, "nguyen": 2}
    assert (done.released, done.seed) == (4, 1)
    assert len(holders(sessions)) == 4
    lines = copies.copies(sessions, STAFF, paper_id=exam.paper_id)
    assert {line.status for line in lines} == {CopyStatus.READY}


def test_the_seed_is_recorded_with_the_markings_of_its_run(sessions: Sessions, exam: Exam) -> None:
    drawn = allocation.allocate(sessions, STAFF, paper_id=exam.paper_id, correctors=LOGINS).seed

    with sessions.begin() as session:
        run = session.scalars(select(AllocationRun)).one()
        assert run.seed == drawn
        assert set(session.scalars(select(Marking.allocation_run_id))) == {run.id}


def test_the_same_seed_gives_the_same_shares_whatever_the_order_of_logins(
    sessions: Sessions, exam: Exam
) -> None:
    allocation.allocate(sessions, STAFF, paper_id=exam.paper_id, correctors=LOGINS, seed=7)
    first = holders(sessions)
    with sessions.begin() as session:
        for copy in session.scalars(select(Copy)):
            copy.record_marking_id = None
        session.flush()
        for marking in session.scalars(select(Marking)):
            session.delete(marking)

    allocation.allocate(sessions, STAFF, paper_id=exam.paper_id, correctors=LOGINS[::-1], seed=7)

    assert holders(sessions) == first


def test_allocating_again_gives_late_copies_to_the_least_loaded(sessions: Sessions, exam: Exam) -> None:
    with sessions.begin() as session:
        late = session.scalars(select(Copy).where(Copy.code == exam.codes[3])).one()
        late.status, candidate, late.candidate_id = CopyStatus.STAGED.value, late.candidate_id, None
    allocation.allocate(sessions, STAFF, paper_id=exam.paper_id, correctors=LOGINS, seed=3)
    before = holders(sessions)
    with sessions.begin() as session:
        late = session.scalars(select(Copy).where(Copy.code == exam.codes[3])).one()
        late.status, late.candidate_id = CopyStatus.IDENTIFIED.value, candidate

    again = allocation.allocate(sessions, STAFF, paper_id=exam.paper_id, correctors=LOGINS, seed=5)

    assert sum(again.per_corrector.values()) == 1
    after = holders(sessions)
    assert {code: after[code] for code in before} == before
    assert sorted(list(after.values()).count(login) for login in LOGINS) == [2, 2]


def test_copies_with_pending_identity_are_allocated_once_released(
    sessions: Sessions, blobs: BlobStore
) -> None:
    exam = build_exam(sessions, blobs, status=CopyStatus.STAGED, named=False)
    first = allocation.allocate(sessions, STAFF, paper_id=exam.paper_id, correctors=LOGINS)
    copies.release(sessions, STAFF, paper_id=exam.paper_id, pending=True)

    second = allocation.allocate(sessions, STAFF, paper_id=exam.paper_id, correctors=LOGINS)

    assert sum(first.per_corrector.values()) == 0
    assert second.per_corrector == {"martin": 1, "nguyen": 1}


def test_only_active_correctors_can_be_allocated_to(sessions: Sessions, exam: Exam) -> None:
    with sessions.begin() as session:
        add_account(session, "dupont", Role.SECRETARIAT)
        session.get_one(Account, exam.accounts["nguyen"]).disabled_at = now()

    for login in ("dupont", "nguyen", "personne"):
        with pytest.raises(BadInput) as refused:
            allocation.allocate(sessions, STAFF, paper_id=exam.paper_id, correctors=["martin", login])
        assert (refused.value.code, refused.value.details) == (
            "allocation_unknown_corrector",
            {"login": login},
        )
    with pytest.raises(BadInput, match="allocation_no_corrector"):
        allocation.allocate(sessions, STAFF, paper_id=exam.paper_id, correctors=[])
    assert holders(sessions) == {}


def test_the_secretariat_follows_progress_but_does_not_allocate(sessions: Sessions, exam: Exam) -> None:
    with sessions.begin() as session:
        exam.accounts["dupont"] = add_account(session, "dupont", Role.SECRETARIAT)
    secretary = exam.actor("dupont", Role.SECRETARIAT)
    with pytest.raises(NotAllowed):
        allocation.allocate(sessions, secretary, paper_id=exam.paper_id, correctors=LOGINS)
    allocation.allocate(sessions, STAFF, paper_id=exam.paper_id, correctors=LOGINS, seed=1)

    seen = allocation.progress(sessions, secretary, paper_id=exam.paper_id)

    assert seen.by_status[CopyStatus.READY] == 4
    assert seen.by_status[CopyStatus.PUBLISHED] == 0
    assert [(row.login, row.display_name, row.allocated, row.complete) for row in seen.per_corrector] == [
        ("martin", "Paul MARTIN", 2, 0),
        ("nguyen", "Paul NGUYEN", 2, 0),
    ]
