"""Hands the one-time ticket to the route that sets the cookie, then loads the page again."""

from __future__ import annotations

from core.i18n import _
from workbench.components import declare

_render = declare("sign_in_exchange")


def exchange(ticket: str) -> None:
    """Post the ticket from the visitor's browser; the page they asked for comes next."""
    _render(
        key="sign_in_exchange",
        data={
            "ticket": ticket,
            "opening": _("Ouverture de votre espace…"),
            "failed": _("La connexion n'a pas pu s'ouvrir. Rechargez la page et recommencez."),
        },
    )
