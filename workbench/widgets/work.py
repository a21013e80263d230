"""Background work on a page: what it is, n of N, the time left; the page can be left alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from core.domain.access import Actor
from core.i18n import _, number, plural
from core.services import scans
from core.services.scans import JobView
from workbench import guard
from workbench.resources import sessions

KINDS = {
    "ingest": _("Découpage du scan"),
    "read": _("Lecture des en-têtes"),
    "finalise": _("PDF des copies corrigées"),
}
_REFRESH_S = 2.0
_SURE_AFTER = 0.05
"""Share of the work before which the time left would only be a guess."""


def watch_jobs(actor: Actor, *, paper_id: int | None = None) -> None:
    """Draw the work under way of a paper (of all, when none is named) and draw it again until it ends.

    The page then runs once more, with the new state.
    """
    if _alive(actor, paper_id):
        st.fragment(run_every=_REFRESH_S)(_watched)(paper_id)


def _watched(paper_id: int | None) -> None:
    # A fragment runs without its page: the guard asks again.
    alive = _alive(guard.require(), paper_id)
    if not alive:
        st.rerun()
    for job in reversed(alive):
        st.progress(job.done / job.total if job.total else 0.0, text=progress_words(job, datetime.now(UTC)))


def _alive(actor: Actor, paper_id: int | None) -> Sequence[JobView]:
    found = scans.jobs(sessions(), actor, paper_id=paper_id)
    return [job for job in found if job.status in ("waiting", "running")]


def progress_words(job: JobView, instant: datetime) -> str:
    """``PDF des copies corrigées : 12 sur 29 · reste 40 secondes``."""
    what = KINDS.get(job.kind, _("Travail"))
    if job.status == "waiting":
        return _("{what} : en attente").format(what=what)
    if not job.total:
        return _("{what} : démarrage…").format(what=what)
    words = _("{what} : {done} sur {total}").format(what=what, done=number(job.done), total=number(job.total))
    left_s = seconds_left(job, instant)
    return words if left_s is None else f"{words} · {_time_left(left_s)}"


def seconds_left(job: JobView, instant: datetime) -> float | None:
    """Seconds left at the pace so far; ``None`` while it cannot be told."""
    if not job.total or job.started_at is None or job.done / job.total < _SURE_AFTER:
        return None
    spent_s = (instant - job.started_at).total_seconds()
    return spent_s * (job.total - job.done) / job.done


def _time_left(left_s: float) -> str:
    if left_s >= 90:
        return _("reste {time}").format(time=plural(math.ceil(left_s / 60), "minute", "minutes"))
    return _("reste {time}").format(time=plural(math.ceil(left_s), "seconde", "secondes"))
