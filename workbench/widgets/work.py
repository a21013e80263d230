"""Background work on a page: what it is, n of N, the time left; the page can be left alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from core.domain.access import Actor
from core.services import scans
from core.services.scans import JobView
from workbench import guard
from workbench.job_words import progress_words
from workbench.resources import sessions

_REFRESH_S = 2.0


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
