"""A child opens what is not trusted: it is bounded, alone, and may die without taking anything along."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import core
from core.errors import BadInput
from core.intake import process
from core.intake.kinds import Kind
from core.intake.limited import Limits, Looked, Reader, call, inspect_file, look_at
from core.intake.process import Child
from tests.unit import drawn_files as draw

PAGE = draw.striped_page(300, 424)
ROOT = Path(core.__file__).parents[1]

TRAPS = """
import os, time, signal
from core.intake import work

def look(path, *, index):
    if index in work._kept["options"].get("die", []):
        os.kill(os.getpid(), signal.SIGSEGV)
    if index in work._kept["options"].get("hang", []):
        time.sleep(60)
    if index in work._kept["options"].get("spin", []):
        while True: pass
    if index in work._kept["options"].get("eat", []):
        bytearray(8 << 30)
    if work._kept["options"].get("decode"):
        work._source(path).pixels(index)
    return {"index": index, "pid": os.getpid()}, [bytes([index % 256]) * 100_000]

def tell(path, **args):
    import resource
    return {"environment": dict(os.environ), "folder": os.getcwd(), "group": os.getpgrp(), "pid": os.getpid(),
            "core": resource.getrlimit(resource.RLIMIT_CORE), "open": sorted(os.listdir("/proc/self/fd")),
            "memory": resource.getrlimit(resource.RLIMIT_AS)[0]}, []

def write(path, *, size):
    with open(path, "wb") as out:
        out.write(bytes(size))
    return {}, []

def babble(path):
    os.write(answers, b"\\xff" * 100)
    time.sleep(60)

def big(path, *, size):
    return {}, [bytes(size)]

def noisy(path):
    print("not a frame", flush=True)
    os.system("echo neither")
    return {"said": True}, []

for function in (look, tell, write, babble, big, noisy):
    work.FUNCTIONS[function.__name__] = function
answers = 4
"""


@pytest.fixture
def traps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children with functions that misbehave."""
    boot = process._BOOT.replace("from core.intake.child", f"exec({TRAPS!r}); from core.intake.child", 1)
    monkeypatch.setattr(process, "_BOOT", boot)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "scan"
    path.write_bytes(draw.tiff_of([Image.fromarray(PAGE)] * 5, "tiff_lzw", dpi=(100, 100)))
    return path


def quick(**more: Any) -> Limits:
    return Limits(image_wall_s=1.5, file_wall_s=1.5, **more)


# --- One file -------------------------------------------------------------------------------------


def test_a_file_is_measured_in_a_child(file: Path) -> None:
    found = inspect_file(file, max_images=10)

    assert found.kind is Kind.TIFF
    assert found.source is not None
    assert [image.index for image in found.source.images] == [0, 1, 2, 3, 4]
    assert found.source.images[0].width_pt == pytest.approx(216)


def test_the_childs_refusal_is_raised_with_its_details(file: Path) -> None:
    with pytest.raises(BadInput) as caught:
        inspect_file(file, max_images=3)

    assert (caught.value.code, caught.value.details) == ("scan_too_many_images", {"limit": 3})


def test_one_reader_serves_many_files_and_survives_refusals(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"hello")

    with Reader() as reader:
        for _ in range(3):
            assert reader.inspect(file, max_images=10).kind is Kind.TIFF
            with pytest.raises(BadInput, match="scan_kind_unknown"):
                reader.inspect(other, max_images=10)


def test_the_files_of_an_archive_are_inspected_one_by_one(tmp_path: Path) -> None:
    path, folder = tmp_path / "lot.zip", tmp_path / "out"
    folder.mkdir()
    path.write_bytes(
        draw.zip_of(
            [
                ("b10.pdf", draw.pdf_of_page(PAGE, "jpeg")),
                ("b9.tif", draw.tiff_of([draw.bitonal(PAGE)] * 2, "group4")),
                ("c.jpg", draw.picture(PAGE, "JPEG")[:500]),
                ("../d.pdf", draw.pdf_of_page(PAGE, "jpeg")),
                ("e.txt", b"hello"),
            ]
        )
    )

    found = inspect_file(path, max_images=10, archive_folder=folder)

    told = {
        m.name: (m.source.kind if m.source else None, m.error.code if m.error else None)
        for m in found.members
    }
    assert found.kind is Kind.ZIP
    assert told == {
        "b9.tif": (Kind.TIFF, None),
        "b10.pdf": (Kind.PDF, None),
        "c.jpg": (None, "picture_truncated"),
        "d.pdf": (None, "archive_member_name"),
        "e.txt": (None, "scan_kind_unknown"),
    }
    assert [m.name for m in found.members if m.path] == ["b9.tif", "b10.pdf"]
    assert all(m.error.details["file"] == m.name for m in found.members if m.error)
    assert len(list(folder.iterdir())) == 2


def test_an_archive_without_a_folder_to_open_it_in_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lot.zip"
    path.write_bytes(draw.zip_of([("a.pdf", b"%PDF-")]))

    with pytest.raises(BadInput, match="archive_not_taken"):
        inspect_file(path, max_images=10)


def test_an_image_comes_back_as_a_jpeg_of_the_width_asked_for(file: Path) -> None:
    data, (jpeg,) = call("picture", file, index=2, width_px=150)

    assert (data["width"], data["height"]) == (300, 424)
    with Image.open(__import__("io").BytesIO(jpeg)) as opened:
        assert opened.size == (150, 212)


# --- What a child may ------------------------------------------------------------------------------


@pytest.mark.usefixtures("traps")
def test_a_child_knows_nothing_of_its_parent(
    file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KORRIGO_DATABASE_URL", "postgresql://user:secret@host/base")
    with (tmp_path / "open").open("wb") as held, Reader() as reader:
        os.set_inheritable(held.fileno(), True)
        told, _ = reader.call("tell", file)

    assert not any("KORRIGO" in key or "secret" in value for key, value in told["environment"].items())
    assert told["folder"] == "/"
    assert told["group"] == told["pid"]
    assert told["core"] == [0, 0]
    assert told["memory"] == Limits().memory_bytes
    assert len(told["open"]) <= 6


@pytest.mark.usefixtures("traps")
def test_a_child_cannot_write_large_files(tmp_path: Path) -> None:
    with Reader() as reader:
        reader.call("write", tmp_path / "small", size=1000)
        with pytest.raises(BadInput, match="scan_crashed_reader"):
            reader.call("write", tmp_path / "large", size=3 * 1024**2)

    assert (tmp_path / "large").stat().st_size <= 1024**2


@pytest.mark.usefixtures("traps")
@pytest.mark.parametrize(
    ("trap", "code"), [("die", "scan_crashed_reader"), ("hang", "scan_too_heavy"), ("eat", "scan_too_heavy")]
)
def test_a_child_that_dies_hangs_or_eats_is_answered_for(file: Path, trap: str, code: str) -> None:
    with Reader(quick()) as reader:
        reader.call("options", file, **{trap: [0]})
        with pytest.raises(BadInput, match=code):
            reader.call("look", file, index=0)

        assert reader.inspect(file, max_images=10).kind is Kind.TIFF


@pytest.mark.usefixtures("traps")
def test_a_child_that_spins_is_ended_by_the_kernel(file: Path) -> None:
    with Reader(Limits(file_cpu_s=1)) as reader:
        reader.call("options", file, spin=[0])
        began = time.monotonic()
        with pytest.raises(BadInput, match="scan_too_heavy"):
            reader.call("look", file, index=0)

    assert time.monotonic() - began < 30


@pytest.mark.usefixtures("traps")
def test_a_child_that_answers_out_of_form_is_not_believed(file: Path) -> None:
    with Reader(quick()) as reader:
        with pytest.raises(BadInput, match="scan_crashed_reader"):
            reader.call("babble", file)
        with pytest.raises(BadInput, match="scan_crashed_reader"):
            reader.call("big", file, size=300 * 1024**2)


@pytest.mark.usefixtures("traps")
def test_what_libraries_print_does_not_fall_among_the_answers(file: Path) -> None:
    with Reader() as reader:
        assert reader.call("noisy", file)[0] == {"said": True}


def test_a_busy_child_dies_with_its_parent(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from core.intake import process\n"
        "nap = 'import time; from core.intake import work; work.FUNCTIONS[\"nap\"] = lambda path: time.sleep(60); '\n"
        "process._BOOT = process._BOOT.replace('from core.intake.child', nap + 'from core.intake.child')\n"
        "child = process.Child(process.Limits()); child.ask('options', Path('/'), {}, cpu_s=5, wall_s=30)\n"
        "child.send('nap', Path('/'), 5, {}); import time; time.sleep(0.3)\n"
        "print(child.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(ROOT)], capture_output=True, text=True, check=False, timeout=60
    )
    pid = int(done.stdout)

    end = time.monotonic() + 5
    while time.monotonic() < end and Path(f"/proc/{pid}").exists():
        if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
            break
        time.sleep(0.05)
    else:
        assert not Path(f"/proc/{pid}").exists()


def test_a_child_computes_on_one_thread() -> None:
    child = Child(Limits())
    try:
        child.ask("options", Path("/"), {}, cpu_s=5, wall_s=30)
        assert len(os.listdir(f"/proc/{child.pid}/task")) == 1
    finally:
        child.kill()


# --- Many images ----------------------------------------------------------------------------------


def results(looked: list[Looked]) -> list[int | str]:
    return [found.index if found.error is None else found.error.code for found in looked]


@pytest.mark.usefixtures("traps")
def test_images_come_in_order_with_what_was_found(file: Path) -> None:
    looked = list(look_at(file, 5, {"decode": True}))

    assert results(looked) == [0, 1, 2, 3, 4]
    assert looked[3].data is not None


@pytest.mark.usefixtures("traps")
@pytest.mark.parametrize("processes", [1, 2, 3])
def test_a_poisoned_image_is_reported_and_the_others_are_read(file: Path, processes: int) -> None:
    looked = list(look_at(file, 24, {"die": [0, 7, 8, 23]}, processes=processes))

    bad = [n for n, found in enumerate(looked) if found.error]
    assert [found.index for found in looked] == list(range(24))
    assert bad == [0, 7, 8, 23]
    assert looked[7].error is not None
    assert (looked[7].error.code, looked[7].error.details) == ("page_unreadable", {"page": 8})
    assert all(found.blobs == [bytes([found.index]) * 100_000] for found in looked if not found.error)


@pytest.mark.usefixtures("traps")
def test_an_image_that_takes_too_long_or_too_much_is_reported(file: Path) -> None:
    looked = list(look_at(file, 8, {"hang": [2], "eat": [5]}, limits=quick()))

    assert [found.index for found in looked if found.error] == [2, 5]


@pytest.mark.usefixtures("traps")
def test_a_slow_consumer_is_not_a_slow_child(file: Path) -> None:
    found = []
    for looked in look_at(file, 6, {}, limits=Limits(image_wall_s=1.0)):
        time.sleep(0.4)
        found.append(looked)

    assert not any(looked.error for looked in found)


@pytest.mark.usefixtures("traps")
def test_answers_that_wait_for_their_turn_are_bounded(file: Path) -> None:
    """The first image is slow: the other child may go only so far ahead."""
    looked = look_at(file, 200, {"hang": [0]}, limits=Limits(image_wall_s=2.0), processes=2)

    first = next(looked)

    assert first.error is not None
    frame = looked.gi_frame.f_locals["spread"]  # type: ignore[attr-defined]
    assert frame._next <= 12
    looked.close()  # type: ignore[attr-defined]


@pytest.mark.usefixtures("traps")
def test_a_file_that_kills_every_child_is_given_up(file: Path) -> None:
    with pytest.raises(BadInput, match="scan_crashed_reader"):
        list(look_at(file, 60, {"die": list(range(60))}))


@pytest.mark.usefixtures("traps")
def test_children_end_when_nobody_listens_any_more(file: Path) -> None:
    looked = look_at(file, 50, {}, processes=2)
    pid = next(looked).data["pid"]  # type: ignore[index]

    looked.close()  # type: ignore[attr-defined]

    with pytest.raises(ProcessLookupError):
        os.kill(pid, signal.SIG_DFL)


@pytest.mark.usefixtures("traps")
def test_children_are_replaced_before_what_they_forgot_piles_up(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.intake.limited._IMAGES_A_CHILD", 5)

    looked = list(look_at(file, 20, {}, processes=1))

    assert results(looked) == list(range(20))
    assert len({found.data["pid"] for found in looked if found.data}) == 4


@pytest.mark.usefixtures("traps")
def test_only_the_images_asked_for_are_looked_at(file: Path) -> None:
    assert results(list(look_at(file, [3, 1], {}))) == [3, 1]
    assert list(look_at(file, 0, {})) == []


@pytest.mark.usefixtures("traps")
def test_a_real_page_at_the_memory_limit_is_reported_and_not_fatal(tmp_path: Path) -> None:
    path = tmp_path / "scan"
    big = Image.fromarray(np.zeros((9000, 9000), np.uint8)).convert("RGB")
    path.write_bytes(draw.tiff_of([Image.fromarray(PAGE), big, Image.fromarray(PAGE)], "tiff_adobe_deflate"))

    looked = list(look_at(path, 3, {"decode": True}, limits=Limits(memory_bytes=560 * 1024**2), processes=1))

    assert [found.error.code if found.error else None for found in looked] == [
        None,
        "page_image_too_large",
        None,
    ]
