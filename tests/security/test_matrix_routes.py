"""Route × role × relation to the object, over HTTP, on a paper at every stage.

The rows are written by hand, one per route and method; a route without a row fails. What each row expects
comes from the policy table alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from starlette.routing import Route

from core.domain.access import Action, Role, is_allowed
from core.services import accounts
from tests.integration.builders import STAFF
from tests.security import rights_scene
from tests.security.rights_scene import RightsScene, login_of, relation_to
from tests.security.served import Served
from workbench.cookie import COOKIE
from workbench.routes import OWN_PREFIXES, routes
from workbench.routes.access import CSRF_HEADER

Address = Callable[[RightsScene], str]


@dataclass(frozen=True)
class Row:
    """A route: the right it needs, an address that exists, and what is posted.

    ``answer`` is the status for whoever has the right.
    """

    action: Action
    address: Address
    body: Any = None
    answer: int = 200


READ: dict[str, Row] = {
    "/files/headers/{booklet_id:row}.jpg": Row(
        Action.VIEW_HEADERS, lambda scene: f"/files/headers/{scene.booklet_id}.jpg", answer=404
    ),
    "/files/booklets/{booklet_id:row}/pages/{page:row}.jpg": Row(
        Action.VIEW_HEADERS, lambda scene: f"/files/booklets/{scene.booklet_id}/pages/1.jpg"
    ),
    "/files/copies/{code}/pages/{page:row}.jpg": Row(
        Action.VIEW_MASKED_PAGE, lambda scene: f"/files/copies/{scene.published}/pages/1.jpg"
    ),
    "/files/copies/{code}/marked.pdf": Row(
        Action.VIEW_MARKED_PDF, lambda scene: f"/files/copies/{scene.published}/marked.pdf"
    ),
    "/files/mine/{code}/pages/{page:row}.jpg": Row(
        Action.VIEW_NAMED_PAGE, lambda scene: f"/files/mine/{scene.published}/pages/1.jpg"
    ),
    "/files/mine/{code}.pdf": Row(
        Action.VIEW_STUDENT_PDF, lambda scene: f"/files/mine/{scene.published}.pdf"
    ),
    "/files/exports/{paper_id:row}/{format}": Row(
        Action.EXPORT, lambda scene: f"/files/exports/{scene.paper_id}/pronote"
    ),
    "/files/ledger/{paper_id:row}.csv": Row(
        Action.VIEW_LEDGER, lambda scene: f"/files/ledger/{scene.paper_id}.csv"
    ),
    "/identification/papers/{paper_id:row}": Row(
        Action.IDENTIFY, lambda scene: f"/identification/papers/{scene.paper_id}"
    ),
    "/marking/{code}": Row(Action.MARK, lambda scene: f"/marking/{scene.open}"),
    "/scans/{paper_id:row}/workshop.json": Row(
        Action.VIEW_LEDGER, lambda scene: f"/scans/{scene.paper_id}/workshop.json"
    ),
    "/files/halves/{half_id:row}/page.jpg": Row(Action.VIEW_HEADERS, lambda _: "/files/halves/1/page.jpg"),
    "/files/halves/{half_id:row}.jpg": Row(Action.VIEW_HEADERS, lambda _: "/files/halves/1.jpg"),
    "/scans/uploads/{token}": Row(Action.ADD_SCANS, lambda _: "/scans/uploads/unknown", answer=404),
    "/scans/{paper_id:row}/header-pages.json": Row(
        Action.ADD_SCANS, lambda scene: f"/scans/{scene.paper_id}/header-pages.json"
    ),
    "/files/scan-images/{image_id:row}/{half}.jpg": Row(
        Action.VIEW_HEADERS, lambda _: "/files/scan-images/999/full.jpg", answer=404
    ),
}
WRITE: dict[str, Row] = {
    "/scans/{paper_id:row}/uploads": Row(
        Action.ADD_SCANS,
        lambda scene: f"/scans/{scene.paper_id}/uploads",
        {"name": "lot.pdf", "byte_size": 2**52},
        answer=413,
    ),
    "PUT /scans/uploads/{token}": Row(
        Action.ADD_SCANS, lambda _: "/scans/uploads/unknown?offset=0", answer=404
    ),
    "DELETE /scans/uploads/{token}": Row(Action.ADD_SCANS, lambda _: "/scans/uploads/unknown", answer=404),
    "/identification/{booklet_id:row}": Row(
        Action.IDENTIFY,
        lambda scene: f"/identification/{scene.booklet_id}",
        {"kind": "illegible", "candidate_id": None, "expected_decision_id": None},
        answer=409,
    ),
    "/identification/{booklet_id:row}/undo": Row(
        Action.IDENTIFY, lambda scene: f"/identification/{scene.booklet_id}/undo"
    ),
    "/marking/{code}": Row(
        Action.MARK,
        lambda scene: f"/marking/{scene.open}",
        {"actions": [{"kind": "untreated", "item_id": 1, "expected_version": 99}]},
        answer=422,
    ),
}
DRAWING = {
    "image": 999999,
    "half": "full",
    "turn": 0,
    "zone": [0.1, 0.1, 0.9, 0.2],
    "fields": {"surname": [0.2, 0.1, 0.5, 0.2]},
}
WRITE |= {
    "/marking/{code}/notice": Row(
        Action.MARK, lambda scene: f"/marking/{scene.open}/notice", {"page_set": 99}, answer=404
    ),
    "/scans/{paper_id:row}/repairs": Row(
        Action.REPAIR,
        lambda scene: f"/scans/{scene.paper_id}/repairs",
        {"kind": "settle", "halves": [999999], "version": 0},
        answer=422,
    ),
    "/scans/{paper_id:row}/repairs/{repair_id:row}/undo": Row(
        Action.REPAIR, lambda scene: f"/scans/{scene.paper_id}/repairs/999/undo", {}, answer=404
    ),
    "/scans/{paper_id:row}/check": Row(
        Action.REPAIR, lambda scene: f"/scans/{scene.paper_id}/check", {"lots": [], "files": []}
    ),
    "/scans/{paper_id:row}/lots/{lot_id:row}": Row(
        Action.REPAIR,
        lambda scene: f"/scans/{scene.paper_id}/lots/999",
        {"label": "salle 204", "stated_copies": None, "stated_sheets": None},
        answer=404,
    ),
    "/scans/header-models/try": Row(
        Action.VIEW_HEADERS, lambda _: "/scans/header-models/try", DRAWING, answer=404
    ),
    "/scans/header-models": Row(
        Action.ADD_SCANS,
        lambda _: "/scans/header-models",
        {**DRAWING, "name": "En-tête du lycée", "kind": "copy"},
        answer=404,
    ),
    "/scans/header-models/{model_id:row}/remove": Row(
        Action.ADD_SCANS, lambda _: "/scans/header-models/999/remove", {}, answer=404
    ),
    "/scans/{paper_id:row}/read-again": Row(
        Action.ADD_SCANS, lambda scene: f"/scans/{scene.paper_id}/read-again", {"files": []}
    ),
}
"""By path; the method stands before it unless it is POST."""
FOR_ANYBODY = frozenset(
    {"/auth/exchange", "/auth/sign-out", "/api/health/live", "/api/health/ready", "/api/health/", "/metrics"}
)
"""Routes that ask for no right: they open and close connections, or tell whether the application lives."""

PEOPLE = [(role, related) for role in Role for related in (True, False)]


def test_every_route_has_its_row() -> None:
    found: dict[str, set[str]] = {"GET": set(), "": set()}
    for route in routes():
        assert isinstance(route, Route)
        for method in set(route.methods or ()) - {"HEAD"}:
            found["GET" if method == "GET" else ""].add(f"{method} {route.path}".removeprefix("POST "))
    ends = {f"{prefix}/{{rest:path}}" for prefix in OWN_PREFIXES}

    assert {path.removeprefix("GET ") for path in found["GET"]} - ends - FOR_ANYBODY == set(READ)
    assert found[""] - ends - FOR_ANYBODY == set(WRITE)


@pytest.mark.parametrize("path", READ)
def test_whoever_the_policy_names_reads_and_nobody_else(served: Served, path: str) -> None:
    row = READ[path]

    for role, related in PEOPLE:
        answer = _get(served, login_of(role, related=related), row.address(served.scene))
        assert answer.status_code == _expected(served, row, role, related=related), (role, related)
        if answer.status_code == 403:
            _tells_nothing(served, answer)


@pytest.mark.parametrize("path", WRITE)
def test_whoever_the_policy_names_writes_and_nobody_else(served: Served, path: str) -> None:
    row, before = WRITE[path], served.digest()

    for role, related in PEOPLE:
        answer = _write(served, login_of(role, related=related), path, row)
        assert answer.status_code == _expected(served, row, role, related=related), (role, related)
    assert served.digest() == before


@pytest.mark.parametrize("path", READ)
def test_a_link_sent_to_a_friend_who_is_not_signed_in_opens_nothing(served: Served, path: str) -> None:
    answer = httpx2.get(served.application.url + READ[path].address(served.scene))

    assert answer.status_code == 401
    _tells_nothing(served, answer)


def test_another_pupils_pdf_and_pages_are_refused_like_those_of_a_guessed_code(served: Served) -> None:
    for address in ("/files/mine/{}.pdf", "/files/mine/{}/pages/1.jpg"):
        others = _get(served, "eleve", address.format(served.scene.others))
        guessed = _get(served, "eleve", address.format(rights_scene.STRANGER))

        assert others.status_code == guessed.status_code == 403
        assert others.json() == guessed.json()


def test_a_pupils_own_copy_is_refused_until_it_is_published(served: Served) -> None:
    for code, status in ((served.scene.finalised, 403), (served.scene.open, 403)):
        assert _get(served, "attente", f"/files/mine/{code}.pdf").status_code == status


def test_a_copied_cookie_is_worth_nothing_after_the_sign_out(served: Served) -> None:
    token, csrf = rights_scene.connect(served.sessions, "eleve")
    own = f"{served.application.url}/files/mine/{served.scene.published}.pdf"
    assert httpx2.get(own, cookies={COOKIE: token}).status_code == 200

    out = httpx2.post(
        f"{served.application.url}/auth/sign-out", cookies={COOKIE: token}, headers={CSRF_HEADER: csrf}
    )

    assert out.status_code == 200
    assert httpx2.get(own, cookies={COOKIE: token}).status_code == 401


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_body_that_takes_its_time_is_refused_when_its_sender_was_cut_off_meanwhile(
    served: Served, method: str
) -> None:
    login = f"parti{len(method)}"
    accounts.create_account(
        served.sessions,
        STAFF,
        login=login,
        roles=[Role.SECRETARIAT],
        surname="Parti",
        password=rights_scene.PASSWORD,
        must_change=False,
    )
    token, csrf = rights_scene.connect(served.sessions, login)
    headers = {"Cookie": f"{COOKIE}={token}", CSRF_HEADER: csrf}
    if method == "PUT":
        body = served.scene.scan.read_bytes()
        begun = httpx2.post(
            f"{served.application.url}/scans/{served.scene.paper_id}/uploads",
            json={"name": "lot.pdf", "byte_size": len(body)},
            headers=headers,
        )
        path = f"/scans/uploads/{begun.json()['token']}?offset=0"
    else:
        path, body = f"/identification/{served.scene.booklet_id}", b'{"kind": "illegible"}'
    slow = HTTPConnection(urlsplit(served.application.url).netloc, timeout=30)
    slow.putrequest(method, path)
    for name, value in {**headers, "Content-Length": len(body)}.items():
        slow.putheader(name, str(value))
    slow.endheaders(body[:4])
    time.sleep(0.5)  # the right was asked for before the body, and held

    accounts.set_disabled(served.sessions, STAFF, login=login, disabled=True)
    before = served.digest()
    slow.send(body[4:])

    assert slow.getresponse().status == 401
    assert served.digest() == before
    slow.close()


@pytest.mark.parametrize(
    "address",
    ["/_stcore/metrics", "/media/" + "0" * 56 + ".jpg", "/_stcore/agent", "/files/", "/files/x/../y"],
)
def test_what_is_closed_is_closed_to_everybody(served: Served, address: str) -> None:
    for login in ("", "admin"):
        assert _get(served, login, address).status_code in (401, 404), login


def _expected(served: Served, row: Row, role: Role, *, related: bool) -> int:
    actor = served.scene.somebody(role, related=related)
    return row.answer if is_allowed(actor, row.action, relation_to(role, related=related)) else 403


def _get(served: Served, login: str, address: str) -> httpx2.Response:
    cookies = {COOKIE: served.cookie(login)} if login else {}
    return httpx2.get(served.application.url + address, cookies=cookies)


def _write(served: Served, login: str, path: str, row: Row) -> httpx2.Response:
    token, csrf = rights_scene.connect(served.sessions, login)
    return httpx2.request(
        path.rpartition(" ")[0] or "POST",
        served.application.url + row.address(served.scene),
        json=row.body or {},
        cookies={COOKIE: token},
        headers={CSRF_HEADER: csrf},
    )


def _tells_nothing(served: Served, answer: httpx2.Response) -> None:
    for secret in served.secrets():
        assert secret.encode() not in answer.content
