"""What a past day knew of durations and of people who were active.

Of durations nothing was kept of when they came to be known: what is kept so far counts as known today. The ledger says
of every entry when it was recorded, so its sums are emptied together with their marks: figures come from the ledger
until the next sweep has filled the sums again, each entry by the day on which it was recorded.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0013"
branch_labels = None
depends_on = None


def _table(name: str, *more: sa.Column) -> None:
    keys = [
        sa.Column("node_id", sa.String(length=16), nullable=False),
        sa.Column("grain", sa.String(length=1), nullable=False),
        sa.Column("item", sa.String(length=30), nullable=False),
        sa.Column("period", sa.Date(), nullable=False),
        *more[:-1],
        sa.Column("known_on", sa.Date(), nullable=False),
    ]
    op.create_table(
        name, *keys, more[-1],
        sa.CheckConstraint("grain IN ('d', 'm')", name=op.f(f"ck_{name}_grain")),
        sa.PrimaryKeyConstraint(*[key.name for key in keys], name=op.f(f"pk_{name}")),
    )


def upgrade() -> None:
    """Expand."""
    _table(
        "rollup_time_known",
        sa.Column("step", sa.String(length=12), nullable=False),
        sa.Column("bucket", sa.Integer(), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
    )
    _table(
        "active_known",
        sa.Column("prev", sa.Date(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
    )
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
    op.get_bind().execute(
        sa.text(
            "INSERT INTO rollup_time_known (node_id, grain, item, period, step, bucket, known_on, orders) "
            "SELECT node_id, grain, item, period, step, bucket, :today, orders FROM rollup_time"
        ).bindparams(sa.bindparam("today", today, sa.Date()))
    )
    op.create_table(
        "active_seen",
        sa.Column("volunteer_id", sa.String(length=16), nullable=False),
        sa.Column("path", sa.String(length=170), nullable=False),
        sa.Column("item", sa.String(length=30), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("known_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("volunteer_id", "path", "item", name=op.f("pk_active_seen")),
    )
    op.create_index("ix_active_seen_path", "active_seen", ["path"])
    op.execute("DELETE FROM roll_mark WHERE stream = 'hours'")
    op.execute("DELETE FROM active")
    for table in ("rollup", "rollup_known"):
        op.execute(f"UPDATE {table} SET minutes = 0, services = 0")


def downgrade() -> None:
    """Back to the step before."""
    op.drop_table("active_seen")
    op.drop_table("active_known")
    op.drop_table("rollup_time_known")
