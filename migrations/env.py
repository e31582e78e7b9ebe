"""Alembic's environment: the models' metadata against the application's database."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from flask import current_app

from core.database import Base, engines, write_intent


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write our column types as what the database holds, so that old migrations need no code of today."""
    plain = {"UtcDateTime": "sa.DateTime(timezone=True)", "JsonText": "sa.Text()"}
    return plain.get(type(item).__name__, False) if kind == "type" else False


def run() -> None:
    """Migrate in one transaction; on SQLite tables are rebuilt where it cannot alter them."""
    options = current_app.extensions["migrate"].configure_args
    with write_intent(), engines().main.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            **(options | {"render_as_batch": connection.dialect.name == "sqlite", "render_item": render_item}),
        )
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("migrations run against a database only")
run()
