"""Visits made ahead: never twice, never lost, never moved once somebody has accepted them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from community.grid.models import Person
from core import audit, clock
from core.access import Forbidden
from core.audit import Event
from core.database import db
from core.jobs import run
from core.outbox import Message
from core.workflow import InvalidStep, Stale
from services.catalogue.models import ServiceItem
from services.orders import workflow as orders
from services.orders.workflow import placing
from services.standing import workflow
from services.standing.models import StandingOrder
from services.standing.recurrence import Pattern
from services.standing.workflow import making
from tests.conftest import MOMENT
from tests.services.standing.making import NEXT, TUESDAY, TUESDAYS, Making

DAY = timedelta(days=1)


def job(slot: str = "x") -> str:
    """One run of the hourly job; its outcome."""
    done = run("make_standing", f"{slot}{clock.now().timestamp()}")
    assert done is not None and done.state == "done", done
    return done.outcome


def test_the_job_makes_the_week_ahead_and_offers_it(town: Making) -> None:
    standing = town.series(steady="volunteer1")
    assert "排了1单，派出1单" in job()
    (order,) = town.orders(standing)
    found = town.order(order.id)
    assert found.state == "dispatched" and list(found.offers) == [town.world["volunteer1"].id]
    assert clock.local(found.preferred_start).isoformat() == "2026-11-24T08:30:00+08:00"
    assert (found.standing_id, found.placed_as, found.placed_by) == (standing, "staff", town.world["secretary"].id)
    assert found.person_id == town.world["resident"].id and found.offers[town.world["volunteer1"].id].reasons
    series = town.read(standing)
    assert series.made_until == date(2026, 11, 25) and series.due_on == date(2026, 11, 19)
    assert list(audit.verify()) == []


def test_a_number_that_is_taken_already_is_drawn_again(town: Making, monkeypatch: pytest.MonkeyPatch) -> None:
    """The visits of a series are made in one transaction, which must outlast it."""
    drawn = iter(["111111", "111111", "111111", "222222"])
    monkeypatch.setattr(placing, "digits", lambda count: next(drawn) if count == 6 else "0000")
    both = [town.series(), town.series()]
    job()
    codes = sorted(town.order(town.orders(standing)[0].id).code[-6:] for standing in both)
    assert codes == ["111111", "222222"]


def test_running_again_makes_nothing_twice(town: Making, at: Callable[[datetime], None]) -> None:
    standing = town.series()
    for hours in range(0, 24 * 9, 5):
        at(MOMENT + timedelta(hours=hours))
        job(str(hours))
    assert town.days(standing) == [TUESDAY, NEXT]
    assert set(town.visits(standing)) == {TUESDAY, NEXT}


def test_two_runners_at_once_make_each_visit_once(town: Making) -> None:
    standings = [town.series(pattern=Pattern("week", weekdays=(0, 1, 3, 5))) for _ in range(3)]
    barrier, outcomes = threading.Barrier(4), []

    def runner() -> None:
        with town.app.app_context():
            barrier.wait()
            outcomes.extend(workflow.advance(standing) for standing in standings)

    threads = [threading.Thread(target=runner) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(outcomes) == 12
    for standing in standings:
        days = town.days(standing)
        assert len(days) == len(set(days)) == 4 and set(town.visits(standing)) == set(days)
    assert list(audit.verify()) == []


@pytest.mark.parametrize("where", ["before", "between", "after"])
def test_a_crash_in_the_middle_leaves_both_or_neither(
    where: str, town: Making, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies before the order, between order and visit, or between the visit and its offer."""
    standing = town.series(steady="volunteer1")
    with monkeypatch.context() as patch:
        if where == "before":
            patch.setattr(orders, "place", _die)
        elif where == "between":
            patch.setattr(making, "fingerprint", _die)
        else:
            patch.setattr("services.standing.workflow.offering.queries.list_unasked", _die)
        with pytest.raises(KeyboardInterrupt):
            run_once(standing)
    made = [TUESDAY] if where == "after" else []
    assert town.days(standing) == made and list(town.visits(standing)) == made
    job("again")
    job("and again")
    (order,) = town.orders(standing)
    assert town.order(order.id).state == "dispatched" and list(town.visits(standing)) == [TUESDAY]
    placed = select(func.count()).select_from(Event).where(Event.verb == "place", Event.subject_id == order.id)
    assert db.session.scalar(placed) == 1
    assert list(audit.verify()) == []


def run_once(standing: str) -> None:
    workflow.advance(standing)
    workflow.offer_waiting()


def _die(*_: Any, **__: Any) -> Any:
    raise KeyboardInterrupt


def test_one_series_that_fails_does_not_hold_the_others_up(town: Making, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = town.series(), town.series()
    place = orders.place

    def sometimes(viewer: Any, wish: Any) -> Any:
        if wish.origin.standing_id == bad:
            raise RuntimeError("a bad day")
        return place(viewer, wish)

    with monkeypatch.context() as patch:
        patch.setattr(orders, "place", sometimes)
        assert "1个没办成" in job("one")
    assert (town.days(bad), town.days(good)) == ([], [TUESDAY])
    job("two")
    assert town.days(bad) == [TUESDAY]


def test_accepting_and_changing_at_the_same_moment(town: Making) -> None:
    """Of each order either the volunteer has it and it stays, or it is called off and nobody has it."""
    standing = town.series(pattern=Pattern("week", weekdays=(0, 1, 2, 3, 4, 5)), steady="volunteer1")
    job()
    found = [row.id for row in town.orders(standing)]
    assert len(found) == 6
    version, barrier = town.read(standing).version, threading.Barrier(2)
    viewers = town.viewer("volunteer1"), town.viewer("secretary")

    def accept() -> None:
        with town.app.app_context():
            barrier.wait()
            for order_id in found:
                with suppress(orders.AlreadyTaken, InvalidStep, Forbidden, Stale):
                    orders.accept(viewers[0], order_id)

    def change() -> None:
        with town.app.app_context():
            barrier.wait()
            workflow.change(viewers[1], standing, town.agreement(start_minute=840, end_minute=960), version)

    threads = [threading.Thread(target=act) for act in (accept, change)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    states = [town.order(order_id).state for order_id in found]
    assert set(states) <= {"accepted", "cancelled"} and town.read(standing).start_minute == 840
    db.session.rollback()
    accepted = set(db.session.scalars(select(Event.subject_id).where(Event.verb == "accept")))
    assert accepted == {order_id for order_id, state in zip(found, states, strict=True) if state == "accepted"}
    assert list(audit.verify()) == []


def test_a_change_moves_what_nobody_has_taken(town: Making) -> None:
    standing = town.series(steady="volunteer1")
    job()
    wednesdays = town.agreement(pattern=Pattern("week", weekdays=(2,)), steady_id=town.world["volunteer1"].id)
    series, settled = workflow.change(town.viewer("secretary"), standing, wednesdays, town.read(standing).version)
    assert [visit.held_on for visit in settled.withdrawn] == [TUESDAY] and not settled.kept
    job("b")
    assert town.days(standing, "cancelled") == [TUESDAY]
    assert town.days(standing) == [date(2026, 11, 25)]
    assert town.visits(standing)[TUESDAY][0] == "skipped"
    # Who had agreed to Tuesdays is asked about Wednesdays.
    assert town.read(standing).steady_state == "asked" and series.state == "active"


def test_a_change_of_the_time_makes_the_same_day_anew(town: Making) -> None:
    standing = town.series()
    job()
    afternoon = town.agreement(start_minute=840, end_minute=960)
    workflow.change(town.viewer("secretary"), standing, afternoon, town.read(standing).version)
    job("b")
    old, new = sorted(town.orders(standing), key=lambda row: row.state)
    assert (old.state, new.state) == ("cancelled", "placed")
    assert clock.local(new.preferred_start).hour == 14 and town.visits(standing)[TUESDAY][0] == "made"


def test_what_somebody_has_accepted_is_never_moved(town: Making) -> None:
    standing = town.series(steady="volunteer1")
    job()
    (order,) = town.orders(standing)
    town.accept("volunteer1", order.id)
    fridays = town.agreement(pattern=Pattern("week", weekdays=(4,)))
    _, settled = workflow.change(town.viewer("secretary"), standing, fridays, town.read(standing).version)
    assert [visit.held_on for visit in settled.kept] == [TUESDAY] and not settled.withdrawn
    job("b")
    assert town.order(order.id).state == "accepted"
    assert town.days(standing) == [date(2026, 11, 20), TUESDAY]
    _, settled = workflow.end(town.viewer("secretary"), standing, "不用了", town.read(standing).version)
    assert [visit.held_on for visit in settled.kept] == [TUESDAY]
    assert (town.days(standing), town.order(order.id).state) == ([TUESDAY], "accepted")
    job("c")
    assert town.order(order.id).state == "accepted"


def test_an_order_changed_by_itself_is_left_alone(town: Making) -> None:
    """The resident mends or cancels one visit: the series neither undoes that nor makes the day again."""
    standing = town.series()
    job()
    (order,) = town.orders(standing)
    orders.send_back(town.viewer("secretary"), order.id, "请写明几点在家")
    start = clock.from_local(datetime(2026, 11, 24, 16))
    orders.resubmit(town.viewer("resident"), order.id, "四点以后", start, start + timedelta(hours=1))
    job("b")
    assert [row.state for row in town.orders(standing)] == ["placed"]
    orders.cancel(town.viewer("resident"), order.id, "不用了")
    job("c")
    assert [row.state for row in town.orders(standing)] == ["cancelled"]


def test_a_new_arrangement_may_begin_later(town: Making, at: Callable[[datetime], None]) -> None:
    standing = town.series()
    at(MOMENT + 7 * DAY)
    job()
    assert town.days(standing) == [NEXT]
    later = town.agreement(pattern=Pattern("week", weekdays=(3,)), starts_on=date(2026, 12, 2))
    workflow.change(town.viewer("secretary"), standing, later, town.read(standing).version)
    job("b")
    at(MOMENT + 8 * DAY)
    job("c")
    # The Tuesday before the new arrangement begins is held; Thursdays follow.
    assert town.days(standing) == [NEXT, date(2026, 12, 3)]


def test_a_pause_withdraws_and_its_end_makes_again(town: Making, at: Callable[[datetime], None]) -> None:
    standing = town.series()
    job()
    until = date(2026, 11, 28)
    workflow.pause(town.viewer("resident"), standing, date(2026, 11, 20), until, "去女儿家住几天")
    assert town.days(standing) == [] and town.read(standing).state == "paused"
    job("b")
    assert town.visits(standing)[TUESDAY] == ("skipped", "暂停期间")
    at(MOMENT + 7 * DAY)
    job("c")
    assert town.days(standing) == [NEXT] and town.read(standing).state == "paused"
    at(MOMENT + 11 * DAY)
    job("d")
    assert town.read(standing).state == "active"
    workflow.pause(town.viewer("resident"), standing, date(2026, 11, 29), None, "再住几天")
    assert town.days(standing) == []
    workflow.resume(town.viewer("resident"), standing)
    job("e")
    assert town.days(standing) == [NEXT]


def test_a_day_skipped_by_hand_stays_skipped_until_it_is_restored(town: Making) -> None:
    standing = town.series(steady="volunteer1")
    job()
    workflow.skip(town.viewer("resident"), standing, TUESDAY, "去医院")
    job("b")
    assert town.days(standing) == [] and town.visits(standing)[TUESDAY] == ("skipped", "去医院")
    workflow.restore(town.viewer("resident"), standing, TUESDAY)
    job("c")
    assert town.days(standing) == [TUESDAY]
    (order,) = [row for row in town.orders(standing) if row.state != "cancelled"]
    town.accept("volunteer1", order.id)
    with pytest.raises(orders.Refused, match="已有人接单"):
        workflow.skip(town.viewer("resident"), standing, TUESDAY, "去医院")
    workflow.skip(town.viewer("resident"), standing, NEXT, "去医院")
    for day in (TUESDAY, date(2026, 11, 26), date(2026, 11, 17)):
        with pytest.raises(orders.Refused):
            workflow.skip(town.viewer("resident"), standing, day, "x")
    with pytest.raises(orders.Refused):
        workflow.restore(town.viewer("resident"), standing, TUESDAY)


def test_spring_festival_is_skipped_moved_or_kept(town: Making, at: Callable[[datetime], None]) -> None:
    """2026: days off from Sunday 15 to Monday 23 February; 2027 statutory days from 5 to 8 February."""
    at(clock.from_local(datetime(2026, 2, 9, 10)))
    mondays = Pattern("week", weekdays=(0, 1))
    found = {rule: town.series(pattern=mondays, holidays=rule) for rule in ("skip", "next", "keep")}
    for day in range(9, 25):
        at(clock.from_local(datetime(2026, 2, day, 10)))
        job(str(day))
    # Mondays and Tuesdays: 9 was over when it began, 10, then 16, 17 and 23 in the holiday, 24, and 2 March.
    usual = [date(2026, 2, 10), date(2026, 2, 24), date(2026, 3, 2), date(2026, 3, 3)]
    assert town.days(found["skip"]) == usual
    assert town.days(found["next"]) == usual, "merged into the Tuesday that comes anyway"
    assert town.days(found["keep"]) == sorted([*usual, date(2026, 2, 16), date(2026, 2, 17), date(2026, 2, 23)])
    assert town.visits(found["skip"])[date(2026, 2, 16)] == ("skipped", "春节放假")
    assert town.visits(found["next"])[date(2026, 2, 17)][1] == "春节放假，并到2月24日那次"


def test_a_moved_visit_is_made_once_on_its_other_day(town: Making, at: Callable[[datetime], None]) -> None:
    at(clock.from_local(datetime(2026, 9, 28, 10)))
    standing = town.series(pattern=Pattern("week", weekdays=(4,)), holidays="next", until=date(2026, 10, 3))
    for day in range(12):
        at(clock.from_local(datetime(2026, 9, 28, 10)) + day * DAY)
        job(str(day))
    # National Day: Friday 2 October is held on Thursday the 8th, after the series' last day.
    assert town.days(standing) == [date(2026, 10, 8)]
    assert town.visits(standing) == {date(2026, 10, 2): ("made", "国庆节放假，顺延")}
    assert town.read(standing).state == "ended"


def test_a_series_across_the_new_year(town: Making, at: Callable[[datetime], None]) -> None:
    at(clock.from_local(datetime(2026, 12, 20, 10)))
    standing = town.series(pattern=Pattern("week", 2, (4,)), starts_on=date(2026, 12, 20))
    for day in range(0, 50, 2):
        at(clock.from_local(datetime(2026, 12, 20, 10)) + day * DAY)
        job(str(day))
    # Every second Friday from the week of 14 December: 1 January and 12 February 2027; the 5th is 除夕's eve.
    assert town.days(standing) == [date(2027, 1, 15), date(2027, 1, 29), date(2027, 2, 12)]
    assert town.visits(standing)[date(2027, 1, 1)] == ("skipped", "元旦放假")


def test_a_series_ends_by_itself(town: Making, at: Callable[[datetime], None]) -> None:
    standing = town.series(times=2)
    assert town.read(standing).until == NEXT
    for day in range(16):
        at(MOMENT + day * DAY)
        job(str(day))
    assert town.days(standing) == [TUESDAY, NEXT]
    assert town.read(standing).state == "ended"
    last = db.session.scalars(select(Event).where(Event.verb == "end_series")).one()
    assert (last.actor_name, last.reason) == ("定期服务", "已经到期")


def test_whoever_moved_out_is_visited_no_more(town: Making) -> None:
    standing = town.series(steady="volunteer1", pattern=Pattern("week", weekdays=(0, 1)))
    job()
    first, second = town.orders(standing)
    town.accept("volunteer1", first.id)
    who = Person.id == town.world["resident"].id
    town.set(Person, who, moved_out_on=date(2026, 11, 19), household_id=None)
    town.set(StandingOrder, StandingOrder.id == standing, due_on=clock.today())
    job("b")
    assert town.read(standing).state == "ended"
    assert (town.order(first.id).state, town.order(second.id).state) == ("accepted", "cancelled")
    told = set(db.session.scalars(select(Message.recipient_id).where(Message.kind == "standing.ended")))
    assert told >= {town.world[name].id for name in ("secretary", "deputy", "volunteer1")}


def test_a_service_that_was_withdrawn_stops_the_series_until_it_is_back(town: Making) -> None:
    standing = town.series()
    item = (ServiceItem.estate_id == town.world.estates["banyan"].id) & (ServiceItem.code == "blood_pressure")
    town.set(ServiceItem, item, is_active=False)
    job()
    series = town.read(standing)
    assert (series.state, town.days(standing)) == ("paused", [])
    stalled = db.session.scalars(select(Message).where(Message.kind == "standing.stalled")).all()
    assert {message.recipient_id for message in stalled} >= {town.world[n].id for n in ("resident", "secretary")}
    assert "服务清单里没有这一项" in stalled[0].body
    job("b")
    assert len(db.session.scalars(select(Message).where(Message.kind == "standing.stalled")).all()) == len(stalled)
    town.set(ServiceItem, item, is_active=True)
    workflow.resume(town.viewer("secretary"), standing)
    job("c")
    assert town.days(standing) == [TUESDAY]


def test_orders_are_placed_for_whoever_still_may(town: Making) -> None:
    """Family whose right was taken back, and staff who have left their post, place nothing more in their name."""
    from community.organisations.models import Appointment

    standing = town.series("grid_worker")
    workflow.advance(standing)
    town.set(Appointment, Appointment.person_id == town.world["grid_worker"].id, ends_on=date(2026, 11, 17))
    again = town.series("secretary", pattern=TUESDAYS, holidays="keep")
    town.set(StandingOrder, StandingOrder.id == again, placed_by=town.world["grid_worker"].id)
    workflow.advance(again)
    first, second = (town.order(town.orders(found)[0].id) for found in (standing, again))
    assert first.placed_by == town.world["grid_worker"].id
    assert (second.placed_by, second.placed_as) == (town.world["resident"].id, "staff")
