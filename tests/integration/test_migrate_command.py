"""`korrigo migrate`: what the one-shot container of compose.yaml runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import inspect

from core.db.session import engine_for
from core.db.tables import Base
from workbench import resources
from workbench.cli.main import korrigo


def test_it_makes_the_whole_schema_on_an_empty_base_and_changes_nothing_on_one_that_has_it(
    empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KORRIGO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KORRIGO_DATABASE_URL", empty_database_url)
    resources.forget()

    first, again = (CliRunner().invoke(korrigo, ["migrate"]) for _ in range(2))

    resources.forget()
    engine = engine_for(empty_database_url)
    tables = set(inspect(engine).get_table_names())
    engine.dispose()
    assert (first.exit_code, again.exit_code) == (0, 0), (first.output, again.output)
    assert first.output == again.output
    assert first.output.endswith("est à jour.\n")
    assert tables >= set(Base.metadata.tables)
