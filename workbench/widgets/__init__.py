"""What the pages draw alike: title line, states, empty places, numbers, tables."""

from workbench.widgets.layout import empty, facts, prepare, refused, sentence, title, told
from workbench.widgets.states import State, badge
from workbench.widgets.tables import Column, table
from workbench.widgets.text import as_html, as_markdown

__all__ = [
    "Column",
    "State",
    "as_html",
    "as_markdown",
    "badge",
    "empty",
    "facts",
    "prepare",
    "refused",
    "sentence",
    "table",
    "title",
    "told",
]
