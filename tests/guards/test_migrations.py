"""One head, the models in step with it, and a way up and down, on both databases."""

from __future__ import annotations

import alembic.command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import inspect

from core.database import Base, engines

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
