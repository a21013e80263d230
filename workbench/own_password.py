"""The form by which people replace their own password."""

from __future__ import annotations

import streamlit as st

from core.i18n import _
from core.services import accounts
from core.services.connections import SignedIn
from workbench import guard
from workbench.messages import showing_errors
from workbench.resources import sessions


def form(who: SignedIn, *, current_label: str) -> bool:
    """Ask for the present password and twice for the new one; whether it was changed.

    The person's other connections end with the old password.
    """
    with st.form("own_password", border=False):
        current = st.text_input(current_label, type="password", key="current")
        new = st.text_input(_("Nouveau mot de passe"), type="password", key="new")
        again = st.text_input(_("Le même, encore une fois"), type="password", key="again")
        confirmed = st.form_submit_button(_("Enregistrer"), key="confirm", type="primary")
    if not confirmed:
        return False
    if new != again:
        st.error(_("Les deux saisies du nouveau mot de passe diffèrent. Recommencez."))
        return False
    with showing_errors():
        # Stripped as the sign-in form strips what is typed there.
        accounts.change_own_password(
            sessions(),
            who.actor,
            current=current.strip(),
            new=new.strip(),
            connection_id=who.connection_id,
            address=guard.address(),
        )
        return True
    return False
