"""Figures from kept sums and the live tail are those of the rows, wherever the mark stands."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from community.grid.models import Estate
from core import clock
from core.database import db
from core.reports import Question
from services.reports import figures, queries, workflow
from services.reports.models import RollMark
from tests.factories import World
from tests.services.reports.test_queries import live

FIRST, LAST = date(2026, 10, 5), date(2026, 12, 20)


def roll() -> None:
    """A sweep over every estate."""
    for estate_id, path in db.session.execute(select(Estate.id, Estate.path)).all():
        workflow.roll_orders(estate_id, path)
        workflow.roll_hours(estate_id, path)
    db.session.rollback()


def assert_same(path: str, first: date, last: date) -> None:
    """The kept sums and the tail give what the rows give."""
    for by in ("month", "item"):
        rows, total = queries.service(queries.Unit("", "", path), first, last, by)
        for organised in ("then", "now"):
            asked = Question(path, first, last, by, organised=organised)  # type: ignore[arg-type]
            got = figures.sums(asked)
            for row in rows:
                mine = got.get(row.key, dict.fromkeys(workflow.SUMS, 0))
                assert {name: mine[name] for name in queries.COUNTS} == row.counts, (by, row.key)
                pairs = ("on_time", "due"), ("responded", "to_respond"), ("solved", "asked"), ("satisfied", "rated")
                assert [(mine[a], mine[b]) for a, b in pairs] == [row.rates[name] for name in queries.RATES]
                assert mine["minutes"] == row.minutes
    whole = figures.sums(Question(path, first, last)).get("", {})
    assert whole.get("placed", 0) == total.counts["placed"] and whole.get("minutes", 0) == total.minutes


@pytest.mark.parametrize("seed", range(3))
def test_the_mark_may_stand_anywhere(
    seed: int, app: Flask, world: World, at: Callable[[datetime], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(seed)
    path = world.bodies["community"].path
    monkeypatch.setattr(workflow, "LAG", timedelta(microseconds=1))
    with app.app_context():
        moved = clock.set_now

        def now_and_then(moment: datetime | None) -> None:
            moved(moment)
            if rng.random() < 0.1:
                roll()

        monkeypatch.setattr(clock, "set_now", now_and_then)
        live(world, rng)
        monkeypatch.undo()
        assert_same(path, FIRST, LAST)
        roll()
        assert db.session.scalar(select(RollMark.upto).limit(1)) is not None
        assert_same(path, FIRST, LAST)
        assert_same(path, date(2026, 11, 1), date(2026, 11, 30))
        assert_same(path, date(2026, 11, 7), date(2026, 11, 9))
