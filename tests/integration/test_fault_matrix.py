"""The fault matrix, small: every scenario once, drawn at a low resolution. The bench draws it large."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from core.db.session import engine_for, session_factory
from core.storage.blobs import BlobStore
from tests.fault_matrix import SCENARIOS, Outcome, run, small_class

Outcomes = Callable[[str], Outcome]


@pytest.fixture(scope="module")
def outcome(_migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcomes]:
    """What became of a scenario, run once, all in one database."""
    folder = tmp_path_factory.mktemp("faults")
    shutil.copyfile(_migrated_sqlite, folder / "korrigo.sqlite")
    engine = engine_for(f"sqlite:///{folder / 'korrigo.sqlite'}")
    sessions, blobs = session_factory(engine), BlobStore(folder / "blobs")
    drawn = small_class(pupils=4, dpi=120, few=2)

    @cache
    def found(name: str) -> Outcome:
        return run(sessions, blobs, drawn, name, seed=1, folder=folder / name)

    yield found
    engine.dispose()


@pytest.mark.parametrize("name", SCENARIOS)
def test_whatever_the_scanner_did_each_half_page_is_in_one_place_and_no_sheet_is_wrong_in_silence(
    outcome: Outcomes, name: str
) -> None:
    became = outcome(name)

    assert (became.lost, became.doubled) == (0, 0)
    assert dict(became.silent) == {}


def test_99_faults_in_100_are_corrected_or_listed(outcome: Outcomes) -> None:
    every = [outcome(name) for name in SCENARIOS]
    unhandled = {(became.name, *unit): why for became in every for unit, why in became.unhandled.items()}

    assert sum(became.faults for became in every) >= 32
    assert len(unhandled) <= 0.01 * sum(became.faults for became in every), unhandled


def test_a_clean_scan_raises_an_alarm_on_at_most_one_page_in_100(outcome: Outcomes) -> None:
    clean = outcome("clean")

    assert clean.plain == clean.halves > 0
    assert clean.alarmed <= 0.01 * clean.plain, clean.alarms
