"""Browsers in a few words, so that people recognise theirs in a list."""

from __future__ import annotations

# The first that is found: a browser names those it resembles too (Edge says Chrome and Safari).
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chromium", "Chromium"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("iPad", "iPad"),
    ("iPhone", "iPhone"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)


def browser_words(user_agent: str) -> str:
    """``Firefox · Windows`` from a ``User-Agent`` header; empty when nothing in it is known.

    Only words of the tables come out: nothing a stranger wrote is kept or shown.
    """
    found = (
        next((word for sign, word in table if sign in user_agent), "") for table in (_BROWSERS, _SYSTEMS)
    )
    return " · ".join(word for word in found if word)
