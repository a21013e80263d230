"""A paper on the way from identified to published, for the tests of pages, and what a page shows of it."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker
from streamlit.testing.v1 import AppTest

from core.db.tables import Account, Candidate
from core.domain.access import Role
from core.services import allocation, connections, finalisation, marking
from tests.integration.builders import STAFF, Exam, add_account, build_exam
from tests.integration.test_finalisation import work
from tests.tickets import ticket_for
from workbench import guard, navigation, resources

Sessions = sessionmaker[Session]

MARKS = {
    0: {"1.a": "3,5", "1.b": "6", "2.a": "4", "2.b": "1", "*": "Un bon travail."},
    1: {"1.a": "0", "1.b": "2,25", "2.a": "", "2.b": "0", "*": ""},
}
"""Marks of the copies by their rank: 14,50 with the bonus, and 2,25 with an item that was left out."""


def allocated(database: Sessions, *, copies: int = 2) -> Exam:
    """Identified copies, all given to Paul MARTIN."""
    exam = build_exam(database, resources.blobs(), copies=copies, correctors=("martin",))
    allocation.allocate(database, STAFF, paper_id=exam.paper_id, correctors=["martin"], seed=1)
    return exam


def marked(database: Sessions, *, copies: int = 2) -> Exam:
    """The first two copies have all their marks, the first a remark on 1.b."""
    exam = allocated(database, copies=copies)
    lines = ["code;item;mark;remark"]
    for rank, marks in MARKS.items():
        for item, mark in marks.items():
            text = mark if item == "*" else ("Justifiez." if (rank, item) == (0, "1.b") else "")
            lines.append(f"{exam.codes[rank]};{item};{'' if item == '*' else mark};{text}")
    done = marking.import_marks(
        database, STAFF, paper_id=exam.paper_id, file_name="notes.csv", content="\n".join(lines).encode()
    )
    assert done.refused == []
    return exam


def finalised(database: Sessions, *, copies: int = 2) -> Exam:
    """The first two copies are finalised, any other waits for its marks."""
    exam = marked(database, copies=copies)
    finalisation.finalise_paper(database, STAFF, paper_id=exam.paper_id)
    work(database, resources.blobs())
    return exam


def pupil_account(database: Sessions, rank: int, login: str) -> None:
    """An account for the pupil who wrote a copy."""
    with database.begin() as session:
        people = session.scalars(select(Candidate.person_id).order_by(Candidate.id)).all()
        add_account(session, login, Role.STUDENT, person_id=people[rank])
        account = session.scalars(select(Account).where(Account.login == login)).one()
        account.must_change_password = False


def signed_in_as(database: Sessions, monkeypatch: pytest.MonkeyPatch, login: str) -> None:
    """From now on the browser bears the cookie of this account."""
    ticket = ticket_for(database, login)
    token = connections.redeem_ticket(database, ticket=ticket, hours=1).token
    monkeypatch.setattr(guard, "cookie", lambda: token)


def opened(app: AppTest, name: str) -> AppTest:
    """The application on a page of who is signed in; nothing may have gone wrong in it."""
    app.run()
    app.switch_page(str(navigation.FOLDER / f"{name}.py")).run()
    assert not app.exception
    return app


def html(app: AppTest) -> str:
    """The HTML that a page draws, without the style sheet."""
    parts = [str(part.proto.body) for part in app.get("html")]
    return "\n".join(part for part in parts if "<style>" not in part)


def labels(app: AppTest) -> list[str]:
    """What the folded parts of a page are called."""
    return [part.label for part in app.expander]
