"""Which lots of a paper somebody has still to look at."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from core.db.session import Sessions
from core.db.tables import Lot, ScanFile
from core.domain.access import Action, Actor, authorise
from core.services.transactions import reading


@dataclass(frozen=True)
class LotState:
    """A lot with its files: how many there are, are cut into pages, and were said to be in order."""

    lot_id: int
    label: str
    first_file: str
    files: int
    ingested: int
    checked: int

    @property
    def waits(self) -> bool:
        """Whether pages of it are there and nobody has said yet that they are in order."""
        return self.ingested > self.checked


def lot_states(sessions: Sessions, actor: Actor, *, paper_id: int) -> list[LotState]:
    """The lots of a paper that have a file, oldest first.

    Raises:
        NotAllowed: The actor is not of the secretariat.
    """
    authorise(actor, Action.VIEW_LEDGER)
    with reading(sessions) as session:
        rows = session.execute(
            select(
                Lot.id,
                Lot.label,
                func.min(ScanFile.name),
                func.count(ScanFile.id),
                func.count(ScanFile.ingested_at),
                func.count(ScanFile.checked_at),
            )
            .join(ScanFile, ScanFile.lot_id == Lot.id)
            .where(Lot.paper_id == paper_id)
            .group_by(Lot.id, Lot.label)
            .order_by(Lot.id)
        )
        return [LotState(*row) for row in rows]
