"""Zone d'identification in a real browser: a header drawn with the mouse, mended with the keyboard, then found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import select

from core.db.tables import DrawnHeader, Header
from core.imaging.mask import encode_jpeg
from tests.e2e import scan_scene
from tests.e2e.scan_scene import LOGIN, ScanScene
from tests.e2e.servers import serving
from tests.integration.classes import draw_few
from tests.security.rights_scene import connect
from tests.unit import drawn_headers as draw
from tests.unit.drawn_pdfs import pdf_of

A4_PT = (595.28, 841.89)
BOXES = next(header for header in draw.HEADERS if header.name == "boxes")
COPIES = 4
FRAMES = "[data-part='frames'] > [data-frame]"
MM = (210, 297)
FOCUSED = (
    "(() => { let at = document.activeElement; while (at?.shadowRoot) at = at.shadowRoot.activeElement;"
    " return at?.dataset?.frame ?? at?.dataset?.tool ?? ''; })()"
)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ScanScene, str]]:
    """Copies of a school whose header nobody knows, taken in, and where they are served."""
    folder = tmp_path_factory.mktemp("unknown")
    images = []
    for copy in range(COPIES):
        images.append(encode_jpeg(draw.fed(draw.page_of(BOXES, copy, 150), copy).gray))
        images.append(encode_jpeg(draw.fed(draw.page_without("written", "plain", copy, 150), copy).gray))
    pile = folder / "pile.pdf"
    pile.write_bytes(pdf_of(images, A4_PT))
    drawn = replace(draw_few(folder / "class", pupils=1), pdfs=(pile,))
    built = scan_scene.build(folder / "home", drawn)
    with serving(built.home) as application:
        yield built, application.url


@pytest.fixture
def page(scene: tuple[ScanScene, str], context: BrowserContext) -> Page:
    built, url = scene
    token, _ = connect(built.sessions, LOGIN)
    context.add_cookies([{"name": "korrigo", "value": token, "url": url}])
    page = context.new_page()
    page.goto(f"{url}/header_zone")
    expect(page.locator("[data-part='step']")).to_contain_text("Tracez la zone")
    expect(page.locator("[data-part='picture']")).to_have_js_property("complete", value=True)
    return page


def drag(page: Page, box: draw.BoxMm) -> None:
    """Pull a frame with the mouse, in millimetres of the page."""
    paper = page.locator("[data-part='picture']").bounding_box()
    assert paper is not None
    (x0, y0), (x1, y1) = (
        (paper["x"] + x / MM[0] * paper["width"], paper["y"] + y / MM[1] * paper["height"])
        for x, y in (box[:2], box[2:])
    )
    page.mouse.move(x0, y0)
    page.mouse.down()
    page.mouse.move((x0 + x1) / 2, (y0 + y1) / 2)
    page.mouse.move(x1, y1)
    page.mouse.up()


def share(page: Page, frame: str, side: str) -> float:
    style = page.locator(f"[data-frame='{frame}']").get_attribute("style") or ""
    found = re.search(rf"(?:^|[ ;]){side}: ([0-9.]+)%", style)
    assert found is not None, style
    return float(found.group(1))


def test_frames_are_placed_moved_pulled_and_erased_with_the_keyboard_alone(page: Page) -> None:
    page.locator("[data-tool='zone']").focus()
    page.keyboard.press("Enter")
    assert page.evaluate(FOCUSED) == "zone"
    page.locator("[data-tool='surname']").focus()
    page.keyboard.press("Enter")
    left, wide = share(page, "surname", "left"), share(page, "surname", "width")

    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowLeft")

    assert share(page, "surname", "left") == pytest.approx(left + 4 * 0.5 / 210 * 100, abs=0.01)
    assert share(page, "surname", "width") == pytest.approx(wide - 0.5 / 210 * 100, abs=0.01)
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(FOCUSED) == "zone"
    page.keyboard.press("Tab")
    page.keyboard.press("Delete")
    expect(page.locator(FRAMES)).to_have_count(1)
    assert page.evaluate(FOCUSED) == "surname"


def test_a_header_drawn_once_is_tried_kept_and_found_on_the_file(
    scene: tuple[ScanScene, str], page: Page
) -> None:
    save = page.get_by_role("button", name="Enregistrer et relire le fichier")
    expect(save).to_be_disabled()
    drag(page, BOXES.zone)
    expect(page.locator("[data-part='step']")).to_contain_text("« Nom »")
    for box in BOXES.fields.values():
        drag(page, box)
    expect(page.locator(FRAMES)).to_have_count(1 + len(BOXES.fields))

    page.get_by_role("button", name="Voir ce qui serait trouvé").click()
    expect(page.locator("[data-part='told']")).to_contain_text(f"Trouvée sur {COPIES - 1} des {COPIES - 1}")
    expect(page.locator(".trial")).to_have_count(COPIES - 1)

    page.get_by_label("Nom de la zone").fill("Copie du lycée voisin")
    save.click()
    expect(page.locator("[data-part='message']")).to_contain_text("pile.pdf est relu")
    expect(page.locator("[data-part='models']")).to_contain_text("Copie du lycée voisin")
    built, _ = scene
    for _ in range(60):
        with built.sessions() as session:
            found = session.scalars(select(Header.model)).all()
            model_id = session.scalars(select(DrawnHeader.id)).one()
        if len(found) == COPIES:
            break
        page.wait_for_timeout(500)
    assert list(found) == [f"drawn-{model_id}"] * COPIES

    page.get_by_role("button", name="Recharger les pages").click()
    expect(page.locator("optgroup[label='En-tête trouvé'] option")).to_have_count(COPIES)
    page.get_by_role("button", name="Retirer la zone Copie du lycée voisin").click()
    page.get_by_role("button", name="Retirer", exact=True).click()
    expect(page.locator("[data-part='models']")).to_contain_text("Aucune zone")
