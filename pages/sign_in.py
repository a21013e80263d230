"""Connexion: the only page of a visitor who is not signed in."""

from __future__ import annotations

import streamlit as st

from core.i18n import _
from workbench import sign_in
from workbench.widgets import as_html


def page() -> None:
    """Draw the name of the house and the form."""
    with st.container(key="sign_in_sheet"):
        st.html(f'<p class="k-wordmark">Korrigo</p><p>{as_html(_("Atelier de correction de copies"))}</p>')
        sign_in.form()


if __name__ == "__main__":
    page()
