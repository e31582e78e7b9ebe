"""Who fits an order: hard rules that rule someone out, and costs that rank the rest, each with its reason in words.

Costs are in points; fewer is better. A point is worth about one minute of walking. The weights are named here and
explained in ``docs``. Rules: 志愿服务条例 (match age and skill to the task, no forced assignment).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core import clock
from volunteers.registry.skills import skill_name

SAME_UNIT, SAME_BUILDING, SAME_ESTATE = 0, 2, 8
KNOWN_EACH, KNOWN_MOST = 4, 12
LOAD_EACH, MONTH_HOUR = 3, 0.5
DECLINE_EACH = 4
UNKNOWN_HOURS = 5
BASE = 100
WEEKDAYS = "一二三四五六日"


@dataclass(frozen=True)
class Need:
    """What matching knows of an order."""

    order_id: str
    skills: tuple[str, ...]
    person_id: str
    household_id: str | None
    building_id: str | None
    unit_id: str | None
    start: datetime | None
    end: datetime | None


@dataclass(frozen=True)
class Offering:
    """What matching knows of a volunteer with regard to one order."""

    volunteer_id: str
    name: str
    party: bool
    household_id: str | None
    building_id: str | None
    building_name: str
    unit_id: str | None
    skills: frozenset[str]
    windows: tuple[tuple[int, int, int], ...]
    available: bool
    weekly_cap: int
    week_orders: int
    month_minutes: int
    served: int
    declines: int
    clashes: int
    offer_state: str | None
    total_minutes: int = 0


@dataclass
class Verdict:
    """A volunteer judged for an order: ruled out for a reason, or a cost with reasons for and against."""

    need: Need
    volunteer: Offering
    ruled_out: str = ""
    cost: float = 0.0
    reasons: list[str] = field(default_factory=list)

    @property
    def score(self) -> int:
        """0 to 100, for showing; more is better."""
        return max(0, min(100, round(BASE - self.cost)))


def judge(need: Need, who: Offering) -> Verdict:
    """Judge one volunteer for one order."""
    verdict = Verdict(need, who, ruled_out=_ruled_out(need, who))
    if verdict.ruled_out:
        return verdict
    parts = (_distance(need, who), _skill(need, who), _known(who), _load(who), _time(need, who), _past(who))
    for cost, reason in parts:
        verdict.cost += cost
        if reason:
            verdict.reasons.append(reason)
    return verdict


def _ruled_out(need: Need, who: Offering) -> str:
    if who.volunteer_id == need.person_id:
        return "是点单人本人"
    if who.household_id and who.household_id == need.household_id:
        return "和点单人是一家"
    if who.offer_state in ("offered", "accepted", "checked_in", "completed"):
        return "已派给他"
    if who.offer_state in ("declined", "withdrawn", "no_show"):
        return {"declined": "这一单已婉拒", "withdrawn": "这一单已退出", "no_show": "这一单没有到"}[who.offer_state]
    if not who.available:
        return "暂不接单"
    missing = [skill for skill in need.skills if skill not in who.skills]
    if missing:
        return "不会" + "、".join(skill_name(skill) for skill in missing)
    if who.week_orders >= who.weekly_cap:
        return f"本周已{who.week_orders}单，到上限"
    if who.clashes:
        return "那个时间已有任务"
    if need.start and need.end and who.windows and free_from(need.start, need.end, who.windows) is None:
        return f"周{WEEKDAYS[clock.local(need.start).weekday()]}那个时间没空"
    return ""


def free_from(start: datetime, end: datetime, windows: tuple[tuple[int, int, int], ...]) -> datetime | None:
    """The first moment within the wished time at which a weekly window is open, with at least 15 minutes left."""
    begin, until = clock.local(start), clock.local(end)
    day = begin.replace(hour=0, minute=0, second=0, microsecond=0)
    found = []
    while day <= until:
        for weekday, opens, closes in windows:
            if weekday == day.weekday():
                first = max(begin, day + timedelta(minutes=opens))
                if min(until, day + timedelta(minutes=closes)) - first >= timedelta(minutes=15):
                    found.append(first)
        day += timedelta(days=1)
    return min(found, default=None)


def _distance(need: Need, who: Offering) -> tuple[float, str]:
    if need.unit_id and who.unit_id == need.unit_id:
        return SAME_UNIT, "同单元"
    if need.building_id and who.building_id == need.building_id:
        return SAME_BUILDING, "同楼栋"
    return SAME_ESTATE, f"住{who.building_name}" if who.building_name else ""


def _skill(need: Need, who: Offering) -> tuple[float, str]:
    return 0, "会" + "、".join(skill_name(skill) for skill in need.skills) if need.skills else ""


def _known(who: Offering) -> tuple[float, str]:
    return -min(KNOWN_MOST, who.served * KNOWN_EACH), f"曾服务{who.served}次" if who.served else ""


def _load(who: Offering) -> tuple[float, str]:
    cost = who.week_orders * LOAD_EACH + who.month_minutes / 60 * MONTH_HOUR
    return cost, f"本周{who.week_orders}单" + ("，不忙" if who.week_orders <= 2 else "")


def _time(need: Need, who: Offering) -> tuple[float, str]:
    if not need.start or not need.end:
        return 0, ""
    if not who.windows:
        return UNKNOWN_HOURS, "没登记空闲时间，先问一声"
    begin = free_from(need.start, need.end, who.windows)
    return 0, f"{begin.hour}:{begin.minute:02d} 有空" if begin else ""


def _past(who: Offering) -> tuple[float, str]:
    return who.declines * DECLINE_EACH, f"近90天婉拒{who.declines}次" if who.declines >= 3 else ""
