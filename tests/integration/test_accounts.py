"""Accounts, sign-in and connections on real databases."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import date, datetime, timedelta

import bcrypt
import pytest
from sqlalchemy import event, func, select, update
from sqlalchemy.orm import Session, sessionmaker

from core.db.tables import (
    Account,
    Candidate,
    Connection,
    ExamSession,
    Identity,
    JournalEntry,
    JournalValue,
    Person,
    SignInTicket,
)
from core.db.tables.base import now
from core.domain.access import Action, Actor, Role
from core.domain.chain import digest
from core.errors import BadInput, Conflict, NotAllowed, NotFound, WorkbenchError
from core.services import accounts, connections, journal, passwords
from tests.tickets import ticket_for

Sessions = sessionmaker[Session]
SYSTEM = Actor.system("test")
PASSWORD = "correct horse"


@pytest.fixture(autouse=True)
def _fast_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "BCRYPT_COST", 4)


# What is refused before the database is asked, or whatever its kind: once is enough.
on_one_database = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


def add(sessions: Sessions, login: str = "m.durand", *roles: Role) -> int:
    return accounts.create_account(
        sessions,
        SYSTEM,
        login=login,
        roles=roles or (Role.CORRECTOR,),
        surname="Durand",
        first_name="Marie",
        password=PASSWORD,
    )


def sign_in(sessions: Sessions, login: str = "m.durand") -> connections.OpenedConnection:
    return connections.redeem_ticket(sessions, ticket=ticket_for(sessions, login), hours=12)


def candidates(sessions: Sessions, *names: tuple[str, str]) -> int:
    with sessions.begin() as session:
        exam_session = ExamSession(name="Bac blanc", ends_on=date(2027, 8, 31))
        session.add(exam_session)
        session.flush()
        for surname, first_name in names:
            person = Person(identity=Identity(surname=surname, first_name=first_name))
            session.add(Candidate(session_id=exam_session.id, person=person))
        return exam_session.id


# --- accounts


def test_an_account_is_opened_with_its_roles_and_must_change_its_password(sessions: Sessions) -> None:
    account_id = add(sessions, " M.Durand ", Role.CORRECTOR, Role.COORDINATOR)

    assert accounts.accounts(sessions, SYSTEM) == [
        accounts.AccountLine(
            account_id,
            "m.durand",
            "DURAND Marie",
            (Role.COORDINATOR, Role.CORRECTOR),
            disabled=False,
            must_change_password=True,
            version=1,
        )
    ]


@on_one_database
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"login": "M.DURAND"}, "account_login_taken"),
        ({"login": "marie durand"}, "account_login_invalid"),
        ({"login": ""}, "account_login_invalid"),
        ({"login": "m\x00"}, "account_login_invalid"),
        ({"roles": []}, "account_no_role"),
        ({"password": "neuf sign"}, "account_password_too_short"),
        ({"password": "é" * 37}, "account_password_too_long"),
    ],
)
def test_an_account_that_cannot_be_opened_says_why(
    sessions: Sessions, changes: dict[str, object], code: str
) -> None:
    add(sessions)
    wanted: dict[str, object] = {
        "login": "a.b",
        "roles": [Role.CORRECTOR],
        "surname": "B",
        "password": PASSWORD,
    }

    with pytest.raises(BadInput) as refused:
        accounts.create_account(sessions, SYSTEM, **(wanted | changes))  # type: ignore[arg-type]

    assert refused.value.code == code
    assert len(accounts.accounts(sessions, SYSTEM)) == 1


def test_of_two_administrators_opening_the_same_login_one_is_refused(sessions: Sessions) -> None:
    def attempt(_: int) -> bool:
        try:
            add(sessions)
        except (BadInput, Conflict):
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(attempt, range(4))) == 1


@on_one_database
def test_only_an_administrator_manages_accounts(sessions: Sessions) -> None:
    secretary = Actor(add(sessions, "sec", Role.SECRETARIAT), frozenset({Role.SECRETARIAT}), "account:1")

    for attempt in (
        lambda: accounts.accounts(sessions, secretary),
        lambda: accounts.set_password(sessions, secretary, login="sec", password=PASSWORD),
        lambda: accounts.set_disabled(sessions, secretary, login="sec", disabled=True),
        lambda: accounts.create_student_accounts(sessions, secretary, session_id=1),
        lambda: accounts.correctors(sessions, secretary),
    ):
        with pytest.raises(NotAllowed):
            attempt()


def test_the_journal_tells_who_opened_an_account_and_holds_no_name_or_password(sessions: Sessions) -> None:
    account_id = add(sessions)

    with sessions() as session:
        [entry] = session.scalars(select(JournalEntry))
        [value] = session.scalars(select(JournalValue))
    assert (entry.actor, entry.action, entry.object_kind, entry.object_id) == (
        "system:test",
        "manage_accounts",
        "account",
        account_id,
    )
    assert value.values == {"created": True, "roles": ["corrector"]}
    assert entry.digest == digest(value.salt, value.values)


def test_a_journal_entry_goes_with_its_act_when_the_act_fails(sessions: Sessions) -> None:
    def failing_act() -> None:
        with sessions.begin() as session:
            journal.record(
                session,
                SYSTEM,
                Action.IDENTIFY,
                kind="booklet",
                object_id=1,
                values={"day": date(2027, 1, 2)},
            )
            raise RuntimeError

    with pytest.raises(RuntimeError):
        failing_act()

    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(JournalEntry)) == 0


def test_the_correctors_are_those_who_hold_the_role_and_are_not_disabled(sessions: Sessions) -> None:
    add(sessions, "a", Role.CORRECTOR)
    add(sessions, "b", Role.SECRETARIAT)
    add(sessions, "c", Role.CORRECTOR, Role.COORDINATOR)
    accounts.set_disabled(sessions, SYSTEM, login="c", disabled=True)

    assert [line.login for line in accounts.correctors(sessions, SYSTEM)] == ["a"]


# --- pupils


def test_each_candidate_without_account_gets_one_with_a_password_of_its_own(sessions: Sessions) -> None:
    session_id = candidates(
        sessions, ("BEN SALAH", "Yasmine"), ("D'ALMEIDA", "Thaïs"), ("BENSALAH", "Yanis"), ("王", "")
    )

    opened = accounts.create_student_accounts(sessions, SYSTEM, session_id=session_id)

    assert [account.login for account in opened] == ["y.bensalah", "y.bensalah2", "t.dalmeida", "eleve"]
    assert len({account.password for account in opened}) == 4
    assert connections.check_password(sessions, login="t.dalmeida", password=opened[2].password)
    assert accounts.actor_for_login(sessions, "t.dalmeida").roles == {Role.STUDENT}
    with sessions() as session:
        assert session.scalar(select(Account.person_id).where(Account.login == "eleve")) in set(
            session.scalars(select(Candidate.person_id))
        )


def test_asked_again_only_new_candidates_get_an_account(sessions: Sessions) -> None:
    session_id = candidates(sessions, ("FAURE", "Max"))
    accounts.create_student_accounts(sessions, SYSTEM, session_id=session_id)
    with sessions.begin() as session:
        session.add(
            Candidate(
                session_id=session_id, person=Person(identity=Identity(surname="FAURE", first_name="Mia"))
            )
        )

    assert [a.login for a in accounts.create_student_accounts(sessions, SYSTEM, session_id=session_id)] == [
        "m.faure2"
    ]
    assert accounts.create_student_accounts(sessions, SYSTEM, session_id=session_id) == []


# --- passwords


@on_one_database
def test_a_password_is_checked_whatever_the_case_of_the_login(sessions: Sessions) -> None:
    add(sessions)

    assert connections.check_password(sessions, login=" M.Durand", password=PASSWORD)
    assert not connections.check_password(sessions, login="m.durand", password=PASSWORD + "x")
    assert not connections.check_password(sessions, login="m.durand", password="")


@on_one_database
@pytest.mark.parametrize("login", ["nobody", "", "m.durand\x00", "x" * 500])
def test_an_unknown_login_is_as_slow_as_a_wrong_password_and_no_more_told(
    sessions: Sessions, login: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[bytes] = []
    monkeypatch.setattr(bcrypt, "checkpw", lambda _password, hashed: bool(checked.append(hashed)))

    assert not connections.check_password(sessions, login=login, password=PASSWORD)
    assert len(checked) == 1


def test_the_hash_of_nobody_costs_as_much_as_the_others() -> None:
    assert passwords.DUMMY_HASH.split("$")[2] == "10"


@on_one_database
def test_a_password_longer_than_bcrypt_reads_is_wrong_and_no_failure(sessions: Sessions) -> None:
    accounts.create_account(
        sessions, SYSTEM, login="long", roles=[Role.ADMIN], surname="L", password="x" * 72
    )

    assert connections.check_password(sessions, login="long", password="x" * 72)
    assert not connections.check_password(sessions, login="long", password="x" * 73)


def test_a_new_password_ends_the_connections_made_with_the_old_one(sessions: Sessions) -> None:
    add(sessions)
    opened = sign_in(sessions)
    ticket = ticket_for(sessions, "m.durand")

    accounts.set_password(sessions, SYSTEM, login="m.durand", password="another horse", must_change=False)

    assert connections.connection(sessions, opened.token) is None
    with pytest.raises(NotAllowed):
        connections.redeem_ticket(sessions, ticket=ticket, hours=12)
    assert not connections.check_password(sessions, login="m.durand", password=PASSWORD)
    assert connections.check_password(sessions, login="m.durand", password="another horse")
    assert not accounts.accounts(sessions, SYSTEM)[0].must_change_password


def test_changing_ones_own_password_keeps_this_browser_and_ends_the_others(sessions: Sessions) -> None:
    add(sessions)
    here, there = sign_in(sessions), sign_in(sessions)
    signed_in = connections.connection(sessions, here.token)
    assert signed_in is not None
    assert signed_in.must_change_password

    accounts.change_own_password(
        sessions,
        signed_in.actor,
        current=PASSWORD,
        new="another horse",
        connection_id=signed_in.connection_id,
    )

    after = connections.connection(sessions, here.token)
    assert after is not None
    assert not after.must_change_password
    assert connections.connection(sessions, there.token) is None


@on_one_database
@pytest.mark.parametrize(
    ("current", "new", "code"),
    [
        ("wrong", "another horse", "password_wrong"),
        (PASSWORD, PASSWORD, "account_password_unchanged"),
        (PASSWORD, "short", "account_password_too_short"),
    ],
)
def test_a_password_that_cannot_be_changed_says_why(
    sessions: Sessions, current: str, new: str, code: str
) -> None:
    add(sessions)
    actor = accounts.actor_for_login(sessions, "m.durand")

    with pytest.raises(BadInput, match=code):
        accounts.change_own_password(sessions, actor, current=current, new=new)


@on_one_database
def test_the_command_line_has_no_password_of_its_own(sessions: Sessions) -> None:
    with pytest.raises(NotAllowed):
        accounts.change_own_password(sessions, SYSTEM, current="", new=PASSWORD)


def during(monkeypatch: pytest.MonkeyPatch, step: str, act: Callable[[], None]) -> None:
    """Let somebody else's act come in the middle of another: after ``step`` of the passwords module."""
    done = getattr(passwords, step)

    def then(*given: object) -> object:
        found = done(*given)
        monkeypatch.setattr(passwords, step, done)
        act()
        return found

    monkeypatch.setattr(passwords, step, then)


@pytest.mark.parametrize("step", ["matches", "hashed"])
def test_a_new_password_from_the_administrator_is_not_overwritten_by_who_knew_the_old_one(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    add(sessions)
    thief = connections.connection(sessions, sign_in(sessions).token)
    assert thief is not None

    def reset() -> None:
        accounts.set_password(sessions, SYSTEM, login="m.durand", password="another horse")

    for connection_id in (thief.connection_id, None):
        accounts.set_password(sessions, SYSTEM, login="m.durand", password=PASSWORD)
        during(monkeypatch, step, reset)
        with pytest.raises(BadInput, match="password_wrong"):
            accounts.change_own_password(
                sessions, thief.actor, current=PASSWORD, new="the thief's own", connection_id=connection_id
            )

        assert not connections.check_password(sessions, login="m.durand", password="the thief's own")
        assert connections.check_password(sessions, login="m.durand", password="another horse")
        assert accounts.accounts(sessions, SYSTEM)[0].must_change_password


def test_a_password_is_not_changed_once_the_account_was_disabled(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(sessions)
    actor = accounts.actor_for_login(sessions, "m.durand")

    def disable() -> None:
        accounts.set_disabled(sessions, SYSTEM, login="m.durand", disabled=True)

    during(monkeypatch, "hashed", disable)
    with pytest.raises(BadInput, match="password_wrong"):
        accounts.change_own_password(sessions, actor, current=PASSWORD, new="another horse")

    accounts.set_disabled(sessions, SYSTEM, login="m.durand", disabled=False)
    assert connections.check_password(sessions, login="m.durand", password=PASSWORD)


def test_a_password_is_changed_from_a_connection_of_ones_own_that_is_still_open(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(sessions)
    add(sessions, "other")
    here = connections.connection(sessions, sign_in(sessions).token)
    theirs = connections.connection(sessions, sign_in(sessions, "other").token)
    assert here is not None
    assert theirs is not None

    def end() -> None:
        connections.end_account_connections(sessions, SYSTEM, login="m.durand")

    for connection_id, act in ((theirs.connection_id, lambda: None), (here.connection_id, end)):
        during(monkeypatch, "hashed", act)
        with pytest.raises(BadInput, match="password_wrong"):
            accounts.change_own_password(
                sessions, here.actor, current=PASSWORD, new="another horse", connection_id=connection_id
            )

    assert connections.check_password(sessions, login="m.durand", password=PASSWORD)


def test_the_old_password_opens_no_connection_after_a_new_one(sessions: Sessions) -> None:
    add(sessions)
    actor = accounts.actor_for_login(sessions, "m.durand")

    def checked(password: str) -> connections.CheckedPassword:
        found = connections.check_password(sessions, login="m.durand", password=password)
        assert found is not None
        return found

    old = checked(PASSWORD)
    accounts.set_password(sessions, SYSTEM, login="m.durand", password="another horse")
    with pytest.raises(NotAllowed):
        connections.issue_ticket(sessions, old)

    old = checked("another horse")
    ticket = connections.issue_ticket(sessions, old)
    accounts.change_own_password(sessions, actor, current="another horse", new="a third horse")
    with pytest.raises(NotAllowed):
        connections.issue_ticket(sessions, old)
    with pytest.raises(NotAllowed):
        connections.redeem_ticket(sessions, ticket=ticket, hours=1)

    ticket = connections.issue_ticket(sessions, checked("a third horse"))
    assert connections.redeem_ticket(sessions, ticket=ticket, hours=1)


def test_what_was_checked_shows_no_hash() -> None:
    assert "$2b$" not in repr(connections.CheckedPassword(1, "$2b$10$abc"))


@pytest.mark.parametrize("made", [SignInTicket, Connection])
def test_a_password_that_changes_while_the_old_one_is_used_waits_and_ends_what_comes_of_it(
    sessions: Sessions, made: type[SignInTicket | Connection]
) -> None:
    account_id = add(sessions)
    with sessions() as session:
        checked = connections.CheckedPassword(account_id, session.get_one(Account, account_id).password_hash)
    ticket = connections.issue_ticket(sessions, checked) if made is Connection else ""
    changing: list[Future[None]] = []

    def overtake(*_: object) -> None:
        """The row is about to be added: the change has half a second to slip in, and must not manage to."""
        changing.append(
            pool.submit(accounts.set_password, sessions, SYSTEM, login="m.durand", password="another horse")
        )
        wait(changing, timeout=0.5)

    with ThreadPoolExecutor(1) as pool:
        event.listen(made, "init", overtake, once=True)
        if made is SignInTicket:
            connections.issue_ticket(sessions, checked)
        else:
            connections.redeem_ticket(sessions, ticket=ticket, hours=1)
        [change] = changing
        change.result(30)

    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(SignInTicket)) == 0
        left = select(func.count()).select_from(Connection).where(Connection.revoked_at.is_(None))
        assert session.scalar(left) == 0


# --- the form, tickets, connections


def test_the_form_gets_what_it_shows_of_an_account_and_no_hash(sessions: Sessions) -> None:
    add(sessions)

    assert connections.credential(sessions, "m.durand") == {
        "email": "",
        "first_name": "Marie",
        "last_name": "Durand",
        "roles": ["corrector"],
    }


def test_a_ticket_opens_a_connection_that_tells_who_it_is(sessions: Sessions) -> None:
    account_id = add(sessions)

    opened = sign_in(sessions)

    signed_in = connections.connection(sessions, opened.token)
    assert signed_in is not None
    assert signed_in.actor == Actor(account_id, frozenset({Role.CORRECTOR}), f"account:{account_id}")
    assert (signed_in.login, signed_in.display_name) == ("m.durand", "DURAND Marie")
    assert signed_in.csrf_token == opened.csrf_token != opened.token
    assert timedelta(hours=11) < opened.expires_at - now() <= timedelta(hours=12)


def test_of_simultaneous_uses_of_a_ticket_exactly_one_wins(sessions: Sessions) -> None:
    add(sessions)
    ticket = ticket_for(sessions, "m.durand")

    def attempt(_: int) -> bool:
        try:
            connections.redeem_ticket(sessions, ticket=ticket, hours=12)
        except WorkbenchError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(attempt, range(4))) == 1


@on_one_database
@pytest.mark.parametrize("ticket", ["", "made up", "\x00", "\ud800", "é" * 400])
def test_what_is_no_ticket_opens_nothing(sessions: Sessions, ticket: str) -> None:
    with pytest.raises(NotAllowed):
        connections.redeem_ticket(sessions, ticket=ticket, hours=12)


def test_a_ticket_is_good_for_a_minute(sessions: Sessions) -> None:
    add(sessions)
    ticket = ticket_for(sessions, "m.durand")
    with sessions.begin() as session:
        [row] = session.scalars(select(SignInTicket))
        assert timedelta(seconds=50) < row.expires_at - now() <= timedelta(seconds=60)
        row.expires_at = now() - timedelta(seconds=1)

    with pytest.raises(NotAllowed):
        connections.redeem_ticket(sessions, ticket=ticket, hours=12)


def test_neither_tickets_nor_cookies_can_be_read_in_the_database(sessions: Sessions) -> None:
    add(sessions)
    ticket = ticket_for(sessions, "m.durand")
    opened = connections.redeem_ticket(sessions, ticket=ticket_for(sessions, "m.durand"), hours=1)

    with sessions() as session:
        kept = [
            *session.scalars(select(SignInTicket.ticket_sha256)),
            *session.scalars(select(Connection.token_sha256)),
        ]
    assert not {ticket, opened.token} & set(kept)


@pytest.mark.parametrize("token", [None, "", "made up", "é\x00", "\ud800"])
def test_a_cookie_that_means_nothing_is_nobody(sessions: Sessions, token: str | None) -> None:
    assert connections.connection(sessions, token) is None
    connections.sign_out(sessions, token=token)


def test_a_connection_ends_at_its_hour_at_sign_out_and_with_the_account(sessions: Sessions) -> None:
    add(sessions)
    expired, left, cut = sign_in(sessions), sign_in(sessions), sign_in(sessions)
    with sessions.begin() as session:
        session.execute(
            update(Connection)
            .where(Connection.csrf_token == expired.csrf_token)
            .values(expires_at=datetime.now(now().tzinfo) - timedelta(seconds=1))
        )

    connections.sign_out(sessions, token=left.token)

    assert connections.connection(sessions, expired.token) is None
    assert connections.connection(sessions, left.token) is None
    assert connections.connection(sessions, cut.token) is not None
    accounts.set_disabled(sessions, SYSTEM, login="m.durand", disabled=True)
    assert connections.connection(sessions, cut.token) is None


def test_a_disabled_account_is_nobody_even_while_a_connection_of_it_stands(sessions: Sessions) -> None:
    add(sessions)
    opened = sign_in(sessions)
    with sessions.begin() as session:
        session.execute(update(Account).values(disabled_at=now()))

    assert connections.connection(sessions, opened.token) is None


def test_a_disabled_account_neither_signs_in_nor_acts(sessions: Sessions) -> None:
    add(sessions)
    accounts.set_disabled(sessions, SYSTEM, login="m.durand", disabled=True)

    assert not connections.check_password(sessions, login="m.durand", password=PASSWORD)
    with pytest.raises(NotAllowed):
        ticket_for(sessions, "m.durand")
    with pytest.raises(NotFound):
        accounts.actor_for_login(sessions, "m.durand")


@on_one_database
def test_an_administrator_does_not_shut_themselves_out(sessions: Sessions) -> None:
    add(sessions, "chief", Role.ADMIN)

    with pytest.raises(BadInput, match="account_disable_self"):
        accounts.set_disabled(
            sessions, accounts.actor_for_login(sessions, "chief"), login="chief", disabled=True
        )


def test_signing_in_stands_in_the_journal_by_account_id(sessions: Sessions) -> None:
    account_id = add(sessions)
    sign_in(sessions)

    with sessions() as session:
        actions = session.execute(
            select(JournalEntry.actor, JournalEntry.action).order_by(JournalEntry.id)
        ).all()
    assert actions[-1] == (f"account:{account_id}", "sign_in")


def test_an_account_whose_person_was_erased_is_shown_by_its_login(sessions: Sessions) -> None:
    add(sessions)
    with sessions.begin() as session:
        session.delete(session.scalars(select(Identity)).one())

    assert accounts.accounts(sessions, SYSTEM)[0].display_name == "m.durand"
    assert connections.credential(sessions, "m.durand")["last_name"] == "m.durand"
