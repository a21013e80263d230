"""The journal's chain, workers, backups; connections that can be listed, refusals counted per address."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db.tables.base import Utc

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# As journal_entry (0001): links of the chain are added and never change. SQLite's INSERT OR REPLACE deletes
# without firing the triggers for deletion: what has the same key is refused before. An entry that is given no
# id is seen under -1 there.
APPEND_ONLY = {
    "sqlite": (
        "create trigger journal_seal_no_update before update on journal_seal "
        "begin select raise(abort, 'journal_seal is append-only'); end",
        "create trigger journal_seal_no_delete before delete on journal_seal "
        "begin select raise(abort, 'journal_seal is append-only'); end",
        "create trigger journal_seal_no_replace before insert on journal_seal when exists "
        "(select 1 from journal_seal where number = new.number or entry_id = new.entry_id or hash = new.hash) "
        "begin select raise(abort, 'journal_seal is append-only'); end",
        "create trigger journal_entry_no_replace before insert on journal_entry "
        "when new.id <> -1 and exists (select 1 from journal_entry where id = new.id) "
        "begin select raise(abort, 'journal_entry is append-only'); end",
    ),
    "postgresql": (
        "create function journal_seal_refuse() returns trigger language plpgsql as "
        "$$ begin raise exception 'journal_seal is append-only'; end $$",
        "create trigger journal_seal_append_only before update or delete or truncate on journal_seal "
        "for each statement execute function journal_seal_refuse()",
    ),
}


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "journal_seal",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("sealed_at", Utc(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["journal_entry.id"], name=op.f("fk_journal_seal_entry_id_journal_entry")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_journal_seal")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_journal_seal_entry_id")),
        sa.UniqueConstraint("hash", name=op.f("uq_journal_seal_hash")),
    )
    for statement in APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)
    op.create_table(
        "worker",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("engine", sa.String(length=64), nullable=False),
        sa.Column("started_at", Utc(timezone=True), nullable=False),
        sa.Column("seen_at", Utc(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker")),
        sa.UniqueConstraint("name", name=op.f("uq_worker_name")),
    )
    op.create_table(
        "backup",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("started_at", Utc(timezone=True), nullable=False),
        sa.Column("ended_at", Utc(timezone=True), nullable=False),
        sa.Column("manifest_sha256", sa.String(length=64), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backup")),
    )
    op.add_column("connection", sa.Column("agent", sa.String(), server_default="", nullable=False))
    op.add_column("connection", sa.Column("last_seen_at", Utc(timezone=True), nullable=True))
    op.add_column("connection", sa.Column("portal", sa.String(length=64), nullable=True))
    op.add_column(
        "sign_in_failure",
        sa.Column("address_sha256", sa.String(length=64), server_default="", nullable=False),
    )
    op.create_index(
        op.f("ix_sign_in_failure_address_sha256"), "sign_in_failure", ["address_sha256", "at"], unique=False
    )
