"""Scanner-like PDF files for the tests: one JPEG a page."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pikepdf

A3_PT = (1190.55, 841.89)


def pdf_of(
    jpegs: Sequence[bytes], size_pt: tuple[float, float] = A3_PT, rotate: int = 0, extra: str = ""
) -> bytes:
    """A PDF that shows each JPEG on a page of its own."""
    from core.imaging.mask import jpeg_size

    with pikepdf.new() as pdf:
        for jpeg in jpegs:
            width, height = jpeg_size(jpeg)
            image = pikepdf.Stream(pdf, jpeg)
            image.stream_dict = pikepdf.Dictionary(
                Type=pikepdf.Name.XObject,
                Subtype=pikepdf.Name.Image,
                Width=width,
                Height=height,
                BitsPerComponent=8,
                ColorSpace=pikepdf.Name.DeviceGray,
                Filter=pikepdf.Name.DCTDecode,
            )
            pdf.add_blank_page(page_size=size_pt)
            page = pdf.pages[-1]
            page.obj.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im0=pdf.make_indirect(image)))
            content = f"q {size_pt[0]} 0 0 {size_pt[1]} 0 0 cm /Im0 Do Q {extra}"
            page.obj.Contents = pdf.make_stream(content.encode())
            if rotate:
                page.obj.Rotate = rotate
        out = io.BytesIO()
        pdf.save(out, compress_streams=True)
        return out.getvalue()
