"""A scan sent from a real browser goes on by itself after a cut, and after a reload with the same file again."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pikepdf
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import select

from core.db.tables import ScanFile, Upload
from core.services.uploads import CHUNK_BYTES
from tests.e2e import scan_scene
from tests.e2e.scan_scene import LOGIN, ScanScene
from tests.e2e.servers import serving
from tests.integration.classes import draw_few
from tests.security.rights_scene import connect

LINE_BYTES_S = 5_000_000
PATIENCE_S = 30.0


def heavy_scan(path: Path) -> Path:
    """A PDF of one blank page that takes several chunks."""
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.Root.Weight = pdf.make_stream(os.urandom(4 * CHUNK_BYTES))
        pdf.save(path)
    return path


class Line:
    """What is between the browser and the server: as slow as a school's, and cut when told."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self._session = context.new_cdp_session(page)
        self._session.send("Network.enable")
        self.cut(False)

    def cut(self, offline: bool) -> None:
        self._session.send(
            "Network.emulateNetworkConditions",
            {
                "offline": offline,
                "latency": 0,
                "downloadThroughput": -1,
                "uploadThroughput": LINE_BYTES_S,
            },
        )


def choose(page: Page, path: Path) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choisir des fichiers").click()
    chooser.value.set_files(path)


def received(scene: ScanScene) -> int:
    with scene.sessions() as session:
        return session.scalars(select(Upload.received)).first() or 0


def wait_until(holds: Callable[[], bool], page: Page) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        page.wait_for_timeout(50)


def test_an_upload_goes_on_by_itself_after_a_cut_and_after_a_reload_with_the_same_file(
    tmp_path: Path, context: BrowserContext
) -> None:
    scan = heavy_scan(tmp_path / "salle 204.pdf")
    scene = scan_scene.build_large(tmp_path / "home", draw_few(tmp_path / "drawn", pupils=1), sheets=1)
    with serving(scene.home) as application:
        token, _ = connect(scene.sessions, LOGIN)
        context.add_cookies([{"name": "korrigo", "value": token, "url": application.url}])
        page = context.new_page()
        line = Line(context, page)
        row = page.locator(".files li", has_text=scan.name)
        page.goto(f"{application.url}/scans")

        choose(page, scan)
        wait_until(lambda: received(scene) >= CHUNK_BYTES, page)
        line.cut(True)
        expect(row).to_contain_text("connexion coupée, reprise dans")
        line.cut(False)
        wait_until(lambda: received(scene) >= 2 * CHUNK_BYTES, page)

        page.reload()
        line = Line(context, page)
        expect(row).to_contain_text(re.compile(r"\d\d % reçus ; choisissez de nouveau ce fichier"))
        kept = received(scene)
        offsets: list[int] = []
        page.on(
            "request",
            lambda asked: offsets.extend(map(int, re.findall(r"uploads/.*offset=(\d+)", asked.url))),
        )
        choose(page, scan)
        expect(row).to_contain_text("✔")

        assert offsets[0] >= kept >= 2 * CHUNK_BYTES
        with scene.sessions() as session:
            found = session.scalars(select(ScanFile.sha256).where(ScanFile.name == scan.name)).all()
    assert found == [hashlib.sha256(scan.read_bytes()).hexdigest()]
