"""Applications, consents and guardians; standing with leave and archive; evidence of skills; teams."""

from __future__ import annotations

import secrets
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0015"
branch_labels = None
depends_on = None

OLD_STANDINGS = "standing IN ('active', 'suspended', 'left')"
NEW_STANDINGS = "standing IN ('active', 'suspended', 'on_leave', 'left', 'erased')"
KEPT_YEARS = 10
STANDS = sa.text("withdrawn_at IS NULL")
LIVE = sa.text("state IN ('submitted', 'returned')")
WAITING = sa.text("state = 'submitted'")
SHANGHAI = timedelta(hours=8)
INDEXES: tuple[tuple[str, str, list[str], str], ...] = (
    ("ix_volunteer_leave", "volunteer", ["leave_until"], "standing = 'on_leave'"),
    ("ix_volunteer_keep", "volunteer", ["keep_until"], "standing = 'left'"),
    ("ix_volunteer_skill_expiry", "volunteer_skill", ["expires_on"], "reminded_on IS NULL"),
    ("ix_person_number", "person", ["id_key"], "id_key IS NOT NULL"),
)


def columns() -> tuple[tuple[str, sa.Column[Any]], ...]:
    """What tables that are there gain."""
    return (
        ("volunteer", sa.Column("categories", sa.Text(), nullable=False, server_default="[]")),
        ("volunteer", sa.Column("leave_from", sa.Date(), nullable=True)),
        ("volunteer", sa.Column("leave_until", sa.Date(), nullable=True)),
        ("volunteer", sa.Column("left_on", sa.Date(), nullable=True)),
        ("volunteer", sa.Column("keep_until", sa.Date(), nullable=True)),
        ("volunteer", sa.Column("custodian", sa.String(length=60), nullable=False, server_default="")),
        ("volunteer_skill", sa.Column("verified_by", sa.String(length=60), nullable=False, server_default="")),
        ("volunteer_skill", sa.Column("evidence", sa.String(length=200), nullable=False, server_default="")),
        ("volunteer_skill", sa.Column("certificate_sealed", sa.String(length=200), nullable=True)),
        ("volunteer_skill", sa.Column("expires_on", sa.Date(), nullable=True)),
        ("volunteer_skill", sa.Column("reminded_on", sa.Date(), nullable=True)),
        ("roll_import", sa.Column("target", sa.String(length=16), nullable=False, server_default="")),
    )


def upgrade() -> None:
    """Expand, and make teams of what volunteers' rolls said."""
    for table, column in columns():
        op.add_column(table, column)
    for name, table, over, where in INDEXES:
        op.create_index(name, table, over, postgresql_where=sa.text(where), sqlite_where=sa.text(where))
    _check_standings(OLD_STANDINGS, NEW_STANDINGS)
    _consents()
    _applications()
    _teams()
    _move()


def downgrade() -> None:
    """Back to the step before: who was away serves again, and whoever was forgotten has left."""
    for table in ("team_membership", "team", "volunteer_application", "volunteer_guardian", "volunteer_consent"):
        op.drop_table(table)
    op.execute("UPDATE volunteer SET standing = 'active' WHERE standing = 'on_leave'")
    op.execute("UPDATE volunteer SET standing = 'left' WHERE standing = 'erased'")
    _check_standings(NEW_STANDINGS, OLD_STANDINGS)
    for name, table, _, _ in INDEXES:
        op.drop_index(name, table_name=table)
    for table, column in reversed(columns()):
        op.drop_column(table, column.name)


def _check_standings(before: str, after: str) -> None:
    """Replace the check of ``volunteer.standing``.

    SQLite cannot, and rebuilding a table that others refer to breaks their keys; so its text is changed in the schema,
    as SQLite's own manual has it for checks ("Making Other Kinds Of Table Schema Changes").
    """
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.drop_constraint(op.f("ck_volunteer_standing"), "volunteer", type_="check")
        op.create_check_constraint(op.f("ck_volunteer_standing"), "volunteer", after)
        return
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema=ON")
    changed = "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = 'volunteer'"
    connection.exec_driver_sql(changed, (before, after))
    connection.exec_driver_sql(f"PRAGMA schema_version={version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema=OFF")


def _partial(name: str, table: str, columns: list[str], where: Any, *, unique: bool = False) -> None:
    op.create_index(name, table, columns, unique=unique, postgresql_where=where, sqlite_where=where)


def _consents() -> None:
    op.create_table(
        "volunteer_consent",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("person_id", sa.String(length=16), nullable=False),
        sa.Column("estate_id", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("text_version", sa.String(length=10), nullable=False),
        sa.Column("how", sa.String(length=10), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.String(length=16), nullable=False),
        sa.Column("recorded_by_name", sa.String(length=60), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('general', 'sensitive', 'sharing', 'publishing', 'hours_notice')", name=op.f("ck_volunteer_consent_kind")
        ),
        sa.CheckConstraint("how IN ('online', 'paper', 'phone', 'present')", name=op.f("ck_volunteer_consent_how")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_volunteer_consent_person_id")),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_volunteer_consent_estate_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_volunteer_consent")),
    )
    _partial("ix_volunteer_consent_stands", "volunteer_consent", ["person_id", "kind"], STANDS, unique=True)
    op.create_index("ix_volunteer_consent_person", "volunteer_consent", ["person_id", "given_at"])
    op.create_table(
        "volunteer_guardian",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("person_id", sa.String(length=16), nullable=False),
        sa.Column("estate_id", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("relation", sa.String(length=20), nullable=False),
        sa.Column("phone_sealed", sa.String(length=100), nullable=True),
        sa.Column("phone_key", sa.String(length=32), nullable=True),
        sa.Column("companion_id", sa.String(length=16), nullable=True),
        sa.Column("how", sa.String(length=10), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.String(length=16), nullable=False),
        sa.Column("recorded_by_name", sa.String(length=60), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by_name", sa.String(length=60), nullable=False),
        sa.Column("withdrawn_reason", sa.String(length=200), nullable=False),
        sa.CheckConstraint("how IN ('online', 'paper', 'phone', 'present')", name=op.f("ck_volunteer_guardian_how")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_volunteer_guardian_person_id")),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_volunteer_guardian_estate_id")),
        sa.ForeignKeyConstraint(
            ["companion_id"], ["volunteer.person_id"], name=op.f("fk_volunteer_guardian_companion_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_volunteer_guardian")),
    )
    _partial("ix_volunteer_guardian_stands", "volunteer_guardian", ["person_id"], STANDS, unique=True)
    _partial("ix_volunteer_guardian_phone", "volunteer_guardian", ["phone_key"], STANDS)


def _applications() -> None:
    op.create_table(
        "volunteer_application",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("estate_id", sa.String(length=16), nullable=False),
        sa.Column("person_id", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("via", sa.String(length=6), nullable=False),
        sa.Column("applied_by", sa.String(length=16), nullable=False),
        sa.Column("applied_by_name", sa.String(length=60), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_name", sa.String(length=60), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("skills", sa.Text(), nullable=False),
        sa.Column("windows", sa.Text(), nullable=False),
        sa.Column("weekly_cap", sa.Integer(), nullable=False),
        sa.Column("reach", sa.String(length=10), nullable=False),
        sa.Column("categories", sa.Text(), nullable=False),
        sa.Column("consents", sa.Text(), nullable=False),
        sa.Column("consents_version", sa.String(length=10), nullable=False),
        sa.Column("consents_how", sa.String(length=10), nullable=False),
        sa.Column("national_no", sa.String(length=30), nullable=False),
        sa.Column("id_sealed", sa.String(length=120), nullable=True),
        sa.Column("id_key", sa.String(length=32), nullable=True),
        sa.Column("phone_sealed", sa.String(length=100), nullable=True),
        sa.Column("guardian_name", sa.String(length=60), nullable=False),
        sa.Column("guardian_relation", sa.String(length=20), nullable=False),
        sa.Column("guardian_phone_sealed", sa.String(length=100), nullable=True),
        sa.Column("guardian_how", sa.String(length=10), nullable=False),
        sa.Column("companion_id", sa.String(length=16), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('submitted', 'returned', 'approved', 'refused', 'withdrawn')",
            name=op.f("ck_volunteer_application_state"),
        ),
        sa.CheckConstraint("via IN ('self', 'staff', 'roll')", name=op.f("ck_volunteer_application_via")),
        sa.CheckConstraint("weekly_cap BETWEEN 1 AND 50", name=op.f("ck_volunteer_application_weekly_cap")),
        sa.CheckConstraint(
            "reach IN ('building', 'estate', 'community')", name=op.f("ck_volunteer_application_reach")
        ),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_volunteer_application_estate_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_volunteer_application_person_id")),
        sa.ForeignKeyConstraint(
            ["companion_id"], ["volunteer.person_id"], name=op.f("fk_volunteer_application_companion_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_volunteer_application")),
    )
    _partial("ix_volunteer_application_live", "volunteer_application", ["person_id"], LIVE, unique=True)
    _partial("ix_volunteer_application_queue", "volunteer_application", ["estate_id", "applied_at", "id"], WAITING)
    columns = ["estate_id", "state", "applied_at", "id"]
    op.create_index("ix_volunteer_application_estate", "volunteer_application", columns)
    op.create_index("ix_volunteer_application_person", "volunteer_application", ["person_id", "applied_at"])


def _teams() -> None:
    op.create_table(
        "team",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=6), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.String(length=16), nullable=True),
        sa.Column("estate_id", sa.String(length=16), nullable=True),
        sa.Column("path", sa.String(length=170), nullable=False),
        sa.Column("parent_id", sa.String(length=16), nullable=True),
        sa.Column("slogan", sa.String(length=60), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("founded_on", sa.Date(), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('plw', 'vanguard', 'corps', 'detachment', 'squad')", name=op.f("ck_team_kind")
        ),
        sa.CheckConstraint("state IN ('open', 'ended')", name=op.f("ck_team_state")),
        sa.CheckConstraint("(organisation_id IS NULL) = (kind = 'corps')", name=op.f("ck_team_home")),
        sa.CheckConstraint("parent_id IS NULL OR kind = 'detachment'", name=op.f("ck_team_parent")),
        sa.CheckConstraint("ended_on IS NULL OR ended_on >= founded_on", name=op.f("ck_team_term")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_team_organisation_id")),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_team_estate_id")),
        sa.ForeignKeyConstraint(["parent_id"], ["team.id"], name=op.f("fk_team_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team")),
    )
    _partial("ix_team_name", "team", ["organisation_id", "name"], sa.text("state = 'open'"), unique=True)
    corps = sa.text("kind = 'corps' AND state = 'open'")
    _partial("ix_team_corps_name", "team", ["name"], corps, unique=True)
    op.create_index("ix_team_path", "team", ["path", "id"])
    op.create_index("ix_team_estate", "team", ["estate_id", "name"])
    op.create_index("ix_team_parent", "team", ["parent_id"])
    op.create_table(
        "team_membership",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("estate_id", sa.String(length=16), nullable=False),
        sa.Column("team_id", sa.String(length=16), nullable=False),
        sa.Column("person_id", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=6), nullable=False),
        sa.Column("via", sa.String(length=6), nullable=False),
        sa.Column("wish", sa.String(length=200), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('asked', 'member', 'declined', 'withdrawn', 'left')", name=op.f("ck_team_membership_state")
        ),
        sa.CheckConstraint("role IN ('leader', 'deputy', 'member')", name=op.f("ck_team_membership_role")),
        sa.CheckConstraint("via IN ('asked', 'staff', 'roll')", name=op.f("ck_team_membership_via")),
        sa.CheckConstraint(
            "(state IN ('member', 'left')) = (joined_at IS NOT NULL)", name=op.f("ck_team_membership_joined")
        ),
        sa.CheckConstraint("(state = 'left') = (left_at IS NOT NULL)", name=op.f("ck_team_membership_left")),
        sa.CheckConstraint("left_at IS NULL OR left_at >= joined_at", name=op.f("ck_team_membership_term")),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_team_membership_estate_id")),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_team_membership_team_id")),
        sa.ForeignKeyConstraint(["person_id"], ["volunteer.person_id"], name=op.f("fk_team_membership_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team_membership")),
    )
    live = sa.text("state IN ('asked', 'member')")
    _partial("ix_team_membership_live", "team_membership", ["team_id", "person_id"], live, unique=True)
    op.create_index("ix_team_membership_person", "team_membership", ["person_id", "state"])
    op.create_index("ix_team_membership_estate", "team_membership", ["estate_id", "team_id"])


# What is there


def _move() -> None:
    """A team for each name that an estate's volunteers carry, and the ten years of those who have left."""
    connection = op.get_bind()
    naive = connection.dialect.name == "sqlite"
    moment = sa.DateTime(timezone=True)
    volunteer = sa.table(
        "volunteer", sa.column("person_id"), sa.column("estate_id"), sa.column("team"), sa.column("standing"),
        sa.column("joined_on", sa.Date), sa.column("updated_at", moment), sa.column("left_on", sa.Date),
        sa.column("keep_until", sa.Date),
    )  # fmt: skip
    estate = sa.table("estate", sa.column("id"), sa.column("branch_id"), sa.column("path"))
    homes = {row.id: row for row in connection.execute(sa.select(estate))}
    now = datetime.now(UTC)
    teams: dict[tuple[str, str], dict[str, Any]] = {}
    members: list[dict[str, Any]] = []
    gone: list[dict[str, Any]] = []
    for row in connection.execute(sa.select(volunteer)).all():
        changed = row.updated_at if row.updated_at.tzinfo else row.updated_at.replace(tzinfo=UTC)
        last_day = max(row.joined_on, (changed + SHANGHAI).date())
        if row.standing == "left":
            gone.append({"person": row.person_id, "left": last_day, "keep": _in_ten_years(last_day)})
        if not row.team.strip():
            continue
        home = homes[row.estate_id]
        team = teams.setdefault((row.estate_id, row.team), _team(row.team, home, row.joined_on, _kept(now, naive)))
        team["founded_on"] = min(team["founded_on"], row.joined_on)
        left = _midnight(last_day + timedelta(days=1)) if row.standing == "left" else None
        members.append(_member(row, team["id"], left, now, naive))
    if gone:
        change = sa.update(volunteer).where(volunteer.c.person_id == sa.bindparam("person"))
        connection.execute(change.values(left_on=sa.bindparam("left"), keep_until=sa.bindparam("keep")), gone)
    if teams:
        meta = sa.MetaData()
        op.bulk_insert(sa.Table("team", meta, autoload_with=connection, resolve_fks=False), list(teams.values()))
        op.bulk_insert(sa.Table("team_membership", meta, autoload_with=connection, resolve_fks=False), members)


def _team(name: str, home: Any, founded: date, now: datetime) -> dict[str, Any]:
    kinds = (("党团妇", "plw"), ("先锋", "vanguard"), ("支队", "detachment"))
    kind = next((kind for part, kind in kinds if part in name), "squad")
    return {
        "id": secrets.token_hex(8), "kind": kind, "name": name, "state": "open", "version": 1,
        "organisation_id": home.branch_id, "estate_id": home.id, "path": home.path, "parent_id": None, "slogan": "",
        "description": "", "founded_on": founded, "ended_on": None, "created_at": now, "updated_at": now,
    }  # fmt: skip


def _member(row: Any, team_id: str, left: datetime | None, now: datetime, naive: bool) -> dict[str, Any]:
    return {
        "id": secrets.token_hex(8), "estate_id": row.estate_id, "team_id": team_id, "person_id": row.person_id,
        "state": "left" if left else "member", "version": 1, "role": "member", "via": "roll", "wish": "",
        "asked_at": None, "joined_at": _kept(_midnight(row.joined_on), naive),
        "left_at": _kept(left, naive) if left else None, "reason": "", "updated_at": _kept(now, naive),
    }  # fmt: skip


def _midnight(day: date) -> datetime:
    """The first moment of a day in Shanghai."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) - SHANGHAI


def _kept(moment: datetime, naive: bool) -> datetime:
    """As the database holds it."""
    return moment.replace(tzinfo=None) if naive else moment


def _in_ten_years(day: date) -> date:
    try:
        return day.replace(year=day.year + KEPT_YEARS)
    except ValueError:
        return day.replace(year=day.year + KEPT_YEARS, day=28)
