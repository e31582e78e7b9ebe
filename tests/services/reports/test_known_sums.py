"""Sums by the day of knowing: what they say of a past day, and how they come into a database that had none."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import alembic.command
import pytest
from alembic.config import Config
from flask import Flask
from sqlalchemy import delete, func, select, update

from core import clock, reports
from core.database import begin_write, db
from core.reports import Question
from services.reports import durations, figures, people, proof, workflow
from services.reports.activity import WHO
from services.reports.models import (
    Active,
    ActiveKnown,
    OrderCount,
    RollMark,
    RollupKnown,
    TimeRollup,
    TimeRollupKnown,
)
from services.reports.workflow import SUMS
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
        alembic.command.upgrade(config, "head")
        for filled in (False, True):
            if filled:
                roll()
            assert bool(db.session.scalar(select(func.count()).select_from(Active))) == filled
            assert (reports.draw(asked, names), people.active(past)) == before
            assert list(proof.differences()) == []
            db.session.rollback()
        assert clock.today() > LAST


def key_of(cut: str, row: Any) -> str:
    week = row.period - timedelta(days=row.period.weekday())
    keys = {"month": f"{row.period:%Y-%m}", "week": week.isoformat(), "day": row.period.isoformat(), "item": row.item}
    return keys.get(cut, "")


@pytest.mark.parametrize("seed", range(2))
def test_what_a_past_day_knew_is_the_sum_of_the_changes_up_to_it(seed: int, app: Flask, lived: World) -> None:  # noqa: F811
    rng = random.Random(seed)
    with app.app_context():
        clock.set_now(clock.now() + timedelta(hours=1))
        roll()
        rows = {model: db.session.scalars(select(model).where(model.grain == "d")).all() for model in KNOWN}
        drawn = 0
        for _ in range(150):
            body, first = rng.choice([*lived.bodies.values()]), FIRST + timedelta(days=rng.randrange(60))
            last, day = first + timedelta(days=rng.randrange(60)), FIRST + timedelta(days=rng.randrange(80))
            cut = rng.choice(["total", "month", "week", "day", "item"])
            asked = Question(body.path, first, last, cut, as_of=day)  # type: ignore[arg-type]

            def counted(model: Any, asked: Question = asked, node: str = body.id) -> Iterator[tuple[str, Any]]:
                for row in rows[model]:
                    mine = row.node_id == node and (row.item != "") == (asked.by == "item")
                    if mine and asked.first <= row.period <= asked.last and row.known_on <= asked.as_of:  # type: ignore[operator]
                        yield key_of(asked.by, row), row

            sums: dict[Any, int] = defaultdict(int)
            for key, row in counted(RollupKnown):
                for name in SUMS:
                    sums[key, name] += getattr(row, name)
            kept = {(key, name): n for key, numbers in figures.sums(asked).items() for name, n in numbers.items()}
            assert some(kept) == some(sums), asked
            took: dict[Any, int] = defaultdict(int)
            for key, row in counted(TimeRollupKnown):
                took[key, row.step, row.bucket] += row.orders
            kept = {(key, step, index): n for key, steps in durations.histograms(asked).items()
                    for step, numbers in steps.items() for index, n in numbers.items()}  # fmt: skip
            assert some(kept) == some(took), asked
            active: dict[Any, int] = defaultdict(int)
            for key, row in counted(ActiveKnown):
                starts = {"month": row.period.replace(day=1), "day": row.period,
                          "week": row.period - timedelta(days=row.period.weekday())}  # fmt: skip
                active[row.who, key] += row.people if row.prev < max(first, starts.get(cut, first)) else 0
            whom = {(who, key): n for who, numbers in people.counts(asked, WHO).items() for key, n in numbers.items()}
            assert whom == some(active), asked
            drawn += len(some(sums)) + len(some(took)) + len(some(active))
        assert drawn > 1000


def some(found: Mapping[Any, int]) -> dict[Any, int]:
    """Numbers that are not nothing."""
    return {key: number for key, number in found.items() if number}


KNOWN: tuple[Any, ...] = (RollupKnown, TimeRollupKnown, ActiveKnown)


def test_counting_all_orders_again_in_batches_changes_no_past_day(
    app: Flask, lived: World, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:  # fmt: skip
    """A deadline that ran out before is neither taken back nor counted on another day."""

    def as_known() -> dict[Any, Any]:
        rows = db.session.scalars(select(RollupKnown)).all()
        keys = ("node_id", "grain", "item", "period", "known_on")
        found = {tuple(getattr(row, key) for key in keys): [getattr(row, name) for name in SUMS] for row in rows}
        return {key: numbers for key, numbers in found.items() if any(numbers)}

    with app.app_context():
        clock.set_now(clock.now() + timedelta(hours=1))
        roll()
        before = as_known()
        db.session.rollback()
        begin_write()
        db.session.execute(update(RollMark).where(RollMark.stream == "orders").values(upto=workflow.BEGINNING))
        db.session.execute(update(OrderCount).values(to_dispatch=None, to_accept=None, to_complete=None))
        for model in (TimeRollup, TimeRollupKnown):
            db.session.execute(delete(model))
        db.session.commit()
        monkeypatch.setattr(workflow, "_BATCH_END", workflow._BATCH_END.offset(6))
        roll()
        assert as_known() == before
        assert list(proof.differences()) == []
