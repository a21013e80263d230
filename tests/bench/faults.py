"""The fault matrix: scans that went wrong in every way, through the real services, against what is true of them.

``python -m tests.bench.faults`` prints a line per scenario and the totals with their bounds; names of
scenarios as arguments run these only. ``--small`` is what the ordinary tests run.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import cv2

from core.db.migrate import upgrade
from core.db.session import engine_for, session_factory
from core.storage.blobs import BlobStore
from tests.fault_matrix import SCENARIOS, Outcome, run, small_class, totals

SEEDS = (1, 2)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.faults", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *SCENARIOS], default=[])
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    drawn = (
        small_class(pupils=4, dpi=120, few=2) if options.small else small_class(pupils=28, dpi=200, few=16)
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = f"sqlite:///{folder / 'korrigo.sqlite'}"
        upgrade(url)
        sessions, blobs = session_factory(engine_for(url)), BlobStore(folder / "blobs")
        outcomes = []
        for scenario in options.names or SCENARIOS:
            for seed in SEEDS[:1] if options.small else SEEDS:
                outcomes.append(run(sessions, blobs, drawn, scenario, seed, folder / f"{scenario}-{seed}"))
                _say(outcomes[-1])
    print(totals(outcomes))


def _say(outcome: Outcome) -> None:
    alarms = " ".join(f"{code}:{count}" for code, count in sorted(outcome.alarms.items()))
    print(
        f"{outcome.name:15} {outcome.halves:4} halves, lost {outcome.lost}, doubled {outcome.doubled}; "
        f"{outcome.units:3} units, silent {len(outcome.silent)}; "
        f"{outcome.faults:3} faults, right {outcome.corrected}, unhandled {len(outcome.unhandled)}; "
        f"alarms {outcome.alarmed} of {outcome.plain} {alarms}; {outcome.seconds:.1f} s",
        flush=True,
    )
    for kind, units in (("silent", outcome.silent), ("unhandled", outcome.unhandled)):
        for unit, why in list(units.items())[:6]:
            print(f"    {kind} {unit}: {why}")


if __name__ == "__main__":
    main()
