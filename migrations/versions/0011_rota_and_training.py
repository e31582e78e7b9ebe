"""Training and rotas: courses, sessions, enrolments; posts, repeated weeks, shifts, places and their log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = ("training_reminder", "shift_place", "enrolment", "shift_log", "shift", "training_session", "rota_pattern", "rota", "course")


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "course",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("organisation_id", sa.String(length=16), nullable=False),
        sa.Column("path", sa.String(length=170), nullable=False),
        sa.Column("estate_id", sa.String(length=16), nullable=True),
        sa.Column("code", sa.String(length=30), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("body_name", sa.String(length=60), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("valid_months", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("minutes BETWEEN 1 AND 60000", name=op.f("ck_course_minutes")),
        sa.CheckConstraint("places BETWEEN 1 AND 500", name=op.f("ck_course_places")),
        sa.CheckConstraint("valid_months BETWEEN 0 AND 120", name=op.f("ck_course_valid_months")),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_course_estate_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_course_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_course")),
        sa.UniqueConstraint("code", name=op.f("uq_course_code")),
    )
    op.create_index(op.f("ix_course_path"), "course", ["path"])
    op.create_table(
        "rota",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("organisation_id", sa.String(length=16), nullable=False),
        sa.Column("path", sa.String(length=170), nullable=False),
        sa.Column("estate_id", sa.String(length=16), nullable=True),
        sa.Column("name", sa.String(length=30), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("place", sa.String(length=80), nullable=False),
        sa.Column("counters", sa.Text(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_rota_estate_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_rota_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rota")),
    )
    op.create_index(op.f("ix_rota_path"), "rota", ["path"])
    op.create_table(
        "rota_pattern",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("rota_id", sa.String(length=16), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("start_minute", sa.Integer(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("needs", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("minutes BETWEEN 30 AND 1440", name=op.f("ck_rota_pattern_minutes")),
        sa.CheckConstraint("start_minute BETWEEN 0 AND 1439", name=op.f("ck_rota_pattern_start_minute")),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_rota_pattern_weekday")),
        sa.ForeignKeyConstraint(["rota_id"], ["rota.id"], name=op.f("fk_rota_pattern_rota_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rota_pattern")),
    )
    op.create_index(op.f("ix_rota_pattern_rota_id"), "rota_pattern", ["rota_id"])
    op.create_table(
        "training_session",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("course_id", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("place", sa.String(length=80), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("trainer", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('planned', 'called_off')", name=op.f("ck_training_session_state")),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_training_session_period")),
        sa.CheckConstraint("places BETWEEN 1 AND 500", name=op.f("ck_training_session_places")),
        sa.ForeignKeyConstraint(["course_id"], ["course.id"], name=op.f("fk_training_session_course_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_session")),
    )
    op.create_index("ix_training_session_course", "training_session", ["course_id", "starts_at"])
    op.create_index("ix_training_session_starts", "training_session", ["starts_at"])
    op.create_table(
        "shift",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("rota_id", sa.String(length=16), nullable=False),
        sa.Column("pattern_id", sa.String(length=16), nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("needs", sa.Text(), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=4), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('planned', 'called_off')", name=op.f("ck_shift_state")),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_shift_period")),
        sa.CheckConstraint("places BETWEEN 1 AND 200", name=op.f("ck_shift_places")),
        sa.ForeignKeyConstraint(["pattern_id"], ["rota_pattern.id"], name=op.f("fk_shift_pattern_id")),
        sa.ForeignKeyConstraint(["rota_id"], ["rota.id"], name=op.f("fk_shift_rota_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shift")),
    )
    op.create_index("ix_shift_pattern", "shift", ["pattern_id", "day"], unique=True, postgresql_where=sa.text("pattern_id IS NOT NULL"), sqlite_where=sa.text("pattern_id IS NOT NULL"))
    op.create_index("ix_shift_slot", "shift", ["rota_id", "starts_at", "ends_at"], unique=True)
    op.create_index("ix_shift_starts", "shift", ["starts_at", "id"])
    op.create_table(
        "shift_log",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("shift_id", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.String(length=16), nullable=False),
        sa.Column("by_name", sa.String(length=60), nullable=False),
        sa.Column("words", sa.String(length=500), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["shift_id"], ["shift.id"], name=op.f("fk_shift_log_shift_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shift_log")),
    )
    op.create_index("ix_shift_log_shift", "shift_log", ["shift_id", "at", "id"])
    op.create_table(
        "enrolment",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("session_id", sa.String(length=16), nullable=False),
        sa.Column("course_id", sa.String(length=16), nullable=False),
        sa.Column("person_id", sa.String(length=16), nullable=False),
        sa.Column("estate_id", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("by_staff", sa.Boolean(), nullable=False),
        sa.Column("consent", sa.String(length=100), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("passed_on", sa.Date(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state <> 'passed' OR passed_on IS NOT NULL", name=op.f("ck_enrolment_passed")),
        sa.CheckConstraint("state IN ('signed_up', 'waiting', 'attended', 'absent', 'passed', 'failed', 'cancelled')", name=op.f("ck_enrolment_state")),
        sa.ForeignKeyConstraint(["course_id"], ["course.id"], name=op.f("fk_enrolment_course_id")),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_enrolment_estate_id")),
        sa.ForeignKeyConstraint(["person_id"], ["volunteer.person_id"], name=op.f("fk_enrolment_person_id")),
        sa.ForeignKeyConstraint(["session_id"], ["training_session.id"], name=op.f("fk_enrolment_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolment")),
    )
    op.create_index("ix_enrolment_expiry", "enrolment", ["expires_on"], postgresql_where=sa.text("state = 'passed'"), sqlite_where=sa.text("state = 'passed'"))
    op.create_index("ix_enrolment_holders", "enrolment", ["course_id", "person_id"], postgresql_where=sa.text("state = 'passed'"), sqlite_where=sa.text("state = 'passed'"))
    op.create_index("ix_enrolment_once", "enrolment", ["session_id", "person_id"], unique=True, postgresql_where=sa.text("state <> 'cancelled'"), sqlite_where=sa.text("state <> 'cancelled'"))
    op.create_index("ix_enrolment_person", "enrolment", ["person_id", "queued_at", "id"])
    op.create_index("ix_enrolment_session", "enrolment", ["session_id", "queued_at", "id"])
    op.create_table(
        "shift_place",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("shift_id", sa.String(length=16), nullable=False),
        sa.Column("person_id", sa.String(length=16), nullable=False),
        sa.Column("need", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("is_leader", sa.Boolean(), nullable=False),
        sa.Column("by_staff", sa.Boolean(), nullable=False),
        sa.Column("consent", sa.String(length=100), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirm_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("for_id", sa.String(length=16), nullable=True),
        sa.Column("back_id", sa.String(length=16), nullable=True),
        sa.Column("checked_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_out_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.String(length=16), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state <> 'no_show' OR reason <> ''", name=op.f("ck_shift_place_no_show")),
        sa.CheckConstraint("state IN ('invited', 'asked', 'signed_up', 'waiting', 'to_confirm', 'present', 'done', 'no_show', 'declined', 'withdrawn', 'replaced', 'lapsed', 'called_off')", name=op.f("ck_shift_place_state")),
        sa.CheckConstraint("(entry_id IS NULL) = (minutes = 0)", name=op.f("ck_shift_place_credited")),
        sa.CheckConstraint("minutes BETWEEN 0 AND 1440", name=op.f("ck_shift_place_minutes")),
        sa.ForeignKeyConstraint(["back_id"], ["shift_place.id"], name=op.f("fk_shift_place_back_id")),
        sa.ForeignKeyConstraint(["entry_id"], ["hour_entry.id"], name=op.f("fk_shift_place_entry_id")),
        sa.ForeignKeyConstraint(["for_id"], ["shift_place.id"], name=op.f("fk_shift_place_for_id")),
        sa.ForeignKeyConstraint(["person_id"], ["volunteer.person_id"], name=op.f("fk_shift_place_person_id")),
        sa.ForeignKeyConstraint(["shift_id"], ["shift.id"], name=op.f("fk_shift_place_shift_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shift_place")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_shift_place_entry_id")),
    )
    op.create_index("ix_shift_place_confirm", "shift_place", ["confirm_by"], postgresql_where=sa.text("state = 'to_confirm'"), sqlite_where=sa.text("state = 'to_confirm'"))
    op.create_index("ix_shift_place_once", "shift_place", ["shift_id", "person_id"], unique=True, postgresql_where=sa.text("state IN ('invited', 'asked', 'waiting', 'signed_up', 'to_confirm', 'present', 'done', 'no_show')"), sqlite_where=sa.text("state IN ('invited', 'asked', 'waiting', 'signed_up', 'to_confirm', 'present', 'done', 'no_show')"))
    op.create_index("ix_shift_place_open", "shift_place", ["shift_id"], postgresql_where=sa.text("state IN ('invited', 'asked', 'waiting', 'to_confirm')"), sqlite_where=sa.text("state IN ('invited', 'asked', 'waiting', 'to_confirm')"))
    op.create_index("ix_shift_place_person", "shift_place", ["person_id", "queued_at", "id"])
    op.create_index("ix_shift_place_shift", "shift_place", ["shift_id", "queued_at", "id"])
    op.create_table(
        "training_reminder",
        sa.Column("enrolment_id", sa.String(length=16), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["enrolment_id"], ["enrolment.id"], name=op.f("fk_training_reminder_enrolment_id")),
        sa.PrimaryKeyConstraint("enrolment_id", "days", name=op.f("pk_training_reminder")),
    )


def downgrade() -> None:
    """Back to the step before."""
    for table in TABLES:
        op.drop_table(table)
