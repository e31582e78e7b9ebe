"""Who is asked for a visit: the steady volunteer, then once the stand-in, then nobody but the branch."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from community.policies import workflow as policies
from core import clock
from core.access import Forbidden, NotFound, system_viewer
from core.database import begin_write, db
from core.outbox import Message
from core.workflow import InvalidStep, Stale
from services.orders import workflow as orders
from services.standing import workflow
from services.standing.aggregate import Series
from services.standing.models import StandingOrder, StandingVisit
from services.standing.recurrence import Pattern
from services.standing.rules import STANDING as RULES
from services.standing.workflow import STANDING, allowed, offering
from tests.conftest import MOMENT
from tests.services.standing.making import TUESDAY, Making
from volunteers.registry.models import Volunteer


@pytest.fixture
def visit(town: Making) -> Any:
    """The order of a visit offered to the first volunteer, the second standing in."""
    standing = town.series(steady="volunteer1", standin="volunteer2")
    workflow.catch_up(standing)
    (order,) = town.orders(standing)
    return order


def asked(town: Making, order_id: str) -> dict[str, str]:
    return {offer.volunteer_name: offer.state for offer in town.order(order_id).offers.values()}


def note(order_id: str) -> str:
    db.session.rollback()
    return str(db.session.scalar(select(StandingVisit.note).where(StandingVisit.order_id == order_id)))


def hands(order_id: str) -> list[str]:
    db.session.rollback()
    wanted = select(Message.recipient_id).where(Message.kind == "standing.needs_a_hand")
    return list(db.session.scalars(wanted.where(Message.link == f"/orders/{order_id}")))


def test_the_stand_in_is_asked_once_after_a_refusal(town: Making, visit: Any) -> None:
    assert asked(town, visit.id) == {"陈一": "offered"}
    orders.decline(town.viewer("volunteer1"), visit.id, "时间冲突")
    workflow.offer_waiting()
    assert asked(town, visit.id) == {"陈一": "declined", "陈二": "offered"}
    orders.decline(town.viewer("volunteer2"), visit.id, "时间冲突")
    for _ in range(3):
        workflow.offer_waiting(every=True)
    order = town.order(visit.id)
    assert order.state == "placed" and asked(town, visit.id) == {"陈一": "declined", "陈二": "declined"}
    assert note(visit.id) == "固定志愿者陈一这次婉拒了；替补陈二这次婉拒了"
    assert sorted(hands(visit.id)) == sorted(town.world[name].id for name in ("secretary", "deputy"))


def test_after_silence_and_after_a_withdrawal(town: Making, visit: Any, at: Callable[[datetime], None]) -> None:
    at(MOMENT + timedelta(hours=25))
    orders.expire(system_viewer(), visit.id)
    workflow.offer_waiting()
    assert asked(town, visit.id) == {"陈一": "expired", "陈二": "offered"}
    orders.accept(town.viewer("volunteer2"), visit.id)
    orders.withdraw(town.viewer("volunteer2"), visit.id, "临时有事")
    workflow.offer_waiting()
    assert town.order(visit.id).state == "placed"
    assert note(visit.id) == "固定志愿者陈一这次没有答复；替补陈二这次来不了"


def test_an_offer_lasts_as_long_as_the_estate_wants(town: Making, visit: Any) -> None:
    (offer,) = town.order(visit.id).offers.values()
    assert offer.expires_at - offer.offered_at == timedelta(hours=24) and offer.reasons == ["一直由您上门"]


def test_a_near_visit_is_answered_before_it_begins(town: Making, at: Callable[[datetime], None]) -> None:
    at(clock.from_local(datetime(2026, 11, 24, 8, 2)))
    standing = town.series(steady="volunteer1", start_minute=660, end_minute=720)
    workflow.catch_up(standing)
    first, _ = town.orders(standing)
    (offer,) = town.order(first.id).offers.values()
    assert clock.local(offer.expires_at).hour == 10


@pytest.mark.parametrize(
    ("why", "words"),
    [
        ("suspended", "现在不是可服务的志愿者"), ("closed", "暂不接单"), ("clash", "那个时间已有任务"),
        ("away", "那天请了假"),
    ],
)  # fmt: skip
def test_whoever_cannot_come_is_passed_over(why: str, words: str, town: Making) -> None:
    standing = town.series(steady="volunteer1", standin="volunteer2")
    first = Volunteer.person_id == town.world["volunteer1"].id
    away = {town.world["volunteer1"].id: words}
    if why == "away":
        offering.AWAY.append(lambda people, day: away if day == TUESDAY else {})
    elif why == "clash":
        start = clock.from_local(datetime(2026, 11, 24, 9))
        wish = orders.Wish("errands", preferred_start=start, preferred_end=start + timedelta(hours=1))
        town.accept("volunteer1", orders.place(town.viewer("neighbour"), wish).id)
    else:
        town.set(Volunteer, first, **({"standing": "suspended"} if why == "suspended" else {"is_available": False}))
    try:
        workflow.catch_up(standing)
        (order,) = town.orders(standing)
        assert asked(town, order.id) == {"陈二": "offered"}
        orders.decline(town.viewer("volunteer2"), order.id, "有事")
        workflow.offer_waiting()
        assert words in note(order.id)
    finally:
        offering.AWAY.clear()


def test_without_anybody_it_waits_for_the_branch_and_says_so(town: Making) -> None:
    standing = town.series()
    workflow.catch_up(standing)
    (order,) = town.orders(standing)
    assert note(order.id) == "没有固定志愿者" and hands(order.id) == []
    # Whoever agrees later is asked for what waits.
    series = town.read(standing)
    agreement = town.agreement(steady_id=town.world["volunteer1"].id)
    workflow.change(town.viewer("secretary"), standing, agreement, series.version)
    workflow.catch_up(standing)
    assert asked(town, order.id) == {}
    workflow.agree(town.viewer("volunteer1"), standing)
    workflow.catch_up(standing)
    assert asked(town, order.id) == {"陈一": "offered"}


def test_what_the_branch_took_back_is_the_branch_s(town: Making, visit: Any) -> None:
    orders.accept(town.viewer("volunteer1"), visit.id)
    orders.reassign(town.viewer("secretary"), visit.id, "另派一位")
    workflow.offer_waiting(every=True)
    assert town.order(visit.id).state == "placed" and asked(town, visit.id) == {"陈一": "withdrawn"}


def test_nobody_is_disturbed_at_night(town: Making, at: Callable[[datetime], None]) -> None:
    standing = town.series(steady="volunteer1")
    at(clock.from_local(datetime(2026, 11, 18, 23)))
    workflow.catch_up(standing)
    (order,) = town.orders(standing)
    assert town.order(order.id).state == "placed"
    at(clock.from_local(datetime(2026, 11, 19, 8, 5)))
    workflow.offer_waiting()
    assert town.order(order.id).state == "dispatched"


@pytest.mark.parametrize(
    ("begins", "ends", "hour", "quiet"),
    [(1260, 480, 22, True), (1260, 480, 7, True), (1260, 480, 8, False), (780, 840, 13, True), (780, 840, 14, False)],
)
def test_quiet_hours(begins: int, ends: int, hour: int, quiet: bool) -> None:
    now = clock.from_local(datetime(2026, 11, 18, hour))
    assert offering.is_quiet({"quiet_from": begins, "quiet_until": ends}, now) is quiet


def test_whoever_left_the_register_is_named_to_the_branch(town: Making) -> None:
    standing = town.series(steady="volunteer1", standin="volunteer2")
    town.set(Volunteer, Volunteer.person_id == town.world["volunteer1"].id, standing="left")
    workflow.catch_up(standing)
    series = town.read(standing)
    assert (series.steady_state, series.standin_state) == ("gone", "agreed")
    (order,) = town.orders(standing)
    assert asked(town, order.id) == {"陈二": "offered"}
    told = select(Message.body).where(Message.kind == "standing.answered", Message.body.contains("名册"))
    assert db.session.scalars(told).first()


def test_nobody_comes_without_having_agreed(town: Making) -> None:
    agreement = town.agreement(steady_id=town.world["volunteer1"].id, standin_id=town.world["volunteer2"].id)
    standing = str(workflow.set_up(town.viewer("secretary"), agreement).id)
    workflow.leave(town.viewer("volunteer1"), standing, "不方便")
    workflow.catch_up(standing)
    (order,) = town.orders(standing)
    assert asked(town, order.id) == {} and town.read(standing).steady_state == "declined"
    for name in ("volunteer1", "volunteer3", "secretary"):
        with pytest.raises((InvalidStep, Forbidden, NotFound)):
            workflow.agree(town.viewer(name), standing)


def test_the_two_are_two_and_no_relatives(town: Making) -> None:
    one = town.world["volunteer1"].id
    with pytest.raises(orders.Refused, match="两个人"):
        town.series(steady_id=one, standin_id=one)
    with pytest.raises(orders.Refused, match="现在不能请"):
        town.series(steady_id=town.world["far_volunteer"].id)
    with pytest.raises(orders.Refused, match="现在不能请"):
        town.series(person_id=one, steady_id=one)


def test_what_an_estate_decides(town: Making) -> None:
    """Days ahead, and whether residents' series wait for the branch."""
    begin_write()
    banyan = town.world.estates["banyan"].id
    policies.change(town.viewer("secretary"), banyan, RULES, {"days_ahead": 14, "approve": False}, 0)
    db.session.commit()
    standing = town.series("resident")
    workflow.catch_up(standing)
    assert town.read(standing).state == "active" and len(town.days(standing)) == 2


def test_every_state_and_verb(town: Making) -> None:
    """Whatever the table does not hold is refused, whoever asks; what it holds is used by those who may."""
    verbs = [verb for verb in STANDING.steps if verb not in ("set_up_series", "lose_helper")]
    standing = town.series(steady="volunteer1")
    everyone = ("resident", "neighbour", "volunteer1", "volunteer2", "secretary", "grid_worker", "staff", "outsider")
    live = {"change_series", "skip_visit", "restore_visit", "pause_series", "end_series"}
    mine = {"resident": live, "secretary": live, "grid_worker": live, "volunteer1": {"leave_series"}}
    for state in ("active", "paused", "proposed", "ended"):
        ended = clock.now() if state == "ended" else None
        town.set(StandingOrder, StandingOrder.id == standing, state=state, ended_at=ended)
        series = town.read(standing)
        for name in everyone:
            found = set(allowed(series, town.viewer(name)))
            wanted = set(mine.get(name, ()))
            if state == "paused" and wanted & live:
                wanted |= {"resume_series"}
            if state == "proposed":
                wanted -= {"skip_visit", "restore_visit", "pause_series"}
                wanted |= {"approve_series", "turn_down_series"} if name == "secretary" else set()
            if state == "ended":
                wanted = set()
            assert found == wanted, (state, name)
            _refuse_the_rest(series, town.viewer(name), set(verbs) - found)


def _refuse_the_rest(series: Series, viewer: Any, verbs: set[str]) -> None:
    from services.standing.workflow.steps import apply

    for verb in verbs:
        with pytest.raises((InvalidStep, Forbidden)):
            apply(viewer, verb, series, None, reason="x")


def test_a_step_from_an_old_version_is_stale(town: Making) -> None:
    standing = town.series(pattern=Pattern("week", weekdays=(1,)))
    old = town.read(standing).version
    workflow.pause(town.viewer("secretary"), standing, TUESDAY, None, "x", old)
    for act in (
        lambda: workflow.end(town.viewer("deputy"), standing, "x", old),
        lambda: workflow.resume(town.viewer("deputy"), standing, old),
        lambda: workflow.change(town.viewer("deputy"), standing, town.agreement(), old),
    ):
        with pytest.raises(Stale):
            act()
