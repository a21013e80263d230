"""Répartition: release the identified copies and share them out."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.domain.access import Actor, Role
from core.domain.copies import CopyStatus
from core.i18n import _, number, plural
from core.services import accounts, allocation
from core.services.accounts import AccountLine
from core.services.allocation import Allocated, Progress
from workbench import guard, navigation
from workbench.messages import showing_errors
from workbench.resources import sessions
from workbench.widgets import Column, sentence, table
from workbench.widgets.choose_paper import paper_heading
from workbench.widgets.nothing_yet import nothing_yet

_DONE = "allocation_done"


def page() -> None:
    """Choose correctors and share the copies of a paper between them."""
    actor = guard.require(Role.COORDINATOR)
    paper = paper_heading(actor, _("Répartition"))
    if paper is None:
        return
    with showing_errors():
        progress = allocation.progress(sessions(), actor, paper_id=paper.paper_id)
        known = accounts.correctors(sessions(), actor)
        if not known:
            nothing_yet(
                _("Aucun correcteur n'a de compte."),
                _("L'administration en crée sur la page Comptes."),
                opens="accounts",
                label=_("Créer un compte"),
            )
            return
        waiting = _waiting(progress)
        sentence(_standing(progress, waiting))
        if waiting:
            _choose(actor, paper.paper_id, known)
        if words := st.session_state.pop(_DONE, None):
            st.success(words, icon=":material/check:")
        _shares(progress)


def _waiting(progress: Progress) -> int:
    """Copies that may be given: identified, or ready and nobody's."""
    counts = progress.by_status
    given = sum(line.allocated for line in progress.per_corrector)
    released = sum(counts.values()) - counts[CopyStatus.STAGED] - counts[CopyStatus.IDENTIFIED]
    return counts[CopyStatus.IDENTIFIED] + max(0, released - given)


def _standing(progress: Progress, waiting: int) -> str:
    staged = progress.by_status[CopyStatus.STAGED]
    if waiting:
        return _("{copies} à confier : choisissez entre qui les partager.").format(
            copies=plural(waiting, _("copie"), _("copies"))
        )
    if staged:
        return _("{copies} sans identité : le secrétariat les identifie, puis on les répartit.").format(
            copies=plural(staged, _("copie est"), _("copies sont"))
        )
    if progress.per_corrector:
        return _("Toutes les copies sont confiées.")
    return _("Aucune copie à répartir pour l'instant : le secrétariat doit d'abord les identifier.")


def _choose(actor: Actor, paper_id: int, known: Sequence[AccountLine]) -> None:
    names = {account.login: account.display_name for account in known}
    with st.container(border=True, key="allocation_choice"):
        chosen = st.pills(
            _("Correcteurs"),
            list(names),
            selection_mode="multi",
            default=list(names),
            format_func=names.__getitem__,
            key="correctors",
        )
        st.caption(
            _(
                "Tirage au sort à nombre de pages égal ; ce que chacun a déjà compte, et le tirage est enregistré."
            )
        )
        if st.button(_("Répartir les copies"), type="primary", icon=":material/call_split:", key="share"):
            done = allocation.allocate(sessions(), actor, paper_id=paper_id, correctors=chosen)
            st.session_state[_DONE] = _words(done, names)
            st.rerun()


def _words(done: Allocated, names: dict[str, str]) -> str:
    shares = ", ".join(f"{names[login]} {number(count)}" for login, count in done.per_corrector.items())
    copies = plural(sum(done.per_corrector.values()), _("copie répartie"), _("copies réparties"))
    return f"{copies} : {shares}."


def _shares(progress: Progress) -> None:
    if not progress.per_corrector:
        return
    table(
        [
            Column(_("Correcteur")),
            Column(_("Copies confiées"), numeric=True),
            Column(_("Complètes"), numeric=True),
            Column(_("Finalisées"), numeric=True),
        ],
        [
            (line.display_name, number(line.allocated), number(line.complete), number(line.finalised))
            for line in progress.per_corrector
        ],
    )
    navigation.link("progress", _("Suivre l'avancement"))


if __name__ == "__main__":
    page()
