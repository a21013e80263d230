"""The whole chain in a real browser: PDF bytes go in, a pupil's PDF and the Pronote file come out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import story
from tests.e2e.servers import Application, serving
from tests.e2e.test_story_command_line import jpegs
from workbench.demo.draw import DrawnScan
from workbench.demo.truth import PupilTruth

pytestmark = pytest.mark.timeout(900)  # a whole class, beside another test process on two cores

ADMIN_PASSWORD = "le mot de passe de départ"
STEADY = "[data-testid='stApp'][data-test-script-state='notRunning']"
STAFF = {
    "secretariat": "secrétariat",
    "coordination": "coordination",
    story.CORRECTORS[0]: "correction",
    story.CORRECTORS[1]: "correction",
}
READING_MS = 300_000
FINALISING_MS = 120_000


class Visitor:
    """Somebody at their browser."""

    def __init__(self, page: Page, application: Application) -> None:
        self.page = page
        self.url = application.url

    def sign_in(self, login: str, password: str) -> str:
        """Sign in and, at the first time, choose a password; returns the one that now holds."""
        self.page.goto(self.url)
        self.page.get_by_label("Identifiant").fill(login)
        self.page.get_by_label("Mot de passe", exact=True).fill(password)
        self.page.get_by_role("button", name="Se connecter").click()
        first = self.page.get_by_label("Mot de passe remis")
        out = self.page.get_by_role("button", name="Se déconnecter")
        expect(first.or_(out).first).to_be_visible()
        self.settle()
        if first.is_visible():
            chosen = f"la phrase de {login}"
            first.fill(password)
            self.page.get_by_label("Nouveau mot de passe").fill(chosen)
            self.page.get_by_label("Le même, encore une fois").fill(chosen)
            self.page.get_by_role("button", name="Enregistrer").click()
            password = chosen
        # The change of password is done once the application itself is there.
        expect(self.page.get_by_role("heading", name="Accueil")).to_be_visible()
        return password

    def open(self, name: str) -> None:
        """Go to a page of the application by its address."""
        self.page.goto(f"{self.url}/{name}")
        self.settle()

    def settle(self) -> None:
        """Wait until the page is drawn."""
        self.page.wait_for_selector(STEADY)

    def choose_file(self, trigger: str, path: Path) -> None:
        """Give a file through the button that asks for it."""
        with self.page.expect_file_chooser() as chooser:
            self.page.get_by_role("button", name=trigger).first.click()
        chooser.value.set_files(path)

    def download(self, address: str) -> bytes:
        """What a link of the page gives this person."""
        answer = self.page.context.request.get(f"{self.url}{address}")
        assert answer.status == 200, answer.text()
        return answer.body()


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> DrawnScan:
    return story.draw_class(tmp_path_factory.mktemp("drawn"))


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    with serving(tmp_path_factory.mktemp("home")) as running:
        running.korrigo(
            "account", "add", "admin", "--role", "admin", "--password-stdin", stdin=f"{ADMIN_PASSWORD}\n"
        )
        yield running


def test_a_class_from_its_scans_to_the_pupils_and_pronote(
    browser: Browser, application: Application, drawn: DrawnScan
) -> None:
    tell(browser, application, drawn)


def tell(browser: Browser, application: Application, drawn: DrawnScan) -> None:
    """The whole story, on an application that has one account, ``admin``."""
    visitors = _Visitors(browser, application)
    with visitors.signed_in("admin", ADMIN_PASSWORD) as admin:
        passwords = _create_staff(admin)
    with visitors.signed_in("secretariat", passwords["secretariat"]) as secretariat:
        _import_roster(secretariat, drawn)
        _create_paper(secretariat, drawn)
        _send_scans(secretariat, drawn)
        _control(secretariat)
        _identify(secretariat, drawn)
    with visitors.signed_in("coordination", passwords["coordination"]) as coordination:
        _share(coordination)
    given: dict[str, story.Marked] = {}
    for login in story.CORRECTORS:
        with visitors.signed_in(login, passwords[login]) as corrector:
            given |= _mark(corrector, drawn)
            _finalise(corrector)
    with visitors.signed_in("coordination", passwords["coordination"]) as coordination:
        pronote = _publish(coordination)
    written = _writers(application, drawn)
    assert pronote == story.pronote_file([(pupil, given[code]) for code, pupil in written.items()])
    with visitors.signed_in("admin", ADMIN_PASSWORD) as admin:
        logins = _create_students(admin)
    code, pupil = next((code, pupil) for code, pupil in written.items() if pupil.sheets == 3)
    login, password = logins[(pupil.surname, pupil.first_name)]
    with visitors.signed_in(login, password) as student:
        _read_own_copy(student, code, given[code], pupil, drawn)


class _Visitors:
    """Each in a browser of their own; passwords change at the first sign-in and are kept here."""

    def __init__(self, browser: Browser, application: Application) -> None:
        self._browser = browser
        self._application = application
        self._passwords: dict[str, str] = {}

    @contextmanager
    def signed_in(self, login: str, password: str) -> Iterator[Visitor]:
        with self._browser.new_context(
            locale="fr-FR", timezone_id="Europe/Paris", viewport={"width": 1280, "height": 720}
        ) as context:
            context.set_default_timeout(30_000)
            visitor = Visitor(context.new_page(), self._application)
            self._passwords[login] = visitor.sign_in(login, self._passwords.get(login, password))
            yield visitor


def _create_staff(admin: Visitor) -> dict[str, str]:
    page = admin.page
    passwords = {}
    for login, role in STAFF.items():
        admin.open("accounts")
        page.get_by_text("Nouveau compte").click()
        new = page.locator(".st-key-new_account")  # accounts that exist have the same words below
        new.get_by_label("Nom", exact=True).fill(login.capitalize())
        new.get_by_label("Identifiant").fill(login)
        new.get_by_role("button", name=role, exact=True).click()
        new.get_by_role("button", name="Créer le compte").click()
        told = page.get_by_role("status").filter(has_text=f"Compte {login} créé")
        expect(told).to_be_visible()
        passwords[login] = told.locator("code").inner_text()
    return passwords


def _import_roster(secretariat: Visitor, drawn: DrawnScan) -> None:
    secretariat.open("rosters")
    page = secretariat.page
    page.get_by_label("Nom de la nouvelle session").fill(story.SESSION)
    page.keyboard.press("Tab")
    secretariat.settle()
    page.locator("input[type=file]").first.set_input_files(drawn.roster)
    page.get_by_role("button", name="Importer 28 lignes").click()
    expect(page.get_by_text("28 élèves")).to_be_visible()


def _create_paper(secretariat: Visitor, drawn: DrawnScan) -> None:
    secretariat.open("papers")
    page = secretariat.page
    page.get_by_label("Nom de l'épreuve").fill(story.PAPER)
    page.keyboard.press("Tab")
    secretariat.settle()
    page.locator("input[type=file]").first.set_input_files(drawn.scheme)
    expect(page.get_by_text(drawn.scheme.name)).to_be_visible()
    page.get_by_role("button", name="Créer l'épreuve").click()
    expect(page.get_by_text(f"L'épreuve {story.PAPER} est créée.")).to_be_visible()


def _send_scans(secretariat: Visitor, drawn: DrawnScan) -> None:
    secretariat.open("scans")
    with secretariat.page.expect_file_chooser() as chooser:
        secretariat.page.get_by_role("button", name="Choisir des fichiers").click()
    chooser.value.set_files(drawn.pdfs)
    expect(secretariat.page.get_by_text("176 demi-pages")).to_be_visible(timeout=READING_MS)
    expect(secretariat.page.get_by_text("44 livrets").first).to_be_visible()


def _control(secretariat: Visitor) -> None:
    """Look at each lot and validate it: until then there is nothing to identify."""
    page = secretariat.page
    secretariat.open("scans")
    control = page.get_by_role("link", name="Contrôler ce lot")
    expect(control.first).to_be_visible(timeout=READING_MS)
    for _ in range(control.count()):
        secretariat.open("scans")
        control.first.click()
        page.get_by_role("button", name=re.compile("Valider le lot")).first.click()
        anyway = page.get_by_role("button", name=re.compile("valider quand même"))
        done = page.get_by_role("button", name="Lot contrôlé")
        expect(anyway.or_(done).first).to_be_visible()
        if anyway.is_visible():
            anyway.click()
        expect(done).to_be_visible()
    secretariat.open("scans")
    expect(page.get_by_role("link", name="Identifier les copies")).to_be_visible(timeout=READING_MS)


def _identify(secretariat: Visitor, drawn: DrawnScan) -> None:
    """Accept what is sure, then decide the others one by one at the keyboard."""
    wrote = {
        (file.name, image.image): drawn.truth.pupils[image.pupil]
        for file in drawn.truth.files
        for image in file.images
    }
    secretariat.open("identify")
    page = secretariat.page
    page.get_by_role("button", name=re.compile("Accepter")).click()
    count = page.locator("[data-part=count]")
    expect(page.get_by_role("button", name=re.compile("Accepter"))).to_be_hidden()
    for _ in range(44):
        done = int(count.inner_text().split("/")[0])
        if done == 44:
            break
        where = re.match(r"(.+), image (\d+)", page.locator("[data-part=where]").inner_text())
        assert where is not None
        pupil = wrote[(where[1], int(where[2]) - 1)]
        if pupil.on_roster:
            page.keyboard.press("/")
            page.keyboard.type(f"{pupil.surname} {pupil.first_name}")
            day = "/".join(reversed(pupil.birth_date.split("-")))
            page.locator("[data-candidate]", has_text=day).click()
        else:
            page.keyboard.press("h")
        expect(count).to_have_text(f"{done + 1} / 44 identifiées")
    expect(page.locator("[data-part=message]")).to_have_text("Toutes les copies sont identifiées.")
    # What the screen says, the server has.
    secretariat.open("identify")
    expect(page.locator("[data-part=count]")).to_have_text("44 / 44 identifiées")


def _share(coordination: Visitor) -> None:
    coordination.open("allocation")
    coordination.page.get_by_role("button", name=re.compile("Répartir")).click()
    expect(coordination.page.get_by_text("27 copies réparties")).to_be_visible()


def _mark(corrector: Visitor, drawn: DrawnScan) -> dict[str, story.Marked]:
    """Mark every copy of the paquet by the keyboard."""
    page = corrector.page
    items = story.leaves(drawn.scheme)
    given: dict[str, story.Marked] = {}
    corrector.open("my_copies")
    page.get_by_role("button", name="Ouvrir la prochaine copie").click()
    while True:
        code_part = page.locator("[data-part=code]")
        expect(code_part).to_be_visible()
        code = code_part.inner_text().removeprefix("Copie ")
        assert code not in given, "the next copy is another one"
        # The code is drawn by chance: marks follow from the rank, so that a run can be repeated.
        given[code] = story.mark_copies([code], items, seed=len(given))[code]
        _type_marks(page, given[code])
        page.locator("[data-part=appreciation]").fill(given[code].appreciation)
        page.locator("[data-part=appreciation]").blur()
        expect(page.locator("[data-part=left]")).to_have_text("✔ complète")
        expect(page.locator("[data-part=saved]")).to_have_text(re.compile(r"^enregistré à \d\d:\d\d:\d\d$"))
        page.get_by_role("button", name="Copie suivante").click()
        following = page.locator("[data-part=code]").filter(has_not_text=code)
        listed = page.get_by_role("heading", name="Mes copies à corriger")
        expect(following.or_(listed).first).to_be_visible()
        if listed.is_visible():
            return given


def _type_marks(page: Page, marked: story.Marked) -> None:
    for mark in marked.marks.values():
        if mark is None:
            page.keyboard.press("n")
        else:
            for sign in f"{mark.normalize():f}".replace(".", ","):
                page.keyboard.press("," if sign == "," else f"Digit{sign}")
            page.keyboard.press("Enter")


def _finalise(corrector: Visitor) -> None:
    corrector.open("my_copies")
    finalise = corrector.page.get_by_role("button", name=re.compile("Finaliser mes copies complètes"))
    finalise.click()
    expect(finalise).to_be_hidden()


def _publish(coordination: Visitor) -> bytes:
    page = coordination.page
    publish = page.get_by_role("button", name="Publier 27 copies")
    for _ in range(FINALISING_MS // 3000):
        coordination.open("publication")
        if publish.is_visible():
            break
        page.wait_for_timeout(2000)
    publish.click()
    expect(page.get_by_text("27 copies publiées")).to_be_visible(timeout=FINALISING_MS)
    coordination.open("exports")
    link = page.get_by_role("link", name="Pronote").get_attribute("href")
    assert link is not None
    return coordination.download(link)


def _writers(application: Application, drawn: DrawnScan) -> dict[str, PupilTruth]:
    """Who wrote which code, as the secretariat's list says."""
    pupils = {(p.surname, p.first_name, p.birth_date): p for p in drawn.truth.pupils.values()}
    lines = application.korrigo("copies", "1").splitlines()[1:]
    cells = [line.split(",") for line in lines]
    return {cell[1]: pupils[(cell[3], cell[4], cell[5])] for cell in cells if cell[3]}


def _create_students(admin: Visitor) -> dict[tuple[str, str], tuple[str, str]]:
    admin.open("accounts")
    page = admin.page
    page.get_by_text("Comptes des élèves d'une session").click()
    page.get_by_role("button", name="Créer les comptes qui manquent").click()
    expect(page.get_by_text("28 comptes créés")).to_be_visible(timeout=60_000)
    rows = page.locator("table", has_text="Mot de passe").locator("tbody tr").all()
    cells = [row.locator("td").all_inner_texts() for row in rows]
    return {(cell[0], cell[1]): (cell[2], cell[3]) for cell in cells}


def _read_own_copy(
    student: Visitor, code: str, marked: story.Marked, pupil: PupilTruth, drawn: DrawnScan
) -> None:
    student.open("my_results")
    expect(student.page.get_by_text(f"{marked.total:.2f}".replace(".", ",")).first).to_be_visible()
    link = student.page.get_by_role("link", name=re.compile("PDF")).first.get_attribute("href")
    assert link is not None
    pdf = student.download(link)
    scanned = {jpeg for file in drawn.pdfs for jpeg in jpegs(file.read_bytes())}
    pictures = jpegs(pdf)
    assert len(pictures) == 2 * pupil.sheets
    assert set(pictures) <= scanned, "the scanner's own bytes, not drawn again"
    assert student.download(link) == pdf
    refused = student.page.context.request.get(f"{student.url}/files/copies/{code}/marked.pdf")
    assert refused.status == 403
