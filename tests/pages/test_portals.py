"""Three portals behind one sign-in: what is in the menu, how one switches, what an address does."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import streamlit as st
from sqlalchemy.orm import Session, sessionmaker
from streamlit.testing.v1 import AppTest

from core.domain.access import PORTAL_ROLES, Portal, Role, portals_of
from core.services import connections
from tests.pages.test_sign_in import at_address, shown
from tests.tickets import ticket_for
from workbench import navigation

Be = Callable[..., str]
BOTH = (Role.SECRETARIAT, Role.CORRECTOR)


@pytest.fixture
def menu(monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """The addresses in the menu, run after run."""
    seen: list[set[str]] = []
    real = st.navigation

    def navigation_seen(pages: object, **options: object) -> object:
        rows = pages if isinstance(pages, list) else [page for part in pages.values() for page in part]  # type: ignore[attr-defined]
        seen.append({page._url_path for page in rows if page.visibility == "visible"})
        return real(pages, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(st, "navigation", navigation_seen)
    return seen


def portal_on(database: sessionmaker[Session], token: str) -> Portal:
    found = connections.connection(database, token)
    assert found is not None
    return found.portal


def test_every_role_belongs_to_exactly_one_portal() -> None:
    assert sorted(role for roles in PORTAL_ROLES.values() for role in roles) == sorted(Role)
    assert portals_of(frozenset({Role.STUDENT, Role.ADMIN})) == (Portal.ADMINISTRATION, Portal.STUDENTS)


def test_a_page_stands_behind_a_portal_of_each_of_its_roles() -> None:
    for row in navigation.PAGES:
        if row.portal is not None:
            assert row.roles <= PORTAL_ROLES[row.portal], row.name


def test_the_menu_holds_only_the_pages_of_the_portal_that_is_on(
    app: AppTest, be: Be, menu: list[set[str]]
) -> None:
    be(*BOTH)

    app.run()

    assert "rosters" in menu[-1]
    assert "my_copies" not in menu[-1]


def test_a_switch_shows_which_portal_is_on_and_leads_to_the_home_page_of_the_other(
    app: AppTest, be: Be, menu: list[set[str]], database: sessionmaker[Session]
) -> None:
    token = be(*BOTH)
    app.run()
    at_address(app, "rosters")
    switch = app.button_group(key="portal_switch")
    assert switch.options == ["Administration", "Correction"]
    assert switch.value == Portal.ADMINISTRATION

    switch.set_value(Portal.CORRECTION).run()

    assert not app.exception
    assert app.button_group(key="portal_switch").value == Portal.CORRECTION
    assert menu[-1] >= {"my_copies"}
    assert "rosters" not in menu[-1]
    assert "Accueil" in shown(app)
    assert portal_on(database, token) is Portal.CORRECTION


def test_a_reload_keeps_the_portal_that_is_on(
    app: AppTest, be: Be, menu: list[set[str]], database: sessionmaker[Session]
) -> None:
    token = be(*BOTH)
    found = connections.connection(database, token)
    assert found is not None
    connections.set_portal(database, found.actor, connection_id=found.connection_id, portal=Portal.CORRECTION)

    app.run()

    assert "my_copies" in menu[-1]
    assert app.button_group(key="portal_switch").value == Portal.CORRECTION


def test_an_address_of_another_portal_of_theirs_switches_to_it(
    app: AppTest, be: Be, menu: list[set[str]], database: sessionmaker[Session]
) -> None:
    token = be(*BOTH)
    app.run()

    at_address(app, "my_copies")

    assert "Mes copies à corriger" in shown(app)
    assert "my_copies" in menu[-1]
    assert portal_on(database, token) is Portal.CORRECTION


def test_an_address_of_a_portal_that_is_not_theirs_is_refused_and_switches_nothing(
    app: AppTest, be: Be, database: sessionmaker[Session]
) -> None:
    token = be(*BOTH)
    app.run()

    at_address(app, "my_results")

    assert "Accès refusé." in shown(app)
    assert portal_on(database, token) is Portal.ADMINISTRATION


@pytest.mark.parametrize(
    ("role", "name"),
    [(Role.COORDINATOR, "Administration"), (Role.CORRECTOR, "Correction"), (Role.STUDENT, "Élèves")],
)
def test_somebody_with_one_portal_reads_its_name_and_has_no_switch(
    app: AppTest, be: Be, role: Role, name: str
) -> None:
    be(role)

    app.run()

    assert f'k-portal">{name}<' in shown(app)
    assert not app.button_group


def test_the_home_page_tells_what_waits_in_the_portal_that_is_on(app: AppTest, be: Be) -> None:
    be(*BOTH)
    app.run()
    assert "importez une liste" in shown(app)

    app.button_group(key="portal_switch").set_value(Portal.CORRECTION).run()

    assert "importez une liste" not in shown(app)
    assert "Rien ne vous attend." in shown(app)


def test_a_portal_whose_role_was_taken_away_is_not_on_any_more(
    app: AppTest, be: Be, database: sessionmaker[Session]
) -> None:
    from core.services import accounts
    from tests.pages.conftest import SYSTEM

    token = be(*BOTH, login="martin")
    app.run()
    at_address(app, "my_copies")

    accounts.set_roles(database, SYSTEM, login="martin", roles=[Role.SECRETARIAT], version=1)
    app.run()

    assert "Accès refusé." in shown(app)
    assert portal_on(database, token) is Portal.ADMINISTRATION


# --- one's own connections


def another_browser(database: sessionmaker[Session], login: str) -> str:
    ticket = ticket_for(database, login)
    return connections.redeem_ticket(database, ticket=ticket, hours=1, agent="Firefox · Windows").token


def test_the_connections_page_names_the_browsers_and_ends_another(
    app: AppTest, be: Be, database: sessionmaker[Session]
) -> None:
    here = be(Role.STUDENT, login="ilyes")
    there = another_browser(database, "ilyes")
    app.run()
    at_address(app, "connections")
    assert "Firefox · Windows" in shown(app)
    assert "Navigateur inconnu — ici" in shown(app)

    found = connections.connection(database, there)
    assert found is not None
    app.button(key=f"end_{found.connection_id}").click().run()

    assert connections.connection(database, there) is None
    assert connections.connection(database, here) is not None


def test_all_others_are_ended_at_once_and_everywhere_means_here_too(
    app: AppTest, be: Be, database: sessionmaker[Session]
) -> None:
    here = be(Role.CORRECTOR, login="martin")
    there = another_browser(database, "martin")
    app.run()
    at_address(app, "connections")

    app.button(key="end_others").click().run()
    assert connections.connection(database, there) is None
    assert connections.connection(database, here) is not None

    app.button(key="end_all").click().run()
    assert connections.connection(database, here) is None
    assert [field.label for field in app.text_input] == ["Identifiant", "Mot de passe"]
    assert [info.value for info in app.info] == [
        "Votre connexion est terminée. Reconnectez-vous, puis recommencez."
    ]
