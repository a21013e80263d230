"""The repairs of the atelier d'agrafage: each takes a bench and gives the changes that it makes.

None of them looks at whose pages they are; a page is somewhere, or somewhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from core.domain.bench import (
    Bench,
    Change,
    Draft,
    ImageOf,
    Lie,
    Spot,
    applied,
    check,
    from_json,
    inverse,
    place_in_file,
    to_json,
    touched,
    undone,
)
from core.domain.bench import HalfOf as HalfOf
from core.domain.entries import Place, Side
from core.domain.sides import Face, page_label
from core.errors import BadInput

__all__ = [
    "Bench",
    "Change",
    "HalfOf",
    "ImageOf",
    "Lie",
    "Spot",
    "applied",
    "attach",
    "check",
    "cut",
    "forget",
    "from_json",
    "interleave",
    "inverse",
    "join",
    "mark_blank",
    "move",
    "new_booklet",
    "place_in_file",
    "put_back",
    "replace_by",
    "rotate",
    "set_aside",
    "settle",
    "swap",
    "to_json",
    "touched",
    "undone",
]

Changes = tuple[Change, ...]

SET_ASIDE, REPLACED, DOUBLE = "set_aside", "replaced", "double_scan"

_OF_THE_PLACE = frozenset(
    {SET_ASIDE, REPLACED, DOUBLE, "loose_leaf", "annex_waiting", "blank_sheet", "header_missing"}
)
"""Reasons that say why a page was not in a booklet: they go when it is put into one."""
_FACES: dict[str, Face] = {"P1": "front", "P4": "front", "P2": "back", "P3": "back"}
_OTHER_FACE: dict[Face, Face] = {"front": "back", "back": "front"}
_OTHER_SIDE = {Side.FRONT.value: Side.BACK.value, Side.BACK.value: Side.FRONT.value}


def rotate(bench: Bench, images: Sequence[int], turn: int) -> Changes:
    """Turn images clockwise; the pages of a folded sheet change places with it.

    Raises:
        BadInput: ``repair_bad_turn``; ``repair_quarter_of_sheet``: a folded sheet lies one way or the
            other, and a quarter turn would cut its pages through; ``repair_unknown_page``.
    """
    if turn not in (90, 180, 270):
        raise BadInput("repair_bad_turn", value=turn)
    draft = Draft(bench)
    for image in _once(images):
        if image not in bench.images:
            raise BadInput("repair_unknown_page", which=image)
        if bench.images[image].folded and turn != 180:
            raise BadInput("repair_quarter_of_sheet")
        lie = draft.lies[image]
        draft.lies[image] = replace(lie, rotation_deg=(lie.rotation_deg + turn) % 360)
        halves = _halves_of(bench, [image])
        _require_kept(bench, halves)
        _label(draft, image, flip=False)
        _reorder(draft, halves)
        _settle(draft, halves)
    return draft.changes()


def swap(bench: Bench, file: int, sheet: int) -> Changes:
    """Exchange front and back of a sheet.

    Raises:
        BadInput: ``repair_unknown_sheet``; ``repair_one_side``: a leaf of which only one side is there.
    """
    images = [
        image for image, lie in bench.lies.items() if lie.sheet == sheet and bench.images[image].file == file
    ]
    if not images:
        raise BadInput("repair_unknown_sheet", sheet=sheet)
    draft = Draft(bench)
    halves = _halves_of(bench, images)
    _require_kept(bench, halves)
    folded = all(bench.images[image].folded for image in images)
    if not folded and len(images) != 2:
        raise BadInput("repair_one_side", sheet=sheet)
    for image in images:
        lie = draft.lies[image]
        draft.lies[image] = replace(lie, side=_OTHER_SIDE.get(lie.side, lie.side))
        if folded:
            _label(draft, image, flip=True)
    if folded:
        _reorder(draft, halves)
    else:
        _exchange(draft, *halves[:2])
    _settle(draft, halves)
    return draft.changes()


def move(bench: Bench, halves: Sequence[int], booklet: int, position: int) -> Changes:
    """Put pages into a booklet, the first of them at ``position``, wherever they were.

    Raises:
        BadInput: ``repair_unknown_page``, ``repair_unknown_booklet``, ``repair_bad_position``.
    """
    draft, pages = _opened(bench, halves)
    if booklet not in draft.order:
        raise BadInput("repair_unknown_booklet", booklet=booklet)
    left = [half for half in draft.order[booklet] if half not in pages]
    if not 1 <= position <= len(left) + 1:
        raise BadInput("repair_bad_position", value=position, last=len(left) + 1)
    _put(draft, pages, booklet, position - 1)
    return draft.changes()


def attach(bench: Bench, halves: Sequence[int], booklet: int, position: int | None = None) -> Changes:
    """Put an annex, a loose sheet or a late one into a booklet, at its end unless said otherwise.

    Raises:
        BadInput: as :func:`move`.
    """
    pages = bench.booklets().get(booklet, [])
    left = len([half for half in pages if half not in set(halves)])
    return move(bench, halves, booklet, left + 1 if position is None else position)


def put_back(
    bench: Bench, halves: Sequence[int], booklet: int, position: int, *, new: bool = False
) -> Changes:
    """Put pages back where they were, as near as the booklet's length allows.

    Args:
        bench: the bench.
        halves: pages of that booklet.
        booklet: where they were.
        position: of the first of them.
        new: the booklet has no page any more and begins again.
    """
    draft, pages = _opened(bench, halves)
    if not new and booklet not in draft.order:
        raise BadInput("repair_unknown_booklet", booklet=booklet)
    left = [half for half in draft.order.get(booklet, []) if half not in pages]
    _put(draft, pages, booklet, min(max(position - 1, 0), len(left)))
    return draft.changes()


def cut(bench: Bench, booklet: int, position: int, new: int) -> Changes:
    """Make the pages of a booklet from ``position`` on a booklet of their own, ``new``.

    Raises:
        BadInput: ``repair_unknown_booklet``; ``repair_bad_cut``: nothing would be left on one side.
    """
    draft = Draft(bench)
    if booklet not in draft.order:
        raise BadInput("repair_unknown_booklet", booklet=booklet)
    pages = draft.order[booklet]
    if not 2 <= position <= len(pages):
        raise BadInput("repair_bad_cut", value=position, last=len(pages))
    gone = pages[position - 1 :]
    _require_kept(bench, gone)
    draft.put(gone, new, 0)
    _settle(draft, gone[:1])
    return draft.changes()


def join(bench: Bench, booklets: Sequence[int], into: int | None = None) -> Changes:
    """Make one booklet of several, their pages one after the other.

    Args:
        bench: the bench.
        booklets: in the order of their pages.
        into: the one that stays; the first unless said otherwise.

    Raises:
        BadInput: ``repair_join_one``, ``repair_unknown_booklet``.
    """
    wanted = _once(booklets)
    if len(wanted) < 2:
        raise BadInput("repair_join_one")
    draft = Draft(bench)
    for booklet in wanted:
        if booklet not in draft.order:
            raise BadInput("repair_unknown_booklet", booklet=booklet)
    firsts = [draft.order[booklet][0] for booklet in wanted]
    pages = [half for booklet in wanted for half in draft.order[booklet]]
    _require_kept(bench, pages)
    draft.put(pages, wanted[0] if into is None else into, 0)
    _settle(draft, firsts)
    return draft.changes()


def new_booklet(bench: Bench, halves: Sequence[int], new: int) -> Changes:
    """Make a booklet of pages, in the order given, wherever they were.

    Raises:
        BadInput: ``repair_unknown_page``.
    """
    draft, pages = _opened(bench, halves)
    _put(draft, pages, new, 0)
    return draft.changes()


def set_aside(bench: Bench, halves: Sequence[int], code: str = SET_ASIDE) -> Changes:
    """Take pages out of the copies; they stay in the ledger, with the code of why.

    Raises:
        BadInput: ``repair_unknown_page``.
    """
    draft, pages = _opened(bench, halves)
    for half in pages:
        draft.take(half, Place.ASIDE, _with(draft.spots[half].reason, code))
    _settle(draft, pages)
    return draft.changes()


def mark_blank(bench: Bench, halves: Sequence[int]) -> Changes:
    """Say that nothing is written on pages: they go with the blank ones.

    Raises:
        BadInput: ``repair_unknown_page``.
    """
    draft, pages = _opened(bench, halves)
    for half in pages:
        draft.take(half, Place.BLANK, _without(draft.spots[half].reason))
        draft.spots[half] = replace(draft.spots[half], blank=True)
    _settle(draft, pages)
    return draft.changes()


def replace_by(bench: Bench, halves: Sequence[int], by: Sequence[int]) -> Changes:
    """Put pages of a rescan in the place of others, which go aside.

    The first takes the place of the first, and so on; pages more come after the last.

    Raises:
        BadInput: ``repair_unknown_page``; ``repair_replace_itself``: a page on both sides.
    """
    draft, old = _opened(bench, halves)
    fresh = _known(bench, by)
    if set(old) & set(fresh):
        raise BadInput("repair_replace_itself")
    last: int | None = None
    for gone, come in zip(old, fresh, strict=False):
        spot = draft.spots[gone]
        if spot.booklet is None:
            draft.take(come, Place(spot.place), spot.reason)
        else:
            draft.lift(come)
            _put(draft, [come], spot.booklet, draft.order[spot.booklet].index(gone))
            last = come
    for gone in old:
        draft.take(gone, Place.ASIDE, _with(draft.spots[gone].reason, REPLACED))
    for come in fresh[len(old) :]:
        if last is None:
            raise BadInput("repair_replace_more")
        booklet = draft.spots[last].booklet if last is not None else None
        if booklet is not None and last is not None:
            draft.lift(come)
            _put(draft, [come], booklet, draft.order[booklet].index(last) + 1)
            last = come
    _settle(draft, [*old, *fresh])
    return draft.changes()


def settle(bench: Bench, halves: Sequence[int]) -> Changes:
    """Say that somebody looked at pages and found them right where they are.

    Raises:
        BadInput: ``repair_unknown_page``.
    """
    draft, pages = _opened(bench, halves)
    _settle(draft, pages)
    return draft.changes()


def forget(bench: Bench, halves: Sequence[int], code: str) -> Changes:
    """Take a doubt away that somebody found to be none.

    Raises:
        BadInput: ``repair_unknown_page``.
    """
    draft, pages = _opened(bench, halves)
    for half in pages:
        spot = draft.spots[half]
        left = " ".join(known for known in spot.reason.split() if known != code)
        if left or spot.booklet is not None:
            draft.spots[half] = replace(spot, reason=left)
    return draft.changes()


def interleave(bench: Bench, fronts: int, backs: int, *, backwards: bool) -> Changes:
    """Put the pages of a file of backs each behind its front, in the front's booklet.

    A blank back stays with the blank ones. Where a front is in no booklet, its back follows the page before.

    Args:
        bench: the bench.
        fronts: file of odd pages.
        backs: file of even pages.
        backwards: the backs came last leaf first.

    Raises:
        BadInput: ``repair_unknown_file``; ``repair_interleave_sheets``: a file of folded sheets.
    """
    front, back = _pages_of_file(bench, fronts), _pages_of_file(bench, backs)
    if fronts == backs or not front or not back:
        raise BadInput("repair_unknown_file")
    _require_kept(bench, back)
    draft = Draft(bench)
    last: int | None = None
    for leaf, half in enumerate(back[::-1] if backwards else back):
        if leaf < len(front) and draft.spots[front[leaf]].booklet is not None:
            last = front[leaf]
        booklet = draft.spots[last].booklet if last is not None else None
        if last is None or booklet is None or draft.spots[half].place == Place.BLANK.value:
            continue
        draft.lift(half)
        _put(draft, [half], booklet, draft.order[booklet].index(last) + 1)
        draft.spots[half] = replace(draft.spots[half], reason=_with(draft.spots[half].reason, "interleaved"))
        last = half
    return draft.changes()


def _pages_of_file(bench: Bench, file: int) -> list[int]:
    images = sorted((known.index, image) for image, known in bench.images.items() if known.file == file)
    if any(bench.images[image].folded for _, image in images):
        raise BadInput("repair_interleave_sheets")
    of_image = {known.image: half for half, known in bench.halves.items()}
    return [of_image[image] for _, image in images]


def _opened(bench: Bench, halves: Sequence[int]) -> tuple[Draft, list[int]]:
    return Draft(bench), _known(bench, halves)


def _known(bench: Bench, halves: Sequence[int]) -> list[int]:
    pages = _once(halves)
    if not pages:
        raise BadInput("repair_unknown_page", which="")
    for half in pages:
        if half not in bench.halves:
            raise BadInput("repair_unknown_page", which=half)
    _require_kept(bench, pages)
    return pages


def _require_kept(bench: Bench, halves: Iterable[int]) -> None:
    """What was erased for good has no page to move."""
    if any(bench.spots[half].place == Place.ERASED.value for half in halves):
        raise BadInput("repair_erased_page")


def _once(values: Sequence[int]) -> list[int]:
    return list(dict.fromkeys(values))


def _put(draft: Draft, halves: Sequence[int], booklet: int, index: int) -> None:
    draft.put(halves, booklet, index)
    for half in halves:
        draft.spots[half] = replace(draft.spots[half], reason=_without(draft.spots[half].reason))
    _settle(draft, halves)


def _settle(draft: Draft, halves: Iterable[int]) -> None:
    for half in halves:
        draft.spots[half] = replace(draft.spots[half], settled=True)


def _with(reason: str, code: str) -> str:
    return " ".join(dict.fromkeys([code, *reason.split()]))


def _without(reason: str) -> str:
    return " ".join(code for code in reason.split() if code not in _OF_THE_PLACE)


def _halves_of(bench: Bench, images: Iterable[int]) -> list[int]:
    wanted = set(images)
    return sorted(half for half, known in bench.halves.items() if known.image in wanted)


def _label(draft: Draft, image: int, *, flip: bool) -> None:
    """P1..P4 of the halves of a folded sheet as it lies now; a lone leaf is called by its place in the file."""
    if not draft.bench.images[image].folded:
        return
    for half in _halves_of(draft.bench, [image]):
        spot = draft.spots[half]
        face = _FACES.get(spot.page)
        if face is None:
            continue
        name = draft.bench.halves[half].half
        shown = _OTHER_FACE[face] if flip else face
        draft.spots[half] = replace(spot, page=page_label(name, shown, draft.lies[image].rotation_deg))


def _reorder(draft: Draft, halves: Sequence[int]) -> None:
    """Give the pages of a sheet that are in one booklet the places they have there, in the order of P1..P4."""
    for pages in draft.order.values():
        inside = [half for half in pages if half in set(halves) and draft.spots[half].page in _FACES]
        places = [pages.index(half) for half in inside]
        for place, half in zip(places, sorted(inside, key=lambda half: draft.spots[half].page), strict=True):
            pages[place] = half


def _exchange(draft: Draft, one: int, other: int) -> None:
    booklet = draft.spots[one].booklet
    if booklet is None or draft.spots[other].booklet != booklet:
        return
    pages = draft.order[booklet]
    first, second = pages.index(one), pages.index(other)
    pages[first], pages[second] = pages[second], pages[first]
