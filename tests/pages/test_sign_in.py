"""Who sees which page, and what becomes of a page when its person changes."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker
from streamlit.testing.v1 import AppTest

from core.domain.access import Role
from core.services import accounts, connections
from tests.pages.conftest import PASSWORD, ROOT, SYSTEM
from workbench import navigation, sign_in

Be = Callable[..., str]


def shown(app: AppTest) -> str:
    """All text of a page, without its style sheet."""
    html = [str(part.proto.body) for part in app.get("html")]
    return " ".join(
        text
        for text in [
            *html,
            *(part.value for kind in ("markdown", "subheader", "title", "error") for part in app.get(kind)),
            *(field.label for field in app.text_input),
        ]
        if "<style>" not in text
    )


def at_address(app: AppTest, name: str) -> AppTest:
    """The application run for an address typed by hand; ``switch_page`` knows files only."""
    app._page_hash = next(
        page_hash for page_hash, page in app._registered_pages.items() if page["url_pathname"] == name
    )
    return app.run()


# --- signed out


def test_a_visitor_sees_the_sign_in_form_and_no_other_page(app: AppTest) -> None:
    app.run()

    assert [field.label for field in app.text_input] == ["Identifiant", "Mot de passe"]
    assert not app.exception


@pytest.mark.parametrize(
    "name", [row.name for row in navigation.PAGES if row.path.exists() and row.name != "home"]
)
def test_a_visitor_who_types_the_address_of_a_page_gets_the_form(app: AppTest, name: str) -> None:
    app.run()

    with pytest.raises(ValueError, match="Could not find a navigation page"):
        app.switch_page(str(navigation.FOLDER / f"{name}.py"))
    at_address(app, name)

    assert [field.label for field in app.text_input] == ["Identifiant", "Mot de passe"]


def test_a_wrong_password_and_an_unknown_login_get_the_same_sentence(
    app: AppTest, database: sessionmaker[Session]
) -> None:
    accounts.create_account(
        database, SYSTEM, login="martin", roles=[Role.SECRETARIAT], surname="Martin", password=PASSWORD
    )

    said = [typed(app, login, "not-the-password") for login in ("martin", "nobody")]

    assert said == [["Identifiant ou mot de passe incorrect."]] * 2


def test_after_ten_failures_the_form_asks_to_wait(app: AppTest, database: sessionmaker[Session]) -> None:
    for _ in range(10):
        connections.check_password(database, login="martin", password="x" * 12, address="127.0.0.1")

    [said] = typed(app, "martin", PASSWORD)

    assert said.startswith("Trop d'essais.")


def test_a_right_password_gives_a_ticket_that_opens_the_connection(
    app: AppTest, database: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts.create_account(
        database, SYSTEM, login="martin", roles=[Role.SECRETARIAT], surname="Martin", password=PASSWORD
    )
    tickets: list[str] = []
    monkeypatch.setattr(sign_in, "exchange", tickets.append)

    assert typed(app, "Martin ", PASSWORD) == []

    [ticket] = tickets
    opened = connections.redeem_ticket(database, ticket=ticket, hours=1)
    found = connections.connection(database, opened.token)
    assert found is not None
    assert found.login == "martin"
    assert "authentication_status" not in app.session_state


def test_a_password_that_was_replaced_while_it_was_checked_is_wrong(
    app: AppTest, database: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts.create_account(
        database, SYSTEM, login="martin", roles=[Role.SECRETARIAT], surname="Martin", password=PASSWORD
    )
    check = connections.check_password

    def check_then_replace(*given: Any, **named: Any) -> connections.CheckedPassword | None:
        checked = check(*given, **named)
        accounts.set_password(database, SYSTEM, login="martin", password="une autre phrase")
        return checked

    monkeypatch.setattr(connections, "check_password", check_then_replace)
    monkeypatch.setattr(sign_in, "exchange", lambda _ticket: pytest.fail("a ticket of the old password"))

    assert typed(app, "martin", PASSWORD) == ["Identifiant ou mot de passe incorrect."]


def test_the_authenticator_s_own_cookie_signs_nobody_in(app: AppTest, be: Be) -> None:
    app.session_state["authentication_status"] = True
    app.session_state["username"] = "martin"

    app.run()

    assert "Accueil" not in shown(app)


def typed(app: AppTest, login: str, password: str) -> list[str]:
    """Fill the form in and send it; the errors that are shown."""
    app.run()
    app.text_input[0].set_value(login)
    app.text_input[1].set_value(password)
    app.button[0].click().run()
    assert not app.exception
    return [error.value for error in app.error]


# --- signed in


def test_somebody_signed_in_sees_the_home_page(app: AppTest, be: Be) -> None:
    be(Role.SECRETARIAT)

    app.run()

    assert "Accueil" in shown(app)
    assert not app.exception


@pytest.mark.parametrize("role", Role)
def test_a_role_may_open_its_pages_and_is_refused_the_others(app: AppTest, be: Be, role: Role) -> None:
    be(role)
    app.run()

    mine = {row.name for row in navigation.PAGES if role in row.roles}
    for row in navigation.PAGES:
        if row.path.exists() and row.name not in mine:
            with pytest.raises(ValueError, match="Could not find a navigation page"):
                app.switch_page(str(row.path))
            assert "Accès refusé." in shown(at_address(app, row.name))
    assert "home" in mine


@pytest.mark.parametrize(
    ("role", "names"),
    [
        (Role.STUDENT, {"home", "my_results", "my_copy", "connections"}),
        (Role.CORRECTOR, {"home", "my_copies", "marking", "connections"}),
        (Role.ANALYST, {"home", "results", "connections"}),
    ],
)
def test_what_a_role_is_offered_is_written_down_here_too(role: Role, names: set[str]) -> None:
    assert {row.name for row in navigation.PAGES if role in row.roles} == names
    assert {row.name for row in navigation.offered(frozenset({role}))} <= names


def test_a_page_refuses_by_itself_when_navigation_did_not(
    be: Be, database: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    be(Role.STUDENT)
    page = AppTest.from_file(str(ROOT / "pages" / "accounts.py"), default_timeout=30)

    page.run()

    assert "Accès refusé." in shown(page)
    assert not page.text_input


def test_a_password_that_was_handed_out_is_changed_before_anything_else(
    app: AppTest, be: Be, database: sessionmaker[Session]
) -> None:
    token = be(Role.SECRETARIAT, login="martin", must_change=True)
    app.run()
    assert "Choisissez votre mot de passe" in shown(app)

    for key, value in (("current", PASSWORD), ("new", "une phrase assez longue"), ("again", "une phrase")):
        app.text_input(key=key).set_value(value)
    app.button[0].click().run()
    assert "diffèrent" in app.error[0].value

    app.text_input(key="again").set_value("une phrase assez longue")
    app.button[0].click().run()

    assert "Accueil" in shown(app)
    assert connections.check_password(database, login="martin", password="une phrase assez longue")
    assert connections.connection(database, token) is not None


def test_the_first_password_page_names_what_is_wrong(app: AppTest, be: Be) -> None:
    be(Role.SECRETARIAT, must_change=True)
    app.run()

    for key, value in (("current", PASSWORD), ("new", "court"), ("again", "court")):
        app.text_input(key=key).set_value(value)
    app.button[0].click().run()

    assert app.error[0].value.startswith("Ce mot de passe est trop court : 10 signes au moins.")


def test_what_a_page_kept_is_forgotten_when_its_person_changes(app: AppTest, be: Be) -> None:
    be(Role.SECRETARIAT, login="one")
    app.run()
    app.session_state["kept"] = "a name"
    app.run()
    assert app.session_state["kept"] == "a name"

    be(Role.SECRETARIAT, login="other")
    app.run()

    assert "kept" not in app.session_state


def test_a_connection_that_ends_gives_the_sign_in_form_at_the_next_rerun(
    app: AppTest, be: Be, database: sessionmaker[Session]
) -> None:
    token = be(Role.SECRETARIAT)
    app.run()
    app.session_state["kept"] = "a name"

    connections.sign_out(database, token=token)
    app.run()

    assert [field.label for field in app.text_input] == ["Identifiant", "Mot de passe"]
    assert "kept" not in app.session_state


# --- the shape of the shell


def test_the_entry_script_is_short_and_has_no_pages_folder_beside_it() -> None:
    entry = ROOT / "workbench" / "app.py"

    # Streamlit serves the scripts of a pages/ folder beside its entry to anybody, by their address.
    assert not (entry.parent / "pages").exists()
    assert not [path.name for path in ROOT.glob("*.py")]
    assert len(entry.read_text(encoding="utf-8").splitlines()) < 15


def test_every_page_is_in_the_table_and_every_address_is_its_file() -> None:
    files = {path.stem for path in (ROOT / "pages").glob("*.py")} - {"__init__", "sign_in", "first_password"}

    assert files <= {row.name for row in navigation.PAGES}
    assert len({row.name for row in navigation.PAGES}) == len(navigation.PAGES)
    assert all(row.roles for row in navigation.PAGES)


@pytest.mark.parametrize("path", sorted((ROOT / "pages").glob("[a-z]*.py")), ids=lambda path: path.stem)
def test_every_page_begins_by_asking_who_is_there(path: object) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))  # type: ignore[attr-defined]
    [page] = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "page"]
    first = next(node for node in page.body if not ast.unparse(node).startswith(("'", '"')))

    if path.stem == "sign_in":  # type: ignore[attr-defined]
        assert "guard" not in ast.unparse(first)
    else:
        assert "guard." in ast.unparse(first)
