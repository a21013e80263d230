"""Charts of the items of a paper: how well each went, and whether it tells copies apart."""

from __future__ import annotations

from collections.abc import Sequence

from core.i18n import _, plural
from core.reports.figures import Axis, Bars, Figure, Mark, Points, Symbol, Table, Tone
from core.reports.runner import ReportTable, Value
from core.reports.words import UNDEFINED, floats, percent, shown, to_float

FACILITY_HIGH, FACILITY_LOW, DISCRIMINATION_LOW = 0.8, 0.3, 10.0
"""Moodle's reading aid (statistics.md): DI < 10, facilité > .8 or < .3 is « à revoir »."""


def item_success(items: ReportTable) -> Figure:
    """The mean success of each item, in the order of the paper.

    Args:
        items: Report ``item_statistics``.
    """
    rows = items.records()
    known = [row for row in rows if row["facility"] is not None]
    tones: tuple[Tone, ...] = tuple("warning" if _is_hard(row) else "primary" for row in rows)
    bars = Bars(
        name=_("Réussite"),
        positions=tuple(str(row["item"]) for row in rows),
        values=tuple(None if row["facility"] is None else to_float(row["facility"]) for row in rows),
        texts=tuple(_item_text(row) for row in rows),
        labels=tuple(
            f"◆ {percent(row['facility'])}" if _is_hard(row) else percent(row["facility"]) for row in rows
        ),
        horizontal=True,
        tones=tones,
    )
    return Figure(
        code="item_success",
        title=_("Réussite par question"),
        x=Axis(_("Réussite moyenne (part des points) — ◆ sous 30 %"), 0, 1, 0.25, is_percent=True),
        y=Axis(_("Question"), categories=tuple(str(row["item"]) for row in rows)),
        series=(bars,),
        text=_success_sentence(known),
        table=Table(
            (_("Question"), _("Libellé"), _("Points"), _("Copies"), _("Réussite"), _("Non traité")),
            tuple(
                (
                    shown(row["item"]),
                    shown(row["label"]),
                    shown(row["points"]),
                    shown(row["n"]),
                    percent(row["facility"]),
                    percent(row["share_blank"]),
                )
                for row in rows
            ),
        ),
    )


def _is_hard(row: dict[str, Value]) -> bool:
    return row["facility"] is not None and to_float(row["facility"]) < FACILITY_LOW


def _item_text(row: dict[str, Value]) -> str:
    return _("{item} {label} : {facility} des {points} points ; non traité {blank}").format(
        item=row["item"],
        label=row["label"],
        facility=percent(row["facility"]),
        points=shown(row["points"]),
        blank=percent(row["share_blank"]),
    )


def _success_sentence(known: Sequence[dict[str, Value]]) -> str:
    if not known:
        return _("Aucune question n'est encore notée.")
    hardest = min(known, key=lambda row: to_float(row["facility"]))
    easiest = max(known, key=lambda row: to_float(row["facility"]))
    return _("La mieux réussie est {easy} ({easy_share}), la moins réussie {hard} ({hard_share}).").format(
        easy=easiest["item"],
        easy_share=percent(easiest["facility"]),
        hard=hardest["item"],
        hard_share=percent(hardest["facility"]),
    )


def item_quadrants(items: ReportTable) -> Figure:
    """Each item by its facility and how well it tells copies apart.

    Args:
        items: Report ``item_statistics``.
    """
    rows = items.records()
    placed = [row for row in rows if row["facility"] is not None and row["discrimination"] is not None]
    to_review = [row for row in placed if _is_to_review(row)]
    fine = [row for row in placed if not _is_to_review(row)]
    lowest = min((to_float(row["discrimination"]) for row in placed), default=0.0)
    return Figure(
        code="item_quadrants",
        title=_("Facilité et discrimination"),
        x=Axis(_("Facilité (réussite moyenne)"), 0, 1, 0.2, is_percent=True),
        y=Axis(_("Discrimination (%)"), min(-10.0, lowest - 5), 100),
        series=(
            _quadrant_points(_("Question qui distingue"), fine, "circle", "primary"),
            _quadrant_points(_("À revoir"), to_review, "diamond", "warning"),
        ),
        marks=(
            Mark("x", FACILITY_LOW, _("difficile"), "dot"),
            Mark("x", FACILITY_HIGH, _("facile"), "dot"),
            Mark("y", DISCRIMINATION_LOW, _("distingue peu"), "dash"),
        ),
        text=_review_sentence(placed, to_review),
        table=Table(
            (_("Question"), _("Libellé"), _("Facilité"), _("Discrimination"), _("Lecture")),
            tuple(
                (
                    shown(row["item"]),
                    shown(row["label"]),
                    percent(row["facility"]),
                    shown(row["discrimination"], 0),
                    _reading(row),
                )
                for row in rows
            ),
        ),
    )


def _quadrant_points(name: str, rows: Sequence[dict[str, Value]], symbol: Symbol, tone: Tone) -> Points:
    return Points(
        name=name,
        xs=floats(rows, "facility"),
        ys=floats(rows, "discrimination"),
        texts=tuple(
            _("{item} {label} : facilité {facility}, discrimination {discrimination}").format(
                item=row["item"],
                label=row["label"],
                facility=percent(row["facility"]),
                discrimination=shown(row["discrimination"], 0),
            )
            for row in rows
        ),
        # All the labels would cover one another; those that ask for a look are named.
        labels=tuple(str(row["item"]) for row in rows) if tone == "warning" else (),
        symbol=symbol,
        tone=tone,
    )


def _is_to_review(row: dict[str, Value]) -> bool:
    facility = to_float(row["facility"])
    return (
        to_float(row["discrimination"]) < DISCRIMINATION_LOW
        or facility > FACILITY_HIGH
        or facility < FACILITY_LOW
    )


def _reading(row: dict[str, Value]) -> str:
    """What is to be said of an item, in plain words."""
    if row["facility"] is None or row["discrimination"] is None:
        return UNDEFINED
    said = []
    if to_float(row["discrimination"]) < DISCRIMINATION_LOW:
        said.append(_("distingue peu"))
    if to_float(row["facility"]) > FACILITY_HIGH:
        said.append(_("très facile"))
    if to_float(row["facility"]) < FACILITY_LOW:
        said.append(_("très difficile"))
    return ", ".join(said) or _("distingue bien")


def _review_sentence(placed: Sequence[dict[str, Value]], to_review: Sequence[dict[str, Value]]) -> str:
    if not placed:
        return _("Trop peu de copies notées pour dire ce que les questions distinguent.")
    if not to_review:
        return _("Aucune question n'est à revoir.")
    listed = ", ".join(str(row["item"]) for row in to_review[:5]) + (" …" if len(to_review) > 5 else "")
    verb = _("est à revoir") if len(to_review) == 1 else _("sont à revoir")
    return _("{questions} sur {all} {verb} : {listed}.").format(
        questions=plural(len(to_review), _("question"), _("questions")),
        all=len(placed),
        verb=verb,
        listed=listed,
    )
