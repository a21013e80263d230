"""The bytes of a scanned image: where they are, and the image without its masked zones, made once and kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.db.session import Sessions
from core.db.tables import MaskedImage, ScanFile, ScanImage
from core.imaging.darkness import BoxPx
from core.intake import readers
from core.pdf.compose import PdfPage
from core.services.transactions import reading
from core.storage.blobs import BlobStore


@dataclass(frozen=True)
class ImageFile:
    """Which image of which stored file shows a scanned image."""

    image_id: int
    sha256: str
    index: int
    kind: str


def image_files(session: Session, images: Iterable[ScanImage]) -> Mapping[int, ImageFile]:
    """Where images are, by their id; that of a phone photo is the page made straight."""
    images = list(images)
    files = {
        row.id: row
        for row in session.execute(
            select(ScanFile.id, ScanFile.sha256, ScanFile.kind).where(
                ScanFile.id.in_({image.scan_file_id for image in images})
            )
        )
    }
    return {
        image.id: ImageFile(image.id, image.made_sha256, 0, "jpeg")
        if image.made_sha256 is not None
        else ImageFile(
            image.id, files[image.scan_file_id].sha256, image.index, files[image.scan_file_id].kind
        )
        for image in images
    }


def embedded(sessions: Sessions, blobs: BlobStore, file: ImageFile, zones: frozenset[BoxPx]) -> PdfPage:
    """What a PDF takes to show an image without its zones: the page of the kept scan when nothing is to go.

    Raises:
        BadInput: The image cannot be read, or not be rewritten.
        NotFound: The file is not kept any more.
    """
    if not zones and file.kind == "pdf":
        return PdfPage(blobs.path(file.sha256), file.index)
    return PdfPage(blobs.get(without(sessions, blobs, file, zones)))


def without(sessions: Sessions, blobs: BlobStore, file: ImageFile, zones: frozenset[BoxPx]) -> str:
    """SHA-256 of an image without its zones, a JPEG; made on first need, then kept beside the original."""
    digest = zones_digest(zones)
    with reading(sessions) as session:
        known = session.get(MaskedImage, (file.image_id, digest))
        if known is not None:
            return known.sha256
    ordered = [list(zone) for zone in sorted(zones)]
    data, (content,) = readers.ask("whole", _path(blobs, file), index=file.index, zones=ordered)
    sha256 = blobs.put(content)
    row = MaskedImage(
        scan_image_id=file.image_id, zones_sha256=digest, sha256=sha256, lossless=bool(data["lossless"])
    )
    try:
        with sessions.begin() as session:
            session.add(row)
    except IntegrityError:
        pass  # somebody made the same image meanwhile
    return sha256


def zones_digest(zones: Iterable[BoxPx]) -> str:
    """SHA-256 of a set of zones, in whatever order they come."""
    return hashlib.sha256(json.dumps(sorted(list(zone) for zone in zones)).encode()).hexdigest()


def _path(blobs: BlobStore, file: ImageFile) -> Path:
    return blobs.path(file.sha256)
