"""Every route: who may, what comes back, and nothing of a stack or a path when it fails."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from sqlalchemy.orm import Session, sessionmaker
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.domain.access import POLICY, Action, Actor, Relation, Role
from core.errors import BadInput
from core.services import copies, exams, exports, identification, marking, publication, scans, uploads
from core.services.copies import PageImage
from core.services.exports import Exported
from core.services.scans import ScanAdded
from tests.security.conftest import Visitor
from workbench import resources
from workbench.routes import routes
from workbench.routes.access import CSRF_HEADER
from workbench.routes.marking import mark_action
from workbench.routes.scans import base_name

SignIn = Callable[..., Visitor]

CODE = "23-456D"  # its last sign is the check character
JPEG = b"\xff\xd8 drawn page \xff\xd9"

READ = {
    "/files/headers/1.jpg": Action.VIEW_HEADERS,
    "/files/booklets/1/pages/1.jpg": Action.VIEW_HEADERS,
    f"/files/copies/{CODE}/pages/1.jpg": Action.VIEW_MASKED_PAGE,
    f"/files/copies/{CODE}/marked.pdf": Action.VIEW_MARKED_PDF,
    f"/files/mine/{CODE}/pages/1.jpg": Action.VIEW_NAMED_PAGE,
    f"/files/mine/{CODE}.pdf": Action.VIEW_STUDENT_PDF,
    "/files/exports/1/pronote": Action.EXPORT,
    "/files/ledger/1.csv": Action.VIEW_LEDGER,
    "/identification/papers/1": Action.IDENTIFY,
    f"/marking/{CODE}": Action.MARK,
    "/scans/1/workshop.json": Action.VIEW_LEDGER,
    "/files/halves/1.jpg": Action.VIEW_HEADERS,
    "/scans/uploads/unknown": Action.ADD_SCANS,
    "/files/halves/1/page.jpg": Action.VIEW_HEADERS,
    "/scans/1/header-pages.json": Action.ADD_SCANS,
    "/files/scan-images/1/full.jpg": Action.VIEW_HEADERS,
}
WRITE = {
    "/scans/1/uploads": Action.ADD_SCANS,
    "PUT /scans/uploads/unknown?offset=0": Action.ADD_SCANS,
    "DELETE /scans/uploads/unknown": Action.ADD_SCANS,
    "/identification/1": Action.IDENTIFY,
    "/identification/1/undo": Action.IDENTIFY,
    f"/marking/{CODE}": Action.MARK,
    f"/marking/{CODE}/notice": Action.MARK,
    "/scans/1/repairs": Action.REPAIR,
    "/scans/1/repairs/1/undo": Action.REPAIR,
    "/scans/1/check": Action.REPAIR,
    "/scans/1/lots/1": Action.REPAIR,
    "/scans/header-models/try": Action.VIEW_HEADERS,
    "/scans/header-models": Action.ADD_SCANS,
    "/scans/header-models/1/remove": Action.ADD_SCANS,
    "/scans/1/read-again": Action.ADD_SCANS,
}
DRAWING = {
    "image": 1,
    "half": "full",
    "turn": 0,
    "zone": [0.1, 0.1, 0.9, 0.2],
    "fields": {"surname": [0.2, 0.1, 0.5, 0.2]},
}
"""By address; the method stands before it unless it is POST."""
BODIES: dict[str, Any] = {
    "/scans/1/uploads": {"name": "lot.pdf", "byte_size": 5},
    "/identification/1": {"kind": "illegible", "candidate_id": None, "expected_decision_id": None},
    f"/marking/{CODE}": {"actions": [{"kind": "clear", "item_id": 1, "expected_version": 1}]},
    f"/marking/{CODE}/notice": {"page_set": 1},
    "/scans/1/repairs": {"kind": "settle", "halves": [1], "version": 0},
    "/scans/1/check": {"files": [1]},
    "/scans/1/lots/1": {"label": "salle 204", "stated_copies": 30, "stated_sheets": None},
    "/scans/header-models/try": DRAWING,
    "/scans/header-models": {**DRAWING, "name": "En-tête du lycée", "kind": "copy"},
    "/scans/1/read-again": {"files": [1]},
}


def paths_of(server: Starlette) -> set[str]:
    return {route.path for route in server.routes if isinstance(route, Route)}


def write(who: Visitor, address: str, headers: dict[str, str] | None = None) -> Any:
    method, _, path = address.rpartition(" ")
    return who.client.request(
        method or "POST",
        path,
        json=BODIES.get(address, {}),
        headers=who.headers if headers is None else headers,
    )


# --- who may


def test_the_tables_of_this_test_name_every_route(server: Starlette) -> None:
    ours = {
        "/auth/exchange",
        "/auth/sign-out",
        "/api/health/live",
        "/api/health/ready",
        "/api/health/",
        "/metrics",
    }
    written = {re.sub(r"^[A-Z]+ |\?.*", "", path) for path in [*READ, *WRITE]}

    for path in paths_of(server) - ours - {f"{start}/{{rest:path}}" for start in ("/auth", "/files", "/api")}:
        shape = re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(path))
        assert any(re.fullmatch(shape, known) for known in written), path


@pytest.mark.parametrize("path", READ)
def test_nobody_reads_without_signing_in(visitor: Visitor, path: str) -> None:
    answer = visitor.client.get(path)

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "signed_out"


@pytest.mark.parametrize("path", WRITE)
def test_nobody_writes_without_signing_in(visitor: Visitor, path: str) -> None:
    assert write(visitor, path).status_code == 401


def expected(role: Role, action: Action) -> set[int]:
    """Objects 1 do not exist here: whoever may over any object is told so, nobody else learns it."""
    return {200, 404, 422} if POLICY[action].get(role) is Relation.ANY else {403}


@pytest.mark.parametrize("role", Role)
def test_a_role_reads_what_the_policy_says_and_nothing_else(sign_in: SignIn, role: Role) -> None:
    who = sign_in(role)

    for path, action in READ.items():
        assert who.client.get(path).status_code in expected(role, action), path


@pytest.mark.parametrize("role", Role)
def test_a_role_writes_what_the_policy_says_and_nothing_else(sign_in: SignIn, role: Role) -> None:
    who = sign_in(role)

    for path, action in WRITE.items():
        assert write(who, path).status_code in expected(role, action), path


@pytest.mark.parametrize("path", WRITE)
def test_a_page_of_another_site_writes_nothing(sign_in: SignIn, path: str) -> None:
    who = sign_in(*Role)

    for headers in (
        {},
        {CSRF_HEADER: "guessed"},
        {**who.headers, "Origin": "https://evil.example"},
        {**who.headers, "Sec-Fetch-Site": "cross-site"},
    ):
        assert write(who, path, headers).status_code == 403


def test_the_csrf_token_of_somebody_else_is_no_good(sign_in: SignIn) -> None:
    one, other = sign_in(Role.SECRETARIAT, login="one"), sign_in(Role.SECRETARIAT, login="other")

    one.csrf = other.csrf

    assert write(one, "/identification/1").status_code == 403


# --- scans in


PDF = b"%PDF-1.7 " + b"x" * (300 << 10)


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the service was given, with the bytes that were in the file then."""
    calls: list[dict[str, Any]] = []

    def add_scan(*args: object, path: Path, **details: object) -> ScanAdded:
        calls.append({**details, "content": path.read_bytes(), "path": path})
        return ScanAdded(scan_file_id=7, job_id=3, known=False, files=(7,))

    monkeypatch.setattr(scans, "add_scan", add_scan)
    return calls


@pytest.fixture
def paper_id(database: sessionmaker[Session]) -> int:
    office = Actor.system("test")
    roster = "Nom;Prénom;Né(e) le\nDURAND;Zoé;01/02/2009\n".encode()
    exams.import_roster(database, office, session_name="Bac", file_name="liste.csv", content=roster)
    scheme = b"code,label,points,bonus\n1,Exercice,20,0\n"
    return exams.create_paper(
        database, office, session_name="Bac", name="Maths", schemes={"A": ("bareme.csv", scheme)}
    )


def announce(who: Visitor, paper_id: int, **said: Any) -> Any:
    said = {"name": "salle 204.pdf", "byte_size": len(PDF), **said}
    return who.client.post(f"/scans/{paper_id}/uploads", json=said, headers=who.headers)


def put(who: Visitor, token: str, content: bytes | Iterator[bytes], *, offset: int = 0) -> Any:
    address = f"/scans/uploads/{token}?offset={offset}"
    return who.client.put(address, content=content, headers=who.headers)


def test_a_scan_arrives_whole_and_its_partial_file_is_taken_away_after(
    sign_in: SignIn, received: list[dict[str, Any]], home: Path, paper_id: int
) -> None:
    who = sign_in(Role.SECRETARIAT)
    said = {"layout": "a4", "lot": " salle 204 ", "pages_per_copy": 8, "stated_copies": 30}

    begun = announce(who, paper_id, **said).json()
    answer = put(who, begun["token"], PDF)

    ended = {"scan_file_id": 7, "known": False, "files": [7], "refused": []}
    assert (begun["received"], begun["ended"]) == (0, None)
    assert answer.json() == {**begun, "received": len(PDF), "ended": ended}
    [call] = received
    assert call["content"] == PDF
    assert (call["paper_id"], call["file_name"], call["layout"]) == (paper_id, "salle 204.pdf", "a4")
    assert (call["lot_label"], call["pages_per_copy"]) == ("salle 204", 8)
    assert (call["stated_copies"], call["stated_sheets"]) == (30, None)
    assert list((home / "uploads").iterdir()) == []


def test_the_right_is_checked_before_the_body_is_read(
    sign_in: SignIn, received: list[dict[str, Any]], home: Path, paper_id: int
) -> None:
    token = announce(sign_in(Role.SECRETARIAT), paper_id).json()["token"]

    answer = put(sign_in(Role.CORRECTOR), token, PDF)

    assert answer.status_code == 403
    assert not received
    assert not (home / "uploads" / token).exists()


def test_the_upload_of_another_account_is_unknown(sign_in: SignIn, home: Path, paper_id: int) -> None:
    one, other = sign_in(Role.SECRETARIAT, login="one"), sign_in(Role.SECRETARIAT, login="other")
    token = announce(one, paper_id).json()["token"]

    for asked in (token, "guessed", "..%2f..%2fkorrigo.sqlite"):
        address = f"/scans/uploads/{asked}"
        assert other.client.get(address).status_code == 404
        assert put(other, asked, PDF).status_code == 404
        assert other.client.delete(address, headers=other.headers).status_code == 404
    assert one.client.get(f"/scans/uploads/{token}").json()["received"] == 0


def test_a_wrong_offset_is_answered_with_the_right_one(
    sign_in: SignIn, received: list[dict[str, Any]], paper_id: int
) -> None:
    who = sign_in(Role.SECRETARIAT)
    token = announce(who, paper_id).json()["token"]
    assert put(who, token, PDF[:1000]).json()["received"] == 1000

    for offset in (0, 999, 1001, len(PDF)):
        answer = put(who, token, PDF[offset:], offset=offset)
        assert (answer.status_code, answer.json()["received"]) == (409, 1000)
        assert answer.json()["error"]["code"] == "upload_elsewhere"

    assert put(who, token, PDF[1000:], offset=1000).json()["ended"]["files"] == [7]
    assert [call["content"] for call in received] == [PDF]


@pytest.fixture
def small_limit(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KORRIGO_UPLOAD_LIMIT_BYTES", "100000")
    resources.forget()


def test_a_file_that_says_it_is_too_large_is_refused_with_the_limit_before_a_byte_of_it_comes(
    small_limit: None, sign_in: SignIn, home: Path, paper_id: int
) -> None:
    answer = announce(sign_in(Role.SECRETARIAT), paper_id, byte_size=100_001)

    assert answer.status_code == 413
    assert "97,7 ko" in answer.json()["error"]["sentence"]
    assert not (home / "uploads").exists()


def test_a_body_that_is_longer_than_was_said_is_cut_off(
    sign_in: SignIn, received: list[dict[str, Any]], home: Path, paper_id: int
) -> None:
    who = sign_in(Role.SECRETARIAT)
    token = announce(who, paper_id, byte_size=1000).json()["token"]

    answer = put(who, token, iter([PDF] * 5))

    assert answer.status_code == 413
    assert not received
    assert who.client.get(f"/scans/uploads/{token}").json()["received"] == 0
    assert sum(path.stat().st_size for path in (home / "uploads").iterdir()) <= 1000


def test_a_chunk_that_says_it_is_longer_than_chunks_are_is_not_read(
    sign_in: SignIn, home: Path, paper_id: int
) -> None:
    who = sign_in(Role.SECRETARIAT)
    token = announce(who, paper_id, byte_size=uploads.CHUNK_BYTES * 2).json()["token"]

    assert put(who, token, bytes(uploads.CHUNK_BYTES + 1)).status_code == 413
    assert not (home / "uploads" / token).exists()


def test_what_is_no_scan_gets_a_sentence_whenever_it_is_asked_for_and_leaves_nothing(
    sign_in: SignIn, home: Path, paper_id: int
) -> None:
    who = sign_in(Role.SECRETARIAT)
    token = announce(who, paper_id, name="notes.pdf", byte_size=5).json()["token"]

    told = put(who, token, b"hello")

    assert told.status_code == 422
    assert told.json()["error"]["code"] == "scan_kind_unknown"
    assert told.json()["error"]["sentence"].startswith("notes.pdf : ce fichier n'est ni un PDF")
    assert who.client.get(f"/scans/uploads/{token}").json() == told.json()
    assert list((home / "uploads").iterdir()) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"byte_size": "5"},
        {"byte_size": -1},
        {"byte_size": None},
        {"byte_size": True},
        {"name": "/"},
        {"pages_per_copy": 0},
        {"stated_copies": 10**9},
        {"layout": "a5"},
    ],
)
def test_an_announcement_that_cannot_be_read_is_refused(
    sign_in: SignIn, paper_id: int, wrong: dict[str, Any]
) -> None:
    assert announce(sign_in(Role.SECRETARIAT), paper_id, **wrong).status_code == 422


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("C:\\scans\\lot 1.pdf", "lot 1.pdf"),
        ("../../etc/passwd", "passwd"),
        ("lot\x00\n1.pdf", "lot1.pdf"),
        ("é" * 300 + ".pdf", "é" * 196 + ".pdf"),
        ("/", ""),
    ],
)
def test_of_a_file_name_only_the_last_part_is_kept(sent: str, kept: str) -> None:
    assert base_name(sent) == kept


# --- files out


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    """Pages are drawn without a database; the widths asked for."""
    widths: list[int | None] = []

    def page(*args: object, width_px: int | None, **details: object) -> PageImage:
        widths.append(width_px)
        return PageImage(JPEG, "0" * 64)

    monkeypatch.setattr(copies, "masked_page", page)
    monkeypatch.setattr(copies, "named_page", page)
    return widths


def test_a_page_that_the_browser_has_is_not_sent_again_but_asked_for_again(
    sign_in: SignIn, drawn: list[int | None]
) -> None:
    who = sign_in(Role.CORRECTOR)
    path = f"/files/copies/{CODE}/pages/1.jpg?width=900"

    first = who.client.get(path)
    second = who.client.get(path, headers={"If-None-Match": first.headers["etag"]})

    assert (first.status_code, first.content, first.headers["content-type"]) == (200, JPEG, "image/jpeg")
    assert (second.status_code, second.content) == (304, b"")
    assert first.headers["cache-control"] == second.headers["cache-control"] == "private, no-cache"
    assert drawn == [900, 900]


@pytest.mark.parametrize("width", ["0", "99999", "-5", "1e3", "abc", "²"])
def test_an_odd_width_is_refused_before_a_page_is_drawn(
    sign_in: SignIn, drawn: list[int | None], width: str
) -> None:
    answer = sign_in(Role.CORRECTOR).client.get(f"/files/copies/{CODE}/pages/1.jpg", params={"width": width})

    assert answer.status_code == 422
    assert drawn == []


def test_a_code_with_a_wrong_check_sign_is_no_copy(sign_in: SignIn, drawn: list[int | None]) -> None:
    who = sign_in(Role.CORRECTOR)

    assert who.client.get("/files/copies/23-456E/pages/1.jpg").status_code == 404
    assert drawn == []


def test_files_with_names_are_kept_by_no_cache_and_named_by_code(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publication, "student_pdf", lambda *args, **details: b"%PDF-")

    answer = sign_in(Role.STUDENT).client.get(f"/files/mine/{CODE}.pdf")

    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["content-disposition"] == (
        f"inline; filename=\"ma-copie-{CODE}.pdf\"; filename*=UTF-8''ma-copie-{CODE}.pdf"
    )


def test_the_file_name_of_an_export_survives_its_accents(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Exported('Épreuve "1".csv', b"\xef\xbb\xbf", [])
    monkeypatch.setattr(exports, "export_paper", lambda *args, **details: made)

    answer = sign_in(Role.COORDINATOR).client.get("/files/exports/1/pronote")

    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"_preuve 1.csv\"; filename*=UTF-8''%C3%89preuve%20%221%22.csv"
    )


def test_the_ledger_has_the_columns_of_the_command_line(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scans, "ledger", lambda *args, **details: [])

    answer = sign_in(Role.SECRETARIAT).client.get("/files/ledger/1.csv")

    assert answer.text.strip() == (
        "file_sha256,image,half,page,place,booklet,position,copy,rotation_deg,skew_deg,blank,reason"
    )


# --- desks


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"kind": "publish"}',
        b'{"kind": "candidate", "candidate_id": "1"}',
        b'{"kind": "candidate", "candidate_id": true}',
        b'{"x": "' + b"a" * (2 << 20) + b'"}',
        b"\xff\xfe",
        b"[" * 900_000,
        b'{"kind": "candidate", "candidate_id": 99999999999999999999}',
    ],
)
def test_a_decision_that_cannot_be_read_is_refused(sign_in: SignIn, body: bytes) -> None:
    who = sign_in(Role.SECRETARIAT)

    assert who.client.post("/identification/1", content=body, headers=who.headers).status_code == 422


@pytest.mark.parametrize("number", ["9" * 20, "9" * 5000, "0x1", "-1"])
def test_a_number_that_no_row_can_have_is_an_address_that_does_not_exist(
    sign_in: SignIn, number: str
) -> None:
    who = sign_in(Role.SECRETARIAT)

    for address in ("/files/headers/{}.jpg", "/identification/papers/{}", "/files/ledger/{}.csv"):
        assert who.client.get(address.format(number)).status_code == 404, address


def test_a_decision_reaches_the_service(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def decide(*args: object, **details: object) -> identification.Decided:
        asked.append(details)
        return identification.Decided(decision_id=9, copy_id=None)

    monkeypatch.setattr(identification, "decide", decide)
    who = sign_in(Role.SECRETARIAT)
    body = {"kind": "candidate", "candidate_id": 4, "expected_decision_id": None}

    answer = who.client.post("/identification/31", json=body, headers=who.headers)

    assert answer.json() == {"decision_id": 9, "copy_id": None}
    decided = {"booklet_id": 31, "kind": "candidate", "candidate_id": 4, "expected_decision_id": None}
    assert asked == [{**decided, "reason": ""}]


def test_points_come_with_a_comma_or_a_point() -> None:
    action = {"kind": "mark", "expected_version": 1, "item_id": 2}

    assert str(mark_action({**action, "points": "0,75"}).points) == "0.75"
    assert str(mark_action({**action, "points": "0.75"}).points) == "0.75"
    assert str(mark_action({**action, "points": 1}).points) == "1"


@pytest.mark.parametrize(
    "wrong",
    [
        "mark",
        {"kind": "mark"},
        {"kind": "drop", "expected_version": 1},
        {"kind": "mark", "expected_version": "1"},
        {"kind": "mark", "expected_version": 1, "points": "NaN"},
        {"kind": "mark", "expected_version": 1, "points": "1e999999999"},
        {"kind": "mark", "expected_version": 1, "points": True},
        {"kind": "mark", "expected_version": 1, "points": [1]},
        {"kind": "remark", "expected_version": 1, "text": 3},
        {"kind": "annotate", "expected_version": 1, "shape": "M0"},
        {"kind": "annotate", "expected_version": 1, "page": 1.5},
    ],
)
def test_an_action_that_cannot_be_read_is_refused(wrong: object) -> None:
    with pytest.raises(BadInput):
        mark_action(wrong)


# --- every answer


@pytest.mark.parametrize(
    "path", ["/files/../etc/passwd", "/files/zzz", "/auth/x", "/api/x", "/files/headers/x.jpg"]
)
def test_an_address_of_ours_that_is_nothing_says_so(visitor: Visitor, path: str) -> None:
    assert visitor.client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/_stcore/metrics", "/app/_stcore/metrics", "/_stcore/agent/interact"])
def test_streamlit_s_own_doors_are_closed(visitor: Visitor, path: str) -> None:
    assert visitor.client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/api/health/live", "/files/zzz", "/files/headers/1.jpg"])
def test_every_answer_bears_the_headers(visitor: Visitor, path: str) -> None:
    headers = visitor.client.get(path).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "frame-ancestors 'self'" in headers["content-security-policy"]
    assert "unsafe-eval" not in headers["content-security-policy"]


def test_a_tab_gets_a_page_with_the_sentence_and_a_component_gets_json(visitor: Visitor) -> None:
    page = visitor.client.get("/files/headers/1.jpg", headers={"Accept": "text/html,*/*"})

    assert page.headers["content-type"].startswith("text/html")
    assert "Votre connexion est terminée." in page.text
    assert (
        visitor.client.get("/files/headers/1.jpg").json()["error"]["sentence"].startswith("Votre connexion")
    )


def test_a_bug_shows_an_error_id_that_is_in_the_log_and_no_traceback(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: object, **details: object) -> object:
        raise RuntimeError("/secret/path of Marie-Lou")

    monkeypatch.setattr(marking, "open_copy", broken)

    answer = sign_in(Role.CORRECTOR).client.get(f"/marking/{CODE}")

    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "Marie" not in answer.text
    [error_id] = re.findall(r"n° ([0-9a-f]{8})", answer.text)
    assert error_id in caplog.text
    assert "default-src" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_health_needs_no_sign_in_and_tells_nothing(visitor: Visitor) -> None:
    assert visitor.client.get("/api/health/live").json() == {"status": "ok"}
    assert visitor.client.get("/api/health/ready").json() == {"status": "ok"}


def test_a_home_is_closed_to_other_users_of_the_machine(database: sessionmaker[Session], home: Path) -> None:
    assert home.stat().st_mode & 0o777 == 0o700


def test_streamlit_accepts_all_our_routes(home: Path) -> None:
    async def nothing(_request: Request) -> Response:
        return Response()

    app = st.App(Path(__file__), routes=routes())

    with pytest.raises(ValueError, match="reserved"):
        st.App(Path(__file__), routes=[Route("/_stcore/metrics", nothing)])
    assert app is not None
