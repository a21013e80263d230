"""A header nobody knew, drawn once on one image: found on the whole file, kept with the session."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest
from sqlalchemy import select

from core.db.session import Sessions
from core.db.tables import Booklet, Header, JournalEntry, ScanFile
from core.db.tables.base import now
from core.domain.access import Actor, Role
from core.errors import BadInput, Conflict, NotAllowed, NotFound
from core.imaging.mask import decode_jpeg, encode_jpeg
from core.services import header_models, scans
from core.storage.blobs import BlobStore
from tests import story
from tests.integration.classes import SYSTEM, Taken, add_paper
from tests.unit import drawn_headers as draw
from tests.unit.drawn_pdfs import pdf_of

A4_PT = (595.28, 841.89)
BOXES = next(header for header in draw.HEADERS if header.name == "boxes")
COPIES = 7
CORRECTOR = Actor(1, frozenset({Role.CORRECTOR}), "account:1")


def share(box: draw.BoxMm) -> header_models.Share:
    """A frame in millimetres of the page, as the screen gives it."""
    left, top, right, bottom = box
    width, height = draw.PAGE_MM
    return (left / width, top / height, right / width, bottom / height)


ZONE = share(BOXES.zone)
FIELDS = {field: share(box) for field, box in BOXES.fields.items()}


@pytest.fixture(scope="module")
def pdf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A duplex stack of A4 copies of two pages whose header Korrigo does not know."""
    images = []
    for copy in range(COPIES):
        front = draw.fed(draw.page_of(BOXES, copy, 150), copy, skew=0.3 * (copy - 3))
        back = draw.fed(draw.page_without("written", "plain", copy, 150), copy)
        images += [encode_jpeg(front.gray), encode_jpeg(back.gray)]
    path = tmp_path_factory.mktemp("stack") / "pile.pdf"
    path.write_bytes(pdf_of(images, A4_PT))
    return path


@pytest.fixture
def taken(sessions: Sessions, tmp_path: Path, pdf: Path) -> Taken:
    data = story.ROOT / "data" / "demo"
    roster, scheme = tmp_path / "liste.csv", tmp_path / "bareme.csv"
    roster.write_text("Nom,Prénom,Né(e) le,Classe\nDURAND,Alice,01/02/2009,T1\n", encoding="utf-8")
    scheme.write_bytes(next(data.glob("*scheme*.csv")).read_bytes())
    paper_id = add_paper(sessions, roster, scheme)
    blobs = BlobStore(tmp_path / "blobs")
    scans.add_scan(sessions, SYSTEM, blobs, paper_id=paper_id, file_name="pile.pdf", path=pdf, layout="a4")
    known = Taken(sessions, blobs, paper_id)
    known.run()
    return known


def headers(taken: Taken) -> list[tuple[str, list[str]]]:
    with taken.sessions() as session:
        rows = session.scalars(select(Header).join(Booklet).order_by(Booklet.position))
        return [(row.model, sorted(row.field_crops)) for row in rows]


def first_page(taken: Taken) -> header_models.PageChoice:
    return header_models.pages(taken.sessions, SYSTEM, paper_id=taken.paper_id)[0]


def learn(taken: Taken, name: str = "Copie du lycée", **more: object) -> int:
    page = first_page(taken)
    arguments = {"kind": "copy", "zone": ZONE, "fields": FIELDS, **more}
    return header_models.learn_model(
        taken.sessions,
        SYSTEM,
        taken.blobs,
        scan_image_id=page.scan_image_id,
        half=page.half,
        name=name,
        **arguments,  # type: ignore[arg-type]
    )


def test_a_header_drawn_on_one_image_is_found_on_the_file_when_it_is_read_again(taken: Taken) -> None:
    assert headers(taken) == []

    model_id = learn(taken)
    again = header_models.read_again(taken.sessions, SYSTEM, paper_id=taken.paper_id)
    taken.run()

    assert again.asked == ("pile.pdf",)
    assert headers(taken) == [(f"drawn-{model_id}", sorted(FIELDS))] * COPIES
    assert scans.ledger_sums(taken.sessions, SYSTEM, paper_id=taken.paper_id).is_balanced


def test_first_pages_without_header_are_offered_first(taken: Taken) -> None:
    offered = header_models.pages(taken.sessions, SYSTEM, paper_id=taken.paper_id)

    assert len(offered) == 2 * COPIES
    assert offered[0].image == 1
    assert not any(page.has_header for page in offered)
    learn(taken)
    header_models.read_again(taken.sessions, SYSTEM, paper_id=taken.paper_id)
    taken.run()
    offered = header_models.pages(taken.sessions, SYSTEM, paper_id=taken.paper_id)
    assert [page.has_header for page in offered] == [False] * COPIES + [True] * COPIES


def test_what_a_header_would_find_on_other_pages_is_seen_before_it_is_kept(taken: Taken) -> None:
    page = first_page(taken)

    trials = header_models.try_model(
        taken.sessions,
        SYSTEM,
        taken.blobs,
        scan_image_id=page.scan_image_id,
        half=page.half,
        zone=ZONE,
        fields=FIELDS,
    )

    assert len(trials) == header_models.TRIALS
    assert set(trials[0].fields) == set(FIELDS)
    left, top, right, bottom = trials[0].fields["surname"]
    assert 0 < left < right < 1
    assert 0 < top < bottom < 1
    assert all(trial.found and trial.image % 2 == 1 and trial.image != page.image for trial in trials)
    crop = decode_jpeg(trials[0].crop)
    assert crop.shape[1] / crop.shape[0] == pytest.approx(191 / 46, abs=0.3)
    assert header_models.drawn_models(taken.sessions, SYSTEM, paper_id=taken.paper_id) == []


def test_a_page_is_drawn_upon_as_it_stands_on_screen(taken: Taken) -> None:
    page = first_page(taken)
    arguments = {"scan_image_id": page.scan_image_id, "half": page.half}

    upright = header_models.page_picture(taken.sessions, SYSTEM, taken.blobs, **arguments)  # type: ignore[arg-type]
    turned = header_models.page_picture(taken.sessions, SYSTEM, taken.blobs, turn=90, **arguments)  # type: ignore[arg-type]

    straight, quarter = decode_jpeg(upright.content), decode_jpeg(turned.content)
    assert straight.shape[0] > straight.shape[1]
    assert quarter.shape[1] > quarter.shape[0]
    back = cv2.rotate(quarter, cv2.ROTATE_90_COUNTERCLOCKWISE)
    small = cv2.resize(straight, (back.shape[1], back.shape[0]), interpolation=cv2.INTER_AREA)
    assert abs(back.astype(int) - small.astype(int)).mean() < 6


def test_a_header_is_listed_with_its_fields_and_can_be_removed(taken: Taken) -> None:
    model_id = learn(taken, kind="annex")

    (drawn,) = header_models.drawn_models(taken.sessions, SYSTEM, paper_id=taken.paper_id)
    assert (drawn.name, drawn.kind, set(drawn.fields)) == ("Copie du lycée", "annex", set(FIELDS))
    with taken.sessions() as session:
        models = header_models.models_of(session, taken.paper_id)
        assert [model.name for model in models][-1] == f"drawn-{model_id}"
        assert models[-1].title == "Copie du lycée"

    header_models.remove_model(taken.sessions, SYSTEM, model_id=model_id)

    assert header_models.drawn_models(taken.sessions, SYSTEM, paper_id=taken.paper_id) == []
    with pytest.raises(NotFound):
        header_models.remove_model(taken.sessions, SYSTEM, model_id=model_id)
    with taken.sessions() as session:
        kinds = session.scalars(select(JournalEntry.object_kind)).all()
        assert kinds.count("header_model") == 2


def test_files_that_somebody_checked_are_not_read_again(taken: Taken) -> None:
    with taken.sessions.begin() as session:
        scan_file = session.scalars(select(ScanFile)).one()
        scan_file.checked_at, scan_file.checked_by = now(), "account:1"

    again = header_models.read_again(taken.sessions, SYSTEM, paper_id=taken.paper_id)

    assert again == header_models.ReadAgain((), ())


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_only_the_files_that_are_meant_are_read_again(taken: Taken) -> None:
    page = first_page(taken)

    others = header_models.read_again(
        taken.sessions, SYSTEM, paper_id=taken.paper_id, file_ids=[page.file_id + 1]
    )
    meant = header_models.read_again(taken.sessions, SYSTEM, paper_id=taken.paper_id, file_ids=[page.file_id])

    assert others == header_models.ReadAgain((), ())
    assert meant == header_models.ReadAgain(("pile.pdf",), ())


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"name": "  "}, "header_model_name"),
        ({"name": "x" * 61}, "header_model_name"),
        ({"name": "copie\x00"}, "header_model_name"),
        ({"fields": {}}, "header_zone_no_field"),
        ({"fields": {"mother": ZONE}}, "parameter_unreadable"),
        ({"zone": (0.5, 0.1, 0.2, 0.3)}, "parameter_unreadable"),
        ({"zone": (0.1, 0.1, 0.2, float("nan"))}, "parameter_unreadable"),
        ({"kind": "table"}, "parameter_unreadable"),
        ({"turn": 45}, "parameter_unreadable"),
        ({"zone": (0.1, 0.1, 0.12, 0.11)}, "header_zone_size"),
    ],
)
def test_a_drawing_that_is_no_header_is_refused(taken: Taken, more: dict[str, object], code: str) -> None:
    with pytest.raises(BadInput) as refused:
        learn(taken, **more)  # type: ignore[arg-type]

    assert refused.value.code == code


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_two_headers_of_a_session_do_not_share_a_name(taken: Taken) -> None:
    learn(taken)

    with pytest.raises(Conflict) as refused:
        learn(taken, " Copie du  lycée ")

    assert refused.value.code == "header_model_exists"


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_only_the_secretariat_draws_headers(taken: Taken) -> None:
    with pytest.raises(NotAllowed):
        header_models.pages(taken.sessions, CORRECTOR, paper_id=taken.paper_id)
    with pytest.raises(NotFound):
        header_models.page_picture(taken.sessions, SYSTEM, taken.blobs, scan_image_id=999, half="full")
    with pytest.raises(NotFound):
        header_models.page_picture(taken.sessions, SYSTEM, taken.blobs, scan_image_id=1, half="full\x00")
