"""Who fits an order: hard rules that rule someone out, and costs that rank the rest, each with its reason in words.

Rules: 志愿服务条例 (match age and skill to the task, guardian's consent under 18, no emergencies for minors, no forced
assignment); personal care by a helper of the sex that was wished for; who asked not to meet again does not.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.identity import age_on
from services.dispatch.costs import LEVEL_NAMES, NEAR, NEXT, level_of, lines_of
from services.dispatch.terms import Need, Offering, Scale, Verdict
from services.dispatch.times import clock_of, date_of, free_from, is_off, weekday_of
from volunteers.registry.skills import SKILLS

ADULT, LEAST_AGE = 18, 14
WEEKDAYS = "一二三四五六日"
MANY_DECLINES = 3
RECENT_DAYS = 90
FEW_ORDERS = 2
SEX_NAMES = ("", "男", "女")
AWAY = {"suspended": "已暂停服务", "on_leave": "请假中", "left": "已退出", "erased": "已退出"}


def judge(need: Need, who: Offering, scale: Scale) -> Verdict:
    """Judge one volunteer for one order."""
    bar = barred(need, who)
    verdict = Verdict(need, who, bar or _ruled_out(need, who, scale), bool(bar))
    if verdict.ruled_out:
        return verdict
    if need.start is not None and need.end is not None:
        verdict.free, out = _time(need, who, scale.weights.margin)
        if out:
            verdict.ruled_out = out
            return verdict
    verdict.lines = lines_of(need, who, scale)
    verdict.reasons = _reasons(need, who, verdict, scale)
    return verdict


def barred(need: Need, who: Offering) -> str:
    """Why nobody may send this volunteer, whoever asks; nothing when one may."""
    if who.volunteer_id == need.person_id:
        return "是点单人本人"
    if who.household_id and who.household_id == need.household_id:
        return "和点单人是一家"
    if who.standing in AWAY:
        return AWAY[who.standing]
    if who.excluded:
        return "其中一方请求不再搭档"
    if need.helper_sex and who.sex != need.helper_sex:
        return f"居民希望{SEX_NAMES[need.helper_sex]}志愿者"
    return _too_young_or_old(need, who) or _unproven(need, who)


def _too_young_or_old(need: Need, who: Offering) -> str:
    if who.born is None:
        return "没登记出生日期，核对不了年龄" if need.min_age is not None or need.max_age is not None else ""
    age = age_on(who.born, date_of(need.day))
    if age < LEAST_AGE:
        return f"未满{LEAST_AGE}岁"
    if age < ADULT and not who.guardian:
        return f"未满{ADULT}岁，监护人没有同意"
    if age < ADULT and need.emergency:
        return f"未满{ADULT}岁，不参加应急服务"
    if need.min_age is not None and age < need.min_age:
        return f"不到{need.min_age}岁"
    return f"超过{need.max_age}岁" if need.max_age is not None and age > need.max_age else ""


def _unproven(need: Need, who: Offering) -> str:
    asked = [skill for skill in need.skills if skill in need.verified]
    if missing := [skill for skill in asked if skill not in who.skills]:
        return "不会" + _names(missing)
    if doubtful := [skill for skill in asked if not who.skills[skill]]:
        return _names(doubtful) + "没有核实"
    return "没有有效的培训" if need.training and not who.trained else ""


HERE = {
    "offered": "已派给他", "accepted": "已派给他", "checked_in": "已派给他", "completed": "已派给他",
    "declined": "这一单已婉拒", "withdrawn": "这一单已退出", "no_show": "这一单没有到",
}  # fmt: skip


def _ruled_out(need: Need, who: Offering, scale: Scale) -> str:
    if who.here in HERE:
        return HERE[who.here]
    if not who.available:
        return "暂不接单"
    missing = [skill for skill in need.skills if skill not in who.skills]
    if missing:
        return "不会" + _names(missing)
    if who.reach == "building" and (who.building_id is None or who.building_id != need.building_id):
        return "只去本楼栋"
    if (taken := who.weeks.get(need.week, 0)) >= who.weekly_cap:
        return f"{_week(need, scale)}已{taken}单，到上限"
    if who.offers_today >= scale.offers_a_day and not need.urgent:
        return f"今天已派{who.offers_today}单"
    return ""


def _week(need: Need, scale: Scale) -> str:
    return "本周" if need.week == scale.week else "那周"


def _names(skills: Sequence[str]) -> str:
    return "、".join(SKILLS.get(skill, skill) for skill in skills)


def _time(need: Need, who: Offering, margin: int) -> tuple[int | None, str]:
    """The first minute at which the volunteer is free in the wished time, or why there is none."""
    start, end = need.start, need.end
    assert start is not None and end is not None
    found = free_from(start, end, need.minutes, who.hours, who.off, who.busy, margin)
    if found is not None:
        return found, ""
    if all(is_off(day, who.off) for day in range(start // 1440, (end - 1) // 1440 + 1)):
        day = date_of(start // 1440)
        return None, f"{day.month}月{day.day}日不能来"
    if free_from(start, end, need.minutes, who.hours, who.off, (), margin) is not None:
        near = [task for task in who.tasks if task.end + margin > start and task.start - margin < end]
        first = min(near)
        what = "值班" if first.shift else "已派了别的单，等他答复" if first.asked else "有任务"
        return None, f"{clock_of(first.start)}–{clock_of(first.end)} {what}"
    return None, f"周{WEEKDAYS[weekday_of(start // 1440)]}那个时间没空"


def _reasons(need: Need, who: Offering, verdict: Verdict, scale: Scale) -> list[str]:
    """What speaks for a volunteer, and what against, in a few words; the weightiest first."""
    level = level_of(need, who)
    lives = "" if level <= NEAR else f"住{who.estate_name}" if level == NEXT else f"住{who.building_name}"
    close = f"{LEVEL_NAMES[level]}，{who.building_name}" if level == NEAR else LEVEL_NAMES[level]
    able = f"会{_names(need.skills)}" if need.skills else ""
    checked = need.skills and all(who.skills.get(skill) for skill in need.skills)
    taken = who.weeks.get(need.week, 0)
    recent = sum(days <= RECENT_DAYS for days in who.declines)
    missed = sum(days <= RECENT_DAYS for days in who.no_shows)
    timed = need.start is not None
    found = (
        close if level <= NEAR else "",
        able + ("，已核实" if checked else ""),
        lives if len(lives) > 1 else "",
        f"曾服务{who.served}次" if who.served else "",
        f"{_week(need, scale)}{taken}单" + ("，不忙" if taken <= FEW_ORDERS else ""),
        verdict.when,
        "居民评过5星" if who.five_stars else "",
        "没登记空闲时间，先问一声" if timed and not who.hours else "",
        f"近90天婉拒{recent}次" if recent >= MANY_DECLINES else "",
        f"近90天{missed}次没有到" if missed else "",
    )
    return [text for text in found if text]
