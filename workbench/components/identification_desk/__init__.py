"""The identification desk, one component so that no key waits for a server round trip."""

from __future__ import annotations

from collections import Counter
from typing import Any

from core.domain.names import display_name, same_person_key
from core.i18n import _
from core.services.identification import CandidateView, Desk, DeskTask
from workbench.components import declare

_render = declare("identification_desk")

REASONS = {
    "nothing_written": _("rien n'est écrit"),
    "not_on_roster": _("personne de la liste"),
    "low_probability": _("lecture incertaine"),
    "unlike_reading": _("ne ressemble pas à ce qui est lu"),
    "too_little_written": _("trop peu d'écriture"),
    "close_rival": _("un autre nom est proche"),
    "candidate_twice": _("déjà proposé plus loin"),
    "homonym": _("homonymes"),
}
"""Why a proposal is not sure; matching gives the code."""


def identification_desk(desk: Desk, *, paper_id: int, csrf_token: str) -> None:
    """Draw the desk; decisions go from the browser to ``POST /identification/<booklet>``."""
    names = Counter(same_person_key(c.surname, c.first_name, None) for c in desk.candidates)
    _render(
        key=f"identification_desk_{paper_id}",
        data={
            "paper": paper_id,
            "csrf": csrf_token,
            "tasks": [_task(task) for task in desk.tasks],
            "candidates": [
                _candidate(c, homonym=names[same_person_key(c.surname, c.first_name, None)] > 1)
                for c in desk.candidates
            ],
        },
    )


def _task(task: DeskTask) -> dict[str, Any]:
    decided = task.decided
    return {
        "id": task.booklet_id,
        "file": task.file_name,
        "first_image": task.first_image,
        "pages": task.pages,
        "has_header": task.has_header,
        "proposal": task.proposal,
        "why": REASONS.get(task.reason, ""),
        "ranked": [
            {
                "candidate_id": ranked.candidate_id,
                "probability": ranked.probability,
                "matched": list(ranked.matched),
                "read_as": dict(ranked.read_as),
            }
            for ranked in task.ranked
        ],
        "decided": decided
        and {"id": decided.decision_id, "kind": decided.kind.value, "candidate_id": decided.candidate_id},
    }


def _candidate(candidate: CandidateView, *, homonym: bool) -> dict[str, Any]:
    return {
        "id": candidate.candidate_id,
        "label": display_name(candidate.surname, candidate.first_name),
        "birth_date": candidate.birth_date.isoformat() if candidate.birth_date else "",
        "class_name": candidate.class_name,
        "presence": candidate.presence,
        "homonym": homonym,
        "booklets": list(candidate.booklets),
    }
