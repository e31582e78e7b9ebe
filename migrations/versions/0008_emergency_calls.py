"""Emergency calls, who is told of them and who answers, household contacts, volunteers on call."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

OPEN = sa.text("state IN ('raised', 'answered', 'on_site')")
DUE = sa.text("next_wave_at IS NOT NULL")
ON_CALL = sa.text("is_on_call")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Expand."""
    with op.batch_alter_table("volunteer", recreate="never") as table:
        table.add_column(sa.Column("is_on_call", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index(
        "ix_volunteer_on_call", "volunteer", ["estate_id"], postgresql_where=ON_CALL, sqlite_where=ON_CALL
    )  # fmt: skip
    _contacts()
    _calls()
    _notices()
    _responses()
    _keep_notices()


def _contacts() -> None:
    op.create_table(
        "household_contact",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("estate_id", sa.String(16), nullable=False),
        sa.Column("household_id", sa.String(16), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("relation", sa.String(20), nullable=False),
        sa.Column("phone_sealed", sa.String(100), nullable=False),
        sa.Column("login_key", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(16), nullable=True),
        sa.Column("agreed_at", MOMENT, nullable=False),
        sa.Column("stated_by", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_household_contact_estate_id")),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name=op.f("fk_household_contact_household_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_household_contact_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_household_contact")),
    )
    op.create_index("ix_household_contact_household", "household_contact", ["household_id", "position"])
    op.create_index(op.f("ix_household_contact_person_id"), "household_contact", ["person_id"])


def _calls() -> None:
    op.create_table(
        "emergency_call",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("estate_id", sa.String(16), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("household_id", sa.String(16), nullable=False),
        sa.Column("building_id", sa.String(16), nullable=False),
        sa.Column("household_label", sa.String(60), nullable=False),
        sa.Column("person_id", sa.String(16), nullable=True),
        sa.Column("person_name", sa.String(60), nullable=False),
        sa.Column("salutation", sa.String(20), nullable=False),
        sa.Column("raised_by", sa.String(16), nullable=False),
        sa.Column("raised_by_name", sa.String(60), nullable=False),
        sa.Column("raised_as", sa.String(10), nullable=False),
        sa.Column("raised_at", MOMENT, nullable=False),
        sa.Column("slip_until", MOMENT, nullable=False),
        sa.Column("place", sa.String(10), nullable=False),
        sa.Column("place_note", sa.String(60), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("wave", sa.Integer(), nullable=False),
        sa.Column("next_wave_at", MOMENT, nullable=True),
        sa.Column("lead_id", sa.String(16), nullable=True),
        sa.Column("lead_name", sa.String(60), nullable=False),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("on_site_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("after_care", sa.Text(), nullable=False),
        sa.Column("after_care_at", MOMENT, nullable=True),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "state IN ('raised', 'answered', 'on_site', 'closed', 'false_alarm', 'cancelled')",
            name=op.f("ck_emergency_call_state"),
        ),
        sa.CheckConstraint("raised_as IN ('self', 'family', 'staff')", name=op.f("ck_emergency_call_raised_as")),
        sa.CheckConstraint("place IN ('home', 'downstairs', 'other')", name=op.f("ck_emergency_call_place")),
        sa.CheckConstraint("level BETWEEN 0 AND 3", name=op.f("ck_emergency_call_level")),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_emergency_call_estate_id")),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name=op.f("fk_emergency_call_household_id")),
        sa.ForeignKeyConstraint(["building_id"], ["building.id"], name=op.f("fk_emergency_call_building_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_emergency_call_person_id")),
        sa.ForeignKeyConstraint(["raised_by"], ["person.id"], name=op.f("fk_emergency_call_raised_by")),
        sa.ForeignKeyConstraint(["lead_id"], ["person.id"], name=op.f("fk_emergency_call_lead_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_emergency_call")),
    )
    where = {"postgresql_where": OPEN, "sqlite_where": OPEN}
    op.create_index("uq_emergency_call_open", "emergency_call", ["household_id"], unique=True, **where)
    op.create_index("ix_emergency_call_open", "emergency_call", ["estate_id", "raised_at"], **where)
    op.create_index(
        "ix_emergency_call_due", "emergency_call", ["next_wave_at"], postgresql_where=DUE, sqlite_where=DUE
    )  # fmt: skip
    op.create_index("ix_emergency_call_raised", "emergency_call", ["estate_id", "raised_at", "id"])
    op.create_index("ix_emergency_call_household", "emergency_call", ["household_id", "raised_at"])


def _notices() -> None:
    op.create_table(
        "emergency_notice",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("call_id", sa.String(16), nullable=False),
        sa.Column("estate_id", sa.String(16), nullable=False),
        sa.Column("wave", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("title", sa.String(20), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("person_id", sa.String(16), nullable=True),
        sa.Column("contact_id", sa.String(16), nullable=True),
        sa.Column("told_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "kind IN ('staff', 'family', 'volunteer', 'outsider')", name=op.f("ck_emergency_notice_kind")
        ),
        sa.CheckConstraint("person_id IS NOT NULL OR contact_id IS NOT NULL", name=op.f("ck_emergency_notice_whom")),
        sa.ForeignKeyConstraint(["call_id"], ["emergency_call.id"], name=op.f("fk_emergency_notice_call_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_emergency_notice_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_emergency_notice")),
    )
    op.create_index("ix_emergency_notice_call", "emergency_notice", ["call_id", "wave"])
    op.create_index("ix_emergency_notice_person", "emergency_notice", ["person_id", "call_id"])


def _responses() -> None:
    op.create_table(
        "emergency_response",
        sa.Column("call_id", sa.String(16), nullable=False),
        sa.Column("person_id", sa.String(16), nullable=False),
        sa.Column("estate_id", sa.String(16), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("title", sa.String(20), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("shares", sa.Boolean(), nullable=False),
        sa.Column("answered_at", MOMENT, nullable=False),
        sa.Column("on_way_at", MOMENT, nullable=True),
        sa.Column("arrived_at", MOMENT, nullable=True),
        sa.Column("left_at", MOMENT, nullable=True),
        sa.CheckConstraint("kind IN ('staff', 'family', 'volunteer')", name=op.f("ck_emergency_response_kind")),
        sa.CheckConstraint(
            "state IN ('seen', 'on_way', 'arrived', 'left')", name=op.f("ck_emergency_response_state")
        ),
        sa.ForeignKeyConstraint(["call_id"], ["emergency_call.id"], name=op.f("fk_emergency_response_call_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_emergency_response_person_id")),
        sa.PrimaryKeyConstraint("call_id", "person_id", name=op.f("pk_emergency_response")),
    )
    op.create_index("ix_emergency_response_person", "emergency_response", ["person_id"])


def _keep_notices() -> None:
    """Who was told when is a ledger: the database refuses to change it."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER emergency_notice_append_only BEFORE UPDATE OR DELETE ON emergency_notice "
            "FOR EACH ROW EXECUTE FUNCTION linju_refuse()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER emergency_notice_no_{verb.lower()} BEFORE {verb} ON emergency_notice "
            "BEGIN SELECT RAISE(ABORT, 'emergency_notice is append-only'); END"
        )


def downgrade() -> None:
    """Back to the step before."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("update", "delete"):
            op.execute(f"DROP TRIGGER emergency_notice_no_{verb}")
    for table in ("emergency_response", "emergency_notice", "emergency_call", "household_contact"):
        op.drop_table(table)
    op.drop_index("ix_volunteer_on_call", table_name="volunteer")
    with op.batch_alter_table("volunteer", recreate="never") as table:
        table.drop_column("is_on_call")
