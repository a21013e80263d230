"""Page × role × relation to the copy, spoken to as a browser does: by address and by raw websocket message.

Generated from the navigation's table and from the policy: a new page without its right fails.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg

from core.domain.access import POLICY, Action, Role
from core.services import accounts, connections, publication
from tests.integration.builders import STAFF
from tests.security import raw_socket
from tests.security.raw_socket import Answer, Socket
from tests.security.rights_scene import PASSWORD, STRANGER, login_of
from tests.security.served import Served
from workbench.navigation import FIRST_PASSWORD, PAGES, SIGN_IN, PageRow

REFUSED = "Accès refusé."
SIGNING_IN = "Se connecter"

RIGHTS: dict[str, Action] = {
    "home": Action.SIGN_IN,
    "rosters": Action.IMPORT_ROSTER,
    "papers": Action.CREATE_PAPER,
    "scans": Action.ADD_SCANS,
    "lot_control": Action.REPAIR,
    "workshop": Action.REPAIR,
    "header_zone": Action.ADD_SCANS,
    "contact_sheet": Action.IDENTIFY,
    "identify": Action.IDENTIFY,
    "jobs": Action.VIEW_JOBS,
    "my_copies": Action.LIST_OWN_COPIES,
    "marking": Action.MARK,
    "progress": Action.VIEW_PROGRESS,
    "allocation": Action.ALLOCATE,
    "results": Action.VIEW_RESULTS,
    "publication": Action.PUBLISH,
    "exports": Action.EXPORT,
    "my_results": Action.VIEW_OWN_RESULTS,
    "my_copy": Action.VIEW_OWN_RESULTS,
    "accounts": Action.MANAGE_ACCOUNTS,
    "connections": Action.MANAGE_OWN_CONNECTIONS,
    "journal": Action.VIEW_JOURNAL,
    "operations": Action.VIEW_OPERATIONS,
}
"""The right without which a page is of no use: whoever is offered the page must hold it."""

WRITTEN = [row for row in PAGES if row.path.exists()]


# --- page × role


def test_every_page_has_its_right() -> None:
    assert set(RIGHTS) == {row.name for row in PAGES}
    assert {path.stem for path in Path(PAGES[0].path).parent.glob("*.py")} - {"__init__"} <= set(RIGHTS) | {
        SIGN_IN.name,
        FIRST_PASSWORD.name,
    }


@pytest.mark.parametrize("row", PAGES, ids=lambda row: row.name)
def test_a_page_is_offered_only_to_roles_that_hold_its_right(row: PageRow) -> None:
    assert row.roles
    assert row.roles <= set(POLICY[RIGHTS[row.name]])


@pytest.mark.parametrize("row", WRITTEN, ids=lambda row: row.name)
def test_a_page_is_drawn_for_its_roles_and_refused_to_the_others(served: Served, row: PageRow) -> None:
    for role in Role:
        answer = served.ask(login_of(role, related=True), row.name, _query(served, row, role))

        assert (REFUSED in answer.text) is (role not in row.roles), role
        assert SIGNING_IN not in answer.text, role


@pytest.mark.parametrize("row", WRITTEN, ids=lambda row: row.name)
def test_who_is_not_signed_in_gets_the_sign_in_page_at_every_address(served: Served, row: PageRow) -> None:
    answer = served.ask("", row.name)

    assert SIGNING_IN in answer.text
    for secret in served.secrets():
        assert secret not in answer.text


def _query(served: Served, row: PageRow, role: Role) -> str:
    code = served.scene.published if role is Role.STUDENT else served.scene.open
    return f"copie={code}" if row.name in ("marking", "my_copy") else ""


# --- raw messages


@pytest.fixture(scope="module")
def buttons(served: Served) -> dict[str, tuple[str, list[str]]]:
    """By page: its script's hash and the ids of the buttons that its own roles are shown."""
    found: dict[str, tuple[str, list[str]]] = {}
    for row in WRITTEN:
        page_hash, ids = "", set[str]()
        for role in sorted(row.roles):
            answer = served.ask(login_of(role, related=True), row.name, _query(served, row, role))
            page_hash = answer.page_hashes.get(row.name, page_hash)
            ids.update(answer.widget_ids.get("button", []))
        found[row.name] = (page_hash, sorted(ids))
    return found


@pytest.mark.parametrize("row", WRITTEN, ids=lambda row: row.name)
def test_a_button_that_was_not_offered_does_nothing_when_its_message_is_sent_all_the_same(
    served: Served, buttons: dict[str, tuple[str, list[str]]], row: PageRow
) -> None:
    page_hash, ids = buttons[row.name]
    before = served.digest()

    for login in ["", *(login_of(role, related=True) for role in Role if role not in row.roles)]:
        with raw_socket.opened(served.application.url, served.cookie(login)) as socket:
            socket.open(row.name)
            answer = socket.press(page_hash, ids)
            assert (SIGNING_IN if not login else REFUSED) in answer.text or "ref_hash" in _kinds(answer)
    assert served.digest() == before


def _kinds(answer: Answer) -> set[str]:
    return {message.WhichOneof("type") for message in answer.messages}


def test_the_buttons_of_this_test_are_real_ones(buttons: dict[str, tuple[str, list[str]]]) -> None:
    with_buttons = {name for name, (_, ids) in buttons.items() if ids}

    assert {"accounts", "papers", "marking", "publication"} <= with_buttons


# --- relation to the copy


@pytest.mark.parametrize(("page", "login"), [("marking", "proche"), ("my_copy", "eleve")])
def test_the_copy_of_somebody_else_in_the_address_is_answered_like_one_that_does_not_exist(
    served: Served, page: str, login: str
) -> None:
    own = served.scene.open if page == "marking" else served.scene.published

    cookie = served.cookie(login)
    mine, guessed, others = (
        served.show(cookie, page, f"copie={code}") for code in (own, STRANGER, served.scene.others)
    )

    assert own in mine.text
    assert _without(guessed, STRANGER) == _without(others, served.scene.others)
    assert own not in others.text or page == "my_copy"


def _without(answer: Answer, code: str) -> list[str]:
    """The texts of what was drawn, the code itself taken out."""
    drawn = Answer([message for message in answer.messages if message.WhichOneof("type") == "delta"])
    return [text.replace(code, "CODE") for text in drawn.texts]


# --- a connection that ends


def disabled(served: Served, login: str, _cookie: str) -> None:
    accounts.set_disabled(served.sessions, STAFF, login=login, disabled=True)


def signed_out(served: Served, _login: str, cookie: str) -> None:
    connections.sign_out(served.sessions, token=cookie)


def given_another_password(served: Served, login: str, _cookie: str) -> None:
    accounts.set_password(served.sessions, STAFF, login=login, password=PASSWORD * 2)


@pytest.mark.parametrize("ended", [disabled, signed_out, given_another_password])
def test_the_next_click_of_somebody_whose_connection_ended_does_nothing(
    served: Served, ended: Callable[[Served, str, str], None]
) -> None:
    login = f"chef.{ended.__name__.replace('_', '-')}"
    accounts.create_account(
        served.sessions,
        STAFF,
        login=login,
        roles=[Role.COORDINATOR],
        surname="Chef",
        password=PASSWORD,
        must_change=False,
    )
    cookie = served.cookie(login)
    with raw_socket.opened(served.application.url, cookie) as socket:
        page = socket.open("publication")
        ids = page.widget_ids["button"]
        ended(served, login, cookie)
        before = served.digest()

        answer = socket.press(page.page_hashes["publication"], ids)

        assert "Maths J1" not in answer.text
        assert SIGNING_IN in answer.text
        assert served.digest() == before
    with raw_socket.opened(served.application.url, cookie) as copied:
        assert SIGNING_IN in copied.open("publication").text


def test_the_same_click_acts_while_the_connection_stands(served: Served) -> None:
    """The control of the test above: these are buttons that publish."""
    with raw_socket.opened(served.application.url, served.cookie("coordinator")) as socket:
        page = socket.open("publication")
        before = served.digest()

        socket.press(page.page_hashes["publication"], page.widget_ids["button"])

    assert served.digest() != before
    publication.withdraw(served.sessions, STAFF, paper_id=served.scene.paper_id, code=served.scene.finalised)


# --- messages that are no rerun


@pytest.mark.parametrize("kind", ["clear_cache", "load_git_info", "debug_shutdown_runtime", "stop_script"])
def test_other_messages_of_a_visitor_change_nothing(served: Served, kind: str) -> None:
    before = served.digest()
    message: Any = BackMsg()
    setattr(message, kind, True)
    with raw_socket.opened(served.application.url) as socket:
        socket.open("home")
        socket.send_bytes(message.SerializeToString())

        assert SIGNING_IN in _again(socket).text
    assert served.digest() == before


def _again(socket: Socket) -> Answer:
    return socket.open("accounts")
