"""Charts as pure values: what is drawn, what it says in one sentence, and the table behind it.

Drawing belongs to ``workbench.charts``; making them out of reports to
``paper_figures`` and ``item_figures``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

AxisName = Literal["x", "y"]
Tone = Literal["primary", "secondary", "warning", "done", "muted"]
Symbol = Literal["circle", "diamond", "cross", "square"]


@dataclass(frozen=True)
class Axis:
    """An axis. ``categories`` in order make it a list of names instead of numbers.

    ``is_percent`` means that the values are shares 0..1 shown in per cent.
    """

    title: str
    lower: float | None = None
    upper: float | None = None
    step: float | None = None
    is_percent: bool = False
    categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class Band:
    """A zone between two values of an axis, with its name."""

    axis: AxisName
    lower: float
    upper: float
    label: str


@dataclass(frozen=True)
class Mark:
    """A line at one value of an axis, with its name and value in words."""

    axis: AxisName
    value: float
    label: str
    dash: Literal["solid", "dash", "dot"] = "solid"


@dataclass(frozen=True)
class Bars:
    """Bars already binned: position on the category or number axis, height, words of each bar."""

    name: str
    positions: tuple[float | str, ...]
    values: tuple[float | None, ...]
    texts: tuple[str, ...]
    horizontal: bool = False
    width: float | None = None
    tone: Tone = "primary"
    tones: tuple[Tone, ...] = ()
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Boxes:
    """Five-number boxes, one per category."""

    name: str
    categories: tuple[str, ...]
    minimum: tuple[float, ...]
    q1: tuple[float, ...]
    median: tuple[float, ...]
    q3: tuple[float, ...]
    maximum: tuple[float, ...]
    mean: tuple[float, ...]


@dataclass(frozen=True)
class Points:
    """Single points; ``labels`` stand beside them, ``texts`` explain them."""

    name: str
    xs: tuple[float | str, ...]
    ys: tuple[float | str, ...]
    texts: tuple[str, ...]
    labels: tuple[str, ...] = ()
    symbol: Symbol = "circle"
    tone: Tone = "primary"


@dataclass(frozen=True)
class Curve:
    """A line through points; ``is_step``: the value holds until the next point."""

    name: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    texts: tuple[str, ...]
    is_step: bool = False
    tone: Tone = "primary"


Series = Bars | Boxes | Points | Curve


@dataclass(frozen=True)
class Table:
    """The data of a figure as people read them, decimal comma included."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Figure:
    """A chart, the sentence that says what it shows, and its table."""

    code: str
    title: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    text: str
    table: Table
    bands: tuple[Band, ...] = ()
    marks: tuple[Mark, ...] = ()
