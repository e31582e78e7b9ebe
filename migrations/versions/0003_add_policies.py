"""What estates decide for themselves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "policy",
        sa.Column("estate_id", sa.String(length=16), nullable=False),
        sa.Column("topic", sa.String(length=30), nullable=False),
        sa.Column("chosen", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_policy_estate_id")),
        sa.PrimaryKeyConstraint("estate_id", "topic", name=op.f("pk_policy")),
    )


def downgrade() -> None:
    """Back to the step before."""
    op.drop_table("policy")
