"""A day of a branch with a moving clock: forty orders in, a plan, refusals, silence, delays, an emergency, a redo.

At the end every order is accounted for, and every message was written once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from flask import Flask
from sqlalchemy import func, select

from community.policies import workflow as policies
from core import audit, clock
from core.audit import Event
from core.database import begin_write, db
from core.jobs import run, timetable
from core.outbox import Message
from core.reports import Question, draw
from services.dispatch import workflow as dispatch
from services.orders import queries, workflow
from services.orders.models import Offer, OfferState, ServiceOrder, State
from services.orders.rules import OFFERS
from services.orders.workflow import Wish
from services.sos import workflow as emergencies
from tests.conftest import MOMENT
from tests.factories import World, household, person, volunteer

ORDERS, DECLINES, EXPIRES, LATE = 40, 5, 3, 2
ITEMS = ("elder_shopping", "errands", "elder_shopping", "errands")


def settle(world: World) -> dict[str, str]:
    """Twenty-five volunteers more, each in a dwelling of their own; residents for the orders. Ids by name."""
    begin_write()
    banyan = world.estates["banyan"]
    for n in range(25):
        name = f"helper{n}"
        world.people[name] = volunteer(f"义工{n}", banyan, skills=("shopping",), unit=n % 2)
    for n in range(ORDERS):
        world.people[f"home{n}"] = person(f"住户{n}", banyan, household(banyan, n % 2))
    policies.change(
        world["secretary"].viewer(), banyan.id, OFFERS, OFFERS.defaults | {"on_expiry": "next", "offers_a_day": 10}, 0
    )
    db.session.commit()
    return {someone.id: name for name, someone in world.people.items()}


def tick(moment: datetime) -> None:
    """The jobs of a minute."""
    clock.set_now(moment)
    slot = clock.local(moment).strftime("%Y-%m-%dT%H:%M")
    for job in timetable():
        if job.crontab.startswith("* ") or job.crontab.startswith("*/"):
            done = run(job.name, slot)
            assert done is None or done.state == "done", (job.name, done.outcome)


def offered(names: dict[str, str]) -> list[tuple[str, str]]:
    """Offers that can still be answered, as (order, name of the volunteer), in a fixed order."""
    rows = db.session.execute(
        select(Offer.order_id, Offer.volunteer_id).where(
            Offer.state == OfferState.OFFERED, Offer.expires_at > clock.now()
        )
    )
    return sorted((order, names[person]) for order, person in rows)


def serve(world: World, order_id: str, name: str, at: datetime) -> None:
    """Come, work half an hour, and go."""
    clock.set_now(at)
    workflow.check_in(world[name].viewer(), order_id)
    clock.set_now(at + timedelta(minutes=31))
    workflow.complete(world[name].viewer(), order_id, 30, "办好了")


def test_a_day_ends_with_every_order_accounted_for(app: Flask, world: World, at: Callable[[datetime], None]) -> None:
    with app.app_context():
        names = settle(world)
        secretary, banyan = world["secretary"].viewer(), world.estates["banyan"]
        placed = []
        for n in range(ORDERS):
            clock.set_now(MOMENT + timedelta(seconds=n))
            placed.append(workflow.place(world[f"home{n}"].viewer(), Wish(ITEMS[n % 4], note=f"第{n}单")).id)

        # The secretary applies a plan: one press for all of them.
        tick(MOMENT + timedelta(minutes=10))
        begin_write()
        plan = dispatch.propose(secretary, banyan.id, None)
        db.session.commit()
        assert not plan.body["unassigned"], plan.body["unassigned"]
        result = dispatch.apply(secretary, plan)
        assert (len(result["dispatched"]), result["left_out"]) == (ORDERS, [])

        # Five decline; three never answer, and others are asked by themselves; the rest accept.
        waiting = offered(names)
        silent = {order for order, _ in waiting[DECLINES : DECLINES + EXPIRES]}
        for order_id, name in waiting[:DECLINES]:
            workflow.decline(world[name].viewer(), order_id, "有事")
        for order_id, name in waiting[DECLINES + EXPIRES :]:
            workflow.accept(world[name].viewer(), order_id)
        assert Counter(queries.get_order(secretary, o).state for o in placed) == {
            State.ACCEPTED: ORDERS - DECLINES - EXPIRES, State.PLACED: DECLINES, State.DISPATCHED: EXPIRES,
        }  # fmt: skip
        expiry = max(o.expires_at for order in silent for o in queries.get_order(secretary, order).offers.values())
        tick(expiry + timedelta(minutes=1))
        for order_id in silent:
            order = queries.get_order(secretary, order_id)
            assert order.state == State.DISPATCHED and len({o.offered_at for o in order.offers.values()}) == 2
        begin_write()
        again = dispatch.propose(secretary, banyan.id, None)
        db.session.commit()
        dispatch.apply(secretary, again)
        for order_id, name in offered(names):
            workflow.accept(world[name].viewer(), order_id)

        # In the middle of it somebody presses the red button, and somebody comes.
        call, is_new = emergencies.raise_call(world["resident"].viewer(), emergencies.Wish())
        assert is_new
        clock.set_now(clock.now() + timedelta(minutes=1))
        emergencies.answer(world["grid_worker"].viewer(), call.id)
        emergencies.arrive(world["grid_worker"].viewer(), call.id)
        emergencies.close(world["grid_worker"].viewer(), call.id, "血压高，已送医")

        # Two come late, after their deadline; all are served; one is not solved and is done again.
        held = sorted(
            (order_id, names[o.volunteer_id]) for order_id in placed
            for o in queries.get_order(secretary, order_id).assigned()
        )  # fmt: skip
        assert len(held) == ORDERS
        late = {order_id for order_id, _ in held[:LATE]}
        begin = clock.now() + timedelta(minutes=5)
        turn: Counter[str] = Counter()
        for order_id, name in held[LATE:]:
            serve(world, order_id, name, begin + turn[name] * timedelta(minutes=40))
            turn[name] += 1
        after = max(queries.get_order(secretary, order).due_at for order in late) + timedelta(minutes=30)
        tick(after)
        for order_id, name in held[:LATE]:
            serve(world, order_id, name, after + turn[name] * timedelta(minutes=40))
            turn[name] += 1
        clock.set_now(max(queries.get_order(secretary, o).completed_at for o in placed) + timedelta(minutes=1))
        first = held[-1][0]
        for order_id in placed:
            clock.set_now(clock.now() + timedelta(seconds=1))
            home = world[f"home{placed.index(order_id)}"].viewer()
            workflow.rate(home, order_id, 1 if order_id == first else 5, "")
        workflow.call_back(secretary, first, False, 2, "没有买对")
        workflow.dispatch(secretary, first, volunteers=[world["helper0"].id])
        workflow.accept(world["helper0"].viewer(), first)
        serve(world, first, "helper0", clock.now() + timedelta(hours=2))
        workflow.rate(world[f"home{placed.index(first)}"].viewer(), first, 5, "这次好了")
        tick(clock.now() + timedelta(minutes=1))

        _accounted_for(world, placed, first, late)
        _said_once()


def _accounted_for(world: World, placed: list[str], first: str, late: set[str]) -> None:
    """Every order is closed, its state is what its history says, it counts once, and its hours stand in the ledger."""
    rows = db.session.scalars(select(ServiceOrder).execution_options(populate_existing=True)).all()
    assert {row.id for row in rows} == set(placed) and {row.state for row in rows} == {State.CLOSED}
    steps = select(Event.subject_id, Event.to_state).where(Event.to_state.is_not(None), Event.subject_kind == "order")
    last = {row.subject_id: row.to_state for row in db.session.execute(steps.order_by(Event.at, Event.number))}
    assert set(last) == set(placed) and set(last.values()) == {State.CLOSED}
    reopened = next(row for row in rows if row.id == first)
    assert reopened.reopened == 1
    day = clock.local(MOMENT).date()
    names = ["orders.placed", "orders.closed", "orders.on_time", "orders.reopened", "hours.services"]
    asked = Question(world.estates["banyan"].branch.path, day, day + timedelta(days=10))
    drawn = draw(asked, names)[""]
    assert (drawn["orders.placed"].amount, drawn["orders.closed"].amount) == (ORDERS, ORDERS)
    assert drawn["orders.on_time"].denominator == ORDERS
    assert ORDERS - (drawn["orders.on_time"].numerator or 0) >= len(late)
    assert (drawn["orders.reopened"].amount, drawn["hours.services"].amount) == (1, ORDERS + 1)
    assert list(audit.verify()) == []


def _said_once() -> None:
    """One message of a kind to a person in one moment; nothing waits that is due."""
    same = select(func.count()).select_from(Message).group_by(
        Message.recipient_id, Message.kind, Message.title, Message.body, Message.created_at
    )  # fmt: skip
    assert set(db.session.scalars(same)) == {1}
    kinds = set(db.session.scalars(select(Message.kind)))
    assert {"order.offered", "order.accepted", "order.completed", "order.low_rating", "order.thanked"} <= kinds
    db.session.rollback()
