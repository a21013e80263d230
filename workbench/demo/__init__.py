"""Draws the scans of an invented class, with the truth about every page of them.

Nothing but ``korrigo demo``, the tests and the benches imports it: the
application meets its output only as PDF bytes, like any scan.
"""

from __future__ import annotations

from workbench.demo.draw import DrawnScan, draw_scan
from workbench.demo.recipe import Recipe, load
from workbench.demo.truth import Truth

__all__ = ["DrawnScan", "Recipe", "Truth", "draw_scan", "load"]
