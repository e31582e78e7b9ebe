"""Figures from kept sums and the live tail are those of the rows, wherever the mark stands."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal

import pytest
from flask import Flask
from sqlalchemy import select, update

from community.grid.models import Estate
from community.organisations.models import Organisation
from core import clock, reports
from core.database import begin_write, db
from core.ids import new_id
from core.reports import Question, Value
from services.orders import workflow as orders
from services.orders.reports import DURATIONS, MEASURES
from services.orders.workflow import Wish
from services.reports import durations, figures, people, proof, workflow
from services.reports.measures import SUBJECT_OF
from services.reports.models import (
    Active,
    ActiveKnown,
    ActiveSeen,
    OrderCount,
    RollMark,
    Rollup,
    TimeRollup,
    TimeRollupKnown,
)
from services.reports.places import places
from tests.factories import Body, World
from tests.services.reports import recount
from tests.services.reports.test_queries import live, lived  # noqa: F401
from volunteers.hours.models import HourEntry

COUNTED = (*(measure.name for measure in MEASURES), *(measure.name for measure in DURATIONS), *SUBJECT_OF)
PEOPLE = ("volunteers.registered", "volunteers.joined", "volunteers.left", "volunteers.starred", "grid.residents",
          "grid.households", "grid.buildings")  # fmt: skip
FIRST, LAST = date(2026, 10, 5), date(2026, 12, 20)


def roll() -> None:
    """A sweep over every estate."""
    for estate_id, path in db.session.execute(select(Estate.id, Estate.path)).all():
        workflow.roll_orders(estate_id, path)
        workflow.roll_hours(estate_id, path)
    db.session.rollback()


def active_as_known(path: str, first: date, last: date, day: date) -> int:
    """Different volunteers by the entries that were recorded up to a day."""
    known = select(HourEntry.volunteer_id, HourEntry.starts_at).join(Estate, Estate.id == HourEntry.estate_id)
    known = known.where(Estate.path.startswith(path), HourEntry.recorded_at < clock.day_bounds(day)[1])
    return len({row[0] for row in db.session.execute(known) if first <= clock.local(row[1]).date() <= last})


CUTS = ("total", "unit", "estate", "month", "week", "day", "item")


def assert_same(path: str, first: date, last: date, readings: Sequence[str] = ("then", "now")) -> None:
    """The kept sums and the tail give what the rows give, whatever is asked for and by whatever it is cut."""
    rows = recount.Rows.read()
    for cut in CUTS:
        names = [n for n in COUNTED if cut in ("total", *reports.measures()[n].cuts)]
        right = rows.figures(path, first, last, cut)
        for reading in readings:
            asked = Question(path, first, last, cut, organised=reading)  # type: ignore[arg-type]
            drawn = reports.draw(asked, names)
            for key in {*right, *drawn}:
                for name in names:
                    got, want = drawn.get(key, {}).get(name), right.get(key, {}).get(name)
                    assert recount.same(name, got, want), (cut, reading, key, name, got, want)


def test_ten_figures_taken_at_random_are_what_the_rows_say(app: Flask, lived: World) -> None:  # noqa: F811
    rng = random.Random(lived["resident"].id)
    bodies = [*lived.bodies.values(), *(place.branch for place in lived.estates.values())]
    with app.app_context():
        rows = recount.Rows.read()
        for n in range(10):
            if n == 5:
                roll()
            body, first = rng.choice(bodies), FIRST + timedelta(days=rng.randrange(70))
            last = first + timedelta(days=rng.randrange(60))
            name = rng.choice([*COUNTED, *PEOPLE])
            cut = rng.choice(
                ["total", *sorted({*CUTS} & reports.measures()[name].cuts)] if name in COUNTED else ["total"]
            )
            drawn = reports.draw(Question(body.path, first, last, cut), [name])  # type: ignore[arg-type]
            if name in COUNTED:
                right = rows.figures(body.path, first, last, cut)
            else:
                right = {"": {name: Value(recount.of_people(body.path, first, last)[name])}}
            told = (name, body.name, first, last, cut)
            for key in {*right, *drawn}:
                got, want = drawn.get(key, {}).get(name), right.get(key, {}).get(name)
                assert recount.same(name, got, want), (told, key, got, want)


def test_a_branch_cut_by_unit_has_its_figures_under_nobodys_name(app: Flask, lived: World) -> None:  # noqa: F811
    path = next(iter(lived.estates.values())).branch.path
    with app.app_context():
        before = reports.draw(Question(path, FIRST, LAST, "unit"), ["orders.placed"])
        roll()
        after = reports.draw(Question(path, FIRST, LAST, "unit"), ["orders.placed"])
        whole = reports.draw(Question(path, FIRST, LAST), ["orders.placed"])
    assert before == after == whole and whole[""]["orders.placed"].amount


def test_the_rows_behind_a_figure_add_up_to_it(app: Flask, lived: World) -> None:  # noqa: F811
    path = lived.bodies["community"].path
    with app.app_context():
        roll()
        for item in (None, "errands"):
            asked = Question(path, FIRST, LAST, only={"item": item} if item else {})
            names = [m.name for m in reports.measures().values() if m.group == "订单"]
            drawn = reports.draw(asked, names)[""]
            for name in names:
                rows: list[Any] = []
                cursor = None
                while cursor is not None or not rows:
                    page = reports.behind(asked, name, cursor, 7)
                    rows += page.items
                    cursor = page.next_cursor
                    if cursor is None:
                        break
                value = drawn[name]
                counted = sum(row.counts for row in rows)
                if value.denominator is None:
                    assert counted == value.amount, name
                else:
                    assert (counted, len(rows)) == (value.numerator, value.denominator), name


def test_a_past_day_is_drawn_as_it_was_known(app: Flask, world: World, at: Callable[[datetime], None]) -> None:
    path, day = world.bodies["community"].path, date(2026, 11, 18)
    with app.app_context():
        order_id = orders.place(world["resident"].viewer(), Wish("errands")).id
        at(clock.from_local(datetime(2026, 11, 18, 23)))
        roll()
        known = Question(path, day, day, as_of=day)
        at(clock.from_local(datetime(2026, 11, 20, 9)))
        orders.cancel(world["resident"].viewer(), order_id, "不用了")
        assert figures.sums(Question(path, day, day))[""]["cancelled"] == 1
        at(clock.from_local(datetime(2026, 11, 20, 10)))
        roll()
        for asked, cancelled in ((known, 0), (Question(path, day, day), 1)):
            got = figures.sums(asked)[""]
            assert (got["placed"], got["cancelled"]) == (1, cancelled)


def test_a_unit_that_moved_is_read_both_ways(app: Flask, world: World, at: Callable[[datetime], None]) -> None:
    old, new, day = world.bodies["community"], world.bodies["far_community"], date(2026, 11, 18)
    with app.app_context():
        orders.place(world["resident"].viewer(), Wish("errands"))
        at(clock.from_local(datetime(2026, 11, 18, 12)))
        roll()
        moved(world, new)

        def placed(body: Body, organised: Literal["then", "now"]) -> int:
            return figures.sums(Question(body.path, day, day, organised=organised)).get("", {}).get("placed", 0)

        assert (placed(old, "then"), placed(new, "then")) == (1, 0)
        assert (placed(old, "now"), placed(new, "now")) == (0, 1)


def entry(world: World, name: str, estate: str, day: date, recorded: date) -> None:
    """An hour that somebody gave on a day, written down on a later one."""
    start = clock.from_local(datetime(day.year, day.month, day.day, 9))
    db.session.add(
        HourEntry(id=new_id(), volunteer_id=world[name].id, estate_id=world.estates[estate].id, starts_at=start,
                  ends_at=start + timedelta(hours=1), minutes=60, content="服务", recorded_by=world[name].id,
                  recorded_at=clock.from_local(datetime(recorded.year, recorded.month, recorded.day, 12)))
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_a_past_day_knows_the_people_whose_hours_were_recorded_by_then(
    seed: int, app: Flask, world: World, at: Callable[[datetime], None]
) -> None:
    """Estates are counted at different times, hours recorded out of the order of the days on which they were given."""
    rng, path, first = random.Random(seed), world.bodies["community"].path, date(2026, 9, 1)
    estates = [name for name, estate in world.estates.items() if estate.branch.path.startswith(path)]
    with app.app_context():
        for n in range(40):
            at(clock.from_local(datetime(2026, 10, 1, 23) + timedelta(days=n)))
            begin_write()
            for _ in range(rng.randrange(4)):
                day = clock.today() - timedelta(days=rng.choice([0, 0, 1, 9, 30]))
                entry(world, rng.choice(["volunteer1", "volunteer2"]), rng.choice(estates), day, clock.today())
            db.session.commit()
            if rng.random() < 0.5:
                estate = world.estates[rng.choice(estates)]
                workflow.roll_hours(estate.id, estate.branch.path)
        for counted in (False, True):
            if counted:
                at(clock.from_local(datetime(2026, 11, 20, 9)))
                roll()
                assert list(proof.differences()) == []
            for n in range(45):
                day = date(2026, 10, 1) + timedelta(days=n)
                for start, end in ((first, date(2026, 11, 30)), (date(2026, 9, 20), day), (date(2026, 10, 1), day)):
                    asked = Question(path, start, end, as_of=day)
                    assert people.active(asked).get("", 0) == active_as_known(path, start, end, day), (counted, asked)


def test_a_past_day_knows_its_durations(app: Flask, world: World, at: Callable[[datetime], None]) -> None:
    path, day = world.bodies["community"].path, date(2026, 11, 18)
    names = ["orders.to_dispatch", "orders.to_dispatch_90"]
    with app.app_context():
        order_id = orders.place(world["resident"].viewer(), Wish("errands")).id
        at(clock.from_local(datetime(2026, 11, 19, 10)))
        orders.dispatch(world["secretary"].viewer(), order_id, volunteers=[world["volunteer1"].id])
        at(clock.from_local(datetime(2026, 11, 21, 0, 1)))
        for _ in ("in the tail", "in the sums"):
            for known, minutes in ((date(2026, 11, 18), None), (date(2026, 11, 19), 1440.0), (None, 1440.0)):
                drawn = reports.draw(Question(path, day, day, as_of=known), names).get("", {})
                assert drawn.get(names[0], reports.Value()).amount == (minutes and pytest.approx(minutes, rel=0.05))
            at(clock.from_local(datetime(2026, 11, 21, 9)))
            roll()


def moved(world: World, to: Body) -> None:
    """The estate's branch stands under another community from now on."""
    branch = world.estates["banyan"].branch
    begin_write()
    path = to.path + branch.id + "/"
    db.session.execute(update(Organisation).where(Organisation.id == branch.id).values(parent_id=to.id, path=path))
    db.session.execute(update(Estate).where(Estate.branch_id == branch.id).values(path=path))
    db.session.commit()


def test_only_a_border_that_was_crossed_is_read_estate_by_estate(app: Flask, lived: World) -> None:  # noqa: F811
    old, new = lived.bodies["community"], lived.bodies["far_community"]
    root = old.path.split("/")[0] + "/"
    assert new.path.startswith(root)
    with app.app_context():
        roll()
        asked = Question(root, FIRST, LAST, "item")
        before = figures.sums(asked), people.active(asked), durations.histograms(asked)
        for counted in (False, True):
            if counted:
                roll()
            else:
                moved(lived, new)
            assert not places(asked).moved
            assert (figures.sums(asked), people.active(asked), durations.histograms(asked)) == before
            for path in (old.path, new.path):
                assert places(Question(path, FIRST, LAST)).moved
                assert not places(Question(path, FIRST, LAST, organised="then")).moved
                assert_same(path, FIRST, LAST, ["now"])
        assert list(proof.differences()) == []


@pytest.mark.parametrize("seed", range(3))
def test_who_served_in_several_estates_counts_once_after_one_of_them_moved(
    seed: int, app: Flask, world: World, at: Callable[[datetime], None]
) -> None:
    """The sums of single estates would say two; some entries are behind the marks, some are not."""
    rng, new = random.Random(seed), world.bodies["far_community"]
    with app.app_context():
        begin_write()
        for n in range(60):
            name, estate = rng.choice(["volunteer1", "volunteer2", "volunteer3"]), rng.choice(["banyan", "swan"])
            entry(world, name, estate, date(2026, 10, 3) + timedelta(days=n // 2), date(2026, 11, 10))
        db.session.commit()
        at(clock.from_local(datetime(2026, 11, 12, 9)))
        roll()
        moved(world, new)
        begin_write()
        for estate in ("banyan", "swan"):
            entry(world, "volunteer1", estate, date(2026, 10, 20), date(2026, 11, 12))
            entry(world, "volunteer4", estate, date(2026, 10, 20), date(2026, 11, 12))
        db.session.commit()
        for first, last in ((date(2026, 10, 1), date(2026, 11, 30)), (date(2026, 10, 9), date(2026, 10, 25))):
            assert places(Question(new.path, first, last)).moved
            assert people.active(Question(new.path, first, last)) == {"": 4}
            assert_same(new.path, first, last, ["now"])
            known = Question(new.path, first, last, as_of=date(2026, 11, 11))
            assert people.active(known).get("", 0) == active_as_known(new.path, first, last, date(2026, 11, 11)) == 3


def test_the_proof_catches_what_was_changed_by_hand_and_a_rebuild_mends_it(app: Flask, lived: World) -> None:  # noqa: F811
    branch = lived.estates["banyan"].branch
    with app.app_context():
        roll()
        assert list(proof.differences()) == []
        before = figures.sums(Question(branch.path, FIRST, LAST, "item"))
        begin_write()
        mine = (Rollup.node_id == branch.id, Rollup.grain == "m", Rollup.item == "", Rollup.period == date(2026, 11, 1))
        db.session.execute(update(Rollup).where(*mine).values(completed=Rollup.completed + 3))
        first = select(OrderCount.order_id).limit(1).scalar_subquery()
        db.session.execute(update(OrderCount).where(OrderCount.order_id == first).values(placed=0))
        db.session.execute(update(ActiveSeen).values(last=date(2020, 1, 1)))
        db.session.execute(update(Active).where(Active.node_id == branch.id, Active.item == "").values(people=9))
        past = (ActiveKnown.node_id == branch.id, ActiveKnown.item != "")
        db.session.execute(update(ActiveKnown).where(*past).values(people=ActiveKnown.people + 1))
        for table in (TimeRollup, TimeRollupKnown):
            late = table.node_id == branch.id, table.step == "to_accept"
            db.session.execute(update(table).where(*late).values(orders=table.orders + 1))
        db.session.commit()
        told = [str(difference) for difference in proof.differences()]
        assert any("榕树园 2026-11 完成" in text for text in told), told
        assert any("逐单" in text for text in told), told
        assert any("活跃志愿者" in text for text in told), told
        assert any("最近一次服务" in text for text in told), told
        for label in ("按日合计", "按月分项", "按得知日按月合计"):
            assert any(f"{label} 点单到有人接单" in text for text in told), told
        for estate_id, path, _ in workflow.list_estates():
            proof.rebuild(estate_id, path)
        assert list(proof.differences()) == []
        assert figures.sums(Question(branch.path, FIRST, LAST, "item")) == before
        assert all(proof.rebuild(estate_id, path) == 0 for estate_id, path, _ in workflow.list_estates())


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
