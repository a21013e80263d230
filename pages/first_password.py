"""Premier mot de passe: before anything else, the password that was handed out is replaced."""

from __future__ import annotations

import streamlit as st

from core.i18n import _, plural
from core.services.passwords import MINIMUM_PASSWORD
from workbench import guard, own_password
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
                signs=plural(MINIMUM_PASSWORD, "signe", "signes")
            )
        )
        if own_password.form(who, current_label=_("Mot de passe remis")):
            st.rerun()


if __name__ == "__main__":
    page()
