"""Standing orders with their visits, private calendar feeds, and which series an order comes from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0004"
branch_labels = None
depends_on = None

OPEN = sa.text("state IN ('proposed', 'active', 'paused')")
MADE = sa.text("state = 'made'")
WISHED = sa.text("preferred_start IS NOT NULL")
LIVE_FEED = sa.text("withdrawn_at IS NULL")
HELPER_STATES = "('', 'named', 'asked', 'agreed', 'declined', 'gone')"


def upgrade() -> None:
    """Expand."""
    _series()
    _visits()
    _feeds()
    op.add_column("service_order", sa.Column("standing_id", sa.String(length=16), nullable=True))
    op.create_index("ix_service_order_wished", "service_order", ["estate_id", "preferred_start"], postgresql_where=WISHED, sqlite_where=WISHED)


def _series() -> None:
    op.create_table(
        "standing_order",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("estate_id", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.String(length=16), nullable=False),
        sa.Column("item_code", sa.String(length=30), nullable=False),
        sa.Column("item_name", sa.String(length=30), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("attention", sa.Text(), nullable=False),
        sa.Column("pattern", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("times", sa.Integer(), nullable=True),
        sa.Column("start_minute", sa.Integer(), nullable=False),
        sa.Column("end_minute", sa.Integer(), nullable=False),
        sa.Column("holidays", sa.String(length=5), nullable=False),
        sa.Column("steady_id", sa.String(length=16), nullable=True),
        sa.Column("steady_name", sa.String(length=60), nullable=False),
        sa.Column("steady_state", sa.String(length=10), nullable=False),
        sa.Column("standin_id", sa.String(length=16), nullable=True),
        sa.Column("standin_name", sa.String(length=60), nullable=False),
        sa.Column("standin_state", sa.String(length=10), nullable=False),
        sa.Column("pause_from", sa.Date(), nullable=True),
        sa.Column("pause_until", sa.Date(), nullable=True),
        sa.Column("settle_from", sa.Date(), nullable=False),
        sa.Column("made_until", sa.Date(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("placed_by", sa.String(length=16), nullable=False),
        sa.Column("placed_by_name", sa.String(length=60), nullable=False),
        sa.Column("placed_as", sa.String(length=6), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('proposed', 'active', 'paused', 'ended')", name=op.f("ck_standing_order_state")),
        sa.CheckConstraint("placed_as IN ('self', 'family', 'staff')", name=op.f("ck_standing_order_placed_as")),
        sa.CheckConstraint("holidays IN ('skip', 'next', 'keep')", name=op.f("ck_standing_order_holidays")),
        sa.CheckConstraint("start_minute >= 0 AND end_minute > start_minute AND end_minute <= 1440", name=op.f("ck_standing_order_minutes")),
        sa.CheckConstraint("until IS NULL OR until >= starts_on", name=op.f("ck_standing_order_until")),
        sa.CheckConstraint("times IS NULL OR times BETWEEN 1 AND 520", name=op.f("ck_standing_order_times")),
        sa.CheckConstraint("pause_until IS NULL OR pause_until >= pause_from", name=op.f("ck_standing_order_pause")),
        sa.CheckConstraint(f"steady_state IN {HELPER_STATES} AND standin_state IN {HELPER_STATES}", name=op.f("ck_standing_order_helpers")),
        sa.CheckConstraint("steady_id IS NULL OR standin_id IS NULL OR steady_id <> standin_id", name=op.f("ck_standing_order_two_helpers")),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_standing_order_estate_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_standing_order_person_id")),
        sa.ForeignKeyConstraint(["steady_id"], ["volunteer.person_id"], name=op.f("fk_standing_order_steady_id")),
        sa.ForeignKeyConstraint(["standin_id"], ["volunteer.person_id"], name=op.f("fk_standing_order_standin_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standing_order")),
    )
    op.create_index("ix_standing_order_estate", "standing_order", ["estate_id", "created_at", "id"])
    op.create_index("ix_standing_order_person", "standing_order", ["person_id", "created_at", "id"])
    for name, column in (("due", "due_on"), ("steady", "steady_id"), ("standin", "standin_id")):
        op.create_index(f"ix_standing_order_{name}", "standing_order", [column], postgresql_where=OPEN, sqlite_where=OPEN)


def _visits() -> None:
    op.create_table(
        "standing_visit",
        sa.Column("standing_id", sa.String(length=16), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("estate_id", sa.String(length=16), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("order_id", sa.String(length=16), nullable=True),
        sa.Column("by_hand", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("made_as", sa.String(length=16), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('made', 'skipped')", name=op.f("ck_standing_visit_state")),
        sa.CheckConstraint("(state = 'made') = (order_id IS NOT NULL)", name=op.f("ck_standing_visit_order")),
        sa.ForeignKeyConstraint(["order_id"], ["service_order.id"], name=op.f("fk_standing_visit_order_id")),
        sa.ForeignKeyConstraint(["standing_id"], ["standing_order.id"], name=op.f("fk_standing_visit_standing_id")),
        sa.PrimaryKeyConstraint("standing_id", "day", name=op.f("pk_standing_visit")),
        sa.UniqueConstraint("order_id", name=op.f("uq_standing_visit_order_id")),
    )
    op.create_index("ix_standing_visit_made", "standing_visit", ["held_on"], postgresql_where=MADE, sqlite_where=MADE)


def _feeds() -> None:
    op.create_table(
        "calendar_feed",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("person_id", sa.String(length=16), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=30), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("read_on", sa.Date(), nullable=True),
        sa.CheckConstraint("slot BETWEEN 1 AND 3", name=op.f("ck_calendar_feed_slot")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_calendar_feed_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_feed")),
        sa.UniqueConstraint("digest", name=op.f("uq_calendar_feed_digest")),
    )
    op.create_index("ix_calendar_feed_live", "calendar_feed", ["person_id", "slot"], unique=True, postgresql_where=LIVE_FEED, sqlite_where=LIVE_FEED)


def downgrade() -> None:
    """Back to the step before."""
    op.drop_index("ix_service_order_wished", table_name="service_order")
    op.drop_column("service_order", "standing_id")
    op.drop_table("calendar_feed")
    op.drop_table("standing_visit")
    op.drop_table("standing_order")
