"""Journal: who did what, and whether the chain of its lines is whole."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import streamlit as st

from core.domain.access import Action, Actor, Role
from core.i18n import _, number, plural
from core.services import journal, sealing
from core.services.journal import EntryView
from workbench import guard
from workbench.journal_words import (
    ACTIONS,
    KINDS,
    action_words,
    actor_words,
    instant_words,
    number_words,
    object_words,
    values_words,
    verified_words,
)
from workbench.messages import showing_errors
from workbench.resources import sessions
from workbench.widgets import Column, as_html, empty, table, title
from workbench.widgets.typed import day_of

PAGE_ROWS = 50
SHOWN_LINES = 2
"""Lines of values that are shown before the rest is folded."""
_PLACE, _ASKED = "journal_place", "journal_asked"


def page() -> None:
    """The state of the chain, what is looked for, and the lines."""
    actor = guard.require(Role.ADMIN)
    title(_("Journal"))
    _chain(actor)
    with showing_errors():
        _lines(actor)


def _chain(actor: Actor) -> None:
    found = sealing.state(sessions(), actor)
    with st.container(key="chain", horizontal=True, vertical_alignment="center"):
        st.html(f'<p class="k-sentence">{as_html(_standing(found))}</p>')
        asked = st.button(_("Vérifier la chaîne"), icon=":material/verified:", key="verify")
    if not asked:
        return
    with st.spinner(_("Vérification…"), show_time=True):
        verified = sealing.verify(sessions(), actor)
    if verified.broken is None:
        if verified.erased:
            st.warning(verified_words(verified), icon=":material/warning:")
        else:
            st.success(verified_words(verified), icon=":material/check:")
        st.caption(
            _("Dernier maillon, à noter hors de l'application : `{number}:{hash}`").format(
                number=verified.head.number, hash=verified.head.hash
            )
        )
    else:
        st.error(verified_words(verified), icon=":material/error:")


def _standing(found: sealing.ChainState) -> str:
    sealed = plural(found.head.number, _("ligne scellée"), _("lignes scellées"))
    if found.sealed_at is None:
        return _("Aucune ligne n'est encore scellée.")
    words = _("{sealed}, la dernière le {instant}").format(
        sealed=sealed, instant=instant_words(found.sealed_at)
    )
    if found.unsealed:
        words += _(" ; {count} en attente").format(count=number(found.unsealed))
    return f"{words}."


def _lines(actor: Actor) -> None:
    asked = _asked()
    if st.session_state.get(_ASKED) != asked:
        st.session_state[_ASKED], st.session_state[_PLACE] = asked, 0
    who, action, kind, object_id, first, last = asked
    since, until = day_of(first), day_of(last)
    place = st.session_state[_PLACE]
    found = journal.entries(
        sessions(),
        actor,
        who=who,
        action=Action(action) if action else None,
        kind=kind,
        object_id=_object_id(object_id),
        since=datetime.combine(since, time()).astimezone() if since else None,
        until=datetime.combine(until + timedelta(days=1), time()).astimezone() if until else None,
        limit=PAGE_ROWS + 1,
        offset=place * PAGE_ROWS,
    )
    if not found:
        empty(_("Aucune ligne ne correspond."), _("Élargissez la recherche."))
    else:
        _table(found[:PAGE_ROWS])
    _turn(place, more=len(found) > PAGE_ROWS)


def _asked() -> tuple[str, str, str, str, str, str]:
    """What is looked for: who, act, kind and number of the object, first and last day as typed."""
    who, action, kind, object_id, since, until = st.columns([3, 3, 2, 1.2, 1.6, 1.6])
    return (
        who.text_input(_("Qui"), placeholder=_("identifiant, nom, system"), key="who"),
        action.selectbox(
            _("Acte"),
            ["", *sorted(journal.RECORDED, key=ACTIONS.__getitem__)],
            format_func=lambda chosen: ACTIONS[Action(chosen)] if chosen else _("tous"),
            filter_mode=None,
            key="action",
        ),
        kind.selectbox(
            _("Objet"),
            ["", *KINDS],
            format_func=lambda chosen: KINDS[chosen] if chosen else _("tous"),
            filter_mode=None,
            key="kind",
        ),
        object_id.text_input(_("Numéro"), key="object"),
        since.text_input(_("Du"), placeholder=_("JJ/MM/AAAA"), key="since"),
        until.text_input(_("Au"), placeholder=_("JJ/MM/AAAA"), key="until"),
    )


def _object_id(typed: str) -> int | None:
    """The number of an object; what is no number is no object's."""
    digits = typed.strip()
    if not digits:
        return None
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else -1


def _table(lines: list[EntryView]) -> None:
    table(
        [
            Column(_("Ligne"), numeric=True),
            Column(_("Quand")),
            Column(_("Qui")),
            Column(_("Acte")),
            Column(_("Objet")),
            Column(_("Valeurs"), markup=True),
        ],
        [
            (
                number_words(line),
                instant_words(line.at),
                actor_words(line),
                action_words(line.action),
                object_words(line),
                _values(line),
            )
            for line in lines
        ],
    )


def _values(line: EntryView) -> str:
    words = [as_html(words) for words in values_words(line.values)]
    shown, folded = words[:SHOWN_LINES], words[SHOWN_LINES:]
    if not folded:
        return "<br>".join(shown)
    more = _("et {count}").format(count=plural(len(folded), _("autre"), _("autres")))
    return f"{'<br>'.join(shown)}<details><summary>{as_html(more)}</summary>{'<br>'.join(folded)}</details>"


def _turn(place: int, *, more: bool) -> None:
    with st.container(key="turn", horizontal=True, horizontal_alignment="right"):
        if place and st.button(_("Plus récentes"), icon=":material/chevron_left:", key="newer"):
            st.session_state[_PLACE] = place - 1
            st.rerun()
        if more and st.button(_("Plus anciennes"), icon=":material/chevron_right:", key="older"):
            st.session_state[_PLACE] = place + 1
            st.rerun()


if __name__ == "__main__":
    page()
