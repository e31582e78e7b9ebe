"""Triggers that refuse to change or delete rows of the ledgers and of sealed audit chains."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

LEDGERS = ("event", "hour_entry")


def upgrade() -> None:
    """Expand."""
    if op.get_bind().dialect.name == "postgresql":
        _postgresql()
    else:
        _sqlite()


def _postgresql() -> None:
    op.execute(
        """
        CREATE FUNCTION linju_refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$
        """
    )
    op.execute(
        """
        CREATE FUNCTION linju_keep_chain() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN
          IF TG_OP = 'DELETE' OR OLD.sealed_at IS NOT NULL OR NEW.length < OLD.length THEN
            RAISE EXCEPTION 'audit_chain is sealed';
          END IF;
          RETURN NEW;
        END $$
        """
    )
    for table in LEDGERS:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION linju_refuse()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION linju_refuse()"
        )
    op.execute(
        "CREATE TRIGGER audit_chain_sealed BEFORE UPDATE OR DELETE ON audit_chain "
        "FOR EACH ROW EXECUTE FUNCTION linju_keep_chain()"
    )


def _sqlite() -> None:
    for table in LEDGERS:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
    op.execute(
        "CREATE TRIGGER audit_chain_sealed BEFORE UPDATE ON audit_chain "
        "WHEN OLD.sealed_at IS NOT NULL OR NEW.length < OLD.length "
        "BEGIN SELECT RAISE(ABORT, 'audit_chain is sealed'); END"
    )
    op.execute(
        "CREATE TRIGGER audit_chain_kept BEFORE DELETE ON audit_chain "
        "BEGIN SELECT RAISE(ABORT, 'audit_chain is sealed'); END"
    )


def downgrade() -> None:
    """Back to the step before."""
    if op.get_bind().dialect.name == "postgresql":
        for table in LEDGERS:
            op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
            op.execute(f"DROP TRIGGER {table}_no_truncate ON {table}")
        op.execute("DROP TRIGGER audit_chain_sealed ON audit_chain")
        op.execute("DROP FUNCTION linju_refuse()")
        op.execute("DROP FUNCTION linju_keep_chain()")
        return
    for table in LEDGERS:
        for verb in ("update", "delete"):
            op.execute(f"DROP TRIGGER {table}_no_{verb}")
    op.execute("DROP TRIGGER audit_chain_sealed")
    op.execute("DROP TRIGGER audit_chain_kept")
