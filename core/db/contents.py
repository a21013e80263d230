"""What a database holds, told in few words: revision, rows of each table, head of the journal, files it names.

Tables are read off the database itself, not off this program's schema: those of the job engine and those
of another revision count too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, select, text

from core.db.migrate import config
from core.db.tables import Document, HalfPage, Header, JournalSeal, MaskedImage, ScanFile, ScanImage

FILE_COLUMNS = frozenset(
    {
        ("document", "sha256"),
        ("half_page", "mark_crops"),
        ("half_page", "thumb_sha256"),
        ("header", "crop_sha256"),
        ("header", "field_crops"),
        ("masked_image", "sha256"),
        ("scan_file", "sha256"),
        ("scan_image", "made_sha256"),
    }
)
"""Every column that names stored files; :func:`files_named` reads them."""

OTHER_COLUMNS = frozenset(
    {
        ("annotation", "shape"),
        ("backup", "manifest_sha256"),
        ("connection", "token_sha256"),
        ("half_page", "box_px"),
        ("half_page", "hand"),
        ("half_page", "mask_boxes_px"),
        ("header_model", "model"),
        ("header_model", "sample_sha256"),
        ("job", "error_details"),
        ("job", "payload"),
        ("journal_entry", "digest"),
        ("journal_seal", "hash"),
        ("journal_seal", "previous"),
        ("journal_value", "values"),
        ("masked_image", "zones_sha256"),
        ("page_set", "notice"),
        ("proposal", "matched"),
        ("proposal", "read_as"),
        ("repair", "changes"),
        ("scan_file", "archive_sha256"),
        ("sign_in_failure", "address_sha256"),
        ("sign_in_failure", "login_sha256"),
        ("sign_in_ticket", "ticket_sha256"),
        ("upload", "options"),
    }
)
"""Digests and JSON that name no stored file. A test demands that a new column stands in one of the two."""


@dataclass(frozen=True)
class JournalHead:
    """The last link of the journal's chain."""

    number: int
    hash: str


def rows_per_table(connection: Connection) -> dict[str, int]:
    """How many rows each table holds, by name (``schema.table`` outside the default schema)."""
    inspector = inspect(connection)
    quote = connection.dialect.identifier_preparer.quote
    default = inspector.default_schema_name
    counted: dict[str, int] = {}
    for schema in inspector.get_schema_names():
        if schema == "information_schema":
            continue
        for table in inspector.get_table_names(schema=schema):
            name = table if schema == default else f"{schema}.{table}"
            found = connection.scalar(text(f"select count(*) from {quote(schema)}.{quote(table)}"))  # noqa: S608 - quoted
            counted[name] = int(found or 0)
    return dict(sorted(counted.items()))


def known_revisions() -> frozenset[str]:
    """Every revision this program can migrate from, its own included."""
    scripts = ScriptDirectory.from_config(config(""))
    return frozenset(script.revision for script in scripts.walk_revisions())


def journal_head(connection: Connection) -> JournalHead | None:
    """The last link of the chain, ``None`` while nothing is sealed."""
    if not inspect(connection).has_table(JournalSeal.__tablename__):
        return None
    last = connection.execute(
        select(JournalSeal.number, JournalSeal.hash).order_by(JournalSeal.number.desc()).limit(1)
    ).first()
    return JournalHead(last.number, last.hash) if last else None


def files_named(connection: Connection) -> dict[str, str]:
    """SHA-256 of every stored file that a row names, with one such row: ``scan_file 12``."""
    named: dict[str, str] = {}
    for table, row, sha256 in _names(connection):
        named.setdefault(sha256, f"{table} {row}")
    return named


def _names(connection: Connection) -> list[tuple[str, Any, str]]:
    found: list[tuple[str, Any, str]] = []
    found += [
        ("scan_file", row, sha256) for row, sha256 in connection.execute(select(ScanFile.id, ScanFile.sha256))
    ]
    found += [
        ("document", row, sha256) for row, sha256 in connection.execute(select(Document.id, Document.sha256))
    ]
    if inspect(connection).has_table(MaskedImage.__tablename__):  # since revision 0003
        found += _names_of_pages(connection)
    headers = select(Header.booklet_id, Header.crop_sha256, Header.field_crops)
    for row, crop, fields in connection.execute(headers):
        found += [("header", row, sha256) for sha256 in (crop, *fields.values())]
    return found


def _names_of_pages(connection: Connection) -> list[tuple[str, Any, str]]:
    found: list[tuple[str, Any, str]] = [
        ("scan_image", row, sha256)
        for row, sha256 in connection.execute(select(ScanImage.id, ScanImage.made_sha256))
        if sha256 is not None
    ]
    pages = select(HalfPage.id, HalfPage.thumb_sha256, HalfPage.mark_crops)
    for row, thumb, marks in connection.execute(pages):
        found += [
            ("half_page", row, sha256) for sha256 in (thumb, *(mark["sha256"] for mark in marks)) if sha256
        ]
    masked = select(MaskedImage.scan_image_id, MaskedImage.sha256)
    found += [("masked_image", row, sha256) for row, sha256 in connection.execute(masked)]
    return found
