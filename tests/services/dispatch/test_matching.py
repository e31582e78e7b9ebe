"""Who is proposed and why, who is ruled out and why, and that plans are the best there can be."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import combinations, product
from typing import Any

import pytest
from flask import Flask

from core import clock
from core.database import begin_write, db
from services.dispatch import queries, workflow
from services.dispatch.matching import Need, Offering, Verdict, free_from, judge
from services.dispatch.workflow import OVERDUE_MORE, UNSERVED, assign
from services.orders import workflow as orders
from services.orders.queries import get_order
from services.orders.workflow import Wish
from tests.conftest import MOMENT
from tests.factories import World, caller, volunteer

NEED = Need("o", ("shopping",), "resident", "home", "b1", "u1", None, None)
WHO = Offering(
    volunteer_id="v", name="陈一", party=False, household_id="h", building_id="b2", building_name="2栋", unit_id="u9",
    skills=frozenset({"shopping"}), windows=(), available=True, weekly_cap=6, week_orders=0, month_minutes=0, served=0,
    declines=0, clashes=0, offer_state=None,
)  # fmt: skip
# Wednesday 18 November 2026, ten to noon in Shanghai.
MORNING = {"start": MOMENT, "end": MOMENT + timedelta(hours=2)}


@pytest.mark.parametrize(
    ("need", "who", "why"),
    [
        ({}, {"volunteer_id": "resident"}, "是点单人本人"),
        ({}, {"household_id": "home"}, "和点单人是一家"),
        ({}, {"offer_state": "offered"}, "已派给他"),
        ({}, {"offer_state": "declined"}, "这一单已婉拒"),
        ({}, {"offer_state": "withdrawn"}, "这一单已退出"),
        ({}, {"offer_state": "no_show"}, "这一单没有到"),
        ({}, {"available": False}, "暂不接单"),
        ({}, {"skills": frozenset()}, "不会助老购物"),
        ({}, {"week_orders": 6}, "本周已6单，到上限"),
        ({}, {"clashes": 1}, "那个时间已有任务"),
        (MORNING, {"windows": ((2, 14 * 60, 18 * 60),)}, "周三那个时间没空"),
        (MORNING, {"windows": ((2, 11 * 60 + 50, 18 * 60),)}, "周三那个时间没空"),
    ],
)
def test_ruled_out(need: dict[str, Any], who: dict[str, Any], why: str) -> None:
    verdict = judge(replace(NEED, **need), replace(WHO, **who))
    assert verdict.ruled_out == why
    assert verdict.reasons == []


@pytest.mark.parametrize("state", [None, "lapsed", "expired"])
def test_an_offer_that_came_to_nothing_does_not_rule_out(state: str | None) -> None:
    assert not judge(NEED, replace(WHO, offer_state=state)).ruled_out


@pytest.mark.parametrize(
    ("need", "who", "reason"),
    [
        ({}, {"unit_id": "u1"}, "同单元"),
        ({}, {"building_id": "b1"}, "同楼栋"),
        ({}, {}, "住2栋"),
        ({}, {}, "会助老购物"),
        ({}, {"served": 2}, "曾服务2次"),
        ({}, {"week_orders": 1}, "本周1单，不忙"),
        ({}, {"week_orders": 3}, "本周3单"),
        ({}, {"declines": 3}, "近90天婉拒3次"),
        (MORNING, {}, "没登记空闲时间，先问一声"),
        (MORNING, {"windows": ((2, 11 * 60, 12 * 60),)}, "11:00 有空"),
    ],
)
def test_reasons(need: dict[str, Any], who: dict[str, Any], reason: str) -> None:
    assert reason in judge(replace(NEED, **need), replace(WHO, **who)).reasons


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"unit_id": "u1"}, {"building_id": "b1"}),
        ({"building_id": "b1"}, {}),
        ({"served": 1}, {}),
        ({}, {"week_orders": 1}),
        ({}, {"month_minutes": 600}),
        ({}, {"declines": 1}),
    ],
)
def test_what_counts_for_and_against(better: dict[str, Any], worse: dict[str, Any]) -> None:
    first, second = judge(NEED, replace(WHO, **better)), judge(NEED, replace(WHO, **worse))
    assert first.cost < second.cost
    assert first.score >= second.score


def test_free_within_a_night() -> None:
    start = clock.from_local(datetime(2026, 11, 18, 22))
    end = clock.from_local(datetime(2026, 11, 19, 9))
    found = free_from(start, end, ((3, 8 * 60, 12 * 60), (2, 8 * 60, 21 * 60)))
    assert found is not None
    assert (found.day, found.hour) == (19, 8)


# Plans


@dataclass
class Waiting:
    """What ``assign`` needs of an order."""

    id: str
    volunteers_needed: int
    urgent: bool
    accepted_count: int = 0
    overdue: bool = False


def cheapest(waiting: list[Waiting], costs: dict[str, dict[str, float]], room: dict[str, int]) -> float:
    """The least total of all ways there are, tried one by one."""
    best = float("inf")
    ways = [
        [team for n in range(order.volunteers_needed + 1) for team in combinations(sorted(costs[order.id]), n)]
        for order in waiting
    ]
    for teams in product(*ways):
        load = {person: sum(person in team for team in teams) for person in room}
        if any(load[person] > room[person] for person in room):
            continue
        total = sum(4.0 * max(0, count - 1) for count in load.values())
        for order, team in zip(waiting, teams, strict=True):
            total += sum(costs[order.id][person] for person in team)
            left = order.volunteers_needed - len(team)
            total += left * (UNSERVED + (OVERDUE_MORE if order.urgent else 0.0))
        best = min(best, total)
    return best


@pytest.mark.parametrize("seed", range(60))
def test_a_plan_costs_as_little_as_the_best_of_all_ways(seed: int) -> None:
    rng = random.Random(seed)
    waiting = [Waiting(f"o{n}", rng.choice([1, 1, 2]), rng.random() < 0.3) for n in range(rng.randint(1, 4))]
    people = [replace(WHO, volunteer_id=f"v{n}", weekly_cap=rng.randint(1, 3)) for n in range(rng.randint(1, 4))]
    verdicts: dict[str, list[Verdict]] = {
        order.id: [
            Verdict(
                replace(NEED, order_id=order.id), who, "不会" if rng.random() < 0.3 else "", float(rng.randint(0, 20))
            )
            for who in people
        ]
        for order in waiting
    }
    plan: dict[str, Any] = assign(waiting, verdicts)  # type: ignore[arg-type]
    costs = {
        id_: {v.volunteer.volunteer_id: v.cost for v in found if not v.ruled_out} for id_, found in verdicts.items()
    }
    room = {who.volunteer_id: min(len(waiting), who.weekly_cap) for who in people}
    assert plan["total_cost"] == pytest.approx(cheapest(waiting, costs, room), abs=0.01)
    pairs = [(row["order"], row["volunteer"]) for row in plan["assignments"]]
    assert len(pairs) == len(set(pairs))
    assert all(volunteer_id in costs[order_id] for order_id, volunteer_id in pairs)
    assert all(sum(v == person for _, v in pairs) <= limit for person, limit in room.items())
    places = sum(order.volunteers_needed for order in waiting)
    left = {row["order"] for row in plan["unassigned"]}
    short = {o.id for o in waiting if sum(order_id == o.id for order_id, _ in pairs) < o.volunteers_needed}
    assert left == short
    assert len(pairs) <= places
    assert assign(waiting, verdicts) == plan  # type: ignore[arg-type]


# On the database


@pytest.fixture
def inside(app: Flask, world: World, at: Callable[[datetime], None]) -> Iterator[World]:
    with app.app_context():
        yield world
        db.session.rollback()


def order_of(world: World, item: str = "elder_shopping", **wish: Any) -> str:
    return str(orders.place(world["resident"].viewer(), Wish(item, **wish)).id)


def test_candidates_are_ranked_with_reasons_and_the_others_named(inside: World) -> None:
    banyan = inside.estates["banyan"]
    begin_write()
    near = volunteer("近邻", banyan, skills=("shopping",), unit=0)
    away = volunteer("二单元", banyan, skills=("shopping",), unit=1)
    family = volunteer("家人", banyan, skills=("shopping",), home=inside["resident"].household_id)
    busy = volunteer("忙人", banyan, skills=("shopping",), available=False)
    db.session.commit()
    secretary = inside["secretary"].viewer()
    found, out = queries.candidates(secretary, get_order(secretary, order_of(inside)))
    order = [candidate.volunteer_id for candidate in found]
    assert set(order) == {near.id, away.id, *[inside[f"volunteer{n}"].id for n in (1, 2, 3)]}
    assert order[-1] == away.id
    assert found[order.index(near.id)].reasons[0] == "同单元"
    assert found[order.index(away.id)].reasons[0] == "同楼栋"
    whys = {id_: why for id_, _, why in out}
    assert whys == {family.id: "和点单人是一家", busy.id: "暂不接单", inside["volunteer4"].id: "不会助老购物"}


def test_a_clash_with_an_accepted_order_rules_out(inside: World) -> None:
    secretary, helper = inside["secretary"].viewer(), inside["volunteer1"].viewer()
    wish = {"preferred_start": MOMENT + timedelta(days=1), "preferred_end": MOMENT + timedelta(days=1, hours=2)}
    first, second = order_of(inside, **wish), order_of(inside, **wish)
    orders.dispatch(secretary, first, volunteers=[helper.person_id])
    orders.accept(helper, first)
    _, out = queries.candidates(secretary, get_order(secretary, second))
    assert (helper.person_id, "陈一", "那个时间已有任务") in out


def test_the_weekly_cap_counts_what_was_accepted_this_week(inside: World, at: Callable[[datetime], None]) -> None:
    begin_write()
    capped = volunteer("一周一次", inside.estates["banyan"], skills=("shopping",), cap=1)
    db.session.commit()
    secretary = inside["secretary"].viewer()
    first = order_of(inside)
    orders.dispatch(secretary, first, volunteers=[capped.id])
    orders.accept(capped.viewer(), first)
    _, out = queries.candidates(secretary, get_order(secretary, order_of(inside)))
    assert "本周已1单，到上限" in {why for _, _, why in out}
    # The next week begins on Monday 23 November in Shanghai.
    at(clock.from_local(datetime(2026, 11, 23)))
    found, _ = queries.candidates(secretary, get_order(secretary, order_of(inside)))
    assert capped.id in {candidate.volunteer_id for candidate in found}


def test_applying_leaves_out_what_changed_and_names_it(inside: World, app: Flask) -> None:
    secretary = inside["secretary"].viewer()
    kept, taken, called_off = (order_of(inside) for _ in range(3))
    program = caller(app, inside["secretary"])
    plan = program.post("/dispatch-plans", {"estate": inside.estates["banyan"].id}, "plan").json
    assert {row["order"] for row in plan["assignments"]} == {kept, taken, called_off}
    people = {row["order"]: row["volunteer"] for row in plan["assignments"]}
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


def test_a_plan_for_named_orders_names_those_that_no_longer_wait(inside: World) -> None:
    secretary = inside["secretary"].viewer()
    waiting, gone = order_of(inside), order_of(inside)
    orders.cancel(secretary, gone, "不用了")
    begin_write()
    plan = workflow.propose(secretary, inside.estates["banyan"].id, [waiting, gone])
    assert [row["order"] for row in plan.body["assignments"]] == [waiting]
    assert plan.body["unassigned"] == [{"order": gone, "why": "这一单已不在待派"}]


def test_an_order_nobody_can_do_says_so(inside: World) -> None:
    order_id = order_of(inside, "legal")
    begin_write()
    plan = workflow.propose(inside["secretary"].viewer(), inside.estates["banyan"].id, None)
    assert plan.body["unassigned"] == [{"order": order_id, "why": "没有符合条件的志愿者"}]


def test_plans_of_other_estates_are_out_of_reach(inside: World, app: Flask) -> None:
    order_of(inside)
    plan = caller(app, inside["secretary"]).post("/dispatch-plans", {"estate": inside.estates["banyan"].id}).json
    outsider = caller(app, inside["outsider"])
    assert outsider.post("/dispatch-plans", {"estate": inside.estates["banyan"].id}).status_code == 404
    assert outsider.post(f"/dispatch-plans/{plan['id']}/apply").status_code == 404
    assert caller(app, inside["staff"]).post(f"/dispatch-plans/{plan['id']}/apply").status_code == 403
