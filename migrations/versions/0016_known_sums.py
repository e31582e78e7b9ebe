"""What a past day knew of durations and of people who were active.

Buckets of durations are ten per cent long from here on and were four, and weeks are kept beside days and months, so
what is kept of durations is emptied and the marks of orders go back: the next sweep counts every order's durations
again, known on the day on which it was changed last. Beside volunteers, residents and households that were served are
counted. The ledger says of every entry when it was recorded; its sums are emptied together with their marks, too, and
filled by that day. Until a sweep has been there, figures come from the rows: they are exact all the while, but slow.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0013"
branch_labels = None
depends_on = None


def _table(name: str, grains: str, *more: sa.Column, known: bool = True, who: bool = False) -> None:
    keys = [
        sa.Column("node_id", sa.String(length=16), nullable=False),
        sa.Column("grain", sa.String(length=1), nullable=False),
        *([sa.Column("who", sa.String(length=1), nullable=False)] if who else []),
        sa.Column("item", sa.String(length=30), nullable=False),
        sa.Column("period", sa.Date(), nullable=False),
        *([sa.Column("known_on", sa.Date(), nullable=False)] if known else []),
        *more[:-1],
    ]
    op.create_table(
        name, *keys, more[-1],
        sa.CheckConstraint(f"grain IN ({grains})", name=op.f(f"ck_{name}_grain")),
        sa.PrimaryKeyConstraint(*[key.name for key in keys], name=op.f(f"pk_{name}")),
    )


def _times(name: str, grains: str, known: bool) -> None:
    step = sa.Column("step", sa.String(length=12), nullable=False)
    bucket, orders = (sa.Column(name, sa.Integer(), nullable=False) for name in ("bucket", "orders"))
    _table(name, grains, step, bucket, orders, known=known)


def _active(name: str, known: bool, who: bool = True) -> None:
    prev, people = sa.Column("prev", sa.Date(), nullable=False), sa.Column("people", sa.Integer(), nullable=False)
    _table(name, "'d', 'w', 'm'" if who else "'d', 'm'", prev, people, known=known, who=who)
    if who and not known:
        columns = ["node_id", "grain", "who", "item", "prev", "period"]
        op.create_index(f"ix_{name}_prev", name, columns, postgresql_include=["people"])


def _count_durations_again() -> None:
    steps = ("to_dispatch", "to_accept", "to_complete")
    nothing, some = ", ".join(f"{step} = NULL" for step in steps), " OR ".join(f"{step} IS NOT NULL" for step in steps)
    op.execute(f"UPDATE order_count SET {nothing} WHERE {some}")
    op.execute("DELETE FROM roll_mark WHERE stream = 'orders'")


def _count_hours_again() -> None:
    op.execute("DELETE FROM roll_mark WHERE stream = 'hours'")
    for table in ("rollup", "rollup_known"):
        op.execute(f"UPDATE {table} SET minutes = 0, services = 0")


def upgrade() -> None:
    """Expand."""
    _count_durations_again()
    op.drop_table("rollup_time")
    _times("rollup_time", "'d', 'w', 'm'", known=False)
    _times("rollup_time_known", "'d', 'w', 'm'", known=True)
    op.drop_table("active")
    _active("active", known=False)
    _active("active_known", known=True)
    op.create_table(
        "active_seen",
        sa.Column("subject_id", sa.String(length=16), nullable=False),
        sa.Column("who", sa.String(length=1), nullable=False),
        sa.Column("path", sa.String(length=170), nullable=False),
        sa.Column("item", sa.String(length=30), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("known_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("subject_id", "who", "path", "item", name=op.f("pk_active_seen")),
    )
    op.create_index("ix_active_seen_path", "active_seen", ["path"])
    _count_hours_again()


def downgrade() -> None:
    """Back to the step before, whose buckets are others again."""
    op.drop_table("active_seen")
    op.drop_table("active_known")
    op.drop_table("active")
    _active("active", known=False, who=False)
    _count_hours_again()
    op.drop_table("rollup_time_known")
    _count_durations_again()
    op.drop_table("rollup_time")
    _times("rollup_time", "'d', 'm'", known=False)
