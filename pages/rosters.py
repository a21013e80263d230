"""Listes: import a roster, look before it is written, see what needs a check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.domain.access import Actor, Role
from core.i18n import _, day, number, plural, short_day
from core.services import exams
from core.services.exams import RosterPreview, RosterView, SessionLine
from workbench import guard, navigation
from workbench.messages import showing_errors
from workbench.resources import sessions
from workbench.sentences import sentence as error_sentence
from workbench.widgets import Column, State, as_html, as_markdown, badge, facts, sentence, table, title
from workbench.widgets.typed import day_of

CHANGES = {
    "created": (State.SURE, _("nouveau")),
    "updated": (State.CHECK, _("modifié")),
    "unchanged": (State.WAITING, _("inchangé")),
}
FIELDS = {
    "full_name": _("nom et prénom"),
    "surname": _("nom"),
    "usage_name": _("nom d'usage"),
    "first_name": _("prénom"),
    "birth_date": _("date de naissance"),
    "class_name": _("classe"),
    "group_name": _("groupe"),
    "ine": _("INE"),
    "number": _("n° de candidat"),
    "email": _("adresse e-mail"),
}
_NEW = ""
_DONE, _ROUND = "roster_imported", "roster_round"


@dataclass(frozen=True)
class Imported:
    """What is said of an import in the run after it."""

    session_name: str
    words: str


def page() -> None:
    """Import a roster in two steps, then list the candidates."""
    actor = guard.require(Role.SECRETARIAT, Role.ADMIN)
    known = exams.sessions_list(sessions(), actor)
    title(_("Listes d'élèves"), plural(len(known), _("session"), _("sessions")) if known else "")
    imported = st.session_state.pop(_DONE, None)
    if imported:
        # The page is as far down as the preview was: a toast is seen from there.
        st.toast(imported.words, icon=":material/check:", duration="long")
        st.session_state["session"] = imported.session_name
    _import(actor, known)
    if imported:
        navigation.link("papers", _("Créer une épreuve pour cette liste"))
    for line in known:
        words = f"{line.name} · {plural(line.candidates, _('élève'), _('élèves'))} · " + _(
            "jusqu'au {day}"
        ).format(day=day(line.ends_on))
        with st.expander(
            as_markdown(words),
            expanded=line.name == imported.session_name if imported else len(known) == 1,
            key=f"session_{line.session_id}",
        ):
            _roster(exams.roster(sessions(), actor, session_id=line.session_id))


def _import(actor: Actor, known: Sequence[SessionLine]) -> None:
    left, right = st.columns(2, gap="medium")
    with left:
        session_name, ends_on = _session(known)
    # The field is emptied after an import by becoming another one.
    file = right.file_uploader(
        _("Liste : CSV, XLSX ou PDF"),
        type=["csv", "txt", "xlsx", "pdf"],
        key=f"roster_{st.session_state.get(_ROUND, 0)}",
    )
    if file is None:
        return
    with showing_errors():
        given: dict[str, Any] = {
            "session_name": session_name,
            "file_name": file.name,
            "content": file.getvalue(),
        }
        preview = exams.preview_roster(sessions(), actor, **given)
        _preview(preview)
        if st.button(
            _("Importer {lines}").format(lines=plural(len(preview.lines), _("ligne"), _("lignes"))),
            type="primary",
            disabled=not preview.lines,
            key="import",
        ):
            report = exams.import_roster(sessions(), actor, **given, ends_on=day_of(ends_on))
            st.session_state[_DONE] = Imported(" ".join(session_name.split()), _counts(report))
            st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
            st.rerun()


def _session(known: Sequence[SessionLine]) -> tuple[str, str]:
    """The name of the session, typed when it is new, and its last day as typed."""
    names = [line.name for line in known]
    chosen = _NEW
    if names:
        chosen = st.selectbox(
            _("Session"),
            [*names, _NEW],
            format_func=lambda name: name or _("Nouvelle session…"),
            filter_mode=None,
            key="session",
        )
    if chosen:
        return chosen, ""
    name = st.text_input(
        _("Nom de la nouvelle session"), placeholder=_("Bac blanc janvier 2027"), key="new_session"
    )
    ends_on = st.text_input(
        _("Données gardées jusqu'au"), placeholder=_("JJ/MM/AAAA ; sinon le 31 août à venir"), key="ends_on"
    )
    return name, ends_on


def _preview(preview: RosterPreview) -> None:
    read = ", ".join(
        f"« {header} » ({FIELDS.get(field, field)})" for field, header in preview.mapping.items()
    )
    sentence(_("Colonnes reconnues : {columns}.").format(columns=read))
    if preview.ignored:
        st.html(
            f'<p class="k-caption">{as_html(_("Laissées de côté :"))} {as_html(", ".join(preview.ignored))}</p>'
        )
    facts(
        (
            (_("nouveaux"), number(preview.created)),
            (_("modifiés"), number(preview.updated)),
            (_("inchangés"), number(preview.unchanged)),
            (_("absents du fichier"), number(preview.absent)),
            (_("lignes refusées"), number(len(preview.errors))),
        )
    )
    _problems(preview)
    table(
        [
            Column(_("Ligne"), numeric=True),
            Column(_("Nom")),
            Column(_("Prénom")),
            Column(_("Né(e) le")),
            Column(_("Classe")),
            Column(_("Effet"), markup=True),
        ],
        [
            (
                line.line,
                line.surname,
                line.first_name,
                short_day(line.birth_date) if line.birth_date else "",
                line.class_name,
                badge(*CHANGES[line.change]),
            )
            for line in preview.lines
        ],
    )


def _problems(preview: RosterPreview) -> None:
    """Lines that do not go in, then those that go in and need a look."""
    refused, doubtful = badge(State.STOP, _("refusée")), badge(State.CHECK, _("à vérifier"))
    rows = [(problem.line, refused, error_sentence(problem.reason)) for problem in preview.errors]
    rows += [(problem.line, doubtful, error_sentence(problem.reason)) for problem in preview.to_check]
    if rows:
        table([Column(_("Ligne"), numeric=True), Column(_("État"), markup=True), Column(_("Pourquoi"))], rows)


def _counts(report: exams.RosterReport) -> str:
    parts = [
        plural(report.created, _("nouveau"), _("nouveaux")),
        plural(report.updated, _("modifié"), _("modifiés")),
        plural(report.unchanged, _("inchangé"), _("inchangés")),
    ]
    if report.absent:
        parts.append(_("{n} de la session absents de ce fichier").format(n=number(report.absent)))
    return _("Liste importée : {counts}.").format(counts=", ".join(parts))


def _roster(found: Sequence[RosterView]) -> None:
    grouped = any(line.group_name for line in found)
    columns = [Column(_("Nom")), Column(_("Prénom")), Column(_("Né(e) le")), Column(_("Classe"))]
    columns += [Column(_("Groupe"))] if grouped else []
    table(
        [*columns, Column(_("À vérifier"), markup=True)],
        [
            (
                line.surname,
                line.first_name,
                short_day(line.birth_date) if line.birth_date else "",
                line.class_name,
                *([line.group_name] if grouped else []),
                _note(line),
            )
            for line in found
        ],
    )


def _note(line: RosterView) -> str:
    notes = [_("homonyme")] if line.homonym else []
    notes += [_("coupe entre nom et prénom")] if line.to_check else []
    return badge(State.CHECK, ", ".join(notes)) if notes else ""


if __name__ == "__main__":
    page()
