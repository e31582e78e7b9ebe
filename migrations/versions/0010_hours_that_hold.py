"""Hours that hold: where, for whom and under whom; monthly sums; disputes, notices, honours, consents, the time bank."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0012"
branch_labels = None
depends_on = None

ENTRY_COLUMNS = (
    "place VARCHAR(80) NOT NULL DEFAULT ''",
    "body_id VARCHAR(16)",
    "body VARCHAR(80) NOT NULL DEFAULT ''",
    "in_charge_id VARCHAR(16)",
    "in_charge VARCHAR(60) NOT NULL DEFAULT ''",
    "source VARCHAR(10) NOT NULL DEFAULT '' CONSTRAINT ck_hour_entry_source "
    "CHECK (source IN ('', 'order', 'shift', 'activity', 'other'))",
    "source_id VARCHAR(16)",
)
"""In the words of both databases: a column that brings its own check cannot be added in alembic's."""
AT = sa.DateTime(timezone=True)
NO_TRUNCATE = "FOR EACH STATEMENT EXECUTE FUNCTION linju_refuse()"


def upgrade() -> None:
    """Expand."""
    for column in ENTRY_COLUMNS:
        op.execute(f"ALTER TABLE hour_entry ADD COLUMN {column}")
    _index("ix_hour_entry_late", "hour_entry", ["estate_id", "starts_at", "id"], "recorded_late")
    _index("ix_hour_entry_source", "hour_entry", ["source", "source_id"], "source_id IS NOT NULL")
    _sums()
    _notices()
    _disputes()
    _honours()
    _time_bank()
    if op.get_bind().dialect.name == "postgresql":
        _postgresql()
    else:
        _sqlite()


def _index(name: str, table: str, columns: list[str], where: str, unique: bool = False) -> None:
    op.create_index(name, table, columns, unique=unique, postgresql_where=sa.text(where), sqlite_where=sa.text(where))


def _id(name: str = "id", nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.String(length=16), nullable=nullable)


def _key(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"))


def _check(table: str, name: str, rule: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))


def _primary(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}"))


def _text(name: str, length: int) -> sa.Column:
    return sa.Column(name, sa.String(length=length), nullable=False, server_default="")


def _sums() -> None:
    op.create_table(
        "hour_month",
        _id("volunteer_id"), _id("estate_id"),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("services", sa.Integer(), nullable=False),
        sa.Column("watermark", AT, nullable=False),
        _key("hour_month", "volunteer_id", "volunteer.person_id"), _key("hour_month", "estate_id", "estate.id"),
        _primary("hour_month", "volunteer_id", "estate_id", "month"),
    )
    op.create_index("ix_hour_month_estate", "hour_month", ["estate_id", "month", "volunteer_id"])
    op.create_table(
        "hour_tail",
        _id("entry_id"), _id("volunteer_id"), _id("estate_id"),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("recorded_at", AT, nullable=False),
        _key("hour_tail", "entry_id", "hour_entry.id"), _primary("hour_tail", "entry_id"),
    )
    op.create_index("ix_hour_tail_volunteer", "hour_tail", ["volunteer_id", "month"])
    op.create_index("ix_hour_tail_estate", "hour_tail", ["estate_id", "month"])
    op.create_table(
        "hour_rollup",
        sa.Column("id", sa.Integer(), nullable=False), _id("rebuilt_to", nullable=True),
        sa.Column("proved_at", AT, nullable=True),
        _check("hour_rollup", "id", "id = 1"), _primary("hour_rollup", "id"),
    )
    op.execute("INSERT INTO hour_rollup (id) VALUES (1)")
    op.execute(
        "INSERT INTO hour_month (volunteer_id, estate_id, month, minutes, services, watermark) "
        f"SELECT volunteer_id, estate_id, {_month('starts_at')} AS m, sum(minutes), "
        "sum(CASE WHEN minutes > 0 THEN 1 ELSE -1 END), max(recorded_at) FROM hour_entry "
        f"GROUP BY volunteer_id, estate_id, {_month('starts_at')}"
    )
    op.create_table(
        "hour_reminder",
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("subject_id", sa.String(length=40), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("sent_at", AT, nullable=False),
        _primary("hour_reminder", "kind", "subject_id", "step"),
    )


def _month(column: str) -> str:
    """The first day of the month in Shanghai (UTC+8, no daylight saving)."""
    if op.get_bind().dialect.name == "postgresql":
        return f"date_trunc('month', {column} AT TIME ZONE 'Asia/Shanghai')::date"
    return f"strftime('%Y-%m-01', {column}, '+8 hours')"


def _notices() -> None:
    t = "hour_notice"
    op.create_table(
        t,
        _id(), _id("estate_id"),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.String(length=80), nullable=False),
        sa.Column("period_days", sa.Integer(), nullable=False),
        sa.Column("made_at", AT, nullable=False), _id("made_by"),
        sa.Column("opened_at", AT, nullable=True),
        sa.Column("closes_on", sa.Date(), nullable=True),
        sa.Column("closed_at", AT, nullable=True),
        sa.Column("updated_at", AT, nullable=False),
        _check(t, "state", "state IN ('draft', 'open', 'closed', 'withdrawn')"),
        _check(t, "period_days", "period_days >= 3"),
        _key(t, "estate_id", "estate.id"), _primary(t, "id"),
    )
    _index("ix_hour_notice_month", t, ["estate_id", "month"], "state <> 'withdrawn'", unique=True)
    _index("ix_hour_notice_open", t, ["closes_on"], "state = 'open'")
    t = "hour_notice_line"
    op.create_table(
        t,
        _id("notice_id"),
        sa.Column("position", sa.Integer(), nullable=False), _id("volunteer_id"),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("services", sa.Integer(), nullable=False),
        _key(t, "notice_id", "hour_notice.id"), _key(t, "volunteer_id", "volunteer.person_id"),
        _primary(t, "notice_id", "position"),
    )
    op.create_index("ix_hour_notice_line_volunteer", t, ["notice_id", "volunteer_id"], unique=True)


def _disputes() -> None:
    t = "hour_dispute"
    op.create_table(
        t,
        _id(), _id("estate_id"), _id("volunteer_id", nullable=True), _id("entry_id", nullable=True),
        _id("notice_id", nullable=True),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("claim", sa.Text(), nullable=False),
        sa.Column("claimed_minutes", sa.Integer(), nullable=True),
        sa.Column("claimed_start", AT, nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("raised_at", AT, nullable=False), _id("raised_by"),
        sa.Column("raised_by_name", sa.String(length=60), nullable=False), _text("caller", 60),
        sa.Column("due_at", AT, nullable=False),
        sa.Column("answered_at", AT, nullable=True), _id("answered_by", nullable=True),
        _text("answered_by_name", 60),
        sa.Column("answer", sa.Text(), nullable=False, server_default=""), _id("correction_id", nullable=True),
        sa.Column("updated_at", AT, nullable=False),
        _check(t, "state", "state IN ('raised', 'corrected', 'explained', 'withdrawn')"),
        _check(t, "kind", "kind IN ('minutes', 'date', 'missing', 'other')"),
        _check(t, "claimed_minutes", "claimed_minutes IS NULL OR claimed_minutes BETWEEN 0 AND 1440"),
        _check(t, "correction", "state <> 'corrected' OR correction_id IS NOT NULL"),
        _key(t, "estate_id", "estate.id"), _key(t, "volunteer_id", "volunteer.person_id"),
        _key(t, "entry_id", "hour_entry.id"), _key(t, "notice_id", "hour_notice.id"),
        _key(t, "raised_by", "person.id"), _key(t, "correction_id", "hour_entry.id"), _primary(t, "id"),
    )
    _index("ix_hour_dispute_open", t, ["estate_id", "due_at", "id"], "state = 'raised'")
    op.create_index("ix_hour_dispute_estate", t, ["estate_id", "raised_at", "id"])
    op.create_index("ix_hour_dispute_volunteer", t, ["volunteer_id", "raised_at", "id"])
    op.create_index("ix_hour_dispute_raised_by", t, ["raised_by", "raised_at", "id"])
    op.create_index("ix_hour_dispute_notice", t, ["notice_id", "raised_at"])
    _index("ix_hour_dispute_entry", t, ["entry_id", "raised_by"], "state = 'raised'", unique=True)


def _honours() -> None:
    t = "honour"
    op.create_table(
        t,
        _id(), _id("volunteer_id"), _id("estate_id"),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("body", sa.String(length=80), nullable=False),
        sa.Column("awarded_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", AT, nullable=False), _id("recorded_by"),
        sa.Column("struck_at", AT, nullable=True), _text("struck_reason", 200),
        _check(t, "named", "name <> '' AND body <> ''"),
        _key(t, "volunteer_id", "volunteer.person_id"), _key(t, "estate_id", "estate.id"), _primary(t, "id"),
    )
    op.create_index("ix_honour_volunteer", t, ["volunteer_id", "awarded_on", "id"])


def _time_bank() -> None:
    t = "time_transfer"
    op.create_table(
        t,
        _id(), _id("estate_id"), _id("giver_id"),
        sa.Column("giver_name", sa.String(length=60), nullable=False), _id("to_id", nullable=True),
        sa.Column("to_name", sa.String(length=60), nullable=False),
        sa.Column("relation", sa.String(length=20), nullable=False), _text("whereabouts", 60),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False, server_default=""),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("requested_at", AT, nullable=False),
        sa.Column("answered_at", AT, nullable=True), _id("answered_by", nullable=True), _text("answer", 200),
        sa.Column("consented_on", sa.Date(), nullable=True),
        sa.Column("updated_at", AT, nullable=False),
        _check(t, "state", "state IN ('requested', 'confirmed', 'refused', 'withdrawn')"),
        _check(t, "minutes", "minutes > 0"),
        _check(t, "consent", "state <> 'confirmed' OR (to_id IS NOT NULL AND consented_on IS NOT NULL)"),
        _key(t, "estate_id", "estate.id"), _key(t, "giver_id", "volunteer.person_id"), _key(t, "to_id", "person.id"),
        _primary(t, "id"),
    )
    op.create_index("ix_time_transfer_giver", t, ["giver_id", "requested_at", "id"])
    _index("ix_time_transfer_open", t, ["estate_id", "requested_at", "id"], "state = 'requested'")
    t = "time_entry"
    op.create_table(
        t,
        _id(), _id("holder_id"), _id("estate_id"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("balance", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("month", sa.Date(), nullable=True),
        _id("transfer_id", nullable=True), _id("order_id", nullable=True), _id("reverses_id", nullable=True),
        _text("note", 200),
        sa.Column("recorded_at", AT, nullable=False), _id("recorded_by"),
        _check(t, "minutes", "minutes <> 0"), _check(t, "balance", "balance >= 0"), _check(t, "number", "number > 0"),
        _check(
            t, "kind",
            "(kind IN ('saved', 'received') AND minutes > 0 AND reverses_id IS NULL) OR "
            "(kind IN ('given', 'used') AND minutes < 0 AND reverses_id IS NULL) OR "
            "(kind = 'reversed' AND reverses_id IS NOT NULL)",
        ),
        _key(t, "holder_id", "person.id"), _key(t, "estate_id", "estate.id"),
        _key(t, "transfer_id", "time_transfer.id"), _key(t, "reverses_id", "time_entry.id"), _primary(t, "id"),
        sa.UniqueConstraint("reverses_id", name=op.f("uq_time_entry_reverses_id")),
    )
    op.create_index("ix_time_entry_holder", t, ["holder_id", "number"], unique=True)
    _index("ix_time_entry_order", t, ["order_id"], "order_id IS NOT NULL")
    op.create_index("ix_time_entry_estate", t, ["estate_id", "recorded_at", "id"])


def _postgresql() -> None:
    op.execute(
        f"""
        CREATE FUNCTION linju_hour_tail() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN
          INSERT INTO hour_tail (entry_id, volunteer_id, estate_id, month, minutes, recorded_at)
          VALUES (NEW.id, NEW.volunteer_id, NEW.estate_id, {_month('NEW.starts_at')}, NEW.minutes, NEW.recorded_at);
          RETURN NULL;
        END $$
        """
    )
    op.execute("CREATE TRIGGER hour_entry_tail AFTER INSERT ON hour_entry "
               "FOR EACH ROW EXECUTE FUNCTION linju_hour_tail()")
    op.execute(
        """
        CREATE FUNCTION linju_time_follows() RETURNS trigger LANGUAGE plpgsql AS
        $$ DECLARE last record;
        BEGIN
          SELECT t.number, t.balance INTO last FROM time_entry t
          WHERE t.holder_id = NEW.holder_id ORDER BY t.number DESC LIMIT 1;
          IF NEW.number <> COALESCE(last.number, 0) + 1 OR NEW.balance <> COALESCE(last.balance, 0) + NEW.minutes THEN
            RAISE EXCEPTION 'time_entry does not follow' USING ERRCODE = 'integrity_constraint_violation';
          END IF;
          RETURN NEW;
        END $$
        """
    )
    op.execute("CREATE TRIGGER time_entry_follows BEFORE INSERT ON time_entry "
               "FOR EACH ROW EXECUTE FUNCTION linju_time_follows()")
    op.execute("CREATE TRIGGER time_entry_append_only BEFORE UPDATE OR DELETE ON time_entry "
               "FOR EACH ROW EXECUTE FUNCTION linju_refuse()")
    op.execute(f"CREATE TRIGGER time_entry_no_truncate BEFORE TRUNCATE ON time_entry {NO_TRUNCATE}")


def _sqlite() -> None:
    op.execute(
        "CREATE TRIGGER hour_entry_tail AFTER INSERT ON hour_entry BEGIN "
        "INSERT INTO hour_tail (entry_id, volunteer_id, estate_id, month, minutes, recorded_at) "
        f"VALUES (NEW.id, NEW.volunteer_id, NEW.estate_id, {_month('NEW.starts_at')}, NEW.minutes, NEW.recorded_at); "
        "END"
    )
    last = "SELECT {} FROM time_entry WHERE holder_id = NEW.holder_id ORDER BY number DESC LIMIT 1"
    op.execute(
        "CREATE TRIGGER time_entry_follows BEFORE INSERT ON time_entry "
        f"WHEN NEW.number <> COALESCE(({last.format('number')}), 0) + 1 "
        f"OR NEW.balance <> COALESCE(({last.format('balance')}), 0) + NEW.minutes "
        "BEGIN SELECT RAISE(ABORT, 'time_entry does not follow'); END"
    )
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER time_entry_no_{verb.lower()} BEFORE {verb} ON time_entry "
            "BEGIN SELECT RAISE(ABORT, 'time_entry is append-only'); END"
        )


def downgrade() -> None:
    """Back to the step before."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER hour_entry_tail ON hour_entry")
    else:
        op.execute("DROP TRIGGER hour_entry_tail")
    for table in ("time_entry", "time_transfer", "honour", "hour_dispute", "hour_notice_line",
                  "hour_notice", "hour_reminder", "hour_rollup", "hour_tail", "hour_month"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION linju_hour_tail()")
        op.execute("DROP FUNCTION linju_time_follows()")
    op.drop_index("ix_hour_entry_source", table_name="hour_entry")
    op.drop_index("ix_hour_entry_late", table_name="hour_entry")
    for column in reversed(ENTRY_COLUMNS):
        op.drop_column("hour_entry", column.partition(" ")[0])
