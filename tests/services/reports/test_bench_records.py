"""The records that reports are measured on: made and counted by set-based SQL, they are what sweeps would have made."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from flask import Flask
from sqlalchemy import func, select

from bench.records import PATH, Size, make
from core import clock, reports
from core.database import db
from core.reports import Question
from services.orders.models import ServiceOrder
from services.reports import people, proof
from services.reports.models import ActiveKnown, TimeRollupKnown
from tests.services.reports.test_figures import active_as_known, assert_same, roll


def test_records_are_counted_as_sweeps_count_them(app: Flask, at: Callable[[datetime], None]) -> None:
    make(app, Size(500, estates=4, communities=2, people=5, fresh=20, days_on_duty=45))
    today = clock.today()
    first = today - timedelta(days=1200)
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(ServiceOrder)) == 520
        assert reports.draw(Question(PATH, first, today), ["rota.came"])[""]["rota.came"].amount > 4 * 2 * 40
        for swept in (False, True):
            if swept:
                at(clock.now() + timedelta(minutes=10))
                roll()
            assert list(proof.differences()) == []
            assert_same(PATH, first, today, ["now"])
            for ago in range(0, 1200, 97):
                day = today - timedelta(days=ago)
                known = Question(PATH, first, today, as_of=day)
                assert people.active(known).get("", 0) == active_as_known(PATH, first, today, day)
        for table, column in ((ActiveKnown, "people"), (TimeRollupKnown, "orders")):
            assert db.session.scalar(select(func.sum(getattr(table, column)))) > 600
        assert all(proof.rebuild(row.id, row.path) == 0 for row in proof.workflow.list_estates())
