"""Sums of shifts and of what their logs counted, by day and month, and the days that they have not taken in; indexes in
whose order the lists behind figures are read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

NUMBERS = ("shifts", "places", "filled", "expected", "came", "missed")
WRITTEN = {
    "shift": ("rota_id, state, starts_at, places", "SELECT {row}.rota_id, {day}", "{row}.starts_at"),
    "shift_place": ("shift_id, state", "SELECT s.rota_id, {day} FROM shift s WHERE s.id = {row}.shift_id",
                    "s.starts_at"),
    "shift_log": ("", "SELECT s.rota_id, {day} FROM shift s WHERE s.id = {row}.shift_id", "{row}.at"),
}  # fmt: skip
"""By table the columns that matter when they change (none: rows are only added), and which day of which post it was."""

INDEXES = (
    ("ix_shift_log_at", "shift_log", ["at", "id"]),
    ("ix_service_order_when", "service_order", ["placed_at", "id"]),
    ("ix_hour_entry_when", "hour_entry", ["starts_at", "id"]),
    ("ix_active_seen_who", "active_seen", ["who", "subject_id"]),
)

MONTHS = ["estate_id", "month", "volunteer_id"]


def upgrade() -> None:
    """Expand."""
    for name, more, key in (
        ("shift_sum", [sa.Column(number, sa.Integer(), nullable=False) for number in NUMBERS], []),
        ("shift_log_sum", [sa.Column("counter", sa.String(length=40), nullable=False),
                           sa.Column("number", sa.Integer(), nullable=False)], ["counter"]),
    ):  # fmt: skip
        op.create_table(
            name,
            sa.Column("rota_id", sa.String(length=16), nullable=False),
            sa.Column("grain", sa.String(length=1), nullable=False),
            sa.Column("period", sa.Date(), nullable=False),
            *more,
            sa.CheckConstraint("grain IN ('d', 'm')", name=op.f(f"ck_{name}_grain")),
            sa.ForeignKeyConstraint(["rota_id"], ["rota.id"], name=op.f(f"fk_{name}_rota_id")),
            sa.PrimaryKeyConstraint("rota_id", "grain", "period", *key, name=op.f(f"pk_{name}")),
        )
    op.create_table(
        "shift_tail",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("rota_id", sa.String(length=16), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shift_tail")),
    )
    op.create_index("ix_shift_tail_day", "shift_tail", ["rota_id", "day"])
    for name, table, columns in INDEXES:
        op.create_index(name, table, columns)
    op.drop_index("ix_hour_month_estate", table_name="hour_month")
    op.create_index("ix_hour_month_estate", "hour_month", MONTHS, postgresql_include=["minutes", "services"])
    op.create_table(
        "shift_rollup",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("upto", sa.Date(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_shift_rollup_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shift_rollup")),
    )
    op.execute("INSERT INTO shift_rollup (id, upto) VALUES (1, '2000-01-01')")
    for table in WRITTEN:
        _postgresql(table) if op.get_bind().dialect.name == "postgresql" else _sqlite(table)


def _told(table: str, row: str, day: str) -> str:
    _, rows, moment = WRITTEN[table]
    found = rows.format(row=row, day=day.format(moment.format(row=row)))
    return f"INSERT INTO shift_tail (rota_id, day) {found};"


def _postgresql(table: str) -> None:
    changed = WRITTEN[table][0]
    old, new = (_told(table, row, "CAST(timezone('Asia/Shanghai', {}) AS date)") for row in ("OLD", "NEW"))
    op.execute(
        f"""
        CREATE FUNCTION linju_{table}_tail() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN
          IF TG_OP <> 'INSERT' THEN {old} END IF;
          IF TG_OP <> 'DELETE' THEN {new} END IF;
          RETURN NULL;
        END $$
        """
    )
    verbs = f"INSERT OR DELETE OR UPDATE OF {changed}" if changed else "INSERT"
    op.execute(f"CREATE TRIGGER {table}_tail AFTER {verbs} ON {table} "
               f"FOR EACH ROW EXECUTE FUNCTION linju_{table}_tail()")


def _sqlite(table: str) -> None:
    changed = WRITTEN[table][0]
    old, new = (_told(table, row, "date({}, '+8 hours')") for row in ("OLD", "NEW"))
    verbs = {"INSERT": ("insert", new)}
    if changed:
        verbs |= {f"UPDATE OF {changed}": ("update", old + new), "DELETE": ("delete", old)}
    for verb, (name, told) in verbs.items():
        op.execute(f"CREATE TRIGGER {table}_tail_{name} AFTER {verb} ON {table} BEGIN {told} END")


def downgrade() -> None:
    """Back to the step before."""
    for table, (changed, *_) in WRITTEN.items():
        if op.get_bind().dialect.name == "postgresql":
            op.execute(f"DROP TRIGGER {table}_tail ON {table}")
            op.execute(f"DROP FUNCTION linju_{table}_tail()")
        else:
            for name in ("insert", "update", "delete") if changed else ("insert",):
                op.execute(f"DROP TRIGGER {table}_tail_{name}")
    op.drop_index("ix_hour_month_estate", table_name="hour_month")
    op.create_index("ix_hour_month_estate", "hour_month", MONTHS)
    for name, table, _ in INDEXES:
        op.drop_index(name, table_name=table)
    for name in ("shift_rollup", "shift_tail", "shift_log_sum", "shift_sum"):
        op.drop_table(name)
