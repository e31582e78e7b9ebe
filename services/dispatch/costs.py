"""What speaks against sending a volunteer, in points: one is worth about a minute of walking, and fewer is better.

Costs are counted in tenths of a point, as whole numbers, so that sums are exact and ties are ties. What each thing
costs an estate decides (``rules``), and ``docs`` explains. Functions of ``Any`` serve one volunteer or a whole column.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import floor
from typing import Any

from services.dispatch.rules import Weights
from services.dispatch.terms import Line, Need, Offering, Scale

UNIT, BUILDING, NEAR, ESTATE, NEXT = range(5)
"""How far off somebody lives: the levels of the grid."""
LEVEL_NAMES = ("同单元", "同楼栋", "邻栋", "同小区", "邻近小区")
NEXT_TO_NOTHING = 1e-9


def level_of(need: Need, who: Offering) -> int:
    """How far off the volunteer lives. The next building is one whose number differs by one."""
    if need.unit_id and who.unit_id == need.unit_id:
        return UNIT
    if need.building_id and who.building_id == need.building_id:
        return BUILDING
    if who.estate_id != need.estate_id:
        return NEXT
    if need.building_number is not None and who.building_number is not None:
        return NEAR if abs(need.building_number - who.building_number) <= 1 else ESTATE
    return ESTATE


def way_points(weights: Weights) -> tuple[int, int, int, int, int]:
    """Minutes on foot by level."""
    return weights.way_unit, weights.way_building, weights.way_near, weights.way_estate, weights.way_next


def ten(points: Any) -> Any:
    """Tenths of a point, half up; of a number or of a column of numbers."""
    return (points * 10 + 0.5) // 1


def decayed(days_ago: Sequence[float], half_life: int) -> float:
    """How much of what happened so many days ago counts still, to two decimals."""
    return floor(sum([0.5 ** (days / half_life) for days in days_ago]) * 100 + 0.5) / 100 if days_ago else 0.0


def steady(stars: Any, ratings: Any, scale: Scale) -> Any:
    """The mean of ratings, drawn to that of all when they are few, to two decimals; of one volunteer or a column."""
    weight = scale.weights.rating_steady or NEXT_TO_NOTHING
    return (stars + weight * scale.mean_stars) / (ratings + weight) * 100 // 1 / 100


def month_tenths(minutes: Any, weights: Weights) -> Any:
    """What the minutes of this month cost, of one volunteer or a column."""
    return ten(minutes / 600 * weights.load_month)


def rating_tenths(stars: Any, ratings: Any, scale: Scale) -> Any:
    """What the stars that are missing cost, of one volunteer or a column."""
    return ten((5 - steady(stars, ratings, scale)) * scale.weights.rating_star)


def past_tenths(declines: Sequence[float], no_shows: Sequence[float], weights: Weights) -> tuple[int, int]:
    """What declines and no-shows cost."""
    half = weights.half_life
    return (
        int(ten(decayed(declines, half) * weights.decline)),
        int(ten(decayed(no_shows, half) * weights.no_show)),
    )


def lines_of(need: Need, who: Offering, scale: Scale) -> list[Line]:
    """All costs of a volunteer for an order, those of nothing left out."""
    weights, level = scale.weights, level_of(need, who)
    walk = way_points(weights)[level]
    known = min(who.served, weights.known_most)
    taken = who.weeks.get(need.week, 0)
    doubtful = sum(not who.skills[skill] for skill in need.skills)
    unknown = int(need.start is not None and not who.hours)
    month, rating = int(month_tenths(who.month_minutes, weights)), int(rating_tenths(who.stars, who.ratings, scale))
    declines, no_shows = past_tenths(who.declines, who.no_shows, weights)
    mean = steady(who.stars, who.ratings, scale)
    half = weights.half_life
    found = (
        Line("路程", walk, "分钟", 1, walk * 10, LEVEL_NAMES[level]),
        Line("熟悉", known, "次", -weights.known_each, -known * weights.known_each * 10, f"服务过{who.served}次"),
        Line("那一周的单", taken, "单", weights.load_week, taken * weights.load_week * 10),
        Line("本月时长", who.month_minutes / 60, "小时", weights.load_month / 10, month),
        Line("技能没核实", doubtful, "项", weights.unverified, doubtful * weights.unverified * 10),
        Line("没登记空闲时间", unknown, "", weights.hours_unknown, unknown * weights.hours_unknown * 10),
        Line("婉拒", decayed(who.declines, half), "次", weights.decline, declines, f"{len(who.declines)}次，旧的打折"),
        Line("没到", decayed(who.no_shows, half), "次", weights.no_show, no_shows, f"{len(who.no_shows)}次，旧的打折"),
        Line("评价离5星", 5 - mean, "星", weights.rating_star, rating, f"{who.ratings}次评价，折算{mean:.2f}星"),
    )  # fmt: skip
    return [line for line in found if line.amount or line.tenths]
