"""The page ledger held by the schema itself; control of scans, repairs, double scans, header models, uploads."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db.tables.base import Utc

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATUSES = "status in ('waiting', 'running', 'done', 'failed', 'cancelled')"


def upgrade() -> None:
    """Apply; SQLite alters no constraint, so Alembic's batches copy the table there."""
    _scan_files()
    _images_and_halves()
    _booklets()
    _jobs()
    op.add_column("page_set", sa.Column("notice", sa.JSON(), server_default="{}", nullable=False))
    op.add_column("marking", sa.Column("seen_page_set", sa.Integer(), nullable=True))
    _new_tables()


def _scan_files() -> None:
    op.add_column(
        "scan_file", sa.Column("kind", sa.String(length=64), server_default="pdf", nullable=False)
    )
    op.add_column("scan_file", sa.Column("archive_sha256", sa.String(length=64), nullable=True))
    op.add_column("scan_file", sa.Column("archive_name", sa.String(), nullable=True))
    op.add_column("scan_file", sa.Column("checked_at", Utc(timezone=True), nullable=True))
    op.add_column("scan_file", sa.Column("checked_by", sa.String(), nullable=True))
    # What was taken in before there was a control went straight to identification.
    op.execute(
        "update scan_file set checked_at = ingested_at, checked_by = 'system' where ingested_at is not null"
    )
    with op.batch_alter_table("scan_file") as table:
        table.alter_column("byte_size", existing_type=sa.Integer(), type_=sa.BigInteger())
        table.create_check_constraint(
            op.f("ck_scan_file_checked_by_somebody"), "(checked_at is null) = (checked_by is null)"
        )


def _images_and_halves() -> None:
    op.add_column("scan_image", sa.Column("made_sha256", sa.String(length=64), nullable=True))
    op.add_column("scan_image", sa.Column("sheet", sa.Integer(), server_default="1", nullable=False))
    for name, value in (("side", "single"), ("cut", "whole"), ("first_half", "full")):
        op.add_column(
            "scan_image", sa.Column(name, sa.String(length=64), server_default=value, nullable=False)
        )
    op.add_column("scan_image", sa.Column("second_half", sa.String(length=64), nullable=True))
    for column in ("cut", "ruling", "page_mark"):
        kind = sa.String() if column == "page_mark" else sa.String(length=64)
        op.add_column("half_page", sa.Column(column, kind, server_default="", nullable=False))
    op.add_column("half_page", sa.Column("settled", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("half_page", sa.Column("thumb_sha256", sa.String(length=64), nullable=True))
    op.add_column("half_page", sa.Column("likeness", sa.LargeBinary(), nullable=True))
    for column in ("hand", "mark_crops"):
        op.add_column("half_page", sa.Column(column, sa.JSON(), server_default="[]", nullable=False))
    for first, second, cut in (("left", "right", "left_right"), ("top", "bottom", "top_bottom")):
        op.execute(
            f"update scan_image set cut = '{cut}', first_half = '{first}', second_half = '{second}' "  # noqa: S608
            f"where exists (select 1 from half_page where scan_image_id = scan_image.id and half = '{first}')"
        )
    op.execute(
        'update scan_image set sheet = "index" / 2 + 1, '
        "side = case \"index\" % 2 when 0 then 'front' else 'back' end where cut <> 'whole'"
    )
    op.execute("update scan_image set sheet = \"index\" + 1 where cut = 'whole'")
    op.execute(
        "update half_page set cut = (select cut from scan_image where scan_image.id = half_page.scan_image_id)"
    )
    with op.batch_alter_table("scan_image") as table:
        table.drop_column("half_count")
        table.create_unique_constraint(op.f("uq_scan_image_id_cut"), ["id", "cut"])
        table.create_check_constraint(op.f("ck_scan_image_side_known"), "side in ('front', 'back', 'single')")
        table.create_check_constraint(
            op.f("ck_scan_image_cut_names_halves"),
            "cut = 'whole' and first_half = 'full' and second_half is null"
            " or cut = 'left_right' and first_half = 'left' and second_half = 'right'"
            " or cut = 'top_bottom' and first_half = 'top' and second_half = 'bottom'",
        )
        for name in ("first_half", "second_half"):
            table.create_foreign_key(
                f"fk_scan_image_{name}",
                "half_page",
                ["id", name],
                ["scan_image_id", "half"],
                deferrable=True,
                initially="DEFERRED",
            )
    with op.batch_alter_table("half_page") as table:
        table.drop_constraint(op.f("ck_half_page_half_known"), type_="check")
        table.create_foreign_key(
            op.f("fk_half_page_scan_image_id_cut_scan_image"),
            "scan_image",
            ["scan_image_id", "cut"],
            ["id", "cut"],
        )
        table.create_check_constraint(
            op.f("ck_half_page_half_of_cut"),
            "cut = 'whole' and half = 'full' or cut = 'left_right' and half in ('left', 'right')"
            " or cut = 'top_bottom' and half in ('top', 'bottom')",
        )


def _booklets() -> None:
    op.add_column("booklet", sa.Column("dissolved", sa.Boolean(), server_default=sa.false(), nullable=False))
    with op.batch_alter_table("booklet") as table:
        table.drop_constraint("uq_booklet_scan_file_id_position", type_="unique")
        table.create_check_constraint(
            op.f("ck_booklet_dissolved_has_no_copy"), "not dissolved or copy_id is null"
        )
    op.create_index("ix_booklet_scan_file_id", "booklet", ["scan_file_id", "position"])
    op.execute(
        'update booklet set position = coalesce((select 2 * scan_image."index" + '
        "case when half_page.half in ('right', 'bottom') then 1 else 0 end from half_page join scan_image "
        "on scan_image.id = half_page.scan_image_id where half_page.booklet_id = booklet.id "
        "and half_page.position = 1), position)"
    )


def _jobs() -> None:
    with op.batch_alter_table("job") as table:
        table.drop_constraint(op.f("ck_job_status_known"), type_="check")
        table.create_check_constraint(op.f("ck_job_status_known"), STATUSES)


def _new_tables() -> None:
    op.create_table(
        "double_scan",
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("other_image_id", sa.Integer(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("verdict", sa.String(length=64), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", Utc(timezone=True), nullable=True),
        sa.CheckConstraint(
            "verdict in ('open', 'double', 'distinct')", name=op.f("ck_double_scan_verdict_known")
        ),
        sa.CheckConstraint(
            "(verdict = 'open') = (decided_at is null)", name=op.f("ck_double_scan_verdict_is_dated")
        ),
        sa.ForeignKeyConstraint(
            ["image_id"], ["scan_image.id"], name=op.f("fk_double_scan_image_id_scan_image")
        ),
        sa.ForeignKeyConstraint(
            ["other_image_id"], ["scan_image.id"], name=op.f("fk_double_scan_other_image_id_scan_image")
        ),
        sa.PrimaryKeyConstraint("image_id", "other_image_id", name=op.f("pk_double_scan")),
    )
    op.create_table(
        "repair",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("paper_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", Utc(timezone=True), nullable=False),
        sa.Column("undone_by", sa.String(), nullable=True),
        sa.Column("undone_at", Utc(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(undone_at is null) = (undone_by is null)", name=op.f("ck_repair_undone_by_somebody")
        ),
        sa.ForeignKeyConstraint(["paper_id"], ["paper.id"], name=op.f("fk_repair_paper_id_paper")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repair")),
    )
    op.create_index("ix_repair_paper_id", "repair", ["paper_id", "id"])
    op.create_table(
        "header_model",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("model", sa.JSON(), nullable=False),
        sa.Column("sample_sha256", sa.String(length=64), nullable=False),
        sa.Column("sample_index", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", Utc(timezone=True), nullable=False),
        sa.CheckConstraint("kind in ('copy', 'annex')", name=op.f("ck_header_model_kind_known")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["exam_session.id"], name=op.f("fk_header_model_session_id_exam_session")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_header_model")),
        sa.UniqueConstraint("session_id", "name", name=op.f("uq_header_model_session_id_name")),
    )
    op.create_table(
        "upload",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("paper_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("byte_size", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("created_at", Utc(timezone=True), nullable=False),
        sa.Column("touched_at", Utc(timezone=True), nullable=False),
        sa.Column("ended_at", Utc(timezone=True), nullable=True),
        sa.CheckConstraint(
            "received >= 0 and received <= byte_size", name=op.f("ck_upload_received_within_size")
        ),
        sa.ForeignKeyConstraint(["paper_id"], ["paper.id"], name=op.f("fk_upload_paper_id_paper")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_upload_account_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload")),
        sa.UniqueConstraint("token", name=op.f("uq_upload_token")),
    )
    op.create_table(
        "masked_image",
        sa.Column("scan_image_id", sa.Integer(), nullable=False),
        sa.Column("zones_sha256", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("lossless", sa.Boolean(), nullable=False),
        sa.Column("created_at", Utc(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["scan_image_id"], ["scan_image.id"], name=op.f("fk_masked_image_scan_image_id_scan_image")
        ),
        sa.PrimaryKeyConstraint("scan_image_id", "zones_sha256", name=op.f("pk_masked_image")),
    )
