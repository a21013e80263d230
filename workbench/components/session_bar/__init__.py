"""Which portal is on, who is signed in, and the way out, at the right of the header."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from core.domain.access import Portal
from core.i18n import _
from workbench.components import declare
from workbench.widgets.text import as_html

if TYPE_CHECKING:
    from core.services.connections import SignedIn

PORTALS = {
    Portal.ADMINISTRATION: _("Administration"),
    Portal.CORRECTION: _("Correction"),
    Portal.STUDENTS: _("Élèves"),
}

_SWITCH = "portal_switch"
_render = declare("session_bar")


def session_bar(
    who: SignedIn | None,
    *,
    profile: st.Page | None = None,
    enter: Callable[[Portal], None] | None = None,
) -> None:
    """Draw the portal, the person's name and the sign-out button; for a visitor nothing shows.

    ``profile`` is the page behind the name; ``enter`` is called with another portal when it is chosen.
    """
    with st.container(key="session_bar", horizontal=True, vertical_alignment="center", wrap=False):
        if who is not None and profile is not None and enter is not None:
            _portal(who, enter)
            st.page_link(profile, label=who.display_name, help=_("Mes connexions"))
        _render(
            key="session_bar_component",
            data={
                "csrf": who.csrf_token if who else "",
                "sign_out": _("Se déconnecter"),
                "skip": _("Aller au contenu"),
                "waiting_one": _("1 action de correction n'est pas encore envoyée."),
                "waiting_many": _("{n} actions de correction ne sont pas encore envoyées."),
                "waiting_why": _(
                    "Elles restent dans ce navigateur. Rouvrez la copie pour les envoyer, "
                    "ou déconnectez-vous et revenez ici plus tard."
                ),
                "stay": _("Rester connecté"),
            },
        )


def _portal(who: SignedIn, enter: Callable[[Portal], None]) -> None:
    if len(who.portals) == 1:
        st.html(f'<span class="k-portal">{as_html(PORTALS[who.portal])}</span>')
        return
    # The portal may have been switched by an address or in another tab.
    st.session_state[_SWITCH] = who.portal
    st.segmented_control(
        _("Portail"),
        who.portals,
        required=True,
        format_func=PORTALS.__getitem__,
        label_visibility="collapsed",
        key=_SWITCH,
        on_change=lambda: enter(Portal(st.session_state[_SWITCH])),
    )
