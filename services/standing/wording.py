"""What the pages of a standing order say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from core import clock
from core.web.formats import date_zh
from services.standing.aggregate import ROLES, Series
from services.standing.models import HelperState, StandingState, VisitState
from services.standing.plan import HOLIDAYS, Occurrence, Terms, next_visit, upcoming
from services.standing.queries import Visit
from services.standing.recurrence import DAY_NAMES

STATES: Mapping[str, tuple[str, str, str]] = {
    "proposed": ("待支部同意", "soon", "i-half"), "active": ("进行中", "run", "i-ring"),
    "paused": ("暂停", "soon", "i-clock"), "ended": ("已结束", "wait", "i-check"),
}  # fmt: skip
"""Word, tone and shape of each state."""
HELPER_WORDS: Mapping[str, str] = {
    "named": "支部同意后再问", "asked": "已问，等答复", "agreed": "愿意", "declined": "不方便", "gone": "已不在名册",
}  # fmt: skip
SHOWN = 8


@dataclass(frozen=True)
class Line:
    """One day of a list: when, what is to be said of it, and whether it is held."""

    day: date
    on: date
    text: str
    is_held: bool = True
    order_id: str | None = None
    order_state: str | None = None
    by_hand: bool = False

    @property
    def when(self) -> str:
        """The day in words, with its weekday."""
        return day_words(self.on)


def preview(terms: Terms, visits: Iterable[Visit] = (), since: date | None = None) -> list[Line]:
    """The next times as they would be, those skipped with the reason, and what somebody has taken already."""
    taken = {visit.day: visit for visit in visits if visit.is_taken and visit.is_ahead}
    called_off = [visit.day for visit in visits if visit.by_hand]
    plan = [found for found in upcoming(terms, SHOWN, since, called_off) if found.day not in taken]
    lines = [_line(found) for found in plan]
    lines += [
        Line(visit.day, visit.held_on, f"已有人接单（{visit.helpers}），不改动", order_id=visit.order_id)
        for visit in taken.values()
    ]
    return sorted(lines, key=lambda line: (line.on, line.day))[: SHOWN + len(taken)]


def _line(found: Occurrence) -> Line:
    return Line(found.day, found.on, found.skipped or found.moved, not found.skipped)


def coming(series: Series, visits: Sequence[Visit]) -> list[Line]:
    """The days to come: those made with their orders, then those planned."""
    if not series.is_open:
        return []
    ahead = [visit for visit in visits if visit.held_on >= clock.today()]
    made = {visit.day: visit for visit in ahead if visit.state == VisitState.MADE}
    called_off = {visit.day: visit for visit in ahead if visit.by_hand}
    plan = upcoming(series.terms, SHOWN, by_hand=list(called_off))
    lines = [
        Line(found.day, found.on, called_off[found.day].reason, False, by_hand=True) if found.day in called_off
        else _line(found) for found in plan if found.day not in made
    ]  # fmt: skip
    lines += [
        Line(v.day, v.held_on, v.helpers or v.note or v.reason, v.order_state != "cancelled", v.order_id, v.order_state)
        for v in made.values()
    ]
    return sorted(lines, key=lambda line: (line.on, line.day))[: SHOWN + len(made)]


def day_words(day: date) -> str:
    """11月24日 周二, the weekday always."""
    words = date_zh(day)
    return words if "周" in words else f"{words} 周{DAY_NAMES[day.weekday()]}"


def conclusion(series: Series) -> tuple[str, str]:
    """How it stands, in a sentence, and a line under it."""
    when = f"{series.told}，{series.item_name}"
    match series.state:
        case StandingState.PROPOSED:
            return f"{when}，等支部同意", "同意后按日子排单，不用每次点"
        case StandingState.ENDED:
            return f"{series.item_name}已结束", when
        case StandingState.PAUSED:
            return _paused(series), when
    following = next_visit(series.terms, series.called_off)
    return when, f"下一次 {day_words(following.on)} {series.clock_words}" if following else "没有下一次了"


def _paused(series: Series) -> str:
    until = f"到{date_zh(series.pause_until)}" if series.pause_until else "，恢复日期没有定"
    ahead = series.pause_from and series.pause_from > clock.today()
    return f"{date_zh(series.pause_from)}起暂停{until}" if ahead else f"暂停中{until}"


def facts(series: Series) -> list[tuple[str, str]]:
    """What was agreed, as key and value."""
    times = f"，共{series.times}次" if series.times else ""
    until = f"，到{date_zh(series.until)}" if series.until else ""
    return [
        ("日子", f"{series.told}，{series.clock_words}"),
        ("期间", f"{date_zh(series.starts_on)}起" + (times + until or "，一直做下去")),
        ("遇放假", HOLIDAYS[series.holidays]),
        ("需要", series.note),
        ("注意", "，".join(series.attention)),
    ]


_DID = {
    "set_up_series": "定下", "approve_series": "同意", "turn_down_series": "不同意", "change_series": "修改",
    "skip_visit": "跳过", "restore_visit": "恢复", "pause_series": "暂停", "resume_series": "恢复上门",
    "end_series": "结束", "agree_series": "愿意", "leave_series": "不再", "lose_helper": "不在志愿者名册了：",
}  # fmt: skip


def record(events: Sequence[Any]) -> list[tuple[datetime, str]]:
    """Who did what and why, newest first."""
    return [(event.at, f"{event.actor_name}{_did(event)}{'：' + event.reason if event.reason else ''}")
            for event in events]  # fmt: skip


def _did(event: Any) -> str:
    details = event.details or {}
    role = {"steady": "固定上门", "standin": "做替补"}.get(details.get("role", ""), "")
    match event.verb:
        case "set_up_series":
            return f"定下{details.get('told', '')}"
        case "change_series":
            before, now = details.get("told", ("", ""))
            return f"改为{now}（原来{before}）" if before != now else "改了内容"
        case "skip_visit" | "restore_visit":
            day = date.fromisoformat(details["day"])
            return f"{_DID[event.verb]}{day.month}月{day.day}日那次"
        case "agree_series" | "leave_series":
            return _DID[event.verb] + role
        case "lose_helper":
            return f"：{details.get('volunteer_name', '')}已不在志愿者名册"
    return _DID.get(event.verb, str(event.verb))


def helper_words(series: Series) -> list[tuple[str, str, str, HelperState]]:
    """(what, name, how they answered, state) of each volunteer named."""
    return [(ROLES[h.role], h.name, HELPER_WORDS.get(h.state, ""), h.state) for h in series.helpers]
