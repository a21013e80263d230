"""Background work in words: what it is, n of N, the time left; for pages and for the command line."""

from __future__ import annotations

import math
from datetime import datetime

from core.i18n import _, number, plural
from core.services.scans import JobView

KINDS = {
    "ingest": _("Découpage du scan"),
    "read": _("Lecture des en-têtes"),
    "finalise": _("PDF des copies corrigées"),
}
_SURE_AFTER = 0.05
"""Share of the work before which the time left would only be a guess."""


def progress_words(job: JobView, instant: datetime, file_name: str = "") -> str:
    """``PDF des copies corrigées : 12 sur 29 · reste 40 secondes``; ``lot3.pdf : 120 images sur 340 · …``."""
    what = KINDS.get(job.kind, _("Travail"))
    if file_name:
        what = f"{file_name}, {what[:1].lower()}{what[1:]}"
    if job.status == "waiting":
        return _("{what} : en attente").format(what=what)
    if not job.total:
        return _("{what} : démarrage…").format(what=what)
    done = plural(job.done, "image", "images") if job.kind == "ingest" else number(job.done)
    words = _("{what} : {done} sur {total}").format(what=what, done=done, total=number(job.total))
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
