"""Files made to do harm, or harmed: mutations of honest scans drawn from a seed, and attacks written by hand.

``python -m tests.hostile FOLDER`` writes them all.
"""

from __future__ import annotations

import io
import random
import re
import stat
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pikepdf
from PIL import Image

from tests.hostile_pdfs import packed_zeros, pdf_attacks
from tests.unit import drawn_files as draw

SEED = 20270412
MB = 1024**2


@dataclass(frozen=True)
class Hostile:
    """A file, with a name that says what is wrong with it."""

    name: str
    content: bytes


def hostile_files(rounds: int) -> Iterator[Hostile]:
    """All attacks, then ``rounds`` times each mutation of each honest file."""
    yield from attacks()
    yield from mutations(rounds)


# --- Mutations ------------------------------------------------------------------------------------


@cache
def honest() -> dict[str, bytes]:
    """Small scans of every kind."""
    page = draw.striped_page(248, 351)
    photo = Image.fromarray(page)
    bitonal = draw.bitonal(page)
    pdfs = {f"{codec}.pdf": draw.pdf_of_page(page, codec) for codec in ("jpeg", "ccitt", "jbig2", "jpeg2000")}
    with pikepdf.new() as several:
        for content in pdfs.values():
            with pikepdf.open(io.BytesIO(content)) as one:
                several.pages.extend(one.pages)
        packed = draw.saved(several, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return {
        **pdfs,
        "flate.pdf": draw.pdf_of_page(page, "flate", extra="BT /F1 20 Tf (NOM) Tj ET"),
        "several.pdf": packed,
        "fax.tif": draw.tiff_of([bitonal] * 3, "group4", dpi=(204, 98)),
        "lzw.tif": draw.tiff_of([photo, photo.convert("RGB")], "tiff_lzw"),
        "jpeg.tif": draw.tiff_of([photo.convert("RGB")] * 2, "jpeg"),
        "deflate.tif": draw.tiff_of([photo, photo.convert("P")], "tiff_adobe_deflate"),
        "photo.jpg": draw.picture(page, "JPEG", "RGB"),
        "progressive.jpg": draw.picture(page, "JPEG", "RGB", progressive=True),
        "page.png": draw.picture(page, "PNG", "RGBA"),
        "page.webp": draw.picture(page, "WEBP", "RGB"),
        "photo.heic": draw.heic_of(page),
        "lot.zip": draw.zip_of(list(pdfs.items()), packed=True),
        "plain.zip": draw.zip_of(
            [("dossier/copie 1.pdf", pdfs["jpeg.pdf"]), ("b.png", draw.picture(page, "PNG"))]
        ),
    }


def _truncated(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(1, len(content))]


def _flipped(content: bytes, rng: random.Random) -> bytes:
    harmed = bytearray(content)
    for _ in range(rng.choice((1, 4, 40))):
        harmed[rng.randrange(len(harmed))] ^= 1 << rng.randrange(8)
    return bytes(harmed)


def _shuffled(content: bytes, rng: random.Random) -> bytes:
    cuts = sorted(rng.randrange(len(content)) for _ in range(4))
    parts = [content[a:b] for a, b in zip([0, *cuts], [*cuts, len(content)], strict=True)]
    middle = parts[1:-1]
    rng.shuffle(middle)
    return b"".join([parts[0], *middle, parts[-1]])


def _overwritten(content: bytes, rng: random.Random) -> bytes:
    at, length = rng.randrange(len(content)), rng.choice((1, 4, 64, 500))
    filling = rng.choice((b"\0", b"\xff", b"A"))
    return content[:at] + filling * min(length, len(content) - at) + content[at + length :]


def _inflated(content: bytes, rng: random.Random) -> bytes:
    """A number becomes an absurd one: written out in a PDF, binary elsewhere."""
    numbers = list(re.finditer(rb"(?<=[ \[])\d{1,6}(?=[ \]\n/>])", content)) if content[:4] == b"%PDF" else []
    if numbers:
        found = rng.choice(numbers)
        absurd = rng.choice(
            (b"-1", b"0", b"4294967295", b"99999999999999999999", b"1e99", b"/No", b"2147483648")
        )
        return content[: found.start()] + absurd + content[found.end() :]
    at = rng.randrange(min(len(content), 400))
    return content[:at] + rng.choice((b"\xff" * 4, b"\x7f\xff\xff\xff", b"\0" * 4)) + content[at + 4 :]


MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _truncated,
    _flipped,
    _shuffled,
    _overwritten,
    _inflated,
)


def mutations(rounds: int) -> Iterator[Hostile]:
    """Each mutation of each honest file, ``rounds`` times; the same files for the same number."""
    for round_number in range(rounds):
        for name, content in honest().items():
            for mutate in MUTATIONS:
                rng = random.Random(f"{SEED} {round_number} {name} {mutate.__name__}")
                yield Hostile(f"{round_number}{mutate.__name__}-{name}", mutate(content, rng))


# --- Attacks --------------------------------------------------------------------------------------


def attacks() -> Iterator[Hostile]:
    """Attacks written by hand."""
    yield from (Hostile(name, content) for name, content in pdf_attacks())
    yield from _tiff_attacks()
    yield from _picture_attacks()
    yield from _zip_attacks()


def _tiff(entries: list[tuple[int, int, int, int]], following: int = 0, data: bytes = bytes(64)) -> bytes:
    """A small TIFF of one directory at 8: (tag, type, count, value)."""
    table = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + table + struct.pack("<I", following) + data


def _tiff_attacks() -> Iterator[Hostile]:
    base = {256: 8, 257: 8, 258: 8, 259: 1, 262: 1, 273: 200, 277: 1, 278: 8, 279: 64}

    def entries(**changed: int) -> list[tuple[int, int, int, int]]:
        values = base | {int(key[1:]): value for key, value in changed.items()}
        return [(tag, 4, 1, value) for tag, value in values.items()]

    room = bytes(400)
    yield Hostile("ring.tif", _tiff(entries(), following=8, data=room))
    yield Hostile("far.tif", _tiff(entries(), following=2**32 - 1, data=room))
    yield Hostile("huge.tif", _tiff(entries(t256=2**31, t257=2**31), data=room))
    yield Hostile("wide.tif", _tiff(entries(t256=150_000_000, t257=1), data=room))
    yield Hostile("empty-size.tif", _tiff(entries(t256=0), data=room))
    yield Hostile("samples.tif", _tiff(entries(t277=65_535), data=room))
    yield Hostile("bits.tif", _tiff(entries(t258=64), data=room))
    yield Hostile("strip-outside.tif", _tiff(entries(t273=10**6), data=room))
    yield Hostile("strip-sizes.tif", _tiff([*entries()[:-1], (279, 4, 2**32 - 1, 8)], data=room))
    yield Hostile(
        "strips-many.tif", _tiff([e for e in entries() if e[0] != 273] + [(273, 4, 10**6, 8)], data=room)
    )
    yield Hostile("entries.tif", b"II*\0" + struct.pack("<IH", 8, 65_535) + room)
    yield Hostile("no-entries.tif", b"II*\0" + struct.pack("<IH", 8, 0) + room)
    yield Hostile("nowhere.tif", b"MM\0*" + struct.pack(">I", 2**31))
    yield Hostile("big.tif", b"II+\0" + struct.pack("<HHQQ", 8, 0, 16, 2**60) + room)
    for compression in (2, 3, 4, 5, 6, 7, 8, 32773, 34712, 50000, 50001, 65000):
        yield Hostile(f"compression-{compression}.tif", _tiff(entries(t259=compression), data=room))
    bomb = packed_zeros(280)
    packed = entries(t256=4000, t257=4000, t278=4000, t259=8, t273=8 + 2 + 9 * 12 + 4, t279=len(bomb))
    yield Hostile("deflate-bomb.tif", _tiff(packed, data=bomb))
    places = [8 + n * 6 for n in range(30_000)]
    chain = b"".join(struct.pack("<HI", 0, place + 6) for place in places)
    yield Hostile("chain.tif", b"II*\0" + struct.pack("<I", 8) + chain)
    tiles = [
        (256, 4, 1, 10_000),
        (257, 4, 1, 10_000),
        (322, 4, 1, 2**31),
        (323, 4, 1, 2**31),
        (324, 4, 1, 150),
        (325, 4, 1, 9),
    ]
    yield Hostile("tiles.tif", _tiff([*tiles, (258, 4, 1, 8), (262, 4, 1, 1), (259, 4, 1, 5)], data=room))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(width: int, height: int, *chunks: bytes, depth: int = 8, colour: int = 0) -> bytes:
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + _chunk(b"IEND", b"")


def _picture_attacks() -> Iterator[Hostile]:
    idat = _chunk(b"IDAT", zlib.compress(bytes(110)))
    bomb = packed_zeros(280)
    yield Hostile("giant.png", _png(2**31 - 1, 2**31 - 1, idat))
    yield Hostile("giant-line.png", _png(140_000_000, 1, idat))
    yield Hostile("nothing.png", _png(0, 0, idat))
    yield Hostile("no-data.png", _png(10, 10))
    yield Hostile("bomb.png", _png(10, 10, _chunk(b"IDAT", bomb)))
    yield Hostile("fits-limit.png", _png(12_000, 12_000, _chunk(b"IDAT", packed_zeros(138)), colour=0))
    yield Hostile("fits-limit-colour.png", _png(11_000, 11_000, _chunk(b"IDAT", packed_zeros(462)), colour=6))
    yield Hostile("text-bomb.png", _png(10, 10, _chunk(b"zTXt", b"a\0\0" + bomb), idat))
    yield Hostile("profile-bomb.png", _png(10, 10, _chunk(b"iCCP", b"a\0\0" + bomb), idat))
    yield Hostile("depth.png", _png(10, 10, idat, depth=77, colour=99))
    yield Hostile("lying-length.png", _png(10, 10, struct.pack(">I", 2**32 - 1) + b"IDAT" + bytes(20)))
    jpeg = draw.picture(draw.striped_page(64, 64), "JPEG", "RGB")
    at = jpeg.index(b"\xff\xc0") + 5
    yield Hostile("giant.jpg", jpeg[:at] + b"\xff\xdc\xff\xdc" + jpeg[at + 4 :])
    yield Hostile("wide.jpg", jpeg[:at] + b"\x2e\xe0\x2e\xe0" + jpeg[at + 4 :])
    yield Hostile("nothing.jpg", jpeg[:at] + b"\0\0\0\0" + jpeg[at + 4 :])
    yield Hostile("components.jpg", jpeg[: at + 4] + b"\xff" + jpeg[at + 5 :])
    progressive = draw.picture(draw.striped_page(640, 640), "JPEG", "L", progressive=True)
    scan = progressive.rindex(b"\xff\xda")
    yield Hostile("scans.jpg", progressive[:-2] + progressive[scan:-2] * 3000 + b"\xff\xd9")
    tables = jpeg.index(b"\xff\xc4")
    yield Hostile("tables.jpg", jpeg[:tables] + jpeg[tables : tables + 31] * 5000 + jpeg[tables:])
    ring = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0\x08\0\0\0"
    yield Hostile(
        "exif-ring.jpg", jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(ring) + 2) + ring + jpeg[2:]
    )
    yield Hostile("lengths.jpg", jpeg[:2] + b"\xff\xe1\0\0" * 5000 + jpeg[2:])
    yield Hostile("markers.jpg", b"\xff\xd8" + b"\xff" * MB + jpeg[2:])
    webp = draw.picture(draw.striped_page(64, 64), "WEBP", "RGB", lossless=True)
    yield Hostile("giant.webp", webp[:21] + b"\xff\xff\xff\x0f" + webp[25:])
    canvas = b"VP8X" + struct.pack("<I", 10) + bytes(4) + b"\xff\x3f\0\xff\x3f\0"
    yield Hostile(
        "canvas.webp",
        b"RIFF" + struct.pack("<I", len(canvas) + 4 + len(webp) - 12) + b"WEBP" + canvas + webp[12:],
    )
    heic = draw.heic_of(draw.striped_page(64, 64))
    yield Hostile(
        "giant.heic",
        heic.replace(
            b"ispe\0\0\0\0" + struct.pack(">II", 64, 64), b"ispe\0\0\0\0" + struct.pack(">II", 2**31, 2**31)
        ),
    )
    yield Hostile(
        "limit.heic",
        heic.replace(
            b"ispe\0\0\0\0" + struct.pack(">II", 64, 64), b"ispe\0\0\0\0" + struct.pack(">II", 12_000, 12_000)
        ),
    )
    yield Hostile(
        "boxes.heic",
        heic[:24]
        + struct.pack(">I", 8) * 1
        + b"free"
        + (struct.pack(">I", 8) + b"free") * 50_000
        + heic[24:],
    )


def _zip_special(name: str, mode: int, content: bytes) -> bytes:
    out = io.BytesIO()
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(info, content)
    return out.getvalue()


def _zip_attacks() -> Iterator[Hostile]:
    page = honest()["jpeg.pdf"]
    for number, name in enumerate(
        (
            "../escaped",
            "../../../../escaped",
            "/escaped",
            "a/../../escaped",
            "..\\escaped",
            "C:\\escaped",
            "//host/escaped",
            "....//escaped",
            "a\0/../../escaped",
            "-",
            "con",
            "a" * 5000,
            "/proc/self/mem",
            "%2e%2e/escaped",
        )
    ):
        yield Hostile(f"path-{number}.zip", draw.zip_of([("good.pdf", page), (name, page)]))
    for kind in (stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK):
        yield Hostile(f"special-{kind:o}.zip", _zip_special("a.pdf", kind | 0o777, b"/etc/passwd"))
    link = zipfile.ZipInfo("folder")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(link, b"..")
        archive.writestr("folder/escaped", page)
    yield Hostile("through-link.zip", out.getvalue())
    nested = draw.zip_of([("a.pdf", page)])
    for _ in range(5):
        nested = draw.zip_of([("inside.zip", nested), ("inside.pdf", nested)])
    yield Hostile("nested.zip", nested)
    yield Hostile("bomb.zip", draw.zip_of([("a.pdf", page + bytes(120 * MB)), ("b.pdf", page)], packed=True))
    yield Hostile(
        "bomb-of-many.zip", draw.zip_of([(f"{n}.pdf", b"%PDF-" + bytes(MB)) for n in range(150)], packed=True)
    )
    yield Hostile("many.zip", draw.zip_of([(str(n), b"") for n in range(20_000)]))
    yield Hostile("only-folders.zip", draw.zip_of([(f"{n}/", b"") for n in range(50)]))
    yield Hostile(
        "poisoned.zip",
        draw.zip_of(list(pdf_attacks())[:6]),
    )
    yield Hostile("self-overlapping.zip", _overlapping(page))
    yield Hostile(
        "directory-only.zip",
        b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 65535, 65535, 2**32 - 1, 2**32 - 1, 0),
    )
    yield Hostile("lzma.zip", _with_method(page, zipfile.ZIP_LZMA))
    yield Hostile("bzip2.zip", _with_method(page + bytes(50 * MB), zipfile.ZIP_BZIP2))
    for stated in (0, 5, 2**31):
        whole = bytearray(draw.zip_of([("a.pdf", page)], packed=True))
        for mark, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
            start = whole.index(mark) + at
            whole[start : start + 4] = struct.pack("<I", stated)
        yield Hostile(f"lying-{stated}.zip", bytes(whole))


def _with_method(content: bytes, method: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr("a.pdf", content)
    return out.getvalue()


def _overlapping(content: bytes) -> bytes:
    """A thousand entries that are all the same bytes of the file."""
    whole = draw.zip_of([("a.pdf", content + bytes(5 * MB))], packed=True)
    start, end = whole.index(b"PK\x01\x02"), whole.index(b"PK\x05\x06")
    entry = whole[start:end]
    count = 1000
    tail = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, len(entry) * count, start, 0)
    return whole[:start] + entry * count + tail


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for made in hostile_files(4):
        (folder / made.name).write_bytes(made.content)
