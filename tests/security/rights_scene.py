"""A paper at every stage at once, and somebody in every relation to its copies."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select, text

from core.db.session import Sessions
from core.db.tables import Account, Base, Booklet, Candidate, Copy, Marking
from core.domain.access import Actor, Relation, Role
from core.domain.anonymity import new_code
from core.jobs import rows
from core.jobs.running import run_next
from core.services import accounts, allocation, connections, finalisation, marking, publication
from core.storage.blobs import BlobStore
from tests.integration.builders import CODES, STAFF, build_exam
from tests.tickets import ticket_for

PASSWORD = "une phrase de passe"
ROSTER = "Nom;Prénom;Né(e) le\nSOLEIL;Ada;01/02/2009\n"
SCHEME = "item,label,points\n1,Exercice,20\n"
MARKS = {"1.a": "4", "1.b": "2.5", "2.a": "5", "2.b": "1"}
STRANGER = new_code(random.Random(9).choice)
"""A well-formed code that no copy bears."""


@dataclass(frozen=True)
class RightsScene:
    """What the matrix acts upon.

    Attributes:
        published: the copy shown to ``eleve``, marked by ``proche``.
        finalised: marked by ``proche``, not shown yet; its candidate is ``attente``.
        open: being marked by ``proche``.
        others: the copy shown to ``camarade``, marked by ``lointain``.
        job_id: a job that was put aside.
        logins: of each account, by its id.
    """

    paper_id: int
    session_id: int
    items: Mapping[str, int]
    published: str
    finalised: str
    open: str
    others: str
    booklet_id: int
    candidate_id: int
    job_id: int
    account_ids: Mapping[str, int]
    home: Path
    scan: Path

    def actor(self, login: str, *roles: Role) -> Actor:
        """The account of a login, with ``roles``."""
        account_id = self.account_ids[login]
        return Actor(account_id, frozenset(roles), f"account:{account_id}")

    def somebody(self, role: Role, *, related: bool) -> Actor:
        """Who holds ``role`` and is, or is not, related to the copies of the scene."""
        return self.actor(login_of(role, related=related), role)


def login_of(role: Role, *, related: bool) -> str:
    """The login of somebody with ``role``, related to the scene's copies or not."""
    if role is Role.CORRECTOR:
        return "proche" if related else "lointain"
    if role is Role.STUDENT:
        return "eleve" if related else "camarade"
    return role.value


def relation_to(role: Role, *, related: bool) -> Relation | None:
    """What that somebody is to the scene's copies, in the words of the policy."""
    if not related:
        return None
    return {Role.CORRECTOR: Relation.ALLOCATED, Role.STUDENT: Relation.OWN}.get(role)


def build(sessions: Sessions, blobs: BlobStore, home: Path) -> RightsScene:
    """Five copies: two published, one finalised, one being marked, one untouched."""
    exam = build_exam(sessions, blobs, copies=5, correctors=())
    _give_true_codes(sessions)
    logins = _accounts(sessions)
    allocation.allocate(sessions, STAFF, paper_id=exam.paper_id, correctors=["proche", "lointain"], seed=1)
    near, far = _paquets(sessions, logins)
    published, finalised, being_marked = near
    _mark(sessions, exam.paper_id, [published, far[0]])
    _finalise(sessions, blobs, exam.paper_id)
    publication.publish(sessions, STAFF, blobs, paper_id=exam.paper_id)
    _mark(sessions, exam.paper_id, [finalised])
    _finalise(sessions, blobs, exam.paper_id)
    marking.open_copy(
        sessions, Actor(logins["proche"], frozenset({Role.CORRECTOR}), "account:0"), code=being_marked
    )
    _pupils(sessions, logins, {"eleve": published, "camarade": far[0], "attente": finalised})
    job_id = _job_put_aside(sessions, exam.paper_id)
    scan = home / "lot.pdf"
    home.mkdir(parents=True, exist_ok=True)
    scan.write_bytes(exam.scan)
    with sessions() as session:
        booklet = session.scalars(select(Booklet).order_by(Booklet.id)).first()
        candidate = session.scalars(select(Candidate).order_by(Candidate.id)).first()
        assert booklet is not None
        assert candidate is not None
        return RightsScene(
            paper_id=exam.paper_id,
            session_id=exam.session_id,
            items=exam.items,
            published=published,
            finalised=finalised,
            open=being_marked,
            others=far[0],
            booklet_id=booklet.id,
            candidate_id=candidate.id,
            job_id=job_id,
            account_ids=logins,
            home=home,
            scan=scan,
        )


def _give_true_codes(sessions: Sessions) -> None:
    """The builders' codes bear no right check sign, and addresses with such codes reach no service."""
    chance = random.Random(5)
    with sessions.begin() as session:
        for copy in session.scalars(select(Copy)):
            assert copy.code in CODES
            copy.code = new_code(chance.choice)


def _accounts(sessions: Sessions) -> dict[str, int]:
    staff = {role.value: role for role in Role if role not in (Role.CORRECTOR, Role.STUDENT)}
    wanted = {**staff, "proche": Role.CORRECTOR, "lointain": Role.CORRECTOR}
    return {
        login: accounts.create_account(
            sessions,
            STAFF,
            login=login,
            roles=[role],
            surname=login.capitalize(),
            password=PASSWORD,
            must_change=False,
        )
        for login, role in wanted.items()
    }


def _pupils(sessions: Sessions, logins: dict[str, int], copies: Mapping[str, str]) -> None:
    """Accounts of the candidates of these copies, by login."""
    accounts.create_student_accounts(sessions, STAFF, session_id=1)
    with sessions.begin() as session:
        for login, code in copies.items():
            copy = session.scalars(select(Copy).where(Copy.code == code)).one()
            assert copy.candidate is not None
            account = session.scalars(
                select(Account).where(Account.person_id == copy.candidate.person_id)
            ).one()
            account.login, account.must_change_password = login, False
            logins[login] = account.id
    for login in copies:
        accounts.set_password(sessions, STAFF, login=login, password=PASSWORD, must_change=False)


def _paquets(sessions: Sessions, logins: Mapping[str, int]) -> tuple[list[str], list[str]]:
    with sessions() as session:
        found = [
            list(
                session.scalars(
                    select(Copy.code)
                    .join(Marking, Marking.id == Copy.record_marking_id)
                    .where(Marking.corrector_id == logins[login])
                    .order_by(Copy.id)
                )
            )
            for login in ("proche", "lointain")
        ]
    near, far = found
    assert (len(near), len(far)) == (3, 2), "another seed: proche needs three copies"
    return near, far


def _mark(sessions: Sessions, paper_id: int, codes: list[str]) -> None:
    lines = [f"{code},{item},{mark}," for code in codes for item, mark in MARKS.items()]
    table = "\n".join(["code,item,mark,remark", *lines])
    done = marking.import_marks(
        sessions, STAFF, paper_id=paper_id, file_name="notes.csv", content=table.encode()
    )
    assert done.refused == []


def _finalise(sessions: Sessions, blobs: BlobStore, paper_id: int) -> None:
    finalisation.finalise_paper(sessions, STAFF, paper_id=paper_id)
    work = {finalisation.FINALISE: lambda held: finalisation.run_finalise(sessions, blobs, held)}
    while run_next(sessions, work):
        pass


def _job_put_aside(sessions: Sessions, paper_id: int) -> int:
    with sessions.begin() as session:
        job = rows.ask(session, kind="ingest", unique_key="aside", payload={}, paper_id=paper_id)
        job.status = "failed"
    return job.id


def connect(sessions: Sessions, login: str) -> tuple[str, str]:
    """Sign somebody in without a browser: (cookie, CSRF token)."""
    ticket = ticket_for(sessions, login)
    opened = connections.redeem_ticket(sessions, ticket=ticket, hours=1)
    return opened.token, opened.csrf_token


def digest_of(sessions: Sessions, *, but: frozenset[str] = frozenset()) -> str:
    """One value for all rows of all tables, those named in ``but`` left out."""
    told = hashlib.sha256()
    with sessions() as session:
        for name in sorted(set(Base.metadata.tables) - but):
            rows = session.execute(text(f'select * from "{name}"')).all()
            told.update(name.encode() + repr(sorted(map(repr, rows))).encode())
    return told.hexdigest()
