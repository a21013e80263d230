"""Comptes: who may sign in, and the accounts of the pupils of a session."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import streamlit as st

from core.domain.access import Actor, Role
from core.i18n import _, plural
from core.services import accounts, exams
from core.services.accounts import AccountLine, StudentAccount
from workbench import guard
from workbench.components.save_table import save_table
from workbench.messages import showing_errors
from workbench.resources import sessions
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
_DONE, _ROUND = "accounts_done", "accounts_round"


def page() -> None:
    """Create accounts, list them, renew a password, close or open one."""
    actor = guard.require(Role.ADMIN)
    found = accounts.accounts(sessions(), actor)
    title(_("Comptes"), plural(len(found), _("compte"), _("comptes")))
    if done := st.session_state.pop(_DONE, None):
        st.success(done, icon=":material/check:")
    with st.expander(_("Nouveau compte"), icon=":material/person_add:", key="new_account"):
        _create(actor)
    with st.expander(_("Comptes des élèves d'une session"), icon=":material/school:", key="new_students"):
        _students(actor)
    kind = st.segmented_control(
        _("Comptes montrés"), [STAFF, PUPILS], default=STAFF, label_visibility="collapsed", key="kind"
    )
    shown = [line for line in found if (line.roles == (Role.STUDENT,)) == (kind == PUPILS)]
    _list(shown)
    _change(actor, shown)


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
    table(
        [Column(_("Identifiant")), Column(_("Nom")), Column(_("Rôles")), Column(_("État"), markup=True)],
        [
            (line.login, line.display_name, ", ".join(ROLES[role] for role in line.roles), _state(line))
            for line in shown
        ],
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
    with st.container(horizontal=True, vertical_alignment="bottom", key="change_account"):
        login = st.selectbox(
            _("Un compte"),
            list(by_login),
            format_func=lambda login: f"{login} · {by_login[login].display_name}",
            filter_mode=None,
            width=420,
            key="changed",
        )
        renew = st.button(_("Nouveau mot de passe"), icon=":material/key:", key="renew")
        closed = by_login[login].disabled
        switch = st.button(
            _("Rouvrir le compte") if closed else _("Fermer le compte"),
            icon=":material/lock_open:" if closed else ":material/lock:",
            key="switch",
        )
    with showing_errors():
        if renew:
            password = _fresh_password()
            accounts.set_password(sessions(), actor, login=login, password=password)
            _say(_("Mot de passe de {login} changé.").format(login=as_markdown(login)), password)
        if switch:
            accounts.set_disabled(sessions(), actor, login=login, disabled=not closed)
            _say(
                (
                    _("Compte {login} rouvert.")
                    if closed
                    else _("Compte {login} fermé ; ses connexions sont coupées.")
                ).format(login=as_markdown(login))
            )


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
