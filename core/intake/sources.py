"""The images of a scan file one by one, whatever kind of file it is (a ZIP is taken apart before).

Only a child process with limits opens a file that has not been taken in yet: see ``core.intake.limited``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from PIL import Image

from core.errors import BadInput
from core.imaging.grey import grey_of
from core.intake.kinds import Kind, kind_of
from core.intake.pictures import (
    PICTURE_FAULTS,
    Picture,
    as_shown,
    heic_pictures,
    measured,
    picture_grey,
    untouched_jpeg,
)
from core.intake.tiff import TiffPage, tiff_pages
from core.pdf.pages import PagePixels, PdfPages
from core.pdf.read import MAX_PAGES, inspect

__all__ = [
    "ImageInfo",
    "Source",
    "SourceInfo",
    "image_jpeg",
    "image_pixels",
    "inspect_source",
    "iter_images",
    "opened_source",
]


@dataclass(frozen=True)
class ImageInfo:
    """One image: its size in points as a viewer shows it."""

    index: int
    width_pt: float
    height_pt: float


@dataclass(frozen=True)
class SourceInfo:
    """What a scan file holds."""

    kind: Kind
    images: tuple[ImageInfo, ...]


class Source(Protocol):
    """An open scan file."""

    def __len__(self) -> int:
        """How many images it holds."""

    def pixels(self, index: int) -> PagePixels:
        """Grey pixels of one image as a viewer shows it.

        Raises:
            BadInput: ``page_unreadable`` (page, 1-based), ``page_image_too_large`` (page).
        """

    def jpeg(self, index: int) -> bytes | None:
        """The image's own JPEG when it is exactly one that is shown as it is stored; else ``None``."""

    def close(self) -> None:
        """Let go of the file."""


def inspect_source(path: Path, *, max_images: int) -> SourceInfo:
    """Recognise a file by its bytes, check it and measure its images, decoding none.

    Raises:
        BadInput: ``file_empty``, ``scan_kind_unknown``, ``archive_not_taken`` for a ZIP,
            ``scan_too_many_images`` (limit), ``scan_too_heavy``; for a PDF as ``core.pdf.read.inspect``,
            for a TIFF as ``tiff.tiff_pages``, for pictures as ``pictures.measured``.
    """
    kind = kind_of(path)
    if kind is Kind.ZIP:
        raise BadInput("archive_not_taken")
    if kind is Kind.PDF:
        pages = inspect(path, max_pages=max_images).pages
        return SourceInfo(kind, tuple(ImageInfo(page.index, page.width_pt, page.height_pt) for page in pages))
    if kind is Kind.TIFF:
        pictures = [_picture_of(page) for page in tiff_pages(path, max_images=max_images)]
    elif kind is Kind.HEIC:
        pictures = [picture for picture, _ in heic_pictures(path)]
    else:
        pictures = [measured(path, kind)]
    if len(pictures) > max_images:
        raise BadInput("scan_too_many_images", limit=max_images)
    sizes = [picture.size_pt() for picture in pictures]
    return SourceInfo(kind, tuple(ImageInfo(index, *size) for index, size in enumerate(sizes)))


@contextmanager
def opened_source(path: Path) -> Iterator[Source]:
    """Open a scan file whose images are asked for one by one.

    Raises:
        BadInput: As ``inspect_source``, for what concerns the file.
    """
    source = source_of(path)
    try:
        yield source
    finally:
        source.close()


def source_of(path: Path) -> Source:
    """An open scan file, which its user closes; as ``opened_source``."""
    kind = kind_of(path)
    if kind is Kind.ZIP:
        raise BadInput("archive_not_taken")
    if kind is Kind.PDF:
        return PdfPages(path)
    if kind is Kind.TIFF:
        return _TiffSource(path)
    if kind is Kind.HEIC:
        return _HeicSource(path)
    return _PictureSource(path, kind)


def image_pixels(path: Path, index: int) -> PagePixels:
    """Grey pixels of one image of a file, as ``Source.pixels``."""
    with opened_source(path) as source:
        return source.pixels(index)


def iter_images(path: Path, start: int = 0, stop: int | None = None) -> Iterator[PagePixels | BadInput]:
    """Images ``start`` to ``stop`` in turn, one in memory at a time.

    One that cannot be read comes as its ``BadInput`` instead of ending the file.

    Raises:
        BadInput: As ``inspect_source``, for what concerns the file.
    """
    with opened_source(path) as source:
        count = len(source)
        for index in range(start, count if stop is None else min(stop, count)):
            try:
                image: PagePixels | BadInput = source.pixels(index)
            except BadInput as error:
                image = error
            yield image


def image_jpeg(path: Path, index: int) -> bytes | None:
    """The untouched JPEG of an image, as ``Source.jpeg``."""
    with opened_source(path) as source:
        return source.jpeg(index)


def _picture_of(page: TiffPage) -> Picture:
    return Picture(page.width_px, page.height_px, page.orientation, page.resolution)


class _NoJpeg:
    """Files whose images are never exactly one JPEG."""

    def jpeg(self, index: int) -> bytes | None:  # noqa: ARG002 - the same answer for every image
        return None


class _TiffSource(_NoJpeg):
    def __init__(self, path: Path) -> None:
        self._path = path
        self._pages = tiff_pages(path, max_images=MAX_PAGES)
        self._image: Image.Image | None = None

    def __len__(self) -> int:
        return len(self._pages)

    def pixels(self, index: int) -> PagePixels:
        try:
            page = self._pages[index]
            gray = grey_of(self._decoded(page.frame))
        except MemoryError as error:
            raise BadInput("page_image_too_large", page=index + 1) from error
        except PICTURE_FAULTS as error:
            self.close()
            raise BadInput("page_unreadable", page=index + 1) from error
        picture = _picture_of(page)
        # Pillow has applied the turn: what remains is to make points square.
        resolution = picture.resolution.turned() if picture.is_turned else picture.resolution
        upright = replace(picture, orientation=1, resolution=resolution)
        gray, dpi = as_shown(gray, upright, index)
        return PagePixels(index, gray, dpi, page.codec)

    def _decoded(self, frame: int) -> Image.Image:
        """The page in Pillow's hands; the file stays open, since finding a page walks the chain of pages."""
        if self._image is None:
            self._image = Image.open(self._path, formats=("TIFF",))
        self._image.seek(frame)
        self._image.load()
        return self._image

    def close(self) -> None:
        if self._image is not None:
            self._image.close()
            self._image = None


class _PictureSource:
    def __init__(self, path: Path, kind: Kind) -> None:
        self._path, self._kind = path, kind

    def __len__(self) -> int:
        return 1

    def pixels(self, index: int) -> PagePixels:
        if index != 0:
            raise BadInput("page_unreadable", page=index + 1)
        try:
            gray, picture, damaged = picture_grey(self._path, self._kind)
            gray, dpi = as_shown(gray, picture, index)
        except MemoryError as error:
            raise BadInput("page_image_too_large", page=1) from error
        return PagePixels(0, gray, dpi, self._kind.value, damaged, picture.camera)

    def jpeg(self, index: int) -> bytes | None:
        return untouched_jpeg(self._path) if self._kind is Kind.JPEG and index == 0 else None

    def close(self) -> None:
        """Nothing stays open."""


class _HeicSource(_NoJpeg):
    def __init__(self, path: Path) -> None:
        self._path = path

    def __len__(self) -> int:
        return len(heic_pictures(self._path))

    def pixels(self, index: int) -> PagePixels:
        try:
            picture, image = heic_pictures(self._path)[index]
            gray, dpi = as_shown(grey_of(image.to_pillow()), picture, index)
        except MemoryError as error:
            raise BadInput("page_image_too_large", page=index + 1) from error
        except PICTURE_FAULTS as error:
            raise BadInput("page_unreadable", page=index + 1) from error
        return PagePixels(index, gray, dpi, "heic", camera=True)

    def close(self) -> None:
        """Nothing stays open."""
