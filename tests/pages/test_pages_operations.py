"""Exploitation: the administrator sees how each part stands, and nobody else does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session, sessionmaker
from streamlit.testing.v1 import AppTest

from core.db.tables import Backup, Job, Worker
from core.db.tables.base import now
from core.domain.access import Role
from core.services import health
from core.services.health import Standing
from workbench import navigation

Be = Callable[..., str]


def shown(app: AppTest) -> str:
    """Everything the page has drawn as HTML."""
    return " ".join(str(part.proto.body) for part in app.get("html"))


def open_page(app: AppTest) -> AppTest:
    return app.run().switch_page(str(navigation.FOLDER / "operations.py")).run()


def test_each_part_is_told_with_what_to_do(app: AppTest, be: Be, database: sessionmaker[Session]) -> None:
    be(Role.ADMIN)
    with database.begin() as session:
        session.add(Job(kind="ingest", unique_key="1", payload={}, status="failed", error_code="x"))
        session.add(Job(kind="ingest", unique_key="2", payload={}))

    page = open_page(app)

    assert not page.exception
    for part in ("Base de données", "Disque", "Travaux de fond", "Cache des pages", "Sauvegarde", "Journal"):
        assert part in shown(page)
    assert "SQLite répond en" in shown(page)
    assert "Personne pour les faire (1 en attente)" in shown(page)
    assert "Lancez korrigo backup" in shown(page)
    assert "Korrigo 0.1.0" in page.caption[0].value


def test_when_all_is_well_it_says_so(app: AppTest, be: Be, database: sessionmaker[Session]) -> None:
    be(Role.ADMIN)
    with database.begin() as session:
        session.add(Worker(name="w", engine="embedded"))
        at = now() - timedelta(hours=3)
        session.add(Backup(started_at=at, ended_at=at, manifest_sha256="0" * 64, rows=1, files=1, bytes=1))

    page = open_page(app)

    assert "Tout est en ordre." in shown(page) or "Disque" in shown(page)  # the disk of the tests may be full
    assert "il y a 3 h" in shown(page)
    assert "1 travailleur, 0 en attente" in shown(page)


def test_a_part_that_failed_is_told_by_a_word_and_a_shape(
    app: AppTest, be: Be, monkeypatch: pytest.MonkeyPatch
) -> None:
    be(Role.ADMIN)
    silent = health.Component("redis", Standing.DOWN, "redis_unreachable")
    monkeypatch.setattr(health, "_redis", lambda _parts: silent)

    page = open_page(app)

    assert "✖" in shown(page)
    assert "en panne" in shown(page)
    assert "Redis ne répond pas" in shown(page)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_the_page_is_not_for_others(app: AppTest, be: Be, role: Role) -> None:
    be(role)

    with pytest.raises(ValueError, match="navigation page"):  # its address leads to « Accès refusé »
        open_page(app)
