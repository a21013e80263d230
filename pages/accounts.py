"""Comptes: who may sign in, and the accounts of the pupils of a session."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import streamlit as st

from core.domain.access import Actor, Role
from core.domain.names import fold
from core.errors import WorkbenchError
from core.i18n import _, plural
from core.services import accounts, connections, exams
from core.services.accounts import AccountLine, StudentAccount
from workbench import guard
from workbench.components.save_table import save_table
from workbench.messages import showing_errors
from workbench.resources import sessions
from workbench.sentences import sentence
from workbench.widgets import Column, State, as_markdown, badge, table, title

ROLES = {
    Role.ADMIN: _("administration"),
    Role.SECRETARIAT: _("secrétariat"),
    Role.CORRECTOR: _("correction"),
    Role.COORDINATOR: _("coordination"),
    Role.ANALYST: _("analyse"),
    Role.STUDENT: _("élève"),
}
STAFF, PUPILS = _("Personnel"), _("Élèves")
MOST_SHOWN = 40
"""A list to look at, not a wall: a school has 650 pupils, and the search finds one of them."""
_DONE, _REFUSED, _ROUND = "accounts_done", "accounts_refused", "accounts_round"


def page() -> None:
    """Create accounts, find one, change its roles or password, close or open it, end its connections."""
    actor = guard.require(Role.ADMIN)
    found = accounts.accounts(sessions(), actor)
    title(_("Comptes"), plural(len(found), _("compte"), _("comptes")))
    if done := st.session_state.pop(_DONE, None):
        st.success(done, icon=":material/check:")
    if refused := st.session_state.pop(_REFUSED, None):
        st.error(refused, icon=":material/error:")
    with st.expander(_("Nouveau compte"), icon=":material/person_add:", key="new_account"):
        _create(actor)
    with st.expander(_("Comptes des élèves d'une session"), icon=":material/school:", key="new_students"):
        _students(actor)
    shown = _searched(found)
    _list(shown)
    _change(actor, shown[:MOST_SHOWN])


def _searched(found: Sequence[AccountLine]) -> list[AccountLine]:
    with st.container(horizontal=True, vertical_alignment="bottom", key="search"):
        kind = st.segmented_control(
            _("Comptes montrés"),
            [STAFF, PUPILS],
            default=STAFF,
            required=True,
            label_visibility="collapsed",
            key="kind",
        )
        words = st.text_input(
            _("Chercher"),
            placeholder=_("Chercher un nom ou un identifiant"),
            label_visibility="collapsed",
            width=420,
            key="searched",
        )
    return [
        line
        for line in found
        if (line.roles == (Role.STUDENT,)) == (kind == PUPILS)
        and all(_answers(line, word) for word in words.split())
    ]


def _answers(line: AccountLine, word: str) -> bool:
    # A name as it sounds, a login as it is written: digits are in logins only.
    name = "" if any(sign.isdigit() for sign in word) else fold(word)
    return word.lower() in line.login or (name != "" and name in fold(line.display_name))


def _create(actor: Actor) -> None:
    # The fields are emptied after a creation by becoming others.
    number = st.session_state.get(_ROUND, 0)
    first, second, third = st.columns([2, 2, 2])
    surname = first.text_input(_("Nom"), key=f"surname_{number}")
    first_name = second.text_input(_("Prénom"), key=f"first_name_{number}")
    login = third.text_input(_("Identifiant"), placeholder=_("m.durand"), key=f"login_{number}")
    roles = st.pills(
        _("Rôles"),
        [role for role in Role if role is not Role.STUDENT],
        selection_mode="multi",
        format_func=ROLES.__getitem__,
        key=f"roles_{number}",
    )
    if not st.button(_("Créer le compte"), type="primary", key="create_account"):
        return
    with showing_errors():
        password = _fresh_password()
        accounts.create_account(
            sessions(),
            actor,
            login=login,
            roles=roles,
            surname=surname or login,
            first_name=first_name,
            password=password,
        )
        st.session_state[_ROUND] = number + 1
        _say(_("Compte {login} créé.").format(login=as_markdown(login)), password)


def _students(actor: Actor) -> None:
    known = exams.sessions_list(sessions(), actor)
    if not known:
        st.caption(_("Aucune session : importez d'abord une liste d'élèves."))
        return
    labels = {line.session_id: line.name for line in known}
    with st.container(horizontal=True, vertical_alignment="bottom", key="students"):
        chosen = st.selectbox(
            _("Session"), list(labels), format_func=labels.__getitem__, filter_mode=None, key="session"
        )
        asked = st.button(_("Créer les comptes qui manquent"), key="create_students")
    if asked:
        with showing_errors():
            _made(accounts.create_student_accounts(sessions(), actor, session_id=chosen))


def _made(made: Sequence[StudentAccount]) -> None:
    if not made:
        st.info(_("Chaque élève de cette session a déjà un compte."), icon=":material/info:")
        return
    st.success(
        _("{accounts}. Les mots de passe ne sont montrés que cette fois : enregistrez le tableau.").format(
            accounts=plural(len(made), _("compte créé"), _("comptes créés"))
        ),
        icon=":material/check:",
    )
    columns = [_("Nom"), _("Prénom"), _("Identifiant"), _("Mot de passe")]
    rows = [(line.surname, line.first_name, line.login, line.password) for line in made]
    save_table(columns, rows, file_name="comptes-eleves.csv", key="save_students")
    table([Column(head) for head in columns], rows)


def _list(shown: Sequence[AccountLine]) -> None:
    if not shown:
        st.caption(_("Aucun compte ne répond à cette recherche."))
        return
    table(
        [Column(_("Identifiant")), Column(_("Nom")), Column(_("Rôles")), Column(_("État"), markup=True)],
        [
            (line.login, line.display_name, ", ".join(ROLES[role] for role in line.roles), _state(line))
            for line in shown[:MOST_SHOWN]
        ],
    )
    if len(shown) > MOST_SHOWN:
        st.caption(
            _("{shown} sur {all} : précisez la recherche pour voir les autres.").format(
                shown=MOST_SHOWN, all=plural(len(shown), _("compte"), _("comptes"))
            )
        )


def _state(line: AccountLine) -> str:
    if line.disabled:
        return badge(State.STOP, _("fermé"))
    if line.must_change_password:
        return badge(State.WAITING, _("mot de passe provisoire"))
    return badge(State.SURE, _("actif"))


def _change(actor: Actor, shown: Sequence[AccountLine]) -> None:
    by_login = {line.login: line for line in shown}
    if not by_login:
        return
    with st.container(border=True, key="change_account"):
        login = st.selectbox(
            _("Un compte"),
            list(by_login),
            format_func=lambda login: f"{login} · {by_login[login].display_name}",
            filter_mode=None,
            width=420,
            key="changed",
        )
        line = by_login[login]
        _roles(line)
        with st.container(horizontal=True, key="change_buttons"):
            renew = st.button(_("Nouveau mot de passe"), icon=":material/key:", key="renew")
            switch = st.button(
                _("Rouvrir le compte") if line.disabled else _("Fermer le compte"),
                icon=":material/lock_open:" if line.disabled else ":material/lock:",
                key="switch",
            )
            end = st.button(_("Terminer ses connexions"), icon=":material/logout:", key="end_connections")
    with showing_errors():
        if renew:
            password = _fresh_password()
            accounts.set_password(sessions(), actor, login=login, password=password)
            _say(_("Mot de passe de {login} changé.").format(login=as_markdown(login)), password)
        if switch:
            accounts.set_disabled(sessions(), actor, login=login, disabled=not line.disabled)
            _say(
                (
                    _("Compte {login} rouvert.")
                    if line.disabled
                    else _("Compte {login} fermé ; ses connexions sont coupées.")
                ).format(login=as_markdown(login))
            )
        if end:
            ended = connections.end_account_connections(sessions(), actor, login=login)
            _say(plural(ended, _("connexion terminée."), _("connexions terminées.")))


def _roles(line: AccountLine) -> None:
    # The key holds the version: what another administrator changed meanwhile is shown, not typed over.
    key = f"held_{line.login}_{line.version}"
    with st.container(horizontal=True, vertical_alignment="bottom", key="change_roles"):
        st.pills(
            _("Rôles"),
            list(Role),
            selection_mode="multi",
            default=line.roles,
            format_func=ROLES.__getitem__,
            key=key,
        )
        # A callback, because it is given the version that was on screen when the button was pressed.
        st.button(_("Enregistrer les rôles"), key="save_roles", on_click=_save_roles, args=(line, key))


def _save_roles(line: AccountLine, key: str) -> None:
    who = guard.current()
    if who is None:
        return
    try:
        accounts.set_roles(
            sessions(), who.actor, login=line.login, roles=st.session_state.get(key, ()), version=line.version
        )
    except WorkbenchError as error:
        st.session_state[_REFUSED] = sentence(error)
    else:
        st.session_state[_DONE] = _("Rôles de {login} enregistrés.").format(login=as_markdown(line.login))


def _fresh_password() -> str:
    return secrets.token_urlsafe(9)


def _say(words: str, password: str = "") -> None:
    """Keep a sentence for the next run, which shows the list as it has become."""
    if password:
        words += " " + _("Mot de passe provisoire, montré cette seule fois :") + f" `{password}`"
    st.session_state[_DONE] = words
    st.rerun()


if __name__ == "__main__":
    page()
