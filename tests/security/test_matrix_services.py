"""Service × role × relation to the object: what the policy says is what happens, and a refusal changes nothing.

The rows are written by hand, one per service; a service without a row fails. What each row expects comes
from the policy table alone.
"""

from __future__ import annotations

import inspect
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.engine import make_url
from sqlalchemy.orm import sessionmaker

from core.db.session import Sessions, engine_for, session_factory
from core.db.tables import Copy
from core.domain.access import PORTAL_ROLES, Action, Actor, Portal, Relation, Role, is_allowed
from core.domain.entries import DecisionKind
from core.errors import NotAllowed, WorkbenchError
from core.services.mark_actions import MarkAction
from core.services.uploads import ScanOptions
from core.settings import Settings
from core.storage.blobs import BlobStore
from tests.postgresql import PostgresServer
from tests.security import rights_scene
from tests.security.rights_scene import PASSWORD, ROSTER, SCHEME, STRANGER, RightsScene

SERVICES = Path(__file__).parents[2] / "core" / "services"

Arguments = Callable[[RightsScene], Mapping[str, Any]]


@dataclass(frozen=True)
class Row:
    """One service: the right it needs, and arguments with which it succeeds for whoever has that right.

    ``ends`` names the code of the error it ends with all the same, once the right is granted. ``oneself``
    is what everybody is to an object that is their own by its nature: their password, their paquet.
    ``isolated`` services choose how their transaction is isolated, which nothing around it may do.
    """

    action: Action
    arguments: Arguments = lambda _scene: {}
    ends: str = ""
    oneself: Relation | None = None
    isolated: bool = False


def paper(scene: RightsScene) -> Mapping[str, Any]:
    return {"paper_id": scene.paper_id}


def copy(stage: str, **more: Any) -> Arguments:
    return lambda scene: {"code": getattr(scene, stage), **more}


def drawing(_scene: RightsScene) -> Mapping[str, Any]:
    frame = (0.1, 0.1, 0.9, 0.2)
    return {"scan_image_id": 999, "half": "full", "zone": frame, "fields": {"surname": frame}}


def table(name: str, content: str) -> Arguments:
    return lambda scene: {"paper_id": scene.paper_id, "file_name": name, "content": content.encode()}


def booklet(**more: Any) -> Arguments:
    return lambda scene: {"booklet_id": scene.booklet_id, **more}


def roster(**more: Any) -> Arguments:
    return lambda _scene: {
        "session_name": "Bac blanc",
        "file_name": "liste.csv",
        "content": ROSTER.encode(),
        **more,
    }


def actions(scene: RightsScene) -> Mapping[str, Any]:
    zero = MarkAction("untreated", 1, item_id=scene.items["1.a"])
    return {"code": scene.open, "actions": [zero]}


def new_account(_scene: RightsScene) -> Mapping[str, Any]:
    return {"login": "nouveau", "roles": [Role.CORRECTOR], "surname": "Nouveau", "password": PASSWORD}


def scan(scene: RightsScene) -> Mapping[str, Any]:
    path = scene.home / "lot-2.pdf"
    path.write_bytes(scene.scan.read_bytes() + b"%")
    return {"paper_id": scene.paper_id, "file_name": "lot-2.pdf", "path": path}


def out(scene: RightsScene) -> Mapping[str, Any]:
    return {
        "paper_ids": [scene.paper_id],
        "out_dir": Path(tempfile.mkdtemp(dir=scene.home)) / "snapshot",
        "home": scene.home,
        "identified": False,
    }


def backup(scene: RightsScene) -> Mapping[str, Any]:
    return {"home": scene.home, "folder": Path(tempfile.mkdtemp()) / "backup"}


def restored(scene: RightsScene) -> Mapping[str, Any]:
    return {"folder": scene.home, "home": scene.home / "new", "database_url": "sqlite://", "force": False}


def settings(scene: RightsScene) -> Mapping[str, Any]:
    return {"settings": Settings(home=scene.home)}


def upload(**more: Any) -> Arguments:
    """An upload that nobody began."""
    return lambda scene: {"folder": scene.home / "uploads", "token": "unknown", **more}


def announced(scene: RightsScene) -> Mapping[str, Any]:
    return {
        "folder": scene.home / "uploads",
        "paper_id": scene.paper_id,
        "name": "lot.pdf",
        "byte_size": 5,
        "fingerprint": "",
        "options": ScanOptions(),
        "limit_bytes": 5,
    }


ROWS: dict[str, Row] = {
    "accounts.create_account": Row(Action.MANAGE_ACCOUNTS, new_account),
    "accounts.create_student_accounts": Row(
        Action.MANAGE_ACCOUNTS, lambda scene: {"session_id": scene.session_id}
    ),
    "accounts.set_password": Row(
        Action.MANAGE_ACCOUNTS, lambda _: {"login": "proche", "password": PASSWORD * 2}
    ),
    "accounts.set_disabled": Row(Action.MANAGE_ACCOUNTS, lambda _: {"login": "proche", "disabled": True}),
    "accounts.change_own_password": Row(
        Action.CHANGE_OWN_PASSWORD, lambda _: {"current": PASSWORD, "new": PASSWORD * 2}, oneself=Relation.OWN
    ),
    "accounts.accounts": Row(Action.MANAGE_ACCOUNTS),
    "accounts.account_line": Row(Action.MANAGE_ACCOUNTS, lambda _: {"login": "proche"}),
    "accounts.set_roles": Row(
        Action.MANAGE_ACCOUNTS, lambda _: {"login": "proche", "roles": [Role.ANALYST], "version": 1}
    ),
    "accounts.correctors": Row(Action.ALLOCATE),
    "backup.back_up": Row(Action.BACK_UP, backup, isolated=True),
    "backup.verify": Row(Action.BACK_UP, lambda scene: {"folder": scene.home}, ends="backup_not_one"),
    "connections.end_account_connections": Row(Action.MANAGE_ACCOUNTS, lambda _: {"login": "proche"}),
    "connections.end_connection": Row(
        Action.MANAGE_OWN_CONNECTIONS,
        lambda _: {"connection_id": 0},
        ends="not_found",
        oneself=Relation.OWN,
    ),
    "connections.end_other_connections": Row(Action.MANAGE_OWN_CONNECTIONS, oneself=Relation.OWN),
    "connections.own_connections": Row(
        Action.MANAGE_OWN_CONNECTIONS, lambda _: {"here": 0}, oneself=Relation.OWN
    ),
    "health.operations": Row(Action.VIEW_OPERATIONS, settings),
    "drop_folder.folder_of": Row(
        Action.ADD_SCANS, lambda scene: {"root": scene.home, "paper_id": scene.paper_id}
    ),
    "drop_folder.without_paper": Row(Action.ADD_SCANS, lambda scene: {"root": scene.home}),
    "jobs.cancel": Row(Action.ADD_SCANS, lambda scene: {"job_id": scene.job_id}, ends="job_ended"),
    "jobs.file_names": Row(Action.VIEW_LEDGER, paper),
    "jobs.retry": Row(Action.ADD_SCANS, lambda scene: {"job_id": scene.job_id}),
    "journal.entries": Row(Action.VIEW_JOURNAL),
    "restore.restore": Row(Action.BACK_UP, restored, ends="backup_not_one"),
    "sealing.state": Row(Action.VIEW_JOURNAL),
    "sealing.verify": Row(Action.VIEW_JOURNAL, isolated=True),
    "allocation.allocate": Row(
        Action.ALLOCATE, lambda scene: {"paper_id": scene.paper_id, "correctors": ["lointain"]}
    ),
    "allocation.progress": Row(Action.VIEW_PROGRESS, paper),
    "copies.copies": Row(Action.VIEW_COPIES, paper),
    "copies.release": Row(Action.RELEASE, paper),
    "copies.masked_page": Row(Action.VIEW_MASKED_PAGE, copy("open", page=1)),
    "copies.named_page": Row(Action.VIEW_NAMED_PAGE, copy("published", page=1)),
    "entries.import_entries": Row(
        Action.IMPORT_ENTRIES,
        table("appel.csv", "surname,first_name,birth_date,presence\nNOM4,Zoé,2009-03-05,present\n"),
    ),
    "exams.create_paper": Row(
        Action.CREATE_PAPER,
        lambda _: {
            "session_name": "Bac blanc",
            "name": "Maths J2",
            "schemes": {"A": ("bareme.csv", SCHEME.encode())},
            "sat_on": date(2027, 1, 13),
        },
    ),
    "exams.sessions_list": Row(Action.VIEW_PAPERS),
    "exams.papers": Row(Action.VIEW_PAPERS),
    "exams.paper": Row(Action.VIEW_PAPERS, paper),
    "exports.export_paper": Row(
        Action.EXPORT, lambda scene: {"paper_id": scene.paper_id, "format": "pronote"}
    ),
    "finalisation.finalise_copy": Row(Action.FINALISE, copy("open"), ends="copy_incomplete"),
    "finalisation.finalise_paper": Row(Action.FINALISE, paper, oneself=Relation.ALLOCATED),
    "finalisation.reopen": Row(Action.REOPEN, copy("finalised", reason="une page oubliée")),
    "finalisation.marked_pdf": Row(Action.VIEW_MARKED_PDF, copy("published")),
    "identification.rematch": Row(Action.IDENTIFY, paper),
    "identification.proposals": Row(Action.IDENTIFY, paper),
    "identification.desk": Row(Action.IDENTIFY, paper),
    "identification.decide": Row(
        Action.IDENTIFY,
        booklet(kind=DecisionKind.ILLEGIBLE, candidate_id=None, expected_decision_id=None),
        ends="copy_released",
    ),
    "identification.undo": Row(Action.IDENTIFY, booklet()),
    "identification.accept_automatic": Row(Action.IDENTIFY, paper),
    "identification.apply_decisions": Row(
        Action.IDENTIFY, table("decisions.csv", "booklet,surname,first_name,birth_date\n"), ends="table_empty"
    ),
    "identification.header_crop": Row(Action.VIEW_HEADERS, booklet(), ends="not_found"),
    "identification.booklet_page": Row(Action.VIEW_HEADERS, booklet(page=1)),
    "half_page_views.half_page": Row(Action.VIEW_HEADERS, lambda _: {"half_id": 1}),
    "header_models.pages": Row(Action.ADD_SCANS, paper),
    "header_models.drawn_models": Row(Action.ADD_SCANS, paper),
    "header_models.page_picture": Row(
        Action.VIEW_HEADERS, lambda _: {"scan_image_id": 999, "half": "full"}, ends="not_found"
    ),
    "header_models.try_model": Row(Action.VIEW_HEADERS, drawing, ends="not_found"),
    "header_models.learn_model": Row(
        Action.ADD_SCANS,
        lambda scene: {**drawing(scene), "name": "En-tête du lycée", "kind": "copy"},
        ends="not_found",
    ),
    "header_models.remove_model": Row(Action.ADD_SCANS, lambda _: {"model_id": 999}, ends="not_found"),
    "header_models.read_again": Row(Action.ADD_SCANS, lambda scene: {**paper(scene), "file_ids": []}),
    "lot_states.lot_states": Row(Action.VIEW_LEDGER, paper),
    "lots.lots": Row(Action.VIEW_LEDGER, paper),
    "lots.loose_sheets": Row(Action.VIEW_LEDGER, paper),
    "lots.set_lot": Row(
        Action.REPAIR,
        lambda _: {"lot_id": 1, "label": "salle 204", "stated_copies": 5, "stated_sheets": None},
    ),
    "marking.acknowledge": Row(Action.MARK, copy("open", page_set=1)),
    "marking.my_copies": Row(Action.LIST_OWN_COPIES, oneself=Relation.OWN),
    "marking.open_copy": Row(Action.MARK, copy("open")),
    "marking.save_actions": Row(Action.MARK, actions),
    "marking.surrender": Row(Action.MARK, copy("open")),
    "marks_import.import_marks": Row(
        Action.IMPORT_MARKS, table("notes.csv", "code,item,mark,remark\n"), ends="table_empty"
    ),
    "publication.publication_preview": Row(Action.PUBLISH, paper),
    "publication.publish": Row(Action.PUBLISH, paper),
    "publication.withdraw": Row(
        Action.PUBLISH, lambda scene: {"paper_id": scene.paper_id, "code": scene.published}
    ),
    "publication.my_results": Row(Action.VIEW_OWN_RESULTS, oneself=Relation.OWN),
    "publication.student_pdf": Row(Action.VIEW_STUDENT_PDF, copy("published")),
    "repairs.repair": Row(
        Action.REPAIR,
        lambda scene: {
            "paper_id": scene.paper_id,
            "kind": "settle",
            "arguments": {"halves": [1]},
            "version": 0,
        },
    ),
    "repairs.undo": Row(
        Action.REPAIR, lambda scene: {"paper_id": scene.paper_id, "repair_id": 1}, ends="not_found"
    ),
    "repairs.check": Row(
        Action.REPAIR, lambda scene: {"paper_id": scene.paper_id, "files": [1], "checked": False}
    ),
    "results.snapshot": Row(Action.CREATE_SNAPSHOT, out, isolated=True),
    "results.report": Row(
        Action.VIEW_RESULTS,
        lambda scene: {"name": "paper_summary", "paper_id": scene.paper_id, "home": scene.home},
        isolated=True,
    ),
    "results.results_dashboard": Row(
        Action.VIEW_RESULTS, lambda scene: {"paper_id": scene.paper_id, "home": scene.home}, isolated=True
    ),
    "rosters.import_roster": Row(Action.IMPORT_ROSTER, roster()),
    "rosters.preview_roster": Row(Action.IMPORT_ROSTER, roster()),
    "rosters.roster": Row(Action.IMPORT_ROSTER, lambda scene: {"session_id": scene.session_id}),
    "scans.add_scan": Row(Action.ADD_SCANS, scan),
    "scans.files": Row(Action.VIEW_LEDGER, paper),
    "scans.jobs": Row(Action.VIEW_JOBS, paper),
    "scans.ledger": Row(Action.VIEW_LEDGER, paper),
    "scans.ledger_sums": Row(Action.VIEW_LEDGER, paper),
    "uploads.start": Row(Action.ADD_SCANS, announced),
    "uploads.standing": Row(Action.ADD_SCANS, upload(), ends="not_found"),
    "uploads.unfinished": Row(
        Action.ADD_SCANS, lambda scene: {"folder": scene.home / "uploads", "paper_id": scene.paper_id}
    ),
    "uploads.begin_chunk": Row(Action.ADD_SCANS, upload(offset=0), ends="not_found"),
    "uploads.keep": Row(Action.ADD_SCANS, upload(position=0), ends="not_found"),
    "uploads.finish": Row(Action.ADD_SCANS, upload(image_limit=10), ends="not_found"),
    "uploads.give_up": Row(Action.ADD_SCANS, upload(), ends="not_found"),
    "workshop.repairs_made": Row(Action.VIEW_LEDGER, paper),
    "workshop.thumbnail": Row(Action.VIEW_HEADERS, lambda _: {"half_id": 1}),
    "workshop.workshop": Row(Action.VIEW_LEDGER, paper),
}

OF_NOBODY = frozenset(
    {
        "accounts.actor_for_login",
        "connections.check_password",
        "connections.connection",
        "connections.credential",
        "connections.issue_ticket",
        "connections.redeem_ticket",
        "connections.sign_out",
        # Pieces of other services, which have asked for the right already.
        "copy_pdf.masked_pdf",
        "copy_pdf.named_pdf",
        "image_files.embedded",
        "image_files.without",
        "finalisation.run_finalise",
        "handlers.handlers",
        "ingestion.ingest",
        "header_reading.read_headers",
        "installation.clock",
        "installation.database_inside",
        "sealing.run_sealer_until",
        "sealing.seal",
        "sealing.sealing",
        "sealing.try_to_seal",
        "throttling.count_attempt",
        "transactions.reading",
        "transactions.writing",
        "uploads.sweep",
    }
)
"""What is there before anybody is known, the bodies of jobs, the sealer, the doctor: given sessions and no actor."""
BY_PORTAL = "connections.set_portal"
"""Refused to whoever holds no role of the portal asked for: its own test stands below."""

PEOPLE = [(role, related) for role in Role for related in (True, False)]


def services() -> dict[str, Callable[..., object]]:
    """Every public function of the services that is given sessions or an actor, by ``module.name``."""
    found: dict[str, Callable[..., object]] = {}
    for path in sorted(SERVICES.glob("*.py")):
        module = import_module(f"core.services.{path.stem}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            first = next(iter(inspect.signature(function).parameters), "")
            if (
                function.__module__ == module.__name__
                and not name.startswith("_")
                and first in ("sessions", "actor")
            ):
                found[f"{path.stem}.{name}"] = function
    return found


ALL = services()


# --- a scene, and copies of it to spoil


@dataclass
class World:
    """The scene in a database that refusals must leave as it is; :meth:`spoilt` is a copy for one act."""

    url: str
    scene: RightsScene
    blobs: BlobStore
    server: PostgresServer | None

    @contextmanager
    def spoilt(self, row: Row) -> Iterator[Sessions]:
        """Sessions whose changes are thrown away: by a copy of the database, or rolled back where that is slow."""
        if self.server is None:
            path = Path(make_url(self.url).database or "")
            copied = path.with_name("spoilt.sqlite")
            shutil.copyfile(path, copied)
            with opened(f"sqlite:///{copied}") as sessions:
                yield sessions
            for left in path.parent.glob("spoilt.sqlite*"):
                left.unlink()
            return
        if row.isolated:
            name = make_url(self.url).database or ""
            with self.server.database(template=name) as url, opened(url) as sessions:
                yield sessions
            return
        with opened(self.url) as sessions, sessions.kw["bind"].connect() as connection:
            outer = connection.begin()
            yield sessionmaker(connection, join_transaction_mode="create_savepoint", expire_on_commit=False)
            outer.rollback()

    def digest(self) -> str:
        """One value for all rows of all tables."""
        with opened(self.url) as sessions:
            return rights_scene.digest_of(sessions)


@contextmanager
def opened(url: str) -> Iterator[Sessions]:
    engine = engine_for(url)
    try:
        yield session_factory(engine)
    finally:
        engine.dispose()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The scene, built once for each kind of database."""
    home = tmp_path_factory.mktemp("rights")
    server: PostgresServer | None = None
    if request.param == "sqlite":
        url = f"sqlite:///{home / 'korrigo.sqlite'}"
        shutil.copyfile(request.getfixturevalue("_migrated_sqlite"), home / "korrigo.sqlite")
    else:
        server = request.getfixturevalue("postgresql_server")
        url = server.url(server.create_database(template=request.getfixturevalue("_migrated_postgresql")))
    blobs = BlobStore(home / "blobs")
    with opened(url) as sessions:
        scene = rights_scene.build(sessions, blobs, home)
    return World(url, scene, blobs, server)


def call(name: str, sessions: Sessions, actor: Actor, world: World) -> str:
    """Call a service as somebody: the code it ends with, empty when it succeeds."""
    try:
        _call(ALL[name], sessions, actor, world, ROWS[name].arguments(world.scene))
    except NotAllowed:
        return "not_allowed"
    except WorkbenchError as error:
        return error.code
    return ""


def _call(
    function: Callable[..., object], sessions: Sessions, actor: Actor, world: World, given: Mapping[str, Any]
) -> None:
    """Call a service, with the database and the files of the world where it wants them."""
    more = {"sessions": sessions, "blobs": world.blobs}
    wanted = inspect.signature(function).parameters
    function(actor=actor, **{name: value for name, value in more.items() if name in wanted}, **given)


# --- the matrix


def test_every_service_has_its_row() -> None:
    assert set(ALL) == set(ROWS) | OF_NOBODY | {BY_PORTAL}


def test_every_action_is_asked_for_by_a_service() -> None:
    signing_in = {Action.SIGN_IN}  # of nobody yet: what it grants is that roles exist at all

    assert {row.action for row in ROWS.values()} == set(Action) - signing_in


@pytest.mark.parametrize("name", ROWS)
def test_whoever_the_policy_names_may_and_nobody_else(world: World, name: str) -> None:
    row, before = ROWS[name], world.digest()
    told: dict[tuple[Role, bool], str] = {}
    expected: dict[tuple[Role, bool], str] = {}
    refused: list[Actor] = []
    for role, related in PEOPLE:
        actor = world.scene.somebody(role, related=related)
        relation = _relation(row, role, related=related)
        allowed = is_allowed(actor, row.action, relation)
        expected[role, related] = row.ends if allowed else "not_allowed"
        if allowed:
            with world.spoilt(row) as sessions:
                told[role, related] = call(name, sessions, actor, world)
        else:
            refused.append(actor)
            with opened(world.url) as sessions:
                told[role, related] = call(name, sessions, actor, world)

    assert told == expected
    assert world.digest() == before


def _relation(row: Row, role: Role, *, related: bool) -> Relation | None:
    """What somebody is to the object of a row."""
    return row.oneself or rights_scene.relation_to(role, related=related)


@pytest.mark.parametrize("name", ROWS)
def test_who_holds_no_role_any_more_may_nothing(world: World, name: str) -> None:
    before = world.digest()

    with opened(world.url) as sessions:
        for login in world.scene.account_ids:
            assert call(name, sessions, world.scene.actor(login), world) == "not_allowed"
    assert world.digest() == before


COPIES = [name for name, row in ROWS.items() if "code" in inspect.signature(ALL[name]).parameters]


@pytest.mark.parametrize("name", COPIES)
def test_a_guessed_code_gets_the_answer_of_a_copy_that_is_somebody_elses(world: World, name: str) -> None:
    row = ROWS[name]
    guess = {**row.arguments(world.scene), "code": STRANGER}
    taken = {**row.arguments(world.scene), "code": world.scene.others}

    for role in (Role.CORRECTOR, Role.STUDENT):
        actor = world.scene.somebody(role, related=True)
        with opened(world.url) as sessions:
            answers = [_refusal(ALL[name], sessions, actor, world, given) for given in (guess, taken)]
        assert answers[0] == answers[1]
        assert answers[0].startswith("not_allowed")


def _refusal(
    function: Callable[..., object],
    sessions: Sessions,
    actor: Actor,
    world: World,
    given: Mapping[str, Any],
) -> str:
    with pytest.raises(WorkbenchError) as refused:
        _call(function, sessions, actor, world, given)
    return str(refused.value)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("portal", Portal)
def test_nobody_switches_on_a_portal_that_is_not_of_their_roles(
    world: World, role: Role, portal: Portal
) -> None:
    actor = world.scene.somebody(role, related=True)
    given = {"connection_id": 0, "portal": portal}

    with opened(world.url) as sessions:
        answer = _refusal(ALL[BY_PORTAL], sessions, actor, world, given)

    assert answer.startswith("not_found" if role in PORTAL_ROLES[portal] else "not_allowed")


@pytest.mark.parametrize("stage", ["finalised", "open"])
def test_before_publication_a_pupil_gets_nothing_of_their_own_copy(world: World, stage: str) -> None:
    """``attente`` is the candidate of the finalised copy: nothing by code until it is published."""
    for name in ("publication.student_pdf", "copies.named_page"):
        given = {**ROWS[name].arguments(world.scene), "code": getattr(world.scene, stage)}
        with opened(world.url) as sessions:
            actor = world.scene.actor("attente", Role.STUDENT)
            assert _refusal(ALL[name], sessions, actor, world, given).startswith("not_allowed")


def test_the_digest_of_this_test_sees_a_single_changed_value(world: World) -> None:
    before = world.digest()

    with opened(world.url) as sessions, sessions.begin() as session:
        session.execute(update(Copy).where(Copy.code == world.scene.open).values(version=99))
    after = world.digest()
    with opened(world.url) as sessions, sessions.begin() as session:
        session.execute(update(Copy).where(Copy.code == world.scene.open).values(version=1))

    assert after != before
