"""Premier mot de passe: before anything else, the password that was handed out is replaced."""

from __future__ import annotations

import streamlit as st

from core.i18n import _, plural
from core.services import accounts
from workbench import guard
from workbench.messages import showing_errors
from workbench.resources import sessions
from workbench.widgets import sentence, title


def page() -> None:
    """Ask for the present password and twice for the new one."""
    who = guard.current()
    if who is None:
        st.stop()
    with st.container(key="sign_in_sheet"):
        title(_("Choisissez votre mot de passe"))
        sentence(
            _("Celui qui vous a été remis ne sert qu'une fois. Le nouveau compte au moins {signs}.").format(
                signs=plural(accounts.MINIMUM_PASSWORD, "signe", "signes")
            )
        )
        with st.form("first_password"):
            current = st.text_input(_("Mot de passe remis"), type="password", key="current")
            new = st.text_input(_("Nouveau mot de passe"), type="password", key="new")
            again = st.text_input(_("Le même, encore une fois"), type="password", key="again")
            confirmed = st.form_submit_button(_("Enregistrer"), key="confirm", type="primary")
        if confirmed and new != again:
            st.error(_("Les deux saisies du nouveau mot de passe diffèrent. Recommencez."))
        elif confirmed:
            with showing_errors():
                # Stripped as the sign-in form strips what is typed there.
                accounts.change_own_password(
                    sessions(),
                    who.actor,
                    current=current.strip(),
                    new=new.strip(),
                    connection_id=who.connection_id,
                )
                st.rerun()


if __name__ == "__main__":
    page()
