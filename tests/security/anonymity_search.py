"""The search for what tells whose a copy is: in pixels at the boxes of the ground truth, in bytes by every name.

Nothing here uses the code that masks: where a box lies on a page is worked out a second time.
"""

from __future__ import annotations

import html
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import cv2
import numpy as np
import numpy.typing as npt
import pikepdf
import pypdfium2

from workbench.demo.truth import Box, ImageTruth, Truth

Gray = npt.NDArray[np.uint8]
Shares = tuple[float, float, float, float]
"""A box in shares of an upright page, from its top left."""

LEVELS = 6
"""Pixels that differ by no more are one colour after JPEG: three grey levels either way."""

_RENDER_DPI = 100
_A4_PT = (595.276, 841.89)


@dataclass(frozen=True)
class ShownHalf:
    """A page of a copy: the fed image it comes from, its box there, the clockwise turn that makes it upright."""

    image: ImageTruth
    box: Box
    rotation_deg: int

    def place(self, box: Box) -> Shares | None:
        """Where a box of the fed image lies on the upright page; ``None`` when it lies elsewhere."""
        left, top, right, bottom = self.box
        width, height = right - left, bottom - top
        x0, x1 = (min(max(x - left, 0), width) / width for x in (box[0], box[2]))
        y0, y1 = (min(max(y - top, 0), height) / height for y in (box[1], box[3]))
        if x0 >= x1 or y0 >= y1:
            return None
        return {
            0: (x0, y0, x1, y1),
            90: (1 - y1, x0, 1 - y0, x1),
            180: (1 - x1, 1 - y1, 1 - x0, 1 - y0),
            270: (y0, 1 - x1, y1, 1 - x0),
        }[self.rotation_deg]

    @property
    def upright_size(self) -> tuple[int, int]:
        """(width, height) in pixels of the scan."""
        left, top, right, bottom = self.box
        size = (right - left, bottom - top)
        return size if self.rotation_deg % 180 == 0 else (size[1], size[0])


def telling_boxes(image: ImageTruth) -> dict[str, Box]:
    """The printed header of an image and the ink of each of its fields, in pixels as fed."""
    if image.header is None:
        return {}
    return {"header": image.header.box, **{name: field.ink for name, field in image.header.fields.items()}}


def seen_on_page(page: Gray, half: ShownHalf) -> set[str]:
    """The telling boxes that are not one colour on the picture of an upright page."""
    height, width = page.shape
    placed = {name: half.place(box) for name, box in telling_boxes(half.image).items()}
    return {
        name
        for name, shares in placed.items()
        if shares is not None and _is_drawn(page, shares, (0, 0, width, height))
    }


def seen_on_image(pixels: Gray, image: ImageTruth) -> set[str]:
    """The telling boxes that are not one colour on an image as fed."""
    assert pixels.shape == (image.height_px, image.width_px)
    return {name for name, box in telling_boxes(image).items() if _varies(_cut(pixels, box))}


def seen_in_pdf(content: bytes, halves: Mapping[int, ShownHalf]) -> set[tuple[int, str]]:
    """(page, box) of all that is not one colour in a marked PDF: in its image streams and as it is shown.

    Args:
        content: the PDF.
        halves: by page number, 1-based, what each page of the copy is.
    """
    found: set[tuple[int, str]] = set()
    with pikepdf.open(io.BytesIO(content)) as pdf:
        for number, half in halves.items():
            stream = pdf.pages[number - 1].Resources.XObject.Im0
            pixels = decoded(bytes(stream.read_raw_bytes()))
            found |= {(number, name) for name in seen_on_image(pixels, half.image)}
    document = pypdfium2.PdfDocument(content)
    try:
        for number, half in halves.items():
            bitmap = document[number - 1].render(scale=_RENDER_DPI / 72, grayscale=True)
            found |= {(number, name) for name in _seen_as_shown(bitmap.to_numpy().squeeze(), half)}
    finally:
        document.close()
    return found


def _seen_as_shown(sheet: Gray, half: ShownHalf) -> set[str]:
    """As :func:`seen_on_page` for a page placed in the middle of an A4 sheet, as large as fits."""
    width, height = half.upright_size
    scale = min(_A4_PT[0] / width, _A4_PT[1] / height) * _RENDER_DPI / 72
    rows, columns = sheet.shape
    left, top = (columns - width * scale) / 2, (rows - height * scale) / 2
    placed = {name: half.place(box) for name, box in telling_boxes(half.image).items()}
    frame = (left, top, left + width * scale, top + height * scale)
    return {name for name, shares in placed.items() if shares is not None and _is_drawn(sheet, shares, frame)}


def _is_drawn(page: Gray, shares: Shares, frame: tuple[float, float, float, float]) -> bool:
    left, top, right, bottom = frame
    wide, high = right - left, bottom - top
    x0, x1 = left + shares[0] * wide, left + shares[2] * wide
    y0, y1 = top + shares[1] * high, top + shares[3] * high
    return _varies(_cut(page, (int(np.ceil(x0)), int(np.ceil(y0)), int(x1), int(y1))))


def _cut(pixels: Gray, box: Box) -> Gray:
    left, top, right, bottom = box
    return pixels[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]


def _varies(part: Gray) -> bool:
    return bool(part.size) and int(part.max()) - int(part.min()) > LEVELS


def decoded(jpeg: bytes) -> Gray:
    """Grey pixels of a JPEG as stored."""
    gray = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION)
    assert gray is not None
    return gray.astype(np.uint8)


# --- words


_SHORTEST_IN_BYTES = 6
"""Fewer letters stand in a megabyte of compressed pixels by chance."""


class Telling:
    """Everything in writing that tells whose a copy is, or where it lies among the scans."""

    def __init__(self, truth: Truth, *, digests: Iterable[str], others: Iterable[str]) -> None:
        """Look for all pupils of ``truth``, present or not, the SHA-256 ``digests`` of scans, and ``others``."""
        words = set(others)
        for pupil in truth.pupils.values():
            words |= {pupil.surname, pupil.first_name, pupil.key, *_dates(pupil.birth_date)}
        self._digests = [bytes.fromhex(digest) for digest in digests]
        self._words = _pattern(folded(word) for word in words if word)
        self._byte_words = {
            spelt.encode(encoding, "ignore").lower(): folded(word)
            for word in words
            if len(word) >= _SHORTEST_IN_BYTES and word[0].isalpha()
            for spelt in (word, word.upper(), word.lower(), folded(word))
            for encoding in ("utf-8", "latin-1", "utf-16-be")
        }

    def in_text(self, text: str) -> set[str]:
        """What a text tells, whatever its accents, its case and how it was escaped for an address or a page."""
        readings = {text, unquote(text), html.unescape(text), _unescaped(text)}
        found = {word for reading in readings for word in self._words.findall(folded(reading))}
        return found | {digest.hex() for digest in self._digests if digest.hex()[:12] in text.lower()}

    def in_bytes(self, content: bytes) -> set[str]:
        """What bytes that are no text tell, in the encodings that files and PDF strings use."""
        lowered = content.lower()  # letters without accent only; the others are searched both ways
        found = {word for spelt, word in self._byte_words.items() if spelt in lowered}
        return found | {digest.hex() for digest in self._digests if digest in content}


def folded(text: str) -> str:
    """Without accents and case."""
    plain = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    return plain.casefold()


def _pattern(words: Iterable[str]) -> re.Pattern[str]:
    # DE LA TOUR is also de-la-tour; a word is not searched within another.
    longest_first = sorted(set(words), key=len, reverse=True)
    spelt = (r"[\W_]{0,3}".join(re.findall(r"\w+", word)) for word in longest_first)
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(spelt)})(?![^\W_])")


def _dates(iso: str) -> set[str]:
    year, month, day = iso.split("-")
    return {
        iso,
        f"{year}{month}{day}",
        f"{day}{month}{year}",
        f"{day}/{month}/{year}",
        f"{day}/{month}/{year[2:]}",
    }


def _unescaped(text: str) -> str:
    """JSON with its ``\\u00e9`` read, also within a string of other JSON."""
    return re.sub(r"\\+u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)


# --- what a PDF and a JPEG hold beside pixels


_PAGE_KEYS = ("/Type", "/Parent", "/MediaBox", "/CropBox", "/Resources", "/Contents", "/Rotate", "/Trans")


def jpeg_extras(jpeg: bytes) -> list[str]:
    """Segments of a JPEG beyond what shows its pixels (a bare JFIF header aside), and bytes after its end."""
    extras, at = [], 2
    while jpeg[at + 1] != 0xDA:
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4], "big")
        bare = marker == 0xE0 and jpeg[at + 4 : at + 9] == b"JFIF\0" and length == 16
        if (0xE0 <= marker <= 0xEF and not bare) or marker == 0xFE:
            extras.append(f"{marker:#x}")
        at += 2 + length
    end = jpeg.index(b"\xff\xd9", at) + 2
    return [*extras, "after"] if end < len(jpeg) else extras


def pdf_told(content: bytes, telling: Telling) -> set[str]:
    """What a PDF tells in words: shown text, every string, name and stream of its objects, its own bytes."""
    found = telling.in_bytes(content)
    with pikepdf.open(io.BytesIO(content)) as pdf:
        for text in _strings(pdf):
            found |= telling.in_text(text)
        for stream in _streams(pdf):
            is_image = stream.get("/Subtype") == pikepdf.Name.Image
            found |= telling.in_bytes(bytes(stream.read_raw_bytes() if is_image else stream.read_bytes()))
    document = pypdfium2.PdfDocument(content)
    try:
        for page in document:
            found |= telling.in_text(page.get_textpage().get_text_range())
    finally:
        document.close()
    return found


def pdf_extras(content: bytes) -> list[str]:
    """What a masked PDF has no use for: document information, metadata, outlines, attachments, thumbnails…"""
    with pikepdf.open(io.BytesIO(content)) as pdf:
        extras = [f"root {key}" for key in pdf.Root.keys() if key not in ("/Type", "/Pages", "/Version")]  # noqa: SIM118
        if "/Info" in pdf.trailer:
            extras.append("information")
        shown = {image.objgen for page in pdf.pages for image in page.Resources.get("/XObject", {}).values()}
        for number, page in enumerate(pdf.pages, 1):
            entries: Any = page.obj
            extras += [f"page {number} {key}" for key in entries.keys() if key not in _PAGE_KEYS]  # noqa: SIM118
        for stream in _streams(pdf):
            if "/Metadata" in stream:
                extras.append("metadata")
            if stream.get("/Subtype") != pikepdf.Name.Image:
                continue
            if stream.objgen not in shown:
                extras.append("image that no page shows")
            extras += [f"image {extra}" for extra in jpeg_extras(bytes(stream.read_raw_bytes()))]
    return extras


def _streams(pdf: pikepdf.Pdf) -> Iterator[pikepdf.Stream]:
    return (thing for thing in pdf.objects if isinstance(thing, pikepdf.Stream))


def _strings(pdf: pikepdf.Pdf) -> Iterator[str]:
    for thing in pdf.objects:
        yield from _strings_of(thing)


def _strings_of(thing: object) -> Iterator[str]:
    if isinstance(thing, pikepdf.String | pikepdf.Name):
        yield str(thing)
    elif isinstance(thing, pikepdf.Array):
        for item in thing:
            yield from () if getattr(item, "is_indirect", False) else _strings_of(item)
    elif isinstance(thing, pikepdf.Dictionary | pikepdf.Stream):
        for key, item in thing.items():
            yield key
            yield from () if getattr(item, "is_indirect", False) else _strings_of(item)
