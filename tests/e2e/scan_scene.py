"""A paper whose scan was taken in and waits for its control, for the browser tests of the two pages about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy import select

from core.db.migrate import upgrade
from core.db.session import Sessions, engine_for, session_factory
from core.db.tables import Booklet, HalfPage, Lot, ScanFile, ScanImage
from core.db.tables.base import now
from core.domain.access import Role
from core.services import accounts, scans
from core.storage.blobs import BlobStore
from tests.integration.builders import STAFF, jpeg
from tests.integration.classes import SYSTEM, Taken, add_paper
from workbench.demo.draw import DrawnScan

LOGIN = "moreau"
PASSWORD = "motdepasse-1"


@dataclass(frozen=True)
class ScanScene:
    """Where it is, and what it holds."""

    home: Path
    sessions: Sessions
    blobs: BlobStore
    paper_id: int

    def halves(self, sheet: int) -> Sequence[HalfPage]:
        """The half-pages of a sheet of the first file, in reading order."""
        with self.sessions() as session:
            rows = session.scalars(
                select(HalfPage).join(HalfPage.image).where(ScanImage.sheet == sheet).order_by(HalfPage.page)
            )
            return rows.all()

    def doubt(self, sheet: int, reason: str) -> None:
        """Write what ingestion would have found on a sheet that is not as the others."""
        ids = [half.id for half in self.halves(sheet)]
        with self.sessions.begin() as session:
            for half in session.scalars(select(HalfPage).where(HalfPage.id.in_(ids))):
                half.reason, half.settled = reason, False


def build(home: Path, drawn: DrawnScan) -> ScanScene:
    """The copies of some pupils, scanned and taken in; nobody has looked at them yet."""
    scene = _empty(home)
    paper_id = add_paper(scene.sessions, drawn.roster, drawn.scheme)
    for pdf in drawn.pdfs:
        scans.add_scan(
            scene.sessions,
            SYSTEM,
            scene.blobs,
            paper_id=paper_id,
            file_name=pdf.name,
            path=pdf,
            lot_label="salle 204",
        )
    Taken(scene.sessions, scene.blobs, paper_id).run()
    return ScanScene(home, scene.sessions, scene.blobs, paper_id)


def build_large(home: Path, drawn: DrawnScan, *, sheets: int) -> ScanScene:
    """Rows and small pictures of as many sheets as one wants, without the scan itself."""
    scene = _empty(home)
    paper_id = add_paper(scene.sessions, drawn.roster, drawn.scheme)
    thumb = scene.blobs.put(jpeg(np.full((340, 240), 235, np.uint8)))
    with scene.sessions.begin() as session:
        lot = Lot(paper_id=paper_id, label="salle 204")
        session.add(lot)
        session.flush()
        file = ScanFile(
            paper_id=paper_id,
            lot_id=lot.id,
            sha256="0" * 64,
            name="lot.pdf",
            kind="pdf",
            byte_size=1,
            layout="a3",
            image_count=2 * sheets,
            ingested_at=now(),
        )
        session.add(file)
        session.flush()
        for number in range(sheets):
            booklet = Booklet(paper_id=paper_id, scan_file_id=file.id, position=4 * number)
            session.add(booklet)
            session.flush()
            for face, labels in enumerate((("P4", "P1"), ("P2", "P3"))):
                image = ScanImage(
                    scan_file_id=file.id,
                    index=2 * number + face,
                    width_px=3308,
                    height_px=2339,
                    dpi=200,
                    codec="jpeg",
                    sheet=number + 1,
                    side=("front", "back")[face],
                    cut="left_right",
                    first_half="left",
                    second_half="right",
                )
                session.add(image)
                session.flush()
                session.add_all(
                    HalfPage(
                        scan_image_id=image.id,
                        half=half,
                        cut="left_right",
                        page=label,
                        box_px=[0, 0, 1654, 2339],
                        place="booklet",
                        booklet_id=booklet.id,
                        position=int(label[1]),
                        thumb_sha256=thumb,
                    )
                    for half, label in zip(("left", "right"), labels, strict=True)
                )
    return ScanScene(home, scene.sessions, scene.blobs, paper_id)


def _empty(home: Path) -> ScanScene:
    home.mkdir(parents=True)
    url = f"sqlite:///{home / 'korrigo.sqlite'}"
    upgrade(url)
    sessions = session_factory(engine_for(url))
    accounts.create_account(
        sessions,
        STAFF,
        login=LOGIN,
        roles=[Role.SECRETARIAT],
        surname="MOREAU",
        first_name="Claire",
        password=PASSWORD,
        must_change=False,
    )
    return ScanScene(home, sessions, BlobStore(home / "blobs"), 0)
