"""A ZIP is taken apart without believing its names, its sizes or its kinds of entries."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from core.errors import BadInput
from core.intake.archives import ArchiveLimits, Member, natural_key, unpack
from tests.unit.drawn_files import zip_of

PDF = b"%PDF-1.4 never opened here"
MB = 1024**2


def unpacked(tmp_path: Path, content: bytes, **limits: int) -> list[Member]:
    path, folder = tmp_path / "lot.zip", tmp_path / "out"
    path.write_bytes(content)
    folder.mkdir()
    return unpack(path, folder, limits=ArchiveLimits(**limits))


def refused(tmp_path: Path, content: bytes, **limits: int) -> BadInput:
    with pytest.raises(BadInput) as caught:
        unpacked(tmp_path, content, **limits)
    assert list((tmp_path / "out").iterdir()) == []
    return caught.value


def special(name: str, mode: int, content: bytes = PDF) -> bytes:
    out = io.BytesIO()
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(info, content)
    return out.getvalue()


def test_files_come_in_the_order_people_read_and_under_numbers(tmp_path: Path) -> None:
    names = ["copie10.pdf", "copie2.pdf", "Copie1.pdf", "élève/b.pdf", "eleve/a.pdf"]

    members = unpacked(tmp_path, zip_of([(name, PDF + name.encode()) for name in names]))

    assert [m.name for m in members] == [
        "Copie1.pdf",
        "copie2.pdf",
        "copie10.pdf",
        "eleve/a.pdf",
        "élève/b.pdf",
    ]
    assert [m.path.name for m in members if m.path] == ["0001", "0002", "0003", "0004", "0005"]
    for member in members:
        assert member.path is not None
        assert member.path.read_bytes() == PDF + member.name.encode()
        assert stat.S_IMODE(member.path.stat().st_mode) == 0o600


def test_natural_order_does_not_fall_over_odd_digits() -> None:
    names = ["a10", "a²", "a٣", "a9", "a" + "9" * 5000]

    assert sorted(names, key=natural_key)[:3] == ["a²", "a9", "a10"]


def test_what_systems_add_is_left_out_without_a_word(tmp_path: Path) -> None:
    extras = ["__MACOSX/._a.pdf", ".DS_Store", "x/Thumbs.db", "desktop.ini", "._b.pdf", "dossier/"]

    members = unpacked(tmp_path, zip_of([(name, b"x") for name in extras] + [("a.pdf", PDF)]))

    assert [member.name for member in members] == ["a.pdf"]


@pytest.mark.parametrize(
    "name",
    ["../a.pdf", "/etc/a.pdf", "x/../../a.pdf", "..\\a.pdf", "C:\\a.pdf", "\\\\server\\a.pdf", "c:a.pdf"],
)
def test_a_name_that_leads_elsewhere_is_refused_and_the_others_go_in(tmp_path: Path, name: str) -> None:
    members = unpacked(tmp_path, zip_of([(name, PDF), ("z.pdf", PDF)]))

    assert sorted((m.error or "taken", m.path is None) for m in members) == [
        ("archive_member_name", True),
        ("taken", False),
    ]
    assert {path.name for path in tmp_path.rglob("*")} == {"lot.zip", "out", members[-1].path.name}  # type: ignore[union-attr]


def test_backslashes_of_windows_are_folders_in_the_label(tmp_path: Path) -> None:
    (member,) = unpacked(tmp_path, zip_of([("classe\\copie.pdf", PDF)]))

    assert (member.name, member.error) == ("classe/copie.pdf", None)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_links_and_devices_are_refused(tmp_path: Path, kind: int) -> None:
    (member,) = unpacked(tmp_path, special("a.pdf", kind | 0o777, b"/etc/passwd"))

    assert member == Member("a.pdf", None, "archive_member_link")


def test_an_archive_inside_the_archive_is_refused(tmp_path: Path) -> None:
    members = unpacked(tmp_path, zip_of([("b.pdf", zip_of([("a.pdf", PDF)])), ("c.pdf", PDF)]))

    assert [member.error for member in members] == ["archive_nested", None]


def test_what_is_no_scan_is_refused_by_its_bytes(tmp_path: Path) -> None:
    members = unpacked(tmp_path, zip_of([("a.pdf", b"MZ..."), ("b.txt", PDF), ("c.pdf", b"")]))

    assert [member.error for member in members] == ["scan_kind_unknown", None, "file_empty"]


def test_two_files_of_one_name_are_both_kept(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        content = zip_of([("a.pdf", PDF + b"1"), ("a.pdf", PDF + b"2")])

    members = unpacked(tmp_path, content)

    assert [member.name for member in members] == ["a.pdf", "a.pdf (2)"]
    assert [member.path.read_bytes()[-1:] for member in members if member.path] == [b"1", b"2"]


def test_a_protected_file_is_refused(tmp_path: Path) -> None:
    content = bytearray(zip_of([("a.pdf", PDF)]))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + at] |= 1

    (member,) = unpacked(tmp_path, bytes(content))

    assert member.error == "archive_member_encrypted"


def test_a_file_that_expands_a_thousand_times_is_refused_before_it_is_whole(tmp_path: Path) -> None:
    bomb = zip_of([("a.pdf", PDF + bytes(80 * MB)), ("b.pdf", PDF)], packed=True)

    members = unpacked(tmp_path, bomb)

    assert [member.error for member in members] == ["archive_bomb", None]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["0002"]


def test_a_small_blank_page_that_packs_well_is_taken(tmp_path: Path) -> None:
    (member,) = unpacked(tmp_path, zip_of([("a.pdf", PDF + bytes(5 * MB))], packed=True))

    assert member.error is None


def test_all_together_may_not_expand_beyond_the_limit(tmp_path: Path) -> None:
    content = zip_of([(f"{n}.pdf", PDF + bytes(MB)) for n in range(5)])

    assert refused(tmp_path, content, total_bytes=3 * MB).code == "archive_too_large"


def test_refused_members_count_towards_the_limit_too(tmp_path: Path) -> None:
    content = zip_of([(f"{n}.pdf", b"MZ" + bytes(2 * MB)) for n in range(9)], packed=True)

    assert refused(tmp_path, content, total_bytes=8 * MB).code == "archive_too_large"


@pytest.mark.parametrize("stated", [1, 10, 2**32 - 2])
def test_a_size_that_lies_is_not_believed(tmp_path: Path, stated: int) -> None:
    content = bytearray(zip_of([("a.pdf", PDF + bytes(range(256)) * 20)], packed=True))
    for mark, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = content.index(mark) + at
        content[start : start + 4] = struct.pack("<I", stated)

    (member,) = unpacked(tmp_path, bytes(content))

    assert member.error in ("archive_member_unreadable", "archive_bomb")
    assert member.path is None


def test_too_many_files_are_refused_before_any_is_written(tmp_path: Path) -> None:
    error = refused(tmp_path, zip_of([(f"{n}.pdf", PDF) for n in range(6)]), members=5)

    assert (error.code, error.details) == ("archive_too_many", {"members": 6, "limit": 5})


@pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
def test_an_archive_cut_short_is_refused(tmp_path: Path, share: float) -> None:
    content = zip_of([("a.pdf", PDF), ("b.pdf", PDF)])

    assert refused(tmp_path, content[: int(len(content) * share)]).code == "archive_damaged"


def test_an_archive_without_files_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, zip_of([("dossier/", b""), (".DS_Store", b"x")])).code == "archive_empty"


def test_a_document_of_an_office_program_is_named_as_such(tmp_path: Path) -> None:
    content = zip_of([("[Content_Types].xml", b"<x/>"), ("word/document.xml", b"<x/>")])

    assert refused(tmp_path, content).code == "archive_is_document"


@pytest.mark.parametrize("page", ["utf-8", "cp850"])
def test_accents_of_names_without_a_mark_are_read(tmp_path: Path, page: str) -> None:
    name = "ÀlÊve".encode(page)
    content = zip_of([("x" * len(name) + ".pdf", PDF)]).replace(b"x" * len(name), name)

    (member,) = unpacked(tmp_path, content)

    assert member.name == "ÀlÊve.pdf"


def test_a_label_has_no_sign_that_hides_what_it_is(tmp_path: Path) -> None:
    (member,) = unpacked(tmp_path, zip_of([("copie\u202efdp.exe\x07.pdf", PDF)]))

    assert member.name == "copiefdp.exe.pdf"
