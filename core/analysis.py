"""What notebooks import: a snapshot, its reports and their figures, the same numbers as on screen.

with opened(folder) as snapshot:
    report(snapshot, "item_statistics", paper_id=1).records()
"""

from __future__ import annotations

from core.reports.catalogue import reports
from core.reports.dashboard import Dashboard
from core.reports.dashboard import compose as dashboard
from core.reports.figures import Figure
from core.reports.runner import ReportTable
from core.reports.runner import opened_snapshot as opened
from core.reports.runner import run as report

__all__ = ["Dashboard", "Figure", "ReportTable", "dashboard", "opened", "report", "reports"]
