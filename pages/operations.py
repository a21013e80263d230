"""Exploitation: how the parts of the installation stand, and what to do about those that are not well."""

from __future__ import annotations

import streamlit as st

from core.domain.access import Role
from core.i18n import _, number, plural, size
from core.services import health
from core.services.health import Component, Health, Standing
from workbench import guard
from workbench.health_words import TITLES, remedy, span, told
from workbench.navigation import link
from workbench.resources import blobs, sessions, settings
from workbench.widgets import Column, State, badge, facts, sentence, table, title

_STATES = {
    Standing.OK: (State.SURE, _("en ordre")),
    Standing.DEGRADED: (State.CHECK, _("à regarder")),
    Standing.DOWN: (State.STOP, _("en panne")),
}
_TOLD_AGAIN_S = 15


def page() -> None:
    """The parts with their state, asked again while somebody looks."""
    guard.require(Role.ADMIN)
    title(_("Exploitation"))
    _standing()


@st.fragment(run_every=_TOLD_AGAIN_S)
def _standing() -> None:
    actor = guard.require(Role.ADMIN)
    found = health.operations(sessions(), actor, blobs(), settings=settings())
    sentence(_summary(found))
    facts(_figures(found))
    table(
        [
            Column(_("Partie")),
            Column(_("État"), markup=True),
            Column(_("Ce qu'on voit")),
            Column(_("Que faire")),
        ],
        [_row(part) for part in found.components],
    )
    if found.component("queue").figures.get("failed"):
        link("jobs", _("Voir les travaux mis de côté"))
    st.caption(_version(found))


def _summary(found: Health) -> str:
    count = sum(part.standing is not Standing.OK for part in found.components)
    if not count:
        return _("Tout est en ordre.")
    words = plural(count, _("partie demande un regard"), _("parties demandent un regard"))
    return _("{parts} : la dernière colonne dit quoi faire.").format(parts=words)


def _figures(found: Health) -> list[tuple[str, str]]:
    files, queue, backup = (found.component(name).figures for name in ("files", "queue", "backup"))
    shown = []
    if (share := files.get("free_share")) is not None:
        free = size(int(files.get("free_bytes") or 0))
        shown.append(
            (
                _("disque libre"),
                _("{share} % · {free}").format(share=number(round(float(share) * 100)), free=free),
            )
        )
    for key, words in (
        ("workers", _("travailleurs")),
        ("waiting", _("travaux en attente")),
        ("failed", _("mis de côté")),
    ):
        if (count := queue.get(key)) is not None:
            shown.append((words, number(int(count))))
    if "age_s" in backup:
        age = backup["age_s"]
        shown.append(
            (
                _("dernière sauvegarde"),
                _("aucune") if age is None else _("il y a {age}").format(age=span(float(age))),
            )
        )
    return shown


def _row(part: Component) -> tuple[str, str, str, str]:
    words = told(part)
    return TITLES[part.name], badge(*_STATES[part.standing]), f"{words[:1].upper()}{words[1:]}", remedy(part)


def _version(found: Health) -> str:
    if found.commit:
        return _("Korrigo {version}, version du code {commit}.").format(
            version=found.version, commit=found.commit[:12]
        )
    return _("Korrigo {version}.").format(version=found.version)


if __name__ == "__main__":
    page()
