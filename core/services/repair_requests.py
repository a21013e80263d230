"""What is asked for in the atelier d'agrafage, as JSON, and the changes that it means.

==============  =====================================================  =========================================
kind            arguments                                              what it does
==============  =====================================================  =========================================
rotate          images, turn (90, 180, 270)                            turns images clockwise
swap            file, sheet                                            exchanges front and back
move            halves, booklet, position                              puts pages into a booklet
cut             booklet, position                                      pages from there on become a booklet
join            booklets                                               one booklet of several, in this order
set_aside       halves                                                 takes pages out of the copies
put_back        halves, booklet?, position?                            back to where they were, or there
attach          halves, booklet, position?                             an annex, a loose or a late sheet
mark_blank      halves                                                 nothing is written on them
replace         halves, by                                             by pages of a rescan
new_booklet     halves                                                 a booklet of their own
settle          halves                                                 somebody looked: they are right
verdict         image, other, verdict (double, distinct)               of two images that look alike
interleave      file, other, reversed                                  fronts and backs of two files
==============  =====================================================  =========================================
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db.tables import Booklet, Decision, DoubleScan, Repair
from core.domain import stapling
from core.domain.bench import Bench, Change, applied, difference, from_json
from core.domain.entries import DecisionKind, Verdict
from core.errors import BadInput, Conflict, NotFound

Arguments = Mapping[str, Any]

MOST_REASON = 500
_MOST_IDS = 5000
_HIGHEST = 2**31 - 1


@dataclass(frozen=True)
class Plan:
    """What a request means.

    Attributes:
        replaced: half-pages that stand for one scanned again.
        decided_apart: pages may go to a booklet decided to be another candidate's: somebody says so.
    """

    changes: tuple[Change, ...]
    replaced: Collection[int] = ()
    decided_apart: bool = True


@dataclass(frozen=True)
class Request:
    """A request with the paper as it stands; its getters check what JSON brought.

    Raises:
        BadInput: ``parameter_unreadable``, with the argument.
    """

    session: Session
    paper_id: int
    bench: Bench
    arguments: Arguments

    def number(self, name: str) -> int:
        """A number that must be there."""
        found = self.number_or_none(name)
        if found is None:
            raise BadInput("parameter_unreadable", parameter=name)
        return found

    def number_or_none(self, name: str) -> int | None:
        """A number, or ``None`` when it is not given."""
        found = self.arguments.get(name)
        return None if found is None else _number(found, name)

    def numbers(self, name: str) -> list[int]:
        """A list with at least one number."""
        found = self.arguments.get(name)
        if not isinstance(found, list | tuple) or not 1 <= len(found) <= _MOST_IDS:
            raise BadInput("parameter_unreadable", parameter=name)
        return [_number(value, name) for value in found]

    def flag(self, name: str) -> bool:
        """Yes or no; no when it is not given."""
        found = self.arguments.get(name, False)
        if not isinstance(found, bool):
            raise BadInput("parameter_unreadable", parameter=name)
        return found

    def new_booklet(self, first: int) -> int:
        """The id of a new booklet that begins with a half-page; what it holds is written with the repair."""
        if first not in self.bench.halves:
            raise BadInput("repair_unknown_page", which=first)
        file, position = self.bench.first_place(first)
        # It has no page until the repair is written.
        row = Booklet(paper_id=self.paper_id, scan_file_id=file, position=position, dissolved=True)
        self.session.add(row)
        self.session.flush()
        return row.id


def planned(kind: str, request: Request) -> Plan:
    """The changes that a request means.

    Raises:
        BadInput: ``repair_unknown_kind``, ``parameter_unreadable``, or what the domain refuses.
        Conflict: ``join_two_candidates``.
    """
    if kind not in KINDS:
        raise BadInput("repair_unknown_kind", kind=kind)
    return KINDS[kind](request)


def _rotate(request: Request) -> Plan:
    return Plan(stapling.rotate(request.bench, request.numbers("images"), request.number("turn")))


def _swap(request: Request) -> Plan:
    return Plan(stapling.swap(request.bench, request.number("file"), request.number("sheet")))


def _move(request: Request) -> Plan:
    return Plan(
        stapling.move(
            request.bench, request.numbers("halves"), request.number("booklet"), request.number("position")
        )
    )


def _cut(request: Request) -> Plan:
    booklet, position = request.number("booklet"), request.number("position")
    pages = request.bench.booklets().get(booklet, [])
    first = pages[min(max(position - 1, 0), len(pages) - 1)] if pages else 0
    new = request.new_booklet(first) if pages else 0
    return Plan(stapling.cut(request.bench, booklet, position, new))


def _join(request: Request) -> Plan:
    """Into the booklet that is decided, if one is: its copy, its marks and its candidate stay."""
    booklets = request.numbers("booklets")
    decided = {
        row.booklet_id: row
        for row in request.session.scalars(
            select(Decision).where(Decision.booklet_id.in_(booklets), Decision.superseded_at.is_(None))
        )
    }
    named = [booklet for booklet in booklets if booklet in decided]
    sure = [booklet for booklet in named if decided[booklet].kind == DecisionKind.CANDIDATE.value]
    if len({decided[booklet].candidate_id for booklet in sure}) > 1:
        raise Conflict("join_two_candidates")
    into = next(iter([*sure, *named]), None)
    return Plan(stapling.join(request.bench, booklets, into), decided_apart=False)


def _set_aside(request: Request) -> Plan:
    return Plan(stapling.set_aside(request.bench, request.numbers("halves")))


def _put_back(request: Request) -> Plan:
    """To the booklet given, or each page to where it was last."""
    halves, booklet = request.numbers("halves"), request.number_or_none("booklet")
    if booklet is not None:
        position = request.number_or_none("position")
        return Plan(stapling.attach(request.bench, halves, booklet, position))
    bench = request.bench
    left = _left_from(request, halves)
    for half in sorted(set(halves), key=lambda half: left[half]):
        was, position = left[half]
        new = was not in bench.booklets()
        bench = applied(bench, stapling.put_back(bench, [half], was, position, new=new))
    return Plan(difference(request.bench, bench))


def _left_from(request: Request, halves: Sequence[int]) -> dict[int, tuple[int, int]]:
    """The booklet and position that half-pages were in when they were last taken out of one."""
    found: dict[int, tuple[int, int]] = {}
    rows = request.session.scalars(
        select(Repair).where(Repair.paper_id == request.paper_id).order_by(Repair.id.desc())
    )
    for row in rows:
        for change in from_json(row.changes):
            was = change.before.get("booklet")
            if change.what == "half" and was is not None and change.after.get("booklet") is None:
                found.setdefault(change.id, (was, change.before["position"]))
        if set(halves) <= set(found):
            break
    for half in halves:
        if half not in found or request.bench.spots[half].booklet is not None:
            raise BadInput("put_back_where")
    return found


def _attach(request: Request) -> Plan:
    return Plan(
        stapling.attach(
            request.bench,
            request.numbers("halves"),
            request.number("booklet"),
            request.number_or_none("position"),
        )
    )


def _mark_blank(request: Request) -> Plan:
    return Plan(stapling.mark_blank(request.bench, request.numbers("halves")))


def _replace(request: Request) -> Plan:
    by = request.numbers("by")
    return Plan(stapling.replace_by(request.bench, request.numbers("halves"), by), replaced=by)


def _new_booklet(request: Request) -> Plan:
    halves = request.numbers("halves")
    return Plan(stapling.new_booklet(request.bench, halves, request.new_booklet(halves[0])))


def _settle(request: Request) -> Plan:
    return Plan(stapling.settle(request.bench, request.numbers("halves")))


def _verdict(request: Request) -> Plan:
    """Two images show the same page: the later sheet goes aside; or they do not: its doubt goes."""
    image, other = request.number("image"), request.number("other")
    verdict = request.arguments.get("verdict")
    if verdict not in (Verdict.DOUBLE.value, Verdict.DISTINCT.value):
        raise BadInput("parameter_unreadable", parameter="verdict")
    row = request.session.get(DoubleScan, (image, other))
    if row is None or image not in request.bench.images:
        raise NotFound("double_scan", image=image)
    said = Change(
        "double", image, {"other": other, "verdict": row.verdict}, {"other": other, "verdict": verdict}
    )
    halves = _sheet_of(request.bench, image)
    if verdict == Verdict.DOUBLE.value:
        return Plan((*stapling.set_aside(request.bench, halves, stapling.DOUBLE), said))
    return Plan((*stapling.forget(request.bench, halves, stapling.DOUBLE), said))


def _sheet_of(bench: Bench, image: int) -> list[int]:
    file, sheet = bench.images[image].file, bench.lies[image].sheet
    return [
        half
        for half, known in bench.halves.items()
        if bench.images[known.image].file == file and bench.lies[known.image].sheet == sheet
    ]


def _interleave(request: Request) -> Plan:
    return Plan(
        stapling.interleave(
            request.bench,
            request.number("file"),
            request.number("other"),
            backwards=request.flag("reversed"),
        )
    )


KINDS: dict[str, Callable[[Request], Plan]] = {
    "rotate": _rotate,
    "swap": _swap,
    "move": _move,
    "cut": _cut,
    "join": _join,
    "set_aside": _set_aside,
    "put_back": _put_back,
    "attach": _attach,
    "mark_blank": _mark_blank,
    "replace": _replace,
    "new_booklet": _new_booklet,
    "settle": _settle,
    "verdict": _verdict,
    "interleave": _interleave,
}
"""Every repair that can be asked for."""


def _number(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _HIGHEST:
        raise BadInput("parameter_unreadable", parameter=name)
    return value
