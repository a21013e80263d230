"""Faulty scans sent through the real services, and the ledger judged against what is true of every half-page."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from core.db.session import Sessions
from core.domain.access import Actor
from core.domain.doubts import LEVELS, Level
from core.jobs.running import run_next
from core.services import scans
from core.services.handlers import handlers
from core.services.scans import LedgerRow
from core.settings import Settings
from core.storage.blobs import BlobStore
from tests import story
from tests.integration.classes import add_paper
from tests.unit.drawn_photos import photo
from workbench.demo import faults
from workbench.demo.chance import stream
from workbench.demo.fault_files import FaultyFile, FedHalf, written
from workbench.demo.faults import DrawnClass, Scenario
from workbench.demo.recipe import load
from workbench.demo.shots import leaf

SYSTEM = Actor.system("test")
DATA = story.ROOT / "data" / "demo"


def _photos(drawn: DrawnClass, chance: np.random.Generator, folder: Path) -> list[FaultyFile]:
    """Pages photographed with a phone, a file each, the first pages and the backs of some sheets."""
    found: list[FaultyFile] = []
    for sheet in drawn.pile(PHOTO_DPI, drawn.few // 2):
        for side, page in ((sheet.front, "P1"), (sheet.back, "P2")):
            shot = leaf(side, page)
            (half,) = shot.halves.values()
            unit = (f"{half.unit[0]} {page}", half.unit[1])
            truth = replace(half, unit=unit, fault="photos")
            name = f"IMG_{len(found):04}.jpg"
            _, jpeg = cv2.imencode(".jpg", photo(shot.pixels(), int(chance.integers(1 << 20))).bgr)
            found.append(written(folder / name, jpeg.tobytes(), {(0, "full"): FedHalf(truth, 0)}))
    return found


PHOTO_DPI = 200
SCENARIOS = {**faults.SCENARIOS, "photos": Scenario(_photos, layout="a4")}

READ = frozenset({"annex", "loose_leaf", "typed_a4", "a4_stack", "a4_turned", "odd_even", "photos"})
"""Scenarios with leaves: their writing tells how they lie, their numbers which follows which."""


@dataclass(frozen=True)
class Outcome:
    """What became of one scenario.

    Attributes:
        halves: half-pages that were fed.
        lost: of them, not in the ledger.
        doubled: rows of the ledger beyond one for each, or for nothing that was fed.
        units: sheets, or A4 copies.
        silent: units neither right nor listed, with what is wrong with them.
        faults: units to which something was done.
        corrected: of them, right in spite of it, whether listed or not.
        unhandled: of them, neither corrected nor listed, with what is wrong with them.
        plain: half-pages of units to which nothing was done.
        alarms: doubtful codes on them, and how many half-pages bear each.
        alarmed: half-pages of them with any doubtful code.
        seconds: from the arrival of the files to the end of the jobs.
    """

    name: str
    halves: int
    lost: int
    doubled: int
    units: int
    silent: Mapping[tuple[str, int], str]
    faults: int
    corrected: int
    unhandled: Mapping[tuple[str, int], str]
    plain: int
    alarms: Mapping[str, int]
    alarmed: int
    seconds: float


def small_class(*, pupils: int, dpi: int, few: int) -> DrawnClass:
    """The first pupils of the tests' recipe, drawn when asked for."""
    recipe = load(DATA / "recipe_tests.json").only(pupils=pupils)
    return DrawnClass(recipe, story.FONT_DIRS, dpi, few)


def run(
    sessions: Sessions, blobs: BlobStore, drawn: DrawnClass, name: str, seed: int, folder: Path
) -> Outcome:
    """Draw a scenario, take it in as a paper of its own, judge the ledger."""
    scenario = SCENARIOS[name]
    folder.mkdir(parents=True, exist_ok=True)
    files = scenario.make(drawn, stream(seed, name), folder)
    paper_id = add_paper(sessions, DATA / "roster.csv", DATA / "scheme.csv", session_name=f"{name} {seed}")
    reader = "ppocr" if name in READ else "null"
    run_by = handlers(sessions, blobs, Settings(home=folder, reader=reader))
    start = time.perf_counter()
    for file in files:
        scans.add_scan(
            sessions,
            SYSTEM,
            blobs,
            paper_id=paper_id,
            file_name=file.path.name,
            path=file.path,
            layout=scenario.layout,
            lot_label=name,
        )
    while run_next(sessions, run_by):
        pass
    seconds = time.perf_counter() - start
    failed = [job for job in scans.jobs(sessions, SYSTEM, paper_id=paper_id) if job.status == "failed"]
    if failed:
        raise RuntimeError(f"{name}: {failed[0].kind}: {failed[0].error_code} {failed[0].error_details}")
    rows = scans.ledger(sessions, SYSTEM, paper_id=paper_id)
    return replace(judge(name, files, rows), seconds=seconds)


_Key = tuple[str, int, str]


def judge(name: str, files: Sequence[FaultyFile], rows: Sequence[LedgerRow]) -> Outcome:
    """The ledger of a paper against the truth of its files."""
    fed = {(file.sha256, *place): half for file in files for place, half in file.halves.items()}
    found = Counter((row.file_sha256, row.image, row.half) for row in rows)
    by_key = {(row.file_sha256, row.image, row.half): row for row in rows}
    units: dict[tuple[str, int], list[_Key]] = {}
    for key, half in fed.items():
        unit = half.truth.unit
        again = half.truth.kind == "double"
        units.setdefault((f"again:{unit[0]}", unit[1]) if again else unit, []).append(key)
    inside: dict[int, list[LedgerRow]] = {}
    for row in rows:
        if row.booklet is not None:
            inside.setdefault(row.booklet, []).append(row)
    silent: dict[tuple[str, int], str] = {}
    unhandled: dict[tuple[str, int], str] = {}
    faulty = corrected = 0
    for unit, keys in units.items():
        wrong = _wrong(keys, fed, by_key, inside)
        listed = {code for key in keys if key in by_key for code in _asking(by_key[key])}
        fault = next((fed[key].truth.fault for key in keys if fed[key].truth.fault), "")
        faulty += bool(fault)
        corrected += bool(fault) and not wrong and fault not in _INCOMPLETE
        if wrong and not listed:
            silent[unit] = wrong
        if fault and not _handled(fault, keys, fed, wrong, listed):
            unhandled[unit] = wrong or f"{fault} not listed"
    plain = [key for key, half in fed.items() if not half.truth.fault and key in by_key]
    alarms = Counter(code for key in plain for code in _asking(by_key[key]) if LEVELS[code] is Level.DOUBTFUL)
    alarmed = sum(any(LEVELS[code] is Level.DOUBTFUL for code in _asking(by_key[key])) for key in plain)
    return Outcome(
        name=name,
        halves=len(fed),
        lost=sum(key not in found for key in fed),
        doubled=sum(count - (key in fed) for key, count in found.items()),
        units=len(units),
        silent=silent,
        faults=faulty,
        corrected=corrected,
        unhandled=unhandled,
        plain=len(plain),
        alarms=alarms,
        alarmed=alarmed,
        seconds=0.0,
    )


def _asking(row: LedgerRow) -> list[str]:
    """Codes by which a half-page is listed for people."""
    return [code for code in row.reason.split() if LEVELS[code] is not Level.CORRECTED]


_INCOMPLETE = ("missing_back", "missing_front")
_DOUBLES = ("doubled_sheet", "rescanned_tail")


def _handled(
    fault: str, keys: Sequence[_Key], fed: Mapping[_Key, FedHalf], wrong: str, listed: set[str]
) -> bool:
    """Whether a fault was corrected or listed: what is missing or there twice can only be listed."""
    if fault in _INCOMPLETE:
        return bool(listed)
    if fault in _DOUBLES:
        is_again = any(fed[key].truth.kind == "double" for key in keys)
        return "double_scan" in listed if is_again else not wrong or bool(listed)
    return not wrong or bool(listed)


def _wrong(
    keys: Sequence[_Key],
    fed: Mapping[_Key, FedHalf],
    rows: Mapping[_Key, LedgerRow],
    inside: Mapping[int, Sequence[LedgerRow]],
) -> str:
    """What is wrong with where the half-pages of a unit went; empty when nothing is."""
    there = [key for key in keys if key in rows]
    pages = [key for key in there if fed[key].truth.kind in ("page", "double")]
    for key in there:
        row, kind = rows[key], fed[key].truth.kind
        empty = row.place == "blank" and not fed[key].truth.written
        if kind in ("blank", "annex", "loose") and row.place != kind and not empty:
            return f"{kind} is in {row.place}"
        if kind in ("page", "double") and row.place != "booklet" and fed[key].truth.written:
            return f"page is in {row.place}"
    return _wrong_pages(pages, fed, rows, inside)


def _wrong_pages(
    pages: Sequence[_Key],
    fed: Mapping[_Key, FedHalf],
    rows: Mapping[_Key, LedgerRow],
    inside: Mapping[int, Sequence[LedgerRow]],
) -> str:
    kept = [key for key in pages if rows[key].place == "booklet"]
    booklets = {rows[key].booklet for key in kept}
    if len(booklets) > 1:
        return f"spread over {len(booklets)} booklets"
    # A page that is listed may stand at the end of a copy that is right.
    others = [
        row
        for booklet in booklets
        for row in inside[booklet or 0]
        if (row.file_sha256, row.image, row.half) not in kept and not _asking(row)
    ]
    if others:
        return f"with {len(others)} pages of others"
    order = [fed[key].truth.order for key in sorted(kept, key=lambda key: rows[key].position or 0)]
    if order != sorted(order):
        return f"order {order}"
    turned = [
        key for key in kept if fed[key].truth.written and rows[key].rotation_deg != -fed[key].turn % 360
    ]
    return "not upright" if turned else ""


def interval(count: int, out_of: int) -> str:
    """A rate with its 95 % Wilson interval; the rule of three when nothing was seen."""
    if out_of == 0:
        return "-"
    if count == 0:
        return f"0 of {out_of} (< {min(1.0, 3 / out_of):.2%})"
    z, rate = 1.96, count / out_of
    middle = (rate + z * z / (2 * out_of)) / (1 + z * z / out_of)
    reach = z / (1 + z * z / out_of) * (rate * (1 - rate) / out_of + z * z / (4 * out_of**2)) ** 0.5
    return f"{count} of {out_of} = {rate:.2%} ({middle - reach:.2%} to {middle + reach:.2%})"


def totals(outcomes: Iterable[Outcome]) -> str:
    """The figures of the whole matrix, each with its bound."""
    every = list(outcomes)
    clean = [outcome for outcome in every if outcome.name == "clean"]
    return "\n".join(
        [
            f"half-pages lost: {interval(sum(o.lost for o in every), sum(o.halves for o in every))}",
            f"half-pages doubled: {interval(sum(o.doubled for o in every), sum(o.halves for o in every))}",
            "neither in order nor listed: "
            + interval(sum(len(o.silent) for o in every), sum(o.units for o in every)),
            "faults neither corrected nor listed: "
            + interval(sum(len(o.unhandled) for o in every), sum(o.faults for o in every)),
            "false alarms on clean scans: "
            + interval(sum(o.alarmed for o in clean), sum(o.plain for o in clean)),
            "alarms on pages without fault beside faults: "
            + interval(sum(o.alarmed for o in every), sum(o.plain for o in every)),
        ]
    )
