"""Marking schemes: a tree exercise > question > sub-question whose leaves are marked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.errors import BadInput

DEFAULT_STEP = Decimal("0.25")  # product.md, "Marks go by steps of 0.25"
_CODE = re.compile(r"[0-9A-Za-z]+(\.[0-9A-Za-z]+)*\Z")


@dataclass(frozen=True)
class Item:
    """One line of a scheme.

    ``code`` is dotted (``2.b``) and unique in the scheme; ``points`` of a node
    with children is the sum of its leaves without bonus.
    """

    code: str
    label: str
    points: Decimal
    bonus: bool = False
    competence: str = ""
    is_leaf: bool = True

    @property
    def exercise(self) -> str:
        """The first part of the code."""
        return self.code.split(".", 1)[0]

    @property
    def depth(self) -> int:
        """0 for an exercise."""
        return self.code.count(".")


@dataclass(frozen=True)
class Scheme:
    """The items of a scheme in the order of the paper, nodes before their leaves."""

    items: tuple[Item, ...]

    @property
    def leaves(self) -> tuple[Item, ...]:
        """The items that get marks."""
        return tuple(item for item in self.items if item.is_leaf)

    @property
    def total(self) -> Decimal:
        """Points without bonus."""
        return sum((leaf.points for leaf in self.leaves if not leaf.bonus), Decimal(0))


@dataclass(frozen=True)
class SchemeLine:
    """A line as imported: ``points`` is ``None`` for a title without points of its own."""

    number: int
    code: str
    label: str
    points: Decimal | None
    bonus: bool = False
    competence: str = ""


def build(lines: Sequence[SchemeLine], *, paper_total: Decimal, step: Decimal = DEFAULT_STEP) -> Scheme:
    """A scheme out of imported lines; an ancestor that has no line is made, labelled by its code.

    Points written on a node with children must agree with its leaves.

    Raises:
        BadInput: ``scheme_empty``, ``scheme_bad_code``, ``scheme_duplicate_item``, ``scheme_bad_points``,
            ``scheme_node_total`` or ``scheme_total``, with the line number where there is one.
    """
    if not lines:
        raise BadInput("scheme_empty")
    by_code = _by_code(lines)
    parents = {parent for code in by_code for parent in _ancestors(code)}
    scheme = Scheme(tuple(_items(by_code, parents)))
    for line in lines:
        _check_points(line, scheme, parents, step)
    if scheme.total != paper_total:
        raise BadInput("scheme_total", scheme_total=scheme.total, paper_total=paper_total)
    return scheme


def _by_code(lines: Sequence[SchemeLine]) -> dict[str, SchemeLine]:
    by_code: dict[str, SchemeLine] = {}
    for line in lines:
        if not _CODE.match(line.code):
            raise BadInput("scheme_bad_code", line=line.number, item=line.code)
        if line.code in by_code:
            raise BadInput("scheme_duplicate_item", line=line.number, item=line.code)
        by_code[line.code] = line
    return by_code


def _ancestors(code: str) -> list[str]:
    parts = code.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


def _items(by_code: dict[str, SchemeLine], parents: set[str]) -> list[Item]:
    items: list[Item] = []
    seen: set[str] = set()
    for code in by_code:
        for node in (*_ancestors(code), code):
            if node in seen:
                continue
            seen.add(node)
            items.append(_node(node, by_code, parents))
    return items


def _node(code: str, by_code: dict[str, SchemeLine], parents: set[str]) -> Item:
    if code in parents:
        label = by_code[code].label if code in by_code else code
        below = [
            other
            for other in by_code.values()
            if other.code.startswith(f"{code}.") and other.code not in parents and not other.bonus
        ]
        points = sum((other.points or Decimal(0) for other in below), Decimal(0))
        return Item(code, label, points, is_leaf=False)
    line = by_code[code]
    return Item(code, line.label, line.points or Decimal(0), line.bonus, line.competence)


def _check_points(line: SchemeLine, scheme: Scheme, parents: set[str], step: Decimal) -> None:
    if line.code in parents:
        node = next(item for item in scheme.items if item.code == line.code)
        if line.points is not None and line.points != node.points:
            raise BadInput(
                "scheme_node_total", line=line.number, item=line.code, stated=line.points, leaves=node.points
            )
    elif line.points is None or line.points <= 0 or line.points % step:
        raise BadInput("scheme_bad_points", line=line.number, item=line.code, points=line.points, step=step)
