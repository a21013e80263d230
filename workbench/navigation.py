"""The table of pages: which file, which words, whose. Whatever is not offered is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from core.domain.access import Role
from core.i18n import _
from workbench import guard, widgets
from workbench.components.session_bar import session_bar

if TYPE_CHECKING:
    from core.services.accounts import SignedIn

FOLDER = Path(__file__).parent.parent / "pages"

SECRETARIAT = _("Secrétariat")
CORRECTION = _("Correction")
COORDINATION = _("Coordination")
STUDENTS = _("Élève")
ADMINISTRATION = _("Administration")


@dataclass(frozen=True)
class PageRow:
    """A page of the application; ``name`` is both its file in ``pages/`` and its address."""

    name: str
    title: str
    icon: str
    portal: str
    roles: frozenset[Role]

    @property
    def path(self) -> Path:
        """The file of the page."""
        return FOLDER / f"{self.name}.py"


def _row(name: str, title: str, icon: str, portal: str, *roles: Role) -> PageRow:
    return PageRow(name, title, f":material/{icon}:", portal, frozenset(roles))


HOME = _row("home", _("Accueil"), "home", "", *Role)
SIGN_IN = _row("sign_in", _("Connexion"), "login", "")
FIRST_PASSWORD = _row("first_password", _("Premier mot de passe"), "password", "")

PAGES: tuple[PageRow, ...] = (
    HOME,
    _row("rosters", _("Listes"), "groups", SECRETARIAT, Role.SECRETARIAT, Role.ADMIN),
    _row(
        "papers",
        _("Épreuves"),
        "assignment",
        SECRETARIAT,
        Role.SECRETARIAT,
        Role.COORDINATOR,
        Role.ADMIN,
    ),
    _row("scans", _("Scans"), "document_scanner", SECRETARIAT, Role.SECRETARIAT, Role.ADMIN),
    _row("contact_sheet", _("Vérifier par page"), "grid_view", SECRETARIAT, Role.SECRETARIAT),
    _row("identify", _("Identifier une à une"), "badge", SECRETARIAT, Role.SECRETARIAT),
    _row("jobs", _("Travaux en cours"), "pending_actions", SECRETARIAT, Role.SECRETARIAT, Role.ADMIN),
    _row("my_copies", _("Mes copies à corriger"), "stacks", CORRECTION, Role.CORRECTOR),
    _row("marking", _("Correction"), "edit_note", CORRECTION, Role.CORRECTOR),
    _row("progress", _("Avancement"), "monitoring", COORDINATION, Role.COORDINATOR, Role.ADMIN),
    _row("allocation", _("Répartition"), "call_split", COORDINATION, Role.COORDINATOR),
    _row("results", _("Résultats"), "bar_chart", COORDINATION, Role.COORDINATOR, Role.ANALYST),
    _row("publication", _("Publication"), "publish", COORDINATION, Role.COORDINATOR),
    _row("exports", _("Exports"), "download", COORDINATION, Role.COORDINATOR),
    _row("my_results", _("Mes résultats"), "school", STUDENTS, Role.STUDENT),
    _row("my_copy", _("Ma copie"), "description", STUDENTS, Role.STUDENT),
    _row("accounts", _("Comptes"), "manage_accounts", ADMINISTRATION, Role.ADMIN),
)


def offered(roles: frozenset[Role]) -> list[PageRow]:
    """The pages written so far that somebody with ``roles`` may open, in the order of the table."""
    return [row for row in PAGES if row.roles & roles and row.path.exists()]


def run() -> None:
    """Draw the navigation for who is there and run the page they asked for."""
    who = guard.current()
    session_bar(who)
    if who is None:
        _only(SIGN_IN)
    elif who.must_change_password:
        _only(FIRST_PASSWORD)
    else:
        _portals(who)


def link(name: str, label: str, *, icon: str | None = None, query: dict[str, str] | None = None) -> bool:
    """A link to a page by its name, drawn only when the person may open it; whether it was."""
    who = guard.seen()
    row = next((row for row in offered(who.actor.roles) if row.name == name), None) if who else None
    if row is None:
        return False
    st.page_link(_page(row), label=label, icon=icon or row.icon, query_params=query)
    return True


def open_page(name: str, query: dict[str, str] | None = None) -> None:
    """Go to a page by its name (inside a run, after a button for instance)."""
    row = next(row for row in PAGES if row.name == name)
    st.switch_page(_page(row), query_params=query)


def _only(row: PageRow) -> None:
    """The one page somebody may see now, whatever address they typed: it waits for them behind it."""
    others = [_page(row, at=other.name, hidden=True) for other in PAGES if other is not HOME]
    st.navigation([_page(row, at="home", default=True), *others], position="hidden").run()


def _portals(who: SignedIn) -> None:
    mine = offered(who.actor.roles)
    refused = [_refusal(row) for row in PAGES if row not in mine]
    titles = list(dict.fromkeys(row.portal for row in mine if row is not HOME))
    if len(titles) == 1:
        st.navigation([*(_page(row, default=row is HOME) for row in mine), *refused], position="top").run()
        return
    sections: dict[str, Sequence[st.Page]] = {"": [_page(HOME, default=True), *refused]}
    for title in titles:
        sections[title] = [_page(row) for row in mine if row.portal == title]
    st.navigation(sections, position="top").run()


def _page(row: PageRow, *, at: str | None = None, default: bool = False, hidden: bool = False) -> st.Page:
    return st.Page(
        row.path,
        title=row.title,
        icon=row.icon,
        url_path=at or row.name,
        default=default,
        visibility="hidden" if hidden else "visible",
    )


def _refusal(row: PageRow) -> st.Page:
    """An address that exists and is not theirs: a French sentence, not Streamlit's « Page not found »."""
    return st.Page(_refused, title=_("Accès refusé"), url_path=row.name, visibility="hidden")


def _refused() -> None:
    widgets.refused()
