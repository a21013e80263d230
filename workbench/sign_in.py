"""The sign-in form: streamlit-authenticator's form over our accounts; its cookie is not used.

Its cookie is not HttpOnly and outlives a sign-out (architecture.md §2), so a right password gives a
one-time ticket, which a component posts to the route that opens the connection.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import Any

import streamlit as st
from streamlit_authenticator import Authenticate
from streamlit_authenticator.controllers import AuthenticationController

from core.errors import NotAllowed
from core.i18n import _
from core.services import connections
from workbench import guard, metrics
from workbench.components.sign_in_exchange import exchange
from workbench.messages import showing_errors
from workbench.resources import sessions

_TICKET = "_sign_in_ticket"
_REFUSED = _("Identifiant ou mot de passe incorrect.")
_ENDED = _("Votre connexion est terminée. Reconnectez-vous, puis recommencez.")


class _NoCookie:
    """Stands for the library's cookie, which would come with an iframe of its own and is never used."""

    def get_cookie(self) -> None:
        """Nobody is signed in by it."""

    def set_cookie(self) -> None:
        """Nothing is set."""


class _Form(Authenticate):  # type: ignore[misc]  # the library bears no types
    """The library's form, without its cookie, with our check of passwords.

    It begins without a single account, and learns of one when its password was right.
    """

    def __init__(self) -> None:
        # Not super().__init__(): it opens the cookie's iframe.
        self.path = None
        self.attrs = {"login_sleep_time": 0}
        self.secret_key = secrets.token_hex(32)
        self.cookie_controller = _NoCookie()
        self.ticket = ""
        self.known: dict[str, Any] = {"usernames": {}}
        self.authentication_controller = AuthenticationController(
            self.known, auto_hash=False, secret_key=self.secret_key
        )
        # Ours counts failures and does the same work for a login that does not exist.
        self.authentication_controller.authentication_model.check_credentials = self._is_right

    def _is_right(self, login: str, password: str) -> bool:
        checked = connections.check_password(
            sessions(), login=login, password=password, address=guard.address()
        )
        if checked is not None:
            # Another password, or the end of the account, may have come since the check.
            with suppress(NotAllowed):
                self.ticket = connections.issue_ticket(sessions(), checked)
        metrics.signed_in(ok=bool(self.ticket))
        if self.ticket:
            self.known["usernames"][login] = connections.credential(sessions(), login)
        return bool(self.ticket)

    def signed_in(self, _found: dict[str, Any]) -> None:
        """Called after a right password: nothing of the library's own state is kept beside the ticket."""
        st.session_state.clear()
        st.session_state[_TICKET] = self.ticket


def form() -> None:
    """Draw the form; after a right password, hand the ticket over and wait for the page to load again."""
    ticket = st.session_state.pop(_TICKET, None)
    if ticket is not None:
        exchange(ticket)
        return
    if guard.ended():
        st.info(_ENDED, icon=":material/logout:")
    authenticator = _Form()
    with showing_errors():
        authenticator.login(
            fields={
                "Form name": _("Connexion"),
                "Username": _("Identifiant"),
                "Password": _("Mot de passe"),
                "Login": _("Se connecter"),
            },
            key="sign_in",
            callback=authenticator.signed_in,
        )
    if _TICKET in st.session_state:
        st.rerun()
    if st.session_state.get("authentication_status") is False:
        st.error(_REFUSED, icon=":material/error:")
