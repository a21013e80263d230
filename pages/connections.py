"""Mes connexions: the browsers one is signed in from, and the way to end them."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from core.i18n import _, moment, plural
from core.services import connections
from core.services.connections import ConnectionLine
from workbench import guard, own_password
from workbench.messages import showing_errors
from workbench.resources import sessions
from workbench.widgets import sentence, title, told

_DONE = "connections_done"


def page() -> None:
    """List the open connections of the person, this one first."""
    who = guard.signed_in()
    lines = connections.own_connections(sessions(), who.actor, here=who.connection_id)
    title(_("Mes connexions"), plural(len(lines), _("connexion ouverte"), _("connexions ouvertes")))
    if done := st.session_state.pop(_DONE, None):
        st.success(done, icon=":material/check:")
    sentence(_("Une connexion que vous ne reconnaissez pas ? Terminez-la, puis changez votre mot de passe."))
    for line in lines:
        _draw(line)
    if len(lines) > 1 and st.button(
        _("Terminer toutes les autres"), icon=":material/logout:", key="end_others"
    ):
        with showing_errors():
            ended = connections.end_other_connections(sessions(), who.actor, here=who.connection_id)
            _say(plural(ended, _("connexion terminée."), _("connexions terminées.")))
    with st.expander(_("Changer mon mot de passe"), icon=":material/key:", key="change_password"):
        if own_password.form(who, current_label=_("Mot de passe actuel")):
            _say(_("Mot de passe changé ; vos autres connexions sont terminées."))
    if st.button(_("Se déconnecter partout"), icon=":material/power_settings_new:", key="end_all"):
        with showing_errors():
            connections.end_other_connections(sessions(), who.actor)
            st.rerun()


def _draw(line: ConnectionLine) -> None:
    key = f"connection_{line.connection_id}"
    with st.container(key=f"task_{key}", border=True, horizontal=True, vertical_alignment="center"):
        agent = line.agent or _("Navigateur inconnu")
        told(
            _("ouverte le {opened} · vue le {seen} · finit le {end}").format(
                opened=_local(line.opened_at), seen=_local(line.last_seen_at), end=_local(line.expires_at)
            ),
            _("{agent} — ici").format(agent=agent) if line.here else agent,
        )
        if not line.here and st.button(_("Terminer"), key=f"end_{line.connection_id}"):
            with showing_errors():
                connections.end_connection(sessions(), guard.require(), connection_id=line.connection_id)
                _say(_("Connexion terminée."))


def _local(at: datetime) -> str:
    return moment(at.astimezone())


def _say(words: str) -> None:
    st.session_state[_DONE] = words
    st.rerun()


if __name__ == "__main__":
    page()
