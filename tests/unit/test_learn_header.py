"""Headers of any school, learned from one image on which somebody has drawn their frame."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
import pytest

from core.errors import BadInput
from core.imaging.header import HeaderMatch, field_crop, find_header
from core.imaging.header_models import HeaderModel, builtin_models, json_of_model, model_of_json
from core.imaging.learn_header import learn
from tests.unit import drawn_headers as draw

NAMES = [header.name for header in draw.HEADERS]
SCANNERS: tuple[dict[str, float | bool], ...] = (
    {},
    {"dpi": 150},
    {"dpi": 300},
    {"bitonal": True, "noise": 0},
    {"fade": 0.2},
)


def header_named(name: str) -> draw.DrawnHeader:
    return next(header for header in draw.HEADERS if header.name == name)


def scan(header: draw.DrawnHeader, seed: int, skew: float | None = None) -> draw.Fed:
    """The first page of a copy, as one of five scanners gives it."""
    rng = np.random.default_rng(seed)
    how = dict(SCANNERS[seed % len(SCANNERS)])
    sheet = draw.page_of(header, seed, float(how.pop("dpi", 200)))
    turn = rng.uniform(-1.5, 1.5) if skew is None else skew
    shift = (rng.uniform(-5, 5), rng.uniform(-5, 5))
    return draw.fed(sheet, seed, skew=turn, shift_mm=shift, **how)  # type: ignore[arg-type]


def drawn_on(page: draw.Fed, box: draw.BoxMm) -> tuple[int, int, int, int]:
    """The frame somebody draws with the mouse around something on a scan."""
    left, top, right, bottom = box
    middle = page.from_mm @ np.array([(left + right) / 2, (top + bottom) / 2, 1])
    across, down = (right - left) / 2 * page.dpi / 25.4, (bottom - top) / 2 * page.dpi / 25.4
    x, y = middle
    return (round(x - across), round(y - down), round(x + across), round(y + down))


def learned_from(header: draw.DrawnHeader, pages: Sequence[draw.Fed]) -> HeaderModel:
    fields = {field: drawn_on(pages[0], box) for field, box in header.fields.items()}
    zone = drawn_on(pages[0], header.zone)
    return learn([page.gray for page in pages], pages[0].dpi, zone, fields, name=header.name, title="Essai")


@cache
def model(name: str, samples: int) -> HeaderModel:
    """Learned from this many copies; the frames were drawn on the first."""
    header = header_named(name)
    return learned_from(header, [scan(header, 900 + 5 * number) for number in range(samples)])


def everything(samples: int) -> list[HeaderModel]:
    return [*(model(name, samples) for name in NAMES), *builtin_models()]


def field_error_mm(match: HeaderMatch, header: draw.DrawnHeader, known: HeaderModel, page: draw.Fed) -> float:
    """The farthest corner of a field from where it was printed."""
    errors = []
    for field, (left, top, right, bottom) in header.fields.items():
        x0, y0, x1, y1 = known.fields_mm[field]
        found = match.transform @ np.array([[x0, y0, 1], [x1, y0, 1], [x0, y1, 1], [x1, y1, 1]]).T
        printed = np.array([[left, top, 1], [right, top, 1], [left, bottom, 1], [right, bottom, 1]]).T
        errors.append(np.abs(found - page.from_mm @ printed).max() / (page.dpi / 25.4))
    return float(max(errors))


def found_share(name: str, samples: int, pages: int) -> float:
    """Share of a header's pages on which it, and no other, is found with its fields within 1 mm."""
    header, good = header_named(name), 0
    for seed in range(pages):
        page = scan(header, seed)
        match = find_header(page.gray, page.dpi, everything(samples))
        assert match is None or match.model == name, (seed, match.model)
        if match is not None:
            assert field_error_mm(match, header, model(name, samples), page) < 1.0
            good += 1
    return good / pages


@pytest.mark.parametrize("name", NAMES)
def test_a_header_drawn_once_is_found_on_other_copies_with_its_fields(name: str) -> None:
    assert found_share(name, 1, pages=5) == 1.0


def test_other_copies_of_a_file_help_to_tell_print_from_writing() -> None:
    assert found_share("combs", 5, pages=2) == 1.0


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("samples", [1, 5])
def test_a_header_drawn_once_is_found_on_99_of_100_copies(name: str, samples: int) -> None:
    assert found_share(name, samples, pages=40) >= 0.99


@pytest.mark.parametrize("kind", ["blank", "written", "names_table", "frames", "subject"])
@pytest.mark.parametrize("paper", ["seyes", "squared"])
def test_what_was_learned_is_not_seen_on_pages_without_header(kind: str, paper: str) -> None:
    page = draw.fed(draw.page_without(kind, paper, 1), 1, skew=0.4)

    assert find_header(page.gray, page.dpi, everything(1)) is None


def test_a_copy_without_the_header_among_the_samples_is_left_aside() -> None:
    header = header_named("boxes")
    stranger = draw.fed(draw.page_without("frames", "plain", 2), 2)
    pages = [scan(header, 900), stranger, scan(header, 905)]

    known = learned_from(header, pages)

    page = scan(header, 0)
    assert find_header(page.gray, page.dpi, [known]) is not None


@pytest.mark.parametrize(
    "how", [{"dpi": 150.0}, {"dpi": 300.0}, {"bitonal": True}, {"fade": 0.12}, {"skew": -3.0}]
)
def test_any_scan_can_be_drawn_upon(how: dict[str, float]) -> None:
    header = header_named("combs")
    dpi = how.pop("dpi", 200)
    sample = draw.fed(draw.page_of(header, 7, dpi), 7, **how)  # type: ignore[arg-type]

    known = learned_from(header, [sample])

    page = scan(header, 1)
    match = find_header(page.gray, page.dpi, [known])
    assert match is not None
    assert field_error_mm(match, header, known, page) < 1.0


def test_a_pupils_name_does_not_stay_in_the_model() -> None:
    """The picture shows print alone: the fields of the copy it was drawn on are white in it."""
    header = header_named("boxes")
    picture = model("boxes", 1).picture
    assert picture is not None
    seen = cv2.imdecode(np.frombuffer(picture.png, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert seen is not None
    for left, top, right, bottom in model("boxes", 1).fields_mm.values():
        rows, columns = (
            slice(round(a * picture.dpi / 25.4), round(b * picture.dpi / 25.4))
            for a, b in ((top, bottom), (left, right))
        )
        assert seen[rows, columns].min() == 255
    assert seen.min() == 0
    assert set(header.fields) == set(model("boxes", 1).fields_mm)


@pytest.mark.parametrize("name", NAMES)
def test_a_model_kept_as_json_finds_the_same(name: str) -> None:
    kept = json.loads(json.dumps(json_of_model(model(name, 1))))
    page = scan(header_named(name), 3)

    again = model_of_json(kept)

    assert again == model(name, 1)
    assert find_header(page.gray, page.dpi, [again]) is not None
    assert len(json.dumps(kept)) < 20_000


def test_a_learned_annex_says_so_where_it_is_found() -> None:
    header = header_named("table")
    page = scan(header, 900)
    fields = {"full_name": drawn_on(page, header.fields["surname"])}
    known = learn([page.gray], page.dpi, drawn_on(page, header.zone), fields, name="a", kind="annex")

    match = find_header(page.gray, page.dpi, [known, *builtin_models()])

    assert match is not None
    assert (match.model, match.kind) == ("a", "annex")


def test_a_field_of_a_learned_header_is_cut_without_its_lines() -> None:
    header, known = header_named("boxes"), model("boxes", 1)
    sheet = draw.Sheet()
    header.prints(sheet)
    page = draw.fed(sheet, skew=1.0)
    match = find_header(page.gray, page.dpi, [known])
    assert match is not None

    crop = field_crop(page.gray, match, "surname", model=known)

    assert crop.shape[1] / page.dpi * 25.4 == pytest.approx(77, abs=1)
    assert (crop < 120).mean() < 0.001


@pytest.mark.parametrize(
    ("zone", "field", "code"),
    [
        ((40, 150, 52, 180), (41, 151, 50, 160), "header_zone_size"),
        ((12, 6, 199, 160), (40, 20, 115, 30), "header_zone_size"),
        ((12, 6, 199, 48), (40, 120, 115, 130), "header_zone_field"),
        ((20, 268, 190, 284), (40, 270, 115, 280), "header_zone_empty"),
    ],
)
def test_a_frame_that_holds_no_header_is_refused(zone: draw.BoxMm, field: draw.BoxMm, code: str) -> None:
    sheet = draw.Sheet()
    header_named("boxes").prints(sheet)
    page = draw.fed(sheet)

    with pytest.raises(BadInput) as refused:
        learn([page.gray], page.dpi, drawn_on(page, zone), {"surname": drawn_on(page, field)}, name="x")

    assert refused.value.code == code


@pytest.mark.parametrize("ink", [190, 150, 110])
def test_the_ruling_of_the_paper_is_no_line_of_the_header(ink: int) -> None:
    """However dark it is, the lines learned are the table's own, and copies on lighter paper are found."""
    header, sheet = header_named("table"), draw.Sheet()
    sheet.rule("seyes", ink=ink)
    header.prints(sheet)

    known = learned_from(header, [draw.fed(sheet)])

    assert len(known.lines_mm) >= 6
    for left, top, right, bottom in known.lines_mm:
        at, own = (top, (2, 9, 23)) if top == bottom else (left, (2, 62, 118, 148, 178))
        assert min(abs(at - line) for line in own) < 0.5, (left, top, right, bottom)
    for seed in range(3):
        page = scan(header, seed)
        assert find_header(page.gray, page.dpi, [known]) is not None
