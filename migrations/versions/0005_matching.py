"""What matching needs: days off, reach and consent of volunteers, demands of items, wished sex, pairs kept apart."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0006"
branch_labels = None
depends_on = None

# SQLite adds and drops a column with a check of its own without rebuilding a table that others refer to.
COLUMNS: dict[str, tuple[tuple[str, object, object, str], ...]] = {
    "volunteer": (
        ("reach", sa.String(length=10), "estate", "reach IN ('building', 'estate', 'community')"),
        ("guardian_consent", sa.Boolean(), sa.false(), ""),
    ),
    "service_item": (
        ("verified", sa.Text(), "[]", ""),
        ("training", sa.String(length=30), "", ""),
        ("min_age", sa.Integer(), None, "min_age IS NULL OR min_age BETWEEN 14 AND 100"),
        ("max_age", sa.Integer(), None, "max_age IS NULL OR max_age BETWEEN 14 AND 120"),
        ("personal_care", sa.Boolean(), sa.false(), ""),
    ),
    "service_order": (("helper_sex", sa.Integer(), "0", "helper_sex IN (0, 1, 2)"),),
    "dispatch_plan": (
        ("applied_by", sa.String(length=60), None, ""),
        ("result", sa.Text(), None, ""),
    ),
}


def upgrade() -> None:
    """Expand."""
    for table, columns in COLUMNS.items():
        for name, kind, default, check in columns:
            checks = [sa.CheckConstraint(check, name=f"ck_{table}_{name}")] if check else []
            op.add_column(table, sa.Column(name, kind, *checks, nullable=default is None, server_default=default))
    # Whoever was registered with a guardian's consent before had it written down with that step.
    op.execute(
        "UPDATE volunteer SET guardian_consent = true WHERE person_id IN (SELECT subject_id FROM event "
        "WHERE subject_kind = 'volunteer' AND verb = 'register' AND details LIKE '%\"guardian\"\\:true%')"
    )
    rated = sa.text("stars IS NOT NULL")
    op.create_index("ix_service_order_rated", "service_order", ["id", "stars"], postgresql_where=rated,
                    sqlite_where=rated)
    op.create_table(
        "volunteer_day_off",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("person_id", sa.String(length=16), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("note", sa.String(length=60), nullable=False),
        sa.CheckConstraint("last_day >= first_day", name=op.f("ck_volunteer_day_off_days")),
        sa.ForeignKeyConstraint(["person_id"], ["volunteer.person_id"], name=op.f("fk_volunteer_day_off_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_volunteer_day_off")),
    )
    op.create_index("ix_volunteer_day_off_person", "volunteer_day_off", ["person_id", "last_day"])
    op.create_table(
        "pair_exclusion",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("estate_id", sa.String(length=16), nullable=False),
        sa.Column("person_id", sa.String(length=16), nullable=False),
        sa.Column("volunteer_id", sa.String(length=16), nullable=False),
        sa.Column("side", sa.String(length=10), nullable=False),
        sa.Column("asked_by", sa.String(length=16), nullable=False),
        sa.Column("order_id", sa.String(length=16), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.String(length=60), nullable=True),
        sa.Column("lift_reason", sa.String(length=200), nullable=False),
        sa.CheckConstraint("side IN ('resident', 'volunteer')", name=op.f("ck_pair_exclusion_side")),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_pair_exclusion_estate_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_pair_exclusion_person_id")),
        sa.ForeignKeyConstraint(["volunteer_id"], ["volunteer.person_id"], name=op.f("fk_pair_exclusion_volunteer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pair_exclusion")),
    )
    standing = sa.text("lifted_at IS NULL")
    op.create_index("ix_pair_exclusion_standing", "pair_exclusion", ["person_id", "volunteer_id", "side"], unique=True,
                    postgresql_where=standing, sqlite_where=standing)
    op.create_index("ix_pair_exclusion_volunteer", "pair_exclusion", ["volunteer_id", "person_id"])
    op.create_index("ix_pair_exclusion_estate", "pair_exclusion", ["estate_id", "at"])


def downgrade() -> None:
    """Back to the step before."""
    op.drop_table("pair_exclusion")
    op.drop_table("volunteer_day_off")
    op.drop_index("ix_service_order_rated", table_name="service_order")
    for table, columns in reversed(COLUMNS.items()):
        for name, *_ in reversed(columns):
            op.execute(f"ALTER TABLE {table} DROP COLUMN {name}")
