"""Files as a copier writes them, from the images of a pile, with the truth of every half of every image."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pikepdf
from PIL import Image

from workbench.demo import defects
from workbench.demo.fonts import Gray
from workbench.demo.shots import HalfTruth, Shot

Codec = Literal["jpeg", "g4"]

_ROWS_PER_STRIP, _STRIP_OFFSETS, _STRIP_BYTES = 278, 273, 279


@dataclass(frozen=True)
class FedHalf:
    """What is true of one half of one image of a file; ``turn`` as in ``Shot``."""

    truth: HalfTruth
    turn: int


@dataclass(frozen=True, eq=False)
class FaultyFile:
    """One file to take in; ``halves`` is keyed by image and half as fed."""

    path: Path
    sha256: str
    halves: Mapping[tuple[int, str], FedHalf]


def write_pdf(path: Path, shots: Sequence[Shot], codec: Codec = "jpeg") -> FaultyFile:
    """A PDF with one image a page."""
    with pikepdf.new() as pdf:
        for shot in shots:
            _add_page(pdf, shot, codec)
        buffer = BytesIO()
        pdf.save(buffer, deterministic_id=True)
    return written(path, buffer.getvalue(), truth_of(shots))


def truth_of(shots: Sequence[Shot]) -> dict[tuple[int, str], FedHalf]:
    """The truth of images that follow each other in a file."""
    return {
        (image, half): FedHalf(truth, shot.turn)
        for image, shot in enumerate(shots)
        for half, truth in shot.halves.items()
    }


def written(path: Path, content: bytes, halves: Mapping[tuple[int, str], FedHalf]) -> FaultyFile:
    """A file with the truth about it."""
    path.write_bytes(content)
    return FaultyFile(path, hashlib.sha256(content).hexdigest(), halves)


def _add_page(pdf: pikepdf.Pdf, shot: Shot, codec: Codec) -> None:
    image = _g4(pdf, shot.pixels()) if codec == "g4" else _jpeg(pdf, shot.jpeg)
    width, height = (round(int(image[side]) / shot.dpi * 72, 2) for side in ("/Width", "/Height"))
    page = pikepdf.Dictionary(
        Type=pikepdf.Name.Page,
        MediaBox=[0, 0, width, height],
        Resources=pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im0=pdf.make_indirect(image))),
        Contents=pdf.make_indirect(pikepdf.Stream(pdf, f"q {width} 0 0 {height} 0 0 cm /Im0 Do Q".encode())),
    )
    pdf.pages.append(pikepdf.Page(pdf.make_indirect(page)))


def _jpeg(pdf: pikepdf.Pdf, jpeg: bytes) -> pikepdf.Stream:
    pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ValueError("not a picture")
    space = pikepdf.Name.DeviceGray if pixels.ndim == 2 else pikepdf.Name.DeviceRGB
    return _image(pdf, jpeg, pixels.shape[:2], ColorSpace=space, BitsPerComponent=8, filter_="/DCTDecode")


def _g4(pdf: pikepdf.Pdf, pixels: Gray) -> pikepdf.Stream:
    """Group 4 fax, as copiers set to black and white write it."""
    buffer = BytesIO()
    page = Image.fromarray(defects.bitonal(pixels)).convert("1", dither=Image.Dither.NONE)
    page.save(buffer, format="TIFF", compression="group4", tiffinfo={_ROWS_PER_STRIP: page.height})
    with Image.open(BytesIO(buffer.getvalue())) as tiff:
        tags = tiff.tag_v2  # type: ignore[attr-defined]
        (start,), (length,) = tags[_STRIP_OFFSETS], tags[_STRIP_BYTES]
        black_is_1 = tags[262] == 0
    data = buffer.getvalue()[start : start + length]
    parameters = pikepdf.Dictionary(K=-1, Columns=page.width, Rows=page.height, BlackIs1=not black_is_1)
    return _image(
        pdf,
        data,
        (page.height, page.width),
        ColorSpace=pikepdf.Name.DeviceGray,
        BitsPerComponent=1,
        filter_="/CCITTFaxDecode",
        DecodeParms=parameters,
    )


def _image(
    pdf: pikepdf.Pdf, data: bytes, shape: tuple[int, ...], *, filter_: str, **entries: object
) -> pikepdf.Stream:
    return pikepdf.Stream(
        pdf,
        data,
        Type=pikepdf.Name.XObject,
        Subtype=pikepdf.Name.Image,
        Height=shape[0],
        Width=shape[1],
        Filter=pikepdf.Name(filter_),
        **entries,
    )
