"""The atelier d'agrafage on drawn scans: each repair, what follows it, and its undo."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from core.db.session import Sessions, engine_for, session_factory
from core.db.tables import (
    Booklet,
    Copy,
    DoubleScan,
    HalfPage,
    Header,
    JournalEntry,
    Reading,
    Repair,
    ScanFile,
    ScanImage,
)
from core.domain.access import Actor, Role
from core.domain.bench import check
from core.domain.entries import DecisionKind
from core.errors import BadInput, Conflict, NotAllowed, NotFound
from core.jobs import rows
from core.reading import reader
from core.services import bench_rows, header_reading, identification, repairs, scans, workshop
from core.services.ingestion import READ
from core.storage.blobs import BlobStore
from tests.integration.classes import SYSTEM, Taken, draw_few, take_in
from tests.postgresql import PostgresServer
from workbench import resources
from workbench.cli.main import korrigo
from workbench.demo.draw import DrawnScan


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> DrawnScan:
    return draw_few(tmp_path_factory.mktemp("drawn"))


@pytest.fixture(scope="module")
def blobs(tmp_path_factory: pytest.TempPathFactory) -> BlobStore:
    return BlobStore(tmp_path_factory.mktemp("blobs"))


def ingested(url: str, blobs: BlobStore, drawn: DrawnScan) -> None:
    """Take the scan in once: every test begins with a copy of this database."""
    engine = engine_for(url)
    take_in(session_factory(engine), blobs, drawn).run()
    engine.dispose()


@pytest.fixture(scope="module")
def _migrated_sqlite(
    _migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory, blobs: BlobStore, drawn: DrawnScan
) -> Path:
    path = tmp_path_factory.mktemp("ingested") / "korrigo.sqlite"
    shutil.copyfile(_migrated_sqlite, path)
    ingested(f"sqlite:///{path}", blobs, drawn)
    with sqlite3.connect(path) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
    return path


@pytest.fixture(scope="module")
def _migrated_postgresql(
    _migrated_postgresql: str, postgresql_server: PostgresServer, blobs: BlobStore, drawn: DrawnScan
) -> str:
    name = postgresql_server.create_database(template=_migrated_postgresql)
    ingested(postgresql_server.url(name), blobs, drawn)
    return name


@dataclass
class Shop:
    """A paper in the atelier: asks as the pages do, and looks at what the ledger says."""

    taken: Taken

    @property
    def sessions(self) -> Sessions:
        return self.taken.sessions

    @property
    def paper_id(self) -> int:
        return self.taken.paper_id

    def version(self) -> int:
        return self.look().version

    def look(self) -> workshop.Workshop:
        return workshop.workshop(self.sessions, SYSTEM, paper_id=self.paper_id)

    def do(self, kind: str, *, version: int | None = None, reason: str = "", **arguments: Any) -> int:
        return repairs.repair(
            self.sessions,
            SYSTEM,
            paper_id=self.paper_id,
            kind=kind,
            arguments=arguments,
            version=self.version() if version is None else version,
            reason=reason,
        ).repair_id

    def undo(self, repair_id: int, reason: str = "") -> None:
        repairs.undo(self.sessions, SYSTEM, paper_id=self.paper_id, repair_id=repair_id, reason=reason)

    def booklets(self) -> list[int]:
        return [line.id for line in self.look().booklets]

    def pages(self, booklet: int) -> list[int]:
        halves = [half for sheet in self.look().sheets for half in sheet.halves if half.booklet == booklet]
        return [half.id for half in sorted(halves, key=lambda half: half.position or 0)]

    def labels(self, booklet: int) -> list[str]:
        halves = {half.id: half.page for sheet in self.look().sheets for half in sheet.halves}
        return [halves[half] for half in self.pages(booklet)]

    def rows(self) -> list[tuple[Any, ...]]:
        """All that a repair may change of half-pages, images, booklets and headers."""
        with self.sessions() as session:
            halves = session.execute(
                select(
                    HalfPage.id,
                    HalfPage.place,
                    HalfPage.booklet_id,
                    HalfPage.position,
                    HalfPage.page,
                    HalfPage.reason,
                    HalfPage.settled,
                    HalfPage.blank,
                ).order_by(HalfPage.id)
            ).all()
            images = session.execute(
                select(ScanImage.id, ScanImage.rotation_deg, ScanImage.side).order_by(ScanImage.id)
            ).all()
            booklets = session.execute(
                select(Booklet.id, Booklet.scan_file_id, Booklet.position)
                .where(Booklet.dissolved.is_(False))
                .order_by(Booklet.id)
            ).all()
            headers = session.execute(
                select(Header.booklet_id, Header.half_page_id).order_by(Header.half_page_id)
            ).all()
            return [*map(tuple, halves), *map(tuple, images), *map(tuple, booklets), *map(tuple, headers)]

    def is_whole(self) -> bool:
        """Whether the ledger balances and every booklet is numbered from 1."""
        with self.sessions() as session:
            check(bench_rows.load(session, self.paper_id))
            for half, copy_id in session.execute(
                select(HalfPage, Booklet.copy_id).join(Booklet, Booklet.id == HalfPage.booklet_id)
            ):
                assert half.place == ("booklet" if copy_id is None else "copy")
            empty = session.scalars(
                select(Booklet.id).where(
                    Booklet.dissolved.is_(False), ~Booklet.id.in_(select(HalfPage.booklet_id).distinct())
                )
            ).all()
            assert not empty
        return scans.ledger_sums(self.sessions, SYSTEM, paper_id=self.paper_id).is_balanced

    def owner_of_header(self, half: int) -> int | None:
        """The live booklet that a header belongs to."""
        with self.sessions() as session:
            return session.scalars(
                select(Booklet.id)
                .join(Header, Header.booklet_id == Booklet.id)
                .where(Header.half_page_id == half, Booklet.dissolved.is_(False))
            ).first()

    def decide(self, booklet: int, candidate: int | None, **more: Any) -> identification.Decided:
        kind = DecisionKind.CANDIDATE if candidate is not None else DecisionKind.ILLEGIBLE
        return identification.decide(
            self.sessions,
            SYSTEM,
            booklet_id=booklet,
            kind=kind,
            candidate_id=candidate,
            expected_decision_id=more.pop("expected", None),
            **more,
        )

    def candidates(self) -> list[int]:
        return [
            line.candidate_id
            for line in identification.desk(self.sessions, SYSTEM, paper_id=self.paper_id).candidates
        ]

    def copy_of(self, booklet: int) -> Copy | None:
        with self.sessions() as session:
            return session.scalars(
                select(Copy).join(Booklet, Booklet.copy_id == Copy.id).where(Booklet.id == booklet)
            ).first()


@pytest.fixture
def shop(sessions: Sessions, blobs: BlobStore) -> Shop:
    with sessions() as session:
        paper_id = session.scalars(select(ScanFile.paper_id)).one()
    return Shop(Taken(sessions, blobs, paper_id))


def test_every_repair_keeps_the_ledger_whole_and_all_undone_in_reverse_is_the_first_state(
    shop: Shop,
) -> None:
    first = shop.rows()
    one, two, three, four, five, six = shop.booklets()
    pages = {booklet: shop.pages(booklet) for booklet in shop.booklets()}
    look = shop.look()
    sheet = look.sheets[0]
    done = []

    def do(kind: str, **arguments: Any) -> None:
        done.append(shop.do(kind, **arguments))
        assert shop.is_whole(), kind

    do("rotate", images=[sheet.images[0].id], turn=180)
    assert shop.labels(one) == ["P1", "P2", "P3", "P4"]
    assert shop.pages(one) != pages[one]
    do("swap", file=sheet.file, sheet=2)
    assert shop.labels(two) == ["P1", "P2", "P3", "P4"]
    assert shop.pages(two) != pages[two]
    do("cut", booklet=three, position=3)
    assert shop.pages(three) == pages[three][:2]
    do("join", booklets=[four, five])
    assert shop.pages(four) == pages[four] + pages[five]
    assert five not in shop.booklets()
    do("move", halves=[pages[six][2]], booklet=one, position=2)
    do("set_aside", halves=[pages[four][1]])
    do("mark_blank", halves=[pages[six][3]])
    do("put_back", halves=[pages[four][1]])
    assert shop.pages(four) == pages[four] + pages[five]
    do("settle", halves=[pages[three][0]])
    do("replace", halves=[pages[four][0]], by=[pages[six][0]])
    do("new_booklet", halves=[pages[six][3], pages[four][0]])
    do("attach", halves=[pages[four][0]], booklet=two)

    for repair_id in reversed(done):
        shop.undo(repair_id)
        assert shop.is_whole(), repair_id
    assert shop.rows() == first
    with shop.sessions() as session:
        acts = session.scalars(select(JournalEntry.object_id).where(JournalEntry.object_kind == "repair"))
        assert len(set(acts)) == 2 * len(done)


# --- headers, names and decisions follow their pages


def header_halves(shop: Shop) -> dict[int, int]:
    """The half-page that bears the header of each booklet."""
    with shop.sessions() as session:
        return dict(session.execute(select(Header.booklet_id, Header.half_page_id)).all())


def test_a_header_stays_with_its_page_and_its_readings_with_it(shop: Shop) -> None:
    one, two = shop.booklets()[:2]
    borne = header_halves(shop)
    with shop.sessions.begin() as session:
        for booklet, text in ((one, "UN"), (two, "DEUX")):
            session.add(
                Reading(
                    booklet_id=booklet,
                    field="surname",
                    engine="test",
                    text=text,
                    steps=_steps(),
                )
            )

    joined = shop.do("join", booklets=[one, two])

    assert shop.owner_of_header(borne[one]) == one
    assert shop.owner_of_header(borne[two]) is None, "the first header of a booklet is its own"
    new = _booklet_made_by(shop, "cut", booklet=one, position=5)
    assert shop.owner_of_header(borne[two]) == new
    with shop.sessions() as session:
        read = session.scalars(
            select(Reading.text).where(Reading.booklet_id == new, Reading.engine == "test")
        ).all()
    assert read == ["DEUX"]
    with pytest.raises(Conflict) as refused:
        shop.undo(joined)
    assert refused.value.code == "repair_touched_since"


def _steps() -> bytes:
    """A reading that says nothing."""
    return reader("null").read([np.zeros((10, 10), np.uint8)])[0].to_bytes()


def _booklet_made_by(shop: Shop, kind: str, **arguments: Any) -> int:
    before = set(shop.booklets())
    shop.do(kind, **arguments)
    (new,) = set(shop.booklets()) - before
    return new


def test_a_booklet_cut_off_without_a_header_has_no_name_until_somebody_gives_one(shop: Shop) -> None:
    one = shop.booklets()[0]
    shop.decide(one, shop.candidates()[0])
    copy = shop.copy_of(one)

    new = _booklet_made_by(shop, "cut", booklet=one, position=3)

    task = next(
        task
        for task in identification.desk(shop.sessions, SYSTEM, paper_id=shop.paper_id).tasks
        if task.booklet_id == new
    )
    assert (task.has_header, task.decided, task.pages) == (False, None, 2)
    assert shop.copy_of(new) is None
    assert copy is not None
    kept = shop.copy_of(one)
    assert kept is not None
    assert kept.id == copy.id
    assert shop.is_whole()


def test_booklets_of_two_candidates_are_never_joined_and_the_known_one_stays_otherwise(shop: Shop) -> None:
    one, two, three = shop.booklets()[:3]
    first, second = shop.candidates()[:2]
    shop.decide(one, first)
    shop.decide(two, second)
    with pytest.raises(Conflict, match="join_two_candidates"):
        shop.do("join", booklets=[one, two])

    joined = shop.do("join", booklets=[three, two])

    assert three not in shop.booklets()
    assert len(shop.pages(two)) == 8
    assert shop.labels(two)[:4] == ["P1", "P2", "P3", "P4"]
    copy = shop.copy_of(two)
    assert copy is not None
    assert copy.candidate_id == second
    shop.undo(joined)
    assert len(shop.pages(two)) == 4
    assert three in shop.booklets()
    assert shop.is_whole()


def test_undoing_a_join_gives_each_booklet_of_one_candidate_its_place_in_the_copy_again(shop: Shop) -> None:
    one, two = shop.booklets()[:2]
    candidate = shop.candidates()[0]
    shop.decide(one, candidate)
    shop.decide(two, candidate)
    copy = shop.copy_of(one)
    assert copy is not None

    joined = shop.do("join", booklets=[one, two])
    shop.undo(joined)

    other = shop.copy_of(two)
    assert other is not None
    assert other.id == copy.id
    assert shop.is_whole()
    desk = identification.desk(shop.sessions, SYSTEM, paper_id=shop.paper_id)
    assert next(line.booklets for line in desk.candidates if line.candidate_id == candidate) == (one, two)


def test_a_booklet_that_has_no_page_any_more_is_on_no_desk(shop: Shop) -> None:
    one, two = shop.booklets()[:2]

    shop.do("join", booklets=[one, two])

    tasks = identification.desk(shop.sessions, SYSTEM, paper_id=shop.paper_id).tasks
    proposed = identification.proposals(shop.sessions, SYSTEM, paper_id=shop.paper_id)
    assert two not in {task.booklet_id for task in tasks}
    assert two not in {line.booklet_id for line in proposed}
    with pytest.raises(NotFound):
        shop.decide(two, shop.candidates()[0])


# --- names stay hidden


def test_what_becomes_a_first_page_without_header_is_covered_and_nothing_is_uncovered(shop: Shop) -> None:
    one = shop.booklets()[0]
    pages = shop.pages(one)

    def zones() -> dict[int, list[list[int]]]:
        with shop.sessions() as session:
            return dict(session.execute(select(HalfPage.id, HalfPage.mask_boxes_px)).all())

    before = zones()
    assert before[pages[1]] == []

    cut = shop.do("cut", booklet=one, position=2)

    (zone,) = zones()[pages[1]]
    with shop.sessions() as session:
        left, top, right, _ = session.get_one(HalfPage, pages[1]).box_px
    assert zone[:3] == [left, top, right]
    shop.undo(cut)
    after = zones()
    assert all(all(box in after[half] for box in boxes) for half, boxes in before.items())
    assert after[pages[1]] == [zone], "what was hidden once stays hidden"


# --- doubles


def test_a_sheet_scanned_twice_goes_aside_and_comes_back_when_it_was_not(shop: Shop) -> None:
    sheets = shop.look().sheets
    image, other = sheets[1].images[0].id, sheets[0].images[0].id
    halves = [half.id for half in sheets[1].halves]
    with shop.sessions.begin() as session:
        session.add(DoubleScan(image_id=image, other_image_id=other, score=0.97))

    said = shop.do("verdict", image=image, other=other, verdict="double")

    look = shop.look()
    assert [line.verdict for line in look.doubles] == ["double"]
    aside = {half.id: half for half in look.sheets[1].halves}
    assert {aside[half].place for half in halves} == {"aside"}
    assert {aside[half].reasons for half in halves} == {("double_scan",)}
    assert look.lots[0].found_sheets == len(sheets) - 1
    shop.undo(said)
    look = shop.look()
    assert [line.verdict for line in look.doubles] == ["open"]
    assert {half.place for half in look.sheets[1].halves} == {"booklet"}


# --- several people, and what is refused


def test_of_two_people_on_the_same_pages_the_second_is_told_and_elsewhere_both_are_done(shop: Shop) -> None:
    one, two = shop.booklets()[:2]
    version = shop.version()

    first = shop.do("cut", booklet=one, position=3, version=version)
    shop.do("cut", booklet=two, position=3, version=version)
    with pytest.raises(Conflict) as refused:
        shop.do("cut", booklet=one, position=2, version=version)

    assert refused.value.code == "repaired_meanwhile"
    assert refused.value.details == {"repair": first}
    assert shop.is_whole()


def test_of_two_repairs_at_once_on_one_booklet_exactly_one_wins(shop: Shop) -> None:
    one = shop.booklets()[0]
    version, start, outcomes = shop.version(), Barrier(2), []

    def attempt() -> None:
        start.wait(timeout=30)
        try:
            shop.do("cut", booklet=one, position=3, version=version)
        except Conflict as conflict:
            outcomes.append(conflict.code)
        else:
            outcomes.append("done")

    threads = [Thread(target=attempt) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert sorted(outcomes) == ["done", "repaired_meanwhile"]
    assert shop.is_whole()


@pytest.fixture
def breaking(shop: Shop) -> Iterator[None]:
    """Whatever is written, the machine stops before it is kept."""

    def stop(_session: Session) -> None:
        raise KeyboardInterrupt

    event.listen(shop.sessions, "before_commit", stop)
    yield
    event.remove(shop.sessions, "before_commit", stop)


def test_a_repair_cut_off_before_its_end_leaves_nothing(shop: Shop, request: pytest.FixtureRequest) -> None:
    before, one, version = shop.rows(), shop.booklets()[0], shop.version()

    request.getfixturevalue("breaking")
    with pytest.raises(KeyboardInterrupt):
        shop.do("cut", booklet=one, position=3, version=version)

    assert shop.rows() == before
    with shop.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Repair)) == 0


@pytest.mark.parametrize(
    ("kind", "arguments", "code"),
    [
        ("staple", {}, "repair_unknown_kind"),
        ("cut", {"booklet": 99999, "position": 2}, "repair_unknown_booklet"),
        ("cut", {"booklet": "1", "position": 2}, "parameter_unreadable"),
        ("move", {"halves": [], "booklet": 1, "position": 1}, "parameter_unreadable"),
        ("move", {"halves": [99999], "booklet": 1, "position": 1}, "repair_unknown_page"),
        ("rotate", {"images": [1], "turn": 45}, "repair_bad_turn"),
        ("put_back", {"halves": [1]}, "put_back_where"),
        ("interleave", {"file": 1, "other": 1}, "repair_interleave_sheets"),
        ("new_booklet", {"halves": [99999]}, "repair_unknown_page"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_reason_and_changes_nothing(
    shop: Shop, kind: str, arguments: dict[str, Any], code: str
) -> None:
    before = shop.rows()

    with pytest.raises(BadInput) as refused:
        shop.do(kind, **arguments)

    assert refused.value.code == code
    assert shop.rows() == before


def test_pages_of_another_paper_are_out_of_reach(shop: Shop) -> None:
    with pytest.raises(NotFound):
        repairs.repair(
            shop.sessions, SYSTEM, paper_id=99, kind="settle", arguments={"halves": [1]}, version=0
        )
    done = shop.do("settle", halves=[1])
    with pytest.raises(NotFound):
        repairs.undo(shop.sessions, SYSTEM, paper_id=99, repair_id=done)


def test_only_the_office_repairs(shop: Shop) -> None:
    corrector = Actor(1, frozenset({Role.CORRECTOR}), "account:1")

    with pytest.raises(NotAllowed):
        repairs.repair(
            shop.sessions,
            corrector,
            paper_id=shop.paper_id,
            kind="settle",
            arguments={"halves": [1]},
            version=0,
        )


# --- control of a lot


def test_only_booklets_of_checked_files_are_identified(shop: Shop) -> None:
    look = shop.look()
    file, booklet = look.files[0].id, look.booklets[0].id
    candidate = shop.candidates()[0]
    with shop.sessions() as session:
        assert session.get_one(ScanFile, file).checked_by == SYSTEM.label

    back = repairs.check(shop.sessions, SYSTEM, paper_id=shop.paper_id, files=[file], checked=False)

    assert (back.changed, back.already) == (1, 0)
    assert identification.desk(shop.sessions, SYSTEM, paper_id=shop.paper_id).tasks == ()
    assert len(identification.proposals(shop.sessions, SYSTEM, paper_id=shop.paper_id)) == 6
    with pytest.raises(Conflict, match="file_not_checked"):
        shop.decide(booklet, candidate)
    lot = look.lots[0].lot_id
    again = repairs.check(shop.sessions, SYSTEM, paper_id=shop.paper_id, lots=[lot])
    assert again.changed == 1
    assert repairs.check(shop.sessions, SYSTEM, paper_id=shop.paper_id, lots=[lot]).already == 1
    assert shop.decide(booklet, candidate).copy_id is not None


def test_a_header_that_moves_while_it_is_read_keeps_what_was_read(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = shop.booklets()[:2]
    borne = header_halves(shop)
    with shop.sessions.begin() as session:
        file = session.scalars(select(ScanFile)).one()
        rows.ask(
            session,
            kind=READ,
            unique_key="again",
            payload={"scan_file_id": file.id},
            paper_id=file.paper_id,
        )
    read = header_reading._read

    def read_while_somebody_joins(*arguments: Any) -> list[Reading]:
        found = read(*arguments)
        shop.do("join", booklets=[one, two])
        shop.do("cut", booklet=one, position=5)
        return found

    monkeypatch.setattr(header_reading, "_read", read_while_somebody_joins)
    shop.taken.run()

    with shop.sessions() as session:
        owner = session.scalars(select(Header.booklet_id).where(Header.half_page_id == borne[two])).one()
        fields = session.scalars(select(Reading.field).where(Reading.booklet_id == owner)).all()
        assert owner not in (one, two)
        assert sorted(fields) == ["birth_date", "class", "first_name", "surname"]
        assert not session.scalars(select(Reading.id).where(Reading.booklet_id == two)).all()


@pytest.fixture
def here(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Commands work on the database of the test."""
    monkeypatch.setenv("KORRIGO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KORRIGO_DATABASE_URL", database_url)
    resources.forget()
    yield
    resources.forget()


@pytest.mark.usefixtures("here")
def test_everything_can_be_done_from_the_command_line(
    shop: Shop,
) -> None:
    paper, one = str(shop.paper_id), shop.booklets()[0]

    def korrigo_(*words: str) -> str:
        done = CliRunner().invoke(korrigo, ["scans", *words], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    def table(*words: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(korrigo_(*words))))

    cut = json.loads(korrigo_("repair", paper, "cut", "--json", json.dumps({"booklet": one, "position": 3})))
    assert len(shop.pages(one)) == 2
    (line,) = table("repairs", paper)
    assert (line["repair"], line["kind"], line["undone"]) == (str(cut["repair_id"]), "cut", "false")
    assert line["sentence"] == "Couper un livret : 2 pages"
    korrigo_("undo", paper, str(cut["repair_id"]))
    assert len(shop.pages(one)) == 4
    assert [row["undone"] for row in table("repairs", paper)] == ["false", "true"]
    (lot,) = table("lots", paper)
    told = json.loads(korrigo_("lot", paper, lot["lot"], "--label", "salle 204", "--sheets", "7"))
    assert told["differences"] == ["7 feuilles écrites sur l'enveloppe, 6 dans le scan : il en manque 1."]
    assert table("places", paper)[2]["place"] == "salle 204, feuille 3"
    assert json.loads(korrigo_("check", paper, "--undo")) == {"changed": 1, "already": 0}
    assert json.loads(korrigo_("check", paper)) == {"changed": 1, "already": 0}
    assert table("doubles", paper) == table("loose", paper) == []
