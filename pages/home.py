"""Accueil: what waits for the person, each sentence beside the button that opens it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import streamlit as st

from core.domain.access import PORTAL_ROLES, Actor, Role
from core.domain.copies import CopyStatus
from core.i18n import _, day, number, plural, points
from core.services import (
    accounts,
    allocation,
    exams,
    identification,
    lot_states,
    marking,
    publication,
    scans,
)
from workbench import guard, navigation
from workbench.components.session_bar import PORTALS
from workbench.resources import sessions
from workbench.widgets import empty, title, told
from workbench.widgets.choose_paper import remember_paper


@dataclass(frozen=True)
class Task:
    """Something that waits: where, how much, and the page where it is done."""

    about: str
    sentence: str
    opens: str
    label: str
    paper_id: int | None = None


def page() -> None:
    """Draw what waits in the portal that is on, in the order of the work."""
    who = guard.signed_in()
    title(_("Accueil"), day(datetime.now().astimezone()))
    held = who.roles & PORTAL_ROLES[who.portal]
    tasks = [task for roles, found in _FINDERS if held & roles for task in found(who.actor)]
    offered = {row.name for row in navigation.offered(who.roles, who.portal)}
    tasks = list(dict.fromkeys(task for task in tasks if task.opens in offered))
    for place, task in enumerate(tasks):
        _draw(task, key=f"task_{place}")
    if not tasks:
        empty(_("Rien ne vous attend."), _("Ce qui arrivera pour vous s'affichera ici."))
    others = [PORTALS[portal] for portal in who.portals if portal is not who.portal]
    if others:
        st.caption(
            _("Vous voyez le portail {on}. Pour {others} : le choix est en haut à droite.").format(
                on=PORTALS[who.portal], others=_(" et ").join(others)
            )
        )


def _draw(task: Task, *, key: str) -> None:
    with st.container(key=key, border=True, horizontal=True, vertical_alignment="center"):
        told(task.about, task.sentence)
        if st.button(task.label, key=f"{key}_open", icon=":material/arrow_forward:", icon_position="right"):
            if task.paper_id is not None:
                remember_paper(task.paper_id)
            navigation.open_page(task.opens)


def _office(actor: Actor) -> Iterator[Task]:
    papers = exams.papers(sessions(), actor)
    if not papers:
        yield Task(
            _("Pour commencer"),
            _("Aucune épreuve pour l'instant : importez une liste d'élèves, puis créez l'épreuve."),
            "rosters",
            _("Importer une liste"),
        )
    for paper in papers:
        about = f"{paper.session_name} · {paper.name}"
        work = scans.jobs(sessions(), actor, paper_id=paper.paper_id)
        alive = sum(job.status in ("waiting", "running") for job in work)
        failed = sum(job.status == "failed" for job in work)
        if failed:
            words = plural(failed, _("travail a échoué"), _("travaux ont échoué"))
            yield Task(about, words, "jobs", _("Voir pourquoi"))
        if alive:
            words = plural(alive, _("travail en cours"), _("travaux en cours"))
            yield Task(about, words, "jobs", _("Suivre"))
        lots = lot_states.lot_states(sessions(), actor, paper_id=paper.paper_id)
        if waiting := sum(lot.waits for lot in lots):
            words = plural(waiting, _("lot attend son contrôle"), _("lots attendent leur contrôle"))
            yield Task(about, words, "lot_control", _("Contrôler"), paper.paper_id)
        yield from _identification(actor, paper, about, idle=not alive and not waiting)


def _identification(actor: Actor, paper: exams.PaperLine, about: str, *, idle: bool) -> Iterator[Task]:
    desk = identification.desk(sessions(), actor, paper_id=paper.paper_id)
    if idle and not desk.tasks:
        yield Task(about, _("Aucun scan reçu."), "scans", _("Déposer les scans"), paper.paper_id)
    if desk.left:
        words = plural(desk.left, _("livret attend une décision"), _("livrets attendent une décision"))
        yield Task(about, words, "identify", _("Identifier"), paper.paper_id)


def _correction(actor: Actor) -> Iterator[Task]:
    copies = marking.my_copies(sessions(), actor)
    for paper_id, name in dict.fromkeys((copy.paper_id, copy.paper_name) for copy in copies):
        mine = [
            copy
            for copy in copies
            if copy.paper_id == paper_id and copy.status in (CopyStatus.READY, CopyStatus.MARKING)
        ]
        left = sum(not copy.completed for copy in mine)
        if left:
            words = plural(left, _("copie à corriger"), _("copies à corriger"))
            yield Task(name, words, "my_copies", _("Corriger"))
        elif mine:
            words = plural(len(mine), _("copie complète à finaliser"), _("copies complètes à finaliser"))
            yield Task(name, words, "my_copies", _("Finaliser"))


def _steering(actor: Actor) -> Iterator[Task]:
    for paper in exams.papers(sessions(), actor):
        about = f"{paper.session_name} · {paper.name}"
        counts = allocation.progress(sessions(), actor, paper_id=paper.paper_id).by_status
        if identified := counts[CopyStatus.IDENTIFIED]:
            words = plural(identified, _("copie identifiée à répartir"), _("copies identifiées à répartir"))
            yield Task(about, words, "allocation", _("Répartir"), paper.paper_id)
        if failed := counts[CopyStatus.FAILED]:
            words = plural(failed, _("finalisation a échoué"), _("finalisations ont échoué"))
            yield Task(about, words, "progress", _("Relancer"), paper.paper_id)
        if counts[CopyStatus.FINALISED]:
            yield from _to_publish(actor, paper.paper_id, about)
        if under_way := counts[CopyStatus.MARKING] + counts[CopyStatus.READY]:
            words = plural(under_way, _("copie reste à finaliser"), _("copies restent à finaliser"))
            yield Task(about, words, "progress", _("Voir l'avancement"), paper.paper_id)


def _to_publish(actor: Actor, paper_id: int, about: str) -> Iterator[Task]:
    preview = publication.publication_preview(sessions(), actor, paper_id=paper_id)
    if preview.ready:
        words = plural(preview.ready, _("copie prête à publier"), _("copies prêtes à publier"))
        yield Task(about, words, "publication", _("Publier"), paper_id)
    elif unnamed := sum(line.why == "no_identity" for line in preview.missing):
        words = plural(
            unnamed, _("copie finalisée reste sans identité"), _("copies finalisées restent sans identité")
        )
        yield Task(about, words, "publication", _("Voir lesquelles"), paper_id)


def _students(actor: Actor) -> Iterator[Task]:
    for result in publication.my_results(sessions(), actor):
        words = _("Votre copie est publiée : {mark} / {scale}").format(
            mark=number(result.final_mark, 2), scale=points(result.scale)
        )
        yield Task(result.paper_name, words, "my_results", _("Voir mes résultats"))


def _administration(actor: Actor) -> Iterator[Task]:
    known = accounts.accounts(sessions(), actor)
    if not any(Role.CORRECTOR in line.roles and not line.disabled for line in known):
        yield Task(_("Comptes"), _("Aucun correcteur n'a de compte."), "accounts", _("Créer des comptes"))


_FINDERS = (
    (frozenset({Role.SECRETARIAT, Role.ADMIN}), _office),
    (frozenset({Role.ADMIN}), _administration),
    (frozenset({Role.CORRECTOR}), _correction),
    (frozenset({Role.COORDINATOR}), _steering),
    (frozenset({Role.STUDENT}), _students),
)

if __name__ == "__main__":
    page()
