"""No byte that reaches a corrector tells whose a copy is; the same search finds the names where they are shown.

The pixels searched are those of the ground truth: the printed header of each
sheet and the ink of each of its fields, wherever the sheet was turned to.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from core.db.session import Sessions
from core.db.tables import Copy, HalfPage, Header, Identity, ScanFile
from core.domain.access import Role
from core.domain.anonymity import new_code
from core.services import accounts, connections
from core.services.copy_pdf import masked_pdf, read_content
from tests.integration.builders import add_account
from tests.security import anonymity_scene
from tests.security.anonymity_scene import CORRECTORS, Scene, SceneCopy
from tests.security.anonymity_search import (
    LEVELS,
    ShownHalf,
    Telling,
    decoded,
    folded,
    jpeg_extras,
    pdf_extras,
    pdf_told,
    seen_in_pdf,
    seen_on_page,
    telling_boxes,
)
from tests.security.conftest import ORIGIN, PASSWORD, SYSTEM
from tests.tickets import ticket_for
from workbench import guard, resources
from workbench.cookie import COOKIE
from workbench.demo.draw import DrawnScan
from workbench.demo.truth import Truth
from workbench.routes import routes
from workbench.routes.access import CSRF_HEADER
from workbench.routes.answers import unexpected_error
from workbench.routes.protection import Protection

WIDTHS = (400, 1240, 1700)
STUDENT = "eleve"

Seen = set[tuple[int, str]]
"""(page of the copy, box) of all that is not one colour."""


@dataclass
class Heard:
    """A signed-in browser that remembers every answer it got."""

    client: TestClient
    csrf: str = ""
    answers: list[Response] = field(default_factory=list)

    def get(self, path: str) -> Response:
        """Ask for an address."""
        self.answers.append(self.client.get(path))
        return self.answers[-1]

    def post(self, path: str, body: object) -> Response:
        """Send what a page of ours would."""
        headers = {CSRF_HEADER: self.csrf, "Origin": ORIGIN}
        self.answers.append(self.client.post(path, json=body, headers=headers))
        return self.answers[-1]


@dataclass(frozen=True)
class Stage:
    """The scene, who is signed in, and what tells."""

    scene: Scene
    truth: Truth
    telling: Telling
    browsers: Mapping[str, Heard]
    """By login; the empty one is signed out."""

    def corrector_of(self, copy: SceneCopy) -> Heard:
        """The browser of whom the copy is allocated to."""
        return self.browsers[copy.corrector]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> DrawnScan:
    return anonymity_scene.draw(tmp_path_factory.mktemp("drawn"))


@pytest.fixture(scope="module")
def stage(
    drawn: DrawnScan, _migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """Allocated copies, marked through the routes by their correctors, finalised and published."""
    home = tmp_path_factory.mktemp("home")
    shutil.copyfile(_migrated_sqlite, home / "anonymity.sqlite")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KORRIGO_HOME", str(home))
        patch.setenv("KORRIGO_DATABASE_URL", f"sqlite:///{home / 'anonymity.sqlite'}")
        resources.forget()
        yield _staged(drawn, tmp_path_factory.mktemp("scans"))
        resources.forget()


def _staged(drawn: DrawnScan, folder: Path) -> Stage:
    sessions = resources.sessions()
    for login in CORRECTORS:
        _account(sessions, login, Role.CORRECTOR)
    _account(sessions, "secretariat", Role.SECRETARIAT)
    scene = anonymity_scene.build(sessions, resources.blobs(), drawn, folder)
    with sessions.begin() as session:
        ine = drawn.truth.files[0].images[0].pupil
        person = session.scalars(select(Identity.person_id).where(Identity.ine == ine)).one()
        add_account(session, STUDENT, Role.STUDENT, person_id=person)
        session.flush()
    accounts.set_password(sessions, SYSTEM, login=STUDENT, password=PASSWORD, must_change=False)
    server = Starlette(
        routes=routes(), middleware=[Middleware(Protection)], exception_handlers={Exception: unexpected_error}
    )
    browsers = {login: _browser(server, sessions, login) for login in (*CORRECTORS, "secretariat", STUDENT)}
    browsers[""] = Heard(TestClient(server, base_url=ORIGIN, raise_server_exceptions=False))
    telling = Telling(drawn.truth, digests=scene.digests(), others=_traces(sessions))
    stage = Stage(scene, drawn.truth, telling, browsers)
    for copy in scene.copies.values():
        _mark(stage, copy)
    scene.finalise()
    return stage


def _account(sessions: Sessions, login: str, role: Role) -> None:
    accounts.create_account(
        sessions, SYSTEM, login=login, roles=[role], surname=login, password=PASSWORD, must_change=False
    )


def _browser(server: Starlette, sessions: Sessions, login: str) -> Heard:
    client = TestClient(server, base_url=ORIGIN, raise_server_exceptions=False)
    ticket = ticket_for(sessions, login)
    client.post("/auth/exchange", json={"ticket": ticket}, headers={"Origin": ORIGIN}).raise_for_status()
    found = connections.connection(sessions, client.cookies[COOKIE])
    assert found is not None
    return Heard(client, found.csrf_token)


def _traces(sessions: Sessions) -> set[str]:
    """File names, and the ids of people and candidates, which no other number resembles here."""
    names = {anonymity_scene.SCAN_NAME, anonymity_scene.UNKNOWN_NAME}
    firsts = (anonymity_scene.FIRST_PERSON, anonymity_scene.FIRST_CANDIDATE)
    with sessions() as session:
        count = len(session.scalars(select(Identity.person_id)).all())
        names |= set(session.scalars(select(ScanFile.name)))
    stems = {Path(name).stem for name in names}
    return stems | {str(first + extra) for first in firsts for extra in range(count + 1)}


def _mark(stage: Stage, copy: SceneCopy) -> None:
    browser = stage.corrector_of(copy)
    view = browser.get(f"/marking/{copy.code}").json()
    actions: list[dict[str, Any]] = [
        {"kind": "mark", "item_id": item["item_id"], "points": "0,25"}
        for item in view["items"]
        if item["is_leaf"]
    ]
    actions.append({"kind": "appreciation", "text": "Travail sérieux."})
    for action in actions:
        action["expected_version"] = view["version"]
    assert browser.post(f"/marking/{copy.code}", {"actions": actions}).status_code == 200


@contextmanager
def masks_off(sessions: Sessions) -> Iterator[None]:
    """Forget every zone that hides a name; they are back at the end."""
    with sessions.begin() as session:
        kept = {half.id: half.mask_boxes_px for half in session.scalars(select(HalfPage))}
        for half in session.scalars(select(HalfPage)):
            half.mask_boxes_px = []
    try:
        yield
    finally:
        with sessions.begin() as session:
            for half in session.scalars(select(HalfPage)):
                half.mask_boxes_px = kept[half.id]


Address = Callable[[SceneCopy, int], str]


def masked_address(copy: SceneCopy, page: int) -> str:
    return f"/files/copies/{copy.code}/pages/{page}.jpg"


def named_address(copy: SceneCopy, page: int) -> str:
    return f"/files/mine/{copy.code}/pages/{page}.jpg"


def booklet_address(copy: SceneCopy, page: int) -> str:
    booklet, position = copy.booklet_pages[page]
    return f"/files/booklets/{booklet}/pages/{position}.jpg"


def seen_by(browser: Heard, copy: SceneCopy, address: Address, *, width: int | None = None) -> Seen:
    """What a browser sees of the names on the pages of a copy."""
    seen: Seen = set()
    for page, half in copy.halves.items():
        if not telling_boxes(half.image):
            continue
        answer = browser.get(address(copy, page) + (f"?width={width}" if width else ""))
        assert answer.status_code == 200
        seen |= {(page, name) for name in seen_on_page(decoded(answer.content), half)}
    return seen


def all_names(copy: SceneCopy) -> Seen:
    """What a search finds when nothing is hidden: each box on the page that holds most of it."""
    return {
        (page, name)
        for page, half in copy.halves.items()
        for name, box in telling_boxes(half.image).items()
        if _share(half, box) > 0.5
    }


def _share(half: ShownHalf, box: tuple[int, int, int, int]) -> float:
    left, top, right, bottom = (
        pick(mine, edge) for pick, mine, edge in zip((max, max, min, min), half.box, box, strict=True)
    )
    if left >= right or top >= bottom:
        return 0.0
    return (right - left) * (bottom - top) / ((box[2] - box[0]) * (box[3] - box[1]))


# --- the scene holds what it is meant to


def test_the_scene_has_sheets_fed_every_way_and_a_stranger(stage: Stage) -> None:
    turns = {half.image.rotate for copy in stage.scene.known for half in copy.halves.values()}
    with stage.scene.sessions() as session:
        headers = len(session.scalars(select(Header)).all())
        statuses = {copy.code: copy.status for copy in session.scalars(select(Copy))}

    assert turns == {0, 90, 180}
    assert headers == 7  # all the sheets of the class, none of the sheets whose header nobody knows
    assert {copy.corrector for copy in stage.scene.copies.values()} == set(CORRECTORS)
    assert sorted(statuses.values()) == ["finalised"] * 2 + ["published"] * 3
    assert len(stage.scene.copies[stage.scene.unknown].halves) == 4 * len(anonymity_scene.FEEDS)


# --- pictures of pages


@pytest.mark.parametrize("width", WIDTHS)
def test_no_picture_of_a_page_shows_a_name_to_its_corrector(stage: Stage, width: int) -> None:
    for copy in stage.scene.known:
        assert seen_by(stage.corrector_of(copy), copy, masked_address, width=width) == set()


@pytest.mark.parametrize("address", [named_address, booklet_address])
def test_the_same_search_finds_the_names_on_the_pages_of_the_secretariat(
    stage: Stage, address: Address
) -> None:
    for copy in stage.scene.known:
        assert seen_by(stage.browsers["secretariat"], copy, address) >= all_names(copy)


def test_the_secretariat_sees_ink_on_every_header(stage: Stage) -> None:
    for booklet in {page[0] for copy in stage.scene.known for page in copy.booklet_pages.values()}:
        crop = decoded(stage.browsers["secretariat"].get(f"/files/headers/{booklet}.jpg").content)

        assert int(crop.max()) - int(crop.min()) > 20 * LEVELS


def test_a_header_that_nobody_knows_is_hidden_however_the_sheet_was_fed(stage: Stage) -> None:
    copy = stage.scene.copies[stage.scene.unknown]

    assert seen_by(stage.corrector_of(copy), copy, masked_address) == set()
    assert seen_by(stage.browsers["secretariat"], copy, named_address) >= all_names(copy)


def test_a_picture_of_a_page_holds_pixels_and_nothing_else(stage: Stage) -> None:
    for copy in stage.scene.copies.values():
        for page in copy.halves:
            content = stage.corrector_of(copy).get(masked_address(copy, page)).content

            assert jpeg_extras(content) == []
            assert stage.telling.in_bytes(content) == set()


# --- the marked PDF


def marked_pdf(stage: Stage, copy: SceneCopy) -> bytes:
    answer = stage.corrector_of(copy).get(f"/files/copies/{copy.code}/marked.pdf")
    assert answer.status_code == 200
    return answer.content


def test_no_image_and_no_page_of_a_marked_pdf_shows_a_name(stage: Stage) -> None:
    for copy in stage.scene.copies.values():
        assert seen_in_pdf(marked_pdf(stage, copy), copy.halves) == set()


def test_a_marked_pdf_holds_its_pages_and_nothing_else(stage: Stage) -> None:
    for copy in stage.scene.copies.values():
        content = marked_pdf(stage, copy)

        assert pdf_extras(content) == []
        assert pdf_told(content, stage.telling) == set()


def test_the_same_search_finds_the_name_in_the_pdf_of_the_pupil(stage: Stage) -> None:
    pupil = stage.truth.pupils[stage.truth.files[0].images[0].pupil]
    copy = next(copy for copy in stage.scene.known if copy.pupil == pupil.key)

    content = stage.browsers[STUDENT].get(f"/files/mine/{copy.code}.pdf").content

    assert seen_in_pdf(content, copy.halves) >= all_names(copy)
    assert pdf_told(content, stage.telling) >= {folded(pupil.surname), folded(pupil.first_name)}


def test_the_same_search_finds_all_that_a_scan_tells_beside_its_pixels(stage: Stage) -> None:
    with stage.scene.sessions() as session:
        digest = session.scalars(select(ScanFile.sha256).order_by(ScanFile.id)).first()
    assert digest is not None
    content = stage.scene.blobs.get(digest)

    extras = set(pdf_extras(content))

    assert {"root /Names", "root /Outlines", "root /Metadata", "information", "metadata"} <= extras
    assert {"image that no page shows", "page 1 /Thumb", "image 0xfe", "image 0xe1", "image after"} <= extras
    surnames = {folded(pupil.surname) for pupil in stage.truth.pupils.values() if pupil.sheets}
    assert pdf_told(content, stage.telling) >= surnames


# --- masks off


def test_the_same_search_finds_the_names_when_masks_are_off(stage: Stage) -> None:
    scene = stage.scene
    with masks_off(scene.sessions):
        for copy in scene.copies.values():
            assert seen_by(stage.corrector_of(copy), copy, masked_address) >= all_names(copy) != set()
            with scene.sessions() as session:
                row = session.scalars(select(Copy).where(Copy.code == copy.code)).one()
                remade = masked_pdf(scene.sessions, scene.blobs, read_content(session, row))
            assert seen_in_pdf(remade, copy.halves) >= all_names(copy)

    [copy, *_] = scene.known
    assert seen_by(stage.corrector_of(copy), copy, masked_address) == set()


# --- words


def test_no_address_no_header_and_no_answer_tells_a_corrector_whose_a_copy_is(stage: Stage) -> None:
    for copy in stage.scene.copies.values():
        browser = stage.corrector_of(copy)
        browser.get(f"/marking/{copy.code}")
        browser.get(masked_address(copy, 1))
        browser.get(masked_address(copy, len(copy.halves) + 1))
        browser.get(f"/files/copies/{copy.code}/marked.pdf")
        browser.get(named_address(copy, 1))
        browser.get(booklet_address(copy, 1))
        browser.post(
            f"/marking/{copy.code}", {"actions": [{"kind": "clear", "item_id": 1, "expected_version": 1}]}
        )

    for login in CORRECTORS:
        answers = stage.browsers[login].answers
        assert {answer.status_code for answer in answers} >= {200, 403, 404, 409}
        for answer in answers:
            assert told_by(answer, stage.telling) == set(), answer.url


def told_by(answer: Response, telling: Telling) -> set[str]:
    """What an answer tells by its address, its headers and its words."""
    head = "\n".join(
        [str(answer.request.url), *(f"{name}: {value}" for name, value in answer.headers.items())]
    )
    is_text = answer.headers.get("content-type", "").startswith(("application/json", "text/"))
    return telling.in_text(head) | (telling.in_text(answer.text) if is_text else set())


def test_the_same_search_finds_names_and_scans_in_the_answers_of_the_secretariat(stage: Stage) -> None:
    office, paper = stage.browsers["secretariat"], stage.scene.taken.paper_id

    desk = told_by(office.get(f"/identification/papers/{paper}"), stage.telling)
    ledger = told_by(office.get(f"/files/ledger/{paper}.csv"), stage.telling)

    assert desk >= {folded(pupil.surname) for pupil in stage.truth.pupils.values() if pupil.on_roster}
    assert desk >= {str(anonymity_scene.FIRST_CANDIDATE + 1)}
    assert ledger == set(stage.scene.digests())


@pytest.mark.parametrize("login", CORRECTORS)
def test_no_page_of_the_application_tells_a_corrector_whose_a_copy_is(
    stage: Stage, login: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = _application(stage.browsers[login], monkeypatch)
    mine = [copy.code for copy in stage.scene.copies.values() if copy.corrector == login]

    drawn = {name: _drawn(app, name) for name in ("", "my_copies")}
    for code in mine:
        app.query_params["copie"] = code
        drawn[code] = _drawn(app, "marking")

    for code in mine:
        assert code in drawn["my_copies"]
        assert code in drawn[code]
    for page, words in drawn.items():
        assert stage.telling.in_text(words) == set(), page


def test_the_same_search_finds_the_names_on_the_pages_of_the_secretariat_s_application(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = _application(stage.browsers["secretariat"], monkeypatch)

    listed = {folded(pupil.surname) for pupil in stage.truth.pupils.values() if pupil.on_roster}
    assert stage.telling.in_text(_drawn(app, "identify")) >= listed


def _application(browser: Heard, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The application as somebody who is signed in gets it, not run yet."""
    token = browser.client.cookies[COOKIE]
    monkeypatch.setattr(guard, "cookie", lambda: token)
    return AppTest.from_file(str(Path(guard.__file__).parent / "app.py"), default_timeout=60)


def _drawn(app: AppTest, name: str) -> str:
    """Everything a page sends to the browser, tables and components included."""
    if not app._registered_pages:
        app.run()
    app._page_hash = next(
        page_hash for page_hash, page in app._registered_pages.items() if page["url_pathname"] == name
    )
    app.run()
    assert not app.exception
    tables = (table.value.to_csv() for table in app.dataframe)
    return "\n".join([*_sent(app._tree), *tables])


def _sent(node: Any) -> Iterator[str]:
    yield from _words(getattr(node, "proto", None))
    for child in getattr(node, "children", {}).values():
        yield from _sent(child)


def _words(value: Any) -> Iterator[str]:
    """Every text of a message of Streamlit's protocol."""
    if isinstance(value, str):
        yield value
    elif hasattr(value, "ListFields"):
        for _, item in value.ListFields():
            yield from _words(item)
    elif hasattr(value, "values"):
        for item in value.values():
            yield from _words(item)
    elif isinstance(value, Iterable) and not isinstance(value, bytes):
        for item in value:
            yield from _words(item)


# --- who may not even ask


def test_a_copy_of_somebody_else_and_a_code_by_chance_get_the_same_refusal(stage: Stage) -> None:
    [theirs] = [copy for copy in stage.scene.known if copy.corrector == CORRECTORS[1]][:1]
    browser = stage.browsers[CORRECTORS[0]]

    for path in ("/files/copies/{}/pages/1.jpg", "/files/copies/{}/marked.pdf", "/marking/{}"):
        refused, unknown = (
            browser.get(path.format(code)) for code in (theirs.code, new_code(secrets.choice))
        )

        assert refused.status_code == unknown.status_code == 403
        assert refused.content == unknown.content


def test_only_the_corrector_of_a_copy_gets_its_masked_pages(stage: Stage) -> None:
    for copy in stage.scene.copies.values():
        for login, status in (("", 401), (STUDENT, 403), ("secretariat", 403)):
            for path in (
                masked_address(copy, 1),
                f"/files/copies/{copy.code}/marked.pdf",
                f"/marking/{copy.code}",
            ):
                assert stage.browsers[login].get(path).status_code == status


def test_no_corrector_gets_an_address_that_shows_names(stage: Stage) -> None:
    for copy in stage.scene.copies.values():
        for path in (
            named_address(copy, 1),
            booklet_address(copy, 1),
            f"/files/mine/{copy.code}.pdf",
            f"/files/headers/{copy.booklet_pages[1][0]}.jpg",
            f"/identification/papers/{stage.scene.taken.paper_id}",
            f"/files/ledger/{stage.scene.taken.paper_id}.csv",
        ):
            assert stage.corrector_of(copy).get(path).status_code == 403
