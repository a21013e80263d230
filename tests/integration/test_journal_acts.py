"""Whatever changes something leaves a line in the journal, and no line bears a name or a secret."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Text, cast, delete, func, insert, select, update
from sqlalchemy.orm import Session, sessionmaker

import core.services
from core.db.tables import (
    Account,
    Booklet,
    Candidate,
    Copy,
    HalfPage,
    Identity,
    Job,
    JournalEntry,
    JournalValue,
    Lot,
    Person,
    Proposal,
    ScanFile,
)
from core.domain.access import Actor, Role
from core.domain.entries import DecisionKind
from core.jobs.running import run_next
from core.services import (
    accounts,
    allocation,
    backup,
    connections,
    copies,
    entries,
    exams,
    exports,
    finalisation,
    header_models,
    identification,
    jobs,
    journal,
    lots,
    marking,
    marks_import,
    publication,
    repairs,
    results,
    rosters,
    scans,
    sealing,
)
from core.storage.blobs import BlobStore
from tests.integration.classes import SYSTEM, Taken, draw_few
from tests.tickets import ticket_for
from workbench.demo.draw import DrawnScan

Sessions = sessionmaker[Session]
SERVICES = Path(core.services.__path__[0])

SESSION, LATER = "Bac blanc", date(2027, 8, 31)
FIRST, SECOND, THIRD = "motdepasse-premier", "motdepasse-deuxieme", "motdepasse-troisieme"

SILENT = {
    "accounts.account_line",
    "accounts.accounts",
    "accounts.correctors",
    "allocation.progress",
    "backup.verify",
    "connections.own_connections",
    "connections.set_portal",  # which menu somebody looks at
    "copies.copies",
    "copies.masked_page",
    "copies.named_page",
    "drop_folder.folder_of",
    "drop_folder.without_paper",
    "exams.paper",
    "exams.papers",
    "exams.sessions_list",
    "finalisation.marked_pdf",
    "health.operations",
    "half_page_views.half_page",
    "header_models.drawn_models",
    "header_models.page_picture",
    "header_models.pages",
    "header_models.try_model",
    "identification.booklet_page",
    "lot_states.lot_states",
    "identification.desk",
    "identification.header_crop",
    "identification.proposals",
    "jobs.file_names",
    "journal.entries",
    "lots.loose_sheets",
    "lots.lots",
    "marking.acknowledge",
    "marking.my_copies",
    "publication.my_results",
    "publication.publication_preview",
    "results.report",
    "results.results_dashboard",
    "rosters.preview_roster",
    "rosters.roster",
    "scans.files",
    "scans.jobs",
    "scans.ledger",
    "scans.ledger_sums",
    "sealing.state",
    "sealing.verify",
    # Only the whole file is something: until then nothing of it is kept.
    "uploads.begin_chunk",
    "uploads.give_up",
    "uploads.keep",
    "uploads.standing",
    "uploads.start",
    "uploads.unfinished",
    "workshop.repairs_made",
    "workshop.thumbnail",
    "workshop.workshop",
}
"""Services that only show something on a screen."""
ELSEWHERE = {"restore.restore", "uploads.finish"}
"""Journalled in the base that was restored: tests/integration/test_backup.py; by ``scans.add_scan``, which an
upload ends with: tests/integration/test_uploads.py."""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> DrawnScan:
    return draw_few(tmp_path_factory.mktemp("drawn"))


@dataclass
class Scene:
    """A class on its way; what a service gives that a later one needs is kept by name."""

    sessions: Sessions
    blobs: BlobStore
    folder: Path
    drawn: DrawnScan
    ids: dict[str, int] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=lambda: [FIRST, SECOND, THIRD])

    @property
    def paper(self) -> int:
        return self.ids["paper"]

    def find(self, query: object) -> list[int]:
        with self.sessions() as session:
            return list(session.scalars(query))  # type: ignore[call-overload]

    def codes(self) -> list[str]:
        with self.sessions() as session:
            return list(session.scalars(select(Copy.code).order_by(Copy.id)))

    def actor(self, login: str) -> Actor:
        return accounts.actor_for_login(self.sessions, login)

    def sign_in(self, login: str) -> connections.OpenedConnection:
        ticket = ticket_for(self.sessions, login)
        opened = connections.redeem_ticket(self.sessions, ticket=ticket, hours=1)
        self.secrets += [ticket, opened.token, opened.csrf_token]
        return opened

    def connection_id(self, login: str) -> int:
        seen = connections.connection(self.sessions, self.sign_in(login).token)
        assert seen is not None
        return seen.connection_id

    def work(self) -> None:
        taken = Taken(self.sessions, self.blobs, self.paper).handlers()
        finish = {
            finalisation.FINALISE: lambda held: finalisation.run_finalise(self.sessions, self.blobs, held)
        }
        while run_next(self.sessions, {**taken, **finish}):
            pass


def create_account(scene: Scene) -> None:
    for login, role in (("chef", Role.ADMIN), ("martin", Role.CORRECTOR)):
        accounts.create_account(
            scene.sessions, SYSTEM, login=login, roles=[role], surname=f"{login}-nom", password=FIRST
        )


def set_password(scene: Scene) -> None:
    accounts.set_password(scene.sessions, SYSTEM, login="martin", password=SECOND)


def change_own_password(scene: Scene) -> None:
    accounts.change_own_password(scene.sessions, scene.actor("martin"), current=SECOND, new=THIRD)


def set_disabled(scene: Scene) -> None:
    accounts.set_disabled(scene.sessions, SYSTEM, login="martin", disabled=True)
    accounts.set_disabled(scene.sessions, SYSTEM, login="martin", disabled=False)


def set_roles(scene: Scene) -> None:
    line = next(line for line in accounts.accounts(scene.sessions, SYSTEM) if line.login == "chef")
    accounts.set_roles(
        scene.sessions, SYSTEM, login="chef", roles=[Role.ADMIN, Role.COORDINATOR], version=line.version
    )


def redeem_ticket(scene: Scene) -> None:
    scene.sign_in("martin")


def sign_out(scene: Scene) -> None:
    connections.sign_out(scene.sessions, token=scene.sign_in("martin").token)


def end_connection(scene: Scene) -> None:
    ended = scene.connection_id("martin")
    connections.end_connection(scene.sessions, scene.actor("martin"), connection_id=ended)


def end_other_connections(scene: Scene) -> None:
    scene.sign_in("martin")
    connections.end_other_connections(scene.sessions, scene.actor("martin"))


def end_account_connections(scene: Scene) -> None:
    scene.sign_in("martin")
    connections.end_account_connections(scene.sessions, SYSTEM, login="martin")


def import_roster(scene: Scene) -> None:
    content = scene.drawn.roster.read_bytes()
    found = rosters.import_roster(
        scene.sessions, SYSTEM, session_name=SESSION, file_name="liste.csv", content=content, ends_on=LATER
    )
    scene.ids["session"] = found.session_id


def create_paper(scene: Scene) -> None:
    schemes = {"A": ("bareme.csv", scene.drawn.scheme.read_bytes())}
    scene.ids["paper"] = exams.create_paper(
        scene.sessions, SYSTEM, session_name=SESSION, name="Maths", schemes=schemes
    )


def import_entries(scene: Scene) -> None:
    lines = [
        "surname,first_name,birth_date,presence",
        *(f"{line},present" for line in people(scene.sessions)),
    ]
    lines[-1] = lines[-1].replace("present", "absent")
    entries.import_entries(
        scene.sessions,
        SYSTEM,
        paper_id=scene.paper,
        file_name="presences.csv",
        content="\n".join(lines).encode(),
    )


def create_student_accounts(scene: Scene) -> None:
    made = accounts.create_student_accounts(scene.sessions, SYSTEM, session_id=scene.ids["session"])
    scene.secrets += [line.password for line in made]


def add_scan(scene: Scene) -> None:
    for pdf in scene.drawn.pdfs:
        scans.add_scan(
            scene.sessions, SYSTEM, scene.blobs, paper_id=scene.paper, file_name="DURAND Éloïse.pdf", path=pdf
        )


def cancel(scene: Scene) -> None:
    jobs.cancel(scene.sessions, SYSTEM, job_id=scene.find(select(Job.id))[0])


def retry(scene: Scene) -> None:
    with scene.sessions.begin() as session:
        job_id = session.scalars(select(Job.id)).first()
        session.execute(update(Job).values(status="failed", failures=3, error_code="internal_error"))
    assert job_id is not None
    jobs.retry(scene.sessions, SYSTEM, job_id=job_id)


def rematch(scene: Scene) -> None:
    scene.work()
    identification.rematch(scene.sessions, SYSTEM, paper_id=scene.paper)


def learn_model(scene: Scene) -> None:
    pages = header_models.pages(scene.sessions, SYSTEM, paper_id=scene.paper)
    page = next(page for page in pages if page.has_header)
    scene.ids["header_model"] = header_models.learn_model(
        scene.sessions,
        SYSTEM,
        scene.blobs,
        scan_image_id=page.scan_image_id,
        half=page.half,
        name="En-tête de DURAND Éloïse",
        kind="copy",
        zone=(0.02, 0.01, 0.98, 0.2),
        fields={"surname": (0.1, 0.05, 0.5, 0.1)},
    )


def remove_model(scene: Scene) -> None:
    header_models.remove_model(scene.sessions, SYSTEM, model_id=scene.ids["header_model"])


def read_again(scene: Scene) -> None:
    header_models.read_again(scene.sessions, SYSTEM, paper_id=scene.paper)
    scene.work()


def check(scene: Scene) -> None:
    files = scene.find(select(ScanFile.id))
    repairs.check(scene.sessions, SYSTEM, paper_id=scene.paper, files=files, checked=False)
    repairs.check(scene.sessions, SYSTEM, paper_id=scene.paper, files=files)


def set_lot(scene: Scene) -> None:
    (lot,) = scene.find(select(Lot.id))
    lots.set_lot(
        scene.sessions, SYSTEM, lot_id=lot, label="DURAND Éloïse", stated_copies=3, stated_sheets=None
    )


def repair(scene: Scene) -> None:
    half = scene.find(select(HalfPage.id).order_by(HalfPage.id))[0]
    scene.ids["repair"] = repairs.repair(
        scene.sessions,
        SYSTEM,
        paper_id=scene.paper,
        kind="settle",
        arguments={"halves": [half]},
        version=0,
    ).repair_id


def undo_repair(scene: Scene) -> None:
    repairs.undo(scene.sessions, SYSTEM, paper_id=scene.paper, repair_id=scene.ids["repair"])


def decide(scene: Scene) -> None:
    booklet = scene.find(select(Booklet.id).order_by(Booklet.id))[0]
    candidate = scene.find(select(Candidate.id).order_by(Candidate.id))[0]
    identification.decide(
        scene.sessions,
        SYSTEM,
        booklet_id=booklet,
        kind=DecisionKind.CANDIDATE,
        candidate_id=candidate,
        expected_decision_id=None,
    )


def undo(scene: Scene) -> None:
    booklet = scene.find(select(Booklet.id).order_by(Booklet.id))[0]
    identification.undo(scene.sessions, SYSTEM, booklet_id=booklet)


def accept_automatic(scene: Scene) -> None:
    booklet = scene.find(select(Booklet.id).order_by(Booklet.id))[0]
    candidate = scene.find(select(Candidate.id).order_by(Candidate.id))[0]
    with scene.sessions.begin() as session:
        session.execute(delete(Proposal).where(Proposal.booklet_id == booklet))
        session.execute(
            insert(Proposal).values(
                booklet_id=booklet,
                rank=1,
                candidate_id=candidate,
                probability=0.99,
                decision="automatic",
                reason="",
                matched=[],
                read_as={},
            )
        )
    identification.accept_automatic(scene.sessions, SYSTEM, paper_id=scene.paper)


def apply_decisions(scene: Scene) -> None:
    booklet = scene.find(select(Booklet.id).order_by(Booklet.id))[1]
    table = f"booklet,surname,first_name,birth_date\n{booklet},{people(scene.sessions)[1]}\n"
    identification.apply_decisions(
        scene.sessions, SYSTEM, paper_id=scene.paper, file_name="decisions.csv", content=table.encode()
    )


def release(scene: Scene) -> None:
    copies.release(scene.sessions, SYSTEM, paper_id=scene.paper)


def allocate(scene: Scene) -> None:
    allocation.allocate(scene.sessions, SYSTEM, paper_id=scene.paper, correctors=["martin"], seed=1)


def open_copy(scene: Scene) -> None:
    marking.open_copy(scene.sessions, scene.actor("martin"), code=scene.codes()[0])


def save_actions(scene: Scene) -> None:
    view = marking.open_copy(scene.sessions, scene.actor("martin"), code=scene.codes()[0])
    leaf = next(item for item in view.items if item.is_leaf)
    action = marking.MarkAction("untreated", view.version, item_id=leaf.item_id)
    marking.save_actions(scene.sessions, scene.actor("martin"), code=scene.codes()[0], actions=[action])


def surrender(scene: Scene) -> None:
    marking.surrender(scene.sessions, scene.actor("martin"), code=scene.codes()[0])


def import_marks(scene: Scene) -> None:
    view = exams.paper(scene.sessions, SYSTEM, paper_id=scene.paper)
    leaves = [item.code for items in view.scheme.values() for item in items if item.is_leaf]
    lines = ["code,item,mark,remark", *(f"{code},{leaf},0," for code in scene.codes() for leaf in leaves)]
    done = marks_import.import_marks(
        scene.sessions, SYSTEM, paper_id=scene.paper, file_name="notes.csv", content="\n".join(lines).encode()
    )
    assert done.refused == []


def finalise_copy(scene: Scene) -> None:
    finalisation.finalise_copy(scene.sessions, scene.actor("martin"), code=scene.codes()[0])
    scene.work()


def reopen(scene: Scene) -> None:
    finalisation.reopen(scene.sessions, SYSTEM, code=scene.codes()[0], reason="erreur de report")


def finalise_paper(scene: Scene) -> None:
    finalisation.finalise_paper(scene.sessions, SYSTEM, paper_id=scene.paper)
    scene.work()


def publish(scene: Scene) -> None:
    assert publication.publish(scene.sessions, SYSTEM, scene.blobs, paper_id=scene.paper).published


def student_pdf(scene: Scene) -> None:
    with scene.sessions() as session:
        login, code = session.execute(
            select(Account.login, Copy.code)
            .join(Candidate, Candidate.person_id == Account.person_id)
            .join(Copy, Copy.candidate_id == Candidate.id)
            .order_by(Copy.id)
        ).first() or ("", "")
    publication.student_pdf(scene.sessions, scene.actor(login), scene.blobs, code=code)


def export_paper(scene: Scene) -> None:
    exports.export_paper(scene.sessions, SYSTEM, scene.blobs, paper_id=scene.paper, format="pronote")


def snapshot(scene: Scene) -> None:
    results.snapshot(
        scene.sessions,
        SYSTEM,
        paper_ids=[scene.paper],
        out_dir=scene.folder / "snapshot",
        home=scene.folder,
        identified=True,
    )


def withdraw(scene: Scene) -> None:
    publication.withdraw(scene.sessions, SYSTEM, paper_id=scene.paper)


def back_up(scene: Scene) -> None:
    backup.back_up(
        scene.sessions, SYSTEM, scene.blobs, home=scene.folder / "home", folder=scene.folder / "backup"
    )


ACTS: tuple[tuple[str, Callable[[Scene], None]], ...] = (
    ("accounts.create_account", create_account),
    ("accounts.set_password", set_password),
    ("accounts.change_own_password", change_own_password),
    ("accounts.set_disabled", set_disabled),
    ("accounts.set_roles", set_roles),
    ("connections.redeem_ticket", redeem_ticket),
    ("connections.sign_out", sign_out),
    ("connections.end_connection", end_connection),
    ("connections.end_other_connections", end_other_connections),
    ("connections.end_account_connections", end_account_connections),
    ("rosters.import_roster", import_roster),
    ("exams.create_paper", create_paper),
    ("entries.import_entries", import_entries),
    ("accounts.create_student_accounts", create_student_accounts),
    ("scans.add_scan", add_scan),
    ("jobs.cancel", cancel),
    ("jobs.retry", retry),
    ("identification.rematch", rematch),
    ("header_models.learn_model", learn_model),
    ("header_models.remove_model", remove_model),
    ("header_models.read_again", read_again),
    ("repairs.repair", repair),
    ("repairs.undo", undo_repair),
    ("repairs.check", check),
    ("lots.set_lot", set_lot),
    ("identification.decide", decide),
    ("identification.undo", undo),
    ("identification.accept_automatic", accept_automatic),
    ("copies.release", release),
    ("identification.apply_decisions", apply_decisions),
    ("allocation.allocate", allocate),
    ("marking.open_copy", open_copy),
    ("marking.save_actions", save_actions),
    ("marking.surrender", surrender),
    ("marks_import.import_marks", import_marks),
    ("finalisation.finalise_copy", finalise_copy),
    ("finalisation.reopen", reopen),
    ("finalisation.finalise_paper", finalise_paper),
    ("publication.publish", publish),
    ("publication.student_pdf", student_pdf),
    ("exports.export_paper", export_paper),
    ("results.snapshot", snapshot),
    ("publication.withdraw", withdraw),
    ("backup.back_up", back_up),
)
"""Every service that changes something, or hands out a file with names, in an order in which they can be done."""


def people(sessions: Sessions) -> list[str]:
    """Surname, first name and date of birth of each candidate, by id, as a line of a table."""
    query = select(Identity).join(Candidate, Candidate.person_id == Identity.person_id).order_by(Candidate.id)
    with sessions() as session:
        return [f"{who.surname},{who.first_name},{who.birth_date}" for who in session.scalars(query)]


def every_service() -> set[str]:
    """Each use case of core/services: public and given who acts."""
    return {
        f"{path.stem}.{node.name}"
        for path in SERVICES.glob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and [argument.arg for argument in node.args.args][:2] in (["sessions", "actor"], ["actor"])
    }


def test_each_service_is_known_to_leave_a_line_or_to_change_nothing() -> None:
    acting = {name for name, _ in ACTS}

    assert acting & SILENT == set()
    assert every_service() - SILENT - ELSEWHERE - acting == set()
    assert (SILENT | ELSEWHERE) - every_service() == set()


def test_whatever_changes_something_leaves_a_line_without_a_name_or_a_secret(
    sessions: Sessions, tmp_path: Path, drawn: DrawnScan
) -> None:
    (tmp_path / "home").mkdir()
    scene = Scene(sessions, BlobStore(tmp_path / "home" / "blobs"), tmp_path, drawn)
    silent = []
    for name, act in ACTS:
        before = lines(sessions)
        act(scene)
        if lines(sessions) == before:
            silent.append(name)

    assert silent == []
    with sessions() as session:
        acted = set(session.scalars(select(JournalEntry.action).distinct()))
        told = " ".join(session.scalars(select(cast(JournalValue.values, Text))))
        told += " ".join(session.scalars(select(JournalEntry.actor)))
        names = set(session.scalars(select(Identity.surname))) | {"DURAND", "Éloïse"}
        logins = set(session.scalars(select(Account.login)))
        people = session.scalar(select(func.count()).select_from(Person)) or 0
    assert acted == {action.value for action in journal.RECORDED}
    assert len(names) > people / 2
    plain = told.encode().decode("unicode_escape", errors="ignore").casefold() + told.casefold()
    assert [name for name in names | logins if name.casefold() in plain] == []
    assert [secret for secret in scene.secrets if secret in told] == []
    sealing.seal(sessions)
    assert sealing.verify(sessions, SYSTEM).broken is None


def lines(sessions: Sessions) -> int:
    with sessions() as session:
        return session.scalar(select(func.count()).select_from(JournalEntry)) or 0
