"""Exports in the background, frozen reports and who wants them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0011"
branch_labels = None
depends_on = None


def _moment(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    """Expand."""
    _exports()
    op.create_table(
        "report_issue",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("unit_id", sa.String(length=16), nullable=False),
        sa.Column("unit_name", sa.String(length=80), nullable=False),
        sa.Column("path", sa.String(length=170), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("figures", sa.Text(), nullable=False),
        _moment("made_at"),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.CheckConstraint("kind IN ('month', 'quarter')", name=op.f("ck_report_issue_kind")),
        sa.CheckConstraint("last >= first", name=op.f("ck_report_issue_period")),
        sa.ForeignKeyConstraint(["unit_id"], ["organisation.id"], name=op.f("fk_report_issue_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_issue")),
    )
    op.create_index("ix_report_issue_period", "report_issue", ["unit_id", "kind", "first"], unique=True)
    op.create_index("ix_report_issue_made", "report_issue", ["made_at", "id"])
    op.create_table(
        "report_subscription",
        sa.Column("person_id", sa.String(length=16), nullable=False),
        sa.Column("unit_id", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        _moment("created_at"),
        sa.CheckConstraint("kind IN ('month', 'quarter')", name=op.f("ck_report_subscription_kind")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_report_subscription_person_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["organisation.id"], name=op.f("fk_report_subscription_unit_id")),
        sa.PrimaryKeyConstraint("person_id", "unit_id", "kind", name=op.f("pk_report_subscription")),
    )
    op.create_index("ix_report_subscription_unit", "report_subscription", ["unit_id", "kind"])
    _freeze()


def _exports() -> None:
    states = "'queued', 'running', 'done', 'failed', 'cancelled', 'expired'"
    op.create_table(
        "export_job",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("maker_id", sa.String(length=16), nullable=False),
        sa.Column("maker_name", sa.String(length=60), nullable=False),
        sa.Column("unit_id", sa.String(length=16), nullable=False),
        sa.Column("path", sa.String(length=170), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("format", sa.String(length=10), nullable=False),
        sa.Column("filter", sa.Text(), nullable=False),
        sa.Column("sees_names", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("rows_done", sa.Integer(), nullable=False),
        sa.Column("rows_total", sa.Integer(), nullable=False),
        sa.Column("file_name", sa.String(length=60), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        _moment("created_at"),
        _moment("updated_at"),
        _moment("expires_at", nullable=True),
        sa.CheckConstraint(f"state IN ({states})", name=op.f("ck_export_job_state")),
        sa.CheckConstraint("rows_done >= 0", name=op.f("ck_export_job_rows_done")),
        sa.ForeignKeyConstraint(["maker_id"], ["person.id"], name=op.f("fk_export_job_maker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export_job")),
    )
    op.create_index("ix_export_job_maker", "export_job", ["maker_id", "created_at"])
    where = sa.text("state IN ('queued', 'running', 'done')")
    op.create_index("ix_export_job_open", "export_job", ["state", "created_at"], sqlite_where=where, postgresql_where=where)


def _freeze() -> None:
    """A report that was made stays as it is."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER report_issue_frozen BEFORE UPDATE OR DELETE ON report_issue "
            "FOR EACH ROW EXECUTE FUNCTION linju_refuse()"
        )
        op.execute(
            "CREATE TRIGGER report_issue_no_truncate BEFORE TRUNCATE ON report_issue "
            "FOR EACH STATEMENT EXECUTE FUNCTION linju_refuse()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER report_issue_no_{verb.lower()} BEFORE {verb} ON report_issue "
            "BEGIN SELECT RAISE(ABORT, 'report_issue is frozen'); END"
        )


def downgrade() -> None:
    """Back to the step before."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER report_issue_frozen ON report_issue")
        op.execute("DROP TRIGGER report_issue_no_truncate ON report_issue")
    else:
        op.execute("DROP TRIGGER report_issue_no_update")
        op.execute("DROP TRIGGER report_issue_no_delete")
    op.drop_table("report_subscription")
    op.drop_table("report_issue")
    op.drop_table("export_job")
