"""Certificates: what was frozen, withdrawals, batches; records that came from other systems."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0010"
branch_labels = None
depends_on = None

OPEN = sa.text("state IN ('queued', 'running')")


def upgrade() -> None:
    """Expand."""
    op.add_column("certificate", sa.Column("digest", sa.String(length=64), nullable=False, server_default=""))
    op.add_column("certificate", sa.Column("contents", sa.Text(), nullable=True))
    op.create_table(
        "certificate_withdrawal",
        sa.Column("number", sa.String(length=24), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_by", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["number"], ["certificate.number"], name=op.f("fk_certificate_withdrawal_number")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_certificate_withdrawal")),
    )
    _batches()
    _records()


def _batches() -> None:
    op.create_table(
        "certificate_batch",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("estate_id", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("whom", sa.String(length=80), nullable=False),
        sa.Column("body_name", sa.String(length=80), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("to_day", sa.Date(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("asked_by", sa.String(length=16), nullable=False),
        sa.Column("asked_name", sa.String(length=60), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'cancelled')", name=op.f("ck_certificate_batch_state")
        ),
        sa.CheckConstraint("to_day >= from_day", name=op.f("ck_certificate_batch_period")),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_certificate_batch_estate_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate_batch")),
    )
    op.create_index("ix_certificate_batch_estate", "certificate_batch", ["estate_id", "created_at", "id"])
    op.create_index(
        "ix_certificate_batch_open", "certificate_batch", ["created_at"], postgresql_where=OPEN, sqlite_where=OPEN
    )
    op.create_table(
        "certificate_item",
        sa.Column("batch_id", sa.String(length=16), nullable=False),
        sa.Column("person_id", sa.String(length=16), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=24), nullable=True),
        sa.Column("left_out", sa.String(length=60), nullable=False, server_default=""),
        sa.ForeignKeyConstraint(["batch_id"], ["certificate_batch.id"], name=op.f("fk_certificate_item_batch_id")),
        sa.ForeignKeyConstraint(["number"], ["certificate.number"], name=op.f("fk_certificate_item_number")),
        sa.ForeignKeyConstraint(["person_id"], ["volunteer.person_id"], name=op.f("fk_certificate_item_person_id")),
        sa.PrimaryKeyConstraint("batch_id", "person_id", name=op.f("pk_certificate_item")),
        sa.UniqueConstraint("number", name=op.f("uq_certificate_item_number")),
    )
    op.create_index("ix_certificate_item_position", "certificate_item", ["batch_id", "position"])


def _records() -> None:
    op.create_table(
        "record_import",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("estate_id", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(length=40), nullable=False),
        sa.Column("filename", sa.String(length=200), nullable=False),
        sa.Column("sealed_file", sa.Text(), nullable=True),
        sa.Column("sealed_refused", sa.Text(), nullable=True),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("uploaded_by", sa.String(length=16), nullable=False),
        sa.Column("uploaded_name", sa.String(length=60), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('previewed', 'done', 'dropped')", name=op.f("ck_record_import_state")),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_record_import_estate_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record_import")),
    )
    op.create_index("ix_record_import_estate", "record_import", ["estate_id", "created_at", "id"])
    op.create_table(
        "record_origin",
        sa.Column("record_key", sa.String(length=64), nullable=False),
        sa.Column("entry_id", sa.String(length=16), nullable=False),
        sa.Column("import_id", sa.String(length=16), nullable=False),
        sa.Column("origin", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["hour_entry.id"], name=op.f("fk_record_origin_entry_id")),
        sa.ForeignKeyConstraint(["import_id"], ["record_import.id"], name=op.f("fk_record_origin_import_id")),
        sa.PrimaryKeyConstraint("record_key", name=op.f("pk_record_origin")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_record_origin_entry_id")),
    )
    op.create_index("ix_record_origin_import", "record_origin", ["import_id"])


def downgrade() -> None:
    """Back to the step before."""
    tables = ("record_origin", "record_import", "certificate_item", "certificate_batch", "certificate_withdrawal")
    for table in tables:
        op.drop_table(table)
    op.drop_column("certificate", "contents")
    op.drop_column("certificate", "digest")
