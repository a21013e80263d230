"""Zone d'identification: a printed header that Korrigo does not know, drawn once on a page of a scan."""

from __future__ import annotations

from core.domain.access import Role
from core.i18n import _
from workbench import guard, navigation
from workbench.components.header_fields import header_fields
from workbench.widgets.choose_paper import paper_heading

_LEADS_TO = frozenset({"jobs", "scans"})


def page() -> None:
    """Draw the header of a paper's copies and keep it for the session."""
    who = guard.signed_in(Role.SECRETARIAT, Role.ADMIN)
    paper = paper_heading(who.actor, _("Zone d'identification"), newest=True)
    if paper is None:
        return
    opened = header_fields(paper_id=paper.paper_id, csrf_token=who.csrf_token)
    if opened in _LEADS_TO:
        navigation.open_page(opened)


if __name__ == "__main__":
    page()
