"""What a volunteer's months add up to, and indexes that hold what is added up of many."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

ENTRIES = ["volunteer_id", "starts_at", "id"]


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "hour_total",
        sa.Column("volunteer_id", sa.String(length=16), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("services", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["volunteer_id"], ["volunteer.person_id"], name=op.f("fk_hour_total_volunteer_id")),
        sa.PrimaryKeyConstraint("volunteer_id", name=op.f("pk_hour_total")),
    )
    op.execute(
        "INSERT INTO hour_total (volunteer_id, minutes, services) "
        "SELECT volunteer_id, sum(minutes), sum(services) FROM hour_month GROUP BY volunteer_id"
    )
    columns = ["estate_id", "minutes", "services"]
    op.create_index("ix_hour_month_given", "hour_month", ["volunteer_id", "month"], postgresql_include=columns)
    op.drop_index("ix_hour_entry_volunteer", table_name="hour_entry")
    op.create_index("ix_hour_entry_volunteer", "hour_entry", ENTRIES, postgresql_include=["minutes", "estate_id"])


def downgrade() -> None:
    """Back to the step before."""
    op.drop_index("ix_hour_entry_volunteer", table_name="hour_entry")
    op.create_index("ix_hour_entry_volunteer", "hour_entry", ENTRIES)
    op.drop_index("ix_hour_month_given", table_name="hour_month")
    op.drop_table("hour_total")
