"""Two files of one pile, scanned with a one-sided feeder: fronts in one, backs in the other.

The operator scans the fronts, turns the pile over and scans the backs; unless the pile was sorted again the
backs come out last leaf first.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

_ODD = ("impaires", "impaire", "impairs", "impair", "odds", "odd", "rectos", "recto", "fronts", "front")
_EVEN = ("paires", "paire", "pairs", "pair", "evens", "even", "versos", "verso", "backs", "back")
_KINDS = {word: kind for kind in (0, 1) for word in (_ODD, _EVEN)[kind]}
# Words of a pair that say the same thing about two files: recto goes with verso, not with "even".
_FAMILIES = (("impair", "pair"), ("odd", "even"), ("recto", "verso"), ("front", "back"))


@dataclass(frozen=True)
class PageClue:
    """What one image tells of its place: a page mark ``(n, of)`` and whether it bears a copy's header."""

    mark: tuple[int, int] | None = None
    header: bool = False


@dataclass(frozen=True)
class Interleave:
    """Two files to be read as one.

    Attributes:
        fronts: place of the file of odd pages among the names given.
        backs: place of the file of even pages.
        sure: the counts allow it without an image missing.
    """

    fronts: int
    backs: int
    sure: bool = True


@dataclass(frozen=True)
class Merged:
    """The images of both files in reading order.

    Attributes:
        order: (file, image), file as in ``Interleave``, image 0-based in its file.
        backwards: the backs came last leaf first.
        sure: something on the pages said so; otherwise people should look.
    """

    order: tuple[tuple[int, int], ...]
    backwards: bool
    sure: bool


def pairing(names: Sequence[str], counts: Sequence[int]) -> Interleave | None:
    """Whether two files of one lot are the fronts and the backs of one pile, by their names and counts.

    Names must differ in nothing but the word: "salle 204 impaires.pdf" and "salle 204 paires.pdf".

    Args:
        names: of two files.
        counts: images of each.
    """
    if len(names) != 2:
        return None
    first, second = (_kinds(name) for name in names)
    for rest, (family, kind) in first.items():
        other = second.get(rest)
        if other is not None and other[0] == family and other[1] != kind:
            fronts, backs = (0, 1) if kind == 0 else (1, 0)
            return _fitting(fronts, backs, counts)
    return None


def _fitting(fronts: int, backs: int, counts: Sequence[int]) -> Interleave | None:
    more = counts[fronts] - counts[backs]
    # The last leaf of a pile may have nothing on its back; a front cannot be missing.
    return Interleave(fronts, backs, sure=more in (0, 1)) if abs(more) <= 1 else None


def pairings(names: Sequence[str], counts: Sequence[int]) -> tuple[Interleave, ...]:
    """The pairs among the files of a lot, each file in one at most."""
    found: list[Interleave] = []
    taken: set[int] = set()
    for i in range(len(names)):
        for j in range(i + 1, len(names)):
            if i in taken or j in taken:
                continue
            two = pairing((names[i], names[j]), (counts[i], counts[j]))
            if two is not None:
                at = (i, j)
                found.append(Interleave(at[two.fronts], at[two.backs], two.sure))
                taken |= {i, j}
    return tuple(found)


def merged(pair: Interleave, fronts: Sequence[PageClue], backs: Sequence[PageClue]) -> Merged:
    """The order of the images of both files.

    Page marks decide, then headers: the header of a first page is on an odd
    page, so a file of backs that bears them is the file of fronts misnamed. Without
    either, the order as named, straight, and people should look.

    Args:
        pair: the two files.
        fronts: one clue per image of the file of odd pages.
        backs: one clue per image of the file of even pages.
    """
    exchanged = any(clue.header for clue in backs) and not any(clue.header for clue in fronts)
    exchanged = exchanged or _by_marks(backs, fronts) > _by_marks(fronts, backs)
    if exchanged:
        pair = Interleave(pair.backs, pair.fronts)
        fronts, backs = backs, fronts
    straight, backwards = _agreements(fronts, backs), _agreements(fronts, backs[::-1])
    turned = backwards > straight
    images = list(range(len(backs)))
    if turned:
        images.reverse()
    order: list[tuple[int, int]] = []
    for leaf in range(max(len(fronts), len(backs))):
        order += [(pair.fronts, leaf)] if leaf < len(fronts) else []
        order += [(pair.backs, images[leaf])] if leaf < len(backs) else []
    complete = len(fronts) - len(backs) in (0, 1)
    return Merged(tuple(order), turned, complete and straight != backwards)


def _by_marks(fronts: Sequence[PageClue], backs: Sequence[PageClue]) -> int:
    """How many leaves the marks confirm, whichever way the backs came."""
    return max(_agreements(fronts, backs), _agreements(fronts, backs[::-1]))


def _agreements(fronts: Sequence[PageClue], backs: Sequence[PageClue]) -> int:
    """Leaves whose marks follow each other, front before back, in the same count of pages."""
    return sum(
        front.mark is not None
        and back.mark is not None
        and front.mark[0] % 2 == 1
        and back.mark == (front.mark[0] + 1, front.mark[1])
        for front, back in zip(fronts, backs, strict=False)
    )


def _kinds(name: str) -> dict[tuple[str, ...], tuple[int, int]]:
    """What is left of a name without each of its telling words: (family, 0 odd or 1 even)."""
    words = _words(name)
    found = {}
    for at, word in enumerate(words):
        if word in _KINDS:
            family = next(i for i, both in enumerate(_FAMILIES) if word.startswith(both))
            found[words[:at] + words[at + 1 :]] = (family, _KINDS[word])
    return found


def _words(name: str) -> tuple[str, ...]:
    """Words of a file name, without accents, case and ending."""
    stem = name.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    plain = "".join(c for c in unicodedata.normalize("NFD", stem.lower()) if not unicodedata.combining(c))
    return tuple(re.findall(r"[a-z]+|[0-9]+", plain))
