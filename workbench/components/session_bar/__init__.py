"""Who is signed in, and the way out, at the right of the header."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.i18n import _
from workbench.components import declare

if TYPE_CHECKING:
    from core.services.accounts import SignedIn

_render = declare("session_bar")


def session_bar(who: SignedIn | None) -> None:
    """Draw the name and the sign-out button; for a visitor nothing shows, but the page is told to be French."""
    signed_in = {"name": who.display_name, "csrf": who.csrf_token} if who else {"name": "", "csrf": ""}
    with st.container(key="session_bar"):
        _render(
            key="session_bar_component",
            data={**signed_in, "sign_out": _("Se déconnecter"), "skip": _("Aller au contenu")},
        )
