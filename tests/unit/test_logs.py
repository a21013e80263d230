"""The log: whole JSON lines, each with its request, and nothing of a person, whatever goes wrong."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from core.domain.access import Actor, Role
from core.errors import BadInput
from core.jobs import rows
from core.jobs.running import Runner
from core.services import accounts, connections, exams, marking
from tests.tickets import ticket_for
from workbench import logs, resources
from workbench.cookie import COOKIE
from workbench.messages import unexpected
from workbench.routes import routes
from workbench.routes.access import CSRF_HEADER
from workbench.routes.answers import unexpected_error
from workbench.routes.observed import Observed
from workbench.routes.protection import Protection

SYSTEM = Actor.system("test")
CODE = "23-456D"
ROSTER = """Nom;Prénom;Né(e) le;Adresse E-mail
QUENTAMBERT;Éloïse;12/03/2009;eloise.q@example.org
VASSILAKIS;Théodora;03/11/2008;
"""
LOGIN, PASSWORD = "g.zwicky-bardot", "motdepasse-tres-secret"
SECRETS = (
    "quentambert",
    "vassilakis",
    "éloïse",
    "théodora",
    "eloise.q",
    LOGIN,
    PASSWORD,
    CODE,
    "203.0.113.9",
)

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where the log goes during a test; afterwards everything is as it was."""
    root, hooks = logging.getLogger(), (sys.excepthook, threading.excepthook)
    handlers, level = root.handlers[:], root.level
    out = io.StringIO()
    logs.configure(format="json", level="debug", stream=out)
    logs._request_id.set("")
    logs._account_id.set(None)
    logs._job.set(None)
    yield out
    root.handlers[:] = handlers
    root.setLevel(level)
    sys.excepthook, threading.excepthook = hooks
    logging.captureWarnings(False)


@pytest.fixture
def lines(stream: io.StringIO) -> Lines:
    """The lines written so far, each parsed."""
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


# --- lines


def test_a_line_says_when_where_what_and_nothing_that_was_not_asked_for(lines: Lines) -> None:
    logging.getLogger("core.x").info("job %s waits", 7, extra={"status": 200, "surname": "QUENTAMBERT"})

    [line] = lines()
    assert set(line) == {"time", "level", "logger", "message", "status"}
    assert (line["level"], line["logger"], line["message"]) == ("info", "core.x", "job 7 waits")
    assert line["time"].endswith("+00:00")


def test_an_exception_is_told_by_its_places_and_kind_without_its_text(lines: Lines) -> None:
    def deep() -> None:
        raise KeyError("QUENTAMBERT")

    try:
        try:
            deep()
        except KeyError as error:
            raise ValueError("VASSILAKIS née le 12/03/2009") from error
    except ValueError as error:
        logging.getLogger("korrigo").error("error 12ab", exc_info=error)

    [line] = lines()
    assert "test_logs.py" in line["exception"]
    assert "in deep" in line["exception"]
    assert line["exception"].index("KeyError") < line["exception"].index("ValueError")
    assert "QUENTAMBERT" not in str(line)
    assert "VASSILAKIS" not in str(line)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (BadInput("bad_date", value="QUENTAMBERT"), "core.errors.BadInput: bad_date"),
        (FileNotFoundError(2, "No such file", "/scans/QUENTAMBERT.pdf"), "FileNotFoundError: errno 2"),
        (AttributeError("'NoneType' object has no attribute 'x'"), "object has no attribute 'x'"),
        (RuntimeError("QUENTAMBERT"), "RuntimeError"),
        (ExceptionGroup("QUENTAMBERT", [ValueError("VASSILAKIS")]), "ExceptionGroup\nValueError"),
    ],
)
def test_of_an_error_its_text_is_kept_only_where_it_can_hold_no_value(error: Exception, told: str) -> None:
    assert told in logs.told(error)
    assert "QUENTAMBERT" not in logs.told(error)
    assert "VASSILAKIS" not in logs.told(error)


def test_a_broken_constraint_is_named_without_the_values_that_broke_it(
    sessions: sessionmaker[Session], database_kind: str
) -> None:
    insert = text(
        "insert into account (person_id, login, password_hash, must_change_password, created_at, version) "
        "values (999, :login, :hash, :no, '2026-01-01', 1)"
    )

    with pytest.raises(IntegrityError) as caught, sessions.begin() as session:
        session.execute(insert, {"login": LOGIN, "hash": PASSWORD, "no": False})

    told = logs.told(caught.value)
    assert "IntegrityError" in told
    assert LOGIN not in told
    assert PASSWORD not in str(caught.value)  # SQLAlchemy's own text hides the parameters too
    assert ("fk_account_person_id_person" if database_kind == "postgresql" else "FOREIGNKEY") in told


def test_other_packages_words_are_left_out_and_their_quiet_lines_too(
    lines: Lines, stream: io.StringIO
) -> None:
    other = logging.getLogger("uvicorn.error")
    logs.configure(format="json", level="debug", stream=stream)  # the logger may be new

    other.info('%s - "WebSocket %s" [accepted]', ("203.0.113.9", 1), "/marking?code=23-456D")
    other.warning("%d from %s at /x?code=23-456D by a@example.org", 3, "203.0.113.9")
    other.error("Exception in ASGI application\n")

    assert [line["message"] for line in lines()] == ["3 from … at /x… by …"]


def test_a_logger_with_a_handler_of_its_own_is_taken_over(lines: Lines, stream: io.StringIO) -> None:
    import streamlit.logger

    own = logging.getLogger("a.library.of.others")
    own.addHandler(logging.StreamHandler(io.StringIO()))
    own.propagate = False
    logs.configure(format="json", level="info", stream=stream)
    late = streamlit.logger.get_logger("streamlit.a.module.imported.late")

    own.warning("one")
    late.warning("two")

    assert [line["message"] for line in lines()] == ["one", "two"]
    assert (own.handlers, late.handlers) == ([], [])


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_nobody_catches_is_a_line_too(lines: Lines) -> None:
    def broken() -> None:
        raise RuntimeError("QUENTAMBERT")

    hook = sys.excepthook
    try:
        broken()
    except RuntimeError as error:
        hook(RuntimeError, error, error.__traceback__)

    [line] = lines()
    assert (line["level"], line["message"]) == ("critical", "uncaught")
    assert "QUENTAMBERT" not in str(line)


def test_a_person_at_a_terminal_gets_text() -> None:
    record = logging.LogRecord("korrigo", logging.INFO, __file__, 1, "request", (), None)
    record.status = 200

    assert logs.TextLines().format(record)[9:] == "info    request status=200"


# --- whose line it is


@pytest.mark.parametrize("sent", ["", "short", "a b c d e f g h", "x" * 65, "abcdefgh\n{}", "é" * 10])
def test_an_id_that_does_not_look_like_one_is_replaced(sent: str) -> None:
    assert logs.begin(sent) != sent
    assert logs.begin("0123-abc_DEF") == "0123-abc_DEF"


def test_a_run_of_a_page_has_one_id_even_when_the_entry_script_did_not_run(lines: Lines) -> None:
    def fragment() -> None:
        logging.getLogger("pages.x").info("one")
        logging.getLogger("pages.x").info("two")

    for _ in range(2):
        thread = threading.Thread(target=fragment, name="ScriptRunner.scriptThread")
        thread.start()
        thread.join()

    first, second, third, fourth = [line["request_id"] for line in lines()]
    assert first == second
    assert third == fourth
    assert first != third


def test_the_lines_of_a_job_bear_its_number_and_kind_and_those_after_it_do_not(
    sessions: sessionmaker[Session], lines: Lines
) -> None:
    def work(held: rows.Lease) -> None:
        if held.payload["broken"]:
            raise RuntimeError("QUENTAMBERT")
        with sessions.begin() as session:
            rows.complete(session, held)
        logging.getLogger("core.x").info("done")

    for broken in (False, True):
        with sessions.begin() as session:
            rows.ask(session, kind="ingest", unique_key="a", payload={"broken": broken}, paper_id=None)
        Runner(sessions, {"ingest": logs.with_job(work)}).run_next()
        if not broken:
            logging.getLogger("core.x").info("idle")

    done, idle, failed = lines()[:3]
    assert (done["job_id"], done["job_kind"]) == (1, "ingest")
    assert "job_id" not in idle
    assert (failed["job_id"], failed["level"]) == (2, "error")
    assert "QUENTAMBERT" not in str(lines())


# --- a whole scene


@pytest.fixture
def database_kind(request: pytest.FixtureRequest) -> str:
    """Both databases: they tell errors in their own ways."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture
def home(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("KORRIGO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KORRIGO_DATABASE_URL", database_url)
    monkeypatch.setenv("KORRIGO_TRUSTED_PROXIES", "10.0.0.1")
    resources.forget()
    yield tmp_path / "home"
    resources.forget()


def browser(address: str = "203.0.113.9") -> TestClient:
    app = Starlette(
        routes=routes(),
        middleware=[Middleware(Observed), Middleware(Protection)],
        exception_handlers={Exception: unexpected_error},
    )
    return TestClient(app, base_url="http://localhost", client=(address, 1), raise_server_exceptions=False)


def test_a_request_s_line_has_its_id_its_template_and_what_became_of_it(home: Path, lines: Lines) -> None:
    answer = browser().get(f"/files/copies/{CODE}/pages/1.jpg?width=900&name=QUENTAMBERT")

    [line] = [line for line in lines() if line["logger"] == "korrigo.access"]
    assert line["route"] == "/files/copies/{code}/pages/{page:row}.jpg"
    assert (line["method"], line["status"]) == ("GET", 401)
    assert line["duration_ms"] >= 0
    assert line["request_id"] == answer.headers["x-request-id"]


def test_only_a_proxy_of_ours_gives_a_request_its_id(home: Path) -> None:
    sent = {"X-Request-ID": "0123456789abcdef"}

    assert (
        browser("10.0.0.1").get("/api/health/live", headers=sent).headers["x-request-id"]
        == sent["X-Request-ID"]
    )
    assert browser().get("/api/health/live", headers=sent).headers["x-request-id"] != sent["X-Request-ID"]


@pytest.mark.parametrize("database_kind", ["sqlite", "postgresql"], indirect=True)
def test_a_day_s_work_with_its_mishaps_leaves_no_name_login_or_token_in_the_log(
    home: Path, lines: Lines, stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, visitor = resources.sessions(), browser()
    accounts.create_account(
        database, SYSTEM, login=LOGIN, roles=[Role.SECRETARIAT, Role.CORRECTOR], surname="VASSILAKIS",
        password=PASSWORD, must_change=False,
    )  # fmt: skip
    ticket = ticket_for(database, LOGIN)
    visitor.post("/auth/exchange", json={"ticket": ticket}, headers={"Origin": "http://localhost"})
    token = str(visitor.cookies[COOKIE])
    who = connections.connection(database, token)
    assert who is not None
    exams.import_roster(
        database, who.actor, session_name="S", file_name="QUENTAMBERT.csv", content=ROSTER.encode()
    )
    headers = {CSRF_HEADER: who.csrf_token, "Origin": "http://localhost"}
    announced = {"name": "QUENTAMBERT.pdf", "lot": "VASSILAKIS", "byte_size": "QUENTAMBERT"}
    visitor.post("/scans/1/uploads", json=announced, headers=headers)

    def broken(*_args: object, **_details: object) -> object:
        with database.begin() as session:
            session.execute(
                text("insert into identity (person_id, surname, first_name) values (999, :s, :f)"),
                {"s": "QUENTAMBERT", "f": "Éloïse"},
            )
        return object()

    monkeypatch.setattr(marking, "open_copy", broken)
    failed = visitor.get(f"/marking/{CODE}", headers={"User-Agent": "VASSILAKIS"})
    unexpected(RuntimeError("Théodora VASSILAKIS"))

    written = lines()
    requests = [line for line in written if line["logger"] == "korrigo.access"]
    assert [line["status"] for line in requests] == [200, 422, 500]
    assert all(line["request_id"] for line in written[:-1])
    assert requests[-1]["account_id"] == who.account_id
    [error] = [line for line in written if "exception" in line and "IntegrityError" in line["exception"]]
    assert error["request_id"] == requests[-1]["request_id"] == failed.headers["x-request-id"]
    assert error["message"].removeprefix("error ") in failed.text
    for secret in (*SECRETS, ticket, token, who.csrf_token):
        assert secret.casefold() not in stream.getvalue().casefold(), secret
