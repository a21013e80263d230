"""Which corrector marks which copy, by chance that can be repeated; and how far they are."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.db.session import Sessions
from core.db.tables import Account, AllocationRun, Copy, Marking
from core.domain import allocation as domain
from core.domain.access import Action, Actor, Role, authorise
from core.domain.copies import CopyStatus
from core.domain.marking import MarkingKind
from core.errors import BadInput
from core.services import journal
from core.services.copies import release_in
from core.services.copy_rows import page_counts, paper_row
from core.services.transactions import reading, writing

_SEED_LIMIT = 2**31


@dataclass(frozen=True)
class Allocated:
    """Copies given by this run, by login; ``seed`` repeats the draw."""

    per_corrector: dict[str, int]
    released: int
    seed: int


@dataclass(frozen=True)
class CorrectorProgress:
    """How far a corrector's paquet is; ``complete`` copies have a state for every item."""

    login: str
    display_name: str
    allocated: int
    complete: int
    finalised: int


@dataclass(frozen=True)
class Progress:
    """How far a paper is: its copies by status, and each corrector's paquet."""

    by_status: dict[CopyStatus, int]
    per_corrector: list[CorrectorProgress]


def allocate(
    sessions: Sessions, actor: Actor, *, paper_id: int, correctors: Sequence[str], seed: int | None = None
) -> Allocated:
    """Give every ready copy that nobody has to one of ``correctors``, fairly by pages.

    Identified copies are released first. What was given before stays and counts
    as load, so that late copies go to the least loaded.

    Args:
        sessions: Database.
        actor: Who acts.
        paper_id: The paper.
        correctors: Logins.
        seed: Of the draw; a fresh one when not given. It is recorded with the run.

    Raises:
        NotAllowed: The actor may not allocate.
        NotFound: There is no such paper.
        BadInput: ``allocation_no_corrector``; ``allocation_unknown_corrector`` with ``login``: no active
            account of a corrector bears it.
        Conflict: A copy changed meanwhile.
    """
    authorise(actor, Action.ALLOCATE)
    drawn = secrets.randbelow(_SEED_LIMIT) if seed is None else seed
    with writing(sessions) as session:
        paper_row(session, paper_id)
        accounts = _correctors(session, correctors)
        released = release_in(session, paper_id=paper_id, pending=False)
        given = _draw(session, paper_id, [account.id for account in accounts], drawn)
        if given:
            _write(session, actor.label, paper_id, drawn, given)
        if given or released:
            values = {
                "seed": drawn,
                "released": released,
                "given": {str(copy): corrector for copy, corrector in given.items()},
            }
            journal.record(session, actor, Action.ALLOCATE, kind="paper", object_id=paper_id, values=values)
    shares = list(given.values())
    return Allocated({account.login: shares.count(account.id) for account in accounts}, len(released), drawn)


def progress(sessions: Sessions, actor: Actor, *, paper_id: int) -> Progress:
    """How far the marking of a paper is.

    Raises:
        NotAllowed: The actor may not follow it.
        NotFound: There is no such paper.
    """
    authorise(actor, Action.VIEW_PROGRESS)
    with reading(sessions) as session:
        paper_row(session, paper_id)
        counted = dict(
            session.execute(
                select(Copy.status, func.count()).where(Copy.paper_id == paper_id).group_by(Copy.status)
            ).all()
        )
        markings = session.execute(
            select(Account, Marking.completed_at, Copy.status)
            .join(Marking, Marking.corrector_id == Account.id)
            .join(Copy, Copy.record_marking_id == Marking.id)
            .where(Copy.paper_id == paper_id)
            .order_by(Account.login)
        ).all()
        names = {account.id: (account.login, _display_name(account)) for account, _, _ in markings}
    closed = (CopyStatus.FINALISED, CopyStatus.PUBLISHED)
    return Progress(
        by_status={status: counted.get(status, 0) for status in CopyStatus},
        per_corrector=[
            CorrectorProgress(
                login=login,
                display_name=name,
                allocated=sum(account.id == account_id for account, _, _ in markings),
                complete=sum(
                    account.id == account_id and completed is not None for account, completed, _ in markings
                ),
                finalised=sum(
                    account.id == account_id and status in closed for account, _, status in markings
                ),
            )
            for account_id, (login, name) in names.items()
        ],
    )


def _correctors(session: Session, logins: Sequence[str]) -> list[Account]:
    if not logins:
        raise BadInput("allocation_no_corrector")
    found = {
        account.login: account
        for account in session.scalars(
            select(Account).where(Account.login.in_(logins), Account.disabled_at.is_(None))
        )
        if any(row.role == Role.CORRECTOR for row in account.roles)
    }
    for login in logins:
        if login not in found:
            raise BadInput("allocation_unknown_corrector", login=login)
    return [found[login] for login in dict.fromkeys(logins)]


def _draw(session: Session, paper_id: int, correctors: Sequence[int], seed: int) -> dict[int, int]:
    """``{copy: corrector}`` for the ready copies without a corrector."""
    rows = session.execute(
        select(Copy.id, Copy.status, Marking.corrector_id)
        .outerjoin(Marking, (Marking.copy_id == Copy.id) & (Marking.kind == MarkingKind.ORDINARY.value))
        .where(Copy.paper_id == paper_id)
    ).all()
    pages = page_counts(session, [copy_id for copy_id, _, _ in rows])
    load = dict.fromkeys(correctors, 0)
    for copy_id, _, corrector in rows:
        if corrector in load:
            load[corrector] += pages.get(copy_id, 0)
    free = [
        domain.Share(copy_id, pages.get(copy_id, 0))
        for copy_id, status, corrector in rows
        if corrector is None and status == CopyStatus.READY.value
    ]
    return domain.allocate(free, correctors, seed=seed, load=load)


def _write(session: Session, made_by: str, paper_id: int, seed: int, given: dict[int, int]) -> None:
    run = AllocationRun(paper_id=paper_id, seed=seed, created_by=made_by)
    session.add(run)
    session.flush()
    markings = [
        Marking(copy_id=copy_id, corrector_id=corrector, allocation_run_id=run.id)
        for copy_id, corrector in given.items()
    ]
    session.add_all(markings)
    session.flush()
    for marking in markings:
        session.get_one(Copy, marking.copy_id).record_marking_id = marking.id


def _display_name(account: Account) -> str:
    identity = account.person.identity
    return f"{identity.first_name} {identity.surname}".strip() if identity is not None else account.login
