"""Charts as values: what they hold and say, and that what is drawn is what they hold."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.reports import runner
from core.reports.dashboard import Dashboard, compose
from core.reports.figures import Bars, Boxes, Curve, Figure, Points
from core.reports.outside import PAPER_ID, Grid, tables_of
from core.reports.stats import mean_interval
from workbench import charts

CLASSES = {**{str(n): "T.01" for n in range(6)}, **{str(n): "T.02" for n in range(6, 9)}}
MARKS = (
    (20, 0, 0),
    (10, 2, 0),
    (0, 0, 4),
    (12, 3, 2),
    (9, 1, 1),
    (14, 4, 0),
    (20, 4, 4),
    (3, 0, 3),
    (8, 2, None),
)
"""Points of three items of 12, 4 and 4; the last copy of T.02 left item 3 blank."""


def dashboard(marks: tuple[tuple[int | None, ...], ...] = MARKS) -> Dashboard:
    items, points = ("1.a", "1.b", "2.a"), (Decimal(12), Decimal(4), Decimal(4))
    grid = Grid(
        copies=[str(number) for number in range(len(marks))],
        items=items,
        points=points,
        marks=[
            [
                None if mark is None else min(Decimal(mark), most)
                for mark, most in zip(row, points, strict=True)
            ]
            for row in marks
        ],
        classes=CLASSES,
        correctors={str(number): "C-ABC" for number in range(len(marks))},
        missing_is_untreated=True,
        name="Maths J1",
    )
    with runner.opened_tables(tables_of(grid)) as connection:
        return compose(connection, paper_id=PAPER_ID)


@pytest.fixture(scope="module")
def shown() -> Dashboard:
    return dashboard()


def figure(of: Dashboard, code: str) -> Figure:
    return next(figure for figure in of.figures if figure.code == code)


def test_the_sentence_says_how_many_copies_and_their_centre(shown: Dashboard) -> None:
    assert shown.sentence == ("Maths J1 — 9 copies notées. Moyenne 12,0 · médiane 12,00 · écart-type 5,1")
    assert shown.badge is None


def test_bins_are_one_point_wide_and_the_top_mark_falls_in_the_last(shown: Dashboard) -> None:
    (bars,) = figure(shown, "mark_distribution").series

    assert isinstance(bars, Bars)
    assert len(bars.values) == 20
    assert bars.positions[0] == 0.5
    assert (bars.values[4], bars.values[19]) == (1.0, 1.0)
    assert sum(value or 0 for value in bars.values) == len(MARKS)


def test_mentions_are_bands_and_mean_and_median_are_lines(shown: Dashboard) -> None:
    distribution = figure(shown, "mark_distribution")

    assert [(band.lower, band.upper, band.label) for band in distribution.bands] == [
        (12, 14, "AB"),
        (14, 16, "B"),
        (16, 18, "TB"),
        (18, 20, "Fél."),
    ]
    assert [mark.label for mark in distribution.marks] == ["moyenne 12,0", "médiane 12,00"]


def test_a_class_of_fewer_than_five_copies_is_masked_in_chart_and_table(shown: Dashboard) -> None:
    classes = figure(shown, "class_marks")

    boxes, points = classes.series
    assert isinstance(boxes, Boxes)
    assert isinstance(points, Points)
    assert boxes.categories == ("T.01",)
    assert set(points.xs) == {"T.01"}
    assert classes.table.rows[1] == ("T.02", "< 5", *["masqué"] * 5)
    assert "1 classe de moins de 5 copies n'est pas montrée." in classes.text


def test_the_cumulative_curve_goes_from_nothing_to_everybody(shown: Dashboard) -> None:
    (curve,) = figure(shown, "mark_cumulative").series

    assert isinstance(curve, Curve)
    assert (curve.xs[0], curve.ys[0], curve.xs[-1], curve.ys[-1]) == (0.0, 0.0, 20.0, 1.0)
    assert list(curve.ys) == sorted(curve.ys)


def test_an_item_below_30_per_cent_bears_a_sign_beside_its_colour() -> None:
    weak = dashboard(tuple((row[0], 0, row[2]) for row in MARKS))

    (bars,) = figure(weak, "item_success").series
    assert isinstance(bars, Bars)
    assert bars.tones == ("primary", "warning", "primary")
    assert bars.labels[1] == "◆ 0\u00a0%"


def test_an_item_without_variance_is_not_placed_and_is_shown_as_not_defined() -> None:
    weak = dashboard(tuple((row[0], 0, row[2]) for row in MARKS))

    quadrants = figure(weak, "item_quadrants")
    placed = [text for series in quadrants.series if isinstance(series, Points) for text in series.texts]
    assert not any(text.startswith("1.b") for text in placed)
    assert quadrants.table.rows[1][3:] == ("n.c.", "n.c.")


def test_the_interval_of_a_mean_is_the_one_of_student() -> None:
    interval = mean_interval(12.0, 4.0, 16)

    assert interval is not None
    # 2.13145 is t(0.975; 15) of the printed tables.
    assert (interval.low, interval.high) == pytest.approx((12 - 2.13145, 12 + 2.13145), abs=1e-5)
    assert mean_interval(12.0, None, 1) is None


def test_what_is_not_defined_is_shown_n_c() -> None:
    alone = dashboard(MARKS[:1])

    assert alone.sentence.endswith("Moyenne 12,0 · médiane 12,00 · écart-type n.c.")
    values = {row[0]: row[1] for row in alone.details.rows}
    assert values["Fidélité"] == values["Moyenne, à peu près"] == values["Marge d'une note"] == "n.c."


def test_a_paper_without_any_finished_copy_has_its_figures_all_the_same() -> None:
    nothing = dashboard(())

    assert nothing.sentence == "Maths J1 — 0 copie notée."
    for empty in nothing.figures:
        assert empty.text
        charts.draw(empty)


def test_a_negative_alpha_is_shown_with_a_warning_and_not_clipped() -> None:
    against = dashboard(((12, 0, 0), (0, 4, 4), (11, 1, 0), (1, 4, 3), (6, 2, 2)))

    fidelity = next(row[1] for row in against.details.rows if row[0] == "Fidélité")
    assert fidelity.startswith("-")
    assert "⚠" in fidelity


def test_the_table_of_a_figure_has_a_row_per_thing_shown_and_the_decimal_comma(shown: Dashboard) -> None:
    distribution = figure(shown, "mark_distribution").table

    assert len(distribution.rows) == 20
    assert distribution.rows[4] == ("[4 ; 5[", "1", "11,1\u00a0%", "11,1\u00a0%")
    assert distribution.rows[19][0] == "[19 ; 20]"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_is_drawn_is_what_the_figure_holds(shown: Dashboard, theme: str) -> None:
    for value in shown.figures:
        drawn = charts.draw(value, theme=theme)

        assert len(drawn.data) == len(value.series)
        for series, trace in zip(value.series, drawn.data, strict=True):
            match series:
                case Bars():
                    assert trace.type == "bar"
                    along, across = (trace.y, trace.x) if series.horizontal else (trace.x, trace.y)
                    assert (tuple(along), tuple(across)) == (series.positions, series.values)
                case Boxes():
                    assert trace.type == "box"
                    assert (tuple(trace.q1), tuple(trace.median)) == (series.q1, series.median)
                    assert (tuple(trace.lowerfence), tuple(trace.upperfence)) == (
                        series.minimum,
                        series.maximum,
                    )
                case Points():
                    assert tuple(trace.y) == series.ys
                    assert len(trace.x) == len(series.xs)
                    if not value.x.categories:
                        assert tuple(trace.x) == series.xs
                case Curve():
                    assert (tuple(trace.x), tuple(trace.y)) == (series.xs, series.ys)
        assert drawn.layout.paper_bgcolor == charts.SHEETS[theme].paper
        assert drawn.layout.separators[0] == ","


def test_plotly_bins_nothing_by_itself(shown: Dashboard) -> None:
    assert all(trace.type != "histogram" for value in shown.figures for trace in charts.draw(value).data)
