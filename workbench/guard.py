"""Who is asking. Each rerun asks the database again, so that a connection ended elsewhere ends here."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.domain.access import Actor, Role
from core.services import connections
from core.services.connections import SignedIn
from workbench import logs, page_owners, widgets
from workbench.cookie import token_in
from workbench.resources import sessions

_OWNER = "_connection_of_this_state"
_SEEN = "_who_in_this_run"
_ENDED = "_connection_ended"


def cookie() -> str | None:
    """The connection's token, from the handshake of the page's websocket (tests replace this function)."""
    return token_in(st.context.cookies, host=st.context.headers.get("Host") or "")


def address() -> str:
    """Where the browser is, as the server saw it or a trusted proxy said (tests replace this function).

    Streamlit warns that it can be forged: uvicorn puts it there and believes the proxies of
    ``KORRIGO_TRUSTED_PROXIES`` only. Streamlit says nothing for this machine itself.
    """
    return st.context.ip_address or "127.0.0.1"


def current() -> SignedIn | None:
    """The connection of this page, or ``None``; what a page kept for somebody else is forgotten first."""
    signed_in = connections.connection(sessions(), cookie())
    owner = signed_in.connection_id if signed_in else None
    before = st.session_state.get(_OWNER, owner)
    if before != owner:
        st.session_state.clear()
        st.session_state[_ENDED] = before is not None
    st.session_state[_OWNER] = owner
    st.session_state[_SEEN] = signed_in
    logs.acting(signed_in.account_id if signed_in else None)
    if context := get_script_run_ctx():
        page_owners.ran_for(context.session_id, owner)
    return signed_in


def seen() -> SignedIn | None:
    """Who :func:`current` last saw: enough for what is only offered, such as a link."""
    found: SignedIn | None = st.session_state.get(_SEEN)
    return found


def ended() -> bool:
    """Whether a connection ended while this page was open; its person is told why they must sign in."""
    return bool(st.session_state.get(_ENDED))


def require(*roles: Role) -> Actor:
    """The actor, when they hold one of ``roles`` (any, when none is named); otherwise the page ends here.

    Navigation does not offer the page to others; this is for the address typed by hand and for a
    connection that ended while the page was open. Services check the right itself.
    """
    return signed_in(*roles).actor


def signed_in(*roles: Role) -> SignedIn:
    """As :func:`require`, with the whole connection: display name, roles, CSRF token for the components."""
    who = current()
    if who is None or who.must_change_password or (roles and not who.actor.roles & set(roles)):
        widgets.refused()
        st.stop()
    return who
