"""Sums by the day of knowing, on a database that had kept sums before there were any."""

from __future__ import annotations

from datetime import timedelta

import alembic.command
from alembic.config import Config
from flask import Flask
from sqlalchemy import func, select

from core import clock, reports
from core.database import db
from core.reports import Question
from services.reports import people, proof
from services.reports.models import Active
from tests.factories import World
from tests.services.reports.test_figures import FIRST, LAST, roll
from tests.services.reports.test_queries import lived  # noqa: F401


def test_figures_hold_before_and_after_the_sums_are_filled_again(app: Flask, lived: World) -> None:  # noqa: F811
    path = lived.bodies["community"].path
    names = [measure.name for measure in reports.measures().values() if "month" in measure.cuts]
    asked = Question(path, FIRST, LAST, "month")
    past = Question(path, FIRST, LAST, as_of=LAST - timedelta(days=30))
    with app.app_context():
        roll()
        before = reports.draw(asked, names), people.active(past)
        db.session.rollback()
        config: Config = app.extensions["migrate"].migrate.get_config()
        alembic.command.downgrade(config, "0013")
        alembic.command.upgrade(config, "0016")
        for filled in (False, True):
            if filled:
                roll()
            assert bool(db.session.scalar(select(func.count()).select_from(Active))) == filled
            assert (reports.draw(asked, names), people.active(past)) == before
            assert list(proof.differences()) == []
            db.session.rollback()
        assert clock.today() > LAST
