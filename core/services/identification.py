"""Whose booklet it is: readings, proposals, and the decisions of people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session, selectinload

from core.db.session import Sessions
from core.db.tables import Booklet, Candidate, Decision, Entry, HalfPage, Proposal, ScanFile, ScanImage
from core.db.tables.base import now
from core.domain.access import Action, Actor, authorise
from core.domain.columns import LineProblem, cell, parse_date, recognise
from core.domain.entries import DecisionKind
from core.domain.names import same_person_key
from core.errors import BadInput, Conflict, NotFound, WorkbenchError
from core.matching.assign import propose
from core.matching.evidence import BookletReadings, RosterEntry
from core.reading.protocol import FieldReading
from core.services import attribution, journal
from core.services.lots import PaperPlace, place_on_paper
from core.services.page_images import PageImage, page_image, page_source
from core.services.page_sets import hold_paper
from core.services.tables import read_table
from core.services.transactions import reading, writing
from core.storage.blobs import BlobStore

_DECISION_COLUMNS = {
    "booklet": ("BOOKLET", "LIVRET"),
    "surname": ("SURNAME", "NOM"),
    "first_name": ("FIRST NAME", "PRENOM"),
    "birth_date": ("BIRTH DATE", "DATE DE NAISSANCE", "NE E LE"),
}


@dataclass(frozen=True)
class RankedView:
    """A candidate proposed for a booklet; ``candidate_id`` is ``None`` for « hors liste »."""

    rank: int
    candidate_id: int | None
    surname: str
    first_name: str
    birth_date: date | None
    class_name: str
    probability: float
    matched: tuple[str, ...]
    read_as: Mapping[str, str]


@dataclass(frozen=True)
class BookletProposals:
    """What matching says of a booklet; ``decision`` is automatic, review or none."""

    booklet_id: int
    file_sha256: str
    first_image: int
    ranked: tuple[RankedView, ...]
    decision: str
    reason: str


@dataclass(frozen=True)
class DecisionView:
    """The decision in force on a booklet."""

    decision_id: int
    kind: DecisionKind
    candidate_id: int | None
    automatic: bool


@dataclass(frozen=True)
class DeskTask:
    """A booklet on the identification desk, in the order of the scan."""

    booklet_id: int
    file_name: str
    first_image: int
    pages: int
    has_header: bool
    ranked: tuple[RankedView, ...]
    proposal: str
    reason: str
    decided: DecisionView | None
    on_paper: PaperPlace | None = None


@dataclass(frozen=True)
class CandidateView:
    """A candidate of the paper and the booklets decided to be theirs."""

    candidate_id: int
    surname: str
    first_name: str
    birth_date: date | None
    class_name: str
    presence: str
    booklets: tuple[int, ...]


@dataclass(frozen=True)
class Desk:
    """All that identification needs on screen."""

    tasks: tuple[DeskTask, ...]
    candidates: tuple[CandidateView, ...]

    @property
    def done(self) -> int:
        """Booklets with a decision."""
        return sum(task.decided is not None for task in self.tasks)

    @property
    def left(self) -> int:
        """Booklets without one."""
        return len(self.tasks) - self.done


@dataclass(frozen=True)
class Decided:
    """The decision taken and the copy the booklet now belongs to, if any."""

    decision_id: int
    copy_id: int | None


@dataclass(frozen=True)
class Accepted:
    """How many automatic proposals were accepted, and how many booklets still wait."""

    accepted: int
    already: int
    left: int


@dataclass(frozen=True)
class Applied:
    """What a file of decisions did."""

    applied: int
    unchanged: int
    refused: tuple[LineProblem, ...]


def rematch(sessions: Sessions, actor: Actor, *, paper_id: int) -> int:
    """Match the booklets of a paper jointly again, from what was read; returns how many.

    What people decided is kept out of the assignment and its candidates are fixed.
    """
    authorise(actor, Action.IDENTIFY)
    with writing(sessions) as session:
        booklets = match(session, paper_id)
        values = {"rematched": booklets}
        journal.record(session, actor, Action.IDENTIFY, kind="paper", object_id=paper_id, values=values)
        return booklets


def match(session: Session, paper_id: int) -> int:
    """The matching of :func:`rematch` inside the transaction of its caller."""
    booklets = session.scalars(_booklets(paper_id).options(selectinload(Booklet.readings))).all()
    roster = [
        _roster_entry(entry) for entry in session.scalars(select(Entry).where(Entry.paper_id == paper_id))
    ]
    decisions = _current_decisions(session, paper_id)
    found = propose(
        [
            BookletReadings(
                booklet_id=booklet.id,
                order=order,
                fields={row.field: FieldReading.from_bytes(row.steps) for row in booklet.readings},
            )
            for order, booklet in enumerate(booklets)
        ],
        roster,
        {booklet_id: row.candidate_id for booklet_id, row in decisions.items()},
    )
    session.execute(delete(Proposal).where(Proposal.booklet_id.in_([booklet.id for booklet in booklets])))
    session.add_all(
        Proposal(
            booklet_id=proposal.booklet_id,
            rank=rank,
            candidate_id=ranked.candidate_id,
            probability=ranked.probability,
            decision=proposal.decision,
            reason=proposal.reason,
            matched=list(ranked.matched),
            read_as=dict(ranked.read_as),
        )
        for proposal in found
        for rank, ranked in enumerate(proposal.ranked, 1)
    )
    return len(found)


def proposals(sessions: Sessions, actor: Actor, *, paper_id: int) -> list[BookletProposals]:
    """The ranked candidates of each booklet, in the order of the scan."""
    authorise(actor, Action.IDENTIFY)
    with reading(sessions) as session:
        candidates = _candidates(session, paper_id)
        ranked = _ranked(session, paper_id, candidates)
        first_images = _first_images(session, paper_id)
        shas = dict(
            session.execute(select(ScanFile.id, ScanFile.sha256).where(ScanFile.paper_id == paper_id)).all()
        )
        return [
            BookletProposals(
                booklet_id=booklet.id,
                file_sha256=shas[booklet.scan_file_id],
                first_image=first_images.get(booklet.id, 0),
                ranked=tuple(view for view, _ in ranked[booklet.id]),
                decision=ranked[booklet.id][0][1].decision if ranked[booklet.id] else "none",
                reason=ranked[booklet.id][0][1].reason if ranked[booklet.id] else "",
            )
            for booklet in session.scalars(_booklets(paper_id))
        ]


def desk(sessions: Sessions, actor: Actor, *, paper_id: int) -> Desk:
    """Every booklet of a paper with its proposals and decision, and every candidate to search in."""
    authorise(actor, Action.IDENTIFY)
    with reading(sessions) as session:
        candidates = _candidates(session, paper_id)
        ranked = _ranked(session, paper_id, candidates)
        first_images = _first_images(session, paper_id)
        decisions = _current_decisions(session, paper_id)
        names = dict(
            session.execute(select(ScanFile.id, ScanFile.name).where(ScanFile.paper_id == paper_id)).all()
        )
        held: dict[int, list[int]] = defaultdict(list)
        for booklet_id, row in decisions.items():
            if row.candidate_id is not None:
                held[row.candidate_id].append(booklet_id)
        booklets = session.scalars(
            _booklets(paper_id, checked=True).options(
                selectinload(Booklet.half_pages), selectinload(Booklet.header)
            )
        ).all()
        places = place_on_paper(session, [booklet.id for booklet in booklets])
        return Desk(
            tasks=tuple(
                DeskTask(
                    booklet_id=booklet.id,
                    file_name=names[booklet.scan_file_id],
                    first_image=first_images.get(booklet.id, 0),
                    pages=len(booklet.half_pages),
                    has_header=booklet.header is not None,
                    ranked=tuple(view for view, _ in ranked[booklet.id]),
                    proposal=ranked[booklet.id][0][1].decision if ranked[booklet.id] else "none",
                    reason=ranked[booklet.id][0][1].reason if ranked[booklet.id] else "",
                    decided=_decision_view(decisions.get(booklet.id)),
                    on_paper=places.get(booklet.id),
                )
                for booklet in booklets
            ),
            candidates=tuple(
                CandidateView(
                    candidate_id=candidate.id,
                    surname=_identity(candidate)[0],
                    first_name=_identity(candidate)[1],
                    birth_date=_identity(candidate)[2],
                    class_name=candidate.class_name,
                    presence=presence,
                    booklets=tuple(held[candidate.id]),
                )
                for candidate, presence in candidates.values()
            ),
        )


def decide(
    sessions: Sessions,
    actor: Actor,
    *,
    booklet_id: int,
    kind: DecisionKind,
    candidate_id: int | None = None,
    expected_decision_id: int | None,
    reason: str = "",
) -> Decided:
    """Say whose booklet it is; ``expected_decision_id`` is the decision on the screen of who decides.

    With a ``reason`` a late booklet joins a copy that its corrector has already: see
    :mod:`core.services.page_sets`.

    Raises:
        NotAllowed: The actor is not of the secretariat.
        Conflict: ``decided_meanwhile``; ``file_not_checked``: nobody has said yet that the pages of its file
            are in order; or what :func:`attribution.attribute` refuses.
    """
    authorise(actor, Action.IDENTIFY)
    with writing(sessions) as session:
        booklet = _held_booklet(session, booklet_id)
        _require_checked(session, booklet)
        current = _current_decisions(session, booklet.paper_id).get(booklet_id)
        if (current.id if current else None) != expected_decision_id:
            raise Conflict("decided_meanwhile", booklet=booklet_id)
        if candidate_id is not None:
            _require_entry(session, booklet.paper_id, candidate_id)
        return _decide(session, actor, booklet, current, kind, candidate_id, automatic=False, reason=reason)


def undo(sessions: Sessions, actor: Actor, *, booklet_id: int) -> None:
    """Take the decision on a booklet back; it stays in the history.

    Raises:
        Conflict: The copy is released already.
    """
    authorise(actor, Action.IDENTIFY)
    with writing(sessions) as session:
        booklet = _held_booklet(session, booklet_id)
        current = _current_decisions(session, booklet.paper_id).get(booklet_id)
        if current is None:
            return
        current.superseded_at = now()
        attribution.detach(session, actor, booklet)
        journal.record(
            session,
            actor,
            Action.IDENTIFY,
            kind="booklet",
            object_id=booklet_id,
            values={"before": current.candidate_id, "after": None, "undone": True},
        )


def accept_automatic(sessions: Sessions, actor: Actor, *, paper_id: int) -> Accepted:
    """Decide every booklet of a checked file whose proposal is automatic, as proposed.

    Raises:
        NotAllowed: The actor is not of the secretariat.
        NotFound: There is no such paper.
    """
    authorise(actor, Action.IDENTIFY)
    with writing(sessions) as session:
        hold_paper(session, paper_id)
        decisions = _current_decisions(session, paper_id)
        sure = dict(
            session.execute(
                select(Proposal.booklet_id, Proposal.candidate_id)
                .join(Booklet)
                .where(Booklet.paper_id == paper_id, Proposal.rank == 1, Proposal.decision == "automatic")
            ).all()
        )
        booklets = session.scalars(_booklets(paper_id, checked=True)).all()
        accepted = 0
        for booklet in booklets:
            if booklet.id in sure and booklet.id not in decisions:
                kind = DecisionKind.CANDIDATE
                _decide(session, actor, booklet, None, kind, sure[booklet.id], automatic=True)
                accepted += 1
        already = sum(booklet.id in sure and booklet.id in decisions for booklet in booklets)
        left = sum(booklet.id not in decisions for booklet in booklets) - accepted
        return Accepted(accepted, already, left)


def apply_decisions(
    sessions: Sessions, actor: Actor, *, paper_id: int, file_name: str, content: bytes
) -> Applied:
    """Apply a file of human decisions, ``booklet,surname,first_name,birth_date``; an empty name is « hors liste ».

    A line that cannot be taken is reported; the others are applied.
    """
    authorise(actor, Action.IDENTIFY)
    table = read_table(file_name, content)
    mapping = recognise(table.headers, _DECISION_COLUMNS)
    if set(mapping) != set(_DECISION_COLUMNS):
        raise BadInput("decisions_columns", file=file_name)
    applied = unchanged = 0
    refused: list[LineProblem] = []
    for number, row in table.rows:
        try:
            if _apply_line(
                sessions, actor, paper_id, {field: cell(row, mapping, field) for field in mapping}
            ):
                applied += 1
            else:
                unchanged += 1
        except WorkbenchError as error:
            refused.append(LineProblem(number, error))
    return Applied(applied, unchanged, tuple(refused))


def header_crop(sessions: Sessions, actor: Actor, blobs: BlobStore, *, booklet_id: int) -> bytes:
    """The header as people look at it, a JPEG that shows the name.

    Raises:
        NotFound: The booklet has no header.
    """
    authorise(actor, Action.VIEW_HEADERS)
    with reading(sessions) as session:
        booklet = session.get(Booklet, booklet_id)
        if booklet is None or booklet.header is None:
            raise NotFound("header", booklet=booklet_id)
        return blobs.get(booklet.header.crop_sha256)


def booklet_page(
    sessions: Sessions,
    actor: Actor,
    blobs: BlobStore,
    *,
    booklet_id: int,
    page: int,
    width_px: int | None = None,
) -> PageImage:
    """A whole page of a booklet as it was scanned, name included.

    Raises:
        NotFound: The booklet has no such page.
    """
    authorise(actor, Action.VIEW_HEADERS)
    with reading(sessions) as session:
        half = session.scalars(
            select(HalfPage).where(HalfPage.booklet_id == booklet_id, HalfPage.position == page)
        ).first()
        if half is None:
            raise NotFound("page", booklet=booklet_id)
        source = page_source(session, half)
    return page_image(blobs, source, masked=False, width_px=width_px)


def _apply_line(sessions: Sessions, actor: Actor, paper_id: int, line: Mapping[str, str]) -> bool:
    with writing(sessions) as session:
        hold_paper(session, paper_id)
        booklet = session.get(Booklet, int(line["booklet"])) if line["booklet"].isdecimal() else None
        if booklet is None or booklet.paper_id != paper_id or booklet.dissolved:
            raise NotFound("booklet", booklet=line["booklet"])
        _require_checked(session, booklet)
        current = _current_decisions(session, paper_id).get(booklet.id)
        candidate_id = None
        if line["surname"] or line["first_name"]:
            candidate_id = _find_candidate(session, paper_id, line)
        kind = DecisionKind.CANDIDATE if candidate_id is not None else DecisionKind.NOT_LISTED
        if current is not None and (current.kind, current.candidate_id) == (kind.value, candidate_id):
            return False
        _decide(session, actor, booklet, current, kind, candidate_id, automatic=False)
        return True


def _find_candidate(session: Session, paper_id: int, line: Mapping[str, str]) -> int:
    birth_date = parse_date(line["birth_date"]) if line["birth_date"] else None
    if line["birth_date"] and birth_date is None:
        raise BadInput("bad_date", value=line["birth_date"])
    wanted = same_person_key(line["surname"], line["first_name"], None)
    same = [
        candidate
        for candidate, _ in _candidates(session, paper_id).values()
        if same_person_key(*_identity(candidate)[:2], None) == wanted
        and birth_date in (None, _identity(candidate)[2])
    ]
    if len(same) != 1:
        code = "candidate_ambiguous" if same else "candidate_unknown"
        raise BadInput(code, surname=line["surname"], first_name=line["first_name"])
    return same[0].id


def _decide(
    session: Session,
    actor: Actor,
    booklet: Booklet,
    current: Decision | None,
    kind: DecisionKind,
    candidate_id: int | None,
    *,
    automatic: bool,
    reason: str = "",
) -> Decided:
    if current is not None:
        current.superseded_at = now()
        session.flush()
    decision = Decision(
        booklet_id=booklet.id,
        kind=kind.value,
        candidate_id=candidate_id,
        automatic=automatic,
        decided_by=actor.label,
    )
    session.add(decision)
    copy = attribution.attribute(session, actor, booklet, kind, candidate_id, reason=reason)
    session.flush()
    journal.record(
        session,
        actor,
        Action.IDENTIFY,
        kind="booklet",
        object_id=booklet.id,
        values={
            "before": current.candidate_id if current else None,
            "after": candidate_id,
            "kind": kind.value,
            "automatic": automatic,
            **({"reason": reason} if reason else {}),
        },
    )
    return Decided(decision.id, copy.id if copy else None)


def _require_entry(session: Session, paper_id: int, candidate_id: int) -> None:
    entry = session.scalars(
        select(Entry.id).where(Entry.paper_id == paper_id, Entry.candidate_id == candidate_id)
    ).first()
    if entry is None:
        raise NotFound("candidate", candidate=candidate_id)


def _booklets(paper_id: int, *, checked: bool = False) -> Select[Booklet]:
    """Booklets that have pages, in the order of the scan; when ``checked``, those of checked files."""
    found = select(Booklet).where(Booklet.paper_id == paper_id, Booklet.dissolved.is_(False))
    if checked:
        found = found.join(ScanFile, ScanFile.id == Booklet.scan_file_id).where(
            ScanFile.checked_at.is_not(None)
        )
    return found.order_by(Booklet.scan_file_id, Booklet.position, Booklet.id)


def _held_booklet(session: Session, booklet_id: int) -> Booklet:
    """A booklet that has pages, while nobody else moves pages of its paper.

    Raises:
        NotFound: There is none.
    """
    paper_id = session.scalar(select(Booklet.paper_id).where(Booklet.id == booklet_id))
    if paper_id is None:
        raise NotFound("booklet", booklet=booklet_id)
    hold_paper(session, paper_id)
    booklet = session.get_one(Booklet, booklet_id)
    if booklet.dissolved:
        raise NotFound("booklet", booklet=booklet_id)
    return booklet


def _require_checked(session: Session, booklet: Booklet) -> None:
    file = session.get_one(ScanFile, booklet.scan_file_id)
    if file.checked_at is None:
        raise Conflict("file_not_checked", file=file.name)


def _first_images(session: Session, paper_id: int) -> dict[int, int]:
    rows = session.execute(
        select(HalfPage.booklet_id, ScanImage.index)
        .join(HalfPage.image)
        .join(Booklet, Booklet.id == HalfPage.booklet_id)
        .where(Booklet.paper_id == paper_id, HalfPage.position == 1)
    ).all()
    return {booklet_id: index for booklet_id, index in rows if booklet_id is not None}


def _current_decisions(session: Session, paper_id: int) -> dict[int, Decision]:
    rows = session.scalars(
        select(Decision)
        .join(Booklet)
        .where(Booklet.paper_id == paper_id, Booklet.dissolved.is_(False), Decision.superseded_at.is_(None))
    )
    return {row.booklet_id: row for row in rows}


def _candidates(session: Session, paper_id: int) -> dict[int, tuple[Candidate, str]]:
    entries = session.scalars(select(Entry).where(Entry.paper_id == paper_id)).all()
    ordered = sorted(entries, key=lambda entry: _identity(entry.candidate)[:2])
    return {entry.candidate_id: (entry.candidate, entry.presence) for entry in ordered}


def _identity(candidate: Candidate) -> tuple[str, str, date | None]:
    known = candidate.person.identity
    return (known.surname, known.first_name, known.birth_date) if known else ("", "", None)


def _roster_entry(entry: Entry) -> RosterEntry:
    surname, first_name, birth_date = _identity(entry.candidate)
    known = entry.candidate.person.identity
    return RosterEntry(
        candidate_id=entry.candidate_id,
        surname=surname,
        first_name=first_name,
        usage_name=known.usage_name if known else None,
        birth_date=birth_date,
        class_name=entry.candidate.class_name,
    )


def _ranked(
    session: Session, paper_id: int, candidates: Mapping[int, tuple[Candidate, str]]
) -> dict[int, Sequence[tuple[RankedView, Proposal]]]:
    ranked: dict[int, list[tuple[RankedView, Proposal]]] = defaultdict(list)
    rows = session.scalars(
        select(Proposal)
        .join(Booklet)
        .where(Booklet.paper_id == paper_id)
        .order_by(Proposal.booklet_id, Proposal.rank)
    )
    for row in rows:
        candidate, _ = candidates.get(row.candidate_id or 0, (None, ""))
        surname, first_name, birth_date = _identity(candidate) if candidate else ("", "", None)
        view = RankedView(
            rank=row.rank,
            candidate_id=row.candidate_id,
            surname=surname,
            first_name=first_name,
            birth_date=birth_date,
            class_name=candidate.class_name if candidate else "",
            probability=row.probability,
            matched=tuple(row.matched),
            read_as=row.read_as,
        )
        ranked[row.booklet_id].append((view, row))
    return defaultdict(list, ranked)


def _decision_view(row: Decision | None) -> DecisionView | None:
    if row is None:
        return None
    return DecisionView(row.id, DecisionKind(row.kind), row.candidate_id, row.automatic)
