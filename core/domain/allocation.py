"""Fair allocation of copies to correctors, repeatable from its seed."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Share:
    """A copy to be allocated and its length; ``avoid`` lists correctors who may not get it."""

    copy_id: int
    pages: int
    avoid: frozenset[int] = frozenset()


def allocate(
    copies: Sequence[Share], correctors: Sequence[int], *, seed: int, load: Mapping[int, int] | None = None
) -> dict[int, int]:
    """Give each copy, in an order drawn from ``seed``, to the least loaded corrector.

    ``load`` is what each corrector holds already, in pages. Ties go to the
    corrector with fewer copies, then to the order drawn from ``seed``, so that
    chance alone decides who marks whom and statistics may rely on it.

    Returns:
        ``{copy_id: corrector}``; a copy that every corrector must avoid is left out.

    Raises:
        ValueError: There is no corrector.
    """
    if not correctors:
        raise ValueError("no corrector to allocate to")
    draw = random.Random(seed)
    order = sorted(copies, key=lambda share: share.copy_id)
    draw.shuffle(order)
    rank = sorted(set(correctors))  # whatever the order they are named in
    draw.shuffle(rank)
    pages = {corrector: (load or {}).get(corrector, 0) for corrector in rank}
    held = dict.fromkeys(rank, 0)
    given: dict[int, int] = {}
    for share in order:
        able = [corrector for corrector in rank if corrector not in share.avoid]
        if not able:
            continue
        chosen = min(able, key=lambda corrector: (pages[corrector], held[corrector]))
        given[share.copy_id] = chosen
        pages[chosen] += share.pages
        held[chosen] += 1
    return given
