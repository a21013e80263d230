"""Which service runs which kind of job."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from core.db.session import Sessions
from core.imaging.direction import Direction, Writing
from core.jobs.running import Handler
from core.reading import reader
from core.reading.direction import DirectionReader
from core.reading.protocol import NameReader
from core.services.finalisation import FINALISE, run_finalise
from core.services.header_reading import read_headers
from core.services.ingestion import INGEST, READ, ingest
from core.settings import Settings
from core.storage.blobs import BlobStore


def handlers(sessions: Sessions, blobs: BlobStore, settings: Settings) -> Mapping[str, Handler]:
    """The handlers a worker passes to its engine; the reader is loaded when it is first needed."""

    @cache
    def name_reader() -> NameReader:
        return reader(settings.reader)

    @cache
    def direction_reader() -> DirectionReader:
        return DirectionReader()

    def direction(writing: Writing) -> Direction:
        return direction_reader().of_writing(writing)

    tells = None if settings.reader == "null" else direction
    return {
        INGEST: lambda held: ingest(sessions, blobs, held, tells),
        READ: lambda held: read_headers(sessions, blobs, name_reader(), held),
        FINALISE: lambda held: run_finalise(sessions, blobs, held),
    }
