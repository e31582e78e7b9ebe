"""Teams made of what the register said before there were teams: by the migration, on a database that has volunteers."""

from __future__ import annotations

import alembic.command
from alembic.config import Config
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import text

from core.database import begin_write, db
from tests.factories import World

ROWS = (
    ("volunteer1", "党团妇服务队", "active"),
    ("volunteer2", "党团妇服务队", "suspended"),
    ("volunteer3", "红色先锋队", "left"),
    ("volunteer4", "", "active"),
    ("far_volunteer", "党团妇服务队", "active"),
)


def test_one_team_to_an_estate_and_name(app: Flask, world: World) -> None:
    with app.app_context():
        config: Config = app.extensions["migrate"].migrate.get_config()
        before = ScriptDirectory.from_config(config).get_revision("0012").down_revision
        alembic.command.downgrade(config, str(before))
        begin_write()
        for name, team, standing in ROWS:
            values = {"id": world[name].id, "team": team, "standing": standing}
            db.session.execute(
                text("UPDATE volunteer SET team = :team, standing = :standing WHERE person_id = :id"), values
            )
        db.session.commit()
        alembic.command.upgrade(config, "head")
        teams = db.session.execute(text("SELECT name, kind, estate_id, id FROM team ORDER BY name, estate_id")).all()
        found = sorted((row.name, row.kind, row.estate_id) for row in teams)
        banyan, swan = world.estates["banyan"].id, world.estates["swan"].id
        assert found == sorted(
            [("党团妇服务队", "plw", banyan), ("党团妇服务队", "plw", swan), ("红色先锋队", "vanguard", banyan)]
        )
        members = db.session.execute(text("SELECT person_id, state FROM team_membership")).all()
        assert {(row.person_id, row.state) for row in members} == {
            (world["volunteer1"].id, "member"), (world["volunteer2"].id, "member"), (world["volunteer3"].id, "left"),
            (world["far_volunteer"].id, "member"),
        }  # fmt: skip
        kept = text("SELECT left_on, keep_until FROM volunteer WHERE person_id = :id")
        row = db.session.execute(kept, {"id": world["volunteer3"].id}).one()
        assert int(str(row.keep_until)[:4]) - int(str(row.left_on)[:4]) == 10
        db.session.rollback()
