"""The results of a paper on one screen: one sentence, the charts, and the details behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from core.i18n import _, number, plural
from core.reports import runner
from core.reports.figures import Figure, Table
from core.reports.item_figures import item_quadrants, item_success
from core.reports.paper_figures import class_marks, mark_cumulative, mark_distribution, progress
from core.reports.runner import ReportTable, Value
from core.reports.stats import mean_interval
from core.reports.words import percent, shown, to_float, to_int

_READ = (
    "paper_summary",
    "paper_reliability",
    "mark_distribution",
    "mark_cumulative",
    "class_summary",
    "class_marks",
    "item_statistics",
    "progress",
)


@dataclass(frozen=True)
class Dashboard:
    """What the results page shows.

    ``badge`` is ``partielles (16/106)`` while copies are missing, else ``None``.
    ``tables`` are the reports behind the figures, by name, with full precision.
    """

    sentence: str
    badge: str | None
    figures: tuple[Figure, ...]
    details: Table
    tables: Mapping[str, ReportTable]


def compose(connection: duckdb.DuckDBPyConnection, *, paper_id: int) -> Dashboard:
    """Run the reports of one paper and lay them out."""
    tables = {name: runner.run(connection, name, paper_id=paper_id) for name in _READ}
    summary, items = tables["paper_summary"], tables["item_statistics"]
    paper = summary.records()[0]
    return Dashboard(
        sentence=sentence(paper),
        badge=badge(paper),
        figures=(
            mark_distribution(tables["mark_distribution"], summary),
            class_marks(tables["class_summary"], tables["class_marks"], summary),
            mark_cumulative(tables["mark_cumulative"], summary),
            item_success(items),
            item_quadrants(items),
            progress(tables["progress"]),
        ),
        details=details(paper, tables["paper_reliability"].records()[0]),
        tables=tables,
    )


def sentence(paper: Mapping[str, Value]) -> str:
    """« Maths J1 — 103 copies notées sur 106 (partielles). Moyenne 12,4 · médiane 12,75 · écart-type 3,9 ».

    Args:
        paper: The row of ``paper_summary``.
    """
    marked = plural(to_int(paper["marked"]), _("copie notée"), _("copies notées"))
    if badge(paper) is not None:
        counted = _("{name} — {marked} sur {copies} (partielles).").format(
            name=paper["paper"], marked=marked, copies=number(to_int(paper["copies"]))
        )
    else:
        counted = _("{name} — {marked}.").format(name=paper["paper"], marked=marked)
    if not paper["marked"]:
        return counted
    return counted + _(" Moyenne {mean} · médiane {median} · écart-type {sd}").format(
        mean=shown(paper["mean"], 1), median=shown(paper["median"]), sd=shown(paper["sd"], 1)
    )


def badge(paper: Mapping[str, Value]) -> str | None:
    """« partielles (16/106) » while a copy of the paper is not finalised."""
    marked, copies = to_int(paper["marked"]), to_int(paper["copies"])
    return None if marked == copies else f"partielles ({number(marked)}/{number(copies)})"


def details(paper: Mapping[str, Value], reliability: Mapping[str, Value]) -> Table:
    """The technical figures, each with one sentence saying what it is for."""
    return Table(
        (_("Mesure"), _("Valeur"), _("Nom technique"), _("À quoi elle sert")),
        (
            (
                _("Moyenne, à peu près"),
                _interval(paper),
                _("intervalle de confiance à 95 % (Student)"),
                _("Entre ces bornes si d'autres élèves semblables avaient composé."),
            ),
            (
                _("Moitié centrale"),
                f"{shown(paper['q1'])} – {shown(paper['q3'])}",
                _("quartiles"),
                _("Une copie sur deux a une note entre ces deux valeurs."),
            ),
            (
                _("Dispersion"),
                shown(paper["sd"]),
                _("écart-type"),
                _("Plus il est grand, plus les notes s'écartent de la moyenne."),
            ),
            (
                _("Fidélité"),
                _reliability(reliability["alpha"]),
                _("alpha de Cronbach"),
                _("Au-dessus de 0,75 l'épreuve classe les copies de façon sûre ; sous 0,64, non."),
            ),
            (
                _("Fidélité, autre estimation"),
                shown(reliability["lambda2"]),
                _("lambda 2 de Guttman"),
                _("Un peu plus juste que l'alpha quand les questions diffèrent beaucoup."),
            ),
            (
                _("Marge d'une note"),
                _margin(paper["sem"]),
                _("1,96 erreur type de mesure"),
                _("Deux notes plus proches que cela ne se distinguent pas vraiment."),
            ),
            (
                _("Part d'erreur"),
                percent(paper["error_ratio"]),
                _("rapport d'erreur"),
                _("Ce que le hasard pèse dans la dispersion."),
            ),
            (
                _("Asymétrie"),
                shown(paper["skewness"]),
                "G1",
                _("Négative : quelques notes très basses ; positive : quelques notes très hautes."),
            ),
            (
                _("Aplatissement"),
                shown(paper["kurtosis"]),
                "G2",
                _("Positif : davantage de notes extrêmes que d'ordinaire."),
            ),
        ),
    )


def _interval(paper: Mapping[str, Value]) -> str:
    if paper["mean"] is None or paper["sd"] is None:
        return shown(None)
    interval = mean_interval(to_float(paper["mean"]), to_float(paper["sd"]), to_int(paper["marked"]))
    return f"{shown(interval.low, 1)} – {shown(interval.high, 1)}" if interval else shown(None)


def _reliability(alpha: Value) -> str:
    """A negative alpha is shown as it is, with a warning, never clipped."""
    if alpha is not None and to_float(alpha) < 0:
        return _("{alpha} ⚠ négatif : les questions ne vont pas ensemble").format(alpha=shown(alpha))
    return shown(alpha)


def _margin(sem: Value) -> str:
    return shown(None) if sem is None else f"± {shown(1.96 * to_float(sem), 1)}"
