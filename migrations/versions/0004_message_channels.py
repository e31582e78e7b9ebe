"""Messages go over several channels, each delivery followed by itself; choices, devices, robots."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0014"
branch_labels = None
depends_on = None

STATE = "ck_message_state"
DEAD = sa.text("state = 'dead'")
PENDING = sa.text("state = 'pending'")
READ = sa.text("read_at IS NOT NULL")


def upgrade() -> None:
    """Expand; what of a message was about its e-mail moves into a delivery."""
    # Read first: SQLite makes the table anew, which it may not while a delivery points at it.
    dead = op.get_bind().execute(sa.text(
        "SELECT id, estate_id, recipient_id, attempts, created_at, next_try_at, last_error FROM message"
        " WHERE state = 'dead'"
    )).mappings().all()
    op.execute("UPDATE message SET state = 'sent' WHERE state = 'dead'")
    _message_columns()
    _deliveries()
    for row in dead:
        op.get_bind().execute(sa.text(
            "INSERT INTO delivery (id, message_id, estate_id, channel, target, gateway, urgent, state, attempts,"
            " created_at, next_try_at, tried_at, last_error, provider_id) VALUES (:id, :id, :estate_id, 'email',"
            " :recipient_id, 'email', false, 'dead', :attempts, :created_at, :next_try_at, :next_try_at, :last_error, '')"
        ), dict(row))
    _people_and_robots()


def _message_columns() -> None:
    op.drop_index("ix_message_dead", table_name="message")
    op.drop_index("ix_message_pending", table_name="message")
    with op.batch_alter_table("message") as batch_op:
        batch_op.drop_constraint(op.f(STATE), type_="check")
        batch_op.create_check_constraint(op.f(STATE), "state IN ('pending', 'sent')")
        for name in ("attempts", "next_try_at", "last_error"):
            batch_op.drop_column(name)
        batch_op.add_column(sa.Column("sms", sa.String(200), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("urgent", sa.Boolean(), nullable=False, server_default=sa.text("false")))
        batch_op.add_column(sa.Column("matter", sa.String(40), nullable=False, server_default=""))
        batch_op.alter_column("state", existing_type=sa.String(10), existing_nullable=False, server_default="pending")
    op.create_index("ix_message_pending", "message", ["created_at"], postgresql_where=PENDING, sqlite_where=PENDING)
    op.create_index("ix_message_read", "message", ["read_at"], postgresql_where=READ, sqlite_where=READ)


def _deliveries() -> None:
    op.create_table(
        "delivery",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("message_id", sa.String(16), nullable=False),
        sa.Column("estate_id", sa.String(16), nullable=False),
        sa.Column("channel", sa.String(10), nullable=False),
        sa.Column("target", sa.String(16), nullable=False),
        sa.Column("gateway", sa.String(60), nullable=False),
        sa.Column("once", sa.String(32), nullable=True),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(300), nullable=False),
        sa.Column("provider_id", sa.String(100), nullable=False),
        sa.CheckConstraint("state IN ('pending', 'sent', 'dead', 'skipped')", name=op.f("ck_delivery_state")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_delivery_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("once", name=op.f("uq_delivery_once")),
    )
    by_estate = ["estate_id", "created_at", "id"]
    op.create_index("ix_delivery_message", "delivery", ["message_id", "channel", "target"], unique=True)
    op.create_index("ix_delivery_due", "delivery", ["gateway", "next_try_at"], postgresql_where=PENDING,
                    sqlite_where=PENDING)
    op.create_index("ix_delivery_waiting", "delivery", by_estate, postgresql_where=PENDING, sqlite_where=PENDING)
    op.create_index("ix_delivery_dead", "delivery", by_estate, postgresql_where=DEAD, sqlite_where=DEAD)
    op.create_index("ix_delivery_estate", "delivery", by_estate)
    op.create_index("ix_delivery_tried", "delivery", ["channel", "tried_at"])
    op.create_table(
        "gateway",
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("channel", sa.String(10), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("open_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(300), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_gateway")),
    )


def _people_and_robots() -> None:
    op.create_table(
        "message_choice",
        sa.Column("person_id", sa.String(16), nullable=False),
        sa.Column("chosen", sa.Text(), nullable=False),
        sa.Column("quiet_from", sa.Integer(), nullable=True),
        sa.Column("quiet_until", sa.Integer(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(quiet_from IS NULL AND quiet_until IS NULL)"
            " OR (quiet_from BETWEEN 0 AND 1439 AND quiet_until BETWEEN 0 AND 1439)",
            name=op.f("ck_message_choice_quiet"),
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_message_choice_person_id")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_message_choice")),
    )
    op.create_table(
        "push_device",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("person_id", sa.String(16), nullable=False),
        sa.Column("endpoint_key", sa.String(32), nullable=False),
        sa.Column("host", sa.String(60), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_push_device_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_device")),
        sa.UniqueConstraint("endpoint_key", name=op.f("uq_push_device_endpoint_key")),
    )
    op.create_index(op.f("ix_push_device_person_id"), "push_device", ["person_id"])
    op.create_table(
        "robot",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("organisation_id", sa.String(16), nullable=False),
        sa.Column("vendor", sa.String(10), nullable=False),
        sa.Column("name", sa.String(30), nullable=False),
        sa.Column("webhook_sealed", sa.Text(), nullable=False),
        sa.Column("secret_sealed", sa.Text(), nullable=False),
        sa.Column("kinds", sa.Text(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("tested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(16), nullable=False),
        sa.CheckConstraint("vendor IN ('wecom', 'dingtalk', 'feishu')", name=op.f("ck_robot_vendor")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_robot_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_robot")),
    )
    op.create_index(op.f("ix_robot_organisation_id"), "robot", ["organisation_id"])
    op.create_index("ix_robot_enabled", "robot", ["is_enabled"])


def downgrade() -> None:
    """Back to the step before; of the deliveries the dead e-mails stay."""
    dead = op.get_bind().execute(sa.text(
        "SELECT message_id, attempts, last_error FROM delivery WHERE channel = 'email' AND state = 'dead'"
    )).mappings().all()
    for name in ("robot", "push_device", "message_choice", "gateway", "delivery"):
        op.drop_table(name)
    op.drop_index("ix_message_read", table_name="message")
    op.drop_index("ix_message_pending", table_name="message")
    with op.batch_alter_table("message") as batch_op:
        batch_op.drop_constraint(op.f(STATE), type_="check")
        batch_op.create_check_constraint(op.f(STATE), "state IN ('pending', 'sent', 'dead')")
        batch_op.add_column(sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("last_error", sa.String(300), nullable=False, server_default=""))
        batch_op.alter_column("state", existing_type=sa.String(10), existing_nullable=False, server_default=None)
        for name in ("sms", "urgent", "matter"):
            batch_op.drop_column(name)
    op.execute("UPDATE message SET next_try_at = created_at")
    for row in dead:
        op.get_bind().execute(sa.text(
            "UPDATE message SET state = 'dead', attempts = :attempts, last_error = :last_error WHERE id = :message_id"
        ), dict(row))
    with op.batch_alter_table("message") as batch_op:
        batch_op.alter_column("next_try_at", existing_type=sa.DateTime(timezone=True), nullable=False)
        batch_op.alter_column("attempts", existing_type=sa.Integer(), existing_nullable=False, server_default=None)
        batch_op.alter_column("last_error", existing_type=sa.String(300), existing_nullable=False, server_default=None)
    op.create_index("ix_message_dead", "message", ["estate_id", "created_at"], postgresql_where=DEAD, sqlite_where=DEAD)
    op.create_index("ix_message_pending", "message", ["next_try_at"], postgresql_where=PENDING, sqlite_where=PENDING)
