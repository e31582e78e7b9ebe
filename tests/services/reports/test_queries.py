"""The figures of the service report, counted again from the raw rows by another route, and the borders of periods."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from core import clock
from core.access import Viewer
from core.database import begin_write, db
from services.orders import workflow
from services.orders.models import ServiceOrder
from services.orders.queries import get_order
from services.orders.workflow import Wish
from tests.conftest import MOMENT
from tests.factories import World, caller
from volunteers.hours.models import HourEntry
from volunteers.hours.workflow import correct

LIMIT = timedelta(hours=2)
Row = dict[str, Any]


def live(world: World, rng: random.Random) -> None:
    """Two months of orders in the two estates of a community, left in every state."""
    viewers: dict[str, Viewer] = {}

    def who(name: str) -> Viewer:
        return viewers.setdefault(name, world[name].viewer())

    now = clock.from_local(datetime(2026, 10, 20, 9))
    for _ in range(45):
        now += timedelta(minutes=rng.randint(300, 2000))
        clock.set_now(now)
        item = rng.choice(["elder_shopping", "blood_pressure", "errands"])
        order_id = workflow.place(who("resident"), Wish(item, urgent=rng.random() < 0.3)).id
        end = rng.choice(["placed", "cancelled", "sent_back", "dispatched", "served", "served", "served", "served"])
        if end in ("cancelled", "sent_back"):
            getattr(workflow, "cancel" if end == "cancelled" else "send_back")(who("secretary"), order_id, "有变化")
        if end in ("dispatched", "served"):
            clock.set_now(clock.now() + timedelta(minutes=rng.choice([10, 120, 121])))
            name = rng.choice(["volunteer1", "volunteer2"])
            workflow.dispatch(who("secretary"), order_id, volunteers=[world[name].id])
        if end == "served":
            workflow.accept(who(name), order_id)
            clock.set_now(clock.now() + timedelta(minutes=rng.choice([30, 150])))
            workflow.check_in(who(name), order_id)
            clock.set_now(clock.now() + timedelta(minutes=60))
            workflow.complete(who(name), order_id, rng.randint(10, 60), "")
            if rng.random() < 0.7:
                workflow.rate(who("resident"), order_id, rng.randint(1, 5), "")
            if (
                "call_back" in workflow.allowed(get_order(who("secretary"), order_id), who("secretary"))
                and rng.random() < 0.7
            ):
                workflow.call_back(who("secretary"), order_id, rng.random() < 0.6, rng.choice([None, 2, 5]), "")
    begin_write()
    entry = db.session.scalars(select(HourEntry).order_by(HourEntry.starts_at).limit(1)).one()
    correct(who("secretary"), entry, entry.minutes + 5, "少记了")
    db.session.commit()
    clock.set_now(clock.from_local(datetime(2026, 12, 31, 12)))


def by_hand(orders: list[ServiceOrder], entries: list[HourEntry]) -> Row:
    """One line of the report, counted with plain loops over rows."""
    now, gone = clock.now(), ("cancelled", "sent_back")
    done = [o for o in orders if o.completed_at is not None]
    due = [o for o in orders if o.completed_at or (o.due_at < now and o.state not in gone)]
    heard = [
        o for o in orders if o.dispatched_at or (now - o.placed_at > LIMIT and o.state not in gone)
    ]  # fmt: skip
    answers = [o.satisfied if o.satisfied is not None else o.stars for o in orders]
    answers = [a for a in answers if a is not None]

    def rate(top: int, bottom: int) -> Row:
        return {"numerator": top, "denominator": bottom, "rate": round(top / bottom, 4) if bottom else None}

    return {
        "placed": len(orders), "completed": len(done), "closed": sum(o.state == "closed" for o in orders),
        "cancelled": sum(o.state == "cancelled" for o in orders),
        "sent_back": sum(o.state == "sent_back" for o in orders),
        "on_time": rate(sum(o.completed_at <= o.due_at for o in done if o.completed_at), len(due)),
        "response": rate(sum(o.dispatched_at - o.placed_at <= LIMIT for o in orders if o.dispatched_at), len(heard)),
        "resolution": rate(sum(o.solved is True for o in orders), sum(o.solved is not None for o in orders)),
        "satisfaction": rate(sum(a >= 4 for a in answers), len(answers)),
        "minutes": sum(e.minutes for e in entries), "active_volunteers": len({e.volunteer_id for e in entries}),
    }  # fmt: skip


def figures(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in ("key", "name")}


def report(app: Flask, world: World, name: str, **query: Any) -> Row:
    answer = caller(app, world[name]).get("/reports/service", **query)
    assert answer.status_code == 200, answer.text
    found: Row = answer.json
    return found


@pytest.fixture
def lived(app: Flask, world: World, at: Callable[[datetime], None]) -> World:
    with app.app_context():
        live(world, random.Random(7))
    return world


GROUPS: dict[str, tuple[Callable[[Any], str], Callable[[Any, dict[str, Any]], str]]] = {
    "month": (
        lambda o: clock.local(o.placed_at).strftime("%Y-%m"),
        lambda e, _orders: clock.local(e.starts_at).strftime("%Y-%m"),
    ),
    "estate": (lambda o: o.estate_id, lambda e, _orders: e.estate_id),
    "item": (lambda o: o.item_code, lambda e, orders: orders[e.order_id].item_code),
}


@pytest.mark.parametrize("by", GROUPS)
def test_every_figure_is_what_the_rows_say(by: str, app: Flask, lived: World) -> None:
    found = report(app, lived, "staff", **{"from": "2026-10-01", "to": "2026-12-31", "by": by})
    with app.app_context():
        orders = list(db.session.scalars(select(ServiceOrder)))
        entries = list(db.session.scalars(select(HourEntry)))
        known = {order.id: order for order in orders}
        assert figures(found["total"]) == by_hand(orders, entries)
        key, hour_key = GROUPS[by]
        for row in found["rows"]:
            own = [o for o in orders if key(o) == row["key"]]
            hours = [e for e in entries if hour_key(e, known) == row["key"]]
            assert figures(row) == by_hand(own, hours), row["key"]
        assert {key(order) for order in orders} <= {row["key"] for row in found["rows"]}
    assert sum(row["placed"] for row in found["rows"]) == found["total"]["placed"] == 45
    for name in ("on_time", "response", "resolution", "satisfaction"):
        assert found["total"][name]["denominator"] > 0


def test_a_part_of_the_period_counts_that_part_alone(app: Flask, lived: World) -> None:
    found = report(app, lived, "secretary", **{"from": "2026-11-01", "to": "2026-11-15"})
    start, end = clock.day_bounds(date(2026, 11, 1))[0], clock.day_bounds(date(2026, 11, 15))[1]
    with app.app_context():
        orders = [o for o in db.session.scalars(select(ServiceOrder)) if start <= o.placed_at < end]
        entries = [e for e in db.session.scalars(select(HourEntry)) if start <= e.starts_at < end]
        assert figures(found["total"]) == by_hand(orders, entries)
    assert 0 < found["total"]["placed"] < 45


def test_where_nothing_was_due_there_is_no_rate(app: Flask, world: World, at: Callable[[datetime], None]) -> None:
    found = report(app, world, "staff", **{"from": "2026-11-01", "to": "2026-11-30", "by": "estate"})
    assert {row["name"] for row in found["rows"]} == {"榕树园", "水泥厂小区"}
    for row in [*found["rows"], found["total"]]:
        assert row["placed"] == row["minutes"] == row["active_volunteers"] == 0
        for name in ("on_time", "response", "resolution", "satisfaction"):
            assert row[name] == {"numerator": 0, "denominator": 0, "rate": None}


def test_an_hour_before_midnight_in_london_is_the_next_month_here(
    app: Flask, world: World, at: Callable[[datetime], None]
) -> None:
    with app.app_context():
        resident = world["resident"].viewer()
        for minute in (-1, 0):
            at(clock.from_local(datetime(2026, 11, 1)) + timedelta(minutes=minute))
            workflow.place(resident, Wish("errands"))
    at(MOMENT)
    found = report(app, world, "secretary", **{"from": "2026-10-31", "to": "2026-11-01"})
    assert [(row["key"], row["placed"]) for row in found["rows"]] == [("2026-10", 1), ("2026-11", 1)]
    assert report(app, world, "secretary", **{"from": "2026-11-01", "to": "2026-11-01"})["total"]["placed"] == 1


def test_dispatched_after_exactly_two_hours_is_in_time(
    app: Flask, world: World, at: Callable[[datetime], None]
) -> None:
    with app.app_context():
        resident, secretary = world["resident"].viewer(), world["secretary"].viewer()
        for n in range(20):
            begin = MOMENT + timedelta(minutes=n, microseconds=n * 1009)
            at(begin)
            order = workflow.place(resident, Wish("errands"))
            at(begin + LIMIT)
            workflow.dispatch(secretary, order.id, volunteers=[world["volunteer4"].id])
    found = report(app, world, "secretary", **{"from": "2026-11-01", "to": "2026-11-30"})
    assert found["total"]["response"] == {"numerator": 20, "denominator": 20, "rate": 1.0}


def test_the_unit_is_ones_own_unless_named_and_never_out_of_reach(app: Flask, world: World) -> None:
    days = {"from": "2026-11-01", "to": "2026-11-30"}
    assert report(app, world, "staff", **days)["unit"]["id"] == world.bodies["community"].id
    banyan = world.estates["banyan"]
    assert report(app, world, "staff", unit=banyan.id, **days)["unit"]["name"] == "榕树园"
    assert report(app, world, "staff", unit=banyan.branch.id, **days)["unit"]["id"] == banyan.branch.id
    for unit in (world.estates["swan"].id, world.bodies["street"].id, world.bodies["district"].id, "nothing"):
        assert caller(app, world["staff"]).get("/reports/service", unit=unit, **days).status_code == 404
    assert caller(app, world["resident"]).get("/reports/service", **days).status_code == 403


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"to": "2026-11-30"}, "from"),
        ({"from": "2026-11-30", "to": "2026-11-29"}, "to"),
        ({"from": "2026-02-30", "to": "2026-11-29"}, "from"),
        ({"from": "2020-01-01", "to": "2026-11-29"}, "from"),
        ({"from": "1900-01-01", "to": "1900-01-02"}, "from"),
        ({"from": "9999-12-31", "to": "9999-12-31"}, "from"),
        ({"from": "2026-11-01", "to": "2026-11-30", "by": "day"}, "by"),
        ({"from": "2026-11-01", "to": "2026-11-30", "unit": "a\0"}, "unit"),
    ],
)
def test_a_period_that_cannot_be(query: dict[str, str], field: str, app: Flask, world: World) -> None:
    answer = caller(app, world["secretary"]).get("/reports/service", **query)
    assert answer.status_code == 422
    assert field in answer.json["errors"]
