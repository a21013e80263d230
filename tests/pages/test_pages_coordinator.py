"""The pages of coordination and administration on real services: what they say, and what they do."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker
from streamlit.testing.v1 import AppTest

from core.db.tables import Copy, Job, Variant
from core.domain.access import Role
from core.domain.copies import CopyStatus
from core.services import accounts, allocation, connections, exams, publication
from tests.integration.builders import STAFF, build_exam
from tests.pages import papers
from tests.pages.papers import html, labels, opened
from workbench import resources

Be = Callable[..., str]
Sessions = sessionmaker[Session]

ROSTER = "Nom;Prénom;Né(e) le;Classe\nDURAND;Éloïse;03/11/2008;T.02\n;Luc;;\nPETIT;Zoé;32/01/2009;T.02\n"
SCHEME = "item;libellé;points\n1;Exercice 1;20\n1.a;Énoncer;8\n1.b;Conclure;12\n"


# --- without anything yet


@pytest.mark.parametrize("name", ["progress", "allocation", "results", "publication", "exports"])
def test_without_a_paper_each_page_of_coordination_says_how_one_comes(
    app: AppTest, be: Be, name: str
) -> None:
    be(Role.COORDINATOR)

    opened(app, name)

    assert "Aucune épreuve pour l&#x27;instant." in html(app)


@pytest.mark.parametrize("name", ["progress", "results", "publication", "exports"])
def test_a_paper_without_copies_is_told_in_one_sentence(
    app: AppTest, be: Be, database: Sessions, name: str
) -> None:
    build_exam(database, resources.blobs(), copies=0)
    be(Role.COORDINATOR)

    opened(app, name)

    assert "Aucune copie" in html(app)


# --- allocation and progress


def test_identified_copies_are_shared_out_in_one_press(app: AppTest, be: Be, database: Sessions) -> None:
    exam = build_exam(database, resources.blobs(), copies=2)
    be(Role.COORDINATOR)
    opened(app, "allocation")
    assert "2 copies à confier" in html(app)

    app.button(key="share").click().run()

    assert "2 copies réparties" in app.success[0].value
    shares = allocation.progress(database, STAFF, paper_id=exam.paper_id).per_corrector
    assert sorted(line.allocated for line in shares) == [1, 1]
    assert "Toutes les copies sont confiées." in html(app)
    assert "share" not in {button.key for button in app.button}


def test_sharing_out_between_nobody_is_refused_with_a_sentence(
    app: AppTest, be: Be, database: Sessions
) -> None:
    build_exam(database, resources.blobs(), copies=1)
    be(Role.COORDINATOR)
    opened(app, "allocation")

    app.button_group(key="correctors").set_value([])
    app.button(key="share").click().run()

    assert [error.value for error in app.error] == ["Choisissez au moins un correcteur."]


def test_complete_copies_are_finalised_from_the_progress_page(
    app: AppTest, be: Be, database: Sessions
) -> None:
    exam = papers.marked(database, copies=3)
    be(Role.COORDINATOR)
    opened(app, "progress")
    assert app.button(key="finalise").label == "Finaliser 2 copies complètes"

    app.button(key="finalise").click().run()

    counts = allocation.progress(database, STAFF, paper_id=exam.paper_id).by_status
    assert counts[CopyStatus.FINALISING] == 2
    assert exam.codes[2] in app.success[0].value
    assert "finalise" not in {button.key for button in app.button}


# --- results


def test_the_results_are_one_sentence_and_five_charts_with_their_data(
    app: AppTest, be: Be, database: Sessions
) -> None:
    papers.finalised(database, copies=3)
    be(Role.COORDINATOR)

    opened(app, "results")

    assert "2 copies notées sur 3 (partielles)" in html(app)
    assert len(app.get("plotly_chart")) == 5
    assert labels(app).count("Données") == 5
    assert "n.c." in html(app)


def test_an_analyst_sees_results_and_nothing_else_of_coordination(
    app: AppTest, be: Be, database: Sessions
) -> None:
    papers.finalised(database)
    be(Role.ANALYST)

    opened(app, "results")

    assert len(app.get("plotly_chart")) == 5
    with pytest.raises(ValueError, match="Could not find a navigation page"):
        opened(app, "publication")


# --- publication and exports


def test_publication_shows_the_marks_to_come_then_publishes_and_takes_back(
    app: AppTest, be: Be, database: Sessions
) -> None:
    exam = papers.finalised(database, copies=3)
    be(Role.COORDINATOR)
    opened(app, "publication")
    assert "14,50" in html(app)
    assert labels(app) == [
        "◐ 1 copie laissée de côté : correction en cours",
        "Ce que verront les élèves : 2 copies",
    ]

    app.button(key="publish").click().run()
    assert app.success[0].value == "2 copies publiées."

    app.button(key="withdraw").click().run()
    assert "2 copies retirées" in app.success[0].value
    preview = publication.publication_preview(database, STAFF, paper_id=exam.paper_id)
    assert (preview.published, preview.ready) == (0, 2)


def test_publication_links_to_masked_copies_only(app: AppTest, be: Be, database: Sessions) -> None:
    exam = papers.finalised(database)
    be(Role.COORDINATOR)

    opened(app, "publication")

    assert f'href="/files/copies/{exam.codes[0]}/marked.pdf"' in html(app)
    assert "NOM0" not in html(app)
    assert "/files/mine" not in html(app)


def test_exports_are_links_to_our_route_and_say_what_they_leave_out(
    app: AppTest, be: Be, database: Sessions
) -> None:
    exam = papers.finalised(database, copies=3)
    with database.begin() as session:
        session.execute(update(Copy).where(Copy.code == exam.codes[1]).values(candidate_id=None))
    be(Role.COORDINATOR)

    opened(app, "exports")

    for name in ("pronote", "xlsx", "csv"):
        assert f'href="/files/exports/{exam.paper_id}/{name}"' in html(app)
    assert labels(app) == ["◐ 2 copies laissées de côté : sans identité (1), correction en cours (1)"]
    assert not app.get("download_button")


# --- lists and papers


def test_a_list_is_looked_at_before_it_is_written(app: AppTest, be: Be, database: Sessions) -> None:
    be(Role.SECRETARIAT)
    opened(app, "rosters")
    app.text_input(key="new_session").set_value("Bac blanc")
    app.file_uploader(key="roster_0").set_value(("liste.csv", ROSTER.encode("cp1252"), "text/csv"))
    app.run()
    assert "Colonnes reconnues : « Nom » (nom), « Prénom » (prénom)" in html(app)
    assert "Cette ligne n&#x27;a pas de nom." in html(app)
    assert exams.sessions_list(database, STAFF) == []

    app.button(key="import").click().run()

    assert [line.candidates for line in exams.sessions_list(database, STAFF)] == [1]
    assert app.toast[0].value == "Liste importée : 1 nouveau, 0 modifié, 0 inchangé."


def test_a_list_without_a_name_column_is_refused_with_a_sentence(app: AppTest, be: Be) -> None:
    be(Role.SECRETARIAT)
    opened(app, "rosters")

    app.text_input(key="new_session").set_value("Bac blanc")
    app.file_uploader(key="roster_0").set_value(("liste.csv", b"Classe;Groupe\nT.02;A\n", "text/csv"))
    app.run()

    assert "liste.csv : aucune colonne ne donne les noms" in app.error[0].value
    assert "import" not in {button.key for button in app.button}


def test_a_paper_is_created_with_a_comma_in_its_coefficient(app: AppTest, be: Be, database: Sessions) -> None:
    build_exam(database, resources.blobs(), copies=1)
    be(Role.ADMIN)
    opened(app, "papers")

    app.text_input(key="name_0").set_value("Maths J2")
    app.text_input(key="coefficient_0").set_value("0,5")
    app.text_input(key="sat_on_0").set_value("12/01/2027")
    app.file_uploader(key="scheme_0").set_value([("bareme.csv", SCHEME.encode(), "text/csv")])
    app.button(key="create_paper").click().run()

    assert not app.error
    created = max(exams.papers(database, STAFF), key=lambda line: line.paper_id)
    paper = exams.paper(database, STAFF, paper_id=created.paper_id)
    assert (paper.name, str(paper.coefficient), str(paper.sat_on)) == ("Maths J2", "0.5", "2027-01-12")
    assert any("Maths J2" in label.replace("\\", "") for label in labels(app))


@pytest.mark.parametrize(
    ("field", "typed", "told"),
    [
        ("total_0", "19", "le barème fait 20 points"),
        ("total_0", "vingt", "Le total vingt ne convient pas"),
        ("sat_on_0", "32/01/2027", "« 32/01/2027 » n'est pas une date"),
        ("name_0", "", "Donnez un nom à l'épreuve"),
    ],
)
def test_what_is_wrong_with_a_paper_is_one_sentence(
    app: AppTest, be: Be, database: Sessions, field: str, typed: str, told: str
) -> None:
    build_exam(database, resources.blobs(), copies=1)
    be(Role.ADMIN)
    opened(app, "papers")

    app.text_input(key="name_0").set_value("Maths J2")
    app.file_uploader(key="scheme_0").set_value([("bareme.csv", SCHEME.encode(), "text/csv")])
    app.text_input(key=field).set_value(typed)
    app.button(key="create_paper").click().run()

    [error] = app.error
    assert told in error.value
    assert len(exams.papers(database, STAFF)) == 1


# --- accounts, jobs, home


def test_an_account_gets_a_password_that_is_shown_once(app: AppTest, be: Be, database: Sessions) -> None:
    be(Role.ADMIN)
    opened(app, "accounts")
    app.text_input(key="surname_0").set_value("Durand")
    app.text_input(key="login_0").set_value("m.durand")
    app.button_group(key="roles_0").set_value([Role.CORRECTOR])
    app.button(key="create_account").click().run()

    password = app.success[0].value.split("`")[1]
    assert connections.check_password(database, login="m.durand", password=password)
    app.run()
    assert not app.success


def test_a_closed_account_is_cut_and_can_be_opened_again(app: AppTest, be: Be, database: Sessions) -> None:
    be(Role.ADMIN)
    accounts.create_account(
        database, STAFF, login="aline", roles=[Role.CORRECTOR], surname="Aline", password="motdepasse-1"
    )
    opened(app, "accounts")
    app.selectbox(key="changed").set_value("aline").run()

    app.button(key="switch").click().run()
    assert {line.login: line.disabled for line in accounts.accounts(database, STAFF)}["aline"]
    assert app.button(key="switch").label == "Rouvrir le compte"

    app.button(key="switch").click().run()
    assert not {line.login: line.disabled for line in accounts.accounts(database, STAFF)}["aline"]


def test_jobs_are_shown_with_their_state_in_words(app: AppTest, be: Be, database: Sessions) -> None:
    papers.finalised(database)
    be(Role.SECRETARIAT)

    opened(app, "jobs")

    assert "Tous les travaux sont finis." in html(app)
    assert "PDF des copies corrigées" in html(app)
    assert "2 sur 2" in html(app)


def test_a_job_that_failed_is_tried_again_from_the_page(app: AppTest, be: Be, database: Sessions) -> None:
    papers.finalised(database)
    with database.begin() as session:
        job = session.scalars(select(Job)).one()
        job.status, job.failures, job.error_code = "failed", 3, "internal_error"
    be(Role.SECRETARIAT)
    opened(app, "jobs")
    assert "1 travail a échoué" in html(app)

    app.button(key="retry").click().run()

    (job,) = database().scalars(select(Job)).all()
    assert (job.status, job.failures) == ("waiting", 0)
    assert "1 travail en cours" in html(app)
    assert "retry" not in [button.key for button in app.button]


def test_home_tells_the_coordinator_what_can_be_published(app: AppTest, be: Be, database: Sessions) -> None:
    papers.finalised(database, copies=3)
    be(Role.COORDINATOR)

    app.run()

    assert "2 copies prêtes à publier" in html(app)
    assert "1 copie reste à finaliser" in html(app)


def test_home_opens_the_page_on_the_paper_it_spoke_of(app: AppTest, be: Be, database: Sessions) -> None:
    papers.finalised(database)
    later_paper_with_a_copy(database)
    be(Role.COORDINATOR)
    app.run()

    app.button(key="task_0_open").click().run()

    assert "2 copies sont prêtes" in html(app)


def later_paper_with_a_copy(database: Sessions) -> None:
    """What a page about one paper would show first, were nothing remembered."""
    paper_id = exams.create_paper(
        database, STAFF, session_name="Bac blanc", name="Maths J2", schemes={"A": ("b.csv", SCHEME.encode())}
    )
    with database.begin() as session:
        variant_id = session.scalars(select(Variant.id).where(Variant.paper_id == paper_id)).one()
        session.add(Copy(paper_id=paper_id, variant_id=variant_id, code="E5-TVWX", status="staged"))


def test_home_tells_the_administration_that_nobody_can_mark_yet(app: AppTest, be: Be) -> None:
    be(Role.ADMIN)

    app.run()

    assert "Aucun correcteur n&#x27;a de compte." in html(app)
