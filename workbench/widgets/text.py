"""Text of people on a page: names and titles are never read as markup (markdown would load images)."""

from __future__ import annotations

import html
import re

_MARKDOWN_SIGNS = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&])")


def as_html(text: object) -> str:
    """``text`` for ``st.html`` and our tables."""
    return html.escape(str(text))


def as_markdown(text: object) -> str:
    """``text`` for labels, ``st.write`` and ``st.markdown``, each sign with a meaning escaped."""
    return _MARKDOWN_SIGNS.sub(r"\\\1", " ".join(str(text).split()))
