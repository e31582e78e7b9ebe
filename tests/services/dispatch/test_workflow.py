"""Candidates and plans on the database: who is proposed, what is dispatched, what is left out and named."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from community.grid.models import Person
from community.policies import workflow as policies
from core import clock
from core.access import Forbidden
from core.audit import Event
from core.database import begin_write, db
from core.workflow import ReasonMissing, Stale
from services.dispatch import facts, queries, workflow
from services.dispatch.models import DispatchPlan, PairExclusion
from services.dispatch.rules import MATCHING
from services.dispatch.times import clock_of
from services.orders import workflow as orders
from services.orders.queries import get_order
from services.orders.rules import OFFERS
from services.orders.workflow import Refused, Wish
from tests.conftest import MOMENT
from tests.factories import World, caller, volunteer, write
from volunteers.registry.models import Volunteer, VolunteerDayOff, VolunteerSkill

TOMORROW = {"preferred_start": MOMENT + timedelta(days=1), "preferred_end": MOMENT + timedelta(days=1, hours=2)}


@pytest.fixture
def inside(app: Flask, world: World, at: Callable[[datetime], None]) -> Iterator[World]:
    with app.app_context():
        yield world
        db.session.rollback()


def order_of(world: World, item: str = "elder_shopping", **wish: Any) -> str:
    return str(orders.place(world["resident"].viewer(), Wish(item, **wish)).id)


def change(model: Any, key: Any, id_: str, **values: Any) -> None:
    begin_write()
    db.session.execute(update(model).where(key == id_).values(**values))
    db.session.commit()


def served(world: World, name: str, stars: int | None = None) -> str:
    """An order of the resident that a volunteer has done."""
    helper, order_id = world[name].viewer(), order_of(world)
    orders.dispatch(world["secretary"].viewer(), order_id, volunteers=[helper.person_id])
    orders.accept(helper, order_id)
    orders.check_in(helper, order_id)
    orders.complete(helper, order_id, 1, "")
    if stars:
        orders.rate(world["resident"].viewer(), order_id, stars, "")
    return order_id


def whys(world: World, order_id: str) -> dict[str, str]:
    """Who is ruled out and why, by id."""
    secretary = world["secretary"].viewer()
    return {id_: why for id_, _, why in queries.candidates(secretary, get_order(secretary, order_id))[1]}


def found(world: World, order_id: str) -> list[queries.Candidate]:
    secretary = world["secretary"].viewer()
    return queries.candidates(secretary, get_order(secretary, order_id))[0]


def plan_of(world: World, order_ids: list[str] | None = None) -> DispatchPlan:
    begin_write()
    plan = workflow.propose(world["secretary"].viewer(), world.estates["banyan"].id, order_ids)
    db.session.commit()
    return plan


# Candidates


def test_candidates_are_ranked_with_reasons_and_the_others_named(inside: World) -> None:
    banyan = inside.estates["banyan"]
    begin_write()
    near = volunteer("近邻", banyan, skills=("shopping",), unit=0)
    away = volunteer("二单元", banyan, skills=("shopping",), unit=1)
    family = volunteer("家人", banyan, skills=("shopping",), home=inside["resident"].household_id)
    busy = volunteer("忙人", banyan, skills=("shopping",), available=False)
    gone = volunteer("停了", banyan, skills=("shopping",))
    db.session.commit()
    change(Volunteer, Volunteer.person_id, gone.id, standing="suspended")
    order_id = order_of(inside)
    ranked = found(inside, order_id)
    order = [candidate.volunteer_id for candidate in ranked]
    assert set(order) == {near.id, away.id, *[inside[f"volunteer{n}"].id for n in (1, 2, 3)]}
    assert order[-1] == away.id
    assert ranked[order.index(near.id)].reasons[0] == "同单元"
    assert ranked[order.index(away.id)].reasons[0] == "同楼栋"
    assert whys(inside, order_id) == {
        family.id: "和点单人是一家", busy.id: "暂不接单", gone.id: "已暂停服务",
        inside["volunteer4"].id: "不会助老购物",
    }  # fmt: skip


def test_only_who_dispatches_there_sees_candidates(inside: World) -> None:
    order_id = order_of(inside)
    with pytest.raises(Forbidden):
        queries.candidates(inside["staff"].viewer(), get_order(inside["staff"].viewer(), order_id))


def test_neighbours_who_come_from_their_own_estate(inside: World) -> None:
    begin_write()
    comes, stays = (volunteer(name, inside.estates["cement"], skills=("shopping",)) for name in ("肯来", "不来"))
    far = volunteer("远", inside.estates["swan"], skills=("shopping",))
    db.session.commit()
    for who in (comes, far):
        change(Volunteer, Volunteer.person_id, who.id, reach="community")
    order_id = order_of(inside)
    known = {candidate.volunteer_id: candidate for candidate in found(inside, order_id)}
    assert comes.id in known and not {stays.id, far.id} & known.keys() and stays.id not in whys(inside, order_id)
    assert "住水泥厂小区" in known[comes.id].reasons and known[comes.id].place == "水泥厂小区"
    orders.dispatch(inside["secretary"].viewer(), order_id, volunteers=[comes.id])
    orders.accept(comes.viewer(), order_id)
    for who in (stays, far):
        with pytest.raises(Refused):
            orders.dispatch(inside["secretary"].viewer(), order_of(inside), volunteers=[who.id])


def test_accepted_work_rules_out_and_so_does_an_offer_without_answer(inside: World) -> None:
    secretary, helpers = inside["secretary"].viewer(), [inside[f"volunteer{n}"].viewer() for n in (1, 2)]
    for helper in helpers:
        order_id = order_of(inside, **TOMORROW)
        orders.dispatch(secretary, order_id, volunteers=[helper.person_id])
        if helper is helpers[0]:
            orders.accept(helper, order_id)
    third = order_of(inside, **TOMORROW)
    known = whys(inside, third)
    assert known[helpers[0].person_id] == "10:00–12:00 有任务"
    assert known[helpers[1].person_id] == "10:00–12:00 已派了别的单，等他答复"
    later = {
        "preferred_start": MOMENT + timedelta(days=1, hours=2),
        "preferred_end": MOMENT + timedelta(days=1, hours=4),
    }
    assert not whys(inside, order_of(inside, **later)).keys() & {helper.person_id for helper in helpers}


def test_the_weekly_cap_counts_the_week_of_the_service(inside: World, at: Callable[[datetime], None]) -> None:
    begin_write()
    capped = volunteer("一周一次", inside.estates["banyan"], skills=("shopping",), cap=1)
    db.session.commit()
    secretary, first = inside["secretary"].viewer(), order_of(inside)
    orders.dispatch(secretary, first, volunteers=[capped.id])
    assert whys(inside, order_of(inside))[capped.id] == "本周已1单，到上限"
    orders.accept(capped.viewer(), first)
    assert whys(inside, order_of(inside))[capped.id] == "本周已1单，到上限"
    next_week = {"preferred_start": MOMENT + timedelta(days=7), "preferred_end": MOMENT + timedelta(days=7, hours=2)}
    assert capped.id not in whys(inside, order_of(inside, **next_week))
    # The next week begins on Monday 23 November in Shanghai.
    at(clock.from_local(datetime(2026, 11, 23)))
    assert capped.id in {candidate.volunteer_id for candidate in found(inside, order_of(inside))}


def test_offers_a_day_are_counted_as_the_estate_decides(inside: World, at: Callable[[datetime], None]) -> None:
    secretary, helper = inside["secretary"].viewer(), inside["volunteer1"].viewer()
    begin_write()
    policies.change(secretary, inside.estates["banyan"].id, OFFERS, {"offers_a_day": 2}, 0)
    db.session.commit()
    for _ in range(2):
        order_id = order_of(inside)
        orders.dispatch(secretary, order_id, volunteers=[helper.person_id])
        orders.decline(helper, order_id, "没空")
    assert whys(inside, order_of(inside))[helper.person_id] == "今天已派2单"
    assert helper.person_id not in whys(inside, order_of(inside, urgent=True))
    at(MOMENT + timedelta(days=1))
    assert helper.person_id not in whys(inside, order_of(inside))


def test_days_off_ages_verified_skills_and_a_wished_sex(inside: World) -> None:
    banyan = inside.estates["banyan"]
    begin_write()
    away, young, checked = (volunteer(name, banyan, skills=("blood_pressure",)) for name in ("出门", "小", "证"))
    write(VolunteerDayOff, id="d", person_id=away.id, first_day=date(2026, 11, 19), last_day=date(2026, 11, 20))
    db.session.commit()
    change(VolunteerSkill, VolunteerSkill.person_id, checked.id, verified_on=date(2026, 1, 1))
    change(Person, Person.id, young.id, birth_date=date(2010, 1, 1))
    change(Person, Person.id, checked.id, sex=2)
    secretary, order_id = inside["secretary"].viewer(), order_of(inside, "blood_pressure", **TOMORROW)
    order = get_order(secretary, order_id)
    known = whys(inside, order_id)
    assert (known[away.id], known[young.id]) == ("11月19日不能来", "未满18岁，监护人没有同意")
    change(Volunteer, Volunteer.person_id, young.id, guardian_consent=True)
    assert young.id not in whys(inside, order_id)
    order.row["item"] = order.item | {"verified": ["blood_pressure"], "training": "care", "personal_care": True}
    order.row["helper_sex"] = 2
    out = {id_: why for id_, _, why in queries.candidates(secretary, order)[1]}
    assert out[young.id] == "居民希望女志愿者"
    assert out[checked.id] == "没有有效的培训"


def test_whoever_keeps_trainings_is_asked(inside: World, monkeypatch: pytest.MonkeyPatch) -> None:
    trained, asked = inside["volunteer1"].id, []

    def answer(codes: Any) -> dict[str, set[str]]:
        asked.append(list(codes))
        return {"care": {trained}}

    monkeypatch.setattr(facts, "TRAINED", [answer])
    secretary = inside["secretary"].viewer()
    order = get_order(secretary, order_of(inside))
    queries.candidates(secretary, order)
    assert asked == []
    order.row["item"] = order.item | {"training": "care"}
    assert [candidate.volunteer_id for candidate in queries.candidates(secretary, order)[0]] == [trained]
    assert asked == [["care"]]


def test_who_served_well_before_comes_first(inside: World) -> None:
    served(inside, "volunteer2", 5)
    best = found(inside, order_of(inside))[0]
    assert best.volunteer_id == inside["volunteer2"].id
    assert {"曾服务1次", "居民评过5星"} <= set(best.reasons)
    names = {line.name: line.points for line in best.verdict.lines}
    assert names["熟悉"] == -4 and names["那一周的单"] == 3
    assert best.verdict.cost == pytest.approx(sum(names.values()))


def test_weights_of_the_estate_are_used(inside: World) -> None:
    served(inside, "volunteer2", 5)
    secretary = inside["secretary"].viewer()
    begin_write()
    values = MATCHING.defaults | {"known_each": 0, "load_week": 50}
    policies.change(secretary, inside.estates["banyan"].id, MATCHING, values, 0)
    db.session.commit()
    assert found(inside, order_of(inside))[-1].volunteer_id == inside["volunteer2"].id


def test_when_somebody_is_free_and_the_picture_of_a_day(inside: World) -> None:
    banyan, secretary = inside.estates["banyan"], inside["secretary"].viewer()
    begin_write()
    # Thursdays from eleven, and Fridays.
    who = volunteer("午前", banyan, skills=("shopping",), windows=((3, 660, 1080), (4, 480, 720)))
    db.session.commit()
    order = get_order(secretary, order_of(inside, **TOMORROW))
    one = next(candidate for candidate in queries.candidates(secretary, order)[0] if candidate.volunteer_id == who.id)
    assert one.when == "11:00 有空"
    bar = queries.day_bars(order, [one])[0]
    assert (bar.name, bar.when, bar.free, bar.busy) == ("午前", "11:00 有空", [(660, 1080)], [])
    assert bar.slot is not None and [clock_of(minute) for minute in bar.slot] == ["11:00", "11:40"]
    untimed = get_order(secretary, order_of(inside))
    one = next(candidate for candidate in queries.candidates(secretary, untimed)[0] if candidate.volunteer_id == who.id)
    assert one.when == "明天 11:00 有空"
    assert queries.day_bars(untimed, [one])[0].slot is None


# What nobody may send


def test_nobody_sends_whom_law_or_a_wish_bars(inside: World) -> None:
    secretary, first, second = (inside[name] for name in ("secretary", "volunteer1", "volunteer2"))
    change(Person, Person.id, first.id, birth_date=date(2010, 1, 1))
    with pytest.raises(Refused, match="监护人没有同意"):
        orders.dispatch(secretary.viewer(), order_of(inside), volunteers=[first.id])
    orders.dispatch(secretary.viewer(), order_of(inside), volunteers=[second.id])
    order = orders.dispatch(secretary.viewer(), order_of(inside), open_call=True)
    assert first.id not in order.offers and second.id in order.offers
    change(Volunteer, Volunteer.person_id, first.id, guardian_consent=True)
    assert first.id in orders.dispatch(secretary.viewer(), order_of(inside), open_call=True).offers
    with pytest.raises(Refused, match="不参加应急"):
        orders.dispatch(secretary.viewer(), order_of(inside, "emergency"), volunteers=[first.id])


# Plans


def test_applying_leaves_out_what_changed_and_names_it(inside: World, app: Flask) -> None:
    secretary = inside["secretary"].viewer()
    kept, taken, called_off = (order_of(inside) for _ in range(3))
    program = caller(app, inside["secretary"])
    plan = program.post("/dispatch-plans", {"estate": inside.estates["banyan"].id}, "plan").json
    assert set(plan) == {"id", "made_at", "assignments", "unassigned", "total_cost"}
    assert {row["order"] for row in plan["assignments"]} == {kept, taken, called_off}
    people = {row["order"]: row["volunteer"] for row in plan["assignments"]}
    assert len(set(people.values())) == 3
    orders.dispatch(secretary, taken, volunteers=[inside["volunteer1"].id])
    orders.cancel(secretary, called_off, "不用了")
    done = program.post(f"/dispatch-plans/{plan['id']}/apply", {}, "apply").json
    assert done["dispatched"] == [{"order": kept, "volunteers": [people[kept]]}]
    assert {row["order"] for row in done["left_out"]} == {taken, called_off}
    assert all(row["why"] for row in done["left_out"])
    assert list(get_order(secretary, taken).offers) == [inside["volunteer1"].id]
    assert program.post(f"/dispatch-plans/{plan['id']}/apply", {}, "apply").json == done
    again = program.post(f"/dispatch-plans/{plan['id']}/apply", {}, "other")
    assert (again.status_code, again.json["type"]) == (409, "already-applied")
    kept_so = db.session.get_one(DispatchPlan, plan["id"])
    assert kept_so.result == {name: done[name] for name in ("dispatched", "left_out")}
    assert db.session.scalars(select(Event.verb).where(Event.subject_id == plan["id"])).all() == ["apply_plan"]


@pytest.mark.parametrize(
    ("values", "why"), [({"standing": "suspended"}, "已暂停服务"), ({"is_available": False}, "暂不接单"),
                        ({"standing": "left"}, "已不是可派的志愿者")]
)  # fmt: skip
def test_a_volunteer_who_cannot_any_more_is_named(values: dict[str, Any], why: str, inside: World) -> None:
    order_id = order_of(inside)
    plan = plan_of(inside)
    row = plan.body["assignments"][0]
    change(Volunteer, Volunteer.person_id, row["volunteer"], **values)
    result = workflow.apply(inside["secretary"].viewer(), plan)
    assert result["dispatched"] == []
    assert result["left_out"][0]["order"] == order_id
    assert result["left_out"][0]["why"].startswith(row["name"]) and why in result["left_out"][0]["why"]


def test_an_order_changed_by_its_resident_is_left_out(inside: World) -> None:
    order_id, secretary = order_of(inside), inside["secretary"].viewer()
    plan = plan_of(inside)
    orders.send_back(secretary, order_id, "请写清")
    orders.resubmit(inside["resident"].viewer(), order_id, "买米", None, None)
    result = workflow.apply(secretary, plan)
    assert (result["dispatched"], [row["order"] for row in result["left_out"]]) == ([], [order_id])


def test_a_plan_adjusted(inside: World) -> None:
    first, second = order_of(inside), order_of(inside)
    plan = plan_of(inside)
    chosen = {row["order"]: row["volunteer"] for row in plan.body["assignments"]}
    other = next(row[0] for row in plan.body["others"][first] if row[0] != chosen[second])
    result = workflow.apply(inside["secretary"].viewer(), plan, {first: [other]})
    assert result == {"dispatched": [{"order": first, "volunteers": [other]}], "left_out": []}
    assert get_order(inside["secretary"].viewer(), second).state == "placed"


def test_a_plan_adjusted_to_what_cannot_be(inside: World) -> None:
    """The same volunteer for two orders at one time: the second is left out; and somebody who is no candidate."""
    first, second, third = (order_of(inside, **TOMORROW) for _ in range(3))
    plan = plan_of(inside)
    chosen = {row["order"]: row["volunteer"] for row in plan.body["assignments"]}
    assert len(set(chosen.values())) == 3
    one, stranger = chosen[first], inside["volunteer4"].id
    result = workflow.apply(inside["secretary"].viewer(), plan, {first: [one], second: [one], third: [stranger]})
    assert [row["order"] for row in result["dispatched"]] == [first]
    out = {row["order"]: row["why"] for row in result["left_out"]}
    assert "10:00–12:00" in out[second] and "候选人" in out[third]


def test_one_volunteer_is_not_planned_twice_at_one_time(inside: World) -> None:
    for name in ("volunteer2", "volunteer3"):
        change(Volunteer, Volunteer.person_id, inside[name].id, is_available=False)
    for _ in range(2):
        order_of(inside, **TOMORROW)
    plan = plan_of(inside)
    assert len(plan.body["assignments"]) == 1 and len(plan.body["unassigned"]) == 1
    assert plan.body["unassigned"][0]["why"] == "合适的人都派了更急或更近的单"


def test_the_more_urgent_order_is_served_first(inside: World) -> None:
    for name in ("volunteer2", "volunteer3"):
        change(Volunteer, Volunteer.person_id, inside[name].id, is_available=False)
    change(Volunteer, Volunteer.person_id, inside["volunteer1"].id, weekly_cap=1)
    order_of(inside)
    urgent = order_of(inside, urgent=True)
    order_of(inside)
    plan = plan_of(inside)
    assert [row["order"] for row in plan.body["assignments"]] == [urgent]


def test_whoever_is_over_the_cap_of_this_week_is_planned_for_the_next(inside: World) -> None:
    """A cap lowered below what is accepted already: three this week where one is allowed, and room for one in the
    next."""
    secretary, helper = inside["secretary"].viewer(), inside["volunteer1"].viewer()
    for name in ("volunteer2", "volunteer3"):
        change(Volunteer, Volunteer.person_id, inside[name].id, is_available=False)
    for _ in range(3):
        order_id = order_of(inside)
        orders.dispatch(secretary, order_id, volunteers=[helper.person_id])
        orders.accept(helper, order_id)
    change(Volunteer, Volunteer.person_id, helper.person_id, weekly_cap=1)
    stays = order_of(inside)
    next_week = {"preferred_start": MOMENT + timedelta(days=7), "preferred_end": MOMENT + timedelta(days=7, hours=2)}
    goes = order_of(inside, **next_week)
    body = plan_of(inside).body
    assert [(row["order"], row["volunteer"]) for row in body["assignments"]] == [(goes, helper.person_id)]
    assert [row["order"] for row in body["unassigned"]] == [stays]


def test_a_volunteer_who_leaves_between_two_orders_of_a_plan(
    inside: World, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a plan is being sent out somebody quits: what was to be theirs stays and says so, the rest goes out."""
    for _ in range(2):
        order_of(inside)
    plan = plan_of(inside)
    chosen = {row["order"]: row["volunteer"] for row in plan.body["assignments"]}
    (first, second), send = chosen, orders.dispatch
    assert chosen[first] != chosen[second]

    def leaving(viewer: Any, order_id: str, **how: Any) -> Any:
        done = send(viewer, order_id, **how)
        if order_id == first:
            change(Volunteer, Volunteer.person_id, chosen[second], standing="left")
        return done

    monkeypatch.setattr(orders, "dispatch", leaving)
    result = workflow.apply(inside["secretary"].viewer(), plan)
    assert result["dispatched"] == [{"order": first, "volunteers": [chosen[first]]}]
    assert [row["order"] for row in result["left_out"]] == [second] and result["left_out"][0]["why"]
    assert get_order(inside["secretary"].viewer(), second).state == "placed"


def test_two_who_apply_one_plan_at_once_send_each_order_once(inside: World, app: Flask) -> None:
    waiting = [order_of(inside) for _ in range(3)]
    plan_id, barrier, seen = plan_of(inside).id, threading.Barrier(2), list[Any]()

    def press(name: str) -> None:
        with app.app_context():
            viewer = inside[name].viewer()
            plan = queries.get_plan(viewer, plan_id)
            barrier.wait()
            try:
                seen.append(workflow.apply(viewer, plan))
            except workflow.AlreadyApplied as late:
                seen.append(late)

    db.session.rollback()
    at_once(lambda: press("secretary"), lambda: press("deputy"))
    (result,) = [one for one in seen if isinstance(one, dict)]
    assert len(seen) == 2 and {row["order"] for row in result["dispatched"]} == set(waiting)
    for order_id in waiting:
        assert len(get_order(inside["secretary"].viewer(), order_id).offers) == 1


def test_two_secretaries_who_dispatch_one_order_at_once(inside: World, app: Flask) -> None:
    """Both have it open as it was placed, each for another volunteer: one goes out, the other is told."""
    order_id, barrier, seen = order_of(inside), threading.Barrier(2), list[str]()

    def press(name: str, helper: str) -> None:
        with app.app_context():
            viewer = inside[name].viewer()
            barrier.wait()
            try:
                orders.dispatch(viewer, order_id, volunteers=[inside[helper].id], version=1)
            except Stale:
                seen.append("late")
            else:
                seen.append(helper)

    db.session.rollback()
    at_once(lambda: press("secretary", "volunteer1"), lambda: press("deputy", "volunteer2"))
    (first,) = set(seen) - {"late"}
    assert len(seen) == 2
    assert set(get_order(inside["secretary"].viewer(), order_id).offers) == {inside[first].id}
    sent = select(Event.actor_id).where(Event.subject_id == order_id, Event.verb == "dispatch")
    assert len(db.session.scalars(sent).all()) == 1


def at_once(*work: Callable[[], None]) -> None:
    threads = [threading.Thread(target=one) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


def test_a_plan_for_named_orders_names_those_that_no_longer_wait(inside: World) -> None:
    secretary = inside["secretary"].viewer()
    waiting, gone, other = order_of(inside), order_of(inside), order_of(inside)
    orders.cancel(secretary, gone, "不用了")
    plan = plan_of(inside, [waiting, gone])
    assert [row["order"] for row in plan.body["assignments"]] == [waiting]
    assert plan.body["unassigned"] == [{"order": gone, "why": "这一单已不在待派"}]
    assert other not in plan.body["versions"]


def test_an_order_nobody_can_do_says_so(inside: World) -> None:
    order_id = order_of(inside, "legal")
    assert plan_of(inside).body["unassigned"] == [
        {"order": order_id, "why": "没有符合条件的志愿者：没有人登记会法律咨询"}
    ]
    begin_write()
    volunteer("律师", inside.estates["banyan"], skills=("legal",), available=False)
    db.session.commit()
    assert plan_of(inside).body["unassigned"] == [
        {"order": order_id, "why": "没有符合条件的志愿者：1人暂不接单"}
    ]  # fmt: skip


def test_plans_of_other_estates_are_out_of_reach(inside: World, app: Flask) -> None:
    order_of(inside)
    plan = caller(app, inside["secretary"]).post("/dispatch-plans", {"estate": inside.estates["banyan"].id}).json
    outsider = caller(app, inside["outsider"])
    assert outsider.post("/dispatch-plans", {"estate": inside.estates["banyan"].id}).status_code == 404
    assert outsider.post(f"/dispatch-plans/{plan['id']}/apply").status_code == 404
    assert caller(app, inside["staff"]).post(f"/dispatch-plans/{plan['id']}/apply").status_code == 403


def test_the_same_plan_each_time(inside: World) -> None:
    for _ in range(3):
        order_of(inside)
    assert plan_of(inside).body == plan_of(inside).body


# Pairs kept apart


def test_a_resident_asks_not_to_meet_again_and_the_branch_lifts_it(inside: World) -> None:
    resident, secretary = inside["resident"].viewer(), inside["secretary"].viewer()
    helper = inside["volunteer1"]
    order_id = served(inside, "volunteer1")
    begin_write()
    with pytest.raises(Forbidden):
        workflow.keep_apart(resident, get_order(resident, order_id), helper.id, "还没评价")
    db.session.rollback()
    orders.rate(resident, order_id, 2, "")
    order = get_order(resident, order_id)
    begin_write()
    with pytest.raises(ReasonMissing):
        workflow.keep_apart(resident, order, helper.id, " ")
    assert workflow.keep_apart(resident, order, helper.id, "说话不中听")
    assert not workflow.keep_apart(resident, order, helper.id, "再说一次")
    db.session.commit()
    fresh = order_of(inside)
    assert whys(inside, fresh)[helper.id] == "其中一方请求不再搭档"
    with pytest.raises(Refused, match="不再搭档"):
        orders.dispatch(secretary, fresh, volunteers=[helper.id])
    pair = queries.list_pairs(secretary)[0]
    assert "说话不中听" not in pair.reason and queries.reason_of(pair) == "说话不中听"
    assert queries.list_pairs(inside["outsider"].viewer()) == []
    begin_write()
    workflow.lift(secretary, pair, "双方谈过了")
    db.session.commit()
    assert helper.id not in whys(inside, fresh)
    begin_write()
    with pytest.raises(Stale):
        workflow.lift(secretary, pair, "再来")
    db.session.rollback()
    told = db.session.scalars(select(Event).where(Event.subject_kind == "pair_exclusion").order_by(Event.number)).all()
    assert [(event.verb, event.reason) for event in told] == [("keep_apart", ""), ("lift_exclusion", "双方谈过了")]


def test_a_volunteer_asks_too_and_nobody_else_may(inside: World) -> None:
    order_id, helper = served(inside, "volunteer2"), inside["volunteer2"].viewer()
    begin_write()
    assert workflow.keep_apart(helper, get_order(helper, order_id), "", "养了大狗，怕")
    for name in ("secretary", "volunteer2"):
        viewer = inside[name].viewer()
        order = get_order(viewer, order_id)
        if name == "secretary":
            with pytest.raises(Forbidden):
                workflow.keep_apart(viewer, order, inside["volunteer2"].id, "x")
        else:
            assert not workflow.keep_apart(viewer, order, inside["volunteer1"].id, "x")
    db.session.commit()
    row = db.session.scalars(select(PairExclusion)).one()
    assert (row.side, row.volunteer_id, row.person_id) == ("volunteer", helper.person_id, inside["resident"].id)


def test_a_verification_that_has_run_out_is_none(inside: World) -> None:
    """By the certificate's last day it still holds, a day later it does not."""
    banyan = inside.estates["banyan"]
    begin_write()
    holder = volunteer("证", banyan, skills=("blood_pressure",))
    db.session.commit()
    secretary = inside["secretary"].viewer()
    order = get_order(secretary, order_of(inside, "blood_pressure"))
    order.row["item"] = order.item | {"verified": ["blood_pressure"]}
    for last, holds in ((date(2026, 11, 18), True), (date(2026, 11, 17), False)):
        change(VolunteerSkill, VolunteerSkill.person_id, holder.id, verified_on=date(2026, 1, 1), expires_on=last)
        out = {id_: why for id_, _, why in queries.candidates(secretary, order)[1]}
        assert (holder.id not in out) is holds, out.get(holder.id)
