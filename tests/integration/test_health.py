"""Probes and measurements: what each visitor learns, and that a part that fails is named in time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from core.db.tables import Backup, Job, JournalEntry, JournalSeal, Worker
from core.db.tables.base import now
from core.domain.access import Actor, Role
from core.errors import NotAllowed
from core.services import accounts, connections, health
from core.services.health import Health, Parts, Standing
from core.services.watch import Watch
from core.storage.blobs import BlobStore
from tests.redis_server import RedisServer
from tests.tickets import ticket_for
from workbench import metrics, resources
from workbench.cookie import COOKIE
from workbench.routes import routes
from workbench.routes.answers import unexpected_error
from workbench.routes.observed import Observed
from workbench.routes.protection import Protection

SYSTEM = Actor.system("test")
HERE, ELSEWHERE = ("127.0.0.1", 50000), ("10.9.8.7", 50000)
CODE = "23-456D"


@pytest.fixture
def home(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of the test's own, which the whole process uses."""
    monkeypatch.setenv("KORRIGO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KORRIGO_DATABASE_URL", database_url)
    resources.forget()
    yield tmp_path / "home"
    resources.forget()


@pytest.fixture
def database(home: Path) -> sessionmaker[Session]:
    return resources.sessions()


def client(address: tuple[str, int] = HERE, **cookies: str) -> TestClient:
    """Somebody at ``address``, before the application as it is mounted."""
    app = Starlette(
        routes=routes(),
        middleware=[Middleware(Observed), Middleware(Protection)],
        exception_handlers={Exception: unexpected_error},
    )
    return TestClient(app, base_url="http://localhost", client=address, cookies=cookies)


def found_now() -> Health:
    return health.overview(Parts(resources.sessions, resources.blobs, resources.settings()))


def signed_in(database: sessionmaker[Session], role: Role) -> str:
    accounts.create_account(
        database, SYSTEM, login=role, roles=[role], surname="X", password="motdepasse-1", must_change=False
    )
    ticket = ticket_for(database, role)
    return connections.redeem_ticket(database, ticket=ticket, hours=1).token


# --- ready


def test_a_whole_installation_is_ready(database: sessionmaker[Session]) -> None:
    assert client(ELSEWHERE).get("/api/health/live").json() == {"status": "ok"}
    assert client(ELSEWHERE).get("/api/health/ready").json() == {"status": "ok"}


def test_a_database_of_an_older_schema_is_not_ready(database: sessionmaker[Session]) -> None:
    with database.begin() as session:
        session.execute(text("update alembic_version set version_num = '0001'"))

    answer = client().get("/api/health/ready")

    assert (answer.status_code, answer.json()) == (503, {"status": "down", "failing": ["database_schema"]})


def test_files_that_cannot_be_written_are_not_ready(database: sessionmaker[Session], home: Path) -> None:
    resources.blobs()
    (home / "blobs" / "incoming").rmdir()
    (home / "blobs" / "incoming").touch()

    answer = client().get("/api/health/ready")

    assert (answer.status_code, answer.json()["failing"]) == (503, ["files_unwritable"])
    assert str(home) not in answer.text


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_redis_that_died_is_not_ready_and_the_rest_is_still_told(
    database: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    with RedisServer.running() as redis:
        monkeypatch.setenv("KORRIGO_REDIS_URL", redis.url)
        resources.forget()
        assert client().get("/api/health/ready").status_code == 200

    answer = client().get("/api/health/ready")

    assert (answer.status_code, answer.json()["failing"]) == (503, ["redis_unreachable"])
    assert found_now().component("redis").standing is Standing.DOWN
    assert found_now().component("database").standing is Standing.OK


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_database_that_went_away_is_told_without_its_address(
    database: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.db.session import engine_for, session_factory

    gone = session_factory(engine_for("postgresql://korrigo:secret@127.0.0.1:9/korrigo"))
    monkeypatch.setattr("workbench.routes.health.sessions", lambda: gone)

    ready, told = client().get("/api/health/ready"), client().get("/api/health/")

    assert (ready.status_code, ready.json()["failing"]) == (503, ["database_unreachable"])
    assert (told.status_code, told.json()["status"]) == (503, "down")
    assert told.json()["components"]["queue"]["status"] == "down"
    assert "secret" not in ready.text + told.text
    assert client().get("/api/health/live").status_code == 200
    assert client().get("/metrics").status_code == 200


def test_a_database_that_hangs_delays_no_probe_and_is_asked_once(
    database: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    release, asked = threading.Event(), []

    def hang(_parts: Parts) -> health.Component:
        asked.append(1)
        release.wait(20)
        return health.Component("database", Standing.OK)

    monkeypatch.setattr(health, "_watch", Watch())
    monkeypatch.setattr(health, "_database", hang)
    started = time.monotonic()
    ready = [client().get("/api/health/ready") for _ in range(2)]
    ready_s = time.monotonic() - started
    started = time.monotonic()
    whole = client().get("/api/health/")
    whole_s = time.monotonic() - started
    release.set()

    assert [answer.json()["failing"] for answer in ready] == [["database_silent"]] * 2
    assert ready_s < 2 * 1.5
    assert whole_s < 2.5
    assert whole.json()["components"]["database"]["code"] == "database_silent"
    assert len(asked) == 2  # once for each of the two kinds of question


# --- who learns what


def test_a_stranger_learns_one_word(database: sessionmaker[Session]) -> None:
    assert client(ELSEWHERE).get("/api/health/").json() == {"status": "degraded"}


def test_this_machine_learns_all_parts(database: sessionmaker[Session], database_kind: str) -> None:
    told = client().get("/api/health/").json()

    assert set(told["components"]) == {"database", "queue", "backup", "journal", "files", "redis"}
    assert told["components"]["database"]["kind"] == database_kind
    assert told["components"]["database"]["latency_ms"] >= 0
    assert told["version"]


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_what_came_through_a_proxy_is_not_this_machine(database: sessionmaker[Session], header: str) -> None:
    passed_on = {header: "127.0.0.1"}

    assert client().get("/api/health/", headers=passed_on).json() == {"status": "degraded"}
    assert client().get("/metrics", headers=passed_on).status_code == 404


@pytest.mark.parametrize("role", Role)
def test_only_the_administrator_sees_the_parts_from_elsewhere(
    database: sessionmaker[Session], role: Role
) -> None:
    token = signed_in(database, role)

    told = client(ELSEWHERE, **{COOKIE: token}).get("/api/health/").json()

    assert ("components" in told) == (role is Role.ADMIN)


def test_the_page_of_operations_is_the_administrator_s(database: sessionmaker[Session]) -> None:
    actor = Actor(1, frozenset(Role) - {Role.ADMIN}, "account:1")

    with pytest.raises(NotAllowed):
        health.operations(database, actor, resources.blobs(), settings=resources.settings())


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_networks_of_the_settings_read_the_measurements_and_others_find_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client(ELSEWHERE).get("/metrics").status_code == 404

    monkeypatch.setenv("KORRIGO_METRICS_FROM", "10.9.8.0/24")
    resources.forget()

    assert client(ELSEWHERE).get("/metrics").status_code == 200
    assert "components" in client(ELSEWHERE).get("/api/health/").json()
    assert client(("10.9.9.7", 1)).get("/metrics").status_code == 404


# --- how parts stand


def test_work_that_waits_without_a_worker_is_a_queue_that_is_down(database: sessionmaker[Session]) -> None:
    assert found_now().component("queue").code == "queue_without_worker"
    assert found_now().component("queue").standing is Standing.DEGRADED

    with database.begin() as session:
        session.add(Job(kind="ingest", unique_key="1", payload={}))

    assert found_now().component("queue").standing is Standing.DOWN
    assert found_now().standing is Standing.DEGRADED  # pages are served all the same


def test_work_that_waits_too_long_is_told(database: sessionmaker[Session]) -> None:
    with database.begin() as session:
        session.add(Worker(name="w", engine="embedded"))
        session.add(Job(kind="ingest", unique_key="1", payload={}, created_at=now() - timedelta(minutes=20)))

    assert found_now().component("queue").code == "queue_late"


@pytest.mark.parametrize(("hours", "code"), [(1, ""), (35, ""), (37, "backup_late")])
def test_a_backup_that_is_too_old_is_told(database: sessionmaker[Session], hours: int, code: str) -> None:
    assert found_now().component("backup").code == "backup_never"
    at = now() - timedelta(hours=hours)

    with database.begin() as session:
        for ended in (at - timedelta(days=9), at):
            session.add(
                Backup(started_at=ended, ended_at=ended, manifest_sha256="0" * 64, rows=1, files=1, bytes=1)
            )

    assert found_now().component("backup").code == code


def test_a_journal_that_nobody_seals_is_told(database: sessionmaker[Session]) -> None:
    with database.begin() as session:
        for minutes in (30, 20):
            session.add(
                JournalEntry(
                    at=now() - timedelta(minutes=minutes), actor="system:t", action="release", object_kind="x",
                    object_id=1, digest="0" * 64,
                )
            )  # fmt: skip
            session.flush()
        session.add(JournalSeal(number=1, entry_id=1, previous="0" * 64, hash="1" * 64))

    journal = found_now().component("journal")

    assert (journal.code, journal.figures["unsealed"]) == ("journal_unsealed", 1)
    assert 1100 < float(journal.figures["oldest_unsealed_s"] or 0) < 1300


@pytest.mark.parametrize(("free", "code"), [(21, ""), (19, "disk_low"), (4, "disk_full")])
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_disk_that_fills_is_told(home: Path, monkeypatch: pytest.MonkeyPatch, free: int, code: str) -> None:
    from collections import namedtuple

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(health.shutil, "disk_usage", lambda _path: usage(100, 100 - free, free))

    assert found_now().component("files").code == code


# --- measurements


def families(content: str) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Samples by name, then by labels."""
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(content):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def test_the_measurements_hold_what_operations_need(database: sessionmaker[Session]) -> None:
    with database.begin() as session:
        session.add(Job(kind="ingest", unique_key="1", payload={}, created_at=now() - timedelta(minutes=1)))

    found = families(client().get("/metrics").text)

    assert found["korrigo_jobs"][(("status", "waiting"),)] == 1
    assert found["korrigo_jobs_oldest_waiting_seconds"][()] > 50
    assert found["korrigo_component_up"][(("part", "database"),)] == 1
    assert found["korrigo_backup_made"][()] == 0
    assert 0 < found["korrigo_disk_free_ratio"][()] < 1
    assert found["process_resident_memory_bytes"][()] > 0
    assert {
        "korrigo_workers",
        "korrigo_database_latency_seconds",
        "korrigo_database_connections",
        "korrigo_disk_free_bytes",
        "korrigo_journal_unsealed",
        "korrigo_page_cache_hits_total",
        "korrigo_page_cache_misses_total",
        "korrigo_websockets_active",
        "korrigo_sign_ins_total",
    } <= set(found)


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_open_connections_are_counted_on_postgresql(database: sessionmaker[Session]) -> None:
    assert families(client().get("/metrics").text)["korrigo_database_connections"][()] >= 1


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_requests_are_counted_by_the_template_of_their_address(home: Path) -> None:
    visitor = client()
    for path in (f"/files/copies/{CODE}/pages/3.jpg?width=900", "/files/dupont", "/api/health/live"):
        visitor.get(path)
    visitor.request("DUPONT", "/api/health/live")

    content = visitor.get("/metrics").text

    counted = families(content)["korrigo_http_requests_total"]
    template = "/files/copies/{code}/pages/{page:row}.jpg"
    assert counted[(("method", "GET"), ("route", template), ("status", "401"))] >= 1
    assert families(content)["korrigo_http_request_duration_seconds_count"][(("route", template),)] >= 1
    assert CODE not in content
    assert "dupont" not in content.lower()


def test_sign_ins_are_counted_by_outcome() -> None:
    def counted(outcome: str) -> float:
        return metrics.REGISTRY.get_sample_value("korrigo_sign_ins_total", {"outcome": outcome}) or 0

    before = counted("ok"), counted("refused")

    metrics.signed_in(ok=True)
    metrics.signed_in(ok=False)
    metrics.signed_in(ok=False)

    assert (counted("ok"), counted("refused")) == (before[0] + 1, before[1] + 2)


def test_a_measurement_that_cannot_be_had_is_left_out_rather_than_zero() -> None:
    silent = tuple(
        health.Component(name, Standing.DOWN, f"{name}_silent")
        for name in ("database", "queue", "backup", "journal", "files", "redis")
    )

    found = families(metrics.exposition(Health(Standing.DOWN, silent, "1", "")).decode())

    assert found["korrigo_component_up"][(("part", "queue"),)] == 0
    assert "korrigo_jobs" not in found
    assert "korrigo_disk_free_ratio" not in found
    assert "korrigo_backup_made" not in found


# --- watch


def test_what_a_question_raises_is_raised_where_it_is_asked() -> None:
    def broken() -> int:
        raise LookupError("broken")

    with pytest.raises(LookupError):
        Watch[int]().ask({"a": broken, "b": lambda: 1}, within_s=2)


def test_questions_are_asked_side_by_side() -> None:
    def slow() -> int:
        time.sleep(0.3)
        return 1

    started = time.monotonic()
    answers = Watch[int]().ask({str(number): slow for number in range(5)}, within_s=2)

    assert set(answers.values()) == {1}
    assert time.monotonic() - started < 1.2


def test_the_blob_store_of_a_home_that_is_gone_is_told(
    tmp_path: Path, database: sessionmaker[Session]
) -> None:
    def gone() -> BlobStore:
        raise FileNotFoundError("/secret/place")

    found = health.overview(Parts(resources.sessions, gone, resources.settings()))

    assert found.component("files").code == "files_unwritable"
    assert found.standing is Standing.DOWN
