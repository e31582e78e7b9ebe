"""Whose desk an order lies on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0003"
branch_labels = None
depends_on = None

OPEN = sa.text("state IN ('placed', 'dispatched', 'accepted', 'in_service')")
CALL_BACK = sa.text("call_back_due IS NOT NULL")
DONE = sa.text("state = 'completed'")
INDEXES = (
    ("ix_service_order_desk", ["desk_id", "due_at", "id"], OPEN),
    ("ix_service_order_desk_call_back", ["desk_id", "call_back_due"], CALL_BACK),
    ("ix_service_order_desk_done", ["desk_id", "due_at", "id"], DONE),
)


def upgrade() -> None:
    """Expand: every order lies on the desk of its estate's branch."""
    op.add_column("service_order", sa.Column("desk_id", sa.String(length=16), nullable=False, server_default=""))
    op.execute("UPDATE service_order SET desk_id = (SELECT branch_id FROM estate WHERE estate.id = service_order.estate_id)")
    op.create_index("ix_service_order_desk_placed", "service_order", ["desk_id", "placed_at", "id"])
    for name, columns, where in INDEXES:
        op.create_index(name, "service_order", columns, postgresql_where=where, sqlite_where=where)


def downgrade() -> None:
    """Back to the step before."""
    op.drop_index("ix_service_order_desk_placed", table_name="service_order")
    for name, _, _ in INDEXES:
        op.drop_index(name, table_name="service_order")
    op.drop_column("service_order", "desk_id")
