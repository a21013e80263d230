"""Files made to do harm: each answered with a result or a sentence, within bounds, and nothing else happens.

``tests/hostile.py`` makes them. The ordinary tier takes every attack written by hand and each mutation of
each honest file twice (more than 300 files); the long tier twelve times.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pikepdf
import pytest

from core.errors import BadInput
from core.intake.limited import Inspected, Limits, Reader, look_at
from tests.hostile import Hostile, attacks, honest, mutations
from tests.unit import drawn_files as draw
from workbench.sentences import SENTENCES, sentence_of

LIMITS = Limits(memory_bytes=900 * 1024**2, file_cpu_s=10, file_wall_s=20)
"""Tighter than those of the application, so that attacks which wait for a limit wait less."""

ANSWER_S = 40.0
"""Two calls that each run into their limit; ordinary answers take milliseconds."""

MAX_IMAGES = 2000

SLOW = frozenset(
    {
        "fits-limit.png",
        "fits-limit-colour.png",
        "image-bomb-fits.pdf",
        "pages-many.pdf",
        "markers.jpg",
        "wide.jpg",
    }
)
"""Files just within the limits, which take a second or more: for the long tier."""


@dataclass
class Tally:
    """What became of a series of files."""

    files: int = 0
    read: int = 0
    refusals: dict[str, int] = field(default_factory=dict)
    peak_mb: int = 0
    slowest_s: float = 0.0


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with things that nothing may touch, around the one where archives are opened."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "secret").write_text("untouched", encoding="utf-8")
    (tmp_path / "inbox").mkdir()
    return tmp_path


def everything(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(folder)): (path.lstat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in folder.rglob("*")
        if not path.is_relative_to(folder / "inbox")
    }


def opened_all(files: Iterable[Hostile], home: Path) -> Tally:
    """Inspect each file and look at its first images, all with one child that is replaced when it dies."""
    tally = Tally()
    before = everything(home)
    with Reader(LIMITS) as reader:
        for number, hostile in enumerate(files):
            opened(reader, hostile, home / "inbox" / str(number), tally)
    assert everything(home) == before
    assert not Path("/escaped").exists()
    return tally


def opened(reader: Reader, hostile: Hostile, folder: Path, tally: Tally) -> None:
    folder.mkdir()
    path, inside = folder / "scan", folder / "archive"
    path.write_bytes(hostile.content)
    inside.mkdir()
    began = time.monotonic()
    try:
        found = reader.inspect(path, max_images=MAX_IMAGES, archive_folder=inside)
    except BadInput as error:
        answered(error, hostile, tally)
    else:
        looked(reader, found, path, hostile, tally)
    taken = time.monotonic() - began
    tally.files += 1
    tally.slowest_s = max(tally.slowest_s, taken)
    tally.peak_mb = max(tally.peak_mb, peak_mb(reader))
    assert taken < ANSWER_S, hostile.name
    assert path.read_bytes() == hostile.content, hostile.name
    assert all(name.name.isdigit() for name in inside.iterdir()), hostile.name
    clear(folder)


def looked(reader: Reader, found: Inspected, path: Path, hostile: Hostile, tally: Tally) -> None:
    sources = [(path, found.source)] if found.source else [(m.path, m.source) for m in found.members]
    for member in found.members:
        if member.error is not None:
            answered(member.error, hostile, tally)
    for place, source in sources[:3]:
        for image in source.images[:2] if place and source else ():
            try:
                reader.call("picture", place, index=image.index, width_px=100)
            except BadInput as error:
                answered(error, hostile, tally)
            else:
                tally.read += 1


def answered(error: BadInput, hostile: Hostile, tally: Tally) -> None:
    """A refusal is a French sentence that names the file."""
    assert error.code in SENTENCES, f"{hostile.name}: {error.code}"
    told = sentence_of(error.code, {**error.details, "file": hostile.name})
    assert told.startswith(hostile.name), hostile.name
    assert "…" not in told, hostile.name
    tally.refusals[error.code] = tally.refusals.get(error.code, 0) + 1


def peak_mb(reader: Reader) -> int:
    child = reader._child
    if child is None:
        return 0
    lines = Path(f"/proc/{child.pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))


def clear(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()


def test_honest_files_are_all_read(home: Path) -> None:
    """Else the refusals below would prove nothing."""
    tally = opened_all([Hostile(name, content) for name, content in honest().items()], home)

    assert tally.refusals == {}
    assert tally.read >= len(honest())


def test_attacks_written_by_hand_are_answered_with_a_sentence(home: Path) -> None:
    tally = opened_all((attack for attack in attacks() if attack.name not in SLOW), home)

    assert tally.files >= 120
    assert tally.refusals["archive_member_name"] >= 7
    assert tally.refusals["archive_member_link"] >= 4
    assert {"pdf_truncated", "tiff_damaged", "page_image_too_large", "archive_bomb"} <= set(tally.refusals)
    assert tally.peak_mb <= 900
    crashed = tally.refusals.get("scan_crashed_reader", 0)
    assert crashed <= 8, "more attacks than before reach a library's own crash"


def test_mutated_files_are_answered_with_a_sentence(home: Path) -> None:
    tally = opened_all(mutations(2), home)

    assert tally.files >= 170
    assert tally.peak_mb <= 600


@pytest.mark.long
def test_files_just_within_the_limits_are_answered_too(home: Path) -> None:
    tally = opened_all((attack for attack in attacks() if attack.name in SLOW), home)

    assert tally.files == len(SLOW)
    assert tally.peak_mb <= 900


@pytest.mark.long
def test_many_more_mutated_files_are_answered_with_a_sentence(home: Path) -> None:
    tally = opened_all(mutations(12), home)

    assert tally.files >= 1000
    assert tally.peak_mb <= 600


def test_a_poisoned_page_does_not_lose_the_pages_around_it(home: Path) -> None:
    """It draws itself without end, until the drawing engine ends its process."""
    poison = next(attack for attack in attacks() if attack.name == "form-draws-itself.pdf")
    good = draw.pdf_of_page(draw.striped_page(), "jpeg")
    with pikepdf.new() as whole:
        for content in (good, poison.content, good):
            with pikepdf.open(io.BytesIO(content)) as part:
                whole.pages.extend(part.pages)
        path = home / "inbox" / "scan.pdf"
        whole.save(path)

    found = list(look_at(path, 3, {"kind": "pdf", "layout": "a4"}, limits=LIMITS))

    assert [looked.error.code if looked.error else None for looked in found] == [
        None,
        "page_unreadable",
        None,
    ]
    assert found[1].error is not None
    assert found[1].error.details == {"page": 2}
