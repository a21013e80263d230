"""The whole application as ``korrigo serve`` starts it, on a paper at every stage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from core.db.migrate import upgrade
from core.db.session import Sessions, engine_for, session_factory
from core.storage.blobs import BlobStore
from tests.e2e.servers import Application, serving
from tests.security import raw_socket, rights_scene
from tests.security.raw_socket import Answer
from tests.security.rights_scene import RightsScene

CHANGED_BY_VISITS = frozenset(
    {
        "connection",
        "sign_in_ticket",
        "worker",
        "journal_entry",
        "journal_value",
        "journal_seal",
    }
)
"""Tables that signing in writes."""


@dataclass
class Served:
    """The application, its database, and what is in it."""

    application: Application
    sessions: Sessions
    scene: RightsScene

    def cookie(self, login: str) -> str:
        """The cookie of a new connection; empty for nobody."""
        return rights_scene.connect(self.sessions, login)[0] if login else ""

    def ask(self, login: str, page: str, query: str = "") -> Answer:
        """What a new visitor with this login gets for an address."""
        return self.show(self.cookie(login), page, query)

    def show(self, cookie: str, page: str, query: str = "") -> Answer:
        """What a new tab of the browser with this cookie gets for an address."""
        with raw_socket.opened(self.application.url, cookie) as socket:
            return socket.open(page, query)

    def digest(self) -> str:
        """One value for all rows of all tables, but for those that each visit writes."""
        return rights_scene.digest_of(self.sessions, but=CHANGED_BY_VISITS)

    def secrets(self) -> list[str]:
        """Words that nobody without a right may read: a pupil, a paper, codes, a corrector's login."""
        return ["NOM0", "NOM1", "Maths J1", self.scene.published, self.scene.open, "lointain"]


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The application on a scene of its own, for the tests of one process."""
    home = tmp_path_factory.mktemp("served") / "home"
    home.mkdir()
    url = f"sqlite:///{home / 'korrigo.sqlite'}"
    upgrade(url)
    engine = engine_for(url)
    sessions = session_factory(engine)
    scene = rights_scene.build(sessions, BlobStore(home / "blobs"), home)
    with serving(home) as application:
        yield Served(application, sessions, scene)
    engine.dispose()
