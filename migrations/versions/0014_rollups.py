"""Sums kept for reports."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0009"
branch_labels = None
depends_on = None

VECTOR = (
    "placed", "dispatched", "accepted", "completed", "closed", "cancelled", "sent_back", "on_time", "due", "responded",
    "to_respond", "solved", "asked", "satisfied", "rated", "unreachable", "reopened",
    "repeated",
)
SUMS = (*VECTOR, "minutes", "services")


def _numbers(names: tuple[str, ...]) -> list[sa.Column]:
    return [sa.Column(name, sa.Integer(), nullable=False) for name in names]


def _rollup(table: str, keys: list[sa.Column]) -> None:
    op.create_table(
        table, *keys, *_numbers(SUMS),
        sa.CheckConstraint("grain IN ('d', 'm')", name=op.f(f"ck_{table}_grain")),
        sa.PrimaryKeyConstraint(*[key.name for key in keys], name=op.f(f"pk_{table}")),
    )


def _keys() -> list[sa.Column]:
    return [
        sa.Column("node_id", sa.String(length=16), nullable=False),
        sa.Column("grain", sa.String(length=1), nullable=False),
        sa.Column("item", sa.String(length=30), nullable=False),
        sa.Column("period", sa.Date(), nullable=False),
    ]


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "order_count",
        sa.Column("order_id", sa.String(length=16), nullable=False),
        sa.Column("estate_id", sa.String(length=16), nullable=False),
        sa.Column("path", sa.String(length=170), nullable=False),
        sa.Column("item", sa.String(length=30), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        *[sa.Column(step, sa.Integer(), nullable=True) for step in ("to_dispatch", "to_accept", "to_complete")],
        *_numbers(VECTOR),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_order_count")),
    )
    op.create_index("ix_order_count_estate", "order_count", ["estate_id", "day"])
    _rollup("rollup", _keys())
    _rollup("rollup_known", [*_keys(), sa.Column("known_on", sa.Date(), nullable=False)])
    op.create_table(
        "roll_mark",
        sa.Column("estate_id", sa.String(length=16), nullable=False),
        sa.Column("stream", sa.String(length=10), nullable=False),
        sa.Column("upto", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_roll_mark_estate_id")),
        sa.PrimaryKeyConstraint("estate_id", "stream", name=op.f("pk_roll_mark")),
    )
    op.create_table(
        "rollup_time",
        *_keys(),
        sa.Column("step", sa.String(length=12), nullable=False),
        sa.Column("bucket", sa.Integer(), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.CheckConstraint("grain IN ('d', 'm')", name=op.f("ck_rollup_time_grain")),
        sa.PrimaryKeyConstraint("node_id", "grain", "item", "period", "step", "bucket", name=op.f("pk_rollup_time")),
    )
    op.create_table(
        "roll_path",
        sa.Column("estate_id", sa.String(length=16), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("path", sa.String(length=170), nullable=False),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_roll_path_estate_id")),
        sa.PrimaryKeyConstraint("estate_id", "since", name=op.f("pk_roll_path")),
    )
    op.create_table(
        "active",
        *_keys(),
        sa.Column("prev", sa.Date(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.CheckConstraint("grain IN ('d', 'm')", name=op.f("ck_active_grain")),
        sa.PrimaryKeyConstraint("node_id", "grain", "item", "period", "prev", name=op.f("pk_active")),
    )
    op.create_index("ix_hour_entry_recorded", "hour_entry", ["estate_id", "recorded_at"])


def downgrade() -> None:
    """Back to the step before."""
    op.drop_index("ix_hour_entry_recorded", table_name="hour_entry")
    for table in ("rollup_time", "active", "roll_path", "roll_mark", "rollup_known", "rollup", "order_count"):
        op.drop_table(table)
