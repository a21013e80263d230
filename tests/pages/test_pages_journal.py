"""The page of the journal: what it says of the chain, and finding a line."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker
from streamlit.testing.v1 import AppTest

from core.domain.access import Action, Actor, Role
from core.services import journal, sealing
from tests.integration.builders import STAFF, add_account
from tests.pages import papers
from tests.pages.papers import html, opened
from workbench import resources
from workbench.journal_words import ACTIONS, KINDS

Be = Callable[..., str]
Sessions = sessionmaker[Session]


def row_count(app: AppTest) -> int:
    return html(app).split("<tbody>")[-1].count("<tr>") if "<tbody>" in html(app) else 0


@pytest.fixture
def aline(database: Sessions) -> Actor:
    """A corrector who did three things on the marking 7."""
    with database.begin() as session:
        account_id = add_account(session, "aline", Role.CORRECTOR)
        actor = Actor(account_id, frozenset({Role.CORRECTOR}), f"account:{account_id}")
        for number in range(3):
            values = {"changes": [{"kind": "mark", "item": 3, "before": None, "after": 2.5 + number}]}
            journal.record(session, actor, Action.MARK, kind="marking", object_id=7, values=values)
    return actor


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.ADMIN}))
def test_the_journal_is_offered_to_the_administrator_alone(app: AppTest, be: Be, role: Role) -> None:
    be(role)

    with pytest.raises(ValueError, match="Could not find a navigation page"):
        opened(app, "journal")


def test_a_line_tells_who_did_what_to_what_with_which_values(app: AppTest, be: Be, aline: Actor) -> None:
    be(Role.ADMIN)

    opened(app, "journal")

    told = html(app)
    assert "aline · ALINE Paul" in told
    assert "Correction" in told
    assert "correction 7" in told
    assert "note, question 3 : — → 2,5" in told
    assert "pas encore scellé" in told
    assert "ligne de commande (test)" in told


def test_a_sealed_line_bears_its_number(app: AppTest, be: Be, database: Sessions, aline: Actor) -> None:
    be(Role.ADMIN)
    sealed = sealing.seal(database)

    opened(app, "journal")

    assert f"n° {sealed}" in html(app)
    assert f"{sealed} lignes scellées, la dernière le " in html(app)
    assert "pas encore scellé" not in html(app)


def test_lines_are_found_by_who_act_object_and_day(app: AppTest, be: Be, aline: Actor) -> None:
    be(Role.ADMIN)
    opened(app, "journal")

    app.text_input(key="who").set_value("aline").run()
    assert row_count(app) == 3
    app.selectbox(key="action").set_value(Action.SIGN_IN).run()
    assert "Aucune ligne ne correspond." in html(app)
    app.text_input(key="who").set_value("").run()
    assert row_count(app) == 1
    app.selectbox(key="action").set_value("").run()
    app.selectbox(key="kind").set_value("marking")
    app.text_input(key="object").set_value("7").run()
    assert row_count(app) == 3
    app.text_input(key="until").set_value("31/12/2025").run()
    assert row_count(app) == 0


def test_what_is_no_day_is_told_in_a_sentence(app: AppTest, be: Be) -> None:
    be(Role.ADMIN)
    opened(app, "journal")

    app.text_input(key="since").set_value("31/02/2026").run()

    assert "« 31/02/2026 » n'est pas une date" in app.error[0].value


def test_fifty_lines_stand_on_a_page(app: AppTest, be: Be, database: Sessions) -> None:
    be(Role.ADMIN)
    with database.begin() as session:
        for number in range(60):
            journal.record(session, STAFF, Action.MARK, kind="marking", object_id=number)
    opened(app, "journal")
    app.selectbox(key="kind").set_value("marking").run()
    assert row_count(app) == 50
    assert "correction 59" in html(app)

    app.button(key="older").click().run()

    assert row_count(app) == 10
    assert "older" not in {button.key for button in app.button}
    app.button(key="newer").click().run()
    assert "correction 59" in html(app)


def test_another_search_begins_at_its_newest_line(app: AppTest, be: Be, database: Sessions) -> None:
    be(Role.ADMIN)
    with database.begin() as session:
        for number in range(60):
            journal.record(session, STAFF, Action.MARK, kind="marking", object_id=number)
    opened(app, "journal")
    app.button(key="older").click().run()

    app.selectbox(key="kind").set_value("marking").run()

    assert "correction 59" in html(app)


def test_the_chain_is_verified_in_one_press(app: AppTest, be: Be, database: Sessions, aline: Actor) -> None:
    be(Role.ADMIN)
    sealed = sealing.seal(database)
    opened(app, "journal")

    app.button(key="verify").click().run()

    assert app.success[0].value == f"{sealed} lignes, chaîne entière."
    assert f"{sealed}:" in app.caption[0].value


def test_the_first_broken_line_is_named(app: AppTest, be: Be, database: Sessions, aline: Actor) -> None:
    be(Role.ADMIN)
    sealing.seal(database)
    with database.begin() as session:
        session.execute(text("drop trigger journal_entry_no_update"))
        session.execute(text("update journal_entry set object_id = 8 where id = 2"))
    opened(app, "journal")

    app.button(key="verify").click().run()

    assert "Le journal a été altéré : la ligne n° 2 (identifiant 2, du " in app.error[0].value
    assert "« Correction ») a été changée après son scellement" in app.error[0].value


def test_reading_the_journal_leaves_no_line(app: AppTest, be: Be, database: Sessions) -> None:
    be(Role.ADMIN)
    before = len(journal.entries(database, STAFF))

    opened(app, "journal")
    app.button(key="verify").click().run()

    assert len(journal.entries(database, STAFF)) == before


def test_the_whole_way_of_a_paper_reads_without_a_code_for_a_word(
    app: AppTest, be: Be, database: Sessions
) -> None:
    papers.finalised(database)
    assert resources.sessions() is database
    be(Role.ADMIN)

    opened(app, "journal")

    told = html(app)
    assert "Finalisation" in told
    assert "état : finalisation en cours" in told
    assert not [
        word for word in (*Action, "exam_session", "finalising", "before", "after") if f">{word}<" in told
    ]


def test_every_act_has_its_words() -> None:
    assert set(ACTIONS) == set(Action)
    assert len(set(ACTIONS.values())) == len(ACTIONS)
    assert all(ACTIONS.values())
    assert "copy" in KINDS
