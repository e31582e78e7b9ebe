"""Who is ruled out and why, what ranks the others, and in which words."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from services.dispatch.costs import decayed, level_of, steady
from services.dispatch.matching import judge
from services.dispatch.rules import DEFAULTS, MATCHING, Weights
from services.dispatch.terms import Scale, Task
from tests.services.dispatch.terms import MORNING, NEED, SCALE, TEN, TODAY, WHO

FIRST_AID = {"skills": ("first_aid",)}
WEEK = NEED.week


@pytest.mark.parametrize(
    ("need", "who", "why"),
    [
        ({}, {"volunteer_id": "resident"}, "是点单人本人"),
        ({}, {"household_id": "home"}, "和点单人是一家"),
        ({}, {"standing": "suspended"}, "已暂停服务"),
        ({}, {"standing": "on_leave"}, "请假中"),
        ({}, {"excluded": True}, "其中一方请求不再搭档"),
        ({"helper_sex": 2}, {"sex": 1}, "居民希望女志愿者"),
        ({"helper_sex": 1}, {"sex": 0}, "居民希望男志愿者"),
        ({}, {"born": date(2012, 11, 19)}, "未满14岁"),
        ({}, {"born": date(2012, 11, 18)}, "未满18岁，监护人没有同意"),
        ({"emergency": True}, {"born": date(2008, 11, 19), "guardian": True}, "未满18岁，不参加应急服务"),
        ({"min_age": 18}, {"born": date(2008, 11, 19), "guardian": True}, "不到18岁"),
        ({"max_age": 60}, {"born": date(1965, 11, 18)}, "超过60岁"),
        ({"min_age": 18}, {}, "没登记出生日期，核对不了年龄"),
        ({"verified": frozenset({"shopping"})}, {}, "助老购物没有核实"),
        ({**FIRST_AID, "verified": frozenset({"first_aid"})}, {}, "不会急救"),
        ({"training": "first_aid"}, {}, "没有有效的培训"),
    ],
)
def test_barred_whoever_asks(need: dict[str, Any], who: dict[str, Any], why: str) -> None:
    verdict = judge(replace(NEED, **need), replace(WHO, **who), SCALE)
    assert (verdict.ruled_out, verdict.barred) == (why, True)
    assert (verdict.reasons, verdict.lines) == ([], [])


@pytest.mark.parametrize(
    ("need", "who", "why"),
    [
        ({}, {"here": "offered"}, "已派给他"),
        ({}, {"here": "declined"}, "这一单已婉拒"),
        ({}, {"here": "withdrawn"}, "这一单已退出"),
        ({}, {"here": "no_show"}, "这一单没有到"),
        ({}, {"available": False}, "暂不接单"),
        ({}, {"skills": {}}, "不会助老购物"),
        ({}, {"reach": "building"}, "只去本楼栋"),
        ({}, {"weeks": {WEEK: 6}}, "本周已6单，到上限"),
        ({"day": TODAY + 7}, {"weeks": {WEEK + 1: 6}}, "那周已6单，到上限"),
        ({}, {"offers_today": 4}, "今天已派4单"),
        (MORNING, {"tasks": (Task(TEN + 30, TEN + 90, False),)}, "10:30–11:30 有任务"),
        (MORNING, {"tasks": (Task(TEN, TEN + 120, True),)}, "10:00–12:00 已派了别的单，等他答复"),
        (MORNING, {"tasks": (Task(TEN - 600, TEN + 120, shift=True),)}, "0:00–12:00 值班"),
        (MORNING, {"off": ((TODAY, TODAY + 2),)}, "11月18日不能来"),
        (MORNING, {"hours": ((2, 14 * 60, 18 * 60),)}, "周三那个时间没空"),
        (MORNING, {"hours": ((2, 11 * 60 + 30, 18 * 60),)}, "周三那个时间没空"),
    ],
)
def test_ruled_out_unless_the_branch_picks_them(need: dict[str, Any], who: dict[str, Any], why: str) -> None:
    verdict = judge(replace(NEED, **need), replace(WHO, **who), SCALE)
    assert (verdict.ruled_out, verdict.barred) == (why, False)


@pytest.mark.parametrize(
    ("need", "who"),
    [
        ({}, {"here": None}),
        ({}, {"here": "lapsed"}),
        ({}, {"here": "expired"}),
        ({}, {"born": date(2010, 1, 1), "guardian": True}),
        ({"min_age": 18, "max_age": 60}, {"born": date(1966, 11, 18)}),
        ({"verified": frozenset({"shopping"})}, {"skills": {"shopping": True}}),
        ({"training": "first_aid"}, {"trained": True}),
        ({"helper_sex": 2}, {"sex": 2}),
        ({}, {"reach": "building", "building_id": "b4"}),
        ({}, {"weeks": {WEEK + 1: 6}}),
        ({"urgent": True}, {"offers_today": 9}),
        (MORNING, {"tasks": (Task(TEN, TEN + 60, False),)}),
        (MORNING, {"off": ((TODAY + 1, TODAY + 2),)}),
        (MORNING, {"hours": ((2, 11 * 60 + 20, 18 * 60),)}),
    ],
)
def test_not_ruled_out(need: dict[str, Any], who: dict[str, Any]) -> None:
    assert not judge(replace(NEED, **need), replace(WHO, **who), SCALE).ruled_out


@pytest.mark.parametrize(
    ("need", "who", "reason"),
    [
        ({}, {"unit_id": "u1"}, "同单元"),
        ({}, {"building_id": "b4"}, "同楼栋"),
        ({}, {"building_number": 5, "building_name": "5栋"}, "邻栋，5栋"),
        ({}, {}, "住7栋"),
        ({}, {"estate_id": "other", "estate_name": "水泥厂小区"}, "住水泥厂小区"),
        ({}, {}, "会助老购物"),
        ({}, {"skills": {"shopping": True}}, "会助老购物，已核实"),
        ({}, {"served": 2}, "曾服务2次"),
        ({}, {"five_stars": True}, "居民评过5星"),
        ({}, {"weeks": {WEEK: 1}}, "本周1单，不忙"),
        ({}, {"weeks": {WEEK: 3}}, "本周3单"),
        ({"day": TODAY + 7}, {}, "那周0单，不忙"),
        ({}, {"declines": (1, 20, 89)}, "近90天婉拒3次"),
        ({}, {"no_shows": (3,)}, "近90天1次没有到"),
        (MORNING, {}, "没登记空闲时间，先问一声"),
        (MORNING, {"hours": ((2, 11 * 60, 12 * 60),)}, "11:00 有空"),
        (MORNING, {"hours": ((2, 0, 1440),), "tasks": (Task(TEN - 60, TEN, False),)}, "10:15 有空"),
    ],
)
def test_reasons(need: dict[str, Any], who: dict[str, Any], reason: str) -> None:
    assert reason in judge(replace(NEED, **need), replace(WHO, **who), SCALE).reasons


def test_reasons_in_the_words_of_the_desk() -> None:
    need = replace(NEED, skills=("blood_pressure",), start=TEN + 240, end=TEN + 360, minutes=30)
    who = replace(
        WHO, building_id="b4", skills={"blood_pressure": False}, served=3, weeks={WEEK: 2}, five_stars=True,
        hours=((2, 15 * 60, 18 * 60),),
    )  # fmt: skip
    verdict = judge(need, who, SCALE)
    assert verdict.reasons == ["同楼栋", "会量血压", "曾服务3次", "本周2单，不忙", "15:00 有空", "居民评过5星"]
    assert verdict.when == "15:00 有空"


# Costs: the points of one thing, all else as it is.


def points(name: str, need: dict[str, Any] | None = None, who: dict[str, Any] | None = None, **weights: int) -> float:
    scale = replace(SCALE, weights=Weights.of(MATCHING.defaults | weights), mean_stars=4.5)
    verdict = judge(replace(NEED, **(need or {})), replace(WHO, **(who or {})), scale)
    return next((line.points for line in verdict.lines if line.name == name), 0.0)


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ({"unit_id": "u1"}, 1), ({"building_id": "b4"}, 2), ({"building_number": 3}, 4), ({"building_number": 5}, 4),
        ({"building_number": 6}, 8), ({}, 8), ({"building_number": None}, 8), ({"estate_id": "other"}, 15),
    ],
)  # fmt: skip
def test_the_way(who: dict[str, Any], expected: float) -> None:
    assert points("路程", who=who) == expected


def test_a_neighbouring_building_of_another_estate_is_not_near() -> None:
    assert level_of(NEED, replace(WHO, estate_id="other", building_number=4)) == 4


@pytest.mark.parametrize(
    ("name", "need", "who", "weights", "expected"),
    [
        ("熟悉", {}, {"served": 2}, {}, -8),
        ("熟悉", {}, {"served": 9}, {}, -12),
        ("那一周的单", {}, {"weeks": {WEEK: 2}}, {}, 6),
        ("那一周的单", {}, {"weeks": {WEEK + 1: 2}}, {}, 0),
        ("本月时长", {}, {"month_minutes": 210}, {}, 1.8),
        ("技能没核实", {}, {}, {}, 3),
        ("技能没核实", {}, {"skills": {"shopping": True}}, {}, 0),
        ("没登记空闲时间", MORNING, {}, {}, 5),
        ("没登记空闲时间", {}, {}, {}, 0),
        ("婉拒", {}, {"declines": (0.0, 45.0)}, {}, 6),
        ("婉拒", {}, {"declines": (45.0,)}, {"decline": 10, "half_life": 90}, 7.1),
        ("没到", {}, {"no_shows": (90.0,)}, {}, 5),
        ("评价离5星", {}, {}, {}, 2),
        ("评价离5星", {}, {"stars": 25, "ratings": 5}, {}, 1),
        ("评价离5星", {}, {"stars": 3, "ratings": 1}, {"rating_steady": 0}, 8),
    ],
)
def test_costs(
    name: str, need: dict[str, Any], who: dict[str, Any], weights: dict[str, int], expected: float
) -> None:  # fmt: skip
    assert points(name, need, who, **weights) == pytest.approx(expected)


def test_a_cost_is_the_sum_of_its_lines() -> None:
    who = replace(
        WHO, served=1, weeks={WEEK: 2}, month_minutes=500, declines=(3.0,), no_shows=(100.0,), stars=9, ratings=2
    )
    verdict = judge(NEED, who, replace(SCALE, mean_stars=4.7))
    assert verdict.cost == pytest.approx(sum(line.points for line in verdict.lines))
    for line in verdict.lines:
        assert line.points == pytest.approx(line.amount * line.each, abs=0.06), line
    assert not verdict.is_sure
    assert judge(NEED, WHO, SCALE).is_sure


def test_the_past_fades_and_few_ratings_say_little() -> None:
    assert decayed((0.0, 45.0, 90.0), 45) == 1.75
    scale = Scale(mean_stars=4.6)
    assert steady(0, 0, scale) == pytest.approx(4.6, abs=0.01)
    assert steady(1, 1, scale) > 3.9
    assert steady(100, 100, scale) < 1.3


@pytest.mark.parametrize(
    ("sooner", "later"), [((24, False), (48, False)), ((0, False), (1, False)), ((-3, False), (0, False)),
                          ((100, True), (100, False))]
)  # fmt: skip
def test_leaving_an_order_costs_more_the_more_urgent_it_is(sooner: tuple[int, bool], later: tuple[int, bool]) -> None:
    assert DEFAULTS.price(*sooner) > DEFAULTS.price(*later)


def test_the_price_has_a_floor_and_a_ceiling() -> None:
    assert DEFAULTS.price(10_000, False) == DEFAULTS.unserved
    assert DEFAULTS.price(-48, False) == DEFAULTS.price(-4800, False)
