"""PDF files made to do harm, written object by object; ``tests/hostile.py`` collects them."""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Iterator
from functools import cache

import pikepdf

from tests.unit import drawn_files as draw

MB = 1024**2


def _stream(head: bytes, data: bytes) -> bytes:
    return b"<<%b /Length %d>>\nstream\n%b\nendstream" % (head, len(data), data)


_CATALOG = b"<</Type /Catalog /Pages 2 0 R>>"
_TREE = b"<</Type /Pages /Kids [3 0 R] /Count 1>>"
_SHOW = b"q 595 0 0 842 0 0 cm /Im0 Do Q"


def _page(more: bytes = b"", box: bytes = b"[0 0 595 842]") -> bytes:
    return b"<</Type /Page /Parent 2 0 R /MediaBox %b /Contents 4 0 R %b>>" % (box, more)


def _one_page(
    more: bytes = b"", box: bytes = b"[0 0 595 842]", content: bytes = _SHOW, *objects: bytes
) -> bytes:
    return draw.pdf_of_objects(_CATALOG, _TREE, _page(more, box), _stream(b"", content), *objects)


def _one_image(head: bytes, data: bytes) -> bytes:
    image = _stream(b"/Type /XObject /Subtype /Image " + head, data)
    return _one_page(b"/Resources <</XObject <</Im0 5 0 R>>>>", b"[0 0 595 842]", _SHOW, image)


@cache
def packed_zeros(megabytes: int) -> bytes:
    """A deflate stream of so many megabytes of zeros."""
    packer = zlib.compressobj(1)
    return b"".join([packer.compress(bytes(MB)) for _ in range(megabytes)]) + packer.flush()


def pdf_attacks() -> Iterator[tuple[str, bytes]]:
    """Name and content of each attack."""
    grey = b"/ColorSpace /DeviceGray /BitsPerComponent 8 "
    flate = b"/Filter /FlateDecode "
    bomb = packed_zeros(280)
    yield ("pages-ring.pdf", draw.pdf_of_objects(_CATALOG, b"<</Type /Pages /Kids [2 0 R] /Count 1>>"))
    ring = b"<</Type /Pages /Parent 2 0 R /Kids [2 0 R 3 0 R] /Count 9>>"
    yield ("pages-ring-of-two.pdf", draw.pdf_of_objects(_CATALOG, _TREE, ring))
    deep = [b"<</Type /Pages /Kids [%d 0 R] /Count 1>>" % (n + 3) for n in range(20_000)]
    yield ("pages-deep.pdf", draw.pdf_of_objects(_CATALOG, *deep, _page()))
    count = b"<</Type /Pages /Kids [3 0 R] /Count 2147483647>>"
    yield ("pages-count.pdf", draw.pdf_of_objects(_CATALOG, count, _page(), _stream(b"", _SHOW)))
    many = b"<</Type /Pages /Kids [%b] /Count 60000>>" % (b"3 0 R " * 60_000)
    yield ("pages-many.pdf", draw.pdf_of_objects(_CATALOG, many, _page(), _stream(b"", _SHOW)))
    yield (
        "pages-missing.pdf",
        draw.pdf_of_objects(_CATALOG, b"<</Type /Pages /Kids [9 0 R null] /Count 2>>"),
    )
    yield ("pages-no-tree.pdf", draw.pdf_of_objects(b"<</Type /Catalog /Pages 7>>"))
    yield ("no-root.pdf", draw.pdf_of_objects(b"[1 2 3]"))
    yield ("nested-arrays.pdf", _one_page(b"/X " + b"[" * 200_000 + b"]" * 200_000))
    yield ("nested-dictionaries.pdf", _one_page(b"/X " + b"<</A " * 50_000 + b"1" + b">>" * 50_000))
    for number, box in enumerate(
        (
            b"[0 0]",
            b"(text)",
            b"[0 0 1e308 1e308]",
            b"[0 0 0 0]",
            b"[/a /b /c /d]",
            b"2 0 R",
            b"null",
            b"[[] [] [] []]",
        )
    ):
        yield (f"box-{number}.pdf", _one_page(box=box))
    for number, turn in enumerate(
        (b"/Rotate (x)", b"/Rotate 1e300", b"/UserUnit 1e300", b"/UserUnit -5", b"/Rotate [1]")
    ):
        yield (f"turn-{number}.pdf", _one_page(turn))
    plain = _one_page()
    start = re.search(rb"startxref\n(\d+)", plain)
    assert start is not None
    yield ("xref-ring.pdf", plain.replace(b"/Root 1", b"/Prev " + start[1] + b" /Root 1"))
    yield ("xref-nowhere.pdf", plain.replace(start[0], b"startxref\n99999999999"))
    yield ("xref-negative.pdf", plain.replace(start[0], b"startxref\n-17"))
    yield ("contents-of-itself.pdf", draw.pdf_of_objects(_CATALOG, _TREE, _page(), b"[4 0 R 4 0 R]"))
    yield ("resources-of-itself.pdf", _one_page(b"/Resources 3 0 R"))
    yield ("object-of-itself.pdf", draw.pdf_of_objects(_CATALOG, _TREE, b"3 0 R"))
    form = b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources <</XObject <</Im0 5 0 R>>>>"
    drawn = _stream(form, b"/Im0 Do /Im0 Do")
    yield (
        "form-draws-itself.pdf",
        _one_page(b"/Resources <</XObject <</Im0 5 0 R>>>>", b"[0 0 9 9]", _SHOW, drawn),
    )
    yield ("content-deep.pdf", _one_page(content=b"q " * 60_000))
    yield (
        "content-operands.pdf",
        _one_page(content=b"1 " * 90_000 + b"cm (a) Do /X cm 1 2 cm [] Tr Tr Q Q Q"),
    )
    yield ("content-bomb.pdf", draw.pdf_of_objects(_CATALOG, _TREE, _page(), _stream(flate, bomb)))
    twice = zlib.compress(packed_zeros(140), 9)
    yield (
        "content-bomb-twice.pdf",
        draw.pdf_of_objects(_CATALOG, _TREE, _page(), _stream(b"/Filter [/FlateDecode /FlateDecode]", twice)),
    )
    inside = b"/Type /ObjStm /N 2 /First 20 " + flate
    yield ("object-stream-bomb.pdf", _object_streams(_stream(inside, bomb)))
    yield (
        "object-stream-of-itself.pdf",
        _object_streams(_stream(b"/Type /ObjStm /N 1 /First 4 /Extends 4 0 R", b"4 0 <<>>")),
    )
    yield ("image-bomb.pdf", _one_image(grey + flate + b"/Width 10 /Height 10", bomb))
    yield ("image-bomb-fits.pdf", _one_image(grey + flate + b"/Width 12000 /Height 12000", packed_zeros(140)))
    yield (
        "image-lies.pdf",
        _one_image(grey + flate + b"/Width 12000 /Height 12000", zlib.compress(b"short")),
    )
    yield ("image-huge.pdf", _one_image(grey + flate + b"/Width 2000000000 /Height 2000000000", b"x"))
    yield ("image-negative.pdf", _one_image(grey + flate + b"/Width -5 /Height (x)", b"x"))
    yield ("image-no-size.pdf", _one_image(grey + flate, b"x"))
    predictor = b"/DecodeParms <</Predictor 15 /Columns 2000000000 /Colors 4>> /Width 9 /Height 9"
    yield ("image-predictor.pdf", _one_image(grey + flate + predictor, zlib.compress(bytes(999))))
    fax = b"/ColorSpace /DeviceGray /BitsPerComponent 1 /Filter /CCITTFaxDecode "
    yield (
        "image-fax-huge.pdf",
        _one_image(fax + b"/DecodeParms <</K -1 /Columns 2000000000>> /Width 9 /Height 9", b"\0" * 50),
    )
    yield (
        "image-fax-zeros.pdf",
        _one_image(fax + b"/DecodeParms <</K -1 /Columns 9000>> /Width 9000 /Height 9000", b"\0" * 5000),
    )
    jbig2 = draw.jbig2(draw.striped_page(64, 64))
    big = struct.pack(">II", 2**31 - 1, 2**31 - 1)
    head = b"/ColorSpace /DeviceGray /BitsPerComponent 1 /Filter /JBIG2Decode /Width 64 /Height 64"
    yield ("image-jbig2-huge.pdf", _one_image(head, jbig2.replace(struct.pack(">II", 64, 64), big)))
    jpx = draw.picture(draw.striped_page(64, 64), "JPEG2000", no_jp2=True)
    lying = jpx.replace(struct.pack(">II", 64, 64), struct.pack(">II", 60_000, 60_000), 1)
    yield ("image-jpx-huge.pdf", _one_image(b"/Filter /JPXDecode /Width 64 /Height 64", lying))
    filters = b"/Filter [" + b"/ASCIIHexDecode " * 500 + b"] /Width 9 /Height 9 "
    yield ("image-filters.pdf", _one_image(grey + filters, b"00>"))
    colours = b"/ColorSpace [/Indexed [/Indexed /DeviceRGB 255 (x)] 99999 (y)] /BitsPerComponent 8 /Width 9 /Height 9"
    yield ("image-colours.pdf", _one_image(colours, bytes(81)))
    with pikepdf.open(io.BytesIO(draw.pdf_of_page(draw.striped_page(64, 64), "jpeg"))) as pdf:
        yield ("locked.pdf", draw.saved(pdf, encryption=pikepdf.Encryption(owner="o", user="u")))


def _object_streams(stream: bytes) -> bytes:
    """A PDF whose page is said to lie inside an object stream (number 4)."""
    out = bytearray(b"%PDF-1.7\n")
    places = {}
    for number, body in ((1, _CATALOG), (2, _TREE), (4, stream)):
        places[number] = len(out)
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(out)
    rows = [(0, 0, 255), (1, places[1], 0), (1, places[2], 0), (2, 4, 0), (1, places[4], 0), (1, start, 0)]
    table = b"".join(struct.pack(">BIB", *row) for row in rows)
    head = b"/Type /XRef /Size 6 /W [1 4 1] /Root 1 0 R"
    out += b"5 0 obj\n%b\nendobj\nstartxref\n%d\n%%%%EOF\n" % (_stream(head, table), start)
    return bytes(out)
