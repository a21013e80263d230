"""A published copy as its pupil reads it, on a telephone first: the mark, the exercises, each question."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from core.domain.marking import MarkState
from core.i18n import _, day, number, points
from core.services.publication import ExerciseSubtotal, StudentItem, StudentResult
from workbench.widgets.text import as_html


def mark_sheet(result: StudentResult) -> str:
    """HTML of the head of a result: the paper, the final mark large, the appreciation, the exercises."""
    published = _("publiée le {day}").format(day=day(result.published_at.astimezone()))
    appreciation = (
        f'<blockquote class="k-appreciation">{as_html(result.appreciation)}</blockquote>'
        if result.appreciation
        else ""
    )
    exercises = "".join(_exercise(line) for line in result.exercises)
    return (
        '<section class="k-result"><header>'
        f"<div><h2>{as_html(result.paper_name)}</h2>"
        f'<p class="k-caption">{as_html(result.session_name)} · {as_html(published)}</p></div>'
        f'<p class="k-mark"><strong>{number(result.final_mark, 2)}</strong> / {points(result.scale)}</p>'
        f'</header>{appreciation}<ul class="k-exercises">{exercises}</ul></section>'
    )


def item_sheet(result: StudentResult) -> str:
    """HTML of every question with its points and remark, exercise by exercise."""
    parts = []
    for exercise in result.exercises:
        mine = [item for item in result.items if item.code.split(".")[0] == exercise.code]
        parts.append(f"<h3>{as_html(_title(exercise))}</h3>{_items(mine)}")
    return f'<div class="k-items">{"".join(parts)}</div>'


def _exercise(line: ExerciseSubtotal) -> str:
    share = min(line.points / line.max, Decimal(1)) if line.max else Decimal(0)
    return (
        f"<li><span>{as_html(_title(line))}</span>"
        f'<span class="k-points">{points(line.points)} / {points(line.max)}</span>'
        f'<span class="k-bar" aria-hidden="true"><span style="width: {share:.0%}"></span></span></li>'
    )


def _title(line: ExerciseSubtotal) -> str:
    """A scheme may name its exercises or only number them."""
    return line.label or _("Exercice {code}").format(code=line.code)


def _items(items: Sequence[StudentItem]) -> str:
    return f"<ul>{''.join(_item(item) for item in items)}</ul>"


def _item(item: StudentItem) -> str:
    label = f"<strong>{as_html(item.code)}</strong> {as_html(item.label)}"
    if item.bonus:
        label += f" <em>{_('bonus')}</em>"
    remark = f'<p class="k-remark">{as_html(item.remark)}</p>' if item.remark else ""
    return f'<li><span>{label}</span><span class="k-points">{_awarded(item)}</span>{remark}</li>'


def _awarded(item: StudentItem) -> str:
    if item.state is MarkState.NEUTRALISED:
        return _("ne compte pas")
    if item.state is MarkState.UNTREATED or item.points is None:
        return f"{_('non traité')} / {points(item.max)}"
    return f"{points(item.points)} / {points(item.max)}"
