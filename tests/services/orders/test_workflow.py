"""Every state × every verb × everyone who might try it, random lives of orders, and the hours they leave behind."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from core import audit, clock
from core.access import Forbidden, NotFound, Viewer, system_viewer
from core.audit import Event
from core.database import begin_write, db
from core.outbox import Message
from core.workflow import InvalidStep, ReasonMissing, Stale
from services.orders import clocks, queries, workflow
from services.orders.aggregate import ASSIGNED, Order
from services.orders.models import OPEN, Offer, OfferState, ServiceOrder, State
from services.orders.workflow import ORDERS, AlreadyTaken, Refused, Wish
from tests.conftest import MOMENT
from tests.factories import World, caller
from volunteers.hours import queries as hours
from volunteers.hours.models import HourEntry
from volunteers.hours.workflow import NotCorrectable, Overlap, correct

ACTORS = {
    "resident": "resident", "neighbour": "neighbour", "outsider": "outsider", "offered": "volunteer1",
    "assigned": "volunteer2", "stranger": "volunteer4", "secretary": "secretary", "staff": "staff",
}  # fmt: skip

# Who can do what in which state. Whoever is not named can do nothing.
CAN = {
    "placed": {"resident": "cancel", "secretary": "dispatch cancel send_back transfer pause extend"},
    "dispatched": {
        "resident": "cancel", "offered": "accept decline", "assigned": "withdraw",
        "secretary": "dispatch no_show cancel send_back reassign pause extend",
    },
    "accepted": {
        "resident": "check_in cancel", "assigned": "withdraw check_in", "staff": "check_in",
        "secretary": "no_show check_in cancel reassign pause extend",
    },
    "in_service": {"assigned": "complete", "secretary": "complete_for cancel reassign extend"},
    "completed": {"resident": "rate", "secretary": "call_back"},
    "closed": {},
    "cancelled": {},
    "sent_back": {"resident": "cancel resubmit", "secretary": "cancel"},
}  # fmt: skip
VERBS = [verb for verb in ORDERS.steps if verb not in ("place", "expire", "recount")]


def can(state: str, actor: str) -> set[str]:
    return set(CAN[state].get(actor, "").split())


def sees(state: str, actor: str) -> bool:
    """The household, the desks above it, and volunteers once the order was offered to them."""
    if actor in ("offered", "assigned"):
        return state != "placed"
    return actor in ("resident", "secretary", "staff")


def entitled(state: str, actor: str, verb: str) -> bool:
    """Whether the verb is this actor's at all; then the refusal is one of state (409), else one of right (403)."""
    over = state in ("cancelled", "sent_back")
    match verb:
        case "dispatch" | "send_back" | "reassign" | "call_back" | "no_show" | "undo" | "transfer" | "complete_for":
            return actor == "secretary"
        case "pause" | "extend":
            return actor == "secretary"
        case "resume":
            return actor in ("secretary", "resident")
        case "take_up":
            return actor in ("secretary", "staff")
        case "cancel":
            early = state in ("placed", "dispatched", "accepted", "sent_back")
            return actor == "secretary" or (actor == "resident" and early)
        case "rate" | "resubmit":
            return actor == "resident"
        case "accept" | "decline":
            return actor == "offered" or (actor == "assigned" and over)
        case "withdraw" | "complete":
            return actor == "assigned" and not over
        case "check_in":
            return actor in ("resident", "secretary", "staff") or (actor == "assigned" and not over)
    raise AssertionError(verb)


def refusal(state: str, actor: str, verb: str) -> tuple[int, str]:
    if not sees(state, actor):
        return 404, "not-found"
    if not entitled(state, actor, verb):
        return 403, "forbidden"
    taken = verb == "accept" and state in ("accepted", "in_service", "completed", "closed")
    return 409, "already-taken" if taken else "invalid-transition"


class Desk:
    """The town's people at work on orders, each by name."""

    def __init__(self, app: Flask, world: World) -> None:
        self.world = world
        self._viewers: dict[str, Viewer] = {}

    def who(self, name: str) -> Viewer:
        """A person as viewer."""
        if name not in self._viewers:
            self._viewers[name] = self.world[name].viewer()
        return self._viewers[name]

    def id(self, name: str) -> str:
        """A person's id."""
        return self.world[name].id

    def placed(self, **wish: Any) -> str:
        """A new order of the resident."""
        order = workflow.place(self.who("resident"), Wish("elder_shopping", **wish))
        return str(order.id)

    def offer(self, order_id: str, *names: str, minutes: int | None = None) -> Order:
        """The secretary offers it."""
        ids = [self.id(name) for name in names]
        return workflow.dispatch(self.who("secretary"), order_id, volunteers=ids, expires_minutes=minutes)

    def accept(self, order_id: str, *names: str) -> None:
        """They accept, one after the other."""
        for name in names:
            workflow.accept(self.who(name), order_id)

    def served(self, order_id: str, *names: str, minutes: int = 30) -> None:
        """They come and end it."""
        for name in names:
            workflow.check_in(self.who(name), order_id)
        for name in names:
            workflow.complete(self.who(name), order_id, minutes, "")

    def done(self, minutes: int = 30) -> str:
        """An order served by the second volunteer."""
        order_id = self.placed()
        self.offer(order_id, "volunteer2")
        self.accept(order_id, "volunteer2")
        self.served(order_id, "volunteer2", minutes=minutes)
        return order_id

    def get(self, order_id: str) -> Order:
        """The order as the secretary reads it."""
        return queries.get_order(self.who("secretary"), order_id)

    def in_state(self, state: str) -> str:
        """An order in a state, offered to the first volunteer and, if that can be, taken by the second."""
        two = state in ("dispatched", "sent_back")
        order_id = self.placed(volunteers_needed=2 if two else 1)
        if state == "placed":
            return order_id
        self.offer(order_id, "volunteer1", "volunteer2")
        self.accept(order_id, "volunteer2")
        if state in ("in_service", "completed", "closed"):
            workflow.check_in(self.who("volunteer2"), order_id)
        if state in ("completed", "closed"):
            workflow.complete(self.who("volunteer2"), order_id, 1, "")
            clock.set_now(clock.now() + timedelta(minutes=2))
        if state == "closed":
            workflow.rate(self.who("resident"), order_id, 5, "")
        if state == "cancelled":
            workflow.cancel(self.who("secretary"), order_id, "不用了")
        if state == "sent_back":
            workflow.send_back(self.who("secretary"), order_id, "请写清楚")
        assert self.get(order_id).state == state
        return order_id


@pytest.fixture
def desk(app: Flask, world: World, at: Callable[[datetime], None]) -> Iterator[Desk]:
    with app.app_context():
        yield Desk(app, world)
        db.session.rollback()


def body_of(verb: str, order: Order, desk: Desk) -> dict[str, Any]:
    """A body that the API takes for the verb."""
    match verb:
        case "dispatch":
            return {"volunteers": [desk.id("volunteer3")]}
        case "no_show":
            return {"volunteer": desk.id("volunteer2"), "reason": "没有到"}
        case "check_in":
            return {"code": order.door_code}
        case "complete":
            return {"minutes": 1, "note": ""}
        case "complete_for":
            return {"volunteer": desk.id("volunteer2"), "minutes": 1, "reason": "忘了点完成"}
        case "rate":
            return {"stars": 5}
        case "call_back":
            return {"solved": True, "satisfied": 5}
        case "transfer":
            return {"desk": desk.world.estates["cement"].branch.id, "reason": "请支援"}
        case "decline" | "withdraw" | "cancel" | "send_back" | "reassign" | "pause":
            return {"reason": "有事"}
        case "extend":
            return {"reason": "有事", "minutes": 60}
    return {}


@pytest.mark.parametrize("state", CAN)
def test_every_verb_by_everyone(state: str, app: Flask, desk: Desk) -> None:
    order_id = ""
    wrong = []
    for actor, name in ACTORS.items():
        program = caller(app, desk.world[name])
        for verb in VERBS:
            if not order_id:
                order_id = desk.in_state(state)
            order = desk.get(order_id)
            shown = program.get(f"/orders/{order_id}")
            said = set(shown.json["allowed_actions"]) if shown.status_code == 200 else set()
            answer = program.post(f"/orders/{order_id}/{verb}", body_of(verb, order, desk))
            if verb in can(state, actor):
                want: tuple[int, Any] = (200, None)
            else:
                want = refusal(state, actor, verb)
            got = (answer.status_code, answer.json.get("type"))
            if got != want or said != can(state, actor):
                wrong.append((actor, verb, got, want, sorted(said)))
            if answer.status_code == 200:
                order_id = ""
            elif answer.json["type"] == "invalid-transition":
                assert answer.json["state"] == state
                assert set(answer.json["allowed"]) == can(state, actor)
    assert not wrong


def test_the_table_of_this_test_is_that_of_the_workflow() -> None:
    # What further states of offers allow, beyond the orders made here: an order for several, a low rating, time.
    # Clocks: resumed when paused, taken up when late, recounted when the calendar changed.
    clocked = {"resume", "take_up", "recount"}
    more = {
        "placed": {"withdraw", "no_show", *clocked}, "dispatched": {"expire", "undo", "transfer", *clocked},
        "accepted": clocked, "in_service": {"withdraw", "no_show", "check_in", "take_up", "recount"},
        "closed": {"call_back"},
    }  # fmt: skip
    for state in State:
        used = {verb for verbs in CAN[state].values() for verb in verbs.split()}
        assert used | more.get(state, set()) == set(ORDERS.verbs(state)), state


def test_a_pair_the_table_does_not_hold_raises(desk: Desk) -> None:
    order_id = desk.placed()
    with pytest.raises(InvalidStep) as caught:
        workflow.reassign(desk.who("secretary"), order_id, "换人")
    assert (caught.value.state, caught.value.verb) == ("placed", "reassign")
    assert desk.get(order_id).version == 1


@pytest.mark.parametrize("verb", ["cancel", "send_back"])
def test_a_reason_is_asked_for(verb: str, desk: Desk) -> None:
    with pytest.raises(ReasonMissing):
        getattr(workflow, verb)(desk.who("secretary"), desk.placed(), "  ")


def test_a_form_made_from_an_older_version_is_stale(desk: Desk) -> None:
    order_id = desk.placed()
    desk.offer(order_id, "volunteer1")
    with pytest.raises(Stale):
        workflow.cancel(desk.who("secretary"), order_id, "不用了", version=1)
    assert desk.get(order_id).state == State.DISPATCHED


# Several volunteers


def test_three_places_are_taken_and_the_fourth_is_late(desk: Desk) -> None:
    order_id = desk.placed(volunteers_needed=3)
    desk.offer(order_id, "volunteer1", "volunteer2", "volunteer3", "volunteer4")
    desk.accept(order_id, "volunteer1", "volunteer2")
    assert desk.get(order_id).state == State.DISPATCHED
    desk.accept(order_id, "volunteer3")
    with pytest.raises(AlreadyTaken):
        desk.accept(order_id, "volunteer4")
    order = desk.get(order_id)
    assert (order.state, order.accepted_count) == (State.ACCEPTED, 3)
    assert order.offers[desk.id("volunteer4")].state == OfferState.LAPSED


def test_an_order_for_two_is_completed_by_the_last(desk: Desk) -> None:
    order_id = desk.placed(volunteers_needed=2)
    desk.offer(order_id, "volunteer1", "volunteer2")
    desk.accept(order_id, "volunteer1", "volunteer2")
    workflow.check_in(desk.who("volunteer1"), order_id)
    workflow.complete(desk.who("volunteer1"), order_id, 20, "")
    assert desk.get(order_id).state == State.IN_SERVICE
    workflow.check_in(desk.who("volunteer2"), order_id)
    workflow.complete(desk.who("volunteer2"), order_id, 30, "")
    order = desk.get(order_id)
    assert (order.state, order.minutes) == (State.COMPLETED, 50)
    assert hours.total_minutes(desk.id("volunteer1")) == 20
    assert hours.total_minutes(desk.id("volunteer2")) == 30


def test_who_withdraws_leaves_the_other_in_place(desk: Desk) -> None:
    order_id = desk.placed(volunteers_needed=2)
    desk.offer(order_id, "volunteer1", "volunteer2")
    desk.accept(order_id, "volunteer1", "volunteer2")
    workflow.withdraw(desk.who("volunteer1"), order_id, "家里有事")
    order = desk.get(order_id)
    assert (order.state, order.accepted_count) == (State.PLACED, 1)
    desk.offer(order_id, "volunteer3")
    desk.accept(order_id, "volunteer3")
    order = desk.get(order_id)
    assert (order.state, order.accepted_count) == (State.ACCEPTED, 2)
    assert {o.volunteer_id for o in order.assigned()} == {desk.id("volunteer2"), desk.id("volunteer3")}


def test_a_no_show_is_kept_and_the_order_offered_again(desk: Desk) -> None:
    order_id = desk.in_state("accepted")
    workflow.no_show(desk.who("secretary"), order_id, desk.id("volunteer2"), "没有到")
    order = desk.get(order_id)
    assert (order.state, order.accepted_count) == (State.PLACED, 0)
    assert order.offers[desk.id("volunteer2")].state == OfferState.NO_SHOW
    told = set(db.session.scalars(select(Message.recipient_id).where(Message.kind == "order.looking_again")))
    assert told == {desk.id("resident")}
    desk.offer(order_id, "volunteer2")
    desk.accept(order_id, "volunteer2")
    assert desk.get(order_id).state == State.ACCEPTED


def test_whoever_did_not_accept_cannot_be_a_no_show(desk: Desk) -> None:
    with pytest.raises(Refused, match="没有接这一单"):
        workflow.no_show(desk.who("secretary"), desk.in_state("accepted"), desk.id("volunteer1"), "没有到")


@pytest.mark.parametrize("verb", ["no_show", "withdraw"])
@pytest.mark.parametrize("other_done", [True, False])
def test_a_service_goes_on_without_whoever_did_not_come(verb: str, other_done: bool, desk: Desk) -> None:
    order_id = desk.placed(volunteers_needed=2)
    desk.offer(order_id, "volunteer1", "volunteer2")
    desk.accept(order_id, "volunteer1", "volunteer2")
    workflow.check_in(desk.who("volunteer2"), order_id)
    if other_done:
        workflow.complete(desk.who("volunteer2"), order_id, 30, "")
    if verb == "no_show":
        workflow.no_show(desk.who("secretary"), order_id, desk.id("volunteer1"), "没有到")
    else:
        workflow.withdraw(desk.who("volunteer1"), order_id, "来不了")
    order = desk.get(order_id)
    assert order.state == (State.COMPLETED if other_done else State.IN_SERVICE)
    assert order.accepted_count == 1
    if not other_done:
        workflow.complete(desk.who("volunteer2"), order_id, 30, "")
    order = desk.get(order_id)
    assert (order.state, order.completed_at, order.minutes) == (State.COMPLETED, clock.now(), 30)
    assert order.call_back_due is not None


def test_reassigning_frees_whoever_had_it(desk: Desk) -> None:
    order_id = desk.in_state("in_service")
    workflow.reassign(desk.who("secretary"), order_id, "换人")
    order = desk.get(order_id)
    assert (order.state, order.accepted_count, order.assigned()) == (State.PLACED, 0, [])
    with pytest.raises(Forbidden):
        workflow.complete(desk.who("volunteer2"), order_id, 30, "")
    assert hours.total_minutes(desk.id("volunteer2")) == 0


def test_a_late_answer_to_an_offer_that_is_gone_is_not_called_taken(desk: Desk) -> None:
    order_id = desk.placed()
    desk.offer(order_id, "volunteer1")
    workflow.reassign(desk.who("secretary"), order_id, "换人")
    with pytest.raises(InvalidStep):
        desk.accept(order_id, "volunteer1")
    workflow.cancel(desk.who("resident"), order_id, "不用了")
    with pytest.raises(InvalidStep):
        desk.accept(order_id, "volunteer1")


def test_an_order_not_solved_is_opened_again_and_counts_its_hours_once_a_round(desk: Desk) -> None:
    order_id = desk.done(minutes=1)
    clock.set_now(clock.now() + timedelta(minutes=10))
    workflow.rate(desk.who("resident"), order_id, 1, "没修好")
    workflow.call_back(desk.who("secretary"), order_id, False, 1, "约了明天")
    order = desk.get(order_id)
    assert (order.state, order.reopened, order.accepted_count, order.stars) == (State.PLACED, 1, 0, None)
    assert [o.state for o in order.past] == [OfferState.COMPLETED]
    desk.offer(order_id, "volunteer2")
    desk.accept(order_id, "volunteer2")
    desk.served(order_id, "volunteer2", minutes=5)
    assert desk.get(order_id).minutes == 6
    assert hours.total_minutes(desk.id("volunteer2")) == 6


# Call-backs


def test_a_low_rating_calls_for_a_call_back_and_only_one(desk: Desk) -> None:
    order_id = desk.done()
    workflow.rate(desk.who("resident"), order_id, 2, "来晚了")
    order = desk.get(order_id)
    assert (order.state, order.call_back_due) == (State.CLOSED, clock.now())
    assert "call_back" in workflow.allowed(order, desk.who("secretary"))
    leaders = set(db.session.scalars(select(Message.recipient_id).where(Message.kind == "order.low_rating")))
    assert leaders == {desk.id("secretary"), desk.id("deputy")}
    workflow.call_back(desk.who("secretary"), order_id, True, 4, "已道歉")
    order = desk.get(order_id)
    assert (order.state, order.solved, order.satisfied, order.call_back_due) == (State.CLOSED, True, 4, None)
    with pytest.raises(InvalidStep):
        workflow.call_back(desk.who("secretary"), order_id, True, 5, "")


def test_a_good_rating_needs_none(desk: Desk) -> None:
    order_id = desk.done()
    workflow.rate(desk.who("resident"), order_id, 3, "")
    with pytest.raises(InvalidStep):
        workflow.call_back(desk.who("secretary"), order_id, True, 5, "")


def test_an_order_nobody_rated_is_called_back_after_three_days(desk: Desk) -> None:
    order_id = desk.done()
    assert desk.get(order_id).call_back_due == clock.now() + timedelta(days=3)
    workflow.call_back(desk.who("secretary"), order_id, True, 5, "电话里说满意")
    assert desk.get(order_id).closed_at == clock.now()


# Offers that run out


def test_an_offer_that_ran_out_cannot_be_accepted_and_goes_back(desk: Desk) -> None:
    order_id = desk.placed()
    desk.offer(order_id, "volunteer1", minutes=30)
    assert list(queries.list_expired()) == []
    clock.set_now(clock.now() + timedelta(minutes=30))
    with pytest.raises(InvalidStep):
        desk.accept(order_id, "volunteer1")
    assert [row[0] for row in queries.list_expired()] == [order_id]
    workflow.expire(system_viewer(), order_id)
    order = desk.get(order_id)
    assert (order.state, order.offers[desk.id("volunteer1")].state) == (State.PLACED, OfferState.EXPIRED)
    db.session.rollback()
    assert list(queries.list_expired()) == []


def test_only_late_offers_expire(desk: Desk) -> None:
    order_id = desk.placed()
    desk.offer(order_id, "volunteer1", minutes=10)
    desk.offer(order_id, "volunteer2", minutes=600)
    with pytest.raises(InvalidStep):
        workflow.expire(system_viewer(), order_id)
    clock.set_now(clock.now() + timedelta(minutes=11))
    workflow.expire(system_viewer(), order_id)
    assert desk.get(order_id).state == State.DISPATCHED
    desk.accept(order_id, "volunteer2")


@pytest.mark.parametrize("verb", ["cancel", "send_back", "reassign"])
def test_no_offer_is_left_open_behind_an_order_that_went_on(verb: str, desk: Desk) -> None:
    order_id = desk.placed()
    desk.offer(order_id, "volunteer1", minutes=10)
    clock.set_now(clock.now() + timedelta(minutes=11))
    getattr(workflow, verb)(desk.who("secretary"), order_id, "有变化")
    assert list(queries.list_expired()) == []


def test_an_open_call_reaches_those_who_qualify(desk: Desk) -> None:
    order_id = desk.placed()
    order = workflow.dispatch(desk.who("secretary"), order_id, open_call=True)
    assert set(order.offers) == {desk.id(f"volunteer{n}") for n in (1, 2, 3)}
    with pytest.raises(Refused, match="符合条件"):
        workflow.dispatch(desk.who("secretary"), order_id, open_call=True)


@pytest.mark.parametrize(
    ("names", "text"),
    [([], "至少一位"), (["far_volunteer"], "不是本小区"), (["resident"], "不是本小区"), (["volunteer2"], "已经收到")],
)
def test_who_cannot_be_offered_it(names: list[str], text: str, desk: Desk) -> None:
    order_id = desk.placed()
    desk.offer(order_id, "volunteer2")
    with pytest.raises(Refused, match=text):
        desk.offer(order_id, *names)


# Hours


def test_the_same_time_is_not_credited_twice_and_the_reason_is_said(desk: Desk) -> None:
    first, second = desk.placed(), desk.placed()
    for order_id in (first, second):
        desk.offer(order_id, "volunteer2")
        desk.accept(order_id, "volunteer2")
        workflow.check_in(desk.who("volunteer2"), order_id)
    clock.set_now(clock.now() + timedelta(minutes=60))
    workflow.complete(desk.who("volunteer2"), first, 60, "")
    clock.set_now(clock.now() + timedelta(minutes=10))
    with pytest.raises(Overlap, match="最多还能记10分钟"):
        workflow.complete(desk.who("volunteer2"), second, 11, "")
    assert desk.get(second).state == State.IN_SERVICE
    workflow.complete(desk.who("volunteer2"), second, 10, "")
    assert hours.total_minutes(desk.id("volunteer2")) == 70


def test_hours_are_corrected_by_reversal_only(desk: Desk) -> None:
    desk.done(minutes=45)
    begin_write()
    secretary, volunteer = desk.who("secretary"), desk.id("volunteer2")
    entry = db.session.scalars(select(HourEntry)).one()
    renewed = correct(secretary, entry, 30, "多记了十五分钟")
    assert renewed is not None
    with pytest.raises(NotCorrectable, match="已经更正过"):
        correct(secretary, entry, 20, "再改")
    db.session.commit()
    rows = db.session.scalars(select(HourEntry).order_by(HourEntry.minutes)).all()
    assert [row.minutes for row in rows] == [-45, 30, 45]
    assert hours.total_minutes(volunteer) == 30
    begin_write()
    with pytest.raises(NotCorrectable, match="冲销"):
        correct(secretary, rows[0], 20, "再改")
    assert correct(secretary, renewed, 0, "全部作废") is None
    db.session.commit()
    assert hours.total_minutes(volunteer) == 0


@pytest.mark.parametrize(("days", "late"), [(0, False), (14, False), (15, True)])
def test_hours_recorded_after_ten_working_days_are_marked(days: int, late: bool, desk: Desk) -> None:
    # From Wednesday 18 November 2026 on there is no holiday: ten working days end on Wednesday 2 December.
    order_id = desk.in_state("in_service")
    clock.set_now(MOMENT + timedelta(days=days))
    workflow.complete(desk.who("volunteer2"), order_id, 30, "")
    assert db.session.scalars(select(HourEntry.recorded_late)).one() is late


# Random lives

REFUSALS = (InvalidStep, AlreadyTaken, Forbidden, NotFound)
NAMES = ("resident", "neighbour", "outsider", "volunteer1", "volunteer2", "volunteer3", "secretary", "staff")


def attempt(desk: Desk, rng: random.Random, order: Order, verb: str, viewer: Viewer) -> None:
    """Try a verb with whatever it needs."""
    target: Any = getattr(workflow, verb)
    some = [desk.id(f"volunteer{n}") for n in (1, 2, 3)]
    match verb:
        case "dispatch":
            chosen = rng.sample(some, rng.randint(1, 3))
            fresh = [
                v
                for v in chosen
                if not (v in order.offers and (order.offers[v].is_live or order.offers[v].is_assigned))
            ]
            target(viewer, order.id, volunteers=fresh, expires_minutes=rng.choice([10, 10000]))
        case "no_show":
            held = [o.volunteer_id for o in order.offers.values() if o.state == OfferState.ACCEPTED]
            target(viewer, order.id, rng.choice(held) if held else some[0], "没有到")
        case "check_in":
            target(viewer, order.id, code=order.door_code)
        case "complete":
            target(viewer, order.id, rng.randint(1, 90), "")
        case "complete_for":
            running = [o.volunteer_id for o in order.offers.values() if o.state == OfferState.CHECKED_IN]
            target(viewer, order.id, rng.choice(running) if running else some[0], rng.randint(1, 90), "忘了点完成")
        case "rate":
            target(viewer, order.id, rng.randint(1, 5), "")
        case "call_back":
            target(viewer, order.id, rng.random() < 0.5, rng.choice([None, 1, 5]), "")
        case "resubmit":
            target(viewer, order.id, "补充", None, None)
        case "accept" | "expire" | "undo" | "resume" | "take_up":
            target(viewer, order.id)
        case "extend":
            target(viewer, order.id, "有事", minutes=rng.choice([30, 600]))
        case "transfer":
            there = desk.world.estates["cement"].branch.id
            here = desk.world.estates["banyan"].branch.id
            target(viewer, order.id, here if order.desk_id == there else there, "请支援")
        case _:
            target(viewer, order.id, "有事")


def agrees(desk: Desk, order_id: str) -> None:
    """What the columns say is what the rows say."""
    db.session.rollback()
    order = db.session.get_one(ServiceOrder, order_id, populate_existing=True)
    events = db.session.execute(
        select(Event.from_state, Event.to_state).where(Event.subject_id == order_id).order_by(Event.day, Event.number)
    ).all()
    assert order.state == events[-1].to_state
    assert [row.from_state for row in events] == [None, *[row.to_state for row in events[:-1]]]
    assert order.version == len(events)
    offers = db.session.scalars(select(Offer).where(Offer.order_id == order_id)).all()
    assert order.accepted_count == sum(o.state in ASSIGNED and o.round == order.reopened for o in offers)
    entries = db.session.scalars(select(HourEntry).where(HourEntry.order_id == order_id)).all()
    ended = [(o.volunteer_id, o.minutes) for o in offers if o.state == OfferState.COMPLETED]
    assert sorted((e.volunteer_id, e.minutes) for e in entries) == sorted(ended)
    assert order.minutes == sum(e.minutes for e in entries)
    assert (order.call_back_due is None) or order.state in (State.COMPLETED, State.CLOSED)
    course = clocks.course(clocks.of_order({"clock": order.clock}))
    assert (order.due_at, order.missed_at) == (course.due, course.missed)
    if order.state in OPEN:
        assert (order.paused_at is None) == (course.paused is None)
        assert order.next_alarm_at is not None
    else:
        assert order.paused_at is None


@pytest.mark.parametrize("seed", range(10))
def test_random_lives_of_orders(seed: int, desk: Desk) -> None:
    rng = random.Random(seed)
    clock.set_now(datetime(2026, 11, 18, 2, 0, tzinfo=UTC))
    order_id = desk.placed(volunteers_needed=rng.choice([1, 2, 3]))
    for _ in range(60):
        clock.set_now(clock.now() + timedelta(minutes=rng.choice([1, 5, 60])))
        order = desk.get(order_id)
        name = rng.choice(NAMES)
        viewer = desk.who(name)
        allowed = workflow.allowed(order, viewer) if order.visible_to(viewer) else []
        # Mostly what can be done, so that lives go far; now and then anything.
        verb = rng.choice(allowed) if allowed and rng.random() < 0.8 else rng.choice(VERBS)
        try:
            attempt(desk, rng, order, verb, viewer)
        except REFUSALS:
            assert verb not in allowed
        except (Refused, Overlap):
            assert verb in allowed
        else:
            assert verb in allowed
            agrees(desk, order_id)
        if order.state in (State.CANCELLED, State.CLOSED) and rng.random() < 0.3:
            order_id = desk.placed(volunteers_needed=rng.choice([1, 2, 3]))
        db.session.rollback()
        if order_id in [row[0] for row in queries.list_expired()]:
            if desk.get(order_id).state == State.DISPATCHED:
                workflow.expire(system_viewer(), order_id)
            agrees(desk, order_id)
    assert db.session.scalar(select(func.count()).select_from(Event)) >= 10
    assert list(audit.verify()) == []
