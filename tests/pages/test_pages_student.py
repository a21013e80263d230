"""What pupils see: their own published copy, and nothing before."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session, sessionmaker
from streamlit.testing.v1 import AppTest

from core.services import publication
from tests.integration.builders import STAFF, Exam
from tests.pages import papers
from tests.pages.papers import html, opened
from workbench import resources

Sessions = sessionmaker[Session]


@pytest.fixture
def exam(database: Sessions) -> Exam:
    """Two finalised copies; their pupils are zoe and luc."""
    exam = papers.finalised(database)
    papers.pupil_account(database, 0, "zoe")
    papers.pupil_account(database, 1, "luc")
    return exam


@pytest.fixture
def published(database: Sessions, exam: Exam) -> Exam:
    """The same, published."""
    publication.publish(database, STAFF, resources.blobs(), paper_id=exam.paper_id)
    return exam


@pytest.mark.parametrize("name", ["my_results", "my_copy"])
def test_before_publication_there_is_nothing(
    app: AppTest, database: Sessions, exam: Exam, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    papers.signed_in_as(database, monkeypatch, "zoe")

    opened(app, name)

    assert "Aucune copie publiée pour l&#x27;instant." in html(app)
    assert exam.codes[0] not in html(app)


def test_results_show_the_mark_the_exercises_the_remarks_and_the_appreciation(
    app: AppTest, database: Sessions, published: Exam, monkeypatch: pytest.MonkeyPatch
) -> None:
    papers.signed_in_as(database, monkeypatch, "zoe")

    opened(app, "my_results")

    shown = html(app)
    assert "<strong>14,50</strong> / 20" in shown
    assert "9,5 / 10" in shown
    assert "Un bon travail." in shown
    assert "Justifiez." in shown
    assert "<em>bonus</em>" in shown


def test_an_item_left_out_is_told_in_words_and_not_as_zero(
    app: AppTest, database: Sessions, published: Exam, monkeypatch: pytest.MonkeyPatch
) -> None:
    papers.signed_in_as(database, monkeypatch, "luc")

    opened(app, "my_results")

    assert "non traité / 10" in html(app)
    assert "<strong>2,25</strong> / 20" in html(app)


def test_a_copy_is_its_own_pages_through_our_route(
    app: AppTest, database: Sessions, published: Exam, monkeypatch: pytest.MonkeyPatch
) -> None:
    papers.signed_in_as(database, monkeypatch, "zoe")

    opened(app, "my_copy")

    shown = html(app)
    assert [f"/files/mine/{published.codes[0]}/pages/{page}.jpg" in shown for page in range(1, 6)] == [
        True,
        True,
        True,
        True,
        False,
    ]
    assert not app.get("imgs")
    assert not app.get("download_button")


def test_a_copy_of_somebody_else_in_the_address_is_not_shown(
    app: AppTest, database: Sessions, published: Exam, monkeypatch: pytest.MonkeyPatch
) -> None:
    papers.signed_in_as(database, monkeypatch, "zoe")
    app.query_params["copie"] = published.codes[1]

    opened(app, "my_copy")

    assert "n&#x27;est pas à vous" in html(app)
    assert published.codes[1] not in html(app)


def test_after_withdrawal_nothing_is_left(
    app: AppTest, database: Sessions, published: Exam, monkeypatch: pytest.MonkeyPatch
) -> None:
    papers.signed_in_as(database, monkeypatch, "zoe")
    publication.withdraw(database, STAFF, paper_id=published.paper_id)

    opened(app, "my_results")

    assert "Aucune copie publiée" in html(app)


def test_home_greets_a_pupil_with_the_mark_once_published(
    app: AppTest, database: Sessions, published: Exam, monkeypatch: pytest.MonkeyPatch
) -> None:
    papers.signed_in_as(database, monkeypatch, "zoe")

    app.run()

    assert "Votre copie est publiée : 14,50 / 20" in html(app)
