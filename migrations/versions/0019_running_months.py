"""What volunteers gave in a year, and in a month as it grew day by day, so that a part of a month is read like a whole
one; when an order was worked on is known from an index alone, and so are, on PostgreSQL, the histograms of durations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

DURATIONS = "node_id, grain, item, period, step, bucket"
INCLUDED = ["estate_id", "minutes", "services"]
NUMBERS = sa.JSON().with_variant(postgresql.ARRAY(sa.Integer()), "postgresql")


def upgrade() -> None:
    """Expand, and fill from the entries that months have taken in."""
    op.add_column("hour_month", sa.Column("running", NUMBERS, nullable=True))
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    day, array = (("CAST(timezone('Asia/Shanghai', e.starts_at) AS date)", "CAST(ARRAY[{}] AS integer[])")
                  if on_postgresql else ("date(e.starts_at, '+8 hours')", "json_array({})"))  # fmt: skip
    month, of_month = (("CAST(date_trunc('month', day) AS date)", "extract(day FROM day)") if on_postgresql
                       else ("date(day, 'start of month')", "CAST(strftime('%d', day) AS INTEGER)"))  # fmt: skip
    sums = ", ".join(f"sum(CASE WHEN {of_month} <= {upto} THEN {number} ELSE 0 END)"
                     for number in ("minutes", "services") for upto in range(32))  # fmt: skip
    op.execute(
        f"""
        UPDATE hour_month SET running = grown.running FROM (
          SELECT volunteer_id, estate_id, {month} AS month, {array.format(sums)} AS running FROM (
            SELECT e.volunteer_id, e.estate_id, {day} AS day, sum(e.minutes) AS minutes,
                   sum(CASE WHEN e.minutes > 0 THEN 1 ELSE -1 END) AS services
            FROM hour_entry AS e WHERE NOT EXISTS (SELECT 1 FROM hour_tail AS t WHERE t.entry_id = e.id)
            GROUP BY 1, 2, 3
          ) AS given GROUP BY 1, 2, 3
        ) AS grown
        WHERE hour_month.volunteer_id = grown.volunteer_id AND hour_month.estate_id = grown.estate_id
          AND hour_month.month = grown.month
        """
    )
    nothing = ", ".join(["0"] * 64)
    empty = f"'{{{nothing}}}'" if on_postgresql else f"'[{nothing.replace(' ', '')}]'"
    op.execute(f"UPDATE hour_month SET running = {empty} WHERE running IS NULL")
    with op.batch_alter_table("hour_month") as months:
        months.alter_column("running", existing_type=NUMBERS, nullable=False)
    _index_of_months([*INCLUDED, "running"])
    op.create_table(
        "hour_year",
        sa.Column("volunteer_id", sa.String(length=16), nullable=False),
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("estate_id", sa.String(length=16), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("services", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_hour_year_estate_id")),
        sa.ForeignKeyConstraint(["volunteer_id"], ["volunteer.person_id"], name=op.f("fk_hour_year_volunteer_id")),
        sa.PrimaryKeyConstraint("volunteer_id", "year", "estate_id", name=op.f("pk_hour_year"),
                                postgresql_include=["minutes", "services"]),
    )  # fmt: skip
    year = "extract(year FROM month)" if on_postgresql else "strftime('%Y', month)"
    op.execute("INSERT INTO hour_year (volunteer_id, year, estate_id, minutes, services) "
               f"SELECT volunteer_id, CAST({year} AS INTEGER), estate_id, sum(minutes), sum(services) "
               "FROM hour_month GROUP BY 1, 2, 3")  # fmt: skip
    _index_of_orders(["order_id", "starts_at"])
    if on_postgresql:
        _key_of_durations(" INCLUDE (orders)")


def _index_of_months(included: list[str]) -> None:
    op.drop_index("ix_hour_month_given", table_name="hour_month")
    op.create_index("ix_hour_month_given", "hour_month", ["volunteer_id", "month"], postgresql_include=included)


def _index_of_orders(columns: list[str]) -> None:
    op.drop_index("ix_hour_entry_order", table_name="hour_entry")
    op.create_index("ix_hour_entry_order", "hour_entry", columns)


def _key_of_durations(more: str) -> None:
    op.execute("ALTER TABLE rollup_time DROP CONSTRAINT pk_rollup_time")
    op.execute(f"ALTER TABLE rollup_time ADD CONSTRAINT pk_rollup_time PRIMARY KEY ({DURATIONS}){more}")


def downgrade() -> None:
    """Back to the step before."""
    if op.get_bind().dialect.name == "postgresql":
        _key_of_durations("")
    _index_of_orders(["order_id"])
    op.drop_table("hour_year")
    _index_of_months(INCLUDED)
    with op.batch_alter_table("hour_month") as months:
        months.drop_column("running")
