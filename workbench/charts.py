"""Figures drawn with plotly: French numbers, Okabe–Ito colours, a light and a dark sheet of paper.

The only module that imports plotly. It places and colours what the figure
holds and computes nothing. Bins are bars, because plotly's own histogram gives
no point on click.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from core.reports.figures import (
    Axis,
    Band,
    Bars,
    Boxes,
    Curve,
    Figure,
    Mark,
    Points,
    Series,
    Tone,
)
from core.reports.words import percent

# Okabe & Ito (2008), the palette that stays apart for colour-blind readers.
BLUE, SKY, ORANGE, GREEN, GREY = "#0072B2", "#56B4E9", "#E69F00", "#009E73", "#999999"

_SHAPES = {"circle": "circle", "diamond": "diamond", "cross": "x", "square": "square"}
_SMALLEST_HEIGHT_PX, _BAR_HEIGHT_PX = 380, 24


@dataclass(frozen=True)
class Sheet:
    """The colours of a theme (screens.md)."""

    paper: str
    ink: str
    faint: str
    band: str
    tones: dict[Tone, str]


_LIGHT = Sheet(
    paper="#FBFAF7",
    ink="#1C2733",
    faint="rgba(28,39,51,0.14)",
    band="rgba(31,78,121,{alpha})",
    tones={"primary": "#1F4E79", "secondary": SKY, "warning": ORANGE, "done": GREEN, "muted": GREY},
)
_DARK = Sheet(
    paper="#141A21",
    ink="#E8E4DA",
    faint="rgba(232,228,218,0.16)",
    band="rgba(86,180,233,{alpha})",
    tones={"primary": SKY, "secondary": BLUE, "warning": ORANGE, "done": GREEN, "muted": GREY},
)
SHEETS = {"light": _LIGHT, "dark": _DARK}

CONFIG = {"locale": "fr", "displaylogo": False, "displayModeBar": False, "responsive": True}
"""What ``st.plotly_chart(config=…)`` gets."""


def draw(figure: Figure, *, theme: str = "light") -> go.Figure:
    """A plotly figure; ``theme`` is ``light`` or ``dark``.

    Colours are set outright, so Streamlit's own template must be off: ``st.plotly_chart(…, theme=None)``.
    """
    sheet = SHEETS[theme]
    drawn = go.Figure(layout=_layout(figure, sheet))
    for series in figure.series:
        drawn.add_trace(_trace(series, figure, sheet))
    for place, band in enumerate(figure.bands):
        _add_band(drawn, band, place, sheet)
    lines = [mark for mark in figure.marks if mark.axis == "x"]
    lowest = min(lines, key=lambda mark: mark.value) if len(lines) > 1 else None
    for mark in figure.marks:
        # Words of neighbouring lines stand on either side of them.
        _add_mark(drawn, mark, sheet, words_left=mark is lowest)
    return drawn


def _layout(figure: Figure, sheet: Sheet) -> dict[str, Any]:
    horizontal = next((s for s in figure.series if isinstance(s, Bars) and s.horizontal), None)
    boxes = any(isinstance(s, Boxes) for s in figure.series)
    legend = len(figure.series) > 1 and not boxes
    height = _SMALLEST_HEIGHT_PX
    if horizontal is not None:
        height = max(240, _BAR_HEIGHT_PX * len(horizontal.positions) + 110)
    return {
        "template": None,
        "title": {"text": figure.title, "x": 0, "xref": "container", "font": {"size": 18}, "pad": {"l": 12}},
        "separators": ",\u202f",
        "paper_bgcolor": sheet.paper,
        "plot_bgcolor": sheet.paper,
        "font": {"color": sheet.ink, "family": "Source Sans, Source Sans Pro, sans-serif", "size": 14},
        "margin": {"l": 64, "r": 24, "t": 76, "b": 92 if legend else 56},
        "height": height,
        "barmode": "stack" if horizontal is not None else "group",
        "bargap": 0.12,
        "showlegend": legend,
        "legend": {"orientation": "h", "yref": "container", "y": 0.01, "yanchor": "bottom", "x": 0},
        "hoverlabel": {"bgcolor": sheet.paper, "font": {"color": sheet.ink}},
        "xaxis": _axis(figure.x, sheet, numbered=boxes),
        "yaxis": _axis(figure.y, sheet, reverse=horizontal is not None),
    }


def _axis(axis: Axis, sheet: Sheet, *, reverse: bool = False, numbered: bool = False) -> dict[str, Any]:
    """``numbered``: categories stand at 0, 1, 2… so that things can stand beside one another."""
    drawn: dict[str, Any] = {
        "title": {"text": axis.title, "standoff": 8},
        "gridcolor": sheet.faint,
        "linecolor": sheet.ink,
        "zeroline": False,
        "showgrid": not axis.categories,
        "automargin": True,
        "fixedrange": True,
    }
    names = list(axis.categories)
    if names and numbered:
        return drawn | {
            "tickvals": list(range(len(names))),
            "ticktext": names,
            "range": [-0.6, len(names) - 0.4],
        }
    if names:
        ends = [len(names) - 0.5, -0.5] if reverse else [-0.5, len(names) - 0.5]
        return drawn | {
            "type": "category",
            "categoryorder": "array",
            "categoryarray": names,
            "range": ends,
            "dtick": 1,
        }
    if axis.upper is not None:
        drawn |= {"range": [axis.lower, axis.upper]}
    else:
        drawn |= {"rangemode": "tozero"}
    if axis.is_percent and axis.step is not None:
        ticks = [place * axis.step for place in range(round(1 / axis.step) + 1)]
        drawn |= {"tickvals": ticks, "ticktext": [percent(tick) for tick in ticks]}
    elif axis.step is not None:
        drawn |= {"dtick": axis.step, "tick0": 0}
    return drawn


def _trace(series: Series, figure: Figure, sheet: Sheet) -> Any:
    match series:
        case Bars():
            return _bars(series, sheet)
        case Boxes():
            return _boxes(series, sheet)
        case Points():
            return _points(series, figure, sheet)
        case Curve():
            return _curve(series, sheet)


def _bars(bars: Bars, sheet: Sheet) -> go.Bar:
    along, across = list(bars.positions), list(bars.values)
    colours = [sheet.tones[tone] for tone in bars.tones] or sheet.tones[bars.tone]
    return go.Bar(
        name=bars.name,
        x=across if bars.horizontal else along,
        y=along if bars.horizontal else across,
        orientation="h" if bars.horizontal else "v",
        width=bars.width * 0.94 if bars.width is not None else None,
        marker={"color": colours, "line": {"width": 0}},
        text=list(bars.labels) or None,
        textposition="auto",
        textangle=0,
        cliponaxis=False,
        hovertext=list(bars.texts),
        hoverinfo="text",
    )


def _boxes(boxes: Boxes, sheet: Sheet) -> go.Box:
    """The five numbers come from SQL: plotly would choose another quartile."""
    return go.Box(
        name=boxes.name,
        x=list(range(len(boxes.categories))),
        lowerfence=list(boxes.minimum),
        q1=list(boxes.q1),
        median=list(boxes.median),
        q3=list(boxes.q3),
        upperfence=list(boxes.maximum),
        mean=list(boxes.mean),
        boxmean=True,
        width=0.4,
        line={"color": sheet.tones["primary"], "width": 2},
        fillcolor=sheet.band.format(alpha=0.10),
        hoverinfo="y",
    )


def _points(points: Points, figure: Figure, sheet: Sheet) -> go.Scatter:
    return go.Scatter(
        name=points.name,
        x=_beside(points, figure.x.categories) if figure.x.categories else list(points.xs),
        y=list(points.ys),
        mode="markers+text" if points.labels else "markers",
        text=list(points.labels) or None,
        textposition="top center",
        textfont={"size": 11},
        hovertext=list(points.texts),
        hoverinfo="text",
        marker={
            "symbol": _SHAPES[points.symbol],
            "size": 9 if points.labels else 7,
            "color": sheet.tones[points.tone],
            "opacity": 0.9 if points.labels else 0.6,
            "line": {"color": sheet.ink, "width": 0.7},
        },
    )


def _beside(points: Points, categories: tuple[str, ...]) -> list[float]:
    """Places to the right of the category's box; equal values stand next to one another."""
    met: Counter[tuple[object, object]] = Counter()
    places = []
    for key in zip(points.xs, points.ys, strict=True):
        places.append(categories.index(str(key[0])) + 0.28 + 0.045 * min(met[key], 5))
        met[key] += 1
    return places


def _curve(curve: Curve, sheet: Sheet) -> go.Scatter:
    return go.Scatter(
        name=curve.name,
        x=list(curve.xs),
        y=list(curve.ys),
        mode="lines",
        line={"color": sheet.tones[curve.tone], "width": 2.5, "shape": "hv" if curve.is_step else "linear"},
        hovertext=list(curve.texts),
        hoverinfo="text",
    )


def _add_band(drawn: go.Figure, band: Band, place: int, sheet: Sheet) -> None:
    fill = sheet.band.format(alpha=0.05 + 0.045 * place)
    label = {"text": band.label, "textposition": "top center", "font": {"size": 12}}
    shape = {"type": "rect", "layer": "below", "line": {"width": 0}, "fillcolor": fill, "label": label}
    if band.axis == "x":
        drawn.add_shape(x0=band.lower, x1=band.upper, y0=0, y1=1, yref="paper", **shape)
    else:
        drawn.add_shape(y0=band.lower, y1=band.upper, x0=0, x1=1, xref="paper", **shape)


def _add_mark(drawn: go.Figure, mark: Mark, sheet: Sheet, *, words_left: bool) -> None:
    line = {"color": sheet.ink, "width": 1.6, "dash": mark.dash}
    if mark.axis == "x":
        drawn.add_shape(type="line", x0=mark.value, x1=mark.value, y0=0, y1=1, yref="paper", line=line)
        drawn.add_annotation(
            x=mark.value,
            y=1,
            yref="paper",
            yanchor="bottom",
            xanchor="right" if words_left else "left",
            text=mark.label,
            showarrow=False,
            font={"size": 12},
        )
        return
    drawn.add_shape(type="line", y0=mark.value, y1=mark.value, x0=0, x1=1, xref="paper", line=line)
    drawn.add_annotation(
        y=mark.value,
        x=1,
        xref="paper",
        xanchor="right",
        yanchor="bottom",
        text=mark.label,
        showarrow=False,
        font={"size": 12},
    )
