"""What a repair means for a copy at each status, and for its corrector and its pupil."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from core.db.tables import (
    Annotation,
    Booklet,
    Candidate,
    Copy,
    HalfPage,
    JournalEntry,
    JournalValue,
    Lot,
    MarkRow,
    PageSet,
    ScanFile,
    ScanImage,
)
from core.db.tables.base import now
from core.domain.access import Actor, Role
from core.domain.copies import CopyStatus
from core.domain.entries import DecisionKind
from core.domain.page_changes import notice, turned_shape
from core.errors import BadInput, Conflict, NotAllowed
from core.services import (
    allocation,
    copies,
    finalisation,
    identification,
    marking,
    publication,
    repairs,
    workshop,
)
from core.services.mark_actions import MarkAction
from core.storage.blobs import BlobStore
from tests.integration.builders import A3_PX, DPI, FOLD_PX, STAFF, Exam, add_account, build_exam
from tests.integration.test_finalisation import mark_copy, work
from workbench.workshop_words import notice_words

Sessions = sessionmaker[Session]


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")


@dataclass
class Late:
    """A paper of two copies, and a sheet that was scanned late: a booklet that nobody knows."""

    sessions: Sessions
    blobs: BlobStore
    exam: Exam
    booklet: int
    halves: list[int]

    @property
    def code(self) -> str:
        return self.exam.codes[0]

    @property
    def martin(self) -> Actor:
        return self.exam.actor("martin")

    def allocate(self) -> None:
        allocation.allocate(self.sessions, STAFF, paper_id=self.exam.paper_id, correctors=["martin"], seed=1)

    def finalise(self) -> None:
        mark_copy(self.sessions, self.exam, self.code)
        finalisation.finalise_paper(self.sessions, STAFF, paper_id=self.exam.paper_id)
        work(self.sessions, self.blobs)

    def publish(self) -> None:
        publication.publish(self.sessions, STAFF, self.blobs, paper_id=self.exam.paper_id)

    def do(self, kind: str, *, reason: str = "", **arguments: Any) -> int:
        version = workshop.workshop(self.sessions, STAFF, paper_id=self.exam.paper_id).version
        return repairs.repair(
            self.sessions,
            STAFF,
            paper_id=self.exam.paper_id,
            kind=kind,
            arguments=arguments,
            version=version,
            reason=reason,
        ).repair_id

    def undo(self, repair_id: int, reason: str = "") -> None:
        repairs.undo(self.sessions, STAFF, paper_id=self.exam.paper_id, repair_id=repair_id, reason=reason)

    def attach(self, *, position: int | None = None, reason: str = "") -> int:
        return self.do("attach", halves=self.halves, booklet=self.of_copy(), position=position, reason=reason)

    def of_copy(self) -> int:
        with self.sessions() as session:
            return (
                session.scalars(
                    select(Booklet.id).join(Copy, Copy.id == Booklet.copy_id).where(Copy.code == self.code)
                ).first()
                or 0
            )

    def pages(self) -> list[int]:
        with self.sessions() as session:
            last = session.scalars(
                select(PageSet)
                .join(Copy, Copy.id == PageSet.copy_id)
                .where(Copy.code == self.code)
                .order_by(PageSet.number.desc())
            ).first()
            assert last is not None
            return [page.half_page_id for page in last.pages]

    def copy(self) -> Copy:
        with self.sessions() as session:
            return session.scalars(select(Copy).where(Copy.code == self.code)).one()

    def desk(self) -> marking.MarkingView:
        return marking.open_copy(self.sessions, self.martin, code=self.code)

    def save(self, **action: Any) -> marking.Saved:
        actions = [MarkAction(expected_version=self.desk().version, **action)]
        return marking.save_actions(self.sessions, self.martin, code=self.code, actions=actions)

    def acts(self, action: str) -> list[dict[str, Any]]:
        with self.sessions() as session:
            rows = session.execute(
                select(JournalValue.values)
                .join(JournalEntry, JournalEntry.id == JournalValue.entry_id)
                .where(JournalEntry.action == action, JournalEntry.object_kind == "copy")
                .order_by(JournalEntry.id)
            )
            return [values for (values,) in rows]


@pytest.fixture
def late(sessions: Sessions, blobs: BlobStore) -> Late:
    exam = build_exam(sessions, blobs, copies=2)
    scan = exam.scan + b"\n%late"
    with sessions.begin() as session:
        lot = Lot(paper_id=exam.paper_id, label="retard")
        session.add(lot)
        session.flush()
        file = ScanFile(
            paper_id=exam.paper_id,
            lot_id=lot.id,
            sha256=blobs.put(scan),
            name="retard.pdf",
            kind="pdf",
            checked_at=now(),
            checked_by="test",
            byte_size=len(scan),
            layout="a3",
            image_count=2,
            ingested_at=now(),
        )
        session.add(file)
        session.flush()
        booklet = Booklet(paper_id=exam.paper_id, scan_file_id=file.id, position=1)
        session.add(booklet)
        session.flush()
        halves: dict[int, int] = {}
        for face, labels in enumerate((("P4", "P1"), ("P2", "P3"))):
            image = ScanImage(
                scan_file_id=file.id,
                index=face,
                width_px=A3_PX[0],
                height_px=A3_PX[1],
                dpi=DPI,
                codec="jpeg",
                sheet=1,
                side=("front", "back")[face],
                cut="left_right",
                first_half="left",
                second_half="right",
            )
            session.add(image)
            session.flush()
            for name, label in zip(("left", "right"), labels, strict=True):
                left = 0 if name == "left" else FOLD_PX
                half = HalfPage(
                    scan_image_id=image.id,
                    half=name,
                    cut="left_right",
                    page=label,
                    box_px=[left, 0, left + FOLD_PX, A3_PX[1]],
                    place="booklet",
                    booklet_id=booklet.id,
                    position=int(label[1]),
                )
                session.add(half)
                session.flush()
                halves[int(label[1])] = half.id
        booklet_id = booklet.id
    return Late(sessions, blobs, exam, booklet_id, [halves[place] for place in sorted(halves)])


# --- at each status


def test_before_a_corrector_has_it_a_copy_takes_a_late_sheet_without_a_word(late: Late) -> None:
    before = late.pages()

    repair_id = late.attach()

    assert late.pages() == [*before, *late.halves]
    assert late.copy().status == CopyStatus.IDENTIFIED.value
    late.undo(repair_id)
    assert late.pages() == before
    late.allocate()
    assert late.desk().notice == {}, "whoever opens it for the first time finds it as it is"


def test_the_corrector_at_work_is_told_and_keeps_every_mark_and_annotation_with_its_page(
    late: Late,
) -> None:
    late.allocate()
    item = late.exam.items["1.a"]
    late.save(kind="mark", item_id=item, points=Decimal(2))
    late.save(kind="remark", item_id=item, text="Bien.")
    late.save(kind="annotate", page=2, annotation_kind="tick", shape={"x": 0.5, "y": 0.25})

    late.attach(position=1)

    view = late.desk()
    assert late.copy().status == CopyStatus.MARKING.value
    assert (view.pages, view.page_set) == (8, 2)
    assert notice_words(view.notice) == "Pages ajoutées : 1–4"
    assert view.marks[item].points == Decimal(2)
    assert view.remarks[item] == "Bien."
    assert [(one.page, one.shape) for one in view.annotations] == [(6, {"x": 0.5, "y": 0.25})]
    marking.acknowledge(late.sessions, late.martin, code=late.code, page_set=2)
    assert late.desk().notice == {}


def test_what_was_drawn_on_an_older_screen_lands_on_the_page_that_was_shown(late: Late) -> None:
    late.allocate()
    shown = late.desk()
    second = late.pages()[1]

    late.attach(position=1)
    saved = late.save(
        kind="annotate", page=2, page_set=shown.page_set, annotation_kind="cross", shape={"x": 0.1, "y": 0.2}
    )

    assert saved.page_set == 2
    with late.sessions() as session:
        assert session.scalars(select(Annotation.half_page_id)).all() == [second]


def test_an_annotation_on_a_page_that_left_is_kept_counted_and_comes_back_with_it(late: Late) -> None:
    late.allocate()
    late.save(kind="annotate", page=2, annotation_kind="tick", shape={"x": 0.5, "y": 0.25})
    gone = late.pages()[1]

    repair_id = late.do("set_aside", halves=[gone])

    view = late.desk()
    assert notice_words(view.notice) == "1 page retirée ; 1 annotation reste sur ces pages retirées"
    assert view.annotations == []
    with pytest.raises(BadInput, match="annotation_unknown_page"):
        late.save(kind="annotate", page=2, page_set=1, annotation_kind="tick", shape={"x": 0.5, "y": 0.5})
    late.undo(repair_id)
    assert [one.page for one in late.desk().annotations] == [2]
    assert late.desk().notice == {}, "all is again as the corrector saw it"


def test_who_marked_off_line_and_never_opened_the_copy_is_told_all_the_same(late: Late) -> None:
    late.allocate()
    table = f"code,item,mark,remark\n{late.code},1.a,4,\n"
    marking.import_marks(
        late.sessions, STAFF, paper_id=late.exam.paper_id, file_name="notes.csv", content=table.encode()
    )

    late.attach()

    assert notice_words(late.desk().notice) == "Pages ajoutées : 5–8"


def test_a_rescan_is_told_as_such(late: Late) -> None:
    late.allocate()
    late.desk()

    late.do("replace", halves=late.pages()[1:3], by=late.halves[1:3])

    assert notice_words(late.desk().notice) == "Pages renumérisées : 2–3"


def test_a_page_that_is_turned_keeps_its_drawings_on_their_ink(late: Late) -> None:
    late.allocate()
    late.save(
        kind="annotate",
        page=2,
        annotation_kind="box",
        shape={"x": 0.1, "y": 0.2, "width": 0.3, "height": 0.1},
    )
    with late.sessions() as session:
        image = session.get_one(HalfPage, late.pages()[1]).scan_image_id

    late.do("rotate", images=[image], turn=180)

    view = late.desk()
    assert notice_words(view.notice).startswith("Pages remises à l'endroit : 2–3")
    (drawn,) = view.annotations
    assert drawn.page == 3, "turned, the left half of a back is its right one"
    assert drawn.shape == {"x": 0.6, "y": 0.7, "width": 0.3, "height": 0.1}


def test_a_finalised_copy_is_reopened_with_a_reason_and_refused_without(late: Late) -> None:
    late.allocate()
    late.finalise()

    with pytest.raises(Conflict) as refused:
        late.attach()
    assert refused.value.code == "repair_needs_reopening"
    assert late.copy().status == CopyStatus.FINALISED.value
    assert len(late.pages()) == 4

    late.attach(reason="feuille retrouvée")

    assert late.copy().status == CopyStatus.READY.value
    assert len(late.pages()) == 8
    assert late.acts("reopen")[-1]["reason"] == "feuille retrouvée"
    assert notice_words(late.desk().notice) == "Pages ajoutées : 5–8"


def test_a_published_copy_is_taken_back_from_its_pupil_at_once(late: Late) -> None:
    late.allocate()
    late.finalise()
    with late.sessions.begin() as session:
        person_id = session.scalars(select(Candidate.person_id).order_by(Candidate.id)).first()
        late.exam.accounts["zoe"] = add_account(session, "zoe", Role.STUDENT, person_id=person_id)
    late.publish()
    zoe = late.exam.actor("zoe", Role.STUDENT)
    assert publication.student_pdf(late.sessions, zoe, late.blobs, code=late.code)
    with pytest.raises(Conflict, match="repair_needs_reopening"):
        late.attach()

    repair_id = late.attach(reason="feuille d'un autre")

    assert late.copy().status == CopyStatus.READY.value
    assert publication.my_results(late.sessions, zoe) == []
    with pytest.raises(NotAllowed):
        publication.student_pdf(late.sessions, zoe, late.blobs, code=late.code)
    with pytest.raises(NotAllowed):
        copies.named_page(late.sessions, zoe, late.blobs, code=late.code, page=1)
    assert late.acts("publish")[-1] == {"status": "finalised"}
    late.undo(repair_id)
    assert len(late.pages()) == 4
    assert late.copy().status == CopyStatus.READY.value, "undone, it stays taken back: people decide"


def test_a_copy_whose_pdf_is_being_made_is_left_alone(late: Late) -> None:
    late.allocate()
    mark_copy(late.sessions, late.exam, late.code)
    finalisation.finalise_copy(late.sessions, STAFF, code=late.code)

    with pytest.raises(Conflict, match="copy_finalising"):
        late.attach(reason="feuille retrouvée")

    assert len(late.pages()) == 4


def test_a_copy_that_a_corrector_has_never_loses_its_last_page(late: Late) -> None:
    late.allocate()
    late.desk()

    with pytest.raises(Conflict, match="repair_empties_copy"):
        late.do("set_aside", halves=late.pages())

    assert len(late.pages()) == 4


def test_a_copy_that_nobody_has_seen_goes_with_its_last_page_and_comes_back_with_it(late: Late) -> None:
    pages, booklet_id, candidate = late.pages(), late.of_copy(), late.copy().candidate_id
    identification.decide(  # the builder made the copy, but no decision
        late.sessions,
        STAFF,
        booklet_id=booklet_id,
        kind=DecisionKind.CANDIDATE,
        candidate_id=candidate,
        expected_decision_id=None,
    )

    repair_id = late.do("set_aside", halves=pages)

    with late.sessions() as session:
        assert session.scalars(select(Copy).where(Copy.candidate_id == candidate)).first() is None
    late.undo(repair_id)
    with late.sessions() as session:
        again = session.scalars(select(Copy).where(Copy.candidate_id == candidate)).one()
        assert again.status == CopyStatus.IDENTIFIED.value
        assert [page.half_page_id for page in again.page_sets[-1].pages] == pages


# --- late booklets at identification


def test_a_late_booklet_joins_a_copy_being_marked_when_somebody_says_why(late: Late) -> None:
    late.allocate()
    late.save(kind="mark", item_id=late.exam.items["1.a"], points=Decimal(3))
    decision: dict[str, Any] = {
        "booklet_id": late.booklet,
        "kind": DecisionKind.CANDIDATE,
        "candidate_id": late.copy().candidate_id,
        "expected_decision_id": None,
    }
    with pytest.raises(Conflict, match="candidate_has_copy"):
        identification.decide(late.sessions, STAFF, **decision)

    done = identification.decide(late.sessions, STAFF, **decision, reason="feuille en retard")

    assert done.copy_id == late.copy().id
    assert notice_words(late.desk().notice) == "Pages ajoutées : 5–8"
    assert late.desk().marks[late.exam.items["1.a"]].points == Decimal(3)


# --- what still waits


def test_release_finalise_and_publish_say_how_many_sheets_wait(late: Late) -> None:
    with late.sessions.begin() as session:
        for half in session.scalars(select(HalfPage).where(HalfPage.booklet_id == late.booklet)):
            half.place, half.booklet_id, half.position = "loose", None, None
            half.reason = "loose_leaf"
        session.flush()
        session.get_one(Booklet, late.booklet).dissolved = True

    released = copies.release(late.sessions, STAFF, paper_id=late.exam.paper_id)
    late.allocate()
    mark_copy(late.sessions, late.exam, late.code)
    started = finalisation.finalise_paper(late.sessions, STAFF, paper_id=late.exam.paper_id)
    work(late.sessions, late.blobs)
    preview = publication.publication_preview(late.sessions, STAFF, paper_id=late.exam.paper_id)
    published = publication.publish(late.sessions, STAFF, late.blobs, paper_id=late.exam.paper_id)

    waiting = [each.waiting_loose for each in (released, started, preview, published)]
    assert waiting == [1, 1, 1, 1]


# --- the words and figures of a notice


def test_a_notice_tells_what_came_what_went_and_what_lies_otherwise() -> None:
    assert notice([1, 2, 3], [1, 2, 3]) == {}
    told = notice([1, 2, 3, 4], [9, 1, 3, 2, 8], replaced=[8], turned=[3, 7], drawn_on=[4, 4, 1])
    assert told == {
        "added": [1],
        "removed": 0,
        "moved": True,
        "replaced": [5],
        "turned": [3],
        "annotations": 2,
        "halves": {"replaced": [8], "turned": [3]},
    }


@pytest.mark.parametrize(
    ("turn", "point"), [(90, (0.7, 0.1)), (180, (0.9, 0.7)), (270, (0.3, 0.9)), (360, (0.1, 0.3))]
)
def test_a_drawing_turns_with_its_page(turn: int, point: tuple[float, float]) -> None:
    sign = turned_shape({"x": 0.1, "y": 0.3, "text": "vu"}, turn)
    assert (sign["x"], sign["y"], sign["text"]) == (*point, "vu")
    assert turned_shape({"points": [[0.1, 0.3], [0.1, 0.3]]}, turn)["points"] == [list(point)] * 2
    box = {"x": 0.1, "y": 0.3, "width": 0.2, "height": 0.4}
    assert turned_shape(turned_shape(box, turn), -turn) == box


def test_marks_are_untouched_by_any_repair(late: Late) -> None:
    late.allocate()
    mark_copy(late.sessions, late.exam, late.code)

    def marks() -> list[tuple[int, int | None]]:
        with late.sessions() as session:
            rows = session.execute(
                select(MarkRow.item_id, MarkRow.points_hundredths).order_by(MarkRow.item_id)
            )
            return [(item, points) for item, points in rows]

    before = marks()
    done = [late.attach(), late.do("cut", booklet=late.of_copy(), position=3)]
    for repair_id in reversed(done):
        late.undo(repair_id)

    assert before
    assert marks() == before
