"""The table of pages: which file, which words, whose, behind which portal. Whatever is not offered is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from core.domain.access import Portal, Role
from core.i18n import _
from core.services import connections
from workbench import guard, widgets
from workbench.components.session_bar import session_bar
from workbench.resources import sessions

if TYPE_CHECKING:
    from core.services.connections import SignedIn

FOLDER = Path(__file__).parent.parent / "pages"


@dataclass(frozen=True)
class Section:
    """A menu of one portal; without a portal, what everybody has whichever portal is on."""

    title: str
    portal: Portal | None


SECRETARIAT = Section(_("Secrétariat"), Portal.ADMINISTRATION)
COORDINATION = Section(_("Coordination"), Portal.ADMINISTRATION)
ADMINISTRATION = Section(_("Administration"), Portal.ADMINISTRATION)
CORRECTION = Section(_("Correction"), Portal.CORRECTION)
STUDENTS = Section(_("Élève"), Portal.STUDENTS)
EVERYWHERE = Section("", None)


@dataclass(frozen=True)
class PageRow:
    """A page of the application; ``name`` is both its file in ``pages/`` and its address.

    One that is not in the ``menu`` is reached from other pages: a menu that is too long for a small screen
    hides what people need every day.
    """

    name: str
    title: str
    icon: str
    section: Section
    roles: frozenset[Role]
    menu: bool = True

    @property
    def portal(self) -> Portal | None:
        """The portal it stands behind, ``None`` for what stands behind all."""
        return self.section.portal

    @property
    def path(self) -> Path:
        """The file of the page."""
        return FOLDER / f"{self.name}.py"


def _row(name: str, title: str, icon: str, section: Section, *roles: Role, menu: bool = True) -> PageRow:
    return PageRow(name, title, f":material/{icon}:", section, frozenset(roles), menu)


HOME = _row("home", _("Accueil"), "home", EVERYWHERE, *Role)
CONNECTIONS = _row("connections", _("Mes connexions"), "devices", EVERYWHERE, *Role)
SIGN_IN = _row("sign_in", _("Connexion"), "login", EVERYWHERE)
FIRST_PASSWORD = _row("first_password", _("Premier mot de passe"), "password", EVERYWHERE)

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
    _row("lot_control", _("Contrôle du lot"), "fact_check", SECRETARIAT, Role.SECRETARIAT, Role.ADMIN),
    _row("workshop", _("Atelier"), "view_carousel", SECRETARIAT, Role.SECRETARIAT, Role.ADMIN),
    _row(
        "header_zone",
        _("Zone d'identification"),
        "crop_free",
        SECRETARIAT,
        Role.SECRETARIAT,
        Role.ADMIN,
        menu=False,
    ),
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
    _row("journal", _("Journal"), "history", ADMINISTRATION, Role.ADMIN),
    _row("operations", _("Exploitation"), "monitor_heart", ADMINISTRATION, Role.ADMIN),
    CONNECTIONS,
)

_ENTERED = "_portal_just_entered"


def offered(roles: frozenset[Role], portal: Portal | None = None) -> list[PageRow]:
    """The pages written so far that somebody with ``roles`` may open, in the order of the table.

    With a ``portal``, only those behind it and those behind all.
    """
    return [
        row
        for row in PAGES
        if row.roles & roles and row.path.exists() and (portal is None or row.portal in (None, portal))
    ]


def run() -> None:
    """Draw the navigation for who is there and run the page they asked for."""
    who = guard.current()
    if who is None or who.must_change_password:
        page = _only(SIGN_IN if who is None else FIRST_PASSWORD)
        session_bar(who)
        page.run()
        return
    page = _menu(who)
    if st.session_state.pop(_ENTERED, False):
        st.switch_page(_page(HOME, default=True))
    row = next((row for row in PAGES if row.name == page.url_path), HOME)
    if row.portal in who.portals and row.portal is not who.portal:
        # An address of another portal of theirs: the portal comes with the page.
        connections.set_portal(
            sessions(), who.actor, connection_id=who.connection_id, portal=Portal(row.portal)
        )
        st.rerun()
    session_bar(who, profile=_page(CONNECTIONS, hidden=True), enter=_enter)
    page.run()


def _enter(portal: Portal) -> None:
    """Switch another portal on and go to its home page (called before the run that the click asks for)."""
    who = guard.current()
    if who is not None and portal in who.portals:
        connections.set_portal(sessions(), who.actor, connection_id=who.connection_id, portal=portal)
        st.session_state[_ENTERED] = True


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


def _only(row: PageRow) -> st.Page:
    """The one page somebody may see now, whatever address they typed: it waits for them behind it."""
    others = [_page(row, at=other.name, hidden=True) for other in PAGES if other is not HOME]
    return st.navigation([_page(row, at="home", default=True), *others], position="hidden")


def _menu(who: SignedIn) -> st.Page:
    """The menu of the portal that is on; what is behind another of theirs opens by its address."""
    mine, on = offered(who.roles), offered(who.roles, who.portal)
    unseen = [
        _page(row, hidden=True) if row in mine else _refusal(row)
        for row in PAGES
        if row not in on or row is CONNECTIONS or not row.menu
    ]
    seen = [row for row in on if row not in (HOME, CONNECTIONS) and row.menu]
    titles = list(dict.fromkeys(row.section.title for row in seen))
    home = _page(HOME, default=True)
    if len(titles) == 1:
        return st.navigation([home, *map(_page, seen), *unseen], position="top")
    sections: dict[str, Sequence[st.Page]] = {"": [home, *unseen]}
    for title in titles:
        sections[title] = [_page(row) for row in seen if row.section.title == title]
    return st.navigation(sections, position="top")


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
