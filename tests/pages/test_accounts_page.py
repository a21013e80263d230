"""The accounts page: found among many, given other roles, cut off."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import insert
from sqlalchemy.orm import Session, sessionmaker
from streamlit.testing.v1 import AppTest

from core.db.tables import Account, AccountRole, Identity, Person
from core.domain.access import Role
from core.services import accounts, connections
from tests.pages.conftest import PASSWORD, SYSTEM
from tests.pages.test_sign_in import at_address, shown
from tests.tickets import ticket_for

Be = Callable[..., str]
Sessions = sessionmaker[Session]


def opened(app: AppTest) -> AppTest:
    app.run()
    return at_address(app, "accounts")


def add(database: Sessions, login: str, *roles: Role) -> None:
    accounts.create_account(
        database, SYSTEM, login=login, roles=roles, surname="Durand", first_name="Éloïse", password=PASSWORD
    )


def pupils(database: Sessions, number: int) -> None:
    """Accounts of pupils, without the work of hashing their passwords."""
    ids = range(1000, 1000 + number)
    with database.begin() as session:
        session.execute(insert(Person), [{"id": n} for n in ids])
        session.execute(
            insert(Identity),
            [{"person_id": n, "surname": f"ELEVE{n}", "first_name": "Zoé"} for n in ids],
        )
        session.execute(
            insert(Account),
            [{"id": n, "person_id": n, "login": f"z.eleve{n}", "password_hash": "x"} for n in ids],
        )
        session.execute(insert(AccountRole), [{"account_id": n, "role": "student"} for n in ids])


def rows(app: AppTest) -> int:
    return shown(app).count("<tr><td")


def test_of_650_pupils_a_few_are_shown_and_the_search_finds_one(
    app: AppTest, be: Be, database: Sessions
) -> None:
    be(Role.ADMIN)
    pupils(database, 650)
    opened(app)

    app.button_group(key="kind").set_value("Élèves").run()
    assert rows(app) == 40
    assert "40 sur 650 comptes" in " ".join(caption.value for caption in app.caption)

    app.text_input(key="searched").set_value("zoe eleve1649").run()
    assert "ELEVE1649" in shown(app)
    assert app.selectbox(key="changed").options == ["z.eleve1649 · ELEVE1649 Zoé"]


def test_roles_are_changed_and_said_to_be(app: AppTest, be: Be, database: Sessions) -> None:
    be(Role.ADMIN)
    add(database, "e.durand", Role.CORRECTOR)
    opened(app)
    app.text_input(key="searched").set_value("eloise").run()

    app.button_group(key="held_e.durand_1").set_value([Role.CORRECTOR, Role.COORDINATOR]).run()
    app.button(key="save_roles").click().run()

    assert "enregistrés" in app.success[0].value
    assert accounts.account_line(database, SYSTEM, login="e.durand").roles == (
        Role.COORDINATOR,
        Role.CORRECTOR,
    )


def test_roles_that_another_administrator_changed_meanwhile_are_not_written_over(
    app: AppTest, be: Be, database: Sessions
) -> None:
    be(Role.ADMIN)
    add(database, "e.durand", Role.CORRECTOR)
    opened(app)
    app.text_input(key="searched").set_value("e.durand").run()
    app.button_group(key="held_e.durand_1").set_value([Role.ADMIN]).run()

    accounts.set_roles(database, SYSTEM, login="e.durand", roles=[Role.ANALYST], version=1)
    app.button(key="save_roles").click().run()

    assert app.error[0].value.startswith("Quelqu'un d'autre a modifié la même chose")
    assert accounts.account_line(database, SYSTEM, login="e.durand").roles == (Role.ANALYST,)


def test_the_last_administrator_reads_why_nothing_changed(app: AppTest, be: Be, database: Sessions) -> None:
    be(Role.ADMIN, login="chief")
    opened(app)

    app.button_group(key="held_chief_1").set_value([Role.CORRECTOR]).run()
    app.button(key="save_roles").click().run()

    assert app.error[0].value.startswith("On ne se retire pas soi-même")


def test_all_connections_of_an_account_are_ended(app: AppTest, be: Be, database: Sessions) -> None:
    be(Role.ADMIN)
    add(database, "e.durand", Role.CORRECTOR)
    ticket = ticket_for(database, "e.durand")
    token = connections.redeem_ticket(database, ticket=ticket, hours=1).token
    opened(app)
    app.text_input(key="searched").set_value("e.durand").run()

    app.button(key="end_connections").click().run()

    assert app.success[0].value == "1 connexion terminée."
    assert connections.connection(database, token) is None
