"""The paper a page is about, kept from page to page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from core.domain.access import Actor
from core.i18n import _
from core.services import exams
from workbench.resources import sessions
from workbench.widgets.layout import title
from workbench.widgets.nothing_yet import nothing_yet

_CHOSEN = "chosen_paper"
_WIDTH_PX = 440


def paper_heading(actor: Actor, text: str, *, newest: bool = False) -> exams.PaperLine | None:
    """The title line of a page about one paper, the choice of the paper at its right.

    Shown first is the paper last chosen; without one, the ``newest``, or the newest that has copies: what
    is steered has copies, what the secretariat works on may still wait for its scans.

    Returns:
        The chosen paper; ``None`` when there is none yet, which is then said.
    """
    found = exams.papers(sessions(), actor)
    if not found:
        title(text)
        nothing_yet(
            _("Aucune épreuve pour l'instant."),
            _("Elle se crée à partir d'une liste d'élèves et d'un barème."),
            opens="papers",
            label=_("Créer une épreuve"),
        )
        return None
    with st.container(key="paper_heading", horizontal=True, vertical_alignment="center"):
        title(text)
        first = max(found, key=lambda paper: (newest or paper.copies > 0, paper.paper_id))
        return _choice(found, first, width=_WIDTH_PX)


def remember_paper(paper_id: int) -> None:
    """The next page that asks for a paper shows this one first."""
    st.session_state[_CHOSEN] = paper_id


def _choice(
    found: Sequence[exams.PaperLine], first: exams.PaperLine, *, width: int | Literal["stretch"]
) -> exams.PaperLine:
    ids = [paper.paper_id for paper in found]
    labels = {paper.paper_id: _label(paper, found) for paper in found}
    kept = st.session_state.get(_CHOSEN)
    chosen = st.selectbox(
        _("Épreuve"),
        ids,
        index=ids.index(kept if kept in ids else first.paper_id),
        format_func=labels.__getitem__,
        key="paper_choice",
        label_visibility="collapsed",
        # Typing into the box would bring Streamlit's English « No results ».
        filter_mode=None,
        width=width,
    )
    st.session_state[_CHOSEN] = chosen
    return found[ids.index(chosen)]


def _label(paper: exams.PaperLine, found: Sequence[exams.PaperLine]) -> str:
    """The paper's name, its session before it when there are several."""
    several = len({other.session_id for other in found}) > 1
    return f"{paper.session_name} · {paper.name}" if several else paper.name
