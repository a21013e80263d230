"""The pages of a paper as they lie on the bench: where each half-page is, and what a repair changes.

A half-page is in exactly one place; the pages of a booklet are numbered from 1 without gap. What a
repair does is a list of changes, each with the fields before and after, so that it can be undone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from core.domain.entries import Place
from core.domain.sides import HalfName
from core.errors import Conflict

What = Literal["half", "image", "double", "repair"]
Fields = Mapping[str, Any]
Key = tuple[str, int, str]

IN_BOOKLET = Place.BOOKLET.value
"""On the bench a page of a copy is a page of its booklet: whose it is is not for the stapler to say."""

_WHERE = ("place", "booklet", "position")
_SECOND_HALVES = ("right", "bottom")


@dataclass(frozen=True)
class HalfOf:
    """A half-page of the input, which nothing changes: its image and its name in the image as fed."""

    image: int
    half: HalfName


@dataclass(frozen=True)
class ImageOf:
    """An image of the input: its file and its 0-based place there; ``folded`` when it shows two pages."""

    file: int
    index: int
    folded: bool


@dataclass(frozen=True)
class Spot:
    """Where a half-page is and what is said of it."""

    place: str
    booklet: int | None = None
    position: int | None = None
    page: str = ""
    reason: str = ""
    settled: bool = False
    blank: bool = False


@dataclass(frozen=True)
class Lie:
    """How an image lies: clockwise turn that makes it upright, side and 1-based sheet of its file."""

    rotation_deg: int
    side: str
    sheet: int


@dataclass(frozen=True)
class Change:
    """The fields of one thing that a repair changed, before and after; JSON values."""

    what: What
    id: int
    before: Fields
    after: Fields


@dataclass(frozen=True)
class Bench:
    """All half-pages and images of a paper, by id."""

    halves: Mapping[int, HalfOf]
    images: Mapping[int, ImageOf]
    spots: Mapping[int, Spot]
    lies: Mapping[int, Lie]

    def booklets(self) -> dict[int, list[int]]:
        """The half-pages of each booklet that has some, in their order."""
        found: dict[int, list[int]] = defaultdict(list)
        for half, spot in self.spots.items():
            if spot.booklet is not None:
                found[spot.booklet].append(half)
        return {
            booklet: sorted(pages, key=lambda half: self.spots[half].position or 0)
            for booklet, pages in found.items()
        }

    def first_place(self, half: int) -> tuple[int, int]:
        """The file of a half-page and its place there: a booklet stands where its first page stands."""
        known = self.halves[half]
        image = self.images[known.image]
        return image.file, place_in_file(image.index, known.half)


@dataclass
class Draft:
    """A bench while a repair is at work: pages lie in lists, so that no position can be missing or double."""

    bench: Bench
    spots: dict[int, Spot] = field(init=False)
    lies: dict[int, Lie] = field(init=False)
    order: dict[int, list[int]] = field(init=False)

    def __post_init__(self) -> None:
        self.spots, self.lies = dict(self.bench.spots), dict(self.bench.lies)
        self.order = self.bench.booklets()

    def take(self, half: int, place: Place, reason: str) -> None:
        """Take a half-page out of its booklet, if it is in one, and put it elsewhere."""
        self.lift(half)
        self.spots[half] = replace(self.spots[half], place=place.value, reason=reason)

    def put(self, halves: Sequence[int], booklet: int, index: int) -> None:
        """Put half-pages into a booklet from a 0-based index on, wherever they were."""
        for half in halves:
            self.lift(half)
        pages = self.order.setdefault(booklet, [])
        pages[index:index] = halves
        for half in halves:
            self.spots[half] = replace(self.spots[half], place=IN_BOOKLET, booklet=booklet)

    def changes(self) -> tuple[Change, ...]:
        """What is not as on the bench."""
        for booklet, pages in self.order.items():
            for position, half in enumerate(pages, 1):
                self.spots[half] = replace(self.spots[half], booklet=booklet, position=position)
        return difference(self.bench, replace(self.bench, spots=self.spots, lies=self.lies))

    def lift(self, half: int) -> None:
        """Take a half-page out of its booklet; it is nowhere until it is put."""
        booklet = self.spots[half].booklet
        if booklet is not None:
            self.order[booklet].remove(half)
        self.spots[half] = replace(self.spots[half], booklet=None, position=None)


def place_in_file(image_index: int, half: str) -> int:
    """Where a half-page stands in its file: orders booklets by their first page.

    Args:
        image_index: 0-based.
        half: its name in the image as fed.
    """
    return 2 * image_index + (half in _SECOND_HALVES)


def applied(bench: Bench, changes: Iterable[Change]) -> Bench:
    """The bench after some changes of half-pages and images."""
    spots, lies = dict(bench.spots), dict(bench.lies)
    for change in changes:
        if change.what == "half":
            spots[change.id] = replace(spots[change.id], **change.after)
        elif change.what == "image":
            lies[change.id] = replace(lies[change.id], **change.after)
    return replace(bench, spots=spots, lies=lies)


def difference(before: Bench, after: Bench) -> tuple[Change, ...]:
    """What is not on one bench as on the other."""
    halves = (
        _half_change(half, before.spots[half], spot)
        for half, spot in after.spots.items()
        if spot != before.spots[half]
    )
    images = (
        _change("image", image, before.lies[image], lie)
        for image, lie in after.lies.items()
        if lie != before.lies[image]
    )
    return (*halves, *images)


def inverse(changes: Sequence[Change]) -> tuple[Change, ...]:
    """What undoes some changes."""
    return tuple(replace(change, before=change.after, after=change.before) for change in reversed(changes))


def touched(changes: Iterable[Change]) -> frozenset[Key]:
    """What some changes lay hands on: fields of half-pages and images, and booklets whose pages come or go."""
    keys: set[Key] = set()
    for change in changes:
        keys |= {(change.what, change.id, name) for name in change.after}
        for side in (change.before, change.after):
            if change.what == "half" and side.get("booklet") is not None:
                keys.add(("booklet", side["booklet"], "pages"))
    return frozenset(keys)


def undone(changes: Sequence[Change], later: Iterable[tuple[int, Sequence[Change]]]) -> tuple[Change, ...]:
    """What undoes a repair.

    Args:
        changes: of the repair.
        later: number and changes of each repair made after it that still holds.

    Raises:
        Conflict: ``repair_touched_since`` with the ``repair`` that laid hands on the same pages since.
    """
    own = touched(changes)
    for number, others in later:
        if own & touched(others):
            raise Conflict("repair_touched_since", repair=number)
    return inverse(changes)


def check(bench: Bench) -> None:
    """Demand what must hold whatever was done.

    Raises:
        ValueError: A half-page is in no place or in two, or a booklet has a gap.
    """
    if set(bench.spots) != set(bench.halves) or set(bench.lies) != set(bench.images):
        raise ValueError("half-pages or images were lost")
    for half, spot in bench.spots.items():
        inside = spot.booklet is not None and spot.position is not None
        if inside != (spot.place == IN_BOOKLET) or (spot.booklet is None) != (spot.position is None):
            raise ValueError(f"half-page {half} is in no place or in two")
        if spot.place in (Place.LOOSE, Place.ASIDE, Place.UNREADABLE, Place.ERASED) and not spot.reason:
            raise ValueError(f"half-page {half} waits without a reason")
    for booklet, pages in bench.booklets().items():
        positions = [bench.spots[half].position for half in pages]
        if positions != list(range(1, len(pages) + 1)):
            raise ValueError(f"booklet {booklet} has the positions {positions}")


def to_json(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """Changes as a table keeps them."""
    return [
        {
            "what": change.what,
            "id": change.id,
            "before": dict(change.before),
            "after": dict(change.after),
        }
        for change in changes
    ]


def from_json(rows: Iterable[Mapping[str, Any]]) -> tuple[Change, ...]:
    """Changes as :func:`to_json` wrote them."""
    return tuple(Change(row["what"], row["id"], row["before"], row["after"]) for row in rows)


def _half_change(half: int, before: Spot, after: Spot) -> Change:
    """The three fields of a place travel together."""
    change = _change("half", half, before, after)
    if not set(_WHERE) & set(change.after):
        return change
    return replace(
        change,
        before={**change.before, **{name: getattr(before, name) for name in _WHERE}},
        after={**change.after, **{name: getattr(after, name) for name in _WHERE}},
    )


def _change(what: What, key: int, before: Spot | Lie, after: Spot | Lie) -> Change:
    old, new = vars(before), vars(after)
    names = [name for name in new if old[name] != new[name]]
    return Change(what, key, {name: old[name] for name in names}, {name: new[name] for name in names})
