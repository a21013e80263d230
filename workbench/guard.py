"""Who is asking. Each rerun asks the database again, so that a connection ended elsewhere ends here."""

from __future__ import annotations

import streamlit as st

from core.domain.access import Actor, Role
from core.services import accounts
from workbench import widgets
from workbench.cookie import COOKIE
from workbench.resources import sessions

_OWNER = "_connection_of_this_state"
_SEEN = "_who_in_this_run"


def cookie() -> str | None:
    """The connection's token, from the handshake of the page's websocket (tests replace this function)."""
    return st.context.cookies.get(COOKIE)


def current() -> accounts.SignedIn | None:
    """The connection of this page, or ``None``; what a page kept for somebody else is forgotten first."""
    signed_in = accounts.connection(sessions(), cookie())
    owner = signed_in.connection_id if signed_in else None
    if st.session_state.get(_OWNER, owner) != owner:
        st.session_state.clear()
    st.session_state[_OWNER] = owner
    st.session_state[_SEEN] = signed_in
    return signed_in


def seen() -> accounts.SignedIn | None:
    """Who :func:`current` last saw: enough for what is only offered, such as a link."""
    found: accounts.SignedIn | None = st.session_state.get(_SEEN)
    return found


def require(*roles: Role) -> Actor:
    """The actor, when they hold one of ``roles`` (any, when none is named); otherwise the page ends here.

    Navigation does not offer the page to others; this is for the address typed by hand and for a
    connection that ended while the page was open. Services check the right itself.
    """
    return signed_in(*roles).actor


def signed_in(*roles: Role) -> accounts.SignedIn:
    """As :func:`require`, with the whole connection: display name, roles, CSRF token for the components."""
    who = current()
    if who is None or who.must_change_password or (roles and not who.actor.roles & set(roles)):
        widgets.refused()
        st.stop()
    return who
