"""Scan files of every kind for the tests, made from one drawn page."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pikepdf
from PIL import Image

from core.imaging.darkness import Gray

A4_PT = (595.276, 841.89)


def striped_page(width: int = 827, height: int = 1169) -> Gray:
    """A page that no turn or mirror leaves the same: writing-like strokes, a corner, a margin (100 dpi A4)."""
    gray = np.full((height, width), 255, np.uint8)
    gray[height // 20 : height // 8, width // 20 : width // 3] = 0
    gray[:, width // 7 : width // 7 + 3] = 90
    for row in range(height // 6, height - height // 12, height // 40):
        gray[row : row + 4, width // 5 : width // 5 + (row * 7919) % (width // 2) + 40] = 30
    return gray


def picture(gray: Gray, form: str, mode: str = "L", **save: Any) -> bytes:
    """A picture file of one image."""
    out = io.BytesIO()
    Image.fromarray(gray).convert(mode).save(out, form, **save)
    return out.getvalue()


def tiff_of(pages: Sequence[Image.Image], compression: str = "raw", **save: Any) -> bytes:
    """A TIFF file of several pages."""
    out = io.BytesIO()
    pages[0].save(out, "TIFF", save_all=True, append_images=list(pages[1:]), compression=compression, **save)
    return out.getvalue()


def bitonal(gray: Gray) -> Image.Image:
    return Image.fromarray(gray).point(lambda level: 255 if level > 127 else 0).convert("1", dither=0)


def group4(gray: Gray) -> bytes:
    """The page coded by ITU T.6, taken out of a TIFF of one strip; a set bit is black."""
    whole = tiff_of([bitonal(255 - gray)], "group4", tiffinfo={278: gray.shape[0]})
    with Image.open(io.BytesIO(whole)) as opened:
        (at,), (length,) = opened.tag_v2[273], opened.tag_v2[279]
    return whole[at : at + length]


def jbig2(gray: Gray) -> bytes:
    """A JBIG2 stream of one generic region whose data are coded by ITU T.6 (ITU T.88, 7.4.6.2, MMR)."""
    height, width = gray.shape

    def segment(number: int, kind: int, data: bytes) -> bytes:
        return struct.pack(">IBBBI", number, kind, 0, 1, len(data)) + data

    page = struct.pack(">IIIIBH", width, height, 0, 0, 0, 0)
    region = struct.pack(">IIIIBB", width, height, 0, 0, 0, 1) + group4(gray)
    return segment(0, 48, page) + segment(1, 38, region) + segment(2, 49, b"")


def image_stream(
    pdf: pikepdf.Pdf, data: bytes, size: tuple[int, int], codec: str, bits: int = 8, **more: Any
) -> pikepdf.Object:
    stream = pikepdf.Stream(pdf, data)
    filters = {"Filter": pikepdf.Name("/" + codec)} if codec else {}
    stream.stream_dict = pikepdf.Dictionary(
        Type=pikepdf.Name.XObject,
        Subtype=pikepdf.Name.Image,
        Width=size[0],
        Height=size[1],
        BitsPerComponent=bits,
        **({"ColorSpace": pikepdf.Name.DeviceGray} | filters | more),
    )
    return pdf.make_indirect(stream)


def pdf_page(
    data: bytes,
    size: tuple[int, int],
    codec: str,
    *,
    bits: int = 8,
    rotate: int = 0,
    extra: str = "",
    page_pt: tuple[float, float] = A4_PT,
    **more: Any,
) -> bytes:
    """A PDF of one page that shows one image over all of it."""
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=page_pt)
        page = pdf.pages[0]
        image = image_stream(pdf, data, size, codec, bits, **more)
        font = pikepdf.Dictionary(
            Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica
        )
        page.obj.Resources = pikepdf.Dictionary(
            XObject=pikepdf.Dictionary(Im0=image), Font=pikepdf.Dictionary(F1=font)
        )
        page.obj.Contents = pdf.make_stream(
            f"q {page_pt[0]} 0 0 {page_pt[1]} 0 0 cm /Im0 Do Q {extra}".encode()
        )
        if rotate:
            page.obj.Rotate = rotate
        return saved(pdf)


def pdf_of_page(gray: Gray, codec: str, **more: Any) -> bytes:
    """``pdf_page`` of a page coded as ``codec`` says."""
    size = gray.shape[1], gray.shape[0]
    if codec == "ccitt":
        parms = pikepdf.Dictionary(K=-1, Columns=size[0], Rows=size[1])
        return pdf_page(group4(gray), size, "CCITTFaxDecode", bits=1, DecodeParms=parms, **more)
    if codec == "jbig2":
        return pdf_page(jbig2(gray), size, "JBIG2Decode", bits=1, **more)
    if codec == "jpeg2000":
        data = picture(gray, "JPEG2000", no_jp2=True, irreversible=False)
        return pdf_page(data, size, "JPXDecode", **more)
    if codec == "jpeg":
        return pdf_page(picture(gray, "JPEG", quality=90), size, "DCTDecode", **more)
    return pdf_page(zlib.compress(gray.tobytes()), size, "FlateDecode", **more)


def pdf_of_parts(parts: Sequence[tuple[Gray, tuple[float, float, float, float]]]) -> bytes:
    """A PDF page of several images, each at (left, bottom, width, height) in points."""
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=A4_PT)
        images, content = pikepdf.Dictionary(), []
        for number, (gray, (left, bottom, width, height)) in enumerate(parts):
            size = gray.shape[1], gray.shape[0]
            images[f"/Im{number}"] = image_stream(pdf, zlib.compress(gray.tobytes()), size, "FlateDecode")
            content.append(f"q {width} 0 0 {height} {left} {bottom} cm /Im{number} Do Q")
        pdf.pages[0].obj.Resources = pikepdf.Dictionary(XObject=images)
        pdf.pages[0].obj.Contents = pdf.make_stream("\n".join(content).encode())
        return saved(pdf)


def saved(pdf: pikepdf.Pdf, **settings: Any) -> bytes:
    out = io.BytesIO()
    pdf.save(out, **settings)
    return out.getvalue()


def heic_of(*pages: Gray, quality: int = 80) -> bytes:
    """A HEIC file as a phone writes it."""
    import pillow_heif

    file = pillow_heif.HeifFile()
    for page in pages:
        file.add_from_pillow(Image.fromarray(page).convert("RGB"))
    out = io.BytesIO()
    file.save(out, quality=quality)
    return out.getvalue()


def zip_of(members: Sequence[tuple[str, bytes]], packed: bool = False) -> bytes:
    out = io.BytesIO()
    method = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def pdf_of_objects(*objects: bytes) -> bytes:
    """A PDF of objects 1, 2, 3 …, whose table of objects is right; the first is the catalogue."""
    out = bytearray(b"%PDF-1.7\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer <</Size %d /Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)
