"""Charts of a paper: marks, classes, progress. The SQL files computed; here it is only laid out and worded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from core.i18n import _, number, plural
from core.reports.figures import Axis, Band, Bars, Boxes, Curve, Figure, Mark, Points, Table, Tone
from core.reports.runner import ReportTable, Value
from core.reports.words import class_label, floats, percent, shown, tick_step, to_float, to_int

SMALLEST_CLASS = 5
"""Fewer copies than this tell about pupils, not about a class (statistics.md, "n < 5 masked")."""

_MENTIONS = ((12, 14, "AB"), (14, 16, "B"), (16, 18, "TB"), (18, 20, "Fél."))


def mark_distribution(bins: ReportTable, summary: ReportTable) -> Figure:
    """Copies by bins of one point, with the bands of mentions, mean and median.

    Args:
        bins: Report ``mark_distribution``.
        summary: Report ``paper_summary``, one row.
    """
    rows = bins.records()
    paper = summary.records()[0]
    scale = to_float(paper["scale"])
    labels = tuple(_bin_label(row, row is rows[-1]) for row in rows)
    counts = tuple(to_int(row["copies"]) for row in rows)
    bars = Bars(
        name=_("Copies"),
        positions=tuple(to_float(row["lower"]) + 0.5 for row in rows),
        values=tuple(float(count) for count in counts),
        texts=tuple(
            f"{label} : {plural(count, _('copie'), _('copies'))}"
            for label, count in zip(labels, counts, strict=True)
        ),
        width=1.0,
    )
    return Figure(
        code="mark_distribution",
        title=_("Répartition des notes"),
        x=Axis(
            _("Note sur {scale}").format(scale=number(scale)),
            0,
            to_float(rows[-1]["upper"]),
            tick_step(scale),
        ),
        y=Axis(_("Copies"), 0),
        series=(bars,),
        bands=tuple(Band("x", low * scale / 20, high * scale / 20, label) for low, high, label in _MENTIONS),
        marks=_centre(paper),
        text=_distribution_sentence(paper, scale),
        table=Table(
            (_("Note"), _("Copies"), _("Part"), _("Part cumulée")),
            tuple(
                (label, number(count), percent(row["share"], 1), percent(row["cumulative_share"], 1))
                for label, count, row in zip(labels, counts, rows, strict=True)
            ),
        ),
    )


def _bin_label(row: dict[str, Value], is_last: bool) -> str:
    return f"[{row['lower']} ; {row['upper']}{']' if is_last else '['}"


def _centre(paper: dict[str, Value]) -> tuple[Mark, ...]:
    if paper["mean"] is None or paper["median"] is None:
        return ()
    mean, median = to_float(paper["mean"]), to_float(paper["median"])
    return (
        Mark("x", mean, _("moyenne {value}").format(value=shown(mean, 1))),
        Mark("x", median, _("médiane {value}").format(value=shown(median)), "dash"),
    )


def _distribution_sentence(paper: dict[str, Value], scale: float) -> str:
    marked = to_int(paper["marked"])
    if not marked:
        return _("Aucune copie n'est encore notée.")
    return _("La moitié des {copies} a entre {q1} et {q3} ; {share} ont au moins {half} sur {scale}.").format(
        copies=_("copies notées") if marked > 1 else _("copie notée"),
        q1=shown(paper["q1"]),
        q3=shown(paper["q3"]),
        share=percent(paper["share_ge_10"]),
        half=number(scale / 2),
        scale=number(scale),
    )


def class_marks(classes: ReportTable, marks: ReportTable, summary: ReportTable) -> Figure:
    """A box and the points of each class; classes of fewer than five copies are masked.

    Args:
        classes: Report ``class_summary``.
        marks: Report ``class_marks``.
        summary: Report ``paper_summary``, one row.
    """
    rows = [row for row in classes.records() if to_int(row["n"]) > 0]
    drawn = [row for row in rows if to_int(row["n"]) >= SMALLEST_CLASS]
    names = tuple(class_label(row["class_name"]) for row in drawn)
    scale = to_float(summary.records()[0]["scale"])
    boxes = Boxes(
        name=_("Notes"),
        categories=names,
        minimum=floats(drawn, "min"),
        q1=floats(drawn, "q1"),
        median=floats(drawn, "median"),
        q3=floats(drawn, "q3"),
        maximum=floats(drawn, "max"),
        mean=floats(drawn, "mean"),
    )
    given = [
        (class_label(row["class_name"]), to_float(row["mark"]))
        for row in marks.records()
        for _copy in range(to_int(row["copies"]))
        if class_label(row["class_name"]) in names
    ]
    points = Points(
        name=_("Copies"),
        xs=tuple(name for name, _mark in given),
        ys=tuple(mark for _name, mark in given),
        texts=tuple(f"{name} : {shown(mark)}" for name, mark in given),
        tone="secondary",
    )
    return Figure(
        code="class_marks",
        title=_("Notes par classe"),
        x=Axis(_("Classe"), categories=names),
        y=Axis(_("Note sur {scale}").format(scale=number(scale)), 0, scale, tick_step(scale)),
        series=(boxes, points),
        text=_class_sentence(drawn, len(rows) - len(drawn)),
        table=Table(
            (_("Classe"), _("Copies"), _("Moyenne"), _("Médiane"), _("Écart-type"), _("Min."), _("Max.")),
            tuple(_class_row(row) for row in rows),
        ),
    )


def _class_row(row: dict[str, Value]) -> tuple[str, ...]:
    n = to_int(row["n"])
    if n < SMALLEST_CLASS:
        return (class_label(row["class_name"]), f"< {SMALLEST_CLASS}", *["masqué"] * 5)
    return (
        class_label(row["class_name"]),
        number(n),
        shown(row["mean"], 1),
        shown(row["median"]),
        shown(row["sd"], 1),
        shown(row["min"]),
        shown(row["max"]),
    )


def _class_sentence(drawn: Sequence[dict[str, Value]], masked: int) -> str:
    hidden = (
        _(" {classes} de moins de {n} copies n'est pas montrée.")
        if masked == 1
        else _(" {classes} de moins de {n} copies ne sont pas montrées.")
    ).format(classes=plural(masked, _("classe"), _("classes")), n=SMALLEST_CLASS)
    after = hidden if masked else ""
    if not drawn:
        return (_("Aucune classe n'a encore {n} copies notées.").format(n=SMALLEST_CLASS)) + after
    lowest = min(drawn, key=lambda row: to_float(row["median"]))
    highest = max(drawn, key=lambda row: to_float(row["median"]))
    if len(drawn) == 1:
        sentence = _("{name} : médiane {median} pour {copies}.").format(
            name=class_label(lowest["class_name"]),
            median=shown(lowest["median"]),
            copies=plural(to_int(lowest["n"]), _("copie"), _("copies")),
        )
    else:
        sentence = _("Les médianes des classes vont de {low} ({low_class}) à {high} ({high_class}).").format(
            low=shown(lowest["median"]),
            low_class=class_label(lowest["class_name"]),
            high=shown(highest["median"]),
            high_class=class_label(highest["class_name"]),
        )
    return sentence + after


def mark_cumulative(cumulative: ReportTable, summary: ReportTable) -> Figure:
    """The share of copies with a given mark or less.

    Args:
        cumulative: Report ``mark_cumulative``.
        summary: Report ``paper_summary``, one row.
    """
    rows = cumulative.records()
    scale = to_float(summary.records()[0]["scale"])
    xs = (0.0, *floats(rows, "mark"), scale)
    ys = (0.0, *floats(rows, "share_upto"), 1.0 if rows else 0.0)
    curve = Curve(
        name=_("Part des copies"),
        xs=xs,
        ys=ys,
        texts=tuple(
            _("{share} ont {mark} ou moins").format(share=percent(y), mark=shown(x))
            for x, y in zip(xs, ys, strict=True)
        ),
        is_step=True,
    )
    half = scale / 2
    below = [row for row in rows if to_float(row["mark"]) < half]
    text = (
        _("{share} ont moins de {half} sur {scale}.").format(
            share=percent(below[-1]["share_upto"] if below else 0.0), half=number(half), scale=number(scale)
        )
        if rows
        else _("Aucune copie n'est encore notée.")
    )
    return Figure(
        code="mark_cumulative",
        title=_("Courbe cumulée"),
        x=Axis(_("Note sur {scale}").format(scale=number(scale)), 0, scale, tick_step(scale)),
        y=Axis(_("Copies ayant cette note ou moins"), 0, 1, 0.25, is_percent=True),
        series=(curve,),
        marks=(Mark("x", half, number(half), "dot"),),
        text=text,
        table=Table(
            (_("Note"), _("Copies"), _("Copies ayant cette note ou moins"), _("Part")),
            tuple(
                (
                    shown(row["mark"]),
                    shown(row["copies"]),
                    shown(row["copies_upto"]),
                    percent(row["share_upto"], 1),
                )
                for row in rows
            ),
        ),
    )


def progress(bundles: ReportTable) -> Figure:
    """How far each corrector's bundle is: copies, not hours.

    Args:
        bundles: Report ``progress``.
    """
    rows: dict[str, dict[str, int]] = defaultdict(dict)
    for row in bundles.records():
        name = str(row["corrector"]) if row["corrector"] else _("à répartir")
        copies, marked, finished = (to_int(row[key]) for key in ("copies", "marked", "finished"))
        rows[name] = {"finished": finished, "marked": marked - finished, "left": copies - marked}
    names = tuple(rows)
    stages: tuple[tuple[str, str, Tone], ...] = (
        ("finished", _("✔ finalisées"), "done"),
        ("marked", _("◐ notées, à finaliser"), "secondary"),
        ("left", _("○ à noter"), "muted"),
    )
    done = sum(row["finished"] for row in rows.values())
    copies = sum(sum(row.values()) for row in rows.values())
    return Figure(
        code="progress",
        title=_("Avancement"),
        x=Axis(_("Copies"), 0),
        y=Axis(_("Paquet"), categories=names),
        series=tuple(
            Bars(
                name=label,
                positions=names,
                values=tuple(float(rows[name][key]) for name in names),
                texts=tuple(f"{name} : {number(rows[name][key])} {label}" for name in names),
                labels=tuple(number(rows[name][key]) if rows[name][key] else "" for name in names),
                horizontal=True,
                tone=tone,
            )
            for key, label, tone in stages
        ),
        text=_("{done} sur {copies}.").format(
            done=plural(done, _("copie finalisée"), _("copies finalisées")), copies=number(copies)
        ),
        table=Table(
            (_("Paquet"), *(label for _key, label, _tone in stages)),
            tuple((name, *(number(rows[name][key]) for key, _label, _tone in stages)) for name in names),
        ),
    )
