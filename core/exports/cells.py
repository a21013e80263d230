"""What every spreadsheet file needs: text that no spreadsheet runs, on one line."""

from __future__ import annotations

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def harmless(text: str) -> str:
    """``text`` with an apostrophe before it when a spreadsheet would take it for a formula.

    The signs are those of OWASP, "CSV injection".
    """
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def one_line(text: str) -> str:
    """``text`` with every run of white space, line ends included, as one space; control characters go."""
    bare = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(bare.split())
