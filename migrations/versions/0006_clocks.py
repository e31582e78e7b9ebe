"""The calendar of working days, seeded with the years that are known; what an order's clock keeps."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op
from chinese_calendar import constants

revision = "0006"
down_revision = "0008"
branch_labels = None
depends_on = None

OPEN = "state IN ('placed', 'dispatched', 'accepted', 'in_service')"
RINGS = sa.text("next_alarm_at IS NOT NULL AND " + OPEN)
KINDS = "kind IN ('holiday', 'make_up', 'working', 'day_off')"


def upgrade() -> None:
    """Expand."""
    years = op.create_table(
        "calendar_year",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("entered", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by_name", sa.String(length=60), nullable=False),
        sa.CheckConstraint("year BETWEEN 2004 AND 2100", name=op.f("ck_calendar_year_year")),
        sa.CheckConstraint("source IN ('seed', 'staff')", name=op.f("ck_calendar_year_source")),
        sa.PrimaryKeyConstraint("year", name=op.f("pk_calendar_year")),
    )
    days = op.create_table(
        "calendar_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.CheckConstraint(KINDS, name=op.f("ck_calendar_day_kind")),
        sa.CheckConstraint("source IN ('seed', 'staff')", name=op.f("ck_calendar_day_source")),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_calendar_day")),
    )
    with op.batch_alter_table("calendar_day") as batch_op:
        batch_op.create_index("ix_calendar_day_year", ["year", "day"], unique=False)
    _seed(years, days)
    with op.batch_alter_table("service_order") as batch_op:
        batch_op.add_column(sa.Column("clock", sa.Text(), nullable=False, server_default="{}"))
        batch_op.add_column(sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("missed_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("next_alarm_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("reminded", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("escalated", sa.Integer(), nullable=False, server_default="0"))
        batch_op.create_index(
            "ix_service_order_alarm", ["next_alarm_at"], unique=False, postgresql_where=RINGS, sqlite_where=RINGS
        )
    # Orders under way get their alarms from here on: what is halfway or nearly over by then is told at once.
    op.execute(sa.text(f"UPDATE service_order SET next_alarm_at = placed_at WHERE {OPEN}"))


def _seed(years: Any, days: Any) -> None:
    """What chinese-calendar has of the State Council's notices."""
    names = {holiday.value: holiday.chinese for holiday in constants.Holiday}
    rows = [
        {"day": day, "year": day.year, "kind": kind, "name": names[name], "source": "seed"}
        for kind, table in (("holiday", constants.holidays), ("make_up", constants.workdays))
        for day, name in sorted(table.items())
    ]
    at = datetime.now(UTC)
    at = at.replace(tzinfo=None) if op.get_bind().dialect.name == "sqlite" else at
    known = sorted({row["year"] for row in rows})
    kept = {"entered": True, "source": "seed", "version": 1, "updated_at": at, "updated_by_name": ""}
    op.bulk_insert(years, [{"year": year, **kept} for year in known])
    op.bulk_insert(days, rows)


def downgrade() -> None:
    """Back to the step before."""
    op.drop_index("ix_service_order_alarm", table_name="service_order")
    # Not in a batch: SQLite would make the table anew, and what refers to it would be in the way.
    for name in ("escalated", "reminded", "next_alarm_at", "missed_at", "paused_at", "clock"):
        op.drop_column("service_order", name)
    op.drop_table("calendar_day")
    op.drop_table("calendar_year")
