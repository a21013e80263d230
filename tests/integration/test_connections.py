"""Guesses that are counted, connections that are listed and ended, roles that are changed, on real databases."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, sessionmaker

from core.db.tables import Account, Connection, JournalEntry, JournalValue, SignInFailure
from core.db.tables.base import now
from core.domain.access import Action, Actor, Portal, Role
from core.domain.browsers import browser_words
from core.errors import BadInput, Conflict, NotAllowed, NotFound
from core.services import accounts, connections, passwords, throttling
from tests.tickets import ticket_for

Sessions = sessionmaker[Session]
SYSTEM = Actor.system("test")
PASSWORD = "correct horse"
SCHOOL, HOME, ELSEWHERE = "193.48.1.1", "82.64.10.20", "203.0.113.9"

on_one_database = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def _fast_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "BCRYPT_COST", 4)
    # Most of these passwords are of nobody: the same work, at the same small cost.
    monkeypatch.setattr(passwords, "DUMMY_HASH", passwords.hashed("nobody's"))


def add(sessions: Sessions, login: str = "m.durand", *roles: Role) -> int:
    return accounts.create_account(
        sessions,
        SYSTEM,
        login=login,
        roles=roles or (Role.CORRECTOR,),
        surname=login,
        password=PASSWORD,
        must_change=False,
    )


def enter(sessions: Sessions, login: str, address: str, password: str = PASSWORD) -> str:
    """What comes of an attempt: ``in``, ``wrong`` or the code of the refusal."""
    try:
        right = connections.check_password(sessions, login=login, password=password, address=address)
    except BadInput as refused:
        return refused.code
    return "in" if right else "wrong"


def opened(sessions: Sessions, login: str = "m.durand", agent: str = "") -> connections.SignedIn:
    ticket = ticket_for(sessions, login)
    token = connections.redeem_ticket(sessions, ticket=ticket, hours=12, agent=agent).token
    found = connections.connection(sessions, token)
    assert found is not None
    return found


def is_open(sessions: Sessions, connection: connections.SignedIn) -> bool:
    lines = connections.own_connections(sessions, connection.actor, here=0)
    return connection.connection_id in {line.connection_id for line in lines}


# --- guesses


def test_thirty_five_pupils_sign_in_within_a_minute_from_one_address(sessions: Sessions) -> None:
    logins = [f"eleve{number}" for number in range(35)]
    for login in logins:
        add(sessions, login, Role.STUDENT)

    # Some mistype once, as people do; four browsers at a time.
    def signs_in(login: str) -> list[str]:
        first = [enter(sessions, login, SCHOOL, "mistyped")] if login.endswith("3") else []
        return [*first, enter(sessions, login, SCHOOL)]

    with ThreadPoolExecutor(4) as pool:
        outcomes = dict(zip(logins, pool.map(signs_in, logins), strict=True))

    assert {login for login, outcome in outcomes.items() if outcome[-1] != "in"} == set()
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(SignInFailure)) == 0


def test_two_hundred_guesses_on_one_account_are_refused_and_its_owner_enters_elsewhere(
    sessions: Sessions,
) -> None:
    add(sessions)

    outcomes = [enter(sessions, "m.durand", ELSEWHERE, f"guess {number}") for number in range(200)]

    assert outcomes == ["wrong"] * 10 + ["sign_in_throttled"] * 190
    assert enter(sessions, "m.durand", ELSEWHERE) == "sign_in_throttled"
    assert enter(sessions, "m.durand", HOME) == "in"


def test_guesses_side_by_side_are_no_more_than_one_after_the_other(sessions: Sessions) -> None:
    add(sessions)

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda n: enter(sessions, "m.durand", ELSEWHERE, f"guess {n}"), range(40)))

    assert outcomes.count("wrong") <= 10
    assert enter(sessions, "m.durand", ELSEWHERE) in ("sign_in_throttled", "in")


def failed(
    sessions: Sessions, times: int, *, login: Callable[[int], str], address: Callable[[int], str]
) -> None:
    """Failures on record, without the work of making them."""
    with sessions.begin() as session:
        session.add_all(
            SignInFailure(
                login_sha256=throttling._sha256(login(number)),
                address_sha256=throttling._address_sha256(address(number)),
            )
            for number in range(times)
        )


def test_a_guesser_with_many_addresses_is_stopped_at_fifty_on_one_login(sessions: Sessions) -> None:
    add(sessions)
    add(sessions, "other")
    failed(sessions, 49, login=lambda _: "m.durand", address=lambda n: f"203.0.113.{n}")

    assert enter(sessions, "m.durand", "198.51.100.7", "wrong") == "wrong"
    assert enter(sessions, "m.durand", "198.51.100.8") == "sign_in_throttled"
    assert enter(sessions, "other", "198.51.100.8") == "in"


def test_a_pupil_who_guesses_at_invented_logins_does_not_shut_the_school_out(sessions: Sessions) -> None:
    logins = [f"eleve{number}" for number in range(5)]
    for login in logins:
        add(sessions, login, Role.STUDENT)
    failed(sessions, 200, login=lambda n: f"invented{n}", address=lambda _: SCHOOL)

    assert [enter(sessions, login, SCHOOL) for login in logins] == ["in"] * 5
    assert [enter(sessions, "eleve0", SCHOOL, "mistyped") for _ in range(2)] == ["wrong"] * 2
    assert enter(sessions, "eleve0", SCHOOL) == "in"


def test_beyond_two_hundred_failures_from_an_address_each_login_is_heard_three_times_there(
    sessions: Sessions,
) -> None:
    add(sessions)
    failed(sessions, 200, login=lambda n: f"invented{n}", address=lambda _: ELSEWHERE)

    for login in ("m.durand", "nobody"):
        heard = [enter(sessions, login, ELSEWHERE, f"guess {number}") for number in range(6)]
        assert heard == ["wrong"] * 3 + ["sign_in_throttled"] * 3
    assert enter(sessions, "m.durand", ELSEWHERE) == "sign_in_throttled"
    assert enter(sessions, "m.durand", HOME) == "in"


def test_who_failed_more_before_the_limit_of_the_address_waits_with_it(sessions: Sessions) -> None:
    add(sessions)
    failed(sessions, 3, login=lambda _: "m.durand", address=lambda _: SCHOOL)
    failed(sessions, 196, login=lambda n: f"invented{n}", address=lambda _: SCHOOL)

    assert enter(sessions, "m.durand", SCHOOL, "wrong") == "wrong"
    assert enter(sessions, "m.durand", SCHOOL) == "sign_in_throttled"


@on_one_database
def test_beyond_the_limit_an_invented_login_costs_what_a_known_one_costs_one_at_a_time(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(sessions)
    failed(sessions, 200, login=lambda n: f"invented{n}", address=lambda _: ELSEWHERE)
    compared: list[int] = []
    at_work = 0

    def compare(_password: str, _password_hash: str | None) -> bool:
        nonlocal at_work
        at_work += 1
        compared.append(at_work)
        time.sleep(0.01)
        at_work -= 1
        return False

    monkeypatch.setattr(passwords, "matches", compare)
    logins = ["m.durand"] * 5 + ["nobody"] * 5 + [f"other{number}" for number in range(10)]

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda login: enter(sessions, login, ELSEWHERE, "guess"), logins[10:]))
    assert compared == [1] * 10
    for login in logins[:10]:
        enter(sessions, login, ELSEWHERE, "guess")
    assert compared == [1] * 16


def test_a_success_forgets_the_failures_of_its_login_from_its_address_only(sessions: Sessions) -> None:
    add(sessions)
    for _ in range(9):
        enter(sessions, "m.durand", HOME, "wrong")
    failed(sessions, 10, login=lambda _: "m.durand", address=lambda _: ELSEWHERE)

    assert enter(sessions, "m.durand", HOME) == "in"
    assert [enter(sessions, "m.durand", HOME, "wrong") for _ in range(9)] == ["wrong"] * 9
    assert enter(sessions, "m.durand", ELSEWHERE) == "sign_in_throttled"


def test_failures_are_forgotten_after_ten_minutes(sessions: Sessions) -> None:
    add(sessions)
    failed(sessions, 10, login=lambda _: "m.durand", address=lambda _: HOME)
    assert enter(sessions, "m.durand", HOME) == "sign_in_throttled"

    with sessions.begin() as session:
        session.execute(update(SignInFailure).values(at=now() - timedelta(minutes=11)))

    assert enter(sessions, "m.durand", HOME) == "in"
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(SignInFailure)) == 0


@on_one_database
def test_an_unknown_login_and_a_disabled_account_are_throttled_like_a_wrong_password(
    sessions: Sessions,
) -> None:
    add(sessions)
    add(sessions, "gone")
    accounts.set_disabled(sessions, SYSTEM, login="gone", disabled=True)

    outcomes = {
        login: [enter(sessions, login, HOME, password) for _ in range(11)]
        for login, password in (("m.durand", "wrong"), ("nobody", PASSWORD), ("gone", PASSWORD))
    }

    assert outcomes["m.durand"] == outcomes["nobody"] == outcomes["gone"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2:bbbb::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:82.64.10.20", "82.64.10.20", True),
        ("82.64.10.20", "82.64.10.21", False),
        ("fe80::1%eth0", "fe80::2", True),
        ("", "82.64.10.20", False),
    ],
)
def test_addresses_of_one_household_count_as_one(one: str, other: str, same: bool) -> None:
    assert (throttling._address_sha256(one) == throttling._address_sha256(other)) is same


@on_one_database
def test_the_log_tells_of_failures_and_names_neither_login_nor_address(
    sessions: Sessions, caplog: pytest.LogCaptureFixture
) -> None:
    add(sessions)

    with caplog.at_level(logging.INFO, logger="korrigo.sign_in"):
        for _ in range(11):
            enter(sessions, "m.durand", HOME, "wrong")

    assert [record.getMessage().split(":")[0] for record in caplog.records] == ["sign-in refused"] * 10 + [
        "sign-in throttled"
    ]
    assert "durand" not in caplog.text
    assert HOME not in caplog.text


# --- one's own connections


def test_a_person_sees_their_open_connections_with_the_browser_in_words(sessions: Sessions) -> None:
    add(sessions)
    add(sessions, "other")
    phone, here = opened(sessions, agent="Safari · iPhone"), opened(sessions, agent="Firefox · Windows")
    opened(sessions, "other")

    lines = connections.own_connections(sessions, here.actor, here=here.connection_id)

    assert [(line.connection_id, line.agent, line.here) for line in lines] == [
        (here.connection_id, "Firefox · Windows", True),
        (phone.connection_id, "Safari · iPhone", False),
    ]
    assert all(line.opened_at <= line.last_seen_at < line.expires_at for line in lines)


def test_a_connection_is_ended_by_its_person_and_by_nobody_else(sessions: Sessions) -> None:
    add(sessions)
    add(sessions, "other", Role.ADMIN)
    mine, theirs = opened(sessions), opened(sessions, "other")

    with pytest.raises(NotFound):
        connections.end_connection(sessions, theirs.actor, connection_id=mine.connection_id)
    assert is_open(sessions, mine)

    connections.end_connection(sessions, mine.actor, connection_id=mine.connection_id)
    assert not is_open(sessions, mine)
    with pytest.raises(NotFound):
        connections.end_connection(sessions, mine.actor, connection_id=mine.connection_id)


def test_everywhere_else_is_ended_at_once_and_stands_in_the_journal(sessions: Sessions) -> None:
    add(sessions)
    add(sessions, "other")
    there, here, another = opened(sessions), opened(sessions), opened(sessions, "other")
    unused = ticket_for(sessions, "m.durand")

    ended = connections.end_other_connections(sessions, here.actor, here=here.connection_id)

    assert ended == 1
    assert [is_open(sessions, one) for one in (there, here, another)] == [False, True, True]
    with pytest.raises(NotAllowed):
        connections.redeem_ticket(sessions, ticket=unused, hours=1)
    assert last_entry(sessions) == (here.actor.label, "manage_own_connections", {"ended": 1})


def last_entry(sessions: Sessions) -> tuple[str, str, dict[str, object]]:
    with sessions() as session:
        entry, value = session.execute(
            select(JournalEntry, JournalValue)
            .join(JournalValue, JournalValue.entry_id == JournalEntry.id)
            .order_by(JournalEntry.id.desc())
            .limit(1)
        ).one()
        return entry.actor, entry.action, value.values


def test_a_sign_out_stands_in_the_journal_once(sessions: Sessions) -> None:
    account_id = add(sessions)
    ticket = ticket_for(sessions, "m.durand")
    token = connections.redeem_ticket(sessions, ticket=ticket, hours=1).token

    connections.sign_out(sessions, token=token)
    connections.sign_out(sessions, token=token)

    assert last_entry(sessions) == (f"account:{account_id}", "manage_own_connections", {"signed_out": True})
    with sessions() as session:
        ended = select(func.count()).where(JournalEntry.action == Action.MANAGE_OWN_CONNECTIONS.value)
        assert session.scalar(ended) == 1


def test_an_administrator_ends_all_connections_of_an_account(sessions: Sessions) -> None:
    add(sessions)
    add(sessions, "chief", Role.ADMIN)
    first, second, chief = opened(sessions), opened(sessions), opened(sessions, "chief")

    with pytest.raises(NotAllowed):
        connections.end_account_connections(sessions, first.actor, login="chief")
    assert connections.end_account_connections(sessions, chief.actor, login="m.durand") == 2

    assert [is_open(sessions, one) for one in (first, second, chief)] == [False, False, True]


@on_one_database
def test_the_command_line_has_no_connections(sessions: Sessions) -> None:
    assert connections.own_connections(sessions, SYSTEM, here=0) == []
    with pytest.raises(NotAllowed):
        connections.end_other_connections(sessions, SYSTEM)


def test_a_connection_is_noted_as_seen_once_a_minute(sessions: Sessions) -> None:
    add(sessions)
    ticket = ticket_for(sessions, "m.durand")
    token = connections.redeem_ticket(sessions, ticket=ticket, hours=12).token

    def seen() -> object:
        with sessions() as session:
            return session.scalars(select(Connection.last_seen_at)).one()

    first = seen()
    connections.connection(sessions, token)
    assert seen() == first

    with sessions.begin() as session:
        session.execute(update(Connection).values(last_seen_at=now() - timedelta(seconds=61)))
    long_ago = seen()
    connections.connection(sessions, token)
    assert seen() != long_ago


def test_connections_that_ended_a_month_ago_are_forgotten_at_the_next_sign_in(sessions: Sessions) -> None:
    add(sessions)
    old, recent = opened(sessions), opened(sessions)
    with sessions.begin() as session:
        for connection, days in ((old, 31), (recent, 29)):
            session.execute(
                update(Connection)
                .where(Connection.id == connection.connection_id)
                .values(expires_at=now() - timedelta(days=days))
            )

    new = opened(sessions)

    with sessions() as session:
        assert set(session.scalars(select(Connection.id))) == {recent.connection_id, new.connection_id}


def test_the_portal_that_is_on_belongs_to_the_connection_and_to_the_roles(sessions: Sessions) -> None:
    add(sessions, "both", Role.CORRECTOR, Role.COORDINATOR)
    ticket = ticket_for(sessions, "both")
    token = connections.redeem_ticket(sessions, ticket=ticket, hours=12).token
    who = connections.connection(sessions, token)
    assert who is not None
    assert who.portal is Portal.ADMINISTRATION

    def switch(portal: Portal) -> None:
        connections.set_portal(sessions, who.actor, connection_id=who.connection_id, portal=portal)

    switch(Portal.CORRECTION)
    with pytest.raises(NotAllowed):
        switch(Portal.STUDENTS)

    after = connections.connection(sessions, token)
    assert after is not None
    assert after.portal is Portal.CORRECTION
    assert opened(sessions, "both").portal is Portal.ADMINISTRATION


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0",
            "Firefox · Windows",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
            "Edge · Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/17.5 Mobile/15E148 Safari/604.1",
            "Safari · iPhone",
        ),
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
            "Mobile Safari/537.36",
            "Chrome · Android",
        ),
        ("curl/8.5.0", ""),
        ("<script>Marie-Lou Durand</script>", ""),
    ],
)
def test_a_browser_is_told_in_words_people_know(user_agent: str, words: str) -> None:
    assert browser_words(user_agent) == words


# --- roles


def roles_of(sessions: Sessions, login: str) -> tuple[Role, ...]:
    return accounts.account_line(sessions, SYSTEM, login=login).roles


def test_other_roles_are_valid_at_the_next_click_of_a_connection_that_is_open(sessions: Sessions) -> None:
    account_id = add(sessions)
    ticket = ticket_for(sessions, "m.durand")
    token = connections.redeem_ticket(sessions, ticket=ticket, hours=1).token

    accounts.set_roles(
        sessions, SYSTEM, login="m.durand", roles=[Role.COORDINATOR, Role.SECRETARIAT], version=1
    )

    who = connections.connection(sessions, token)
    assert who is not None
    assert who.roles == who.actor.roles == {Role.COORDINATOR, Role.SECRETARIAT}
    assert last_entry(sessions) == (
        "system:test",
        "manage_accounts",
        {"roles_before": ["corrector"], "roles": ["coordinator", "secretariat"]},
    )
    assert account_id


def test_of_two_administrators_who_change_the_same_roles_the_second_is_told(sessions: Sessions) -> None:
    add(sessions)

    accounts.set_roles(sessions, SYSTEM, login="m.durand", roles=[Role.ANALYST], version=1)
    with pytest.raises(Conflict):
        accounts.set_roles(sessions, SYSTEM, login="m.durand", roles=[Role.ADMIN], version=1)

    assert roles_of(sessions, "m.durand") == (Role.ANALYST,)
    accounts.set_roles(sessions, SYSTEM, login="m.durand", roles=[Role.ADMIN], version=2)


@on_one_database
def test_an_account_keeps_at_least_one_role(sessions: Sessions) -> None:
    add(sessions)

    with pytest.raises(BadInput, match="account_no_role"):
        accounts.set_roles(sessions, SYSTEM, login="m.durand", roles=[], version=1)


@on_one_database
def test_nobody_takes_administration_from_themselves(sessions: Sessions) -> None:
    add(sessions, "chief", Role.ADMIN, Role.CORRECTOR)
    add(sessions, "deputy", Role.ADMIN)
    chief = accounts.actor_for_login(sessions, "chief")

    with pytest.raises(BadInput, match="account_admin_self"):
        accounts.set_roles(sessions, chief, login="chief", roles=[Role.CORRECTOR], version=1)
    accounts.set_roles(sessions, chief, login="chief", roles=[Role.ADMIN], version=1)

    assert roles_of(sessions, "chief") == (Role.ADMIN,)


@on_one_database
def test_the_last_open_administrator_keeps_role_and_account(sessions: Sessions) -> None:
    add(sessions, "chief", Role.ADMIN)
    add(sessions, "deputy", Role.ADMIN)
    accounts.set_disabled(sessions, SYSTEM, login="deputy", disabled=True)

    with pytest.raises(BadInput, match="account_last_admin"):
        accounts.set_roles(sessions, SYSTEM, login="chief", roles=[Role.CORRECTOR], version=1)
    with pytest.raises(BadInput, match="account_last_admin"):
        accounts.set_disabled(sessions, SYSTEM, login="chief", disabled=True)

    accounts.set_disabled(sessions, SYSTEM, login="deputy", disabled=False)
    accounts.set_disabled(sessions, SYSTEM, login="chief", disabled=True)


def test_two_administrators_who_take_each_other_s_role_leave_one(sessions: Sessions) -> None:
    logins = ["one", "two"]
    for login in logins:
        add(sessions, login, Role.ADMIN)
    actors = {login: accounts.actor_for_login(sessions, login) for login in logins}

    def take(login: str) -> bool:
        other = logins[1 - logins.index(login)]
        try:
            accounts.set_roles(sessions, actors[login], login=other, roles=[Role.CORRECTOR], version=1)
        except (BadInput, Conflict):
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(take, logins)) == 1

    with sessions() as session:
        held = [
            Role.ADMIN in {Role(row.role) for row in account.roles}
            for account in session.scalars(select(Account))
        ]
    assert sum(held) == 1
