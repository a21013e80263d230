"""Background work on a page: what it is, n of N, the time left, a way to stop it; the page can be left alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import streamlit as st

from core.domain.access import Actor
from core.i18n import _
from core.services import jobs as background
from core.services import scans
from core.services.scans import JobView
from workbench import guard
from workbench.job_words import progress_words
from workbench.messages import showing_errors
from workbench.resources import sessions
from workbench.widgets.text import as_markdown

_REFRESH_S = 2.0


def watch_jobs(actor: Actor, *, paper_id: int | None = None, stoppable: bool = False) -> None:
    """Draw the work under way of a paper (of all, when none is named) and draw it again until it ends.

    The page then runs once more, with the new state. ``stoppable`` is for pages of those who add scans: it
    names the file of each job and lets it be interrupted.
    """
    if _alive(actor, paper_id):
        st.fragment(run_every=_REFRESH_S)(_watched)(paper_id, stoppable=stoppable)


def _watched(paper_id: int | None, *, stoppable: bool) -> None:
    # A fragment runs without its page: the guard asks again.
    actor = guard.require()
    alive = _alive(actor, paper_id)
    if not alive:
        st.rerun()
    names = background.file_names(sessions(), actor, paper_id=paper_id) if stoppable else {}
    for job in reversed(alive):
        if stoppable and job.kind in background.STOPPABLE:
            bar, act = st.columns([6, 1], vertical_alignment="center")
            _draw(bar, job, names)
            if act.button(_("Interrompre"), key=f"cancel_job_{job.job_id}", width="stretch"):
                with showing_errors():
                    background.cancel(sessions(), actor, job_id=job.job_id)
                    st.rerun()
        else:
            _draw(st.container(), job, names)


def _draw(place: st.delta_generator.DeltaGenerator, job: JobView, names: Mapping[int, str]) -> None:
    words = progress_words(job, datetime.now(UTC), names.get(job.scan_file_id or 0, ""))
    place.progress(job.done / job.total if job.total else 0.0, text=as_markdown(words))


def _alive(actor: Actor, paper_id: int | None) -> Sequence[JobView]:
    found = scans.jobs(sessions(), actor, paper_id=paper_id)
    return [job for job in found if job.status in ("waiting", "running")]
