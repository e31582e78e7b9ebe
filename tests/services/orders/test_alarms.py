"""Alarms: once each whatever the tick, to whoever holds the next step; and upwards until somebody acts."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from community.accounts.models import Account
from community.organisations.models import Appointment
from community.policies import workflow as policies
from core import audit, clock
from core.access import Role
from core.audit import Event
from core.database import begin_write, db
from core.outbox import Message
from services.orders import jobs, queries, workflow
from services.orders.clock_rules import CLOCKS
from services.orders.models import ServiceOrder
from services.orders.workflow import Wish
from tests.conftest import MOMENT
from tests.factories import World, browser

HOUR = timedelta(hours=1)


class Watch:
    """The town with its clock, and what the job said."""

    def __init__(self, world: World, at: Callable[[datetime], None]) -> None:
        self.world, self._at = world, at

    def place(self, **wish: Any) -> str:
        """The resident's order: shopping, twenty-four hours."""
        return str(workflow.place(self.world["resident"].viewer(), Wish("elder_shopping", **wish)).id)

    def offer(self, order_id: str, *names: str) -> None:
        """The secretary offers it for a week."""
        ids = [self.world[name].id for name in names]
        workflow.dispatch(self.world["secretary"].viewer(), order_id, volunteers=ids, expires_minutes=10_000)

    def tick(self, moment: datetime) -> str:
        """The job at a moment."""
        self._at(moment)
        return jobs.order_clocks()

    def run(self, start: datetime, end: datetime, step: timedelta) -> None:
        """The job again and again."""
        while start <= end:
            self.tick(start)
            start += step

    def rung(self, order_id: str) -> list[tuple[str, Any, list[str]]]:
        """What was said of an order: verb, stage or level, to whom."""
        rows = db.session.execute(
            select(Event.verb, Event.details).where(
                Event.subject_id == order_id, Event.verb.in_(["remind", "escalate"])
            ).order_by(Event.at, Event.number)
        ).all()  # fmt: skip
        db.session.rollback()
        return [(verb, d.get("stage") or d.get("level"), sorted(d["to"])) for verb, d in rows]

    def messages(self, kind: str) -> list[str]:
        """Who has messages of a kind, by name."""
        names = {who.id: name for name, who in self.world.people.items()}
        found = db.session.scalars(select(Message.recipient_id).where(Message.kind == kind)).all()
        db.session.rollback()
        return sorted(names[person] for person in found)

    def vacate(self, role: Role) -> None:
        """Nobody holds this post any more."""
        begin_write()
        gone = update(Appointment).where(Appointment.role == role)
        db.session.execute(gone.values(ends_on=clock.today() - timedelta(days=1)))
        db.session.commit()


@pytest.fixture
def watch(app: Flask, world: World, at: Callable[[datetime], None]) -> Iterator[Watch]:
    with app.app_context():
        yield Watch(world, at)
        db.session.rollback()


BRANCH = ["王书记", "王副"]


def test_half_four_fifths_and_the_end_each_once(watch: Watch) -> None:
    order_id = watch.place()
    watch.run(MOMENT, MOMENT + 24 * HOUR, timedelta(minutes=7))
    watch.tick(MOMENT + 24 * HOUR + timedelta(minutes=1))
    assert watch.rung(order_id) == [("remind", n, BRANCH) for n in (1, 2, 3)]
    assert watch.messages("order.near") == ["deputy", "deputy", "secretary", "secretary"]
    assert watch.messages("order.over") == ["deputy", "secretary"]


@pytest.mark.parametrize("seed", range(4))
def test_once_each_whatever_the_ticks(seed: int, watch: Watch) -> None:
    rng = random.Random(seed)
    order_id = watch.place()
    now = MOMENT
    while now < MOMENT + 26 * HOUR:
        for _ in range(rng.choice((1, 1, 3))):
            watch.tick(now)
        now += timedelta(minutes=rng.choice((1, 30, 400, 900)))
    watch.tick(MOMENT + 26 * HOUR)
    stages = [stage for verb, stage, _ in watch.rung(order_id) if verb == "remind"]
    assert stages == sorted(set(stages)) and stages[-1] == 3


def test_after_a_standstill_only_the_latest_is_said(watch: Watch) -> None:
    order_id = watch.place()
    watch.tick(MOMENT + 30 * HOUR)
    watch.tick(MOMENT + 30 * HOUR + timedelta(minutes=1))
    assert watch.rung(order_id) == [("remind", 3, BRANCH)]


def test_the_job_looks_only_at_what_is_due(watch: Watch) -> None:
    for _ in range(3):
        watch.place()
    assert watch.tick(MOMENT + HOUR).startswith("提醒0单")
    assert watch.tick(MOMENT + 12 * HOUR).startswith("提醒3单")


def test_a_reminder_makes_no_form_stale(watch: Watch) -> None:
    order_id = watch.place()
    watch.tick(MOMENT + 12 * HOUR)
    assert queries.get_order(watch.world["secretary"].viewer(), order_id).version == 1
    workflow.cancel(watch.world["secretary"].viewer(), order_id, "不用了", version=1)


def test_volunteers_are_reminded_gently_and_whoever_took_it_near_the_end(watch: Watch) -> None:
    order_id = watch.place()
    watch.offer(order_id, "volunteer1", "volunteer2")
    watch.tick(MOMENT + 12 * HOUR)
    assert watch.rung(order_id) == [("remind", 1, sorted([*BRANCH, "陈一", "陈二"]))]
    assert watch.messages("order.still_open") == ["volunteer1", "volunteer2"]
    workflow.accept(watch.world["volunteer1"].viewer(), order_id)
    watch.tick(MOMENT + 20 * HOUR)
    assert watch.rung(order_id)[-1] == ("remind", 2, sorted([*BRANCH, "陈一"]))
    assert watch.messages("order.yours") == ["volunteer1"]
    workflow.check_in(watch.world["volunteer1"].viewer(), order_id)
    watch.tick(MOMENT + 24 * HOUR)
    assert watch.rung(order_id)[-1] == ("remind", 3, sorted([*BRANCH, "陈一"]))


def test_half_way_only_whoever_took_it_is_reminded(watch: Watch) -> None:
    order_id = watch.place()
    watch.offer(order_id, "volunteer1")
    workflow.accept(watch.world["volunteer1"].viewer(), order_id)
    watch.tick(MOMENT + 12 * HOUR)
    assert watch.rung(order_id) == [("remind", 1, ["陈一"])]


def decide(watch: Watch, **values: Any) -> None:
    """The estate decides its clocks anew."""
    begin_write()
    policies.change(watch.world["secretary"].viewer(), watch.world.estates["banyan"].id, CLOCKS, values, 0)
    db.session.commit()


def test_an_estate_that_wants_no_reminders_hears_of_the_end_all_the_same(watch: Watch) -> None:
    decide(watch, remind=False)
    order_id = watch.place()
    watch.run(MOMENT, MOMENT + 24 * HOUR, HOUR)
    assert watch.rung(order_id) == [("remind", 3, BRANCH)]


# Upwards. The order falls due at ten on Thursday morning; by day 30, 60 and 120 minutes later.

END = MOMENT + 24 * HOUR


def late(watch: Watch, until: timedelta) -> str:
    order_id = watch.place()
    watch.run(END, END + until, timedelta(minutes=5))
    return order_id


def escalations(watch: Watch, order_id: str) -> list[tuple[Any, list[str]]]:
    return [(level, to) for verb, level, to in watch.rung(order_id) if verb == "escalate"]


LADDER = [("支部副书记", ["王副"]), ("支部书记", ["王书记"]), ("社区", ["吕社工"])]


def test_deputy_secretary_community_one_after_the_other(watch: Watch) -> None:
    order_id = watch.place()
    for minutes, count in ((0, 0), (29, 0), (30, 1), (89, 1), (90, 2), (209, 2), (210, 3), (400, 3)):
        watch.tick(END + timedelta(minutes=minutes))
        assert escalations(watch, order_id) == LADDER[:count], minutes
    assert watch.messages("order.escalated") == ["deputy", "secretary", "staff"]


def test_it_begins_anew_when_nobody_has_done_anything(watch: Watch) -> None:
    order_id = late(watch, 13 * HOUR + 12 * HOUR)
    assert escalations(watch, order_id) == [*LADDER, LADDER[0], LADDER[1]][: len(escalations(watch, order_id))]
    assert len(escalations(watch, order_id)) > 3


@pytest.mark.parametrize("act", ["take_up", "dispatch"])
def test_it_stops_when_somebody_acts_and_begins_anew_when_that_was_all(act: str, watch: Watch) -> None:
    order_id = late(watch, timedelta(minutes=35))
    assert escalations(watch, order_id) == LADDER[:1]
    secretary = watch.world["secretary"].viewer()
    if act == "take_up":
        workflow.take_up(secretary, order_id, "我来")
    else:
        watch.offer(order_id, "volunteer1")
    watch.run(END + HOUR, END + 8 * HOUR, timedelta(minutes=10))
    assert escalations(watch, order_id) == LADDER[:1]
    watch.run(END + 8 * HOUR, END + 24 * HOUR, timedelta(minutes=10))
    assert escalations(watch, order_id)[:2] == [LADDER[0], LADDER[0]]


def test_an_extension_sets_all_of_it_back_until_the_new_end(watch: Watch) -> None:
    order_id = late(watch, timedelta(minutes=35))
    workflow.extend(watch.world["secretary"].viewer(), order_id, "说好了", minutes=300)
    start = END + timedelta(minutes=35)
    watch.run(start, start + 5 * HOUR + timedelta(minutes=25), timedelta(minutes=5))
    assert escalations(watch, order_id) == LADDER[:1]
    assert watch.rung(order_id)[-1] == ("remind", 3, BRANCH)
    watch.tick(start + 5 * HOUR + timedelta(minutes=30))
    assert escalations(watch, order_id) == [LADDER[0], LADDER[0]]
    stages = [stage for verb, stage, _ in watch.rung(order_id) if verb == "remind"]
    assert stages == [3, 3]


@pytest.mark.parametrize(
    ("vacant", "first"),
    [
        ([Role.DEPUTY_SECRETARY], ("支部书记", ["王书记"])),
        ([Role.DEPUTY_SECRETARY, Role.SECRETARY], ("社区", ["吕社工"])),
        ([Role.DEPUTY_SECRETARY, Role.SECRETARY, Role.COMMUNITY_STAFF], ("街道", ["施街道"])),
    ],
)
def test_a_vacant_post_is_passed_at_once_and_that_is_said(
    vacant: list[Role], first: tuple[str, list[str]], watch: Watch
) -> None:
    for role in vacant:
        watch.vacate(role)
    order_id = late(watch, timedelta(minutes=35))
    assert escalations(watch, order_id)[0] == first
    skipped = db.session.scalars(select(Event.details).where(Event.verb == "escalate")).first()
    assert skipped is not None and skipped["skipped"][0] == "支部副书记空缺"
    body = db.session.scalars(select(Message.body).where(Message.kind == "order.escalated")).first()
    assert body is not None and "支部副书记空缺" in body


def test_a_post_whose_holder_cannot_sign_in_is_as_good_as_vacant(watch: Watch) -> None:
    begin_write()
    gone = update(Account).where(Account.person_id == watch.world["deputy"].id)
    db.session.execute(gone.values(disabled_at=MOMENT))
    db.session.commit()
    order_id = late(watch, timedelta(minutes=35))
    assert escalations(watch, order_id) == LADDER[1:2]


def test_where_nobody_is_left_that_is_written_down(watch: Watch) -> None:
    for role in (Role.DEPUTY_SECRETARY, Role.SECRETARY, Role.COMMUNITY_STAFF, Role.SUBDISTRICT_STAFF):
        watch.vacate(role)
    order_id = late(watch, timedelta(minutes=35))
    assert escalations(watch, order_id) == [("", [])]


def test_who_holds_two_posts_is_told_once_a_round(watch: Watch) -> None:
    begin_write()
    same = update(Appointment).where(Appointment.role == Role.DEPUTY_SECRETARY)
    db.session.execute(same.values(person_id=watch.world["secretary"].id, starts_on=date(2021, 1, 1)))
    db.session.commit()
    order_id = late(watch, timedelta(minutes=100))
    assert escalations(watch, order_id) == [("支部副书记", ["王书记"]), ("社区", ["吕社工"])]


def test_an_order_that_was_carried_up_is_the_community_s_to_be_reminded_of(watch: Watch) -> None:
    order_id = watch.place()
    community = watch.world.bodies["community"].id
    workflow.transfer(watch.world["secretary"].viewer(), order_id, community, "请支援")
    watch.run(MOMENT, END + 4 * HOUR, timedelta(minutes=5))
    assert watch.rung(order_id)[:3] == [("remind", n, ["吕社工"]) for n in (1, 2, 3)]
    assert escalations(watch, order_id) == [("社区", ["吕社工"])]
    found = db.session.scalars(select(Event.details).where(Event.verb == "escalate")).one()
    assert found["skipped"] == []


def test_an_urgent_order_goes_up_in_ten_minutes_to_the_subdistrict(watch: Watch) -> None:
    order_id = watch.place(urgent=True)
    start = MOMENT + 2 * HOUR
    watch.run(start, start + timedelta(minutes=45), timedelta(minutes=1))
    found = [(e.at - start, e.details["level"]) for e in db.session.scalars(
        select(Event).where(Event.subject_id == order_id, Event.verb == "escalate").order_by(Event.at)
    )]  # fmt: skip
    minute = timedelta(minutes=1)
    assert found == [
        (10 * minute, "支部副书记"),
        (20 * minute, "支部书记"),
        (30 * minute, "社区"),
        (40 * minute, "街道"),
    ]


def test_nobody_is_called_at_night_for_what_can_wait(watch: Watch, at: Callable[[datetime], None]) -> None:
    """Due at ten in the evening: the deputy hears of it at half past eight in the morning, not at half past ten."""
    evening = clock.from_local(datetime(2026, 11, 18, 22))
    at(evening - 24 * HOUR)
    order_id = watch.place()
    watch.run(evening, evening + 11 * HOUR, timedelta(minutes=5))
    found = db.session.scalars(select(Event.at).where(Event.subject_id == order_id, Event.verb == "escalate")).first()
    assert found == clock.from_local(datetime(2026, 11, 19, 8, 30))


def test_over_a_weekend_the_steps_run_in_working_time(watch: Watch, at: Callable[[datetime], None]) -> None:
    friday = clock.from_local(datetime(2026, 11, 20, 17, 50))
    at(friday)
    order_id = str(workflow.place(watch.world["resident"].viewer(), Wish("policy_question")).id)
    end = clock.from_local(datetime(2026, 11, 24, 17, 50))
    watch.run(end, end + 20 * HOUR, timedelta(minutes=5))
    found = db.session.scalars(select(Event.at).where(Event.subject_id == order_id, Event.verb == "escalate")).first()
    assert found == clock.from_local(datetime(2026, 11, 25, 9, 20))


def test_the_page_says_who_was_told_and_when(app: Flask, world: World, at: Callable[[datetime], None]) -> None:
    with app.app_context():
        watch = Watch(world, at)
        watch.vacate(Role.DEPUTY_SECRETARY)
        order_id = late(watch, timedelta(minutes=35))
    page = browser(app, world["secretary"]).get(f"/orders/{order_id}").text
    assert "时限到了，提醒王书记" in page
    assert "支部副书记空缺；超时没有动静，告诉支部书记王书记" in page
    assert "告诉支部书记" not in browser(app, world["resident"]).get(f"/orders/{order_id}").text


def test_one_order_that_cannot_be_heard_does_not_silence_the_others(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = watch.place(), watch.place()
    begin_write()
    db.session.execute(update(ServiceOrder).where(ServiceOrder.id == bad).values(clock={"kind": "sundial"}))
    db.session.commit()
    assert "没办成1单" in watch.tick(MOMENT + 12 * HOUR)
    assert watch.rung(good) == [("remind", 1, BRANCH)]


def test_the_trail_holds_after_it_all(watch: Watch) -> None:
    late(watch, 5 * HOUR)
    assert list(audit.verify()) == []


def test_two_runners_at_once_say_it_once(app: Flask, world: World, at: Callable[[datetime], None]) -> None:
    with app.app_context():
        orders = [Watch(world, at).place() for _ in range(5)]
    at(MOMENT + 12 * HOUR)

    def work() -> None:
        with app.app_context():
            jobs.order_clocks()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with app.app_context():
        watch = Watch(world, at)
        assert all(watch.rung(order_id) == [("remind", 1, BRANCH)] for order_id in orders)
        assert len(watch.messages("order.near")) == 10
