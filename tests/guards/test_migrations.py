"""One head, the models in step with it, and a way up and down, on both databases."""

from __future__ import annotations

import alembic.command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import inspect, text

from core import clock
from core.database import Base, engines, write_intent

LEFT_BY_ALEMBIC = {"alembic_version"}


def migrations(app: Flask) -> Config:
    """Alembic's view of the migrations, inside an application context."""
    config: Config = app.extensions["migrate"].migrate.get_config()
    return config


def test_there_is_one_head(app: Flask) -> None:
    with app.app_context():
        assert len(ScriptDirectory.from_config(migrations(app)).get_heads()) == 1


def test_models_are_in_step(app: Flask) -> None:
    with app.app_context(), engines().main.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_down_and_up_again(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        before = set(inspect(engines().main).get_table_names())
        alembic.command.downgrade(migrations(app), "base")
        assert set(inspect(engines().main).get_table_names()) <= LEFT_BY_ALEMBIC
    assert client.get("/readyz").status_code == 503
    with app.app_context():
        alembic.command.upgrade(migrations(app), "head")
        assert set(inspect(engines().main).get_table_names()) == before
    assert client.get("/readyz").status_code == 200


def test_dead_letters_go_up_into_deliveries_and_down_again(app: Flask) -> None:
    """Made before there were several channels: ``0004`` moves what a message knew of its e-mail."""
    with app.app_context():
        before = ScriptDirectory.from_config(migrations(app)).get_revision("0004").down_revision
    letter = {"id": "letter0000000001", "at": clock.now().isoformat()}
    with app.app_context():
        alembic.command.downgrade(migrations(app), str(before))
        with write_intent(), engines().main.begin() as connection:
            connection.execute(text(
                "INSERT INTO message (id, recipient_id, estate_id, kind, title, body, link, created_at, state,"
                " attempts, next_try_at, last_error)"
                " VALUES (:id, 'p', 'e', 'k', 't', '', '', :at, 'dead', 6, :at, '550')"
            ), letter)  # fmt: skip
        alembic.command.upgrade(migrations(app), "head")
        with engines().main.connect() as connection:
            row = connection.execute(text("SELECT message_id, target, state, attempts, last_error FROM delivery")).one()
            assert tuple(row) == (letter["id"], "p", "dead", 6, "550")
            assert connection.execute(text("SELECT state FROM message")).scalar_one() == "sent"
        alembic.command.downgrade(migrations(app), str(before))
        with engines().main.connect() as connection:
            row = connection.execute(text("SELECT state, attempts, last_error FROM message")).one()
            assert tuple(row) == ("dead", 6, "550")
