"""States: always a word and a shape beside the colour."""

from __future__ import annotations

from enum import Enum

from workbench.widgets.text import as_html


class State(Enum):
    """What a colour means everywhere: its shape and its CSS class."""

    SURE = ("✔", "sure")
    CHECK = ("◐", "check")
    STOP = ("✖", "stop")
    WAITING = ("○", "waiting")
    RUNNING = ("◔", "running")

    @property
    def shape(self) -> str:
        """The sign that says it without colour."""
        return self.value[0]


def badge(state: State, word: str) -> str:
    """HTML of a state, for :func:`workbench.widgets.table` and ``st.html``: ``✔ sûr``."""
    shape, kind = state.value
    return f'<span class="k-state k-{kind}"><span aria-hidden="true">{shape}</span> {as_html(word)}</span>'
