"""Épreuves: create a paper with its marking scheme, see those that exist."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.domain.access import Actor, Role
from core.i18n import _, day, number, plural, points
from core.services import exams
from core.services.exams import ItemView, PaperLine
from workbench import guard, navigation
from workbench.messages import showing_errors
from workbench.resources import sessions
from workbench.widgets import Column, as_html, as_markdown, sentence, table, title
from workbench.widgets.nothing_yet import nothing_yet
from workbench.widgets.typed import day_of, decimal_of

# Several files are several subjects: the first is A, the second B.
SUBJECTS = "ABCDEFGH"
_DONE, _ROUND = "paper_created", "paper_round"


def page() -> None:
    """Show the papers with their schemes, and the form of a new one."""
    actor = guard.require(Role.SECRETARIAT, Role.COORDINATOR, Role.ADMIN)
    found = exams.papers(sessions(), actor)
    title(_("Épreuves"), plural(len(found), _("épreuve"), _("épreuves")) if found else "")
    names = [line.name for line in exams.sessions_list(sessions(), actor)]
    if not names:
        nothing_yet(
            _("Aucune session pour l'instant."),
            _("Importez d'abord une liste d'élèves : elle crée la session."),
            opens="rosters",
            label=_("Importer une liste"),
        )
        return
    if created := st.session_state.pop(_DONE, None):
        st.success(created, icon=":material/check:")
        navigation.link("scans", _("Déposer ses scans"))
    with st.expander(
        _("Nouvelle épreuve"),
        expanded=not found,
        icon=":material/add:",
        key=f"new_paper_{st.session_state.get(_ROUND, 0)}",
    ):
        _create(actor, names)
    for line in found:
        with st.expander(as_markdown(_heading(line)), key=f"paper_{line.paper_id}"):
            _scheme(actor, line.paper_id)


def _heading(line: PaperLine) -> str:
    parts = [
        line.name,
        line.session_name,
        day(line.sat_on) if line.sat_on else "",
        plural(line.entries, _("inscrit"), _("inscrits")),
        plural(line.copies, _("copie"), _("copies")),
    ]
    return " · ".join(part for part in parts if part)


def _create(actor: Actor, names: Sequence[str]) -> None:
    # The fields are emptied after a creation by becoming others.
    place = st.session_state.get(_ROUND, 0)
    left, right = st.columns(2)
    session_name = left.selectbox(_("Session"), names, key="session", filter_mode=None)
    name = right.text_input(_("Nom de l'épreuve"), placeholder=_("Mathématiques"), key=f"name_{place}")
    first, second, third = st.columns(3)
    total = first.text_input(_("Total des points"), "20", key=f"total_{place}")
    coefficient = second.text_input(_("Coefficient"), "1", key=f"coefficient_{place}")
    sat_on = third.text_input(_("Date de l'épreuve"), placeholder=_("JJ/MM/AAAA"), key=f"sat_on_{place}")
    files = st.file_uploader(
        _("Barème : un fichier CSV ou XLSX par sujet"),
        type=["csv", "xlsx"],
        accept_multiple_files=True,
        key=f"scheme_{place}",
    )
    st.caption(
        _(
            "Colonnes item, libellé, points, et si besoin bonus et compétence. "
            "Les items se numérotent 1, 1.a, 1.b… ; avec deux fichiers, le premier est le sujet A, le second le B."
        )
    )
    if not st.button(_("Créer l'épreuve"), type="primary", key="create_paper"):
        return
    with showing_errors():
        exams.create_paper(
            sessions(),
            actor,
            session_name=session_name,
            name=name,
            schemes={code: (file.name, file.getvalue()) for code, file in zip(SUBJECTS, files, strict=False)},
            total=decimal_of(total, code="paper_bad_total"),
            coefficient=decimal_of(coefficient, code="paper_bad_coefficient"),
            sat_on=day_of(sat_on),
        )
        st.session_state[_ROUND] = place + 1
        st.session_state[_DONE] = _("L'épreuve {name} est créée.").format(name=as_markdown(name))
        st.rerun()


def _scheme(actor: Actor, paper_id: int) -> None:
    paper = exams.paper(sessions(), actor, paper_id=paper_id)
    for variant, items in paper.scheme.items():
        leaves = sum(item.is_leaf for item in items)
        words = _("{questions} à noter, sur {total} ; coefficient {coefficient}, pas de {step}.").format(
            questions=plural(leaves, _("question"), _("questions")),
            total=points(paper.total),
            coefficient=points(paper.coefficient),
            step=points(paper.step),
        )
        if len(paper.scheme) > 1:
            words = _("Sujet {variant}").format(variant=variant) + f" : {words}"
        sentence(words)
        table(
            [
                Column(_("Item")),
                Column(_("Libellé"), markup=True),
                Column(_("Compétence")),
                Column(_("Points"), numeric=True, markup=True),
            ],
            [_item(item) for item in items],
        )


def _item(item: ItemView) -> tuple[str, str, str, str]:
    """Exercises and questions that only group others stand out; their points are a sum."""
    label, worth = as_html(item.label), number(item.points)
    if not item.is_leaf:
        label, worth = f"<strong>{label}</strong>", f"<strong>{worth}</strong>"
    if item.bonus:
        label += f" <em>{_('bonus')}</em>"
    indent = f'<span style="padding-left: {1.25 * item.depth}rem">{label}</span>'
    return item.code, indent, item.competence, worth


if __name__ == "__main__":
    page()
